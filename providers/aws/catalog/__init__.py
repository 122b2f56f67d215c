"""The AWS resource types we can read, declared. Add one by adding a value to the module of its domain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from providers.aws.catalog import audit, compute, identity, network, storage
from providers.aws.catalog.declare import Call, Placement, ResourceType

__all__ = ["Call", "Placement", "ResourceType", "catalog"]


@cache
def catalog() -> Mapping[str, ResourceType]:
    """Type name -> declaration, for every declared type."""
    return {
        declared.type: declared
        for module in (audit, compute, identity, network, storage)
        for declared in module.TYPES
    }
