"""The Terraform views of Compute Engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp import names
from providers.gcp.terraform.parts import account_of, at, block, data, flag, labels, strings
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType


def _rules(key: str) -> Attribute:
    def have(doc: Document) -> Any:
        found = data(doc).get(key)
        if not found:
            return ABSENT_BLOCK
        return [
            {"protocol": str(rule.get("IPProtocol", "")).lower(), "ports": strings(rule, "ports")}
            for rule in found
        ]

    return have


_FIREWALL: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": account_of,
    "description": lambda d: data(d).get("description", ""),
    "network": lambda d: data(d).get("network"),
    "direction": lambda d: data(d).get("direction", "INGRESS"),
    "disabled": flag("disabled"),
    "priority": lambda d: data(d).get("priority", 1000),
    "source_ranges": lambda d: strings(data(d), "sourceRanges"),
    "source_tags": lambda d: strings(data(d), "sourceTags"),
    "source_service_accounts": lambda d: strings(data(d), "sourceServiceAccounts"),
    "destination_ranges": lambda d: strings(data(d), "destinationRanges"),
    "target_tags": lambda d: strings(data(d), "targetTags"),
    "target_service_accounts": lambda d: strings(data(d), "targetServiceAccounts"),
    "allow": _rules("allowed"),
    "deny": _rules("denied"),
    "log_config": lambda d: (
        [{"metadata": at(d, "logConfig", "metadata") or "INCLUDE_ALL_METADATA"}]
        if at(d, "logConfig", "enable")
        else ABSENT_BLOCK
    ),
    "self_link": lambda d: data(d).get("selfLink"),
}


def _metadata(doc: Document) -> dict[str, Any]:
    return {item.get("key"): item.get("value") for item in at(doc, "metadata", "items") or []}


def _interfaces(doc: Document) -> Any:
    found = sorted(data(doc).get("networkInterfaces", []), key=lambda nic: str(nic.get("name", "")))
    return [
        {
            "name": nic.get("name"),
            "network": nic.get("network"),
            "subnetwork": nic.get("subnetwork"),
            "network_ip": nic.get("networkIP"),
            "nic_type": nic.get("nicType"),
            "stack_type": nic.get("stackType"),
            "access_config": [
                {
                    "nat_ip": config.get("natIP"),
                    "network_tier": config.get("networkTier"),
                    "public_ptr_domain_name": config.get("publicPtrDomainName"),
                }
                for config in nic.get("accessConfigs", [])
            ],
            "ipv6_access_config": [
                {"external_ipv6": config.get("externalIpv6"), "network_tier": config.get("networkTier")}
                for config in nic.get("ipv6AccessConfigs", [])
            ],
            "alias_ip_range": [
                {
                    "ip_cidr_range": alias.get("ipCidrRange"),
                    "subnetwork_range_name": alias.get("subnetworkRangeName"),
                }
                for alias in nic.get("aliasIpRanges", [])
            ],
        }
        for nic in found
    ] or ABSENT_BLOCK


def _disk(disk: Mapping[str, Any]) -> dict[str, Any]:
    key = disk.get("diskEncryptionKey") or {}
    return {
        "source": disk.get("source"),
        "device_name": disk.get("deviceName"),
        "mode": disk.get("mode"),
        "kms_key_self_link": key.get("kmsKeyName"),
        "disk_encryption_key_sha256": key.get("sha256"),
    }


def _boot_disk(doc: Document) -> Any:
    return [
        {**_disk(disk), "auto_delete": bool(disk.get("autoDelete", False))}
        for disk in data(doc).get("disks", [])
        if disk.get("boot")
    ] or ABSENT_BLOCK


def _attached(doc: Document) -> Any:
    return [_disk(disk) for disk in data(doc).get("disks", []) if not disk.get("boot")] or ABSENT_BLOCK


def _service_account(doc: Document) -> Any:
    return [
        {"email": account.get("email"), "scopes": strings(account, "scopes")}
        for account in data(doc).get("serviceAccounts", [])
    ] or ABSENT_BLOCK


_INSTANCE: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": account_of,
    "zone": lambda d: names.last(str(data(d).get("zone", ""))),
    "machine_type": lambda d: names.last(str(data(d).get("machineType", ""))),
    "description": lambda d: data(d).get("description", ""),
    "labels": labels("labels"),
    "tags": lambda d: strings(at(d, "tags") or {}, "items"),
    "metadata": _metadata,
    "can_ip_forward": flag("canIpForward"),
    "deletion_protection": flag("deletionProtection"),
    "current_status": lambda d: data(d).get("status"),
    "min_cpu_platform": lambda d: data(d).get("minCpuPlatform"),
    "hostname": lambda d: data(d).get("hostname"),
    "network_interface": _interfaces,
    "boot_disk": _boot_disk,
    "attached_disk": _attached,
    "service_account": _service_account,
    "shielded_instance_config": block(
        ("shieldedInstanceConfig",),
        enable_secure_boot=("enableSecureBoot",),
        enable_vtpm=("enableVtpm",),
        enable_integrity_monitoring=("enableIntegrityMonitoring",),
    ),
    "confidential_instance_config": block(
        ("confidentialInstanceConfig",), enable_confidential_compute=("enableConfidentialCompute",)
    ),
    "scheduling": block(
        ("scheduling",),
        preemptible=("preemptible",),
        automatic_restart=("automaticRestart",),
        on_host_maintenance=("onHostMaintenance",),
    ),
    "self_link": lambda d: data(d).get("selfLink"),
}

_NETWORK: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": account_of,
    "description": lambda d: data(d).get("description", ""),
    "auto_create_subnetworks": flag("autoCreateSubnetworks"),
    "routing_mode": lambda d: at(d, "routingConfig", "routingMode"),
    "mtu": lambda d: data(d).get("mtu", 0),
    "self_link": lambda d: data(d).get("selfLink"),
}


def _flow_logs(doc: Document) -> Any:
    config = at(doc, "logConfig") or {}
    if not (config.get("enable") or data(doc).get("enableFlowLogs")):
        return ABSENT_BLOCK
    return [
        {
            "aggregation_interval": config.get("aggregationInterval", "INTERVAL_5_SEC"),
            "flow_sampling": config.get("flowSampling", 0.5),
            "metadata": config.get("metadata", "INCLUDE_ALL_METADATA"),
            "filter_expr": config.get("filterExpr", "true"),
        }
    ]


_SUBNETWORK: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": account_of,
    "region": lambda d: names.last(str(data(d).get("region", ""))),
    "network": lambda d: data(d).get("network"),
    "ip_cidr_range": lambda d: data(d).get("ipCidrRange"),
    "purpose": lambda d: data(d).get("purpose", "PRIVATE"),
    "private_ip_google_access": flag("privateIpGoogleAccess"),
    "stack_type": lambda d: data(d).get("stackType"),
    "log_config": _flow_logs,
    "secondary_ip_range": lambda d: (
        [
            {"range_name": r.get("rangeName"), "ip_cidr_range": r.get("ipCidrRange")}
            for r in data(d).get("secondaryIpRanges", [])
        ]
        or ABSENT_BLOCK
    ),
    "self_link": lambda d: data(d).get("selfLink"),
}

_DISK: Final[Mapping[str, Attribute]] = {
    "name": lambda d: data(d).get("name"),
    "project": account_of,
    "zone": lambda d: names.last(str(data(d).get("zone", ""))),
    "type": lambda d: names.last(str(data(d).get("type", ""))),
    "size": lambda d: int(data(d)["sizeGb"]) if data(d).get("sizeGb") else None,
    "labels": labels("labels"),
    "image": lambda d: data(d).get("sourceImage"),
    "snapshot": lambda d: data(d).get("sourceSnapshot"),
    "users": lambda d: strings(data(d), "users"),
    "disk_encryption_key": block(
        ("diskEncryptionKey",), kms_key_self_link=("kmsKeyName",), sha256=("sha256",)
    ),
    "self_link": lambda d: data(d).get("selfLink"),
}

COMPUTE: Final[Mapping[str, TerraformType]] = {
    "compute.googleapis.com/Instance": TerraformType("google_compute_instance", _INSTANCE),
    "compute.googleapis.com/Firewall": TerraformType("google_compute_firewall", _FIREWALL),
    "compute.googleapis.com/Network": TerraformType("google_compute_network", _NETWORK),
    "compute.googleapis.com/Subnetwork": TerraformType("google_compute_subnetwork", _SUBNETWORK),
    "compute.googleapis.com/Disk": TerraformType("google_compute_disk", _DISK),
}
"""Asset type -> its view."""
