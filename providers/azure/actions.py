"""What Watchstander can change in Azure. Each action reads before it writes and can be undone from its receipt.

| kind | change | undo |
|---|---|---|
| ``azure.apply_tag`` | sets one tag, leaves the others | the tag's former value, or no tag |
| ``azure.disable_storage_public_access`` | ``allowBlobPublicAccess`` = false | the former value |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from providers.azure.names import ResourceId
from providers.azure.reread import fetch, identity_of
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import Conflict, Refused, TimedOut
from providers.provider import Action, ActionKind, Receipt
from providers.resource import ANY

STORAGE: Final = "microsoft.storage/storageaccounts"
TAG_VALUE_LIMIT: Final = 256
TAG_NAME_LIMIT: Final = 512
_FORBIDDEN_IN_NAMES: Final = frozenset("<>%&\\?/")


class Change(ABC):
    """One kind of change. ``state`` and ``write`` speak of the same small mapping, which receipts keep."""

    declared: ActionKind

    @abstractmethod
    def check(self, action: Action) -> None:
        """Raise Refused for parameters that make no sense."""

    @abstractmethod
    def state(self, action: Action, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of ARM's document that the action would change."""

    @abstractmethod
    def wanted(self, action: Action) -> Mapping[str, Any]:
        """The state the action leads to."""

    @abstractmethod
    def write(
        self, session: Session, versions: Versions, identity: ResourceId, state: Mapping[str, Any]
    ) -> str | None:
        """Bring the target into ``state``; returns Azure's request id. Raises ProviderError."""


class ApplyTag(Change):
    """Sets one tag, by ARM's tags API: it merges on the server, so that nobody else's tag is lost."""

    declared = ActionKind(
        kind="azure.apply_tag",
        title="Set a tag",
        target_types=frozenset({ANY}),
        permissions=("Microsoft.Resources/tags/write", "Microsoft.Resources/tags/read"),
        parameters={"name": "the tag's name", "value": "the tag's value"},
    )

    def check(self, action: Action) -> None:
        name, value = action.parameters.get("name"), action.parameters.get("value")
        if (
            not isinstance(name, str)
            or not name
            or len(name) > TAG_NAME_LIMIT
            or _FORBIDDEN_IN_NAMES & set(name)
        ):
            raise Refused(
                f"azure.apply_tag: {name!r} is not a tag's name.",
                hint=f"Give `name`: text of at most {TAG_NAME_LIMIT} characters without < > % & \\ ? /.",
            )
        if not isinstance(value, str) or len(value) > TAG_VALUE_LIMIT:
            raise Refused(
                f"azure.apply_tag: {value!r} is not a tag's value.",
                hint=f"Give `value`: text of at most {TAG_VALUE_LIMIT} characters.",
            )

    def state(self, action: Action, document: Mapping[str, Any]) -> Mapping[str, Any]:
        name = str(action.parameters["name"])
        tags = document.get("tags") or {}
        # Tag names compare without case: `Owner` is the tag `owner`.
        value = next((v for k, v in tags.items() if k.lower() == name.lower()), None)
        return {"name": name, "value": value}

    def wanted(self, action: Action) -> Mapping[str, Any]:
        return {"name": action.parameters["name"], "value": action.parameters["value"]}

    def write(
        self, session: Session, versions: Versions, identity: ResourceId, state: Mapping[str, Any]
    ) -> str | None:
        client = session.resources(identity.account)
        absent = state["value"] is None
        body = {
            "operation": "Delete" if absent else "Merge",
            "properties": {"tags": {state["name"]: "" if absent else state["value"]}},
        }
        if absent:
            # Delete matches name and value, so the present value has to be named.
            present = fetch(session, versions, identity).get("tags") or {}
            found = {k: v for k, v in present.items() if k.lower() == str(state["name"]).lower()}
            if not found:
                return None
            body["properties"] = {"tags": found}
        return _finish(
            session,
            identity,
            "Setting a tag",
            lambda **kw: client.tags.begin_update_at_scope(identity.uid.lstrip("/"), body, **kw),
        )


