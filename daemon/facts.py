"""What a policy is told of a resource beside its document: the facts of ``input.context``, looked up for a batch at a time.

A source is asked only where a policy that judges may read its fact. Its revision is part of what such a policy was applied
as, so a baseline that is pinned or approved makes exactly the policies that ask for baselines due again, an exemption that is
added, revoked or ends those that ask for exemptions, and a scope that is no longer read, or is again, those that ask for coverage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from policies.exemption import Exemption, covering
from policies.joining import ACCOUNT_TYPE
from policies.policy import EnforcementLevel, Policy, PolicyScope
from policies.subject import needs
from providers.normalise import digest_of, timestamp
from providers.resource import CoverageStatus, Resource, Scope, lists_below
from storage.baseline import Baselines, Pinned
from storage.exemptions import Exemptions
from storage.inventory import Inventory


class Source(Protocol):
    """Knows one fact of every resource."""

    @property
    def name(self) -> str:
        """Which of ``policies.subject.FACTS``."""
        ...

    def of(self, resources: Sequence[Resource], at: datetime) -> Mapping[str, Any]:
        """Uid -> the fact at a time, of every resource given: JSON values, or :class:`~policies.subject.ByPolicy`. Raises
        StorageError."""
        ...

    def revision(self, at: datetime) -> int:
        """Changes whenever the fact of any resource may have changed. Raises StorageError."""
        ...


class Facts:
    """The facts that policies may ask for, from where each is known."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = tuple(sources)

    def asked(self, policies: Iterable[Policy]) -> tuple[Source, ...]:
        """The sources that these policies may read from."""
        wanted = {name for policy in policies for name in needs(policy.reads).facts}
        return tuple(source for source in self._sources if source.name in wanted)

    def of(
        self, resources: Sequence[Resource], policies: Iterable[Policy], at: datetime
    ) -> Mapping[str, Mapping[str, Any]]:
        """``input.context`` of each resource at a time, with what these policies may read. Raises StorageError."""
        found: dict[str, dict[str, Any]] = {resource.uid: {} for resource in resources}
        for source in self.asked(policies) if resources else ():
            for uid, value in source.of(resources, at).items():
                found[uid][source.name] = value
        return found

    def revisions(self, policies: Iterable[Policy], at: datetime) -> dict[str, int]:
        """Fact -> its revision, of those that these policies may read. Raises StorageError."""
        return {source.name: source.revision(at) for source in self.asked(policies)}


class BaselineFact:
    """``input.context.baseline``: baseline name -> what it holds of the resource; empty where none holds it."""

    name = "baseline"

    def __init__(self, baselines: Baselines) -> None:
        self._baselines = baselines

    def of(self, resources: Sequence[Resource], at: datetime) -> Mapping[str, Any]:
        """What the baselines hold of each resource."""
        del at
        uids = [resource.uid for resource in resources]
        held = self._baselines.held(uids)
        return {uid: {name: _pinned(one) for name, one in held.get(uid, {}).items()} for uid in uids}

    def revision(self, at: datetime) -> int:
        """Counts what was done to baselines."""
        del at
        return self._baselines.revision()


def _pinned(one: Pinned) -> dict[str, Any]:
    return {
        "document": one.record.document,
        "tags": one.record.tags,
        "name": one.record.name,
        "unread": list(one.record.unknown),
        "since": one.since,
        "same": one.same,
    }


class ExemptionFact:
    """``input.context.exemption``: the exemption in force that covers the resource for the policy that asks, or null."""

    name = "exemption"

    def __init__(self, exemptions: Exemptions) -> None:
        self._exemptions = exemptions

    def of(self, resources: Sequence[Resource], at: datetime) -> Mapping[str, Any]:
        """What covers each resource."""
        active = self._exemptions.in_force(at)
        return {resource.uid: Borne(active, resource) if active else None for resource in resources}

    def revision(self, at: datetime) -> int:
        """Counts exemptions that began, were revoked or ended."""
        return self._exemptions.revision(at)


class Borne:
    """Which of the exemptions in force covers one resource, policy by policy."""

    def __init__(self, active: Sequence[Exemption], resource: Resource) -> None:
        self._active = active
        self._resource = resource

    def of(self, policy: Policy) -> Mapping[str, Any] | None:
        """The exemption as a policy sees it. From a hard-mandatory policy nothing is exempt."""
        if policy.enforcement is EnforcementLevel.HARD_MANDATORY:
            return None
        found = covering(self._active, policy.id, self._resource)
        if found is None:
            return None
        return {
            "id": found.id,
            "until": timestamp(found.ends),
            "who": found.who,
            "why": found.why,
            "ticket": found.ticket,
        }


class CoverageFact:
    """``input.context.coverage``: whether the scopes that a judgement rests on were read completely, and which were not."""

    name = "coverage"

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def of(self, resources: Sequence[Resource], at: datetime) -> Mapping[str, Any]:
        """What was not read around each resource."""
        del at
        gaps = self._inventory.gaps()
        return {resource.uid: Covered(gaps, resource) for resource in resources}

    def revision(self, at: datetime) -> int:
        """Tells one set of gaps from another; 0 where there is none."""
        del at
        gaps = self._inventory.gaps()
        told = digest_of(part.encode() for scope, status in gaps for part in (str(scope), status))
        return int.from_bytes(told[:8], "big") if gaps else 0


class Covered:
    """What was not read around one resource, by how far a policy looks."""

    def __init__(self, gaps: Sequence[tuple[Scope, CoverageStatus]], resource: Resource) -> None:
        self._gaps = gaps
        ref = resource.ref
        stands_in = ref.type == ACCOUNT_TYPE
        provider = str(resource.document["provider"]) if stands_in else ref.provider
        self._place = Scope(provider, ref.account, ref.region, ref.type)

    def of(self, policy: Policy) -> Mapping[str, Any]:
        """The coverage as a policy sees it. Causes are left out: they hold request ids, and differ each time."""
        missing = [
            {"account": scope.account, "region": scope.region, "type": scope.type, "status": status.value}
            for scope, status in self._gaps
            if self._concerns(scope, policy.scope)
        ]
        return {"complete": not missing, "gaps": missing}

    def _concerns(self, scope: Scope, looks: PolicyScope) -> bool:
        if looks is PolicyScope.ESTATE:
            return True
        here = replace(scope, account=self._place.account) if lists_below(scope.account) else scope
        if looks is PolicyScope.RESOURCE:
            return here.holds(self._place)
        return (here.provider, here.account) == (self._place.provider, self._place.account)
