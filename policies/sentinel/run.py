"""One evaluation under way: its budget, scopes, rules, calls and what it printed; and the values that need one to be had:
functions and rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, NoReturn, TypeAlias

from policies.errors import Position
from policies.sentinel import semantics
from policies.sentinel.budget import Budget
from policies.sentinel.values import Fault, Key, Undefined, Value, a_kind

CHECK_EVERY: Final = 1024
"""Steps between looks at the clock."""
FRAMES_KEPT: Final = 400
"""Python frames left to the caller below and to built-in functions above."""
RETURN: Final = object()
BREAK: Final = object()
CONTINUE: Final = object()


class Scope:
    """Names and their values, and the scope around."""

    __slots__ = ("parent", "run", "variables")

    def __init__(self, run: Run, parent: Scope | None, variables: dict[str, Value]) -> None:
        self.run = run
        self.parent = parent
        self.variables = variables


class Function:
    """A function of the policy: parameters, body and the scope it was made in."""

    __slots__ = ("code", "scope")
    sentinel_kind: ClassVar = "func"

    def __init__(self, code: FunctionCode, scope: Scope) -> None:
        self.code = code
        self.scope = scope


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCode:
    """What all closures over one function literal share. ``height`` bounds the Python frames one call takes."""

    name: str
    parameters: tuple[str, ...]
    body: Callable[[Scope], object]
    height: int
    where: Position


class Rule:
    """A rule: evaluated when first read, then remembered."""

    __slots__ = ("code", "name", "scope", "state", "value")
    sentinel_kind: ClassVar = "rule"

    def __init__(self, code: RuleCode, scope: Scope) -> None:
        self.code = code
        self.scope = scope
        self.name = code.name
        self.state = 0
        """0 not read yet, 1 being evaluated, 2 known."""
        self.value: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCode:
    """What all rules from one rule literal share."""

    name: str
    predicate: Callable[[Scope], Value] | None
    body: Callable[[Scope], Value]
    height: int
    where: Position


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function written in Python. ``most`` is None where any number of arguments goes."""

    sentinel_kind: ClassVar = "func"
    name: str
    call: Callable[[Run, Sequence[Value]], Value]
    least: int
    most: int | None


class ImportMap(dict[Key, Value]):
    """What an import hands out as a map that also has methods: a time, a decimal, a version, a request."""

    __slots__ = ("methods",)
    sentinel_kind: ClassVar = "map"

    def __init__(self, data: Mapping[str, Value], methods: Mapping[str, Builtin]) -> None:
        super().__init__({name.encode(): value for name, value in data.items()})
        self.methods = methods


Evaluated: TypeAlias = tuple[str, Position, Value]
"""One rule in the trace: its name, place and value; evaluated once, in this order."""


