"""Versions in less room on PostgreSQL (decision 0280): no NULLs, a key for each partition, ends found by block ranges. SQLite has
nothing to gain by it and stays as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = 2**62

# A row with a NULL among more than eight columns has a header of 32 bytes instead of 24. This writes each partition anew, once.
_NARROW = """
ALTER TABLE version
    ALTER cycle_id TYPE integer USING coalesce(cycle_id, 0),
    ALTER codec_id TYPE smallint,
    ALTER actor TYPE text USING coalesce(actor, ''),
    ALTER closed_by TYPE text USING coalesce(closed_by, '')
"""
# The planner is never asked about the content; a histogram of documents is larger than all else it knows.
_UNCOUNTED = "ALTER data SET STATISTICS 0, ALTER digest SET STATISTICS 0"
# What ends is appended to its month, so blocks tell the times of ends apart.
_ENDS = f"""
CREATE INDEX ix_version_valid_to ON version USING brin (valid_to) WITH (pages_per_range = 16, autosummarize = true)
WHERE valid_to < {OPEN}
"""
# A key of the whole table must hold valid_to; one of a partition need not, and its partitions hold different ends anyway.
_MAKE = """
CREATE OR REPLACE FUNCTION version_month(moment bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $$
DECLARE
    begins timestamp := date_trunc('month', to_timestamp(floor(moment / 1000000.0)) AT TIME ZONE 'UTC');
    name text := 'version_' || to_char(begins, 'YYYY_MM');
BEGIN
    IF moment >= {open} OR to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE version INCLUDING STORAGE)', name);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (resource_id, valid_to), {uncounted}',
        name, 'pk_' || name);
    EXECUTE format('ALTER TABLE version ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name,
        extract(epoch FROM begins)::bigint * 1000000,
        extract(epoch FROM begins + interval '1 month')::bigint * 1000000);
END $$
"""
_PARTITIONS = sa.text(
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'version'::regclass"
)


def upgrade() -> None:
    """Bring the schema forward."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        return
    op.drop_constraint("pk_version", "version")
    op.drop_index("ix_version_valid_to", "version")
    op.execute(_NARROW)
    op.execute(f"ALTER TABLE version {_UNCOUNTED}")
    op.execute("ALTER TABLE resource ALTER digest SET STATISTICS 0")
    for name in connection.scalars(_PARTITIONS).all():
        key = "resource_id" if name == "version_open" else "resource_id, valid_to"
        op.execute(f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY ({key})")
    op.execute(_ENDS)
    schema = connection.scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute(_MAKE.format(schema=schema, open=OPEN, uncounted=_UNCOUNTED))
