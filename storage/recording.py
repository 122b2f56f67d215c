"""Recording one reading of one scope: stream its resources in, get the changes out; only a complete end deletes.

Memory holds the scope's digests and nothing else. A resource whose digest is known costs a hash and a lookup; only the
others meet the database, in one transaction a batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.resource import ANY, Coverage, CoverageStatus, Resource, Scope
from storage import bulk, documents
from storage.among import among
from storage.attribution import note
from storage.codec import MAX_SAMPLES, MIN_SAMPLES, PLAIN, Codecs
from storage.database import Database
from storage.known import Known, Surroundings, spans
from storage.observe import Context, Observer, Seen, remove
from storage.rows import Row, chunks, place_id, rows_by
from storage.tables import COVERAGE, RESOURCE, SCOPE, VERSION
from storage.times import OPEN, to_us
from storage.values import Change


class Sifted(NamedTuple):
    """A batch without what is known exactly as it came."""

    read: int
    pending: list[Seen]


class Recording:
    """One reading being recorded. Made by :meth:`storage.inventory.Inventory.begin`. One thread may sift while another stores;
    each from one thread at a time."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        *,
        at: datetime,
        cycle_id: int | None,
        confirmations: int,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.scope = scope
        self.read = 0
        """Resources given to :meth:`add`, duplicates included."""
        self.duplicates = 0
        """Resources that came more than once; the first counts."""
        self._database = database
        self._codecs = database.codecs
        self._at = to_us(at)
        self._cycle_id = cycle_id
        self._confirmations = confirmations
        self._clock = clock
        self._known = Known()
        self._known_lock = threading.Lock()
        self._created: dict[str, int] = {}
        self._lost = False
        with database.read() as connection:
            self._around = Surroundings(connection, scope)
            self._known.load(self._stored(connection))
        if self._around.id is None:
            with database.write() as connection:
                self._around.id = place_id(connection, scope)
                if not spans(scope):
                    self._around.places.append(self._around.id)

    @property
    def first_contact(self) -> bool:
        """Whether the scope itself never had a complete reading before this one."""
        return not self._around.complete_before

    def add(self, resources: Sequence[Resource]) -> list[Change]:
        """Record a batch (a thousand or so): :meth:`sift` and :meth:`store` in one. Returns what changed, in no particular
        order. Raises StorageError."""
        lost, self._lost = self._lost, True
        sifted = self.sift(resources)
        self._lost = lost
        return self.store(sifted)

    def sift(self, resources: Sequence[Resource]) -> Sifted:
        """Part what is not known exactly as it came from what is; the latter is done with. The work of it is making and
        hashing canonical bytes, best done in the thread that has just made the documents; nothing is written. May run
        beside :meth:`store`."""
        pending: list[Seen] = []
        known, lock = self._known, self._known_lock
        unseen, seen, slow = known.unseen, known.seen, known.slow
        for resource in resources:
            data = documents.encode(resource)
            content = documents.digest(resource.ref.uid, data)
            with lock:
                if resource.unread or content in slow:
                    pending.append(Seen(resource, data, content))
                elif content in unseen:
                    unseen.remove(content)
                    seen.add(content)
                elif content in seen:
                    self.duplicates += 1
                else:
                    pending.append(Seen(resource, data, content))
        return Sifted(read=len(resources), pending=pending)

    def store(self, sifted: Sifted) -> list[Change]:
        """Store what was sifted, from one thread at a time. Returns what changed, in no particular order. Raises
        StorageError; then nothing of the batch is stored, and this recording can no longer end as complete."""
        lost, self._lost = self._lost, True
        changes = self._store(sifted.pending) if sifted.pending else []
        self.read += sifted.read
        self._lost = lost
        return changes

    def finish(self, coverage: Coverage) -> list[Change]:
        """End the recording. Deletions follow only from a complete coverage. Raises StorageError, and ValueError for the
        coverage of another scope."""
        if coverage.scope != self.scope:
            raise ValueError(f"the coverage is of {coverage.scope}, the recording of {self.scope}")
        if self._lost and coverage.complete:
            coverage = Coverage(
                scope=self.scope,
                status=CoverageStatus.PARTIAL,
                read=coverage.read,
                details_unread=coverage.details_unread,
                cause="not everything that was read could be stored",
            )
        self._train_from_stored()
        with self._database.write() as connection:
            gone = self._gone(connection, coverage) if coverage.complete else []
            changes = remove(
                connection,
                gone,
                at=self._at,
                cycle_id=self._cycle_id,
                actor=None,
                first_contact=self.first_contact,
            )
            note(connection, changes, since=self._around.last_complete, until=self._now())
            assert self._around.id is not None
            record_coverage(connection, self._around.id, coverage, at=self._at, cycle_id=self._cycle_id)
        return changes

    def _now(self) -> int | None:
        """By when what is being stored was read; None where nobody tells the time, and nobody asks who did it."""
        return None if self._clock is None else to_us(self._clock())

    def _stored(self, connection: Connection) -> Iterator[tuple[int, bytes, bool]]:
        """Id and digest of each resource there is in the scope now, and whether it needs a look even when unchanged."""
        for part in chunks(self._around.places):
            yield from bulk.live_digests(connection, among(RESOURCE.c.place_id, part))
        if self._around.id is not None:
            yield from bulk.live_digests(connection, RESOURCE.c.scope_id == self._around.id)

    def _store(self, pending: list[Seen]) -> list[Change]:
        self._train_from_batch(pending)
        context = Context(
            at=self._at,
            cycle_id=self._cycle_id,
            actor=None,
            scope_id=self._around.id,
            covers=self.scope.covers,
            first_contact=self._around.first_contact,
            stale=self._stale,
            since=self._around.last_complete,
            until=self._now(),
        )
        with self._known_lock:
            fresh = [item for item in pending if not self._already_seen(item)]
        if not fresh:
            return []
        with self._database.write() as connection:
            changes, settled = Observer(connection, self._codecs, context).store(fresh)
        with self._known_lock:
            for item in settled:
                self._known.settle(item)
        for change in changes:
            if change.before_digest is None:
                self._created[change.ref.type] = self._created.get(change.ref.type, 0) + 1
        return changes

    def _already_seen(self, item: Seen) -> bool:
        seen = item.digest in self._known.seen
        self.duplicates += seen
        return seen

    def _stale(self, row: Row) -> bool:
        """Whether ``row`` is newer than this listing, or the uid has come in this reading already."""
        if row.digest in self._known:
            again = row.digest in self._known.seen
            self.duplicates += again
            return again
        # Not known when we began: bound to a scope that does not overlap (then it moved here), or written since.
        return self.scope.covers(row.ref) or row.scope_id == self._around.id

    def _gone(self, connection: Connection, coverage: Coverage) -> list[Row]:
        gone, missed, unseen = [], [], self._known.unseen
        if not unseen:
            return []
        # What another wrote since we began has another digest, or is gone already.
        ids = {number for number, digest, _ in self._stored(connection) if digest in unseen}
        for row in rows_by(connection, "id", sorted(ids)):
            mine = row.scope_id == self._around.id
            asked = Coverage(
                scope=Scope(row.provider, row.account, ANY, ANY) if mine else self.scope,
                status=coverage.status,
                excluded=coverage.excluded,
            )
            if not asked.covers(row.ref):
                continue
            if row.missed + 1 < self._confirmations:
                missed.append({"b_id": row.id, "b_missed": row.missed + 1})
            else:
                gone.append(row)
        if missed:
            connection.execute(
                sa.update(RESOURCE)
                .where(RESOURCE.c.id == sa.bindparam("b_id"))
                .values(missed=sa.bindparam("b_missed")),
                missed,
            )
        return gone

    def _train_from_batch(self, pending: list[Seen]) -> None:
        samples: dict[str, list[bytes]] = {}
        for item in pending:
            samples.setdefault(item.resource.ref.type, []).append(item.data)
        for type_, data in samples.items():
            if len(data) >= MIN_SAMPLES and not self._codecs.trained(type_):
                train(self._database, self._codecs, type_, data, self._at)

    def _train_from_stored(self) -> None:
        """Types that grew in small batches: learn from what is stored once there is enough of it."""
        for type_, created in self._created.items():
            if not self._codecs.enough(type_, created):
                continue
            with self._database.read() as connection:
                query = (
                    sa.select(VERSION.c.data)
                    .join(RESOURCE, RESOURCE.c.id == VERSION.c.resource_id)
                    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
                    .where(SCOPE.c.type == type_, VERSION.c.codec_id == PLAIN, VERSION.c.valid_to == OPEN)
                    .limit(MAX_SAMPLES)
                )
                data = [self._codecs.decode(PLAIN, d) for d in connection.scalars(query)]
            train(self._database, self._codecs, type_, data, self._at)


