"""A policy from the modules it needs, its metadata and the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.settings import PolicySettings
from policies.engine import CheckedModule, Program, RuleKind
from policies.metadata import Metadata
from policies.pack import CompiledPolicy, Pack
from policies.policy import EnforcementLevel, Language, Policy
from policies.text import encode_json
from providers.normalise import digest_of, encode
from providers.provider import Severity

DENIES: Final = re.compile(r"(deny|violation)(_\w+)*")
WARNS: Final = re.compile(r"warn(_\w+)*")
UNKNOWNS: Final = re.compile(r"unknown(_\w+)*")
ALLOWS: Final = re.compile(r"allow(_\w+)*")
REASONS: Final = re.compile(r"reasons?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a policy set says of one of its policies."""

    level: EnforcementLevel
    parameters: Mapping[str, Any]
    data: Mapping[str, Any]
    """What its evaluations are given besides: modules, static data, globals."""


def decides(module: CheckedModule) -> bool:
    """Whether a module is a policy and no library: it has a rule that judges or decides."""
    return any(p.fullmatch(rule.name) for rule in module.rules for p in (DENIES, WARNS, ALLOWS))


def aimless(policy: Policy) -> bool:
    """Whether a policy judges no type, and no finding either."""
    if policy.types or policy.terraform_types or policy.gathers:
        return False
    return policy.reads is None or not any(path.split(".")[0] == "finding" for path in policy.reads)


def compile_policy(
    group: tuple[CheckedModule, ...],
    metadata: Metadata,
    pack: Pack,
    engine_version: str,
    settings: PolicySettings,
    membership: Membership | None = None,
) -> CompiledPolicy:
    """A policy from its module (first of the group), those it needs, and its metadata; with what a policy set says of it.
    Raises Unencodable."""
    module = group[0]
    parameters = {
        **pack.parameters,
        **metadata.parameters,
        **(membership.parameters if membership is not None else {}),
        **settings.parameters.get(pack.id, {}),
        **settings.parameters.get(metadata.id, {}),
    }
    data = {**pack.data, "parameters": parameters, **(membership.data if membership is not None else {})}
    program = Program.of(group, encode_json(data))
    names = {rule.name: rule for rule in module.rules}
    rules = list(names.values())

    def matching(pattern: re.Pattern[str]) -> tuple[str, ...]:
        found = (r for r in rules if pattern.fullmatch(r.name) and r.kind is not RuleKind.FUNCTION)
        return tuple(r.reference for r in found)

    severity = settings.severities.get(metadata.id)
    level = settings.enforcement.get(metadata.id) or (membership and membership.level)
    policy = Policy(
        id=metadata.id,
        title=metadata.title,
        description=metadata.description,
        phase=metadata.phase,
        severity=Severity(severity) if severity else metadata.severity,
        language=Language.SENTINEL if module.module.path.suffix == ".sentinel" else Language.REGO,
        source=module.module.text,
        path=module.module.path,
        line=module.annotations[0].position.line if module.annotations else 1,
        digest=digest_of(
            [
                program.digest,
                metadata.absent_block.encode(),
                engine_version.encode(),
                *_joined_as(metadata, group),
            ]
        ),
        types=metadata.types,
        terraform_types=metadata.terraform_types,
        package=module.package,
        pack=pack.id,
        scope=metadata.scope,
        enforcement=EnforcementLevel(level) if level else EnforcementLevel.SOFT_MANDATORY,
        absent_block=metadata.absent_block,
        frameworks=metadata.frameworks,
        remediation=metadata.remediation,
        containment=metadata.containment,
        parameters=parameters,
        reads=_union(group),
        reads_clock=any(m.reads_clock for m in group),
        joins=_joins(metadata, group),
        join_fields=metadata.join_fields,
        relates=_relates(group),
    )
    return CompiledPolicy(
        policy=policy,
        program=program,
        modules=group,
        denies=matching(DENIES),
        warns=matching(WARNS),
        unknowns=matching(UNKNOWNS),
        allows=matching(ALLOWS),
        functions={
            r.reference: r.arity for r in rules if r.kind is RuleKind.FUNCTION and ALLOWS.fullmatch(r.name)
        },
        reasons=matching(REASONS),
    )


def _union(group: Sequence[CheckedModule]) -> frozenset[str] | None:
    if any(m.reads is None for m in group):
        return None
    return frozenset[str]().union(*(m.reads for m in group if m.reads is not None))


def _joins(metadata: Metadata, group: Sequence[CheckedModule]) -> frozenset[str]:
    """The joined types; with ``*`` where a variable chooses them and nothing is declared."""
    found = frozenset[str]().union(*(m.joins for m in group))
    return metadata.joins | (found - {"*"} if metadata.joins else found)


def _joined_as(metadata: Metadata, group: Sequence[CheckedModule]) -> Iterator[bytes]:
    """What of a policy's joining its verdicts hang on; nothing for one that joins nothing."""
    joins = _joins(metadata, group)
    if joins:
        yield metadata.scope.encode()
        yield encode({name: metadata.join_fields.get(name) for name in joins})


def _relates(group: Sequence[CheckedModule]) -> bool:
    """Whether a policy reads relations. One that may read anything of its input may read these."""
    reads = _union(group)
    if any("related" in (name.split(".")[0] for name in m.imports) for m in group):
        return True
    return reads is None or any(path.split(".")[0] == "related" for path in reads)
