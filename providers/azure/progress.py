"""What has been seen of a scope so far, and what may be said of it in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from providers.azure.names import above
from providers.errors import ProviderError, TimedOut
from providers.resource import Coverage, CoverageStatus, Scope


def _place(account: str) -> str:
    return account if above(account) else f"subscription {account}"


class Progress:
    """One pass over a scope. ``excluded`` are the types of which it says nothing."""

    def __init__(
        self,
        scope: Scope,
        clock: Callable[[], datetime],
        deadline: timedelta,
        excluded: tuple[str, ...] = (),
    ) -> None:
        self.excluded = excluded
        self._scope = scope
        self._clock = clock
        self._deadline = deadline
        self._seen: set[str] = set()
        self._started: datetime | None = None

    @property
    def read(self) -> int:
        """Resources seen."""
        return len(self._seen)

    def in_time(self) -> None:
        """Raise TimedOut when the scope has taken longer than it may; counts from the first asking."""
        now = self._clock()
        if self._started is None:
            self._started = now
        if now >= self._started + self._deadline:
            raise TimedOut(
                f"Reading {_place(self._scope.account)} took longer than the deadline.",
                hint="Raise `budget.scope_deadline`.",
            )

    def new(self, uid: str) -> bool:
        """Whether this is the first sight of a resource: rows move between pages while an estate changes."""
        if uid in self._seen:
            return False
        self._seen.add(uid)
        return True

    def complete(self) -> Coverage:
        """The coverage of a pass that saw all there is."""
        return Coverage(
            scope=self._scope, status=CoverageStatus.COMPLETE, read=self.read, excluded=self.excluded
        )

    def failed(self, error: ProviderError) -> Coverage:
        """The coverage of a pass that ended in an error."""
        status, cause = error.coverage, error.message
        if self._seen:
            cause = f"{status} (after {self.read} resources): {cause}"
            status = CoverageStatus.PARTIAL
        return Coverage(
            scope=self._scope,
            status=status,
            read=self.read,
            cause=cause,
            permission=error.permission,
            excluded=self.excluded,
        )
