"""Events that were taken, so that a message delivered five times is one event."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from providers.provider import Event
from storage.database import Database
from storage.tables import EVENT
from storage.times import from_us, to_us


class TakenEvent(NamedTuple):
    """What is kept of an event."""

    id: str
    received_at: datetime
    provider: str
    kind: str
    type: str
    account: str
    title: str


class Events:
    """Which events have been taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, event_id: str) -> bool:
        """Whether an event has been taken."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(EVENT.c.id).where(EVENT.c.id == event_id)) is not None

    def first_time(self, event: Event | str, at: datetime) -> bool:
        """Whether this event (or event id) had not been taken before; it has been from now on. Joins the caller's
        transaction, so that taking an event and what follows from it are stored together or not at all."""
        number = event if isinstance(event, str) else event.id
        with self._database.write() as connection:
            there = connection.scalar(sa.select(EVENT.c.id).where(EVENT.c.id == number))
            if there is not None:
                return False
            facts = (
                {"provider": "", "kind": "", "type": "", "account": "", "title": ""}
                if isinstance(event, str)
                else {
                    "provider": event.provider,
                    "kind": event.kind.value,
                    "type": event.type,
                    "account": event.account,
                    "title": event.title,
                }
            )
            connection.execute(sa.insert(EVENT).values(id=number, received_at=to_us(at), **facts))
            return True

    def last(self, count: int = 20) -> list[TakenEvent]:
        """The newest events, newest first."""
        query = sa.select(EVENT).order_by(EVENT.c.received_at.desc(), EVENT.c.id).limit(count)
        with self._database.read() as connection:
            return [
                TakenEvent(r.id, from_us(r.received_at), r.provider, r.kind, r.type, r.account, r.title)
                for r in connection.execute(query)
            ]

    def count(self) -> int:
        """How many are kept."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(EVENT)) or 0)
