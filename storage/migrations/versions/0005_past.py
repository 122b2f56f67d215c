"""The past before our first contact: how far it was asked for, and since when it is told of a resource."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "past",
        sa.Column("scope_id", _BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", _BIG, nullable=False),
        sa.Column("after", _BIG, nullable=False),
        sa.Column("tries", _BIG, nullable=False),
        sa.Column("resources", _BIG, nullable=False),
        sa.Column("versions", _BIG, nullable=False),
        sa.Column("failed", _BIG, nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("leased_until", _BIG, nullable=True),
        sa.Column("next_try_at", _BIG, nullable=True),
        sa.Column("finished_at", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name=op.f("fk_past_scope_id")),
        sa.PrimaryKeyConstraint("scope_id", name=op.f("pk_past")),
    )
    op.add_column("resource", sa.Column("past_from", _BIG, nullable=True))
