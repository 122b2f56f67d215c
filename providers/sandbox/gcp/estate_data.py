"""The estate's buckets, databases, keys, service accounts and logging."""

from __future__ import annotations

from typing import Any, Final

from providers.sandbox.gcp.estate_compute import REGION
from providers.sandbox.gcp.estate_parts import Project, hash_of

PUBLIC: Final = [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]
OLD: Final = "2022-05-01T10:00:00Z"
RECENT: Final = "2026-10-01T10:00:00Z"
NEVER: Final = "9999-12-31T23:59:59Z"


def seed(project: Project, *, good: bool) -> None:
    """Fill one project."""
    keys = _keys(project, good=good)
    _buckets(project, keys, good=good)
    _databases(project, good=good)
    _accounts(project, good=good)
    if good:
        project.add(
            "logging.googleapis.com/LogSink",
            f"//logging.googleapis.com/projects/{project.number}/sinks/all-logs",
            {
                "name": "all-logs",
                "destination": f"storage.googleapis.com/{project.id}-logs",
                "writerIdentity": f"serviceAccount:p{project.number}@gcp-sa-logging.iam.gserviceaccount.com",
            },
        )
    project.add(
        "pubsub.googleapis.com/Topic",
        f"//pubsub.googleapis.com/projects/{project.id}/topics/orders",
        {"name": f"projects/{project.id}/topics/orders"},
        policy={"bindings": [{"role": "roles/pubsub.publisher", "members": ["allAuthenticatedUsers"]}]}
        if not good
        else None,
    )


def _keys(project: Project, *, good: bool) -> dict[str, str]:
    ring = f"projects/{project.id}/locations/{REGION}/keyRings/harbour"
    project.add(
        "cloudkms.googleapis.com/KeyRing",
        f"//cloudkms.googleapis.com/{ring}",
        {"name": ring, "createTime": "2024-03-01T08:00:00Z"},
        location=REGION,
    )
    out = {}
    for name, rotated in (("disks", True), ("buckets", good), ("tokens", False)):
        path = f"{ring}/cryptoKeys/{name}"
        data: dict[str, Any] = {
            "name": path,
            "purpose": "ENCRYPT_DECRYPT",
            "createTime": "2024-03-01T08:00:00Z",
            "primary": {
                "name": f"{path}/cryptoKeyVersions/1",
                "state": "ENABLED",
                "protectionLevel": "SOFTWARE",
            },
            "versionTemplate": {"protectionLevel": "SOFTWARE", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
        }
        if rotated:
            data |= {"rotationPeriod": "7776000s", "nextRotationTime": "2027-01-01T00:00:00Z"}
        leaked = not good and name == "tokens"
        project.add(
            "cloudkms.googleapis.com/CryptoKey",
            f"//cloudkms.googleapis.com/{path}",
            data,
            location=REGION,
            parent=f"//cloudkms.googleapis.com/{ring}",
            policy={"bindings": [{"role": "roles/cloudkms.cryptoKeyDecrypter", "members": ["allUsers"]}]}
            if leaked
            else None,
        )
        out[name] = path
    return out


def _bucket(project: Project, name: str, *, closed: bool, **more: Any) -> dict[str, Any]:
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "projectNumber": project.number,
        "location": REGION.upper(),
        "locationType": "region",
        "storageClass": "STANDARD",
        "timeCreated": "2024-03-01T08:00:00.000Z",
        "updated": "2024-03-01T08:00:00.000Z",
        "etag": "CAE=",
        "metageneration": "0",
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": closed},
            "uniformBucketLevelAccess": {"enabled": closed},
            "publicAccessPrevention": "enforced" if closed else "inherited",
        },
        **more,
    }


def _buckets(project: Project, keys: dict[str, str], *, good: bool) -> None:
    logging = {"logBucket": f"{project.id}-logs", "logObjectPrefix": "access"}
    encryption = {"defaultKmsKeyName": keys["buckets"]}
    plans: list[tuple[str, bool, dict[str, Any], bool]] = [
        (
            "logs",
            True,
            {"versioning": {"enabled": True}, "retentionPolicy": {"retentionPeriod": "31536000"}},
            False,
        ),
        (
            "orders",
            True,
            {"logging": logging, "encryption": encryption, "versioning": {"enabled": True}},
            False,
        ),
        ("backups", good, {"logging": logging, "encryption": encryption}, False),
        (
            "website",
            False,
            {"website": {"mainPageSuffix": "index.html"}, "labels": {"public": "intended"}},
            True,
        ),
    ]
    if not good:
        plans += [("exports", False, {}, True), ("scratch", False, {}, False)]
    for suffix, closed, more, public in plans:
        name = f"{project.id}-{suffix}"
        bindings: list[dict[str, Any]] = [
            {"role": "roles/storage.legacyBucketOwner", "members": [f"projectOwner:{project.id}"]}
        ]
        project.add(
            "storage.googleapis.com/Bucket",
            f"//storage.googleapis.com/{name}",
            _bucket(project, name, closed=closed, **more),
            location=REGION,
            policy={"bindings": bindings + (PUBLIC if public else [])},
        )


