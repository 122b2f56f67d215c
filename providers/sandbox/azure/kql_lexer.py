"""The words of a Resource Graph query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 30_000
"""Longer queries are refused, before they are read."""


class KqlError(ValueError):
    """The query is not valid. ``position`` counts characters from 0; ``token`` is what stood there."""

    def __init__(self, message: str, position: int = 0, token: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.token = token


@dataclass(frozen=True, slots=True)
class Token:
    """One word: ``kind`` is name, string, number, timespan, operator or end."""

    kind: str
    text: str
    value: Any
    position: int


_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<verbatim>@'[^']*'|@"[^"]*")
      | (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
      | (?P<timespan>\d+(?:\.\d+)?(?:ms|d|h|m|s)\b)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>project-away|project-keep|!?[A-Za-z_$][A-Za-z0-9_$]*~?)
      | (?P<operator>==|=~|!=|!~|<=|>=|<|>|=|\||\(|\)|\[|\]|,|\.|\*|-|\+|:)""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def tokens(text: str) -> list[Token]:
    """The words of a query, with an ``end`` behind them. Raises KqlError."""
    if len(text) > MAX_LENGTH:
        raise KqlError(f"the query is longer than {MAX_LENGTH} characters")
    out: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise KqlError("unexpected character", position, text[position])
        kind, word = str(match.lastgroup), match.group(0)
        if kind == "string":
            value = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), word[1:-1])
            out.append(Token("string", word, value, position))
        elif kind == "verbatim":
            out.append(Token("string", word, word[2:-1], position))
        elif kind == "number":
            out.append(Token("number", word, float(word) if "." in word else int(word), position))
        elif kind == "timespan":
            amount = re.match(r"[\d.]+", word)
            assert amount is not None
            unit = word[amount.end() :]
            out.append(Token("timespan", word, float(amount.group(0)) * _SECONDS[unit], position))
        elif kind != "space":
            out.append(Token(kind, word, word, position))
        position = match.end()
    out.append(Token("end", "", None, len(text)))
    return out
