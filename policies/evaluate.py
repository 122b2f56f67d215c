"""The judge: resources x policies -> verdicts. Three-valued, in batches, over workers that may die.

Order: is the policy meant for it; was everything read that it reads; is the verdict remembered; only then is it run.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from config.settings import PolicySettings
from policies.decide import Decision, decide
from policies.engine import Answer, Engine, Evaluation, Limits
from policies.engines import Engines
from policies.joining import Joined, Unjoinable, join
from policies.pack import CompiledPolicy, PolicySet, judges
from policies.policy import Policy
from policies.subject import Inventory, Rendered, Subject, asset, input_digest, uncovered, unread
from policies.text import Unencodable
from policies.verdict import Message, Outcome, Verdict, messages_of, plain
from providers.normalise import digest_of
from providers.registry import relations as declared_relations
from providers.relation import Relation
from providers.resource import Resource, aware

BATCH: Final = 250
"""Evaluations sent to a worker at once: passing them then costs little, and a lost worker loses little."""
BATCH_BYTES: Final = 1 << 20
"""A batch ends earlier where its inputs are this long together: what is under way stays small, whatever the documents."""

Recall = Callable[[bytes, bytes], Verdict | None]
"""(policy digest, input digest) -> the remembered verdict."""
JOINED_BYTES: Final = 64 << 20
"""What joined resources that several evaluations share may take while they are kept."""


def limits(settings: PolicySettings) -> Limits:
    """The limits a configuration asks for."""
    return Limits(
        seconds=settings.time_limit.total_seconds(),
        memory_mb=settings.memory_limit_mb,
        workers=settings.workers or os.cpu_count() or 1,
    )


@dataclass(slots=True)
class _Pending:
    """A verdict to be: the facts known before the evaluation."""

    compiled: CompiledPolicy
    uid: str
    digest: bytes
    evaluation: Evaluation


class Judge:
    """Judges subjects by a set of policies. Safe to use from several threads; :meth:`close` ends its workers."""

    def __init__(
        self,
        policy_set: PolicySet,
        settings: PolicySettings | None = None,
        *,
        engine: Engine | None = None,
        relations: Sequence[Relation] | None = None,
    ) -> None:
        settings = settings or PolicySettings()
        self.policy_set = policy_set
        self.relations = declared_relations() if relations is None else tuple(relations)
        self._join_limit = settings.join_limit_mb
        self._limits = limits(settings)
        self.engine: Engine = engine or Engines.configured(settings, self._limits)
        self._owned = engine is None
        self._threads = ThreadPoolExecutor(self._limits.workers, thread_name_prefix="judge")

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for evaluations under way and end the workers that are ours."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._owned:
            self.engine.close()

    def judge(
        self,
        subjects: Iterable[Subject],
        *,
        now: datetime,
        policies: Sequence[Policy] | None = None,
        recall: Recall | None = None,
    ) -> Iterator[Verdict]:
        """A verdict for every subject and policy that speaks of it, subject by subject, policies by id.

        Streams: at most a few batches are in memory. ``policies`` narrows the set; ``recall`` is asked before anything
        is evaluated. Raises EngineError where no engine can be had.
        """
        now = aware(now, "now")
        rows: deque[Verdict | _Pending] = deque()
        running: deque[tuple[list[_Pending], Future[list[Answer]]]] = deque()
        waiting: list[_Pending] = []
        size = 0
        cache = _JoinedTexts(self.relations, self._join_limit)
        for subject in subjects:
            for row in self._prepare(subject, (now, policies, recall), cache):
                rows.append(row)
                if isinstance(row, _Pending):
                    waiting.append(row)
                    size += len(row.evaluation.input)
            if len(waiting) >= BATCH or size >= BATCH_BYTES:
                running.append(self._submit(waiting))
                waiting, size = [], 0
            while len(running) > 2 * self._limits.workers:
                yield from self._collect(rows, running)
        if waiting:
            running.append(self._submit(waiting))
        while running:
            yield from self._collect(rows, running)
        yield from (row for row in rows if isinstance(row, Verdict))

    def judge_place(self, policy: Policy, place: Subject, *, now: datetime) -> Verdict:
        """One verdict of a policy over an account or the estate, about ``place`` as a whole: see
        :func:`policies.joining.spread`. Raises EngineError."""
        cache = _JoinedTexts(self.relations, self._join_limit)
        row = self._one(
            self.policy_set.compiled(policy.id), Rendered(place), (aware(now, "now"), None), cache
        )
        if isinstance(row, Verdict):
            return row
        (answer,) = self.engine.evaluate([row.evaluation])
        return _verdict(row, answer)

    def decide(
        self,
        policy_id: str,
        rule: str | None,
        finding: Mapping[str, Any],
        data: Mapping[str, Any] | None,
        now: datetime,
    ) -> Decision:
        """As :func:`policies.decide.decide`, with this judge's policies and engine."""
        return decide(self.policy_set, self.engine, policy_id, finding, now=now, rule=rule, data=data)

    def _submit(self, batch: list[_Pending]) -> tuple[list[_Pending], Future[list[Answer]]]:
        evaluations = [pending.evaluation for pending in batch]
        return batch, self._threads.submit(self.engine.evaluate, evaluations)

    def _collect(
        self,
        rows: deque[Verdict | _Pending],
        running: deque[tuple[list[_Pending], Future[list[Answer]]]],
    ) -> Iterator[Verdict]:
        """The verdicts up to the end of the oldest batch."""
        batch, future = running.popleft()
        answers = iter(future.result())
        left = len(batch)
        while left:
            row = rows.popleft()
            if isinstance(row, Verdict):
                yield row
            else:
                left -= 1
                yield _verdict(row, next(answers))

    def _prepare(
        self,
        subject: Subject,
        request: tuple[datetime, Sequence[Policy] | None, Recall | None],
        cache: _JoinedTexts,
    ) -> Iterator[Verdict | _Pending]:
        now, policies, recall = request
        kind = subject.resource.ref.type
        if policies is None:
            chosen = self.policy_set.for_resource(kind, subject.terraform_type)
        else:
            chosen = tuple(p for p in policies if judges(p, kind, subject.terraform_type))
        rendered = Rendered(subject)
        for policy in chosen:
            compiled = self.policy_set.compiled(policy.id)
            if compiled.entrypoints:
                yield self._one(compiled, rendered, (now, recall), cache)

    def _one(
        self,
        compiled: CompiledPolicy,
        rendered: Rendered,
        request: tuple[datetime, Recall | None],
        cache: _JoinedTexts,
    ) -> Verdict | _Pending:
        now, recall = request
        policy, subject = compiled.policy, rendered.subject
        uid = subject.resource.uid
        cause = unread(policy, subject) or uncovered(policy, subject.inventory)
        joined: Joined | None = None
        related: Mapping[str, Any] | None = None
        try:
            if policy.joins and cause is None and subject.inventory is not None:
                try:
                    joined = cache.joined(policy, subject.inventory)
                    if policy.relates:
                        related = joined.related(asset(subject.resource), subject.resource.unread)
                except Unjoinable as error:
                    cause = str(error)
            text = rendered.input(policy, now, related)
        except Unencodable as error:
            digest = digest_of([b"unencodable", uid.encode("utf-8", "replace"), str(error).encode()])
            return _unknown(policy, uid, digest, str(error))
        digest = input_digest(text, cause, joined.digest if joined is not None else None)
        if cause is not None:
            return _unknown(policy, uid, digest, cause)
        if recall is not None and (known := recall(policy.digest, digest)) is not None:
            return known
        data = joined.text if joined is not None else None
        weight = 1 + (len(data) >> 20) if data is not None and policy.gathers else 1
        evaluation = Evaluation(compiled.program, compiled.entrypoints, text, now, data, False, weight)
        return _Pending(compiled, uid, digest, evaluation)


