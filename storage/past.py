"""The past before our first contact, as a cloud itself tells it: once for each scope, resumed where it was left.

    past = Past(database)
    while (task := past.take("aws", owner, now, back=timedelta(days=30), lease=timedelta(hours=1))) is not None:
        while refs := past.refs(task, provider.past_batch):
            answers = provider.past([ref for _, ref in refs], task.since)
            for (number, _), answer in zip(refs, answers):
                task = past.tell(task, number, answer.versions)
        past.finish(task, PastStatus.COMPLETE, now)

What is told ends where our own watching begins: no version that we saw is touched, whenever the past arrives, and it is
never due to be judged. A resource is told of once; the first answer counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.provider import PastVersion
from providers.resource import ANY, ResourceRef, Scope
from storage import bulk, documents, partitions
from storage.database import Database
from storage.query import type_matches
from storage.rows import PLACED, ref_of
from storage.tables import PAST, RESOURCE, SCOPE, VERSION
from storage.times import ended, from_us, to_us
from storage.values import Origin

BATCH = 100
"""How many resources :meth:`Past.refs` gives at once, unless told otherwise."""
FIRST_WAIT = timedelta(hours=1)
LONGEST_WAIT = timedelta(days=1)
"""How long an asking that was not answered is left alone: doubled each time, up to this."""

_COLUMNS = (
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


class PastStatus(StrEnum):
    """How far the asking for a scope's past got. The words of a coverage, and two more."""

    ASKING = "asking"
    """Under way, or left by a process that ended; it goes on from where it was."""
    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some resources were told of, others not; ``cause`` says why."""
    DENIED = "denied"
    THROTTLED = "throttled"
    TIMED_OUT = "timed-out"
    """Its time was up; it goes on later."""
    UNAVAILABLE = "unavailable"
    NOT_ENABLED = "not-enabled"
    """The cloud does not record a history there (no Config recorder, an API that is off)."""
    EXPIRED = "expired"
    NOT_KEPT = "not-kept"
    """The cloud keeps no past of this type that could be asked for."""

    @property
    def final(self) -> bool:
        """Whether asking again would tell no more."""
        return self in (PastStatus.COMPLETE, PastStatus.NOT_KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A scope whose past this process asks for. ``after``: the last resource that was asked about."""

    scope_id: int
    scope: Scope
    since: datetime
    tries: int
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastState:
    """What is known of a scope's past: ``versions`` were told in all; in the newest pass ``resources`` were asked about, of
    ``failed`` of them nothing could be had."""

    scope: Scope
    status: PastStatus
    since: datetime
    resources: int
    versions: int
    failed: int
    cause: str | None
    permission: str | None
    finished_at: datetime | None
    next_try_at: datetime | None


