"""Who did it: for each change we saw, what the cloud's own record says was done to the resource just then.

A change happened after the complete reading before it and before the reading that showed it. Whoever the cloud's record
names in that window, and nobody else, did it. If it names several, they are candidates and no one is *the* actor; if it names
none, nobody is. Nothing is guessed by what was done, by name or by nearness.

The question is written in the transaction that stores the change, so none is lost; it waits until the cloud's record, which
lags behind, can be complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.provider import Deed
from providers.resource import ResourceRef
from storage.database import Database
from storage.rows import PLACED, chunks, ref_of
from storage.tables import ACTION, ATTRIBUTION, RESOURCE, SCOPE, VERSION
from storage.text import to_json
from storage.times import from_us, to_us
from storage.values import Change

LATE = timedelta(hours=1)
"""A cloud's record that is silent is asked once more after so long; then the change counts as unrecorded."""
HORIZON = timedelta(days=1)
"""For so long a question that could not be put is put again."""
WAIT = timedelta(hours=1)
"""After a refusal."""


class AttributionStatus(StrEnum):
    """What is known of who made a change."""

    ASKING = "asking"
    KNOWN = "known"
    AMBIGUOUS = "ambiguous"
    """Several acted upon the resource in the window; ``deeds`` names them."""
    UNRECORDED = "unrecorded"
    """The cloud's record names nobody: the cloud itself, or something it does not record."""
    UNANSWERED = "unanswered"
    """The record could not be asked; ``cause`` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who made one change: of ``resource_id``, seen at ``at``. ``ours``: ids of the deeds that were acts of our own."""

    status: AttributionStatus
    deeds: tuple[Deed, ...] = ()
    ours: frozenset[str] = frozenset()
    cause: str | None = None
    permission: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A change whose maker is not known: it happened after ``since`` and not after ``until``."""

    resource_id: int
    at: datetime
    ref: ResourceRef
    since: datetime
    until: datetime


def note(
    connection: Connection,
    changes: Sequence[Change],
    *,
    since: int | None,
    until: int | None,
    deed: Deed | None = None,
) -> None:
    """Write down the question for each change, or the answer where an event brought it (``deed``). What was there at the
    first contact is no change, and a change without a window cannot be asked about."""
    window = (since, until) if since is not None and until is not None and since < until else None
    if deed is None and window is None:
        return
    rows = []
    for change in changes:
        if change.first_contact or (deed is None and change.actor is not None):
            continue
        at = to_us(change.at)
        if deed is not None:
            known = _row(change.resource_id, at, at, at, AttributionStatus.KNOWN)
            rows.append(known | _told(connection, [deed]))
        elif window is not None:
            rows.append(_row(change.resource_id, at, *window, AttributionStatus.ASKING))
    if rows:
        connection.execute(sa.insert(ATTRIBUTION), rows)


def _row(resource_id: int, at: int, since: int, until: int, status: AttributionStatus) -> dict[str, Any]:
    row = {"resource_id": resource_id, "at": at, "since": since, "until": until}
    return {**row, "status": status.value, "deeds": None, "cause": None, "permission": None}


def _told(connection: Connection, deeds: Iterable[Deed]) -> dict[str, Any]:
    """The column for deeds. Which are ours is told by the cloud's id of the request alone: anybody can take our name."""
    found = list(deeds)
    requests = [deed.request_id for deed in found if deed.request_id]
    query = sa.select(ACTION.c.request_id).where(ACTION.c.request_id.in_(requests))
    ours = set(connection.scalars(query)) if requests else set()
    body = [
        {
            "id": deed.id,
            "at": to_us(deed.at),
            "actor": deed.actor,
            "operation": deed.operation,
            "request_id": deed.request_id,
            "source_ip": deed.source_ip,
            "user_agent": deed.user_agent,
            "ours": deed.request_id in ours,
        }
        for deed in found
    ]
    return {"deeds": to_json(body) if body else None}


def read(connection: Connection, resource_id: int) -> dict[int, Attribution]:
    """What is known of a resource's changes, by their times."""
    query = sa.select(ATTRIBUTION).where(ATTRIBUTION.c.resource_id == resource_id)
    return {row.at: _attribution(row) for row in connection.execute(query)}


def _attribution(row: Any) -> Attribution:
    body: list[dict[str, Any]] = orjson.loads(row.deeds) if row.deeds else []
    ours = frozenset(one["id"] for one in body if one["ours"])
    deeds = tuple(
        Deed(at=from_us(one["at"]), **{k: v for k, v in one.items() if k not in ("at", "ours")})
        for one in body
    )
    return Attribution(
        status=AttributionStatus(row.status),
        deeds=deeds,
        ours=ours,
        cause=row.cause,
        permission=row.permission,
    )


