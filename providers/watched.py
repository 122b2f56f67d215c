"""Whose messages are taken: those of accounts that are watched; and what they make known: what a cycle would read.

A queue may bring what concerns nobody here: an organisation's bus that tells of all its accounts, a subscription of a feed
that someone else set up, a message made up. What discovery last found says which accounts are watched. An account that is
not among them may be new, so the cloud is asked again before it is turned away, but not for every message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from providers.errors import ProviderError
from providers.provider import Event, EventKind
from providers.resource import Coverage, CoverageStatus, ResourceRef

ASKED_AGAIN: Final = timedelta(minutes=5)
"""How long what is watched is believed before it is asked for again because of an account that is not known."""
_PASSING: Final = frozenset(
    {
        CoverageStatus.PARTIAL,
        CoverageStatus.THROTTLED,
        CoverageStatus.TIMED_OUT,
        CoverageStatus.UNAVAILABLE,
        CoverageStatus.EXPIRED,
    }
)
"""How a listing of accounts may end and be whole the next time."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The accounts that are watched, and the listings of accounts that failed."""

    accounts: frozenset[str]
    unread: tuple[Coverage, ...] = ()


class Watched:
    """Knows which accounts are watched. ``ask`` finds out, and may raise ProviderError; so may ``reads``: whether a cycle
    would read a resource, by its type and place, in an account that is watched. Safe from several threads."""

    def __init__(
        self, ask: Callable[[], Roster], reads: Callable[[ResourceRef], bool], clock: Callable[[], datetime]
    ) -> None:
        self._ask = ask
        self._reads = reads
        self._clock = clock
        self._lock = threading.Lock()
        self._roster: Roster | None = None
        self._asked_at: datetime | None = None

    def learn(self, roster: Roster) -> None:
        """A discovery of everything has just found this."""
        with self._lock:
            self._roster, self._asked_at = roster, self._clock()

    def look_again(self) -> None:
        """Ask anew, unless that was done a short while ago. Raises ProviderError."""
        with self._lock:
            now = self._clock()
            if self._asked_at is None or now >= self._asked_at + ASKED_AGAIN:
                self._roster, self._asked_at = self._ask(), now

    def has(self, account: str) -> bool:
        """Whether an account is watched. Raises ProviderError where that cannot be told at present."""
        if self._known(account):
            return True
        self.look_again()
        if self._known(account):
            return True
        roster = self._roster
        for one in roster.unread if roster is not None else ():
            if one.status in _PASSING:
                raise ProviderError(f"It cannot be told whether {account or 'it'} is watched: {one.cause}")
        return False

    def _known(self, account: str) -> bool:
        roster = self._roster
        return roster is not None and account in roster.accounts

    def part(self, event: Event) -> Event | None:
        """The event with only those resources that are of watched accounts, and of a change only those that a cycle would
        read; None where its own account is not watched. A finding may accuse what is not read. Raises ProviderError where that cannot be told at present."""
        if not self.has(event.account):
            return None
        ours = (ref for ref in event.refs if self.has(ref.account))
        if event.kind is EventKind.CHANGE:
            ours = (ref for ref in ours if self._reads(ref))
        return replace(event, refs=tuple(ours))
