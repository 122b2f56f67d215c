"""What is damaged, if anything: the schema, the file's pages, rows that contradict each other, documents, dictionaries, the ledger.

Every document is decompressed and held against the digest it was written with, so a changed byte anywhere is found. Nothing is
written. Each section goes on where another found damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from providers.normalise import DIGEST_BYTES
from storage import documents
from storage.database import Database
from storage.errors import Damaged, StorageError
from storage.ledger import Ledger
from storage.tables import CODEC, FINDING, RESOURCE, UNENFORCED, VERSION, Table
from storage.times import OPEN, from_us

ROWS = 2_000
MOST = 20
"""How many faults of one kind are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is damaged: ``where`` (schema, page, row, document, dictionary, ledger), what is wrong, and the way out."""

    where: str
    what: str
    hint: str


def check(database: Database, progress: Callable[[int], None] = lambda _versions: None) -> Iterator[Fault]:
    """Every fault there is, as it is found; at most :data:`MOST` of a kind one by one. ``progress`` is told how many versions
    have been read. Raises StorageError where the database cannot be asked at all."""
    database.require_schema()
    for section in (_schema, _pages, _orphans, _rows, lambda d: _documents(d, progress), _ledger):
        try:
            yield from section(database)
        except Damaged as error:
            yield Fault(where="page", what=error.message, hint=error.hint or _RESTORE)


_RESTORE = "Restore the last backup with `watchstander db restore`."


def _schema(database: Database) -> Iterator[Fault]:
    """Tables, columns and triggers that the schema's version has and the database has not."""
    with database.read() as connection:
        inspector = sa.inspect(connection)
        there = set(inspector.get_table_names())
        for table in Table.metadata.sorted_tables:
            if table.name not in there:
                yield Fault(where="schema", what=f"The table {table.name} is missing.", hint=_RESTORE)
                continue
            columns = {column["name"] for column in inspector.get_columns(table.name)}
            for name in sorted({column.name for column in table.columns} - columns):
                yield Fault(
                    where="schema", what=f"The column {name} of {table.name} is missing.", hint=_RESTORE
                )
        if database.sqlite:
            named = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {"ledger_no_update", "ledger_no_delete"}
        else:
            named = sa.text(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger'::regclass AND NOT tgisinternal AND tgenabled <> 'D'"
            )
            wanted = {"ledger_no_change", "ledger_no_truncate"}
        if "ledger" in there:
            for name in sorted(wanted - set(connection.scalars(named))):
                yield Fault(
                    where="schema",
                    what=f"The trigger {name}, which refuses changes of the ledger, is missing.",
                    hint="Somebody took it away. `watchstander audit verify` says whether the ledger was changed.",
                )


def _pages(database: Database) -> Iterator[Fault]:
    """SQLite's own check of its pages and indexes. PostgreSQL has amcheck for its own."""
    if not database.sqlite:
        return
    with database.read() as connection:
        for (said,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})"):
            if said != "ok":
                yield Fault(where="page", what=str(said), hint=_RESTORE)


def _orphans(database: Database) -> Iterator[Fault]:
    """Rows that point to a row that is gone; on PostgreSQL by the keys that it does not enforce itself. Of a dictionary that is gone,
    what is said of the documents is enough, and has a better way out."""
    with database.read() as connection:
        if database.sqlite:
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check")
            for table, row, parent, _ in islice((o for o in orphans if o[2] != CODEC.name), MOST):
                yield Fault(
                    where="row",
                    what=f"Row {row} of {table} points to a row of {parent} that is gone.",
                    hint=_RESTORE,
                )
            return
        for key in _unenforced():
            there = sa.select(1).where(key.column == key.parent)
            pointing = sa.select(key.parent).where(key.parent.is_not(None), ~sa.exists(there)).distinct()
            for number in connection.scalars(pointing.limit(MOST)):
                yield Fault(
                    where="row",
                    what=f"{key.parent} points to row {number} of {key.column.table.name}, which is gone.",
                    hint=_RESTORE,
                )


