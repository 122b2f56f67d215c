"""Where data is kept: BigQuery, Spanner, Redis, Filestore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp.terraform.parts import (
    account_of,
    at,
    between,
    block,
    flag,
    labels,
    last_of,
    value,
    whole,
)
from providers.terraform import ABSENT_BLOCK, Attribute, TerraformType


def _access(entry: Mapping[str, Any]) -> dict[str, Any]:
    view = entry.get("view")
    return {
        "role": entry.get("role", ""),
        "user_by_email": entry.get("userByEmail", ""),
        "group_by_email": entry.get("groupByEmail", ""),
        "domain": entry.get("domain", ""),
        "special_group": entry.get("specialGroup", ""),
        "iam_member": entry.get("iamMember", ""),
        "view": [
            {
                "project_id": view.get("projectId"),
                "dataset_id": view.get("datasetId"),
                "table_id": view.get("tableId"),
            }
        ]
        if view
        else ABSENT_BLOCK,
    }


_DATASET: Final[Mapping[str, Attribute]] = {
    "dataset_id": value("datasetReference", "datasetId"),
    "project": account_of,
    "location": value("location"),
    "friendly_name": value("friendlyName", default=""),
    "description": value("description", default=""),
    "labels": labels("labels"),
    "default_table_expiration_ms": whole("defaultTableExpirationMs"),
    "default_partition_expiration_ms": whole("defaultPartitionExpirationMs"),
    "default_encryption_configuration": block(
        ("defaultEncryptionConfiguration",), kms_key_name=("kmsKeyName",)
    ),
    "access": lambda d: [_access(entry) for entry in at(d, "access") or []],
    "self_link": value("selfLink"),
}

_TABLE: Final[Mapping[str, Attribute]] = {
    "table_id": value("tableReference", "tableId"),
    "dataset_id": value("tableReference", "datasetId"),
    "project": account_of,
    "location": value("location"),
    "friendly_name": value("friendlyName", default=""),
    "description": value("description", default=""),
    "type": value("type"),
    "labels": labels("labels"),
    "expiration_time": whole("expirationTime"),
    "encryption_configuration": block(("encryptionConfiguration",), kms_key_name=("kmsKeyName",)),
    "self_link": value("selfLink"),
}

_REDIS: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "project": account_of,
    "region": between("locations"),
    "display_name": value("displayName", default=""),
    "auth_enabled": flag("authEnabled"),
    "authorized_network": value("authorizedNetwork"),
    "connect_mode": value("connectMode"),
    "customer_managed_key": value("customerManagedKey"),
    "labels": labels("labels"),
    "memory_size_gb": value("memorySizeGb"),
    "redis_version": value("redisVersion"),
    "tier": value("tier"),
    "transit_encryption_mode": value("transitEncryptionMode", default="DISABLED"),
    "redis_configs": labels("redisConfigs"),
}

_FILESTORE: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "project": account_of,
    "location": between("locations"),
    "description": value("description", default=""),
    "kms_key_name": value("kmsKeyName"),
    "labels": labels("labels"),
    "protocol": value("protocol"),
    "tier": value("tier"),
    "deletion_protection_enabled": flag("deletionProtectionEnabled"),
    "file_shares": lambda d: [
        {
            "name": share.get("name"),
            "capacity_gb": int(share["capacityGb"]) if share.get("capacityGb") else None,
            "nfs_export_options": [
                {
                    "access_mode": option.get("accessMode"),
                    "ip_ranges": list(option.get("ipRanges") or []),
                    "squash_mode": option.get("squashMode"),
                }
                for option in share.get("nfsExportOptions") or []
            ],
        }
        for share in at(d, "fileShares") or []
    ],
    "networks": lambda d: [
        {
            "network": network.get("network"),
            "modes": list(network.get("modes") or []),
            "connect_mode": network.get("connectMode"),
            "reserved_ip_range": network.get("reservedIpRange"),
            "ip_addresses": list(network.get("ipAddresses") or []),
        }
        for network in at(d, "networks") or []
    ],
}

_SPANNER: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "project": account_of,
    "config": value("config"),
    "display_name": value("displayName"),
    "edition": value("edition"),
    "labels": labels("labels"),
    "num_nodes": value("nodeCount"),
    "processing_units": value("processingUnits"),
    "state": value("state"),
}


STORES: Final[Mapping[str, TerraformType]] = {
    "bigquery.googleapis.com/Dataset": TerraformType("google_bigquery_dataset", _DATASET),
    "bigquery.googleapis.com/Table": TerraformType("google_bigquery_table", _TABLE),
    "file.googleapis.com/Instance": TerraformType("google_filestore_instance", _FILESTORE),
    "redis.googleapis.com/Instance": TerraformType("google_redis_instance", _REDIS),
    "spanner.googleapis.com/Instance": TerraformType("google_spanner_instance", _SPANNER),
}
