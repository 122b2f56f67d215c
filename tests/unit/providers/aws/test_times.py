"""Timestamps mean what botocore takes them for."""

from __future__ import annotations

from datetime import UTC, datetime

import botocore.utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.aws.times import parse_timestamp


@given(moment=st.datetimes(min_value=datetime(1971, 1, 1)), digits=st.integers(0, 6))  # noqa: DTZ001
def test_the_plain_form(moment: datetime, digits: int) -> None:
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z".rjust(len("2026-01-01T00:00:00Z") + len(fraction), "0")
    assert parse_timestamp(text) == botocore.utils.parse_timestamp(text)
    assert parse_timestamp(text).utcoffset() == UTC.utcoffset(None)


@given(value=st.integers(0, 2**33) | st.floats(0, 2**33))
def test_seconds_since_the_epoch(value: float) -> None:
    assert parse_timestamp(value) == botocore.utils.parse_timestamp(value)


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 23 Jan 2000 01:23:45 GMT",
        "2026-01-01T00:00:00+02:00",
        "2026-01-01",
        "20260101T000000Z",
        "1771000000",
        "2026-01-01T00:00:00.123456789Z",
        -1,
    ],
)
def test_every_other_form_is_botocores_to_read(value: str | int) -> None:
    assert parse_timestamp(value) == botocore.utils.parse_timestamp(value)


@pytest.mark.parametrize("value", ["2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "soon"])
def test_what_is_no_time_is_an_error(value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_timestamp(value)