class DisableStoragePublicAccess(Change):
    """Forbids anonymous access to a storage account's blobs, whatever its containers say."""

    declared = ActionKind(
        kind="azure.disable_storage_public_access",
        title="Forbid anonymous access to a storage account's blobs",
        target_types=frozenset({STORAGE}),
        permissions=("Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/write"),
    )

    def check(self, action: Action) -> None:
        if action.parameters:
            raise Refused(f"{action.kind} takes no parameters, got {', '.join(sorted(action.parameters))}.")

    def state(self, action: Action, document: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        properties = document.get("properties") or {}
        # Accounts made before the property existed have none, which Azure takes for true.
        allowed = properties.get("allowBlobPublicAccess")
        return {"allowBlobPublicAccess": True if allowed is None else bool(allowed)}

    def wanted(self, action: Action) -> Mapping[str, Any]:  # noqa: ARG002
        return {"allowBlobPublicAccess": False}

    def write(
        self, session: Session, versions: Versions, identity: ResourceId, state: Mapping[str, Any]
    ) -> str | None:
        client = session.resources(identity.account)
        version = versions.of(identity)
        body = {"properties": {"allowBlobPublicAccess": state["allowBlobPublicAccess"]}}
        return _finish(
            session,
            identity,
            "Changing anonymous access",
            lambda **kw: client.resources.begin_update_by_id(
                identity.uid.lstrip("/"), body, api_version=version, **kw
            ),
        )


CHANGES: Final[Mapping[str, Change]] = {
    change.declared.kind: change for change in (ApplyTag(), DisableStoragePublicAccess())
}


class Actor:
    """Observes, acts and undoes through a session."""

    def __init__(self, session: Session, versions: Versions) -> None:
        self._session = session
        self._versions = versions

    def kinds(self) -> Mapping[str, ActionKind]:
        """Every declared action."""
        return {kind: change.declared for kind, change in CHANGES.items()}

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The present state of what the action would change. Raises Refused, Gone or another ProviderError."""
        change = _change(action)
        identity = identity_of(action.target)
        return change.state(action, fetch(self._session, self._versions, identity))

    def act(self, action: Action) -> Receipt:
        """Make the change unless it is already so. Raises Refused, Gone, Conflict or another ProviderError."""
        change = _change(action)
        before = self.observe(action)
        wanted = change.wanted(action)
        if before == wanted:
            return Receipt(action=action, changed=False, before=before, after=before)
        request = change.write(self._session, self._versions, identity_of(action.target), wanted)
        after = self.observe(action)
        if after != wanted:
            raise Conflict(
                f"{action.kind} on {action.target.uid}: Azure accepted the change, but the resource says {dict(after)}.",
                hint="A policy with the effect `modify` may have changed it back.",
                code="NotApplied",
            )
        return Receipt(action=action, changed=True, before=before, after=after, request_id=request)

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the pre-image. Raises Conflict if the target is no longer as the receipt left it."""
        change = _change(receipt.action)
        now = self.observe(receipt.action)
        if now == receipt.before or not receipt.changed:
            return Receipt(action=receipt.action, changed=False, before=now, after=now)
        if now != receipt.after:
            raise Conflict(
                f"{receipt.action.target.uid} has moved on: it was left {dict(receipt.after)}, now it is {dict(now)}.",
                hint="Look at what changed it before restoring anything.",
                code="MovedOn",
            )
        identity = identity_of(receipt.action.target)
        request = change.write(self._session, self._versions, identity, receipt.before)
        after = self.observe(receipt.action)
        return Receipt(action=receipt.action, changed=True, before=now, after=after, request_id=request)


def _change(action: Action) -> Change:
    change = CHANGES.get(action.kind)
    if change is None:
        known = ", ".join(sorted(CHANGES))
        raise Refused(f"Azure has no action {action.kind!r}.", hint=f"There are: {known}.")
    types = change.declared.target_types
    if ANY not in types and action.target.type not in types:
        raise Refused(
            f"{action.kind} is not for {action.target.type}.", hint=f"It changes {', '.join(sorted(types))}."
        )
    change.check(action)
    return change


def _finish(session: Session, identity: ResourceId, what: str, begin: Any) -> str | None:
    """Start a change, wait for its end, and return the id Azure gave the request."""
    timeout = session.settings.budget.call_timeout.total_seconds()
    seen: list[str] = []

    def note(response: Any) -> None:
        headers = response.http_response.headers
        # The activity log names the correlation, by which our own change is known again.
        found = headers.get("x-ms-correlation-request-id") or headers.get("x-ms-request-id")
        if found:
            seen.append(str(found))

    def run() -> bool:
        poller = begin(polling_interval=1, raw_response_hook=note)
        poller.wait(timeout)
        if not poller.done():
            return False
        poller.result(0)
        return True

    if not session.call(identity.account, "arm", f"{what} on {identity.uid}", run):
        raise TimedOut(
            f"{what} on {identity.uid} is accepted, but has not ended after {timeout:g} s.",
            hint="Look at the resource before trying again: the change may still come.",
        )
    return seen[0] if seen else None
