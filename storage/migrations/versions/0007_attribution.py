"""Who made each change, as the cloud's own record tells it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "attribution",
        sa.Column("resource_id", _BIG, nullable=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("since", _BIG, nullable=False),
        sa.Column("until", _BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("deeds", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.Column("next_try_at", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_attribution_resource_id")),
        sa.PrimaryKeyConstraint("resource_id", "at", name=op.f("pk_attribution")),
    )
    op.create_index(
        op.f("ix_attribution_until"),
        "attribution",
        ["until"],
        unique=False,
        sqlite_where=sa.text("status = 'asking'"),
        postgresql_where=sa.text("status = 'asking'"),
    )
