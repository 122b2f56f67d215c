"""Versions by time, on PostgreSQL: those in force in one partition, those that ended in one for each month of their end.

A version that is closed moves to the month of its end, so the months are appended to and then left alone: dense, cheap to
vacuum, and passed over by every question about a later time. What retention leaves empty is dropped whole. A month's partition
is made by whoever first ends a version in it; the daemon's daily keeping makes the next ones ahead of time, so that it is
there already. On SQLite none of this exists, and each function here does nothing (decision 0151).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage.database import Database
from storage.errors import StorageError
from storage.state import read_state, write_state
from storage.times import OPEN, from_us, to_us

AHEAD = 2
"""How many months after the present one are made ahead of time."""
REWRITTEN = "partitions.rewritten"
"""The state that says which months were written anew after which stage of thinning."""
WAIT = "2s"
"""Dropping a partition keeps readers out while it waits for those that are there: not for long, then tomorrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The partition of the versions that ended in [start, stop)."""

    name: str
    start: datetime
    stop: datetime
    bytes: int
    """Its rows and indexes on disk."""


def ensure(connection: Connection, ends: Iterable[int]) -> None:
    """See that there is a partition for versions that end at these times, within the writer's transaction."""
    if connection.dialect.name == "sqlite":
        return
    days = {end // _DAY for end in ends if end < OPEN}
    if days:
        moments = sa.func.unnest(
            sa.bindparam("moments", [d * _DAY for d in sorted(days)], sa.ARRAY(sa.BigInteger))
        )
        connection.execute(sa.select(sa.func.version_month(moments.column_valued("moment"))))


_DAY = 86_400_000_000


def make_ahead(database: Database, now: datetime) -> None:
    """Make this month's partition and the next :data:`AHEAD`. Raises StorageError."""
    if database.sqlite:
        return
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    wanted = []
    for _ in range(AHEAD + 1):
        wanted.append(to_us(month))
        month = _next(month)
    with database.read() as connection:
        there = {to_us(m.start) for m in _months(connection)}
    if not there.issuperset(wanted):
        with database.write() as connection:
            ensure(connection, wanted)


def months(database: Database) -> list[Month]:
    """The partitions of what has ended, oldest first; none on SQLite. Raises StorageError."""
    if database.sqlite:
        return []
    with database.read() as connection:
        return _months(connection)


def tidy(database: Database, cuts: Sequence[datetime], now: datetime) -> list[str]:
    """Drop the months that thinning left empty, and write those anew that lie wholly before one of ``cuts`` (the times before
    which a stage of thinning is through with them) and were not since: their room is given back to the system.

    Returns what was done, as text. What cannot be done now, for somebody is reading or the user is not the tables' owner, is
    left for the next time.
    """
    if database.sqlite:
        return []
    return [*_drop_empty(database, max(cuts)), *_rewrite(database, cuts, now)]


def _drop_empty(database: Database, before: datetime) -> list[str]:
    done: list[str] = []
    for month in months(database):
        if month.stop > before:
            continue
        try:
            with database.write() as connection:
                connection.execute(sa.select(sa.func.set_config("lock_timeout", WAIT, True)))
                if connection.scalar(sa.select(sa.func.version_month_drop(month.name))):
                    done.append(f"dropped {month.name}")
        except StorageError:
            return done
    return done


def _rewrite(database: Database, cuts: Sequence[datetime], now: datetime) -> list[str]:
    done: list[str] = []
    with database.read() as connection:
        stages: dict[str, int] = read_state(connection, REWRITTEN) or {}
    there = months(database)
    for month in there:
        stage = sum(month.stop <= cut for cut in cuts)
        if stage <= stages.get(month.name, 0):
            continue
        try:
            if not _vacuum_full(database, month.name):
                break
        except StorageError:
            break
        stages[month.name] = stage
        done.append(f"wrote {month.name} anew")
    if done:
        names = {m.name for m in there}
        kept = {name: stage for name, stage in stages.items() if name in names}
        with database.write() as connection:
            write_state(connection, REWRITTEN, kept, to_us(now))
    return done


def _vacuum_full(database: Database, name: str) -> bool:
    """Write a month anew, if we own it. No transaction may be open around it; readers of that month wait meanwhile."""
    with database.autocommit() as connection:
        owner = sa.text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:name)")
        if not connection.scalar(owner, {"name": name}):
            return False
        connection.exec_driver_sql(f"SET lock_timeout = '{WAIT}'")
        try:
            connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {name}")
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
    return True


_MONTHS = sa.text(
    """
    SELECT child.relname AS name, pg_get_expr(child.relpartbound, child.oid) AS bounds,
        pg_total_relation_size(child.oid) AS bytes
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = to_regclass('version') AND child.relname <> 'version_open'
    """
)


def _months(connection: Connection) -> list[Month]:
    return sorted((_month(row) for row in connection.execute(_MONTHS)), key=lambda month: month.start)


def _month(row: Any) -> Month:
    """PostgreSQL gives a range as ``FOR VALUES FROM ('1767225600000000') TO ('1769904000000000')``."""
    _, start, _, stop, _ = row.bounds.split("'")
    return Month(name=row.name, start=_time(start), stop=_time(stop), bytes=row.bytes)


def _time(text: str) -> datetime:
    return from_us(min(int(text), _LAST))


_LAST = to_us(datetime.max.replace(tzinfo=UTC))


def _next(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
