"""What a refusal tells of this machine's clock: how far it is from the cloud's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

ALLOWED: Final = timedelta(minutes=5)
"""What a clock may be off before signatures and tokens are refused for it; a slow answer is no more late than that."""
SET_CLOCK: Final = "Set this machine's clock right."


def compared(ours: datetime, theirs: datetime, whose: str) -> str:
    """How far our clock is off, to the minute: ``this machine's clock is 3:00:00 behind AWS's``. Both times are aware."""
    off = timedelta(minutes=round((ours - theirs) / timedelta(minutes=1)))
    return f"this machine's clock is {abs(off)} {'ahead of' if off > timedelta() else 'behind'} {whose}'s"


def measured(now: datetime, theirs: datetime | None, whose: str) -> str | None:
    """As :func:`compared`; None where the cloud tells no time, or one that our clock agrees with."""
    if theirs is None or abs(now - theirs) <= ALLOWED:
        return None
    return compared(now, theirs, whose)


def date_of(header: str | None) -> datetime | None:
    """The time that an answer's ``Date`` header gives; None for none, or one that cannot be read."""
    try:
        date = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return date if date.tzinfo else None
