"""JSON files of any size, value by value: plain or gzipped, one value or many, in memory only one at a time.

``documents`` gives the values of a file: one a line (NDJSON), one after the other, or the elements of an array.
``members`` gives the members of a file's object, with those arrays that are named taken apart into their elements.
``walk`` goes into objects and arrays however deep they lie, and gives what lies in them; ``reduced`` puts it together again,
with less in it.
What is wrong is told with file, line and column.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from config.errors import UsageError

CHUNK: Final = 1 << 20
"""Characters that are read at once."""
LARGEST: Final = 256 << 20
"""Characters that one value may have: it stands in memory as a whole."""
DEEPEST: Final = 200
"""Objects and arrays within each other that are gone into."""
ELEMENT: Final = "[]"
"""Stands for the elements of an array on the way to a value."""
_SPACE: Final = " \t\n\r"
_TOKEN: Final = 16
"""Characters before the end of what has been read within which an error may only mean that more is to come."""


Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A value and where it stands."""

    key: str
    """The member's name; empty for a document."""
    value: Any
    where: str
    """``file:line``."""
    element: bool = False
    """Whether it is one element of the member, and not the whole of it."""
    path: Names = ()
    """The names on the way to it, as ``walk`` has them."""


class Misread(UsageError):
    """A file is not the JSON it should be."""

    def __init__(
        self, path: Path, what: str, *, line: int = 0, column: int = 0, hint: str | None = None
    ) -> None:
        self.what = what
        self.line = line
        self.column = column
        place = f":{line}:{column}" if line else ""
        super().__init__(f"{path}{place}: {what}", hint=hint)


def documents(path: Path) -> Iterator[Piece]:
    """The values of a file, in order; a top-level array's elements one by one. Raises UsageError with file and line."""
    with _opened(path) as text:
        start = text.peek()
        while start:
            if start == "[":
                yield from text.elements("")
            else:
                where = text.where
                yield Piece("", text.value(), where)
            start = text.peek()
            if start == ",":
                text.fail("a comma between two documents", "One a line, or all of them in one array.")


def members(path: Path, arrays: Collection[str] = ()) -> Iterator[Piece]:
    """The members of a file's object (or objects, one after the other), in order; of those named in ``arrays`` that are
    arrays, the elements, or the array itself where it has none. Raises UsageError with file and line."""
    with _opened(path) as text:
        start = text.peek()
        while start:
            if start != "{":
                text.fail(
                    "not an object where one belongs",
                    "The file is to begin with `{`; a text in UTF-16 needs a byte order mark.",
                )
            yield from _members(text, arrays)
            start = text.peek()


def walk(path: Path, enter: Callable[[Names], bool]) -> Iterator[Piece]:
    """The values of a file's object at any depth, in order. ``enter`` is asked, with the names of the members on the way, of each
    object and array below whether to go into it; what it declines is given whole. The elements of an array bear the array's
    names and :data:`ELEMENT`. Raises UsageError with file and line."""
    with _opened(path) as text:
        yield from _walk(text, (), enter)


def reduced(path: Path, enter: Callable[[Names], bool], keep: Callable[[Names, Any], Any]) -> Any:
    """The value of a file, with what ``keep`` makes of them in place of those values that ``enter`` (as :func:`walk` asks it)
    declines. Raises UsageError with file and line."""
    with _opened(path) as text:
        made = _reduced(text, (), enter, keep)
        if text.peek():
            text.fail("more after the end of the value")
        return made


def opening(path: Path) -> str:
    """The first character that is no white space; empty for an empty file. Raises UsageError for an unreadable one."""
    with _opened(path) as text:
        return text.peek()


def _members(text: _Text, arrays: Collection[str]) -> Iterator[Piece]:
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        key = _name(text)
        if text.peek() == "[" and key in arrays:
            yield from text.elements(key)
        else:
            where = text.where
            yield Piece(key, text.value(), where)
        if text.peek() == "}":
            text.take("}")
            return
        text.take(",")


def _walk(text: _Text, names: Names, enter: Callable[[Names], bool]) -> Iterator[Piece]:
    if not _goes_into(text, names, enter):
        where = text.where
        yield Piece(names[-1] if names else "", text.value(), where, path=names)
        return
    for name in _inside(text):
        yield from _walk(text, (*names, name), enter)


def _reduced(
    text: _Text, names: Names, enter: Callable[[Names], bool], keep: Callable[[Names, Any], Any]
) -> Any:
    if not _goes_into(text, names, enter):
        return keep(names, text.value())
    if text.peek() == "[":
        return [_reduced(text, (*names, name), enter, keep) for name in _inside(text)]
    return {name: _reduced(text, (*names, name), enter, keep) for name in _inside(text)}


def _goes_into(text: _Text, names: Names, enter: Callable[[Names], bool]) -> bool:
    """Whether an object or array begins here that is gone into."""
    if len(names) > DEEPEST:
        text.fail("the JSON nests too deeply")
    start = text.peek()
    return start != "" and start in "{[" and (not names or enter(names))


