"""Times as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.times import OPEN, ended, from_us, to_us


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_microsecond_survives(value: datetime) -> None:
    assert from_us(to_us(value)) == value
    assert to_us(value) < OPEN


def test_zones_are_brought_to_utc_and_naive_times_refused() -> None:
    value = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert from_us(to_us(value)) == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001 - what is tested


def test_what_has_not_ended_has_no_end() -> None:
    assert ended(OPEN) is None
    assert ended(None) is None
    assert ended(0) == datetime(1970, 1, 1, tzinfo=UTC)
