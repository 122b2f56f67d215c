"""regorus in worker processes that can be killed: the built-in Rego engine."""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from pickle import PickleBuffer
from typing import Any, Final

import orjson

from policies.engine import (
    Answer,
    Checked,
    CheckedModule,
    Evaluation,
    Failure,
    FailureKind,
    Limits,
    Module,
    Neighbourhood,
)
from policies.errors import EngineError, PolicyError, PolicySyntaxError, Position
from policies.rego import builtins
from policies.rego.inspect import bad_calls, inspect, recursion
from policies.rego.process import Lost, Worker
from policies.rego.wire import PREPARE_SECONDS, Bundle, Item

STRIKES: Final = 3
"""A program that loses this many workers in one batch is not tried again in that batch."""


class RegorusEngine:
    """The engine. Workers start with the first evaluation and are kept; :meth:`close` ends them."""

    name = "regorus"
    suffixes: tuple[str, ...] = (".rego",)

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits(workers=os.cpu_count() or 1)
        self.version = f"regorus-{version('gordon-to-regorus')}+{builtins.REVISION}"
        self._idle: list[Worker] = []
        self._slots = threading.BoundedSemaphore(max(1, self.limits.workers))
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> RegorusEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the idle workers."""
        with self._lock:
            return tuple(worker.pid for worker in self._idle)

    def close(self) -> None:
        """Kill the workers. An evaluation under way in another thread ends its own."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    @contextmanager
    def _worker(self) -> Iterator[_Lease]:
        with self._slots:
            with self._lock:
                if self._closed:
                    raise EngineError("The policy engine has been closed.")
                idle = self._idle.pop() if self._idle else None
            lease = _Lease(self.limits, idle)
            try:
                yield lease
            except BaseException:
                lease.drop()  # it may be in the middle of an answer
                raise
            with self._lock:
                keep = lease.worker is not None and not self._closed
                if keep and lease.worker is not None:
                    self._idle.append(lease.worker)
            if not keep:
                lease.drop()

    # Checking

    def check(self, modules: Sequence[Module]) -> Checked:
        """Parse and examine modules, each on its own and then with those it needs, in a throw-away process: nested
        brackets parse in exponential time, and a parser that is stopped takes its process with it."""
        lease = _Lease(self.limits, None)
        try:
            checked, found = self._examine(lease, modules)
            errors: list[PolicyError] = [*found, *bad_calls(checked)]
            if not errors:
                errors.extend(recursion(checked))
            if not errors:
                neighbours = Neighbourhood(checked)
                for module in checked:
                    errors.extend(self._together(lease, module, neighbours))
        finally:
            lease.drop()
        return Checked(modules=checked, errors=tuple(errors))

    def examine(self, modules: Sequence[Module]) -> tuple[tuple[CheckedModule, ...], tuple[PolicyError, ...]]:
        """The facts in the syntax tree of each module, for an engine that compiles by itself, and what is wrong with the
        syntax and the annotations. Raises EngineError."""
        lease = _Lease(self.limits, None)
        try:
            return self._examine(lease, modules)
        finally:
            lease.drop()

    def _examine(
        self, lease: _Lease, modules: Sequence[Module]
    ) -> tuple[tuple[CheckedModule, ...], tuple[PolicyError, ...]]:
        errors: list[PolicyError] = []
        checked: list[CheckedModule] = []
        for module in modules:
            found = self._check_one(lease, module)
            if isinstance(found, PolicyError):
                errors.append(found)
                continue
            checked.append(found[0])
            errors.extend(found[1])
        return tuple(checked), tuple(errors)

    def _check_one(
        self, lease: _Lease, module: Module
    ) -> PolicyError | tuple[CheckedModule, tuple[PolicyError, ...]]:
        try:
            module.text.encode()
        except UnicodeEncodeError as error:
            line = module.text.count("\n", 0, error.start) + 1
            return PolicySyntaxError("not valid UTF-8 text", Position(module.path, line))
        try:
            answer = orjson.loads(lease.fresh().ask("check", str(module.path), module.text))
        except Lost as lost:
            lease.drop()
            what = f"parsing it was given up: {lost.failure.cause}"
            # A worker that was killed from outside says nothing of the text.
            deep = lost.failure.kind is not FailureKind.CRASH or "SIGSEGV" in lost.failure.cause
            hint = "Brackets nested more than a dozen deep are the usual reason." if deep else None
            return PolicySyntaxError(what, Position(module.path), hint=hint)
        if "error" in answer:
            return _syntax_error(answer["error"], module.path)
        return inspect(module, bool(answer["v0"]), answer["ast"])

    def _together(self, lease: _Lease, module: CheckedModule, neighbours: Neighbourhood) -> list[PolicyError]:
        """What is wrong with a module among those it needs. Policies of one package need not fit each other, so its
        neighbours count only where it does not stand without them."""
        errors = self._prepare(lease, neighbours.closure(module, own_package=False))
        return errors and self._prepare(lease, neighbours.closure(module)) and errors

    def _prepare(self, lease: _Lease, checked: Sequence[CheckedModule]) -> list[PolicyError]:
        sources = tuple((str(m.module.path), m.module.text, m.v0) for m in checked)
        try:
            answer = orjson.loads(lease.fresh().ask("prepare", sources, "true"))
        except Lost:
            lease.drop()
            return []  # an endless constant: the first evaluation will say so
        if "error" not in answer:
            return []
        error = _syntax_error(answer["error"], checked[0].module.path)
        # What is wrong in a module that others need is told once, with that module.
        return [error] if error.position.path == checked[0].module.path else []

    # Evaluating

    def evaluate(self, batch: Sequence[Evaluation]) -> list[Answer]:
        """An answer for each, in order. A lost worker costs the evaluation it was at, and only that."""
        bundles: dict[bytes, Bundle] = {}
        items: list[Item] = []
        for evaluation in batch:
            program = evaluation.program
            bundles.setdefault(program.digest, (program.modules, program.data))
            items.append(_item(evaluation))
        answers: list[Answer | None] = [None] * len(batch)
        strikes: Counter[bytes] = Counter()
        with self._worker() as lease:
            todo = list(range(len(items)))
            suspect: int | None = None
            while todo:
                todo, suspect = self._pass(lease, (bundles, items), todo, answers, (strikes, suspect))
        return [answer for answer in answers if answer is not None]

    def _pass(
        self,
        lease: _Lease,
        work: tuple[dict[bytes, Bundle], list[Item]],
        todo: list[int],
        answers: list[Answer | None],
        blame: tuple[Counter[bytes], int | None],
    ) -> tuple[list[int], int | None]:
        """One run over what is left, until its end or the worker's. Gives what is left and who is suspected.

        Who was under way when a worker died is tried once more, first in a fresh process: the process may have been
        killed from outside, or have been full. Running out of time needs no second trial.
        """
        bundles, items = work
        strikes, suspect = blame
        done = 0
        worker = lease.alive()
        try:
            for value in worker.run(bundles, [items[index] for index in todo]):
                answers[todo[done]] = _answer(value)
                done += 1
            return [], None
        except Lost as lost:
            # Answers before the guilty one may have died with the process.
            at = max(done, worker.at)
            lease.drop()
            guilty, rest = todo[at], [*todo[done:at], *todo[at + 1 :]]
            digest = items[guilty][0]
            if lost.failure.kind is not FailureKind.TIME and suspect != guilty:
                return [guilty, *rest], guilty
            strikes[digest] += 1
            answers[guilty] = Answer(failure=lost.failure)
            if strikes[digest] < STRIKES:
                return rest, None
            left = []
            for index in rest:
                if items[index][0] == digest:
                    cause = f"given up after {STRIKES} evaluations of this policy: {lost.failure.cause}"
                    answers[index] = Answer(failure=Failure(kind=lost.failure.kind, cause=cause))
                else:
                    left.append(index)
            return left, None

    def coverage(self, batch: Sequence[Evaluation]) -> list[dict[str, Any]]:
        """Which lines evaluations reached, a file each: ``{"path", "covered", "not_covered"}``. Raises EngineError."""
        groups: dict[bytes, list[Evaluation]] = defaultdict(list)
        for evaluation in batch:
            groups[evaluation.program.digest].append(evaluation)
        covered: dict[str, set[int]] = defaultdict(set)
        known: dict[str, set[int]] = defaultdict(set)
        lease = _Lease(self.limits, None)
        try:
            for group in groups.values():
                for file in self._covered(lease, group):
                    covered[file["path"]].update(file["covered"])
                    known[file["path"]].update(file["covered"], file["not_covered"])
        except Lost as lost:
            raise EngineError(f"Coverage could not be measured: {lost.failure.cause}.") from lost
        finally:
            lease.drop()
        return [
            {"path": path, "covered": sorted(covered[path]), "not_covered": sorted(lines - covered[path])}
            for path, lines in sorted(known.items())
        ]

    def _covered(self, lease: _Lease, group: Sequence[Evaluation]) -> list[dict[str, Any]]:
        program = group[0].program
        seconds = self.limits.seconds * len(group) + PREPARE_SECONDS
        bundle = (program.modules, program.data)
        raw = lease.fresh().ask("coverage", bundle, [_item(e) for e in group], seconds=seconds)
        report = orjson.loads(raw)
        if "error" in report:
            raise EngineError(f"Coverage could not be measured: {report['error']}.")
        files: list[dict[str, Any]] = report.get("files", [])
        return files


