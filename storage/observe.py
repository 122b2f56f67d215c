"""Writing what was observed: versions for what is new or different, one transaction for a batch, nothing for the rest.

:class:`Observer` is shared by the recording of a scope and by early re-reads of one resource. It decides by the stored
rows, inside the writer's transaction, never by what another transaction may have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.provider import Deed
from providers.resource import Resource, ResourceRef, Scope
from storage import attribution, bulk, documents, partitions, search
from storage.among import among
from storage.codec import Codecs
from storage.documents import Record
from storage.rows import Row, chunks, decoded, place_id, rows_by, touch
from storage.tables import DUE, FINDING, RESOURCE, UNKNOWN, VERSION
from storage.text import clean, to_json
from storage.times import OPEN, from_us
from storage.values import Change, ChangeKind, Origin

OVERLAP_US = 3_600_000_000
"""A listing that began up to an hour before a proved absence does not bring the resource back."""


_Place = tuple[str, str, str, str]
"""Provider, account, region, type."""

_RESOURCE_COLUMNS = (
    "id",
    "uid",
    "scope_id",
    "place_id",
    "name",
    "first_seen",
    "changed_at",
    "digest",
    "missed",
    "unread",
)
_VERSION_COLUMNS = (
    "resource_id",
    "valid_from",
    "valid_to",
    "digest",
    "cycle_id",
    "origin",
    "actor",
    "closed_by",
    "codec_id",
    "data",
)
_DUE_COLUMNS = ("resource_id", "token", "since", "baseline")

_VERSION_KEY = ("resource_id", "valid_from")
_CLOSED = ("valid_to",)
_CLOSED_BY = ("valid_to", "closed_by")
_IN_FORCE = f"version.valid_to = {OPEN}"
"""Of the versions to close; on PostgreSQL it names their partition."""
_CONTENT = ("digest", "changed_at", "place_id", "scope_id", "name", "unread", "missed", "deleted_at")
_STATE = ("unread", "scope_id", "missed")
_GONE = ("deleted_at", "missed", "unread")


class Seen(NamedTuple):
    """One observation: the resource with its canonical bytes and their digest."""

    resource: Resource
    data: bytes
    digest: bytes


class Settled(NamedTuple):
    """What became of one observation: the row it has now, and the digest it had before this batch."""

    id: int
    digest: bytes
    before: bytes | None
    unread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Under what an observation is made."""

    at: int
    cycle_id: int | None
    actor: str | None
    scope_id: int | None
    """The listing scope's row; None for a single re-read."""
    covers: Callable[[ResourceRef], bool]
    """Whether the listing scope covers a place by its own words."""
    first_contact: Callable[[ResourceRef], bool]
    since: int | None = None
    """What changes now was otherwise then: the last complete reading before, where there was one."""
    until: int | None = None
    """What is seen now was read by then."""
    deed: Deed | None = None
    """What an event says was done."""
    stale: Callable[[Row], bool]
    """Whether a row was written by another since this listing began, so that the listing may be older."""


@dataclass(slots=True)
class _Batch:
    """The rows to be written at the end of a batch."""

    created: list[tuple[Seen, int, int | None]] = field(default_factory=list)
    versions: list[tuple[Any, ...]] = field(default_factory=list)
    closed: list[tuple[Any, ...]] = field(default_factory=list)
    contents: list[tuple[Any, ...]] = field(default_factory=list)
    states: list[tuple[Any, ...]] = field(default_factory=list)
    newest: list[tuple[int, bytes]] = field(default_factory=list)
    """The record of each new version, by resource."""
    due: list[tuple[int, int, int, bool]] = field(default_factory=list)
    stale_due: list[int] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    """Places whose content changed."""
    changes: list[Change] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)


