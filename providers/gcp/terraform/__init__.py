"""Google Cloud resources with the attribute names of Terraform's ``google`` provider.

Attributes come from ``document.resource.data``; a view of an IAM policy from ``document.iamPolicy``. A reading of either
that failed makes exactly the attributes drawn from it unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from providers.gcp import names
from providers.gcp.terraform.compute import COMPUTE
from providers.gcp.terraform.containers import CONTAINERS
from providers.gcp.terraform.edge import EDGE
from providers.gcp.terraform.operations import OPERATIONS
from providers.gcp.terraform.parts import account_of, at, block, data, flag, labels, strings
from providers.gcp.terraform.stores import STORES
from providers.normalise import encode
from providers.resource import Resource
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType, TerraformView, view


def _lifecycle(doc: Document) -> Any:
    rules = at(doc, "lifecycle", "rule")
    if not rules:
        return ABSENT_BLOCK
    names_of = {
        "age": "age",
        "createdBefore": "created_before",
        "isLive": "with_state",
        "matchesStorageClass": "matches_storage_class",
        "numNewerVersions": "num_newer_versions",
        "daysSinceNoncurrentTime": "days_since_noncurrent_time",
    }
    return [
        {
            "action": [
                {
                    "type": rule.get("action", {}).get("type"),
                    "storage_class": rule.get("action", {}).get("storageClass"),
                }
            ],
            "condition": [
                {
                    names_of[key]: ("LIVE" if value else "ARCHIVED") if key == "isLive" else value
                    for key, value in rule.get("condition", {}).items()
                    if key in names_of
                }
            ],
        }
        for rule in rules
    ]


def _retention(doc: Document) -> Any:
    policy = at(doc, "retentionPolicy")
    if not policy:
        return ABSENT_BLOCK
    return [
        {
            "retention_period": int(policy.get("retentionPeriod", 0)),
            "is_locked": bool(policy.get("isLocked", False)),
        }
    ]


def _bucket_prevention(doc: Document) -> Any:
    # "unspecified" is the older word for what is now called "inherited".
    said = at(doc, "iamConfiguration", "publicAccessPrevention")
    return "inherited" if said in (None, "unspecified") else said


_BUCKET: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": account_of,
    "location": lambda d: str(data(d).get("location", "")).upper(),
    "storage_class": lambda d: data(d).get("storageClass"),
    "labels": labels("labels"),
    "self_link": lambda d: data(d).get("selfLink"),
    "uniform_bucket_level_access": flag("iamConfiguration", "uniformBucketLevelAccess", "enabled"),
    "public_access_prevention": _bucket_prevention,
    "requester_pays": flag("billing", "requesterPays"),
    "default_event_based_hold": flag("defaultEventBasedHold"),
    "versioning": lambda d: [{"enabled": bool(at(d, "versioning", "enabled"))}],
    "logging": block(("logging",), log_bucket=("logBucket",), log_object_prefix=("logObjectPrefix",)),
    "encryption": block(("encryption",), default_kms_key_name=("defaultKmsKeyName",)),
    "retention_policy": _retention,
    "lifecycle_rule": _lifecycle,
    "website": block(("website",), main_page_suffix=("mainPageSuffix",), not_found_page=("notFoundPage",)),
    "cors": lambda d: (
        [
            {
                "origin": strings(rule, "origin"),
                "method": strings(rule, "method"),
                "response_header": strings(rule, "responseHeader"),
                "max_age_seconds": rule.get("maxAgeSeconds"),
            }
            for rule in at(d, "cors") or []
        ]
        or ABSENT_BLOCK
    ),
    "soft_delete_policy": lambda d: (
        [{"retention_duration_seconds": int(found.get("retentionDurationSeconds", 0))}]
        if (found := at(d, "softDeletePolicy"))
        else ABSENT_BLOCK
    ),
}


def _sql_ip(doc: Document) -> list[Any]:
    config = at(doc, "settings", "ipConfiguration") or {}
    return [
        {
            "ipv4_enabled": bool(config.get("ipv4Enabled", False)),
            "private_network": config.get("privateNetwork"),
            "require_ssl": bool(config.get("requireSsl", False)),
            "ssl_mode": config.get("sslMode"),
            "allocated_ip_range": config.get("allocatedIpRange"),
            "authorized_networks": [
                {"name": n.get("name"), "value": n.get("value"), "expiration_time": n.get("expirationTime")}
                for n in config.get("authorizedNetworks", [])
            ],
        }
    ]


def _sql_settings(doc: Document) -> list[Any]:
    settings = at(doc, "settings") or {}
    backup = settings.get("backupConfiguration") or {}
    return [
        {
            "tier": settings.get("tier"),
            "edition": settings.get("edition"),
            "activation_policy": settings.get("activationPolicy"),
            "availability_type": settings.get("availabilityType"),
            "disk_type": settings.get("dataDiskType"),
            "disk_size": int(settings["dataDiskSizeGb"]) if settings.get("dataDiskSizeGb") else None,
            "disk_autoresize": settings.get("storageAutoResize"),
            "deletion_protection_enabled": bool(settings.get("deletionProtectionEnabled", False)),
            "user_labels": dict(settings.get("userLabels") or {}),
            "database_flags": [
                {"name": f.get("name"), "value": f.get("value")} for f in settings.get("databaseFlags", [])
            ],
            "ip_configuration": _sql_ip(doc),
            "backup_configuration": [
                {
                    "enabled": bool(backup.get("enabled", False)),
                    "binary_log_enabled": bool(backup.get("binaryLogEnabled", False)),
                    "point_in_time_recovery_enabled": bool(backup.get("pointInTimeRecoveryEnabled", False)),
                    "start_time": backup.get("startTime"),
                    "location": backup.get("location"),
                }
            ],
        }
    ]


_SQL: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": lambda d: data(d).get("project"),
    "region": lambda d: data(d).get("region"),
    "database_version": lambda d: data(d).get("databaseVersion"),
    "instance_type": lambda d: data(d).get("instanceType"),
    "connection_name": lambda d: data(d).get("connectionName"),
    "encryption_key_name": lambda d: at(d, "diskEncryptionConfiguration", "kmsKeyName"),
    "master_instance_name": lambda d: data(d).get("masterInstanceName"),
    "ip_address": lambda d: [
        {"ip_address": a.get("ipAddress"), "type": a.get("type")} for a in data(d).get("ipAddresses", [])
    ],
    "settings": _sql_settings,
}

_KEY: Final[Mapping[str, Attribute]] = {
    "name": lambda d: names.last(str(d["name"])),
    "id": lambda d: data(d).get("name"),
    "key_ring": lambda d: str(data(d).get("name", "")).partition("/cryptoKeys/")[0],
    "purpose": lambda d: data(d).get("purpose"),
    "rotation_period": lambda d: data(d).get("rotationPeriod"),
    "labels": labels("labels"),
    "import_only": flag("importOnly"),
    "destroy_scheduled_duration": lambda d: data(d).get("destroyScheduledDuration"),
    "version_template": block(
        ("versionTemplate",), algorithm=("algorithm",), protection_level=("protectionLevel",)
    ),
    "primary": block(("primary",), name=("name",), state=("state",)),
}

_ACCOUNT: Final[Mapping[str, Attribute]] = {
    "account_id": lambda d: str(data(d).get("email", "")).partition("@")[0],
    "email": lambda d: data(d).get("email"),
    "name": lambda d: data(d).get("name"),
    "project": lambda d: data(d).get("projectId"),
    "unique_id": lambda d: data(d).get("uniqueId"),
    "display_name": lambda d: data(d).get("displayName", ""),
    "description": lambda d: data(d).get("description", ""),
    "disabled": flag("disabled"),
    "member": lambda d: f"serviceAccount:{data(d).get('email')}",
}

_ACCOUNT_KEY: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "service_account_id": lambda d: str(data(d).get("name", "")).partition("/keys/")[0],
    "key_algorithm": lambda d: data(d).get("keyAlgorithm"),
    "valid_after": lambda d: data(d).get("validAfterTime"),
    "valid_before": lambda d: data(d).get("validBeforeTime"),
}


def _policy(doc: Document) -> dict[str, Any]:
    """A project's policy in Terraform's blocks."""
    found = doc.get("iamPolicy") or {}
    return {
        "bindings": [
            {
                "role": b.get("role"),
                "members": list(b.get("members", [])),
                **({"condition": b["condition"]} if b.get("condition") else {}),
            }
            for b in found.get("bindings", [])
        ],
        "audit_configs": [
            {
                "service": c.get("service"),
                "audit_log_configs": [
                    {
                        "log_type": entry.get("logType"),
                        "exempted_members": list(entry.get("exemptedMembers", [])),
                    }
                    for entry in c.get("auditLogConfigs", [])
                ],
            }
            for c in found.get("auditConfigs", [])
        ],
    }


_PROJECT_POLICY: Final[Mapping[str, Attribute]] = {
    "project": lambda d: data(d).get("projectId"),
    # JSON text, as Terraform has it; the blocks below are what a policy reads with less trouble.
    "policy_data": lambda d: encode(dict(d.get("iamPolicy") or {})).decode(),
    "binding": lambda d: _policy(d)["bindings"] or ABSENT_BLOCK,
    "audit_config": lambda d: (
        [
            {"service": c["service"], "audit_log_config": c["audit_log_configs"]}
            for c in _policy(d)["audit_configs"]
        ]
        or ABSENT_BLOCK
    ),
}

VIEWS: Final[Mapping[str, TerraformType]] = MappingProxyType(
    {
        "storage.googleapis.com/Bucket": TerraformType("google_storage_bucket", _BUCKET),
        "sqladmin.googleapis.com/Instance": TerraformType("google_sql_database_instance", _SQL),
        "cloudkms.googleapis.com/CryptoKey": TerraformType("google_kms_crypto_key", _KEY),
        "iam.googleapis.com/ServiceAccount": TerraformType("google_service_account", _ACCOUNT),
        "iam.googleapis.com/ServiceAccountKey": TerraformType("google_service_account_key", _ACCOUNT_KEY),
        "cloudresourcemanager.googleapis.com/Project": TerraformType(
            "google_project_iam_policy", _PROJECT_POLICY
        ),
        **COMPUTE,
        **EDGE,
        **CONTAINERS,
        **OPERATIONS,
        **STORES,
    }
)
"""Asset type -> its view."""


def terraform(resource: Resource) -> TerraformView | None:
    """The resource in Terraform's words, or None where we have no view of its type."""
    declared = VIEWS.get(resource.ref.type)
    if declared is None:
        return None
    with_account = {**resource.document, "account": resource.ref.account}
    return view(declared, with_account, resource.unread)


def terraform_types() -> Mapping[str, frozenset[str]]:
    """Terraform type -> asset types."""
    return {declared.name: frozenset({type_}) for type_, declared in VIEWS.items()}


def declared() -> Iterable[TerraformType]:
    """Every view."""
    return VIEWS.values()
