"""Text to tokens, with semicolons put in at the ends of lines.

A semicolon is put in where a line's last token is a name, a literal, ``break``, ``continue``, ``return`` or a closing
bracket; a reserved word used as selector (``x.default``) counts as a name. Inside ``( )`` and ``[ ]`` none is put in, so
a trailing comma is not needed there: that accepts all the vendor accepts, and a little more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

from policies.errors import PolicySyntaxError, Position
from policies.sentinel.tokens import CLOSING, ENDS_STATEMENT, KEYWORDS, MAX_NESTING, OPENING, At, Kind, Token

MAX_SOURCE: Final = 16 * 1024 * 1024
"""Characters. Policies are short; mocks of a whole plan, written as modules, reach some megabytes."""

MAX_INT: Final = 2**63 - 1

_WORDS = re.compile(
    r"""
      (?P<space>[ \t\r]+)
    | (?P<newline>\n)
    | (?P<line>(?:\#|//)[^\n]*)
    | (?P<block>/\*[\s\S]*?\*/)
    | (?P<unclosed>/\*)
    | (?P<name>[^\W\d]\w*)
    | (?P<float>[0-9]+\.(?:[0-9]+)?(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<int>0[xX][0-9a-fA-F]*|[0-9]+)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
    | (?P<raw>`[^`]*`)
    | (?P<mark>==|!=|<=|>=|\+=|-=|\*=|/=|%=|[-+*/%=<>!()\[\]{},.:;])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r'\\(?:([abfnrtv\\"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.|$))', re.DOTALL
)
_SINGLE: Final = {
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
    "\\": b"\\",
    '"': b'"',
}


def syntax_error(path: Path, at: At | None, what: str, hint: str | None = None) -> PolicySyntaxError:
    """The error for something at a place of a source, its hint made a sentence."""
    position = Position(path, *at) if at is not None else Position(path)
    if hint is None:
        return PolicySyntaxError(what, position)
    return PolicySyntaxError(f"{what}.", position, hint=f"{hint[0].upper()}{hint[1:]}.")


class Lexer:
    """One pass over one source. ``tokens()`` raises PolicySyntaxError at the first thing that is no Sentinel."""

    def __init__(self, source: str, path: Path) -> None:
        self._source = source.removeprefix("\ufeff")
        self._path = path
        self._line = 1
        self._start = 0
        """Where the line being read begins."""
        self._tokens: list[Token] = []
        self._open: list[Token] = []

    def tokens(self) -> list[Token]:
        """All tokens; the last is always END, after a SEMICOLON where one is due."""
        source = self._source
        if len(source) > MAX_SOURCE:
            what = f"the source has {len(source)} characters, more than {MAX_SOURCE}"
            raise syntax_error(self._path, None, what)
        place, match, handlers = 0, _WORDS.match, self._handlers()
        while found := match(source, place):
            kind, after = found.lastgroup, found.end()
            if kind == "newline":
                self._end_line(place)
                self._line += 1
                self._start = after
            elif kind not in {"space", "line"}:
                handlers[str(kind)](found.group(), At(self._line, place - self._start + 1))
                if kind in {"raw", "block"}:
                    self._count_lines(place, after)
            place = after
        if place < len(source):
            self._unknown(place)
        self._end_line(place)
        if self._open:
            left = self._open[-1]
            self._fail(f'"{left.text}" is never closed', left.at, f'add the missing "{OPENING[left.text]}"')
        self._tokens.append(Token(Kind.END, "", None, self._at(place)))
        return self._tokens

    def _handlers(self) -> Mapping[str, Callable[[str, At], None]]:
        return {
            "mark": self._mark,
            "name": self._name,
            "string": self._string,
            "raw": self._raw,
            "float": self._float,
            "int": self._integer,
            "block": self._block_comment,
            "unclosed": self._unclosed_comment,
        }

    def _at(self, place: int) -> At:
        """The position of a place on the line being read."""
        return At(self._line, place - self._start + 1)

    def _count_lines(self, place: int, after: int) -> None:
        count = self._source.count("\n", place, after)
        if count:
            self._line += count
            self._start = self._source.rindex("\n", place, after) + 1

    def _fail(self, what: str, at: At, hint: str | None = None) -> NoReturn:
        raise syntax_error(self._path, at, what, hint)

    def _unknown(self, place: int) -> NoReturn:
        character = self._source[place]
        at = self._at(place)
        if character == '"':
            self._fail(
                "the string does not end on its line",
                at,
                "a string over several lines is written in backquotes",
            )
        if character == "`":
            self._fail("the raw string never ends", at, "add the closing backquote")
        if character in "&|":
            self._fail(f'unexpected "{character}"', at, 'write "and" and "or"')
        if character == "'":
            self._fail('unexpected "\'"', at, "strings are written in double quotes")
        self._fail(f"unexpected character {character!r}", at)

    def _block_comment(self, text: str, at: At) -> None:
        if "\n" in text:
            self._end_line(self._start + at.column - 1)

    def _unclosed_comment(self, _text: str, at: At) -> None:
        self._fail("the comment never ends", at, 'add the closing "*/"')

    def _end_line(self, place: int) -> None:
        if not self._tokens or (self._open and self._open[-1].text != "{"):
            return
        last = self._tokens[-1]
        due = last.kind in {Kind.NAME, Kind.INT, Kind.FLOAT, Kind.STRING}
        due = due or (last.kind is Kind.WORD and last.text in ENDS_STATEMENT)
        due = due or (last.kind is Kind.MARK and last.text in CLOSING)
        if due:
            self._tokens.append(Token(Kind.SEMICOLON, "\n", None, self._at(place)))

    def _string(self, text: str, at: At) -> None:
        self._tokens.append(Token(Kind.STRING, text, self._unescape(text[1:-1], at), at))

    def _raw(self, text: str, at: At) -> None:
        # As in Go, from whose text the language takes its literals: carriage returns are not part of a raw string.
        self._tokens.append(Token(Kind.STRING, text, self._encode(text[1:-1].replace("\r", ""), at), at))

    def _float(self, text: str, at: At) -> None:
        number = float(text)
        if number == float("inf"):
            self._fail("the number does not fit in a float", at)
        self._tokens.append(Token(Kind.FLOAT, text, number, at))

    def _mark(self, text: str, at: At) -> None:
        kind = Kind.SEMICOLON if text == ";" else Kind.MARK
        token = Token(kind, text, None, at)
        if text in OPENING:
            self._open.append(token)
            if len(self._open) > MAX_NESTING:
                hint = "split it over variables or functions"
                self._fail(f"brackets and blocks nest deeper than {MAX_NESTING}", at, hint)
        elif text in CLOSING:
            if not self._open:
                self._fail(f'"{text}" closes nothing', at)
            opened = self._open.pop()
            if OPENING[opened.text] != text:
                self._fail(
                    f'"{text}" does not close the "{opened.text}" of line {opened.at.line}',
                    at,
                    f'expected "{OPENING[opened.text]}"',
                )
        self._tokens.append(token)

    def _name(self, text: str, at: At) -> None:
        if not text.isascii():
            for character in text:
                if not (character == "_" or character.isalpha() or unicodedata.category(character) == "Nd"):
                    self._fail(f"unexpected character {character!r} in a name", at)
        selector = bool(self._tokens) and self._tokens[-1].kind is Kind.MARK and self._tokens[-1].text == "."
        kind = Kind.WORD if text in KEYWORDS and not selector else Kind.NAME
        self._tokens.append(Token(kind, text, None, at))

    def _integer(self, text: str, at: At) -> None:
        digits, base = text, 10
        if text[:2].lower() == "0x":
            digits, base = text[2:], 16
        elif text[0] == "0" and len(text) > 1:
            base = 8
        if len(digits) > 64:
            self._fail("the integer does not fit in 64 bits", at)
        try:
            value = int(digits, base)
        except ValueError:
            wanted = (
                "an octal number has digits 0 to 7" if base == 8 else "a hexadecimal number has digits 0 to f"
            )
            self._fail(f'"{text}" is not a number', at, wanted)
        if value > MAX_INT + 1:
            self._fail("the integer does not fit in 64 bits", at)
        self._tokens.append(Token(Kind.INT, text, value, at))

    def _unescape(self, body: str, begins: At) -> bytes:
        if "\\" not in body:
            return self._encode(body, begins)
        made: list[bytes] = []
        last = 0
        for found in _ESCAPE.finditer(body):
            at = At(begins.line, begins.column + 1 + found.start())
            made.append(self._encode(body[last : found.start()], at))
            last = found.end()
            single, octal, byte, short, long, other = found.groups()
            if single:
                made.append(_SINGLE[single])
            elif octal or byte:
                value = int(octal, 8) if octal else int(byte, 16)
                if value > 255:
                    self._fail(f'"{found.group()}" is not a byte', at, "an octal escape ends at \\377")
                made.append(bytes([value]))
            elif short or long:
                value = int(short or long, 16)
                if value > 0x10FFFF or 0xD800 <= value < 0xE000:
                    self._fail(f'"{found.group()}" is not a character', at)
                made.append(chr(value).encode())
            else:
                hint = 'known: \\a \\b \\f \\n \\r \\t \\v \\\\ \\" \\nnn \\xnn \\unnnn \\Unnnnnnnn; a regular expression is best in backquotes'
                self._fail(f'unknown escape "\\{other}"', at, hint)
        made.append(self._encode(body[last:], begins))
        return b"".join(made)

    def _encode(self, text: str, at: At) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            self._fail("the string holds half a surrogate pair, which is no character", at)


def tokenize(source: str, path: Path) -> list[Token]:
    """The tokens of a source. Raises PolicySyntaxError with file, line and column."""
    return Lexer(source, path).tokens()