class Observer:
    """Writes one batch of observations within the caller's transaction."""

    def __init__(self, connection: Connection, codecs: Codecs, context: Context) -> None:
        self._connection = connection
        self._codecs = codecs
        self._context = context
        self._batch = _Batch()
        self._places: dict[_Place, int] = {}

    def store(self, seen: Sequence[Seen]) -> tuple[list[Change], list[Settled]]:
        """Store what is new or different. The first of several observations of one uid counts."""
        first: dict[str, Seen] = {}
        for item in seen:
            first.setdefault(item.resource.ref.uid, item)
        rows = {row.uid: row for row in rows_by(self._connection, "uid", list(first))}
        previous = self._previous(first, rows)
        self._find_places({_place(item.resource.ref) for item in first.values()})
        for uid, item in first.items():
            row = rows.get(uid)
            if row is None:
                self._create(item)
            elif not self._outdated(row, item):
                self._compare(row, item, previous.get(row.id))
        self._flush()
        context = self._context
        attribution.note(
            self._connection,
            self._batch.changes,
            since=context.since,
            until=context.until,
            deed=context.deed,
        )
        return self._batch.changes, self._batch.settled

    def _outdated(self, row: Row, item: Seen) -> bool:
        if row.deleted_at is not None:
            listing = self._context.scope_id is not None
            return listing and 0 < row.deleted_at - self._context.at <= OVERLAP_US
        return row.digest != item.digest and self._context.stale(row)

    def _create(self, item: Seen) -> None:
        if item.resource.unread:
            data = documents.encode_carrying(item.resource, None)
            item = Seen(item.resource, data, documents.digest(item.resource.ref.uid, data))
        place = self._places[_place(item.resource.ref)]
        bound = None if self._context.covers(item.resource.ref) else self._context.scope_id
        self._batch.created.append((item, place, bound))

    def _compare(self, row: Row, item: Seen, previous: Record | None) -> None:
        resource = item.resource
        if resource.unread:
            data = documents.encode_carrying(resource, previous)
            item = Seen(resource, data, documents.digest(row.uid, data))
        unread = _unread(resource)
        # Causes carry request ids: only which fields are unread counts, or each cycle would write a row.
        same_unread = _names(row.unread) == tuple(sorted(resource.unread))
        self._batch.settled.append(Settled(row.id, item.digest, row.digest, bool(resource.unread)))
        bound = row.scope_id
        if bound is None and self._context.scope_id is not None and not self._context.covers(row.ref):
            bound = self._context.scope_id
        if row.deleted_at is None and row.digest == item.digest:
            if not same_unread or row.missed or bound != row.scope_id:
                self._batch.states.append((row.unread if same_unread else unread, bound, 0, row.id))
            if not same_unread:
                self._mark_due(row.id, item, self._context.at, first_contact=False)
            return
        self._change(row, item, previous, bound)

    def _change(self, row: Row, item: Seen, previous: Record | None, bound: int | None) -> None:
        context, ref = self._context, item.resource.ref
        recreated = row.deleted_at is not None
        # A clock set back must not make a version end before it began.
        at = max(context.at, (row.deleted_at if row.deleted_at is not None else row.changed_at) + 1)
        first_contact = context.first_contact(ref)
        origin = Origin.OBSERVED
        if not recreated:
            self._batch.closed.append((at, row.id, row.changed_at))
            if previous is not None and documents.only_learned(previous, Record.decode(item.data)):
                origin = Origin.LEARNED
        self._add_version(row.id, item, at, origin, harder=True)
        place, name = self._places[_place(ref)], clean(item.resource.name)
        self._batch.contents.append(
            (item.digest, at, place, bound, name, _unread(item.resource), 0, None, row.id)
        )
        self._mark_due(row.id, item, at, first_contact=first_contact and recreated)
        self._batch.moved.add(row.place_id)
        if origin is Origin.LEARNED:
            return
        self._batch.changes.append(
            Change(
                kind=ChangeKind.CREATED if recreated else ChangeKind.CHANGED,
                ref=ref,
                resource_id=row.id,
                at=from_us(at),
                before_digest=None if recreated else row.digest,
                after_digest=item.digest,
                first_contact=first_contact,
                recreated=recreated,
                actor=context.actor,
            )
        )

    def _flush(self) -> None:
        connection, batch = self._connection, self._batch
        self._insert_created()
        partitions.ensure(connection, (end for end, *_ in batch.closed))
        bulk.update(connection, VERSION, _VERSION_KEY, _CLOSED, batch.closed, where=_IN_FORCE)
        bulk.insert(connection, VERSION, _VERSION_COLUMNS, batch.versions)
        bulk.update(connection, RESOURCE, ("id",), _CONTENT, batch.contents)
        if batch.newest and search.kept(connection):
            search.keep(connection, batch.newest)
        bulk.update(connection, RESOURCE, ("id",), _STATE, batch.states)
        for part in chunks(batch.stale_due):
            connection.execute(sa.delete(DUE).where(among(DUE.c.resource_id, part)))
        bulk.insert(connection, DUE, _DUE_COLUMNS, batch.due)
        touch(connection, batch.moved)

    def _insert_created(self) -> None:
        batch, context = self._batch, self._context
        if not batch.created:
            return
        ids = bulk.new_ids(self._connection, RESOURCE, len(batch.created))
        when, rows = from_us(context.at), []
        for number, (item, place, bound) in zip(ids, batch.created, strict=True):
            ref = item.resource.ref
            first_contact = context.first_contact(ref)
            unread = _unread(item.resource)
            name = clean(item.resource.name)
            rows.append((number, ref.uid, bound, place, name, context.at, context.at, item.digest, 0, unread))
            origin = Origin.BASELINE if first_contact else Origin.OBSERVED
            self._add_version(number, item, context.at, origin, harder=False)
            state = documents.token(item.digest, item.resource.unread)
            batch.due.append((number, state, context.at, first_contact))
            batch.moved.add(place)
            batch.settled.append(Settled(number, item.digest, None, bool(unread)))
            batch.changes.append(
                Change(
                    kind=ChangeKind.CREATED,
                    ref=ref,
                    resource_id=number,
                    at=when,
                    before_digest=None,
                    after_digest=item.digest,
                    first_contact=first_contact,
                    actor=context.actor,
                )
            )
        bulk.insert(self._connection, RESOURCE, _RESOURCE_COLUMNS, rows)

    def _add_version(self, number: int, item: Seen, at: int, origin: Origin, *, harder: bool) -> None:
        codec = self._codecs.choose(self._connection, item.resource.ref.type)
        data = self._codecs.encode(codec, item.data, harder=harder)
        cycle_id, actor = self._context.cycle_id or 0, self._context.actor or ""
        self._batch.versions.append(
            (number, at, OPEN, item.digest, cycle_id, int(origin), actor, "", codec, data)
        )
        self._batch.newest.append((number, item.data))

    def _mark_due(self, number: int, item: Seen, at: int, *, first_contact: bool) -> None:
        self._batch.stale_due.append(number)
        self._batch.moved.add(self._places[_place(item.resource.ref)])
        state = documents.token(item.digest, item.resource.unread)
        self._batch.due.append((number, state, at, first_contact))

    def _previous(self, seen: dict[str, Seen], rows: dict[str, Row]) -> dict[int, Record]:
        """The newest records of those whose details were, or are, unread."""
        wanted = {
            row.id: row.changed_at
            for uid, row in rows.items()
            if row.deleted_at is None and (row.unread is not None or seen[uid].resource.unread)
        }
        found: dict[int, Record] = {}
        for part in chunks(list(wanted)):
            query = sa.select(
                VERSION.c.resource_id, VERSION.c.valid_from, VERSION.c.codec_id, VERSION.c.data
            ).where(among(VERSION.c.resource_id, part), VERSION.c.valid_to == OPEN)
            versions = self._connection.execute(query).all()
            contents = decoded(self._connection, self._codecs, versions)
            found.update(zip((v.resource_id for v in versions), contents, strict=True))
        return found

    def _find_places(self, places: Iterable[_Place]) -> None:
        self._places = {place: place_id(self._connection, Scope(*place)) for place in places}


