"""The cloud in memory as a provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from providers.errors import Conflict, Refused
from providers.memory.documents import TERRAFORM, TYPES
from providers.memory.estate import Estate
from providers.memory.queue import MemoryQueue
from providers.provider import (
    Action,
    ActionKind,
    Deed,
    Discovery,
    Event,
    EventKind,
    EventSource,
    Ignored,
    Receipt,
    Remembered,
    Selection,
    Severity,
)
from providers.resource import ANY, GLOBAL, Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView, view

SET_FIELD: Final = "memory.set_field"


class MemoryProvider:
    """A cloud in memory. ``queue`` is its event source; put messages there with :meth:`MemoryQueue.put`."""

    record_lag = timedelta(minutes=5)
    past_batch = 4

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.name = estate.provider
        self.queue = MemoryQueue()
        self.acts: list[Action] = []
        """Every write call made, for asking how often we acted."""

    def discover(self, selection: Selection) -> Discovery:
        """The selected scopes; refused accounts are unread. Raises what refuses every account."""
        refused = self.estate.refused()
        if ANY in refused:
            raise refused[ANY]
        chosen = tuple(s for s in self.estate.all_scopes() if selection.takes(s))
        unread = tuple(
            Coverage(
                scope=Scope(self.name, account, "*", "*"),
                status=refused[account].coverage,
                cause=refused[account].message,
                permission=refused[account].permission,
            )
            for account in sorted({s.account for s in chosen} & set(refused))
        )
        scopes = tuple(s for s in chosen if s.account not in refused)
        return Discovery(
            scopes=scopes, unread=unread, accounts={s.account: f"account {s.account}" for s in scopes}
        )

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope, ending early where a fault is planned."""
        return Reading(scope, self._read(scope))

    def _read(self, scope: Scope) -> Iterator[Resource | Coverage]:
        fault = self.estate.fault(scope)
        read = unread = 0
        for resource in self.estate.read(scope) if fault is None or fault.after else ():
            if fault is not None and read >= fault.after:
                break
            read += 1
            unread += bool(resource.unread)
            yield resource
        if fault is None:
            yield Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read, details_unread=unread)
            return
        yield Coverage(
            scope=scope,
            status=CoverageStatus.PARTIAL if read else fault.error.coverage,
            read=read,
            details_unread=unread,
            cause=fault.error.message,
            permission=fault.error.permission,
        )

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as it is now. Raises Gone, or the fault planned for its scope."""
        fault = self.estate.fault(Scope(ref.provider, ref.account, ref.region, ref.type))
        if fault is not None:
            raise fault.error
        return self.estate.get(ref)

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterator[Remembered]:
        """What the estate was told to remember."""
        for ref in refs:
            yield Remembered.asked(ref, partial(self.estate.past, ref.uid, since))

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """What the estate was told that was done."""
        return self.estate.deeds(ref.uid, since, until)

    def parse_event(self, body: Mapping[str, Any]) -> Event | Ignored | None:
        """A message made by :func:`message`. Raises ValueError for one that claims the form and breaks it."""
        if body.get("source") != "watchstander.memory":
            return None
        try:
            at = datetime.fromisoformat(body["time"])
            ref = ResourceRef(**body["ref"]) if body.get("ref") else None
            return Event(
                id=body["id"],
                kind=EventKind(body["kind"]),
                provider=self.name,
                type=body["type"],
                title=body.get("title", body["type"]),
                account=ref.account if ref else body.get("account", ""),
                region=ref.region if ref else body.get("region", GLOBAL),
                occurred_at=at,
                severity=Severity(body.get("severity", "info")),
                actor=body.get("actor"),
                refs=(ref,) if ref else (),
                detail=body.get("detail", {}),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a memory event lacks or misuses {error}") from error

    def watched(self, event: Event) -> Event | None:
        """What of an event is of the estate's accounts."""
        accounts = {scope.account for scope in self.estate.all_scopes()}
        if event.account not in accounts:
            return None
        return replace(event, refs=tuple(ref for ref in event.refs if ref.account in accounts))

    def event_sources(self) -> tuple[EventSource, ...]:
        """The one queue."""
        return (self.queue,)

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """One kind: set a top-level field."""
        return {
            SET_FIELD: ActionKind(
                kind=SET_FIELD,
                title="Set one field of a resource",
                target_types=frozenset(TYPES),
                permissions=("memory:SetField",),
                parameters={"field": "the document field", "value": "its new value"},
            )
        }

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The field's value now. Raises Gone, Refused."""
        name = _field(action)
        return {"field": name, "value": self.reread(action.target).document.get(name)}

    def act(self, action: Action) -> Receipt:
        """Set the field, unless it is so already. Raises Gone, Refused."""
        before = self.observe(action)
        wanted = action.parameters.get("value")
        after = {**before, "value": wanted}
        if before["value"] == wanted:
            return Receipt(action=action, changed=False, before=before, after=after)
        self.acts.append(action)
        self.estate.change(action.target.uid, {_field(action): wanted})
        return Receipt(
            action=action, changed=True, before=before, after=after, request_id=f"mem-{len(self.acts)}"
        )

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the field. Raises Conflict if it is no longer as the receipt left it."""
        if self.observe(receipt.action)["value"] != receipt.after["value"]:
            raise Conflict(f"{receipt.action.target.uid} has changed since.")
        parameters = {"field": receipt.before["field"], "value": receipt.before["value"]}
        return self.act(Action(kind=SET_FIELD, target=receipt.action.target, parameters=parameters))

    def terraform(self, resource: Resource) -> TerraformView | None:
        """A view with a handful of attributes."""
        declared = TERRAFORM.get(resource.ref.type)
        return view(declared, resource.document, resource.unread) if declared else None

    def deletion_confirmations(self, scope: Scope) -> int:  # noqa: ARG002 - one answer for every scope
        """One: a complete listing is authoritative."""
        return 1

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """``memory_machine`` -> ``memory.machine``, …"""
        return {declared.name: frozenset({type_}) for type_, declared in TERRAFORM.items()}

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """The actions used."""
        return {"actions": ["memory:Read", *(["memory:SetField"] if contain else [])]}

    def close(self) -> None:
        """Nothing is held."""


def _field(action: Action) -> str:
    if action.kind != SET_FIELD or "field" not in action.parameters:
        raise Refused(f"{action.kind} is not something this provider does.")
    return str(action.parameters["field"])
