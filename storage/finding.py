"""What a finding is: its values, the filter that chooses some, and how a row becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from policies.policy import EnforcementLevel, Phase
from providers.provider import Severity
from providers.resource import ResourceRef
from storage.rows import PLACED
from storage.tables import FINDING, RESOURCE, SCOPE
from storage.times import OPEN, ended, from_us, to_us


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
    enforcement: EnforcementLevel = EnforcementLevel.SOFT_MANDATORY
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
            "enforcement": self.enforcement.value,
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


_SHOWN = (
    FINDING.c.id,
    FINDING.c.resource_id,
    FINDING.c.policy_id,
    FINDING.c.title,
    FINDING.c.phase,
    FINDING.c.severity,
    FINDING.c.enforcement,
    FINDING.c.message,
    FINDING.c.details,
    FINDING.c.opened_at,
    FINDING.c.resolved_at,
    FINDING.c.reason,
    FINDING.c.baseline,
    FINDING.c.frameworks,
    FINDING.c.exemption,
    *PLACED,
)
"""What :func:`finding_of` shows of a row, in its order."""
FOUND = (
    sa.select(*_SHOWN, FINDING.c.seq, FINDING.c.policy_digest)
    .select_from(FINDING)
    .join(RESOURCE, RESOURCE.c.id == FINDING.c.resource_id)
    .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
)
"""Findings with where their resources are."""


def finding_of(row: Any, at: datetime | None) -> Finding:
    """A row of :data:`FOUND` as it was at a time (now: None); with a column ``exempt`` where that matters."""
    # Taken apart at once: asking a row for one attribute costs as much as taking all of them.
    (
        finding_id,
        resource_id,
        policy,
        title,
        phase,
        severity,
        enforcement,
        message,
        details,
        opened_at,
        resolved_at,
        reason,
        baseline,
        frameworks,
        exemption,
        uid,
        provider,
        account,
        region,
        type_,
        _seq,
        _policy_digest,
        *exempt,
    ) = row
    over = resolved_at < OPEN and (at is None or resolved_at <= to_us(at))
    status = FindingStatus.RESOLVED if over else FindingStatus.OPEN
    if status is FindingStatus.OPEN and any(exempt):
        status = FindingStatus.EXEMPT
    return Finding(
        id=finding_id,
        resource_id=resource_id,
        ref=ResourceRef(provider=provider, account=account, region=region, type=type_, uid=uid),
        policy=policy,
        title=title,
        phase=Phase(phase),
        severity=Severity(severity),
        enforcement=EnforcementLevel(enforcement or EnforcementLevel.SOFT_MANDATORY),
        status=status,
        message=message,
        details=details_of(details),
        opened_at=from_us(opened_at),
        resolved_at=ended(resolved_at) if over else None,
        reason=Reason(reason) if over and reason else None,
        baseline=bool(baseline),
        frameworks={k: tuple(v) for k, v in orjson.loads(frameworks).items()},
        exemption=exemption if status is FindingStatus.EXEMPT else None,
    )


def resolved_of(row: Any, reason: Reason, at: int) -> Finding:
    """An open row as it is once it has been resolved at ``at``."""
    found = finding_of(row, None)
    when = from_us(max(at, row.opened_at + 1))
    return replace(found, status=FindingStatus.RESOLVED, reason=reason, resolved_at=when)


def details_of(text: str | None) -> tuple[Mapping[str, Any], ...]:
    """The details of a row's messages."""
    return tuple(orjson.loads(text)) if text else ()
