"""What governs the estate from above: organisation policies, access policies, and what OS Config knows of the instances.

The organisation restricts who may be a member and draws a perimeter; ``harbour-prod`` enforces what it should, ``harbour-dev``
has switched one constraint off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from providers.sandbox.gcp.store import Asset, AssetStore

POLICY: Final = "accessPolicies/800800800800"
_MANAGER: Final = "accesscontextmanager.googleapis.com"
_RESOURCES: Final = "//cloudresourcemanager.googleapis.com"
_STAMP: Final = {"etag": "BwYx", "updateTime": "2024-05-01T08:00:00Z"}


def seed(store: AssetStore, organization: str, numbers: Mapping[str, str], created: datetime) -> None:
    """Put it all in. ``numbers``: project id -> number."""
    store.set_part(
        f"{_RESOURCES}/{organization}",
        "orgPolicy",
        [
            {
                "constraint": "constraints/iam.allowedPolicyMemberDomains",
                "listPolicy": {"allowedValues": ["C01abcdef"]},
                **_STAMP,
            },
            {
                "constraint": "constraints/compute.skipDefaultNetworkCreation",
                "booleanPolicy": {"enforced": True},
                **_STAMP,
            },
        ],
        at=created,
    )
    for id_, number in numbers.items():
        good = id_.endswith("prod")
        store.set_part(
            f"{_RESOURCES}/projects/{number}",
            "orgPolicy",
            [
                {
                    "constraint": f"constraints/{name}",
                    "booleanPolicy": {"enforced": True} if good else {},
                    **_STAMP,
                }
                for name in (
                    "iam.disableServiceAccountKeyCreation",
                    "storage.uniformBucketLevelAccess",
                    "compute.requireOsLogin",
                )
            ],
            at=created,
        )
        for name, _ in store.living(f"//compute.googleapis.com/projects/{id_}/zones/"):
            if "/instances/" in name:
                store.set_part(name, "osInventory", _inventory(good=good), at=created)
    _access(store, organization, numbers, created)


def _access(store: AssetStore, organization: str, numbers: Mapping[str, str], created: datetime) -> None:
    restricted = ["storage.googleapis.com", "bigquery.googleapis.com"]
    inside = [f"projects/{number}" for id_, number in numbers.items() if id_.endswith("prod")]
    level = f"{POLICY}/accessLevels/staff"
    bodies: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("AccessPolicy", "accessPolicy", POLICY, {"parent": organization, "title": "harbour"}),
        (
            "AccessLevel",
            "accessLevel",
            level,
            {"title": "staff", "basic": {"conditions": [{"ipSubnetworks": ["192.0.2.0/24"]}]}},
        ),
        (
            "ServicePerimeter",
            "servicePerimeter",
            f"{POLICY}/servicePerimeters/orders",
            {
                "title": "orders",
                "status": {"resources": inside, "restrictedServices": restricted, "accessLevels": [level]},
            },
        ),
    )
    for kind, key, name, body in bodies:
        full = f"//{_MANAGER}/{name}"
        asset = Asset(
            name=full,
            type=f"{_MANAGER}/{kind}",
            location="global",
            parent=f"{_RESOURCES}/{organization}",
            ancestors=(organization,),
        )
        store.add(asset, {"name": name, **body}, at=created)
        store.set_part(full, key, {"name": name, **body}, at=created)


def _inventory(*, good: bool) -> dict[str, Any]:
    version = "6.1.140" if good else "4.19.0"
    return {
        "osInfo": {"shortName": "debian", "version": "12" if good else "10", "kernelRelease": version},
        "items": {
            "openssl": {
                "id": "openssl",
                "originType": "INVENTORY_REPORT",
                "type": "INSTALLED_PACKAGE",
                "updateTime": "2024-05-01T08:00:00Z",
                "installedPackage": {
                    "aptPackage": {"packageName": "openssl", "version": "3.0.15" if good else "1.1.1d"}
                },
            }
        },
        "updateTime": "2024-05-01T08:00:00Z",
    }
