"""Joining policies over the past: at each moment at which something they join changed, over the inventory as it was then.

One evaluation over an account reads all that it joins, so moments times joined resources is what this costs. A bound on the
moments makes that cost known beforehand; where there were more, the last one of each equal stretch of time is judged, and what opened
and closed within a stretch is not seen. How many there were and how many were judged is part of the answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from daemon.joining import States, account_itself, gather, place_of
from policies.backtest import Fold
from policies.evaluate import Followed, Judge
from policies.joining import JoinedInventory, named, spread
from policies.policy import Policy, PolicyScope
from policies.subject import Subject
from policies.verdict import Outcome, Verdict
from providers.registry import terraform_view
from providers.resource import ResourceRef, holds_accounts
from storage.inventory import Inventory
from storage.joins import ESTATE, Joins
from storage.query import Filter
from storage.replay import Replay

DAY: Final = timedelta(days=1)
REMEMBERED: Final = 20_000
"""Verdicts on single resources that are kept while the moments go by: what did not change is not evaluated again."""


@dataclass(slots=True)
class Moments:
    """How often the past changed for a policy, and at how many of these moments it was judged."""

    there: int = 0
    judged: int = 0


class _Recall:
    """Verdicts by what they hang on, the newest of them."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[bytes, bytes], Verdict] = OrderedDict()

    def get(self, policy: bytes, digest: bytes) -> Verdict | None:
        """The verdict remembered."""
        return self._held.get((policy, digest))

    def keep(self, verdict: Verdict) -> None:
        """Remember one that is a function of its digests."""
        if verdict.transient or verdict.outcome is Outcome.UNKNOWN:
            return
        self._held[verdict.policy_digest, verdict.input_digest] = verdict
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A policy that is tried: who judges by it, what its verdicts add up to, the types of the single resources it judges."""

    judge: Judge
    policy: Policy
    fold: Fold
    types: frozenset[str]
    recall: _Recall = field(default_factory=_Recall)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedPast:
    """Walks the past of one database for joining policies. ``most``: moments judged in each account."""

    inventory: Inventory
    replay: Replay
    joins: Joins
    most: int

    def walk(
        self,
        judge: Judge,
        policy: Policy,
        fold: Fold,
        types: frozenset[str],
        time: tuple[datetime, datetime],
    ) -> Moments:
        """Fold what a joining policy says. ``types`` are those of the resources it judges, where it judges single ones.
        Raises StorageError, EngineError."""
        trial = _Trial(judge, policy, fold, types)
        count = Moments()
        since, until = time
        estate = policy.scope is PolicyScope.ESTATE
        watched = policy.joins | types
        for place in [ESTATE] if estate else sorted(self.joins.states(policy.joins)):
            if policy.gathers and holds_accounts(place[1]):
                continue
            where = None if estate else place
            changes = self.replay.moments(watched, since, until, where)
            if policy.reads_clock:
                changes = sorted({*changes, *days(since, until)})
            chosen = [since, *thinned(changes, since, until, self.most - 1)]
            count.there += 1 + len(changes)
            count.judged += len(chosen)
            for at in chosen:
                states = self.joins.states(policy.joins, where, at)
                if policy.gathers:
                    self._over(trial, place, states, at)
                else:
                    self._each(trial, place, states, at)
        return count

    def _over(self, trial: _Trial, place: tuple[str, str], states: States, at: datetime) -> None:
        """One evaluation over an account or the estate, spread over those it speaks of."""
        fold = trial.fold
        estate = place == ESTATE
        where = None if estate else place
        stands_for = place_of(*place)
        verdict = trial.judge.judge_place(
            trial.policy,
            Subject(
                resource=stands_for,
                inventory=gather(self.inventory, states, estate=estate, at=at),
                context={"exemption": None},
            ),
            now=at,
        )
        about = account_itself(self.inventory, *place, at) or stands_for
        open_now = fold.open_in(None if estate else place)
        there = self.replay.present({*named(verdict), *open_now}, at, where)
        refs: dict[str, ResourceRef] = {**there, about.uid: about.ref, stands_for.uid: stands_for.ref}
        for uid in open_now - refs.keys():
            fold.gone(uid, at)
        belongs = {uid: uid for uid in there}
        for provider, account in states:
            if account in named(verdict):
                itself = account_itself(self.inventory, provider, account, at) or place_of(provider, account)
                belongs.setdefault(account, itself.uid)
                refs[itself.uid] = itself.ref
        for one in spread(verdict, about, fold.open_in(where), belongs):
            fold.see(refs[one.uid], at, one.outcome, one.text)

    def _each(self, trial: _Trial, place: tuple[str, str], states: States, at: datetime) -> None:
        """Every resource that a policy over single ones judges, as it was, with what it then joined."""
        joined = gather(self.inventory, states, estate=False, at=at)
        wanted = Filter(types=trial.types, providers=frozenset({place[0]}), accounts=frozenset({place[1]}))
        subjects = Followed(self._subjects(wanted, joined, at))
        there: set[str] = set()
        for verdict in trial.judge.judge(subjects, now=at, policies=[trial.policy], recall=trial.recall.get):
            trial.recall.keep(verdict)
            there.add(verdict.uid)
            trial.fold.see(subjects.of(verdict).ref, at, verdict.outcome, verdict.text)
        for uid in trial.fold.open_in(place) - there:
            trial.fold.gone(uid, at)

    def _subjects(self, wanted: Filter, joined: JoinedInventory, at: datetime) -> Iterator[Subject]:
        for batch in self.inventory.find(wanted, at):
            for stored in batch:
                yield Subject(
                    resource=stored.resource,
                    view=terraform_view(stored.resource),
                    inventory=joined,
                    context={"exemption": None},
                )


def days(since: datetime, until: datetime) -> list[datetime]:
    """Each day after ``since``, and the end."""
    count = max(0, int((until - since) / DAY))
    return [*(since + n * DAY for n in range(1, count + 1)), until]


def thinned(moments: Sequence[datetime], since: datetime, until: datetime, most: int) -> list[datetime]:
    """At most so many of the moments: all, or the last one in each of so many equal stretches of the time."""
    if len(moments) <= most:
        return list(moments)
    whole = (until - since) / max(most, 1)
    last: dict[int, datetime] = {}
    for moment in moments:
        last[min(int((moment - since) / whole), most - 1)] = moment
    return [last[stretch] for stretch in sorted(last)]
