"""An unchanged cycle: the time of recording an estate that is as it was (target: at most 1.5 times the floor).

The floor is what no way of noticing a change can do without: the sorted JSON of each document, and its SHA-256. Making the
documents is not counted on either side; the two take turns on the same batches, each first half of the time, in CPU seconds.
No row may be written per resource; the benchmark fails if one is.
"""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import Any

import orjson

from bench.common import START, batches, estate, new_database, rss_mb, run
from providers.resource import Coverage, CoverageStatus, Resource, Scope
from storage.database import Database
from storage.inventory import Inventory


def hash_only(batch: list[Resource]) -> None:
    """The floor."""
    for resource in batch:
        hashlib.sha256(orjson.dumps(resource.document, option=orjson.OPT_SORT_KEYS)).digest()


def ended(scope: Scope, read: int) -> Coverage:
    """A complete coverage."""
    return Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read)


def written(database: Database) -> int:
    """Rows written by this process so far."""
    with database.write() as connection:
        return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    made, ours, floor = estate(count), 0.0, 0.0
    clock = time.process_time
    with new_database() as database:
        inventory = Inventory(database)
        for scope in made.all_scopes():
            recording, read = inventory.begin(scope, START), 0
            for batch in batches(made, scope):
                recording.add(batch)
                read += len(batch)
            recording.finish(ended(scope, read))
        scopes, turn = made.all_scopes(), 0
        before = written(database)
        for scope in scopes:
            started = clock()
            recording = inventory.begin(scope, START + timedelta(hours=1))
            ours += clock() - started
            read = 0
            for batch in batches(made, scope):
                turn += 1
                if turn % 2:
                    started = clock()
                    hash_only(batch)
                    floor += clock() - started
                started = clock()
                changes = recording.add(batch)
                ours += clock() - started
                if turn % 2 == 0:
                    started = clock()
                    hash_only(batch)
                    floor += clock() - started
                if changes:
                    raise SystemExit(f"an unchanged estate has {len(changes)} changes")
                read += len(batch)
            started = clock()
            if recording.finish(ended(scope, read)):
                raise SystemExit("an unchanged estate has deletions")
            ours += clock() - started
        rows = written(database) - before
        if rows > len(scopes):
            raise SystemExit(f"{rows} rows were written for {len(scopes)} scopes")
    return {
        "name": "unchanged",
        "n": count,
        "value": round(ours, 3),
        "unit": "CPU s",
        "floor": round(floor, 3),
        "ratio": round(ours / floor, 3),
        "rss_mb": rss_mb(),
        "target": "<= 1.5",
        "rows_written": rows,
        "scopes": len(scopes),
    }


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__)


if __name__ == "__main__":
    main()
