"""Run as a script by test_crashes.py: writers are killed with -9 at random moments, and the store is examined each time.

    PYTHONPATH=. python tests/integration/storage/crash_driver.py URL ROUNDS SEED

The suite does a few rounds; 200 on each database are done by hand before a release (the database must be migrated and empty).
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from config.settings import StorageSettings
from policies.verdict import Message, Outcome, Verdict
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from storage.cycles import Cycles, CycleSummary
from storage.database import Database
from storage.events import Events
from storage.findings import Findings
from storage.inventory import Inventory
from storage.ledger import Ledger

START = datetime(2026, 1, 1, tzinfo=UTC)
RESOURCES = 60


def estate(round_: int) -> Estate:
    """The cloud as it is in a round: a function of the round, so that each process sees the same."""
    made = Estate(resources=RESOURCES, scopes=3)
    chance = random.Random(round_)
    for index in range(RESOURCES):
        if chance.random() < 0.3:
            made.change(made.uid(index), {"Encrypted": f"round {round_}", "Size": round_})
        if chance.random() < 0.1:
            made.delete(made.uid(index))
    return made


def cycle(database: Database, round_: int, beat: int) -> None:
    """One whole cycle; a byte goes to ``beat`` after each transaction."""
    inventory, at = Inventory(database), START + timedelta(hours=round_)
    cycles = Cycles(database)
    number = cycles.begin(at, Selection())
    provider = MemoryProvider(estate(round_))
    for scope in provider.discover(Selection()).scopes:
        recording = inventory.begin(scope, at, number)
        reading = provider.read(scope)
        resources = list(reading)
        for start in range(0, len(resources), 5):
            recording.add(resources[start : start + 5])
            os.write(beat, b".")
        recording.finish(reading.coverage)
        os.write(beat, b".")
    Ledger(database).append(
        "cycle", "driver", f"cycle {number}", {"round": round_}, at, key=f"cycle-{number}"
    )
    Events(database).first_time(f"event-{number}", at)
    for batch in inventory.due(7):
        verdicts = [
            Verdict(
                policy_id="p",
                policy_digest=b"p",
                uid=r.uid,
                input_digest=r.digest,
                outcome=Outcome.FAIL if "Size" in r.document else Outcome.PASS,
                messages=(Message(text=f"size {r.document.get('Size')}"),),
            )
            for r in batch
        ]
        settled = [r.ticket for r in batch]
        Findings(database).apply(verdicts, {"p": _policy()}, at=at, cycle_id=number, settled=settled)
        os.write(beat, b".")
    cycles.finish(number, at, CycleSummary(sentence=f"Round {round_}."))


def _policy():  # type: ignore[no-untyped-def]
    from pathlib import Path

    from policies.policy import Language, Phase, Policy
    from providers.provider import Severity

    return Policy(
        id="p",
        title="p",
        description="",
        phase=Phase.PREPARATION,
        severity=Severity.LOW,
        language=Language.REGO,
        source="",
        path=Path("p.rego"),
        line=1,
        digest=b"p",
    )


CHECKS = {
    "a resource without exactly its newest version open": """
        SELECT count(*) FROM resource r WHERE r.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM version v WHERE v.resource_id = r.id AND v.valid_from = r.changed_at
            AND v.valid_to = 4611686018427387904 AND v.digest = r.digest)""",
    "two versions open": """
        SELECT count(*) FROM (SELECT resource_id FROM version WHERE valid_to = 4611686018427387904
            GROUP BY resource_id HAVING count(*) > 1) x""",
    "an open version of a deleted resource": """
        SELECT count(*) FROM version v JOIN resource r ON r.id = v.resource_id
        WHERE r.deleted_at IS NOT NULL AND v.valid_to = 4611686018427387904""",
    "an orphan": """
        SELECT count(*) FROM version v WHERE NOT EXISTS (SELECT 1 FROM resource r WHERE r.id = v.resource_id)""",
    "overlapping versions": """
        SELECT count(*) FROM version a JOIN version b ON a.resource_id = b.resource_id
        AND a.valid_from < b.valid_from AND a.valid_to > b.valid_from""",
    "an open finding of a deleted resource": """
        SELECT count(*) FROM finding f JOIN resource r ON r.id = f.resource_id
        WHERE r.deleted_at IS NOT NULL AND f.resolved_at = 4611686018427387904""",
}


def examine(url: str) -> None:
    """Nothing is torn."""
    with Database.open(StorageSettings(url=url)) as database:
        with database.write():
            pass  # Our turn comes once the server has ended what the dead writer began: a commit may be under way still.
        with database.read() as connection:
            for what, query in CHECKS.items():
                assert connection.scalar(sa.text(query)) == 0, what
            if database.sqlite:
                assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
        inventory, findings = Inventory(database), Findings(database)
        due = {r.resource_id for batch in inventory.due() for r in batch}
        failing = {f.resource_id for batch in findings.find() for f in batch if f.resolved_at is None}
        for batch in inventory.find():
            for resource in batch:
                wrong = "Size" in resource.document
                assert resource.resource_id in due or wrong == (resource.resource_id in failing)
        assert Ledger(database).verify().ok


def main(url: str, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    for round_ in range(1, rounds + 1):
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ours)
            with Database.open(StorageSettings(url=url)) as database:
                while True:
                    cycle(database, round_, theirs)
        os.close(theirs)
        for _ in range(chance.randrange(1, 40)):
            if not os.read(ours, 1):
                break
        time.sleep(chance.uniform(0, 0.02))  # anywhere in a transaction, not only where one begins
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(ours)
        assert os.WIFSIGNALED(status), f"the writer ended by itself: {status}"
        examine(url)
    with Database.open(StorageSettings(url=url)) as database:
        left = Cycles(database).interrupted(START + timedelta(days=30))
        assert left, "no cycle was interrupted"
        ours, theirs = os.pipe()
        cycle(database, rounds + 1, theirs)
        inventory, cloud = Inventory(database), estate(rounds + 1)
        stored = {r.uid: r.document for batch in inventory.find() for r in batch}
        real = {r.uid: dict(r.document) for n in range(cloud.scopes) for r in cloud.read(cloud.scope(n))}
        assert stored == real
        assert inventory.due_count() == 0
    examine(url)
    sys.stdout.write(f"{rounds} kills, {len(left)} cycles interrupted\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
