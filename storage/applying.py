"""Letting verdicts open, keep and resolve findings, within one transaction. The rules are :mod:`storage.findings`'s."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from policies.policy import Policy
from policies.verdict import Outcome, Verdict
from providers.resource import ResourceRef
from storage.among import among
from storage.finding import (
    FOUND,
    Finding,
    FindingChanges,
    FindingStatus,
    Reason,
    details_of,
    resolved_of,
)
from storage.rows import PLACED, chunks, ref_of
from storage.tables import DUE, FINDING, RESOURCE, SCOPE, UNKNOWN
from storage.text import clean, to_json
from storage.times import OPEN, from_us
from storage.values import Ticket

DESCRIBED = ("title", "phase", "severity", "enforcement", "frameworks")
"""What a finding says of its policy."""


def described(policy: Policy) -> dict[str, str]:
    """What a policy's findings say of it, as their rows hold it."""
    return {
        "title": policy.title,
        "phase": policy.phase.value,
        "severity": policy.severity.value,
        "enforcement": policy.enforcement.value,
        "frameworks": to_json(policy.frameworks),
    }


class _Resource(NamedTuple):
    id: int
    ref: ResourceRef


class Applying:
    """One application of a batch of verdicts, within a transaction. Used once."""

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
                self._resolved.append(resolved_of(opened[pair], reason, self._at))
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
            **described(policy),
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
                enforcement=policy.enforcement,
                status=FindingStatus.OPEN,
                message=row["message"],
                details=details_of(row["details"]),
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
                .where(among(FINDING.c.resource_id, part))
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
        query = sa.select(RESOURCE.c.id, *PLACED).join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
        for part in chunks(sorted(uids)):
            live = among(RESOURCE.c.uid, part) & RESOURCE.c.deleted_at.is_(None)
            for row in self._connection.execute(query.where(live)):
                found[row.uid] = _Resource(row.id, ref_of(row))
        return found

    def _open(self, ids: Sequence[int]) -> dict[tuple[int, str], Any]:
        found: dict[tuple[int, str], Any] = {}
        for part in chunks(ids):
            query = FOUND.where(among(FINDING.c.resource_id, part), FINDING.c.resolved_at == OPEN)
            for row in self._connection.execute(query):
                found[(row.resource_id, row.policy_id)] = row
        return found

    def _known_unknown(self, ids: Sequence[int]) -> dict[tuple[int, str], str]:
        found: dict[tuple[int, str], str] = {}
        for part in chunks(ids):
            query = sa.select(UNKNOWN.c.resource_id, UNKNOWN.c.policy_id, UNKNOWN.c.cause)
            for row in self._connection.execute(query.where(among(UNKNOWN.c.resource_id, part))):
                found[(row.resource_id, row.policy_id)] = row.cause
        return found

    def _baseline(self, ids: Sequence[int]) -> frozenset[int]:
        found: set[int] = set()
        for part in chunks(ids):
            query = sa.select(DUE.c.resource_id).where(
                among(DUE.c.resource_id, part), DUE.c.baseline.is_(True)
            )
            found.update(self._connection.scalars(query))
        return frozenset(found)


_UPDATE = (
    sa.update(FINDING)
    .where(FINDING.c.seq == sa.bindparam("b_seq"))
    .values(
        updated_at=sa.bindparam("b_at"),
        **{name: sa.bindparam(f"b_{name}") for name in ("policy_digest", *DESCRIBED, "message", "details")},
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


def _same(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else value
