"""The daemon asks who made the changes that a cycle saw: afterwards, in the background, for what changed and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.secrets import Secrets
from config.settings import Settings
from daemon.attributing import Attributing
from daemon.cli import app
from daemon.cli.context import State
from daemon.cli.history import named
from daemon.watch import Watch
from providers.errors import Denied, ProviderError, Refused, Throttled
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Deed
from storage.attribution import AttributionStatus
from storage.history import History, TimelineEntry

CLOUD = "gcp"
"""The twin stands in for a cloud that settings can name."""
NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
MINUTE = timedelta(minutes=1)


class Post:
    def __init__(self, folder: Path, **who: Any) -> None:
        self.now = NOW
        self.estate = Estate(resources=12, scopes=2, provider=CLOUD)
        settings = Settings.model_validate(
            {
                "providers": {CLOUD: {"past": {"back": "0s"}, "who": {"changes_per_second": 1e6, **who}}},
                "storage": {"url": f"sqlite:///{folder}/watch.db", "lock_timeout": "5s"},
                "policies": {"packs": [], "workers": 1},
                "log": {"level": "error"},
            }
        )
        self.watch = Watch.open(
            settings,
            clock=lambda: self.now,
            secrets=Secrets({}),
            providers={CLOUD: MemoryProvider(self.estate)},
        )

    def cycle(self, minutes: int = 15) -> None:
        self.now += minutes * MINUTE
        report = self.watch.cycle_or_tell(CLOUD, threading.Event())
        assert report is not None
        self.now += MINUTE

    def ask(self, minutes: int = 10) -> str:
        self.now += minutes * MINUTE
        return self.watch.attributing.ask(CLOUD)

    def change(self, index: int, actor: str | None = "eve") -> str:
        uid = self.estate.uid(index)
        self.estate.change(uid, {"Encrypted": f"by {actor} at {self.now}"})
        at = self.now + 5 * MINUTE
        self.estate.did(uid, Deed(id=f"{uid}-{at}", at=at, actor=actor, operation="SetEncrypted"))
        return uid

    def last(self, uid: str) -> TimelineEntry:
        return History(self.watch.database).timeline(uid)[-1]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    made.cycle()
    yield made
    made.watch.close()


def test_a_change_seen_by_a_cycle_gets_its_maker(post: Post) -> None:
    assert post.ask() == "", "nothing changed"
    uids = [post.change(0), post.change(1, "bob")]
    post.cycle()
    assert post.ask(0) == "", "the record may not be complete yet"
    post.now += 10 * MINUTE
    post.watch.tick()
    for errands in post.watch.errands:
        errands.wait()
    assert [post.last(uid).actor for uid in uids] == ["eve", "bob"]
    post.change(0, "carol")
    post.estate.did(uids[0], Deed(id="x", at=post.now + 6 * MINUTE, actor="dave", operation="SetTags"))
    post.change(3)
    silent = post.estate.uid(5)
    post.estate.change(silent, {"Encrypted": "by itself"})
    post.cycle()
    assert post.ask() == (
        "gcp told who made 1 of 3 changes; 1 with several candidates; 1 not in its record yet."
    )
    assert post.last(uids[0]).actor is None
    assert post.ask(60) == "gcp told who made 0 of 1 change; 1 not in its record."
    who = post.last(silent).who
    assert who is not None
    assert who.status is AttributionStatus.UNRECORDED
    assert post.ask(60) == ""


@pytest.mark.parametrize(
    ("error", "asked", "status"),
    [
        (Denied("no", permission="p:Look"), 1, AttributionStatus.ASKING),
        (Throttled("slow down"), 5, AttributionStatus.ASKING),
        (Refused("it has no name there"), 6, AttributionStatus.UNANSWERED),
    ],
    ids=["denied", "throttled", "refused"],
)
def test_what_cannot_be_asked_costs_little_and_is_said(
    post: Post, monkeypatch: Any, error: ProviderError, asked: int, status: AttributionStatus
) -> None:
    uids = [post.change(index) for index in range(6)]
    post.cycle()
    calls = []

    def deeds(uid: str, since: Any, until: Any) -> Any:
        calls.append(uid)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(post.estate, "deeds", deeds)
        sentence = post.ask()
    assert len(calls) == asked
    assert f"gcp told who made 0 of {6 if asked != 5 else 5} changes" in sentence
    who = post.last(calls[0]).who
    assert who is not None
    assert (who.status, who.cause, who.permission) == (status, error.message, error.permission)
    assert post.ask(61).startswith("gcp told who made 6 of 6") or isinstance(error, Refused)
    assert [post.last(uid).actor for uid in uids] == [None if isinstance(error, Refused) else "eve"] * 6


def test_no_more_are_asked_about_than_the_settings_say(tmp_path: Path) -> None:
    post = Post(tmp_path, changes=2, changes_per_second=1)
    try:
        post.cycle()
        for index in range(5):
            post.change(index)
        post.cycle()
        now, waits = [0.0], []
        stop = threading.Event()
        attributing = Attributing(
            post.watch.database, post.watch.crew, lambda: post.now, stop, monotonic=lambda: now[0]
        )

        def wait(seconds: float | None = None) -> bool:
            waits.append(seconds)
            now[0] += seconds or 0
            return False

        stop.wait = wait  # type: ignore[method-assign]
        post.now += 10 * MINUTE
        assert attributing.ask(CLOUD) == "gcp told who made 2 of 2 changes."
        assert waits == [1.0]
        assert [attributing.ask(CLOUD)[:26] for _ in range(3)] == [
            "gcp told who made 2 of 2 c",
            "gcp told who made 1 of 1 c",
            "",
        ]
    finally:
        post.watch.close()


def test_none_are_asked_where_none_are_wanted(tmp_path: Path) -> None:
    post = Post(tmp_path, enabled=False)
    try:
        post.cycle()
        post.change(0)
        post.cycle()
        assert post.ask() == ""
    finally:
        post.watch.close()


def test_history_shows_who_or_who_may_have_been(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = post.change(0), post.change(1)
    post.estate.did(second, Deed(id="y", at=post.now + 6 * MINUTE, actor="dave", operation="SetTags"))
    post.cycle()
    post.ask()
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path}/watch.db"}

    def output(*arguments: str) -> str:
        capsys.readouterr()
        assert app.run(arguments, State(environment=environment, clock=lambda: post.now)) == 0
        return capsys.readouterr().out

    told = json.loads(output("history", second, "--format", "json"))[-1]
    assert (told["actor"], told["who"]["status"]) == (None, "ambiguous")
    assert [d["actor"] for d in told["who"]["deeds"]] == ["eve", "dave"]
    by_eve = json.loads(output("diff", "--from", "20m", "--actor", "eve", "--format", "json"))
    assert [row["uid"] for row in by_eve] == [first]
    row = {"actor": None, "who": told["who"]}
    assert named(row) == "eve or dave?"
    known = json.loads(output("history", first, "--format", "json"))[-1]
    assert named(known) == "eve, SetEncrypted"
    assert named({"actor": "alice", "who": None}) == "alice"
