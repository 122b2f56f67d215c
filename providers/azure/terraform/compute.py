"""Views of what runs: virtual machines, disks, Kubernetes clusters, web apps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.azure.terraform.reading import COMMON, at, enabled, id_of, identity, items, prop, top
from providers.resource import Resource
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType


def _interfaces(document: Document) -> Any:
    return [id_of(nic) for nic in items(document, "networkProfile", "networkInterfaces")]


def _os_disk(document: Document) -> Any:
    disk = at(document, "properties", "storageProfile", "osDisk")
    if not isinstance(disk, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "name": disk.get("name"),
            "caching": disk.get("caching"),
            "disk_size_gb": disk.get("diskSizeGB"),
            "storage_account_type": at(disk, "managedDisk", "storageAccountType"),
            "disk_encryption_set_id": at(disk, "managedDisk", "diskEncryptionSet", "id", default=""),
            "write_accelerator_enabled": at(disk, "writeAcceleratorEnabled", default=False),
        }
    ]


def _boot_diagnostics(document: Document) -> Any:
    if at(document, "properties", "diagnosticsProfile", "bootDiagnostics", "enabled") is not True:
        return ABSENT_BLOCK
    uri = at(document, "properties", "diagnosticsProfile", "bootDiagnostics", "storageUri", default="")
    return [{"storage_account_uri": uri}]


MACHINE: Final[Mapping[str, Attribute]] = {
    **COMMON,
    "size": prop("hardwareProfile", "vmSize"),
    "computer_name": prop("osProfile", "computerName"),
    "admin_username": prop("osProfile", "adminUsername"),
    "allow_extension_operations": prop("osProfile", "allowExtensionOperations", default=True),
    "encryption_at_host_enabled": prop("securityProfile", "encryptionAtHost", default=False),
    "secure_boot_enabled": prop("securityProfile", "uefiSettings", "secureBootEnabled", default=False),
    "vtpm_enabled": prop("securityProfile", "uefiSettings", "vTpmEnabled", default=False),
    "network_interface_ids": _interfaces,
    "os_disk": _os_disk,
    "boot_diagnostics": _boot_diagnostics,
    "identity": identity,
    "virtual_machine_id": prop("vmId"),
    "license_type": prop("licenseType"),
    "priority": prop("priority", default="Regular"),
    "zone": lambda d: next(iter(at(d, "zones", default=[])), None),
}


def _ssh_keys(document: Document) -> Any:
    keys = items(document, "osProfile", "linuxConfiguration", "ssh", "publicKeys")
    return [
        {"username": str(key.get("path", "")).split("/")[2:3], "public_key": key.get("keyData")}
        for key in keys
    ]


LINUX_MACHINE = TerraformType(
    "azurerm_linux_virtual_machine",
    {
        **MACHINE,
        "disable_password_authentication": prop(
            "osProfile", "linuxConfiguration", "disablePasswordAuthentication", default=False
        ),
        "provision_vm_agent": prop("osProfile", "linuxConfiguration", "provisionVMAgent", default=True),
        "patch_mode": prop(
            "osProfile", "linuxConfiguration", "patchSettings", "patchMode", default="ImageDefault"
        ),
        "admin_ssh_key": _ssh_keys,
    },
)
WINDOWS_MACHINE = TerraformType(
    "azurerm_windows_virtual_machine",
    {
        **MACHINE,
        "provision_vm_agent": prop("osProfile", "windowsConfiguration", "provisionVMAgent", default=True),
        "automatic_updates_enabled": prop(
            "osProfile", "windowsConfiguration", "enableAutomaticUpdates", default=True
        ),
        "patch_mode": prop(
            "osProfile", "windowsConfiguration", "patchSettings", "patchMode", default="AutomaticByOS"
        ),
        "timezone": prop("osProfile", "windowsConfiguration", "timeZone"),
    },
)


def _disk_settings(document: Document) -> Any:
    settings = at(document, "properties", "encryptionSettingsCollection")
    if not isinstance(settings, Mapping) or settings.get("enabled") is not True:
        return ABSENT_BLOCK
    return [
        {
            "disk_encryption_key": [{"secret_url": at(one, "diskEncryptionKey", "secretUrl")}],
            "key_encryption_key": [{"key_url": at(one, "keyEncryptionKey", "keyUrl")}],
        }
        for one in settings.get("encryptionSettings") or ()
    ]


MANAGED_DISK = TerraformType(
    "azurerm_managed_disk",
    {
        **COMMON,
        "storage_account_type": top("sku", "name"),
        "create_option": prop("creationData", "createOption"),
        "disk_size_gb": prop("diskSizeGB"),
        "os_type": prop("osType"),
        "disk_encryption_set_id": prop("encryption", "diskEncryptionSetId"),
        "network_access_policy": prop("networkAccessPolicy", default="AllowAll"),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "encryption_settings": _disk_settings,
        "trusted_launch_enabled": lambda d: (
            at(d, "properties", "securityProfile", "securityType") == "TrustedLaunch"
        ),
        "zone": lambda d: next(iter(at(d, "zones", default=[])), None),
    },
)


def _aks_network(document: Document) -> Any:
    profile = at(document, "properties", "networkProfile")
    if not isinstance(profile, Mapping):
        return ABSENT_BLOCK
    names = (
        ("network_plugin", "networkPlugin"),
        ("network_policy", "networkPolicy"),
        ("network_mode", "networkMode"),
        ("outbound_type", "outboundType"),
        ("load_balancer_sku", "loadBalancerSku"),
        ("service_cidr", "serviceCidr"),
        ("pod_cidr", "podCidr"),
    )
    return [{ours: profile.get(theirs) for ours, theirs in names}]


def _aks_access(document: Document) -> Any:
    ranges = at(document, "properties", "apiServerAccessProfile", "authorizedIPRanges", default=[])
    return [{"authorized_ip_ranges": ranges}] if ranges else ABSENT_BLOCK


def _aks_directory(document: Document) -> Any:
    profile = at(document, "properties", "aadProfile")
    if not isinstance(profile, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "azure_rbac_enabled": profile.get("enableAzureRBAC", False),
            "admin_group_object_ids": profile.get("adminGroupObjectIDs") or [],
            "tenant_id": profile.get("tenantID"),
        }
    ]


def _aks_pool(document: Document) -> Any:
    pool = next((p for p in items(document, "agentPoolProfiles") if p.get("mode") == "System"), None)
    if pool is None:
        return ABSENT_BLOCK
    return [
        {
            "name": pool.get("name"),
            "vm_size": pool.get("vmSize"),
            "node_count": pool.get("count"),
            "auto_scaling_enabled": pool.get("enableAutoScaling", False),
            "host_encryption_enabled": pool.get("enableEncryptionAtHost", False),
            "node_public_ip_enabled": pool.get("enableNodePublicIP", False),
            "os_disk_type": pool.get("osDiskType"),
            "vnet_subnet_id": pool.get("vnetSubnetID"),
        }
    ]


def _aks_addon(name: str) -> Callable[[Document], bool]:
    def enabled_addon(document: Document) -> bool:
        addons = at(document, "properties", "addonProfiles", default={})
        found = next((v for k, v in addons.items() if k.lower() == name), None)
        return isinstance(found, Mapping) and found.get("enabled") is True

    return enabled_addon


def _aks_oms(document: Document) -> Any:
    if not _aks_addon("omsagent")(document):
        return ABSENT_BLOCK
    addons = at(document, "properties", "addonProfiles", default={})
    found = next(v for k, v in addons.items() if k.lower() == "omsagent")
    return [{"log_analytics_workspace_id": at(found, "config", "logAnalyticsWorkspaceResourceID")}]


KUBERNETES_CLUSTER = TerraformType(
    "azurerm_kubernetes_cluster",
    {
        **COMMON,
        "kubernetes_version": prop("kubernetesVersion"),
        "dns_prefix": prop("dnsPrefix"),
        "sku_tier": top("sku", "tier"),
        "role_based_access_control_enabled": prop("enableRBAC", default=True),
        "local_account_disabled": prop("disableLocalAccounts", default=False),
        "private_cluster_enabled": prop("apiServerAccessProfile", "enablePrivateCluster", default=False),
        "azure_policy_enabled": _aks_addon("azurepolicy"),
        "oms_agent": _aks_oms,
        "oidc_issuer_enabled": prop("oidcIssuerProfile", "enabled", default=False),
        "workload_identity_enabled": prop("securityProfile", "workloadIdentity", "enabled", default=False),
        "disk_encryption_set_id": prop("diskEncryptionSetID"),
        "default_node_pool": _aks_pool,
        "network_profile": _aks_network,
        "api_server_access_profile": _aks_access,
        "azure_active_directory_role_based_access_control": _aks_directory,
        "identity": identity,
        "fqdn": prop("fqdn"),
    },
)


def _site_config(document: Document) -> Any:
    config = at(document, "properties", "siteConfig")
    if not isinstance(config, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "minimum_tls_version": config.get("minTlsVersion"),
            "ftps_state": config.get("ftpsState"),
            "http2_enabled": config.get("http20Enabled"),
            "always_on": config.get("alwaysOn"),
            "remote_debugging_enabled": config.get("remoteDebuggingEnabled"),
            "vnet_route_all_enabled": config.get("vnetRouteAllEnabled"),
        }
    ]


WEB: Final[Mapping[str, Attribute]] = {
    **COMMON,
    "enabled": prop("enabled", default=True),
    "https_only": prop("httpsOnly", default=False),
    "client_certificate_enabled": prop("clientCertEnabled", default=False),
    "client_certificate_mode": prop("clientCertMode", default="Required"),
    "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
    "service_plan_id": prop("serverFarmId"),
    "virtual_network_subnet_id": prop("virtualNetworkSubnetId"),
    "default_hostname": prop("defaultHostName"),
    "site_config": _site_config,
    "identity": identity,
}
LINUX_WEB_APP = TerraformType("azurerm_linux_web_app", WEB)
WINDOWS_WEB_APP = TerraformType("azurerm_windows_web_app", WEB)


def machine(resource: Resource) -> TerraformType | None:
    system = at(resource.document, "properties", "storageProfile", "osDisk", "osType")
    return {"Linux": LINUX_MACHINE, "Windows": WINDOWS_MACHINE}.get(str(system))


def site(resource: Resource) -> TerraformType | None:
    kind = str(resource.document.get("kind") or "app").lower()
    if "functionapp" in kind or "app" not in kind.split(","):
        return None  # function and logic apps are other azurerm types, with other attributes
    return LINUX_WEB_APP if "linux" in kind.split(",") else WINDOWS_WEB_APP
