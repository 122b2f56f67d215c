"""Findings: (resource, policy) failing over a time, opened and resolved by verdicts.

    fail             opens one finding for the pair, or keeps the one there is (with the newest message)
    pass, n/a        resolves it
    unknown          opens nothing and closes nothing; the cause is kept until the pair is decided
    deleted          a resource proved gone resolves its findings (:mod:`storage.observe`)
    policy gone      :meth:`Findings.retire`

A finding's id is a function of the cloud's unique id and the policy: it is the same after the database is rebuilt, and two
resources of one name never share one. A pair that fails again later gets the next number: ``f-3k…-2``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from policies.policy import Policy
from policies.verdict import Verdict
from providers.provider import Severity
from storage.applying import DESCRIBED, Applying, described, resolve
from storage.database import Database
from storage.finding import (
    FOUND,
    Finding,
    FindingChanges,
    FindingFilter,
    FindingStatus,
    Reason,
    Unknown,
    finding_of,
    resolved_of,
)
from storage.query import type_matches
from storage.rows import chunks
from storage.tables import APPLIED, EXEMPTION, FINDING, JOINED, RESOURCE, SCOPE, UNKNOWN
from storage.times import OPEN, from_us, to_us
from storage.values import Ticket

__all__ = (
    "Finding",
    "FindingChanges",
    "FindingFilter",
    "FindingStatus",
    "Findings",
    "Reason",
    "Unknown",
    "in_force",
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Findings:
    """The findings there are and were. ``clock`` tells which exemptions are in force now."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def together(self) -> Iterator[None]:
        """Whatever this thread stores within is one transaction, of other stores of the database too."""
        with self._database.write():
            yield

    def apply(
        self,
        verdicts: Iterable[Verdict],
        policies: Mapping[str, Policy],
        *,
        at: datetime,
        cycle_id: int | None = None,
        settled: Iterable[Ticket] = (),
    ) -> FindingChanges:
        """Let verdicts open, keep and resolve findings, and take the ``settled`` states out of the outbox, as one
        transaction. ``policies`` (id -> policy) must have each verdict's policy.

        A verdict on a resource that is gone or unknown here is passed over. Raises StorageError, KeyError.
        """
        with self._database.write() as connection:
            return Applying(connection, policies, to_us(at), cycle_id).run(list(verdicts), list(settled))

    def describe(self, policies: Iterable[Policy]) -> int:
        """Let open findings say of their policies what these say of themselves now: a severity or a level that was
        configured anew changes no verdict, so nothing else would tell. How many findings changed. Raises StorageError."""
        columns = [FINDING.c[name] for name in DESCRIBED]
        here = FINDING.c.resolved_at == OPEN
        with self._database.read() as connection:
            rows = connection.execute(sa.select(FINDING.c.policy_id, *columns).where(here).distinct()).all()
        said = {(row.policy_id, tuple(row[1:])) for row in rows}
        names = {policy_id for policy_id, _ in said}
        changed = 0
        for policy in policies:
            if policy.id not in names:
                continue
            now = described(policy)
            if all(values == tuple(now.values()) for policy_id, values in said if policy_id == policy.id):
                continue
            differs = sa.or_(*(FINDING.c[name].is_distinct_from(value) for name, value in now.items()))
            statement = sa.update(FINDING).where(here, FINDING.c.policy_id == policy.id, differs)
            with self._database.write() as connection:
                changed += connection.execute(statement.values(now)).rowcount
        return changed

    def retire(
        self, active: Collection[str], at: datetime, cycle_id: int | None = None
    ) -> tuple[Finding, ...]:
        """Resolve the open findings of policies that are not in force any more, and forget what they could not decide."""
        with self._database.write() as connection:
            open_ids = connection.scalars(
                sa.select(FINDING.c.policy_id).where(FINDING.c.resolved_at == OPEN).distinct()
            ).all()
            known = {*open_ids, *connection.scalars(sa.select(UNKNOWN.c.policy_id).distinct())}
            known |= set(connection.scalars(sa.select(APPLIED.c.policy_id)))
            known |= set(connection.scalars(sa.select(JOINED.c.policy_id).distinct()))
            removed = sorted(known - set(active))
            if not removed:
                return ()
            rows: list[Any] = []
            for part in chunks(removed):
                query = FOUND.where(FINDING.c.policy_id.in_(part), FINDING.c.resolved_at == OPEN)
                rows += connection.execute(query).all()
                connection.execute(sa.delete(UNKNOWN).where(UNKNOWN.c.policy_id.in_(part)))
                connection.execute(sa.delete(APPLIED).where(APPLIED.c.policy_id.in_(part)))
                connection.execute(sa.delete(JOINED).where(JOINED.c.policy_id.in_(part)))
            resolve(connection, [(row.seq, Reason.POLICY_REMOVED) for row in rows], to_us(at), cycle_id)
            return tuple(resolved_of(row, Reason.POLICY_REMOVED, to_us(at)) for row in rows)

    def get(self, finding_id: str) -> Finding | None:
        """One finding as it is now."""
        with self._database.read() as connection:
            query = self._shown(None).where(FINDING.c.id == finding_id)
            row = connection.execute(query).one_or_none()
        return None if row is None else finding_of(row, None)

    def open_for(self, uid: str, policy_id: str) -> Finding | None:
        """The open finding of a pair."""
        query = self._shown(None).where(
            RESOURCE.c.uid == uid, FINDING.c.policy_id == policy_id, FINDING.c.resolved_at == OPEN
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else finding_of(row, None)

    def find(
        self, wanted: FindingFilter | None = None, at: datetime | None = None, *, batch: int = 500
    ) -> Iterator[list[Finding]]:
        """Matching findings in batches, in the order they were stored; with ``at``, as they were then."""
        wanted = wanted or FindingFilter()
        last = 0
        while True:
            query = self._shown(at).where(*self._conditions(wanted, at)).order_by(FINDING.c.seq)
            query = query.where(FINDING.c.seq > last)
            with self._database.read() as connection:
                rows = connection.execute(query.limit(batch)).all()
            if not rows:
                return
            last = rows[-1].seq
            found = [finding_of(row, at) for row in rows]
            if wanted.framework is not None:
                found = [f for f in found if wanted.framework in f.frameworks]
            if found:
                yield found

    def counts(self, at: datetime | None = None) -> dict[Severity, int]:
        """Open findings by severity, now or at a time; every severity is there."""
        query = (
            sa.select(FINDING.c.severity, sa.func.count())
            .where(_open_at(at), sa.not_(self._exempt(at)))
            .group_by(FINDING.c.severity)
        )
        with self._database.read() as connection:
            found = {str(severity): int(count) for severity, count in connection.execute(query)}
        return {severity: found.get(severity.value, 0) for severity in Severity}

    def _exempt(self, at: datetime | None) -> sa.ColumnElement[bool]:
        return FINDING.c.exemption.is_not(None) & FINDING.c.exemption.in_(in_force(at or self._clock()))

    def _shown(self, at: datetime | None) -> sa.Select[Any]:
        return FOUND.add_columns(self._exempt(at).label("exempt"))

    def _conditions(self, wanted: FindingFilter, at: datetime | None) -> list[sa.ColumnElement[bool]]:
        chosen = conditions(wanted, at)
        if wanted.status in (FindingStatus.OPEN, FindingStatus.EXEMPT):
            exempt = self._exempt(at)
            chosen.append(exempt if wanted.status is FindingStatus.EXEMPT else sa.not_(exempt))
        return chosen

    def unknown(self, *, batch: int = 500) -> Iterator[list[Unknown]]:
        """The pairs that could not be decided, in batches."""
        after: tuple[int, str] | None = None
        columns = (
            UNKNOWN.c.resource_id,
            UNKNOWN.c.policy_id,
            UNKNOWN.c.since,
            UNKNOWN.c.cause,
            RESOURCE.c.uid,
        )
        while True:
            query = (
                sa.select(*columns)
                .join(RESOURCE, RESOURCE.c.id == UNKNOWN.c.resource_id)
                .order_by(UNKNOWN.c.resource_id, UNKNOWN.c.policy_id)
                .limit(batch)
            )
            if after is not None:
                query = query.where(sa.tuple_(UNKNOWN.c.resource_id, UNKNOWN.c.policy_id) > after)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            after = (rows[-1].resource_id, rows[-1].policy_id)
            yield [Unknown(row.uid, row.policy_id, from_us(row.since), row.cause) for row in rows]

    def unknown_count(self) -> int:
        """How many pairs could not be decided."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(UNKNOWN)) or 0)


def conditions(wanted: FindingFilter, at: datetime | None) -> list[sa.ColumnElement[bool]]:
    """What a filter asks of a finding's row; ``framework`` and whether it is exempt are not of it."""
    chosen: list[sa.ColumnElement[bool]] = []
    if wanted.status is FindingStatus.RESOLVED:
        chosen.append(FINDING.c.resolved_at <= (OPEN - 1 if at is None else to_us(at)))
    elif wanted.status is not None:
        chosen.append(_open_at(at))
    if at is not None:
        chosen.append(FINDING.c.opened_at <= to_us(at))
    if wanted.phase is not None:
        chosen.append(FINDING.c.phase == wanted.phase.value)
    if wanted.severity is not None:
        chosen.append(FINDING.c.severity == wanted.severity.value)
    if wanted.min_severity is not None:
        worse = [s.value for s in Severity if s.rank >= wanted.min_severity.rank]
        chosen.append(FINDING.c.severity.in_(worse))
    if wanted.uid is not None:
        chosen.append(RESOURCE.c.uid == wanted.uid)
    for column, values in (
        (FINDING.c.policy_id, wanted.policies),
        (SCOPE.c.provider, wanted.providers),
        (SCOPE.c.account, wanted.accounts),
        (SCOPE.c.region, wanted.regions),
    ):
        if values:
            chosen.append(column.in_(sorted(values)))
    if wanted.types:
        chosen.append(sa.or_(*(type_matches(SCOPE.c.type, t) for t in sorted(wanted.types))))
    return chosen


def in_force(at: datetime) -> sa.Select[tuple[str]]:
    """The ids of the exemptions in force at a time."""
    moment, given = to_us(at), EXEMPTION.c
    return sa.select(given.id).where(
        given.created_at <= moment,
        given.until > moment,
        sa.or_(given.revoked_at.is_(None), given.revoked_at > moment),
    )


def _open_at(at: datetime | None) -> sa.ColumnElement[bool]:
    if at is None:
        return FINDING.c.resolved_at == OPEN
    moment = to_us(at)
    return sa.and_(FINDING.c.opened_at <= moment, FINDING.c.resolved_at > moment)
