"""The syntax tree: frozen nodes that know where they stand.

Two trees are equal when they say the same, wherever they stand: positions do not take part in comparison. Operators of
one precedence are one :class:`Chain`, not a tower of pairs, so that a thousand ``or`` in a row nest no deeper than one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from policies.sentinel.tokens import At


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything with a place."""

    at: At = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant: None is null."""

    value: bool | int | float | bytes | None

    def __eq__(self, other: object) -> bool:
        """Equal only to the same value of the same type: 1, 1.0 and true are three literals."""
        if not isinstance(other, Literal):
            return NotImplemented
        return type(self.value) is type(other.value) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        return hash(repr(self.value))


@dataclass(frozen=True, slots=True)
class UndefinedLiteral(Node):
    """The word ``undefined``."""


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable, function, rule or import by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    """``[a, b]``"""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Node):
    """``{k: v}``"""

    items: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class FunctionLiteral(Node):
    """``func(a, b) { … }``"""

    parameters: tuple[str, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class RuleLiteral(Node):
    """``rule when predicate { body }``"""

    predicate: Expression | None
    body: Expression


@dataclass(frozen=True, slots=True)
class Quantifier(Node):
    """``any over as first, second { body }``; also all, filter, map."""

    kind: str
    over: Expression
    names: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``-x +x !x not x``; ``not`` is written ``!`` here."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Link(Node):
    """One operator of a chain and its right operand. ``is`` is ``==`` here and ``is not`` is ``!=``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class State(Node):
    """``is [not] empty`` and ``is [not] defined``: a link without an operand."""

    what: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """``first op a op b …``, all of one precedence, from left to right."""

    first: Expression
    links: tuple[Link | State, ...]


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``object.name``"""

    object: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``object[index]``"""

    object: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """``object[low:high]``"""

    object: Expression
    low: Expression | None
    high: Expression | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``function(arguments)``"""

    function: Expression
    arguments: tuple[Expression, ...]


Expression: TypeAlias = (
    Literal
    | UndefinedLiteral
    | Name
    | ListLiteral
    | MapLiteral
    | FunctionLiteral
    | RuleLiteral
    | Quantifier
    | Unary
    | Chain
    | Select
    | Index
    | Slice
    | Call
)


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """``target = value``; ``operator`` is "" or the arithmetic of ``+=`` and its kin."""

    target: Name | Index
    operator: str
    value: Expression


@dataclass(frozen=True, slots=True)
class FunctionDeclaration(Node):
    """``func name(a, b) { … }``"""

    name: str
    function: FunctionLiteral


@dataclass(frozen=True, slots=True)
class If(Node):
    """``if … else if … else``: the branches in order."""

    branches: tuple[tuple[Expression, Block], ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class Clause(Node):
    """``when a, b:`` with its statements; no expressions for ``else:``."""

    expressions: tuple[Expression, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class Case(Node):
    """``case subject { … }``; no subject means true."""

    subject: Expression | None
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """``for over as first, second { … }``"""

    over: Expression
    names: tuple[str, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class Break(Node):
    """``break``"""


@dataclass(frozen=True, slots=True)
class Continue(Node):
    """``continue``"""


@dataclass(frozen=True, slots=True)
class Return(Node):
    """``return value``"""

    value: Expression


@dataclass(frozen=True, slots=True)
class Do(Node):
    """An expression for its effect: ``print(x)``."""

    value: Expression


Statement: TypeAlias = Assign | FunctionDeclaration | If | Case | For | Break | Continue | Return | Do
Block: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Import(Node):
    """``import "name" as alias``"""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """``param name default literal``"""

    name: str
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Program(Node):
    """A whole source."""

    imports: tuple[Import, ...]
    parameters: tuple[Parameter, ...]
    body: Block
