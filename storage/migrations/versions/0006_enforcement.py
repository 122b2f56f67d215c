"""Findings know how far their policy is enforced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("finding", sa.Column("enforcement", sa.Text(), nullable=True))