class _JoinedTexts:
    """Joined resources as text: many subjects share one. The oldest are let go of when there is too much."""

    def __init__(self, relations: Sequence[Relation], limit_mb: int) -> None:
        self._relations = relations
        self._limit_mb = limit_mb
        self._held: dict[tuple[int, str], tuple[Inventory, Joined | str]] = {}
        self._bytes = 0

    def joined(self, policy: Policy, inventory: Inventory) -> Joined:
        """As :func:`policies.joining.join`."""
        key = (id(inventory), policy.id)
        held = self._held.get(key)
        if held is None or held[0] is not inventory:
            found: Joined | str
            try:
                found = join(policy, inventory, self._relations, self._limit_mb)
            except Unjoinable as error:
                found = str(error)  # found out once, not for each subject
            self._keep(key, inventory, found)
        else:
            found = held[1]
        if isinstance(found, str):
            raise Unjoinable(found)
        return found

    def _keep(self, key: tuple[int, str], inventory: Inventory, found: Joined | str) -> None:
        size = len(found) if isinstance(found, str) else len(found.text)
        while self._held and self._bytes + size > JOINED_BYTES:
            _, old = self._held.pop(next(iter(self._held)))
            self._bytes -= len(old) if isinstance(old, str) else len(old.text)
        self._held[key] = (inventory, found)
        self._bytes += size


