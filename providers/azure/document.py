"""Canonical documents: Resource Graph's row and ARM's answer for one resource become the same bytes.

They differ in ways that are no drift (docs/decisions 0022): Resource Graph lower-cases types, fills absent columns, adds
its own, and keeps times to the millisecond where ARM has seven digits. What changes by itself is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from providers.azure.names import MANAGEMENT_GROUP, SUBSCRIPTION, ResourceId, above, parse, ref_of, region_of
from providers.normalise import Rules, canonical
from providers.resource import Resource

VOLATILE: Final = frozenset(
    {
        "etag",
        "systemdata",
        "provisioningstate",
        "changedtime",
        "createdtime",
        "lastmodifiedtime",
        "lastmodifiedtimeutc",
        "lastmodifiedat",
        "lastmodifieddate",
        "modifieddate",
        "quotanextresettime",
        "earliestrestoredate",
        "lastownershipupdatetime",
        "laststatuschange",
    }
)
"""Property names (lower case) that change without anyone changing the resource, at any depth but below ``tags``."""
VOLATILE_OF_TYPE: Final[Mapping[str, frozenset[str]]] = {
    # The count of its changes, and what only Resource Graph adds: where it stands is told by its parent.
    MANAGEMENT_GROUP: frozenset(
        {
            "properties.details.version",
            "properties.details.updatedTime",
            "properties.details.updatedBy",
            "properties.details.managementGroupAncestors",
            "properties.details.managementGroupAncestorsChain",
        }
    ),
    # Resource Graph alone adds the running state; ARM's plain GET has none of it.
    "microsoft.compute/virtualmachines": frozenset({"properties.extended", "properties.instanceView"}),
    "microsoft.compute/disks": frozenset({"properties.diskState"}),
    "microsoft.storage/storageaccounts": frozenset(
        {"properties.statusOfPrimary", "properties.statusOfSecondary"}
    ),
    # A trial counts down, and what can be restored moves on with the clock.
    "microsoft.security/pricings": frozenset({"properties.freeTrialRemainingTime"}),
    "microsoft.storage/storageaccounts/blobservices": frozenset({"properties.restorePolicy.minRestoreTime"}),
    "microsoft.web/sites": frozenset(
        {"properties.usageState", "properties.availabilityState", "properties.inProgressOperationId"}
    ),
}
ORDERED: Final = frozenset({"properties.dhcpOptions.dnsServers", "properties.dnsSettings.dnsServers"})
"""Lists whose order means something: resolvers are asked in turn."""
TOP_LEVEL: Final = (
    "id", "name", "type", "location", "kind", "managedBy", "sku", "plan", "properties", "tags", "identity",
    "zones", "extendedLocation", "resourceGroup", "subscriptionId", "tenantId",
)  # fmt: skip
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|\+00:00)?")


def resource_of(raw: Mapping[str, Any], tenant: str | None = None) -> Resource:
    """A row of Resource Graph or an answer of ARM as a resource; ``tenant`` is whose it is, where a row does not tell it. Raises
    ValueError for what is not one."""
    resource_id = raw.get("id")
    if not isinstance(resource_id, str):
        raise ValueError("a resource without an id")
    identity = parse(resource_id, tenant or raw.get("tenantId"))
    document = document_of(raw, identity)
    tags = document.get("tags") or {}
    return Resource(
        ref=ref_of(identity, region_of(raw.get("location"))),
        name=str(raw.get("name") or raw.get("displayName") or resource_id.rpartition("/")[2]),
        document=document,
        tags={str(k): "" if v is None else str(v) for k, v in tags.items()}
        if isinstance(tags, Mapping)
        else {},
    )


def document_of(raw: Mapping[str, Any], identity: ResourceId) -> dict[str, Any]:
    """The canonical document of one resource."""
    known = {key: raw[key] for key in TOP_LEVEL if raw.get(key) not in (None, "", {})}
    if identity.type == SUBSCRIPTION:
        known = _subscription(raw, known)
    else:
        known.pop("tenantId", None)
    # What names the resource and where it is, is spelled by two sources in two ways: one spelling.
    known |= {"id": identity.uid, "type": identity.type}
    known.pop("resourceGroup", None)
    known.pop("subscriptionId", None)
    if not above(identity.account):
        known["subscriptionId"] = identity.account
    if identity.group is not None:
        known["resourceGroup"] = identity.group
    if "location" in known:
        known["location"] = region_of(known["location"])
    if "managedBy" in known:
        known["managedBy"] = str(known["managedBy"]).lower()
    tags = known.pop("tags", None)
    # Always there: one source leaves out what the other gives empty.
    cleaned = {"properties": {}} | {key: _clean(value) for key, value in known.items()}
    if tags:
        cleaned["tags"] = tags
    rules = Rules(volatile=VOLATILE_OF_TYPE.get(identity.type, frozenset()), ordered=ORDERED)
    return canonical(cleaned, rules)


def _subscription(raw: Mapping[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Resource Graph puts a subscription's facts into ``properties``, ARM at the top: as Resource Graph has it."""
    given = raw.get("properties")
    properties = dict(given) if isinstance(given, Mapping) else {}
    for key in ("state", "subscriptionPolicies", "authorizationSource"):
        if raw.get(key) is not None:
            properties[key] = raw[key]
    # Only one of the two sources tells these; neither is configuration of the subscription.
    for key in ("managementGroupAncestorsChain", "managedByTenants", "authorizationSource"):
        properties.pop(key, None)
    return {**known, "properties": properties, "name": raw.get("displayName") or raw.get("name") or ""}


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _clean(v) for k, v in value.items() if not _changes_by_itself(k)}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    if isinstance(value, str) and len(value) >= 19 and value[4:5] == "-" and value[10:11] == "T":
        return _time(value)
    return value


@lru_cache(maxsize=8192)
def _changes_by_itself(name: str) -> bool:
    return name.lower() in VOLATILE


def _time(text: str) -> str:
    """A time to the millisecond, the finest both sources tell; anything else as it is."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    fraction = (match[2] or "").ljust(3, "0")[:3].rstrip("0")
    return f"{match[1]}{'.' + fraction if fraction else ''}Z"
