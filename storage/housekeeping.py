"""How much there is, and letting go of what is old. What is open now, findings and the ledger are never let go of."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage import partitions
from storage.database import Database
from storage.retention import let_go, unpinned
from storage.tables import DEAD_LETTER, EVENT, VERSION, Table
from storage.times import OPEN, to_us

BATCH = 5_000
"""Rows deleted in one transaction, so that a writer never waits long."""


def contents(database: Database) -> dict[str, int]:
    """Rows by table."""
    with database.read() as connection:
        return {
            table.name: int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
            for table in Table.metadata.sorted_tables
        }


def prune(database: Database, before: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Delete versions that ended before a time, and events and dead letters from before it; counts by table.

    A resource keeps its row, so that it is known to have been; its newest version stays while it lives, and what a
    baseline holds. Raises
    StorageError; what was deleted by then stays deleted.
    """
    moment = to_us(before)
    conditions = {
        "versions": (VERSION, sa.and_(VERSION.c.valid_to < OPEN, VERSION.c.valid_to < moment, unpinned())),
        "events": (EVENT, EVENT.c.received_at < moment),
        "dead letters": (DEAD_LETTER, DEAD_LETTER.c.at < moment),
    }
    counts = {}
    for name, (table, condition) in conditions.items():
        if dry_run:
            with database.read() as connection:
                query = sa.select(sa.func.count()).select_from(table).where(condition)
                counts[name] = int(connection.scalar(query) or 0)
        else:
            counts[name] = (
                _versions(database, condition) if table is VERSION else _delete(database, table, condition)
            )
    if not dry_run:
        partitions.tidy(database, [before], before)
    return counts


def _versions(database: Database, condition: sa.ColumnElement[bool]) -> int:
    total = 0
    while done := let_go(database, condition):
        total += done
    return total


def _delete(database: Database, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    total = 0
    key = list(table.primary_key.columns)
    while True:
        with database.write() as connection:
            doomed = sa.select(*key).where(condition).limit(BATCH)
            done = connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(doomed)))
        total += done.rowcount
        if done.rowcount < BATCH:
            return total
