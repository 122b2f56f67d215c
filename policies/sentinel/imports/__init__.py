"""The standard imports, each in its own module and loaded when first imported by a policy.

``http`` is not among them unless the host hands over an :class:`~policies.sentinel.imports.http.HttpAccess`: a policy is
a judgement over what it is given, and has no door to the outside by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from policies.sentinel.functions import table

STANDARD: Final[Mapping[str, str]] = {
    **{name: name for name in ("strings", "types", "json", "time", "decimal", "version", "sockaddr")},
    **{name: name for name in ("units", "base64", "runtime", "collection", "http")},
    "collection/maps": "collection_maps",
    "collection/lists": "collection_lists",
}
"""Name in a policy -> module here."""


@cache
def standard_members(name: str) -> Mapping[str, Any]:
    """The members of a standard import."""
    module = import_module(f"{__name__}.{STANDARD[name]}")
    members: Mapping[str, Any] = module.members()
    return table(name, members)
