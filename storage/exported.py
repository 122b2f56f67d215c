"""What a baseline holds as it was exported: documents we need never have seen ourselves, and how the estate differs from them.

An export holds what its maker chose to export. So what is not in it is only missing from the baseline where the export holds
others of the same type, account and region; and what is in it is only gone where we read its place completely.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.resource import ANY, Resource, ResourceRef
from storage import bulk
from storage.codec import Codecs
from storage.diff import diff_records
from storage.documents import Record, encode_carrying, only_learned
from storage.query import Filter
from storage.rows import CHUNK, chunks, decode
from storage.tables import BASELINE_DOCUMENT, RESOURCE, SCOPE, VERSION
from storage.times import OPEN
from storage.values import ChangeKind, FieldChange

_COLUMNS = ("baseline_id", "uid", "provider", "account", "region", "type", "codec_id", "data")
_DOCUMENT = BASELINE_DOCUMENT.c
Place = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """How one resource differs from an exported document. ``resource_id`` is None where we never saw it."""

    kind: ChangeKind
    ref: ResourceRef
    name: str
    fields: tuple[FieldChange, ...]
    resource_id: int | None
    since: int


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
            sa.delete(BASELINE_DOCUMENT).where(_DOCUMENT.baseline_id == number, _DOCUMENT.uid.in_(list(rows)))
        )
        bulk.insert(connection, BASELINE_DOCUMENT, _COLUMNS, list(rows.values()))
        count += len(rows) - there.rowcount
    return count


def _accepts(wanted: Filter, ref: ResourceRef, record: Record) -> bool:
    return (
        (not wanted.providers or ref.provider in wanted.providers)
        and (not wanted.accounts or ref.account in wanted.accounts)
        and (not wanted.regions or ref.region in wanted.regions)
        and (
            not wanted.types
            or any(ref.type == t or (t.endswith("*") and ref.type.startswith(t[:-1])) for t in wanted.types)
        )
        and wanted.accepts_record(ref.uid, ref.provider, record)
    )


def differing(connection: Connection, codecs: Codecs, number: int) -> Iterator[Differing]:
    """What differs from the documents now, by resource."""
    complete = _complete(connection)
    for part in _documents(connection, number):
        now = _now(connection, codecs, [row.uid for row in part])
        for row in part:
            record = decode(codecs, row.codec_id, row.data)
            ref = ResourceRef(
                provider=row.provider, account=row.account, region=row.region, type=row.type, uid=row.uid
            )
            seen = now.get(row.uid)
            if seen is None:
                if _covered(ref, complete):
                    yield _gone(ref, record, None, 0)
            elif seen.record is None:
                yield _gone(ref, record, seen.id, seen.since)
            elif not same(record, seen.record):
                yield Differing(
                    kind=ChangeKind.CHANGED,
                    ref=ref,
                    name=seen.record.name,
                    fields=diff_records(record, seen.record),
                    resource_id=seen.id,
                    since=seen.since,
                )


def _gone(ref: ResourceRef, record: Record, resource_id: int | None, since: int) -> Differing:
    return Differing(
        kind=ChangeKind.DELETED, ref=ref, name=record.name, fields=(), resource_id=resource_id, since=since
    )


def same(pinned: Record, now: Record) -> bool:
    """Whether what is there is what was exported, as far as both were read."""
    return only_learned(pinned, now) or not diff_records(pinned, now)


def unseen(connection: Connection, number: int) -> int:
    """How many documents are of places that were never read completely, and say nothing until they are."""
    complete, count = _complete(connection), 0
    for part in _documents(connection, number):
        known = set(
            connection.scalars(sa.select(RESOURCE.c.uid).where(RESOURCE.c.uid.in_([r.uid for r in part])))
        )
        for row in part:
            ref = ResourceRef(
                provider=row.provider, account=row.account, region=row.region, type=row.type, uid=row.uid
            )
            count += row.uid not in known and not _covered(ref, complete)
    return count


def places(connection: Connection, number: int) -> set[Place]:
    """Where the documents are from: provider, account, region, type."""
    columns = (_DOCUMENT.provider, _DOCUMENT.account, _DOCUMENT.region, _DOCUMENT.type)
    query = sa.select(*columns).where(_DOCUMENT.baseline_id == number).distinct()
    return {(row.provider, row.account, row.region, row.type) for row in connection.execute(query)}


def uids(connection: Connection, number: int, among: Sequence[str]) -> set[str]:
    """Which of these resources a baseline holds as exported."""
    query = sa.select(_DOCUMENT.uid).where(_DOCUMENT.baseline_id == number, _DOCUMENT.uid.in_(among))
    return set(connection.scalars(query))


def let_go(connection: Connection, number: int, among: Collection[str] | None = None) -> None:
    """Take documents out of a baseline: all, or of these resources."""
    gone = sa.delete(BASELINE_DOCUMENT).where(_DOCUMENT.baseline_id == number)
    if among is None:
        connection.execute(gone)
        return
    for part in chunks(sorted(among)):
        connection.execute(gone.where(_DOCUMENT.uid.in_(part)))


@dataclass(frozen=True, slots=True)
class _Seen:
    id: int
    record: Record | None
    since: int


def _now(connection: Connection, codecs: Codecs, among: Sequence[str]) -> Mapping[str, _Seen]:
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
        .where(RESOURCE.c.uid.in_(among))
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
    connection: Connection, codecs: Codecs, among: Sequence[str]
) -> Iterator[tuple[int, str, Record, bool]]:
    """Baseline, uid, what it holds as exported, and whether it is the same now."""
    query = sa.select(BASELINE_DOCUMENT).where(_DOCUMENT.uid.in_(among))
    rows = connection.execute(query).all()
    if not rows:
        return
    codecs.load(connection, {row.codec_id for row in rows})
    now = _now(connection, codecs, [row.uid for row in rows])
    for row in rows:
        record = decode(codecs, row.codec_id, row.data)
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


def _complete(connection: Connection) -> set[Place]:
    scope = SCOPE.c
    query = sa.select(scope.provider, scope.account, scope.region, scope.type)
    rows = connection.execute(query.where(scope.last_complete_at.is_not(None)))
    return {(row.provider, row.account, row.region, row.type) for row in rows}


def _covered(ref: ResourceRef, complete: set[Place]) -> bool:
    """Whether what covers a place was ever read completely."""
    return any(
        (ref.provider, ref.account, region, kind) in complete
        for region in (ref.region, ANY)
        for kind in (ref.type, ANY)
    )
