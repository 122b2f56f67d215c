"""Which Azure resources belong together, by the ids they hold of each other."""

from __future__ import annotations

from typing import Final

from providers.azure.details import ABOVE, DETAILS
from providers.azure.names import GROUP, MANAGEMENT_GROUP
from providers.relation import Relation

ACCOUNT: Final = "microsoft.resources/subscriptions"
"""The resource a subscription itself is."""

_VM: Final = "microsoft.compute/virtualmachines"
_NIC: Final = "microsoft.network/networkinterfaces"
_NSG: Final = "microsoft.network/networksecuritygroups"
_VNET: Final = "microsoft.network/virtualnetworks"
_FLOW_LOG: Final = "microsoft.network/networkwatchers/flowlogs"

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
    Relation(
        _VNET,
        "document.properties.subnets[].properties.routeTable.id",
        "microsoft.network/routetables",
        fold=True,
    ),
    Relation(_FLOW_LOG, "document.properties.targetResourceId", _NSG, fold=True),
    Relation(_FLOW_LOG, "document.properties.targetResourceId", _VNET, fold=True),
    Relation(_FLOW_LOG, "document.properties.storageId", "microsoft.storage/storageaccounts", fold=True),
    Relation(_FLOW_LOG, "uid", "microsoft.network/networkwatchers", fold=True, cut="/flowlogs/"),
    Relation("microsoft.sql/servers/databases", "uid", "microsoft.sql/servers", fold=True, cut="/databases/"),
    Relation(
        "microsoft.web/sites", "document.properties.serverFarmId", "microsoft.web/serverfarms", fold=True
    ),
    *(
        Relation(
            kind,
            f"document.properties.{where}[].properties.publicIPAddress.id",
            "microsoft.network/publicipaddresses",
            fold=True,
        )
        for kind, where in (
            ("microsoft.network/loadbalancers", "frontendIPConfigurations"),
            ("microsoft.network/applicationgateways", "frontendIPConfigurations"),
            ("microsoft.network/azurefirewalls", "ipConfigurations"),
            ("microsoft.network/bastionhosts", "ipConfigurations"),
        )
    ),
    *(
        Relation(
            kind,
            "document.properties.network.delegatedSubnetResourceId",
            _VNET,
            "document.properties.subnets[].id",
            fold=True,
        )
        for kind in ("microsoft.dbforpostgresql/flexibleservers", "microsoft.dbformysql/flexibleservers")
    ),
    Relation(
        "microsoft.authorization/roleassignments",
        "document.properties.principalId",
        "microsoft.managedidentity/userassignedidentities",
        "document.properties.principalId",
        fold=True,
    ),
    # A detail's id begins with that of what has it.
    *(
        Relation(detail.type, "uid", parent, fold=True, cut=f"{path.lower()}/")
        for detail in DETAILS.values()
        for parent, path in detail.below.items()
    ),
    *(
        Relation(detail.type, "uid", MANAGEMENT_GROUP, fold=True, cut=f"/providers/{detail.type}/")
        for detail in ABOVE.values()
        if detail.type != MANAGEMENT_GROUP
    ),
    Relation(MANAGEMENT_GROUP, "document.properties.details.parent.id", MANAGEMENT_GROUP, fold=True),
    Relation(
        "microsoft.authorization/locks",
        "uid",
        GROUP,
        fold=True,
        cut="/providers/microsoft.authorization/locks/",
    ),
    *(
        Relation("microsoft.insights/diagnosticsettings", f"document.properties.{where}", kind, fold=True)
        for where, kind in (
            ("workspaceId", "microsoft.operationalinsights/workspaces"),
            ("storageAccountId", "microsoft.storage/storageaccounts"),
        )
    ),
)
