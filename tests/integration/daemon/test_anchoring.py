"""When heads are noted, and that no anchor is in the way; from a real daemon and the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config.ledger import LedgerSettings
from config.secrets import Secrets
from config.settings import Settings, StorageSettings
from daemon.anchoring import Anchoring, Noting
from daemon.anchors.anchor import AnchorFailed
from daemon.cli import app
from daemon.cli.context import State
from daemon.health import Health
from daemon.metrics import Metrics
from daemon.watch import Watch
from storage.database import Database
from storage.ledger import Ledger
from storage.notes import Note

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Memory:
    """An anchor whose other side is this test's."""

    place, readable, remembers, most = "memory", True, True, 100

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.failure: str | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.tries = 0

    def append(self, note: Note) -> None:
        self.tries += 1
        assert self.hold.wait(20)
        if self.failure:
            raise AnchorFailed(self.failure, hint="Mend it.")
        self.notes.append(note)

    def newest(self, ledger: str) -> Note | None:
        return self.notes[-1] if self.notes else None

    def lines(self) -> Iterator[str]:
        return (note.line() for note in self.notes)


class Post:
    """A ledger, its anchor, and what notes it."""

    def __init__(self, database: Database) -> None:
        self.ledger, self.anchor, self.other = Ledger(database), Memory(), Memory()
        self.metrics, self.health = Metrics(), Health(started=AT)
        settings = LedgerSettings(entries=5, every="10m")
        anchors = {"one": self.anchor, "two": self.other}
        self.anchoring = Anchoring(
            lambda wanted: Noting(database, wanted, anchors), self.metrics, self.health, settings
        )

    def write(self, count: int) -> None:
        for _ in range(count):
            self.ledger.append("act", "alice", "user/1", {}, AT)

    def tick(self, **later: float) -> list[int]:
        """A beat of the daemon; up to where the notes then reach."""
        self.anchoring.tick(AT + timedelta(**later))
        self.anchoring.wait()
        return [note.seq for note in self.anchor.notes]

    def check(self) -> tuple[bool, str]:
        (found,) = (c for c in self.health.ready(AT) if c.name == "anchor one")
        return found.ok, found.detail

    def counted(self, result: str) -> float:
        labels = {"anchor": "one", "result": result}
        return self.metrics.registry.get_sample_value("watchstander_ledger_notes_total", labels) or 0


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as database:
        database.migrate()
        yield Post(database)


def test_after_so_many_entries_after_so_long_and_at_the_end(post: Post) -> None:
    assert post.tick() == []
    post.write(4)
    assert post.tick(minutes=1) == []
    post.write(1)
    assert post.tick(minutes=2) == [5]
    assert post.tick(minutes=3) == [5]
    post.write(1)
    assert post.tick(minutes=11) == [5]
    assert post.tick(minutes=12) == [5, 6]
    assert post.tick(minutes=30) == [5, 6], "nothing new, nothing noted"
    post.write(1)
    post.anchoring.finish(AT + timedelta(minutes=31), timedelta(seconds=20))
    assert [note.seq for note in post.anchor.notes] == [5, 6, 7]
    assert [note.seq for note in post.other.notes] == [5, 6, 7]
    assert post.check() == (True, "the ledger's head is noted")


def test_an_anchor_that_fails_is_told_and_tried_again_later_each_time(post: Post) -> None:
    post.anchor.failure = "The disk is full."
    post.write(1)
    assert post.tick() == []
    assert [note.seq for note in post.other.notes] == [1], "the other one goes on"
    assert post.check() == (False, "The disk is full.")
    assert post.counted("failed") == 1
    tried = []
    for second in range(0, 600, 10):
        before = post.anchor.tries
        post.tick(seconds=second)
        if post.anchor.tries > before:
            tried.append(second)
    assert tried == [60, 180, 420]
    behind = post.metrics.registry.get_sample_value("watchstander_ledger_entries_behind", {"anchor": "one"})
    assert behind == 1
    post.anchor.failure = None
    assert post.tick(seconds=1200) == [1]
    assert post.check()[0]


def test_a_slow_anchor_is_in_nobodys_way(post: Post) -> None:
    post.anchor.hold.clear()
    post.write(1)
    for second in range(5):
        post.anchoring.tick(AT + timedelta(seconds=second))
        post.write(1)
    post.anchoring.finish(AT + timedelta(minutes=1), timedelta(0))
    assert post.anchor.notes == []
    post.anchor.hold.set()
    post.anchoring.wait()
    assert post.anchor.tries == 1


