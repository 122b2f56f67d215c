"""Views of what keeps data: storage accounts, key vaults, SQL servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.azure.terraform.reading import COMMON, at, enabled, identity, items, prop, top
from providers.terraform import ABSENT_BLOCK, Document, TerraformType


def _network_rules(document: Document) -> Any:
    rules = at(document, "properties", "networkAcls")
    if not isinstance(rules, Mapping):
        return ABSENT_BLOCK
    bypass = str(rules.get("bypass") or "None")
    return [
        {
            "default_action": rules.get("defaultAction"),
            "bypass": sorted(part.strip() for part in bypass.split(",")),
            "ip_rules": sorted(str(r.get("value")) for r in rules.get("ipRules") or ()),
            "virtual_network_subnet_ids": sorted(
                str(r.get("id")) for r in rules.get("virtualNetworkRules") or ()
            ),
        }
    ]


def _vault_acls(document: Document) -> Any:
    rules = _network_rules(document)
    if rules is ABSENT_BLOCK:
        return ABSENT_BLOCK
    return [{**rules[0], "bypass": ", ".join(rules[0]["bypass"])}]


def _customer_managed_key(document: Document) -> Any:
    key = at(document, "properties", "encryption", "keyvaultproperties")
    if not isinstance(key, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "key_vault_key_id": "/".join(
                str(p) for p in (key.get("keyvaulturi", "").rstrip("/"), "keys", key.get("keyname"), key.get("keyversion")) if p
            ),
            "user_assigned_identity_id": at(document, "properties", "encryption", "identity", "userAssignedIdentity"),
        }
    ]  # fmt: skip


def _account_replication(document: Document) -> Any:
    return str(at(document, "sku", "name", default="")).rpartition("_")[2] or None


STORAGE_ACCOUNT = TerraformType(
    "azurerm_storage_account",
    {
        **COMMON,
        "account_kind": top("kind"),
        "account_tier": top("sku", "tier"),
        "account_replication_type": _account_replication,
        "access_tier": prop("accessTier"),
        "https_traffic_only_enabled": prop("supportsHttpsTrafficOnly", default=False),
        # Azure leaves the property out of accounts older than it; it then means true.
        "allow_nested_items_to_be_public": prop("allowBlobPublicAccess", default=True),
        "shared_access_key_enabled": prop("allowSharedKeyAccess", default=True),
        "min_tls_version": prop("minimumTlsVersion", default="TLS1_0"),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "default_to_oauth_authentication": prop("defaultToOAuthAuthentication", default=False),
        "cross_tenant_replication_enabled": prop("allowCrossTenantReplication", default=True),
        "infrastructure_encryption_enabled": prop(
            "encryption", "requireInfrastructureEncryption", default=False
        ),
        "is_hns_enabled": prop("isHnsEnabled", default=False),
        "nfsv3_enabled": prop("isNfsV3Enabled", default=False),
        "sftp_enabled": prop("isSftpEnabled", default=False),
        "local_user_enabled": prop("isLocalUserEnabled", default=True),
        "primary_blob_endpoint": prop("primaryEndpoints", "blob"),
        "primary_location": prop("primaryLocation"),
        "customer_managed_key": _customer_managed_key,
        "network_rules": _network_rules,
        "identity": identity,
    },
)


def _access_policies(document: Document) -> Any:
    return [
        {
            "tenant_id": policy.get("tenantId"),
            "object_id": policy.get("objectId"),
            "application_id": policy.get("applicationId", ""),
            **{
                f"{singular}_permissions": at(policy, "permissions", plural, default=[])
                for singular, plural in (("key", "keys"), ("secret", "secrets"), ("certificate", "certificates"), ("storage", "storage"))
            },
        }
        for policy in items(document, "accessPolicies")
    ]  # fmt: skip


KEY_VAULT = TerraformType(
    "azurerm_key_vault",
    {
        **COMMON,
        "sku_name": lambda d: str(at(d, "properties", "sku", "name", default="")).lower() or None,
        "tenant_id": prop("tenantId"),
        "vault_uri": prop("vaultUri"),
        "enabled_for_deployment": prop("enabledForDeployment", default=False),
        "enabled_for_disk_encryption": prop("enabledForDiskEncryption", default=False),
        "enabled_for_template_deployment": prop("enabledForTemplateDeployment", default=False),
        "rbac_authorization_enabled": prop("enableRbacAuthorization", default=False),
        "enable_rbac_authorization": prop("enableRbacAuthorization", default=False),
        "purge_protection_enabled": prop("enablePurgeProtection", default=False),
        "soft_delete_retention_days": prop("softDeleteRetentionInDays", default=90),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "access_policy": _access_policies,
        "network_acls": _vault_acls,
    },
)


def _sql_administrator(document: Document) -> Any:
    admin = at(document, "properties", "administrators")
    if not isinstance(admin, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "login_username": admin.get("login"),
            "object_id": admin.get("sid"),
            "tenant_id": admin.get("tenantId"),
            "azuread_authentication_only": admin.get("azureADOnlyAuthentication", False),
        }
    ]


SQL_SERVER = TerraformType(
    "azurerm_mssql_server",
    {
        **COMMON,
        "version": prop("version"),
        "administrator_login": prop("administratorLogin"),
        "minimum_tls_version": lambda d: at(d, "properties", "minimalTlsVersion") or "Disabled",
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "outbound_network_restriction_enabled": enabled("restrictOutboundNetworkAccess"),
        "fully_qualified_domain_name": prop("fullyQualifiedDomainName"),
        "azuread_administrator": _sql_administrator,
        "identity": identity,
    },
)
