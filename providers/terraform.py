"""The Terraform view: a resource with the attribute names of its Terraform provider, the form most public policies read.

A view is declared per type in each cloud's ``terraform.py`` as a function from the document to attributes. Reading a
document field whose detail call failed raises :class:`UnreadField`, which makes that one attribute unread: a policy that
reads it is answered *unknown*.

A block that is not configured is :data:`ABSENT_BLOCK` until rendered, because public policies disagree on its form:
some expect a list with one null in it (``logging[_] == null``), some an empty list, some no attribute at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class AbsentBlock(StrEnum):
    """How a pack wants a block that is not configured."""

    NULL = "null"
    """A list with one null in it: what the owner's preparation policy reads."""
    EMPTY = "empty"
    """An empty list: what Terraform's own plan says."""
    MISSING = "missing"
    """No attribute."""


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT_BLOCK"


ABSENT_BLOCK: Final = _Absent()
"""Stands for a block that is known not to be configured."""


class UnreadField(Exception):
    """A document field was asked for whose detail call failed."""


class Document(Mapping[str, Any]):
    """A document that knows which of its fields are unread. Reads like a mapping; an unread field raises UnreadField."""

    __slots__ = ("_document", "_unread")

    def __init__(self, document: Mapping[str, Any], unread: Mapping[str, str]) -> None:
        self._document = document
        self._unread = unread

    def __getitem__(self, key: str) -> Any:
        if key in self._unread:
            raise UnreadField(key)
        return self._document[key]

    def get(self, key: str, default: Any = None) -> Any:
        """As ``dict.get``, but an unread field raises UnreadField instead of giving the default."""
        if key in self._unread:
            raise UnreadField(key)
        return self._document.get(key, default)

    def __contains__(self, key: object) -> bool:
        if key in self._unread:
            raise UnreadField(str(key))
        return key in self._document

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)


Attribute = Callable[[Document], Any]
"""How one attribute is had from a document."""


@dataclass(frozen=True, slots=True)
class TerraformType:
    """The view of one type: its Terraform name and how each attribute is had."""

    name: str
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformView:
    """A resource in Terraform's words. ``attributes`` may hold :data:`ABSENT_BLOCK`; ``unread`` names attributes that
    could not be had, with the cause."""

    type: str
    attributes: Mapping[str, Any]
    unread: Mapping[str, str] = field(default_factory=dict)

    def render(self, absent: AbsentBlock) -> dict[str, Any]:
        """The attributes as JSON values, absent blocks in the form a pack wants."""
        return {
            k: _render(v, absent)
            for k, v in self.attributes.items()
            if not (v is ABSENT_BLOCK and absent is AbsentBlock.MISSING)
        }


def _render(value: Any, absent: AbsentBlock) -> Any:
    if value is ABSENT_BLOCK:
        return [None] if absent is AbsentBlock.NULL else []
    if isinstance(value, Mapping):
        return {
            k: _render(v, absent)
            for k, v in value.items()
            if not (v is ABSENT_BLOCK and absent is AbsentBlock.MISSING)
        }
    if isinstance(value, list | tuple):
        return [_render(v, absent) for v in value]
    return value


def view(declared: TerraformType, document: Mapping[str, Any], unread: Mapping[str, str]) -> TerraformView:
    """Apply a declaration to a document."""
    guarded = Document(document, unread)
    attributes: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, have in declared.attributes.items():
        try:
            attributes[name] = have(guarded)
        except UnreadField as field_name:
            missing[name] = unread[str(field_name)]
    return TerraformView(type=declared.name, attributes=attributes, unread=missing)
