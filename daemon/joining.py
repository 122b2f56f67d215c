"""Policies that join resources: what they are given, when they are due, and whom their verdicts are about.

A joining policy is due for an account (or for the estate) when a resource of a joined type changed there, when the type's
coverage came or went, or when the policy itself changed. The store knows as what each was last applied; what a killed
process did not finish is still due. A resource that changed itself is judged with what it may join, as by any policy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.crew import Crew
from daemon.facts import Facts
from policies.joining import ACCOUNT_TYPE, ESTATE_TYPE, JoinedInventory, named, spread
from policies.policy import Phase, Policy, PolicyScope
from policies.subject import Subject, asset
from policies.verdict import Verdict
from providers.registry import account_type
from providers.relation import provider_of
from providers.resource import GLOBAL, Resource, ResourceRef, holds_accounts
from storage.inventory import Inventory
from storage.joins import ESTATE, Joins, Key, TypeState, version_of
from storage.query import Filter

PROVIDER = "watchstander"
"""The provider of what stands for an account, or for the estate, where no cloud lists one."""

JUDGING_PHASES = frozenset({Phase.PREPARATION, Phase.DETECTION, Phase.RECOVERY})
"""The others decide about findings and requests; they do not judge resources."""


def joining(policy: Policy) -> bool:
    """Whether a policy looks at more than the resource it judges."""
    return bool(policy.joins) or policy.gathers


States = Mapping[tuple[str, str], Mapping[str, TypeState]]


class Streamed:
    """The resources of one type, of an account or of all, now or at a time, read from the store each time they are gone
    through."""

    def __init__(self, inventory: Inventory, wanted: Filter, at: datetime | None = None) -> None:
        self._inventory = inventory
        self._wanted = wanted
        self._at = at

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for batch in self._inventory.find(self._wanted, self._at):
            for stored in batch:
                yield {**asset(stored.resource), "unread": dict(stored.unread)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A joining policy that must be applied to an account, or to the estate, and as what it then was applied."""

    policy: Policy
    key: Key
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What is remembered that judging asks: the resources, what joins what, and the facts of ``input.context``."""

    inventory: Inventory
    joins: Joins
    facts: Facts


class Round:
    """What joins what, as it was when a round of judging began at ``now``. Not for several threads at once."""

    def __init__(
        self,
        crew: Crew,
        grounds: Grounds,
        now: datetime,
        *,
        policies: Sequence[Policy] | None = None,
        only: tuple[str, str] | None = None,
    ) -> None:
        chosen = crew.policies.policies if policies is None else policies
        self.policies = tuple(p for p in chosen if joining(p) and p.phase in JUDGING_PHASES)
        self.crew = crew
        self.now = now
        self._inventory = grounds.inventory
        self._joins = grounds.joins
        self._facts = grounds.facts
        types = frozenset[str]().union(*(p.joins for p in self.policies))
        self._states: States = grounds.joins.states(types, only)
        self._inventories: dict[tuple[str, str], JoinedInventory] = {}

    def due(self, versions: Mapping[str, bytes]) -> list[Due]:
        """What is due, given what each policy is now; accounts that are gone are forgotten."""
        if not self.policies:
            return []
        applied = self._joins.applied()
        found, known = [], set()
        for policy in self.policies:
            for key, states in self._accounts(policy):
                known.add(key)
                digest = version_of(states, policy.joins) + versions[policy.id]
                if applied.get(key) != digest:
                    found.append(Due(policy=policy, key=key, digest=digest))
        ours = {policy.id for policy in self.policies}
        gone = [key for key in applied if key.policy_id in ours and key not in known]
        if gone:
            self._joins.forget(gone)
        return found

    def _accounts(self, policy: Policy) -> Iterator[tuple[Key, list[Mapping[str, TypeState]]]]:
        clouds = {provider_of(name) for name in policy.joins}
        states = {place: state for place, state in self._states.items() if place[0] in clouds}
        if policy.scope is PolicyScope.ESTATE:
            if states:
                yield Key(policy.id, *ESTATE), list(states.values())
            return
        for (provider, account), state in states.items():
            if not (policy.gathers and holds_accounts(account)):
                yield Key(policy.id, provider, account), [state]

    def inventory(self, provider: str, account: str) -> JoinedInventory:
        """What may be joined in an account; with empty names, in all of them."""
        held = self._inventories.get((provider, account))
        if held is None:
            estate = (provider, account) == ESTATE
            here = (
                self._states if estate else {(provider, account): self._states.get((provider, account), {})}
            )
            held = self._inventories[provider, account] = gather(self._inventory, here, estate=estate)
        return held

    def subjects(
        self, resources: Sequence[Resource], policies: Sequence[Policy] | None = None
    ) -> list[Subject]:
        """Resources with what they may join and what these policies (all, where not given) may ask of each. Raises
        StorageError."""
        asking = self.crew.policies.policies if policies is None else policies
        known = self._facts.of(resources, asking, self.now)
        return [self._subject(resource, known[resource.ref.uid]) for resource in resources]

    def _subject(self, resource: Resource, context: Mapping[str, Any]) -> Subject:
        ref = resource.ref
        inventory = self.inventory(ref.provider, ref.account) if self.policies else None
        return Subject(resource=resource, view=self.crew.view(resource), inventory=inventory, context=context)

    # Policies over an account or the estate

    def over(self, due: Due) -> list[Verdict]:
        """The verdicts of such a policy, each about a resource that is in the inventory."""
        provider, account = due.key.provider, due.key.account
        place, itself = place_of(provider, account), account_itself(self._inventory, provider, account)
        about = itself or place
        verdict = self.crew.judge.judge_place(
            due.policy,
            Subject(
                resource=place,
                inventory=self.inventory(provider, account),
                context=self._facts.of([about], [due.policy], self.now)[about.uid],
            ),
            now=self.now,
        )
        narrowed = (None, None) if due.policy.scope is PolicyScope.ESTATE else (provider, account)
        names = named(verdict)
        belongs = {uid: uid for uid in self._joins.present(names, *narrowed)}
        accounts = {a for _, a in self._states} if due.policy.scope is PolicyScope.ESTATE else {account}
        for name in names & accounts:
            belongs.setdefault(name, self._itself(*self._owner(name)))
        decided = self._joins.decided(due.policy.id, *narrowed)
        if place.uid in self._joins.decided(due.policy.id, PROVIDER):
            decided.add(place.uid)
        if itself is None:
            # From the first time on: what is found later about the account is news, and no baseline.
            self._inventory.record_one(place, self.now)
        return spread(verdict, about, decided, belongs)

    def about(self, policy: Policy, ref: ResourceRef) -> Verdict | None:
        """What a policy over an account or the estate says of one resource now."""
        place = ESTATE if policy.scope is PolicyScope.ESTATE else (ref.provider, ref.account)
        due = Due(policy=policy, key=Key(policy.id, *place), digest=b"")
        return next((one for one in self.over(due) if one.uid == ref.uid), None)

    def _owner(self, account: str) -> tuple[str, str]:
        return next(place for place in self._states if place[1] == account)

    def _itself(self, provider: str, account: str) -> str:
        found = account_itself(self._inventory, provider, account)
        return found.uid if found is not None else place_of(provider, account).uid


def gather(
    inventory: Inventory, states: States, *, estate: bool, at: datetime | None = None
) -> JoinedInventory:
    """What may be joined where these are the states of the types: of one account, or of all of them, now or at a time."""
    gaps: dict[str, str] = {}
    found: dict[str, Streamed] = {}
    for (provider, account), state in states.items():
        for name, one in state.items():
            if one.gap is not None:
                gaps.setdefault(name, one.gap)
                continue
            accounts = frozenset[str]() if estate else frozenset({account})
            wanted = Filter(types=frozenset({name}), providers=frozenset({provider}), accounts=accounts)
            found.setdefault(name, Streamed(inventory, wanted, at))
    return JoinedInventory({name: one for name, one in found.items() if name not in gaps}, gaps)


def account_itself(
    inventory: Inventory, provider: str, account: str, at: datetime | None = None
) -> Resource | None:
    """The resource that an account itself is, where its cloud lists one and it was read."""
    kind = account_type(provider)
    if kind is None:
        return None
    wanted = Filter(types=frozenset({kind}), providers=frozenset({provider}), accounts=frozenset({account}))
    for batch in inventory.find(wanted, at):
        return batch[0].resource
    return None


def place_of(provider: str, account: str) -> Resource:
    """What stands for an account, or for the estate."""
    estate = (provider, account) == ESTATE
    uid = "watchstander:estate" if estate else f"watchstander:account:{provider}:{account}"
    ref = ResourceRef(
        provider=PROVIDER,
        account=account or "estate",
        region=GLOBAL,
        type=ESTATE_TYPE if estate else ACCOUNT_TYPE,
        uid=uid,
    )
    return Resource(ref=ref, name=account or "estate", document={"provider": provider} if provider else {})


def grouped(
    crew: Crew, subjects: Sequence[Subject], due: Iterable[Due]
) -> list[tuple[list[Subject], tuple[Policy, ...] | None]]:
    """Subjects by the policies that are to judge them now: all (None), or without the joining policies that are about to
    be applied to the whole account anyway."""
    waiting: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in due:
        if not one.policy.gathers:
            waiting[one.key.provider, one.key.account].add(one.policy.id)
    if not waiting:
        return [(list(subjects), None)]
    groups: dict[frozenset[str], list[Subject]] = defaultdict(list)
    for subject in subjects:
        ref = subject.resource.ref
        groups[frozenset(waiting.get((ref.provider, ref.account), ()))].append(subject)
    return [
        (group, tuple(p for p in crew.policies.policies if p.id not in left_out) if left_out else None)
        for left_out, group in groups.items()
    ]
