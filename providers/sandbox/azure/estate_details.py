"""What the seeded estate has beside its resources: logging, auditing, keys, locks, roles, plans of Defender, and the tree above.

Production is in order but for the resources whose names say otherwise; development never had any of it.
"""

from __future__ import annotations

from typing import Any

from providers.sandbox.azure.arm import TERRAFORM, ArmStore

_GROUPS = "/providers/Microsoft.Management/managementGroups"
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments/d0000000-0000-4000-8000-00000000001"
_INSIGHTS = "providers/Microsoft.Insights/diagnosticSettings"


def add_groups(store: ArmStore, production: str, development: str) -> None:
    """The management groups: one for the company, one for each environment."""
    store.groups.add("mg-contoso", "Contoso")
    store.groups.add("mg-production", "Production", "mg-contoso")
    store.groups.add("mg-development", "Development", "mg-contoso")
    store.groups.move(production, "mg-production")
    store.groups.move(development, "mg-development")
    _attached(store)


def _attached(store: ArmStore) -> None:
    """What is attached to the tree: a policy and its assignment for the company, its log, and who may do what."""
    company, open_ = (f"{_GROUPS}/{group}/providers" for group in ("mg-contoso", "mg-development"))
    definition = f"{company}/Microsoft.Authorization/policyDefinitions/only-in-europe"
    rule = {
        "if": {"not": {"field": "location", "in": ["westeurope", "northeurope"]}},
        "then": {"effect": "deny"},
    }
    for path, properties in (
        (
            definition,
            {"policyType": "Custom", "mode": "Indexed", "displayName": "Only in Europe", "policyRule": rule},
        ),
        (
            f"{company}/Microsoft.Authorization/policyAssignments/only-in-europe",
            {
                "policyDefinitionId": definition,
                "enforcementMode": "Default",
                "scope": f"{_GROUPS}/mg-contoso",
            },
        ),
        (
            f"{company}/Microsoft.Insights/diagnosticSettings/to-storage",
            {"logs": [{"category": c, "enabled": True} for c in ("Administrative", "Policy")], "metrics": []},
        ),
        (
            f"{company}/{_ASSIGNMENT}1",
            _access("acdd72a7-3385-48ef-bd42-f606fba81ae7", f"{_GROUPS}/mg-contoso", "Group"),
        ),
        (
            f"{open_}/{_ASSIGNMENT}2",
            _access("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", f"{_GROUPS}/mg-development", "User"),
        ),
        # Access to everything, elevated once and never taken back.
        (f"/providers/{_ASSIGNMENT}3", _access("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "/", "User")),
    ):
        store.put(path, {"properties": properties}, TERRAFORM)


def _access(role: str, scope: str, kind: str) -> dict[str, Any]:
    return {
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": "e0000000-0000-4000-8000-000000000002",
        "principalType": kind,
        "scope": scope,
        "createdOn": "2025-02-03T08:00:00.0000000Z",
    }


def add(store: ArmStore, subscription: str, short: str) -> None:
    """What belongs to one subscription and to the resources :mod:`.estate` has put there."""
    _Details(store, f"/subscriptions/{subscription}", short, orderly=short == "prod").all()


class _Details:
    def __init__(self, store: ArmStore, base: str, short: str, *, orderly: bool) -> None:
        self._store = store
        self._base = base
        self._short = short
        self._orderly = orderly
        self._workspace = self._in("apps", f"Microsoft.OperationalInsights/workspaces/log-{short}")

    def all(self) -> None:
        self._storage()
        self._vaults()
        self._sql()
        self._network()
        self._subscription()
        if self._orderly:
            self._watched()

    def _in(self, group: str, path: str) -> str:
        return f"{self._base}/resourceGroups/rg-{self._short}-{group}/providers/{path}"

    def _put(self, path: str, properties: dict[str, Any]) -> None:
        self._store.put(path, {"properties": properties}, TERRAFORM)

    def _logs(self, of: str, *categories: str) -> None:
        logs = [{"category": c, "enabled": True, "retentionPolicy": {"enabled": False}} for c in categories]
        self._put(
            f"{of}/{_INSIGHTS}/to-workspace", {"workspaceId": self._workspace, "logs": logs, "metrics": []}
        )

    def _storage(self) -> None:
        for what in ("good", "public", "http", "legacy", "open", "sharedkey"):
            account = self._in("data", f"Microsoft.Storage/storageAccounts/st{self._short}{what}")
            kept = {"enabled": True, "days": 30} if what != "legacy" else {"enabled": False}
            self._put(
                f"{account}/blobServices/default",
                {
                    "deleteRetentionPolicy": {"allowPermanentDelete": False, **kept},
                    "containerDeleteRetentionPolicy": dict(kept),
                    "isVersioningEnabled": what != "legacy",
                    "changeFeed": {"enabled": what != "legacy"},
                    "cors": {"corsRules": []},
                },
            )
            if what == "good":
                self._logs(f"{account}/blobServices/default", "StorageRead", "StorageWrite", "StorageDelete")

    def _vaults(self) -> None:
        for name, good in ((f"kv-{self._short}-good", True), (f"kv-{self._short}-open", False)):
            vault = self._in("data", f"Microsoft.KeyVault/vaults/{name}")
            for kind in ("keys", "secrets"):
                attributes = {"enabled": True, "created": 1735689600, **({"exp": 1798761600} if good else {})}
                self._put(f"{vault}/{kind}/orders", {"attributes": attributes})
            if good:
                self._logs(vault, "AuditEvent")

    def _sql(self) -> None:
        for name, good in ((f"sql-{self._short}-private", True), (f"sql-{self._short}-public", False)):
            server = self._in("data", f"Microsoft.Sql/servers/{name}")
            audited = {
                "retentionDays": 120,
                "isAzureMonitorTargetEnabled": True,
                "auditActionsAndGroups": _AUDITED,
            }
            self._put(
                f"{server}/auditingSettings/default",
                {"state": "Enabled", **audited} if good else {"state": "Disabled", "retentionDays": 0},
            )
            self._put(
                f"{server}/encryptionProtector/current",
                {"serverKeyType": "AzureKeyVault" if good else "ServiceManaged", "autoRotationEnabled": good},
            )
            self._put(
                f"{server}/databases/orders/transparentDataEncryption/current",
                {"state": "Enabled" if good else "Disabled"},
            )
            if not good:
                for rule, end in (("AllowAllWindowsAzureIps", "0.0.0.0"), ("everyone", "255.255.255.255")):  # noqa: S104
                    self._put(
                        f"{server}/firewallRules/{rule}",
                        {"startIpAddress": "0.0.0.0", "endIpAddress": end},  # noqa: S104
                    )

    def _network(self) -> None:
        watcher = self._in("network", f"Microsoft.Network/networkWatchers/nw-{self._short}")
        network = self._in("network", f"Microsoft.Network/virtualNetworks/vnet-{self._short}")
        self._put(
            f"{watcher}/flowLogs/vnet-{self._short}",
            {
                "targetResourceId": network,
                "storageId": self._in("data", f"Microsoft.Storage/storageAccounts/st{self._short}good"),
                "enabled": self._orderly,
                "retentionPolicy": {"days": 90 if self._orderly else 0, "enabled": self._orderly},
                "format": {"type": "JSON", "version": 2},
            },
        )

    def _subscription(self) -> None:
        for plan in ("VirtualMachines", "StorageAccounts", "SqlServers", "KeyVaults"):
            tier = "Standard" if self._orderly else "Free"
            self._put(f"{self._base}/providers/Microsoft.Security/pricings/{plan}", {"pricingTier": tier})
        definition = (
            "/providers/Microsoft.Authorization/policyDefinitions/404c3081-a854-4457-ae30-26a93ef643f9"
        )
        self._put(
            f"{self._base}/providers/Microsoft.Authorization/policyAssignments/https-only",
            {
                "policyDefinitionId": definition,
                "enforcementMode": "Default" if self._orderly else "DoNotEnforce",
            },
        )
        name, actions = ("operator", ["Microsoft.Compute/*"]) if self._orderly else ("everything", ["*"])
        self._put(
            f"{self._base}/providers/Microsoft.Authorization/roleDefinitions/f0000000-0000-4000-8000-000000000001",
            {
                "roleName": name,
                "type": "CustomRole",
                "permissions": [
                    {"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}
                ],
                "assignableScopes": [self._base],
            },
        )

    def _watched(self) -> None:
        """What only the orderly subscription has."""
        self._logs(self._base, "Administrative", "Alert", "Policy", "Security")
        self._logs(self._in("apps", f"Microsoft.Web/sites/web-{self._short}-good"), "AppServiceHTTPLogs")
        self._put(
            f"{self._base}/resourceGroups/rg-{self._short}-data/providers/Microsoft.Authorization/locks/keep",
            {"level": "CanNotDelete", "notes": "Orders live here."},
        )
        self._put(
            f"{self._base}/providers/Microsoft.Security/securityContacts/default",
            {
                "emails": "security@contoso.example",
                "alertNotifications": {"state": "On", "minimalSeverity": "Medium"},
                "notificationsByRole": {"state": "On", "roles": ["Owner"]},
            },
        )
        alert = self._in("apps", "Microsoft.Insights/activityLogAlerts/nsg-changes")
        self._put(
            alert,
            {
                "enabled": True,
                "scopes": [self._base],
                "condition": {
                    "allOf": [
                        {"field": "category", "equals": "Administrative"},
                        {"field": "operationName", "equals": "Microsoft.Network/networkSecurityGroups/write"},
                    ]
                },
                "actions": {
                    "actionGroups": [
                        {"actionGroupId": self._in("apps", "microsoft.insights/actionGroups/on-call")}
                    ]
                },
            },
        )


_AUDITED = [
    "SUCCESSFUL_DATABASE_AUTHENTICATION_GROUP",
    "FAILED_DATABASE_AUTHENTICATION_GROUP",
    "BATCH_COMPLETED_GROUP",
]
