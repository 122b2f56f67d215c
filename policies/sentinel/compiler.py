"""Statements to closures, and the one way in: :func:`compile_program`.

A statement gives None, or what ends the block around it: RETURN (the value is in ``run.returned``), BREAK or CONTINUE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from policies.errors import Position
from policies.sentinel import nodes, semantics
from policies.sentinel.compile_expressions import Evaluator, ExpressionCompiler
from policies.sentinel.importing import Import
from policies.sentinel.lexer import syntax_error
from policies.sentinel.operators import BINARY, as_bool, equal, settled
from policies.sentinel.quantify import turns
from policies.sentinel.run import BREAK, CONTINUE, RETURN, Rule, RuleCode, Scope
from policies.sentinel.selecting import index
from policies.sentinel.values import Fault, Undefined, Value, a_kind, key_of

Executor: TypeAlias = Callable[[Scope], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A compiled source: run ``body`` in the global scope, then read what it left there."""

    program: nodes.Program
    path: Path
    body: Executor
    height: int
    defaults: dict[str, Evaluator | None]
    """Parameter -> what makes its default; None where it has none."""


class Compiler(ExpressionCompiler):
    """Compiles one source."""

    def program(self, program: nodes.Program) -> Code:
        """The whole source."""
        defaults = {p.name: self._expression(p.default) if p.default else None for p in program.parameters}
        body, height = self._body(lambda: self._block(program.body))
        return Code(program=program, path=self._path, body=body, height=height, defaults=defaults)

    def _block(self, body: nodes.Block) -> Executor:
        statements: list[Executor] = []
        before = self._size
        for node in body:
            self._enter(node.at)
            statements.append(getattr(self, f"_do_{type(node).__name__.lower()}")(node))
            self._level -= 1
        cost = 1 + (self._size - before) // 8
        made = tuple(statements)

        def execute(scope: Scope) -> object:
            run = scope.run
            run.fuel -= cost
            if run.fuel < 0:
                run.refuel()
            for statement in made:
                signal = statement(scope)
                if signal is not None:
                    return signal
            return None

        return execute

    # Assignment.

    def _do_assign(self, node: nodes.Assign) -> Executor:
        if isinstance(node.target, nodes.Index):
            return self._assign_element(node.target, node)
        name, where = node.target.name, self._where(node.at)
        write = self._writer(name, where)
        if isinstance(node.value, nodes.RuleLiteral) and not node.operator:
            self._enter(node.value.at)
            code = self._rulecode(node.value, name)
            self._level -= 1
            if self._at_top(name):
                return _rule_at_the_top(name, code)
            value = _made_from(code)
        elif isinstance(node.value, nodes.FunctionLiteral) and not node.operator:
            self._enter(node.value.at)
            value = self._functionliteral(node.value, name)
            self._level -= 1
        else:
            value = self._expression(node.value)
        if node.operator:
            return self._update(name, node.operator, value, write, where)
        if self._at_top(name):
            return _at_the_top(name, value)

        def assign(scope: Scope) -> None:
            write(scope, value(scope))

        return assign

    def _at_top(self, name: str) -> bool:
        """Whether an assignment here can only mean the global scope, and no import of that name."""
        return not self._functions and not self._loops and name not in self._aliases

    def _writer(self, name: str, where: Position) -> Callable[[Scope, Value], None]:
        """Write the nearest scope that has the name, else make it in this one. The outermost scope, which holds the
        built-in functions, is not written: an assignment hides them."""
        local = bool(self._functions) and not semantics.FUNCTION_WRITES_GLOBAL
        imported = name in self._aliases

        def write(scope: Scope, value: Value) -> None:
            at = scope
            while at.parent is not None:
                if name in at.variables and not (local and at.parent.parent is None):
                    if imported and isinstance(at.variables[name], Import):
                        raise Fault(f'the import "{name}" cannot be assigned to', where=where)
                    at.variables[name] = value
                    return
                at = at.parent
            scope.variables[name] = value

        return write

    def _update(
        self, name: str, sign: str, value: Evaluator, write: Callable[[Scope, Value], None], where: Position
    ) -> Executor:
        read, apply = self._lookup(name, where), BINARY[sign]

        def update(scope: Scope) -> None:
            right = value(scope)
            try:
                made = apply(read(scope), right, scope.run)
            except Fault as fault:
                fault.at(where)
                raise
            write(scope, made)

        return update

    def _assign_element(self, target: nodes.Index, node: nodes.Assign) -> Executor:
        where = self._where(target.at)
        value = self._expression(node.value)
        holder, key = self._expression(target.object), self._expression(target.index)
        apply = BINARY[node.operator] if node.operator else None
        root: nodes.Expression = target
        while isinstance(root, nodes.Index | nodes.Select):
            root = root.object
        imported = root.name if isinstance(root, nodes.Name) and root.name in self._aliases else None

        def assign(scope: Scope) -> None:
            run = scope.run
            made = value(scope)
            if imported is not None and _is_import(imported, scope):
                raise Fault(f'what the import "{imported}" holds cannot be assigned to', where=where)
            collection, place = settled(holder(scope), run), settled(key(scope), run)
            try:
                if apply is not None:
                    made = apply(index(collection, place, run), made, run)
                _store(collection, place, made, scope)
            except Fault as fault:
                fault.at(where)
                raise

        return assign

    def _do_functiondeclaration(self, node: nodes.FunctionDeclaration) -> Executor:
        name = node.name
        self._enter(node.at)
        function = self._functionliteral(node.function, name)
        self._level -= 1
        if name in self._aliases and not self._functions:
            raise syntax_error(self._path, node.at, f'the function "{name}" has the name of an import')

        def declare(scope: Scope) -> None:
            scope.variables[name] = function(scope)

        return declare

    # Control.

    def _do_if(self, node: nodes.If) -> Executor:
        branches = tuple((self._expression(test), self._block(body)) for test, body in node.branches)
        otherwise = self._block(node.otherwise) if node.otherwise is not None else None

        def choose(scope: Scope) -> object:
            for test, body in branches:
                value = test(scope)
                if value is True or (value is not False and as_bool(value, scope.run) is True):
                    return body(scope)
            return otherwise(scope) if otherwise is not None else None

        return choose

    def _do_case(self, node: nodes.Case) -> Executor:
        subject = self._expression(node.subject) if node.subject is not None else None
        clauses = tuple(
            (tuple(self._expression(e) for e in clause.expressions), self._block(clause.body))
            for clause in node.clauses
            if clause.expressions
        )
        otherwise = next((self._block(c.body) for c in node.clauses if not c.expressions), None)

        def choose(scope: Scope) -> object:
            run = scope.run
            value: Value = settled(subject(scope), run) if subject is not None else True
            for expressions, body in clauses:
                for expression in expressions:
                    if equal(value, expression(scope), run) is True:
                        return body(scope)
            return otherwise(scope) if otherwise is not None else None

        return choose

    def _do_for(self, node: nodes.For) -> Executor:
        over, names, where = self._expression(node.over), node.names, self._where(node.at)
        self._loops += 1
        body = self._block(node.body)
        self._loops -= 1

        def loop(scope: Scope) -> object:
            run = scope.run
            value = over(scope)
            try:
                found = turns(value, names, "for", run)
            except Fault as fault:
                fault.at(where)
                raise
            if isinstance(found, Undefined):
                return None
            for variables in found:
                signal = body(Scope(run, scope, variables))
                if signal is None or signal is CONTINUE:
                    continue
                if signal is BREAK:
                    break
                return signal
            return None

        return loop

    def _do_break(self, _node: nodes.Break) -> Executor:
        return lambda _scope: BREAK

    def _do_continue(self, _node: nodes.Continue) -> Executor:
        return lambda _scope: CONTINUE

    def _do_return(self, node: nodes.Return) -> Executor:
        value = self._expression(node.value)

        def leave(scope: Scope) -> object:
            scope.run.returned = value(scope)
            return RETURN

        return leave

    def _do_do(self, node: nodes.Do) -> Executor:
        value = self._expression(node.value)

        def do(scope: Scope) -> None:
            value(scope)

        return do


