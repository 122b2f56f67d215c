"""How an AWS resource type is declared: a few frozen values, checked offline against botocore's own service model.

A declaration says which call lists the type, where in the answer the items are, which further calls tell more about one
item, and what their errors mean. Paths are JMESPath. A detail's parameters are JMESPath over what is known of the item
so far, together with ``_account``, ``_region``, ``_partition`` and ``_arn``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import jmespath

from providers.aws.permissions import permission_of
from providers.normalise import Rules
from providers.resource import ANY, GLOBAL

KEY_VALUE_TAGS: Final = "Tags"


class Placement(StrEnum):
    """Where a type lives, which decides its scopes' region and its resources' region."""

    REGIONAL = "regional"
    """One scope a region."""
    GLOBAL = "global"
    """One scope an account, region ``global``."""
    ANYWHERE = "anywhere"
    """One listing an account tells of resources in every region: the scope's region is ``*``, a resource's its own."""
    ORGANIZATION = "organization"
    """One scope an organisation, read in our own account (its management account or a delegated administrator), region
    ``global``; only where accounts are discovered from the organisation."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A detail that one call tells of several items. The call's ``result`` is a list with an entry an item."""

    size: int
    """The most items a call takes."""
    parameter: str
    """The list parameter that names the items."""
    key: str
    """JMESPath of what an item is known by in the answer."""
    by: str
    """JMESPath of the same within an entry of the answer."""
    value: str = "@"
    """JMESPath, within an entry, of what is wanted."""


