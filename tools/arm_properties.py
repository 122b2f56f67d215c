"""What Azure Resource Manager calls the properties of the types our Terraform views read, from Azure's own SDK packages.

    python3 -m venv /tmp/arm && /tmp/arm/bin/pip install azure-mgmt-network azure-mgmt-sql …    # the packages of MODELS below
    /tmp/arm/bin/python tools/arm_properties.py                                                 # the venv is thrown away

Each model of the SDK states the JSON name of every property. Only the names and their nesting are kept, in
``tests/unit/providers/azure/arm-properties.json``, as a document in which everything is said once: the tests let every
view read it and look for what was asked in vain.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

ROOT: Final = Path(__file__).resolve().parents[1]
LISTING: Final = ROOT / "tests" / "unit" / "providers" / "azure" / "arm-properties.json"
DEEP: Final = 7
MODELS: Final = {
    "microsoft.authorization/roleassignments": ("authorization.v2022_04_01", "RoleAssignment"),
    "microsoft.automation/automationaccounts": ("automation", "AutomationAccount"),
    "microsoft.cache/redis": ("redis", "RedisResource"),
    "microsoft.cognitiveservices/accounts": ("cognitiveservices", "Account"),
    "microsoft.compute/snapshots": ("compute", "Snapshot"),
    "microsoft.compute/virtualmachinescalesets": ("compute", "VirtualMachineScaleSet"),
    "microsoft.containerregistry/registries": ("containerregistry", "Registry"),
    "microsoft.dbformysql/flexibleservers": ("mysqlflexibleservers", "Server"),
    "microsoft.dbforpostgresql/flexibleservers": ("postgresqlflexibleservers", "Server"),
    "microsoft.documentdb/databaseaccounts": ("cosmosdb", "DatabaseAccountGetResults"),
    "microsoft.eventhub/namespaces": ("eventhub", "EHNamespace"),
    "microsoft.insights/activitylogalerts": ("monitor", "ActivityLogAlertResource"),
    "microsoft.managedidentity/userassignedidentities": ("msi", "Identity"),
    "microsoft.network/applicationgateways": ("network", "ApplicationGateway"),
    "microsoft.network/azurefirewalls": ("network", "AzureFirewall"),
    "microsoft.network/bastionhosts": ("network", "BastionHost"),
    "microsoft.network/loadbalancers": ("network", "LoadBalancer"),
    "microsoft.network/networkinterfaces": ("network", "NetworkInterface"),
    "microsoft.network/networkwatchers": ("network", "NetworkWatcher"),
    "microsoft.network/networkwatchers/flowlogs": ("network", "FlowLog"),
    "microsoft.network/routetables": ("network", "RouteTable"),
    "microsoft.operationalinsights/workspaces": ("loganalytics", "Workspace"),
    "microsoft.recoveryservices/vaults": ("recoveryservices", "Vault"),
    "microsoft.servicebus/namespaces": ("servicebus", "SBNamespace"),
    "microsoft.sql/servers/databases": ("sql", "Database"),
    "microsoft.web/serverfarms": ("web", "AppServicePlan"),
    "microsoft.web/sites": ("web", "Site"),
}
"""ARM type -> the package below ``azure.mgmt`` and its model."""


def skeleton(model: type, models: Any, above: tuple[type, ...] = ()) -> dict[str, Any]:
    """A document with every property of a model once."""
    out: dict[str, Any] = {}
    if len(above) >= DEEP or model in above:
        return out
    for path, kind in _properties(model):
        here = out
        *outer, last = path.split(".")
        for step in outer:
            here = here.setdefault(step, {})
        here[last] = _value(kind, models, (*above, model))
    return out


def _properties(model: type) -> Iterator[tuple[str, str]]:
    """The JSON path of each property, and its type in the SDK's words."""
    old = getattr(model, "_attribute_map", None)
    if old:
        for entry in old.values():
            yield entry["key"].replace("\\\\.", "."), entry["type"]
        return
    cast("Any", model).__new__(model)  # the newer SDKs name their fields when a model is first made
    kinds = {
        name: kind
        for base in reversed(model.__mro__)
        for name, kind in vars(base).get("__annotations__", {}).items()
    }
    for name, rest in getattr(model, "_attr_to_rest_field", {}).items():
        yield vars(rest)["_rest_name_input"] or name, str(kinds.get(name, ""))


def _value(kind: str, models: Any, above: tuple[type, ...]) -> Any:
    named = [getattr(models, name, None) for name in re.findall(r"\w+", kind)]
    model = next((m for m in named if isinstance(m, type) and not _is_enum(m)), None)
    one: Any = skeleton(model, models, above) if model is not None else "text"
    if kind.startswith(("{", "dict")) or "dict[" in kind or "Dict[" in kind:
        return {"key": one}
    if kind.startswith("[") or "list[" in kind or "List[" in kind:
        return [one]
    if model is None and re.search(r"\bbool\b", kind):
        return True
    return 1 if model is None and re.search(r"\b(int|float|long)\b", kind) else one


def _is_enum(model: type) -> bool:
    return any(base.__name__ == "Enum" for base in model.__mro__)


def main() -> int:
    """Write the listing anew."""
    versions: dict[str, str] = {}
    types: dict[str, Any] = {}
    for type_, (package, name) in sorted(MODELS.items()):
        models = importlib.import_module(f"azure.mgmt.{package}.models")
        distribution = f"azure-mgmt-{package.partition('.')[0]}"
        versions[distribution] = importlib.metadata.version(distribution)
        types[type_] = skeleton(getattr(models, name), models)
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(found)}" for name, found in types.items())
    LISTING.write_text(f'{{\n  "packages": {json.dumps(versions)},\n  "types": {{\n{lines}\n  }}\n}}\n')
    print(f"{len(types)} types written to {LISTING.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
