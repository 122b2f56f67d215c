"""Versions by time on PostgreSQL, and its keys in half the room. On SQLite only what points at a version is loosened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = 2**62

_VERSION = "resource_id, valid_from, valid_to, cycle_id, codec_id, origin, digest, actor, closed_by, data"
_RESOURCE = (
    "id, scope_id, place_id, first_seen, changed_at, deleted_at, missed, digest, uid, name, unread, past_from"
)
# The wide columns first, so that none is padded.
_RESOURCES = """
CREATE TABLE resource (
    id bigint DEFAULT nextval('resource_id_seq') NOT NULL,
    first_seen bigint NOT NULL,
    changed_at bigint NOT NULL,
    deleted_at bigint,
    past_from bigint,
    place_id integer NOT NULL,
    scope_id integer,
    missed smallint DEFAULT 0 NOT NULL,
    digest bytea NOT NULL,
    uid text NOT NULL,
    name text NOT NULL,
    unread text
)
"""
_VERSIONS = """
CREATE TABLE version (
    resource_id bigint NOT NULL,
    valid_from bigint NOT NULL,
    valid_to bigint NOT NULL,
    cycle_id integer,
    codec_id integer NOT NULL,
    origin smallint NOT NULL,
    digest bytea NOT NULL,
    actor text,
    closed_by text,
    data bytea STORAGE EXTERNAL NOT NULL
) PARTITION BY RANGE (valid_to)
"""
# A hundredth of these rows moves out in an hour; what they leave must be found again before the table grows.
_OPEN = f"""
CREATE TABLE version_open PARTITION OF version FOR VALUES FROM ({OPEN}) TO (MAXVALUE)
WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.2)
"""
# The daemon's user need not own the tables: it may make a month, and drop one that is empty, by these alone.
_MAKE = f"""
CREATE FUNCTION version_month(moment bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {{schema}}, pg_temp AS $$
DECLARE
    begins timestamp := date_trunc('month', to_timestamp(floor(moment / 1000000.0)) AT TIME ZONE 'UTC');
    name text := 'version_' || to_char(begins, 'YYYY_MM');
BEGIN
    IF moment >= {OPEN} OR to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE version INCLUDING STORAGE)', name);
    EXECUTE format('ALTER TABLE version ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name,
        extract(epoch FROM begins)::bigint * 1000000,
        extract(epoch FROM begins + interval '1 month')::bigint * 1000000);
