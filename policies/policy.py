"""A policy: what it judges, how badly a failure matters, where it came from, and the digest its verdicts hang on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from providers.provider import Severity
from providers.terraform import AbsentBlock


class Phase(StrEnum):
    """The phase of NIST SP 800-61 a policy serves."""

    PREPARATION = "preparation"
    DETECTION = "detection"
    CONTAINMENT = "containment"
    RECOVERY = "recovery"
    BREAKGLASS = "breakglass"


class Language(StrEnum):
    """What a policy is written in."""

    REGO = "rego"
    SENTINEL = "sentinel"


class EnforcementLevel(StrEnum):
    """What a failure means. A policy outside any Sentinel policy set is soft-mandatory."""

    ADVISORY = "advisory"
    """It is shown, and nothing else: it asks no hook and fails no check."""
    SOFT_MANDATORY = "soft-mandatory"
    """It fails a check and asks hooks, unless somebody overrides it: an exemption says who, why and until when."""
    HARD_MANDATORY = "hard-mandatory"
    """As soft-mandatory, and nothing exempts from it."""


class PolicyScope(StrEnum):
    """What one evaluation looks at."""

    RESOURCE = "resource"
    ACCOUNT = "account"
    ESTATE = "estate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """What a failing policy asks to be done: a configured hook and its parameters. The hook's mode decides whether."""

    hook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy, loaded and checked.

    ``types`` are resource types (``aws.s3_bucket``, or a prefix ending in ``*``) and ``terraform_types`` Terraform
    names; a resource is judged if either matches. ``digest`` covers the source, the modules it imports, parameters,
    the absent-block form and the engine with its version: the same digest on the same input gives the same verdict.
    """

    id: str
    title: str
    description: str
    phase: Phase
    severity: Severity
    language: Language
    source: str
    path: Path
    line: int
    digest: bytes
    types: frozenset[str] = frozenset()
    terraform_types: frozenset[str] = frozenset()
    package: str = ""
    """The Rego package, or the Sentinel policy's name."""
    pack: str = ""
    commit: str = ""
    """The commit of the git checkout it is from, where the configuration pins that to one."""
    scope: PolicyScope = PolicyScope.RESOURCE
    enforcement: EnforcementLevel = EnforcementLevel.SOFT_MANDATORY
    absent_block: AbsentBlock = AbsentBlock.EMPTY
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Framework -> controls: ``{"cis-aws": ("3.1",), "nist-800-53": ("AU-2",)}``."""
    remediation: str = ""
    containment: Containment | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reads: frozenset[str] | None = None
    """The paths below ``input`` the policy reads, found in its syntax tree: ``asset.document.Logging``,
    ``resource.aws_s3_bucket.main.logging``. None where that cannot be told: then it may read anything."""
    reads_clock: bool = False
    """Whether its verdict can change with time alone; such a policy is judged again when due."""
    joins: frozenset[str] = frozenset()
    """Resource types it reads from ``data.inventory``."""
    join_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Joined type -> the document fields it is given; a type that is not here is given whole."""
    relates: bool = False
    """Whether it reads ``data.related`` or ``input.related``: which of the joined resources belong together."""

    @property
    def gathers(self) -> bool:
        """Whether one evaluation looks at many resources: at an account, or at the estate."""
        return self.scope is not PolicyScope.RESOURCE
