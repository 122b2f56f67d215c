"""One database, SQLite or PostgreSQL: connections, transactions, claims, and errors that say what to do.

Writers are one at a time on both (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), readers see a snapshot and wait
for nobody. A transaction joins the one its thread has open, so that several stores can change as one.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from config.settings import StorageSettings
from storage.claims import Claim, claim_file, claim_server
from storage.codec import Codecs
from storage.errors import Damaged, Defect, Full, Locked, NoDatabase, StorageError, Unavailable
from storage.schema import SchemaStatus, migrate, schema_status, shown

WRITER_LOCK = 0x57415443
"""The advisory lock PostgreSQL writers take, within their transaction ("WATC")."""

PAGE_CACHE_KIB = 16_384


class Database:
    """An open database. Safe to use from several threads; close it at the end."""

    def __init__(self, engine: Engine, settings: StorageSettings) -> None:
        self.engine = engine
        self.settings = settings
        self.sqlite = engine.dialect.name == "sqlite"
        self.instance = ""
        """The name under which :meth:`claim` was made; empty before."""
        self.codecs = Codecs()
        """How this database's documents are compressed."""
        self._claim: Claim | None = None
        self._local = threading.local()

    @classmethod
    def open(
        cls,
        settings: StorageSettings,
        *,
        password: str | None = None,
        read_only: bool = False,
        existing: bool = False,
    ) -> Database:
        """Open the database that ``settings.url`` names. A missing SQLite file is made, unless ``read_only`` or ``existing``.

        Raises NoDatabase (a SQLite file that is missing, no file, or no SQLite), Unavailable (not reachable, not openable, unknown kind of URL), Damaged, Newer (written by a newer
        Watchstander). The schema is not touched: see :meth:`migrate` and :meth:`require_schema`.
        """
        url = _url(settings.url, password)
        timeout = settings.lock_timeout.total_seconds()
        if url.get_backend_name() == "sqlite":
            engine = _sqlite_engine(url, timeout, read_only=read_only, existing=existing)
        else:
            engine = _postgresql_engine(url, timeout, read_only)
        database = cls(engine, settings)
        try:
            database.status().refuse_newer()
        except StorageError:
            database.close()
            raise
        return database

    @property
    def where(self) -> str:
        """The database as one may show it: without a password."""
        return shown(self.engine.url)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.engine.url.database or "") if self.sqlite else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction over one snapshot. Raises StorageError."""
        joined = self._joined()
        if joined is not None:
            yield joined
            return
        with self._wrapped(), self.engine.connect() as connection:
            options: dict[str, Any] = {"begin": "BEGIN"} if self.sqlite else {"postgresql_readonly": True}
            if not self.sqlite:
                options["isolation_level"] = "REPEATABLE READ"
            connection = connection.execution_options(**options)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction: all of it is stored, or nothing. Raises StorageError."""
        joined = self._joined()
        if joined is not None:
            yield joined
            return
        with self._wrapped(), self.engine.connect() as connection:
            connection = connection.execution_options(begin="BEGIN IMMEDIATE")
            with connection.begin():
                if not self.sqlite:
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER_LOCK})
                self._local.connection = connection
                try:
                    yield connection
                finally:
                    self._local.connection = None

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection without a transaction, for what refuses to be in one (VACUUM). Raises StorageError."""
        with self._wrapped(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside :meth:`write`."""
        return self._joined() is not None

    def migrate(self) -> SchemaStatus:
        """Bring the schema to the newest, all migrations in one transaction. Raises Newer or another StorageError."""
        status = self.status()
        if status.state == "current":
            return status  # a user that may not change the schema need not
        try:
            with self.write() as connection:
                migrate(connection)
        except Defect as error:
            raise Damaged(
                f"{self.where} says that it has schema {status.revision or 'none'}, but it is not as that schema is: "
                f"{error.message.removeprefix(f'{self.where}: ')} Nothing was changed.",
                hint="It was half migrated, or altered by hand. Restore the backup made before into an empty database "
                "(`watchstander db restore`), then migrate that.",
            ) from error
        return self.status()

    def status(self) -> SchemaStatus:
        """The schema's state. Raises StorageError."""
        with self.read() as connection:
            return schema_status(connection)

    def require_schema(self) -> None:
        """Raises Outdated unless the schema is the one this code needs."""
        self.status().require_current()

    def claim(self, instance: str) -> None:
        """Be the one daemon: of a SQLite file, or of ``instance`` on PostgreSQL. Held until :meth:`close` or death.

        Raises Locked, naming the other.
        """
        if self._claim is not None:
            return
        if self.path is not None:
            self._claim = claim_file(self.path, instance)
        else:
            with self._wrapped():
                self._claim = claim_server(self.engine, instance)
        self.instance = instance

    def hold(self) -> None:
        """See that the claim still stands: on a server it goes with its connection, and is then made anew.

        Raises Locked where another has taken the name meanwhile, Unavailable where the server is away.
        """
        if not self.instance or (self._claim is not None and self._claim.held()):
            return
        lost, self._claim = self._claim, None
        if lost is not None:
            lost.release()
        with self._wrapped():
            self._claim = claim_server(self.engine, self.instance)

    def size(self) -> int:
        """Bytes on disk, write-ahead log included."""
        if self.path is not None:
            files = (self.path, self.path.with_name(self.path.name + "-wal"))
            return sum(f.stat().st_size for f in files if f.exists())
        with self.read() as connection:
            return int(connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)

    def close(self) -> None:
        """Let go of the claim and the connections."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _joined(self) -> Connection | None:
        return getattr(self._local, "connection", None)

    def _told(self, cause: BaseException) -> StorageError:
        """Our error for the driver's. Where the server went away, or turned out to be a standby, no connection to it is used
        again: behind the same name there may soon be another."""
        error = _translated(cause, self.where)
        if isinstance(error, Unavailable) and not self.sqlite:
            self.engine.dispose()
        return error

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._told(error.orig or error) from error
        except psycopg.Error as error:  # COPY is the driver's own
            raise self._told(error) from error
        except SQLAlchemyError as error:
            raise Unavailable(f"{self.where}: {_first_line(error)}") from error


def _url(text: str, password: str | None) -> URL:
    """The URL with our drivers and the password in it. Raises Unavailable without repeating a password."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise Unavailable(
            "storage.url is not a database URL.",
            hint="Write sqlite:////var/lib/watchstander/watchstander.db or postgresql://user@host/name.",
        ) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise Unavailable(
                "storage.url names no file.",
                hint="Write sqlite:///relative.db or sqlite:////absolute/path.db.",
            )
        return url.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
        return url.set(password=password) if password is not None else url
    raise Unavailable(
        f"storage.url is of an unknown kind: {backend}.", hint="Use sqlite:///… or postgresql://…"
    )


