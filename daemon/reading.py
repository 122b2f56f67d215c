"""Many scopes read at once, none holding up the others.

Worker threads read; what they read comes out as one stream of batches in the order it arrives, so that a single writer
can store it while a slow scope is still being read. Memory is bounded by the batches in flight, not by the estate.

The next scope is taken from the account with the fewest readings under way, so an account that hangs takes at most the
workers nobody else needs. A reading that does not end by its deadline is given up and its worker replaced.
"""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Generic, TypeVar

import structlog

from providers.provider import Provider
from providers.resource import Coverage, CoverageStatus, Reading, Resource, Scope

BATCH = 250
"""Resources in one batch."""
IN_FLIGHT = 8
"""Batches that may wait for the writer; with :data:`BATCH` the bound on memory."""
GRACE = timedelta(seconds=30)
"""How much longer than its own deadline a reading may take before it is given up from outside."""

log = structlog.get_logger("watchstander.reading")

P = TypeVar("P")
B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How the scopes of one cloud are read."""

    concurrency: int
    scope_deadline: timedelta


class Readings(Generic[P, B]):
    """One pass over ``scopes``. Iterate it once; every scope ends with exactly one coverage.

    ``begin`` is called for a scope just before it is asked for, in the thread that reads it (a recording must know what
    there was *before* the listing). What it returns comes with each piece of the scope; what it raises is raised to the
    one who iterates. It is None where a scope was given up before it began.

    ``digest`` is called with that and each batch, in the same thread, while the documents are fresh in its caches; what it
    returns is what is handed on, so the documents need not outlive it.
    """

    def __init__(
        self,
        provider: Provider,
        scopes: Iterable[Scope],
        limits: Limits,
        stop: threading.Event,
        begin: Callable[[Scope], P],
        digest: Callable[[P, list[Resource]], B],
    ) -> None:
        self._provider = provider
        self._limits = limits
        self._stop = stop
        self._begin = begin
        self._digest = digest
        self._begun: dict[Scope, P] = {}
        self._waiting: dict[str, deque[Scope]] = defaultdict(deque)
        for scope in scopes:
            self._waiting[scope.account].append(scope)
        self._left = sum(map(len, self._waiting.values()))
        self._under_way = dict.fromkeys(self._waiting, 0)
        self._order = {account: index for index, account in enumerate(self._waiting)}
        self._turns = [(0, index, account) for account, index in self._order.items()]
        """A heap of (readings under way, place, account). An entry is void where the number is no longer the account's."""
        self._started: dict[Scope, float] = {}
        self._given_up: set[Scope] = set()
        self._lock = threading.Lock()
        self._digesting = threading.Lock()
        self._pieces: queue.Queue[tuple[Scope, B | Coverage | BaseException]] = queue.Queue(IN_FLIGHT)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[tuple[Scope, P | None, B | Coverage]]:
        for _ in range(min(self._limits.concurrency, self._left)):
            self._hire()
        try:
            while self._left:
                for scope in self._overdue():
                    self._left -= 1
                    self._hire()
                    yield scope, self._begun.pop(scope, None), _given_up(scope, self._limits.scope_deadline)
                try:
                    scope, piece = self._pieces.get(timeout=0.25)
                except queue.Empty:
                    continue
                if scope in self._given_up:
                    continue
                if isinstance(piece, BaseException):
                    raise piece
                begun = self._begun.get(scope)
                if isinstance(piece, Coverage):
                    self._left -= 1
                    with self._lock:
                        self._started.pop(scope, None)
                    self._begun.pop(scope, None)
                yield scope, begun, piece
        finally:
            self._closed.set()

    def _hire(self) -> None:
        threading.Thread(target=self._work, name=f"read-{self._provider.name}", daemon=True).start()

    def _work(self) -> None:
        while (scope := self._next()) is not None:
            try:
                self._read(scope)
            finally:
                with self._lock:
                    replaced = scope in self._given_up
                    if not replaced:
                        self._count(scope.account, -1)
            if replaced:
                return

    def _next(self) -> Scope | None:
        with self._lock:
            while self._turns and not self._closed.is_set():
                under_way, _, account = heapq.heappop(self._turns)
                if under_way != self._under_way[account] or not self._waiting[account]:
                    continue
                scope = self._waiting[account].popleft()
                self._count(account, 1)
                self._started[scope] = time.monotonic()
                return scope
            return None

    def _count(self, account: str, more: int) -> None:
        """Note that ``more`` readings of an account are under way; called with the lock held."""
        self._under_way[account] += more
        if self._waiting[account]:
            heapq.heappush(self._turns, (self._under_way[account], self._order[account], account))

    def _read(self, scope: Scope) -> None:
        if self._stop.is_set():
            self._put(scope, _stopping(scope, CoverageStatus.UNAVAILABLE, 0))
            return
        try:
            begun = self._begun[scope] = self._begin(scope)
        except Exception as error:  # noqa: BLE001 - handed to the one who iterates, whatever it is
            self._put(scope, error)
            return
        read = 0
        try:
            reading = self._provider.read(scope)
            for batch in _batches(reading):
                read += len(batch)
                # One at a time: it is bound to the interpreter's lock anyway, and waiting here costs less than there.
                with self._digesting:
                    piece = self._digest(begun, batch)
                self._put(scope, piece)
                if self._stop.is_set():
                    self._put(scope, _stopping(scope, CoverageStatus.PARTIAL, read))
                    return
            self._put(scope, reading.coverage)
        except Exception as error:
            # The cycle's boundary: a defect of ours costs this scope, never the cycle.
            log.exception(f"A defect of ours ended the reading of {scope}.", key="reading-defect")
            cause = f"a defect in Watchstander: {type(error).__name__}: {error}"
            self._put(scope, Coverage(scope=scope, status=CoverageStatus.UNAVAILABLE, read=read, cause=cause))

    def _put(self, scope: Scope, piece: B | Coverage | BaseException) -> None:
        while not self._closed.is_set():
            try:
                self._pieces.put((scope, piece), timeout=0.25)
            except queue.Full:
                # The writer is slow, not the cloud: that time does not count against the scope.
                with self._lock:
                    if scope in self._started:
                        self._started[scope] += 0.25
                continue
            return

    def _overdue(self) -> list[Scope]:
        limit = (self._limits.scope_deadline + GRACE).total_seconds()
        now = time.monotonic()
        with self._lock:
            late = [scope for scope, started in self._started.items() if now - started > limit]
            for scope in late:
                del self._started[scope]
                self._given_up.add(scope)
                self._count(scope.account, -1)
        return late


def _batches(reading: Reading) -> Iterator[list[Resource]]:
    resources = iter(reading)
    while batch := list(islice(resources, BATCH)):
        yield batch


def _stopping(scope: Scope, status: CoverageStatus, read: int) -> Coverage:
    return Coverage(scope=scope, status=status, read=read, cause="the daemon is stopping")


def _given_up(scope: Scope, deadline: timedelta) -> Coverage:
    return Coverage(
        scope=scope,
        status=CoverageStatus.TIMED_OUT,
        cause=f"the reading did not end within {deadline.total_seconds():g} s and was given up",
    )
