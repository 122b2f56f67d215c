"""Small subscriptions are listed together, and each is still judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.azure import batches
from providers.azure.batches import MOST_ROWS, MOST_SUBSCRIPTIONS, Batches, packed
from providers.azure.names import above, parse, ref_of
from providers.azure.provider import AzureProvider
from providers.errors import Denied, Throttled, Unavailable
from providers.provider import Selection
from providers.resource import ANY, Coverage, CoverageStatus, Resource, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import PRODUCTION
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]
MANY = [f"c{n:07}-0000-4000-8000-000000000000" for n in range(20)]


def scope(account: str) -> Scope:
    return Scope("azure", account, ANY, ANY)


def read(provider: AzureProvider, of: Scope) -> tuple[list[Resource], Coverage]:
    reading = provider.read(of)
    return list(reading), reading.coverage


def queries(emulator: AzureEmulator) -> int:
    return sum("resourcegraph" in path.lower() for _, path in emulator.calls)


@pytest.fixture
def many(emulator: AzureEmulator) -> list[Scope]:
    """Twenty subscriptions with one group each, beside the two there are."""
    for number, account in enumerate(MANY):
        emulator.store.add_subscription(account, f"team {number}")
        emulator.store.put(f"/subscriptions/{account}/resourceGroups/rg-{number}", {"location": "westeurope"})
    return [scope(account) for account in MANY]


def test_together_they_read_as_they_do_alone(make: Make, emulator: AzureEmulator, many: list[Scope]) -> None:
    alone = [read(make(), one) for one in (*many[:2], scope(PRODUCTION))]
    together = make()
    found = together.discover(Selection())
    emulator.calls.clear()
    assert [read(together, one) for one in (*many[:2], scope(PRODUCTION))] == alone
    assert queries(emulator) == 5  # one a table, for all 22
    for one in found.scopes:
        if one.type == ANY:
            assert read(together, one)[1].complete
    assert queries(emulator) == 5 + 3 * 5  # the three above have been given theirs and are read anew


def test_from_many_threads_the_batch_is_asked_once(
    make: Make, emulator: AzureEmulator, many: list[Scope]
) -> None:
    provider = make()
    provider.discover(Selection())
    emulator.calls.clear()
    with ThreadPoolExecutor(8) as pool:
        readings = list(pool.map(lambda one: read(provider, one), many))
    assert [(c.status, c.read) for _, c in readings] == [(CoverageStatus.COMPLETE, 2)] * 20
    assert {r.ref.account for resources, _ in readings for r in resources} == set(MANY)
    assert queries(emulator) == 5


def test_one_that_fails_is_told_and_the_others_are_complete(
    make: Make, emulator: AzureEmulator, many: list[Scope]
) -> None:
    provider = make()
    provider.discover(Selection())
    emulator.faults.add(Fault(kind=FaultKind.DENIED, account=MANY[7], service="resourcegraph"))
    ended = {one.account: read(provider, one)[1].status for one in many}
    assert [a for a, status in ended.items() if status is not CoverageStatus.COMPLETE] == [MANY[7]]
    assert ended[MANY[7]] is CoverageStatus.DENIED


def test_one_that_is_hidden_from_us_is_not_empty(
    make: Make, emulator: AzureEmulator, many: list[Scope]
) -> None:
    """Resource Graph leaves out what it may not show, and says nothing."""
    provider = make()
    provider.discover(Selection())
    emulator.api.narrow(MANY[3], "rg-none")
    resources, coverage = read(provider, many[3])
    assert (resources, coverage.status) == ([], CoverageStatus.DENIED)
    assert read(provider, many[4])[1].complete


def test_throttled_together_is_throttled_alone(
    make: Make, emulator: AzureEmulator, many: list[Scope]
) -> None:
    provider = make()
    provider.discover(Selection())
    emulator.api.graph.quota.enforced = True
    emulator.api.graph.quota.limit = 0
    emulator.calls.clear()
    assert {read(provider, one)[1].status for one in many} == {CoverageStatus.THROTTLED}
    assert queries(emulator) == 4  # one, and its three retries: not one for each


def test_what_we_read_or_changed_ourselves_is_not_overtaken_by_an_older_answer(
    make: Make, emulator: AzureEmulator, many: list[Scope]
) -> None:
    provider = make()
    provider.discover(Selection())
    read(provider, many[0])  # now the rows of all are waiting
    group = f"/subscriptions/{MANY[1]}/resourcegroups/rg-1"
    emulator.store.patch(group, {"tags": {"team": "one"}})
    fresh = provider.reread(ref_of(parse(group)))
    assert fresh in read(provider, many[1])[0]


def test_a_count_that_fails_leaves_them_alone(make: Make, emulator: AzureEmulator, many: list[Scope]) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="resourcegraph"))
    provider = make()
    assert len({s.account for s in provider.discover(Selection()).scopes if not above(s.account)}) == 22
    emulator.faults.clear()
    emulator.calls.clear()
    assert read(provider, many[0])[1].complete
    assert queries(emulator) == 5


class Rows:
    """Gives rows and counts how often."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.asked: list[list[str]] = []

    def __call__(self, subscriptions: Sequence[str]) -> list[dict[str, Any]]:
        self.asked.append(list(subscriptions))
        return [{"subscriptionId": s.upper(), "n": n} for s in subscriptions for n in range(self.sizes[s])]

    def count(self, _kind: Scope, subscriptions: Sequence[str]) -> dict[str, int]:
        return {s: self.sizes[s] for s in subscriptions}


