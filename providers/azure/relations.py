"""Which Azure resources belong together, by the ids they hold of each other."""

from __future__ import annotations

from typing import Final

from providers.relation import Relation

ACCOUNT: Final = "microsoft.resources/subscriptions"
"""The resource a subscription itself is."""

_VM: Final = "microsoft.compute/virtualmachines"
_NIC: Final = "microsoft.network/networkinterfaces"
_NSG: Final = "microsoft.network/networksecuritygroups"
_VNET: Final = "microsoft.network/virtualnetworks"

RELATIONS: Final = (
    Relation(_VM, "document.properties.networkProfile.networkInterfaces[].id", _NIC, fold=True),
    Relation(
        _VM, "document.properties.storageProfile.osDisk.managedDisk.id", "microsoft.compute/disks", fold=True
    ),
    Relation(
        _VM,
        "document.properties.storageProfile.dataDisks[].managedDisk.id",
        "microsoft.compute/disks",
        fold=True,
    ),
    Relation(_NIC, "document.properties.networkSecurityGroup.id", _NSG, fold=True),
    Relation(
        _NIC,
        "document.properties.ipConfigurations[].properties.subnet.id",
        _VNET,
        "document.properties.subnets[].id",
        fold=True,
    ),
    Relation(_VNET, "document.properties.subnets[].properties.networkSecurityGroup.id", _NSG, fold=True),
    Relation(
        _NIC,
        "document.properties.ipConfigurations[].properties.publicIPAddress.id",
        "microsoft.network/publicipaddresses",
        fold=True,
    ),
)
