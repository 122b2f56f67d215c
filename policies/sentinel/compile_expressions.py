"""Expressions to closures: each node becomes one Python function of a scope.

Measured against a walker over the tree this runs a third faster; a compiled policy is kept, as compiling costs more than
running. Every closure that can fail knows its place, so that an error names file, line and column.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from policies.errors import Position
from policies.sentinel import nodes, semantics
from policies.sentinel.importing import Import
from policies.sentinel.lexer import syntax_error
from policies.sentinel.logic import compile_chain, compile_state
from policies.sentinel.operators import as_bool, minus, negated, plus, settled
from policies.sentinel.quantify import QUANTIFIERS
from policies.sentinel.run import Function, FunctionCode, Rule, RuleCode, Scope
from policies.sentinel.selecting import NO_BOUND, cut, index
from policies.sentinel.tokens import At
from policies.sentinel.values import Fault, Key, Undefined, Value, key_of

Evaluator: TypeAlias = Callable[[Scope], Value]

MAX_HEIGHT: Final = 120
"""How deep one function, rule or statement may nest, in nodes of the tree: one Python frame each when it runs."""
CALL_FRAMES: Final = 4
"""Python frames between a call and the code it enters."""

_MISSING: Final = object()


def placed(value: Value, where: Position) -> Value:
    """The value; undefined, if it was made just now, learns where."""
    if type(value) is Undefined and value.where is None:
        value.where = where
    return value


class ExpressionCompiler(ABC):
    """Compiles the expressions of one source. The statements are added by the subclass in ``compiler``."""

    def __init__(self, path: Path, aliases: frozenset[str]) -> None:
        self._path = path
        self._aliases = aliases
        self._level = 0
        self._height = 0
        self._size = 0
        self._functions = 0
        self._loops = 0
        """Functions and loops around the code being compiled: each has a scope of its own."""

    def _where(self, at: At) -> Position:
        return Position(self._path, at.line, at.column)

    @abstractmethod
    def _block(self, body: nodes.Block) -> Evaluator:
        """The statements of a block."""

    def _enter(self, at: At) -> None:
        self._level += 1
        self._size += 1
        self._height = max(self._height, self._level)
        if self._level > MAX_HEIGHT:
            hint = "split it over variables or functions"
            raise syntax_error(self._path, at, f"the code nests deeper than {MAX_HEIGHT}", hint)

    def _body(self, compile_body: Callable[[], Evaluator]) -> tuple[Evaluator, int]:
        """Code that runs on its own: compiled, with its height."""
        level, height = self._level, self._height
        self._level = self._height = 0
        made = compile_body()
        found = self._height + CALL_FRAMES
        self._level, self._height = level, height
        return made, found

    def _counted(self, compile_body: Callable[[], Evaluator]) -> tuple[Evaluator, int]:
        """Code that is repeated, with the steps one turn is charged."""
        before = self._size
        made = compile_body()
        return made, 1 + (self._size - before) // 8

    def _expression(self, node: nodes.Expression) -> Evaluator:
        self._enter(node.at)
        made: Evaluator = getattr(self, f"_{type(node).__name__.lower()}")(node)
        self._level -= 1
        return made

    # Leaves.

    def _literal(self, node: nodes.Literal) -> Evaluator:
        value = node.value
        return lambda _scope: value

    def _undefinedliteral(self, node: nodes.UndefinedLiteral) -> Evaluator:
        where = self._where(node.at)
        return lambda _scope: Undefined("the policy says undefined", where)

    def _name(self, node: nodes.Name) -> Evaluator:
        name, where = node.name, self._where(node.at)
        look = self._lookup(name, where)
        if name not in self._aliases:
            return look

        def read(scope: Scope) -> Value:
            found = look(scope)
            if isinstance(found, Import):
                raise Fault(f'the import "{name}" is not a value; read something of it', where=where)
            return found

        return read

    def _lookup(self, name: str, where: Position) -> Evaluator:
        unknown = _unknown(name, where)

        def read(scope: Scope) -> Value:
            at: Scope | None = scope
            while at is not None:
                found = at.variables.get(name, _MISSING)
                if found is not _MISSING:
                    return found if type(found) is not Rule else scope.run.force(found)
                at = at.parent
            return unknown()

        return read

    # Literals that hold others.

    def _listliteral(self, node: nodes.ListLiteral) -> Evaluator:
        items = tuple(self._expression(item) for item in node.items)
        size = len(items)

        def make(scope: Scope) -> Value:
            scope.run.hold_collection(size)
            made: list[Value] = []
            for item in items:
                made.append(item(scope))  # noqa: PERF401 - a comprehension would be one more frame
            return made

        return make

    def _mapliteral(self, node: nodes.MapLiteral) -> Evaluator:
        items = tuple((self._expression(k), self._expression(v), self._where(k.at)) for k, v in node.items)
        size = len(items)

        def make(scope: Scope) -> Value:
            run = scope.run
            run.hold_collection(size)
            made: dict[Key, Value] = {}
            for key, value, where in items:
                try:
                    name = key_of(settled(key(scope), run))
                except Fault as fault:
                    fault.at(where)
                    raise
                made[name] = value(scope)
            return made

        return make

    def _functionliteral(self, node: nodes.FunctionLiteral, name: str = "") -> Evaluator:
        self._functions += 1
        body, height = self._body(lambda: self._block(node.body))
        self._functions -= 1
        code = FunctionCode(
            name=name, parameters=node.parameters, body=body, height=height, where=self._where(node.at)
        )
        return lambda scope: Function(code, scope)

    def _ruleliteral(self, node: nodes.RuleLiteral, name: str = "") -> Evaluator:
        code = self._rulecode(node, name)
        return lambda scope: Rule(code, scope)

    def _rulecode(self, node: nodes.RuleLiteral, name: str) -> RuleCode:
        predicate, other = None, 0
        if node.predicate is not None:
            when = node.predicate
            predicate, other = self._body(lambda: self._expression(when))
        body, height = self._body(lambda: self._expression(node.body))
        return RuleCode(
            name=name,
            predicate=predicate,
            body=body,
            height=max(height, other),
            where=self._where(node.at),
        )

    def _quantifier(self, node: nodes.Quantifier) -> Evaluator:
        over = self._expression(node.over)
        body, cost = self._counted(lambda: self._expression(node.body))
        return QUANTIFIERS[node.kind](over, node.names, body, cost, self._where(node.at))

    # Operators.

    def _unary(self, node: nodes.Unary) -> Evaluator:
        operand, where = self._expression(node.operand), self._where(node.at)
        if node.operator == "!":
            return lambda scope: placed(negated(as_bool(operand(scope), scope.run)), where)
        apply = minus if node.operator == "-" else plus

        def operate(scope: Scope) -> Value:
            try:
                return apply(operand(scope), scope.run)
            except Fault as fault:
                fault.at(where)
                raise

        return operate

    def _chain(self, node: nodes.Chain) -> Evaluator:
        made = self._expression(node.first)
        links: list[tuple[str, Evaluator, nodes.Expression, Position]] = []
        level = self._level
        for link in node.links:
            where = self._where(link.at)
            if isinstance(link, nodes.Link):
                links.append((link.operator, self._expression(link.operand), link.operand, where))
                continue
            if links:
                made, links = compile_chain(made, links), []
                self._enter(link.at)
            made = compile_state(made, link.what, link.negated, where)
            self._enter(link.at)
        self._level = level
        return compile_chain(made, links) if links else made

    # Selecting and calling.

    def _select(self, node: nodes.Select) -> Evaluator:
        """``a.b.c`` as one function: a closure for each dot would cost a call each."""
        path: list[tuple[str, bytes, Position]] = []
        target: nodes.Expression = node
        level = self._level
        while isinstance(target, nodes.Select):
            path.append((target.name, target.name.encode(), self._where(target.at)))
            target = target.object
            if isinstance(target, nodes.Select):
                self._enter(target.at)
        path.reverse()
        if isinstance(target, nodes.Name) and target.name in self._aliases:
            made = self._lookup(target.name, self._where(target.at))
        else:
            made = self._expression(target)
        self._level = level
        return _one_step(made, *path[0]) if len(path) == 1 else _steps(made, tuple(path))

    def _index(self, node: nodes.Index) -> Evaluator:
        where = self._where(node.at)
        target, key = self._expression(node.object), self._expression(node.index)

        def select(scope: Scope) -> Value:
            value = target(scope)
            try:
                return placed(index(value, key(scope), scope.run), where)
            except Fault as fault:
                fault.at(where)
                raise

        return select

    def _slice(self, node: nodes.Slice) -> Evaluator:
        where = self._where(node.at)
        target = self._expression(node.object)
        low = self._expression(node.low) if node.low is not None else _no_bound
        high = self._expression(node.high) if node.high is not None else _no_bound

        def select(scope: Scope) -> Value:
            value = target(scope)
            first = low(scope)
            try:
                return placed(cut(value, first, high(scope), scope.run), where)
            except Fault as fault:
                fault.at(where)
                raise

        return select

    def _call(self, node: nodes.Call) -> Evaluator:
        where = self._where(node.at)
        function = self._expression(node.function)
        arguments = tuple(self._expression(argument) for argument in node.arguments)

        def call(scope: Scope) -> Value:
            called = function(scope)
            given: list[Value] = []
            for argument in arguments:
                given.append(argument(scope))  # noqa: PERF401 - a comprehension would be one more frame
            try:
                return placed(scope.run.call(called, given), where)
            except Fault as fault:
                fault.at(where)
                raise

        return call


def _one_step(made: Evaluator, name: str, key: bytes, where: Position) -> Evaluator:
    def select(scope: Scope) -> Value:
        value = made(scope)
        if type(value) is dict:
            found = value.get(key, _MISSING)
            if found is not _MISSING and type(found) is not Rule:
                return found
        return _selected(value, name, key, scope, where)

    return select


def _steps(made: Evaluator, path: tuple[tuple[str, bytes, Position], ...]) -> Evaluator:
    def select(scope: Scope) -> Value:
        value = made(scope)
        for name, key, where in path:
            if type(value) is dict:
                found = value.get(key, _MISSING)
                if found is not _MISSING and type(found) is not Rule:
                    value = found
                    continue
            value = _selected(value, name, key, scope, where)
        return value

    return select


def _selected(value: Value, name: str, key: bytes, scope: Scope, where: Position) -> Value:
    """``value.name`` of anything but a plain map that has it."""
    try:
        found = value.member(name, scope.run) if isinstance(value, Import) else index(value, key, scope.run)
    except Fault as fault:
        fault.at(where)
        raise
    if type(found) is Undefined and found.where is None:
        found.where = where
    return found


def _no_bound(_scope: Scope) -> Value:
    return NO_BOUND


def _unknown(name: str, where: Position) -> Callable[[], Value]:
    def unknown() -> Value:
        if semantics.UNKNOWN_NAME_IS_ERROR:
            raise Fault(f'"{name}" is not assigned before this', where=where)
        return Undefined(f'"{name}" is not assigned before this', where)

    return unknown
