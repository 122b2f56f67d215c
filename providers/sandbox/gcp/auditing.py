"""What a change is called in the audit log: each service's own words for its methods and resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.sandbox.gcp.logging import AuditLog
from providers.sandbox.gcp.store import AssetStore

_METHODS: Final[Mapping[str, Mapping[str, str]]] = {
    "storage.googleapis.com": {
        "PATCH": "storage.buckets.update",
        "setIamPolicy": "storage.setIamPermissions",
    },
    "iam.googleapis.com": {
        "PATCH": "google.iam.admin.v1.PatchServiceAccount",
        "disable": "google.iam.admin.v1.DisableServiceAccount",
        "enable": "google.iam.admin.v1.EnableServiceAccount",
        "setIamPolicy": "google.iam.admin.v1.SetIAMPolicy",
    },
    "cloudkms.googleapis.com": {"PATCH": "UpdateCryptoKey", "setIamPolicy": "SetIamPolicy"},
    "cloudsql.googleapis.com": {"PATCH": "cloudsql.instances.update"},
    "cloudresourcemanager.googleapis.com": {"PATCH": "UpdateProject", "setIamPolicy": "SetIamPolicy"},
}
_LABELS: Final = {
    "projects": "project_id",
    "folders": "folder_id",
    "organizations": "organization_id",
}
_KEY_RING: Final = re.compile(r"locations/([^/]+)/keyRings/([^/]+)/cryptoKeys/([^/]+)$")


def tell(log: AuditLog, store: AssetStore, full: str, verb: str, caller: str, **more: Any) -> None:
    """Write the change of the asset ``full`` by ``caller`` into the log; ``verb`` is the HTTP method, or the custom method."""
    asset = store.find(full)
    owner = asset.ancestors[0] if asset else ""
    ids = {f"projects/{number}": f"projects/{id_}" for id_, number in store.projects().items()}
    owner = ids.get(owner, owner)
    data = (asset.versions[-1].data if asset else None) or {}
    payload, resource = _entry(full, verb, data, owner)
    call = {**payload, "authenticationInfo": {"principalEmail": caller}}
    log.record(owner, store.clock(), call, resource=resource, **more)


def _entry(
    full: str, verb: str, data: Mapping[str, Any], owner: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The payload, without who called, and the monitored resource."""
    service, _, path = full.removeprefix("//").partition("/")
    held, _, project = owner.partition("/")
    labels = {_LABELS[held]: project}
    kind = "audited_resource"
    named = path
    if service == "compute.googleapis.com":
        collection = path.split("/")[-2]
        word = {"POST": "insert", "PATCH": "patch", "DELETE": "delete"}.get(verb, verb)
        return _payload(service, f"v1.compute.{collection}.{word}", path), {"type": kind, "labels": labels}
    method = _METHODS[service][verb]
    if service == "storage.googleapis.com":
        kind, named = "gcs_bucket", f"projects/_/buckets/{path}"
        labels |= {"bucket_name": path, "location": str(data.get("location", "")).lower()}
    elif service == "iam.googleapis.com":
        kind = "service_account"
        account, _, key = path.partition("/serviceAccounts/")[2].partition("/keys/")
        labels |= {"unique_id": account}
        named = f"projects/-/serviceAccounts/{account}" + (f"/keys/{key}" if key else "")
        method += "Key" if key else ""
    elif service == "cloudkms.googleapis.com" and (ring := _KEY_RING.search(path)) is not None:
        kind = "cloudkms_cryptokey"
        labels |= {"location": ring[1], "key_ring_id": ring[2], "crypto_key_id": ring[3]}
    elif service == "cloudsql.googleapis.com":
        kind = "cloudsql_database"
        labels |= {
            "database_id": f"{project}:{path.rpartition('/')[2]}",
            "region": str(data.get("region", "")),
        }
    elif service == "cloudresourcemanager.googleapis.com":
        kind, named = held.removesuffix("s"), owner
    return _payload(service, method, named), {"type": kind, "labels": labels}


def _payload(service: str, method: str, named: str) -> dict[str, Any]:
    return {"serviceName": service, "methodName": method, "resourceName": named}
