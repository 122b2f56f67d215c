"""How results are written: for people (a table on a terminal, aligned text in a pipe) or for programs (json, ndjson, csv).

Lists stream: a million rows never stand in memory at once. Results go to standard output, everything said *about* them
(notes, warnings, progress) to standard error, so a pipe carries data only.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from itertools import chain, islice
from pathlib import PurePath
from typing import IO, Any, cast

import orjson

from config.errors import UsageError, WatchstanderError

_BATCH = 500
"""Rows that are measured together for their column widths."""
_ORJSON = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class ReaderGone(WatchstanderError):
    """Nobody reads the output any more (``| head``)."""


class Format(StrEnum):
    """What the result is written as."""

    HUMAN = "human"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a list, for people and csv. json and ndjson carry whole rows."""

    key: str
    """The row's key; also the csv header."""
    title: str = ""
    """The header people see; made from the key where not given."""
    right: bool = False
    """Whether to align right (numbers)."""
    render: Callable[[Any], str] | None = None
    """How people see the value; ``text`` otherwise."""
    style: Callable[[Any], str] | None = None
    """Value -> rich style (``red``), on a terminal."""

    @property
    def header(self) -> str:
        """What stands above the column."""
        return self.title or self.key.replace("_", " ").upper()

    def show(self, row: Mapping[str, Any]) -> str:
        """The cell of a row, on one line and without control characters."""
        value = row.get(self.key)
        return printable(self.render(value) if self.render else text(value))


def text(value: Any) -> str:
    """Any value as people read it: nothing for None, RFC 3339 for times, ``1h30m`` for durations."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(timespec="seconds").replace("+00:00", "Z")
        case timedelta():
            from config.fields import format_duration

            return format_duration(value)
        case Enum():
            return text(value.value)
        case Mapping():
            return dumps(value)
        case list() | tuple() | set() | frozenset():
            return ", ".join(text(item) for item in value)
        case _:
            return str(value)


def printable(line: str) -> str:
    """One line that cannot drive the terminal: names in a cloud are written by strangers."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else " " if c in "\n\t" else f"\\x{ord(c):02x}" for c in line)


def _plain(value: Any) -> Any:
    """What orjson does not know, as what it knows."""
    match value:
        case timedelta():
            from config.fields import format_duration

            return format_duration(value)
        case set() | frozenset():
            return sorted(value, key=str)
        case PurePath():
            return str(value)
        case Mapping():
            return dict(value)
    return str(value)


def dumps(value: Any, *, indent: bool = False) -> str:
    """A value as JSON. Integers beyond 64 bits and lone surrogates (which orjson refuses) are written too."""
    option = _ORJSON | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        return orjson.dumps(value, default=_plain, option=option).decode()
    except TypeError:
        return json.dumps(value, default=_plain, indent=2 if indent else None)


