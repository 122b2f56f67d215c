"""What asks a hook to act: a cloud's event or a policy's finding, matched against the hook's ``when``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from config.errors import ConfigurationError, Problem
from config.settings import HookSettings, Mode, Settings
from daemon.hooks import HOOKS
from daemon.hooks.hook import Hook, Toolbox, Trigger
from providers.provider import Event, Severity
from providers.resource import ResourceRef

EVENT_PREFIX = "event:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredHook:
    """A hook as the configuration names, limits and triggers it."""

    name: str
    settings: HookSettings
    hook: Hook

    @property
    def policy(self) -> str | None:
        """The containment policy that decides."""
        return self.settings.policy or self.hook.policy

    def wants_event(self, event_type: str) -> bool:
        """Whether an event of this type triggers it."""
        return self._wants(EVENT_PREFIX + event_type)

    def wants_policy(self, policy_id: str) -> bool:
        """Whether a finding of this policy triggers it."""
        return any(
            not pattern.startswith(EVENT_PREFIX) and fnmatchcase(policy_id, pattern)
            for pattern in self.settings.when
        )

    @property
    def wants_findings(self) -> bool:
        """Whether any policy's finding could trigger it."""
        return any(not pattern.startswith(EVENT_PREFIX) for pattern in self.settings.when)

    def _wants(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.settings.when)


def configure_hooks(settings: Settings, toolbox: Toolbox) -> dict[str, ConfiguredHook]:
    """The hooks the configuration names, off ones left out. Raises ConfigurationError with every problem at once."""
    configured: dict[str, ConfiguredHook] = {}
    problems: list[Problem] = []
    for name, hook_settings in settings.containment.hooks.items():
        where = f"containment.hooks.{name}"
        kind = HOOKS.get(hook_settings.use)
        if kind is None:
            problems.append(
                Problem(
                    f"{where}.use",
                    f"there is no hook {hook_settings.use!r}",
                    f"there are {', '.join(sorted(HOOKS))}",
                )
            )
            continue
        try:
            options = kind.Options.model_validate(hook_settings.options)
        except ValidationError as error:
            problems += [
                Problem(".".join([f"{where}.options", *map(str, e["loc"])]), e["msg"])
                for e in error.errors(include_input=False)
            ]
            continue
        problems += _unsafe(where, hook_settings, kind)
        if hook_settings.mode is not Mode.OFF:
            configured[name] = ConfiguredHook(name=name, settings=hook_settings, hook=kind(options, toolbox))
    if problems:
        raise ConfigurationError(tuple(problems))
    return configured


def _unsafe(where: str, settings: HookSettings, kind: type[Hook]) -> Iterable[Problem]:
    if settings.mode is Mode.OFF:
        return
    if not settings.when:
        yield Problem(
            f"{where}.when", "nothing triggers this hook", "name policy ids, or events as `event:TYPE`"
        )
    if kind.changes_cloud and settings.mode is Mode.AUTO and not (settings.policy or kind.policy):
        yield Problem(f"{where}.policy", "a hook that changes a cloud by itself needs a containment policy")


def trigger_of_event(event: Event) -> Trigger:
    """What a hook sees of a cloud's finding."""
    return Trigger(
        id=f"event:{event.id}",
        kind="event",
        name=event.type,
        title=event.title,
        severity=event.severity,
        provider=event.provider,
        account=event.account,
        region=event.region,
        occurred_at=event.occurred_at,
        refs=event.refs,
        # A cloud's own detail must not shadow the facts every containment policy relies on.
        facts={
            **event.detail,
            "id": event.id,
            "provider": event.provider,
            "type": event.type,
            "title": event.title,
            "severity": str(event.severity),
            "account": event.account,
            "region": event.region,
            "actor": event.actor,
        },
    )


def trigger_of_finding(item: Mapping[str, Any], ref: ResourceRef, opened_at: datetime) -> Trigger:
    """What a hook sees of a policy's finding, given as ``findings --format json`` shows it."""
    return Trigger(
        id=f"finding:{item['id']}",
        kind="finding",
        name=item["policy"],
        title=item["title"],
        severity=Severity(item["severity"]),
        provider=ref.provider,
        account=ref.account,
        region=ref.region,
        occurred_at=opened_at,
        refs=(ref,),
        facts={
            key: item[key]
            for key in (
                "id",
                "policy",
                "title",
                "phase",
                "severity",
                "message",
                "resource",
                "account",
                "region",
                "type",
            )
        },
    )


def action_id(hook: str, trigger: Trigger) -> str:
    """The id of what ``hook`` does about ``trigger``: the same for every delivery of the same occurrence."""
    return hashlib.sha256(f"{hook}\x00{trigger.id}".encode()).hexdigest()[:16]
