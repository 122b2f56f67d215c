"""How attributes are had from Azure's documents: small readers that every view is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.terraform import ABSENT_BLOCK, Attribute, Document


def at(document: Mapping[str, Any], *path: str, default: Any = None) -> Any:
    """What lies at a path, or the default where a step is missing or null."""
    value: Any = document
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            return default
    return value


def prop(*path: str, default: Any = None) -> Attribute:
    """The attribute at a path below ``properties``."""
    return lambda document: at(document, "properties", *path, default=default)


def top(*path: str, default: Any = None) -> Attribute:
    """The attribute at a path from the top."""
    return lambda document: at(document, *path, default=default)


def enabled(*path: str, default: bool = False) -> Attribute:
    """Azure's ``Enabled``/``Disabled`` as a boolean."""
    return lambda document: _enabled(at(document, "properties", *path), default)


def constant(value: Any) -> Attribute:
    """What is the same for every resource of the type."""
    return lambda _document: value


def _enabled(value: Any, default: bool) -> bool:
    if value is None:
        return default
    return value if isinstance(value, bool) else str(value).lower() == "enabled"


def items(document: Mapping[str, Any], *path: str) -> list[Mapping[str, Any]]:
    found = at(document, "properties", *path, default=[])
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def id_of(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else None


COMMON: Final[Mapping[str, Attribute]] = {
    "id": top("id"),
    "name": top("name"),
    "resource_group_name": top("resourceGroup"),
    "location": top("location"),
    "tags": top("tags", default={}),
}


def identity(document: Document) -> Any:
    """``identity``: how the resource signs in to Azure."""
    kind = at(document, "identity", "type")
    if kind in (None, "None"):
        return ABSENT_BLOCK
    given = at(document, "identity", "userAssignedIdentities", default={})
    return [
        {
            # ARM writes "SystemAssigned,UserAssigned" with and without a blank.
            "type": ", ".join(part.strip() for part in str(kind).split(",")),
            "identity_ids": sorted(given),
            "principal_id": at(document, "identity", "principalId"),
            "tenant_id": at(document, "identity", "tenantId"),
        }
    ]


def negated(*path: str, default: bool = False) -> Attribute:
    """The opposite of a boolean below ``properties``: Azure says what is disabled, azurerm what is enabled."""
    return lambda document: not at(document, "properties", *path, default=default)


def equal(*path: str, to: str) -> Attribute:
    """Whether the text below ``properties`` is this one, whatever its case."""
    return lambda document: str(at(document, "properties", *path, default="")).lower() == to.lower()


def ids(*path: str) -> Attribute:
    """The ids of a list of references below ``properties``."""
    return lambda document: [id_of(item) for item in items(document, *path)]


def block(*path: str, **names: str) -> Attribute:
    """A block of the object below ``properties``: attribute -> dotted path within it. Absent where the object is."""

    def have(document: Document) -> Any:
        found = at(document, "properties", *path)
        if not isinstance(found, Mapping):
            return ABSENT_BLOCK
        return [{ours: at(found, *theirs.split(".")) for ours, theirs in names.items()}]

    return have
