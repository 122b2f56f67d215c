"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UsageError
from daemon.cli.times import format_time, parse_time

NOW = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("2h", NOW - timedelta(hours=2)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("3d", NOW - timedelta(days=3)),
        ("today", datetime(2024, 5, 1, tzinfo=UTC)),
        ("Yesterday", datetime(2024, 4, 30, tzinfo=UTC)),
        ("tomorrow", datetime(2024, 5, 2, tzinfo=UTC)),
        ("2024-04-01", datetime(2024, 4, 1, tzinfo=UTC)),
        ("2024-04-01T10:00:00Z", datetime(2024, 4, 1, 10, tzinfo=UTC)),
        ("2024-04-01t10:00:00z", datetime(2024, 4, 1, 10, tzinfo=UTC)),
        ("2024-04-01T10:00:00+02:00", datetime(2024, 4, 1, 8, tzinfo=UTC)),
        ("2024-04-01 10:00", datetime(2024, 4, 1, 10, tzinfo=UTC)),
        ("2024-04-01T10:00:00.25Z", datetime(2024, 4, 1, 10, microsecond=250000, tzinfo=UTC)),
    ],
)
def test_what_people_type(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected
    assert parse_time(text, NOW).tzinfo is UTC


def test_an_end_lies_ahead() -> None:
    assert parse_time("30d", NOW, future=True) == NOW + timedelta(days=30)


@pytest.mark.parametrize(
    "text", ["", "soon", "2024-13-01", "5 parsecs", "-2h", "99999999w", "2024-05-01T25:00Z", "²h"]
)
def test_what_is_no_time_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_time(text, NOW)
    assert caught.value.hint is not None
    assert "2h" in caught.value.hint


@given(st.text(max_size=40))
def test_no_text_is_a_traceback(text: str) -> None:
    try:
        parsed = parse_time(text, NOW)
    except UsageError:
        return
    assert parsed.tzinfo is UTC


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7, minutes=-30))])))
def test_a_written_time_reads_back(time: datetime) -> None:
    try:
        utc = time.astimezone(UTC)
    except OverflowError:
        return
    assert parse_time(format_time(time), NOW) == utc
    assert format_time(time).endswith("Z")
