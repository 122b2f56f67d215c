"""The state of the emulated Azure: resources as documents, and the record of every change to them.

Resource ids compare without case, as Azure's do; the casing a resource was created with is kept. Every write is recorded
as Resource Graph's ``resourcechanges`` tells it: each leaf that changed, its previous and its new value as text.
"""

from __future__ import annotations

import copy
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from providers.sandbox.azure.groups import TENANT, ManagementGroups

RETENTION = timedelta(days=14)
"""How long Resource Graph remembers changes."""
_ID = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)(?:/resourcegroups/(?P<group>[^/]+))?", re.IGNORECASE
)
_ABOVE = re.compile(r"^/providers/Microsoft\.Management/managementGroups/(?P<name>[^/]+)/", re.IGNORECASE)
_AT_ROOT = re.compile(r"^/providers/Microsoft\.Authorization/roleAssignments/[^/]+$", re.IGNORECASE)


class ArmError(Exception):
    """An error as ARM answers one: a status, a code and a message."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who writes: what the change record says of it."""

    name: str = "platform-team@example.com"
    kind: str = "User"
    client: str = "Azure Portal"


TERRAFORM = Caller(name="terraform", kind="Application", client="Azure Resource Manager")
SYSTEM = Caller(name="System", kind="System", client="Unspecified")


def type_of(resource_id: str) -> str:
    """``Microsoft.Storage/storageAccounts`` from a resource id, as spelled there."""
    head, marker, tail = _split_last_provider(resource_id)
    if not marker:
        group = _ID.match(head)
        return "Microsoft.Resources/subscriptions" + ("/resourceGroups" if group and group["group"] else "")
    space, *rest = tail.split("/")
    return "/".join([space, *rest[0::2]])


def _split_last_provider(resource_id: str) -> tuple[str, str, str]:
    at = resource_id.lower().rfind("/providers/")
    if at < 0:
        return resource_id, "", ""
    return resource_id[:at], "/providers/", resource_id[at + len("/providers/") :]


def _seen_from(tenant: str, subscription: Mapping[str, Any]) -> bool:
    homes = (subscription["tenantId"], *(one["tenantId"] for one in subscription["managedByTenants"]))
    return tenant.lower() in (home.lower() for home in homes)