def remove(
    connection: Connection,
    rows: Sequence[Row],
    *,
    at: int,
    cycle_id: int | None,
    actor: str | None,
    first_contact: bool,
) -> list[Change]:
    """Record that these resources are proved gone; their findings end with them."""
    if not rows:
        return []
    when = {row.id: max(at, row.changed_at + 1) for row in rows}
    resolved: dict[int, list[str]] = {}
    for part in chunks([row.id for row in rows]):
        still_open = among(FINDING.c.resource_id, part) & (FINDING.c.resolved_at == OPEN)
        for found in connection.execute(
            sa.select(FINDING.c.resource_id, FINDING.c.id, FINDING.c.opened_at).where(still_open)
        ):
            resolved.setdefault(found.resource_id, []).append(found.id)
        connection.execute(
            sa.update(FINDING)
            .where(still_open)
            .values(
                resolved_at=sa.case((FINDING.c.opened_at >= at, FINDING.c.opened_at + 1), else_=at),
                updated_at=at,
                resolved_cycle=cycle_id,
                reason="resource-deleted",
            )
        )
        connection.execute(sa.delete(DUE).where(among(DUE.c.resource_id, part)))
        connection.execute(sa.delete(UNKNOWN).where(among(UNKNOWN.c.resource_id, part)))
    partitions.ensure(connection, when.values())
    closed = [(when[row.id], actor or "", row.id, row.changed_at) for row in rows]
    bulk.update(connection, VERSION, _VERSION_KEY, _CLOSED_BY, closed, where=_IN_FORCE)
    bulk.update(connection, RESOURCE, ("id",), _GONE, [(when[row.id], 0, None, row.id) for row in rows])
    touch(connection, {row.place_id for row in rows})
    if search.kept(connection):
        search.forget(connection, when)
    return [
        Change(
            kind=ChangeKind.DELETED,
            ref=row.ref,
            resource_id=row.id,
            at=from_us(when[row.id]),
            before_digest=row.digest,
            after_digest=None,
            first_contact=first_contact,
            actor=actor,
            resolved=tuple(resolved.get(row.id, ())),
        )
        for row in rows
    ]


def _place(ref: ResourceRef) -> _Place:
    return (ref.provider, ref.account, ref.region, ref.type)


def _unread(resource: Resource) -> str | None:
    if not resource.unread:
        return None
    return to_json(resource.unread)


def _names(unread: str | None) -> tuple[str, ...]:
    return tuple(sorted(orjson.loads(unread))) if unread else ()
