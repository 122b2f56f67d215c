"""The seeded estate: two subscriptions, more than a hundred resources, each bad one beside a good twin.

Names say which is which: what ends in ``open``, ``legacy`` or ``public`` is wrong, its twin is right. The sandbox's
documentation, the demo and the preparation pack's acceptance tests count on these names.
"""

from __future__ import annotations

from typing import Any, Final

from providers.sandbox.azure import estate_details
from providers.sandbox.azure.arm import TERRAFORM, ArmStore
from providers.sandbox.azure.estate_rules import group_of, rule, ssh

PRODUCTION: Final = "a0000000-0000-4000-8000-00000000000a"
DEVELOPMENT: Final = "b0000000-0000-4000-8000-00000000000b"
SUBSCRIPTIONS: Final = {PRODUCTION: "contoso-production", DEVELOPMENT: "contoso-development"}


def seed(store: ArmStore) -> None:
    """Fill a store; it then looks as if all had been there for long (no change records)."""
    for subscription, name in SUBSCRIPTIONS.items():
        store.add_subscription(subscription, name)
    for subscription, region, short in ((PRODUCTION, "westeurope", "prod"), (DEVELOPMENT, "eastus", "dev")):
        _Seeder(store, subscription, region, short).all()
        estate_details.add(store, subscription, short)
    estate_details.add_groups(store, PRODUCTION, DEVELOPMENT)
    store.forget_changes()


