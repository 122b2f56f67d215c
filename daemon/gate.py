"""What policies say about acting: may this hook act on this, and does the reason still stand?

Unknown is never a yes: a policy that is undefined, fails or is gone, and a resource that cannot be read, give no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from daemon.crew import Crew
from daemon.hooks.hook import Trigger
from daemon.joining import Grounds, Round
from daemon.ruling import Ruling
from daemon.triggers import ConfiguredHook
from policies.policy import EnforcementLevel, PolicyScope
from policies.verdict import Outcome
from providers.errors import Gone, ProviderError


class PolicyGate:
    """The gate of the crew on duty. ``crew`` gives it, held while it is worked with."""

    def __init__(self, crew: Callable[[], AbstractContextManager[Crew]], grounds: Grounds) -> None:
        self._crew = crew
        self._grounds = grounds
        self._inventory = grounds.inventory

    def decide(self, hook: ConfiguredHook, trigger: Trigger, now: datetime) -> Ruling:
        """Ask the hook's containment policy; a hook that has none and changes no cloud is allowed."""
        if hook.policy is None:
            return Ruling(allowed=True, reasons=("no containment policy is configured",))
        with self._crew() as crew:
            if hook.policy not in crew.policies:
                return Ruling(
                    allowed=None, reasons=(f"the containment policy {hook.policy} is not in force",)
                )
            try:
                decision = crew.judge.decide(
                    hook.policy, None, trigger.facts, {"exceptions": list(hook.settings.exceptions)}, now
                )
            except ValueError as error:
                return Ruling(allowed=None, reasons=(str(error),))
        return Ruling(allowed=decision.allowed, reasons=(f"{hook.policy}: {decision.text}",))

    def still_stands(self, trigger: Trigger, now: datetime) -> Ruling:
        """An event is a fact and stands. A finding stands if the resource, read afresh, still fails its policy."""
        if trigger.kind == "event":
            return Ruling(allowed=True)
        ref = trigger.refs[0]
        with self._crew() as crew:
            provider = crew.providers.get(ref.provider)
            if (
                trigger.name in crew.policies
                and crew.policies.by_id(trigger.name).enforcement is EnforcementLevel.ADVISORY
            ):
                return Ruling(allowed=False, reasons=(f"the policy {trigger.name} is advisory",))
            if provider is None or trigger.name not in crew.policies:
                return Ruling(
                    allowed=None, reasons=(f"{ref.provider} or the policy {trigger.name} is not in force",)
                )
            try:
                fresh = provider.reread(ref)
            except Gone:
                self._inventory.mark_gone(ref, now)
                return Ruling(allowed=False, reasons=("the resource no longer exists",))
            except ProviderError as error:
                return Ruling(allowed=None, reasons=(f"the resource could not be read: {error.message}",))
            self._inventory.record_one(fresh, now)
            policy = crew.policies.by_id(trigger.name)
            only = None if policy.scope is PolicyScope.ESTATE else (ref.provider, ref.account)
            around = Round(crew, self._grounds, now, policies=[policy], only=only)
            if policy.gathers:
                said = around.about(policy, ref)
                outcomes = {said.outcome: said} if said is not None else {}
            else:
                subjects = around.subjects([fresh], [policy])
                outcomes = {v.outcome: v for v in crew.judge.judge(subjects, now=now, policies=[policy])}
        if Outcome.FAIL in outcomes:
            return Ruling(allowed=True)
        if Outcome.UNKNOWN in outcomes:
            return Ruling(
                allowed=None, reasons=(f"the policy gave no answer: {outcomes[Outcome.UNKNOWN].text}",)
            )
        return Ruling(allowed=False, reasons=("the resource no longer fails the policy",))
