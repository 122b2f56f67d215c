"""What the Terraform views are put together from: ways to reach into ``document.resource.data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.gcp import names
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
    found: Any = data(doc)
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def value(*path: str, default: Any = None) -> Attribute:
    """What lies below the data; the default where it is absent or null."""

    def have(doc: Document) -> Any:
        found = at(doc, *path)
        return default if found is None else found

    return have


def flag(*path: str) -> Attribute:
    """A boolean that the services leave out when it is false."""
    return lambda doc: bool(at(doc, *path))


def labels(key: str) -> Attribute:
    """A map of labels, empty when there are none."""
    return lambda doc: dict(data(doc).get(key) or {})


def strings(found: Mapping[str, Any], key: str) -> list[Any]:
    """A list of strings, empty when absent."""
    return list(found.get(key) or [])


def block(path: tuple[str, ...], **attributes: tuple[str, ...]) -> Attribute:
    """A block of at most one: absent when the service has nothing there."""

    def have(doc: Document) -> Any:
        found = at(doc, *path)
        if not isinstance(found, Mapping) or not found:
            return ABSENT_BLOCK
        out: dict[str, Any] = {}
        for name, inner in attributes.items():
            inside: Any = found
            for key in inner:
                inside = inside.get(key) if isinstance(inside, Mapping) else None
            out[name] = inside
        return [out]

    return have


def last_of(*path: str) -> Attribute:
    """The name at the end of a path of names."""
    return lambda d: names.last(str(at(d, *path) or ""))


def between(before: str) -> Attribute:
    """The name after a step of the resource's own name: ``locations/``."""

    def have(doc: Document) -> str:
        return str(at(doc, "name") or "").partition(f"/{before}/")[2].partition("/")[0]

    return have


def whole(*path: str) -> Attribute:
    """A number that the API writes as text."""
    return lambda d: int(found) if (found := at(d, *path)) is not None else None
