"""The one schema, for SQLite and PostgreSQL. ``docs/storage.md`` says what each table is for and which queries it serves.

Times are int64 microseconds since 1970 UTC; what has not ended ends at ``2**62``. JSON in text columns is canonical.
Changing anything here needs a migration; a test holds the two equal on both databases.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from storage.times import OPEN

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""On SQLite only ``INTEGER PRIMARY KEY`` is the row id itself; its integers are 64 bits wide anyway."""
_BYTES = sa.LargeBinary()
_SMALL = sa.Integer()
"""On PostgreSQL half as wide, where there are as many as resources or versions: places, cycles, codecs are few."""
_TINY = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
UNENFORCED = "unenforced"
"""In the ``info`` of a foreign key that only SQLite enforces; on PostgreSQL ``db check`` looks (decision 0320)."""


class Table(SQLModel):
    """Base of all tables: metadata of our own, constraints with predictable names."""

    metadata: ClassVar[sa.MetaData] = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _unenforced(column: str) -> sa.ForeignKey:
    return sa.ForeignKey(column, info={UNENFORCED: True})


def _id() -> Any:
    return Field(default=None, sa_column=Column("id", _BIG, primary_key=True))


def _int(*, null: bool = False, default: int | None = None) -> Any:
    server = None if default is None else str(default)
    return Field(default=default, sa_column=Column(_BIG, nullable=null, server_default=server))


def _text(*, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(sa.Text(), nullable=null))


def _bytes(*, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(_BYTES, nullable=null))


class ScopeRow(Table, table=True):
    """A scope (with ``*``: what one listing spans), its coverage now; and, without ``*``, the place resources are in."""

    __tablename__ = "scope"
    __table_args__ = (sa.UniqueConstraint("provider", "account", "region", "type"), Index(None, "type"))
    id: int = _id()
    provider: str = _text()
    account: str = _text()
    region: str = _text()
    type: str = _text()
    first_complete_at: int | None = _int(null=True)
    last_complete_at: int | None = _int(null=True)
    last_complete_cycle: int | None = _int(null=True)
    last_attempt_at: int | None = _int(null=True)
    last_attempt_cycle: int | None = _int(null=True)
    status: str | None = _text(null=True)
    cause: str | None = _text(null=True)
    permission: str | None = _text(null=True)
    excluded: str | None = _text(null=True)
    read: int = _int(default=0)
    details_unread: int = _int(default=0)
    revision: int = _int(default=0)
    """Of a place: how often what is in it changed. What policies join is due again when this moved."""


class CoverageRow(Table, table=True):
    """The history of a scope's coverage: a row only where the status changed."""

    __tablename__ = "coverage"
    scope_id: int = Field(sa_column=Column(_BIG, sa.ForeignKey("scope.id"), primary_key=True))
    at: int = Field(sa_column=Column(_BIG, primary_key=True))
    cycle_id: int | None = _int(null=True)
    status: str = _text()
    cause: str | None = _text(null=True)
    permission: str | None = _text(null=True)


class PastRow(Table, table=True):
    """How far a scope's past, from before our first contact, was asked for. ``after``: the last resource asked about."""

    __tablename__ = "past"
    scope_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("scope.id"), primary_key=True, autoincrement=False)
    )
    status: str = _text()
    since: int = _int()
    after: int = _int()
    tries: int = _int()
    resources: int = _int()
    versions: int = _int()
    failed: int = _int()
    cause: str | None = _text(null=True)
    permission: str | None = _text(null=True)
    owner: str | None = _text(null=True)
    leased_until: int | None = _int(null=True)
    next_try_at: int | None = _int(null=True)
    finished_at: int | None = _int(null=True)


