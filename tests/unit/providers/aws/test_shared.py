"""Answers shared by two types: once, for seconds, never one's own, never from before a fresh read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers.aws.shared import MOST, TTL, SharedAnswers


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def counting() -> tuple[Callable[[], int], list[int]]:
    asked: list[int] = []

    def ask() -> int:
        asked.append(len(asked) + 1)
        return asked[-1]

    return ask, asked


def test_the_other_type_has_it_for_nothing_once() -> None:
    ask, asked = counting()
    shared = SharedAnswers(Clock())
    assert shared.get("1", "keys of ann", "user", ask) == 1
    assert shared.get("1", "keys of ann", "key", ask) == 1
    assert shared.get("1", "keys of ann", "key", ask) == 2
    assert len(asked) == 2


def test_nobody_gets_an_answer_of_their_own_or_another_call_s_or_account_s() -> None:
    ask, _ = counting()
    shared = SharedAnswers(Clock())
    assert shared.get("1", "keys of ann", "user", ask) == 1
    assert shared.get("1", "keys of ann", "user", ask) == 2
    assert shared.get("1", "keys of bob", "key", ask) == 3
    assert shared.get("2", "keys of ann", "key", ask) == 4
    assert shared.get("1", "keys of ann", "key", ask) == 2


def test_an_answer_grows_old_and_is_forgotten() -> None:
    ask, _ = counting()
    clock = Clock()
    shared = SharedAnswers(clock)
    shared.get("1", "a", "user", ask)
    clock.now += TTL
    assert shared.get("1", "a", "key", ask) == 2
    shared.get("1", "b", "user", ask)
    shared.forget("2")
    assert shared.get("1", "b", "key", ask) == 3
    shared.get("1", "c", "user", ask)
    shared.forget("1")
    assert shared.get("1", "c", "key", ask) == 5


def test_a_failure_is_shared_with_nobody() -> None:
    def fail() -> int:
        raise ValueError("no")

    ask, _ = counting()
    shared = SharedAnswers(Clock())
    with pytest.raises(ValueError, match="no"):
        shared.get("1", "a", "user", fail)
    assert shared.get("1", "a", "key", ask) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_one_waits_for_the_other(fails: bool) -> None:
    ask, asked = counting()
    shared = SharedAnswers(Clock())
    started, go = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        assert go.wait(10)
        if fails:
            raise ValueError("no")
        return 7

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.get, "1", "a", "user", slow)
        assert started.wait(10)
        second = pool.submit(shared.get, "1", "a", "key", ask)
        go.set()
        assert second.result(10) == (1 if fails else 7)
        assert first.exception(10) is not None if fails else first.result(10) == 7
    assert len(asked) == int(fails)


def test_what_is_forgotten_while_it_is_asked_is_not_kept() -> None:
    ask, _ = counting()
    shared = SharedAnswers(Clock())

    def meanwhile() -> int:
        shared.forget("1")
        return 7

    assert shared.get("1", "a", "user", meanwhile) == 7
    assert shared.get("1", "a", "key", ask) == 1


def test_what_nobody_takes_does_not_pile_up() -> None:
    ask, asked = counting()
    shared = SharedAnswers(Clock())
    for number in range(MOST + 1):
        shared.get("1", number, "user", ask)
    assert shared.get("1", 0, "key", ask) == len(asked)
    assert shared.get("1", MOST, "key", ask) == MOST + 1
