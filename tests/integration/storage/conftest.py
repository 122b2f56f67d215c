"""Three days of history, and the command line on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import StorageSettings
from daemon.cli import app
from daemon.cli.context import State
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from storage.database import Database
from storage.inventory import Inventory

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]


def _cycle(database: Database, estate: Estate, at: datetime) -> None:
    provider, inventory = MemoryProvider(estate), Inventory(database)
    for scope in provider.discover(Selection()).scopes:
        recording = inventory.begin(scope, at)
        reading = provider.read(scope)
        recording.add(list(reading))
        recording.finish(reading.coverage)


@pytest.fixture
def now() -> datetime:
    """The time at which the command line runs."""
    return NOW


@pytest.fixture
def cycle() -> Callable[[Database, Estate, datetime], None]:
    """Reads everything at a time."""
    return _cycle


@pytest.fixture
def estate() -> Estate:
    """Twenty resources in two scopes."""
    return Estate(resources=20, scopes=2)


@pytest.fixture
def database(tmp_path: Path, estate: Estate) -> Iterator[Database]:
    """Three days of history: all there, then one changed, then one gone."""
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as database:
        database.migrate()
        _cycle(database, estate, NOW - timedelta(days=3))
        estate.change(estate.uid(0), {"Encrypted": "later", "Public": None})
        _cycle(database, estate, NOW - timedelta(days=2))
        estate.delete(estate.uid(1))
        _cycle(database, estate, NOW - timedelta(days=1))
        yield database


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the command line on that database, at ``NOW``."""
    monkeypatch.chdir(tmp_path)
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'w.db'}"}

    def run(*arguments: str) -> tuple[int, str, str]:
        status = app.run(arguments, State(environment=environment, clock=lambda: NOW))
        out, err = capsys.readouterr()
        return status, out, err

    return run