def train(database: Database, codecs: Codecs, type_: str, samples: list[bytes], at: int) -> None:
    """Train a dictionary in a transaction of its own: a codec that is used must be sure to exist."""
    if not database.in_transaction:
        with database.write() as connection:
            codecs.train(connection, type_, samples, at)


def record_coverage(
    connection: Connection,
    scope_id: int,
    coverage: Coverage,
    *,
    at: int,
    cycle_id: int | None,
    entered_only: bool = False,
) -> None:
    """The scope's newest coverage; a row of history only where the status differs from the last. With ``entered_only`` the scope was
    found open and not read: that proves nothing of what is in it."""
    row = connection.execute(
        sa.select(SCOPE.c.status, SCOPE.c.first_complete_at).where(SCOPE.c.id == scope_id)
    ).one()
    values: dict[str, object] = {
        "last_attempt_at": at,
        "last_attempt_cycle": cycle_id,
        "status": coverage.status.value,
        "cause": coverage.cause,
        "permission": coverage.permission,
        "read": coverage.read,
        "details_unread": coverage.details_unread,
    }
    if coverage.complete and not entered_only:
        values |= {
            "first_complete_at": at if row.first_complete_at is None else row.first_complete_at,
            "last_complete_at": at,
            "last_complete_cycle": cycle_id,
            "excluded": orjson.dumps(coverage.excluded).decode() if coverage.excluded else None,
        }
    connection.execute(sa.update(SCOPE).where(SCOPE.c.id == scope_id).values(values))
    if row.status != coverage.status.value:
        last = connection.scalar(sa.select(sa.func.max(COVERAGE.c.at)).where(COVERAGE.c.scope_id == scope_id))
        connection.execute(
            sa.insert(COVERAGE).values(
                scope_id=scope_id,
                at=at if last is None else max(at, last + 1),
                cycle_id=cycle_id,
                status=coverage.status.value,
                cause=coverage.cause,
                permission=coverage.permission,
            )
        )
