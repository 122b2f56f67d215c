"""The Terraform imports, ``tfplan/v2``, ``tfstate/v2``, ``tfconfig/v2`` and ``tfrun``, from what Terraform writes.

``from_document`` takes what ``terraform show -json`` prints (plan or state) or a raw ``terraform.tfstate``. Modules are
flattened: resources are keyed by their address, as policies expect. ``terraform_file`` reads files of them, ``request`` makes
the same from live resources and from what somebody asks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from policies.sentinel.partial import Partial


def from_document(data: Any) -> dict[str, dict[str, Any]]:
    """Import name -> data, from the document of a plan or state. Raises ValueError where it is neither, or of another shape."""
    if not isinstance(data, Mapping):
        raise ValueError("is neither a Terraform plan nor a state: it holds no object")
    if "planned_values" in data or "resource_changes" in data:
        return {
            "tfplan/v2": plan(data),
            "tfconfig/v2": configuration(data.get("configuration")),
            "tfstate/v2": state(_map(data.get("prior_state"), "prior_state")),
            "tfrun": run(),
        }
    if "values" in data or isinstance(data.get("resources"), list):
        found = state(data)
        return {
            "tfplan/v2": plan_of(
                found["resources"], found["outputs"], str(found["terraform_version"]), ("no-op",)
            ),
            "tfconfig/v2": configuration(None),
            "tfstate/v2": found,
            "tfrun": run(),
        }
    raise ValueError("is neither a Terraform plan nor a state: no planned_values, values or resources")


# What has another shape is refused: taken for nothing, a policy over all of it would pass.


def _map(value: Any, name: str = "") -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"is no plan or state as Terraform shows them: {_called(name)} is not an object")
    return value


def _list(value: Any, name: str = "") -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"is no plan or state as Terraform shows them: {_called(name)} is not an array")
    return value


def _called(name: str) -> str:
    return f"`{name}`" if name else "one of its elements"


# The plan.


def plan(data: Mapping[str, Any]) -> dict[str, Any]:
    """``tfplan/v2`` of a plan's document."""
    planned = _map(data.get("planned_values"), "planned_values")
    return {
        "terraform_version": data.get("terraform_version", ""),
        "variables": {
            name: {"name": name, "value": _map(entry).get("value")}
            for name, entry in _map(data.get("variables"), "variables").items()
        },
        "planned_values": {"outputs": outputs(planned), "resources": resources(planned)},
        "resource_changes": _changes(data, "resource_changes"),
        "resource_drift": _changes(data, "resource_drift"),
        "output_changes": {
            name: {"name": name, "change": change}
            for name, change in _map(data.get("output_changes"), "output_changes").items()
        },
        "raw": data,
    }


