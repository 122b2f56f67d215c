"""What an export knows beside the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from policies.policy import Policy
from storage.findings import Finding, FindingStatus, Unknown
from storage.values import ScopeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """When and by what it is written, the policies in force, and what the findings cannot speak of."""

    now: datetime
    version: str
    policies: Mapping[str, Policy] = field(default_factory=dict)
    """Policy id -> policy. A finding's policy may have been removed since."""
    coverage: Sequence[ScopeState] = ()
    """Every scope that bears on the findings, with how its last reading ended."""
    unknown: Sequence[Unknown] = ()
    """Pairs that could not be decided: as many as are worth showing."""
    unknown_count: int = 0
    """How many there are in all."""
    aws_account: str | None = None
    """The AWS account that findings of other clouds are imported into."""
    aws_region: str = "us-east-1"
    """The region of that import, and of findings about what has no region."""

    @property
    def unread(self) -> list[ScopeState]:
        """The scopes whose last reading was not complete."""
        return [state for state in self.coverage if state.unread]

    def remediation(self, finding: Finding) -> str:
        """What to do about it; empty where the policy says nothing."""
        policy = self.policies.get(finding.policy)
        return policy.remediation if policy else ""

    def description(self, finding: Finding) -> str:
        """What the policy is about; its title where it says no more."""
        policy = self.policies.get(finding.policy)
        return (policy.description if policy else "") or finding.title


def requirements(finding: Finding) -> list[str]:
    """The framework controls: ``cis-aws 2.1.4``."""
    return [
        f"{name} {control}" for name, controls in sorted(finding.frameworks.items()) for control in controls
    ]


def said(finding: Finding) -> str:
    """What it says of the resource; never blank."""
    return next(t for t in (finding.message, finding.title, finding.policy, finding.id) if t.strip())


def is_open(finding: Finding) -> bool:
    """Whether it fails, exempt or not."""
    return finding.status is not FindingStatus.RESOLVED
