"""Elements and parts of values: ``value[key]``, ``value.name`` and ``value[low:high]``."""

from __future__ import annotations

from typing import Final

from policies.sentinel.operators import settled
from policies.sentinel.run import ImportMap, Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind, key_of


def index(value: Value, key: Value, run: Run) -> Value:
    """``value[key]``"""
    value, key = settled(value, run), settled(key, run)
    if type(value) is Undefined:
        return value
    if value is None:
        return Undefined("null has no elements")
    if type(key) is Undefined:
        return key
    if isinstance(value, dict):
        found = value.get(key_of(key), _MISSING)
        if found is not _MISSING:
            return settled(found, run)
        if isinstance(value, ImportMap) and isinstance(key, bytes):
            method = value.methods.get(key.decode(errors="replace"))
            if method is not None:
                return method
        return Undefined(f"the map has no key {_shown(key)}")
    if isinstance(value, list | bytes):
        if type(key) is not int:
            raise Fault(f"{a_kind(value)} is indexed by an int, not by {a_kind(key)}")
        size = len(value)
        place = key + size if key < 0 else key
        if not 0 <= place < size:
            return Undefined(
                f"index {key} is outside the {'list' if isinstance(value, list) else 'string'} of {size}"
            )
        return settled(value[place], run) if isinstance(value, list) else value[place : place + 1]
    raise Fault(f"{a_kind(value)} has no elements to select; a list, a map or a string has")


_MISSING: Final = object()


def _shown(key: Value) -> str:
    text = key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key).lower()
    return f'"{text[:80]}"' if isinstance(key, bytes) else text[:80]


def cut(value: Value, low: Value, high: Value, run: Run) -> Value:
    """``value[low:high]``; a bound left out is NO_BOUND."""
    value = settled(value, run)
    if type(value) is Undefined:
        return value
    if value is None:
        return Undefined("null has no elements")
    if not isinstance(value, list | bytes):
        raise Fault(f"{a_kind(value)} cannot be sliced; a list or a string can")
    first, last = _bound(low, 0, run), _bound(high, len(value), run)
    if isinstance(first, Undefined):
        return first
    if isinstance(last, Undefined):
        return last
    if not 0 <= first <= last <= len(value):
        return Undefined(f"the slice [{first}:{last}] is outside the {len(value)} elements")
    if isinstance(value, list):
        run.hold_collection(last - first)
    else:
        run.hold_string(last - first)
    return value[first:last]


class _NoBound:
    __slots__ = ()


NO_BOUND: Final = _NoBound()


def _bound(value: Value, default: int, run: Run) -> int | Undefined:
    value = settled(value, run)
    if value is NO_BOUND:
        return default
    if type(value) is int or type(value) is Undefined:
        return value
    raise Fault(f"the bound of a slice is an int, not {a_kind(value)}")
