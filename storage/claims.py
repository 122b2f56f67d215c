"""Being the only daemon of a database: a file lock beside a SQLite file, an advisory lock on PostgreSQL.

Both end with the process, however it ends. The lock is on a file of its own: closing any descriptor of the database file
itself would drop SQLite's own locks on it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.errors import Locked, Unavailable

PATIENCE: Final = 2_000
"""Milliseconds a claim waits for one that is ending: a server learns of a session's end a moment after its client died."""


class Claim(Protocol):
    """A claim that is held."""

    def held(self) -> bool:
        """Whether it still stands."""

    def release(self) -> None:
        """Let go of it."""


class FileClaim:
    """A lock on ``<database>.lock``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def held(self) -> bool:
        """The system keeps it as long as we live."""
        return True

    def release(self) -> None:
        """Let go of the lock; the file stays, since removing it would race with the next holder."""
        os.close(self._descriptor)


class ServerClaim:
    """A session's advisory lock."""

    def __init__(self, connection: Connection, key: int) -> None:
        self._connection = connection
        self._key = key

    def held(self) -> bool:
        """It ends with its session, and that with the connection."""
        try:
            self._connection.scalar(sa.text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def release(self) -> None:
        """Let go of the lock, and end the session: its end alone is heard by the server a moment later."""
        if not self._connection.invalidated:
            with suppress(DBAPIError):  # it went just now, and the lock with it
                self._connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": self._key})
        self._connection.invalidate()
        self._connection.close()


def claim_file(database: Path, instance: str) -> FileClaim:
    """Lock ``database`` for this process. Raises Locked, naming the process that has it, or Unavailable."""
    path = database.with_name(database.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be opened: {error.strerror}.",
            hint="Give the daemon's user the right to write there.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 200).decode(errors="replace").strip() or "another process"
        os.close(descriptor)
        raise Locked(
            f"{database} is in use by another daemon ({holder}).",
            hint="Stop that one, or use PostgreSQL for several. Reading commands (status, findings, …) work beside it.",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}, instance {instance}\n".encode(), 0)
    return FileClaim(descriptor)


def claim_server(engine: Engine, instance: str) -> ServerClaim:
    """Lock the name ``instance`` for this process, after waiting for a holder that is ending. Raises Locked."""
    key = int.from_bytes(hashlib.sha256(f"watchstander:{instance}".encode()).digest()[:8], "big", signed=True)
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        connection.execute(sa.text(f"SET lock_timeout = {PATIENCE}"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": key})
    except DBAPIError as error:
        connection.invalidate()  # it is no connection for others: it would wait only so long for their locks
        connection.close()
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        raise Locked(
            f"A daemon named {instance!r} already uses this database.",
            hint="Give this one another name with the option `instance`, or stop the other.",
        ) from error
    return ServerClaim(connection, key)
