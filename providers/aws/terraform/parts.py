"""The parts that views are made of: fields, flags, blocks, tags, policies.

Each reads a document or, within a block, an item of one. A name is a path: ``a.b`` goes into an object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from providers.terraform import ABSENT_BLOCK

Part = Callable[[Mapping[str, Any]], Any]
"""How an attribute is had from a document or from an item of it."""


def field(name: str, default: Any = None) -> Part:
    """What lies there; the default where it is missing or null."""
    first, *rest = name.split(".")

    def have(document: Mapping[str, Any]) -> Any:
        value = document.get(first)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return default if value is None else value

    return have


def constant(value: Any) -> Part:
    """The attribute never differs (``force_destroy`` exists only in configurations)."""
    return lambda _: value


def equals(name: str, *values: str) -> Part:
    """Whether the field has one of these values: AWS's ``ENABLED`` as a boolean."""
    return lambda document: field(name)(document) in values


def number(name: str, default: int | None = None) -> Part:
    """A number that the service gives as text."""

    def have(document: Mapping[str, Any]) -> int | None:
        found = field(name)(document)
        return int(found) if found is not None and str(found).lstrip("-").isdecimal() else default

    return have


def last(name: str) -> Part:
    """What follows the last slash: the name within an ARN."""
    return lambda document: str(field(name, "")(document)).rpartition("/")[2]


def text(name: str) -> Part:
    """JSON that we hold parsed, as the text that Terraform has; empty where there is none."""

    def have(document: Mapping[str, Any]) -> str:
        found = field(name)(document)
        return found if isinstance(found, str) else "" if found is None else orjson.dumps(found).decode()

    return have


def each(name: str, key: str) -> Part:
    """One field of every item of a list."""
    return lambda document: [field(key)(item) for item in field(name, ())(document)]


def made(**attributes: str | Part) -> Callable[[Any], dict[str, Any]]:
    """A block's attributes from an item: each a path, or a part."""
    parts = {name: field(part) if isinstance(part, str) else part for name, part in attributes.items()}
    return lambda item: {name: part(item) for name, part in parts.items()}


def block(name: str, make: Callable[[Any], dict[str, Any]]) -> Part:
    """The attribute is a block made from a document field, absent where the field is."""

    def have(document: Mapping[str, Any]) -> Any:
        value = field(name)(document)
        return [make(value)] if value else ABSENT_BLOCK

    return have


def always(make: Callable[[Any], dict[str, Any]]) -> Part:
    """The attribute is a block that Terraform's state always has, made from the whole document or item."""
    return lambda document: [make(document)]


def blocks(name: str, make: Callable[[Any], dict[str, Any]]) -> Part:
    """The attribute is a block for each item of a document field; a list without blocks where there are none."""
    return lambda document: [make(item) for item in field(name)(document) or ()]


_TAGS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))


def tags(name: str = "Tags") -> Part:
    """Tags as a map, however the service lists them."""

    def have(document: Mapping[str, Any]) -> dict[str, str]:
        found = field(name)(document) or ()
        if isinstance(found, Mapping):
            return dict(found)
        names = next((pair for pair in _TAGS if found and pair[0] in found[0]), _TAGS[0])
        return {str(tag[names[0]]): tag.get(names[1]) or "" for tag in found}

    return have


policy = text("Policy")
"""A parsed policy as the JSON text that Terraform has."""
