"""How the command line says how it went, to scripts that never read a word of it."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a verb returns; ``None`` is OK. Numbers are a promise (the command line reference lists them)."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    INCOMPLETE = 3
    FAILED = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANING = {
    ExitStatus.OK: "Done, and everything is clean.",
    ExitStatus.REFUSED: "A policy failed, a gate refused or a test failed.",
    ExitStatus.USAGE: "Wrong usage or configuration; the message has the file and the line.",
    ExitStatus.INCOMPLETE: "Something could not be read, so the answer is incomplete.",
    ExitStatus.FAILED: "The work could not be done.",
    ExitStatus.INTERRUPTED: "Interrupted with Ctrl-C (128 + SIGINT, as shells count it).",
    ExitStatus.BROKEN_PIPE: "The reader of the output went away (128 + SIGPIPE), as in front of `head`.",
}

_GRAVEST_FIRST = (ExitStatus.USAGE, ExitStatus.FAILED, ExitStatus.INCOMPLETE, ExitStatus.REFUSED)


def gravest(*statuses: ExitStatus) -> ExitStatus:
    """The one status for several outcomes at once: failed before incomplete before refused."""
    for status in _GRAVEST_FIRST:
        if status in statuses:
            return status
    return ExitStatus.OK
