"""Whether the daemon lives, and whether it is fit to be relied on.

*Alive* (``/healthz``, and the systemd watchdog): the main loop has beaten lately. When it has not, a restart helps.
*Ready* (``/readyz``): the database answers, and every configured cloud has had a cycle that ended within its time. A cloud
that cannot be read makes the daemon not ready, with the reason; a restart would not help. So does a place outside at which the
ledger's head cannot be noted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BEAT_LIMIT = timedelta(seconds=60)
"""The main loop beats every few seconds; silence for this long means that it hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class _Cycle:
    ended: datetime | None = None
    due_within: timedelta = timedelta(hours=1)
    sentence: str = ""
    failure: str | None = None


@dataclass
class Health:
    """What is known of the daemon's health. Written by its loops, read by the HTTP server; safe from any thread."""

    started: datetime
    _beat: datetime = field(init=False)
    _database: str | None = None
    _cycles: dict[str, _Cycle] = field(default_factory=dict)
    _anchors: dict[str, str | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._beat = self.started

    def beat(self, now: datetime) -> None:
        """The main loop is going round."""
        with self._lock:
            self._beat = now

    def expect(self, provider: str, within: timedelta) -> None:
        """A cycle of ``provider`` should end at least every ``within``."""
        with self._lock:
            self._cycles.setdefault(provider, _Cycle()).due_within = within

    def expected(self) -> frozenset[str]:
        """The clouds watched."""
        with self._lock:
            return frozenset(self._cycles)

    def forget(self, provider: str) -> None:
        """``provider`` is no longer watched."""
        with self._lock:
            self._cycles.pop(provider, None)

    def cycle_ended(self, provider: str, now: datetime, sentence: str) -> None:
        """A cycle of ``provider`` ended, completely or not."""
        with self._lock:
            cycle = self._cycles.setdefault(provider, _Cycle())
            cycle.ended, cycle.sentence, cycle.failure = now, sentence, None

    def cycle_failed(self, provider: str, reason: str) -> None:
        """A cycle of ``provider`` could not be carried out."""
        with self._lock:
            self._cycles.setdefault(provider, _Cycle()).failure = reason

    def database(self, failure: str | None) -> None:
        """Whether the database answers (None) or why not."""
        with self._lock:
            self._database = failure

    def anchor(self, name: str, failure: str | None) -> None:
        """Whether the ledger's head could be noted at an anchor (None) or why not."""
        with self._lock:
            self._anchors[name] = failure

    def no_anchor(self, name: str) -> None:
        """An anchor is no longer configured."""
        with self._lock:
            self._anchors.pop(name, None)

    def alive(self, now: datetime) -> tuple[Check, ...]:
        """The checks behind ``/healthz``."""
        with self._lock:
            silence = now - self._beat
        return (
            Check(
                name="loop",
                ok=silence <= BEAT_LIMIT,
                detail=f"the main loop beat {max(0.0, silence.total_seconds()):.0f} s ago",
            ),
        )

    def ready(self, now: datetime) -> tuple[Check, ...]:
        """The checks behind ``/readyz``."""
        checks = list(self.alive(now))
        with self._lock:
            checks.append(
                Check(
                    name="database",
                    ok=self._database is None,
                    detail=self._database or "the database answers",
                )
            )
            for provider, cycle in sorted(self._cycles.items()):
                checks.append(_check(provider, cycle, now))
            for name, failure in sorted(self._anchors.items()):
                detail = failure or "the ledger's head is noted"
                checks.append(Check(name=f"anchor {name}", ok=failure is None, detail=detail))
        return tuple(checks)


def _check(provider: str, cycle: _Cycle, now: datetime) -> Check:
    if cycle.failure is not None:
        return Check(name=provider, ok=False, detail=cycle.failure)
    if cycle.ended is None:
        return Check(name=provider, ok=False, detail="no cycle has ended yet")
    age = now - cycle.ended
    if age > 2 * cycle.due_within:
        return Check(
            name=provider,
            ok=False,
            detail=f"the last cycle ended {age.total_seconds():.0f} s ago, one is due every {cycle.due_within.total_seconds():.0f} s",
        )
    return Check(name=provider, ok=True, detail=cycle.sentence)
