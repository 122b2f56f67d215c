"""Times and durations as people type them: ``2024-05-01T12:00:00Z``, ``2024-05-01``, ``2h``, ``3d``, ``yesterday``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from config.errors import UsageError
from config.fields import parse_duration

_HINT = "Write RFC 3339 (2024-05-01T12:00:00Z), a date (2024-05-01), 2h, 3d, now, today or yesterday."


def parse_time(text: str, now: datetime, *, future: bool = False) -> datetime:
    """A point in time, in UTC, as a pure function of ``now``.

    ``2h`` is two hours *ago*, or two hours ahead where ``future`` (for an end: ``--until 30d``). A date and ``today``,
    ``yesterday``, ``tomorrow`` are midnight UTC. A time without an offset is UTC. Raises UsageError.
    """
    if now.tzinfo is None:
        raise ValueError("`now` must be aware of its time zone")
    now = now.astimezone(UTC)
    word = text.strip().lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": 0, "yesterday": -1, "tomorrow": 1}
    try:
        if word == "now":
            return now
        if word in days:
            return midnight + timedelta(days=days[word])
        if word[:1].isdigit() and word[-1:].isalpha() and word[-1] != "z" and "-" not in word:
            distance = parse_duration(word)
            return now + distance if future else now - distance
        parsed = datetime.fromisoformat(text.strip().upper() if "T" in text.upper() else text.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is not a time.", hint=_HINT) from error


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC: ``2024-05-01T12:00:00Z``; fractions of a second only where there are any."""
    if time.tzinfo is None:
        raise ValueError("a time without its zone is not a time")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
