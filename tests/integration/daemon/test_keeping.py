"""The daemon thins the past once a day, and survives what the store does meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.settings import RetentionSettings, StorageSettings
from daemon.keeping import Keeping
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.database import Database
from storage.history import History
from storage.inventory import Inventory

NOW = datetime(2027, 5, 10, 12, tzinfo=UTC)
SCOPE = Scope("memory", "1", "north", "memory.t")


def record(database: Database, at: datetime, number: int) -> None:
    recording = Inventory(database).begin(SCOPE, at)
    ref = ResourceRef(provider="memory", account="1", region="north", type="memory.t", uid="mem:1")
    recording.add([Resource(ref=ref, name="one", document={"N": number})])
    recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE, read=1))


def test_once_a_day_and_only_where_it_is_wanted(tmp_path: Path) -> None:
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as database:
        database.migrate()
        for hour in range(5):
            record(database, NOW - timedelta(days=200, hours=-hour), hour)
        stop = threading.Event()
        keeping, history = Keeping(database, "watchstander/test", stop), History(database)
        keeping.tick(RetentionSettings(enabled=False), NOW)
        keeping.wait()
        assert len(history.timeline("mem:1")) == 5
        keeping.tick(RetentionSettings(), NOW)
        keeping.wait()
        assert len(history.timeline("mem:1")) == 1
        for hour in range(5, 9):
            record(database, NOW - timedelta(days=200, hours=-hour), hour)
        keeping.tick(RetentionSettings(), NOW + timedelta(hours=3))
        keeping.wait()
        assert len(history.timeline("mem:1")) == 5
        keeping.tick(RetentionSettings(), NOW + timedelta(days=1))
        keeping.wait()
        assert len(history.timeline("mem:1")) == 1
