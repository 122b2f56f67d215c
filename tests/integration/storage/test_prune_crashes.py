"""A run of retention killed with -9 between and within its transactions leaves a whole history, and the next one goes on."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import StorageSettings
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.check import check
from storage.database import Database
from storage.history import History
from storage.inventory import Inventory
from storage.retention import kept_moments, prune

sys.path.insert(0, str(Path(__file__).parent))
import prune_driver
from processes import forked
from prune_driver import NOW, RULES

SCOPE = Scope("memory", "1", "north", "memory.t")


def fill(database: Database) -> None:
    """Four resources that change every few hours for 80 days; one comes and goes."""
    chance, at = random.Random(5), NOW - timedelta(days=80)
    inventory = Inventory(database)
    while at < NOW - timedelta(days=5):
        names = [n for n in "abcd" if n != "d" or chance.random() < 0.7]
        recording = inventory.begin(SCOPE, at)
        recording.add([_resource(n, chance.randrange(4)) for n in names])
        recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE, read=len(names)))
        at += timedelta(hours=chance.choice((3, 7, 20)))


def _resource(name: str, number: int) -> Resource:
    ref = ResourceRef(provider="memory", account="1", region="north", type="memory.t", uid=f"mem:{name}")
    return Resource(ref=ref, name=name, document={"N": number})


def states(database: Database) -> dict[Any, Any]:
    """What each kept moment answers."""
    moments = kept_moments(RULES, NOW, NOW - timedelta(days=81))
    history = History(database)
    return {m: {r.name: r.document["N"] for batch in history.at(m) for r in batch} for m in moments}


def assert_kills_lose_nothing(url: str, kills: int) -> None:
    chance = random.Random(11)
    with Database.open(StorageSettings(url=url)) as database:
        database.migrate()
        fill(database)
        expected = states(database)
        for _ in range(kills):
            # The first 20 only look; each transaction after them has five.
            child = forked(Path(prune_driver.__file__), url, str(chance.randrange(20, 80)))
            assert child.wait() == -signal.SIGKILL, child.said
            assert states(database) == expected
            assert list(check(database)) == []
        done = prune(database, RULES, NOW, actor="test")
        assert done.removed["versions"] > 0
        assert states(database) == expected
        assert list(check(database)) == []


@pytest.mark.crash
def test_kills_on_sqlite(tmp_path: Path) -> None:
    assert_kills_lose_nothing(f"sqlite:///{tmp_path / 'prune.db'}", 5)


@pytest.mark.crash
def test_kills_on_postgresql(make_postgres: Callable[[str | None], str]) -> None:
    assert_kills_lose_nothing(make_postgres(None), 3)
