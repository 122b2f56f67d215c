"""``watchstander run`` as a process: it starts, watches, reloads, drains; systemd is told; bad input is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import forked
from ruamel.yaml import YAML

from providers.sandbox.gcp import GcpEmulator

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "daemon/__main__.py"
LIMIT = 90


@pytest.fixture(scope="module")
def gcp() -> Iterator[GcpEmulator]:
    with GcpEmulator(seed=True) as emulator:
        yield emulator


@dataclass
class Daemon:
    """A running daemon: its log as records, and what it told systemd."""

    process: subprocess.Popen[str]
    told: socket.socket
    records: list[dict[str, Any]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                record = json.loads(line)
            except ValueError:
                record = {"event": line.rstrip()}
            with self._news:
                self.records.append(record)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], after: int = 0) -> dict[str, Any]:
        """The first such record after the first ``after``; fails when the process ends or the limit passes."""

        def found() -> dict[str, Any] | None:
            return next((r for r in self.records[after:] if wanted(r)), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None or self.process.poll() is not None, LIMIT)
            record = found()
        assert record is not None, self.records
        return record

    def notified(self, word: str) -> str:
        """The next datagram to systemd that says ``word``."""
        while True:
            message = self.told.recv(4096).decode()
            if word in message:
                return message

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)


@dataclass
class Place:
    folder: Path
    settings: dict[str, Any]
    started: list[Daemon] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "watchstander.yaml"

    def write(self) -> None:
        with self.file.open("w") as out:
            YAML().dump(self.settings, out)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any verb, to its end."""
        process = forked(COMMAND, "--config", str(self.file), *arguments)
        told = process.output()
        return subprocess.CompletedProcess(arguments, process.wait(LIMIT), told, process.said)

    def start(self) -> Daemon:
        self.write()
        address = self.folder / "notify"
        address.unlink(missing_ok=True)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(str(address))
        told.settimeout(LIMIT)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": "30000000",
            "WATCHSTANDER_LOG__FORMAT": "json",
        }
        command = [sys.executable, "-m", "daemon", "run", "--config", str(self.file)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        daemon = Daemon(process, told)
        threading.Thread(target=daemon.follow, daemon=True).start()
        self.started.append(daemon)
        return daemon


@pytest.fixture
def place(gcp: GcpEmulator, tmp_path: Path) -> Iterator[Place]:
    made = Place(
        tmp_path,
        {
            "providers": {
                "gcp": {
                    **gcp.settings().model_dump(mode="json", exclude_defaults=True),
                    "schedule": {"every": "1h"},
                }
            },
            "storage": {"url": f"sqlite:///{tmp_path}/watch.db"},
            # Only Google Cloud is watched: what the pack says of the other clouds would only be loaded by each process.
            "policies": {
                "packs": [],
                "paths": [str(ROOT / "policies" / "packs" / "preparation" / "gcp")],
                "workers": 1,
            },
            "api": {"port": 0},
            "state_dir": str(tmp_path),
        },
    )
    yield made
    for daemon in made.started:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
        daemon.told.close()
        assert daemon.process.stderr is not None
        daemon.process.stderr.close()


def test_a_life(place: Place) -> None:
    """Start, one cycle, health, reload of a good and of a bad configuration, drain."""
    daemon = place.start()
    assert "STATUS=Watching gcp." in daemon.notified("READY=1")
    url = daemon.wait_for(lambda r: r.get("key") == "started")["url"]
    cycle = daemon.wait_for(lambda r: r.get("key") == "cycle")
    assert cycle["event"].startswith("Read 78 resources in ")
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert daemon.notified("STATUS=Read 78 resources")
    ready = httpx.get(f"{url}/readyz")
    assert ready.status_code == 200, ready.text
    assert (
        'watchstander_cycles_total{provider="gcp",result="complete"} 1.0' in httpx.get(f"{url}/metrics").text
    )
    assert daemon.notified("WATCHDOG=1")

    place.settings["policies"]["disabled"] = ["gcp.*"]
    place.write()
    daemon.process.send_signal(signal.SIGHUP)
    assert daemon.notified("RELOADING=1")
    assert "changed policies.disabled" in daemon.notified("READY=1")

    seen = len(daemon.records)
    place.settings["policies"]["surprise"] = 1
    place.write()
    daemon.process.send_signal(signal.SIGHUP)
    record = daemon.wait_for(lambda r: r.get("key") == "reload-failed", after=seen)
    assert "watchstander.yaml:" in record["event"]
    assert "surprise" in record["event"]
    assert httpx.get(f"{url}/healthz").status_code == 200

    assert daemon.end() == 0
    assert daemon.notified("STOPPING=1")


def test_a_killed_daemon_starts_again_by_itself(place: Place) -> None:
    daemon = place.start()
    daemon.wait_for(lambda r: r.get("key") == "cycle")
    daemon.process.kill()
    daemon.process.wait()
    again = place.start()
    cycle = again.wait_for(lambda r: r.get("key") == "cycle")
    assert "nothing changed; no policy had to be evaluated" in cycle["event"]
    assert again.end() == 0


def test_a_second_daemon_on_one_file_is_refused_and_looking_is_not(place: Place) -> None:
    daemon = place.start()
    daemon.wait_for(lambda r: r.get("key") == "cycle")
    second = place.run("run")
    assert second.returncode == 4
    assert second.stderr.startswith("Error: ")
    assert "watch.db" in second.stderr
    assert "Traceback" not in second.stderr
    looked = place.run("findings", "--format", "json")
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)
    assert daemon.end() == 0


