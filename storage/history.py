"""The past: one resource's timeline, what changed between two times, by field and by actor. Streaming.

History(database).timeline(uid)
History(database).diff(yesterday, now, Filter(accounts=frozenset({"111111111111"})))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.resource import ResourceRef
from storage import attribution
from storage.among import among
from storage.attribution import Attribution
from storage.database import Database
from storage.diff import diff_records
from storage.documents import Record, only_learned
from storage.query import Filter, Reader
from storage.rows import AT_ONCE, chunks, decoded, ref_of
from storage.tables import RESOURCE, SCOPE, VERSION
from storage.times import OPEN, from_us, to_us
from storage.values import MISSING, Change, ChangeKind, FieldChange, Origin, StoredResource


class EventKind(StrEnum):
    """What an entry of a timeline tells."""

    CREATED = "created"
    CHANGED = "changed"
    LEARNED = "learned"
    """A field was read that could not be read before; nothing is known to have changed."""
    DELETED = "deleted"
    RECREATED = "recreated"
    SEEN = "seen"
    """Our own first reading of what the cloud's history had told: nothing is known to have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened to a resource. ``baseline``: it was there at the first contact, or is the oldest that the
    cloud's history tells, so ``at`` is when it is first known, not when it was made. ``origin`` says how it is known.
    ``resource`` is its content from then on; None for a deletion."""

    kind: EventKind
    at: datetime
    ref: ResourceRef
    cycle_id: int | None
    actor: str | None
    baseline: bool
    origin: Origin
    fields: tuple[FieldChange, ...]
    resource: Record | None
    who: Attribution | None = None
    """What the cloud's own record tells of who did it, where it was asked or an event said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one resource differs between two times. ``changes``: how many versions began in between; ``actors``: who made
    them, as far as it is known; ``last_at``: when the last of it happened."""

    kind: ChangeKind
    ref: ResourceRef
    name: str
    fields: tuple[FieldChange, ...]
    changes: int
    actors: tuple[str, ...]
    last_at: datetime


class History:
    """The history in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codecs = database.codecs
        self._reader = Reader(database)

    def timeline(self, uid: str, *, field: str | None = None) -> list[TimelineEntry]:
        """Everything that happened to a resource, oldest first; empty for one that is not known. With ``field``, of the
        changes only those of that field (``IpPermissions``, ``Tags[Team]``) or of what is in it."""
        with self._database.read() as connection:
            query = _VERSIONS.where(RESOURCE.c.uid == uid).order_by(VERSION.c.valid_from)
            rows = _versions(connection, query)
            records = decoded(connection, self._codecs, rows)
            told = attribution.read(connection, rows[0].resource_id) if rows else {}
        entries = (replace(e, who=told.get(to_us(e.at))) for e in _entries(rows, records))
        return list(entries if field is None else _of_field(entries, field))

    def at(
        self, moment: datetime, wanted: Filter | None = None, *, batch: int = AT_ONCE
    ) -> Iterator[list[StoredResource]]:
        """The estate as it was, in batches."""
        return self._reader.find(wanted or Filter(), moment, batch)

    def fields_of(self, change: Change) -> tuple[FieldChange, ...]:
        """The fields that differ by a change; empty for a creation or a deletion."""
        if change.kind is not ChangeKind.CHANGED:
            return ()
        at = to_us(change.at)
        query = (
            _VERSIONS.where(
                VERSION.c.resource_id == change.resource_id,
                sa.or_(VERSION.c.valid_from == at, VERSION.c.valid_to == at),
            )
            .order_by(VERSION.c.valid_from)
            .limit(2)
        )
        with self._database.read() as connection:
            records = decoded(connection, self._codecs, _versions(connection, query))
        return diff_records(records[0], records[1]) if len(records) == 2 else ()

    def diff(
        self,
        earlier: datetime,
        later: datetime,
        wanted: Filter | None = None,
        *,
        actor: str | None = None,
        field: str | None = None,
    ) -> Iterator[Difference]:
        """What is different at ``later`` from what was at ``earlier``, by resource. What changed and changed back is not
        there. ``wanted`` must accept the state before or after; ``actor``: only where this one made one of the versions;
        ``field``: only changes of that field or of what is in it.
        """
        wanted = wanted or Filter()
        start, end = to_us(earlier), to_us(later)
        for part in chunks(self._touched(start, end, wanted)):
            with self._database.read() as connection:
                query = _VERSIONS.where(
                    among(VERSION.c.resource_id, part),
                    VERSION.c.valid_from <= end,
                    VERSION.c.valid_to > start,
                ).order_by(VERSION.c.resource_id, VERSION.c.valid_from)
                rows = _versions(connection, query)
                found = list(self._differences(connection, rows, start, end, wanted))
            for difference in found:
                if actor is not None and actor not in difference.actors:
                    continue
                if field is None:
                    yield difference
                elif of_it := tuple(f for f in difference.fields if within(f.path, field)):
                    yield replace(difference, fields=of_it)

    def _touched(self, start: int, end: int, wanted: Filter) -> list[int]:
        """Ids of the resources with a version that begins or ends in (start, end]."""
        begins = sa.select(VERSION.c.resource_id).where(
            VERSION.c.valid_from > start, VERSION.c.valid_from <= end, VERSION.c.valid_to > start
        )
        ends = sa.select(VERSION.c.resource_id).where(
            VERSION.c.valid_to > start, VERSION.c.valid_to <= end, VERSION.c.valid_to < OPEN
        )
        touched = begins.union(ends).subquery()
        query = sa.select(touched.c.resource_id)
        if wanted.narrows_places:
            query = (
                query.join(RESOURCE, RESOURCE.c.id == touched.c.resource_id)
                .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
                .where(wanted.places())
            )
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(touched.c.resource_id)))

    def _differences(
        self, connection: Connection, rows: Sequence[_Version], start: int, end: int, wanted: Filter
    ) -> Iterator[Difference]:
        by_resource: dict[int, list[_Version]] = {}
        for row in rows:
            by_resource.setdefault(row.resource_id, []).append(row)
        for versions in by_resource.values():
            before = next((v for v in versions if v.valid_from <= start < v.valid_to), None)
            after = next((v for v in versions if v.valid_from <= end < v.valid_to), None)
            ends = [v for v in (before, after) if v is not None]
            if not ends or (before is not None and after is not None and before.digest == after.digest):
                continue
            records = decoded(connection, self._codecs, ends)
            if wanted.reads_documents and not any(
                wanted.accepts_record(v.uid, v.provider, r) for v, r in zip(ends, records, strict=True)
            ):
                continue
            difference = _difference(versions, before, after, records, start, end)
            if difference is not None:
                yield difference


