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

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from policies.policy import Phase, Policy
from policies.verdict import Outcome, Verdict
from providers.provider import Severity
from providers.resource import ResourceRef
from storage.database import Database
from storage.observe import chunks
from storage.query import type_matches
from storage.tables import APPLIED, DUE, EXEMPTION, FINDING, JOINED, RESOURCE, SCOPE, UNKNOWN
from storage.text import clean, to_json
from storage.times import OPEN, ended, from_us, to_us
from storage.values import Ticket


class FindingStatus(StrEnum):
    """What a finding is at a time. ``EXEMPT``: open, and an exemption is in force."""

    OPEN = "open"
    RESOLVED = "resolved"
    EXEMPT = "exempt"


class Reason(StrEnum):
    """Why a finding was resolved."""

    PASSED = "passed"
    NOT_APPLICABLE = "not-applicable"
    RESOURCE_DELETED = "resource-deleted"
    POLICY_REMOVED = "policy-removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding as it was at the time asked for."""

    id: str
    resource_id: int
    ref: ResourceRef
    policy: str
    title: str
    phase: Phase
    severity: Severity
    status: FindingStatus
    message: str
    details: tuple[Mapping[str, Any], ...]
    opened_at: datetime
    resolved_at: datetime | None
    reason: Reason | None
    baseline: bool
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exemption: str | None = None
    """The exemption in force."""

    def record(self) -> dict[str, Any]:
        """As JSON values, by the command line's contract."""
        return {
            "id": self.id,
            "policy": self.policy,
            "title": self.title,
            "phase": self.phase.value,
            "severity": self.severity.value,
            "resource": self.ref.uid,
            "provider": self.ref.provider,
            "account": self.ref.account,
            "region": self.ref.region,
            "type": self.ref.type,
            "status": self.status.value,
            "message": self.message,
            "opened_at": self.opened_at,
            "resolved_at": self.resolved_at,
            "reason": self.reason.value if self.reason else None,
            "baseline": self.baseline,
            "frameworks": self.frameworks,
            "exemption": self.exemption,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChanges:
    """What a batch of verdicts did. ``kept`` still fail, ``updated`` of them with another message; ``unknown`` could not
    be decided."""

    opened: tuple[Finding, ...] = ()
    resolved: tuple[Finding, ...] = ()
    kept: int = 0
    updated: int = 0
    unknown: int = 0


@dataclass(frozen=True, kw_only=True)
class FindingFilter:
    """Which findings; empty means all. ``min_severity`` takes that severity and worse; ``framework`` a framework's name."""

    status: FindingStatus | None = None
    phase: Phase | None = None
    severity: Severity | None = None
    min_severity: Severity | None = None
    framework: str | None = None
    policies: frozenset[str] = frozenset()
    uid: str | None = None
    providers: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


class Unknown(NamedTuple):
    """A pair that could not be decided."""

    uid: str
    policy: str
    since: datetime
    cause: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


_JOINED = (
    sa.select(
        FINDING,
        RESOURCE.c.uid,
        SCOPE.c.provider,
        SCOPE.c.account,
        SCOPE.c.region,
        SCOPE.c.type,
    )
    .select_from(FINDING)
    .join(RESOURCE, RESOURCE.c.id == FINDING.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
)


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
            return _Applying(connection, policies, to_us(at), cycle_id).run(list(verdicts), list(settled))

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
                query = _JOINED.where(FINDING.c.policy_id.in_(part), FINDING.c.resolved_at == OPEN)
                rows += connection.execute(query).all()
                connection.execute(sa.delete(UNKNOWN).where(UNKNOWN.c.policy_id.in_(part)))
                connection.execute(sa.delete(APPLIED).where(APPLIED.c.policy_id.in_(part)))
                connection.execute(sa.delete(JOINED).where(JOINED.c.policy_id.in_(part)))
            resolve(connection, [(row.seq, Reason.POLICY_REMOVED) for row in rows], to_us(at), cycle_id)
            return tuple(_resolved(row, Reason.POLICY_REMOVED, to_us(at)) for row in rows)

    def get(self, finding_id: str) -> Finding | None:
        """One finding as it is now."""
        with self._database.read() as connection:
            query = self._shown(None).where(FINDING.c.id == finding_id)
            row = connection.execute(query).one_or_none()
        return None if row is None else _finding(row, None)

    def open_for(self, uid: str, policy_id: str) -> Finding | None:
        """The open finding of a pair."""
        query = self._shown(None).where(
            RESOURCE.c.uid == uid, FINDING.c.policy_id == policy_id, FINDING.c.resolved_at == OPEN
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _finding(row, None)

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
            found = [_finding(row, at) for row in rows]
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
        return _JOINED.add_columns(self._exempt(at).label("exempt"))

    def _conditions(self, wanted: FindingFilter, at: datetime | None) -> list[sa.ColumnElement[bool]]:
        conditions = _conditions(wanted, at)
        if wanted.status in (FindingStatus.OPEN, FindingStatus.EXEMPT):
            exempt = self._exempt(at)
            conditions.append(exempt if wanted.status is FindingStatus.EXEMPT else sa.not_(exempt))
        return conditions

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


class _Resource(NamedTuple):
    id: int
    ref: ResourceRef


class _Applying:
    """One application of a batch of verdicts, within a transaction."""

    def __init__(
        self, connection: Connection, policies: Mapping[str, Policy], at: int, cycle_id: int | None
    ) -> None:
        self._connection = connection
        self._policies = policies
        self._at = at
        self._cycle_id = cycle_id
        self._new: list[dict[str, Any]] = []
        self._updates: list[dict[str, Any]] = []
        self._resolve: list[tuple[int, Reason]] = []
        self._decided: list[dict[str, Any]] = []
        self._undecided: list[dict[str, Any]] = []
        self._opened: list[Finding] = []
        self._resolved: list[Finding] = []
        self._kept = 0
        self._unknown = 0

    def run(self, verdicts: Sequence[Verdict], settled: Sequence[Ticket]) -> FindingChanges:
        """Decide, write, settle."""
        newest = {(v.uid, v.policy_id): v for v in verdicts}
        resources = self._resources({uid for uid, _ in newest})
        ids = [r.id for r in resources.values()]
        opened, unknown, baseline = self._open(ids), self._known_unknown(ids), self._baseline(ids)
        for (uid, policy_id), verdict in newest.items():
            resource = resources.get(uid)
            if resource is None:
                continue
            pair = (resource.id, policy_id)
            if verdict.outcome is Outcome.UNKNOWN:
                self._undecide(pair, verdict, unknown.get(pair))
                continue
            if pair in unknown:
                self._decided.append({"b_id": resource.id, "b_policy": policy_id})
            if verdict.outcome is Outcome.FAIL:
                self._fail(resource, verdict, opened.get(pair), baseline=resource.id in baseline)
            elif pair in opened:
                passed = verdict.outcome is Outcome.PASS
                reason = Reason.PASSED if passed else Reason.NOT_APPLICABLE
                self._resolve.append((opened[pair].seq, reason))
                self._resolved.append(_resolved(opened[pair], reason, self._at))
        self._write(settled)
        return FindingChanges(
            opened=tuple(self._opened),
            resolved=tuple(self._resolved),
            kept=self._kept,
            updated=len(self._updates),
            unknown=self._unknown,
        )

    def _fail(self, resource: _Resource, verdict: Verdict, existing: Any | None, *, baseline: bool) -> None:
        policy = self._policies[verdict.policy_id]
        meta: dict[str, Any] = {
            "policy_digest": verdict.policy_digest,
            "title": policy.title,
            "phase": policy.phase.value,
            "severity": policy.severity.value,
            "frameworks": to_json(policy.frameworks),
            "message": clean(verdict.text),
            "details": to_json([{"msg": m.text, **m.details} for m in verdict.messages])
            if any(m.details for m in verdict.messages)
            else None,
        }
        if existing is not None:
            self._kept += 1
            if any(_same(getattr(existing, name)) != _same(value) for name, value in meta.items()):
                self._updates.append(
                    {f"b_{k}": v for k, v in meta.items()} | {"b_seq": existing.seq, "b_at": self._at}
                )
            return
        row: dict[str, Any] = {
            "id": finding_id(resource.ref.uid, policy.id),
            "resource_id": resource.id,
            "policy_id": policy.id,
            **meta,
            "opened_at": self._at,
            "opened_cycle": self._cycle_id,
            "updated_at": self._at,
            "resolved_at": OPEN,
            "baseline": baseline,
        }
        self._new.append(row)
        self._opened.append(
            Finding(
                id=row["id"],
                resource_id=resource.id,
                ref=resource.ref,
                policy=policy.id,
                title=policy.title,
                phase=policy.phase,
                severity=policy.severity,
                status=FindingStatus.OPEN,
                message=row["message"],
                details=_details(row["details"]),
                opened_at=from_us(self._at),
                resolved_at=None,
                reason=None,
                baseline=baseline,
                frameworks=policy.frameworks,
            )
        )

    def _undecide(self, pair: tuple[int, str], verdict: Verdict, known: str | None) -> None:
        self._unknown += 1
        cause = clean(verdict.text or "no cause given")
        if known is None:
            self._undecided.append(
                {"resource_id": pair[0], "policy_id": pair[1], "since": self._at, "cause": cause}
            )
        elif known != cause:
            self._connection.execute(
                sa.update(UNKNOWN)
                .where(UNKNOWN.c.resource_id == pair[0], UNKNOWN.c.policy_id == pair[1])
                .values(cause=cause)
            )

    def _write(self, settled: Sequence[Ticket]) -> None:
        connection = self._connection
        if self._new:
            self._number_repeats()
            connection.execute(sa.insert(FINDING), self._new)
        if self._updates:
            connection.execute(_UPDATE, self._updates)
        resolve(connection, self._resolve, self._at, self._cycle_id)
        if self._decided:
            connection.execute(_DECIDED, self._decided)
        if self._undecided:
            connection.execute(sa.insert(UNKNOWN), self._undecided)
        if settled:
            # A state that was replaced since it was read has another token, and stays due.
            connection.execute(_SETTLED, [{"b_id": t.resource_id, "b_token": t.token} for t in settled])

    def _number_repeats(self) -> None:
        """Give pairs that have failed before the next number."""
        base = {row["id"]: row for row in self._new}
        earlier: dict[tuple[int, str], int] = {}
        for part in chunks([row["resource_id"] for row in self._new]):
            query = (
                sa.select(FINDING.c.resource_id, FINDING.c.policy_id, sa.func.count())
                .where(FINDING.c.resource_id.in_(part))
                .group_by(FINDING.c.resource_id, FINDING.c.policy_id)
            )
            for number, policy, count in self._connection.execute(query):
                earlier[(number, policy)] = count
        renamed = {}
        for row in base.values():
            count = earlier.get((row["resource_id"], row["policy_id"]), 0)
            if count:
                old = row["id"]
                row["id"] = renamed[old] = f"{old}-{count + 1}"
        self._opened = [replace(f, id=renamed[f.id]) if f.id in renamed else f for f in self._opened]

    def _resources(self, uids: set[str]) -> dict[str, _Resource]:
        found: dict[str, _Resource] = {}
        columns = (
            RESOURCE.c.id,
            RESOURCE.c.uid,
            SCOPE.c.provider,
            SCOPE.c.account,
            SCOPE.c.region,
            SCOPE.c.type,
        )
        query = sa.select(*columns).join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
        for part in chunks(sorted(uids)):
            live = RESOURCE.c.uid.in_(part) & RESOURCE.c.deleted_at.is_(None)
            for row in self._connection.execute(query.where(live)):
                found[row.uid] = _Resource(row.id, _ref(row))
        return found

    def _open(self, ids: Sequence[int]) -> dict[tuple[int, str], Any]:
        found: dict[tuple[int, str], Any] = {}
        for part in chunks(ids):
            query = _JOINED.where(FINDING.c.resource_id.in_(part), FINDING.c.resolved_at == OPEN)
            for row in self._connection.execute(query):
                found[(row.resource_id, row.policy_id)] = row
        return found

    def _known_unknown(self, ids: Sequence[int]) -> dict[tuple[int, str], str]:
        found: dict[tuple[int, str], str] = {}
        for part in chunks(ids):
            query = sa.select(UNKNOWN.c.resource_id, UNKNOWN.c.policy_id, UNKNOWN.c.cause)
            for row in self._connection.execute(query.where(UNKNOWN.c.resource_id.in_(part))):
                found[(row.resource_id, row.policy_id)] = row.cause
        return found

    def _baseline(self, ids: Sequence[int]) -> frozenset[int]:
        found: set[int] = set()
        for part in chunks(ids):
            query = sa.select(DUE.c.resource_id).where(DUE.c.resource_id.in_(part), DUE.c.baseline.is_(True))
            found.update(self._connection.scalars(query))
        return frozenset(found)


_UPDATE = (
    sa.update(FINDING)
    .where(FINDING.c.seq == sa.bindparam("b_seq"))
    .values(
        updated_at=sa.bindparam("b_at"),
        **{
            name: sa.bindparam(f"b_{name}")
            for name in ("policy_digest", "title", "phase", "severity", "frameworks", "message", "details")
        },
    )
)
_DECIDED = sa.delete(UNKNOWN).where(
    UNKNOWN.c.resource_id == sa.bindparam("b_id"), UNKNOWN.c.policy_id == sa.bindparam("b_policy")
)
_SETTLED = sa.delete(DUE).where(
    DUE.c.resource_id == sa.bindparam("b_id"), DUE.c.token == sa.bindparam("b_token")
)


def finding_id(uid: str, policy_id: str) -> str:
    """The id of the first finding of a pair."""
    content = f"{policy_id}\n{uid}".encode("utf-8", "surrogatepass")
    return "f-" + base64.b32encode(hashlib.sha256(content).digest()[:15]).decode().lower()


def resolve(
    connection: Connection, ended_now: Sequence[tuple[int, Reason]], at: int, cycle_id: int | None
) -> None:
    """Resolve findings by row number. A clock set back does not make one end before it began."""
    if not ended_now:
        return
    later = sa.case((FINDING.c.opened_at >= at, FINDING.c.opened_at + 1), else_=at)
    statement = (
        sa.update(FINDING)
        .where(FINDING.c.seq == sa.bindparam("b_seq"))
        .values(resolved_at=later, updated_at=at, resolved_cycle=cycle_id, reason=sa.bindparam("b_reason"))
    )
    connection.execute(statement, [{"b_seq": seq, "b_reason": reason.value} for seq, reason in ended_now])


def _conditions(wanted: FindingFilter, at: datetime | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.status is FindingStatus.RESOLVED:
        conditions.append(FINDING.c.resolved_at <= (OPEN - 1 if at is None else to_us(at)))
    elif wanted.status is not None:
        conditions.append(_open_at(at))
    if at is not None:
        conditions.append(FINDING.c.opened_at <= to_us(at))
    if wanted.phase is not None:
        conditions.append(FINDING.c.phase == wanted.phase.value)
    if wanted.severity is not None:
        conditions.append(FINDING.c.severity == wanted.severity.value)
    if wanted.min_severity is not None:
        worse = [s.value for s in Severity if s.rank >= wanted.min_severity.rank]
        conditions.append(FINDING.c.severity.in_(worse))
    if wanted.uid is not None:
        conditions.append(RESOURCE.c.uid == wanted.uid)
    for column, values in (
        (FINDING.c.policy_id, wanted.policies),
        (SCOPE.c.provider, wanted.providers),
        (SCOPE.c.account, wanted.accounts),
        (SCOPE.c.region, wanted.regions),
    ):
        if values:
            conditions.append(column.in_(sorted(values)))
    if wanted.types:
        conditions.append(sa.or_(*(type_matches(SCOPE.c.type, t) for t in sorted(wanted.types))))
    return conditions


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


def _finding(row: Any, at: datetime | None) -> Finding:
    over = row.resolved_at < OPEN and (at is None or row.resolved_at <= to_us(at))
    status = FindingStatus.RESOLVED if over else FindingStatus.OPEN
    if status is FindingStatus.OPEN and getattr(row, "exempt", False):
        status = FindingStatus.EXEMPT
    return Finding(
        id=row.id,
        resource_id=row.resource_id,
        ref=_ref(row),
        policy=row.policy_id,
        title=row.title,
        phase=Phase(row.phase),
        severity=Severity(row.severity),
        status=status,
        message=row.message,
        details=_details(row.details),
        opened_at=from_us(row.opened_at),
        resolved_at=ended(row.resolved_at) if over else None,
        reason=Reason(row.reason) if over and row.reason else None,
        baseline=bool(row.baseline),
        frameworks={k: tuple(v) for k, v in orjson.loads(row.frameworks).items()},
        exemption=row.exemption if status is FindingStatus.EXEMPT else None,
    )


def _resolved(row: Any, reason: Reason, at: int) -> Finding:
    found = _finding(row, None)
    when = from_us(max(at, row.opened_at + 1))
    return replace(found, status=FindingStatus.RESOLVED, reason=reason, resolved_at=when)


def _ref(row: Any) -> ResourceRef:
    return ResourceRef(
        provider=row.provider, account=row.account, region=row.region, type=row.type, uid=row.uid
    )


def _details(text: str | None) -> tuple[Mapping[str, Any], ...]:
    return tuple(orjson.loads(text)) if text else ()


def _same(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else value