def test_a_port_in_use_is_named(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place.settings["api"] = {"port": taken.getsockname()[1]}
        place.write()
        ended = place.run("run")
    assert ended.returncode == 4
    assert f"127.0.0.1:{place.settings['api']['port']}" in ended.stderr
    assert "api.port" in ended.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"surprise": 1}, ["watchstander.yaml:", "surprise"]),
        ({"providers": {"gcp": {"schedule": {"cron": "every day"}}}}, ["watchstander.yaml:", "cron"]),
        (
            {"containment": {"hooks": {"x": {"use": "nothing"}}}},
            ["watchstander.yaml:", "there is no hook 'nothing'"],
        ),
        ({"policies": {"paths": ["nowhere"]}}, ["nowhere"]),
        ({"storage": {"url": "oracle://x"}}, ["oracle"]),
    ],
    ids=["unknown-key", "cron", "hook", "policy-path", "database"],
)
def test_a_configuration_that_cannot_work_is_refused_with_its_place(
    place: Place, change: dict[str, Any], words: list[str]
) -> None:
    place.settings |= change
    place.write()
    ended = place.run("run")
    assert ended.returncode in (2, 4), ended.stderr
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_scan_says_how_it_went(place: Place, gcp: GcpEmulator) -> None:
    place.write()
    clean = place.run("scan", "--format", "json")
    assert clean.returncode == 1, "findings are open"
    told = json.loads(clean.stdout)
    assert told["read"] == 78
    assert told["unread"] == 0
    assert told["changes"] == {"created": 78, "changed": 0, "deleted": 0}
    assert told["findings"]["opened"] == told["findings"]["open"] > 0
    faults = f"{gcp.rest_endpoint}/_sandbox/faults"
    httpx.post(faults, json={"kind": "denied", "account": "harbour-dev"}).raise_for_status()
    try:
        partly = place.run("scan")
    finally:
        httpx.delete(faults).raise_for_status()
    assert partly.returncode == 3
    assert "could not read 1 scope (1 denied: gcp/harbour-dev/*/*)" in partly.stdout
    assert "0 deleted" in partly.stdout or "nothing changed" in partly.stdout
    covered = place.run("coverage", "--unread", "--format", "json")
    assert covered.returncode == 3
    assert [row["account"] for row in json.loads(covered.stdout)] == ["harbour-dev"]
    status = place.run("status", "--format", "json")
    assert status.returncode == 3
    assert json.loads(status.stdout)["coverage"]["incomplete"] == 1


def test_scan_of_no_cloud_says_what_to_do(place: Place) -> None:
    del place.settings["providers"]
    place.write()
    ended = place.run("scan")
    assert ended.returncode == 2
    assert "No cloud is configured" in ended.stderr
