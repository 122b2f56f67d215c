"""Whether attributes have the names, nesting and types that a provider's schema says; documents that note vain questions.

The tests load this file by its path: there are no packages below tests/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from providers.terraform import ABSENT_BLOCK

LISTING = json.loads(Path(__file__).with_name("terraform-schema.json").read_text())
OURS = {
    ("aws_flow_log", "log_group_name"): "the provider had it before version 6, and policies still read it",
    ("google_project_iam_policy", "binding"): "policy_data, as blocks",
    ("google_project_iam_policy", "audit_config"): "policy_data, as blocks",
    (
        "google_sql_database_instance",
        "settings.ip_configuration.require_ssl",
    ): "the provider had it before version 6, and policies still read it",
}
"""Attributes that the provider's newest version does not have, and why a view does."""

_SCALARS = {"string": (str,), "number": (int, float), "bool": (bool,), "list": (list,), "map": (dict,)}


def strays(attributes: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where attributes are not what a schema says."""
    for name, value in attributes.items():
        here = f"{path}{name}"
        if name not in schema:
            yield f"{here}: no such attribute"
        elif value is not None and value is not ABSENT_BLOCK:
            yield from _stray(value, schema[name], here)


def _stray(value: Any, kind: Any, here: str) -> Iterator[str]:
    if isinstance(kind, str):
        wanted = _SCALARS.get(kind, (object,))
        if not isinstance(value, wanted) or (kind == "number" and isinstance(value, bool)):
            yield f"{here}: {value!r} is no {kind}"
        return
    nesting, inner = kind
    items = [value] if nesting == "single" else value
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        yield f"{here}: {value!r} is no block"
        return
    for item in items:
        yield from strays(item, inner, f"{here}.")


def schema_of(name: str) -> dict[str, Any]:
    """The provider's attributes of a type, with ours."""
    schema: dict[str, Any] = json.loads(json.dumps(LISTING["types"][name]))
    for type_, path in OURS:
        if type_ == name:
            *outer, last = path.split(".")
            inner = schema
            for step in outer:
                inner = inner[step][1]
            assert last not in inner, "it is the provider's too"
            inner[last] = "any"
    return schema


class Seen(dict[str, Any]):
    """A document that notes what was asked of it in vain."""

    def __init__(self, value: Mapping[str, Any], missed: list[str], path: str = "") -> None:
        super().__init__({k: seen(v, missed, f"{path}{k}") for k, v in value.items()})
        self._missed = missed
        self._path = path

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self._missed.append(f"{self._path}{key}")
        return super().get(key, default)


def seen(value: Any, missed: list[str], path: str) -> Any:
    if isinstance(value, Mapping):
        return Seen(value, missed, f"{path}.")
    return [seen(item, missed, f"{path}[]") for item in value] if isinstance(value, list) else value
