"""An index on every field of the newest documents, on PostgreSQL; empty until the settings ask for it."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        "CREATE TABLE search (resource_id bigint CONSTRAINT pk_search PRIMARY KEY, body jsonb NOT NULL)"
    )
    op.execute("CREATE INDEX ix_search_body ON search USING gin (body jsonb_path_ops)")