class ResourceRow(Table, table=True):
    """One resource: where it is, its newest digest, when it was first seen, last changed and proved gone.

    ``place_id`` is its exact (provider, account, region, type). ``scope_id`` is set only where the scope that listed it
    does not cover that place by its own words: an organisation's listing of its projects' resources.
    """

    __tablename__ = "resource"
    __table_args__ = (
        Index(
            None,
            "scope_id",
            sqlite_where=sa.text("scope_id IS NOT NULL"),
            postgresql_where=sa.text("scope_id IS NOT NULL"),
        ),
        Index(None, "place_id"),
    )
    id: int = _id()
    uid: str = Field(sa_column=Column(sa.Text(), nullable=False, unique=True))
    scope_id: int | None = Field(sa_column=Column(_SMALL, _unenforced("scope.id")))
    place_id: int = Field(sa_column=Column(_SMALL, _unenforced("scope.id"), nullable=False))
    name: str = _text()
    first_seen: int = _int()
    changed_at: int = _int()
    deleted_at: int | None = _int(null=True)
    digest: bytes = _bytes()
    missed: int = Field(default=0, sa_column=Column(_TINY, nullable=False, server_default="0"))
    unread: str | None = _text(null=True)
    past_from: int | None = _int(null=True)
    """When the oldest version begins that the cloud's own history told of; before ``first_seen``."""


class VersionRow(Table, table=True):
    """One content of a resource over [valid_from, valid_to).

    On PostgreSQL partitioned by its end (:mod:`storage.partitions`), each partition with its own key: (resource_id, valid_to) of
    what ended in a month, for of one resource one version ends at a time; resource_id of what is in force.

    No cycle is 0 and nobody is ``''`` where a version is written: one NULL would make its row 8 bytes longer on PostgreSQL
    (decision 0280). What was written before may hold NULL for either.
    """

    __tablename__ = "version"
    __table_args__ = (
        Index(None, "valid_from"),
        Index(
            None,
            "valid_to",
            sqlite_where=sa.text(f"valid_to < {OPEN}"),
            postgresql_where=sa.text(f"valid_to < {OPEN}"),
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": True},
        ),
        {"postgresql_partition_by": "RANGE (valid_to)"},
    )
    resource_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("resource.id"), primary_key=True, autoincrement=False)
    )
    valid_from: int = Field(sa_column=Column(_BIG, primary_key=True, autoincrement=False))
    valid_to: int = _int()
    digest: bytes = _bytes()
    cycle_id: int | None = Field(default=None, sa_column=Column(_SMALL, nullable=True))
    origin: int = Field(sa_column=Column(sa.SmallInteger(), nullable=False))
    actor: str | None = _text(null=True)
    closed_by: str | None = _text(null=True)
    codec_id: int = Field(sa_column=Column(_TINY, _unenforced("codec.id"), nullable=False))
    data: bytes = _bytes()


class AttributionRow(Table, table=True):
    """Who made a change of a resource (``at``: when a version began, or the last one ended): a question, then its answer."""

    __tablename__ = "attribution"
    __table_args__ = (
        Index(
            None,
            "until",
            sqlite_where=sa.text("status = 'asking'"),
            postgresql_where=sa.text("status = 'asking'"),
        ),
    )
    resource_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("resource.id"), primary_key=True, autoincrement=False)
    )
    at: int = Field(sa_column=Column(_BIG, primary_key=True, autoincrement=False))
    since: int = _int()
    until: int = _int()
    """The change happened in (since, until]."""
    status: str = _text()
    deeds: str | None = _text(null=True)
    cause: str | None = _text(null=True)
    permission: str | None = _text(null=True)
    next_try_at: int | None = _int(null=True)


class CodecRow(Table, table=True):
    """How documents are compressed. Dictionaries are kept for ever: a version without its dictionary is lost."""

    __tablename__ = "codec"
    __table_args__ = (Index(None, "type"),)
    id: int = _id()
    type: str | None = _text(null=True)
    method: str = _text()
    dictionary: bytes | None = _bytes(null=True)
    samples: int = _int(default=0)
    created_at: int = _int()


class CycleRow(Table, table=True):
    """One cycle: what was asked, how it went, and its sentence."""

    __tablename__ = "cycle"
    __table_args__ = (Index(None, "started_at"),)
    id: int = _id()
    instance: str = _text()
    kind: str = _text()
    selection: str = _text()
    started_at: int = _int()
    finished_at: int | None = _int(null=True)
    status: str = _text()
    sentence: str | None = _text(null=True)
    summary: str | None = _text(null=True)


class DueRow(Table, table=True):
    """The outbox: a resource that must be judged, because it changed. ``token`` stands for the state to be judged."""

    __tablename__ = "due"
    resource_id: int = Field(
        sa_column=Column(_BIG, _unenforced("resource.id"), primary_key=True, autoincrement=False)
    )
    token: int = _int()
    since: int = _int()
    baseline: bool = Field(sa_column=Column(sa.Boolean(), nullable=False))


