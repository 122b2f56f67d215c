"""Scopes read side by side: none holds up, none is lost, memory bounded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon import reading
from daemon.reading import BATCH, Limits, Readings
from providers.resource import Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope


def pass_on(_begun: object, batch: list[Resource]) -> list[Resource]:
    return batch


Source = Callable[[Scope], Iterator[Resource | Coverage]]


def scope(account: str, kind: str = "t") -> Scope:
    return Scope("x", account, "r", kind)


def resource(scope: Scope, number: int) -> Resource:
    ref = ResourceRef(
        provider="x", account=scope.account, region="r", type=scope.type, uid=f"{scope}/{number}"
    )
    return Resource(ref=ref, name=str(number), document={})


def done(scope: Scope, read: int = 0) -> Coverage:
    return Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read)


class Cloud:
    """Reads a scope as the test says."""

    name = "x"

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, scope: Scope) -> Reading:
        return Reading(scope, self._source(scope))


def run(
    source: Source,
    scopes: list[Scope],
    *,
    concurrency: int = 4,
    stop: threading.Event | None = None,
) -> tuple[Counter[Scope], dict[Scope, Coverage]]:
    cloud: Any = Cloud(source)
    limits = Limits(concurrency=concurrency, scope_deadline=timedelta(minutes=1))
    seen: Counter[Scope] = Counter()
    ends: dict[Scope, Coverage] = {}
    for where, begun, piece in Readings(cloud, scopes, limits, stop or threading.Event(), str, pass_on):
        assert begun in (str(where), None)
        assert where not in ends, "nothing may follow a coverage"
        if isinstance(piece, Coverage):
            ends[where] = piece
        else:
            assert len(piece) <= BATCH
            seen[where] += len(piece)
    return seen, ends


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * BATCH + 1), max_size=8), st.integers(1, 5))
def test_everything_read_comes_out_once(sizes: list[int], concurrency: int) -> None:
    scopes = {scope("a", f"t{n}"): size for n, size in enumerate(sizes)}

    def source(where: Scope) -> Iterator[Resource | Coverage]:
        for number in range(scopes[where]):
            yield resource(where, number)
        yield done(where, scopes[where])

    seen, ends = run(source, list(scopes), concurrency=concurrency)
    assert {where: seen[where] for where in scopes} == scopes
    assert ends.keys() == scopes.keys()


def test_a_hanging_account_does_not_hold_up_the_others() -> None:
    release = threading.Event()

    def source(where: Scope) -> Iterator[Resource | Coverage]:
        if where.account == "bad":
            release.wait(30)
        yield done(where)

    scopes = [scope("bad", f"t{n}") for n in range(10)] + [scope("good", f"t{n}") for n in range(10)]
    cloud: Any = Cloud(source)
    ended = []
    for where, _, piece in Readings(
        cloud,
        scopes,
        Limits(concurrency=4, scope_deadline=timedelta(minutes=5)),
        threading.Event(),
        str,
        pass_on,
    ):
        assert isinstance(piece, Coverage)
        ended.append(where.account)
        if ended.count("good") == 10:
            release.set()
    assert ended[:10] == ["good"] * 10
    assert ended.count("bad") == 10


def test_those_read_at_once_are_of_as_many_accounts_as_there_are() -> None:
    together = threading.Barrier(5)
    read: list[str] = []

    def source(where: Scope) -> Iterator[Resource | Coverage]:
        together.wait(30)
        read.append(where.account)
        together.wait(30)  # None takes its next scope before all have ended this one.
        yield done(where)

    scopes = [scope(account, f"t{n}") for account in "abcde" for n in range(3)]
    run(source, scopes, concurrency=5)
    assert [set(read[start : start + 5]) for start in (0, 5, 10)] == [set("abcde")] * 3


def test_a_reading_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    now = [0.0]
    monkeypatch.setattr(reading, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def source(where: Scope) -> Iterator[Resource | Coverage]:
        if where.account == "bad":
            yield resource(where, 1)
            now[0] += 61 + reading.GRACE.total_seconds()
            release.wait(60)
        yield done(where)

    scopes = [scope("bad", "a"), scope("bad", "b"), scope("good", "a"), scope("good", "b")]
    try:
        _, ends = run(source, scopes, concurrency=1)
    finally:
        release.set()
    assert {str(c.status) for where, c in ends.items() if where.account == "bad"} == {"timed-out"}
    assert all(c.complete for where, c in ends.items() if where.account == "good")
    assert len(ends) == 4


def test_a_defect_costs_its_scope_only() -> None:
    def source(where: Scope) -> Iterator[Resource | Coverage]:
        yield resource(where, 1)
        if where.account == "bad":
            raise KeyError("surprise")
        yield done(where, 1)

    seen, ends = run(source, [scope("bad"), scope("good")])
    assert ends[scope("bad")].status is CoverageStatus.UNAVAILABLE
    assert "defect in Watchstander: KeyError" in (ends[scope("bad")].cause or "")
    assert ends[scope("good")].complete
    assert seen[scope("good")] == 1


def test_a_source_without_an_end_is_not_complete() -> None:
    def source(where: Scope) -> Iterator[Resource | Coverage]:
        yield resource(where, 1)

    _, ends = run(source, [scope("a")])
    assert ends[scope("a")].status is CoverageStatus.UNAVAILABLE


def test_a_stop_ends_early_and_claims_nothing() -> None:
    stop = threading.Event()

    def source(where: Scope) -> Iterator[Resource | Coverage]:
        for number in range(10_000_000):
            if number == BATCH:
                stop.set()
            yield resource(where, number)

    _, ends = run(source, [scope("a"), scope("b")], concurrency=1, stop=stop)
    assert [c.status for c in ends.values()] == [CoverageStatus.PARTIAL, CoverageStatus.UNAVAILABLE]


def test_an_abandoned_iteration_lets_its_workers_go() -> None:
    cloud: Any = Cloud(lambda where: iter([resource(where, n) for n in range(50 * BATCH)] + [done(where)]))
    before = {thread.ident for thread in threading.enumerate()}
    for _ in Readings(
        cloud,
        [scope("a"), scope("b")],
        Limits(concurrency=2, scope_deadline=timedelta(minutes=1)),
        threading.Event(),
        str,
        pass_on,
    ):
        break
    for thread in threading.enumerate():
        if thread.ident not in before:
            thread.join(10)
            assert not thread.is_alive()


def test_what_cannot_begin_ends_the_iteration() -> None:
    """Results that cannot be stored stop the cycle; reading on would be blind."""

    def begin(where: Scope) -> None:
        raise OSError("the disk is full")

    cloud: Any = Cloud(lambda where: iter([done(where)]))
    limits = Limits(concurrency=2, scope_deadline=timedelta(minutes=1))
    with pytest.raises(OSError, match="disk is full"):
        list(Readings(cloud, [scope("a"), scope("b")], limits, threading.Event(), begin, pass_on))
