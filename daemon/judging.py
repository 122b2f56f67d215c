"""Judging what is due, and nothing else: resources that changed, by all policies; all resources, by policies that changed
or that read the clock and are due.

The store says what is due (an outbox written with the change), so what a killed process left unjudged is judged by the
next. A cycle over an unchanged estate finds nothing due and evaluates nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.crew import Crew
from policies.policy import Phase, Policy
from policies.subject import Subject
from policies.verdict import Outcome, Verdict
from providers.normalise import digest_of
from storage.findings import FindingChanges, Findings
from storage.inventory import Inventory
from storage.query import Filter
from storage.values import StoredResource, Ticket

JUDGING_PHASES = frozenset({Phase.PREPARATION, Phase.DETECTION, Phase.RECOVERY})
"""The others decide about findings and requests; they do not judge resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a round of judging did."""

    evaluated: int = 0
    unknown: int = 0
    opened: int = 0
    resolved: int = 0

    def plus(self, changes: FindingChanges, verdicts: Sequence[Verdict]) -> Judged:
        """With one more batch."""
        return Judged(
            evaluated=self.evaluated + sum(v.outcome is not Outcome.NOT_APPLICABLE for v in verdicts),
            unknown=self.unknown + changes.unknown,
            opened=self.opened + len(changes.opened),
            resolved=self.resolved + len(changes.resolved),
        )


class Judging:
    """Judges stored resources and lets the verdicts open and close findings."""

    def __init__(self, inventory: Inventory, findings: Findings) -> None:
        self._inventory = inventory
        self._findings = findings
        self._one_round = threading.Lock()
        self._stopped: dict[Ticket, datetime] = {}
        """Evaluations a limit stopped or a lost worker took, and when: tried again, but not in every cycle."""

    def judge_due(self, crew: Crew, now: datetime, cycle_id: int | None = None) -> Judged:
        """Judge all that is due. One round at a time; a second waits. Raises StorageError, EngineError."""
        with self._one_round:
            # A verdict that a limit or a lost worker prevented is no verdict, and the resource stays due; but a policy that
            # never ends must not cost its time in every cycle.
            interval = crew.settings.policies.clock_interval
            self._stopped = {ticket: at for ticket, at in self._stopped.items() if now - at < interval}
            policies = {policy.id: policy for policy in crew.policies.policies}
            retired = self._findings.retire(policies.keys(), now, cycle_id)
            done = Judged(resolved=len(retired))
            versions = {policy.id: _version(policy, crew, now) for policy in policies.values()}
            stale = self._inventory.stale_policies(versions)
            # Where everything is due (a first cycle), judging the due judges by the stale policies too.
            if stale and self._inventory.due_count() < self._inventory.count():
                judging = [policies[name] for name in sorted(stale) if policies[name].phase in JUDGING_PHASES]
                done = self._over_everything(crew, judging, now, cycle_id, done)
            for batch in self._inventory.due():
                trying = [stored for stored in batch if stored.ticket not in self._stopped]
                if trying:
                    done = self._batch(crew, trying, now, cycle_id, done)
            if stale:
                self._inventory.mark_applied({name: versions[name] for name in stale}, now)
            return done

    def judge_one(self, crew: Crew, stored: StoredResource, now: datetime) -> Judged:
        """Judge one resource that was read early."""
        return self._batch(crew, [stored], now, None, Judged())

    def _batch(
        self, crew: Crew, batch: Sequence[StoredResource], now: datetime, cycle_id: int | None, done: Judged
    ) -> Judged:
        verdicts = list(crew.judge.judge(_subjects(crew, batch), now=now))
        policies = {policy.id: policy for policy in crew.policies.policies}
        stopped = {verdict.uid for verdict in verdicts if verdict.transient}
        settled = [stored.ticket for stored in batch if stored.uid not in stopped]
        changes = self._findings.apply(verdicts, policies, at=now, cycle_id=cycle_id, settled=settled)
        for stored in batch:
            if stored.uid in stopped:
                self._stopped[stored.ticket] = now
            else:
                self._stopped.pop(stored.ticket, None)
        return done.plus(changes, verdicts)

    def _over_everything(
        self, crew: Crew, policies: Sequence[Policy], now: datetime, cycle_id: int | None, done: Judged
    ) -> Judged:
        """Run policies that are new, changed or due by the clock over every resource of their types."""
        types = _types(crew, policies)
        if not types:
            return done
        by_id = {policy.id: policy for policy in policies}
        for batch in self._inventory.find(Filter(types=types)):
            verdicts = list(crew.judge.judge(_subjects(crew, batch), now=now, policies=policies))
            changes = self._findings.apply(verdicts, by_id, at=now, cycle_id=cycle_id)
            done = done.plus(changes, verdicts)
        return done


def _subjects(crew: Crew, batch: Iterable[StoredResource]) -> Iterator[Subject]:
    for stored in batch:
        resource = stored.resource
        yield Subject(resource=resource, view=crew.view(resource))


def _types(crew: Crew, policies: Iterable[Policy]) -> frozenset[str]:
    """The resource types these policies may speak of."""
    terraform = {
        name: resource_type
        for provider in crew.providers.values()
        for name, resource_type in provider.terraform_types().items()
    }
    found: set[str] = set()
    for policy in policies:
        found |= policy.types
        found |= {terraform[name] for name in policy.terraform_types if name in terraform}
    return frozenset(found)


def _version(policy: Policy, crew: Crew, now: datetime) -> bytes:
    """What a policy was applied as: its digest, and for one that reads the clock the interval it was applied in."""
    if not policy.reads_clock:
        return policy.digest
    interval = int(now.timestamp() // crew.settings.policies.clock_interval.total_seconds())
    return digest_of([policy.digest, interval.to_bytes(8, "big")])
