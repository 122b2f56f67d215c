"""Policy sets: a directory with ``sentinel.hcl``, its policies and their levels, and what their results mean together.

A result that is not True is not a pass: undefined and failed evaluations count as failures of their policy. An override
lets a soft-mandatory failure through, and is part of the result, with who and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from policies.errors import PackError, Position
from policies.files import DISK, Files
from policies.policy import EnforcementLevel
from policies.sentinel.budget import DEFAULT_BUDGET, Budget
from policies.sentinel.configuration import ConfigReader, PolicyEntry, PolicySetConfig
from policies.sentinel.hcl import parse_file
from policies.sentinel.options import Options
from policies.sentinel.policy import CompiledPolicy, SentinelResult
from policies.sentinel.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody's word that a soft-mandatory failure may pass this once."""

    actor: str
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.actor.strip() or not self.reason.strip():
            raise ValueError("an override says who and why")
        if self.at.tzinfo is None:
            raise ValueError("the time of an override must be aware")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one policy of the set came to."""

    policy: str
    level: EnforcementLevel
    result: SentinelResult
    override: Override | None = None
    """The override that was used; None where none was needed or allowed."""

    @property
    def passed(self) -> bool:
        """Whether the policy itself passed."""
        return self.result.result is True

    @property
    def allowed(self) -> bool:
        """Whether the policy lets things go on."""
        return self.passed or self.level is EnforcementLevel.ADVISORY or self.override is not None

    @property
    def sentence(self) -> str:
        """What happened, in English."""
        if self.passed:
            return f"{self.policy} passed."
        how = "failed"
        if self.result.error is not None:
            how = f"could not be evaluated ({self.result.error})"
        elif self.result.result is None:
            how = f"is undefined ({self.result.cause})"
        if self.override is not None:
            return (
                f"{self.policy} {how}, and was overridden by {self.override.actor}: {self.override.reason}."
            )
        return f"{self.policy} {how}; it is {self.level}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySetResult:
    """What the whole set came to."""

    decisions: tuple[Decision, ...]

    @property
    def allowed(self) -> bool:
        """Whether every policy lets things go on."""
        return all(decision.allowed for decision in self.decisions)

    def to_json(self) -> dict[str, Any]:
        """As one document."""
        return {
            "result": self.allowed,
            "policies": [
                {
                    "policy": d.policy,
                    "enforcement_level": str(d.level),
                    "allowed": d.allowed,
                    **d.result.to_json(),
                    "override": None
                    if d.override is None
                    else {
                        "actor": d.override.actor,
                        "reason": d.override.reason,
                        "at": d.override.at.isoformat(),
                    },
                }
                for d in self.decisions
            ],
        }


@dataclass(frozen=True, kw_only=True)
class PolicySet:
    """A loaded set: every policy and module compiled."""

    config: PolicySetConfig
    policies: Mapping[str, CompiledPolicy]
    options: Options
    data: Mapping[str, Any] = field(default_factory=dict)

    def evaluate(
        self,
        imports: Mapping[str, Any] | None = None,
        *,
        now: datetime,
        overrides: Mapping[str, Override] | None = None,
        budget: Budget = DEFAULT_BUDGET,
    ) -> PolicySetResult:
        """Evaluate every policy. ``overrides`` is by policy name; only soft-mandatory failures take one."""
        given = {**self.data, **(imports or {})}
        decisions: list[Decision] = []
        for entry in self.config.policies:
            policy = self.policies[entry.name]
            shared = {name: value for name, value in self.config.params.items() if name in policy.params}
            result = policy.evaluate(
                given, {**shared, **entry.params}, now=now, budget=budget, options=self.options
            )
            override = None
            if result.result is not True and entry.level is EnforcementLevel.SOFT_MANDATORY:
                override = (overrides or {}).get(entry.name)
            decisions.append(Decision(policy=entry.name, level=entry.level, result=result, override=override))
        return PolicySetResult(decisions=tuple(decisions))


def read_config(path: Path) -> PolicySetConfig:
    """The configuration of a file, or of all ``*.hcl`` and ``sentinel.json`` in a directory, overriding files last.

    Raises PackError with file and line.
    """
    return config_reader(path, DISK).config()


def config_reader(path: Path, files: Files) -> ConfigReader:
    """The same, with everything that is wrong in ``errors``. Raises PackError only where there is nothing to read."""
    reader = ConfigReader(path, files)
    whole = files.is_dir(path)
    found = [path]
    if whole:
        found = [f for f in files.within(path) if f.suffix == ".hcl" or f.name == "sentinel.json"]
    if not found:
        raise PackError("holds no sentinel.hcl", Position(path))
    for file in sorted(found, key=_overrides):
        try:
            block = parse_file(file, files)
        except PackError as error:
            reader.errors.append(error)
        else:
            reader.add(block, override=whole and _overrides(file))
    return reader


def _overrides(file: Path) -> bool:
    return file.stem == "override" or file.stem.endswith("_override")


def load_policy_set(path: Path) -> PolicySet:
    """A policy set, ready to evaluate. Raises PackError or PolicySyntaxError with file and line."""
    config = read_config(path)
    sources = Sources(DISK)
    policies = {entry.name: sources.policy(entry.source) for entry in config.policies}
    for entry in config.policies:
        _check_params(entry, policies[entry.name])
    return PolicySet(
        config=config,
        policies=policies,
        options=sources.options(config, guard=False),
        data=sources.data(config),
    )


def _check_params(entry: PolicyEntry, policy: CompiledPolicy) -> None:
    unknown = sorted(entry.params.keys() - policy.params.keys())
    if unknown:
        known = ", ".join(policy.params) or "none"
        raise PackError(
            f'the policy "{entry.name}" has no parameter "{unknown[0]}"; it has {known}', entry.where
        )