class _Seeder:
    def __init__(self, store: ArmStore, subscription: str, region: str, short: str) -> None:
        self._store = store
        self._subscription = subscription
        self._region = region
        self._short = short
        self._tags = {"environment": short, "owner": "platform"}

    def all(self) -> None:
        """Everything of one subscription."""
        for group in ("network", "data", "apps"):
            path = f"/subscriptions/{self._subscription}/resourceGroups/rg-{self._short}-{group}"
            self._store.put(path, {"location": self._region, "tags": self._tags}, TERRAFORM)
        self._network()
        self._storage()
        self._vaults()
        self._compute()
        self._sql()
        self._apps()
        self._access()

    def _put(self, group: str, type_name: str, name: str, properties: dict[str, Any], **top: Any) -> str:
        """Create one resource below a group; ``type_name`` is ``Microsoft.X/y`` and ``name`` may be ``parent/child``."""
        space, *types = type_name.split("/")
        names = name.split("/")
        pairs = "/".join(f"{t}/{n}" for t, n in zip(types, names, strict=True))
        path = f"/subscriptions/{self._subscription}/resourceGroups/rg-{self._short}-{group}/providers/{space}/{pairs}"
        body = {"location": self._region, "tags": dict(self._tags), "properties": properties, **top}
        stored, _ = self._store.put(path, body, TERRAFORM)
        return str(stored["id"])

    def _network(self) -> None:
        kind = "Microsoft.Network/networkSecurityGroups"
        closed = self._put("network", kind, f"nsg-{self._short}-closed", group_of([ssh("10.0.0.0/8", 100)]))
        self._put("network", kind, f"nsg-{self._short}-open", group_of([ssh("*", 100)]))
        self._put(
            "network",
            kind,
            f"nsg-{self._short}-rdp-open",
            group_of([rule("AllowRdp", 200, "3389", "Internet")]),
        )
        self._put(
            "network", kind, f"nsg-{self._short}-web", group_of([rule("AllowHttps", 100, "443", "Internet")])
        )
        for name, group in ((f"vnet-{self._short}", closed), (f"vnet-{self._short}-open", None)):
            guarded = {"networkSecurityGroup": {"id": group}} if group else {}
            self._put(
                "network",
                "Microsoft.Network/virtualNetworks",
                name,
                {
                    "addressSpace": {"addressPrefixes": ["10.10.0.0/16", "10.20.0.0/16"]},
                    "dhcpOptions": {"dnsServers": ["10.10.0.5", "10.10.0.4"]},
                    "subnets": [
                        {
                            "name": n,
                            "properties": {"addressPrefix": p, "provisioningState": "Succeeded", **guarded},
                        }
                        for n, p in (("web", "10.10.1.0/24"), ("data", "10.10.2.0/24"))
                    ],
                    "enableDdosProtection": False,
                    "virtualNetworkPeerings": [],
                },
                etag='W/"1c3d"',
            )
        for name, method in ((f"pip-{self._short}-web", "Static"), (f"pip-{self._short}-legacy", "Dynamic")):
            self._put(
                "network",
                "Microsoft.Network/publicIPAddresses",
                name,
                {
                    "publicIPAllocationMethod": method,
                    "publicIPAddressVersion": "IPv4",
                    "idleTimeoutInMinutes": 4,
                    "ipTags": [],
                    "ddosSettings": {"protectionMode": "VirtualNetworkInherited"},
                    **({"ipAddress": "203.0.113.10"} if method == "Static" else {}),
                },
                sku={"name": "Standard" if method == "Static" else "Basic", "tier": "Regional"},
                **({"zones": ["1", "2", "3"]} if method == "Static" else {}),
            )
        self._put(
            "network", "Microsoft.Network/networkWatchers", f"nw-{self._short}", {"runningOperationIds": []}
        )

    def _storage(self) -> None:
        bad: dict[str, dict[str, Any]] = {
            "good": {},
            "public": {"allowBlobPublicAccess": True},
            "http": {"supportsHttpsTrafficOnly": False},
            "legacy": {"minimumTlsVersion": "TLS1_0"},
            "open": {"networkAcls": {**_ACLS, "defaultAction": "Allow"}, "publicNetworkAccess": "Enabled"},
            "sharedkey": {"allowSharedKeyAccess": True},
        }
        for what, overrides in bad.items():
            properties = {
                "allowBlobPublicAccess": False,
                "allowSharedKeyAccess": False,
                "supportsHttpsTrafficOnly": True,
                "minimumTlsVersion": "TLS1_2",
                "publicNetworkAccess": "Disabled",
                "accessTier": "Hot",
                "networkAcls": dict(_ACLS),
                "encryption": {
                    "keySource": "Microsoft.Storage",
                    "requireInfrastructureEncryption": True,
                    "services": {
                        k: {
                            "enabled": True,
                            "keyType": "Account",
                            "lastEnabledTime": "2025-02-03T08:15:01.6583180Z",
                        }
                        for k in ("blob", "file")
                    },
                },
                "creationTime": "2025-02-03T08:15:01.5958150Z",
                "primaryEndpoints": {"blob": f"https://st{self._short}{what}.blob.core.windows.net/"},
                "primaryLocation": self._region,
                "statusOfPrimary": "available",
                "privateEndpointConnections": [],
                **overrides,
            }
            sku = {"name": "Standard_GRS" if what == "good" else "Standard_LRS", "tier": "Standard"}
            name = f"st{self._short}{what}"
            self._put(
                "data", "Microsoft.Storage/storageAccounts", name, properties, sku=sku, kind="StorageV2"
            )

    def _vaults(self) -> None:
        for name, good in ((f"kv-{self._short}-good", True), (f"kv-{self._short}-open", False)):
            properties: dict[str, Any] = {
                "sku": {"family": "A", "name": "premium" if good else "standard"},
                "tenantId": "5b2d6c1e-0000-4000-8000-000000000001",
                "accessPolicies": [],
                "enabledForDeployment": False,
                "enabledForDiskEncryption": True,
                "enabledForTemplateDeployment": False,
                "enableSoftDelete": True,
                "softDeleteRetentionInDays": 90 if good else 7,
                "enableRbacAuthorization": good,
                "vaultUri": f"https://{name}.vault.azure.net/",
                "publicNetworkAccess": "Disabled" if good else "Enabled",
            }
            if good:
                # Azure leaves the property out where purge protection was never switched on.
                properties["enablePurgeProtection"] = True
                properties["networkAcls"] = dict(_ACLS)
            system = {"createdBy": "terraform", "lastModifiedAt": "2025-03-01T09:00:00.0000000Z"}
            self._put("data", "Microsoft.KeyVault/vaults", name, properties, systemData=system)

    def _compute(self) -> None:
        for name, good in ((f"vm-{self._short}-linux", True), (f"vm-{self._short}-legacy", False)):
            nic = self._put(
                "apps",
                "Microsoft.Network/networkInterfaces",
                f"nic-{name}",
                {"enableIPForwarding": not good, "ipConfigurations": [], "primary": True, "dnsSettings": {}},
            )
            disk = self._put(
                "apps",
                "Microsoft.Compute/disks",
                f"disk-{name}",
                {
                    "diskSizeGB": 64,
                    "osType": "Linux" if good else "Windows",
                    "creationData": {"createOption": "FromImage"},
                    "encryption": {
                        "type": "EncryptionAtRestWithCustomerKey"
                        if good
                        else "EncryptionAtRestWithPlatformKey",
                        **(
                            {"diskEncryptionSetId": f"/subscriptions/{self._subscription}/des-1"}
                            if good
                            else {}
                        ),
                    },
                    "networkAccessPolicy": "DenyAll" if good else "AllowAll",
                    "publicNetworkAccess": "Disabled" if good else "Enabled",
                    "diskState": "Attached",
                    "timeCreated": "2025-02-03T08:20:11.1234567+00:00",
                },
                sku={"name": "Premium_LRS", "tier": "Premium"},
            )
            linux = {
                "disablePasswordAuthentication": True,
                "provisionVMAgent": True,
                "ssh": {"publicKeys": []},
            }
            windows = {"provisionVMAgent": True, "enableAutomaticUpdates": False}
            self._put(
                "apps",
                "Microsoft.Compute/virtualMachines",
                name,
                {
                    "vmId": f"c0ffee00-0000-4000-8000-{'1' if good else '2':0>12}",
                    "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
                    "storageProfile": {
                        "osDisk": {
                            "osType": "Linux" if good else "Windows",
                            "name": f"disk-{name}",
                            "managedDisk": {"id": disk, "storageAccountType": "Premium_LRS"},
                            "caching": "ReadWrite",
                        },
                        "dataDisks": [],
                    },
                    "osProfile": {
                        "computerName": name[:15],
                        "adminUsername": "azureadmin",
                        "allowExtensionOperations": True,
                        **({"linuxConfiguration": linux} if good else {"windowsConfiguration": windows}),
                    },
                    "networkProfile": {"networkInterfaces": [{"id": nic, "properties": {"primary": True}}]},
                    **(
                        {"securityProfile": {"encryptionAtHost": True, "securityType": "TrustedLaunch"}}
                        if good
                        else {}
                    ),
                },
                **({"identity": {"type": "SystemAssigned"}} if good else {}),
            )

    def _sql(self) -> None:
        for name, good in ((f"sql-{self._short}-private", True), (f"sql-{self._short}-public", False)):
            self._put(
                "data",
                "Microsoft.Sql/servers",
                name,
                {
                    "administratorLogin": "sqladmin",
                    "version": "12.0",
                    "state": "Ready",
                    "fullyQualifiedDomainName": f"{name}.database.windows.net",
                    "minimalTlsVersion": "1.2" if good else "1.0",
                    "publicNetworkAccess": "Disabled" if good else "Enabled",
                    "restrictOutboundNetworkAccess": "Enabled" if good else "Disabled",
                    "privateEndpointConnections": [],
                    **(
                        {"administrators": {"azureADOnlyAuthentication": True, "login": "dba"}}
                        if good
                        else {}
                    ),
                },
                kind="v12.0",
            )
            self._put(
                "data",
                "Microsoft.Sql/servers/databases",
                f"{name}/orders",
                {
                    "collation": "SQL_Latin1_General_CP1_CI_AS",
                    "status": "Online",
                    "requestedBackupStorageRedundancy": "Geo",
                    "earliestRestoreDate": "2025-06-01T00:00:00.0000000Z",
                },
                sku={"name": "GP_Gen5", "tier": "GeneralPurpose", "capacity": 2},
            )

    def _apps(self) -> None:
        for name, good in ((f"aks-{self._short}-private", True), (f"aks-{self._short}-public", False)):
            self._put(
                "apps",
                "Microsoft.ContainerService/managedClusters",
                name,
                {
                    "kubernetesVersion": "1.33",
                    "dnsPrefix": name,
                    "enableRBAC": good,
                    "disableLocalAccounts": good,
                    "apiServerAccessProfile": {"enablePrivateCluster": good},
                    "networkProfile": {
                        "networkPlugin": "azure",
                        **({"networkPolicy": "calico"} if good else {}),
                    },
                    "agentPoolProfiles": [
                        {"name": "system", "count": 3, "vmSize": "Standard_D4s_v5", "mode": "System"}
                    ],
                    "addonProfiles": {"azurepolicy": {"enabled": good}},
                    **({"aadProfile": {"managed": True, "enableAzureRBAC": True}} if good else {}),
                },
                sku={"name": "Base", "tier": "Standard" if good else "Free"},
                identity={"type": "SystemAssigned"},
            )
        plan = self._put(
            "apps", "Microsoft.Web/serverFarms", f"plan-{self._short}", {"reserved": True}, kind="linux"
        )
        for name, good in ((f"web-{self._short}-good", True), (f"web-{self._short}-http", False)):
            self._put(
                "apps",
                "Microsoft.Web/sites",
                name,
                {
                    "state": "Running",
                    "enabled": True,
                    "httpsOnly": good,
                    "clientCertEnabled": good,
                    "reserved": True,
                    "serverFarmId": plan,
                    "publicNetworkAccess": "Enabled",
                    "hostNames": [f"{name}.azurewebsites.net"],
                    "lastModifiedTimeUtc": "2025-05-05T12:00:00.0000000",
                    "siteConfig": {
                        "minTlsVersion": "1.2" if good else "1.0",
                        "ftpsState": "Disabled" if good else "AllAllowed",
                    },
                },
                kind="app,linux",
                **({"identity": {"type": "SystemAssigned"}} if good else {}),
            )
        self._put(
            "apps",
            "Microsoft.OperationalInsights/workspaces",
            f"log-{self._short}",
            {
                "retentionInDays": 90,
                "sku": {"name": "PerGB2018"},
                "workspaceCapping": {
                    "dailyQuotaGb": -1.0,
                    "quotaNextResetTime": "2025-06-02T06:00:00.0000000Z",
                },
                "modifiedDate": "2025-06-01T11:22:33.4567890Z",
            },
        )
        self._put(
            "apps",
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            f"id-{self._short}",
            {"clientId": "c-1"},
        )

    def _access(self) -> None:
        base = f"/subscriptions/{self._subscription}/providers/Microsoft.Authorization/roleAssignments"
        for name, role in (
            ("d0000000-0000-4000-8000-000000000001", "reader"),
            ("d0000000-0000-4000-8000-000000000002", "owner"),
        ):
            properties = {
                "roleDefinitionId": f"/subscriptions/{self._subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
                "principalId": "e0000000-0000-4000-8000-000000000001",
                "principalType": "ServicePrincipal" if role == "reader" else "User",
                "scope": f"/subscriptions/{self._subscription}",
                "createdOn": "2025-02-03T08:00:00.0000000Z",
            }
            self._store.put(f"{base}/{name}", {"properties": properties}, TERRAFORM)


_ACLS: Final[dict[str, Any]] = {
    "bypass": "AzureServices",
    "defaultAction": "Deny",
    "ipRules": [],
    "virtualNetworkRules": [],
}
