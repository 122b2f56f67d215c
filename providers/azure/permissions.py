"""The least role, as an Azure custom role definition (``az role definition create --role-definition @role.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.settings import AzureSettings
from providers.azure.actions import CHANGES

ALWAYS = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/providers/read",
    "Microsoft.ResourceGraph/resources/read",
    "Microsoft.Resources/changes/read",
    "Microsoft.Authorization/permissions/read",
)
"""What reading needs apart from the resources themselves."""


def role(settings: AzureSettings, *, contain: bool) -> Mapping[str, Any]:
    """A custom role for reading what is configured, and for acting on it with ``contain``."""
    actions = set(ALWAYS)
    if not settings.types or "*" in settings.types:
        actions = {"*/read"}
    for pattern in settings.types:
        stem = pattern.rstrip("*").rstrip("/")
        if stem:
            actions.add(f"{stem}/*/read" if pattern.endswith("*") else f"{stem}/read")
    if contain:
        for change in CHANGES.values():
            actions.update(change.declared.permissions)
    if "*/read" in actions:
        actions = {a for a in actions if not a.endswith("/read")} | {"*/read"}
    return {
        "Name": "Watchstander Containment" if contain else "Watchstander Reader",
        "IsCustom": True,
        "Description": "Reads what Watchstander inventories"
        + (", and contains what it may." if contain else "."),
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{s}" for s in settings.subscriptions]
        or ["/providers/Microsoft.Management/managementGroups/<your root management group>"],
    }
