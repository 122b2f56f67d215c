"""Judging what is due, and nothing else: resources that changed, by all policies; all resources, by policies that changed
or that read the clock and are due.

The store says what is due (an outbox written with the change), so what a killed process left unjudged is judged by the
next. A cycle over an unchanged estate finds nothing due and evaluates nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.crew import Crew
from daemon.joining import JUDGING_PHASES, Due, Grounds, Round, grouped, joining
from policies.pack import PolicySet, judges
from policies.policy import Policy
from policies.subject import Subject, needs
from policies.verdict import Outcome, Verdict
from providers.normalise import digest_of
from storage.findings import FindingChanges, Findings
from storage.joins import ESTATE, Key
from storage.query import Filter
from storage.rows import CHUNK
from storage.values import StoredResource, Ticket


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

    def __init__(self, grounds: Grounds, findings: Findings) -> None:
        self._grounds = grounds
        self._inventory = grounds.inventory
        self._facts = grounds.facts
        self._findings = findings
        self._joins = grounds.joins
        self._one_round = threading.Lock()
        self._described: PolicySet | None = None
        """The policies that open findings were last told of."""
        self._stopped: dict[Ticket, datetime] = {}
        """Evaluations a limit stopped or a lost worker took, and when: tried again, but not in every cycle."""
        self._stopped_joins: dict[Key, tuple[bytes, datetime]] = {}
        """The same, of joining policies: as what they were due."""

    def judge_due(self, crew: Crew, now: datetime, cycle_id: int | None = None) -> Judged:
        """Judge all that is due. One round at a time; a second waits. Raises StorageError, EngineError."""
        with self._one_round:
            # A verdict that a limit or a lost worker prevented is no verdict, and the resource stays due; but a policy that
            # never ends must not cost its time in every cycle.
            interval = crew.settings.policies.clock_interval
            self._stopped = {ticket: at for ticket, at in self._stopped.items() if now - at < interval}
            policies = {policy.id: policy for policy in crew.policies.policies}
            if crew.policies is not self._described:
                self._findings.describe(crew.policies.policies)
                self._described = crew.policies
            retired = self._findings.retire(policies.keys(), now, cycle_id)
            done = Judged(resolved=len(retired))
            revisions = self._facts.revisions(policies.values(), now)
            versions = {policy.id: _version(policy, crew, now, revisions) for policy in policies.values()}
            around = Round(crew, self._grounds, now)
            joined_due = around.due(versions)
            alone = {name: version for name, version in versions.items() if not joining(policies[name])}
            stale = self._inventory.stale_policies(alone)
            # Where everything is due (a first cycle), judging the due judges by the stale policies too.
            if stale and self._inventory.due_count() < self._inventory.count():
                judging = [policies[name] for name in sorted(stale) if policies[name].phase in JUDGING_PHASES]
                done = self._over_everything(crew, judging, now, cycle_id, done)
            # Before what is due is settled: until then the store knows which resources are seen for the first time.
            for due in joined_due:
                done = self._joined(around, due, cycle_id, done)
            for batch in self._inventory.due():
                trying = [stored for stored in batch if stored.ticket not in self._stopped]
                if trying:
                    done = self._batch(around, trying, cycle_id, done, joined_due)
            if stale:
                self._inventory.mark_applied({name: versions[name] for name in stale}, now)
            return done

    def judge_one(self, crew: Crew, stored: StoredResource, now: datetime) -> Judged:
        """Judge one resource that was read early. What others say of it by joining it: :meth:`judge_joined`."""
        ref, view = stored.ref, crew.view(stored.resource)
        kind = view.type if view is not None else None
        around = Round(
            crew,
            self._grounds,
            now,
            policies=[p for p in crew.policies.policies if joining(p) and judges(p, ref.type, kind)],
            only=(ref.provider, ref.account),
        )
        return self._batch(around, [stored], None, Judged())

    def judge_joined(self, crew: Crew, touched: Collection[tuple[str, str, str]], now: datetime) -> Judged:
        """Apply the joining policies that are due by what changed early: resources of these (provider, account, type), and
        nothing that changed elsewhere. Waits for a round under way. Raises StorageError, EngineError."""
        types = {name for _, _, name in touched}
        places = {(provider, account) for provider, account, _ in touched}
        policies = [
            p for p in crew.policies.policies if joining(p) and p.phase in JUDGING_PHASES and p.joins & types
        ]
        done = Judged()
        if not policies:
            return done
        with self._one_round:
            revisions = self._facts.revisions(policies, now)
            versions = {policy.id: _version(policy, crew, now, revisions) for policy in policies}
            around = Round(crew, self._grounds, now, policies=policies)
            for due in around.due(versions):
                place = (due.key.provider, due.key.account)
                if place == ESTATE or place in places:
                    done = self._joined(around, due, None, done)
        return done

    def _joined(self, around: Round, due: Due, cycle_id: int | None, done: Judged) -> Judged:
        """Apply a joining policy to an account or to the estate. It stays due until all of it is stored."""
        crew, now = around.crew, around.now
        stopped = self._stopped_joins.get(due.key)
        interval = crew.settings.policies.clock_interval
        if stopped is not None and stopped[0] == due.digest and now - stopped[1] < interval:
            return done
        by_id = {due.policy.id: due.policy}
        transient = False
        if due.policy.gathers:
            verdicts = around.over(due)
            transient = any(verdict.transient for verdict in verdicts)
            with self._findings.together():
                changes = self._findings.apply(verdicts, by_id, at=now, cycle_id=cycle_id)
                if not transient:
                    self._joins.mark(due.key, due.digest, now)
            done = done.plus(changes, verdicts[:1])
        else:
            wanted = Filter(
                types=_types(crew, [due.policy]),
                providers=frozenset({due.key.provider}),
                accounts=frozenset({due.key.account}),
            )
            for batch in self._inventory.find(wanted, batch=CHUNK) if wanted.types else ():
                resources = [stored.resource for stored in batch]
                subjects = around.subjects(resources, [due.policy])
                verdicts = list(crew.judge.judge(subjects, now=now, policies=[due.policy]))
                transient = transient or any(verdict.transient for verdict in verdicts)
                changes = self._findings.apply(verdicts, by_id, at=now, cycle_id=cycle_id)
                done = done.plus(changes, verdicts)
            if not transient:
                self._joins.mark(due.key, due.digest, now)
        if transient:
            self._stopped_joins[due.key] = (due.digest, now)
        else:
            self._stopped_joins.pop(due.key, None)
        return done

    def _batch(
        self,
        around: Round,
        batch: Sequence[StoredResource],
        cycle_id: int | None,
        done: Judged,
        joined_due: Sequence[Due] = (),
    ) -> Judged:
        crew, now = around.crew, around.now
        subjects = around.subjects([stored.resource for stored in batch])
        verdicts: list[Verdict] = []
        for group, chosen in grouped(crew, subjects, joined_due):
            verdicts += crew.judge.judge(group, now=now, policies=chosen)
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
        for batch in self._inventory.find(Filter(types=types), batch=CHUNK):
            subjects = self._subjects(crew, batch, policies, now)
            verdicts = list(crew.judge.judge(subjects, now=now, policies=policies))
            changes = self._findings.apply(verdicts, by_id, at=now, cycle_id=cycle_id)
            done = done.plus(changes, verdicts)
        return done

    def _subjects(
        self, crew: Crew, batch: Sequence[StoredResource], policies: Sequence[Policy], now: datetime
    ) -> Iterator[Subject]:
        known = self._facts.of([stored.resource for stored in batch], policies, now)
        for stored in batch:
            yield Subject(
                resource=stored.resource, view=crew.view(stored.resource), context=known[stored.uid]
            )


def _types(crew: Crew, policies: Iterable[Policy]) -> frozenset[str]:
    """The resource types these policies may speak of."""
    terraform: dict[str, frozenset[str]] = {}
    for provider in crew.providers.values():
        terraform |= provider.terraform_types()
    found: set[str] = set()
    for policy in policies:
        found |= policy.types
        found |= frozenset[str]().union(*(terraform.get(name, ()) for name in policy.terraform_types))
    return frozenset(found)


def _version(policy: Policy, crew: Crew, now: datetime, revisions: Mapping[str, int]) -> bytes:
    """What a policy was applied as. It begins with its digest; what follows tells the interval of one that reads the clock,
    and the revisions of the facts (a baseline, an exemption) that one may ask for."""
    rest = []
    if policy.reads_clock:
        interval = int(now.timestamp() // crew.settings.policies.clock_interval.total_seconds())
        rest.append(interval.to_bytes(8, "big"))
    # A fact that nobody ever touched adds nothing: what was applied before there was such a fact stays applied.
    asked = [(name, revisions[name]) for name in needs(policy.reads).facts if revisions.get(name)]
    rest += [f"{name} {revision}".encode() for name, revision in asked]
    return policy.digest + digest_of(rest) if rest else policy.digest
