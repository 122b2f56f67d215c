"""Cloud Control, which moto does not do: resources of any CloudFormation type, as the real service speaks of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import orjson

from providers.sandbox.aws.wire import Answer, Asked, failure, serialise


class CloudControl:
    """What Cloud Control knows, by (account, region, type) and identifier. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resources: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = {}
        self._types: dict[str, str] = {}

    def register(self, type_name: str, *, provisioning: str = "FULLY_MUTABLE") -> None:
        """Let there be a type. ``NON_PROVISIONABLE`` ones exist, but cannot be listed."""
        with self._lock:
            self._types[type_name] = provisioning

    def put(
        self, account: str, region: str, type_name: str, identifier: str, properties: Mapping[str, Any]
    ) -> None:
        """Make or change a resource."""
        with self._lock:
            self._types.setdefault(type_name, "FULLY_MUTABLE")
            self._resources.setdefault((account, region, type_name), {})[identifier] = dict(properties)

    def delete(self, account: str, region: str, type_name: str, identifier: str) -> None:
        """Delete a resource. Raises KeyError where there is none."""
        with self._lock:
            del self._resources[(account, region, type_name)][identifier]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._resources.clear()
            self._types.clear()

    def answer(self, asked: Asked) -> Answer | None:
        """The answer to a call; None where it is not ours."""
        name = f"{asked.call.service}:{asked.call.operation}"
        if name == "cloudformation:ListTypes":
            return self._list_types(asked)
        if name == "cloudcontrol:ListResources":
            return self._list(asked)
        if name == "cloudcontrol:GetResource":
            return self._get(asked)
        return None

    def _refusal(self, asked: Asked) -> Answer | None:
        type_name = str(asked.parameters.get("TypeName"))
        provisioning = self._types.get(type_name)
        if provisioning is None:
            return failure(asked, 400, "TypeNotFoundException", f"The type '{type_name}' cannot be found.")
        if provisioning == "NON_PROVISIONABLE":
            message = f"Resource type {type_name} does not support {asked.call.operation} action"
            return failure(asked, 400, "UnsupportedActionException", message)
        return None

    def _held(self, asked: Asked) -> dict[str, Mapping[str, Any]]:
        call = asked.call
        with self._lock:
            return dict(
                self._resources.get((call.account, call.region, str(asked.parameters["TypeName"])), {})
            )

    def _list(self, asked: Asked) -> Answer:
        refusal = self._refusal(asked)
        if refusal is not None:
            return refusal
        # As with most types, the listing tells identifiers only. The front cuts it into pages.
        found = [_description(name, {"Id": name}) for name in sorted(self._held(asked))]
        return serialise(asked, {"TypeName": asked.parameters["TypeName"], "ResourceDescriptions": found})

    def _get(self, asked: Asked) -> Answer:
        refusal = self._refusal(asked)
        if refusal is not None:
            return refusal
        identifier = str(asked.parameters.get("Identifier"))
        properties = self._held(asked).get(identifier)
        if properties is None:
            message = f"Resource of type '{asked.parameters['TypeName']}' with identifier '{identifier}' was not found."
            return failure(asked, 400, "ResourceNotFoundException", message)
        description = _description(identifier, properties)
        return serialise(
            asked, {"TypeName": asked.parameters["TypeName"], "ResourceDescription": description}
        )

    def _list_types(self, asked: Asked) -> Answer:
        wanted = asked.parameters.get("ProvisioningType", "FULLY_MUTABLE")
        with self._lock:
            names = sorted(name for name, provisioning in self._types.items() if provisioning == wanted)
        return serialise(asked, {"TypeSummaries": [{"Type": "RESOURCE", "TypeName": name} for name in names]})


def _description(identifier: str, properties: Mapping[str, Any]) -> dict[str, str]:
    return {"Identifier": identifier, "Properties": orjson.dumps(properties).decode()}
