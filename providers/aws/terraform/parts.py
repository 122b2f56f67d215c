"""The parts that views are made of: fields, blocks, tags, policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from providers.terraform import ABSENT_BLOCK, Attribute, Document


def field(name: str, default: Any = None) -> Attribute:
    """The attribute is this document field; ``a.b`` goes into an object."""
    first, *rest = name.split(".")

    def have(document: Document) -> Any:
        value = document.get(first)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return default if value is None else value

    return have


def constant(value: Any) -> Attribute:
    """The attribute never differs (``force_destroy`` exists only in configurations)."""
    return lambda _: value


def block(name: str, make: Callable[[Any], dict[str, Any]]) -> Attribute:
    """The attribute is a block made from a document field, absent where the field is."""

    def have(document: Document) -> Any:
        value = field(name)(document)
        return [make(value)] if value else ABSENT_BLOCK

    return have


def blocks(name: str, make: Callable[[Any], dict[str, Any]]) -> Attribute:
    """The attribute is a block for each item of a document field; a list without blocks where there are none."""
    return lambda document: [make(item) for item in field(name)(document) or ()]


def tags(name: str = "Tags") -> Attribute:
    """Tags as a map."""

    def have(document: Document) -> dict[str, str]:
        return {tag.get("Key", tag.get("TagKey")): tag.get("Value", "") for tag in document.get(name) or ()}

    return have


def policy(document: Document) -> str:
    """A parsed policy as the JSON text that Terraform has."""
    found = document.get("Policy")
    return "" if found is None else orjson.dumps(found).decode()
