"""Times as the store keeps them: int64 microseconds since 1970 UTC, and ``OPEN`` for what has not ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from providers.resource import aware

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

OPEN: Final = 2**62
"""The end of what has not ended: later than any time, so that "open at T" is one comparison."""


def to_us(value: datetime) -> int:
    """Microseconds since 1970. Raises ValueError for a naive datetime."""
    return (aware(value, "a stored time") - EPOCH) // _MICROSECOND


@lru_cache(maxsize=4_096)  # A thousand resources of one reading have one time between them.
def from_us(value: int) -> datetime:
    """The aware UTC datetime of ``value`` microseconds."""
    return EPOCH + value * _MICROSECOND


def ended(value: int | None) -> datetime | None:
    """As :func:`from_us`, None for what has not ended."""
    return None if value is None or value >= OPEN else from_us(value)
