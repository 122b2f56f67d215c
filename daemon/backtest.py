"""``policy backtest``: policies over the stored past, beside those in force, with what containment would have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from config.settings import ContainmentSettings, HookSettings, Mode
from daemon.backtest_joins import JoinedPast, Moments
from daemon.hooks import HOOKS
from daemon.joining import joining
from daemon.triggers import EVENT_PREFIX
from policies.backtest import Acts, Episode, Fold, busiest_account, compared
from policies.evaluate import Judge
from policies.pack import PolicySet, judges
from policies.policy import Policy
from policies.subject import Subject
from providers.registry import terraform_view
from providers.resource import Resource
from storage.inventory import Inventory
from storage.query import Filter
from storage.replay import Replay, Version
from storage.rows import CHUNK

DAY: Final = timedelta(days=1)
"""How often a policy that reads the clock is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one policy would have done."""

    judged: int
    unknown: int
    episodes: tuple[Episode, ...]
    acts: tuple[Acts, ...]
    moments: Moments | None = None
    """Of a joining policy: when it would have been due, and how much of that was judged."""

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "judged": self.judged,
            "moments": None if self.moments is None else self.moments.there,
            "judged_moments": None if self.moments is None else self.moments.judged,
            "unknown": self.unknown,
            "open_at_once": sum(e.at_once for e in self.episodes),
            "opened": sum(not e.at_once for e in self.episodes),
            "closed": sum(e.closed_at is not None for e in self.episodes),
            "open_at_the_end": sum(e.closed_at is None for e in self.episodes),
            "acts": [
                {
                    "hook": acts.hook,
                    "mode": acts.mode,
                    "allowed": acts.allowed,
                    "refused": acts.refused,
                    "undecided": acts.undecided,
                    "at_once": acts.at_once,
                    "most_per_hour": acts.most_per_hour,
                    "limit": acts.limit,
                    "over_limit": acts.over_limit,
                    "missing_policy": acts.missing,
                }
                for acts in self.acts
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One policy tried, beside the one of the same id that is in force (None: it is new)."""

    policy: Policy
    tried: Side
    in_force: Side | None
    same: bool = False
    """Whether the one in force says the same."""

    def rows(self) -> list[tuple[Episode, str]]:
        """The findings that would have been, each with where it is."""
        return compared(self.tried.episodes, self.in_force.episodes if self.in_force else ())


