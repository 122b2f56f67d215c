"""Between the host's data and Sentinel's values. Always a copy: neither side can change the other's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from policies.sentinel.deferred import Deferred, DeferredMap
from policies.sentinel.partial import Partial, PartialMap
from policies.sentinel.run import Rule, Run
from policies.sentinel.values import (
    MAX_INT,
    MIN_INT,
    Fault,
    Key,
    Undefined,
    Value,
    key_value,
    kind_of,
    text_of,
)

_FREE: Final = 7
"""Elements that are not charged for: eight are a step."""


def to_value(  # noqa: PLR0912 - the leaves in line: each call here is paid by every evaluation
    data: Any, run: Run, null_is_undefined: bool = False, depth: int = 0
) -> Value:
    """A copy of host data as a value. Text becomes bytes, an integer beyond 64 bits a float, a time RFC 3339 text.

    Raises Fault where data nests too deeply or is of a type no policy can read.
    """
    kind = type(data)
    if kind is str:
        return data.encode("utf-8", "surrogatepass")
    if kind is bool or kind is float or kind is bytes:
        return data
    if data is None:
        return Undefined("the input is null here, which counts as not given") if null_is_undefined else None
    if kind is int:
        return data if MIN_INT <= data <= MAX_INT else _as_float(data)
    if depth >= run.budget.nesting:
        raise Fault(f"the input nests deeper than {run.budget.nesting}", kind="budget")
    if kind is dict or isinstance(data, Mapping):
        if len(data) > _FREE:
            run.charge(len(data) >> 3)
        made: dict[Key, Value] = {}
        for key, item in data.items():
            name = key.encode("utf-8", "surrogatepass") if type(key) is str else _key(key)
            # The commonest leaves without a call of their own.
            kind = type(item)
            if kind is str:
                made[name] = item.encode("utf-8", "surrogatepass")
            elif kind is bool or (kind is int and MIN_INT <= item <= MAX_INT):
                made[name] = item
            else:
                made[name] = to_value(item, run, null_is_undefined, depth + 1)
        return PartialMap(made, data, run) if isinstance(data, Partial) else made
    if kind is list or isinstance(data, list | tuple):
        if len(data) > _FREE:
            run.charge(len(data) >> 3)
        items: list[Value] = []
        for item in data:
            if type(item) is str:
                items.append(item.encode("utf-8", "surrogatepass"))
            else:
                items.append(to_value(item, run, null_is_undefined, depth + 1))
        return items
    if kind is Deferred:
        return DeferredMap(lambda: _asked_for(data, run, depth))
    return _rare(data, run)


def _asked_for(data: Deferred, run: Run, depth: int) -> dict[Key, Value]:
    data.charge(run)
    made: dict[Key, Value] = to_value(data.value(), run, depth=depth)
    return made


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _key(key: Any) -> Key:
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    if isinstance(key, bytes):
        return key
    if type(key) in {bool, int, float}:
        return (type(key).__name__, key)
    raise Fault(f"the input has a key of type {type(key).__name__}; text, numbers and bools can be keys")


def _rare(data: Any, run: Run) -> Value:
    if isinstance(data, str):
        return str(data).encode("utf-8", "surrogatepass")
    if isinstance(data, int):
        return to_value(int(data), run)
    if isinstance(data, float | Decimal):
        return float(data)
    if isinstance(data, datetime):
        return data.isoformat().encode()
    raise Fault(f"the input holds a {type(data).__name__}, which no policy can read")


def to_host(value: Value, run: Run, depth: int = 0) -> Any:
    """A value as JSON would hold it: undefined and functions as None, keys as text, rules as their values."""
    kind = kind_of(value)
    if kind == "string":
        return text_of(value)
    if kind in {"null", "undefined", "func", "import"}:
        return None
    if kind == "rule":
        return to_host(value.value if isinstance(value, Rule) and value.state == 2 else None, run, depth)
    if kind not in {"list", "map"}:
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if depth >= run.budget.nesting:
        return "…"
    if isinstance(value, PartialMap):
        value = value.known()
    run.charge(1 + (len(value) >> 2))
    if kind == "list":
        items: list[Any] = []
        for item in value:
            items.append(to_host(item, run, depth + 1))  # noqa: PERF401
        return items
    made: dict[str, Any] = {}
    for key, item in value.items():
        made[key_text(key)] = to_host(item, run, depth + 1)
    return made


def key_text(key: Key) -> str:
    """A key as the text JSON wants."""
    plain = key_value(key)
    if isinstance(plain, bytes):
        return text_of(plain)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def shown(value: Value, run: Run, depth: int = 0, *, inside: bool = False) -> str:
    """A value as ``print`` writes it: strings bare, but quoted inside lists and maps."""
    kind = kind_of(value)
    if kind == "string":
        text = text_of(value)
        return (
            '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
            if inside
            else text
        )
    if kind == "bool":
        return "true" if value else "false"
    if kind in {"null", "undefined", "func", "import"}:
        return kind
    if kind == "rule":
        return shown(run.force(value), run, depth, inside=inside)
    if kind not in {"list", "map"}:
        return str(value)
    if depth >= run.budget.nesting:
        return "…"
    if isinstance(value, PartialMap):
        value = value.known()
    run.charge(1 + len(value))
    parts: list[str] = []
    size = 0
    places: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    for place in places:
        part = shown(value[place], run, depth + 1, inside=True)
        if isinstance(value, dict):
            part = f"{shown(key_value(place), run, inside=True)}: {part}"
        parts.append(part)
        size += len(part)
        if size > run.budget.prints:
            raise Fault(f"a printed value is longer than {run.budget.prints} bytes", kind="budget")
    return f"[{', '.join(parts)}]" if kind == "list" else "{" + ", ".join(parts) + "}"