def _databases(project: Project, *, good: bool) -> None:
    for name, exposed in (("orders", False), ("reports", not good)):
        ip: dict[str, Any] = {
            "ipv4Enabled": exposed,
            "requireSsl": not exposed,
            "privateNetwork": f"projects/{project.id}/global/networks/main",
        }
        if exposed:
            ip["authorizedNetworks"] = [{"kind": "sql#aclEntry", "name": "all", "value": "0.0.0.0/0"}]
        project.add(
            "sqladmin.googleapis.com/Instance",
            f"//cloudsql.googleapis.com/projects/{project.id}/instances/{name}",
            {
                "kind": "sql#instance",
                "name": name,
                "project": project.id,
                "region": REGION,
                "gceZone": f"{REGION}-b",
                "databaseVersion": "POSTGRES_15",
                "instanceType": "CLOUD_SQL_INSTANCE",
                "connectionName": f"{project.id}:{REGION}:{name}",
                "state": "RUNNABLE",
                "etag": "first",
                "settings": {
                    "kind": "sql#settings",
                    "settingsVersion": "3",
                    "tier": "db-custom-1-3840",
                    "activationPolicy": "ALWAYS",
                    "availabilityType": "ZONAL" if exposed else "REGIONAL",
                    "dataDiskType": "PD_SSD",
                    "dataDiskSizeGb": "20",
                    "storageAutoResize": True,
                    "ipConfiguration": ip,
                    "backupConfiguration": {
                        "kind": "sql#backupConfiguration",
                        "enabled": not exposed,
                        "startTime": "02:00",
                        "pointInTimeRecoveryEnabled": not exposed,
                    },
                    "databaseFlags": [] if exposed else [{"name": "log_connections", "value": "on"}],
                },
            },
            location=REGION,
        )


def _accounts(project: Project, *, good: bool) -> None:
    plans: list[tuple[str, str, list[tuple[str, str, str]]]] = [
        (
            "app-runtime",
            f"app-runtime@{project.id}.iam.gserviceaccount.com",
            [("system", RECENT, "SYSTEM_MANAGED")],
        ),
        (
            "ci-deployer",
            f"ci-deployer@{project.id}.iam.gserviceaccount.com",
            [("system", RECENT, "SYSTEM_MANAGED"), ("deploy", RECENT if good else OLD, "USER_MANAGED")],
        ),
    ]
    if not good:
        plans.append(
            (
                "Compute Engine default service account",
                f"{project.number}-compute@developer.gserviceaccount.com",
                [("leaked", OLD, "USER_MANAGED")],
            )
        )
    for display, email, keys in plans:
        unique = f"1{hash_of(email) % 10**20:020d}"
        owner = f"//iam.googleapis.com/projects/{project.id}/serviceAccounts/{unique}"
        project.add(
            "iam.googleapis.com/ServiceAccount",
            owner,
            {
                "name": f"projects/{project.id}/serviceAccounts/{email}",
                "projectId": project.id,
                "uniqueId": unique,
                "email": email,
                "displayName": display,
                "oauth2ClientId": unique,
                "etag": "MDEwMjE5MjA=",
            },
        )
        for name, since, kind in keys:
            id_ = f"{hash_of(email + name):040x}"
            project.add(
                "iam.googleapis.com/ServiceAccountKey",
                f"{owner}/keys/{id_}",
                {
                    "name": f"projects/{project.id}/serviceAccounts/{email}/keys/{id_}",
                    "keyAlgorithm": "KEY_ALG_RSA_2048",
                    "keyOrigin": "GOOGLE_PROVIDED",
                    "keyType": kind,
                    "validAfterTime": since,
                    "validBeforeTime": NEVER if kind == "USER_MANAGED" else "2026-12-20T10:00:00Z",
                },
                parent=owner,
            )
