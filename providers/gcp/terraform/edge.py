"""The Terraform views of what surrounds machines: addresses, routes, balancers, snapshots, images, names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp import names
from providers.gcp.terraform.parts import account_of, at, block, data, flag, labels, strings, value
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType

_NAMED: Final[Mapping[str, Attribute]] = {
    "name": value("name"),
    "project": account_of,
    "description": value("description", default=""),
    "self_link": value("selfLink"),
}
_REGIONAL: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "region": lambda d: names.last(str(at(d, "region") or "")),
}

_ADDRESS: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "address": value("address"),
    "address_type": value("addressType", default="EXTERNAL"),
    "ip_version": value("ipVersion"),
    "labels": labels("labels"),
    "network": value("network"),
    "purpose": value("purpose"),
}
_REGIONAL_ADDRESS: Final[Mapping[str, Attribute]] = {
    **_ADDRESS,
    "region": _REGIONAL["region"],
    "network_tier": value("networkTier"),
    "subnetwork": value("subnetwork"),
    "users": lambda d: strings(data(d), "users"),
}

ADDRESS: Final = TerraformType("google_compute_address", _REGIONAL_ADDRESS)
GLOBAL_ADDRESS: Final = TerraformType("google_compute_global_address", _ADDRESS)

_KEY: Final = {"kms_key_self_link": ("kmsKeyName",), "kms_key_service_account": ("kmsKeyServiceAccount",)}

_SNAPSHOT: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "source_disk": value("sourceDisk"),
    "disk_size_gb": lambda d: int(size) if (size := at(d, "diskSizeGb")) else None,
    "labels": labels("labels"),
    "storage_locations": lambda d: strings(data(d), "storageLocations"),
    "snapshot_encryption_key": block(("snapshotEncryptionKey",), sha256=("sha256",), **_KEY),
}

_IMAGE: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "family": value("family"),
    "source_disk": value("sourceDisk"),
    "source_image": value("sourceImage"),
    "source_snapshot": value("sourceSnapshot"),
    "disk_size_gb": lambda d: int(size) if (size := at(d, "diskSizeGb")) else None,
    "labels": labels("labels"),
    "licenses": lambda d: strings(data(d), "licenses"),
    "storage_locations": lambda d: strings(data(d), "storageLocations"),
    "image_encryption_key": block(("imageEncryptionKey",), **_KEY),
    "guest_os_features": lambda d: [
        {"type": feature.get("type")} for feature in at(d, "guestOsFeatures") or []
    ],
}

_ROUTE: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "dest_range": value("destRange"),
    "network": value("network"),
    "priority": value("priority", default=1000),
    "tags": lambda d: strings(data(d), "tags"),
    "next_hop_gateway": value("nextHopGateway"),
    "next_hop_instance": value("nextHopInstance"),
    "next_hop_ip": value("nextHopIp"),
    "next_hop_ilb": value("nextHopIlb"),
    "next_hop_vpn_tunnel": value("nextHopVpnTunnel"),
}

_ROUTER: Final[Mapping[str, Attribute]] = {
    **_REGIONAL,
    "network": value("network"),
    "encrypted_interconnect_router": flag("encryptedInterconnectRouter"),
    "bgp": block(("bgp",), asn=("asn",), advertise_mode=("advertiseMode",)),
}

_SSL_POLICY: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "min_tls_version": value("minTlsVersion", default="TLS_1_0"),
    "profile": value("profile", default="COMPATIBLE"),
    "custom_features": lambda d: strings(data(d), "customFeatures"),
    "enabled_features": lambda d: strings(data(d), "enabledFeatures"),
}

_TARGET_HTTPS_PROXY: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "ssl_policy": value("sslPolicy"),
    "ssl_certificates": lambda d: strings(data(d), "sslCertificates"),
    "certificate_map": value("certificateMap"),
    "url_map": value("urlMap"),
    "quic_override": value("quicOverride", default="NONE"),
}


def _log_config(doc: Document) -> Any:
    found = at(doc, "logConfig")
    if not found:
        return ABSENT_BLOCK
    return [
        {
            "enable": bool(found.get("enable", False)),
            "sample_rate": found.get("sampleRate"),
            "optional_mode": found.get("optionalMode"),
        }
    ]


_BACKEND_SERVICE: Final[Mapping[str, Attribute]] = {
    **_NAMED,
    "protocol": value("protocol"),
    "port_name": value("portName"),
    "timeout_sec": value("timeoutSec"),
    "load_balancing_scheme": value("loadBalancingScheme"),
    "security_policy": value("securityPolicy"),
    "edge_security_policy": value("edgeSecurityPolicy"),
    "session_affinity": value("sessionAffinity"),
    "enable_cdn": flag("enableCDN"),
    "health_checks": lambda d: strings(data(d), "healthChecks"),
    "log_config": _log_config,
    "iap": block(("iap",), enabled=("enabled",), oauth2_client_id=("oauth2ClientId",)),
    "backend": lambda d: [
        {
            "group": one.get("group"),
            "balancing_mode": one.get("balancingMode"),
            "capacity_scaler": one.get("capacityScaler"),
            "description": one.get("description", ""),
        }
        for one in at(d, "backends") or []
    ],
}

_FORWARDING_RULE: Final[Mapping[str, Attribute]] = {
    **_REGIONAL,
    "ip_address": value("IPAddress"),
    "ip_protocol": value("IPProtocol"),
    "load_balancing_scheme": value("loadBalancingScheme"),
    "network": value("network"),
    "network_tier": value("networkTier"),
    "subnetwork": value("subnetwork"),
    "port_range": value("portRange"),
    "ports": lambda d: strings(data(d), "ports"),
    "all_ports": flag("allPorts"),
    "allow_global_access": flag("allowGlobalAccess"),
    "backend_service": value("backendService"),
    "target": value("target"),
    "labels": labels("labels"),
}


def _dnssec(doc: Document) -> Any:
    found = at(doc, "dnssecConfig")
    if not found:
        return ABSENT_BLOCK
    return [
        {
            "state": found.get("state", "off"),
            "non_existence": found.get("nonExistence"),
            "default_key_specs": [
                {
                    "algorithm": spec.get("algorithm"),
                    "key_length": spec.get("keyLength"),
                    "key_type": spec.get("keyType"),
                }
                for spec in found.get("defaultKeySpecs", [])
            ],
        }
    ]


_MANAGED_ZONE: Final[Mapping[str, Attribute]] = {
    "name": value("name"),
    "project": account_of,
    "description": value("description", default=""),
    "dns_name": value("dnsName"),
    "visibility": value("visibility", default="public"),
    "labels": labels("labels"),
    "name_servers": lambda d: strings(data(d), "nameServers"),
    "dnssec_config": _dnssec,
    "cloud_logging_config": lambda d: [
        {"enable_logging": bool(at(d, "cloudLoggingConfig", "enableLogging"))}
    ],
    "private_visibility_config": lambda d: (
        [{"networks": [{"network_url": n.get("networkUrl")} for n in found.get("networks", [])]}]
        if (found := at(d, "privateVisibilityConfig"))
        else ABSENT_BLOCK
    ),
}

EDGE: Final[Mapping[str, TerraformType]] = {
    "compute.googleapis.com/Address": ADDRESS,
    "compute.googleapis.com/BackendService": TerraformType(
        "google_compute_backend_service", _BACKEND_SERVICE
    ),
    "compute.googleapis.com/ForwardingRule": TerraformType(
        "google_compute_forwarding_rule", _FORWARDING_RULE
    ),
    "compute.googleapis.com/GlobalAddress": GLOBAL_ADDRESS,
    "compute.googleapis.com/Image": TerraformType("google_compute_image", _IMAGE),
    "compute.googleapis.com/Route": TerraformType("google_compute_route", _ROUTE),
    "compute.googleapis.com/Router": TerraformType("google_compute_router", _ROUTER),
    "compute.googleapis.com/Snapshot": TerraformType("google_compute_snapshot", _SNAPSHOT),
    "compute.googleapis.com/SslPolicy": TerraformType("google_compute_ssl_policy", _SSL_POLICY),
    "compute.googleapis.com/TargetHttpsProxy": TerraformType(
        "google_compute_target_https_proxy", _TARGET_HTTPS_PROXY
    ),
    "dns.googleapis.com/ManagedZone": TerraformType("google_dns_managed_zone", _MANAGED_ZONE),
}
"""Asset type -> its view."""
