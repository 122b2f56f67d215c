"""Asking for resources: filters, streaming in batches, now or at a time. No result has to fit in memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import jmespath.exceptions
import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import UsageError
from config.expressions import Expression
from providers.provider import Selection
from providers.resource import ResourceRef
from storage import documents, search
from storage.among import among
from storage.database import Database
from storage.documents import Record
from storage.rows import AT_ONCE, chunks, decode
from storage.tables import DUE, RESOURCE, SCOPE, VERSION
from storage.times import OPEN, ended, from_us, to_us
from storage.values import StoredResource, Ticket

_SETS = ("types", "accounts", "regions", "providers")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which resources; empty means all. Types match exactly, or by prefix when they end in ``*``.

    ``where`` is a JMESPath expression over the record (``uid``, ``provider``, ``account``, ``region``, ``type``,
    ``name``, ``tags``, ``document``, ``unread``): ``document.Encrypted == `false```. Raises UsageError when it is not one.
    """

    types: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None

    def __post_init__(self) -> None:
        self._compiled  # noqa: B018 - a wrong expression is refused when it is given, not when it is first used

    @classmethod
    def of(cls, selection: Selection) -> Filter:
        """The filter that a selection of scopes amounts to."""
        return cls(
            types=selection.types,
            accounts=selection.accounts,
            regions=selection.regions,
            providers=selection.providers,
        )

    def saved(self) -> dict[str, Any]:
        """As JSON values; what is not given is left out."""
        sets = {name: sorted(getattr(self, name)) for name in _SETS}
        more = {"tags": dict(self.tags), "where": self.where}
        return {name: value for name, value in {**sets, **more}.items() if value}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Filter:
        """From what :meth:`saved` gave."""
        sets = {name: frozenset(saved.get(name, ())) for name in _SETS}
        return cls(**sets, tags=saved.get("tags", {}), where=saved.get("where"))

    @property
    def reads_documents(self) -> bool:
        """Whether documents must be decoded to decide."""
        return bool(self.tags) or self.where is not None

    @cached_property
    def _compiled(self) -> Expression | None:
        if self.where is None:
            return None
        try:
            return Expression(self.where)
        except jmespath.exceptions.JMESPathError as error:
            raise UsageError(
                f"{self.where!r} is not a JMESPath expression: {str(error).splitlines()[0]}",
                hint="For example: document.Encrypted == `false`, or tags.Team == 'payments'.",
            ) from error

    def accepts(self, resource: StoredResource) -> bool:
        """Whether tags and expression match."""
        return self._accepts(resource.uid, resource.tags, resource.record)

    def accepts_record(self, uid: str, provider: str, record: Record) -> bool:
        """As :meth:`accepts`, for a version."""
        return self._accepts(
            uid,
            record.tags,
            lambda: {
                "uid": uid,
                "provider": provider,
                "account": record.account,
                "region": record.region,
                "type": record.type,
                "name": record.name,
                "tags": record.tags,
                "document": record.document,
                "unread": {},
            },
        )

    def _accepts(self, uid: str, tags: Mapping[str, str], record: Callable[[], dict[str, Any]]) -> bool:
        if any(tags.get(k) != v for k, v in self.tags.items()):
            return False
        if self._compiled is None:
            return True
        try:
            return bool(self._compiled.search(record()))
        except jmespath.exceptions.JMESPathError as error:
            raise UsageError(f"{self.where!r} fails on {uid}: {error}") from error

    def places(self) -> sa.ColumnElement[bool]:
        """The condition on the scope table that the plain fields amount to."""
        scope = SCOPE.c
        conditions: list[sa.ColumnElement[bool]] = []
        for column, values in (
            (scope.account, self.accounts),
            (scope.region, self.regions),
            (scope.provider, self.providers),
        ):
            if values:
                conditions.append(column.in_(sorted(values)))
        if self.types:
            conditions.append(sa.or_(*(type_matches(scope.type, t) for t in sorted(self.types))))
        return sa.and_(sa.true(), *conditions)

    def of_places(self, connection: Connection) -> list[sa.ColumnElement[bool]]:
        """The condition on a resource that the plain fields amount to; none where none is given.

        The places are looked up here and now: in a join, SQLite (which has no statistics of them) may as well walk the whole
        estate and look at the place of each resource (decision 0150).
        """
        if not self.narrows_places:
            return []
        places = connection.scalars(sa.select(SCOPE.c.id).where(self.places())).all()
        return [among(RESOURCE.c.place_id, places)]

    def indexed(self, connection: Connection) -> sa.ColumnElement[bool] | None:
        """The condition on the search index that the tags and the expression amount to; None where there is no such index, or
        it cannot tell."""
        if not self.reads_documents or not search.usable(connection):
            return None
        return search.narrowed(None if self._compiled is None else self._compiled.parsed, self.tags)

    @property
    def narrows_places(self) -> bool:
        """Whether a plain field is given."""
        return bool(self.types or self.accounts or self.regions or self.providers)


