"""The Pratt half of the parser: expressions by binding power, one loop, no grammar tables to fight.

Binding powers, weakest first: ``or xor``, ``and``, comparisons, ``else``, ``+ -``, ``* / %``, unary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from policies.errors import PolicySyntaxError
from policies.sentinel import nodes, semantics
from policies.sentinel.lexer import MAX_INT, syntax_error, tokenize
from policies.sentinel.tokens import (
    CLOSING,
    CONSTANTS,
    KEYWORDS,
    MAX_NESTING,
    OPENING,
    OPERATOR_WORDS,
    At,
    Kind,
    Token,
)

MAX_SELECTORS: Final = 100
"""How many ``.name``, ``[index]`` and calls may follow one another."""

POWERS: Final = {
    **dict.fromkeys(("or", "xor"), 1),
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "matches", "contains", "in"), 3),
    **dict.fromkeys(
        ("not matches", "not contains", "not in", "empty", "defined", "not empty", "not defined"), 3
    ),
    "else": 4,
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}
STATES: Final = frozenset({"empty", "defined", "not empty", "not defined"})
LATE_QUANTIFIERS: Final = frozenset({"filter", "map"})


class Infix(NamedTuple):
    """An operator ahead: its canonical name and how many tokens it is written with."""

    operator: str
    length: int


class ExpressionParser(ABC):
    """Reads expressions from a list of tokens. The statements are added by the subclass in ``parser``."""

    def __init__(self, source: str, path: Path) -> None:
        self._path = path
        self._tokens = tokenize(source, path)
        self._place = 0
        self._depth = 0
        self._loops = 0
        self._functions = 0
        self._stops: list[int] | None = None
        self._before_as = False

    # The token stream.

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    def _peek(self, ahead: int = 1) -> Token:
        return self._tokens[min(self._place + ahead, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._tokens[self._place]
        if token.kind is not Kind.END:
            self._place += 1
        return token

    def _is(self, text: str, token: Token | None = None) -> bool:
        """Whether the token is this mark or reserved word (never a string or name spelled the same)."""
        token = token or self._now
        return token.text == text and token.kind in {Kind.MARK, Kind.WORD}

    def _take(self, text: str) -> bool:
        if self._is(text):
            self._place += 1
            return True
        return False

    def _expect(self, text: str, what: str | None = None) -> Token:
        if not self._is(text):
            self._unexpected(what or f'"{text}"')
        return self._next()

    def _skip_semicolons(self) -> None:
        while self._now.kind is Kind.SEMICOLON:
            self._place += 1

    def _fail(self, what: str, at: At, hint: str | None = None) -> NoReturn:
        raise syntax_error(self._path, at, what, hint)

    def _unexpected(self, wanted: str, hint: str | None = None) -> NoReturn:
        raise self._other_than(wanted, hint)

    def _other_than(self, wanted: str, hint: str | None = None) -> PolicySyntaxError:
        token = self._now
        found = f'"{token.text}"'
        if token.kind in {Kind.SEMICOLON, Kind.END}:
            found = "the end of the line" if token.text == "\n" else f"the {token.kind.value}"
            ahead = self._peek()
            if token.text == "\n" and (ahead.text in OPERATOR_WORDS or ahead.text in {"+", "*", "/", "%"}):
                hint = (
                    hint or "an expression goes on in the next line only where this line ends in an operator"
                )
        elif token.text == "else" and token.kind is Kind.WORD:
            hint = hint or "`else` stands on the line of the } before it"
        return syntax_error(self._path, token.at, f"expected {wanted}, found {found}", hint)

    @contextmanager
    def _nested(self, at: At) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._fail(
                f"brackets and blocks nest deeper than {MAX_NESTING}",
                at,
                "split it over variables or functions",
            )
        before, self._before_as = self._before_as, False
        try:
            yield
        finally:
            self._depth -= 1
            self._before_as = before

    def _name(self, what: str) -> Token:
        token = self._now
        if token.kind is not Kind.NAME:
            hint = f'"{token.text}" is a reserved word' if token.text in KEYWORDS else None
            self._unexpected(what, hint)
        if token.text in CONSTANTS:
            self._fail(f'"{token.text}" is predeclared and cannot be used as {what}', token.at)
        return self._next()

    # Expressions.

    def _expression(self) -> nodes.Expression:
        """One expression, complete in itself."""
        with self._nested(self._now.at):
            return self._climb(1)

    def _subject(self) -> nodes.Expression:
        """The expression before ``as``: there ``filter (x)`` is more likely a call."""
        with self._nested(self._now.at):
            self._before_as = True
            return self._climb(1)

    def _climb(self, least: int) -> nodes.Expression:
        at = self._now.at
        left = self._unary()
        while (infix := self._infix()) is not None and POWERS[infix.operator] >= least:
            power = POWERS[infix.operator]
            links: list[nodes.Link | nodes.State] = []
            while infix is not None and POWERS[infix.operator] == power:
                where = self._now.at
                self._place += infix.length
                if infix.operator in STATES:
                    what = infix.operator.removeprefix("not ")
                    links.append(nodes.State(what, infix.operator.startswith("not "), at=where))
                else:
                    links.append(nodes.Link(infix.operator, self._climb(power + 1), at=where))
                infix = self._infix()
            left = nodes.Chain(left, tuple(links), at=at)
        return left

    def _infix(self) -> Infix | None:
        token = self._now
        if token.kind is Kind.MARK:
            return Infix(token.text, 1) if token.text in POWERS else None
        if token.kind is not Kind.WORD:
            return None
        if token.text == "is":
            negated = self._is("not", self._peek())
            length = 2 if negated else 1
            state = self._peek(length)
            after = self._peek(length + 1)
            if (
                state.kind is Kind.NAME
                and state.text in {"empty", "defined"}
                and not (after.kind is Kind.MARK and after.text in {".", "(", "["})
            ):
                return Infix(f"not {state.text}" if negated else state.text, length + 1)
            return Infix("!=" if negated else "==", length)
        if token.text == "not" and self._peek().text in {"contains", "in", "matches"}:
            return Infix(f"not {self._peek().text}", 2)
        return Infix(token.text, 1) if token.text in POWERS else None

    def _unary(self) -> nodes.Expression:
        token = self._now
        if not (token.kind is Kind.MARK and token.text in {"+", "-", "!"}) and not self._is("not"):
            return self._postfix()
        self._next()
        if token.text == "-" and self._now.kind is Kind.INT and self._now.value == MAX_INT + 1:
            self._next()
            return nodes.Literal(-MAX_INT - 1, at=token.at)
        with self._nested(token.at):
            if token.text == "not" and not semantics.NOT_BINDS_TIGHTEST:
                return nodes.Unary("!", self._climb(POWERS["and"] + 1), at=token.at)
            return nodes.Unary("!" if token.text == "not" else token.text, self._unary(), at=token.at)

    def _postfix(self) -> nodes.Expression:
        made = self._operand()
        for _ in range(MAX_SELECTORS):
            token = self._now
            if token.kind is not Kind.MARK or token.text not in {".", "[", "("}:
                return made
            self._next()
            if token.text == ".":
                if self._now.kind is not Kind.NAME:
                    self._unexpected('a name after "."')
                selector = self._next()
                made = nodes.Select(made, selector.text, at=selector.at)
            elif token.text == "[":
                made = self._bracket(made, token.at)
            else:
                made = nodes.Call(made, self._items(")"), at=token.at)
        what = f"more than {MAX_SELECTORS} selectors, indices and calls follow one another"
        raise syntax_error(self._path, self._now.at, what)

    def _bracket(self, made: nodes.Expression, at: At) -> nodes.Expression:
        low = None if self._is(":") else self._expression()
        if self._take("]"):
            assert low is not None
            return nodes.Index(made, low, at=at)
        self._expect(":", '"]" or ":"')
        high = None if self._is("]") else self._expression()
        self._expect("]")
        return nodes.Slice(made, low, high, at=at)

    def _items(self, close: str) -> tuple[nodes.Expression, ...]:
        """Expressions with commas between, up to and with the closing bracket."""
        items: list[nodes.Expression] = []
        self._skip_semicolons()
        while not self._take(close):
            items.append(self._expression())
            self._skip_semicolons()
            if not self._take(",") and not self._is(close):
                self._unexpected(f'"," or "{close}"')
            self._skip_semicolons()
        return tuple(items)

    def _operand(self) -> nodes.Expression:
        token = self._now
        if token.kind in {Kind.INT, Kind.FLOAT, Kind.STRING}:
            if token.value == MAX_INT + 1 and token.kind is Kind.INT:
                self._fail("the integer does not fit in 64 bits", token.at)
            self._next()
            return nodes.Literal(token.value, at=token.at)
        if token.kind is Kind.NAME:
            if token.text in LATE_QUANTIFIERS and self._starts_quantifier():
                return self._quantifier()
            self._next()
            return self._named(token)
        if token.kind is Kind.MARK and token.text in {"(", "[", "{"}:
            return self._bracketed(token)
        if self._is("any") or self._is("all"):
            return self._quantifier()
        if self._is("rule"):
            return self._rule()
        if self._is("func"):
            return self._function()
        raise self._other_than("an expression")

    @staticmethod
    def _named(token: Token) -> nodes.Expression:
        if token.text == "undefined":
            return nodes.UndefinedLiteral(at=token.at)
        if token.text in CONSTANTS:
            return nodes.Literal({"true": True, "false": False, "null": None}[token.text], at=token.at)
        return nodes.Name(token.text, at=token.at)

    def _bracketed(self, token: Token) -> nodes.Expression:
        self._next()
        if token.text == "(":
            made = self._expression()
            self._skip_semicolons()
            self._expect(")")
            return made
        if token.text == "[":
            return nodes.ListLiteral(self._items("]"), at=token.at)
        items: list[tuple[nodes.Expression, nodes.Expression]] = []
        self._skip_semicolons()
        while not self._take("}"):
            key = self._expression()
            self._expect(":", '":" after the key')
            items.append((key, self._expression()))
            self._skip_semicolons()
            if not self._take(",") and not self._is("}"):
                self._unexpected('"," or "}"')
            self._skip_semicolons()
        return nodes.MapLiteral(tuple(items), at=token.at)

    def _rule(self) -> nodes.Expression:
        at = self._next().at
        predicate = self._expression() if self._take("when") else None
        return nodes.RuleLiteral(predicate, self._body("a rule"), at=at)

    def _body(self, of: str) -> nodes.Expression:
        self._expect("{")
        self._skip_semicolons()
        if self._is("}"):
            self._unexpected("an expression", f"{of} needs exactly one expression")
        body = self._expression()
        self._skip_semicolons()
        if not self._is("}"):
            self._unexpected('"}"', f"{of} holds exactly one expression")
        self._next()
        return body

    def _function(self) -> nodes.FunctionLiteral:
        at = self._expect("func").at
        return self._function_from(at)

    @abstractmethod
    def _function_from(self, at: At) -> nodes.FunctionLiteral:
        """Parameters and body, after ``func`` and, in a declaration, its name."""

    def _quantifier(self) -> nodes.Expression:
        token = self._next()
        over = self._subject()
        names = self._names()
        return nodes.Quantifier(token.text, over, names, self._body(f'"{token.text}"'), at=token.at)

    def _names(self) -> tuple[str, ...]:
        self._expect("as")
        first = self._name("a name").text
        if not self._take(","):
            return (first,)
        second = self._name("a name")
        if second.text == first:
            self._fail(f'"{first}" is named twice', second.at)
        return (first, second.text)

    # "filter" and "map" as words.

    def _starts_quantifier(self) -> bool:
        """Whether ``filter`` or ``map`` here begins a quantifier rather than naming something."""
        ahead = self._peek()
        if ahead.kind in {Kind.NAME, Kind.STRING, Kind.INT, Kind.FLOAT}:
            return True
        if ahead.kind is Kind.WORD:
            return ahead.text in {"any", "all", "func", "rule"}
        if ahead.kind is not Kind.MARK or ahead.text not in {"(", "[", "{"}:
            return False
        stop = self._stop(self._place + 1)
        if not self._is("as", self._tokens[stop]):
            return False
        if not self._before_as:
            return True
        # In `for filter(x) as y {` the "as" is the loop's; in `for filter (x) as y { … } as z {` the filter's.
        place = stop
        while not self._is("{", self._tokens[place]) and self._tokens[place].kind is not Kind.END:
            place += 1
        return self._is("as", self._tokens[self._stop(place)])

    def _stop(self, place: int) -> int:
        """The first ``as``, comma, colon, semicolon or closing bracket at the bracket depth of ``place``, from there on."""
        if self._stops is None:
            self._stops = self._find_stops()
        return self._stops[place]

    def _find_stops(self) -> list[int]:
        stops = [0] * len(self._tokens)
        nearest = [len(self._tokens) - 1]
        for place in range(len(self._tokens) - 1, -1, -1):
            token = self._tokens[place]
            mark = token.text if token.kind is Kind.MARK else ""
            if mark and mark in CLOSING:
                nearest.append(place)
            elif mark and mark in OPENING:
                nearest.pop()
            elif token.kind is Kind.SEMICOLON or mark in {",", ":"} or self._is("as", token):
                nearest[-1] = place
            stops[place] = nearest[-1]
        return stops
