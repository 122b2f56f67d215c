"""A policy over the past: which findings it would have opened and closed, and when. The arithmetic; what feeds it is elsewhere.

The rules are those of the living: a failure opens, a pass (or that the policy does not speak of it any more) closes, unknown does
neither, and a resource that is gone closes what was open.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from policies.verdict import Outcome
from providers.resource import ResourceRef

HOUR: Final = timedelta(hours=1)


class Closing(StrEnum):
    """Why a finding would have been closed."""

    PASSED = "passed"
    NOT_APPLICABLE = "not-applicable"
    RESOURCE_DELETED = "resource-deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One finding that would have been: (resource, policy) failing over [opened_at, closed_at). ``at_once``: it failed at
    the beginning already."""

    policy: str
    ref: ResourceRef
    message: str
    opened_at: datetime
    closed_at: datetime | None = None
    reason: Closing | None = None
    at_once: bool = False

    @property
    def key(self) -> tuple[str, str, datetime, datetime | None]:
        """What makes two episodes the same."""
        return (self.policy, self.ref.uid, self.opened_at, self.closed_at)


class Fold:
    """Folds what one policy says at moments, in the order of time for each resource, into episodes."""

    def __init__(self, policy_id: str, since: datetime) -> None:
        self._policy = policy_id
        self._since = since
        self._open: dict[str, Episode] = {}
        self._ended: list[Episode] = []
        self.judged = 0
        self.unknown = 0

    def see(self, ref: ResourceRef, at: datetime, outcome: Outcome, text: str) -> None:
        """What the policy says of a resource as it was from ``at`` on."""
        self.judged += 1
        if outcome is Outcome.UNKNOWN:
            self.unknown += 1
        elif outcome is Outcome.FAIL:
            if ref.uid not in self._open:
                self._open[ref.uid] = Episode(
                    policy=self._policy, ref=ref, message=text, opened_at=at, at_once=at <= self._since
                )
        else:
            self._close(ref.uid, at, Closing.PASSED if outcome is Outcome.PASS else Closing.NOT_APPLICABLE)

    def gone(self, uid: str, at: datetime) -> None:
        """A resource was there no more from ``at`` on."""
        self._close(uid, at, Closing.RESOURCE_DELETED)

    def absent(self, there: Iterable[str], at: datetime) -> None:
        """Everything but what is ``there`` was gone by ``at``."""
        for uid in self._open.keys() - set(there):
            self.gone(uid, at)

    def open_in(self, place: tuple[str, str] | None) -> set[str]:
        """The resources with an open finding in one (provider, account), or anywhere."""
        return {
            uid
            for uid, episode in self._open.items()
            if place is None or (episode.ref.provider, episode.ref.account) == place
        }

    def _close(self, uid: str, at: datetime, reason: Closing) -> None:
        episode = self._open.pop(uid, None)
        if episode is not None:
            self._ended.append(replace(episode, closed_at=at, reason=reason))

    def episodes(self) -> tuple[Episode, ...]:
        """All of them, in the order they were opened."""
        return tuple(sorted((*self._ended, *self._open.values()), key=lambda e: (e.opened_at, e.ref.uid)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What one hook would have been asked and allowed to do."""

    hook: str
    mode: str
    allowed: int = 0
    refused: int = 0
    undecided: int = 0
    at_once: int = 0
    """Of the allowed: at the moment the policy is put in force."""
    most_per_hour: int = 0
    """In any hour, in the account where it was most."""
    limit: int = 0
    """The hook's limit in an hour and account."""

    missing: str | None = None
    """The containment policy that decides, where it is not in force: nothing can be decided then."""

    @property
    def over_limit(self) -> bool:
        """Whether the hook would have been stopped by its limit."""
        return self.most_per_hour > self.limit


def busiest(times: Iterable[datetime], window: timedelta = HOUR) -> int:
    """The most of these moments that lie within any window of that length (its end left out)."""
    inside: deque[datetime] = deque()
    most = 0
    for time in sorted(times):
        inside.append(time)
        while time - inside[0] >= window:
            inside.popleft()
        most = max(most, len(inside))
    return most


def busiest_account(acts: Iterable[Episode]) -> int:
    """The most acts in any hour, in the account where that is most."""
    by_account: Mapping[tuple[str, str], list[datetime]] = defaultdict(list)
    for episode in acts:
        by_account[episode.ref.provider, episode.ref.account].append(episode.opened_at)
    return max(map(busiest, by_account.values()), default=0)


def compared(new: Iterable[Episode], in_force: Iterable[Episode]) -> list[tuple[Episode, str]]:
    """Each episode with where it is: ``both``, ``new`` (only) or ``in-force`` (only), in the order they were opened."""
    ours, theirs = list(new), list(in_force)
    mine, others = {e.key for e in ours}, {e.key for e in theirs}
    rows = [(e, "both" if e.key in others else "new") for e in ours]
    rows += [(e, "in-force") for e in theirs if e.key not in mine]
    return sorted(rows, key=lambda row: (row[0].opened_at, row[0].ref.uid, row[1]))