class AppliedRow(Table, table=True):
    """Which policies, by digest, have been run over everything there is."""

    __tablename__ = "policy_applied"
    policy_id: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    digest: bytes = _bytes()
    applied_at: int = _int()


class JoinedRow(Table, table=True):
    """As what a joining policy was last applied to an account, or to the estate (both names empty)."""

    __tablename__ = "joined"
    policy_id: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    provider: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    account: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    digest: bytes = _bytes()
    applied_at: int = _int()


class FindingRow(Table, table=True):
    """(Resource, policy) failing over [opened_at, resolved_at). At most one is open for each pair."""

    __tablename__ = "finding"
    __table_args__ = (
        Index(None, "opened_at", "resolved_at", "policy_id"),
        Index(
            "ix_finding_resolved_at",
            "resolved_at",
            sqlite_where=sa.text(f"resolved_at < {OPEN}"),
            postgresql_where=sa.text(f"resolved_at < {OPEN}"),
        ),
        Index(
            "uq_finding_open",
            "resource_id",
            "policy_id",
            unique=True,
            sqlite_where=sa.text(f"resolved_at = {OPEN}"),
            postgresql_where=sa.text(f"resolved_at = {OPEN}"),
        ),
        Index(None, "resource_id"),
        Index(
            None,
            "exemption",
            sqlite_where=sa.text("exemption IS NOT NULL"),
            postgresql_where=sa.text("exemption IS NOT NULL"),
        ),
    )
    seq: int = Field(default=None, sa_column=Column(_BIG, primary_key=True))
    id: str = Field(sa_column=Column(sa.Text(), nullable=False, unique=True))
    resource_id: int = Field(sa_column=Column(_BIG, sa.ForeignKey("resource.id"), nullable=False))
    policy_id: str = _text()
    policy_digest: bytes = _bytes()
    title: str = _text()
    phase: str = _text()
    severity: str = _text()
    frameworks: str = _text()
    message: str = _text()
    details: str | None = _text(null=True)
    opened_at: int = _int()
    opened_cycle: int | None = _int(null=True)
    updated_at: int = _int()
    resolved_at: int = _int(default=OPEN)
    resolved_cycle: int | None = _int(null=True)
    reason: str | None = _text(null=True)
    baseline: bool = Field(sa_column=Column(sa.Boolean(), nullable=False))
    enforcement: str | None = _text(null=True)
    """The policy's level; null was never told, and is soft-mandatory."""
    exemption: str | None = _text(null=True)
    """The exemption that covers it, or did last; whether it holds is a matter of its own times."""


class ExemptionRow(Table, table=True):
    """One exemption: which findings are borne, on whose word, until when. Never deleted; it ends or is revoked."""

    __tablename__ = "exemption"
    __table_args__ = (Index(None, "until"),)
    id: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    policy: str = _text()
    resource: str | None = _text(null=True)
    account: str | None = _text(null=True)
    tags: str = _text()
    expression: str | None = _text(null=True)
    who: str = _text()
    why: str = _text()
    ticket: str = _text()
    created_at: int = _int()
    until: int = _int()
    revoked_at: int | None = _int(null=True)
    revoked_by: str | None = _text(null=True)
    revoked_why: str | None = _text(null=True)


class UnknownRow(Table, table=True):
    """(Resource, policy) that could not be decided, and why. Opens nothing, closes nothing."""

    __tablename__ = "unknown"
    resource_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("resource.id"), primary_key=True, autoincrement=False)
    )
    policy_id: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    since: int = _int()
    cause: str = _text()


