"""What policies join: how often each place changed, and as what a joining policy was last applied."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("scope", sa.Column("revision", _BIG, server_default="0", nullable=False))
    op.create_index(op.f("ix_scope_type"), "scope", ["type"], unique=False)
    op.create_table(
        "joined",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("applied_at", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "provider", "account", name=op.f("pk_joined")),
    )
