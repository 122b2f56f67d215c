"""Growth over a simulated year: 1 % of the resources change every hour, and retention thins once a day, as the daemon does.

A small estate stands for a large one: what is kept is a matter of each resource's own changes, so bytes a resource do not hang on
how many there are (the share of a database's fixed pages shrinks). ``value`` is bytes a resource after the year, ``floor`` the
bytes of the compressed documents that are kept then, ``months`` the size at the end of each thirty days. The rules are the
defaults: all for 90 days, then the beginning of each day: a resource that changes every fourth day, as here, keeps nearly all of
its versions, so this grows in a line; the more often one changes in a day, the more is thinned. ``--url`` fills an empty PostgreSQL instead of a SQLite file.
"""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bench.common import START, rss_mb
from bench.history import changed, compacted, context, database, rested
from config.settings import RetentionSettings
from providers.memory.estate import Estate
from providers.resource import Coverage, CoverageStatus
from storage import documents
from storage.database import Database
from storage.inventory import Inventory
from storage.observe import Observer, Seen
from storage.partitions import make_ahead
from storage.retention import prune
from storage.tables import VERSION

DAYS = 365


def year(there: Database, count: int, days: int) -> dict[str, Any]:
    """Live through it."""
    made, inventory = Estate(resources=count, scopes=max(1, count // 200)), Inventory(there)
    for scope in made.all_scopes():
        recording, found = inventory.begin(scope, START), list(made.read(scope))
        recording.add(found)
        recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(found)))
    months, removed, written, rules = [], 0, 0, RetentionSettings()
    for hour, indexes in enumerate(changed(count, days * 24), start=1):
        at, seen = START + timedelta(hours=hour), []
        for index in indexes:
            uid = made.uid(index)
            made.change(uid, {"Status": f"changed in {hour}", "Encrypted": hour % 3 > 0})
            resource = made.get(made.generated(index).ref)
            data = documents.encode(resource)
            seen.append(Seen(resource, data, documents.digest(uid, data)))
        with there.write() as connection:
            written += len(Observer(connection, there.codecs, context(at, hour)).store(seen)[0])
        if hour % 24 == 0:
            make_ahead(there, at)
            removed += prune(there, rules, at, actor="bench").removed["versions"]
            rested(there)
        if hour % 720 == 0:
            months.append(round(compacted(there) / count))
    with there.read() as connection:
        kept = connection.execute(
            sa.select(sa.func.count(), sa.func.sum(sa.func.length(VERSION.c.data)))
        ).one()
    assert kept[0] == count + written - removed
    return {
        "bytes": compacted(there),
        "documents": int(kept[1]),
        "versions": {"written": written, "thinned": removed, "kept": int(kept[0])},
        "months": months,
    }


def measure(count: int, url: str | None = None, days: int = DAYS) -> dict[str, Any]:
    """The benchmark's one object."""
    with database(url, keep=False) as there:
        lived = year(there, count, days)
    return {
        "name": "growth",
        "n": count,
        "value": round(lived["bytes"] / count),
        "unit": "bytes a resource after a year",
        "floor": round(lived["documents"] / count),
        "ratio": round(lived["bytes"] / lived["documents"], 3),
        "rss_mb": rss_mb(),
        "target": "<= 400 a version",
        "bytes_per_version": round(lived["bytes"] / lived["versions"]["kept"]),
        "versions": lived["versions"],
        "months": lived["months"],
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=1_000, help="resources")
    parser.add_argument("--days", type=int, default=DAYS, help="how long")
    parser.add_argument("--url", help="an empty PostgreSQL database instead of a SQLite file")
    arguments = parser.parse_args()
    result = measure(arguments.n, arguments.url, arguments.days)
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
