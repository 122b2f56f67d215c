"""Resources that change again and again, the restless first."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from providers.resource import ResourceRef
from storage.database import Database
from storage.diff import diff_records
from storage.documents import Record
from storage.history import History
from storage.ignoring import Ignoring
from storage.query import Filter
from storage.rows import PLACED, ref_of
from storage.tables import RESOURCE, SCOPE, VERSION
from storage.times import from_us, to_us
from storage.values import Origin

_SEEN = (Origin.OBSERVED, Origin.PAST)
"""How a version is known that may be a change; a first contact is none, nor is what was merely learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """A resource that changed often. ``contents``: how many different contents it had; fewer than ``changes`` means that it
    went to and fro. ``fields``: those that changed most often, with how often."""

    ref: ResourceRef
    changes: int
    contents: int
    first_at: datetime
    last_at: datetime
    fields: tuple[tuple[str, int], ...]


def flapping(
    database: Database,
    since: datetime,
    until: datetime,
    *,
    more_than: int = 3,
    wanted: Filter | None = None,
    limit: int = 100,
    ignoring: Ignoring | None = None,
) -> list[Flapping]:
    """Resources with more than so many changes in (since, until], the restless first; at most ``limit``. A field that
    was merely learned is no change, nor is the first contact, nor the oldest that a cloud's own history tells, nor what
    changed nothing but fields that are ignored. Raises StorageError."""
    wanted, ignoring = wanted or Filter(), ignoring or Ignoring({})
    query = _counted(to_us(since), to_us(until), more_than)
    if wanted.narrows_places:
        query = query.where(wanted.places())
    # Where documents decide as well, the database's count is only the most that it may be.
    final = not wanted.reads_documents and not ignoring
    with database.read() as connection:
        rows = connection.execute(query.limit(limit if final else None)).all()
    found: list[Flapping] = []
    history = History(database)
    for row in rows:
        if len(found) == limit and found[-1].changes >= row.changes:
            break
        entries = history.timeline(row.uid)
        if wanted.reads_documents:
            newest = next((e.resource for e in reversed(entries) if e.resource is not None), None)
            if newest is None or not wanted.accepts_record(row.uid, row.provider, newest):
                continue
        within = [e for e in entries if since < e.at <= until]
        heard = list(ignoring.apply(within))
        one = Flapping(
            ref=ref_of(row),
            changes=row.changes,
            contents=row.contents,
            first_at=from_us(row.first_at),
            last_at=from_us(row.last_at),
            fields=tuple(Counter(f.path for e in heard for f in e.fields).most_common(5)),
        )
        if heard != within:
            changes = [e for e in heard if e.origin in _SEEN and not e.baseline and e.resource is not None]
            if len(changes) <= more_than:
                continue
            one = replace(
                one,
                changes=len(changes),
                contents=_contents(
                    (e.resource for e in changes if e.resource is not None), row.type, ignoring
                ),
                first_at=changes[0].at,
                last_at=changes[-1].at,
            )
        insort(found, one, key=lambda f: -f.changes)
        del found[limit:]
    return found


def _counted(start: int, end: int, more_than: int) -> sa.Select[tuple[Any, ...]]:
    """Where each resource with more than so many is, with what is counted of it; the restless first."""
    count = sa.func.count().label("changes")
    counted = (
        sa.select(
            VERSION.c.resource_id,
            count,
            sa.func.count(VERSION.c.digest.distinct()).label("contents"),
            sa.func.min(VERSION.c.valid_from).label("first_at"),
            sa.func.max(VERSION.c.valid_from).label("last_at"),
        )
        .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
        .where(
            VERSION.c.valid_from > start,
            VERSION.c.valid_from <= end,
            VERSION.c.valid_to > start,
            VERSION.c.origin.in_([int(origin) for origin in _SEEN]),
            VERSION.c.valid_from != sa.func.coalesce(RESOURCE.c.past_from, -1),
        )
        .group_by(VERSION.c.resource_id)
        .having(count > more_than)
        .subquery()
    )
    return (
        sa.select(counted, *PLACED)
        .join(RESOURCE, RESOURCE.c.id == counted.c.resource_id)
        .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
        .order_by(counted.c.changes.desc(), RESOURCE.c.id)
    )


def _contents(records: Iterable[Record], type_: str, ignoring: Ignoring) -> int:
    """How many of the records differ from each other in more than what is ignored."""
    contents: list[Record] = []
    for record in records:
        if all(ignoring.heard(type_, diff_records(other, record)) for other in contents):
            contents.append(record)
    return len(contents)
