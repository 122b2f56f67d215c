"""Notes in a file: a line each, appended and flushed to the disk before anything else happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from config.ledger import FileAnchor
from daemon.anchors.anchor import AnchorFailed
from storage.notes import Note, notes_in

_TAIL = 256 * 1024
"""How much of the end is read for the newest note; a line has at most about 17 kB."""


class File:
    """Notes in a file."""

    readable = True
    remembers = True
    most = 1_000

    def __init__(self, settings: FileAnchor) -> None:
        self.path = settings.path

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    def append(self, note: Note) -> None:
        """Append a line. The folder must be there: a mount that is away must not be written under."""
        data = (note.line() + "\n").encode()
        with self._told("written"):
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                # A line that a full disk cut short must not swallow this one.
                if self._torn():
                    data = b"\n" + data
                written = os.write(handle, data)
                os.fsync(handle)
            finally:
                os.close(handle)
        if written != len(data):
            raise AnchorFailed(f"{self.path}: the note was cut short.", hint="Make room there.")

    def newest(self, ledger: str) -> Note | None:
        """The furthest note near the end of the file, or in all of it."""
        try:
            with self._told("read"), self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                tail = file.read().decode("utf-8", "replace").splitlines()
        except _NotThere:
            return None
        found = _furthest(tail, ledger)
        return found if found is not None or size <= _TAIL else _furthest(self.lines(), ledger)

    def lines(self) -> Iterator[str]:
        """The file's lines."""
        try:
            with self._told("read"), self.path.open(encoding="utf-8", errors="replace") as file:
                yield from file
        except _NotThere:
            return

    def _torn(self) -> bool:
        try:
            with self.path.open("rb") as file:
                if file.seek(0, os.SEEK_END) == 0:
                    return False
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except PermissionError:  # we may only append: then a torn line is told by its own spoilt note
            return False

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and done == "read" and self.path.parent.is_dir():
                raise _NotThere from error
            raise AnchorFailed(
                f"{self.path} cannot be {done}: {error.strerror or error}.",
                hint="Check that the storage is mounted and that the daemon's user may append to the file.",
            ) from error


class _NotThere(Exception):
    """There is no file yet."""


def _furthest(lines: Iterator[str] | list[str], ledger: str) -> Note | None:
    return max((n for n in notes_in(lines) if n.ledger == ledger), key=lambda n: n.seq, default=None)
