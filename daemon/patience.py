"""Calling again: what may pass, a few times; the store, until it takes what was done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from daemon.defects import sound
from daemon.durable import Interrupted
from daemon.errors import Transient
from daemon.metrics import Metrics
from providers.errors import Expired, Throttled, TimedOut, Unavailable
from storage.errors import StorageError

PASSING = (Throttled, TimedOut, Unavailable, Expired, Transient)
"""Errors after which another try may help."""
TRIES = 4
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=30)

T = TypeVar("T")

log = structlog.get_logger("watchstander.respond")


class Patience:
    """Waits between the tries of a containment, until ``stop`` is set: then what is under way is left to the next start."""

    def __init__(self, stop: threading.Event, metrics: Metrics) -> None:
        self._stop = stop
        self._metrics = metrics

    def trying(self, function: Callable[[], T]) -> T:
        """Call, and call again while the error may pass."""
        wait = FIRST_WAIT
        for _ in range(TRIES - 1):
            try:
                return sound("a containment", function)
            except PASSING as error:
                log.warning(f"Trying again in {wait.total_seconds():g} s: {error}", key="trying-again")
                self._pause(wait)
                wait *= 2
        return sound("a containment", function)

    def storing(self, function: Callable[[], T]) -> T:
        """Call until the store takes it. What was done in a cloud must be written down, however long that takes; a process
        that is told to end leaves it to the next start."""
        wait = FIRST_WAIT
        while True:
            try:
                return function()
            except StorageError as error:
                self._metrics.errors.labels("respond-store").inc()
                log.error(
                    f"What containment did cannot be stored; trying again in {wait.total_seconds():g} s: {error}",
                    key="respond-store",
                )
                self._pause(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    def _pause(self, wait: timedelta) -> None:
        if self._stop.wait(wait.total_seconds()):
            raise Interrupted
