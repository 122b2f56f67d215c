"""A compiled Sentinel policy and its evaluation: :func:`compile_policy`, then :meth:`CompiledPolicy.evaluate`.

Compile once and keep it: reading the source costs a hundred times an evaluation. A compiled policy holds no state, and
may be evaluated in many threads at once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from policies.errors import Position
from policies.sentinel import nodes
from policies.sentinel.budget import DEFAULT_BUDGET, Budget
from policies.sentinel.compiler import compile_program
from policies.sentinel.conversion import to_host, to_value
from policies.sentinel.loading import Loader
from policies.sentinel.operators import settled
from policies.sentinel.options import DEFAULT_OPTIONS, Options, Source
from policies.sentinel.parser import parse
from policies.sentinel.run import Run, Scope
from policies.sentinel.values import Fault, Undefined, Value, a_kind

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

DEEP: Final = 150
"""Frames on the caller's stack from which on an evaluation is given a thread, and so a stack, of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelError:
    """Why an evaluation has no result."""

    message: str
    kind: str
    """runtime (a mistake the policy made), error (it called ``error``), budget, import, param."""
    position: Position | None = None

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" if self.position is not None else self.message


class RuleTrace(NamedTuple):
    """One rule that was evaluated. ``value`` is as JSON holds it; ``cause`` says why where it is undefined."""

    name: str
    position: Position
    value: Any
    cause: str | None = None


class SentinelResult(NamedTuple):
    """What an evaluation gave.

    ``result`` is None where main is undefined, where the evaluation failed (then ``error`` says why), where a request
    does not give what the policy compares, and where the policy asked for an attribute that was not read. ``value`` is main's value, for policies whose main is not a bool.
    """

    result: bool | None
    value: Any = None
    rules: Mapping[str, Any] = _NOTHING
    """Evaluated rule -> value, undefined as None, in the order of evaluation; and the names asked for in Options."""
    trace: tuple[RuleTrace, ...] = ()
    prints: tuple[str, ...] = ()
    error: SentinelError | None = None
    cause: str | None = None
    """Why the result is None, in one line, with the place where undefined came up."""

    def to_json(self) -> dict[str, Any]:
        """As ``policy eval`` prints it."""
        made: dict[str, Any] = {
            "result": self.result,
            "rules": dict(self.rules),
            "print": list(self.prints),
            "error": str(self.error) if self.error is not None else None,
        }
        if self.cause is not None and self.error is None:
            made["cause"] = self.cause
        return made


class CompiledPolicy(Source):
    """A policy or module, ready to run."""

    def evaluate(
        self,
        imports: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        now: datetime,
        budget: Budget = DEFAULT_BUDGET,
        options: Options = DEFAULT_OPTIONS,
    ) -> SentinelResult:
        """Run the policy. Never raises for what the policy or its input does: that is in the result.

        ``imports`` maps import names to data; it is copied as read and never changed. ``now`` is the moment of the whole
        evaluation, aware.
        """
        if now.tzinfo is None:
            raise ValueError("the time of an evaluation must be aware")
        evaluation = _Evaluation(self, imports or {}, params or {}, options)
        if not _is_deep():
            return evaluation.result(now, budget)
        results: list[SentinelResult] = []
        thread = threading.Thread(
            target=lambda: results.append(evaluation.result(now, budget)), name="sentinel"
        )
        thread.start()
        thread.join()
        return results[0]


def _is_deep() -> bool:
    try:
        sys._getframe(DEEP)  # noqa: SLF001 - the one way to ask that costs a microsecond
    except ValueError:
        return False
    return True


