"""A whole unchanged cycle: the real daemon's, from discovery to its sentence, over an in-memory cloud (target: at most 1.5).

The cloud's documents are made beforehand and shared by resources of different accounts, so that reading costs next to
nothing; that rest is measured alone and taken off. The floor is what no way of noticing a change can do without: the sorted
JSON of each document, and its SHA-256, in one plain loop of one thread. CPU seconds of the whole process. The benchmark fails if the second cycle evaluates
a policy or writes a row per resource.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import structlog
from sqlalchemy import event

from bench.common import estate, rss_mb, run
from config.clouds import Budget
from config.secrets import Secrets
from config.settings import Settings
from daemon.garbage import settle
from daemon.reading import Limits, Readings
from daemon.report import CycleReport
from daemon.watch import Watch
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from providers.resource import Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope
from storage.database import Database

DOCUMENTS = 20_000
"""How many different documents there are."""

TIMES = 3
"""How often each part is measured; the median counts."""

POLICY = """\
# METADATA
# title: Buckets are encrypted
# custom: {id: bench.encrypted, severity: high, types: ["memory.bucket"]}
package bench.encrypted

deny contains "not encrypted" if input.asset.document.Encrypted == false
"""


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class SharedDocuments(MemoryProvider):
    """The in-memory cloud, with documents made once and used in many accounts."""

    def __init__(self, made: Estate) -> None:
        super().__init__(made)
        self.documents = [made.generated(index) for index in range(min(made.resources, DOCUMENTS))]

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope, from memory."""
        return Reading(scope, self._shared(scope))

    def _shared(self, scope: Scope) -> Iterator[Resource | Coverage]:
        number, read = self.estate.all_scopes().index(scope), 0
        for index in range(number, self.estate.resources, self.estate.scopes):
            made = self.documents[index % len(self.documents)]
            ref = ResourceRef(
                provider=scope.provider,
                account=scope.account,
                region=scope.region,
                type=scope.type,
                uid=f"mem:{index}",
            )
            yield Resource(ref=ref, name=made.name, document=made.document, tags=made.tags)
            read += 1
        yield Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read)


def nothing(_scope: str, _batch: list[Resource]) -> None:
    """What is done with a batch where only reading is measured."""


def reading(cloud: SharedDocuments) -> float:
    """CPU seconds of reading everything as a cycle does, and doing nothing with it."""
    budget = Budget()
    limits = Limits(concurrency=budget.concurrency, scope_deadline=budget.scope_deadline)
    began = time.process_time()
    for _ in Readings(cloud, cloud.estate.all_scopes(), limits, threading.Event(), str, nothing):
        pass
    return time.process_time() - began


def hashing(cloud: SharedDocuments) -> float:
    """The floor: CPU seconds of one plain loop over the same documents in the same order, in one thread."""
    documents, scopes = [resource.document for resource in cloud.documents], cloud.estate.scopes
    order = [
        documents[index % len(documents)]
        for number in range(scopes)
        for index in range(number, cloud.estate.resources, scopes)
    ]
    began = time.process_time()
    for document in order:
        hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()
    return time.process_time() - began


class Written:
    """Counts the rows that statements insert, change or delete."""

    def __init__(self, database: Database) -> None:
        self.rows = 0
        event.listen(database.engine, "after_cursor_execute", self._count)

    def _count(self, _connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            self.rows += max(0, cursor.rowcount)


def unchanged(report: CycleReport, count: int) -> None:
    """Fail unless the cycle read everything and found nothing to do."""
    if report.evaluated or report.created or report.changed or report.deleted or report.read != count:
        raise SystemExit(f"an unchanged estate is not unchanged: {report.sentence}")


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    made = estate(count)
    cloud = SharedDocuments(made)
    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder:
        policy = Path(folder) / "encrypted.rego"
        policy.write_text(POLICY)
        settings = Settings.model_validate(
            {
                "storage": {"url": f"sqlite:///{folder}/bench.db"},
                "policies": {"packs": [], "paths": [str(policy)], "workers": 1},
            }
        )
        watch = Watch.open(settings, clock=now, secrets=Secrets(os.environ), providers={"memory": cloud})
        try:
            watch.cycle(Selection(), kind="bench")
            settle()  # as the daemon does when it has started
            alone = median(reading(cloud) for _ in range(TIMES))
            floor = median(hashing(cloud) for _ in range(TIMES))
            counted, took = Written(watch.database), []
            for _ in range(TIMES):
                started = time.process_time()
                report = watch.cycle(Selection(), kind="bench")
                took.append(time.process_time() - started)
                unchanged(report, count)
        finally:
            watch.close()
    if counted.rows > TIMES * (len(made.all_scopes()) + 100):
        raise SystemExit(
            f"{counted.rows} rows were written in {TIMES} cycles over {count} unchanged resources"
        )
    ours = median(took) - alone
    return {
        "name": "cycle",
        "n": count,
        "value": round(ours, 3),
        "unit": "CPU s",
        "floor": round(floor, 3),
        "ratio": round(ours / floor, 3),
        "rss_mb": rss_mb(),
        "target": "<= 1.5",
        "rows_written": counted.rows // TIMES,
        "reading_alone": round(alone, 3),
    }


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__)


if __name__ == "__main__":
    main()