def test_a_ledger_that_was_rewritten_is_told_without_a_new_entry(post: Post, tmp_path: Path) -> None:
    post.write(2)
    assert post.tick() == [2]
    rewrite(tmp_path / "w.db", "mallory")
    assert post.tick(minutes=11) == [2]
    ok, detail = post.check()
    assert not ok
    assert "entry 2 is gone or another one" in detail
    assert post.counted("disagrees") == 1
    post.write(9)
    assert post.tick(minutes=30) == [2], "what it holds is evidence, and is not written over"


def rewrite(path: Path, actor: str) -> None:
    """Another ledger, whose chain holds, in the place of the old one."""
    with Database.open(StorageSettings(url=f"sqlite:///{path}")) as database, database.write() as connection:
        count = connection.scalar(sa.text("SELECT count(*) FROM ledger"))
        for name in ("ledger_no_update", "ledger_no_delete"):
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        connection.execute(sa.text("DELETE FROM ledger"))
        for _ in range(count or 0):
            Ledger(database).append("act", actor, "user/1", {}, AT)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command line on a configuration with two anchors."""
    (tmp_path / "w.yaml").write_text(
        "storage: {url: 'sqlite:///w.db'}\n"
        "ledger:\n"
        "  name: test\n"
        "  anchors:\n"
        "    vault: {file: {path: vault/notes}}\n"
        "    relay: {syslog: {address: 'unix:/nowhere/log'}}\n"
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        state = State(environment={}, clock=lambda: AT, config=tmp_path / "w.yaml")
        status = app.run([*arguments], state)
        return (status, *capsys.readouterr())

    return run


def test_from_the_command_line(run: Any, post: Post, tmp_path: Path) -> None:
    post.write(3)
    status, out, _ = run("audit", "anchor", "--format", "json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 4
    assert "vault/notes cannot be" in rows["vault"]["error"]
    assert "unix:/nowhere/log does not take the note" in rows["relay"]["error"]
    status, out, _ = run("audit", "verify")
    assert status == 3
    assert "vault: " in out
    assert "relay: Its notes cannot be read from here." in out

    (tmp_path / "vault").mkdir()
    assert json.loads(run("audit", "anchor", "--format", "json")[1])[0]["entries"] == 3
    status, out, _ = run("audit", "verify")
    assert status == 0
    assert (
        "vault: All 3 entries noted are as they were noted. The last was noted at 2026-03-01T12:00:00Z" in out
    )
    copy = tmp_path / "received.log"
    copy.write_text("Mar 1 sshd: hello\nMar 1 " + (tmp_path / "vault" / "notes").read_text())

    rewrite(tmp_path / "w.db", "mallory")
    status, out, _ = run("audit", "verify", "--notes", str(copy), "--format", "json")
    said = json.loads(out)
    assert (status, said["ok"], said["first_bad"], said["fault"]) == (1, False, 1, "altered")
    assert "So says vault" in said["why"]
    assert [one["ok"] for one in said["anchors"]] == [False, None, False]
    status, out, _ = run("audit", "anchor", "--format", "json")
    assert "is gone or another one" in json.loads(out)[0]["error"]
    status, _, err = run("audit", "verify", "--notes", str(tmp_path / "none"))
    assert (status, "There is no file" in err) == (2, True)


def test_a_daemon_notes_its_start_and_its_end(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "storage": {"url": f"sqlite:///{tmp_path}/w.db"},
            "policies": {"packs": [], "workers": 1},
            "ledger": {"anchors": {"vault": {"file": {"path": str(tmp_path / "notes")}}}},
        }
    )
    watch = Watch.open(settings, clock=lambda: AT, secrets=Secrets({}), providers={})
    watch.start()
    watch.tick()
    watch.anchoring.wait()
    assert '"seq":1,' in (tmp_path / "notes").read_text()
    without = settings.model_copy(update={"ledger": LedgerSettings()})
    watch.reconfigure(without)
    assert not any(c.name.startswith("anchor") for c in watch.health.ready(AT))
    watch.reconfigure(settings)
    watch.close(timedelta(seconds=10))
    with Database.open(settings.storage) as database:
        kinds = [entry.kind for entry in Ledger(database).entries()]
    assert kinds[-1] == "stop"
    assert f'"seq":{len(kinds)},' in (tmp_path / "notes").read_text().splitlines()[-1]
