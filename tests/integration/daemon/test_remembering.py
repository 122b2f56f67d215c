"""The daemon asks each cloud for its past: once, in the background, within its share of the calls, and to the end."""

from __future__ import annotations

import json
import math
import random
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import app
from daemon.cli.context import State
from daemon.watch import Watch
from providers.errors import Denied, NotEnabled, ProviderError, Refused, Throttled
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from storage.history import EventKind, History
from storage.past import Past, PastState, PastStatus
from storage.values import Origin

sys.path.insert(0, str(Path(__file__).parent))
import past_driver as driver
from past_driver import CLOUD, NOW
from processes import forked


@pytest.fixture
def cloud() -> Estate:
    return driver.estate()


@pytest.fixture
def watch(tmp_path: Path, cloud: Estate) -> Iterator[Watch]:
    opened = driver.open_watch(tmp_path, cloud)
    yield opened
    opened.close()


def states(watch: Watch) -> list[PastState]:
    return Past(watch.database).states()


def told(watch: Watch, cloud: Estate) -> dict[str, list[tuple[Any, ...]]]:
    history = History(watch.database)
    return {
        uid: [(e.kind, e.origin, e.at, e.actor) for e in history.timeline(uid)]
        for uid in map(cloud.uid, range(driver.RESOURCES))
    }


WHOLE = [
    (EventKind.CREATED, Origin.PAST, NOW - 9 * driver.DAY, "a9"),
    (EventKind.CHANGED, Origin.PAST, NOW - 4 * driver.DAY, "a4"),
    (EventKind.CHANGED, Origin.BASELINE, NOW, None),
]


def test_a_first_contact_is_followed_by_its_past(watch: Watch, cloud: Estate) -> None:
    """Through the daemon's own way: a scheduled cycle, and a beat of the main loop."""
    watch.cycle_or_tell(CLOUD, threading.Event())
    assert states(watch) == [], "no cycle waits for it"
    watch.tick()
    watch.errands[0].wait()
    assert set(map(tuple, told(watch, cloud).values())) == {tuple(WHOLE)}
    assert [(s.status, s.resources, s.versions) for s in states(watch)] == [(PastStatus.COMPLETE, 6, 12)] * 2
    cloud.forget(Denied("asked again"))
    watch.cycle_or_tell(CLOUD, threading.Event())
    watch.tick()
    watch.errands[0].wait()
    assert {s.status for s in states(watch)} == {PastStatus.COMPLETE}, "once for each scope"


def test_its_sentence_says_what_was_told(watch: Watch, cloud: Estate) -> None:
    watch.cycle(Selection(), kind="scheduled")
    assert watch.remembering.ask(CLOUD) == (
        "gcp told 24 versions from before the first contact, of 12 resources in 2 scopes."
    )
    assert watch.remembering.ask(CLOUD) == ""
    assert watch.remembering.ask("aws") == ""


@pytest.mark.parametrize(
    ("error", "status", "asked"),
    [
        (Denied("no", permission="p:Read"), PastStatus.DENIED, 0),
        (NotEnabled("no recorder"), PastStatus.NOT_ENABLED, 0),
        (Refused("no past of this type"), PastStatus.NOT_KEPT, 0),
        (Throttled("slow down"), PastStatus.THROTTLED, 4),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ProviderError) else str(value),
)
def test_what_is_not_answered_is_said(
    watch: Watch, cloud: Estate, error: ProviderError, status: PastStatus, asked: int
) -> None:
    watch.cycle(Selection(), kind="scheduled")
    cloud.forget(error)
    sentence = watch.remembering.ask(CLOUD)
    first, second = states(watch)
    assert (first.status, first.failed, first.versions) == (status, asked, 0)
    assert (first.cause, first.permission) == (error.message, error.permission)
    assert first.status is second.status
    if status.final:
        assert first.next_try_at is None
        assert sentence.startswith("gcp told 0 versions")
    else:
        assert first.next_try_at == NOW + driver.DAY / 24
        assert "2 could not be answered whole and will be asked again (" in sentence
        assert f"{first.scope}: {status}: {error.message}" in sentence
    assert all(len(entries) == 1 for entries in told(watch, cloud).values())


def test_one_resource_that_fails_costs_only_itself(watch: Watch, cloud: Estate, monkeypatch: Any) -> None:
    watch.cycle(Selection(), kind="scheduled")
    answer, bad = cloud.past, cloud.uid(4)

    def past(uid: str, since: Any) -> Any:
        if uid == bad:
            raise RuntimeError("a defect")
        return answer(uid, since)

    monkeypatch.setattr(cloud, "past", past)
    watch.remembering.ask(CLOUD)
    first, second = states(watch)
    assert (first.status, first.failed, first.versions) == (PastStatus.PARTIAL, 1, 10)
    assert "a defect" in (first.cause or "")
    assert second.status is PastStatus.COMPLETE
    assert {len(e) for uid, e in told(watch, cloud).items() if uid != bad} == {3}


