"""The inventory: recording readings, and asking what there is or was.

    recording = inventory.begin(scope, at, cycle_id)
    for batch in batches(provider.read(scope)):
        changes += recording.add(batch)
    changes += recording.finish(reading.coverage)

Every state of a resource that has to be judged is put in an outbox (table ``due``) in the transaction that stores it,
and taken out in the transaction that stores its findings (:mod:`storage.findings`): a crash between them repeats the
judgement and loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from providers.provider import Deed
from providers.resource import ANY, Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage import documents
from storage.attribution import note
from storage.database import Database
from storage.known import Surroundings
from storage.observe import Context, Observer, Seen, remove
from storage.query import Filter, Reader
from storage.recording import Recording, record_coverage
from storage.rows import AT_ONCE, place_id, rows_by
from storage.tables import APPLIED, COVERAGE, DUE, RESOURCE, SCOPE
from storage.times import ended, from_us, to_us
from storage.values import Change, ScopeState, StoredResource


class Inventory:
    """What there is, and was. One per process and database; safe from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = Reader(database)

    def begin(
        self,
        scope: Scope,
        at: datetime,
        cycle_id: int | None = None,
        *,
        confirmations: int = 1,
        clock: Callable[[], datetime] | None = None,
    ) -> Recording:
        """Begin recording a reading of ``scope`` made at ``at``. Begin before the listing is asked for, so that what an
        early re-read stores meanwhile is not overwritten by an older listing.

        A resource is taken for deleted after ``confirmations`` complete readings in a row without it. With a ``clock``, each
        change is noted as a question who made it (:mod:`storage.attribution`). Raises StorageError.
        """
        return Recording(
            self._database, scope, at=at, cycle_id=cycle_id, confirmations=confirmations, clock=clock
        )

    def note_coverage(self, coverage: Coverage, at: datetime, cycle_id: int | None = None) -> None:
        """Record that a scope could not be read at all (a refused account, say), without a reading."""
        with self._database.write() as connection:
            number = place_id(connection, coverage.scope)
            record_coverage(connection, number, coverage, at=to_us(at), cycle_id=cycle_id)

    def settle_refusals(
        self, provider: str, accounts: Collection[str], asked: Collection[Scope], at: datetime, cycle_id: int
    ) -> None:
        """Record that what could not be entered as a whole before, and never was read, has been entered: the cloud itself, and
        ``accounts``. ``asked`` are the scopes that tell of themselves, as refused again or as about to be read. Call it after
        a discovery of everything."""
        query = sa.select(SCOPE.c.id, SCOPE.c.account).where(
            SCOPE.c.provider == provider,
            SCOPE.c.region == ANY,
            SCOPE.c.type == ANY,
            SCOPE.c.status != CoverageStatus.COMPLETE.value,
            SCOPE.c.first_complete_at.is_(None),
            SCOPE.c.read == 0,
        )
        entered = {ANY, *accounts} - {s.account for s in asked if s.region == ANY and s.type == ANY}
        with self._database.write() as connection:
            for row in connection.execute(query).all():
                if row.account in entered:
                    scope = Scope(provider, row.account, ANY, ANY)
                    coverage = Coverage(scope=scope, status=CoverageStatus.COMPLETE)
                    record_coverage(
                        connection, row.id, coverage, at=to_us(at), cycle_id=cycle_id, entered_only=True
                    )

    def record_one(
        self,
        resource: Resource,
        at: datetime,
        cycle_id: int | None = None,
        *,
        actor: str | None = None,
        deed: Deed | None = None,
    ) -> Change | None:
        """Store one resource as an early re-read found it, and what the event that led to it tells was done (``deed``).
        Returns the change, if any."""
        ref = resource.ref
        with self._database.write() as connection:
            around = Surroundings(connection, Scope(ref.provider, ref.account, ref.region, ref.type))
            context = Context(
                at=to_us(at),
                cycle_id=cycle_id,
                actor=actor,
                scope_id=None,
                covers=lambda _: True,
                first_contact=around.first_contact,
                stale=lambda _: False,
                since=around.last_complete,
                until=to_us(at),
                deed=deed,
            )
            data = documents.encode(resource)
            seen = Seen(resource, data, documents.digest(ref.uid, data))
            changes, _ = Observer(connection, self._database.codecs, context).store([seen])
        return changes[0] if changes else None

    def mark_gone(
        self,
        ref: ResourceRef,
        at: datetime,
        cycle_id: int | None = None,
        *,
        actor: str | None = None,
        deed: Deed | None = None,
    ) -> Change | None:
        """Record that one resource is *proved* not to exist (a re-read raised Gone). None if it is not known or was
        gone already."""
        with self._database.write() as connection:
            rows = [r for r in rows_by(connection, "uid", [ref.uid]) if r.deleted_at is None]
            if not rows:
                return None
            around = Surroundings(connection, Scope(ref.provider, ref.account, ref.region, ref.type))
            changes = remove(
                connection,
                rows,
                at=to_us(at),
                cycle_id=cycle_id,
                actor=actor,
                first_contact=around.first_contact(ref),
            )
            note(connection, changes, since=around.last_complete, until=to_us(at), deed=deed)
        return changes[0]

    def get(self, uid: str, at: datetime | None = None) -> StoredResource | None:
        """One resource, now or at a time; None where it is not known, or did not exist then."""
        return self._reader.get(uid, at)

    def find(
        self, wanted: Filter | None = None, at: datetime | None = None, *, batch: int = AT_ONCE
    ) -> Iterator[list[StoredResource]]:
        """Matching resources in batches of at most ``batch`` (500 at the most), now or at a time. The default suits who walks
        over them; who does something for each batch (judges it, writes) takes larger ones."""
        return self._reader.find(wanted or Filter(), at, batch)

    def count(self, wanted: Filter | None = None, at: datetime | None = None) -> int:
        """How many resources match, now or at a time."""
        return self._reader.count(wanted or Filter(), at)

    def deleted_at(self, uid: str) -> datetime | None:
        """When a resource that is not there any more was found to be gone."""
        with self._database.read() as connection:
            return ended(connection.scalar(sa.select(RESOURCE.c.deleted_at).where(RESOURCE.c.uid == uid)))

    def similar(self, text: str, count: int = 3) -> list[str]:
        """Ids of live resources with ``text`` in their id or name: for saying what may have been meant."""
        like = RESOURCE.c.uid.icontains(text, autoescape=True) | (RESOURCE.c.name == text)
        query = sa.select(RESOURCE.c.uid).where(like, RESOURCE.c.deleted_at.is_(None)).limit(count)
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(RESOURCE.c.uid)))

    def due(self, batch: int = 500) -> Iterator[list[StoredResource]]:
        """Resources whose newest state has not been judged, in batches. Settle them with
        :meth:`storage.findings.Findings.apply`; what is not settled comes again at the next call."""
        return self._reader.due(batch)

    def due_count(self) -> int:
        """How many resources wait to be judged."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(DUE)) or 0)

    def stale_policies(self, current: Mapping[str, bytes]) -> frozenset[str]:
        """Of the policies in force (id -> digest), those that have not been run over everything as they are now."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(APPLIED.c.policy_id, APPLIED.c.digest)).all()
        applied = {row.policy_id: bytes(row.digest) for row in rows}
        return frozenset(policy for policy, digest in current.items() if applied.get(policy) != digest)

    def mark_applied(self, policies: Mapping[str, bytes], at: datetime) -> None:
        """Say that these policies (id -> digest) have now been run over every resource of their types."""
        with self._database.write() as connection:
            ids = sorted(policies)
            connection.execute(sa.delete(APPLIED).where(APPLIED.c.policy_id.in_(ids)))
            if ids:
                connection.execute(
                    sa.insert(APPLIED),
                    [{"policy_id": p, "digest": policies[p], "applied_at": to_us(at)} for p in ids],
                )

    def forget_applied(self, policies: Collection[str] | None = None) -> None:
        """Make policies (all of them when None) be run over everything again."""
        with self._database.write() as connection:
            statement = sa.delete(APPLIED)
            if policies is not None:
                statement = statement.where(APPLIED.c.policy_id.in_(sorted(policies)))
            connection.execute(statement)

    def scopes(self) -> list[Scope]:
        """Every scope that was ever asked for."""
        return [state.scope for state in self.coverage()]

    def gaps(self) -> list[tuple[Scope, CoverageStatus]]:
        """What was not read completely when it was last asked for, by provider, account, region and type. Services that were
        never switched on are no gap, nor is a whole account's refusal that a later complete reading outdates."""
        now, later = SCOPE.c, SCOPE.alias().c
        complete = CoverageStatus.COMPLETE.value
        never_on = sa.and_(
            now.status == CoverageStatus.NOT_ENABLED.value, now.type != ANY, now.last_complete_at.is_(None)
        )
        read_since = sa.exists().where(
            later.provider == now.provider,
            later.account == now.account,
            later.status == complete,
            later.last_complete_at > now.last_attempt_at,
        )
        query = (
            sa.select(now.provider, now.account, now.region, now.type, now.status)
            .where(
                now.status != complete, ~never_on, ~sa.and_(now.region == ANY, now.type == ANY, read_since)
            )
            .order_by(now.provider, now.account, now.region, now.type)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [(Scope(*row[:4]), CoverageStatus(row.status)) for row in rows]

    def coverage(self) -> list[ScopeState]:
        """Each scope's state, by provider, account, region and type."""
        since = (
            sa.select(COVERAGE.c.scope_id, sa.func.max(COVERAGE.c.at).label("since"))
            .group_by(COVERAGE.c.scope_id)
            .subquery()
        )
        query = (
            sa.select(SCOPE, since.c.since)
            .join(since, since.c.scope_id == SCOPE.c.id)
            .order_by(SCOPE.c.provider, SCOPE.c.account, SCOPE.c.region, SCOPE.c.type)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            ScopeState(
                scope=Scope(row.provider, row.account, row.region, row.type),
                status=CoverageStatus(row.status),
                cause=row.cause,
                permission=row.permission,
                read=row.read,
                details_unread=row.details_unread,
                last_attempt_at=from_us(row.last_attempt_at),
                last_attempt_cycle=row.last_attempt_cycle,
                first_complete_at=ended(row.first_complete_at),
                last_complete_at=ended(row.last_complete_at),
                last_complete_cycle=row.last_complete_cycle,
                since=from_us(row.since),
            )
            for row in rows
        ]
