"""On PostgreSQL no foreign keys to what nothing deletes, where a row is written for each resource (decision 0320). SQLite keeps them:
taking one away there would write the whole table anew."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_constraint("fk_resource_place_id", "resource")
    op.drop_constraint("fk_resource_scope_id", "resource")
    op.drop_constraint("fk_due_resource_id", "due")
    op.drop_constraint("fk_version_codec_id", "version")