class Attributions:
    """The questions and answers in one database. Safe from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, provider: str, now: datetime, *, lag: timedelta, limit: int) -> list[Question]:
        """The questions to put to a cloud now, the newest first: those whose window its record, which is ``lag`` behind,
        can tell of. What is older than a day is given up. Raises StorageError."""
        row, at = ATTRIBUTION.c, to_us(now)
        asking = row.status == AttributionStatus.ASKING.value
        query = (
            sa.select(ATTRIBUTION, *PLACED)
            .join(RESOURCE, RESOURCE.c.id == row.resource_id)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .where(
                asking,
                SCOPE.c.provider == provider,
                row.until <= to_us(now - lag),
                sa.func.coalesce(row.next_try_at, 0) <= at,
            )
            .order_by(row.until.desc(), row.resource_id)
            .limit(limit)
        )
        old = sa.and_(asking, row.until < to_us(now - HORIZON))
        with self._database.read() as connection:
            given_up = connection.execute(sa.select(row.at).where(old).limit(1)).first() is not None
        if given_up:
            with self._database.write() as connection:
                connection.execute(
                    sa.update(ATTRIBUTION).where(old).values(status=AttributionStatus.UNANSWERED.value)
                )
        with self._database.read() as connection:
            return [
                Question(
                    resource_id=found.resource_id,
                    at=from_us(found.at),
                    ref=ref_of(found),
                    since=from_us(found.since),
                    until=from_us(found.until),
                )
                for found in connection.execute(query)
            ]

    def answer(self, question: Question, deeds: Iterable[Deed], now: datetime) -> AttributionStatus:
        """Store what the record told of a question's window; returns how the question stands now. Raises StorageError."""
        with self._database.write() as connection:
            explained = self._explained(connection, question)
            within = {
                deed.id: deed
                for deed in sorted(deeds, key=lambda d: (d.at, d.id))
                if question.since < deed.at <= question.until and deed.id not in explained
            }
            actors = {deed.actor for deed in within.values()}
            values: dict[str, Any] = {"cause": None, "permission": None, "next_try_at": None}
            if not within and now < question.until + LATE:
                status = AttributionStatus.ASKING
                values["next_try_at"] = to_us(question.until + LATE)
            elif not within:
                status = AttributionStatus.UNRECORDED
            elif len(actors) == 1 and None not in actors:
                status = AttributionStatus.KNOWN
                self._name(connection, question, next(iter(actors)))
            else:
                status = AttributionStatus.AMBIGUOUS
            values |= {"status": status.value, **_told(connection, within.values())}
            self._update(connection, question, values)
        return status

    def unanswered(
        self, question: Question, now: datetime, *, cause: str, permission: str | None, final: bool
    ) -> None:
        """Note that the record could not be asked. Unless ``final``, it is asked again in an hour, for a day. Raises
        StorageError."""
        status = AttributionStatus.UNANSWERED if final else AttributionStatus.ASKING
        values = {
            "status": status.value,
            "cause": cause,
            "permission": permission,
            "next_try_at": None if final else to_us(now + WAIT),
        }
        with self._database.write() as connection:
            self._update(connection, question, values)

    @staticmethod
    def _update(connection: Connection, question: Question, values: Mapping[str, Any]) -> None:
        row = ATTRIBUTION.c
        connection.execute(
            sa.update(ATTRIBUTION)
            .where(row.resource_id == question.resource_id, row.at == to_us(question.at))
            .values(values)
        )

    @staticmethod
    def _explained(connection: Connection, question: Question) -> set[str]:
        """What has made an earlier change of the resource already: the windows of two readings overlap by the time that the
        earlier one took."""
        row = ATTRIBUTION.c
        query = sa.select(ATTRIBUTION).where(
            row.resource_id == question.resource_id,
            row.at < to_us(question.at),
            row.until > to_us(question.since),
            row.status == AttributionStatus.KNOWN.value,
        )
        return {deed.id for found in connection.execute(query) for deed in _attribution(found).deeds}

    @staticmethod
    def _name(connection: Connection, question: Question, actor: str | None) -> None:
        """Let the version that began then, or the one that ended with the resource, name its maker."""
        at, version = to_us(question.at), VERSION.c
        mine = version.resource_id == question.resource_id
        begun = connection.execute(
            sa.update(VERSION)
            .where(mine, version.valid_from == at, _nobody(version.actor))
            .values(actor=actor or "")
        )
        if begun.rowcount == 0:
            connection.execute(
                sa.update(VERSION)
                .where(mine, version.valid_to == at, _nobody(version.closed_by))
                .values(closed_by=actor or "")
            )


def _nobody(actor: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(actor, "") == ""


def let_go(connection: Connection, keys: Sequence[tuple[int, int]]) -> None:
    """Forget who made versions that are let go of, by resource and beginning."""
    row = ATTRIBUTION.c
    for part in chunks(keys):
        connection.execute(sa.delete(ATTRIBUTION).where(sa.tuple_(row.resource_id, row.at).in_(list(part))))