class _Version(NamedTuple):
    """A version of a resource, as :data:`_VERSIONS` gives it: its fields cost a twentieth of those of a SQLAlchemy row."""

    resource_id: int
    valid_from: int
    valid_to: int
    digest: bytes
    cycle_id: int | None
    origin: int
    actor: str | None
    closed_by: str | None
    codec_id: int
    data: bytes
    uid: str
    first_seen: int
    past_from: int | None
    provider: str


_VERSIONS = (
    sa.select(
        VERSION.c.resource_id,
        VERSION.c.valid_from,
        VERSION.c.valid_to,
        VERSION.c.digest,
        VERSION.c.cycle_id,
        VERSION.c.origin,
        VERSION.c.actor,
        VERSION.c.closed_by,
        VERSION.c.codec_id,
        VERSION.c.data,
        RESOURCE.c.uid,
        RESOURCE.c.first_seen,
        RESOURCE.c.past_from,
        SCOPE.c.provider,
    )
    .select_from(VERSION)
    .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
)


def _versions(connection: Connection, query: sa.Select[Any]) -> list[_Version]:
    return [_Version._make(row) for row in connection.execute(query)]


def _entries(rows: Sequence[_Version], records: Sequence[Record]) -> Iterator[TimelineEntry]:
    last: tuple[_Version, Record] | None = None
    for row, record in zip(rows, records, strict=True):
        fields: tuple[FieldChange, ...] = ()
        oldest = row.first_seen if row.past_from is None else row.past_from
        if last is None:
            # Where older versions have been pruned, the oldest one left was no creation.
            kind = EventKind.CREATED if row.valid_from <= oldest else EventKind.CHANGED
        elif last[0].valid_to < row.valid_from:
            yield _deletion(*last)
            kind = EventKind.RECREATED
        else:
            fields = diff_records(last[1], record)
            kind = EventKind.LEARNED if row.origin == Origin.LEARNED else EventKind.CHANGED
            if row.origin == Origin.BASELINE and not fields:
                kind = EventKind.SEEN
            elif row.origin == Origin.PAST and not fields:
                kind = EventKind.LEARNED
        yield TimelineEntry(
            kind=kind,
            at=from_us(row.valid_from),
            ref=ref_of(row, record),
            cycle_id=row.cycle_id or None,
            actor=row.actor or None,
            baseline=row.origin == Origin.BASELINE or row.valid_from == row.past_from,
            origin=Origin(row.origin),
            fields=fields,
            resource=record,
        )
        last = (row, record)
    if last is not None and last[0].valid_to < OPEN:
        yield _deletion(*last)


