"""Views of databases, caches and other servers that Azure runs: SQL, PostgreSQL, MySQL, Cosmos DB, Redis, registries,
Service Bus, Event Hubs, AI services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.azure.terraform.reading import (
    COMMON,
    at,
    block,
    enabled,
    equal,
    identity,
    items,
    negated,
    prop,
    top,
)
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType

SQL_DATABASE = TerraformType(
    "azurerm_mssql_database",
    {
        "id": top("id"),
        "name": top("name"),
        "tags": top("tags", default={}),
        "server_id": lambda document: str(document.get("id", "")).rpartition("/databases/")[0],
        "collation": prop("collation"),
        "sku_name": top("sku", "name"),
        "max_size_gb": lambda document: (
            int(size) // 2**30 if (size := at(document, "properties", "maxSizeBytes")) is not None else None
        ),
        "ledger_enabled": prop("isLedgerOn", default=False),
        "license_type": prop("licenseType", default=""),
        "read_scale": enabled("readScale"),
        "storage_account_type": prop("requestedBackupStorageRedundancy"),
        "zone_redundant": prop("zoneRedundant", default=False),
        "elastic_pool_id": prop("elasticPoolId", default=""),
    },
)


def _customer_key(document: Document) -> Any:
    found = at(document, "properties", "dataEncryption")
    if not isinstance(found, Mapping) or not found.get("primaryKeyURI"):
        return ABSENT_BLOCK
    return [
        {
            "key_vault_key_id": found.get("primaryKeyURI"),
            "primary_user_assigned_identity_id": found.get("primaryUserAssignedIdentityId"),
            "geo_backup_key_vault_key_id": found.get("geoBackupKeyURI") or "",
            "geo_backup_user_assigned_identity_id": found.get("geoBackupUserAssignedIdentityId") or "",
        }
    ]


def _high_availability(document: Document) -> Any:
    mode = at(document, "properties", "highAvailability", "mode", default="Disabled")
    if mode == "Disabled":
        return ABSENT_BLOCK
    zone = at(document, "properties", "highAvailability", "standbyAvailabilityZone", default="")
    return [{"mode": mode, "standby_availability_zone": zone}]


_FLEXIBLE: Mapping[str, Attribute] = {
    **COMMON,
    "administrator_login": prop("administratorLogin"),
    "version": prop("version"),
    "sku_name": top("sku", "name"),
    "fqdn": prop("fullyQualifiedDomainName"),
    "zone": prop("availabilityZone", default=""),
    "backup_retention_days": prop("backup", "backupRetentionDays"),
    "geo_redundant_backup_enabled": enabled("backup", "geoRedundantBackup"),
    "public_network_access_enabled": enabled("network", "publicNetworkAccess", default=True),
    "delegated_subnet_id": prop("network", "delegatedSubnetResourceId", default=""),
    "replication_role": prop("replicationRole"),
    "customer_managed_key": _customer_key,
    "high_availability": _high_availability,
}

POSTGRESQL = TerraformType(
    "azurerm_postgresql_flexible_server",
    {
        **_FLEXIBLE,
        "identity": identity,
        "private_dns_zone_id": prop("network", "privateDnsZoneArmResourceId", default=""),
        "auto_grow_enabled": enabled("storage", "autoGrow"),
        "storage_tier": prop("storage", "tier"),
        "storage_mb": lambda document: (
            size * 1024
            if isinstance(size := at(document, "properties", "storage", "storageSizeGB"), int)
            else None
        ),
        "authentication": lambda document: (
            [
                {
                    "active_directory_auth_enabled": found.get("activeDirectoryAuth") == "Enabled",
                    "password_auth_enabled": found.get("passwordAuth", "Enabled") == "Enabled",
                    "tenant_id": found.get("tenantId") or "",
                }
            ]
            if isinstance(found := at(document, "properties", "authConfig"), Mapping)
            else ABSENT_BLOCK
        ),
    },
)


def _mysql_identity(document: Document) -> Any:
    found = identity(document)
    # This one of azurerm's blocks does not say whose it is.
    return found if found is ABSENT_BLOCK else [{k: found[0][k] for k in ("type", "identity_ids")}]


MYSQL = TerraformType(
    "azurerm_mysql_flexible_server",
    {
        **_FLEXIBLE,
        "identity": _mysql_identity,
        "private_dns_zone_id": prop("network", "privateDnsZoneResourceId", default=""),
        "storage": lambda document: (
            [
                {
                    "auto_grow_enabled": found.get("autoGrow") == "Enabled",
                    "io_scaling_enabled": found.get("autoIoScaling") == "Enabled",
                    "log_on_disk_enabled": found.get("logOnDisk") == "Enabled",
                    "iops": found.get("iops"),
                    "size_gb": found.get("storageSizeGB"),
                }
            ]
            if isinstance(found := at(document, "properties", "storage"), Mapping)
            else ABSENT_BLOCK
        ),
    },
)

COSMOSDB_ACCOUNT = TerraformType(
    "azurerm_cosmosdb_account",
    {
        **COMMON,
        "kind": top("kind", default="GlobalDocumentDB"),
        "offer_type": prop("databaseAccountOfferType"),
        "endpoint": prop("documentEndpoint"),
        "access_key_metadata_writes_enabled": negated("disableKeyBasedMetadataWriteAccess"),
        "analytical_storage_enabled": prop("enableAnalyticalStorage", default=False),
        "automatic_failover_enabled": prop("enableAutomaticFailover", default=False),
        "free_tier_enabled": prop("enableFreeTier", default=False),
        "is_virtual_network_filter_enabled": prop("isVirtualNetworkFilterEnabled", default=False),
        "key_vault_key_id": prop("keyVaultKeyUri", default=""),
        "local_authentication_disabled": prop("disableLocalAuth", default=False),
        "minimal_tls_version": prop("minimalTlsVersion"),
        "multiple_write_locations_enabled": prop("enableMultipleWriteLocations", default=False),
        "network_acl_bypass_for_azure_services": equal("networkAclBypass", to="AzureServices"),
        "network_acl_bypass_ids": prop("networkAclBypassResourceIds", default=[]),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "ip_range_filter": lambda document: [
            rule.get("ipAddressOrRange") for rule in items(document, "ipRules")
        ],
        "virtual_network_rule": lambda document: [
            {
                "id": rule.get("id"),
                "ignore_missing_vnet_service_endpoint": at(
                    rule, "ignoreMissingVNetServiceEndpoint", default=False
                ),
            }
            for rule in items(document, "virtualNetworkRules")
        ],
        "backup": block("backupPolicy", type="type"),
        "identity": identity,
    },
)


def _redis_configuration(document: Document) -> Any:
    found = at(document, "properties", "redisConfiguration", default={})

    def true(name: str) -> bool:
        return str(found.get(name) or "").lower() == "true"

    return [
        {
            "active_directory_authentication_enabled": true("aad-enabled"),
            "aof_backup_enabled": true("aof-backup-enabled"),
            "authentication_enabled": not true("authnotrequired"),
            "maxmemory_policy": found.get("maxmemory-policy") or "",
            "rdb_backup_enabled": true("rdb-backup-enabled"),
        }
    ]


REDIS_CACHE = TerraformType(
    "azurerm_redis_cache",
    {
        **COMMON,
        "access_keys_authentication_enabled": negated("disableAccessKeyAuthentication"),
        "capacity": prop("sku", "capacity"),
        "family": prop("sku", "family"),
        "sku_name": prop("sku", "name"),
        "hostname": prop("hostName"),
        "minimum_tls_version": prop("minimumTlsVersion", default="1.0"),
        "non_ssl_port_enabled": prop("enableNonSslPort", default=False),
        "port": prop("port"),
        "ssl_port": prop("sslPort"),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "redis_configuration": _redis_configuration,
        "redis_version": prop("redisVersion"),
        "shard_count": prop("shardCount", default=0),
        "subnet_id": prop("subnetId", default=""),
        "zones": top("zones", default=[]),
        "identity": identity,
    },
)


def _registry_rules(document: Document) -> Any:
    found = at(document, "properties", "networkRuleSet")
    if not isinstance(found, Mapping):
        return []
    return [
        {
            "default_action": found.get("defaultAction"),
            "ip_rule": [
                {"action": rule.get("action"), "ip_range": rule.get("value")}
                for rule in found.get("ipRules") or ()
            ],
        }
    ]


CONTAINER_REGISTRY = TerraformType(
    "azurerm_container_registry",
    {
        **COMMON,
        "sku": top("sku", "name"),
        "admin_enabled": prop("adminUserEnabled", default=False),
        "anonymous_pull_enabled": prop("anonymousPullEnabled", default=False),
        "data_endpoint_enabled": prop("dataEndpointEnabled", default=False),
        "export_policy_enabled": lambda document: (
            at(document, "properties", "policies", "exportPolicy", "status", default="enabled") == "enabled"
        ),
        "login_server": prop("loginServer"),
        "network_rule_bypass_option": prop("networkRuleBypassOptions", default="AzureServices"),
        "network_rule_set": _registry_rules,
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "quarantine_policy_enabled": enabled("policies", "quarantinePolicy", "status"),
        "trust_policy_enabled": enabled("policies", "trustPolicy", "status"),
        "zone_redundancy_enabled": enabled("zoneRedundancy"),
        "identity": identity,
    },
)


def _namespace(more: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
    return {
        **COMMON,
        "sku": top("sku", "name"),
        "capacity": top("sku", "capacity"),
        "minimum_tls_version": prop("minimumTlsVersion", default="1.0"),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "identity": identity,
        **more,
    }


SERVICEBUS_NAMESPACE = TerraformType(
    "azurerm_servicebus_namespace",
    _namespace(
        {
            "local_auth_enabled": negated("disableLocalAuth"),
            "endpoint": prop("serviceBusEndpoint"),
            "premium_messaging_partitions": prop("premiumMessagingPartitions", default=0),
        }
    ),
)

EVENTHUB_NAMESPACE = TerraformType(
    "azurerm_eventhub_namespace",
    _namespace(
        {
            "local_authentication_enabled": negated("disableLocalAuth"),
            "auto_inflate_enabled": prop("isAutoInflateEnabled", default=False),
            "maximum_throughput_units": prop("maximumThroughputUnits", default=0),
            "dedicated_cluster_id": prop("clusterArmId", default=""),
        }
    ),
)


def _cognitive_acls(document: Document) -> Any:
    found = at(document, "properties", "networkAcls")
    if not isinstance(found, Mapping):
        return ABSENT_BLOCK
    return [
        {
            "default_action": found.get("defaultAction"),
            "bypass": found.get("bypass"),
            "ip_rules": [rule.get("value") for rule in found.get("ipRules") or ()],
            "virtual_network_rules": [
                {
                    "subnet_id": rule.get("id"),
                    "ignore_missing_vnet_service_endpoint": bool(
                        rule.get("ignoreMissingVnetServiceEndpoint")
                    ),
                }
                for rule in found.get("virtualNetworkRules") or ()
            ],
        }
    ]


COGNITIVE_ACCOUNT = TerraformType(
    "azurerm_cognitive_account",
    {
        **COMMON,
        "kind": top("kind"),
        "sku_name": top("sku", "name"),
        "custom_subdomain_name": prop("customSubDomainName", default=""),
        "endpoint": prop("endpoint"),
        "fqdns": prop("allowedFqdnList", default=[]),
        "local_auth_enabled": negated("disableLocalAuth"),
        "network_acls": _cognitive_acls,
        "outbound_network_access_restricted": prop("restrictOutboundNetworkAccess", default=False),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "identity": identity,
    },
)
