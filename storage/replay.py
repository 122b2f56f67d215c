"""The past in order: every version of every resource that was valid in a time, resource by resource, oldest first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from providers.relation import provider_of
from providers.resource import ANY, Resource, ResourceRef
from storage.among import among
from storage.database import Database
from storage.documents import Record
from storage.query import Filter
from storage.rows import PLACED, chunks, decoded, ref_of
from storage.tables import COVERAGE, RESOURCE, SCOPE, VERSION
from storage.times import ended, from_us, to_us

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One content of a resource over [valid_from, valid_to). ``valid_to`` is None where it is valid still."""

    resource: Resource
    valid_from: datetime
    valid_to: datetime | None


class Replay:
    """Reads the past of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codecs = database.codecs

    def types(self) -> dict[str, ResourceRef]:
        """Every type there is or was a resource of, with one such resource."""
        first = (
            sa.select(sa.func.min(RESOURCE.c.id).label("id"), RESOURCE.c.place_id)
            .group_by(RESOURCE.c.place_id)
            .subquery()
        )
        query = (
            sa.select(*PLACED)
            .join(first, first.c.id == RESOURCE.c.id)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
        )
        with self._database.read() as connection:
            return {row.type: ref_of(row) for row in connection.execute(query)}

    def earliest(self) -> datetime | None:
        """When the past begins; None where there is none."""
        with self._database.read() as connection:
            first = connection.scalar(sa.select(sa.func.min(VERSION.c.valid_from)))
        return None if first is None else from_us(int(first))

    def versions(self, types: Collection[str], since: datetime, until: datetime) -> Iterator[list[Version]]:
        """The versions of resources of these types that were valid at any moment of [since, until], in batches."""
        wanted = Filter(types=frozenset(types))
        after = (0, 0)
        while True:
            query = (
                sa.select(
                    VERSION.c.resource_id,
                    VERSION.c.valid_from,
                    VERSION.c.valid_to,
                    VERSION.c.codec_id,
                    VERSION.c.data,
                    RESOURCE.c.uid,
                    SCOPE.c.provider,
                )
                .select_from(VERSION)
                .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
                .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
                .where(
                    wanted.places(),
                    VERSION.c.valid_from <= to_us(until),
                    VERSION.c.valid_to > to_us(since),
                    sa.tuple_(VERSION.c.resource_id, VERSION.c.valid_from) > after,
                )
                .order_by(VERSION.c.resource_id, VERSION.c.valid_from)
                .limit(_BATCH)
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
                contents = decoded(connection, self._codecs, rows)
            if not rows:
                return
            after = (rows[-1].resource_id, rows[-1].valid_from)
            yield [_version(row, record) for row, record in zip(rows, contents, strict=True)]

    def moments(
        self,
        types: Collection[str],
        since: datetime,
        until: datetime,
        place: tuple[str, str] | None = None,
    ) -> list[datetime]:
        """When anything of these types changed within (since, until], or their coverage did: in one (provider, account), or
        anywhere. In order, each once."""
        wanted = Filter(types=frozenset(types))
        if place is not None:
            wanted = Filter(
                types=wanted.types, providers=frozenset({place[0]}), accounts=frozenset({place[1]})
            )
        early, late = to_us(since), to_us(until)
        found: set[int] = set()
        with self._database.read() as connection:
            for column in (VERSION.c.valid_from, VERSION.c.valid_to):
                query = (
                    sa.select(column)
                    .select_from(VERSION)
                    .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
                    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
                    .where(*wanted.of_places(connection), column > early, column <= late)
                    .distinct()
                )
                found.update(connection.scalars(query))
            query = (
                sa.select(COVERAGE.c.at)
                .join(SCOPE, SCOPE.c.id == COVERAGE.c.scope_id)
                .where(_tells_of(types, place), COVERAGE.c.at > early, COVERAGE.c.at <= late)
                .distinct()
            )
            found.update(connection.scalars(query))
        return [from_us(moment) for moment in sorted(found)]

    def present(
        self, uids: Collection[str], at: datetime, place: tuple[str, str] | None = None
    ) -> dict[str, ResourceRef]:
        """Which of these resources were there at a time, in one (provider, account) or anywhere."""
        query = (
            sa.select(*PLACED)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .join(VERSION, VERSION.c.resource_id == RESOURCE.c.id)
            .where(VERSION.c.valid_from <= to_us(at), VERSION.c.valid_to > to_us(at))
        )
        if place is not None:
            query = query.where(SCOPE.c.provider == place[0], SCOPE.c.account == place[1])
        found: dict[str, ResourceRef] = {}
        with self._database.read() as connection:
            for part in chunks(sorted(uids)):
                for row in connection.execute(query.where(among(RESOURCE.c.uid, part))):
                    found[row.uid] = ref_of(row)
        return found


def _tells_of(types: Collection[str], place: tuple[str, str] | None) -> sa.ColumnElement[bool]:
    """The scopes whose coverage bears on these types, in one (provider, account) or anywhere: their own, those of listings of
    every type, and those of what the account may be in."""
    told = sa.and_(
        SCOPE.c.provider.in_(sorted({provider_of(name) for name in types})),
        sa.or_(SCOPE.c.type.in_(sorted(types)), SCOPE.c.type.like(f"%{ANY}")),
    )
    if place is None:
        return told
    around = sa.or_(SCOPE.c.account == place[1], SCOPE.c.account.like("%/%"))
    return sa.and_(told, SCOPE.c.provider == place[0], around)


def _version(row: Any, record: Record) -> Version:
    return Version(
        resource=Resource(
            ref=ref_of(row, record),
            name=record.name,
            document=record.document,
            tags=record.tags,
            unread=dict.fromkeys(record.unknown, "it was never read by then"),
        ),
        valid_from=from_us(row.valid_from),
        valid_to=ended(row.valid_to),
    )
