"""Questions over the whole past: exposure windows, how long it takes to resolve. Streaming.

Questions(database).exposure(Filter(where="document.Public"), since, until)     by what documents said
Questions(database).failing(FindingFilter(policies=frozenset({"p"})), since, until)     by what policies said

What a window is, and where it begins and ends, is :mod:`storage.windows`'s; what changes again and again :mod:`storage.flapping`'s.
"""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import UsageError
from storage.among import among
from storage.database import Database
from storage.finding import FindingFilter, Reason
from storage.findings import conditions
from storage.query import Filter
from storage.rows import PLACED, chunks, decode, decoded, ref_of
from storage.tables import FINDING, RESOURCE, SCOPE, VERSION
from storage.times import OPEN, ended, from_us, to_us
from storage.windows import Judged, Window, fields_read, unread, windows

RESOURCES = 100
"""How many resources' whole pasts are in memory at once."""
GROUPS = ("severity", "policy", "provider", "account", "region", "type", "phase", "resource")
"""What findings may be grouped by; ``tag:KEY`` besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How findings of one group were resolved in a time. ``mean``, ``median`` and ``longest`` are of those that ended in it
    because what was wrong was mended or went away; None where none did. ``first_at``: when the group first failed at all."""

    group: str
    opened: int
    resolved: int
    still_open: int
    mean: timedelta | None
    median: timedelta | None
    longest: timedelta | None
    oldest_open_at: datetime | None
    first_at: datetime


class Questions:
    """Asks the whole past of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codecs = database.codecs

    def exposure(self, wanted: Filter, since: datetime, until: datetime) -> Iterator[Window]:
        """When ``wanted.where`` (and its tags) held, for each resource its other fields choose, by resource and time: every
        window that overlaps [since, until), with its true beginning. Raises UsageError without an expression."""
        if not wanted.reads_documents:
            raise UsageError("An exposure needs an expression.", hint="Add --where 'document.Public'.")
        start, end = to_us(since), to_us(until)
        reads = fields_read(wanted.where or "")
        query = sa.select(RESOURCE.c.id).where(
            sa.func.coalesce(RESOURCE.c.past_from, RESOURCE.c.first_seen) < end,
            sa.or_(RESOURCE.c.deleted_at.is_(None), RESOURCE.c.deleted_at > start),
        )
        with self._database.read() as connection:
            ids = array("q", sorted(connection.scalars(query.where(*wanted.of_places(connection)))))
        for part in chunks(ids, RESOURCES):
            versions = _VERSIONS.where(among(RESOURCE.c.id, part), VERSION.c.valid_from <= end)
            with self._database.read() as connection:
                judged = self._judged(connection, versions, wanted, reads)
                found = list(windows(judged, wanted.where or "tags", end))
            yield from (w for w in found if w.start < until and (w.end is None or w.end > since))

    def _judged(
        self, connection: Connection, query: sa.Select[Any], wanted: Filter, reads: frozenset[str]
    ) -> Iterator[Judged]:
        """Versions in order."""
        for row in connection.execute(query).all():
            self._codecs.load(connection, (row.codec_id,))
            record = decode(self._codecs, row.codec_id, row.data)
            holds = wanted.accepts_record(row.uid, row.provider, record)
            yield Judged(row, record, holds, not unread(wanted, reads, record.unknown))

    def failing(
        self, wanted: FindingFilter, since: datetime, until: datetime, *, batch: int = 500
    ) -> Iterator[Window]:
        """When resources failed policies: every finding open at some time in [since, until), in the order they opened."""
        start, end = to_us(since), to_us(until)
        chosen = _FOUND.where(
            *conditions(wanted, None), FINDING.c.opened_at < end, FINDING.c.resolved_at > start
        )
        place: tuple[int, int] | None = None
        while True:
            query = chosen.order_by(FINDING.c.opened_at, FINDING.c.seq).limit(batch)
            if place is not None:
                query = query.where(sa.tuple_(FINDING.c.opened_at, FINDING.c.seq) > place)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            place = (rows[-1].opened_at, rows[-1].seq)
            for row in rows:
                if not _of_framework(row, wanted):
                    continue
                yield Window(
                    ref=ref_of(row),
                    what=row.policy_id,
                    start=from_us(row.opened_at),
                    end=ended(row.resolved_at) if row.resolved_at <= end else None,
                    at_least=bool(row.baseline),
                )

    def resolution(
        self, by: str, since: datetime, until: datetime, wanted: FindingFilter | None = None
    ) -> list[Resolution]:
        """How findings were opened and resolved in (since, until], by one of :data:`GROUPS` or ``tag:KEY``, sorted by group.

        A tag is that of the resource when the finding was opened, so that what a team left behind stays with it; the group is
        empty where there was none. A finding that ended because its
        policy was taken away counts as resolved, but its time does not. Raises UsageError for an unknown ``by``.
        """
        tag = by.removeprefix("tag:") if by.startswith("tag:") else None
        if (tag is None and by not in GROUPS) or tag == "":
            raise UsageError(
                f"Findings are not grouped by {by!r}.", hint=f"By {', '.join(GROUPS)}, or tag:KEY."
            )
        start, end = to_us(since), to_us(until)
        groups: dict[str, _Group] = {}
        for row, group in self._grouped(by, tag, end, wanted or FindingFilter()):
            groups.setdefault(group, _Group()).add(row, start, end)
        return [groups[name].resolution(name) for name in sorted(groups)]

    def _grouped(
        self, by: str, tag: str | None, end: int, wanted: FindingFilter
    ) -> Iterator[tuple[Any, str]]:
        place, column = 0, "uid" if by == "resource" else "policy_id" if by == "policy" else by
        chosen = _FOUND.where(*conditions(wanted, None), FINDING.c.opened_at <= end)
        while True:
            with self._database.read() as connection:
                query = chosen.where(FINDING.c.seq > place).order_by(FINDING.c.seq).limit(2_000)
                rows = connection.execute(query).all()
                if not rows:
                    return
                tags = {} if tag is None else self._tags(connection, [row.seq for row in rows], tag)
            place = rows[-1].seq
            for row in rows:
                if _of_framework(row, wanted):
                    yield row, getattr(row, column) if tag is None else tags.get(row.seq, "")

    def _tags(self, connection: Connection, findings: Sequence[int], tag: str) -> dict[int, str]:
        """The value of a tag when each finding was opened, by the finding's number."""
        found = {}
        for part in chunks(findings):
            rows = connection.execute(_THEN.where(among(FINDING.c.seq, part))).all()
            for row, record in zip(rows, decoded(connection, self._codecs, rows), strict=True):
                found[row.seq] = record.tags.get(tag, "")
        return found


