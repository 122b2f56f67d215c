"""An anchor: a place outside the database where notes about the ledger are kept, and may be read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from daemon.errors import DaemonError
from storage.notes import Note


class AnchorFailed(DaemonError):
    """A note could not be written down, or the notes could not be read."""


class Anchor(Protocol):
    """One such place. Calls end within about half a minute, whatever happens at the other side."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    @property
    def readable(self) -> bool:
        """Whether notes can be read back from here."""
        ...

    @property
    def remembers(self) -> bool:
        """Whether :meth:`newest` tells what is there; else what was sent must be remembered."""
        ...

    @property
    def most(self) -> int:
        """The most marks one note may have."""
        ...

    def append(self, note: Note) -> None:
        """Write a note down, so that it survives this machine's end as far as the place does. Writing one that is there
        already is no failure. Raises AnchorFailed."""
        ...

    def newest(self, ledger: str) -> Note | None:
        """The note of a ledger that reaches furthest, None where there is none. Raises AnchorFailed."""
        ...

    def lines(self) -> Iterator[str]:
        """What is there, line by line, oldest first: notes, and whatever else stands there. Raises AnchorFailed."""
        ...
