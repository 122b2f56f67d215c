"""Asking the past: each question at 30 cycles over n resources, and at 1,000 cycles over a tenth, 1 % changed an hour.

    timeline   everything that happened to the resource that changed most often         < 5 ms
    account    one account (2,000 resources) as it was, documents decoded              < 100 ms
    changes    what one cycle changed, by field                                        < 300 ms
    open       the findings open at a time (1 % of the resources fail), all columns     < 50 ms

``value`` is the worst of the eight as a share of its target (so 1.0 is the limit), ``floor`` the same for raw sqlite3 that
fetches and decodes the same rows and does nothing else. Times are of this process on SQLite, of the clock on a server.
``due_us`` is the outbox's price a resource (decoding included).
``--url`` asks another database than SQLite: an empty PostgreSQL; it has no floor.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from bench.common import START, new_database, rss_mb
from config.settings import StorageSettings
from policies.policy import Language, Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.memory import Estate
from providers.provider import Severity
from providers.resource import Coverage, CoverageStatus
from storage.database import Database
from storage.findings import FindingFilter, Findings, FindingStatus
from storage.history import History
from storage.inventory import Inventory
from storage.query import Filter
from storage.tables import VERSION

PER_SCOPE = 200
TARGETS = {"timeline": 5.0, "account": 100.0, "changes": 300.0, "open": 50.0}
"""Milliseconds."""
REPEAT = 7
BATCH = 500
POLICY = Policy(
    id="bench.encrypted",
    title="Is encrypted",
    description="",
    phase=Phase.PREPARATION,
    severity=Severity.HIGH,
    language=Language.REGO,
    source="",
    path=Path("policy.rego"),
    line=1,
    digest=b"digest",
)


@dataclass(frozen=True, kw_only=True)
class Past:
    """A history that was made."""

    estate: Estate
    cycles: int
    first_bytes: int
    """The size after the first ingest."""
    versions: int
    """Versions after the first of each resource."""

    def at(self, cycle: int) -> datetime:
        """When a cycle was."""
        return START + timedelta(hours=cycle)


def make(database: Database, resources: int, cycles: int) -> Past:
    """One first reading, then ``cycles`` hours in each of which 1 % changes, told by re-reads (partial readings)."""
    estate = Estate(resources=resources, scopes=max(1, resources // PER_SCOPE))
    inventory, findings = Inventory(database), Findings(database)
    scopes = estate.all_scopes()
    for scope in scopes:
        recording = inventory.begin(scope, START)
        found = list(estate.read(scope))
        recording.add(found)
        recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(found)))
    judge(inventory, findings, START, 0)
    first, versions = compacted(database), 0
    step = max(1, resources // 100)
    for cycle in range(1, cycles + 1):
        at = START + timedelta(hours=cycle)
        number = cycle % 100
        with database.write():
            for index in range(number, resources, 100) if step > 1 else (number,):
                uid = estate.uid(index)
                estate.change(uid, {"Status": f"changed in {cycle}", "Encrypted": cycle % 3 > 0})
                versions += (
                    inventory.record_one(estate.get(estate.generated(index).ref), at, cycle) is not None
                )
        judge(inventory, findings, at, cycle)
    return Past(estate=estate, cycles=cycles, first_bytes=first, versions=versions)


def judge(inventory: Inventory, findings: Findings, at: datetime, cycle: int) -> None:
    """One in a hundred fails, others than in the cycle before."""
    for batch in inventory.due():
        verdicts = [
            Verdict(
                policy_id=POLICY.id,
                policy_digest=POLICY.digest,
                uid=r.uid,
                input_digest=r.digest,
                outcome=Outcome.FAIL if (r.resource_id + cycle) % 100 == 0 else Outcome.PASS,
                messages=(Message(text="It is not encrypted."),)
                if (r.resource_id + cycle) % 100 == 0
                else (),
            )
            for r in batch
        ]
        findings.apply(verdicts, {POLICY.id: POLICY}, at=at, settled=[r.ticket for r in batch])


def compacted(database: Database) -> int:
    """Bytes on disk, the write-ahead log emptied."""
    if database.sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.rollback()
    return database.size()


def timed(ask: Callable[[], int], clock: Callable[[], float] = time.process_time) -> tuple[float, int]:
    """The best of several, in ms of this process (of the clock for a server), and how many rows were found."""
    seconds, found = [], 0
    for _ in range(REPEAT):
        started = clock()
        found = ask()
        seconds.append(clock() - started)
    return min(seconds) * 1000, found


def questions(database: Database, past: Past) -> dict[str, tuple[float, int]]:
    """Each question: ms, rows."""
    history, findings = History(database), Findings(database)
    often = past.estate.uid(1)
    middle = past.at(past.cycles // 2)
    account = Filter(accounts=frozenset({past.estate.scope(0).account}))
    clock = time.process_time if database.sqlite else time.perf_counter
    open_then = FindingFilter(status=FindingStatus.OPEN)
    return {
        "timeline": timed(lambda: len(history.timeline(often)), clock),
        "account": timed(lambda: sum(map(len, history.at(middle, account))), clock),
        "changes": timed(lambda: sum(1 for _ in history.diff(past.at(past.cycles // 2 - 1), middle)), clock),
        "open": timed(lambda: sum(map(len, findings.find(open_then, middle))), clock),
    }


def floors(database: Database, past: Past) -> dict[str, tuple[float, int]]:
    """The same rows by raw sqlite3, decompressed and parsed."""
    connection: Any = database.engine.raw_connection()
    cursor = connection.cursor()
    codecs = database.codecs
    middle = past.at(past.cycles // 2)
    now = int(middle.timestamp()) * 1_000_000
    then = now - 3_600_000_000

    def decoded(query: str, *values: object) -> int:
        rows = cursor.execute(query, values).fetchall()
        for start in range(0, len(rows), BATCH):  # as many documents at once as we give out
            _batch = [orjson.loads(codecs.decode(codec, data)) for codec, data in rows[start : start + BATCH]]
        return len(rows)

    account = past.estate.scope(0).account
    begun = "SELECT resource_id FROM version WHERE valid_from > ? AND valid_from <= ?"
    asked: dict[str, Callable[[], int]] = {
        "timeline": lambda: decoded(
            "SELECT codec_id, data FROM version JOIN resource ON id = resource_id WHERE uid = ?",
            past.estate.uid(1),
        ),
        "account": lambda: decoded(
            "SELECT codec_id, data FROM scope JOIN resource ON place_id = scope.id JOIN version ON "
            "resource_id = resource.id WHERE account = ? AND valid_from <= ? AND valid_to > ?",
            account,
            now,
            now,
        ),
        "changes": lambda: decoded(
            f"SELECT codec_id, data FROM version WHERE resource_id IN ({begun}) "
            "AND valid_from <= ? AND valid_to > ?",
            then,
            now,
            now,
            then,
        ),
        "open": lambda: len(
            cursor.execute(
                "SELECT * FROM finding JOIN resource ON resource.id = resource_id WHERE opened_at <= ? AND resolved_at > ?",
                (now, now),
            ).fetchall()
        ),
    }
    try:
        return {name: timed(ask) for name, ask in asked.items()}
    finally:
        connection.close()


def due_us(database: Database) -> float:
    """Microseconds a resource of walking the outbox when everything is in it; the outbox is emptied afterwards."""
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO due SELECT id, 0, 0, false FROM resource WHERE deleted_at IS NULL "
            "AND id NOT IN (SELECT resource_id FROM due)"
        )
    clock = time.process_time if database.sqlite else time.perf_counter
    started = clock()
    count = sum(len(batch) for batch in Inventory(database).due())
    seconds = clock() - started
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM due")
    return round(seconds / max(1, count) * 1e6, 1)


def one(database: Database, resources: int, cycles: int) -> dict[str, Any]:
    """A history, its questions, its floors."""
    past = make(database, resources, cycles)
    gc.freeze()  # as the commands and the daemon do
    size = compacted(database)
    with database.read() as connection:
        stored = connection.scalar(sa.select(sa.func.count()).select_from(VERSION))
    assert stored == resources + past.versions
    asked = questions(database, past)
    raw = floors(database, past) if database.sqlite else {}
    return {
        "cycles": cycles,
        "resources": resources,
        "versions": stored,
        "ms": {name: round(ms, 2) for name, (ms, _) in asked.items()},
        "rows": {name: rows for name, (_, rows) in asked.items()},
        "floor_ms": {name: round(ms, 2) for name, (ms, _) in raw.items()},
        "share": max(ms / TARGETS[name] for name, (ms, _) in asked.items()),
        "floor_share": max((ms / TARGETS[name] for name, (ms, _) in raw.items()), default=None),
        "bytes_per_resource": round(past.first_bytes / resources),
        "bytes_per_version": round((size - past.first_bytes) / max(1, past.versions)),
        "due_us": due_us(database),
    }


@contextmanager
def database(url: str | None) -> Iterator[Database]:
    """SQLite that is gone afterwards, or the one named, emptied first."""
    if url is None:
        with new_database() as made:
            yield made
        return
    with Database.open(StorageSettings(url=url)) as there:
        if there.status().state != "empty":
            raise SystemExit("the database named by --url must be empty")
        there.migrate()
        yield there


def measure(count: int, url: str | None = None) -> dict[str, Any]:
    """The benchmark's one object."""
    results: list[dict[str, Any]] = []
    for resources, cycles in ((count, 30), (max(PER_SCOPE * 10, count // 10), 1_000)):
        if url is not None and results:
            break
        with database(url) as made:
            results.append(one(made, resources, cycles))
    worst = max(results, key=lambda r: float(r["share"]))
    return {
        "name": "history",
        "n": count,
        "value": round(worst["share"], 3),
        "unit": "of its target",
        "floor": None if url else round(worst["floor_share"], 3),
        "ratio": None if url else round(worst["share"] / worst["floor_share"], 3),
        "rss_mb": rss_mb(),
        "target": "<= 1",
        "histories": results,
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=50_000, help="resources")
    parser.add_argument("--url", help="an empty PostgreSQL database instead of SQLite")
    arguments = parser.parse_args()
    result = measure(arguments.n, arguments.url)
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
