"""One database, SQLite or PostgreSQL: connections, transactions, claims, and errors that say what to do.

Writers are one at a time on both (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), readers see a snapshot and wait
for nobody. A transaction joins the one its thread has open, so that several stores can change as one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config.settings import StorageSettings
from storage import engines
from storage.claims import Claim, claim_file, claim_server
from storage.codec import Codecs
from storage.drivererrors import first_line, translated
from storage.errors import Damaged, Defect, StorageError, Unavailable
from storage.schema import SchemaStatus, migrate, schema_status, shown

WRITER_LOCK = 0x57415443
"""The advisory lock PostgreSQL writers take, within their transaction ("WATC")."""


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
        url = engines.locate(settings.url, password)
        timeout = settings.lock_timeout.total_seconds()
        if url.get_backend_name() == "sqlite":
            engine = engines.sqlite(url, timeout, read_only=read_only, existing=existing)
        else:
            engine = engines.postgresql(url, timeout, read_only=read_only)
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

    def migrate(self, then: Callable[[], None] | None = None) -> SchemaStatus:
        """Bring the schema to the newest, all migrations in one transaction; ``then`` is done in it where there are any.
        Raises Newer or another StorageError."""
        status = self.status()
        if status.state == "current":
            return status  # a user that may not change the schema need not
        try:
            with self.write() as connection:
                migrate(connection)
                if then is not None:
                    then()
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
        error = translated(cause, self.where)
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
            raise Unavailable(f"{self.where}: {first_line(error)}") from error
