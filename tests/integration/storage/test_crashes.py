"""Writers killed with -9 at random moments leave nothing torn, and the next cycle is right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import StorageSettings
from storage.database import Database

ROOT = Path(__file__).parents[3]


def drive(url: str, rounds: int) -> str:
    with Database.open(StorageSettings(url=url)) as database:
        database.migrate()
    command = [sys.executable, str(Path(__file__).with_name("crash_driver.py")), url, str(rounds), "7"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.crash
def test_kills_on_sqlite(tmp_path: Path) -> None:
    assert drive(f"sqlite:///{tmp_path / 'crash.db'}", 30).startswith("30 kills")


@pytest.mark.crash
def test_kills_on_postgresql(make_postgres: Callable[[str | None], str]) -> None:
    assert drive(make_postgres(None), 10).startswith("10 kills")