_VERSIONS = (
    sa.select(
        VERSION.c.resource_id,
        VERSION.c.valid_from,
        VERSION.c.valid_to,
        VERSION.c.origin,
        VERSION.c.codec_id,
        VERSION.c.data,
        RESOURCE.c.past_from,
        *PLACED,
    )
    .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
    .order_by(VERSION.c.resource_id, VERSION.c.valid_from)
)
_THEN = (
    sa.select(FINDING.c.seq, VERSION.c.codec_id, VERSION.c.data)
    .select_from(FINDING)
    .join(
        VERSION,
        (VERSION.c.resource_id == FINDING.c.resource_id)
        & (VERSION.c.valid_from <= FINDING.c.opened_at)
        & (VERSION.c.valid_to > FINDING.c.opened_at),
    )
)
"""The content of each finding's resource when it was opened."""
_FOUND = (
    sa.select(
        FINDING.c.seq,
        FINDING.c.resource_id,
        FINDING.c.policy_id,
        FINDING.c.severity,
        FINDING.c.phase,
        FINDING.c.opened_at,
        FINDING.c.resolved_at,
        FINDING.c.reason,
        FINDING.c.baseline,
        FINDING.c.frameworks,
        *PLACED,
    )
    .join(RESOURCE, RESOURCE.c.id == FINDING.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
)


def _of_framework(row: Any, wanted: FindingFilter) -> bool:
    return wanted.framework is None or wanted.framework in orjson.loads(row.frameworks)


@dataclass(slots=True)
class _Group:
    """What is counted of one group."""

    opened: int = 0
    resolved: int = 0
    still_open: int = 0
    took: array[int] = field(default_factory=lambda: array("q"))
    oldest: int = OPEN
    first: int = OPEN

    def add(self, row: Any, start: int, end: int) -> None:
        self.first = min(self.first, row.opened_at)
        self.opened += row.opened_at > start
        if row.resolved_at > end:
            self.still_open += 1
            self.oldest = min(self.oldest, row.opened_at)
        elif row.resolved_at > start:
            self.resolved += 1
            if row.reason != Reason.POLICY_REMOVED.value:
                self.took.append(row.resolved_at - row.opened_at)

    def resolution(self, name: str) -> Resolution:
        took: Sequence[int] = self.took
        return Resolution(
            group=name,
            opened=self.opened,
            resolved=self.resolved,
            still_open=self.still_open,
            mean=timedelta(microseconds=statistics.fmean(took)) if took else None,
            median=timedelta(microseconds=statistics.median(took)) if took else None,
            longest=timedelta(microseconds=max(took)) if took else None,
            oldest_open_at=ended(self.oldest),
            first_at=from_us(self.first),
        )