def _sqlite_engine(url: URL, timeout: float, *, read_only: bool, existing: bool) -> Engine:
    path = Path(url.database or "")
    if not _is_there(path):
        if read_only or existing:
            raise NoDatabase(
                f"There is no database at {path.absolute()}.",
                hint="Nothing has been stored there yet: `watchstander scan` or `watchstander run` does, "
                "`watchstander db restore` fills it from a backup. If there is one elsewhere, name its configuration "
                "with --config, or set storage.url.",
            )
        _prepare(path)
    engine = sa.create_engine(
        url, connect_args={"timeout": timeout, "check_same_thread": False}, pool_size=8, max_overflow=24
    )

    def connected(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: a deferred one that turns into a write fails at once
        # when another writes, whatever the busy timeout says.
        connection.isolation_level = None
        pragmas = [
            "foreign_keys=ON",
            "synchronous=NORMAL",
            f"cache_size=-{PAGE_CACHE_KIB}",
            "temp_store=MEMORY",
        ]
        if read_only:
            pragmas.append("query_only=ON")
        else:
            pragmas.insert(0, "journal_mode=WAL")
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


_SQLITE_FILE = b"SQLite format 3\0"
"""What every SQLite file begins with; an empty one is an empty database."""


def _is_there(path: Path) -> bool:
    """Whether there is a SQLite file, or an empty one. Raises NoDatabase for anything else that is there; touches nothing."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_FILE))
    except (FileNotFoundError, NotADirectoryError) as error:
        if isinstance(error, NotADirectoryError):
            raise NoDatabase(
                f"There is no database at {path.absolute()}: a part of that path is no folder.",
                hint="Set storage.url to the file, as sqlite:////absolute/path.db.",
            ) from error
        return False
    except IsADirectoryError as error:
        raise NoDatabase(
            f"{path.absolute()} is a folder, not a database.",
            hint="Set storage.url to a file in it, as sqlite:////absolute/path.db.",
        ) from error
    except OSError as error:
        raise NoDatabase(
            f"{path.absolute()} cannot be read: {error.strerror or error}.",
            hint="Run as the user whose database it is, or give yours the right to read the file and its folder.",
        ) from error
    if start and not _SQLITE_FILE.startswith(start) and start != _SQLITE_FILE:
        raise NoDatabase(
            f"{path.absolute()} is not a SQLite database, or its first page is damaged.",
            hint="Check storage.url. If it was one, restore the last backup; the file is left as it is.",
        )
    return True


def _prepare(path: Path) -> None:
    """Make the file's folder. The file holds what may be secret to others on the machine, so only we may read it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be made: {error.strerror}.",
            hint="Give the daemon's user the right to write there, or set storage.url to another place.",
        ) from error


