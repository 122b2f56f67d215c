"""The foundation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE_TRIGGERS = tuple(
    f"CREATE TRIGGER ledger_no_{verb.lower()} BEFORE {verb} ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
_POSTGRESQL = (
    """
    CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
    """,
    """
    CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
    """,
    # The data is compressed already; trying again costs time and gains nothing.
    "ALTER TABLE version ALTER COLUMN data SET STORAGE EXTERNAL",
)


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "action",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=True),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("target_uid", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("finding_id", sa.Text(), nullable=True),
        sa.Column("policy_id", sa.Text(), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", _BIG, nullable=False),
        sa.Column("acted_at", _BIG, nullable=True),
        sa.Column("finished_at", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index(
        op.f("ix_action_hook_account_acted_at"), "action", ["hook", "account", "acted_at"], unique=False
    )
    op.create_index(op.f("ix_action_request_id"), "action", ["request_id"], unique=False)
    op.create_index(op.f("ix_action_status"), "action", ["status"], unique=False)
    op.create_index(
        op.f("ix_action_target_uid_created_at"), "action", ["target_uid", "created_at"], unique=False
    )

    op.create_table(
        "codec",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("dictionary", sa.LargeBinary(), nullable=True),
        sa.Column("samples", _BIG, server_default="0", nullable=False),
        sa.Column("created_at", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codec")),
    )
    op.create_index(op.f("ix_codec_type"), "codec", ["type"], unique=False)

    op.create_table(
        "cycle",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("started_at", _BIG, nullable=False),
        sa.Column("finished_at", _BIG, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
    )
    op.create_index(op.f("ix_cycle_started_at"), "cycle", ["started_at"], unique=False)

    op.create_table(
        "dead_letter",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("deliveries", _BIG, server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("source", "message_id", name=op.f("uq_dead_letter_source_message_id")),
    )
    op.create_index(op.f("ix_dead_letter_at"), "dead_letter", ["at"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("received_at", _BIG, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_received_at"), "event", ["received_at"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_key")),
    )
    op.create_index(op.f("ix_ledger_at"), "ledger", ["at"], unique=False)
    op.create_index(op.f("ix_ledger_subject"), "ledger", ["subject"], unique=False)

    op.create_table(
        "policy_applied",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("applied_at", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_policy_applied")),
    )
    op.create_table(
        "scope",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("first_complete_at", _BIG, nullable=True),
        sa.Column("last_complete_at", _BIG, nullable=True),
        sa.Column("last_complete_cycle", _BIG, nullable=True),
        sa.Column("last_attempt_at", _BIG, nullable=True),
        sa.Column("last_attempt_cycle", _BIG, nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.Column("excluded", sa.Text(), nullable=True),
        sa.Column("read", _BIG, server_default="0", nullable=False),
        sa.Column("details_unread", _BIG, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scope")),
        sa.UniqueConstraint(
            "provider", "account", "region", "type", name=op.f("uq_scope_provider_account_region_type")
        ),
    )
    op.create_table(
        "state",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_state")),
    )
    op.create_table(
        "coverage",
        sa.Column("scope_id", _BIG, nullable=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("cycle_id", _BIG, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name=op.f("fk_coverage_scope_id")),
        sa.PrimaryKeyConstraint("scope_id", "at", name=op.f("pk_coverage")),
    )
    op.create_table(
        "resource",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("scope_id", _BIG, nullable=True),
        sa.Column("place_id", _BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_seen", _BIG, nullable=False),
        sa.Column("changed_at", _BIG, nullable=False),
        sa.Column("deleted_at", _BIG, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("missed", _BIG, server_default="0", nullable=False),
        sa.Column("unread", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["place_id"], ["scope.id"], name=op.f("fk_resource_place_id")),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name=op.f("fk_resource_scope_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("uid", name=op.f("uq_resource_uid")),
    )
    op.create_index(op.f("ix_resource_place_id"), "resource", ["place_id"], unique=False)
    op.create_index(
        op.f("ix_resource_scope_id"),
        "resource",
        ["scope_id"],
        unique=False,
        sqlite_where=sa.text("scope_id IS NOT NULL"),
        postgresql_where=sa.text("scope_id IS NOT NULL"),
    )

    op.create_table(
        "due",
        sa.Column("resource_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("token", _BIG, nullable=False),
        sa.Column("since", _BIG, nullable=False),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_due_resource_id")),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_due")),
    )
    op.create_table(
        "finding",
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("resource_id", _BIG, nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("frameworks", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("opened_at", _BIG, nullable=False),
        sa.Column("opened_cycle", _BIG, nullable=True),
        sa.Column("updated_at", _BIG, nullable=False),
        sa.Column("resolved_at", _BIG, server_default="4611686018427387904", nullable=False),
        sa.Column("resolved_cycle", _BIG, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.Column("exemption", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_finding_resource_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_finding")),
        sa.UniqueConstraint("id", name=op.f("uq_finding_id")),
    )
    op.create_index(
        op.f("ix_finding_opened_at_resolved_at_policy_id"),
        "finding",
        ["opened_at", "resolved_at", "policy_id"],
        unique=False,
    )
    op.create_index(
        "ix_finding_resolved_at",
        "finding",
        ["resolved_at"],
        unique=False,
        sqlite_where=sa.text("resolved_at < 4611686018427387904"),
        postgresql_where=sa.text("resolved_at < 4611686018427387904"),
    )
    op.create_index(op.f("ix_finding_resource_id"), "finding", ["resource_id"], unique=False)
    op.create_index(
        "uq_finding_open",
        "finding",
        ["resource_id", "policy_id"],
        unique=True,
        sqlite_where=sa.text("resolved_at = 4611686018427387904"),
        postgresql_where=sa.text("resolved_at = 4611686018427387904"),
    )

    op.create_table(
        "unknown",
        sa.Column("resource_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("since", _BIG, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_unknown_resource_id")),
        sa.PrimaryKeyConstraint("resource_id", "policy_id", name=op.f("pk_unknown")),
    )
    op.create_table(
        "version",
        sa.Column("resource_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("valid_from", _BIG, autoincrement=False, nullable=False),
        sa.Column("valid_to", _BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("cycle_id", _BIG, nullable=True),
        sa.Column("origin", sa.SmallInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("codec_id", _BIG, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["codec_id"], ["codec.id"], name=op.f("fk_version_codec_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_version_resource_id")),
        sa.PrimaryKeyConstraint("resource_id", "valid_from", name=op.f("pk_version")),
    )
    op.create_index(op.f("ix_version_valid_from"), "version", ["valid_from"], unique=False)
    op.create_index(
        op.f("ix_version_valid_to"),
        "version",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to < 4611686018427387904"),
        postgresql_where=sa.text("valid_to < 4611686018427387904"),
    )
    statements = _SQLITE_TRIGGERS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        op.execute(statement)
    # Codec 0 compresses without a dictionary.
    op.execute("INSERT INTO codec (id, method, created_at) VALUES (0, 'zstd', 0)")