def _inside(text: _Text) -> Iterator[str]:
    """The name of each value in the object or array that begins here; whoever asks for the next has taken the value."""
    start = text.peek()
    ending = {"{": "}", "[": "]"}[start]
    text.take(start)
    if text.peek() == ending:
        text.take(ending)
        return
    while True:
        name = ELEMENT
        if start == "{":
            name = _name(text)
        yield name
        if text.peek() == ending:
            text.take(ending)
            return
        text.take(",")


def _name(text: _Text) -> str:
    """The name of the member that begins here, and its colon."""
    if text.peek() not in ('"', ""):
        text.fail("a member without a name")
    name: str = text.value()
    text.take(":")
    return name


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Text:
    """A text read in chunks, of which only what is not yet used stands in memory."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path = path
        self._file = file
        self._buffer = ""
        self._at = 0
        self._counted = 0
        self._line = 1
        self._before = 0
        """Characters of the line under way that are no longer in the buffer."""
        self._over = False
        self._decoder = json.JSONDecoder(parse_constant=_refused)

    @property
    def where(self) -> str:
        """``file:line`` of the place reached."""
        self._count_lines()
        return f"{self._path}:{self._line}"

    def _count_lines(self) -> None:
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at

    def fail(self, what: str, hint: str | None = None, at: int | None = None) -> NoReturn:
        """Raises UsageError for this place."""
        if at is not None:
            self._at = max(self._at, min(at, len(self._buffer)))
        self._count_lines()
        raise Misread(self._path, what, line=self._line, column=self._column() + 1, hint=hint)

    def _column(self) -> int:
        """Characters before the place reached on its line."""
        newline = self._buffer.rfind("\n", 0, self._at)
        return self._at - newline - 1 if newline >= 0 else self._before + self._at

    def _more(self) -> None:
        """Read on; drops what has been used."""
        self._count_lines()
        rest = self._buffer[self._at :]
        if len(rest) > LARGEST:
            self.fail(f"one value of more than {LARGEST >> 20} million characters")
        try:
            # A value larger than a chunk is tried anew each time, so each time reads as much again.
            new = self._file.read(max(CHUNK, len(rest)))
        except UnicodeDecodeError as error:
            self.fail(f"not UTF-8 text: {error.reason}", "Write the export as UTF-8.")
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(self._path, error) from error
        self._before = self._column()
        self._buffer, self._at, self._counted = rest + new, 0, 0
        self._over = not new

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _SPACE:
                    return self._buffer[self._at]
                self._at += 1
            if self._over:
                return ""
            self._more()

    def take(self, wanted: str) -> None:
        """Go past a character. Raises UsageError where another stands."""
        found = self.peek()
        if not found:
            self._cut_short()
        if found != wanted:
            self.fail(f"not JSON: {found!r} where {wanted!r} belongs")
        self._at += 1

    def elements(self, key: str) -> Iterator[Piece]:
        """The elements of the array that begins here."""
        self.take("[")
        if self.peek() == "]":
            if key:
                # An array without elements is still a member that is there.
                yield Piece(key, [], self.where)
            self.take("]")
            return
        while True:
            self.peek()
            where = self.where
            yield Piece(key, self.value(), where, element=True)
            if self.peek() == "]":
                self.take("]")
                return
            self.take(",")

    def value(self) -> Any:
        """The value that begins here."""
        if not self.peek():
            self._cut_short()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._over and self._is_cut(error):
                    self._cut_short()
                if self._over or not self._may_go_on(error):
                    self.fail(f"not JSON: {error.msg}", at=error.pos)
            except ValueError as error:
                if "integer string conversion" in str(error):
                    self.fail(f"a whole number of more than {sys.get_int_max_str_digits():,} digits")
                self.fail(f"not JSON: {error}")
            except RecursionError:
                self.fail("the JSON nests too deeply")
            else:
                # A number that ends where the chunk does may go on in the next.
                if end < len(self._buffer) - _TOKEN or self._over or isinstance(value, dict | list | str):
                    self._at = end
                    return value
            self._more()

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        return error.pos >= len(self._buffer) - _TOKEN or error.msg.startswith("Unterminated string")

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        return error.pos >= len(self._buffer.rstrip()) or error.msg.startswith("Unterminated string")

    def _cut_short(self) -> NoReturn:
        end = len(self._buffer.rstrip())
        self.fail("not JSON: the file ends in the middle of a value", "It was cut short: get it again.", end)


def _unreadable(path: Path, error: Exception) -> Misread:
    if isinstance(error, OSError) and error.strerror:
        return Misread(path, error.strerror)
    return Misread(
        path,
        f"the gzip data is damaged or cut short: {error}",
        hint="Get the file again; was it copied completely?",
    )


@contextmanager
def _opened(path: Path) -> Iterator[_Text]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise Misread(path, error.strerror or str(error)) from error
    with file:
        try:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            plain: io.BufferedIOBase = gzip.GzipFile(fileobj=file) if zipped else file
            buffered = io.BufferedReader(plain, CHUNK) if zipped else file
            start = buffered.peek(2)[:2]
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(path, error) from error
        # PowerShell's `>` writes UTF-16.
        encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        with io.TextIOWrapper(buffered, encoding=encoding, newline="") as text:
            yield _Text(path, text)