def _changes(data: Mapping[str, Any], section: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for entry in _list(data.get(section), section):
        change = _map(entry)
        address = str(change.get("address", ""))
        deposed = change.get("deposed")
        made[f"{address}:{deposed}" if deposed else address] = {
            "address": address,
            "module_address": change.get("module_address", ""),
            "mode": change.get("mode", "managed"),
            "type": change.get("type", ""),
            "name": change.get("name", ""),
            "index": change.get("index"),
            "provider_name": change.get("provider_name", ""),
            "deposed": deposed,
            "action_reason": change.get("action_reason"),
            "previous_address": change.get("previous_address"),
            "change": dict(_map(change.get("change"), "change")),
        }
    return made


def outputs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> output, of planned or state values."""
    return {
        name: {
            "name": name,
            "sensitive": bool(_map(o).get("sensitive", False)),
            "value": _map(o).get("value"),
        }
        for name, o in _map(values.get("outputs"), "outputs").items()
    }


def resources(values: Mapping[str, Any]) -> dict[str, Any]:
    """Address -> resource, of planned or state values, all modules flattened."""
    made: dict[str, Any] = {}
    for module in _modules(values.get("root_module"), "child_modules"):
        for entry in _list(module.get("resources"), "resources"):
            resource = _map(entry)
            address = str(resource.get("address", ""))
            deposed = resource.get("deposed_key")
            made[f"{address}:{deposed}" if deposed else address] = {
                "address": address,
                "module_address": module.get("address", ""),
                "mode": resource.get("mode", "managed"),
                "type": resource.get("type", ""),
                "name": resource.get("name", ""),
                "index": resource.get("index"),
                "provider_name": resource.get("provider_name", ""),
                "values": resource.get("values") or {},
                "depends_on": _list(resource.get("depends_on"), "depends_on"),
                "tainted": bool(resource.get("tainted", False)),
                "deposed_key": deposed or "",
            }
    return made


def _modules(root: Any, children: str) -> Iterator[Mapping[str, Any]]:
    pending = [root]
    while pending:
        module = _map(pending.pop(0), "root_module")
        yield module
        pending.extend(_list(module.get(children), children))


# The state.


def state(data: Mapping[str, Any]) -> dict[str, Any]:
    """``tfstate/v2`` of a state's document: as ``terraform show -json`` writes it, or the raw file."""
    if isinstance(data.get("resources"), list):
        found = dict(_raw_resources(data["resources"]))
        made = outputs(data)
    else:
        values = _map(data.get("values"), "values")
        found, made = resources(values), outputs(values)
    return {"terraform_version": data.get("terraform_version", ""), "outputs": made, "resources": found}


def _raw_resources(listed: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in listed:
        resource = _map(entry)
        module, mode = str(resource.get("module", "")), resource.get("mode", "managed")
        kind, name = str(resource.get("type", "")), str(resource.get("name", ""))
        base = ".".join(part for part in (module, "data" if mode == "data" else "", kind, name) if part)
        provider = str(resource.get("provider", "")).partition('["')[2].rstrip('"]') or resource.get(
            "provider", ""
        )
        for instance in map(_map, _list(resource.get("instances"), "instances")):
            index = instance.get("index_key")
            suffix = "" if index is None else f"[{json.dumps(index)}]"
            deposed = instance.get("deposed")
            yield (
                f"{base}{suffix}:{deposed}" if deposed else f"{base}{suffix}",
                {
                    "address": f"{base}{suffix}",
                    "module_address": module,
                    "mode": mode,
                    "type": kind,
                    "name": name,
                    "index": index,
                    "provider_name": provider,
                    "values": instance.get("attributes") or {},
                    "depends_on": _list(instance.get("dependencies"), "dependencies"),
                    "tainted": instance.get("status") == "tainted",
                    "deposed_key": deposed or "",
                },
            )


# The configuration.


def configuration(data: Any) -> dict[str, Any]:
    """``tfconfig/v2`` of the ``configuration`` of a plan."""
    source = _map(data)
    made: dict[str, Any] = {
        "providers": {},
        "resources": {},
        "provisioners": {},
        "variables": {},
        "outputs": {},
        "module_calls": {},
    }
    for key, provider in _map(source.get("provider_config"), "provider_config").items():
        made["providers"][key] = _provider(key, _map(provider))
    pending: list[tuple[str, Any]] = [("", source.get("root_module"))]
    while pending:
        address, module = pending.pop(0)
        declared = _map(module, "module")
        _configured(made, address, declared)
        for name, call in _map(declared.get("module_calls"), "module_calls").items():
            inner = f"{address}.module.{name}" if address else f"module.{name}"
            pending.append((inner, _map(call).get("module")))
    return made


def _provider(key: str, provider: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider_config_key": key,
        "name": provider.get("name", ""),
        "full_name": provider.get("full_name", ""),
        "alias": provider.get("alias", ""),
        "module_address": provider.get("module_address", ""),
        "version_constraint": provider.get("version_constraint", ""),
        "config": provider.get("expressions") or {},
    }


def _configured(made: dict[str, Any], address: str, module: Mapping[str, Any]) -> None:
    """Add what one module declares."""
    key: Callable[[str], str] = lambda name: f"{address}:{name}" if address else name  # noqa: E731
    for resource in map(_map, _list(module.get("resources"), "resources")):
        local = str(resource.get("address", ""))
        full = f"{address}.{local}" if address else local
        made["resources"][full] = {
            "address": full,
            "module_address": address,
            "mode": resource.get("mode", "managed"),
            "type": resource.get("type", ""),
            "name": resource.get("name", ""),
            "provider_config_key": resource.get("provider_config_key", ""),
            "config": {} if (said := resource.get("expressions")) is None else said,
            "count": resource.get("count_expression") or {},
            "for_each": resource.get("for_each_expression") or {},
            "depends_on": _list(resource.get("depends_on"), "depends_on"),
            "provisioners": [],
        }
        for place, provisioner in enumerate(map(_map, _list(resource.get("provisioners"), "provisioners"))):
            entry = {
                "resource_address": full,
                "type": provisioner.get("type", ""),
                "index": str(place),
                "config": provisioner.get("expressions") or {},
            }
            made["resources"][full]["provisioners"].append(entry)
            made["provisioners"][f"{full}:{place}"] = entry
    for name, variable in _map(module.get("variables"), "variables").items():
        made["variables"][key(name)] = {
            "module_address": address,
            "name": name,
            "default": _map(variable).get("default"),
            "description": _map(variable).get("description", ""),
        }
    for name, output in _map(module.get("outputs"), "outputs").items():
        made["outputs"][key(name)] = {
            "module_address": address,
            "name": name,
            "sensitive": bool(_map(output).get("sensitive", False)),
            "value": _map(output).get("expression") or {},
            "description": _map(output).get("description", ""),
            "depends_on": _list(_map(output).get("depends_on"), "depends_on"),
        }
    for name, call in _map(module.get("module_calls"), "module_calls").items():
        made["module_calls"][key(name)] = {
            "module_address": address,
            "name": name,
            "source": _map(call).get("source", ""),
            "version_constraint": _map(call).get("version_constraint", ""),
            "config": _map(call).get("expressions") or {},
            "count": _map(call).get("count_expression") or {},
            "for_each": _map(call).get("for_each_expression") or {},
            "depends_on": _list(_map(call).get("depends_on"), "depends_on"),
        }


def run(**known: Any) -> dict[str, Any]:
    """``tfrun`` with what is known of a run; the rest as of a run outside any workspace."""
    return {
        "id": "",
        "created_at": "",
        "created_by": "",
        "message": "",
        "commit_sha": "",
        "is_destroy": False,
        "refresh": True,
        "refresh_only": False,
        "replace_addrs": [],
        "speculative": False,
        "source": "watchstander",
        "target_addrs": [],
        "variables": {},
        "organization": {"name": ""},
        "project": {"id": "", "name": ""},
        "workspace": {
            "id": "",
            "name": "",
            "auto_apply": False,
            "tags": [],
            "working_directory": "",
            "vcs_repo": {},
        },
        "cost_estimate": {},
        **known,
    }


def plan_of(
    found: Mapping[str, Any],
    made: Mapping[str, Any],
    version: str,
    actions: Iterable[str],
    unread: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """A plan whose result is these resources. ``unread`` are attributes of which that is not known, and why."""
    done = list(actions)
    changes: dict[str, Any] = {}
    for key, resource in found.items():
        values, unknown = resource["values"], unread.get(key, {})
        fixed = {
            name: resource[name] for name in ("address", "module_address", "mode", "type", "name", "index")
        }
        changes[key] = {
            **fixed,
            "provider_name": resource["provider_name"],
            "deposed": resource["deposed_key"] or None,
            "change": {
                "actions": done,
                "before": None if done == ["create"] else values,
                "after": values,
                "after_unknown": Partial(dict.fromkeys(unknown, True), unread=unknown),
            },
        }
    return {
        "terraform_version": version,
        "variables": {},
        "planned_values": {"outputs": made, "resources": found},
        "resource_changes": changes,
        "resource_drift": {},
        "output_changes": {},
        "raw": {},
    }


# For a policy's eyes only: what the imports offer besides data.


def strip_index(address: str) -> str:
    """``tfconfig/v2.strip_index``: an address without its ``[0]`` and ``["key"]``."""
    made: list[str] = []
    inside, quoted, escaped = False, False, False
    for character in address:
        if inside:
            if escaped:
                escaped = False
            elif quoted and character == "\\":
                escaped = True
            elif character == '"':
                quoted = not quoted
            elif character == "]" and not quoted:
                inside = False
        elif character == "[":
            inside = True
        else:
            made.append(character)
    return "".join(made)