@dataclass(frozen=True, slots=True)
class Call:
    """One API call: the operation, where its answer holds what is wanted, and its parameters."""

    operation: str
    result: str = "@"
    """JMESPath of what is wanted in the answer."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameter -> JMESPath over the item (``BucketName: 'Name'``; a constant is written ``\\`true\\``` or ``'text'``)."""
    into: str = ""
    """For a detail: the document field it fills."""
    absent: frozenset[str] = frozenset()
    """Error codes by which the service says: there is none. The field is then null, and known to be. A code that means
    several things is followed by a part of the message: ``ValidationError: does not exist``."""
    not_enabled: frozenset[str] = frozenset()
    """Likewise: the service is not switched on in this account and region. That is neither absence nor denial."""
    when: str = ""
    """For a detail: JMESPath; where it is false the call makes no sense and the field is null."""
    json: bool = False
    """Whether the result is JSON in a string (policies)."""
    csv: bool = False
    """Whether the result is a table as CSV: a list of its rows."""
    prepare: str = ""
    """The operation that makes the service prepare the answer, where it says one of ``unprepared``."""
    unprepared: frozenset[str] = frozenset()
    """Error codes by which the service says: not made yet."""
    token: tuple[str, str] = ("", "")
    """How a listing is paged that botocore does not page: the parameter of the next page, and the JMESPath of its value in
    the answer (null or false at the end)."""
    batch: Batch | None = None
    """For a detail: how it is asked for several items at once."""
    shared: bool = False
    """Whether another type asks the same, so that one call can serve both."""
    first: bool = False
    """For a detail: whether the ARN is in its answer, so that it is asked before anything else."""
    service: str = ""
    """Another service than the type's."""
    permission: str = ""
    """The IAM permission, where it cannot be derived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """A type of resource."""

    type: str
    """``aws.s3_bucket``."""
    title: str
    service: str
    """botocore's name of the service."""
    arn: str
    """The ARN as a template over the item: ``arn:{_partition}:ec2:{_region}:{_account}:volume/{VolumeId}``. It must be
    reversible, because a resource is read again by what its ARN says. A part that may hold slashes is ``{name:s}``."""
    list: Call | None = None
    """The listing; None for what exists once in each scope (an account's settings)."""
    each: Call | None = None
    """A listing below every item of ``list``: the access keys of every user."""
    inherit: Mapping[str, str] = field(default_factory=dict)
    """What an item of ``each`` takes over from its parent: its field -> JMESPath over the parent."""
    get: Call | None = None
    """The call by id that proves existence; its ``absent`` codes prove the contrary. Its parameters are over the parts of
    the ARN."""
    reread_by_list: bool = False
    """Whether ``get`` proves only existence, and the content comes from ``list`` (its answers differ in form)."""
    empty_is_gone: bool = False
    """Whether an answer of ``get`` without the item proves that it is gone: it is a complete listing, or the service
    documents that it answers so."""
    from_arn: Mapping[str, str] = field(default_factory=dict)
    """The item as the listing tells it, where its ARN holds all of that: field -> JMESPath over the ARN's parts. ``get``
    then proves only existence."""
    trim: Mapping[str, str] = field(default_factory=dict)
    """Field of an item -> prefix that is no part of it (``/hostedzone/``)."""
    details: tuple[Call, ...] = ()
    id: str = ""
    """JMESPath of the ARN, where the item holds it."""
    name: str = "Name"
    tags: str = "Tags"
    region: str = ""
    """JMESPath of a resource's own region, for ``ANYWHERE``."""
    placement: Placement = Placement.REGIONAL
    home: str = ""
    """The region a global service is called in, where it is not the partition's usual one."""
    item: str = ""
    """Field to put an item under that is a plain string (``QueueUrls[]``)."""
    json: frozenset[str] = frozenset()
    """Dotted paths of what is JSON in a string (``Attributes.Policy``), given parsed."""
    volatile: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()

    @property
    def rules(self) -> Rules:
        """How the documents of this type are made canonical."""
        return Rules(volatile=self.volatile, ordered=self.ordered)

    def scope_region(self, region: str) -> str:
        """The region of the scope that covers ``region``."""
        if self.placement is Placement.REGIONAL:
            return region
        return ANY if self.placement is Placement.ANYWHERE else GLOBAL

    def calls(self) -> Iterator[tuple[str, Call]]:
        """Every call the declaration makes, with its service."""
        for call in (self.list, self.each, self.get, *self.details):
            if call is not None:
                yield call.service or self.service, call
                if call.prepare:
                    yield call.service or self.service, Call(call.prepare)

    def permissions(self) -> frozenset[str]:
        """The IAM permissions that reading this type needs."""
        return frozenset(
            call.permission or permission_of(service, call.operation) for service, call in self.calls()
        )

    def build_arn(self, item: Mapping[str, Any]) -> str:
        """The ARN of an item. Raises KeyError where the item lacks a part of it."""
        if self.id:
            found = search(self.id, item)
            if not isinstance(found, str) or not found:
                raise KeyError(self.id)
            return found
        return self.arn.replace("{_path}", "").format_map(item)

    def parse_arn(self, arn: str) -> dict[str, str] | None:
        """The parts that an ARN of this type names, by the template's field names; None for another type's."""
        match = _pattern(self.arn).fullmatch(arn)
        return None if match is None else match.groupdict()

    @property
    def arn_fields(self) -> frozenset[str]:
        """The field names in the ARN's template, without those every ARN has."""
        return frozenset(_TEMPLATE_FIELD.findall(self.arn)) - {"_partition", "_region", "_account"}


_TEMPLATE_FIELD = re.compile(r"\{(\w+)")
_FIELD = re.compile(r"\\\{(\w+)(:s)?\\\}")


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        if name == "_path":
            return r"(?P<_path>(?:.*/)?)"
        if match.group(2):
            return rf"(?P<{name}>.+)"
        return (
            f"(?P<{name}>[^:/]*)" if name in ("_partition", "_region", "_account") else f"(?P<{name}>[^/]+)"
        )

    return re.compile(_FIELD.sub(group, re.escape(template)))


@lru_cache(maxsize=4096)
def compiled(path: str) -> Any:
    """A JMESPath, compiled once."""
    return jmespath.compile(path)


def search(path: str, value: Any) -> Any:
    """What a JMESPath finds in ``value``."""
    return compiled(path).search(value)


@lru_cache(maxsize=4096)
def fields_of(path: str) -> frozenset[str]:
    """Every field name a JMESPath speaks of: what must have been read for its answer to mean anything."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if node.get("type") == "field":
            found.add(node["value"])
        for child in node.get("children", ()):
            if isinstance(child, dict):
                walk(child)

    walk(compiled(path).parsed)
    return frozenset(found)


def pick(*names: str) -> str:
    """The JMESPath that takes these fields of an object, null where it has none."""
    return "{" + ", ".join(f"{name}: {name}" for name in names) + "}"


def none(*codes: str) -> frozenset[str]:
    """Error codes that say: there is none."""
    return frozenset(codes)
