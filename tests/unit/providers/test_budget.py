"""Call budgets: a token bucket that follows what the cloud bears. Time is a number that the tests move."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clouds import Budget
from providers.budget import FLOOR, CallBudget, CallBudgets
from providers.errors import TimedOut


class Time:
    """A clock and a sleep that move it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def budget(time: Time, rate: float = 10.0, burst: int = 5) -> CallBudget:
    return CallBudget(rate, burst, clock=time.clock, sleep=time.sleep)


def test_a_burst_is_free_and_then_the_rate_holds() -> None:
    time = Time()
    calls = budget(time)
    assert [calls.acquire() for _ in range(5)] == [0.0] * 5
    start = time.now
    for _ in range(20):
        calls.acquire()
    assert time.now - start == pytest.approx(2.0)


def test_a_pause_saves_up_no_more_than_a_burst() -> None:
    time = Time()
    calls = budget(time)
    for _ in range(5):
        calls.acquire()
    time.now += 3600
    assert sum(calls.acquire() == 0 for _ in range(6)) == 5


def test_throttling_halves_the_rate_and_success_raises_it_slowly() -> None:
    time = Time()
    calls = budget(time)
    calls.throttled()
    assert calls.rate == pytest.approx(5.0)
    assert calls.acquire() > 0, "nothing saved up goes out after a refusal"
    time.now += 2
    slow = calls.rate
    assert 5.0 < slow < 10.0
    time.now += 60
    assert calls.rate == pytest.approx(10.0)


def test_a_volley_of_refusals_is_one_refusal() -> None:
    time = Time()
    calls = budget(time)
    for _ in range(16):
        calls.throttled()
    assert calls.rate == pytest.approx(5.0)


def test_the_rate_has_a_floor() -> None:
    time = Time()
    calls = budget(time)
    for _ in range(50):
        calls.throttled()
        time.now += 1.0
    assert calls.rate >= 10.0 * FLOOR


def test_a_token_after_the_deadline_is_refused_without_waiting() -> None:
    time = Time()
    calls = budget(time, rate=1.0, burst=1)
    calls.acquire()
    before = time.now
    with pytest.raises(TimedOut):
        calls.acquire(deadline=time.now + 0.5)
    assert time.now == before
    assert calls.acquire(deadline=time.now + 2) == pytest.approx(1.0)


@given(st.lists(st.sampled_from(["call", "refused", "pause"]), max_size=200))
def test_never_more_calls_than_allowed(story: list[str]) -> None:
    time = Time()
    calls = budget(time, rate=10.0, burst=5)
    start, made = time.now, 0
    for step in story:
        if step == "call":
            calls.acquire()
            made += 1
        elif step == "refused":
            calls.throttled()
        else:
            time.now += 0.3
        assert made <= 5 + 10.0 * (time.now - start) + 1e-6


def test_threads_share_one_budget() -> None:
    time = Time()
    waits: list[float] = []
    calls = CallBudget(10.0, 5, clock=time.clock, sleep=waits.append)
    threads = [threading.Thread(target=calls.acquire) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 20
    assert max(waits) == pytest.approx(2.0)
    assert len({round(wait, 6) for wait in waits}) == 20, "each waits for its own token"


def test_each_account_and_service_has_its_own() -> None:
    budgets = CallBudgets(Budget(calls_per_second=7, burst=3, call_timeout=timedelta(seconds=1)))
    one = budgets.of("1", "ec2")
    assert budgets.of("1", "ec2") is one
    assert budgets.of("2", "ec2") is not one
    one.throttled()
    assert budgets.rates()["1", "ec2"] < 7
    assert budgets.rates()["2", "ec2"] == 7
