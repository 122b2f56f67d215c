"""What an event leads to: a change is read again and judged at once, a cloud's own finding is put to the hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from daemon.asking import Asking
from daemon.crew import Crew
from daemon.durable import Runner
from daemon.hooks.hook import Trigger
from daemon.intake import Handlers
from daemon.judging import Judging
from daemon.soon import Soon
from daemon.triggers import trigger_of_event, trigger_of_finding
from providers.errors import Gone
from providers.provider import Deed, Event
from storage.actions import Actions
from storage.findings import FindingFilter, Findings, FindingStatus
from storage.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Carries out what events ask for. Each method may be called again with the same event."""

    crew: Callable[[], AbstractContextManager[Crew]]
    inventory: Inventory
    findings: Findings
    judging: Judging
    actions: Actions
    asking: Asking
    runner: Callable[[], Runner]
    respond: Callable[[], object]
    """Ask the hooks about the findings they have not been asked about."""
    soon: Soon
    clock: Callable[[], datetime]

    def handlers(self) -> Handlers:
        """For the intake."""
        return Handlers(change=self.on_change, finding=self.on_finding)

    def on_finding(self, event: Event) -> int:
        """A cloud's finding: ask the hooks; returns how many were asked."""
        return self.asking.ask(trigger_of_event(event), self.runner())

    def on_change(self, event: Event) -> None:
        """A change: read what it names again, and judge it. Raises ProviderError where that cannot be told, so that the
        message comes again."""
        now, ours = self.clock(), self._is_ours(event)
        deed = Deed.of(event) if event.actor is not None else None
        with self.crew() as crew:
            for ref in event.refs:
                try:
                    fresh = crew.providers[ref.provider].reread(ref)
                except Gone:
                    self.inventory.mark_gone(ref, now, actor=event.actor, deed=deed)
                    continue
                self.inventory.record_one(fresh, now, actor=event.actor, deed=deed)
                stored = self.inventory.get(ref.uid)
                if stored is not None:
                    self.judging.judge_one(crew, stored, now)
        if ours:
            opened = (
                trigger
                for ref in event.refs
                for trigger in self._open_on(ref.uid)
                if trigger.occurred_at >= now
            )
            self.asking.decline(opened, "the change was our own: containment does not answer to itself")
        elif event.refs:
            # What joins them; of what our own act led to only the next cycle asks.
            self.soon.note(event.refs)
        if event.refs:
            self.respond()

    def _open_on(self, uid: str) -> Iterator[Trigger]:
        """The open findings on one resource."""
        for batch in self.findings.find(FindingFilter(status=FindingStatus.OPEN, uid=uid)):
            for finding in batch:
                yield trigger_of_finding(finding.record(), finding.ref, finding.opened_at)

    def _is_ours(self, event: Event) -> bool:
        """Whether a change was made by an act of ours, told by the cloud's own id of the request. A name would not do:
        anybody can call a session as we do."""
        request = Deed.of(event).request_id
        return request is not None and self.actions.by_request(request) is not None
