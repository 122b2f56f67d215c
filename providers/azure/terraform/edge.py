"""Views of what lets traffic in and through: interfaces, routes, balancers, gateways, firewalls, bastions, plans, functions,
scale sets, snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.azure.terraform.compute import WEB
from providers.azure.terraform.reading import COMMON, at, enabled, id_of, identity, ids, items, prop, top
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType


def _ip_configurations(document: Document) -> Any:
    return [
        {
            "name": one.get("name"),
            "primary": at(one, "properties", "primary", default=False),
            "private_ip_address": at(one, "properties", "privateIPAddress", default=""),
            "private_ip_address_allocation": at(one, "properties", "privateIPAllocationMethod"),
            "private_ip_address_version": at(one, "properties", "privateIPAddressVersion", default="IPv4"),
            "public_ip_address_id": at(one, "properties", "publicIPAddress", "id", default=""),
            "subnet_id": at(one, "properties", "subnet", "id", default=""),
        }
        for one in items(document, "ipConfigurations")
    ]


NETWORK_INTERFACE = TerraformType(
    "azurerm_network_interface",
    {
        **COMMON,
        "accelerated_networking_enabled": prop("enableAcceleratedNetworking", default=False),
        "ip_forwarding_enabled": prop("enableIPForwarding", default=False),
        "dns_servers": prop("dnsSettings", "dnsServers", default=[]),
        "internal_dns_name_label": prop("dnsSettings", "internalDnsNameLabel", default=""),
        "ip_configuration": _ip_configurations,
        "mac_address": prop("macAddress", default=""),
        "virtual_machine_id": prop("virtualMachine", "id", default=""),
    },
)

ROUTE_TABLE = TerraformType(
    "azurerm_route_table",
    {
        **COMMON,
        "bgp_route_propagation_enabled": lambda document: (
            at(document, "properties", "disableBgpRoutePropagation") is not True
        ),
        "route": lambda document: [
            {
                "name": route.get("name"),
                "address_prefix": at(route, "properties", "addressPrefix"),
                "next_hop_type": at(route, "properties", "nextHopType"),
                "next_hop_in_ip_address": at(route, "properties", "nextHopIpAddress", default=""),
            }
            for route in items(document, "routes")
        ],
        "subnets": ids("subnets"),
    },
)

LOAD_BALANCER = TerraformType(
    "azurerm_lb",
    {
        **COMMON,
        "sku": top("sku", "name"),
        "sku_tier": top("sku", "tier"),
        "frontend_ip_configuration": lambda document: [
            {
                "id": one.get("id"),
                "name": one.get("name"),
                "private_ip_address": at(one, "properties", "privateIPAddress", default=""),
                "private_ip_address_allocation": at(one, "properties", "privateIPAllocationMethod"),
                "public_ip_address_id": at(one, "properties", "publicIPAddress", "id", default=""),
                "subnet_id": at(one, "properties", "subnet", "id", default=""),
                "zones": at(one, "zones", default=[]),
            }
            for one in items(document, "frontendIPConfigurations")
        ],
    },
)


def _waf(document: Document) -> Any:
    found = at(document, "properties", "webApplicationFirewallConfiguration")
    if not isinstance(found, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "enabled": bool(found.get("enabled", False)),
            "firewall_mode": found.get("firewallMode"),
            "rule_set_type": found.get("ruleSetType"),
            "rule_set_version": found.get("ruleSetVersion"),
            "request_body_check": found.get("requestBodyCheck"),
        }
    ]


def _ssl_policy(document: Document) -> Any:
    found = at(document, "properties", "sslPolicy")
    if not isinstance(found, Mapping):
        return []
    return [
        {
            "policy_type": found.get("policyType") or "",
            "policy_name": found.get("policyName") or "",
            "min_protocol_version": found.get("minProtocolVersion") or "",
            "cipher_suites": found.get("cipherSuites") or [],
            "disabled_protocols": found.get("disabledSslProtocols") or [],
        }
    ]


APPLICATION_GATEWAY = TerraformType(
    "azurerm_application_gateway",
    {
        **COMMON,
        "enable_http2": prop("enableHttp2", default=False),
        "fips_enabled": prop("enableFips", default=False),
        "firewall_policy_id": prop("firewallPolicy", "id", default=""),
        "sku": lambda document: (
            [{"name": found.get("name"), "tier": found.get("tier"), "capacity": found.get("capacity")}]
            if isinstance(found := at(document, "properties", "sku"), Mapping)
            else ABSENT_BLOCK
        ),
        "ssl_policy": _ssl_policy,
        "waf_configuration": _waf,
        "http_listener": lambda document: [
            {
                "id": one.get("id"),
                "name": one.get("name"),
                "protocol": at(one, "properties", "protocol"),
                "host_name": at(one, "properties", "hostName", default=""),
                "host_names": at(one, "properties", "hostNames", default=[]),
                "require_sni": at(one, "properties", "requireServerNameIndication", default=False),
                "firewall_policy_id": at(one, "properties", "firewallPolicy", "id", default=""),
            }
            for one in items(document, "httpListeners")
        ],
        "backend_http_settings": lambda document: [
            {
                "id": one.get("id"),
                "name": one.get("name"),
                "port": at(one, "properties", "port"),
                "protocol": at(one, "properties", "protocol"),
                "cookie_based_affinity": at(one, "properties", "cookieBasedAffinity"),
                "request_timeout": at(one, "properties", "requestTimeout"),
            }
            for one in items(document, "backendHttpSettingsCollection")
        ],
        "zones": top("zones", default=[]),
        "identity": identity,
    },
)

FIREWALL = TerraformType(
    "azurerm_firewall",
    {
        **COMMON,
        "sku_name": prop("sku", "name"),
        "sku_tier": prop("sku", "tier"),
        "firewall_policy_id": prop("firewallPolicy", "id", default=""),
        "threat_intel_mode": prop("threatIntelMode"),
        "ip_configuration": lambda document: [
            {
                "name": one.get("name"),
                "private_ip_address": at(one, "properties", "privateIPAddress", default=""),
                "public_ip_address_id": at(one, "properties", "publicIPAddress", "id", default=""),
                "subnet_id": at(one, "properties", "subnet", "id", default=""),
            }
            for one in items(document, "ipConfigurations")
        ],
        "zones": top("zones", default=[]),
    },
)

BASTION_HOST = TerraformType(
    "azurerm_bastion_host",
    {
        **COMMON,
        "sku": top("sku", "name"),
        "copy_paste_enabled": lambda document: at(document, "properties", "disableCopyPaste") is not True,
        "dns_name": prop("dnsName"),
        "file_copy_enabled": prop("enableFileCopy", default=False),
        "ip_connect_enabled": prop("enableIpConnect", default=False),
        "kerberos_enabled": prop("enableKerberos", default=False),
        "scale_units": prop("scaleUnits", default=2),
        "session_recording_enabled": prop("enableSessionRecording", default=False),
        "shareable_link_enabled": prop("enableShareableLink", default=False),
        "tunneling_enabled": prop("enableTunneling", default=False),
    },
)


def _os_of_plan(document: Document) -> str:
    kind = str(at(document, "kind", default="")).lower()
    if at(document, "properties", "isXenon") or "xenon" in kind:
        return "WindowsContainer"
    return "Linux" if at(document, "properties", "reserved") else "Windows"


SERVICE_PLAN = TerraformType(
    "azurerm_service_plan",
    {
        **COMMON,
        "kind": top("kind"),
        "os_type": _os_of_plan,
        "reserved": prop("reserved", default=False),
        "sku_name": top("sku", "name"),
        "worker_count": top("sku", "capacity"),
        "per_site_scaling_enabled": prop("perSiteScaling", default=False),
        "maximum_elastic_worker_count": prop("maximumElasticWorkerCount"),
        "zone_balancing_enabled": prop("zoneRedundant", default=False),
        "app_service_environment_id": prop("hostingEnvironmentProfile", "id", default=""),
    },
)


def _function_config(document: Document) -> Any:
    config = at(document, "properties", "siteConfig")
    if not isinstance(config, Mapping):
        return ABSENT_BLOCK
    names = {
        "minimum_tls_version": "minTlsVersion",
        "ftps_state": "ftpsState",
        "http2_enabled": "http20Enabled",
        "always_on": "alwaysOn",
        "remote_debugging_enabled": "remoteDebuggingEnabled",
        "vnet_route_all_enabled": "vnetRouteAllEnabled",
    }
    return [{ours: config.get(theirs) for ours, theirs in names.items()}]


_FUNCTION: Final[Mapping[str, Attribute]] = {**WEB, "site_config": _function_config}
LINUX_FUNCTION_APP = TerraformType("azurerm_linux_function_app", _FUNCTION)
WINDOWS_FUNCTION_APP = TerraformType("azurerm_windows_function_app", _FUNCTION)

_PROFILE: Final = ("virtualMachineProfile",)


def _scale_set_disk(document: Document) -> Any:
    disk = at(document, "properties", *_PROFILE, "storageProfile", "osDisk")
    if not isinstance(disk, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "caching": disk.get("caching"),
            "disk_size_gb": disk.get("diskSizeGB"),
            "storage_account_type": at(disk, "managedDisk", "storageAccountType"),
            "disk_encryption_set_id": at(disk, "managedDisk", "diskEncryptionSet", "id", default=""),
            "write_accelerator_enabled": at(disk, "writeAcceleratorEnabled", default=False),
        }
    ]


def _scale_set_interfaces(document: Document) -> Any:
    return [
        {
            "name": nic.get("name"),
            "primary": at(nic, "properties", "primary", default=False),
            "enable_accelerated_networking": at(nic, "properties", "enableAcceleratedNetworking", default=False),
            "enable_ip_forwarding": at(nic, "properties", "enableIPForwarding", default=False),
            "network_security_group_id": id_of(at(nic, "properties", "networkSecurityGroup")) or "",
        }
        for nic in items(document, *_PROFILE, "networkProfile", "networkInterfaceConfigurations")
    ]  # fmt: skip


_SCALE_SET: Final[Mapping[str, Attribute]] = {
    **COMMON,
    "sku": top("sku", "name"),
    "instances": top("sku", "capacity"),
    "zones": top("zones", default=[]),
    "admin_username": prop(*_PROFILE, "osProfile", "adminUsername"),
    "computer_name_prefix": prop(*_PROFILE, "osProfile", "computerNamePrefix"),
    "encryption_at_host_enabled": prop(*_PROFILE, "securityProfile", "encryptionAtHost", default=False),
    "secure_boot_enabled": prop(
        *_PROFILE, "securityProfile", "uefiSettings", "secureBootEnabled", default=False
    ),
    "vtpm_enabled": prop(*_PROFILE, "securityProfile", "uefiSettings", "vTpmEnabled", default=False),
    "upgrade_mode": prop("upgradePolicy", "mode"),
    "overprovision": prop("overprovision", default=True),
    "priority": prop(*_PROFILE, "priority", default="Regular"),
    "single_placement_group": prop("singlePlacementGroup", default=True),
    "unique_id": prop("uniqueId"),
    "os_disk": _scale_set_disk,
    "network_interface": _scale_set_interfaces,
    "identity": identity,
}
LINUX_SCALE_SET = TerraformType(
    "azurerm_linux_virtual_machine_scale_set",
    {
        **_SCALE_SET,
        "disable_password_authentication": prop(
            *_PROFILE, "osProfile", "linuxConfiguration", "disablePasswordAuthentication", default=False
        ),
    },
)
WINDOWS_SCALE_SET = TerraformType(
    "azurerm_windows_virtual_machine_scale_set",
    {
        **_SCALE_SET,
        "enable_automatic_updates": prop(
            *_PROFILE, "osProfile", "windowsConfiguration", "enableAutomaticUpdates", default=True
        ),
    },
)

SNAPSHOT = TerraformType(
    "azurerm_snapshot",
    {
        **COMMON,
        "create_option": prop("creationData", "createOption"),
        "disk_access_id": prop("diskAccessId", default=""),
        "disk_size_gb": prop("diskSizeGB"),
        "incremental_enabled": prop("incremental", default=False),
        "network_access_policy": prop("networkAccessPolicy", default="AllowAll"),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "source_resource_id": prop("creationData", "sourceResourceId", default=""),
        "trusted_launch_enabled": lambda document: (
            at(document, "properties", "securityProfile", "securityType") == "TrustedLaunch"
        ),
    },
)