class _Lease:
    """A worker while it is used by one thread; replaced when it dies."""

    def __init__(self, limits: Limits, worker: Worker | None) -> None:
        self._limits = limits
        self.worker = worker

    def alive(self) -> Worker:
        """The worker, or a new one in place of one that has died while idle."""
        if self.worker is not None and self.worker.process.poll() is not None:
            self.drop()
        return self.fresh()

    def fresh(self) -> Worker:
        """The worker; started where there is none."""
        if self.worker is None:
            self.worker = Worker(self._limits)
        return self.worker

    def drop(self) -> None:
        """End it."""
        if self.worker is not None:
            self.worker.close()
            self.worker = None


@lru_cache
def nanoseconds(now: datetime) -> int:
    """A moment as Rego's ``time`` functions have it."""
    return int(now.timestamp()) * 1_000_000_000 + now.microsecond * 1000


def _item(evaluation: Evaluation) -> Item:
    return (
        evaluation.program.digest,
        evaluation.entrypoints,
        PickleBuffer(evaluation.input),
        evaluation.data,
        nanoseconds(evaluation.now),
        evaluation.query,
        evaluation.weight,
    )


def _answer(value: dict[str, Any]) -> Answer:
    if "e" in value:
        return Answer(failure=Failure(kind=FailureKind.ERROR, cause=_explain(value["e"])))
    return Answer(values=value["v"], prints=tuple(value.get("p", ())))


def _explain(error: str) -> str:
    if "recursion limit exceeded" in error:
        return f"the document nests deeper than 128 levels ({error})"
    return error


def _syntax_error(text: str, path: Path) -> PolicySyntaxError:
    """``file:line:column: what`` as an error with a position."""
    head, separator, what = text.partition(": ")
    parts = head.rsplit(":", 2)
    if separator and len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return PolicySyntaxError(what, Position(Path(parts[0]), int(parts[1]), int(parts[2])))
    return PolicySyntaxError(text, Position(path))