END $$
"""
_DROP = """
CREATE FUNCTION version_month_drop(name text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $$
DECLARE
    filled boolean;
BEGIN
    IF name !~ '^version_[0-9]{{4}}_[0-9]{{2}}$' OR to_regclass(name) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE ONLY version, ONLY %I IN ACCESS EXCLUSIVE MODE', name);
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO filled;
    IF NOT filled THEN
        EXECUTE format('DROP TABLE %I', name);
    END IF;
    RETURN NOT filled;
END $$
"""
# Of a resource one version ends at a time; (resource_id, valid_from) cannot be unique across partitions by the end.
_AFTER = (
    "ALTER SEQUENCE resource_id_seq OWNED BY resource.id",
    "ALTER TABLE resource ADD CONSTRAINT pk_resource PRIMARY KEY (id)",
    # Ids are long; a hash tells them apart in half the room. As an exclusion it is as unique.
    "ALTER TABLE resource ADD CONSTRAINT uq_resource_uid EXCLUDE USING hash (uid WITH =)",
    "CREATE INDEX ix_resource_place_id ON resource (place_id)",
    "CREATE INDEX ix_resource_scope_id ON resource (scope_id) WHERE scope_id IS NOT NULL",
    "ALTER TABLE resource ADD CONSTRAINT fk_resource_place_id FOREIGN KEY (place_id) REFERENCES scope (id)",
    "ALTER TABLE resource ADD CONSTRAINT fk_resource_scope_id FOREIGN KEY (scope_id) REFERENCES scope (id)",
    "ALTER TABLE version ADD CONSTRAINT pk_version PRIMARY KEY (resource_id, valid_to)",
    "CREATE INDEX ix_version_valid_from ON version (valid_from)",
    f"CREATE INDEX ix_version_valid_to ON version (valid_to) WHERE valid_to < {OPEN}",
    "ALTER TABLE version ADD CONSTRAINT fk_version_codec_id FOREIGN KEY (codec_id) REFERENCES codec (id)",
    "ALTER TABLE version ADD CONSTRAINT fk_version_resource_id FOREIGN KEY (resource_id) REFERENCES resource (id)",
)
_FUNCTIONS = "version_month(bigint), version_month_drop(text)"


def upgrade() -> None:
    """Bring the schema forward."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("baseline_item") as batch:
            batch.drop_constraint("fk_baseline_item_resource_id", type_="foreignkey")
            batch.create_foreign_key("fk_baseline_item_resource_id", "resource", ["resource_id"], ["id"])
        return
    granted, pointing = _granted(), _pointing()
    _set_aside(pointing)
    _make()
    for table, columns, order in (
        ("resource", _RESOURCE, "id"),
        ("version", _VERSION, "valid_to, resource_id"),
    ):
        op.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_before ORDER BY {order}"  # noqa: S608
        )
    op.drop_table("version_before")
    op.drop_table("resource_before")
    for statement in _AFTER:
        op.execute(statement)
    for table, name, definition in pointing:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for grantee, table, privilege in granted:
        op.execute(f"GRANT {privilege} ON {table} TO {grantee}")
        if (table, privilege) == ("version", "INSERT"):
            op.execute(f"GRANT EXECUTE ON FUNCTION {_FUNCTIONS} TO {grantee}")


def _granted() -> list[tuple[str, str, str]]:
    """Who may do what with the two tables, besides us: (role, table, privilege)."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT CASE grantee WHEN 'PUBLIC' THEN grantee ELSE quote_ident(grantee) END, table_name, privilege_type "
            "FROM information_schema.role_table_grants WHERE table_schema = current_schema() "
            "AND table_name IN ('version', 'resource') AND grantee <> current_user"
        )
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def _pointing() -> list[tuple[str, str, str]]:
    """What points at a resource, besides its versions: (table, constraint, definition)."""
    op.drop_constraint("fk_baseline_item_resource_id", "baseline_item")
    op.create_foreign_key(
        "fk_baseline_item_resource_id", "baseline_item", "resource", ["resource_id"], ["id"]
    )
    rows = op.get_bind().execute(
        sa.text(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND confrelid = to_regclass('resource') AND conrelid <> to_regclass('version')"
        )
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def _set_aside(pointing: list[tuple[str, str, str]]) -> None:
    for table, name, _ in pointing:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for table, constraints, indexes in (
        (
            "version",
            ("fk_version_resource_id", "fk_version_codec_id", "pk_version"),
            ("ix_version_valid_from", "ix_version_valid_to"),
        ),
        (
            "resource",
            ("fk_resource_place_id", "fk_resource_scope_id", "uq_resource_uid", "pk_resource"),
            ("ix_resource_place_id", "ix_resource_scope_id"),
        ),
    ):
        for name in constraints:
            op.drop_constraint(name, table)
        for name in indexes:
            op.drop_index(name, table)
        op.rename_table(table, f"{table}_before")


def _make() -> None:
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute("ALTER SEQUENCE resource_id_seq OWNED BY NONE")
    for statement in (_RESOURCES, _VERSIONS, _OPEN):
        op.execute(statement)
    for function in (_MAKE, _DROP):
        op.execute(function.format(schema=schema))
    op.execute(f"REVOKE ALL ON FUNCTION {_FUNCTIONS} FROM PUBLIC")
    # Without indexes yet, so that they are built dense when the rows are there.
    op.execute(
        "SELECT version_month(day * 86400000000) "  # noqa: S608 - nothing here is of another's making
        f"FROM (SELECT DISTINCT valid_to / 86400000000 AS day FROM version_before WHERE valid_to < {OPEN}) AS ended"
    )