class Past:
    """The told past in one database. Safe from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codecs = database.codecs

    def take(
        self, provider: str, owner: str, now: datetime, *, back: timedelta, lease: timedelta
    ) -> Task | None:
        """The next scope of a cloud whose past has to be asked for, which is then ``owner``'s for as long as ``lease``.

        A scope's turn comes when it was first read completely, at most ``back`` ago; what was not answered comes again
        until ``back`` has passed. Raises StorageError.
        """
        at = to_us(now)
        waiting = sa.and_(PAST.c.next_try_at.is_not(None), PAST.c.next_try_at <= at)
        left = sa.and_(
            PAST.c.status == PastStatus.ASKING.value,
            sa.or_(PAST.c.owner == owner, PAST.c.leased_until <= at),
        )
        query = (
            sa.select(SCOPE, PAST.c.since, PAST.c.after, PAST.c.tries, PAST.c.status.label("told"))
            .join(PAST, PAST.c.scope_id == SCOPE.c.id, isouter=True)
            .where(
                SCOPE.c.provider == provider,
                SCOPE.c.first_complete_at > to_us(now - back),
                sa.or_(PAST.c.scope_id.is_(None), waiting, left),
            )
            # Who has waited for a first time goes before who is tried again.
            .order_by(sa.func.coalesce(PAST.c.tries, 0), SCOPE.c.id)
            .limit(1)
        )
        with self._database.read() as connection:
            if connection.execute(query).first() is None:
                return None
        with self._database.write() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            values: dict[str, Any] = {
                "status": PastStatus.ASKING.value,
                "owner": owner,
                "leased_until": to_us(now + lease),
                "next_try_at": None,
                "tries": (row.tries or 0) + 1,
            }
            since = row.since if row.since is not None else row.first_complete_at - back // _MICROSECOND
            if row.told is None:
                values |= {"scope_id": row.id, "since": since, "after": 0, "resources": 0, "versions": 0}
                connection.execute(sa.insert(PAST).values(failed=0, **values))
            else:
                if not row.after:
                    values |= {"resources": 0, "failed": 0}
                connection.execute(sa.update(PAST).where(PAST.c.scope_id == row.id).values(values))
        return Task(
            scope_id=row.id,
            scope=Scope(row.provider, row.account, row.region, row.type),
            since=from_us(since),
            tries=values["tries"],
            after=row.after or 0,
        )

    def refs(self, task: Task, limit: int = BATCH) -> list[tuple[int, ResourceRef]]:
        """The next resources to ask about, by number: those that were there at the first contact and have not been told of.
        Raises StorageError."""
        scope = task.scope
        place = [SCOPE.c.provider == scope.provider, SCOPE.c.account == scope.account]
        if scope.region != ANY:
            place.append(SCOPE.c.region == scope.region)
        place.append(type_matches(SCOPE.c.type, scope.type))
        version = sa.select(1).select_from(VERSION).where(VERSION.c.resource_id == RESOURCE.c.id)
        query = (
            sa.select(RESOURCE.c.id, *PLACED)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .where(
                sa.or_(sa.and_(*place), RESOURCE.c.scope_id == task.scope_id),
                RESOURCE.c.id > task.after,
                RESOURCE.c.past_from.is_(None),
                sa.exists(version.where(VERSION.c.origin == int(Origin.BASELINE))),
            )
            .order_by(RESOURCE.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(row.id, ref_of(row)) for row in connection.execute(query)]

    def tell(self, task: Task, resource_id: int, versions: Iterable[PastVersion]) -> Task:
        """Store what a cloud told of one resource, and that it was asked about. Returns the task as it now stands; give
        that to the next call. Raises StorageError."""
        with self._database.write() as connection:
            told = self._write(connection, resource_id, versions)
            self._count(connection, task, resource_id, versions=told)
        return replace(task, after=resource_id)

    def fail(self, task: Task, resource_id: int) -> Task:
        """Note that nothing could be had of one resource. Raises StorageError."""
        with self._database.write() as connection:
            self._count(connection, task, resource_id, failed=1)
        return replace(task, after=resource_id)

    def finish(
        self,
        task: Task,
        status: PastStatus,
        now: datetime,
        *,
        cause: str | None = None,
        permission: str | None = None,
    ) -> PastState:
        """End this turn of asking; unless the status is final, it comes again later. Raises StorageError."""
        row = PAST.c
        wait = min(FIRST_WAIT * 2 ** min(task.tries - 1, 10), LONGEST_WAIT)
        values: dict[str, Any] = {
            "cause": cause,
            "permission": permission,
            "finished_at": to_us(now),
            "owner": None,
            "leased_until": None,
        }
        with self._database.write() as connection:
            failed = connection.scalar(sa.select(row.failed).where(row.scope_id == task.scope_id)) or 0
            if status is PastStatus.COMPLETE and failed:
                status = PastStatus.PARTIAL
            if not status.final:
                values["next_try_at"] = to_us(now + wait)
                # From where time ran out; where single resources failed, over all that were not told of.
                if status is not PastStatus.TIMED_OUT:
                    values["after"] = 0
            values["status"] = status.value
            connection.execute(sa.update(PAST).where(row.scope_id == task.scope_id).values(values))
            return next(self._states(connection, PAST.c.scope_id == task.scope_id))

    def states(self) -> list[PastState]:
        """What is known of each scope whose past was asked for. Raises StorageError."""
        with self._database.read() as connection:
            return list(self._states(connection, sa.true()))

    def _states(self, connection: Connection, condition: sa.ColumnElement[bool]) -> Iterator[PastState]:
        query = (
            sa.select(SCOPE.c.provider, SCOPE.c.account, SCOPE.c.region, SCOPE.c.type, PAST)
            .join(SCOPE, SCOPE.c.id == PAST.c.scope_id)
            .where(condition)
            .order_by(SCOPE.c.provider, SCOPE.c.account, SCOPE.c.region, SCOPE.c.type)
        )
        for row in connection.execute(query):
            yield PastState(
                scope=Scope(row.provider, row.account, row.region, row.type),
                status=PastStatus(row.status),
                since=from_us(row.since),
                resources=row.resources,
                versions=row.versions,
                failed=row.failed,
                cause=row.cause,
                permission=row.permission,
                finished_at=ended(row.finished_at),
                next_try_at=ended(row.next_try_at),
            )

    def _count(
        self, connection: Connection, task: Task, resource_id: int, *, versions: int = 0, failed: int = 0
    ) -> None:
        row = PAST.c
        connection.execute(
            sa.update(PAST)
            .where(row.scope_id == task.scope_id)
            .values(
                after=resource_id,
                resources=row.resources + 1,
                versions=row.versions + versions,
                failed=row.failed + failed,
            )
        )

    def _write(self, connection: Connection, resource_id: int, versions: Iterable[PastVersion]) -> int:
        resource = connection.execute(
            sa.select(RESOURCE.c.uid, RESOURCE.c.first_seen, RESOURCE.c.past_from).where(
                RESOURCE.c.id == resource_id
            )
        ).first()
        # Our own watching begins here. What retention let go of since was seen by us all the same.
        own = connection.scalar(
            sa.select(sa.func.min(VERSION.c.valid_from)).where(VERSION.c.resource_id == resource_id)
        )
        if resource is None or own is None or resource.past_from is not None:
            return 0
        rows = list(_rows(resource.uid, versions, resource.first_seen, own))
        if not rows:
            return 0
        written = []
        for begun, ends, (version, data, digest), closed_by in rows:
            assert version.resource is not None
            codec = self._codecs.choose(connection, version.resource.ref.type)
            content = self._codecs.encode(codec, data, harder=True)
            origin, actor = int(Origin.PAST), version.actor or ""
            written.append(
                (resource_id, begun, ends, digest, 0, origin, actor, closed_by or "", codec, content)
            )
        partitions.ensure(connection, (ends for _, ends, *_ in rows))
        bulk.insert(connection, VERSION, _COLUMNS, written)
        connection.execute(
            sa.update(RESOURCE).where(RESOURCE.c.id == resource_id).values(past_from=written[0][1])
        )
        return len(written)


_MICROSECOND = timedelta(microseconds=1)
_Content = tuple[PastVersion, bytes, bytes]
"""A version, its bytes and their digest."""


def _rows(
    uid: str, versions: Iterable[PastVersion], first_seen: int, own: int
) -> Iterator[tuple[int, int, _Content, str | None]]:
    """What was told as (from, to, content, who ended it), up to where our own watching begins."""
    by_time: dict[int, PastVersion] = {}
    for version in sorted(versions, key=lambda v: v.at):
        if (at := to_us(version.at)) < first_seen:
            by_time[at] = version
    last: tuple[int, _Content] | None = None
    for at, version in by_time.items():
        if version.resource is None:
            if last is not None:
                yield last[0], at, last[1], version.actor
            last = None
            continue
        # A field that could not be told is unknown: it is not carried on, for nobody saw that it stayed.
        data = (
            documents.encode_carrying(version.resource, None)
            if version.resource.unread
            else documents.encode(version.resource)
        )
        content: _Content = (version, data, documents.digest(uid, data))
        if last is not None:
            if last[1][2] == content[2]:
                continue  # Told again, with nothing new.
            yield last[0], at, last[1], None
        last = (at, content)
    if last is not None:
        yield last[0], own, last[1], None
