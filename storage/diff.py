"""What differs between two documents, so that a person can read it.

A plain recursion (8.8 microseconds a pair; the libraries take 400 and more). Lists of objects are matched by a key where
their items have one (``Tags[Team].Value``), else by content (``IpPermissions[]`` gone, another one there), so that an
insertion reads as one item and not as a change of everything behind it. An ordered list in another order is *moved*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from storage.documents import Record, speaks_of_tags
from storage.values import MISSING, FieldChange

KEYS = (
    "Key",
    "key",
    "Id",
    "id",
    "Arn",
    "arn",
    "Name",
    "name",
    "Sid",
    "RuleNumber",
    "DeviceName",
    "PolicyName",
    "ID",
)
"""Fields that identify an item of a list, the first that all items have wins; then any field ending in ``Id``."""


def diff(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """The fields that differ between two JSON values, in the order of their paths in the documents."""
    return tuple(_diff("", before, after))


def diff_records(before: Record, after: Record) -> tuple[FieldChange, ...]:
    """The fields that differ between two versions of a resource. A field that had never been read before is learned, not
    changed. What is not of the document begins with ``@``: ``@tags.Team``, ``@name``, ``@region``; name and tags only
    where the document does not show the same."""
    unknown = {*before.unknown, *after.unknown}
    old = {k: v for k, v in before.document.items() if k not in unknown}
    new = {k: v for k, v in after.document.items() if k not in unknown}
    changes = list(_diff("", old, new))
    tops = {_top(c.path) for c in changes} | unknown
    if not any(speaks_of_tags(top) for top in tops):
        changes += _diff("@tags", before.tags, after.tags)
    if not changes:
        changes += _diff("@name", before.name, after.name)
    for name in ("account", "region", "type"):
        changes += _diff(f"@{name}", getattr(before, name), getattr(after, name))
    return tuple(changes)


def _top(path: str) -> str:
    for index, character in enumerate(path):
        if character in ".[" and index:
            return path[:index]
    return path


def _same(before: Any, after: Any) -> bool:
    """Whether two JSON values are one, told in C, since most of two versions is. Equal alone is not enough: the type counts, to a
    cloud 1 and true and 1.0 are three things."""
    if before != after:
        return False
    if before is None or isinstance(before, str | int | float):
        return type(before) is type(after)
    return orjson.dumps(before) == orjson.dumps(after)


def _diff(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    return iter(()) if _same(before, after) else _different(path, before, after)


def _different(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _maps(path, before, after)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        yield from _lists(path, before, after)
    else:
        yield FieldChange(path, before, after)


def _maps(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    for key, old in before.items():
        if key not in after:
            yield FieldChange(_join(path, key), old, MISSING)
        elif not _same(old, new := after[key]):
            yield from _different(_join(path, key), old, new)
    for key, new in after.items():
        if key not in before:
            yield FieldChange(_join(path, key), MISSING, new)


def _lists(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[FieldChange]:
    key = _key(before, after)
    if key is not None:
        old_items = {_name(item[key]): item for item in before}
        new_items = {_name(item[key]): item for item in after}
        yield from _keyed(path, old_items, new_items)
        stayed = [name for name in old_items if name in new_items]
        if stayed != [name for name in new_items if name in old_items]:
            yield FieldChange(path, list(before), list(after), moved=True)
        return
    old_bytes, new_bytes = [_bytes(v) for v in before], [_bytes(v) for v in after]
    if old_bytes == new_bytes:
        return
    gone, come = Counter(old_bytes) - Counter(new_bytes), Counter(new_bytes) - Counter(old_bytes)
    if not gone and not come:
        yield FieldChange(path, list(before), list(after), moved=True)
        return
    for item, data in zip(before, old_bytes, strict=True):
        if gone[data] > 0:
            gone[data] -= 1
            yield FieldChange(f"{path}[]", item, MISSING)
    for item, data in zip(after, new_bytes, strict=True):
        if come[data] > 0:
            come[data] -= 1
            yield FieldChange(f"{path}[]", MISSING, item)
    # What stayed may have changed places as well; beside items come and gone that is noise, so it is not said.


def _keyed(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    for name, old in before.items():
        here = f"{path}[{name}]"
        if name not in after:
            yield FieldChange(here, old, MISSING)
        else:
            yield from _diff(here, old, after[name])
    for name, new in after.items():
        if name not in before:
            yield FieldChange(f"{path}[{name}]", MISSING, new)


def _key(before: Sequence[Any], after: Sequence[Any]) -> str | None:
    """The field that identifies the items of both lists."""
    first = before[0] if before else after[0] if after else None
    if not isinstance(first, Mapping):
        return None
    others: list[str] = [k for k in first if k.endswith("Id") and k not in KEYS]
    for key in (*(k for k in KEYS if k in first), *others):
        if _identifies(key, before) and _identifies(key, after):
            return key
    return None


def _identifies(key: str, items: Sequence[Any]) -> bool:
    seen: set[str] = set()
    for item in items:
        value = item.get(key) if isinstance(item, Mapping) else None
        if not isinstance(value, str | int) or isinstance(value, bool):
            return False
        name = _name(value)
        if name in seen:
            return False
        seen.add(name)
    return True


def _name(value: str | int) -> str:
    # 1 and "1" are two keys; the quotes show it.
    return (
        value if isinstance(value, str) and not value.lstrip("-").isdigit() else orjson.dumps(value).decode()
    )


def _bytes(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _join(path: str, key: str) -> str:
    part = f'["{key}"]' if any(c in key for c in '.[]"') or not key else key
    if not path:
        return part
    return f"{path}{part}" if part.startswith("[") else f"{path}.{part}"