def _postgresql_engine(url: URL, timeout: float, read_only: bool) -> Engine:
    settings = [f"-c lock_timeout={int(timeout * 1000)}", "-c timezone=UTC", "-c jit=off"]
    if read_only:
        settings.append("-c default_transaction_read_only=on")
    return sa.create_engine(
        url,
        connect_args={
            "options": " ".join(settings),
            "connect_timeout": max(2, int(timeout)),
            "application_name": "watchstander",
        },
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=24,
    )


_SQLITE: dict[str, tuple[type[StorageError], str]] = {
    "SQLITE_BUSY": (Locked, "Another process is writing; wait for it to end, or raise storage.lock_timeout."),
    "SQLITE_LOCKED": (
        Locked,
        "Another process is writing; wait for it to end, or raise storage.lock_timeout.",
    ),
    "SQLITE_FULL": (Full, "Make room on the disk (or raise the quota). Nothing already stored is lost."),
    "SQLITE_IOERR": (
        Full,
        "The disk refused to write: make room, raise the quota or check the disk. Nothing already stored is lost.",
    ),
    "SQLITE_CORRUPT": (
        Damaged,
        "Restore the last backup (`db restore`), and keep the damaged file; `watchstander db check` says what is damaged.",
    ),
    "SQLITE_NOTADB": (Damaged, "The file is not a SQLite database; check storage.url."),
    "SQLITE_CANTOPEN": (Unavailable, "Check that the path exists and may be read and written."),
    "SQLITE_READONLY": (Unavailable, "Give the daemon's user the right to write the file and its folder."),
    "SQLITE_PERM": (Unavailable, "Give the daemon's user the right to write the file and its folder."),
    "SQLITE_AUTH": (Unavailable, "Give the daemon's user the right to write the file and its folder."),
}
_MISSING_TABLE = re.compile(r"no such table: (?:main\.)?(\w+)|relation \"(\w+)\" does not exist")
_POSTGRESQL: tuple[tuple[str, type[StorageError], str], ...] = (
    ("53100", Full, "Make room on the server's disk. Nothing already stored is lost."),
    ("53", Unavailable, "The server is out of a resource (connections, memory); see its log."),
    ("55P03", Locked, "Another daemon is writing; wait for it, or raise storage.lock_timeout."),
    ("40", Locked, "Another daemon changed the same at the same moment; try again."),
    ("28", Unavailable, "Check the user and the password reference in storage.password."),
    ("3D000", Unavailable, "Create the database first: `createdb`."),
    ("42501", Unavailable, "Grant the user the rights on the schema, see docs/storage.md."),
    ("25006", Unavailable, "The server, or this session, is read-only; check that it is the primary."),
    ("57P", Unavailable, "The server is going down or starting; it is tried again at the next cycle."),
    ("08", Unavailable, "Check that the server runs and can be reached."),
    ("XX001", Damaged, "The server found a damaged page; restore from a backup."),
    ("XX002", Damaged, "The server found a damaged index; REINDEX it."),
    ("58", Full, "The server's disk refused; see its log."),
)


def _translated(cause: BaseException, where: str) -> StorageError:
    """Our error for the driver's."""
    text = f"{where}: {_first_line(cause)}."
    name = getattr(cause, "sqlite_errorname", None)
    if name is not None:
        for prefix, (kind, hint) in _SQLITE.items():
            if str(name).startswith(prefix):
                return kind(text, hint=hint)
    state = getattr(cause, "sqlstate", None)
    if state == "0A000" and "during recovery" in text:
        state = "25006"  # how a standby refuses a transaction that is to write
    if state is not None:
        for prefix, kind, hint in _POSTGRESQL:
            if str(state).startswith(prefix):
                return kind(text, hint=hint)
    if (missing := _MISSING_TABLE.search(text)) is not None:
        return Damaged(
            f"{where}: the table {missing[1] or missing[2]} is missing.",
            hint="`watchstander db check` says what else is; restore the last backup (`db restore`).",
        )
    if name is None and state is None:
        # psycopg gives no state for a connection that was refused or lost.
        return Unavailable(text, hint="Check that the database runs and can be reached.")
    return Defect(f"{text} ({name or state})", hint="This is a fault in Watchstander; please report it.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
