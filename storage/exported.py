"""What a baseline holds as it was exported: documents we need never have seen ourselves, and how the estate differs from them.

An export holds what its maker chose to export. So what is not in it is only missing from the baseline where the export holds
others of the same type, account and region; and what is in it is only gone where we read its place completely.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.resource import Coverage, Resource, ResourceRef
from storage import bulk
from storage.among import among
from storage.codec import Codecs
from storage.diff import diff_records
from storage.documents import Record, encode_carrying, only_learned
from storage.known import spans, whole
from storage.query import Filter, of_type
from storage.rows import CHUNK, chunks, decode, decoded, ref_of
from storage.tables import BASELINE_DOCUMENT, RESOURCE, SCOPE, VERSION
from storage.times import OPEN, from_us
from storage.values import ChangeKind, Drift

_COLUMNS = ("baseline_id", "uid", "provider", "account", "region", "type", "codec_id", "data")
_DOCUMENT = BASELINE_DOCUMENT.c
Place = tuple[str, str, str, str]


def hold(
    connection: Connection, codecs: Codecs, number: int, resources: Iterable[Resource], wanted: Filter
) -> int:
    """Put documents into a baseline; how many. One that stands twice in the export counts as it stood last."""
    stream, count = iter(resources), 0
    while batch := list(islice(stream, CHUNK)):
        rows: dict[str, tuple[Any, ...]] = {}
        for resource in batch:
            ref, data = resource.ref, encode_carrying(resource, None)
            if not _accepts(wanted, ref, Record.decode(data)):
                continue
            codec = codecs.choose(connection, ref.type)
            place = (ref.provider, ref.account, ref.region, ref.type)
            rows[ref.uid] = (number, ref.uid, *place, codec, codecs.encode(codec, data))
        there = connection.execute(
            sa.delete(BASELINE_DOCUMENT).where(_DOCUMENT.baseline_id == number, among(_DOCUMENT.uid, rows))
        )
        bulk.insert(connection, BASELINE_DOCUMENT, _COLUMNS, list(rows.values()))
        count += len(rows) - there.rowcount
    return count


def _accepts(wanted: Filter, ref: ResourceRef, record: Record) -> bool:
    return (
        (not wanted.providers or ref.provider in wanted.providers)
        and (not wanted.accounts or ref.account in wanted.accounts)
        and (not wanted.regions or ref.region in wanted.regions)
        and (not wanted.types or of_type(ref.type, wanted.types))
        and wanted.accepts_record(ref.uid, ref.provider, record)
    )


def differing(connection: Connection, codecs: Codecs, number: int) -> Iterator[Drift]:
    """What differs from the documents now, by resource."""
    complete = _Complete(connection)
    for part in _documents(connection, number):
        now = _now(connection, codecs, [row.uid for row in part])
        for row, record in zip(part, decoded(connection, codecs, part), strict=True):
            ref = ref_of(row)
            seen = now.get(row.uid)
            if seen is None:
                if complete.covers(ref):
                    yield _gone(ref, record, None, None)
            elif seen.record is None:
                yield _gone(ref, record, seen.id, from_us(seen.since))
            elif not same(record, seen.record):
                yield Drift(
                    kind=ChangeKind.CHANGED,
                    ref=ref,
                    name=seen.record.name,
                    fields=diff_records(record, seen.record),
                    resource_id=seen.id,
                    since=from_us(seen.since),
                )


def _gone(ref: ResourceRef, record: Record, resource_id: int | None, since: datetime | None) -> Drift:
    return Drift(
        kind=ChangeKind.DELETED, ref=ref, name=record.name, fields=(), resource_id=resource_id, since=since
    )


def same(pinned: Record, now: Record) -> bool:
    """Whether what is there is what was exported, as far as both were read."""
    return only_learned(pinned, now) or not diff_records(pinned, now)


def unseen(connection: Connection, number: int) -> int:
    """How many documents are of places that were never read completely, and say nothing until they are."""
    complete, count = _Complete(connection), 0
    for part in _documents(connection, number):
        known = set(
            connection.scalars(sa.select(RESOURCE.c.uid).where(among(RESOURCE.c.uid, [r.uid for r in part])))
        )
        count += sum(row.uid not in known and not complete.covers(ref_of(row)) for row in part)
    return count


def places(connection: Connection, number: int) -> set[Place]:
    """Where the documents are from: provider, account, region, type."""
    columns = (_DOCUMENT.provider, _DOCUMENT.account, _DOCUMENT.region, _DOCUMENT.type)
    query = sa.select(*columns).where(_DOCUMENT.baseline_id == number).distinct()
    return {(row.provider, row.account, row.region, row.type) for row in connection.execute(query)}


def uids(connection: Connection, number: int, of: Sequence[str]) -> set[str]:
    """Which of these resources a baseline holds as exported."""
    query = sa.select(_DOCUMENT.uid).where(_DOCUMENT.baseline_id == number, among(_DOCUMENT.uid, of))
    return set(connection.scalars(query))


def let_go(connection: Connection, number: int, of: Collection[str] | None = None) -> None:
    """Take documents out of a baseline: all, or of these resources."""
    gone = sa.delete(BASELINE_DOCUMENT).where(_DOCUMENT.baseline_id == number)
    if of is None:
        connection.execute(gone)
        return
    for part in chunks(sorted(of)):
        connection.execute(gone.where(among(_DOCUMENT.uid, part)))


@dataclass(frozen=True, slots=True)
class _Seen:
    id: int
    record: Record | None
    since: int


def _now(connection: Connection, codecs: Codecs, of: Sequence[str]) -> Mapping[str, _Seen]:
    """What the store knows of these resources now; a record of None is one that is gone."""
    query = (
        sa.select(
            RESOURCE.c.id,
            RESOURCE.c.uid,
            RESOURCE.c.deleted_at,
            RESOURCE.c.changed_at,
            VERSION.c.codec_id,
            VERSION.c.data,
        )
        .select_from(RESOURCE)
        .outerjoin(VERSION, (VERSION.c.resource_id == RESOURCE.c.id) & (VERSION.c.valid_to == OPEN))
        .where(among(RESOURCE.c.uid, of))
    )
    rows = connection.execute(query).all()
    codecs.load(connection, {row.codec_id for row in rows if row.codec_id is not None})
    found = {}
    for row in rows:
        there = row.deleted_at is None and row.data is not None
        record = decode(codecs, row.codec_id, row.data) if there else None
        found[row.uid] = _Seen(row.id, record, row.changed_at if there else row.deleted_at or row.changed_at)
    return found


def records(
    connection: Connection, codecs: Codecs, of: Sequence[str]
) -> Iterator[tuple[int, str, Record, bool]]:
    """Baseline, uid, what it holds as exported, and whether it is the same now."""
    query = sa.select(BASELINE_DOCUMENT).where(among(_DOCUMENT.uid, of))
    rows = connection.execute(query).all()
    if not rows:
        return
    now = _now(connection, codecs, [row.uid for row in rows])
    for row, record in zip(rows, decoded(connection, codecs, rows), strict=True):
        seen = now.get(row.uid)
        there = seen.record if seen is not None else None
        yield row.baseline_id, row.uid, record, there is not None and same(record, there)


def _documents(connection: Connection, number: int) -> Iterator[Sequence[Any]]:
    after = ""
    while True:
        query = sa.select(BASELINE_DOCUMENT).where(_DOCUMENT.baseline_id == number, _DOCUMENT.uid > after)
        part = connection.execute(query.order_by(_DOCUMENT.uid).limit(CHUNK)).all()
        if not part:
            return
        after = part[-1].uid
        yield part


class _Complete:
    """What was ever read completely: exact places, and listings that span several."""

    def __init__(self, connection: Connection) -> None:
        scope = SCOPE.c
        self._places: set[Place] = set()
        self._spanning: dict[tuple[str, str], list[Coverage]] = {}
        query = sa.select(scope.provider, scope.account, scope.region, scope.type, scope.excluded)
        for row in connection.execute(query.where(scope.last_complete_at.is_not(None))):
            coverage = whole(row)
            if spans(coverage.scope):
                self._spanning.setdefault((row.provider, row.account), []).append(coverage)
            else:
                self._places.add((row.provider, row.account, row.region, row.type))

    def covers(self, ref: ResourceRef) -> bool:
        """Whether a resource would have been seen, had it been there."""
        if (ref.provider, ref.account, ref.region, ref.type) in self._places:
            return True
        return any(one.covers(ref) for one in self._spanning.get((ref.provider, ref.account), ()))
