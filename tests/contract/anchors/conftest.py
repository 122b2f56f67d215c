"""Every kind of anchor with the real thing at its other end: a disk, a repository, an S3 with Object Lock, a receiver."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.ledger import AnchorSettings, LedgerSettings
from config.settings import StorageSettings
from daemon.anchoring import Noting, open_anchors
from storage.database import Database

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?P<host>[!-~]{1,255}) "
    r"(?P<app>[!-~]{1,48}) (?P<pid>[!-~]{1,128}) (?P<id>[!-~]{1,32}) - (?P<text>.*)"
)


class Receiver:
    """A syslog receiver: takes what it is sent, refuses what is not RFC 5424, and writes the rest to a file."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.file = folder / "received.log"
        self.file.touch()
        self.refused: list[bytes] = []
        self._kind = kind
        self._path = folder / "log.sock"
        family = socket.AF_UNIX if kind.startswith("unix") else socket.AF_INET
        stream = kind in ("tcp", "unix-stream")
        self._socket = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        self._socket.bind(str(self._path) if family == socket.AF_UNIX else ("127.0.0.1", 0))
        if stream:
            self._socket.listen()
        self._arrived = threading.Condition()
        self._count = 0
        self._thread = threading.Thread(target=self._serve, args=(stream,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        if self._kind.startswith("unix"):
            return f"unix:{self._path}"
        return f"{self._kind}://127.0.0.1:{self._socket.getsockname()[1]}"

    def wait(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._count >= count, timeout=20), self.refused

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self, stream: bool) -> None:
        try:
            while True:
                if not stream:
                    self._take(self._socket.recv(65536))
                    continue
                peer, _ = self._socket.accept()
                with peer, peer.makefile("rb") as file:
                    data = file.read()
                if self._kind == "tcp":
                    while data:
                        length, _, data = data.partition(b" ")
                        self._take(data[: int(length)])
                        data = data[int(length) :]
                else:
                    for line in data.splitlines():
                        self._take(line)
        except OSError:
            return  # closed

    def _take(self, data: bytes) -> None:
        if not data:
            return
        found = RFC5424.fullmatch(data.decode("ascii", "replace"))
        with self._arrived:
            if found is None or len(data) > 2048:
                self.refused.append(data)
            else:
                with self.file.open("a") as file:
                    file.write(
                        f"Mar  1 12:00:00 {found['host']} {found['app']}[{found['pid']}]: {found['text']}\n"
                    )
            self._count += 1
            self._arrived.notify_all()


def git(folder: Path, *arguments: str) -> str:
    made = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "one")
    return folder


def clone(folder: Path) -> Path:
    """A clone of a bare repository, both of them new."""
    origin = repository(folder / "seed")
    git(folder, "clone", "--quiet", "--bare", str(origin), "origin.git")
    git(folder, "clone", "--quiet", "origin.git", "clone")
    return folder / "clone"


@dataclass
class Here:
    """One kind of anchor, and how its other end is spoilt."""

    kind: str
    settings: dict[str, Any]
    folder: Path
    receiver: Receiver | None = None

    def ledger(self, **more: Any) -> LedgerSettings:
        anchor = AnchorSettings.model_validate(self.settings)
        return LedgerSettings(name="ours", anchors={"there": anchor}, **more)

    def noting(self, database: Database) -> Noting:
        """As another process would begin."""
        wanted = self.ledger()
        return Noting(database, wanted, open_anchors(wanted))

    def settle(self, count: int) -> None:
        """Until so many lines have arrived."""
        if self.receiver is not None:
            self.receiver.wait(count)
            assert self.receiver.refused == []


@pytest.fixture
def locked_bucket(aws: Any) -> Iterator[str]:
    """A bucket with Object Lock, which is on for the S3 of every test of this worker."""
    import boto3

    client = boto3.client("s3", region_name="us-east-1")
    name = "ledger-notes"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    yield name
    versions = client.list_object_versions(Bucket=name)
    for version in [*versions.get("Versions", ()), *versions.get("DeleteMarkers", ())]:
        client.delete_object(
            Bucket=name, Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=True
        )
    client.delete_bucket(Bucket=name)


KINDS = ("file", "s3", "git", "git-remote", "udp", "tcp", "unix", "unix-stream")


@pytest.fixture(params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Here]:
    """Each kind of anchor."""
    kind: str = request.param
    if kind == "file":
        yield Here(kind, {"file": {"path": str(tmp_path / "notes")}}, tmp_path)
    elif kind == "s3":
        bucket = request.getfixturevalue("locked_bucket")
        yield Here(kind, {"s3": {"bucket": bucket, "mode": "governance"}}, tmp_path)
    elif kind == "git":
        yield Here(kind, {"git": {"repository": str(repository(tmp_path / "repo"))}}, tmp_path)
    elif kind == "git-remote":
        yield Here(kind, {"git": {"repository": str(clone(tmp_path)), "remote": "origin"}}, tmp_path)
    else:
        receiver = Receiver(kind, tmp_path)
        syslog = {"address": receiver.address, "read": str(receiver.file)}
        yield Here(kind, {"syslog": syslog}, tmp_path, receiver)
        receiver.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty ledger's."""
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def write(database: Database) -> Callable[[int], None]:
    """Adds so many entries to the ledger."""
    from storage.ledger import Ledger

    def add(count: int) -> None:
        for _ in range(count):
            number = sum(1 for _ in Ledger(database).entries())
            Ledger(database).append("act", "alice", f"user/{number}", {}, AT)

    return add
