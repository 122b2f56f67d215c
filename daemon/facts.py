"""What a policy is told of a resource beside its document: the facts of ``input.context``, looked up for a batch at a time.

A source is asked only where a policy that judges may read its fact. Its revision is part of what such a policy was applied
as, so a baseline that is pinned or approved makes exactly the policies that ask for baselines due again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from policies.policy import Policy
from policies.subject import needs
from storage.baseline import Baselines, Pinned


class Source(Protocol):
    """Knows one fact of every resource."""

    @property
    def name(self) -> str:
        """Which of ``policies.subject.FACTS``."""
        ...

    def of(self, uids: Collection[str]) -> Mapping[str, Any]:
        """The fact of each resource, as JSON values, all of them looked up. Raises StorageError."""
        ...

    def revision(self) -> int:
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

    def of(self, uids: Collection[str], policies: Iterable[Policy]) -> Mapping[str, Mapping[str, Any]]:
        """``input.context`` of each resource, with what these policies may read. Raises StorageError."""
        found: dict[str, dict[str, Any]] = {uid: {} for uid in uids}
        for source in self.asked(policies) if uids else ():
            values = source.of(uids)
            for uid in uids:
                found[uid][source.name] = values[uid]
        return found

    def revisions(self, policies: Iterable[Policy]) -> dict[str, int]:
        """Fact -> its revision, of those that these policies may read. Raises StorageError."""
        return {source.name: source.revision() for source in self.asked(policies)}


class BaselineFact:
    """``input.context.baseline``: baseline name -> what it holds of the resource; empty where none holds it."""

    name = "baseline"

    def __init__(self, baselines: Baselines) -> None:
        self._baselines = baselines

    def of(self, uids: Collection[str]) -> Mapping[str, Any]:
        """What the baselines hold of each resource."""
        held = self._baselines.held(uids)
        return {uid: {name: _pinned(one) for name, one in held.get(uid, {}).items()} for uid in uids}

    def revision(self) -> int:
        """Counts what was done to baselines."""
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
