"""The words a Sentinel source is made of."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What sort of word a token is."""

    NAME = "name"
    WORD = "keyword"
    INT = "integer"
    FLOAT = "float"
    STRING = "string"
    MARK = "operator"
    SEMICOLON = "end of statement"
    END = "end of file"


class At(NamedTuple):
    """A place in a source; both count from 1, columns in characters."""

    line: int
    column: int


class Token(NamedTuple):
    """One word: its kind, its text as written, its value (of literals) and where it begins."""

    kind: Kind
    text: str
    value: int | float | bytes | None
    at: At


OPERATOR_WORDS: Final = frozenset({"and", "or", "xor", "not", "contains", "in", "is", "matches", "else"})
KEYWORDS: Final = OPERATOR_WORDS | {
    *(
        "all",
        "any",
        "as",
        "break",
        "case",
        "continue",
        "default",
        "for",
        "func",
        "if",
        "import",
        "param",
        "return",
    ),
    *("rule", "when"),
}
"""Reserved. ``filter``, ``map``, ``empty`` and ``defined`` came late and are words only where the grammar wants them,
because older policies use them as names."""

CONSTANTS: Final = frozenset({"true", "false", "null", "undefined"})
"""Predeclared and not assignable."""

ENDS_STATEMENT: Final = frozenset({"break", "continue", "return"})
"""Keywords after which the end of the line ends the statement."""

OPENING: Final = {"(": ")", "[": "]", "{": "}"}
CLOSING: Final = frozenset(OPENING.values())

MAX_NESTING: Final = 100
"""How deep brackets and blocks may nest. Published policies stay below 30; the bound keeps Python's stack whole."""
