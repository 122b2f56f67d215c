"""``import "collection/maps"``: nested maps by paths such as ``a.0.b``; ``*`` goes over a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.sentinel.functions import a_list, a_map, function, text
from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Key, Undefined, Value, text_of

_LONGEST = 100


def _path(value: Value) -> list[bytes]:
    parts = text(value, "the path").split(b".")
    if len(parts) > _LONGEST:
        raise Fault(f"the path has more than {_LONGEST} parts")
    return parts


def _place(part: bytes, items: list[Value]) -> int | None:
    """The index a part of a path stands for, where it is one of the list's."""
    digits = part[1:] if part[:1] == b"-" else part
    if not digits.isdigit() or len(digits) > 18:
        return None
    place = int(part)
    return place if -len(items) <= place < len(items) else None


def _key(part: bytes, found: dict[Key, Value]) -> Key | None:
    if part in found:
        return part
    if part.lstrip(b"-").isdigit() and len(part) < 18 and ("int", int(part)) in found:
        return ("int", int(part))
    return None


def _found(run: Run, value: Value, parts: list[bytes]) -> Value:
    for place, part in enumerate(parts):
        run.charge(1)
        if part == b"*" and isinstance(value, list):
            run.hold_collection(len(value))
            rest = parts[place + 1 :]
            inner = [_found(run, item, rest) for item in value]
            return [item for item in inner if type(item) is not Undefined]
        if isinstance(value, dict):
            key = _key(part, value)
            if key is None:
                return Undefined(f'there is no "{text_of(part)[:80]}" at the path')
            value = value[key]
        elif isinstance(value, list):
            index = _place(part, value)
            if index is None:
                return Undefined(f'there is no "{text_of(part)[:80]}" at the path')
            value = value[index]
        else:
            return Undefined(f'nothing has a "{text_of(part)[:80]}" at the path')
    return value


def _get(run: Run, holder: Value, path: Value, *default: Value) -> Value:
    if isinstance(holder, Undefined):
        return default[0] if default else holder
    if isinstance(path, Undefined):
        return path
    found = _found(run, a_map(holder, "the object"), _path(path))
    return default[0] if default and isinstance(found, Undefined) else found


def _has(run: Run, holder: Value, path: Value) -> Value:
    return type(_found(run, a_map(holder, "the object"), _path(path))) is not Undefined


def _copied(run: Run, value: Value) -> Value:
    run.hold_collection(len(value))
    return dict(value) if isinstance(value, dict) else list(value)


def _with(run: Run, holder: Value, parts: list[bytes], value: Value) -> Value:
    """A copy of the map that has the value at the path; only what lies on the path is copied."""
    top = _copied(run, holder)
    at = top
    for part in parts[:-1]:
        key: Any = _key(part, at) if isinstance(at, dict) else _place(part, at)
        if key is None and isinstance(at, list):
            raise Fault(f'the list has no index "{text_of(part)[:80]}"')
        inner = at[key] if key is not None else {}
        inner = _copied(run, inner) if isinstance(inner, dict | list) else {}
        at[part if key is None else key] = inner
        at = inner
    last: Any = _place(parts[-1], at) if isinstance(at, list) else (_key(parts[-1], at) or parts[-1])
    if last is None:
        raise Fault(f'the list has no index "{text_of(parts[-1])[:80]}"')
    at[last] = value
    return top


def _without(run: Run, holder: Value, parts: list[bytes]) -> Value:
    """A copy of the map that lacks the path."""
    top = _copied(run, holder)
    at = top
    for part in parts[:-1]:
        key: Any = _key(part, at) if isinstance(at, dict) else _place(part, at)
        if key is None or not isinstance(at[key], dict | list):
            return top
        at[key] = _copied(run, at[key])
        at = at[key]
    last: Any = _key(parts[-1], at) if isinstance(at, dict) else _place(parts[-1], at)
    if last is not None:
        del at[last]
    return top


def _paths(value: Value) -> list[list[bytes]]:
    return [_path(item) for item in a_list(value, "the paths")]


def _pick(run: Run, holder: Value, paths: Value) -> Value:
    source = a_map(holder, "the object")
    made: Value = {}
    for parts in _paths(paths):
        found = _found(run, source, parts)
        if type(found) is not Undefined:
            made = _with(run, made, parts, found)
    return made


def _omit(run: Run, holder: Value, paths: Value) -> Value:
    made: Value = a_map(holder, "the object")
    for parts in _paths(paths):
        made = _without(run, made, parts)
    return _copied(run, made)


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    return {
        "get": function("get", _get, 2, 3, takes_undefined=True),
        "has": function("has", _has, 2),
        "pick": function("pick", _pick, 2),
        "omit": function("omit", _omit, 2),
        "set": function("set", lambda run, m, p, v: _with(run, a_map(m, "the object"), _path(p), v), 3),
        "unset": function("unset", lambda run, m, p: _without(run, a_map(m, "the object"), _path(p)), 2),
    }
