"""What the emulated Google Cloud starts with: an organisation, a folder and two projects, good and bad side by side.

``harbour-prod`` is mostly in order, ``harbour-dev`` mostly not; each bad resource has a good twin, so that every policy
of the preparation pack both passes and fails somewhere. Everything was created ten days ago, so that there is a past.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from providers.sandbox.gcp import estate_compute, estate_data, estate_governance
from providers.sandbox.gcp.estate_parts import Project
from providers.sandbox.gcp.store import Asset, AssetStore

ORGANIZATION: Final = "organizations/500500500500"
FOLDER: Final = "folders/600600600600"
PROD: Final = "harbour-prod"
DEV: Final = "harbour-dev"
PROJECTS: Final = (PROD, DEV)
_NUMBERS: Final = {PROD: "700100100100", DEV: "700200200200"}
_AUDITED: Final = {
    "auditConfigs": [
        {
            "service": "allServices",
            "auditLogConfigs": [
                {"logType": "ADMIN_READ"},
                {"logType": "DATA_READ"},
                {"logType": "DATA_WRITE"},
            ],
        }
    ]
}


def seed(store: AssetStore) -> None:
    """Fill an empty store."""
    created = store.clock() - timedelta(days=10)
    _containers(store)
    for id_ in PROJECTS:
        project = Project(
            store=store, id=id_, number=_NUMBERS[id_], ancestors=(FOLDER, ORGANIZATION), created=created
        )
        project.add(
            "cloudresourcemanager.googleapis.com/Project",
            f"//cloudresourcemanager.googleapis.com/projects/{project.number}",
            {
                "projectId": id_,
                "projectNumber": project.number,
                "name": id_.replace("-", " ").title(),
                "lifecycleState": "ACTIVE",
                "createTime": "2024-02-01T09:00:00.000Z",
                "labels": {"env": id_.rpartition("-")[2]},
                "parent": {"type": "folder", "id": FOLDER.partition("/")[2]},
            },
            policy=_project_policy(id_, project.number),
            parent=f"//cloudresourcemanager.googleapis.com/{FOLDER}",
        )
        estate_compute.seed(project, good=id_ == PROD)
        estate_data.seed(project, good=id_ == PROD)
    estate_governance.seed(store, ORGANIZATION, dict(_NUMBERS), created)


def _containers(store: AssetStore) -> None:
    created = store.clock() - timedelta(days=10)
    for name, type_, ancestors, display in (
        (ORGANIZATION, "Organization", (ORGANIZATION,), "harbour.example"),
        (FOLDER, "Folder", (FOLDER, ORGANIZATION), "Harbour"),
    ):
        asset = Asset(
            name=f"//cloudresourcemanager.googleapis.com/{name}",
            type=f"cloudresourcemanager.googleapis.com/{type_}",
            location="global",
            parent=f"//cloudresourcemanager.googleapis.com/{ancestors[-1]}" if type_ == "Folder" else "",
            ancestors=ancestors,
        )
        data: dict[str, Any] = {"name": name, "displayName": display, "lifecycleState": "ACTIVE"}
        if type_ == "Folder":
            data["parent"] = ORGANIZATION
        policy = {
            "bindings": [
                {
                    "role": "roles/resourcemanager.organizationAdmin",
                    "members": ["group:admins@harbour.example"],
                }
            ]
        }
        store.add(asset, data, policy if type_ == "Organization" else None, at=created)


def _project_policy(id_: str, number: str) -> dict[str, Any]:
    bindings = [
        {"role": "roles/owner", "members": ["group:admins@harbour.example"]},
        {"role": "roles/viewer", "members": ["group:auditors@harbour.example"]},
    ]
    if id_ == PROD:
        return {"bindings": bindings, **_AUDITED}
    bindings += [
        {
            "role": "roles/editor",
            "members": [f"serviceAccount:{number}-compute@developer.gserviceaccount.com"],
        },
        {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:sam@gmail.com"]},
    ]
    return {"bindings": bindings}
