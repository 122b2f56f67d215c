"""What a version holds: the canonical bytes of a resource's record, their digest, and carrying what was not read.

A detail that could not be read this time keeps its last known value, so that "unread" is neither a change nor an
absence. A detail that was never read is named in ``unknown``; learning it later is not a change either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from providers import normalise
from providers.normalise import digest_of
from providers.resource import Resource
from storage.text import to_json_bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A decoded version."""

    account: str
    region: str
    type: str
    name: str
    document: dict[str, Any]
    tags: dict[str, str]
    unknown: tuple[str, ...] = ()

    @classmethod
    def decode(cls, data: bytes) -> Record:
        """From stored bytes. Raises ValueError for what :func:`encode` did not write."""
        raw = orjson.loads(data)
        try:
            return cls(
                account=raw["account"],
                region=raw["region"],
                type=raw["type"],
                name=raw["name"],
                document=raw["document"],
                tags=raw["tags"],
                unknown=tuple(raw.get("unknown", ())),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a record: {error}") from error


def encode(resource: Resource) -> bytes:
    """The bytes of a resource all of whose details were read."""
    ref = resource.ref
    value = {
        "account": ref.account,
        "document": resource.document,
        "name": resource.name,
        "region": ref.region,
        "tags": resource.tags,
        "type": ref.type,
    }
    return to_json_bytes(value)


def encode_carrying(resource: Resource, previous: Record | None) -> bytes:
    """The bytes of a resource some of whose details are unread: their values come from ``previous``.

    A field that was known to be absent stays absent; one never read is named in ``unknown``.
    """
    document = {k: v for k, v in resource.document.items() if k not in resource.unread}
    unknown = []
    for name in resource.unread:
        if previous is None or name in previous.unknown:
            unknown.append(name)
        elif name in previous.document:
            document[name] = previous.document[name]
    tags: Mapping[str, str] = resource.tags
    if previous is not None and not tags and any(speaks_of_tags(name) for name in resource.unread):
        tags = previous.tags
    ref = resource.ref
    value: dict[str, Any] = {
        "account": ref.account,
        "document": document,
        "name": resource.name,
        "region": ref.region,
        "tags": tags,
        "type": ref.type,
    }
    if unknown:
        value["unknown"] = sorted(unknown)
    return to_json_bytes(value)


def only_learned(previous: Record, new: Record) -> bool:
    """Whether ``new`` differs from ``previous`` in nothing but fields that had never been read."""
    learned = set(previous.unknown) - set(new.unknown)
    if not learned:
        return False
    tags_learned = any(speaks_of_tags(name) for name in learned)
    return (
        {k: v for k, v in new.document.items() if k not in learned} == previous.document
        and (tags_learned or new.tags == previous.tags)
        and new.name == previous.name
        and (new.account, new.region, new.type) == (previous.account, previous.region, previous.type)
    )


def speaks_of_tags(name: str) -> bool:
    """Whether a document field is where the tags come from: ``Tags``, ``TagSet``, ``labels``."""
    lower = name.lower()
    return lower.startswith(("tag", "label"))


def digest(uid: str, data: bytes) -> bytes:
    """The digest of a resource's content; it covers the uid, so that no two resources share one."""
    return normalise.digest(b"%b\n%b" % (uid.encode("utf-8", "surrogatepass"), data))


def token(content: bytes, unread: Iterable[str]) -> int:
    """What stands for a state to be judged: its content and which of its fields are unread."""
    names = sorted(unread)
    state = digest_of([content, *(n.encode() for n in names)]) if names else content
    return int.from_bytes(state[:8], "big", signed=True)
