"""The arithmetic of backtests: episodes, and the busiest hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from policies.backtest import HOUR, Closing, Episode, Fold, busiest, busiest_account, compared
from policies.verdict import Outcome
from providers.resource import ResourceRef

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def ref(uid: str = "u", account: str = "1") -> ResourceRef:
    return ResourceRef(provider="p", account=account, region="r", type="t", uid=uid)


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def folded(*seen: tuple[float, Outcome | None]) -> tuple[Episode, ...]:
    fold = Fold("p1", T0)
    for hours, outcome in seen:
        if outcome is None:
            fold.gone("u", at(hours))
        else:
            fold.see(ref(), at(hours), outcome, "wrong")
    return fold.episodes()


def test_a_failure_opens_and_a_pass_closes() -> None:
    first, second = folded(
        (0, Outcome.FAIL),
        (1, Outcome.FAIL),
        (2, Outcome.PASS),
        (3, Outcome.FAIL),
        (4, Outcome.NOT_APPLICABLE),
    )
    assert (first.opened_at, first.closed_at, first.reason, first.at_once) == (
        at(0),
        at(2),
        Closing.PASSED,
        True,
    )
    assert (second.opened_at, second.closed_at, second.reason) == (at(3), at(4), Closing.NOT_APPLICABLE)
    assert not second.at_once


def test_unknown_does_neither() -> None:
    (episode,) = folded((1, Outcome.UNKNOWN), (2, Outcome.FAIL), (3, Outcome.UNKNOWN))
    assert (episode.opened_at, episode.closed_at) == (at(2), None)


def test_what_is_gone_is_closed_and_may_come_again() -> None:
    first, second = folded((1, Outcome.FAIL), (2, None), (3, None), (4, Outcome.FAIL))
    assert (first.closed_at, first.reason) == (at(2), Closing.RESOURCE_DELETED)
    assert second.closed_at is None
    fold = Fold("p1", T0)
    for uid in "abc":
        fold.see(ref(uid), at(1), Outcome.FAIL, "x")
    fold.absent({"a", "b"}, at(2))
    assert [(e.ref.uid, e.closed_at) for e in fold.episodes()] == [("a", None), ("b", None), ("c", at(2))]


@given(st.lists(st.sampled_from([*Outcome, None]), max_size=30))
def test_episodes_never_overlap_and_agree_with_the_last_word(said: list[Outcome | None]) -> None:
    found = folded(*((n + 1, outcome) for n, outcome in enumerate(said)))
    for earlier, later in pairwise(found):
        assert earlier.closed_at is not None
        assert earlier.closed_at <= later.opened_at
    open_now = False
    for outcome in said:
        open_now = outcome is Outcome.FAIL or (open_now and outcome is Outcome.UNKNOWN)
    assert any(e.closed_at is None for e in found) is open_now


@given(st.lists(st.integers(0, 200), max_size=40))
def test_the_busiest_hour_is_the_busiest(minutes: list[int]) -> None:
    times = [T0 + timedelta(minutes=m) for m in minutes]
    assert busiest(times) == max((sum(t <= u < t + HOUR for u in times) for t in times), default=0)


def test_the_busiest_account() -> None:
    acts = [
        Episode(policy="p", ref=ref(str(n), account), message="", opened_at=at(hours))
        for n, (account, hours) in enumerate(
            [("1", 0), ("1", 0.5), ("1", 1.2), ("2", 0), ("2", 0.1), ("2", 0.2)]
        )
    ]
    assert busiest_account(acts) == 3
    assert busiest_account([]) == 0


def test_two_policies_are_compared_by_what_they_found_and_when() -> None:
    both = Episode(policy="p", ref=ref("a"), message="one", opened_at=at(1), closed_at=at(2))
    other_words = Episode(policy="p", ref=ref("a"), message="two", opened_at=at(1), closed_at=at(2))
    new = Episode(policy="p", ref=ref("b"), message="", opened_at=at(0))
    gone = Episode(policy="p", ref=ref("c"), message="", opened_at=at(3))
    assert [(e.ref.uid, where) for e, where in compared([both, new], [other_words, gone])] == [
        ("b", "new"),
        ("a", "both"),
        ("c", "in-force"),
    ]
