"""How each database is reached: what a URL means, the engine for it, and what every new connection is told.

A SQLite file is made here where it is missing, for us alone to read; one that may only be asked is never made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import NoDatabase, Unavailable

PAGE_CACHE_KIB = 16_384


def locate(text: str, password: str | None) -> URL:
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


def sqlite(url: URL, timeout: float, *, read_only: bool, existing: bool) -> Engine:
    """An engine for the file that ``url`` names, made unless ``read_only`` or ``existing``; a writer waits ``timeout`` seconds.

    Raises NoDatabase, and Unavailable where it cannot be made.
    """
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


def postgresql(url: URL, timeout: float, *, read_only: bool) -> Engine:
    """An engine for a server; a lock, and at least two seconds a connection, is waited for ``timeout`` seconds.

    Raises Unavailable where the URL's options cannot be.
    """
    settings = [f"-c lock_timeout={int(timeout * 1000)}", "-c timezone=UTC", "-c jit=off"]
    if read_only:
        settings.append("-c default_transaction_read_only=on")
    try:
        engine = sa.create_engine(
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
    except ArgumentError as error:
        raise Unavailable(f"storage.url: {error}.", hint="Mend storage.url.") from error
    event.listen(engine, "connect", _refuse_other_encodings, insert=True)
    event.listen(engine, "connect", _bytes_as_they_are)
    return engine


def _refuse_other_encodings(connection: Any, _record: Any) -> None:
    """What a cloud calls something may be in any script; a cycle must not end at the first name that cannot be written."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Unavailable(
            f"The database {connection.info.dbname} is encoded in {encoding}, which cannot hold every name.",
            hint="Create another with `createdb --template template0 --encoding UTF8 NAME`, and set storage.url to it; "
            "`pg_dump` and `pg_restore` bring over what this one holds.",
        )


def _bytes_as_they_are(connection: Any, _record: Any) -> None:
    """For a column of type bytea COPY takes what was registered last: the DB-API's ``Binary``, which is written in Python."""
    from psycopg.adapt import PyFormat  # not for those who have SQLite

    adapters = connection.adapters
    adapters.register_dumper(bytes, adapters.get_dumper(bytes, PyFormat.BINARY))
