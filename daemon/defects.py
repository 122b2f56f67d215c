"""The edge where what nobody foresaw gets a name.

A daemon must not die silently, nor must a thread of it: where work is handed over that may hold a defect of ours (a cycle, a
message, a hook), it is called through :func:`sound`. A defect then is a failure like any other: told with its traceback,
counted, filed, survived. Nothing else in the house catches what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from config.errors import WatchstanderError
from daemon.errors import DaemonError

T = TypeVar("T")

log = structlog.get_logger("watchstander.defects")


class Defect(DaemonError):
    """Something raised what nobody foresaw."""


def sound(what: str, function: Callable[[], T], *, passing: tuple[type[Exception], ...] = ()) -> T:
    """Call ``function``. Errors we know, and those in ``passing``, pass; anything else is logged with its traceback as a
    defect in ``what``, and raised as :class:`Defect`."""
    known: tuple[type[Exception], ...] = (WatchstanderError, *passing)
    try:
        return function()
    except known:
        raise
    except Exception as error:
        log.exception(f"A defect of ours ended {what}.", key="defect")
        raise Defect(f"a defect in Watchstander: {type(error).__name__}: {error}") from error
