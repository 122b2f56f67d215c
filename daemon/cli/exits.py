"""How the command line says how it went, to scripts that never read a word of it."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a verb returns; ``None`` is OK. Numbers are a promise (the command line reference lists them)."""

    OK = 0
    """Done, and everything is clean."""
    REFUSED = 1
    """A policy failed, a gate refused or a test failed."""
    USAGE = 2
    """Wrong usage or configuration."""
    INCOMPLETE = 3
    """Something could not be read, so the answer is incomplete."""
    FAILED = 4
    """The work could not be done."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it (128 + SIGINT)."""
    BROKEN_PIPE = 141
    """The reader of our output went away (128 + SIGPIPE), as with every other Unix tool in front of ``head``."""


_GRAVEST_FIRST = (ExitStatus.USAGE, ExitStatus.FAILED, ExitStatus.INCOMPLETE, ExitStatus.REFUSED)


def gravest(*statuses: ExitStatus) -> ExitStatus:
    """The one status for several outcomes at once: failed before incomplete before refused."""
    for status in _GRAVEST_FIRST:
        if status in statuses:
            return status
    return ExitStatus.OK
