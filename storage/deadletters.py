"""Messages that could not be understood, exactly as they came, with the cause. Nothing is dropped silently."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from providers.provider import Message
from storage.database import Database
from storage.tables import DEAD_LETTER
from storage.text import clean
from storage.times import from_us, to_us


class DeadLetter(NamedTuple):
    """One message nobody understood. ``deliveries``: how often it came."""

    id: int
    source: str
    message_id: str
    body: str
    cause: str
    at: datetime
    deliveries: int


class DeadLetters:
    """The dead letters of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Message, cause: str, at: datetime) -> int:
        """Keep a message; one that comes again is counted, not kept twice. Returns its id."""
        with self._database.write() as connection:
            same = (DEAD_LETTER.c.source == message.source) & (DEAD_LETTER.c.message_id == message.id)
            there = connection.scalar(sa.select(DEAD_LETTER.c.id).where(same))
            if there is not None:
                again = {"deliveries": DEAD_LETTER.c.deliveries + 1, "cause": clean(cause)}
                connection.execute(sa.update(DEAD_LETTER).where(same).values(again))
                return int(there)
            row = {
                "source": message.source,
                "message_id": message.id,
                "body": message.body.encode("utf-8", "surrogatepass"),
                "cause": clean(cause),
                "at": to_us(at),
                "deliveries": 1,
            }
            insert = sa.insert(DEAD_LETTER).values(row).returning(DEAD_LETTER.c.id)
            return int(connection.execute(insert).scalar_one())

    def last(self, count: int = 20) -> list[DeadLetter]:
        """The newest, newest first."""
        query = sa.select(DEAD_LETTER).order_by(DEAD_LETTER.c.at.desc(), DEAD_LETTER.c.id.desc()).limit(count)
        with self._database.read() as connection:
            return [
                DeadLetter(
                    r.id,
                    r.source,
                    r.message_id,
                    bytes(r.body).decode("utf-8", "surrogatepass"),
                    r.cause,
                    from_us(r.at),
                    r.deliveries,
                )
                for r in connection.execute(query)
            ]

    def count(self) -> int:
        """How many there are."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(DEAD_LETTER)) or 0)
