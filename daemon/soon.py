"""Joining policies, soon after events: what changed is gathered until it has been quiet for a while, then what joins it is judged
once.

A burst of events (an instance that starts touches its volumes, its interfaces, its groups) costs one judging of what joins
them instead of one each. The store knows by itself what is due, so what a killed process had gathered is judged by the next cycle.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final

import structlog

from config.errors import WatchstanderError
from daemon.crew import Crew
from daemon.defects import sound
from daemon.judging import Judged, Judging
from providers.resource import ResourceRef

LONGEST: Final = 6
"""So many times the delay at most: a stream of events that never pauses does not put it off for ever."""
LAST_WAIT: Final = 5.0
"""Seconds that a judging under way is waited for at the end."""

log = structlog.get_logger("watchstander.soon")


class Soon:
    """Gathers what events changed; judges in a thread of its own. Safe from several threads."""

    def __init__(
        self,
        judging: Judging,
        hold: Callable[[], AbstractContextManager[Crew]],
        respond: Callable[[], object],
        clock: Callable[[], datetime],
        *,
        trouble: Callable[[str, WatchstanderError], None],
    ) -> None:
        self._judging = judging
        self._hold = hold
        self._respond = respond
        self._clock = clock
        self._trouble = trouble
        self._lock = threading.Lock()
        self._touched: set[tuple[str, str, str]] = set()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._thread: threading.Thread | None = None

    def note(self, refs: Iterable[ResourceRef]) -> None:
        """An event changed these."""
        now = self._clock()
        with self._lock:
            self._touched.update((ref.provider, ref.account, ref.type) for ref in refs)
            self._first, self._last = self._first or now, now

    def due(self, delay: timedelta) -> bool:
        """Whether what was gathered has been quiet for so long, or waits since long."""
        now = self._clock()
        with self._lock:
            if self._first is None or self._last is None:
                return False
            return now - self._last >= delay or now - self._first >= LONGEST * delay

    def tick(self, delay: timedelta) -> None:
        """Begin to judge where that is due and not under way."""
        if self.due(delay) and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, name="joins", daemon=True)
            self._thread.start()

    def wait(self, seconds: float | None = LAST_WAIT) -> None:
        """Until nothing is under way."""
        if self._thread is not None:
            self._thread.join(seconds)

    def judge(self) -> Judged:
        """Judge what joins what was gathered, and ask the hooks. Raises StorageError, EngineError."""
        with self._lock:
            touched, self._touched = frozenset(self._touched), set()
            self._first = self._last = None
        if not touched:
            return Judged()
        with self._hold() as crew:
            judged = self._judging.judge_joined(crew, touched, self._clock())
        if judged.opened or judged.resolved:
            log.info(
                f"After events: {judged.evaluated} evaluations of joining policies opened {judged.opened} findings "
                f"and resolved {judged.resolved}.",
                key="joined-after-events",
                opened=judged.opened,
                resolved=judged.resolved,
            )
        if judged.opened:
            self._respond()
        return judged

    def _run(self) -> None:
        try:
            sound("the judging of what joins what events changed", self.judge)
        except WatchstanderError as error:
            # What is due stays due: the next cycle judges it.
            self._trouble("joins", error)
