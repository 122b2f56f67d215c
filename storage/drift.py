"""How the estate differs from a baseline now: what is in it and changed or went, then what is there and not in it.

What a baseline holds are versions that we saw, compared here, and documents as they were exported, compared in
:mod:`storage.exported`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import exported as exports
from storage.among import among
from storage.codec import Codecs
from storage.database import Database
from storage.diff import diff_records
from storage.documents import Record, only_learned
from storage.query import Filter
from storage.rows import CHUNK, decoded, ref_of
from storage.tables import BASELINE_ITEM, RESOURCE, SCOPE, VERSION
from storage.times import OPEN, from_us
from storage.values import ChangeKind, Drift, FieldChange

PLACES = "places"
"""Beside the filter of an exported baseline: where its resources were from."""

_COLUMNS = (
    RESOURCE.c.id,
    RESOURCE.c.uid,
    RESOURCE.c.changed_at,
    RESOURCE.c.deleted_at,
    SCOPE.c.provider,
    VERSION.c.valid_from,
    VERSION.c.codec_id,
    VERSION.c.data,
)
STATES = (
    sa.select(*_COLUMNS)
    .select_from(RESOURCE)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
    .join(VERSION, VERSION.c.resource_id == RESOURCE.c.id)
)
"""Resources with their versions."""
HELD = (VERSION.c.resource_id == BASELINE_ITEM.c.resource_id) & (
    VERSION.c.valid_from == BASELINE_ITEM.c.valid_from
)
"""Joins the version that an item holds."""
_DRIFTED = (
    sa.select(*_COLUMNS)
    .select_from(BASELINE_ITEM)
    .join(RESOURCE, RESOURCE.c.id == BASELINE_ITEM.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
    .join(VERSION, HELD)
    .where(sa.or_(RESOURCE.c.deleted_at.is_not(None), RESOURCE.c.digest != VERSION.c.digest))
)
"""The items that are not as they were."""


def found(
    database: Database, number: int, selection: Mapping[str, Any], *, exported: bool
) -> Iterator[Drift]:
    """What differs now from the baseline of that number, by resource. ``selection``: as it was pinned; ``exported``: whether it
    holds documents. Raises StorageError."""
    codecs, after = database.codecs, 0
    while True:
        query = _DRIFTED.where(BASELINE_ITEM.c.baseline_id == number, RESOURCE.c.id > after)
        with database.read() as connection:
            rows = connection.execute(query.order_by(RESOURCE.c.id).limit(CHUNK)).all()
            drifted = list(_compared(connection, codecs, rows))
        if not rows:
            break
        after = rows[-1].id
        yield from drifted
    if exported:
        with database.read() as connection:
            yield from exports.differing(connection, codecs, number)
    yield from _added(database, number, selection)


def _compared(connection: Connection, codecs: Codecs, rows: Sequence[Any]) -> Iterator[Drift]:
    old = decoded(connection, codecs, rows)
    live = [row.id for row in rows if row.deleted_at is None]
    states = connection.execute(STATES.where(among(RESOURCE.c.id, live), VERSION.c.valid_to == OPEN)).all()
    new = dict(zip([s.id for s in states], decoded(connection, codecs, states), strict=True))
    for row, before in zip(rows, old, strict=True):
        after = new.get(row.id)
        if after is None:
            gone = row.deleted_at if row.deleted_at is not None else row.changed_at
            yield _drift(ChangeKind.DELETED, row, before, (), gone)
        elif not only_learned(before, after):
            yield _drift(ChangeKind.CHANGED, row, after, diff_records(before, after), row.changed_at)


def _added(database: Database, number: int, selection: Mapping[str, Any]) -> Iterator[Drift]:
    """What is not in a baseline; of an exported one, only where the export holds others of the same place."""
    wanted = Filter.restored(selection)
    places = {tuple(place) for place in selection.get(PLACES, ())}
    held = (BASELINE_ITEM.c.baseline_id == number) & (BASELINE_ITEM.c.resource_id == RESOURCE.c.id)
    after = 0
    while True:
        query = (
            STATES.where(
                RESOURCE.c.deleted_at.is_(None),
                VERSION.c.valid_to == OPEN,
                RESOURCE.c.id > after,
                wanted.places(),
                ~sa.exists(sa.select(1).select_from(BASELINE_ITEM).where(held).correlate(RESOURCE)),
            )
            .order_by(RESOURCE.c.id)
            .limit(CHUNK)
        )
        with database.read() as connection:
            rows = connection.execute(query).all()
            records = decoded(connection, database.codecs, rows)
            there: Collection[str] = (
                exports.uids(connection, number, [row.uid for row in rows]) if places else ()
            )
        if not rows:
            return
        after = rows[-1].id
        for row, record in zip(rows, records, strict=True):
            if row.uid in there or (
                places and (row.provider, record.account, record.region, record.type) not in places
            ):
                continue
            if wanted.accepts_record(row.uid, row.provider, record):
                yield _drift(ChangeKind.CREATED, row, record, (), row.valid_from)


def _drift(kind: ChangeKind, row: Any, record: Record, fields: tuple[FieldChange, ...], since: int) -> Drift:
    return Drift(
        kind=kind,
        ref=ref_of(row, record),
        name=record.name,
        fields=fields,
        resource_id=row.id,
        since=from_us(since),
    )