def test_a_turn_ends_at_its_deadline_and_goes_on_later(tmp_path: Path, cloud: Estate) -> None:
    now = [0.0]
    watch = driver.open_watch(tmp_path, cloud, deadline="10s", batches_per_second=1)
    try:
        watch.remembering._monotonic = lambda: now[0]  # no waiting: the clock moves when it is asked to sleep
        watch.remembering._stop = _Clockwork(now)
        watch.cycle(Selection(), kind="scheduled")
        answer = cloud.past

        def slow(uid: str, since: Any) -> Any:
            now[0] += 3
            return answer(uid, since)

        cloud.past = slow  # type: ignore[method-assign]
        watch.remembering.ask(CLOUD)
        assert [(s.status, s.resources) for s in states(watch)] == [(PastStatus.TIMED_OUT, 4)] * 2
        assert {s.cause for s in states(watch)} == {"its turn was over before all resources were asked about"}
        watch.remembering._clock = lambda: NOW + driver.DAY
        watch.remembering.ask(CLOUD)
        assert [(s.status, s.versions) for s in states(watch)] == [(PastStatus.COMPLETE, 12)] * 2
        cloud.past = answer  # type: ignore[method-assign]
    finally:
        watch.close()


def test_it_keeps_its_pace_over_all_scopes(tmp_path: Path, cloud: Estate) -> None:
    now = [0.0]
    watch = driver.open_watch(tmp_path, cloud, batches_per_second=2)
    try:
        watch.remembering._monotonic = lambda: now[0]
        watch.remembering._stop = _Clockwork(now)
        watch.cycle(Selection(), kind="scheduled")
        watch.remembering.ask(CLOUD)
        batches = driver.RESOURCES / 2 / MemoryProvider.past_batch  # of each of two scopes
        assert now[0] == pytest.approx((2 * math.ceil(batches) - 1) / 2)
    finally:
        watch.close()


class _Clockwork(threading.Event):
    """Waiting takes no time: the clock moves on instead."""

    def __init__(self, now: list[float]) -> None:
        super().__init__()
        self._now = now

    def wait(self, timeout: float | None = None) -> bool:
        self._now[0] += timeout or 0
        return self.is_set()


def test_none_is_asked_for_where_none_is_wanted(tmp_path: Path, cloud: Estate) -> None:
    watch = driver.open_watch(tmp_path, cloud, back="0s")
    try:
        watch.cycle(Selection(), kind="scheduled")
        assert watch.remembering.ask(CLOUD) == ""
        assert states(watch) == []
    finally:
        watch.close()


def test_killed_anywhere_it_goes_on_and_nothing_is_told_twice(tmp_path: Path) -> None:
    chance = random.Random(11)
    cloud = driver.estate()
    for round_ in range(5):
        folder = tmp_path / str(round_)
        folder.mkdir()
        driver.open_watch(folder, cloud).close()
        child = forked(Path(driver.__file__), str(folder), str(chance.randint(60, 200)))
        assert child.wait() == -signal.SIGKILL, child.said
        watch = driver.open_watch(folder, cloud)
        try:
            watch.cycle(Selection(), kind="scheduled")
            watch.remembering.ask(CLOUD)
            assert set(map(tuple, told(watch, cloud).values())) == {tuple(WHOLE)}
            assert {s.status for s in states(watch)} == {PastStatus.COMPLETE}
            assert sum(s.versions for s in states(watch)) == 2 * driver.RESOURCES
        finally:
            watch.close()


def test_status_and_coverage_say_how_far_it_got(
    watch: Watch, cloud: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watch.cycle(Selection(), kind="scheduled")
    cloud.forget(Denied("no", permission="p:Read"))
    watch.remembering.ask(CLOUD)
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path}/watch.db"}

    def output(*arguments: str) -> str:
        capsys.readouterr()
        app.run(arguments, State(environment=environment, clock=lambda: NOW))
        return capsys.readouterr().out

    assert "told for 0 scopes; 2 are not told whole (2 denied): `watchstander coverage`" in output("status")
    (row, _) = json.loads(output("coverage", "--format", "json"))
    assert (row["past"]["status"], row["past"]["permission"]) == ("denied", "p:Read")
    assert row["status"] == "complete", "the present was read"
