"""Small facts that outlive the process, above all the pause switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage.database import Database
from storage.tables import STATE
from storage.times import from_us, to_us

_PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Containment is switched off: since when, by whom and why."""

    since: datetime
    who: str
    reason: str


class State:
    """Facts by key, JSON values."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Any:
        """The value, or None."""
        with self._database.read() as connection:
            return read_state(connection, key)

    def set(self, key: str, value: Any, at: datetime) -> None:
        """Remember a value; None is a value too."""
        with self._database.write() as connection:
            write_state(connection, key, value, to_us(at))

    def delete(self, key: str) -> None:
        """Forget a value."""
        with self._database.write() as connection:
            connection.execute(sa.delete(STATE).where(STATE.c.key == key))

    def pause(self, *, who: str, reason: str, at: datetime) -> Pause:
        """Switch containment off. Already off stays as it was switched off first."""
        with self._database.write():
            there = self.paused()
            if there is not None:
                return there
            self.set(_PAUSE, {"since": to_us(at), "who": who, "reason": reason}, at)
            return Pause(since=from_us(to_us(at)), who=who, reason=reason)

    def resume(self) -> Pause | None:
        """Switch containment on again; returns the pause that ended, if there was one."""
        with self._database.write():
            there = self.paused()
            self.delete(_PAUSE)
            return there

    def paused(self) -> Pause | None:
        """The pause in force."""
        value = self.get(_PAUSE)
        if value is None:
            return None
        return Pause(since=from_us(value["since"]), who=value["who"], reason=value["reason"])


def read_state(connection: Connection, key: str) -> Any:
    """A value, within a transaction; None where there is none."""
    text = connection.scalar(sa.select(STATE.c.value).where(STATE.c.key == key))
    return None if text is None else orjson.loads(text)


def write_state(connection: Connection, key: str, value: Any, at: int) -> None:
    """Set a value, within a write transaction."""
    values = {"value": orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(), "updated_at": at}
    updated = connection.execute(sa.update(STATE).where(STATE.c.key == key).values(values))
    if updated.rowcount == 0:
        connection.execute(sa.insert(STATE).values(key=key, **values))
