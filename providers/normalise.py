"""Canonical documents: the same resource gives the same bytes, whatever order or moment a cloud answered in.

Volatile fields go, unordered lists are sorted, times become RFC 3339 UTC, and what JSON cannot say becomes what it can.
Every cloud's reader passes its documents through :func:`canonical`; the store hashes :func:`encode` of the result.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import orjson

MAX_DEPTH = 128
"""Deeper documents are refused: the policy engine's JSON reader stops there (docs/decisions)."""

DIGEST_BYTES = 20
"""SHA-256, shortened. A resource's content may be chosen by an attacker, so the hash must resist collisions."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is volatile and what is unordered in one type's documents. Paths are dotted, ``*`` is every item of a list
    or every value of a map: ``NetworkInterfaces.*.Attachment.AttachTime``."""

    volatile: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()
    """Lists whose order means something; every other list is a set to the clouds and is sorted."""


NO_RULES = Rules()

ORDERED_KEYS = frozenset(
    {
        "args",
        "arguments",
        "command",
        "commands",
        "cmd",
        "entrypoint",
        "containerdefinitions",
        "statusreason",
        "ordereditems",
    }
)
"""Keys (lower case) whose lists keep their order in every type: a command line sorted is another command line."""


class DocumentTooDeep(ValueError):
    """A document nests deeper than :data:`MAX_DEPTH`."""


def canonical(document: Mapping[str, Any], rules: Rules = NO_RULES) -> dict[str, Any]:
    """The document as JSON values in canonical order. Raises DocumentTooDeep, or TypeError for what is not data."""
    result = _canonical(document, "", rules, 0)
    assert isinstance(result, dict)
    return result


def _canonical(value: Any, path: str, rules: Rules, depth: int) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if depth > MAX_DEPTH:
        raise DocumentTooDeep(f"nested deeper than {MAX_DEPTH} levels at {path[:200] or 'the top'}")
    if isinstance(value, Mapping):
        prefix = f"{path}." if path else ""
        out: dict[str, Any] = {}
        for key in sorted(value, key=str):
            here = f"{prefix}{key}"
            if here in rules.volatile or (prefix and f"{prefix}*" in rules.volatile):
                continue
            out[str(key)] = _canonical(value[key], _generic(here, rules), rules, depth + 1)
        return out
    if isinstance(value, list | tuple | set | frozenset):
        here = f"{path}.*" if path else "*"
        items = [_canonical(item, here, rules, depth + 1) for item in value]
        keep = path in rules.ordered or path.rpartition(".")[2].lower() in ORDERED_KEYS
        return items if keep else _sorted(items)
    return _scalar(value, path)


def _generic(path: str, rules: Rules) -> str:
    """Rewrite a map key to ``*`` where a rule speaks of every value of that map."""
    if not (rules.volatile or rules.ordered) or not (starred := _starred(rules)):
        return path
    head, _, _ = path.rpartition(".")
    star = f"{head}.*" if head else "*"
    if any(rule == star or rule.startswith(f"{star}.") for rule in starred):
        return star
    return path


@lru_cache(maxsize=4096)
def _starred(rules: Rules) -> tuple[str, ...]:
    """The rules with a ``*`` in them, the only ones a key can be rewritten for: most documents have none."""
    return tuple(rule for rule in rules.volatile | rules.ordered if "*" in rule)


def _scalar(value: Any, path: str) -> Any:
    if isinstance(value, Enum):
        return _scalar_plain(value.value, path)
    return _scalar_plain(value, path)


def _scalar_plain(value: Any, path: str) -> Any:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        # JSON readers lose integers beyond 64 bits; as text nothing is lost.
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return timestamp(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(f"{type(value).__name__} at {path or 'the top'} is not data")


def _sorted(items: list[Any]) -> list[Any]:
    if len(items) < 2:
        return items
    if all(isinstance(item, str) for item in items):
        return sorted(items)
    return sorted(items, key=encode)


def timestamp(value: datetime) -> str:
    """RFC 3339 in UTC with a ``Z``; microseconds only where there are any."""
    text = value.astimezone(UTC).isoformat()
    return text.replace("+00:00", "Z")


def encode(value: Any) -> bytes:
    """The canonical bytes of JSON values."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


SLICE: Final = 2_000
"""Bytes hashed at a time. hashlib lets go of the interpreter's lock for 2,048 and more, and with other threads waiting for it
each letting go costs more than the hash (docs/decisions/0140)."""


def digest(data: bytes) -> bytes:
    """The digest of canonical bytes (:data:`DIGEST_BYTES` long)."""
    hasher = hashlib.sha256(data[:SLICE])
    for start in range(SLICE, len(data), SLICE):
        hasher.update(data[start : start + SLICE])
    return hasher.digest()[:DIGEST_BYTES]


def digest_of(parts: Iterable[bytes]) -> bytes:
    """The digest over several byte strings, each length-prefixed so that no two sequences coincide."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()[:DIGEST_BYTES]