class Followed:
    """Subjects on their way to :meth:`Judge.judge`, and back by its verdicts, which come in the same order. Holds those that are
    under way only."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._subjects = subjects
        self._given: deque[Resource] = deque()

    def __iter__(self) -> Iterator[Subject]:
        for subject in self._subjects:
            self._given.append(subject.resource)
            yield subject

    def of(self, verdict: Verdict) -> Resource:
        """The resource that the newest verdict is about."""
        while self._given[0].uid != verdict.uid:
            self._given.popleft()
        return self._given[0]


def _unknown(policy: Policy, uid: str, digest: bytes, cause: str, *, transient: bool = False) -> Verdict:
    return Verdict(
        policy_id=policy.id,
        policy_digest=policy.digest,
        uid=uid,
        input_digest=digest,
        outcome=Outcome.UNKNOWN,
        cause=cause,
        transient=transient,
    )


def _verdict(pending: _Pending, answer: Answer) -> Verdict:
    """What an answer means."""
    compiled = pending.compiled
    policy = compiled.policy
    if answer.failure is not None:
        failure = answer.failure
        return _unknown(policy, pending.uid, pending.digest, failure.cause, transient=failure.kind.transient)
    messages = _said(compiled.denies, answer, policy)
    doubts = _said(compiled.unknowns, answer, policy)
    cause = "; ".join([m.text for m in doubts]) or None
    for rule in compiled.allows:
        allowed = answer.values.get(rule)
        if allowed is False:
            messages += (Message(text=f"{rule.rpartition('.')[2]} is false: {policy.title}"),)
        elif allowed is not True:
            seen = "undefined" if allowed is None else f"neither true nor false ({plain(allowed)})"
            cause = f"{rule.rpartition('.')[2]} is {seen}"
    # Said by the policy about what was read: it fails, whatever else could not be decided.
    outcome = Outcome.FAIL if messages else Outcome.UNKNOWN if cause else Outcome.PASS
    warnings = _said(compiled.warns, answer, policy)
    told = None if messages else cause
    # By position: with names it takes three times as long, and this is done for every verdict.
    return Verdict(
        policy.id, policy.digest, pending.uid, pending.digest, outcome, messages, warnings, doubts, told
    )


def _said(rules: Sequence[str], answer: Answer, policy: Policy) -> tuple[Message, ...]:
    """The messages of rules of one kind."""
    if not rules:
        return ()
    return tuple([m for rule in rules for m in messages_of(answer.values.get(rule), policy.title)])
