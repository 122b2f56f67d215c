"""What Resource Graph does not list: each a type of its own, read from Azure Resource Manager below the resources that have it.

A declaration says which resources have such details and where below them they are listed. Its scope is (azure, subscription,
any region, the type), with a coverage of its own: a listing that is denied leaves these unread and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.azure.names import MANAGEMENT_GROUP, ROLE_ASSIGNMENT, SUBSCRIPTION

_INSIGHTS: Final = "/providers/Microsoft.Insights/diagnosticSettings"
_AUTHORIZATION: Final = "/providers/Microsoft.Authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One type of detail. ``spelled`` is the type as Azure writes it; ``below`` maps a parent's type (lower case) to the
    path, below the parent's id, that lists the details."""

    spelled: str
    version: str
    below: Mapping[str, str]
    what: str
    """In a few words, for the documentation."""
    query: Mapping[str, str] | None = None
    """Further parameters of the call."""
    without: frozenset[str] = frozenset()
    """Names of parents that have none."""

    @property
    def type(self) -> str:
        """The type in lower case, as a scope and a policy name it."""
        return self.spelled.lower()

    @property
    def permission(self) -> str:
        """What reading it needs."""
        return f"{self.spelled}/read"

    @property
    def parents(self) -> tuple[str, ...]:
        """The types of the resources that have it, but for the subscription itself, which needs no listing."""
        return tuple(t for t in self.below if t != SUBSCRIPTION)


DETAILS: Final[Mapping[str, Detail]] = {
    detail.type: detail
    for detail in (
        Detail(
            spelled="Microsoft.Authorization/locks",
            version="2020-05-01",
            below={SUBSCRIPTION: f"{_AUTHORIZATION}/locks"},
            what="locks at the subscription and on everything in it",
        ),
        Detail(
            spelled="Microsoft.Authorization/roleDefinitions",
            version="2022-04-01",
            below={SUBSCRIPTION: f"{_AUTHORIZATION}/roleDefinitions"},
            query={"$filter": "type eq 'CustomRole'"},
            what="custom roles that can be assigned in the subscription",
        ),
        Detail(
            spelled="Microsoft.Insights/diagnosticSettings",
            version="2021-05-01-preview",
            below={
                SUBSCRIPTION: _INSIGHTS,
                "microsoft.containerservice/managedclusters": _INSIGHTS,
                "microsoft.keyvault/vaults": _INSIGHTS,
                "microsoft.network/applicationgateways": _INSIGHTS,
                "microsoft.network/azurefirewalls": _INSIGHTS,
                "microsoft.sql/servers/databases": _INSIGHTS,
                "microsoft.storage/storageaccounts": f"/blobServices/default{_INSIGHTS}",
                "microsoft.web/sites": _INSIGHTS,
            },
            what="where the activity log and the logs of vaults, clusters, gateways, firewalls, databases, blob "
            "services and web apps go",
        ),
        Detail(
            spelled="Microsoft.KeyVault/vaults/keys",
            version="2023-07-01",
            below={"microsoft.keyvault/vaults": "/keys"},
            what="keys of a vault: enabled, expiry, rotation; never the key",
        ),
        Detail(
            spelled="Microsoft.KeyVault/vaults/secrets",
            version="2023-07-01",
            below={"microsoft.keyvault/vaults": "/secrets"},
            what="secrets of a vault: enabled, expiry; Azure Resource Manager never tells the value",
        ),
        Detail(
            spelled="Microsoft.Security/securityContacts",
            version="2020-01-01-preview",
            below={SUBSCRIPTION: "/providers/Microsoft.Security/securityContacts"},
            what="whom Defender for Cloud tells",
        ),
        Detail(
            spelled="Microsoft.Sql/servers/auditingSettings",
            version="2021-11-01",
            below={"microsoft.sql/servers": "/auditingSettings"},
            what="auditing of a server",
        ),
        Detail(
            spelled="Microsoft.Sql/servers/encryptionProtector",
            version="2021-11-01",
            below={"microsoft.sql/servers": "/encryptionProtector"},
            what="the key that protects a server's encryption",
        ),
        Detail(
            spelled="Microsoft.Sql/servers/firewallRules",
            version="2021-11-01",
            below={"microsoft.sql/servers": "/firewallRules"},
            what="who may reach a server",
        ),
        Detail(
            spelled="Microsoft.Sql/servers/databases/transparentDataEncryption",
            version="2021-11-01",
            below={"microsoft.sql/servers/databases": "/transparentDataEncryption"},
            without=frozenset({"master"}),
            what="encryption of a database",
        ),
        Detail(
            spelled="Microsoft.DBforPostgreSQL/flexibleServers/firewallRules",
            version="2022-12-01",
            below={"microsoft.dbforpostgresql/flexibleservers": "/firewallRules"},
            what="who may reach a PostgreSQL server",
        ),
        Detail(
            spelled="Microsoft.DBforMySQL/flexibleServers/firewallRules",
            version="2023-12-30",
            below={"microsoft.dbformysql/flexibleservers": "/firewallRules"},
            what="who may reach a MySQL server",
        ),
        Detail(
            spelled="Microsoft.Storage/storageAccounts/blobServices",
            version="2023-05-01",
            below={"microsoft.storage/storageaccounts": "/blobServices"},
            what="soft delete, versioning and change feed of blobs",
        ),
    )
}
"""Type (lower case) -> its declaration."""

GROUPS_VERSION: Final = "2020-05-01"
_EXACTLY: Final = {"$filter": "atExactScope()"}


def _at_group(spelled: str, version: str, what: str, query: Mapping[str, str] | None = None) -> Detail:
    """What is attached to a management group."""
    return Detail(
        spelled=spelled,
        version=version,
        below={MANAGEMENT_GROUP: f"/providers/{spelled}"},
        what=what,
        query=query,
    )


ABOVE: Final[Mapping[str, Detail]] = {
    detail.type: detail
    for detail in (
        Detail(
            spelled="Microsoft.Management/managementGroups",
            version=GROUPS_VERSION,
            below={MANAGEMENT_GROUP: ""},
            what="the group itself: its name and what it is below",
        ),
        _at_group(
            "Microsoft.Authorization/roleAssignments",
            "2022-04-01",
            "who may do what in everything below the group; those at the tenant's root as of the account `tenants/ID`",
            {"$filter": "atScope()"},
        ),
        _at_group(
            "Microsoft.Authorization/policyAssignments",
            "2023-04-01",
            "Azure policies in force below the group",
            _EXACTLY,
        ),
        _at_group(
            "Microsoft.Authorization/policyDefinitions",
            "2023-04-01",
            "policies defined at the group",
            _EXACTLY,
        ),
        _at_group(
            "Microsoft.Authorization/policySetDefinitions",
            "2023-04-01",
            "sets of policies defined at the group",
            _EXACTLY,
        ),
        _at_group(
            "Microsoft.Authorization/policyExemptions",
            "2022-07-01-preview",
            "what policies do not hold for",
            _EXACTLY,
        ),
        _at_group(
            "Microsoft.Insights/diagnosticSettings",
            "2021-05-01-preview",
            "where the group's activity log goes",
        ),
    )
}
"""Type (lower case) -> how it is listed at a management group."""
AT_ROOT: Final = frozenset({ROLE_ASSIGNMENT})
"""The types that can be attached to the tenant's root."""