class _Evaluation:
    def __init__(
        self, policy: CompiledPolicy, imports: Mapping[str, Any], params: Mapping[str, Any], options: Options
    ) -> None:
        self._policy = policy
        self._imports = imports
        self._params = params
        self._options = options

    def result(self, now: datetime, budget: Budget) -> SentinelResult:
        options = self._options
        run = Run(
            budget=budget,
            now=now,
            clock=options.clock,
            services={"http": options.http, "timezone": options.timezone},
        )
        try:
            return self._result(run)
        finally:
            # Rules and scopes hold each other. Let go of here, they cost no collection of garbage.
            if run.main is not None:
                run.main.variables.clear()
                run.main = None

    def _result(self, run: Run) -> SentinelResult:
        wanted: dict[str, Value] = {}
        try:
            main = self._run(run, wanted)
            passed = _outcome(main)
        except Fault as fault:
            fault.at(self._place_of_main())
            error = SentinelError(message=fault.message, kind=fault.kind, position=fault.where)
        except RecursionError:
            error = SentinelError(message="the evaluation nests too deeply for the stack", kind="budget")
        except MemoryError:
            error = SentinelError(message="the evaluation needs more memory than there is", kind="budget")
        else:
            return self._reported(run, main, passed, wanted)
        trace = tuple(_traced(run))
        return SentinelResult(
            result=None,
            rules={entry.name: entry.value for entry in trace},
            trace=trace,
            prints=tuple(run.prints),
            error=error,
            cause=str(error),
        )

    def _place_of_main(self) -> Position:
        """Where main is assigned last, for faults that have no place of their own."""
        for node in reversed(self._policy.code.program.body):
            if (
                isinstance(node, nodes.Assign)
                and isinstance(node.target, nodes.Name)
                and node.target.name == "main"
            ):
                return Position(self._policy.path, *node.at)
        return Position(self._policy.path)

    def _run(self, run: Run, wanted: dict[str, Value]) -> Value:
        code = self._policy.code
        scope = Loader(run, self._options, self._imports).scope(code)
        run.main = scope
        self._declare(scope, run)
        run.enter(code.height)
        code.body(scope)
        run.leave(code.height)
        if "main" not in scope.variables:
            raise Fault("the policy has no main rule")
        main = settled(scope.variables["main"], run)
        for name in self._options.wanted:
            missing = Undefined(f'the policy has no "{name}"')
            wanted[name] = settled(scope.variables.get(name, missing), run)
        return main

    def _declare(self, scope: Scope, run: Run) -> None:
        """Bind globals and parameters."""
        path, given = self._policy.path, self._params
        for name, held in self._options.globals.items():
            scope.variables[name] = to_value(held, run)
        declared = self._policy.code.program.parameters
        if not declared and not given:
            return
        unknown = sorted(given.keys() - {p.name for p in declared})
        if unknown:
            known = ", ".join(p.name for p in declared) or "none"
            raise Fault(
                f'the policy declares no parameter "{unknown[0]}"; it declares {known}',
                kind="param",
                where=Position(path),
            )
        for parameter in declared:
            where = Position(path, *parameter.at)
            default = self._policy.code.defaults[parameter.name]
            if parameter.name in given:
                value = to_value(given[parameter.name], run)
            elif default is not None:
                value = default(scope)
            else:
                raise Fault(f'the parameter "{parameter.name}" is not given', kind="param", where=where)
            if value is None:
                raise Fault(f'the parameter "{parameter.name}" is null', kind="param", where=where)
            scope.variables[parameter.name] = value

    def _reported(
        self, run: Run, main: Value, passed: bool | None, wanted: Mapping[str, Value]
    ) -> SentinelResult:
        trace = tuple(_traced(run))
        rules = {name: value for name, _, value, _ in trace}
        for name, held in wanted.items():
            rules[name] = _host(held)
        cause = None
        if isinstance(main, Undefined):
            cause = f"main is undefined: {main.cause}"
        if run.unread is not None:
            cause, passed = run.unread, None
        complaint = self._complaint() if passed else None
        if complaint is not None:
            cause, passed = f"the request is not complete: {complaint}", None
        if passed is None and "main" in rules:
            rules["main"] = None
        return SentinelResult(
            result=passed,
            value=_host(main),
            rules=rules,
            trace=trace,
            prints=tuple(run.prints),
            cause=cause,
        )

    def _complaint(self) -> str | None:
        if not self._options.guard:
            return None
        for need in self._policy.needs:
            data = self._imports.get(need.source)
            is_map = type(data) is dict or isinstance(data, Mapping)
            if data is not None and is_map and need.source not in self._options.mocks:
                complaint = need.complaint(data)
                if complaint is not None:
                    return complaint
        return None


def _outcome(main: Value) -> bool | None:
    """Whether the policy passes: a bool by itself, anything else when it is zero or empty (null never)."""
    if isinstance(main, bool):
        return main
    if isinstance(main, Undefined):
        return None
    if isinstance(main, int | float):
        return main == 0
    if isinstance(main, bytes | list | dict):
        return not len(main)
    if main is None:
        return False
    raise Fault(f"main is {a_kind(main)}; it must be a rule or a value")


def _traced(run: Run) -> list[RuleTrace]:
    made: list[RuleTrace] = []
    for name, where, value in run.trace:
        if value is True or value is False:
            made.append(RuleTrace(name, where, value))
        else:
            cause = value.cause if isinstance(value, Undefined) else None
            made.append(RuleTrace(name, where, _host(value), cause))
    return made


def _host(value: Value) -> Any:
    if value is True or value is False or value is None:
        return value
    if isinstance(value, Undefined):
        return None
    # A budget of its own: what a policy left behind is reported even when it used up all it had.
    reporting = Run(budget=DEFAULT_BUDGET, now=datetime.now(UTC), clock=lambda: 0.0)
    try:
        return to_host(value, reporting)
    except (Fault, RecursionError):
        return "…"


def compile_policy(source: str, path: Path) -> CompiledPolicy:
    """A policy or module from its source; ``path`` is what errors name.

    Raises PolicySyntaxError with file, line, column and what was expected.
    """
    program = parse(source, path)
    return CompiledPolicy(source=source, path=path, code=compile_program(program, path))