def type_matches(column: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    """Exact, or by prefix where ``pattern`` ends in ``*``."""
    if pattern.endswith("*"):
        return column.startswith(pattern[:-1], autoescape=True)
    return column == pattern


def of_type(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns matches a type: as :func:`type_matches`, without the database."""
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


_COLUMNS = (
    RESOURCE.c.id,
    RESOURCE.c.uid,
    RESOURCE.c.first_seen,
    RESOURCE.c.deleted_at,
    RESOURCE.c.unread,
    SCOPE.c.provider,
    VERSION.c.valid_from,
    VERSION.c.valid_to,
    VERSION.c.digest,
    VERSION.c.codec_id,
    VERSION.c.data,
)
_JOINED = (
    sa.select(*_COLUMNS)
    .select_from(RESOURCE)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
    .join(VERSION, VERSION.c.resource_id == RESOURCE.c.id)
)


class Reader:
    """Reads resources back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codecs = database.codecs

    def get(self, uid: str, at: datetime | None) -> StoredResource | None:
        """One resource, now or at a time; None where there was none. Now: a deleted one is not there."""
        query = _JOINED.where(RESOURCE.c.uid == uid, _valid(at))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else self._stored(connection, [row], at)[0]

    def find(self, wanted: Filter, at: datetime | None, batch: int) -> Iterator[list[StoredResource]]:
        """Matching resources in batches, by resource id. Each batch is a transaction of its own, so a slow consumer
        holds nothing open; with ``at`` the whole is still one consistent state."""
        ids = self._ids(wanted, at)
        for part in chunks(ids):
            query = _JOINED.where(among(RESOURCE.c.id, part), _valid(at)).order_by(RESOURCE.c.id)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
                self._codecs.load(connection, {row.codec_id for row in rows})
            for few in chunks(rows, batch):
                found = [self._one(row, at, due=False) for row in few]
                kept = [r for r in found if wanted.accepts(r)] if wanted.reads_documents else found
                if kept:
                    yield kept

    def count(self, wanted: Filter, at: datetime | None) -> int:
        """How many match."""
        if wanted.reads_documents:
            return sum(len(batch) for batch in self.find(wanted, at, AT_ONCE))
        query = sa.select(sa.func.count()).select_from(RESOURCE)
        if at is None:
            query = query.where(RESOURCE.c.deleted_at.is_(None))
        else:
            query = query.join(VERSION, VERSION.c.resource_id == RESOURCE.c.id).where(_valid(at))
        with self._database.read() as connection:
            return int(connection.scalar(query.where(*wanted.of_places(connection))) or 0)

    def due(self, batch: int) -> Iterator[list[StoredResource]]:
        """The outbox in batches, by resource id; each entry is visited once, whether or not it gets settled."""
        after = 0
        while True:
            query = (
                _JOINED.add_columns(DUE.c.token, DUE.c.baseline)
                .join(DUE, DUE.c.resource_id == RESOURCE.c.id)
                .where(DUE.c.resource_id > after, _valid(None))
                .order_by(DUE.c.resource_id)
                .limit(batch)
            )
            with self._database.read() as connection:
                found = self._stored(connection, connection.execute(query).all(), None, due=True)
            if not found:
                return
            after = found[-1].resource_id
            yield found

    def _ids(self, wanted: Filter, at: datetime | None) -> array[int]:
        query = sa.select(RESOURCE.c.id)
        if at is None:
            query = query.where(RESOURCE.c.deleted_at.is_(None))
        else:
            moment = to_us(at)
            query = query.where(
                sa.func.coalesce(RESOURCE.c.past_from, RESOURCE.c.first_seen) <= moment,
                sa.or_(RESOURCE.c.deleted_at.is_(None), RESOURCE.c.deleted_at > moment),
            )
        with self._database.read() as connection:
            narrowed = wanted.of_places(connection)
            if at is None and (condition := wanted.indexed(connection)) is not None:
                query = query.join(search.SEARCH, search.SEARCH.c.resource_id == RESOURCE.c.id)
                narrowed.append(condition)
            if narrowed:
                # Sorted here: SQLite would walk all resources by id only to have them in order.
                return array("q", sorted(connection.scalars(query.where(*narrowed))))
            query = query.order_by(RESOURCE.c.id).execution_options(yield_per=10_000)
            ids = array("q")
            for rows in connection.execute(query).partitions():
                ids.extend(row[0] for row in rows)
        return ids

    def _stored(
        self, connection: Connection, rows: Sequence[Any], at: datetime | None, *, due: bool = False
    ) -> list[StoredResource]:
        self._codecs.load(connection, {row.codec_id for row in rows})
        return [self._one(row, at, due=due) for row in rows]

    def _one(self, row: Any, at: datetime | None, *, due: bool) -> StoredResource:
        # Taken apart at once, and no attribute asked for that may be missing: that would cost more than decoding does.
        number, uid, first_seen, deleted_at, cause, provider, begun, ends, digest, codec, data, *outbox = row
        record = decode(self._codecs, codec, data)
        if at is None and cause is not None:
            unread = orjson.loads(cause)
        else:
            unread = dict.fromkeys(record.unknown, "it was never read by then")
        token, baseline = outbox if due else (documents.token(digest, unread), False)
        return StoredResource(
            resource_id=number,
            ref=ResourceRef(
                provider=provider,
                account=record.account,
                region=record.region,
                type=record.type,
                uid=uid,
            ),
            name=record.name,
            document=record.document,
            tags=record.tags,
            unread=unread,
            digest=digest,
            first_seen=from_us(first_seen),
            valid_from=from_us(begun),
            valid_to=ended(ends),
            deleted_at=ended(deleted_at),
            baseline=bool(baseline),
            ticket=Ticket(number, token),
        )


def _valid(at: datetime | None) -> sa.ColumnElement[bool]:
    if at is None:
        return VERSION.c.valid_to == OPEN
    moment = to_us(at)
    return sa.and_(VERSION.c.valid_from <= moment, VERSION.c.valid_to > moment)
