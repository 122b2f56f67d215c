"""The Terraform view of Azure's resources: attribute names as the azurerm provider (version 4) has them.

A view reads the canonical document; where azurerm makes a block of what Azure nests, the view does. Several azurerm types
may describe one Azure type (a virtual machine is Linux's or Windows's): the document decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from providers.azure.terraform import compute, data, network
from providers.resource import Resource
from providers.terraform import TerraformType, TerraformView, view


def _always(declared: TerraformType) -> Callable[[Resource], TerraformType | None]:
    return lambda _resource: declared


VIEWS: Final[Mapping[str, tuple[tuple[TerraformType, ...], Callable[[Resource], TerraformType | None]]]] = {
    "microsoft.storage/storageaccounts": ((data.STORAGE_ACCOUNT,), _always(data.STORAGE_ACCOUNT)),
    "microsoft.network/networksecuritygroups": ((network.SECURITY_GROUP,), _always(network.SECURITY_GROUP)),
    "microsoft.keyvault/vaults": ((data.KEY_VAULT,), _always(data.KEY_VAULT)),
    "microsoft.compute/virtualmachines": ((compute.LINUX_MACHINE, compute.WINDOWS_MACHINE), compute.machine),
    "microsoft.compute/disks": ((compute.MANAGED_DISK,), _always(compute.MANAGED_DISK)),
    "microsoft.sql/servers": ((data.SQL_SERVER,), _always(data.SQL_SERVER)),
    "microsoft.network/virtualnetworks": ((network.VIRTUAL_NETWORK,), _always(network.VIRTUAL_NETWORK)),
    "microsoft.network/publicipaddresses": ((network.PUBLIC_IP,), _always(network.PUBLIC_IP)),
    "microsoft.containerservice/managedclusters": (
        (compute.KUBERNETES_CLUSTER,),
        _always(compute.KUBERNETES_CLUSTER),
    ),
    "microsoft.web/sites": ((compute.LINUX_WEB_APP, compute.WINDOWS_WEB_APP), compute.site),
}
"""Azure type -> the azurerm types that may describe it, and which of them describes a given resource."""


def view_of(resource: Resource) -> TerraformView | None:
    """The view of a resource, or None where there is none of its type."""
    entry = VIEWS.get(resource.ref.type)
    declared = entry[1](resource) if entry is not None else None
    return view(declared, resource.document, resource.unread) if declared is not None else None


def types() -> Mapping[str, str]:
    """Terraform type -> Azure type, for every view."""
    return {declared.name: azure for azure, (possible, _) in VIEWS.items() for declared in possible}