class Run:
    """The state of one evaluation. Not shared between threads."""

    __slots__ = (
        "budget", "clock", "deadline", "depth", "frames", "frames_limit", "fuel", "main", "memory", "now", "printed",
        "prints", "returned", "rules", "services", "spent", "trace", "unread",
    )  # fmt: skip

    def __init__(
        self,
        *,
        budget: Budget,
        now: datetime,
        clock: Callable[[], float],
        services: Mapping[str, object] | None = None,
    ) -> None:
        self.budget = budget
        self.now = now
        self.clock = clock
        self.services: Mapping[str, object] = services if services is not None else {}
        """What imports need of the host: "http", "timezone"."""
        self.fuel = min(CHECK_EVERY, budget.steps)
        """Steps until the clock is looked at next; compiled code counts this one down."""
        self.spent = CHECK_EVERY
        self.deadline = clock() + budget.seconds
        self.memory = 0
        self.depth = 0
        self.frames = 0
        self.frames_limit = max(100, sys.getrecursionlimit() - FRAMES_KEPT)
        self.returned: Value = None
        self.prints: list[str] = []
        self.printed = 0
        self.trace: list[Evaluated] = []
        """What was evaluated, in order."""
        self.main: Scope | None = None
        """The global scope of the policy itself; only rules made there are traced, not those of modules."""
        self.rules: list[Rule] = []
        self.unread: str | None = None
        """The first thing the policy asked for that was not read, and why not: see :mod:`policies.sentinel.partial`."""

    # The budget.

    def refuel(self) -> None:
        """Look at the clock and hand out the next steps. Raises Fault where either is used up."""
        if self.spent >= self.budget.steps:
            raise Fault(f"the policy takes more than {self.budget.steps} steps", kind="budget")
        if self.clock() > self.deadline:
            raise Fault(f"the policy takes longer than {self.budget.seconds:g} s", kind="budget")
        self.fuel += min(CHECK_EVERY, self.budget.steps - self.spent)
        self.spent += CHECK_EVERY

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is done within takes none of the policy's time: the host reads what was asked for."""
        began = self.clock()
        yield
        self.deadline += self.clock() - began

    def charge(self, steps: int) -> None:
        """Take many steps at once."""
        self.fuel -= steps
        if self.fuel >= 0:
            return
        while self.fuel < 0:
            if self.spent - self.fuel > self.budget.steps:
                self.spent = self.budget.steps
            self.refuel()

    def allocate(self, size: int) -> None:
        """Account for so many bytes of values, before they are made."""
        self.memory += size
        if self.memory > self.budget.memory:
            raise Fault(f"the policy makes more than {self.budget.memory} bytes of values", kind="budget")

    def hold_string(self, size: int) -> None:
        """Account for a string of that many bytes, before it is made."""
        if size > self.budget.string:
            raise Fault(f"a string is longer than {self.budget.string} bytes", kind="budget")
        self.allocate(size)
        if size > 4096:
            self.charge(size >> 8)

    def hold_collection(self, size: int) -> None:
        """Account for a list or map of that many elements, before it is made."""
        if size > self.budget.collection:
            raise Fault(f"a list or map has more than {self.budget.collection} elements", kind="budget")
        self.allocate(64 + 16 * size)
        if size > 64:
            self.charge(size >> 2)

    def grow_collection(self, size: int) -> None:
        """Account for one element more in a collection that then has ``size``."""
        if size > self.budget.collection:
            raise Fault(f"a list or map has more than {self.budget.collection} elements", kind="budget")
        self.allocate(16)

    def enter(self, height: int) -> None:
        """Go one call deeper, into code of that height."""
        self.depth += 1
        self.frames += height
        if self.depth > self.budget.depth or self.frames > self.frames_limit:
            self._too_deep()

    def _too_deep(self) -> NoReturn:
        raise Fault(
            f"calls and rules nest deeper than {self.depth - 1}; is a recursion without an end?",
            kind="budget",
        )

    def leave(self, height: int) -> None:
        """Come back from :meth:`enter`."""
        self.depth -= 1
        self.frames -= height

    def print(self, text: str) -> None:
        """Keep one line the policy printed."""
        self.printed += len(text) + 1
        if self.printed > self.budget.prints:
            raise Fault(f"the policy prints more than {self.budget.prints} bytes", kind="budget")
        self.prints.append(text)

    # Rules and calls.

    def force(self, rule: Rule) -> Value:
        """The value of a rule, evaluated at most once."""
        if rule.state == 2:
            return rule.value
        code = rule.code
        if rule.state == 1:
            names = [r.name or "a rule" for r in self.rules[self.rules.index(rule) :]]
            raise Fault(f"a rule depends on itself: {' -> '.join([*names, names[0]])}", where=code.where)
        height = code.height
        rule.state = 1
        self.rules.append(rule)
        self.depth += 1
        self.frames += height
        if self.depth > self.budget.depth or self.frames > self.frames_limit:
            self._too_deep()
        try:
            if code.predicate is None:
                value = code.body(rule.scope)
                if type(value) is Rule:
                    value = self.force(value)
            else:
                value = self._value_of(rule)
        finally:
            self.depth -= 1
            self.frames -= height
            self.rules.pop()
            rule.state = 0
        rule.value = value
        rule.state = 2
        if code.name and rule.scope is self.main:
            self.trace.append((rule.name, code.where, value))
        return value

    def _value_of(self, rule: Rule) -> Value:
        code = rule.code
        if code.predicate is not None:
            when = code.predicate(rule.scope)
            if type(when) is Rule:
                when = self.force(when)
            if when is False:
                return True
            if when is not True:
                if type(when) is not Undefined:
                    when = Undefined(f'"when" needs a bool, not {a_kind(when)}', code.where)
                return when if semantics.WHEN_UNDEFINED_IS_UNDEFINED else True
        value = code.body(rule.scope)
        return self.force(value) if type(value) is Rule else value

    def call(self, function: Value, arguments: Sequence[Value]) -> Value:
        """The result of a call. Raises Fault for what is no function and for a wrong number of arguments."""
        kind = type(function)
        if kind is Function:
            return self._call_function(function, arguments)
        if kind is Builtin:
            if len(arguments) < function.least or (
                function.most is not None and len(arguments) > function.most
            ):
                raise Fault(
                    f"{function.name} takes {_count(function.least, function.most)}, not {len(arguments)}"
                )
            try:
                return function.call(self, arguments)
            except Fault as fault:
                if fault.where is None and fault.kind == "runtime":
                    fault.message = f"{function.name}: {fault.message}"
                raise
        if kind is Rule:
            return self.call(self.force(function), arguments)
        if kind is Undefined:
            return function
        raise Fault(f"{a_kind(function)} cannot be called")

    def _call_function(self, function: Function, arguments: Sequence[Value]) -> Value:
        code: FunctionCode = function.code
        parameters = code.parameters
        if len(arguments) != len(parameters):
            wanted = _count(len(parameters), len(parameters))
            raise Fault(f"{code.name or 'the function'} takes {wanted}, not {len(arguments)}")
        self.fuel -= 1
        if self.fuel < 0:
            self.refuel()
        self.enter(code.height)
        scope = Scope(self, function.scope, dict(zip(parameters, arguments, strict=True)))
        if code.body(scope) is not RETURN:
            raise Fault(f"{code.name or 'the function'} ends without a return", where=code.where)
        self.leave(code.height)
        value, self.returned = self.returned, None
        return value


def _count(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} argument{'' if least == 1 else 's'}"
    if least == most:
        return f"{least} argument{'' if least == 1 else 's'}" if least else "no arguments"
    return f"{least} to {most} arguments"