class ArmStore:
    """All resources of all subscriptions. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._resources: dict[str, dict[str, Any]] = {}
        self._subscriptions: dict[str, dict[str, Any]] = {}
        self._unregistered: set[tuple[str, str]] = set()
        self._changes: list[dict[str, Any]] = []
        self.groups = ManagementGroups()
        self.told: Callable[[Mapping[str, Any]], None] | None = None
        """Told of every change, as ``resourcechanges`` records it."""

    # Subscriptions and namespaces

    def add_subscription(
        self, subscription: str, name: str, state: str = "Enabled", *, tenant: str = TENANT
    ) -> None:
        """Create a subscription, at home in ``tenant``."""
        with self._lock:
            self._subscriptions[subscription.lower()] = {
                "id": f"/subscriptions/{subscription}",
                "authorizationSource": "RoleBased",
                "subscriptionId": subscription,
                "tenantId": tenant,
                "managedByTenants": [],
                "displayName": name,
                "state": state,
                "subscriptionPolicies": {
                    "locationPlacementId": "Public_2014-09-01",
                    "quotaId": "EnterpriseAgreement_2014-09-01",
                    "spendingLimit": "Off",
                },
            }

    def delegate(self, subscription: str, tenant: str) -> None:
        """Let another tenant manage a subscription, as Azure Lighthouse does."""
        with self._lock:
            self._subscriptions[subscription.lower()]["managedByTenants"].append({"tenantId": tenant})

    def subscriptions(self, tenant: str | None = None) -> list[dict[str, Any]]:
        """The subscriptions as ARM describes them: all, or those that a principal of ``tenant`` may see."""
        with self._lock:
            found = [s for s in self._subscriptions.values() if tenant is None or _seen_from(tenant, s)]
            return copy.deepcopy(found)

    def subscription(self, subscription: str) -> dict[str, Any]:
        """One subscription. Raises ArmError."""
        with self._lock:
            found = self._subscriptions.get(subscription.lower())
        if found is None:
            raise ArmError(
                404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found."
            )
        return copy.deepcopy(found)

    def refuse_foreign(self, subscription: Mapping[str, Any], tenant: str | None) -> None:
        """Raise ArmError, as ARM does, for a token of a tenant that may not see a subscription; None is every tenant's."""
        if tenant is not None and not _seen_from(tenant, subscription):
            raise ArmError(
                401,
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer 'https://sts.windows.net/{tenant}/'. It must match the"
                f" tenant 'https://sts.windows.net/{subscription['tenantId']}/' associated with this subscription.",
            )

    def unregister(self, subscription: str, namespace: str) -> None:
        """Switch a resource provider off for a subscription."""
        with self._lock:
            self._unregistered.add((subscription.lower(), namespace.lower()))

    def register(self, subscription: str, namespace: str) -> None:
        """Switch a resource provider on again."""
        with self._lock:
            self._unregistered.discard((subscription.lower(), namespace.lower()))

    def registered(self, subscription: str, namespace: str) -> bool:
        """Whether a resource provider is on."""
        with self._lock:
            return (subscription.lower(), namespace.lower()) not in self._unregistered

    # Resources

    def get(self, resource_id: str) -> dict[str, Any]:
        """One resource. Raises ArmError (404)."""
        with self._lock:
            found = self._resources.get(resource_id.lower())
            if found is None:
                raise self._missing(resource_id)
            return copy.deepcopy(found)

    def _missing(self, resource_id: str) -> ArmError:
        match = _ID.match(resource_id)
        if match is None:
            kind = type_of(resource_id).rpartition("/")[2].removesuffix("s")
            code = f"{kind[:1].upper()}{kind[1:]}NotFound"
            return ArmError(404, code, f"The {kind} '{resource_id.rpartition('/')[2]}' is not found.")
        subscription = match["subscription"]
        if subscription.lower() not in self._subscriptions:
            return ArmError(
                404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found."
            )
        group = match["group"]
        group_id = f"/subscriptions/{subscription}/resourcegroups/{group}".lower()
        if group is not None and group_id not in self._resources:
            return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        name = f"{type_of(resource_id)}/{resource_id.rpartition('/')[2]}"
        return ArmError(
            404, "ResourceNotFound", f"The Resource '{name}' under resource group '{group}' was not found."
        )

    def items(self, under: str = "") -> Iterator[dict[str, Any]]:
        """Every resource whose id starts with ``under``, ordered by id."""
        with self._lock:
            prefix = under.lower()
            found = [
                copy.deepcopy(doc) for key, doc in sorted(self._resources.items()) if key.startswith(prefix)
            ]
        return iter(found)

    def put(
        self, resource_id: str, body: Mapping[str, Any], caller: Caller = SYSTEM
    ) -> tuple[dict[str, Any], bool]:
        """Create or replace a resource; returns it and whether it is new. Raises ArmError."""
        with self._lock:
            existing = self._resources.get(resource_id.lower())
            if existing is None:
                self._require_parent(resource_id)
            spelled = existing["id"] if existing else resource_id
            document = {
                "id": spelled,
                "name": spelled.rpartition("/")[2],
                "type": existing["type"] if existing else type_of(resource_id),
                **{k: copy.deepcopy(v) for k, v in body.items() if k not in ("id", "name", "type")},
            }
            document.setdefault("properties", {})
            self._store(document, existing, caller)
            return copy.deepcopy(document), existing is None

    def patch(self, resource_id: str, body: Mapping[str, Any], caller: Caller = SYSTEM) -> dict[str, Any]:
        """Merge into a resource: properties are merged, tags replaced, as the resource providers do. Raises ArmError."""
        with self._lock:
            existing = self._resources.get(resource_id.lower())
            if existing is None:
                raise self._missing(resource_id)
            document = copy.deepcopy(existing)
            for key, value in body.items():
                if key in ("id", "name", "type"):
                    continue
                if key == "properties" and isinstance(value, Mapping):
                    document["properties"] = _merge(document.get("properties") or {}, value)
                elif value is not None:
                    document[key] = copy.deepcopy(value)
            self._store(document, existing, caller)
            return copy.deepcopy(document)

    def delete(self, resource_id: str, caller: Caller = SYSTEM) -> bool:
        """Delete a resource and what lies under it; whether there was one."""
        with self._lock:
            key = resource_id.lower()
            gone = [k for k in self._resources if k == key or k.startswith(f"{key}/")]
            for one in gone:
                self._record(self._resources.pop(one), None, caller)
            return bool(gone)

    def _require_parent(self, resource_id: str) -> None:
        match = _ID.match(resource_id)
        above = _ABOVE.match(resource_id)
        if (above and self.groups.known(above["name"])) or _AT_ROOT.match(resource_id):
            return
        if match is None or match["subscription"].lower() not in self._subscriptions:
            raise self._missing(resource_id)
        head, marker, tail = _split_last_provider(resource_id)
        if marker and match["group"] and head.lower() not in self._resources:
            raise self._missing(head)
        if len(tail.split("/")) > 3 and resource_id.rsplit("/", 2)[0].lower() not in self._resources:
            raise ArmError(
                404, "ParentResourceNotFound", f"Failed to perform 'write' on {resource_id}: no parent."
            )

    def _store(self, document: dict[str, Any], existing: dict[str, Any] | None, caller: Caller) -> None:
        properties = document.get("properties")
        if isinstance(properties, dict):
            properties["provisioningState"] = "Succeeded"
        self._resources[document["id"].lower()] = document
        self._record(existing, document, caller)

    # Changes

    def changes(self) -> list[dict[str, Any]]:
        """The changes of the last 14 days, oldest first, as rows of ``resourcechanges``."""
        horizon = self._clock() - RETENTION
        with self._lock:
            return [copy.deepcopy(c) for c in self._changes if c["at"] >= horizon]

    def forget_changes(self) -> None:
        """Empty the record, as if all that is here had been here for long."""
        with self._lock:
            self._changes.clear()

    def _record(self, before: dict[str, Any] | None, after: dict[str, Any] | None, caller: Caller) -> None:
        target = after or before
        assert target is not None
        kind = "Create" if before is None else "Delete" if after is None else "Update"
        leaves = _difference(before, after) if before is not None and after is not None else {}
        if kind == "Update" and not leaves:
            return
        now = self._clock()
        match = _ID.match(target["id"])
        if match is None:
            return  # it records what happens in subscriptions
        change = uuid.uuid4().hex
        verb = "delete" if kind == "Delete" else "write"
        record = {
            "at": now,
            "id": f"{target['id']}/providers/Microsoft.Resources/changes/{change}",
            "name": change,
            "type": "microsoft.resources/changes",
            "tenantId": TENANT,
            "resourceGroup": (match["group"] or "").lower(),
            "subscriptionId": match["subscription"],
            "properties": {
                "targetResourceId": target["id"],
                "targetResourceType": str(target["type"]).lower(),
                "changeType": kind,
                "changeAttributes": {
                    "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z",
                    "changesCount": len(leaves),
                    "correlationId": str(uuid.uuid4()),
                    "changedBy": caller.name,
                    "changedByType": caller.kind,
                    "clientType": caller.client,
                    "operation": f"{target['type']}/{verb}",
                    "previousResourceSnapshotId": uuid.uuid4().hex,
                    "newResourceSnapshotId": uuid.uuid4().hex,
                },
                "changes": leaves,
            },
        }
        self._changes.append(record)
        if self.told is not None:
            self.told(record)


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in change.items():
        if isinstance(value, Mapping) and isinstance(out.get(key), Mapping):
            out[key] = _merge(out[key], value)
        elif value is not None:
            out[key] = copy.deepcopy(value)
    return out


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Leaf path -> previous and new value as text, the service's form. An item of a list goes by its id, else its index."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    out: dict[str, Any] = {}
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        kind = "Insert" if path not in old else "Remove" if path not in new else "Update"
        out[path] = {
            "previousValue": old.get(path, "null"),
            "newValue": new.get(path, "null"),
            "changeCategory": "System" if path.endswith("provisioningState") else "User",
            "propertyChangeType": kind,
        }
    return out


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            plain = re.fullmatch(r"[A-Za-z0-9_$-]+", str(key))
            yield from _leaves(inner, f"{path}.{key}".lstrip(".") if plain else f'{path}["{key}"]')
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            identity = inner.get("id") if isinstance(inner, Mapping) else None
            yield from _leaves(inner, f'{path}["{identity}"]' if identity else f"{path}[{index}]")
    elif isinstance(value, Mapping | list):
        yield path, "{}" if isinstance(value, Mapping) else "[]"
    elif value is None:
        yield path, "null"
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    else:
        yield path, value if isinstance(value, str) else str(value)
