"""The grammar of the part of Kusto's query language that our Resource Graph understands.

``parse`` turns text into a :class:`Query`; whatever it cannot understand is a :class:`KqlError` with its position, which the
service answers as ``BadRequest``. It never raises anything else, whatever the text (tested by property).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from providers.sandbox.azure.kql_lexer import KqlError, Token, tokens

MAX_NESTING = 60
"""Deeper expressions are refused, before Python's own stack would be."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A column, and the way into it: ``properties.networkAcls['defaultAction']``."""

    column: str
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function applied to arguments."""

    name: str
    arguments: tuple[Expression, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and a comparison (``==``, ``=~``, ``contains``, …)."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logic:
    """``and`` or ``or`` over any number of operands: flat, so that a long chain is not a deep one."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class In:
    """``left in (…)``; ``ignore_case`` for ``in~``, ``negated`` for ``!in``."""

    left: Expression
    options: tuple[Expression, ...]
    ignore_case: bool
    negated: bool


Expression = Literal | Path | Call | Binary | Logic | In


@dataclass(frozen=True, slots=True)
class Named:
    """An expression and the name its column gets."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an ordering; Kusto's default is descending."""

    expression: Expression
    ascending: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the pipe: its word and what it was given."""

    word: str
    condition: Expression | None = None
    columns: tuple[Named, ...] = ()
    patterns: tuple[str, ...] = ()
    keys: tuple[Order, ...] = ()
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """A table and the pipe behind it."""

    table: str
    operators: tuple[Operator, ...]


_COMPARISONS = frozenset({"==", "!=", "=~", "!~", "<", "<=", ">", ">="})
_WORD_COMPARISONS = frozenset(
    word
    for base in ("contains", "startswith", "endswith", "has")
    for word in (base, f"!{base}", f"{base}_cs", f"!{base}_cs")
)
_IN = frozenset({"in", "in~", "!in", "!in~"})
OPERATORS = (
    "where",
    "project",
    "project-away",
    "extend",
    "order",
    "limit",
    "top",
    "summarize",
    "count",
    "distinct",
)
_ALIASES = {"sort": "order", "take": "limit"}


def parse(text: str) -> Query:
    """Understand a query. Raises KqlError."""
    return _Parser(tokens(text)).query()


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._words[self._at]

    def _take(self) -> Token:
        token = self._words[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _is(self, text: str) -> bool:
        return self._next.kind in ("operator", "name") and self._next.text.lower() == text

    def _accept(self, text: str) -> bool:
        if self._is(text):
            self._take()
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            self._fail(f"expected {text}")

    def _fail(self, message: str) -> NoReturn:
        raise KqlError(message, self._next.position, self._next.text)

    def _name(self, what: str) -> str:
        if self._next.kind != "name":
            self._fail(f"expected {what}")
        return self._take().text

    def query(self) -> Query:
        first = self._next
        if first.kind != "name":
            self._fail("expected a table or an operator")
        word = _ALIASES.get(first.text.lower(), first.text.lower())
        operators: list[Operator] = []
        if word in OPERATORS:
            # The service's oldest form: no table means `resources`.
            table = "resources"
            operators.append(self._operator())
        else:
            table = self._take().text.lower()
        while self._accept("|"):
            operators.append(self._operator())
        if self._next.kind != "end":
            self._fail("expected | or the end")
        return Query(table, tuple(operators))

    def _operator(self) -> Operator:
        word = self._name("an operator").lower()
        word = _ALIASES.get(word, word)
        parsers: dict[str, Callable[[], Operator]] = {
            "where": lambda: Operator("where", condition=self._expression()),
            "project": lambda: Operator("project", columns=self._named()),
            "extend": lambda: Operator("extend", columns=self._named()),
            "distinct": lambda: Operator("distinct", columns=self._named()),
            "project-away": self._away,
            "order": self._order,
            "limit": lambda: Operator("limit", limit=self._count()),
            "top": self._top,
            "summarize": self._summarize,
            "count": lambda: Operator("count"),
        }
        if word not in parsers:
            self._at -= 1
            self._fail(f"the operator {word} is not supported")
        return parsers[word]()

    def _count(self) -> int:
        if self._next.kind != "number" or not isinstance(self._next.value, int):
            self._fail("expected a whole number")
        return int(self._take().value)

    def _away(self) -> Operator:
        patterns = [self._pattern()]
        while self._accept(","):
            patterns.append(self._pattern())
        return Operator("project-away", patterns=tuple(patterns))

    def _pattern(self) -> str:
        out = ""
        while self._next.kind == "name" or self._is("*"):
            out += self._take().text
        if not out:
            self._fail("expected a column")
        return out

    def _order(self) -> Operator:
        self._expect("by")
        keys = [self._key()]
        while self._accept(","):
            keys.append(self._key())
        return Operator("order", keys=tuple(keys))

    def _key(self) -> Order:
        expression = self._expression()
        ascending = self._accept("asc")
        if not ascending:
            self._accept("desc")
        if self._accept("nulls") and not (self._accept("first") or self._accept("last")):
            self._fail("expected first or last")
        return Order(expression, ascending)

    def _top(self) -> Operator:
        limit = self._count()
        self._expect("by")
        return Operator("top", keys=(self._key(),), limit=limit)

    def _summarize(self) -> Operator:
        aggregates = () if self._is("by") else self._named()
        groups = self._named() if self._accept("by") else ()
        if not aggregates and not groups:
            self._fail("expected an aggregate")
        return Operator("summarize", columns=tuple(aggregates), condition=_groups(groups))

    def _named(self) -> tuple[Named, ...]:
        out = [self._named_one()]
        while self._accept(","):
            out.append(self._named_one())
        return tuple(out)

    def _named_one(self) -> Named:
        after = self._words[min(self._at + 1, len(self._words) - 1)]
        if self._next.kind == "name" and after.kind == "operator" and after.text == "=":
            name = self._take().text
            self._take()
            return Named(name, self._expression())
        expression = self._expression()
        return Named(_default_name(expression), expression)

    def _expression(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._fail(f"nested deeper than {MAX_NESTING}")
        operands = [self._conjunction()]
        while self._accept("or"):
            operands.append(self._conjunction())
        self._depth -= 1
        return operands[0] if len(operands) == 1 else Logic("or", tuple(operands))

    def _conjunction(self) -> Expression:
        operands = [self._comparison()]
        while self._accept("and"):
            operands.append(self._comparison())
        return operands[0] if len(operands) == 1 else Logic("and", tuple(operands))

    def _comparison(self) -> Expression:
        left = self._primary()
        word = self._next.text.lower()
        if self._next.kind == "operator" and word in _COMPARISONS:
            self._take()
            return Binary(word, left, self._primary())
        if self._next.kind == "name" and word in _WORD_COMPARISONS:
            self._take()
            return Binary(word, left, self._primary())
        if self._next.kind == "name" and word in _IN:
            self._take()
            self._expect("(")
            options = [self._expression()]
            while self._accept(","):
                options.append(self._expression())
            self._expect(")")
            return In(left, tuple(options), word.endswith("~"), word.startswith("!"))
        return left

    def _primary(self) -> Expression:
        token = self._next
        if token.kind in ("string", "number", "timespan"):
            self._take()
            return Literal(token.value)
        if self._accept("-"):
            if self._next.kind != "number":
                self._fail("expected a number")
            return Literal(-self._take().value)
        if self._accept("("):
            inside = self._expression()
            self._expect(")")
            return inside
        if token.kind != "name" or token.text.startswith("!"):
            self._fail("expected an expression")
        self._take()
        if token.text.lower() in ("true", "false"):
            return Literal(token.text.lower() == "true")
        if self._is("("):
            return self._call(token)
        return Path(token.text, self._steps())

    def _call(self, name: Token) -> Expression:
        self._expect("(")
        if name.text.lower() == "datetime":
            # A datetime literal is not quoted: everything up to the bracket is its text.
            text = ""
            while not self._is(")") and self._next.kind != "end":
                part = self._take()
                text += str(part.value) if part.kind == "string" else part.text
            self._expect(")")
            return Call("todatetime", (Literal(text),), name.position)
        arguments: list[Expression] = []
        if not self._is(")"):
            arguments.append(self._expression())
            while self._accept(","):
                arguments.append(self._expression())
        self._expect(")")
        return Call(name.text.lower(), tuple(arguments), name.position)

    def _steps(self) -> tuple[str | int, ...]:
        steps: list[str | int] = []
        while True:
            if self._accept("."):
                steps.append(self._name("a property"))
            elif self._accept("["):
                if self._next.kind not in ("string", "number"):
                    self._fail("expected a property or an index")
                value = self._take().value
                steps.append(value if isinstance(value, str) else int(value))
                self._expect("]")
            else:
                return tuple(steps)


def _groups(groups: tuple[Named, ...]) -> Expression | None:
    """The grouping columns of a summarize, kept as one call so that an operator stays one flat value."""
    if not groups:
        return None
    return Call("by", tuple(Binary("as", Literal(g.name), g.expression) for g in groups), 0)


def _default_name(expression: Expression) -> str:
    if isinstance(expression, Path):
        return "_".join([expression.column, *(str(s) for s in expression.steps)])
    if isinstance(expression, Call):
        if expression.name in ("count", "dcount"):
            return f"{expression.name}_"
        if expression.arguments:
            return _default_name(expression.arguments[0])
    return "Column1"
