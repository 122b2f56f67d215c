"""Training a type's dictionary anew when that pays.

Documents change their form over the years, and a dictionary trained on the first ones then helps less. Once a week at most, a
type that is written a lot is looked at: of its newest documents one half trains a candidate, and the other half is compressed
with the dictionary in use and with the candidate. The candidate is taken only where it saves a tenth, and more in the coming
week than it costs itself, so that nothing goes to and fro. Every dictionary is kept for ever: a version needs its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
import zstandard
from sqlalchemy.engine import Connection

from storage.codec import DICTIONARY_BYTES, LEVEL, MAX_SAMPLES, MIN_SAMPLES, Codecs, stored
from storage.database import Database
from storage.errors import StorageError
from storage.state import State
from storage.tables import CODEC, RESOURCE, SCOPE, VERSION
from storage.times import to_us

log = structlog.get_logger("watchstander.retraining")

WINDOW = timedelta(days=7)
"""How often a type is looked at, and over which time it is counted how much of it is written."""
BUSY = 512
"""Versions of a type within the window, below which it is not worth looking."""
GAIN = 0.10
"""The share of bytes a candidate must save."""
WORTH = 2
"""How many times its own size a candidate must save in a window."""
_TRIED = "codec.tried."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a candidate was worth: bytes of the same ``tested`` documents with the dictionary in use and with it."""

    type: str
    written: int
    tested: int
    current: int
    candidate: int

    @property
    def pays(self) -> bool:
        """Whether it is taken."""
        if not self.tested or not self.current:
            return False
        saved = self.current - self.candidate
        return saved >= GAIN * self.current and saved / self.tested * self.written >= WORTH * DICTIONARY_BYTES


def retrain(
    database: Database, now: datetime, progress: Callable[[str], bool] = lambda _type: True
) -> list[Trial]:
    """Look at every type that is due, and take the candidates that pay; what was tried. ``progress`` is told each type and
    may say to stop. Raises StorageError."""
    tried, state = [], State(database)
    for type_, written in _busy(database, now):
        if not progress(type_):
            break
        trial = _try(database, type_, written, now)
        state.set(_TRIED + type_, to_us(now), now)
        if trial is not None:
            tried.append(trial)
    return tried


def _busy(database: Database, now: datetime) -> list[tuple[str, int]]:
    """The types that are written a lot and were not looked at lately, and how many versions of each."""
    since = to_us(now - WINDOW)
    with database.read() as connection:
        query = (
            sa.select(SCOPE.c.type, sa.func.count().label("written"))
            .select_from(VERSION)
            .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .where(VERSION.c.valid_from > since)
            .group_by(SCOPE.c.type)
            .having(sa.func.count() >= BUSY)
            .order_by(SCOPE.c.type)
        )
        counted = [(row.type, int(row.written)) for row in connection.execute(query)]
        made = sa.select(CODEC.c.type, sa.func.max(CODEC.c.created_at).label("at")).group_by(CODEC.c.type)
        newest = {row.type: row.at for row in connection.execute(made)}
    state = State(database)
    # A clock set back must not make a type wait for as long as it was ahead.
    return [
        (type_, written)
        for type_, written in counted
        if not since < (newest.get(type_) or 0) <= to_us(now)
        and not since < int(state.get(_TRIED + type_) or 0) <= to_us(now)
    ]


def _try(database: Database, type_: str, written: int, now: datetime) -> Trial | None:
    codecs = database.codecs
    with database.read() as connection:
        used = codecs.choose(connection, type_)
        samples = list(_newest(connection, codecs, type_, now))
    learned: list[bytes | bytearray | memoryview[int]] = [*samples[::2]]
    tested = samples[1::2]
    if len(learned) < MIN_SAMPLES:
        return None
    try:
        candidate = zstandard.train_dictionary(DICTIONARY_BYTES, learned)
    except zstandard.ZstdError:
        return None  # too small or too alike to learn from
    encoder = zstandard.ZstdCompressor(level=LEVEL, dict_data=candidate, write_dict_id=False)
    trial = Trial(
        type=type_,
        written=written,
        tested=len(tested),
        current=sum(len(codecs.encode(used, data)) for data in tested),
        candidate=sum(len(stored(encoder.compress(data))) for data in tested),
    )
    if trial.pays:
        with database.write() as connection:
            number = codecs.add(connection, type_, candidate.as_bytes(), len(learned), to_us(now))
        with database.read() as connection:
            codecs.use(connection, type_, number)
        log.info(
            f"A new dictionary for {type_} saves {1 - trial.candidate / trial.current:.0%} of what its newest documents take.",
            key="retrained",
            type=type_,
        )
    return trial


def _newest(connection: Connection, codecs: Codecs, type_: str, now: datetime) -> Iterator[bytes]:
    """The newest documents of a type. One that cannot be read is passed over: `db check` is there to tell."""
    query = (
        sa.select(VERSION.c.codec_id, VERSION.c.data)
        .select_from(VERSION)
        .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
        .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
        .where(SCOPE.c.type == type_, VERSION.c.valid_from > to_us(now - WINDOW))
        .order_by(VERSION.c.valid_from.desc(), VERSION.c.resource_id)
        .limit(2 * MAX_SAMPLES)
    )
    rows: Sequence[tuple[int, bytes]] = [(row.codec_id, bytes(row.data)) for row in connection.execute(query)]
    for codec_id, data in rows:
        try:
            codecs.load(connection, [codec_id])
            yield codecs.decode(codec_id, data)
        except StorageError:
            continue
