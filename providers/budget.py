"""Call budgets: how many calls a second we allow ourselves, so that production keeps its head-room.

One :class:`CallBudget` is a token bucket for one (account, service). It is halved when the cloud says *throttled* and
raised again slowly by success, so that we back off from a limit we share with others and never fight for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from config.clouds import Budget
from providers.errors import TimedOut

FLOOR: Final = 0.05
"""The rate never falls below this share of what the settings allow."""
RECOVERY: Final = 0.05
"""A second without throttling raises the rate by this share of what the settings allow."""
SETTLE: Final = 1.0
"""Seconds after a halving in which further throttling is the echo of calls already under way."""

Monotonic = Callable[[], float]
Sleep = Callable[[float], None]


class CallBudget:
    """A token bucket whose rate follows what the cloud bears. Safe to use from any thread."""

    def __init__(
        self,
        calls_per_second: float,
        burst: int,
        *,
        clock: Monotonic = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._most = calls_per_second
        self._rate = calls_per_second
        self._burst = float(burst)
        self._tokens = float(burst)
        self._clock = clock
        self._sleep = sleep
        self._filled_at = clock()
        self._halved_at: float | None = None
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Calls per second allowed at present."""
        with self._lock:
            self._refill()
            return self._rate

    def acquire(self, deadline: float | None = None) -> float:
        """Take the right to one call, waiting for it; returns the seconds waited.

        Tokens are handed out in the order asked for. Raises TimedOut, without waiting, if the token would come after
        ``deadline`` (a reading of the same clock).
        """
        with self._lock:
            self._refill()
            wait = 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate
            if deadline is not None and self._clock() + wait > deadline:
                raise TimedOut(
                    "The deadline comes before the call budget allows another call.",
                    hint="Raise `budget.scope_deadline`, or `budget.calls_per_second` if the account bears it.",
                    code="BudgetDeadline",
                )
            self._tokens -= 1
        if wait > 0:
            self._sleep(wait)
        return wait

    def throttled(self) -> None:
        """The cloud refused a call as one too many: halve the rate and let nothing saved up go out at once."""
        with self._lock:
            self._refill()
            now = self._clock()
            if self._halved_at is None or now - self._halved_at >= SETTLE:
                self._rate = max(self._rate / 2, self._most * FLOOR)
                self._halved_at = now
            self._tokens = min(self._tokens, 0.0)

    def _refill(self) -> None:
        now = self._clock()
        passed = max(0.0, now - self._filled_at)
        self._filled_at = now
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        if self._halved_at is not None and now - self._halved_at >= SETTLE:
            self._rate = min(self._most, self._rate + passed * self._most * RECOVERY)
            if self._rate >= self._most:
                self._halved_at = None


class CallBudgets:
    """The budgets of one provider, one for each (account, service), made when first asked for."""

    def __init__(
        self, settings: Budget, *, clock: Monotonic = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._budgets: dict[tuple[str, str], CallBudget] = {}
        self._lock = threading.Lock()

    def of(self, account: str, service: str) -> CallBudget:
        """The budget of ``service`` in ``account``; always the same object for the same pair."""
        with self._lock:
            budget = self._budgets.get((account, service))
            if budget is None:
                budget = self._budgets[(account, service)] = CallBudget(
                    self._settings.calls_per_second,
                    self._settings.burst,
                    clock=self._clock,
                    sleep=self._sleep,
                )
            return budget

    def rates(self) -> dict[tuple[str, str], float]:
        """Present calls per second by (account, service), for the metrics."""
        with self._lock:
            budgets = dict(self._budgets)
        return {key: budget.rate for key, budget in budgets.items()}
