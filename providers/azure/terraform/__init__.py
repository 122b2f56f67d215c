"""The Terraform view of Azure's resources: attribute names as the azurerm provider (version 4) has them.

A view reads the canonical document; where azurerm makes a block of what Azure nests, the view does. Several azurerm types
may describe one Azure type (a virtual machine is Linux's or Windows's): the document decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from providers.azure.terraform import access, compute, data, edge, network, servers
from providers.azure.terraform.reading import at
from providers.resource import Resource
from providers.terraform import TerraformType, TerraformView, view


def _always(declared: TerraformType) -> Callable[[Resource], TerraformType | None]:
    return lambda _resource: declared


def _scale_set(resource: Resource) -> TerraformType | None:
    profile = at(resource.document, "properties", "virtualMachineProfile", default={})
    system = at(profile, "storageProfile", "osDisk", "osType")
    if system is None:  # a set from a gallery's image does not say it there
        given = at(profile, "osProfile", default={})
        system = (
            "Linux"
            if "linuxConfiguration" in given
            else "Windows"
            if "windowsConfiguration" in given
            else None
        )
    return {"Linux": edge.LINUX_SCALE_SET, "Windows": edge.WINDOWS_SCALE_SET}.get(str(system))


def _site(resource: Resource) -> TerraformType | None:
    kinds = str(resource.document.get("kind") or "app").lower().split(",")
    if "functionapp" in kinds and "workflowapp" not in kinds:
        return edge.LINUX_FUNCTION_APP if "linux" in kinds else edge.WINDOWS_FUNCTION_APP
    return compute.site(resource)


VIEWS: Final[Mapping[str, tuple[tuple[TerraformType, ...], Callable[[Resource], TerraformType | None]]]] = {
    **{
        azure: ((declared,), _always(declared))
        for azure, declared in {
            "microsoft.authorization/roleassignments": access.ROLE_ASSIGNMENT,
            "microsoft.automation/automationaccounts": access.AUTOMATION_ACCOUNT,
            "microsoft.cache/redis": servers.REDIS_CACHE,
            "microsoft.cognitiveservices/accounts": servers.COGNITIVE_ACCOUNT,
            "microsoft.compute/disks": compute.MANAGED_DISK,
            "microsoft.compute/snapshots": edge.SNAPSHOT,
            "microsoft.containerregistry/registries": servers.CONTAINER_REGISTRY,
            "microsoft.containerservice/managedclusters": compute.KUBERNETES_CLUSTER,
            "microsoft.dbformysql/flexibleservers": servers.MYSQL,
            "microsoft.dbforpostgresql/flexibleservers": servers.POSTGRESQL,
            "microsoft.documentdb/databaseaccounts": servers.COSMOSDB_ACCOUNT,
            "microsoft.eventhub/namespaces": servers.EVENTHUB_NAMESPACE,
            "microsoft.insights/activitylogalerts": access.ACTIVITY_LOG_ALERT,
            "microsoft.keyvault/vaults": data.KEY_VAULT,
            "microsoft.managedidentity/userassignedidentities": access.USER_ASSIGNED_IDENTITY,
            "microsoft.network/applicationgateways": edge.APPLICATION_GATEWAY,
            "microsoft.network/azurefirewalls": edge.FIREWALL,
            "microsoft.network/bastionhosts": edge.BASTION_HOST,
            "microsoft.network/loadbalancers": edge.LOAD_BALANCER,
            "microsoft.network/networkinterfaces": edge.NETWORK_INTERFACE,
            "microsoft.network/networksecuritygroups": network.SECURITY_GROUP,
            "microsoft.network/networkwatchers": access.NETWORK_WATCHER,
            "microsoft.network/networkwatchers/flowlogs": access.FLOW_LOG,
            "microsoft.network/publicipaddresses": network.PUBLIC_IP,
            "microsoft.network/routetables": edge.ROUTE_TABLE,
            "microsoft.network/virtualnetworks": network.VIRTUAL_NETWORK,
            "microsoft.operationalinsights/workspaces": access.LOG_ANALYTICS_WORKSPACE,
            "microsoft.recoveryservices/vaults": access.RECOVERY_VAULT,
            "microsoft.resources/subscriptions/resourcegroups": access.RESOURCE_GROUP,
            "microsoft.servicebus/namespaces": servers.SERVICEBUS_NAMESPACE,
            "microsoft.sql/servers": data.SQL_SERVER,
            "microsoft.sql/servers/databases": servers.SQL_DATABASE,
            "microsoft.storage/storageaccounts": data.STORAGE_ACCOUNT,
            "microsoft.web/serverfarms": edge.SERVICE_PLAN,
        }.items()
    },
    "microsoft.compute/virtualmachines": ((compute.LINUX_MACHINE, compute.WINDOWS_MACHINE), compute.machine),
    "microsoft.compute/virtualmachinescalesets": ((edge.LINUX_SCALE_SET, edge.WINDOWS_SCALE_SET), _scale_set),
    "microsoft.web/sites": (
        (compute.LINUX_WEB_APP, compute.WINDOWS_WEB_APP, edge.LINUX_FUNCTION_APP, edge.WINDOWS_FUNCTION_APP),
        _site,
    ),
}
"""Azure type -> the azurerm types that may describe it, and which of them describes a given resource."""


def view_of(resource: Resource) -> TerraformView | None:
    """The view of a resource, or None where there is none of its type."""
    entry = VIEWS.get(resource.ref.type)
    declared = entry[1](resource) if entry is not None else None
    return view(declared, resource.document, resource.unread) if declared is not None else None


def types() -> Mapping[str, frozenset[str]]:
    """Terraform type -> Azure type, for every view."""
    return {
        declared.name: frozenset({azure}) for azure, (possible, _) in VIEWS.items() for declared in possible
    }


def declared() -> Iterable[TerraformType]:
    """Every view."""
    return (one for possible, _ in VIEWS.values() for one in possible)