def within(path: str, field: str) -> bool:
    """Whether a field's path is ``field`` or lies in it."""
    return path == field or (path.startswith(field) and path[len(field)] in ".[")


def _of_field(entries: Iterable[TimelineEntry], field: str) -> Iterator[TimelineEntry]:
    """The entries whose changes are within a field; creations and deletions stay, since a field begins and ends with them."""
    for entry in entries:
        fields = tuple(f for f in entry.fields if within(f.path, field))
        if fields or entry.kind in (EventKind.CREATED, EventKind.RECREATED, EventKind.DELETED):
            yield replace(entry, fields=fields)


def _deletion(row: _Version, record: Record) -> TimelineEntry:
    return TimelineEntry(
        kind=EventKind.DELETED,
        at=from_us(row.valid_to),
        ref=ref_of(row, record),
        cycle_id=None,
        actor=row.closed_by or None,
        baseline=False,
        origin=Origin.PAST if row.origin == Origin.PAST else Origin.OBSERVED,
        fields=(),
        resource=None,
    )


def _difference(
    versions: Sequence[_Version],
    before: _Version | None,
    after: _Version | None,
    records: Sequence[Record],
    start: int,
    end: int,
) -> Difference | None:
    fields: tuple[FieldChange, ...] = ()
    if before is not None and after is not None:
        kind = ChangeKind.CHANGED
        if only_learned(records[0], records[1]):
            return None
        fields = diff_records(records[0], records[1])
        if not fields and Origin.PAST in (before.origin, after.origin):
            return None  # told with fewer fields, or with more: nothing is known to have changed
    else:
        kind = ChangeKind.DELETED if after is None else ChangeKind.CREATED
    begun = [v for v in versions if start < v.valid_from <= end]
    moments = [v.valid_from for v in begun] + [v.valid_to for v in versions if start < v.valid_to <= end]
    actors = [v.actor for v in begun] + [v.closed_by for v in versions if v.valid_to <= end]
    shown, record = (after, records[-1]) if after is not None else (before, records[0])
    return Difference(
        kind=kind,
        ref=ref_of(shown, record),
        name=record.name,
        fields=fields,
        changes=len(begun),
        actors=tuple(dict.fromkeys(a for a in actors if a)),
        last_at=from_us(max(moments)),
    )


def json_field(change: FieldChange) -> Mapping[str, Any]:
    """A field's change as JSON values; a side that is not there is left out."""
    sides = {"before": change.before, "after": change.after}
    body = {"path": change.path, **{name: value for name, value in sides.items() if value is not MISSING}}
    return {**body, "moved": True} if change.moved else body
