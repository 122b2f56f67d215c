"""Views of who may do what, and of what watches: assignments, identities, groups, flow logs, workspaces, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.azure.terraform.reading import COMMON, at, block, enabled, identity, items, negated, prop, top
from providers.terraform import ABSENT_BLOCK, Document, TerraformType

RESOURCE_GROUP = TerraformType(
    "azurerm_resource_group",
    {
        "id": top("id"),
        "name": top("name"),
        "location": top("location"),
        "managed_by": top("managedBy", default=""),
        "tags": top("tags", default={}),
    },
)

ROLE_ASSIGNMENT = TerraformType(
    "azurerm_role_assignment",
    {
        "id": top("id"),
        "name": top("name"),
        "scope": prop("scope"),
        "role_definition_id": prop("roleDefinitionId"),
        "principal_id": prop("principalId"),
        "principal_type": prop("principalType"),
        "description": prop("description", default=""),
        "condition": prop("condition", default=""),
        "condition_version": prop("conditionVersion", default=""),
        "delegated_managed_identity_resource_id": prop("delegatedManagedIdentityResourceId", default=""),
    },
)

USER_ASSIGNED_IDENTITY = TerraformType(
    "azurerm_user_assigned_identity",
    {
        **COMMON,
        "principal_id": prop("principalId"),
        "client_id": prop("clientId"),
        "tenant_id": prop("tenantId"),
    },
)

NETWORK_WATCHER = TerraformType("azurerm_network_watcher", COMMON)


def _part_of_id(step: str, document: Mapping[str, Any]) -> str:
    parts = str(document.get("id", "")).split("/")
    place = next((i for i, part in enumerate(parts) if part.lower() == step), len(parts))
    return parts[place + 1] if len(parts) > place + 1 else ""


FLOW_LOG = TerraformType(
    "azurerm_network_watcher_flow_log",
    {
        **COMMON,
        "network_watcher_name": lambda document: _part_of_id("networkwatchers", document),
        "enabled": prop("enabled", default=False),
        "storage_account_id": prop("storageId"),
        "target_resource_id": prop("targetResourceId"),
        "version": prop("format", "version", default=1),
        "retention_policy": block("retentionPolicy", enabled="enabled", days="days"),
        "traffic_analytics": block(
            "flowAnalyticsConfiguration",
            "networkWatcherFlowAnalyticsConfiguration",
            enabled="enabled",
            workspace_id="workspaceId",
            workspace_region="workspaceRegion",
            workspace_resource_id="workspaceResourceId",
            interval_in_minutes="trafficAnalyticsInterval",
        ),
    },
)

LOG_ANALYTICS_WORKSPACE = TerraformType(
    "azurerm_log_analytics_workspace",
    {
        **COMMON,
        "sku": prop("sku", "name"),
        "retention_in_days": prop("retentionInDays"),
        "daily_quota_gb": prop("workspaceCapping", "dailyQuotaGb"),
        "internet_ingestion_enabled": enabled("publicNetworkAccessForIngestion", default=True),
        "internet_query_enabled": enabled("publicNetworkAccessForQuery", default=True),
        "local_authentication_enabled": negated("features", "disableLocalAuth"),
        "workspace_id": prop("customerId"),
        "identity": identity,
    },
)


def _criteria(document: Document) -> Any:
    """The conditions that Terraform gives names to."""
    names = {
        "category": "category",
        "operationname": "operation_name",
        "level": "level",
        "status": "status",
        "substatus": "sub_status",
        "resourceid": "resource_id",
        "resourcetype": "resource_type",
        "resourcegroup": "resource_group",
        "resourceprovider": "resource_provider",
        "caller": "caller",
        "recommendationtype": "recommendation_type",
    }
    found: dict[str, Any] = {}
    for one in items(document, "condition", "allOf"):
        if (name := names.get(str(one.get("field")).lower())) is not None:
            found[name] = one.get("equals")
    return [found] if found else ABSENT_BLOCK


ACTIVITY_LOG_ALERT = TerraformType(
    "azurerm_monitor_activity_log_alert",
    {
        **COMMON,
        "description": prop("description", default=""),
        "enabled": prop("enabled", default=True),
        "scopes": prop("scopes", default=[]),
        "criteria": _criteria,
        "action": lambda document: [
            {
                "action_group_id": group.get("actionGroupId"),
                "webhook_properties": at(group, "webhookProperties", default={}),
            }
            for group in items(document, "actions", "actionGroups")
        ],
    },
)


_SOFT_DELETE: Final = ("securitySettings", "softDeleteSettings", "softDeleteState")

RECOVERY_VAULT = TerraformType(
    "azurerm_recovery_services_vault",
    {
        **COMMON,
        "sku": top("sku", "name"),
        "public_network_access_enabled": enabled("publicNetworkAccess", default=True),
        "immutability": prop("securitySettings", "immutabilitySettings", "state", default="Disabled"),
        "soft_delete_enabled": lambda document: (
            str(at(document, "properties", *_SOFT_DELETE, default="Enabled")).lower() != "disabled"
        ),
        "storage_mode_type": prop("redundancySettings", "standardTierStorageRedundancy"),
        "cross_region_restore_enabled": enabled("redundancySettings", "crossRegionRestore"),
        "encryption": lambda document: (
            [
                {
                    "key_id": at(found, "keyVaultProperties", "keyUri"),
                    "infrastructure_encryption_enabled": str(
                        at(found, "infrastructureEncryption", default="")
                    ).lower()
                    == "enabled",
                    "use_system_assigned_identity": at(found, "kekIdentity", "useSystemAssignedIdentity"),
                    "user_assigned_identity_id": at(found, "kekIdentity", "userAssignedIdentity", default=""),
                }
            ]
            if isinstance(found := at(document, "properties", "encryption"), Mapping)
            else ABSENT_BLOCK
        ),
        "identity": identity,
    },
)

AUTOMATION_ACCOUNT = TerraformType(
    "azurerm_automation_account",
    {
        **COMMON,
        "sku_name": prop("sku", "name"),
        "public_network_access_enabled": lambda document: (
            at(document, "properties", "publicNetworkAccess") is not False
        ),
        "local_authentication_enabled": negated("disableLocalAuth"),
        "identity": identity,
    },
)
