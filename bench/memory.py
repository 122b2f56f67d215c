"""Resident memory of recording: first ingest, an unchanged cycle and a walk over everything, at 10,000 and at n resources.

Each size runs in a process of its own; ``floor`` is the small one, ``ratio`` the large over the small (target: at most 1.3).
``one_scope_mb`` is the worst case: all n resources in a single scope, whose digests must be in memory at once.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

from bench.common import START, batches, estate, new_database, rss_mb, run
from providers.memory.estate import Estate
from providers.resource import Coverage, CoverageStatus
from storage.inventory import Inventory

SMALL = 10_000


def work(made: Estate) -> float:
    """Do it all; returns the most memory used, in MB."""
    with new_database() as database:
        inventory = Inventory(database)
        for cycle in range(2):
            for scope in made.all_scopes():
                recording, read = inventory.begin(scope, START + timedelta(hours=cycle)), 0
                for batch in batches(made, scope):
                    recording.add(batch)
                    read += len(batch)
                recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read))
        for found in (inventory.find(), inventory.due()):
            if sum(len(batch) for batch in found) != made.resources:
                raise SystemExit("resources are missing")
    return rss_mb()


def apart(count: int, scopes: int) -> float:
    """The same in a process of its own."""
    code = f"from bench.memory import *; print(work(Estate(resources={count}, scopes={scopes})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    small, large = apart(SMALL, estate(SMALL).scopes), apart(count, estate(count).scopes)
    return {
        "name": "memory",
        "n": count,
        "value": large,
        "unit": "MB",
        "floor": small,
        "ratio": round(large / small, 3),
        "rss_mb": large,
        "target": "<= 1.3",
        "one_scope_mb": apart(count, 1),
    }


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__)


if __name__ == "__main__":
    main()
