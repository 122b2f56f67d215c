"""Baselines: a state of the estate, or of a part, that is known to be good; what drifted from it; approving that.

A baseline holds, for each of its resources, the version that is good, or a document as it was exported (storage/exported.py).
Such a version outlives retention. Pinning, approving and
removing are entered in the ledger, in the same transaction.

    baselines.pin("release-7", Filter(accounts=...), Word(who="alice", why="audited", now=now), at=yesterday)
    baselines.drift("release-7")
    baselines.held([uid])[uid]["release-7"].record.document
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import UsageError
from providers.resource import Resource, ResourceRef
from storage import bulk
from storage import exported as documents
from storage.database import Database
from storage.diff import diff_records
from storage.documents import Record, only_learned
from storage.errors import NotStored
from storage.ledger import Ledger
from storage.query import Filter
from storage.rows import CHUNK, chunks, decode
from storage.state import read_state, write_state
from storage.tables import BASELINE, BASELINE_DOCUMENT, BASELINE_ITEM, RESOURCE, SCOPE, VERSION
from storage.text import clean, to_json
from storage.times import OPEN, ended, from_us, to_us
from storage.values import ChangeKind, FieldChange

_ITEM_COLUMNS = ("baseline_id", "resource_id", "valid_from")
_REVISION = "baseline.revision"
_PLACES = "places"
"""Beside the filter of an exported baseline: where its resources were from."""
NAMED = 100
"""How many resources an entry of the ledger names; it always says how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One baseline. ``at``: as of when it was pinned; ``approved_at``: when drift was last approved into it."""

    name: str
    at: datetime
    wanted: Filter
    who: str
    why: str
    pinned_at: datetime
    approved_at: datetime | None
    resources: int
    exported: int = 0
    """How many of the resources it holds as they were exported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one resource differs from its baseline now: created (not in it), changed, or deleted (in it, and gone)."""

    kind: ChangeKind
    ref: ResourceRef
    name: str
    fields: tuple[FieldChange, ...]
    resource_id: int | None
    """None where it is in the baseline as exported, and was never seen."""
    since: datetime | None
    """When the newest of it was seen; None where it never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """On whose word something is done to a baseline, why, and when."""

    who: str
    why: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a baseline holds of one resource: the record, since when it was so, and whether it is the same now."""

    record: Record
    since: datetime
    same: bool


class Baselines:
    """The baselines in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codecs = database.codecs
        self._ledger = Ledger(database)

    def pin(
        self,
        name: str,
        wanted: Filter,
        word: Word,
        *,
        at: datetime | None = None,
        exported: Iterable[Resource] | None = None,
    ) -> Baseline:
        """Hold the resources that ``wanted`` chooses as they are now, as they were ``at`` a time, or as they were
        ``exported``. Raises UsageError for a name that is taken or is none, and where nothing is chosen."""
        if not name.strip() or name != clean(name).strip():
            raise UsageError(f"{name!r} is no name for a baseline.", hint="Write a word, such as release-7.")
        moment = word.now if at is None else at
        with self._database.write() as connection:
            if connection.scalar(sa.select(BASELINE.c.id).where(BASELINE.c.name == name)) is not None:
                raise UsageError(
                    f"There is a baseline {name} already.",
                    hint="Approve drift into it (`baseline approve`), or give another name.",
                )
            row = {
                "name": name,
                "at": to_us(moment),
                "selection": to_json(wanted.saved()),
                "who": clean(word.who),
                "why": clean(word.why),
                "pinned_at": to_us(word.now),
            }
            number = connection.execute(sa.insert(BASELINE).values(row).returning(BASELINE.c.id)).scalar_one()
            if exported is None:
                count = self._hold(connection, number, wanted, to_us(moment))
            else:
                count = documents.hold(connection, self._codecs, number, exported, wanted)
                # Kept apart from the documents, which approving takes out one by one.
                places = sorted(documents.places(connection, number))
                selection = to_json({**wanted.saved(), _PLACES: places})
                connection.execute(
                    sa.update(BASELINE).where(BASELINE.c.id == number).values(selection=selection)
                )
            if not count:
                raise UsageError("There is nothing to pin.", hint="Widen the filters, or name another --at.")
            detail = {"at": moment.isoformat(), "why": word.why, "resources": count, "filter": wanted.saved()}
            detail["exported"] = exported is not None
            self._done(connection, "baseline.pinned", name, word, detail)
        return self.get(name)

    def _hold(self, connection: Connection, number: int, wanted: Filter, moment: int) -> int:
        """Insert the items of a new baseline; how many."""
        count, after = 0, 0
        while True:
            query = (
                _STATES.where(
                    VERSION.c.valid_from <= moment,
                    VERSION.c.valid_to > moment,
                    RESOURCE.c.id > after,
                    wanted.places(),
                )
                .order_by(RESOURCE.c.id)
                .limit(CHUNK)
            )
            rows = connection.execute(query).all()
            if not rows:
                return count
            after = rows[-1].id
            chosen = rows
            if wanted.reads_documents:
                records = self._records(connection, rows)
                chosen = [
                    row
                    for row, record in zip(rows, records, strict=True)
                    if wanted.accepts_record(row.uid, row.provider, record)
                ]
            items = [(number, row.id, row.valid_from) for row in chosen]
            bulk.insert(connection, BASELINE_ITEM, _ITEM_COLUMNS, items)
            count += len(items)

    def all(self) -> list[Baseline]:
        """Every baseline, by name."""
        with self._database.read() as connection:
            rows = connection.execute(_BASELINES.order_by(BASELINE.c.name)).all()
        return [_baseline(row) for row in rows]

    def get(self, name: str) -> Baseline:
        """One baseline. Raises NotStored."""
        return _baseline(self._row(name))

    def held(self, uids: Collection[str]) -> dict[str, dict[str, Pinned]]:
        """What the baselines hold of these resources: uid -> baseline -> the version. Raises StorageError."""
        found: dict[str, dict[str, Pinned]] = {}
        with self._database.read() as connection:
            by_number = {row.id: _baseline(row) for row in connection.execute(_BASELINES)}
            for part in chunks(list(uids)) if by_number else ():
                rows = connection.execute(_PINNED.where(RESOURCE.c.uid.in_(part))).all()
                for row, record in zip(rows, self._records(connection, rows), strict=True):
                    same = row.deleted_at is None and bytes(row.digest) == bytes(row.now)
                    pinned = Pinned(record=record, since=from_us(row.valid_from), same=same)
                    found.setdefault(row.uid, {})[row.baseline] = pinned
                for number, uid, record, same in documents.records(connection, self._codecs, part):
                    one = by_number[number]
                    found.setdefault(uid, {})[one.name] = Pinned(record=record, since=one.at, same=same)
        return found

    def revision(self) -> int:
        """Counts what was done to baselines; what was derived from them before a change is out of date."""
        with self._database.read() as connection:
            return int(read_state(connection, _REVISION) or 0)

    def _done(
        self, connection: Connection, kind: str, name: str, word: Word, detail: Mapping[str, Any]
    ) -> None:
        """Enter what was done into the ledger, and count it."""
        count = int(read_state(connection, _REVISION) or 0) + 1
        write_state(connection, _REVISION, count, to_us(word.now))
        self._ledger.append(kind, word.who, name, detail, word.now)

    def drift(self, name: str) -> Iterator[Drift]:
        """What differs now, by resource: what is in it first, then what is not in it. Raises NotStored."""
        row = self._row(name)
        selection = orjson.loads(row.selection)
        wanted = Filter.restored(selection)
        places = {tuple(place) for place in selection.get(_PLACES, ())}
        after = 0
        while True:
            query = _HELD.where(BASELINE_ITEM.c.baseline_id == row.id, RESOURCE.c.id > after)
            with self._database.read() as connection:
                rows = connection.execute(query.order_by(RESOURCE.c.id).limit(CHUNK)).all()
                found = list(self._compared(connection, rows))
            if not rows:
                break
            after = rows[-1].id
            yield from found
        with self._database.read() as connection:
            for one in documents.differing(connection, self._codecs, row.id) if row.documents else ():
                yield Drift(
                    kind=one.kind,
                    ref=one.ref,
                    name=one.name,
                    fields=one.fields,
                    resource_id=one.resource_id,
                    since=from_us(one.since) if one.since else None,
                )
        yield from self._added(row.id, wanted, places)

    def unseen(self, name: str) -> int:
        """How many exported documents of a baseline are of places that were never read completely: whether they are there is
        not known. Raises NotStored."""
        row = self._row(name)
        with self._database.read() as connection:
            return documents.unseen(connection, row.id)

    def _compared(self, connection: Connection, rows: Sequence[Any]) -> Iterator[Drift]:
        old = dict(zip([r.id for r in rows], self._records(connection, rows), strict=True))
        live = [row.id for row in rows if row.deleted_at is None]
        states = connection.execute(_STATES.where(RESOURCE.c.id.in_(live), VERSION.c.valid_to == OPEN)).all()
        new = dict(zip([s.id for s in states], self._records(connection, states), strict=True))
        for row in rows:
            before, after = old[row.id], new.get(row.id)
            if after is None:
                gone = row.deleted_at if row.deleted_at is not None else row.changed_at
                yield _drift(ChangeKind.DELETED, row, before, (), gone)
            elif not only_learned(before, after):
                yield _drift(ChangeKind.CHANGED, row, after, diff_records(before, after), row.changed_at)

    def _added(self, number: int, wanted: Filter, places: Collection[tuple[str, ...]]) -> Iterator[Drift]:
        """What is not in a baseline; of an exported one, only where the export holds others of the same place."""
        held = (BASELINE_ITEM.c.baseline_id == number) & (BASELINE_ITEM.c.resource_id == RESOURCE.c.id)
        after = 0
        while True:
            query = (
                _STATES.where(
                    RESOURCE.c.deleted_at.is_(None),
                    VERSION.c.valid_to == OPEN,
                    RESOURCE.c.id > after,
                    wanted.places(),
                    ~sa.exists(sa.select(1).select_from(BASELINE_ITEM).where(held).correlate(RESOURCE)),
                )
                .order_by(RESOURCE.c.id)
                .limit(CHUNK)
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
                records = self._records(connection, rows)
                exported = documents.uids(connection, number, [row.uid for row in rows]) if places else ()
            if not rows:
                return
            after = rows[-1].id
            for row, record in zip(rows, records, strict=True):
                if row.uid in exported or (
                    places and (row.provider, record.account, record.region, record.type) not in places
                ):
                    continue
                if wanted.accepts_record(row.uid, row.provider, record):
                    yield _drift(ChangeKind.CREATED, row, record, (), row.valid_from)

    def approve(self, name: str, word: Word, uids: Collection[str] | None = None) -> int:
        """Take what drifted (all of it, or of these resources) into the baseline; how many resources. Raises NotStored, also
        for a uid that did not drift."""
        with self._database.write() as connection:
            row = self._row(name)
            drifted = [d for d in self.drift(name) if uids is None or d.ref.uid in uids]
            if uids is not None and (strange := sorted(set(uids) - {d.ref.uid for d in drifted})):
                raise NotStored(
                    f"{strange[0]} did not drift from {name}.",
                    hint=f"See `watchstander baseline drift {name}`.",
                )
            for part in chunks(drifted):
                ids = [d.resource_id for d in part if d.resource_id is not None]
                documents.let_go(connection, row.id, [d.ref.uid for d in part])
                item = BASELINE_ITEM.c
                connection.execute(
                    sa.delete(BASELINE_ITEM).where(item.baseline_id == row.id, item.resource_id.in_(ids))
                )
                there = connection.execute(
                    sa.select(VERSION.c.resource_id, VERSION.c.valid_from).where(
                        VERSION.c.resource_id.in_(ids), VERSION.c.valid_to == OPEN
                    )
                ).all()
                items = [(row.id, state.resource_id, state.valid_from) for state in there]
                bulk.insert(connection, BASELINE_ITEM, _ITEM_COLUMNS, items)
            if drifted:
                connection.execute(
                    sa.update(BASELINE).where(BASELINE.c.id == row.id).values(approved_at=to_us(word.now))
                )
                named = [{"resource": d.ref.uid, "what": d.kind.value} for d in drifted[:NAMED]]
                detail = {"why": word.why, "resources": len(drifted), "drift": named}
                self._done(connection, "baseline.approved", name, word, detail)
        return len(drifted)

    def remove(self, name: str, word: Word) -> None:
        """Let go of a baseline; retention may then let go of what it held. Raises NotStored."""
        with self._database.write() as connection:
            row = self._row(name)
            connection.execute(sa.delete(BASELINE_ITEM).where(BASELINE_ITEM.c.baseline_id == row.id))
            documents.let_go(connection, row.id)
            connection.execute(sa.delete(BASELINE).where(BASELINE.c.id == row.id))
            self._done(connection, "baseline.removed", name, word, {"why": word.why})

    def _row(self, name: str) -> Any:
        with self._database.read() as connection:
            row = connection.execute(_BASELINES.where(BASELINE.c.name == name)).one_or_none()
        if row is None:
            raise NotStored(f"There is no baseline {name}.", hint="`watchstander baseline list` shows them.")
        return row

    def _records(self, connection: Connection, rows: Sequence[Any]) -> list[Record]:
        self._codecs.load(connection, {row.codec_id for row in rows})
        return [decode(self._codecs, row.codec_id, row.data) for row in rows]


_COLUMNS = (
    RESOURCE.c.id,
    RESOURCE.c.uid,
    RESOURCE.c.changed_at,
    RESOURCE.c.deleted_at,
    SCOPE.c.provider,
    VERSION.c.valid_from,
    VERSION.c.codec_id,
    VERSION.c.data,
)
_STATES = (
    sa.select(*_COLUMNS)
    .select_from(RESOURCE)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
    .join(VERSION, VERSION.c.resource_id == RESOURCE.c.id)
)
_PINNED = (
    sa.select(
        RESOURCE.c.uid,
        RESOURCE.c.deleted_at,
        RESOURCE.c.digest.label("now"),
        BASELINE.c.name.label("baseline"),
        VERSION.c.valid_from,
        VERSION.c.digest,
        VERSION.c.codec_id,
        VERSION.c.data,
    )
    .select_from(BASELINE_ITEM)
    .join(BASELINE, BASELINE.c.id == BASELINE_ITEM.c.baseline_id)
    .join(RESOURCE, RESOURCE.c.id == BASELINE_ITEM.c.resource_id)
    .join(
        VERSION,
        (VERSION.c.resource_id == BASELINE_ITEM.c.resource_id)
        & (VERSION.c.valid_from == BASELINE_ITEM.c.valid_from),
    )
    .order_by(RESOURCE.c.id, BASELINE.c.name)
)
_HELD = (
    sa.select(*_COLUMNS)
    .select_from(BASELINE_ITEM)
    .join(RESOURCE, RESOURCE.c.id == BASELINE_ITEM.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
    .join(
        VERSION,
        (VERSION.c.resource_id == BASELINE_ITEM.c.resource_id)
        & (VERSION.c.valid_from == BASELINE_ITEM.c.valid_from),
    )
    .where(sa.or_(RESOURCE.c.deleted_at.is_not(None), RESOURCE.c.digest != VERSION.c.digest))
)
"""The items that are not as they were."""
_BASELINES = sa.select(
    BASELINE,
    sa.select(sa.func.count())
    .select_from(BASELINE_ITEM)
    .where(BASELINE_ITEM.c.baseline_id == BASELINE.c.id)
    .scalar_subquery()
    .label("items"),
    sa.select(sa.func.count())
    .select_from(BASELINE_DOCUMENT)
    .where(BASELINE_DOCUMENT.c.baseline_id == BASELINE.c.id)
    .scalar_subquery()
    .label("documents"),
)


def _drift(kind: ChangeKind, row: Any, record: Record, fields: tuple[FieldChange, ...], since: int) -> Drift:
    ref = ResourceRef(
        provider=row.provider, account=record.account, region=record.region, type=record.type, uid=row.uid
    )
    return Drift(
        kind=kind, ref=ref, name=record.name, fields=fields, resource_id=row.id, since=from_us(since)
    )


def _baseline(row: Any) -> Baseline:
    return Baseline(
        name=row.name,
        at=from_us(row.at),
        wanted=Filter.restored(orjson.loads(row.selection)),
        who=row.who,
        why=row.why,
        pinned_at=from_us(row.pinned_at),
        approved_at=ended(row.approved_at),
        resources=row.items + row.documents,
        exported=row.documents,
    )
