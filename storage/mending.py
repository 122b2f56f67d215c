"""Taking dictionaries that are gone or spoilt from a backup: the way out where documents cannot be read for want of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.settings import StorageSettings
from storage import documents
from storage.codec import PLAIN, Codecs
from storage.database import Database
from storage.errors import StorageError, Unavailable
from storage.tables import CODEC, RESOURCE, VERSION

_SAMPLE = 20
"""How many versions of a dictionary are read to tell whether it is the right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """Dictionaries by number: those that were taken from the backup, and those that it does not have either."""

    taken: tuple[int, ...]
    missing: tuple[int, ...]


def mend_dictionaries(database: Database, backup: Path) -> Mended:
    """Put right the dictionaries that are gone or do not fit what was written with them, where the backup has the right one.
    One that fits is never touched. All of it or nothing. Raises StorageError."""
    if not backup.is_file():
        raise Unavailable(f"There is no backup at {backup}.", hint="Give the file that `db backup` wrote.")
    taken, missing = [], []
    with (
        Database.open(StorageSettings(url=f"sqlite:///{backup.absolute()}"), read_only=True) as source,
        source.read() as there,
        database.write() as here,
    ):
        used = here.scalars(sa.select(VERSION.c.codec_id).where(VERSION.c.codec_id != PLAIN).distinct())
        for number in sorted(used):
            if _fits(here, number, None):
                continue
            row = there.execute(sa.select(CODEC).where(CODEC.c.id == number)).one_or_none()
            if row is None or not row.dictionary or not _fits(here, number, row):
                missing.append(number)
                continue
            taken.append(number)
    database.codecs.forget(taken)
    return Mended(taken=tuple(taken), missing=tuple(missing))


def _fits(here: Connection, number: int, row: Any) -> bool:
    """Whether what was written with a dictionary can be read with it, after ``row`` (if any) took its place. Where that
    cannot be read either, what was there before stays."""
    codecs, step = Codecs(), here.begin_nested()
    try:
        if row is not None:
            values = {"type": row.type, "method": row.method, "dictionary": bytes(row.dictionary)}
            values |= {"samples": row.samples, "created_at": row.created_at}
            changed = here.execute(sa.update(CODEC).where(CODEC.c.id == number).values(values))
            if changed.rowcount == 0:
                here.execute(sa.insert(CODEC).values(id=number, **values))
        codecs.load(here, [number])
        sample = (
            sa.select(VERSION.c.data, VERSION.c.digest, RESOURCE.c.uid)
            .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
            .where(VERSION.c.codec_id == number)
            .limit(_SAMPLE)
        )
        good = any(
            documents.digest(found.uid, codecs.decode(number, bytes(found.data))) == bytes(found.digest)
            for found in here.execute(sample).all()
        )
    except StorageError:
        good = False
    if good:
        step.commit()
    else:
        step.rollback()
    return good
