"""Baselines: which version of which resource is known to be good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "baseline",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("pinned_at", _BIG, nullable=False),
        sa.Column("approved_at", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline")),
        sa.UniqueConstraint("name", name=op.f("uq_baseline_name")),
    )
    op.create_table(
        "baseline_item",
        sa.Column("baseline_id", _BIG, nullable=False),
        sa.Column("resource_id", _BIG, nullable=False),
        sa.Column("valid_from", _BIG, nullable=False),
        sa.ForeignKeyConstraint(["baseline_id"], ["baseline.id"], name=op.f("fk_baseline_item_baseline_id")),
        sa.ForeignKeyConstraint(
            ["resource_id", "valid_from"],
            ["version.resource_id", "version.valid_from"],
            name=op.f("fk_baseline_item_resource_id"),
        ),
        sa.PrimaryKeyConstraint("baseline_id", "resource_id", name=op.f("pk_baseline_item")),
    )
    op.create_index(
        op.f("ix_baseline_item_resource_id_valid_from"),
        "baseline_item",
        ["resource_id", "valid_from"],
        unique=False,
    )
