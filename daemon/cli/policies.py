"""A policy as the command line shows it: one row of a list, one document, one page of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from config.errors import UsageError
from daemon.cli.context import State

if TYPE_CHECKING:
    from config.settings import PolicySettings
    from policies.policy import Policy

SEVERITY_STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


def known_policy(name: str, policies: Iterable[Policy]) -> None:
    """Raise UsageError where no policy has that id, with the nearest there is."""
    ids = [policy.id for policy in policies]
    if name not in ids:
        near = get_close_matches(name, ids, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`watchstander policy list` shows all."
        raise UsageError(f"No policy in use is called {name}.", hint=hint)


def row(policy: Policy, cli: State) -> dict[str, Any]:
    """What `policy list` says of it."""
    return {
        "id": policy.id,
        "title": policy.title,
        "phase": policy.phase.value,
        "severity": policy.severity.value,
        "enforcement": policy.enforcement.value,
        "scope": policy.scope.value,
        "joins": sorted(policy.joins),
        "reads_clock": policy.reads_clock,
        "language": policy.language.value,
        "engine": engine_name(policy, cli.settings.policies),
        "pack": policy.pack,
        "types": sorted(policy.types),
        "terraform_types": sorted(policy.terraform_types),
        "frameworks": {name: list(controls) for name, controls in sorted(policy.frameworks.items())},
        "path": str(policy.path),
        "commit": policy.commit,
    }


def engine_name(policy: Policy, settings: PolicySettings) -> str:
    """What runs it: ``regorus``, ``opa`` (a server) or ``sentinel`` (our interpreter)."""
    from policies.policy import Language

    if policy.language is Language.SENTINEL:
        return "sentinel"
    return "opa" if settings.engine == "opa" else "regorus"


def overridden(policy: Policy, settings: PolicySettings) -> dict[str, Any]:
    """What the configuration says of it instead of its own files: ``severity``, ``enforcement``, ``parameters``."""
    found: dict[str, Any] = {}
    if policy.id in settings.severities:
        found["severity"] = settings.severities[policy.id]
    if policy.id in settings.enforcement:
        found["enforcement"] = settings.enforcement[policy.id]
    parameters = {**settings.parameters.get(policy.pack, {}), **settings.parameters.get(policy.id, {})}
    if parameters:
        found["parameters"] = parameters
    return found


def described(policy: Policy, cli: State) -> dict[str, Any]:
    """What `policy show` says of it."""
    return row(policy, cli) | {
        "description": policy.description,
        "remediation": policy.remediation,
        "parameters": dict(policy.parameters),
        "overridden": overridden(policy, cli.settings.policies),
        "containment": policy.containment.hook if policy.containment else None,
        "absent_block": policy.absent_block.value,
        "reads": None if policy.reads is None else sorted(policy.reads),
        "join_fields": {name: list(fields) for name, fields in sorted(policy.join_fields.items())},
        "digest": policy.digest.hex(),
        "source": policy.source,
    }


def shown(policy: Policy, cli: State) -> str:
    """The same as a page."""
    from config.fields import format_duration

    settings = cli.settings.policies
    configured = overridden(policy, settings)
    clock = f"the clock; judged again every {format_duration(settings.clock_interval)}"
    about = {
        "Why": policy.description,
        "Remedy": policy.remediation,
        "Level": policy.enforcement.value,
        "Judges": ", ".join([*sorted(policy.types), *sorted(policy.terraform_types)])
        or ("findings and requests" if not policy.gathers else ""),
        "Scope": policy.scope.value,
        "Joins": "; ".join(_joined(policy, name) for name in sorted(policy.joins)),
        "Reads": "anything" if policy.reads is None else ", ".join(sorted(policy.reads)),
        "Time": clock if policy.reads_clock else "",
        "Frameworks": "; ".join(f"{n} {', '.join(c)}" for n, c in sorted(policy.frameworks.items())),
        "Parameters": _settings_of(policy.parameters),
        "Configured": _configured(configured),
        "Hook": policy.containment.hook if policy.containment else "",
        "Engine": engine_name(policy, settings),
        "File": str(policy.path),
        "Commit": policy.commit,
    }
    lines = [f"{policy.id}: {policy.title} ({policy.severity.value}, {policy.phase.value})", ""]
    lines += [f"{name + ':':<12}{value}" for name, value in about.items() if value]
    return "\n".join([*lines, "", policy.source.rstrip()])


def _joined(policy: Policy, name: str) -> str:
    fields = policy.join_fields.get(name)
    return name if fields is None else f"{name} ({', '.join(fields) or 'no field'})"


def _settings_of(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _configured(found: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in found.items() if name != "parameters"}
    return ", ".join(
        part for part in (_settings_of(plain), _settings_of(found.get("parameters", {}))) if part
    )
