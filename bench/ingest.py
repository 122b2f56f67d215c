"""The first ingest: rows per second of storing an estate nobody has seen before (target: 10,000).

The floor is raw sqlite3 doing no more than it must for the same result: sorted JSON, SHA-256, zstd with a dictionary trained
on the first batch, and three prepared inserts into tables with the same columns and indexes that are used, a transaction for
each batch of 1,000. Making the documents is not counted on either side; the two take turns, batch by batch.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import zstandard

from bench.common import START, batches, estate, new_database, rss_mb, run
from providers.resource import Coverage, CoverageStatus, Resource
from storage.inventory import Inventory

SCHEMA = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;
CREATE TABLE resource (id INTEGER PRIMARY KEY, uid TEXT UNIQUE, place_id INTEGER, name TEXT, first_seen INTEGER,
    changed_at INTEGER, digest BLOB);
CREATE INDEX place ON resource (place_id);
CREATE TABLE version (resource_id INTEGER, valid_from INTEGER, valid_to INTEGER, digest BLOB, codec_id INTEGER, data BLOB,
    PRIMARY KEY (resource_id, valid_from));
CREATE INDEX begun ON version (valid_from);
CREATE TABLE due (resource_id INTEGER PRIMARY KEY, token INTEGER, since INTEGER);
"""


class Floor:
    """Raw sqlite3."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(SCHEMA)
        self.encoders: dict[str, zstandard.ZstdCompressor] = {}
        self.last = 0

    def add(self, batch: list[Resource]) -> None:
        """Store a batch."""
        rows, versions, due = [], [], []
        encoded: list[bytes | bytearray | memoryview[int]] = [
            orjson.dumps(
                {"document": r.document, "name": r.name, "tags": r.tags}, option=orjson.OPT_SORT_KEYS
            )
            for r in batch
        ]
        type_ = batch[0].ref.type
        if type_ not in self.encoders:
            dictionary = zstandard.train_dictionary(16_384, encoded[:512])
            self.encoders[type_] = zstandard.ZstdCompressor(level=3, dict_data=dictionary)
        compress = self.encoders[type_].compress
        for resource, data in zip(batch, encoded, strict=True):
            self.last += 1
            digest = hashlib.sha256(data).digest()[:20]
            rows.append((self.last, resource.uid, 1, resource.name, 1, 1, digest))
            versions.append((self.last, 1, 2**62, digest, 1, compress(data)))
            due.append((self.last, 7, 1))
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO resource VALUES (?,?,?,?,?,?,?)", rows)
        self.connection.executemany("INSERT INTO version VALUES (?,?,?,?,?,?)", versions)
        self.connection.executemany("INSERT INTO due VALUES (?,?,?)", due)
        self.connection.execute("COMMIT")


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    made, ours, floor, stored = estate(count), 0.0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder, new_database() as database:
        raw, inventory = Floor(Path(folder) / "floor.db"), Inventory(database)
        for scope in made.all_scopes():
            started = time.perf_counter()
            recording = inventory.begin(scope, START)
            ours += time.perf_counter() - started
            read = 0
            for batch in batches(made, scope):
                started = time.perf_counter()
                raw.add(batch)
                middle = time.perf_counter()
                stored += len(recording.add(batch))
                floor += middle - started
                ours += time.perf_counter() - middle
                read += len(batch)
            started = time.perf_counter()
            recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read))
            ours += time.perf_counter() - started
        if stored != count or inventory.count() != count:
            raise SystemExit(f"{stored} of {count} resources were stored")
        size = database.size()
        raw.connection.close()
    return {
        "name": "ingest",
        "n": count,
        "value": round(count / ours),
        "unit": "rows/s",
        "floor": round(count / floor),
        "ratio": round(floor / ours, 3),
        "rss_mb": rss_mb(),
        "target": ">= 10000 rows/s",
        "bytes_per_resource": round(size / count),
    }


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__)


if __name__ == "__main__":
    main()
