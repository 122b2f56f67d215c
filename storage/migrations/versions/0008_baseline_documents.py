"""Baselines as exported: documents that are known to be good, and that we never saw ourselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "baseline_document",
        sa.Column("baseline_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("codec_id", _BIG, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["baseline.id"], name=op.f("fk_baseline_document_baseline_id")
        ),
        sa.ForeignKeyConstraint(["codec_id"], ["codec.id"], name=op.f("fk_baseline_document_codec_id")),
        sa.PrimaryKeyConstraint("baseline_id", "uid", name=op.f("pk_baseline_document")),
    )
    op.create_index(op.f("ix_baseline_document_uid"), "baseline_document", ["uid"], unique=False)