class LedgerRow(Table, table=True):
    """One entry of the append-only, hash-chained ledger. Triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger"
    __table_args__ = (Index(None, "subject"), Index(None, "at"))
    seq: int = Field(sa_column=Column(_BIG, primary_key=True, autoincrement=False))
    at: int = _int()
    kind: str = _text()
    actor: str = _text()
    subject: str = _text()
    detail: str = _text()
    key: str | None = Field(default=None, sa_column=Column(sa.Text(), nullable=True, unique=True))
    prev: bytes = _bytes()
    hash: bytes = _bytes()


class ActionRow(Table, table=True):
    """One act on one target: proposed, decided, done, undone; with the receipt an undo needs."""

    __tablename__ = "action"
    __table_args__ = (
        Index(None, "target_uid", "created_at"),
        Index(None, "hook", "account", "acted_at"),
        Index(None, "status"),
        Index(None, "request_id"),
    )
    id: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    plan_id: str | None = _text(null=True)
    hook: str = _text()
    kind: str = _text()
    mode: str = _text()
    status: str = _text()
    provider: str = _text()
    account: str = _text()
    region: str = _text()
    type: str = _text()
    target_uid: str = _text()
    event_id: str | None = _text(null=True)
    finding_id: str | None = _text(null=True)
    policy_id: str | None = _text(null=True)
    parameters: str = _text()
    receipt: str | None = _text(null=True)
    request_id: str | None = _text(null=True)
    reason: str | None = _text(null=True)
    created_at: int = _int()
    acted_at: int | None = _int(null=True)
    finished_at: int | None = _int(null=True)


class EventRow(Table, table=True):
    """An event that has been taken, by the cloud's own id, so that five deliveries are one event."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "received_at"),)
    id: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    received_at: int = _int()
    provider: str = _text()
    kind: str = _text()
    type: str = _text()
    account: str = _text()
    title: str = _text()


class DeadLetterRow(Table, table=True):
    """A message that could not be understood, as it came."""

    __tablename__ = "dead_letter"
    __table_args__ = (sa.UniqueConstraint("source", "message_id"), Index(None, "at"))
    id: int = _id()
    source: str = _text()
    message_id: str = _text()
    body: bytes = _bytes()
    cause: str = _text()
    at: int = _int()
    deliveries: int = _int(default=1)


class BaselineRow(Table, table=True):
    """A named state that is known to be good: what was chosen, as of when, on whose word."""

    __tablename__ = "baseline"
    id: int = _id()
    name: str = Field(sa_column=Column(sa.Text(), nullable=False, unique=True))
    at: int = _int()
    selection: str = _text()
    who: str = _text()
    why: str = _text()
    pinned_at: int = _int()
    approved_at: int | None = _int(null=True)


class BaselineItemRow(Table, table=True):
    """Which version of a resource a baseline holds. Such a version is never let go of."""

    __tablename__ = "baseline_item"
    __table_args__ = (Index(None, "resource_id", "valid_from"),)
    baseline_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("baseline.id"), primary_key=True, autoincrement=False)
    )
    resource_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("resource.id"), primary_key=True, autoincrement=False)
    )
    valid_from: int = _int()


class BaselineDocumentRow(Table, table=True):
    """A document that a baseline holds as it was exported, not as we saw it."""

    __tablename__ = "baseline_document"
    __table_args__ = (Index(None, "uid"),)
    baseline_id: int = Field(
        sa_column=Column(_BIG, sa.ForeignKey("baseline.id"), primary_key=True, autoincrement=False)
    )
    uid: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    provider: str = _text()
    account: str = _text()
    region: str = _text()
    type: str = _text()
    codec_id: int = Field(sa_column=Column(_BIG, sa.ForeignKey("codec.id"), nullable=False))
    data: bytes = _bytes()


class StateRow(Table, table=True):
    """Small facts that outlive the process: the pause switch, the ledger's head."""

    __tablename__ = "state"
    key: str = Field(sa_column=Column(sa.Text(), primary_key=True))
    value: str = _text()
    updated_at: int = _int()


def table(model: type[SQLModel]) -> sa.Table:
    """The Core table of a model."""
    return cast("sa.Table", vars(model)["__table__"])


SCOPE = table(ScopeRow)
COVERAGE = table(CoverageRow)
PAST = table(PastRow)
RESOURCE = table(ResourceRow)
VERSION = table(VersionRow)
ATTRIBUTION = table(AttributionRow)
CODEC = table(CodecRow)
CYCLE = table(CycleRow)
DUE = table(DueRow)
APPLIED = table(AppliedRow)
JOINED = table(JoinedRow)
FINDING = table(FindingRow)
UNKNOWN = table(UnknownRow)
EXEMPTION = table(ExemptionRow)
LEDGER = table(LedgerRow)
ACTION = table(ActionRow)
EVENT = table(EventRow)
DEAD_LETTER = table(DeadLetterRow)
BASELINE = table(BaselineRow)
BASELINE_ITEM = table(BaselineItemRow)
BASELINE_DOCUMENT = table(BaselineDocumentRow)
STATE = table(StateRow)
