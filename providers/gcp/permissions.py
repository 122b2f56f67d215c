"""The least role the configuration needs, as a custom role's JSON (``gcloud iam roles create --file``)."""

from __future__ import annotations

from typing import Any

from providers.gcp.actions import KINDS
from providers.gcp.catalog import TYPES

LISTING = ("cloudasset.assets.listIamPolicy", "cloudasset.assets.listResource", "serviceusage.services.use")
"""To list everything and to use the API's quota; history asks the same two listing permissions."""


def role(*, contain: bool, events: bool = False) -> dict[str, Any]:
    """The role to read (with ``events``, to take messages too), or to contain (which includes what an action reads)."""
    if contain:
        wanted = {p for kind in KINDS.values() for p in kind.declared.permissions}
        title, what = "Watchstander contain", "the changes Watchstander can make"
    else:
        wanted = {*LISTING, *(("pubsub.subscriptions.consume",) if events else ())}
        for declared in TYPES.values():
            wanted.add(declared.permission)
            if declared.iam is not None:
                wanted.add(declared.iam.permission)
        title, what = "Watchstander read", "what Watchstander reads"
    return {
        "title": title,
        "description": f"Exactly {what}.",
        "stage": "GA",
        "includedPermissions": sorted(wanted),
    }
