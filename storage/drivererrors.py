"""Our errors for the drivers': by SQLite's error name or PostgreSQL's SQLSTATE, with what to do about it."""

from __future__ import annotations

import re

from storage.errors import Damaged, Defect, Full, Locked, StorageError, Unavailable

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
_MISSING_TABLE = re.compile(r"no such table: (?:main\.)?(\w+)|(?<! of )relation \"(\w+)\" does not exist")
_USER = "Check the user in storage.url, and the password that storage.password refers to."
_CREATE = "Create it first, as `createdb --encoding UTF8 NAME` does, or mend storage.url."
_REFUSED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'database ".*" does not exist'), _CREATE),
    (
        re.compile(
            r'authentication failed|no password supplied|role ".*" does not exist|no pg_hba\.conf entry'
        ),
        _USER,
    ),
    (re.compile(r"invalid (connection option|URI|port number|\w+ value)"), "Mend storage.url."),
)
"""psycopg gives no state for a connection that was refused, so its text has to do; a server may say it in another language."""
_POSTGRESQL: tuple[tuple[str, type[StorageError], str], ...] = (
    ("53100", Full, "Make room on the server's disk. Nothing already stored is lost."),
    ("53", Unavailable, "The server is out of a resource (connections, memory); see its log."),
    ("55P03", Locked, "Another daemon is writing; wait for it, or raise storage.lock_timeout."),
    ("40", Locked, "Another daemon changed the same at the same moment; try again."),
    ("42501", Unavailable, "Grant the user the rights on the schema, see docs/storage.md."),
    ("25006", Unavailable, "The server, or this session, is read-only; check that it is the primary."),
    ("57P", Unavailable, "The server is going down or starting; it is tried again at the next cycle."),
    ("08", Unavailable, "Check that the server runs and can be reached."),
    ("XX001", Damaged, "The server found a damaged page; restore from a backup."),
    ("XX002", Damaged, "The server found a damaged index; REINDEX it."),
    ("58", Full, "The server's disk refused; see its log."),
)


def translated(cause: BaseException, where: str) -> StorageError:
    """Our error for the driver's."""
    text = f"{where}: {first_line(cause)}."
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
        hints = (hint for pattern, hint in _REFUSED if pattern.search(text))
        return Unavailable(text, hint=next(hints, "Check that the database runs and can be reached."))
    return Defect(f"{text} ({name or state})", hint="This is a fault in Watchstander; please report it.")


def first_line(error: BaseException) -> str:
    """What a driver says, without what it adds below."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
