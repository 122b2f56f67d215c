"""Baselines: a state of the estate, or of a part, that is known to be good; what drifted from it; approving that.

A baseline holds, for each of its resources, the version that is good, or a document as it was exported
(:mod:`storage.exported`). Such a version outlives retention. What differs from it now is told by :mod:`storage.drift`. Pinning,
approving and removing are entered in the ledger, in the same transaction.

    baselines.pin("release-7", Filter(accounts=...), Word(who="alice", why="audited", now=now), at=yesterday)
    baselines.drift("release-7")
    baselines.held([uid])[uid]["release-7"].record.document
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import UsageError
from providers.resource import Resource
from storage import bulk, drift
from storage import exported as exports
from storage.among import among
from storage.database import Database
from storage.documents import Record
from storage.drift import HELD, PLACES, STATES
from storage.errors import NotStored
from storage.ledger import Ledger
from storage.query import Filter
from storage.rows import CHUNK, chunks, decoded
from storage.state import read_state, write_state
from storage.tables import BASELINE, BASELINE_DOCUMENT, BASELINE_ITEM, RESOURCE, VERSION
from storage.text import clean, to_json
from storage.times import OPEN, ended, from_us, to_us
from storage.values import Drift

_ITEM_COLUMNS = ("baseline_id", "resource_id", "valid_from")
_REVISION = "baseline.revision"
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
                count = exports.hold(connection, self._codecs, number, exported, wanted)
                # Kept apart from the documents, which approving takes out one by one.
                places = sorted(exports.places(connection, number))
                selection = to_json({**wanted.saved(), PLACES: places})
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
                STATES.where(
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
                records = decoded(connection, self._codecs, rows)
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
                rows = connection.execute(_PINNED.where(among(RESOURCE.c.uid, part))).all()
                for row, record in zip(rows, decoded(connection, self._codecs, rows), strict=True):
                    same = row.deleted_at is None and bytes(row.digest) == bytes(row.now)
                    pinned = Pinned(record=record, since=from_us(row.valid_from), same=same)
                    found.setdefault(row.uid, {})[row.baseline] = pinned
                for number, uid, record, same in exports.records(connection, self._codecs, part):
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
        return drift.found(self._database, row.id, orjson.loads(row.selection), exported=bool(row.documents))

    def unseen(self, name: str) -> int:
        """How many exported documents of a baseline are of places that were never read completely: whether they are there is
        not known. Raises NotStored."""
        row = self._row(name)
        with self._database.read() as connection:
            return exports.unseen(connection, row.id)

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
                exports.let_go(connection, row.id, [d.ref.uid for d in part])
                item = BASELINE_ITEM.c
                connection.execute(
                    sa.delete(BASELINE_ITEM).where(item.baseline_id == row.id, among(item.resource_id, ids))
                )
                there = connection.execute(
                    sa.select(VERSION.c.resource_id, VERSION.c.valid_from).where(
                        among(VERSION.c.resource_id, ids), VERSION.c.valid_to == OPEN
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
            exports.let_go(connection, row.id)
            connection.execute(sa.delete(BASELINE).where(BASELINE.c.id == row.id))
            self._done(connection, "baseline.removed", name, word, {"why": word.why})

    def _row(self, name: str) -> Any:
        with self._database.read() as connection:
            row = connection.execute(_BASELINES.where(BASELINE.c.name == name)).one_or_none()
        if row is None:
            raise NotStored(f"There is no baseline {name}.", hint="`watchstander baseline list` shows them.")
        return row


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
    .join(VERSION, HELD)
    .order_by(RESOURCE.c.id, BASELINE.c.name)
)
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
