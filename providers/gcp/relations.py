"""Which Google Cloud resources belong together."""

from __future__ import annotations

from typing import Final

from providers.relation import Relation

ACCOUNT: Final = "cloudresourcemanager.googleapis.com/Project"
"""The resource a project itself is."""

_INSTANCE: Final = "compute.googleapis.com/Instance"
_NETWORK: Final = "compute.googleapis.com/Network"
_SERVICE_ACCOUNT: Final = "iam.googleapis.com/ServiceAccount"
_DATA: Final = "document.resource.data"

RELATIONS: Final = (
    Relation(_INSTANCE, f"{_DATA}.serviceAccounts[].email", _SERVICE_ACCOUNT, f"{_DATA}.email"),
    Relation("iam.googleapis.com/ServiceAccountKey", "uid", _SERVICE_ACCOUNT, cut="/keys/"),
    Relation(_INSTANCE, f"{_DATA}.networkInterfaces[].network", _NETWORK, f"{_DATA}.selfLink"),
    Relation("compute.googleapis.com/Firewall", f"{_DATA}.network", _NETWORK, f"{_DATA}.selfLink"),
    Relation("compute.googleapis.com/Subnetwork", f"{_DATA}.network", _NETWORK, f"{_DATA}.selfLink"),
    Relation(
        _INSTANCE,
        f"{_DATA}.networkInterfaces[].subnetwork",
        "compute.googleapis.com/Subnetwork",
        f"{_DATA}.selfLink",
    ),
)
