"""The AWS resource types we can read, declared. Add one by adding a value to the module of its domain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from providers.aws.catalog import (
    analytics,
    audit,
    compute,
    containers,
    databases,
    delivery,
    edge,
    files,
    gateways,
    identity,
    monitoring,
    network,
    organization,
    secrets,
    security,
    servers,
    storage,
)
from providers.aws.catalog.declare import Batch, Call, Placement, ResourceType

__all__ = ["Batch", "Call", "Placement", "ResourceType", "catalog"]

_MODULES = (
    audit,
    identity,
    organization,
    security,
    secrets,
    monitoring,
    compute,
    servers,
    containers,
    network,
    gateways,
    edge,
    storage,
    files,
    databases,
    analytics,
    delivery,
)


@cache
def catalog() -> Mapping[str, ResourceType]:
    """Type name -> declaration, for every declared type."""
    return {declared.type: declared for module in _MODULES for declared in module.TYPES}
