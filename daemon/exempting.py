"""Exemptions in the daemon: no hook acts on what is exempt, and nobody forgets that an exemption ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import structlog

from daemon.hooks.hook import Trigger
from daemon.ruling import Gate, Ruling
from daemon.triggers import ConfiguredHook
from policies.exemption import Exemption
from policies.policy import EnforcementLevel
from providers.normalise import timestamp
from storage.exemptions import Exemptions
from storage.findings import Findings
from storage.inventory import Inventory

log = structlog.get_logger("watchstander.exempting")

_LOOK_BACK = timedelta(days=1)
"""How far back a daemon that just started tells what ended."""


class ExemptionGate:
    """A gate before the gate: what has been exempted since a plan was made is not acted on. An exempt finding is not even
    asked about; this is for the plan that waits, and for the act that is about to be done."""

    def __init__(self, inner: Gate, exemptions: Exemptions, inventory: Inventory, findings: Findings) -> None:
        self._inner = inner
        self._findings = findings
        self._exemptions = exemptions
        self._inventory = inventory

    def decide(self, hook: ConfiguredHook, trigger: Trigger, now: datetime) -> Ruling:
        """As the inner gate decides."""
        return self._inner.decide(hook, trigger, now)

    def still_stands(self, trigger: Trigger, now: datetime) -> Ruling:
        """As the inner gate says, which reads the resource afresh; and no exemption covers what was read."""
        standing = self._inner.still_stands(trigger, now)
        if standing.allowed is not True or trigger.kind != "finding":
            return standing
        stored = self._inventory.get(trigger.refs[0].uid)
        if stored is None:
            return Ruling(allowed=None, reasons=("the resource is not known",))
        found = self._findings.open_for(stored.resource.uid, trigger.name)
        if found is not None and found.enforcement is EnforcementLevel.HARD_MANDATORY:
            return standing
        exemption = self._exemptions.covering(trigger.name, stored.resource, now)
        if exemption is None:
            return standing
        return Ruling(allowed=False, reasons=(f"{_named(exemption)} covers it",))


class Reminders:
    """Says in the log which exemptions end soon (once a day each) and which have ended."""

    def __init__(self, exemptions: Exemptions) -> None:
        self._exemptions = exemptions
        self._told: dict[str, date] = {}
        self._last: datetime | None = None

    def tell(self, now: datetime) -> None:
        """Say what is to be said. Raises StorageError."""
        for exemption in self._exemptions.ended(self._last or now - _LOOK_BACK, now):
            count = self._exemptions.count(exemption)
            how = "was revoked" if exemption.status(now) == "revoked" else "has ended"
            open_again = f"{count} findings it covered are" if count != 1 else "1 finding it covered is"
            log.warning(
                f"{_named(exemption)} {how}: {open_again} open again.",
                key="exemption-ended",
                exemption=exemption.id,
                findings=count,
            )
        self._last = now
        ending = self._exemptions.ending(now)
        self._told = {e.id: self._told[e.id] for e in ending if e.id in self._told}
        for exemption in ending:
            if self._told.get(exemption.id) == now.date():
                continue
            self._told[exemption.id] = now.date()
            log.warning(
                f"{_named(exemption)} ends at {timestamp(exemption.ends)}: renew it or mend what it covers.",
                key="exemption-ending",
                exemption=exemption.id,
                until=exemption.ends,
            )


def _named(exemption: Exemption) -> str:
    return f"The exemption {exemption.id} ({exemption.scope}; {exemption.ticket}, by {exemption.who})"