def planned(sizes: Mapping[str, int], now: list[float]) -> tuple[Batches, Rows]:
    rows = Rows(sizes)
    made = Batches(lambda: now[0])
    made.plan([scope(s) for s in sizes], rows.count)
    return made, rows


def test_rows_that_waited_too_long_are_not_given() -> None:
    now = [0.0]
    made, rows = planned({"a": 1, "b": 2}, now)
    first = made.take(scope("a"), rows)
    assert first is not None
    assert [r["n"] for r in first] == [0]
    now[0] = batches.FRESH + 1
    assert made.take(scope("b"), rows) is None
    assert made.take(scope("a"), rows) is None  # given once


def test_more_rows_than_counted_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_HELD", 10)
    made, rows = planned({"a": 1, "b": 2}, [0.0])
    rows.sizes = {"a": 1, "b": 10}
    assert made.take(scope("a"), rows) is None
    assert made.take(scope("b"), rows) is None
    assert len(rows.asked) == 1


@pytest.mark.parametrize(("error", "raised"), [(Throttled("slow"), True), (Denied("no"), False)])
def test_what_asking_again_would_not_help_is_raised_for_all(error: Exception, raised: bool) -> None:
    made, _ = planned({"a": 1, "b": 2}, [0.0])

    def fails(_subscriptions: Sequence[str]) -> list[dict[str, Any]]:
        raise error

    for account in ("a", "b"):
        if raised:
            with pytest.raises(Throttled, match="slow"):
                made.take(scope(account), fails)
        else:
            assert made.take(scope(account), fails) is None


@given(st.lists(st.integers(0, MOST_ROWS + 10), max_size=600))
def test_groups_are_bounded_ordered_and_never_of_one(sizes: list[int]) -> None:
    names = [f"s{n:04}" for n in range(len(sizes))]
    held = dict(zip(names, sizes, strict=True))
    groups = packed(names, lambda some: {s: held[s] for s in some})
    flat = [s for group in groups for s in group]
    assert flat == sorted(set(flat))
    assert all(2 <= len(group) <= MOST_SUBSCRIPTIONS for group in groups)
    assert all(sum(held[s] for s in group) <= MOST_ROWS for group in groups)
    assert all(held[s] < MOST_ROWS for s in flat)


def test_what_cannot_be_counted_is_in_no_group() -> None:
    def fails(_some: Sequence[str]) -> dict[str, int]:
        raise Unavailable("no")

    assert packed(["a", "b"], fails) == []