class Backtest:
    """Tries policies on what one database remembers."""

    def __init__(
        self,
        inventory: Inventory,
        replay: Replay,
        containment: ContainmentSettings,
        joined: JoinedPast,
    ) -> None:
        self._inventory = inventory
        self._replay = replay
        self._containment = containment
        self._joined = joined

    def run(self, tried: Judge, in_force: Judge, since: datetime, until: datetime) -> Iterator[Result]:
        """Each policy of ``tried`` that judges resources, accounts or the estate, over [since, until]. Raises StorageError,
        EngineError."""
        for policy in tried.policy_set.policies:
            if not tried.policy_set.compiled(policy.id).entrypoints:
                continue
            mine = self._side(
                tried, policy, in_force, (since, until), new=policy.id not in in_force.policy_set
            )
            theirs, same = None, False
            if policy.id in in_force.policy_set:
                there = in_force.policy_set.by_id(policy.id)
                same = _says(tried.policy_set, policy) == _says(in_force.policy_set, there)
                theirs = mine if same else self._side(in_force, there, in_force, (since, until), new=False)
            yield Result(policy=policy, tried=mine, in_force=theirs, same=same)

    def _side(
        self, judge: Judge, policy: Policy, deciding: Judge, time: tuple[datetime, datetime], *, new: bool
    ) -> Side:
        since, until = time
        fold = Fold(policy.id, since)
        types = self._types(policy)
        moments = None
        if joining(policy):
            moments = self._joined.walk(judge, policy, fold, types, time)
        elif types:
            walk = self._by_clock if policy.reads_clock else self._by_version
            walk(judge, policy, fold, types, time)
        episodes = fold.episodes()
        acts = tuple(self._acts(policy, episodes, deciding, until, new=new))
        return Side(judged=fold.judged, unknown=fold.unknown, episodes=episodes, acts=acts, moments=moments)

    def _types(self, policy: Policy) -> frozenset[str]:
        """The types in the store that the policy speaks of. A type's Terraform name is its view's, so one is looked at."""
        found: set[str] = set()
        if policy.gathers:
            return frozenset()
        for name, ref in self._replay.types().items():
            view = None
            if policy.terraform_types and not judges(policy, name, None):
                stored = self._inventory.get(ref.uid)
                view = terraform_view(stored.resource) if stored is not None else None
            if judges(policy, name, view.type if view else None):
                found.add(name)
        return frozenset(found)

    def _by_version(
        self, judge: Judge, policy: Policy, fold: Fold, types: frozenset[str], time: tuple[datetime, datetime]
    ) -> None:
        """Every version is judged once: its verdict holds as long as it does."""
        since, until = time
        last: Version | None = None
        for batch in self._replay.versions(types, since, until):
            judged = [(v, s) for v in batch if (s := _subject(policy, v.resource)) is not None]
            verdicts = judge.judge((s for _, s in judged), now=until, policies=[policy])
            for (version, _), verdict in zip(judged, verdicts, strict=True):
                if last is not None and not _follows(last, version):
                    _ended(fold, last, until)
                last = version
                fold.see(version.resource.ref, max(version.valid_from, since), verdict.outcome, verdict.text)
        if last is not None:
            _ended(fold, last, until)

    def _by_clock(
        self, judge: Judge, policy: Policy, fold: Fold, types: frozenset[str], time: tuple[datetime, datetime]
    ) -> None:
        """Time alone may change its verdict, so the estate is judged as it was on each day."""
        since, until = time
        at = since
        while True:
            there: set[str] = set()
            for batch in self._inventory.find(Filter(types=types), at, batch=CHUNK):
                subjects = [s for r in batch if (s := _subject(policy, r.resource)) is not None]
                verdicts = judge.judge(subjects, now=at, policies=[policy])
                for subject, verdict in zip(subjects, verdicts, strict=True):
                    there.add(subject.resource.uid)
                    fold.see(subject.resource.ref, at, verdict.outcome, verdict.text)
            fold.absent(there, at)
            if at >= until:
                return
            at = min(at + DAY, until)

    def _acts(
        self, policy: Policy, episodes: Sequence[Episode], deciding: Judge, now: datetime, *, new: bool
    ) -> Iterator[Acts]:
        """What each hook would have been asked. What failed from the beginning is news only under a policy that is new."""
        for name, hook in self._containment.hooks.items():
            if hook.mode is Mode.OFF or not _wants(hook, policy.id):
                continue
            decider = _decider(hook)
            answers: dict[bool | None, list[Episode]] = {True: [], False: [], None: []}
            for episode in episodes:
                if new or not episode.at_once:
                    answers[_allowed(hook, policy, episode, deciding, now)].append(episode)
            yield Acts(
                hook=name,
                mode=str(hook.mode),
                allowed=len(answers[True]),
                refused=len(answers[False]),
                undecided=len(answers[None]),
                at_once=sum(e.at_once for e in answers[True]),
                most_per_hour=busiest_account(answers[True]),
                limit=hook.max_per_hour,
                missing=decider if decider is not None and decider not in deciding.policy_set else None,
            )


def _says(policies: PolicySet, policy: Policy) -> tuple[object, ...]:
    """What a policy's verdicts hang on, wherever its file lies."""
    texts = tuple(module.module.text for module in policies.compiled(policy.id).modules)
    joined = (policy.scope, policy.joins, dict(policy.join_fields))
    return (texts, dict(policy.parameters), policy.absent_block, joined)


def _follows(earlier: Version, later: Version) -> bool:
    return earlier.resource.uid == later.resource.uid and earlier.valid_to == later.valid_from


def _ended(fold: Fold, version: Version, until: datetime) -> None:
    """After a version that none follows the resource was there no more."""
    if version.valid_to is not None and version.valid_to <= until:
        fold.gone(version.resource.uid, version.valid_to)


def _subject(policy: Policy, resource: Resource) -> Subject | None:
    view = terraform_view(resource)
    if not judges(policy, resource.ref.type, view.type if view else None):
        return None
    # Exemptions are a matter of today: the past is judged as if there were none.
    return Subject(resource=resource, view=view, context={"exemption": None})


def _wants(hook: HookSettings, policy_id: str) -> bool:
    return any(not p.startswith(EVENT_PREFIX) and fnmatchcase(policy_id, p) for p in hook.when)


def _decider(hook: HookSettings) -> str | None:
    """The containment policy that decides about a hook."""
    kind = HOOKS.get(hook.use)
    return hook.policy or (kind.policy if kind is not None else None)


def _allowed(
    hook: HookSettings, policy: Policy, episode: Episode, deciding: Judge, now: datetime
) -> bool | None:
    decider = _decider(hook)
    if decider is None:
        return True
    if decider not in deciding.policy_set:
        return None
    facts = {
        "id": f"backtest:{policy.id}:{episode.ref.uid}",
        "policy": policy.id,
        "title": policy.title,
        "phase": policy.phase.value,
        "severity": policy.severity.value,
        "message": episode.message,
        "resource": episode.ref.uid,
        "account": episode.ref.account,
        "region": episode.ref.region,
        "type": episode.ref.type,
    }
    try:
        return deciding.decide(decider, None, facts, {"exceptions": list(hook.exceptions)}, now).allowed
    except ValueError:
        return None
