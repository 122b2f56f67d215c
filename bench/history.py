"""Asking the past: each question at 30 and at 1,000 cycles of history, an hour apart, 1 % of the resources changed in each.

    timeline   everything that happened to the resource that changed most often         < 5 ms
    account    one account (2,000 resources) as it was, documents decoded              < 100 ms
    changes    what one cycle changed, by field                                        < 300 ms
    open       the findings open at a time (1 % of the resources fail), all columns     < 50 ms

``value`` is the worst of the eight as a share of its target (so 1.0 is the limit), ``floor`` the same for the bare driver
(sqlite3, psycopg) that fetches and decodes the same rows by one statement and does nothing else. Times are of this process on
SQLite, of the clock on a server. What changes is drawn at random, with a seed. ``due_us`` is the outbox's price a resource.

``--url`` asks an empty PostgreSQL instead of SQLite, ``--cycles`` another history, ``--keep`` a history made before (it is not
made again, and has no sizes).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from bench.common import START, new_database, rss_mb
from config.settings import StorageSettings
from daemon.garbage import settle
from policies.policy import Language, Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.memory.estate import Estate
from providers.provider import Severity
from providers.resource import Coverage, CoverageStatus
from storage import documents
from storage.database import Database
from storage.findings import FindingFilter, Findings, FindingStatus
from storage.history import History
from storage.inventory import Inventory
from storage.observe import Context, Observer, Seen
from storage.query import Filter
from storage.rows import AT_ONCE, chunks
from storage.tables import CODEC, VERSION
from storage.times import to_us

PER_SCOPE = 200
TARGETS = {"timeline": 5.0, "account": 100.0, "changes": 300.0, "open": 50.0}
"""Milliseconds."""
REPEAT = 7
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
    often: str
    """The resource that changed most often."""

    def at(self, cycle: int) -> datetime:
        """When a cycle was."""
        return START + timedelta(hours=cycle)


def make(database: Database, resources: int, cycles: int) -> Past:
    """One first reading, then ``cycles`` hours in each of which 1 % changes, told by re-reads (partial readings)."""
    made = Estate(resources=resources, scopes=max(1, resources // PER_SCOPE))
    inventory, findings = Inventory(database), Findings(database)
    for scope in made.all_scopes():
        recording = inventory.begin(scope, START)
        found = list(made.read(scope))
        recording.add(found)
        recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(found)))
        judge(inventory, findings, START, 0)
    first, versions = compacted(database), 0
    for cycle, indexes in enumerate(changed(resources, cycles), start=1):
        at = START + timedelta(hours=cycle)
        seen = []
        for index in indexes:
            uid = made.uid(index)
            made.change(uid, {"Status": f"changed in {cycle}", "Encrypted": cycle % 3 > 0})
            resource = made.get(made.generated(index).ref)
            data = documents.encode(resource)
            seen.append(Seen(resource, data, documents.digest(uid, data)))
        for batch in chunks(seen, 1_000):
            with database.write() as connection:
                changes, _ = Observer(connection, database.codecs, context(at, cycle)).store(batch)
            versions += len(changes)
        judge(inventory, findings, at, cycle)
        rested(database)
    return Past(estate=made, cycles=cycles, first_bytes=first, versions=versions, often=often(made, cycles))


def changed(resources: int, cycles: int) -> Iterator[list[int]]:
    """Which resources change in each cycle: 1 %, drawn anew each time, the same each time this is called."""
    chance = random.Random(resources)
    for _ in range(cycles):
        yield sorted(chance.sample(range(resources), max(1, resources // 100)))


def often(made: Estate, cycles: int) -> str:
    """The resource that changed most often."""
    counts: Counter[int] = Counter()
    for indexes in changed(made.resources, cycles):
        counts.update(indexes)
    return made.uid(counts.most_common(1)[0][0] if counts else 0)


def context(at: datetime, cycle: int) -> Context:
    """As :meth:`Inventory.record_one` has it, for many at once."""
    return Context(
        at=to_us(at),
        cycle_id=cycle,
        actor=None,
        scope_id=None,
        covers=lambda _: True,
        first_contact=lambda _: False,
        stale=lambda _: False,
    )


def rested(database: Database) -> None:
    """What a server does by itself in the hour between two cycles."""
    if not database.sqlite:
        with database.autocommit() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE) version_open, resource, due, finding")


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
    """Bytes on disk, the write-ahead log emptied; on a server vacuumed, and without what an empty database has."""
    if not database.sqlite:
        with database.autocommit() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE)")
    else:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.rollback()
    return database.size() - empty_size(database)


def empty_size(database: Database) -> int:
    """What PostgreSQL's own catalogue takes in any database: 7 MB."""
    if database.sqlite:
        return 0
    with database.read() as connection:
        return int(connection.scalar(sa.text("SELECT pg_database_size('template1')")) or 0)


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
    middle = past.at(past.cycles // 2)
    account = Filter(accounts=frozenset({past.estate.scope(0).account}))
    clock = time.process_time if database.sqlite else time.perf_counter
    open_then = FindingFilter(status=FindingStatus.OPEN)
    return {
        "timeline": timed(lambda: len(history.timeline(past.often)), clock),
        "account": timed(lambda: sum(map(len, history.at(middle, account))), clock),
        "changes": timed(lambda: sum(1 for _ in history.diff(past.at(past.cycles // 2 - 1), middle)), clock),
        "open": timed(lambda: sum(map(len, findings.find(open_then, middle))), clock),
    }


FLOORS = {
    "timeline": (
        "SELECT codec_id, data FROM version JOIN resource ON id = resource_id WHERE uid = :uid "
        "ORDER BY valid_from"
    ),
    "account": (
        "SELECT codec_id, data FROM resource JOIN version ON resource_id = id WHERE place_id IN "
        "(SELECT id FROM scope WHERE account = :account) AND valid_from <= :now AND valid_to > :now"
    ),
    "changes": (
        "SELECT codec_id, data FROM version WHERE resource_id IN "
        "(SELECT resource_id FROM version WHERE valid_from > :then AND valid_from <= :now) "
        "AND valid_from <= :now AND valid_to > :then"
    ),
    "open": (
        "SELECT * FROM finding JOIN resource ON resource.id = resource_id "
        "WHERE opened_at <= :now AND resolved_at > :now"
    ),
}


def floors(database: Database, past: Past) -> dict[str, tuple[float, int]]:
    """The same rows by the bare driver, decompressed and parsed."""
    raw: Any = database.engine.raw_connection()
    cursor, codecs = raw.cursor(), database.codecs
    now = to_us(past.at(past.cycles // 2))
    values = {
        "uid": past.often,
        "account": past.estate.scope(0).account,
        "now": now,
        "then": now - 3_600_000_000,
    }
    with database.read() as connection:
        codecs.load(connection, connection.scalars(sa.select(CODEC.c.id)))

    def fetched(query: str) -> list[Any]:
        if not database.sqlite:
            query = re.sub(r":(\w+)", r"%(\1)s", query)
        found: list[Any] = cursor.execute(query, values).fetchall()
        return found

    def counted(query: str) -> int:
        return len(fetched(query))

    def decoded(query: str) -> int:
        rows = fetched(query)
        for part in chunks(rows, AT_ONCE):  # as many documents at once as we give out
            _batch = [orjson.loads(codecs.decode(codec, data)) for codec, data in part]
        return len(rows)

    clock = time.process_time if database.sqlite else time.perf_counter
    try:
        return {
            name: timed(partial(counted if name == "open" else decoded, query), clock)
            for name, query in FLOORS.items()
        }
    finally:
        raw.close()


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


def one(database: Database, resources: int, cycles: int, *, keep: bool = False) -> dict[str, Any]:
    """A history, its questions, its floors."""
    if keep:
        there = Estate(resources=resources, scopes=max(1, resources // PER_SCOPE))
        past = Past(estate=there, cycles=cycles, first_bytes=0, versions=0, often=often(there, cycles))
    else:
        past = make(database, resources, cycles)
    settle()  # as the commands and the daemon do
    size = compacted(database)
    with database.read() as connection:
        stored = connection.scalar(sa.select(sa.func.count()).select_from(VERSION))
    assert stored == resources + (past.versions or cycles * max(1, resources // 100))
    asked, raw = questions(database, past), floors(database, past)
    sizes = {
        "bytes_per_resource": round(past.first_bytes / resources),
        "bytes_per_version": round((size - past.first_bytes) / max(1, past.versions)),
        "due_us": due_us(database),
    }
    return {
        "cycles": cycles,
        "resources": resources,
        "versions": stored,
        "ms": {name: round(ms, 2) for name, (ms, _) in asked.items()},
        "rows": {name: rows for name, (_, rows) in asked.items()},
        "floor_ms": {name: round(ms, 2) for name, (ms, _) in raw.items()},
        "ratio": {name: round(ms / raw[name][0], 2) for name, (ms, _) in asked.items()},
        "share": max(ms / TARGETS[name] for name, (ms, _) in asked.items()),
        "floor_share": max(ms / TARGETS[name] for name, (ms, _) in raw.items()),
        **({} if keep else sizes),
    }


@contextmanager
def database(url: str | None, *, keep: bool) -> Iterator[Database]:
    """SQLite that is gone afterwards, or the one named: empty, or with a history that was made before."""
    if url is None:
        with new_database() as made:
            yield made
        return
    with Database.open(StorageSettings(url=url)) as there:
        if not keep and there.status().state != "empty":
            raise SystemExit("the database named by --url must be empty")
        there.migrate()
        yield there


def measure(
    count: int, url: str | None = None, cycles: int | None = None, *, keep: bool = False
) -> dict[str, Any]:
    """The benchmark's one object."""
    results: list[dict[str, Any]] = []
    smaller = max(PER_SCOPE * 10, count // 10)
    for resources, number in [(count, cycles)] if cycles else [(count, 30), (smaller, 1_000)]:
        if url is not None and results:
            break  # it is not empty any more
        with database(url, keep=keep) as made:
            results.append(one(made, resources, number, keep=keep))
    worst = max(results, key=lambda r: float(r["share"]))
    return {
        "name": "history",
        "n": count,
        "value": round(worst["share"], 3),
        "unit": "of its target",
        "floor": round(worst["floor_share"], 3),
        "ratio": round(worst["share"] / worst["floor_share"], 3),
        "rss_mb": rss_mb(),
        "target": "<= 1",
        "histories": results,
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=50_000, help="resources")
    parser.add_argument("--url", help="this database instead of a SQLite file that is gone afterwards")
    parser.add_argument("--cycles", type=int, help="one history of so many cycles, instead of 30 and 1,000")
    parser.add_argument(
        "--keep", action="store_true", help="ask the history that --url has, made by this before"
    )
    arguments = parser.parse_args()
    result = measure(arguments.n, arguments.url, arguments.cycles, keep=arguments.keep)
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
