"""The rows of resources and of the places they are in; what every store that reads or writes them shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.resource import ResourceRef, Scope
from storage.among import among
from storage.codec import Codecs
from storage.documents import Record
from storage.errors import Damaged
from storage.tables import RESOURCE, SCOPE

CHUNK = 500
"""How many keys one query asks for."""
AT_ONCE = 50
"""How many decoded documents are given out at once to whoever only walks over them: so many stay in the processor's cache, and
their memory is used again; 500 are asked of the system anew each time (decision 0240)."""
PLACED = (RESOURCE.c.uid, SCOPE.c.provider, SCOPE.c.account, SCOPE.c.region, SCOPE.c.type)
"""What :func:`ref_of` takes of a row."""


class Row(NamedTuple):
    """What the store knows of one resource before this batch."""

    id: int
    uid: str
    digest: bytes
    changed_at: int
    deleted_at: int | None
    missed: int
    unread: str | None
    scope_id: int | None
    place_id: int
    provider: str
    account: str
    region: str
    type: str

    @property
    def ref(self) -> ResourceRef:
        """Where it was last seen."""
        return ref_of(self)


_ROW = (
    sa.select(
        RESOURCE.c.id,
        RESOURCE.c.uid,
        RESOURCE.c.digest,
        RESOURCE.c.changed_at,
        RESOURCE.c.deleted_at,
        RESOURCE.c.missed,
        RESOURCE.c.unread,
        RESOURCE.c.scope_id,
        RESOURCE.c.place_id,
        SCOPE.c.provider,
        SCOPE.c.account,
        SCOPE.c.region,
        SCOPE.c.type,
    )
    .select_from(RESOURCE)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
)


def chunks(items: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """Slices of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def rows_by(connection: Connection, column: str, keys: Sequence[Any]) -> Iterator[Row]:
    """The rows whose ``column`` is one of ``keys``."""
    for part in chunks(keys):
        for row in connection.execute(_ROW.where(among(RESOURCE.c[column], part))):
            yield Row._make(row)


def place_id(connection: Connection, scope: Scope) -> int:
    """The row of a scope, made if need be."""
    key = (
        SCOPE.c.provider == scope.provider,
        SCOPE.c.account == scope.account,
        SCOPE.c.region == scope.region,
        SCOPE.c.type == scope.type,
    )
    found = connection.scalar(sa.select(SCOPE.c.id).where(*key))
    if found is not None:
        return int(found)
    row = {
        "provider": scope.provider,
        "account": scope.account,
        "region": scope.region,
        "type": scope.type,
        "read": 0,
        "details_unread": 0,
    }
    return int(connection.execute(sa.insert(SCOPE).values(row).returning(SCOPE.c.id)).scalar_one())


def touch(connection: Connection, places: Iterable[int]) -> None:
    """Count a change of what is in these places, in the transaction that makes it."""
    for part in chunks(sorted(places)):
        connection.execute(
            sa.update(SCOPE).where(among(SCOPE.c.id, part)).values(revision=SCOPE.c.revision + 1)
        )


def ref_of(row: Any, record: Record | None = None) -> ResourceRef:
    """The resource of a row with :data:`PLACED`: where it is, or where it was by the record of one of its versions."""
    place = row if record is None else record
    return ResourceRef(
        provider=row.provider, account=place.account, region=place.region, type=place.type, uid=row.uid
    )


def decoded(connection: Connection, codecs: Codecs, rows: Sequence[Any]) -> list[Record]:
    """The records of rows with ``codec_id`` and ``data``, in order. Raises Damaged."""
    codecs.load(connection, {row.codec_id for row in rows})
    return [decode(codecs, row.codec_id, row.data) for row in rows]


def decode(codecs: Codecs, codec_id: int, data: bytes) -> Record:
    """A stored version's record. Raises Damaged."""
    try:
        return Record.decode(codecs.decode(codec_id, data))
    except ValueError as error:
        raise Damaged(
            f"A stored document is not what was written ({error}).",
            hint="The row was altered or the disk failed; restore it from a backup.",
        ) from error
