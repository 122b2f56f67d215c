"""Cycles: when each began, how it ended, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa

from providers.provider import Selection
from storage.database import Database
from storage.errors import NotStored
from storage.tables import CYCLE
from storage.times import ended, from_us, to_us


class CycleStatus(StrEnum):
    """How a cycle stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Something could not be read."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process died; what it had stored by then stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleSummary:
    """What a cycle did. ``sentence`` says it in English; ``detail`` is whatever else is worth keeping, as JSON values."""

    sentence: str
    status: CycleStatus = CycleStatus.COMPLETE
    read: int = 0
    unread: int = 0
    created: int = 0
    changed: int = 0
    deleted: int = 0
    opened: int = 0
    resolved: int = 0
    open: int = 0
    evaluated: int = 0
    acted: int = 0
    seconds: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle. ``summary`` is None while it runs and where it was interrupted."""

    id: int
    instance: str
    kind: str
    selection: Selection
    started_at: datetime
    finished_at: datetime | None
    status: CycleStatus
    sentence: str | None
    summary: CycleSummary | None


_COUNTS = (
    "read",
    "unread",
    "created",
    "changed",
    "deleted",
    "opened",
    "resolved",
    "open",
    "evaluated",
    "acted",
    "seconds",
)
_FACETS = ("providers", "accounts", "regions", "types")


class Cycles:
    """The cycles of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, started_at: datetime, selection: Selection, kind: str = "scheduled") -> int:
        """Record that a cycle begins. ``kind`` says why: scheduled, scan, event. Returns its id."""
        chosen = {name: sorted(getattr(selection, name)) for name in _FACETS if getattr(selection, name)}
        row = {
            "instance": self._database.instance,
            "kind": kind,
            "selection": orjson.dumps(chosen).decode(),
            "started_at": to_us(started_at),
            "status": CycleStatus.RUNNING.value,
        }
        with self._database.write() as connection:
            return int(connection.execute(sa.insert(CYCLE).values(row).returning(CYCLE.c.id)).scalar_one())

    def finish(self, cycle_id: int, at: datetime, summary: CycleSummary) -> None:
        """Record how a cycle ended. Raises NotStored for an id that :meth:`begin` did not give."""
        body = {name: getattr(summary, name) for name in _COUNTS}
        if summary.detail:
            body["detail"] = dict(summary.detail)
        self._end(cycle_id, at, summary.status, summary.sentence, orjson.dumps(body, default=str).decode())

    def interrupted(self, at: datetime) -> list[Cycle]:
        """Mark the cycles that a process which is no more left unfinished; returns them. Call it after
        :meth:`storage.database.Database.claim`: the claim is the proof that the process is no more."""
        query = sa.select(CYCLE).where(CYCLE.c.status == CycleStatus.RUNNING.value)
        if not self._database.sqlite:
            query = query.where(CYCLE.c.instance == self._database.instance)
        with self._database.write() as connection:
            left = [_cycle(row) for row in connection.execute(query.order_by(CYCLE.c.id))]
            for cycle in left:
                sentence = (
                    f"Cycle {cycle.id} was interrupted before it ended; what it had stored by then stands."
                )
                self._end(cycle.id, at, CycleStatus.INTERRUPTED, sentence, None)
        return [self.get(cycle.id) for cycle in left]

    def get(self, cycle_id: int) -> Cycle:
        """One cycle. Raises NotStored."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(CYCLE).where(CYCLE.c.id == cycle_id)).one_or_none()
        if row is None:
            raise NotStored(
                f"There is no cycle {cycle_id}.", hint="`watchstander status` shows the last ones."
            )
        return _cycle(row)

    def last(self, count: int = 1, *, kind: str | None = None) -> list[Cycle]:
        """The newest cycles, newest first."""
        query = sa.select(CYCLE).order_by(CYCLE.c.id.desc()).limit(count)
        if kind is not None:
            query = query.where(CYCLE.c.kind == kind)
        with self._database.read() as connection:
            return [_cycle(row) for row in connection.execute(query)]

    def _end(
        self, cycle_id: int, at: datetime, status: CycleStatus, sentence: str, summary: str | None
    ) -> None:
        statement = (
            sa.update(CYCLE)
            .where(CYCLE.c.id == cycle_id)
            .values(finished_at=to_us(at), status=status.value, sentence=sentence, summary=summary)
        )
        with self._database.write() as connection:
            if connection.execute(statement).rowcount == 0:
                raise NotStored(f"There is no cycle {cycle_id}.")


def _cycle(row: Any) -> Cycle:
    chosen = orjson.loads(row.selection)
    status = CycleStatus(row.status)
    summary = None
    if row.summary is not None:
        body = orjson.loads(row.summary)
        summary = CycleSummary(
            sentence=row.sentence,
            status=status,
            detail=body.get("detail", {}),
            **{name: body[name] for name in _COUNTS if name in body},
        )
    return Cycle(
        id=row.id,
        instance=row.instance,
        kind=row.kind,
        selection=Selection(**{name: frozenset(chosen.get(name, ())) for name in _FACETS}),
        started_at=from_us(row.started_at),
        finished_at=ended(row.finished_at),
        status=status,
        sentence=row.sentence,
        summary=summary,
    )
