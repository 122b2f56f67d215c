"""What a policy needs of a request, read off its own text: so that a request that gives less never passes.

In the language a missing value is undefined, but ``null is not "x"`` and ``42 is not "x"`` are true, and a policy that
lets a normal role pass does not even look at the duration. Where a policy compares ``tfplan.variables.NAME.value`` (or a
variable assigned from it once) with a literal, that literal says what kind the request must give. A request that gives
something else, or nothing, is *unknown*: its evaluation may still say false, but never true.

A policy that handles absence itself (``else``, ``is defined``, comparison with null) is not second-guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from policies.errors import Position
from policies.sentinel import nodes

REQUESTS: Final = frozenset({"tfplan/v2", "tfplan", "tfrun"})
"""Imports whose ``variables`` are what somebody asks for."""
_COMPARE: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in", "matches", "not matches"})
_ABSENCE_AWARE: Final = frozenset({"type_of", "keys", "values", "length", "get", "has"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One variable a policy compares: of which import, its name, the kinds it is compared with, and where."""

    source: str
    variable: str
    kinds: frozenset[str]
    where: Position

    def complaint(self, data: Mapping[str, Any]) -> str | None:
        """What is wrong with the variable in the data given for the import; None where nothing is."""
        variables: Any = data.get("variables")
        entry: Any = variables.get(self.variable) if _is_map(variables) else None
        given = _is_map(entry) and "value" in entry
        value = entry["value"] if given else None
        if value is not None and (not self.kinds or _kind(value) in self.kinds):
            return None
        place = f"{self.source} variables.{self.variable}.value"
        wanted = " or ".join(sorted(self.kinds)) or "value"
        if not given:
            return f"{self.where}: {place} is not given; a {wanted} is needed"
        if value is None:
            return f"{self.where}: {place} is null; a {wanted} is needed"
        return f"{self.where}: {place} is a {_kind(value)}; a {wanted} is needed"


def _is_map(value: Any) -> bool:
    """Asking the abstract class first would cost the most of a guard."""
    return type(value) is dict or isinstance(value, Mapping)


_KINDS: Final[Mapping[type, str]] = {
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    bytes: "string",
}


def _kind(value: Any) -> str:
    known = _KINDS.get(type(value))
    if known is not None:
        return known
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str | bytes):
        return "string"
    return "map" if isinstance(value, Mapping) else "list"


def walk(root: object) -> Iterator[nodes.Node]:
    """All nodes of a tree, without recursion."""
    pending: list[object] = [root]
    while pending:
        found = pending.pop()
        if isinstance(found, tuple):
            pending.extend(found)
        elif isinstance(found, nodes.Node):
            yield found
            pending.extend(getattr(found, field.name) for field in fields(found) if field.name != "at")


def needs(program: nodes.Program, path: Any) -> tuple[Need, ...]:
    """What the program needs of requests."""
    sources = {i.alias: i.name for i in program.imports if i.name in REQUESTS}
    if not sources:
        return ()
    return _Reader(program, sources).needs(path)


class _Reader:
    def __init__(self, program: nodes.Program, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._all = list(walk(program.body))
        self._variables = self._assigned()
        self._kinds: dict[tuple[str, str], set[str]] = {}
        self._first: dict[tuple[str, str], nodes.Node] = {}
        self._aware: set[tuple[str, str]] = set()

    def _assigned(self) -> Mapping[str, tuple[str, str]]:
        """Variables assigned once, from a variable of a request."""
        found: dict[str, tuple[str, str] | None] = {}
        for node in self._all:
            if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                name = node.target.name
                direct = self._direct(node.value) if not node.operator else None
                found[name] = direct if name not in found else None
            elif isinstance(node, nodes.FunctionLiteral):
                found.update(dict.fromkeys(node.parameters))
            elif isinstance(node, nodes.For | nodes.Quantifier):
                found.update(dict.fromkeys(node.names))
        return {name: variable for name, variable in found.items() if variable is not None}

    def _direct(self, node: object) -> tuple[str, str] | None:
        """Import and variable, where the node is ``alias.variables.NAME.value``."""
        names: list[str] = []
        while isinstance(node, nodes.Select | nodes.Index):
            if isinstance(node, nodes.Select):
                names.append(node.name)
            elif isinstance(node.index, nodes.Literal) and isinstance(node.index.value, bytes):
                names.append(node.index.value.decode(errors="replace"))
            else:
                return None
            node = node.object
        if isinstance(node, nodes.Name) and node.name in self._sources and len(names) == 3:
            last, variable, first = names
            if first == "variables" and last == "value":
                return self._sources[node.name], variable
        return None

    def _variable(self, node: object) -> tuple[str, str] | None:
        if isinstance(node, nodes.Name):
            return self._variables.get(node.name)
        return self._direct(node)

    def needs(self, path: Any) -> tuple[Need, ...]:
        if self._open_ended():
            return ()
        for node in self._all:
            if isinstance(node, nodes.Chain):
                self._chain(node)
            elif isinstance(node, nodes.Call) and self._name_of(node.function) in _ABSENCE_AWARE:
                self._aware.update(v for a in node.arguments if (v := self._variable(a)) is not None)
        return tuple(
            Need(
                source=variable[0],
                variable=variable[1],
                kinds=frozenset(kinds),
                where=Position(path, *self._first[variable].at),
            )
            for variable, kinds in sorted(self._kinds.items())
            if variable not in self._aware
        )

    def _open_ended(self) -> bool:
        """Whether the policy looks into ``variables`` in ways other than ``variables.NAME``."""
        whole = sum(self._is_variables(node) for node in self._all)
        named = sum(
            isinstance(node, nodes.Select | nodes.Index) and self._is_variables(node.object) and _fixed(node)
            for node in self._all
        )
        return whole != named

    def _is_variables(self, node: object) -> bool:
        return (
            isinstance(node, nodes.Select)
            and node.name == "variables"
            and isinstance(node.object, nodes.Name)
            and node.object.name in self._sources
        )

    @staticmethod
    def _name_of(node: object) -> str:
        if isinstance(node, nodes.Name | nodes.Select):
            return node.name
        return ""

    def _chain(self, chain: nodes.Chain) -> None:
        operands: list[nodes.Expression] = [chain.first]
        for link in chain.links:
            if isinstance(link, nodes.State):
                if link.what == "defined":
                    self._mark_aware(operands)
                continue
            operands.append(link.operand)
            if link.operator == "else":
                self._mark_aware(operands)
            elif link.operator in _COMPARE:
                self._compared(operands[-2], operands[-1])
                self._compared(operands[-1], operands[-2])

    def _mark_aware(self, operands: Iterable[nodes.Expression]) -> None:
        self._aware.update(v for o in operands if (v := self._variable(o)) is not None)

    def _compared(self, side: nodes.Expression, other: nodes.Expression) -> None:
        variable = self._variable(side)
        if variable is None:
            return
        if isinstance(other, nodes.UndefinedLiteral) or (
            isinstance(other, nodes.Literal) and other.value is None
        ):
            self._aware.add(variable)
            return
        literals = other.items if isinstance(other, nodes.ListLiteral) else (other,)
        kinds = {_kind(o.value) for o in literals if isinstance(o, nodes.Literal)}
        self._kinds.setdefault(variable, set()).update(kinds)
        self._first.setdefault(variable, side)


def _fixed(node: nodes.Select | nodes.Index) -> bool:
    return isinstance(node, nodes.Select) or (
        isinstance(node.index, nodes.Literal) and isinstance(node.index.value, bytes)
    )
