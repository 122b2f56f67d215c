"""What the Terraform views are put together from: ways to reach into ``document.resource.data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.terraform import ABSENT_BLOCK, Attribute, Document


def data(doc: Document) -> Mapping[str, Any]:
    """The service's own representation. Raises UnreadField where the resource listing did not give it."""
    body = doc.get("resource") or {}
    found = body.get("data") or {}
    assert isinstance(found, Mapping)
    return found


def account_of(doc: Document) -> Any:
    """The project the resource was read in."""
    return doc.get("account")


def at(doc: Document, *path: str) -> Any:
    """A value below the data, or None where any step is absent."""
    value: Any = data(doc)
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def flag(*path: str) -> Attribute:
    """A boolean that the services leave out when it is false."""
    return lambda doc: bool(at(doc, *path))


def labels(key: str) -> Attribute:
    """A map of labels, empty when there are none."""
    return lambda doc: dict(data(doc).get(key) or {})


def strings(value: Mapping[str, Any], key: str) -> list[Any]:
    """A list of strings, empty when absent."""
    return list(value.get(key) or [])


def block(path: tuple[str, ...], **attributes: tuple[str, ...]) -> Attribute:
    """A block of at most one: absent when the service has nothing there."""

    def have(doc: Document) -> Any:
        found = at(doc, *path)
        if not isinstance(found, Mapping) or not found:
            return ABSENT_BLOCK
        out: dict[str, Any] = {}
        for name, inner in attributes.items():
            value: Any = found
            for key in inner:
                value = value.get(key) if isinstance(value, Mapping) else None
            out[name] = value
        return [out]

    return have
