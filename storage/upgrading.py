"""Bringing a database's schema up to date, with an entry in its ledger of who did it."""

from __future__ import annotations

from datetime import datetime

from storage.database import Database
from storage.ledger import Ledger
from storage.schema import SchemaStatus


def upgrade(database: Database, now: datetime, *, actor: str) -> SchemaStatus:
    """As :meth:`Database.migrate`; a schema that was another one before is entered with it, or neither. Raises StorageError."""
    before = database.status()

    def enter() -> None:
        detail = {"from": before.revision, "to": before.head}
        Ledger(database).append("database.migrated", actor, "database", detail, now)

    # A database that is made has nothing to tell: its first entry is the daemon's.
    return database.migrate(enter if before.revision is not None else None)
