"""Packs and the set of policies in use, as values: what :mod:`policies.loader` makes of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policies.engine import CheckedModule, Program
from policies.metadata import Declared
from policies.policy import Phase, Policy
from providers.normalise import digest_of
from providers.terraform import AbsentBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A folder of policies."""

    id: str
    title: str
    root: Path
    phase: Phase | None = None
    absent_block: AbsentBlock | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policies: Mapping[str, Declared] = field(default_factory=dict)
    """File stem -> metadata declared in pack.yaml instead of in the file."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What an OPA bundle brings for its policies, below ``data``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """A policy with what it takes to run it."""

    policy: Policy
    program: Program
    modules: tuple[CheckedModule, ...]
    denies: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    """Where the policy itself says that it cannot tell."""
    allows: tuple[str, ...] = ()
    """Boolean rules, for judging."""
    functions: Mapping[str, int] = field(default_factory=dict)
    """Decision functions (``allow_x(finding)``): reference -> arity."""
    reasons: tuple[str, ...] = ()
    entrypoints: tuple[str, ...] = field(init=False)
    """What judging a resource evaluates."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "entrypoints", self.denies + self.warns + self.unknowns + self.allows)


class PolicySet:
    """All policies in use, found by id and by what they judge."""

    def __init__(
        self,
        compiled: Iterable[CompiledPolicy],
        packs: Sequence[Pack] = (),
        checkouts: Mapping[str, str] | None = None,
    ) -> None:
        self._compiled = {c.policy.id: c for c in sorted(compiled, key=lambda c: c.policy.id)}
        self.packs = tuple(packs)
        self.checkouts = dict(checkouts or {})
        """Name of each pinned checkout -> the commit it was read at."""
        self._for: dict[tuple[str, str | None], tuple[Policy, ...]] = {}

    @property
    def policies(self) -> tuple[Policy, ...]:
        """In order of their ids."""
        return tuple(c.policy for c in self._compiled.values())

    @property
    def digest(self) -> bytes:
        """Changes when any policy does."""
        return digest_of(part for p in self.policies for part in (p.id.encode(), p.digest))

    def __len__(self) -> int:
        return len(self._compiled)

    def __contains__(self, policy_id: object) -> bool:
        return policy_id in self._compiled

    def by_id(self, policy_id: str) -> Policy:
        """A policy. Raises KeyError."""
        return self._compiled[policy_id].policy

    def compiled(self, policy_id: str) -> CompiledPolicy:
        """A policy as it runs. Raises KeyError."""
        return self._compiled[policy_id]

    def for_resource(self, type: str, terraform_type: str | None) -> tuple[Policy, ...]:  # noqa: A002
        """The policies that judge resources of a type, or of the Terraform type of its view."""
        key = (type, terraform_type)
        if key not in self._for:
            self._for[key] = tuple(
                c.policy
                for c in self._compiled.values()
                if c.entrypoints and judges(c.policy, type, terraform_type)
            )
        return self._for[key]

    @property
    def reading_clock(self) -> tuple[Policy, ...]:
        """Policies to be judged again with time alone."""
        return tuple(p for p in self.policies if p.reads_clock)


def judges(policy: Policy, type: str, terraform_type: str | None) -> bool:  # noqa: A002
    """Whether a policy speaks of resources of a type, one by one."""
    if policy.gathers:
        return False
    if terraform_type is not None and terraform_type in policy.terraform_types:
        return True
    return any(type == t or (t.endswith("*") and type.startswith(t[:-1])) for t in policy.types)
