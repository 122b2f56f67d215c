"""Schedules: cron as cron means it, no overlap, missed ticks coalesced."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clouds import Schedule
from config.errors import UsageError
from daemon.schedule import Scheduler, cron_trigger, interval

SUNDAY = datetime(2026, 3, 1, tzinfo=UTC)


def fires(expression: str, count: int) -> list[str]:
    trigger, at, out = cron_trigger(expression), SUNDAY, []
    for _ in range(count):
        fire = trigger.get_next_fire_time(None, at)
        assert fire is not None
        out.append(fire.strftime("%a %H:%M"))
        at = fire + timedelta(seconds=1)
    return out


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 6 * * 0", ["Sun 06:00", "Sun 06:00"]),
        ("0 6 * * 7", ["Sun 06:00", "Sun 06:00"]),
        ("30 1 * * 1-5", ["Mon 01:30", "Tue 01:30", "Wed 01:30", "Thu 01:30", "Fri 01:30", "Mon 01:30"]),
        ("0 0 * * mon,fri", ["Mon 00:00", "Fri 00:00"]),
        ("0 0 * * */2", ["Sun 00:00", "Tue 00:00", "Thu 00:00", "Sat 00:00"]),
        ("0 0 * * 5-7", ["Sun 00:00", "Fri 00:00", "Sat 00:00"]),
        ("0 */6 * * *", ["Sun 00:00", "Sun 06:00", "Sun 12:00"]),
    ],
)
def test_cron_counts_weekdays_as_cron_does(expression: str, expected: list[str]) -> None:
    assert fires(expression, len(expected)) == expected


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "61 * * * *", "* * * * 8", "* * * * 5-1", "* * * * 1/0", "a b c d e"]
)
def test_a_bad_cron_expression_is_told(expression: str) -> None:
    with pytest.raises(UsageError, match="cron expression"):
        cron_trigger(expression)


@given(st.text(alphabet="0123456789*/-, abcsunmon", max_size=24))
def test_no_cron_text_crashes(text: str) -> None:
    try:
        cron_trigger(text)
    except UsageError as error:
        assert "cron expression" in str(error)


def test_interval_is_the_longest_gap() -> None:
    assert interval(Schedule(every=timedelta(minutes=5)), SUNDAY) == timedelta(minutes=5)
    assert interval(Schedule(cron="0 0 * * 1-5"), SUNDAY) == timedelta(days=3)


def test_first_fire_is_at_once_and_cycles_do_not_overlap() -> None:
    running, release, overlap = threading.Semaphore(0), threading.Event(), threading.Event()
    inside: list[str] = []

    def cycle(provider: str) -> None:
        if inside:
            overlap.set()
        inside.append(provider)
        running.release()
        release.wait(20)
        inside.pop()

    scheduler = Scheduler(cycle)
    scheduler.start()
    try:
        now = datetime.now(UTC)
        scheduler.apply({"aws": Schedule(every=timedelta(seconds=1))}, now)
        assert running.acquire(timeout=20), "the first cycle starts at once"
        # Due again while it runs: that tick must wait, not run beside it.
        scheduler.fire_now("aws", datetime.now(UTC))
        assert not running.acquire(timeout=0.3)
        release.set()
        assert running.acquire(timeout=20), "the missed tick runs afterwards"
        assert not overlap.is_set()
    finally:
        release.set()
        scheduler.stop(wait=True)


def test_apply_keeps_the_beat_of_what_did_not_change_and_drops_what_is_gone() -> None:
    fired: list[str] = []
    scheduler = Scheduler(fired.append)
    scheduler.start()
    try:
        hourly = Schedule(every=timedelta(hours=1))
        later = datetime.now(UTC) + timedelta(days=1)
        scheduler.apply({"aws": hourly, "gcp": hourly}, later)
        scheduler.apply({"aws": hourly}, later + timedelta(hours=5))
        assert scheduler.next_fire("aws") == later
        assert scheduler.next_fire("gcp") is None
        scheduler.apply({"aws": Schedule(every=timedelta(hours=2))}, later + timedelta(hours=7))
        assert scheduler.next_fire("aws") == later + timedelta(hours=7)
    finally:
        scheduler.stop(wait=True)
    assert fired == []