def _made_from(code: RuleCode) -> Evaluator:
    return lambda scope: Rule(code, scope)


def _rule_at_the_top(name: str, code: RuleCode) -> Executor:
    """As :func:`_at_the_top`, for a rule."""

    def assign(scope: Scope) -> None:
        scope.variables[name] = Rule(code, scope)

    return assign


def _at_the_top(name: str, value: Evaluator) -> Executor:
    """An assignment outside functions and loops: the scope at hand is the global one, and no other has the name."""

    def assign(scope: Scope) -> None:
        scope.variables[name] = value(scope)

    return assign


def _is_import(name: str, scope: Scope) -> bool:
    at: Scope | None = scope
    while at is not None:
        if name in at.variables:
            return isinstance(at.variables[name], Import)
        at = at.parent
    return False


def _store(collection: Value, place: Value, value: Value, scope: Scope) -> None:
    if isinstance(collection, dict):
        key = key_of(place)
        if key not in collection:
            scope.run.grow_collection(len(collection) + 1)
        collection[key] = value
        return
    if not isinstance(collection, list):
        raise Fault(f"an element of {a_kind(collection)} cannot be assigned; of a list or a map it can")
    if type(place) is not int:
        raise Fault(f"a list is indexed by an int, not by {a_kind(place)}")
    if not -len(collection) <= place < len(collection):
        raise Fault(f"the list has no index {place} to assign to; append adds an element")
    collection[place] = value


def compile_program(program: nodes.Program, path: Path) -> Code:
    """The code of a program. Raises PolicySyntaxError where it nests too deeply or breaks a rule of names."""
    aliases = frozenset(i.alias for i in program.imports)
    try:
        return Compiler(path, aliases).program(program)
    except RecursionError:
        raise syntax_error(path, None, "the source nests too deeply to be compiled here") from None
