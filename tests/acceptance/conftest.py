"""A whole watch over the in-memory cloud: real database, real policies, real workers, a clock the test moves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.secrets import Secrets
from config.settings import Settings, StorageSettings
from daemon.report import CycleReport
from daemon.watch import Watch
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from storage.database import Database
from storage.findings import Finding, FindingFilter, FindingStatus

POLICY = """\
# METADATA
# title: Buckets are encrypted
# custom:
#   id: test.bucket_encrypted
#   phase: preparation
#   severity: high
#   types: ["memory.bucket"]
package test.bucket_encrypted

deny contains "the bucket is not encrypted" if input.asset.document.Encrypted == false
"""


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Post:
    """A watch with what it watches."""

    folder: Path
    estate: Estate = field(default_factory=lambda: Estate(resources=0, scopes=20))
    clock: Clock = field(default_factory=Clock)
    policy: str = POLICY
    more: dict[str, Any] = field(default_factory=dict)
    watch: Watch = field(init=False)

    def settings(self) -> Settings:
        policies = self.folder / "policies"
        policies.mkdir(exist_ok=True)
        (policies / "bucket.rego").write_text(self.policy)
        base: dict[str, Any] = {
            "storage": {"url": f"sqlite:///{self.folder}/watch.db", "lock_timeout": "2s"},
            "policies": {"packs": [], "paths": [str(policies)], "workers": 1},
        }
        return Settings.model_validate(base | self.more)

    def open(self, **more: Any) -> Watch:
        """Open (again): another process would see the same."""
        provider = MemoryProvider(self.estate)
        self.watch = Watch.open(
            self.settings(), clock=self.clock, secrets=Secrets({}), providers={"memory": provider}, **more
        )
        return self.watch

    def cycle(self, selection: Selection | None = None, **delta: float) -> CycleReport:
        """A cycle some time later."""
        self.clock.move(**(delta or {"minutes": 15}))
        return self.watch.cycle(selection or Selection(), kind="scheduled")

    def findings(self, status: FindingStatus = FindingStatus.OPEN) -> list[Finding]:
        return [f for batch in self.watch.findings.find(FindingFilter(status=status)) for f in batch]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "watch.db"
    with Database.open(StorageSettings(url=f"sqlite:///{path}")) as database:
        database.migrate()
    return path


@pytest.fixture
def post(tmp_path: Path, migrated: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    shutil.copy(migrated, tmp_path / "watch.db")
    made.open()
    yield made
    made.watch.close()