@dataclass
class Output:
    """Where and how results are written. The streams are looked up late, so they can be redirected."""

    format: Format = Format.HUMAN
    quiet: bool = False
    no_color: bool = False
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

    @property
    def _out(self) -> _Pipe:
        return _Pipe(self.stdout or sys.stdout)

    @property
    def _err(self) -> IO[str]:
        return self.stderr or sys.stderr

    @property
    def human(self) -> bool:
        """Whether a person reads the result."""
        return self.format is Format.HUMAN

    @property
    def terminal(self) -> bool:
        """Whether results go to a terminal."""
        return self._out.isatty()

    def flush(self) -> None:
        """Hand over what is buffered. Raises ReaderGone."""
        self._out.flush()

    def line(self, line: str = "") -> None:
        """A sentence that belongs to the result; people only (programs get the document)."""
        if self.human:
            self._out.write(line + "\n")

    def raw(self, content: str) -> None:
        """A result that is text itself, whatever the format: a report, a file to apply."""
        self._out.write(content if content.endswith("\n") else content + "\n")

    def piece(self, content: str) -> None:
        """A piece of a result that is text itself, exactly as it is."""
        self._out.write(content)

    def note(self, line: str) -> None:
        """Something worth knowing about the result, on standard error; ``--quiet`` drops it."""
        if not self.quiet:
            self._err.write(line + "\n")

    def warn(self, line: str) -> None:
        """Something that must be known, on standard error, ``--quiet`` or not."""
        self._err.write(f"Warning: {line}\n")

    def document(self, value: Any, human: str | Callable[[], str] | None = None) -> None:
        """One result: ``human`` for people (indented JSON where not given), the value for programs.

        Raises UsageError for csv, which has no documents.
        """
        match self.format:
            case Format.CSV:
                raise UsageError("This result is one document, not a list.", hint="Use --format json.")
            case Format.NDJSON:
                self.raw(dumps(value))
            case Format.JSON:
                self.raw(dumps(value, indent=True))
            case Format.HUMAN:
                content = human() if callable(human) else human
                self.raw(dumps(value, indent=True) if content is None else content)

    def items(
        self, rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, empty: str = "Nothing found."
    ) -> int:
        """A list: a table, one JSON array, a JSON object a line, or csv. Returns how many rows there were."""
        counted = _Counter(rows)
        match self.format:
            case Format.NDJSON:
                for row in counted:
                    self._out.write(dumps(row) + "\n")
            case Format.JSON:
                self._out.write("[")
                for row in counted:
                    self._out.write(("\n  " if counted.count == 1 else ",\n  ") + dumps(row))
                self._out.write("\n]\n" if counted.count else "]\n")
            case Format.CSV:
                writer = csv.writer(self._out, lineterminator="\n")
                writer.writerow([column.key for column in columns])
                writer.writerows([_csv_cell(row.get(c.key)) for c in columns] for row in counted)
            case Format.HUMAN:
                self._table(iter(counted), columns)
                if not counted.count:
                    self.note(empty)
        return counted.count

    def _table(self, rows: Iterator[Mapping[str, Any]], columns: Sequence[Column]) -> None:
        if self.terminal:
            for batch in iter(lambda: list(islice(rows, _BATCH)), []):
                self._rich_table(batch, columns)
            return
        first = [[c.show(row) for c in columns] for row in islice(rows, _BATCH)]
        if not first:
            return
        widths = [max(len(c.header), *(len(cells[at]) for cells in first)) for at, c in enumerate(columns)]
        for cells in chain(
            [[c.header for c in columns]], first, ([c.show(row) for c in columns] for row in rows)
        ):
            padded = (
                cell.rjust(width) if column.right else cell.ljust(width)
                for cell, width, column in zip(cells, widths, columns, strict=True)
            )
            self._out.write("  ".join(padded).rstrip() + "\n")

    def _rich_table(self, batch: list[Mapping[str, Any]], columns: Sequence[Column]) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.header, justify="right" if column.right else "left", overflow="fold")
        for row in batch:
            table.add_row(
                *(Text(c.show(row), style=c.style(row.get(c.key)) if c.style else "") for c in columns)
            )
        Console(file=cast("IO[str]", self._out), no_color=self.no_color or None, highlight=False).print(table)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Step]:
        """A progress bar on standard error for work over a second: ``with out.progress("Reading", 40) as step: step()``.

        On a terminal a bar; elsewhere a line at the start and at the end; nothing where ``--quiet``.
        """
        if self.quiet or not self._err.isatty():
            step = Step(total)
            self.note(f"{what} …")
            yield step
            self.note(f"{what}: {step.done}{'' if total is None else f' of {total}'} done.")
            return
        from rich.console import Console
        from rich.progress import Progress

        console = Console(file=self._err, no_color=self.no_color or None)
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield Step(
                total, lambda done, note: bar.update(task, completed=done, description=f"{what} {note}")
            )


class _Pipe:
    """Standard output, told apart from every other pipe that may break."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, content: str) -> int:
        try:
            return self._stream.write(content)
        except BrokenPipeError as error:
            raise ReaderGone from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class Step:
    """Counts work done; call it once per unit, with a short note of what it was."""

    def __init__(self, total: int | None, show: Callable[[int, str], None] | None = None) -> None:
        self.total = total
        self.done = 0
        self._show = show

    def __call__(self, note: str = "", count: int = 1) -> None:
        self.done += count
        if self._show:
            self._show(self.done, printable(note))


class _Counter:
    """An iterable that knows how many it gave."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


def _csv_cell(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ";".join(value)
    return dumps(value) if isinstance(value, list | tuple | set | frozenset | Mapping) else text(value)