def _unenforced() -> list[sa.ForeignKey]:
    keys = (key for table in Table.metadata.sorted_tables for key in table.foreign_keys)
    return [key for key in keys if UNENFORCED in key.info and key.column.table is not CODEC]


def _rows(database: Database) -> Iterator[Fault]:
    """What can never be, whatever was recorded."""
    version, resource = VERSION.c, RESOURCE.c
    other = VERSION.alias("other")
    newest = (
        (version.resource_id == resource.id)
        & (version.valid_from == resource.changed_at)
        & (version.valid_to == OPEN)
        & (version.digest == resource.digest)
    )
    impossible = {
        "is there, but its newest version is not": sa.select(resource.uid).where(
            resource.deleted_at.is_(None), ~sa.exists(sa.select(1).select_from(VERSION).where(newest))
        ),
        "is gone, but a version of it is open": sa.select(resource.uid)
        .join(VERSION, version.resource_id == resource.id)
        .where(resource.deleted_at.is_not(None), version.valid_to == OPEN),
        "has a version that ends before it begins": sa.select(resource.uid)
        .join(VERSION, version.resource_id == resource.id)
        .where(version.valid_to <= version.valid_from),
        "has versions that overlap": sa.select(resource.uid)
        .join(VERSION, version.resource_id == resource.id)
        .join(other, other.c.resource_id == resource.id)
        .where(version.valid_from < other.c.valid_from, version.valid_to > other.c.valid_from)
        .distinct(),
        "is gone, but a finding of it is open": sa.select(resource.uid)
        .join(FINDING, FINDING.c.resource_id == resource.id)
        .where(resource.deleted_at.is_not(None), FINDING.c.resolved_at == OPEN),
    }
    for what, query in impossible.items():
        with database.read() as connection:
            found = connection.scalars(query.limit(MOST)).all()
        for uid in found:
            yield Fault(where="row", what=f"{uid} {what}.", hint=_RESTORE)


def _documents(database: Database, progress: Callable[[int], None]) -> Iterator[Fault]:
    """Each version's content against its digest."""
    version = VERSION.c
    query = (
        sa.select(
            version.resource_id,
            version.valid_from,
            version.digest,
            version.codec_id,
            version.data,
            RESOURCE.c.uid,
        )
        .outerjoin(RESOURCE, RESOURCE.c.id == version.resource_id)
        .order_by(version.resource_id, version.valid_from)
        .limit(ROWS)
    )
    after: tuple[int, int] | None = None
    gone: set[int] = set()
    done, told = 0, 0
    while True:
        page = (
            query
            if after is None
            else query.where(sa.tuple_(version.resource_id, version.valid_from) > after)
        )
        with database.read() as connection:
            rows = connection.execute(page).all()
            for codec in sorted({row.codec_id for row in rows} - gone):
                try:
                    database.codecs.load(connection, [codec])
                except Damaged as error:
                    gone.add(codec)
                    yield Fault(where="dictionary", what=str(error), hint=error.hint or _RESTORE)
        if not rows:
            return
        after = (rows[-1].resource_id, rows[-1].valid_from)
        for row in rows:
            if row.codec_id in gone or row.uid is None:
                continue
            wrong = _wrong(database, row.codec_id, row.data, row.uid, bytes(row.digest))
            if wrong is not None and (told := told + 1) <= MOST:
                when = from_us(row.valid_from).isoformat()
                yield Fault(where="document", what=f"{row.uid} as of {when}: {wrong}", hint=_RESTORE)
        done += len(rows)
        progress(done)


def _wrong(database: Database, codec_id: int, data: bytes, uid: str, digest: bytes) -> str | None:
    try:
        content = database.codecs.decode(codec_id, data)
    except StorageError as error:
        return str(error)
    if len(digest) != DIGEST_BYTES or documents.digest(uid, content) != digest:
        return "its content is not what it was written with."
    return None


def _ledger(database: Database) -> Iterator[Fault]:
    verified = Ledger(database).verify()
    if not verified.ok:
        yield Fault(
            where="ledger",
            what=verified.why,
            hint="Compare with a backup or a head noted elsewhere: `watchstander audit verify --head`.",
        )
