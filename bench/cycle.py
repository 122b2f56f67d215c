"""A whole unchanged cycle: the real daemon's, from discovery to its sentence, over the in-memory cloud (target: at most 1.5).

What the in-memory cloud costs (making every document, handing it over in the same threads) is measured alone and taken
off. The floor is what no way of noticing a change can do without: the sorted JSON of each document, and its SHA-256. CPU
seconds. The benchmark fails if the second cycle evaluates a policy or writes a row per resource.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from bench.common import estate, rss_mb, run
from config.secrets import Secrets
from config.settings import Budget, Settings
from daemon.reading import Limits, Readings
from daemon.watch import Watch
from providers.memory import Estate, MemoryProvider
from providers.provider import Selection
from providers.resource import Coverage
from storage.database import Database

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


def reading(made: Estate) -> tuple[float, float]:
    """(CPU seconds of reading alone, CPU seconds of hashing every document)."""
    budget = Budget()
    limits = Limits(concurrency=budget.concurrency, scope_deadline=budget.scope_deadline)
    hashing, clock = 0.0, time.process_time
    began = clock()
    for _, _, piece in Readings(MemoryProvider(made), made.all_scopes(), limits, threading.Event(), str):
        if isinstance(piece, Coverage):
            continue
        started = time.thread_time()
        for resource in piece:
            hashlib.sha256(orjson.dumps(resource.document, option=orjson.OPT_SORT_KEYS)).digest()
        hashing += time.thread_time() - started
    return clock() - began - hashing, hashing


def written(database: Database) -> int:
    """Rows written by this process so far."""
    with database.write() as connection:
        return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    made = estate(count)
    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder:
        policy = Path(folder) / "encrypted.rego"
        policy.write_text(POLICY)
        settings = Settings.model_validate(
            {
                "storage": {"url": f"sqlite:///{folder}/bench.db"},
                "policies": {"packs": [], "paths": [str(policy)], "workers": 1},
            }
        )
        watch = Watch.open(
            settings, clock=now, secrets=Secrets(os.environ), providers={"memory": MemoryProvider(made)}
        )
        try:
            watch.cycle(Selection(), kind="bench")
            alone, floor = reading(made)
            before, started = written(watch.database), time.process_time()
            report = watch.cycle(Selection(), kind="bench")
            whole = time.process_time() - started
            rows = written(watch.database) - before
        finally:
            watch.close()
    if report.evaluated or report.created or report.changed or report.deleted or report.read != count:
        raise SystemExit(f"an unchanged estate is not unchanged: {report.sentence}")
    if rows > 2 * len(made.all_scopes()) + 100:
        raise SystemExit(f"{rows} rows were written for {count} unchanged resources")
    ours = whole - alone
    return {
        "name": "cycle",
        "n": count,
        "value": round(ours, 3),
        "unit": "CPU s",
        "floor": round(floor, 3),
        "ratio": round(ours / floor, 3),
        "rss_mb": rss_mb(),
        "target": "<= 1.5",
        "rows_written": rows,
        "reading_alone": round(alone, 3),
    }


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__)


if __name__ == "__main__":
    main()
