"""Backup, restore and moving: a whole database as one consistent copy, all of it or nothing.

A backup is a SQLite file with our schema, whichever database it is of: it can be opened, asked and restored into either.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.settings import StorageSettings
from storage import bulk, partitions, search
from storage.database import Database
from storage.errors import Damaged, Full, Unavailable
from storage.ledger import Ledger
from storage.tables import CODEC, STATE, VERSION, Table

ROWS = 2_000
"""How many rows are in memory at once."""


def backup(database: Database, target: Path) -> int:
    """Write a backup of a running database to a file that is not there yet; returns its bytes. The file appears when it is
    whole. A SQLite database may be of an older schema: one makes a backup before one migrates. Raises StorageError."""
    if not database.sqlite or database.status().state != "behind":
        database.require_schema()
    with _arriving(target) as part:
        if database.sqlite:
            _sqlite_copy(database, part)
        else:
            with Database.open(StorageSettings(url=f"sqlite:///{part}")) as made:
                made.migrate()
                _copied(database, made)
                _one_file(made)
    return target.stat().st_size


def restore(file: Path, database: Database, now: datetime, *, actor: str) -> dict[str, int]:
    """Fill an empty database from a backup, of an older schema too; returns the rows by table. The backup is not touched.
    The last entry of the restored ledger says who did it.

    Raises StorageError where there is no such backup, it is damaged, or the database is not empty.
    """
    if not file.is_file():
        raise Unavailable(f"There is no backup at {file}.", hint="Give the file that `db backup` wrote.")
    try:
        with tempfile.TemporaryDirectory(prefix="watchstander-restore-") as folder:
            own = Path(folder) / "backup.db"
            shutil.copyfile(file, own)
            with Database.open(StorageSettings(url=f"sqlite:///{own}")) as source:
                source.migrate()
                detail = {"backup": str(file)}
                return _copied(
                    source,
                    database,
                    lambda ledger: ledger.append("database.restored", actor, "database", detail, now),
                )
    except OSError as error:
        raise Full(
            f"{file} could not be copied to a temporary place: {error.strerror}.",
            hint="Make room, or set TMPDIR to a place that has some.",
        ) from error


def copy(source: Database, target: Database, now: datetime, *, actor: str) -> dict[str, int]:
    """Copy everything there is, as one snapshot into one transaction; returns the rows by table. ``target`` must hold nothing.
    The last entry of its ledger says who did it.

    Raises StorageError; then ``target`` holds nothing still. Damaged where the copied ledger does not verify.
    """
    detail = {"from": source.where}
    return _copied(
        source, target, lambda ledger: ledger.append("database.copied", actor, "database", detail, now)
    )


def _copied(
    source: Database, target: Database, enter: Callable[[Ledger], object] | None = None
) -> dict[str, int]:
    source.require_schema()
    target.migrate()
    counts = {}
    with source.read() as there, target.write() as here:
        _refuse_filled(here, target)
        here.execute(sa.delete(CODEC))  # the row of the first migration: the source has its own
        for table in Table.metadata.sorted_tables:
            counts[table.name] = _copy_table(there, here, table)
            if not target.sqlite:
                _set_sequence(here, table)
        here.execute(sa.delete(STATE).where(STATE.c.key.in_((search.STATE, partitions.REWRITTEN))))
        ledger = Ledger(target)
        verified = ledger.verify_within(here)
        if not verified.ok:
            raise Damaged(
                f"The ledger of {source.where} does not verify: {verified.why}",
                hint="Run `watchstander audit verify` on it; nothing has been copied.",
            )
        if enter is not None:
            enter(ledger)
    return counts


def _copy_table(there: Connection, here: Connection, table: sa.Table) -> int:
    columns = tuple(column.name for column in table.columns)
    total = 0
    query = sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS)
    with there.execute(query) as result:
        for rows in result.partitions():
            if table is VERSION:
                partitions.ensure(here, {row.valid_to for row in rows})
            bulk.insert(here, table, columns, [tuple(row) for row in rows])
            total += len(rows)
    return total


def _set_sequence(here: Connection, table: sa.Table) -> None:
    """Let new ids begin after those that were copied."""
    key = list(table.primary_key.columns)
    if len(key) != 1 or not isinstance(key[0].type, sa.BigInteger):
        return
    name = here.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, key[0].name)))
    last = here.scalar(sa.select(sa.func.max(key[0])))
    if name is not None and last:
        here.execute(sa.select(sa.func.setval(name, last)))


def _refuse_filled(here: Connection, target: Database) -> None:
    for table in Table.metadata.sorted_tables:
        if table is not CODEC and here.scalar(sa.select(sa.exists(sa.select(1).select_from(table)))):
            raise Unavailable(
                f"{target.where} is not empty: table {table.name} has rows.",
                hint="Give an empty database (move the SQLite file away, or `createdb` a new one).",
            )


def _sqlite_copy(database: Database, part: Path) -> None:
    """SQLite's online backup in one step: a snapshot, while others go on writing."""
    source: Any = database.engine.raw_connection()
    try:
        made = sqlite3.connect(part)
        try:
            source.driver_connection.backup(made, pages=-1)
            (said,) = made.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            made.close()
    except sqlite3.Error as error:
        kind = Damaged if "malformed" in str(error) or "not a database" in str(error) else Full
        raise kind(f"The backup failed: {error}.", hint="Run `watchstander db check`; make room.") from error
    finally:
        source.close()
    if said != "ok":
        raise Damaged(f"{database.where} is damaged: {said}.", hint="Run `watchstander db check`.")


def _one_file(made: Database) -> None:
    """Everything into the file itself, so that the file alone is the backup."""
    connection: Any = made.engine.raw_connection()
    try:
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


@contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """A file beside ``target`` that takes its name when it is whole and on the disk, and goes when it is not."""
    if target.exists():
        raise Unavailable(f"{target} exists already.", hint="Give another name: a backup replaces nothing.")
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            yield part
            descriptor = os.open(part, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            part.rename(target)
        finally:
            for suffix in ("", "-wal", "-shm", "-journal", ".lock"):
                part.with_name(part.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            f"{target} cannot be written: {error.strerror}.",
            hint="Check that the folder exists and has room.",
        ) from error
