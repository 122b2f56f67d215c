"""The activity log, as its REST form gives it: ``eventtypes/management/values`` of a subscription, a management
group or the tenant, filtered by time and place."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from providers.sandbox.azure.arm import ArmError
from providers.sandbox.azure.groups import TENANT

_TERM = re.compile(r"(\w+) (ge|le|eq) '([^']*)'")
_PLACE = re.compile(r"/(subscriptions|providers/microsoft\.management/managementgroups)/[^/]+", re.IGNORECASE)
_PLACES = {"resourcegroupname": "resourceGroupName", "resourceuri": "resourceId"}


class ActivityLog:
    """What was done, by place: a subscription, a management group, the tenant. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[str, list[dict[str, Any]]] = {}

    def record(
        self,
        resource_id: str,
        operation: str,
        at: datetime,
        caller: str,
        *,
        status: str = "Succeeded",
        **more: Any,
    ) -> str:
        """Remember an operation; returns its correlation id."""
        parts = resource_id.strip("/").split("/")
        correlation = str(uuid4())
        event = {
            "caller": caller,
            "claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": caller},
            "correlationId": correlation,
            "eventDataId": str(uuid4()),
            "eventTimestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
            "httpRequest": {"clientIpAddress": "198.51.100.7", "method": "PUT"},
            "operationId": correlation,
            "operationName": {"value": operation, "localizedValue": operation},
            "resourceGroupName": parts[3] if len(parts) > 3 and parts[2].lower() == "resourcegroups" else "",
            "resourceId": resource_id,
            "status": {"value": status, "localizedValue": status},
            "subStatus": {"value": "", "localizedValue": ""},
            "submissionTimestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
            "subscriptionId": parts[1] if parts[0].lower() == "subscriptions" else "",
            "tenantId": TENANT,
            **more,
        }
        with self._lock:
            self._events.setdefault(_place(resource_id), []).append(event)
        return correlation

    def find(self, place: str, wanted: str | None) -> list[Mapping[str, Any]]:
        """What a ``$filter`` asks for at a place (the path before ``/providers/Microsoft.Insights``), the latest first. Raises
        ArmError for one that the service would refuse."""
        terms = _TERM.findall(wanted or "")
        if not any(name.lower() == "eventtimestamp" and op == "ge" for name, op, _ in terms):
            raise ArmError(400, "BadRequest", "The $filter must contain eventTimestamp ge.")
        with self._lock:
            events = list(self._events.get(place.lower(), ()))
        found = [event for event in events if all(_holds(event, *term) for term in terms)]
        return sorted(found, key=lambda event: str(event["eventTimestamp"]), reverse=True)


def _place(resource_id: str) -> str:
    """Where an operation is told: by its subscription, its management group, or the tenant."""
    found = _PLACE.match(resource_id)
    return found[0].lower() if found else ""


def _holds(event: Mapping[str, Any], name: str, operator: str, value: str) -> bool:
    if name.lower() == "eventtimestamp":
        at, bound = (
            datetime.fromisoformat(text[:26] + "+00:00") for text in (event["eventTimestamp"], value)
        )
        return at >= bound if operator == "ge" else at <= bound
    field = _PLACES.get(name.lower())
    if field is None or operator != "eq":
        raise ArmError(400, "BadRequest", f"The $filter cannot ask for {name}.")
    return str(event[field]).lower() == value.lower()
