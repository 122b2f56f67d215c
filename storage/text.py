"""Text and JSON that both databases take: PostgreSQL refuses NUL, UTF-8 refuses half a surrogate pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def clean(text: str) -> str:
    """``text`` with what cannot be stored replaced."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def to_json(value: Any) -> str:
    """Canonical JSON; mappings and sets of any kind are taken, bytes become hexadecimal. Raises TypeError for what is not
    data."""
    return to_json_bytes(value).decode()


def to_json_bytes(value: Any) -> bytes:
    """As :func:`to_json`, in UTF-8."""
    try:
        return orjson.dumps(value, plain, orjson.OPT_SORT_KEYS)
    except TypeError:
        # Either half a surrogate pair, which JSON may carry, or no data at all: then this raises again.
        return orjson.dumps(scrubbed(value), plain, orjson.OPT_SORT_KEYS)


def plain(value: Any) -> Any:
    """JSON for what orjson does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} is not data")


def scrubbed(value: Any) -> Any:
    """``value`` with half surrogate pairs replaced throughout."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {scrubbed(k): scrubbed(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(v) for v in value]
    return value
