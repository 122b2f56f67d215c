"""What the benchmarks of the store share: a temporary database, an estate in batches, one way of printing."""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from config.settings import StorageSettings
from providers.memory.estate import Estate
from providers.resource import Resource, Scope
from storage.database import Database

START = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE_SIZE = 5_000
BATCH = 1_000


@contextmanager
def new_database() -> Iterator[Database]:
    """An empty SQLite database, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="ws-bench-") as folder,
        Database.open(StorageSettings(url=f"sqlite:///{Path(folder) / 'bench.db'}")) as database,
    ):
        database.migrate()
        yield database


def estate(count: int) -> Estate:
    """``count`` resources, 5,000 a scope."""
    return Estate(resources=count, scopes=max(1, count // SCOPE_SIZE))


def batches(made: Estate, scope: Scope) -> Iterator[list[Resource]]:
    """The resources of a scope, a thousand at a time."""
    found = made.read(scope)
    while batch := list(islice(found, BATCH)):
        yield batch


def rss_mb() -> float:
    """The most memory this process ever had, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def run(measure: Callable[[int], dict[str, Any]], about: str | None, *, default: int = 200_000) -> None:
    """A benchmark's command line: ``--n`` and ``--json``."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=default, help="resources")
    arguments = parser.parse_args()
    result = measure(arguments.n)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("  ".join(f"{key}={value}" for key, value in result.items()))
