"""The resource providers of the emulated Azure: namespaces, types with their own casing, and API versions, newest first."""

from __future__ import annotations

from typing import Any, Final

NAMESPACES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Microsoft.Resources": {
        "subscriptions": ("2022-12-01", "2021-01-01"),
        "resourceGroups": ("2025-04-01", "2021-04-01"),
        "tags": ("2025-04-01", "2021-04-01"),
        "deployments": ("2025-04-01", "2021-04-01"),
    },
    "Microsoft.Authorization": {
        "roleAssignments": ("2022-04-01", "2018-09-01-preview"),
        "locks": ("2020-05-01", "2016-09-01"),
        "permissions": ("2022-04-01",),
        "policyAssignments": ("2023-04-01", "2018-03-01"),
        "policyDefinitions": ("2023-04-01", "2018-03-01"),
        "policyExemptions": ("2022-07-01-preview",),
        "policySetDefinitions": ("2023-04-01", "2018-03-01"),
        "roleDefinitions": ("2022-04-01", "2018-01-01-preview"),
    },
    "Microsoft.Insights": {
        "diagnosticSettings": ("2021-05-01-preview",),
        "activityLogAlerts": ("2020-10-01", "2017-04-01"),
    },
    "Microsoft.Management": {"managementGroups": ("2023-04-01", "2020-05-01")},
    "Microsoft.Storage": {
        "storageAccounts": ("2025-06-01-preview", "2024-01-01", "2023-05-01", "2019-04-01"),
        "storageAccounts/blobServices": ("2024-01-01", "2023-05-01"),
    },
    "Microsoft.Network": {
        "networkSecurityGroups": ("2024-05-01", "2023-11-01"),
        "virtualNetworks": ("2024-05-01", "2023-11-01"),
        "publicIPAddresses": ("2024-05-01", "2023-11-01"),
        "networkInterfaces": ("2024-05-01", "2023-11-01"),
        "networkWatchers": ("2024-05-01", "2023-11-01"),
        "networkWatchers/flowLogs": ("2024-05-01", "2023-11-01"),
    },
    "Microsoft.Compute": {
        "virtualMachines": ("2024-11-01", "2024-07-01"),
        "disks": ("2024-03-02", "2023-10-02"),
    },
    "Microsoft.KeyVault": {
        "vaults": ("2024-11-01", "2023-07-01"),
        "vaults/keys": ("2024-11-01", "2023-07-01"),
        "vaults/secrets": ("2024-11-01", "2023-07-01"),
    },
    "Microsoft.Sql": {
        "servers": ("2024-05-01-preview", "2023-08-01", "2021-11-01"),
        "servers/databases": ("2024-05-01-preview", "2023-08-01", "2021-11-01"),
        "servers/auditingSettings": ("2023-08-01", "2021-11-01"),
        "servers/encryptionProtector": ("2023-08-01", "2021-11-01"),
        "servers/firewallRules": ("2023-08-01", "2021-11-01"),
        "servers/databases/transparentDataEncryption": ("2023-08-01", "2021-11-01"),
    },
    "Microsoft.ContainerService": {"managedClusters": ("2025-05-01", "2024-09-01")},
    "Microsoft.Web": {"sites": ("2024-11-01", "2023-12-01"), "serverFarms": ("2024-11-01", "2023-12-01")},
    "Microsoft.OperationalInsights": {"workspaces": ("2025-02-01", "2023-09-01")},
    "Microsoft.Security": {
        "assessments": ("2021-06-01",),
        "pricings": ("2024-01-01",),
        "securityContacts": ("2023-12-01-preview", "2020-01-01-preview"),
    },
    "Microsoft.ManagedIdentity": {"userAssignedIdentities": ("2024-11-30", "2023-01-31")},
}
LOCATIONS: Final = ("westeurope", "northeurope", "eastus")
TRACKED_UNDER_OTHER_TABLES: Final = {
    "microsoft.resources/subscriptions": "resourcecontainers",
    "microsoft.resources/subscriptions/resourcegroups": "resourcecontainers",
    "microsoft.authorization/roleassignments": "authorizationresources",
    "microsoft.authorization/policyassignments": "policyresources",
    "microsoft.authorization/policydefinitions": "policyresources",
    "microsoft.security/assessments": "securityresources",
    "microsoft.security/pricings": "securityresources",
}
"""Lower-cased type -> the Resource Graph table that lists it; every other type is in ``resources``."""
NOT_IN_GRAPH: Final = frozenset(
    {
        "microsoft.authorization/locks",
        "microsoft.authorization/roledefinitions",
        "microsoft.insights/diagnosticsettings",
        "microsoft.keyvault/vaults/keys",
        "microsoft.keyvault/vaults/secrets",
        "microsoft.security/securitycontacts",
        "microsoft.sql/servers/auditingsettings",
        "microsoft.sql/servers/databases/transparentdataencryption",
        "microsoft.sql/servers/encryptionprotector",
        "microsoft.sql/servers/firewallrules",
        "microsoft.storage/storageaccounts/blobservices",
    }
)
"""Types our Resource Graph does not list, as the real one lacks them."""


def namespace(name: str) -> str | None:
    """The namespace as Azure spells it, or None."""
    return next((known for known in NAMESPACES if known.lower() == name.lower()), None)


def versions(provider_type: str) -> tuple[str, ...]:
    """The API versions of ``Microsoft.X/y``, newest first; none for an unknown type."""
    space, _, kind = provider_type.partition("/")
    types = NAMESPACES.get(namespace(space) or "", {})
    return next((v for k, v in types.items() if k.lower() == kind.lower()), ())


def graph_version(provider_type: str) -> str | None:
    """The API version Resource Graph reads a type with: an older stable one, as the real service does."""
    stable = [v for v in versions(provider_type) if not v.endswith("-preview")]
    return stable[-1] if stable else None


def provider_document(subscription: str, name: str, *, registered: bool) -> dict[str, Any]:
    """What ``GET …/providers/{namespace}`` answers."""
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": "Registered" if registered else "NotRegistered",
        "resourceTypes": [
            {
                "resourceType": kind,
                "locations": list(LOCATIONS),
                "apiVersions": list(known),
                "capabilities": "None",
            }
            for kind, known in NAMESPACES[name].items()
        ],
    }
