"""What comes into force is in the ledger: who, which digest, what changed from what to what, and no secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.secrets import HIDDEN
from config.settings import StorageSettings
from daemon.watch import Watch
from policies.errors import PolicyErrors
from storage.database import Database
from storage.errors import StorageError
from storage.ledger import Entry, Ledger

SECRET = "s3cr3t-7f1e5c0a9b"


def entries(watch: Watch, *kinds: str) -> list[Entry]:
    return [e for e in watch.ledger.entries() if e.kind in kinds]


def with_hook(token: str, **more: Any) -> dict[str, Any]:
    url = f"https://hooks.example.org/x?token={token}"
    options = {"url": url, "headers": {"X-Token": token}, "secret": "env:HOOK_SECRET"}
    hook = {"use": "webhook", "when": ["test.bucket_encrypted"], "options": options, **more}
    return {"containment": {"hooks": {"tell": hook}}}


def test_what_changed_is_told_across_reloads_and_restarts_without_secrets(post: Any) -> None:
    post.more = with_hook(SECRET)
    post.watch.close()
    post.open().start()
    (first,) = entries(post.watch, "start")
    assert first.detail["first"] is True
    assert first.detail["by"]["pid"] == os.getpid()
    assert {"user", "host"} < first.detail["by"].keys()
    assert first.detail["changed"]["policies.packs"] == {
        "from": ["preparation", "detection", "containment"],
        "to": [],
    }
    assert first.detail["policies"]["count"] == first.detail["policies"]["added"] == 1

    post.more = with_hook(SECRET, mode="approve", max_per_hour=3)
    post.watch.reconfigure(post.settings())
    (reload,) = entries(post.watch, "configuration")
    assert reload.detail["changed"] == {
        "containment.hooks.tell.mode": {"from": "dry-run", "to": "approve"},
        "containment.hooks.tell.max_per_hour": {"from": 10, "to": 3},
    }
    assert reload.detail["configuration"] != first.detail["configuration"]
    assert reload.detail["policies"]["digest"] == first.detail["policies"]["digest"]

    post.more = with_hook(SECRET + "-rotated", mode="approve", max_per_hour=3)
    post.watch.reconfigure(post.settings())
    changed = entries(post.watch, "configuration")[-1].detail["changed"]
    assert {name: (c["from"], c["to"]) for name, c in changed.items()} == {
        "containment.hooks.tell.options.headers.X-Token": (HIDDEN, HIDDEN),
        "containment.hooks.tell.options.url": (HIDDEN, HIDDEN),
    }

    post.watch.close()
    post.policy = post.policy.replace("is not encrypted", "is open")
    post.more = with_hook(SECRET, mode="auto", max_per_hour=3)
    post.open().start()
    again = entries(post.watch, "start")[-1]
    assert again.detail["first"] is False
    assert again.detail["changed"] == {"containment.hooks.tell.mode": {"from": "approve", "to": "auto"}}
    told = again.detail["policies"]
    assert (told["added"], told["removed"], told["changed"]) == (0, 0, 1)

    post.watch.reconfigure(post.settings())
    assert entries(post.watch, "configuration")[-1].detail["changed"] == {}
    post.watch.close()
    for file in post.folder.glob("watch.db*"):
        assert SECRET.encode() not in file.read_bytes(), file
    post.open()


def test_the_commit_of_a_checkout_is_entered_and_another_is_not_put_in_force(post: Any) -> None:
    def commit() -> str:
        for command in (
            ["add", "--all"],
            ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message=x"],
        ):
            subprocess.run(["git", *command], cwd=checkout, check=True)
        told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, stdout=subprocess.PIPE)
        return told.stdout.decode().strip()

    checkout = post.settings().policies.paths[0]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=checkout, check=True)
    first = commit()
    policies = {"packs": [], "workers": 1, "checkouts": {"acme": {"path": str(checkout), "ref": "main"}}}
    post.more = {"policies": policies}
    post.watch.start()
    post.watch.reconfigure(post.settings())
    post.policy = post.policy.replace("is not encrypted", "is open")
    with pytest.raises(PolicyErrors, match=f"is not what commit {first[:12]} has"):
        post.watch.reconfigure(post.settings())
    second = commit()
    post.watch.reconfigure(post.settings())
    told = [e.detail["policies"] for e in entries(post.watch, "configuration")]
    assert [one["checkouts"] for one in told] == [{"acme": first}, {"acme": second}]
    assert told[1]["changed"] == 1


def test_a_configuration_that_cannot_be_put_in_force_writes_nothing(post: Any) -> None:
    post.watch.start()
    count = len(list(post.watch.ledger.entries()))
    post.policy = "package broken\n\ndeny contains"
    from config.errors import WatchstanderError

    try:
        post.watch.reconfigure(post.settings())
    except WatchstanderError:
        pass
    else:
        raise AssertionError("a broken policy was put in force")
    assert len(list(post.watch.ledger.entries())) == count


def test_a_configuration_that_cannot_be_entered_is_not_put_in_force(post: Any) -> None:
    post.watch.start()
    before, crew = post.watch.settings, post.watch._crew
    refuse = (
        "CREATE TRIGGER no_more BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'no more entries'); END"
    )
    with post.watch.database.write() as connection:
        connection.exec_driver_sql(refuse)
    post.more = with_hook(SECRET)
    with pytest.raises(StorageError):
        post.watch.reconfigure(post.settings())
    assert (post.watch.settings, post.watch._crew) == (before, crew)
    post.watch.refused(("too late",))  # told in the log, and survived
    with post.watch.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER no_more")
    post.watch.reconfigure(post.settings())
    assert post.watch.settings.containment.hooks.keys() == {"tell"}


def test_a_real_daemon_on_sighup(tmp_path: Path) -> None:
    config = tmp_path / "w.yaml"
    base = "storage: {url: 'sqlite:///w.db'}\npolicies: {packs: [], workers: 1}\napi: {enabled: false}\n"
    config.write_text(base)
    command = [sys.executable, "-m", "daemon", "run", "--config", str(config)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            _until(process.stderr, "Watching no cloud")
            config.write_text(base + "containment: {first_cycle: act}\nlog: {level: debug}\n")
            process.send_signal(signal.SIGHUP)
            _until(process.stderr, "Reloaded the configuration")
            config.write_text(base + "logg: {level: debug}\napi: {port: many}\n")
            process.send_signal(signal.SIGHUP)
            _until(process.stderr, "the old one stays in force")
            process.terminate()
            process.stderr.read()
            assert process.wait(30) == 0
        finally:
            process.kill()
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as database:
        found = list(Ledger(database).entries())
    assert [e.kind for e in found] == ["start", "configuration", "configuration-refused", "stop"]
    assert {e.detail["by"]["pid"] for e in found} == {process.pid}
    assert found[1].detail["changed"] == {
        "containment.first_cycle": {"from": "baseline", "to": "act"},
        "log.level": {"from": "info", "to": "debug"},
    }
    assert found[2].detail["count"] == 2
    assert found[2].detail["problems"][0] == f"{config}:4: unknown option `logg` (did you mean `log`?)"


def _until(stream: Any, text: str) -> None:
    seen = []
    for line in stream:
        seen.append(line)
        if text in line:
            return
    raise AssertionError("".join(seen))
