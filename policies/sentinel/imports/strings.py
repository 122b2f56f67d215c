"""``import "strings"``: text is UTF-8 where characters count, bytes where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.sentinel.builtins import BUILTINS
from policies.sentinel.functions import a_list, function, integer, text
from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind


def _decoded(value: Value, what: str = "the argument") -> str:
    return text(value, what).decode("utf-8", "surrogateescape")


def _encoded(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _join(run: Run, items: Value, separator: Value) -> Value:
    parts: list[bytes] = []
    _flatten(run, a_list(items, "the list"), parts, 0)
    glue = text(separator, "the separator")
    run.hold_string(sum(map(len, parts)) + len(glue) * max(0, len(parts) - 1))
    return glue.join(parts)


def _flatten(run: Run, items: list[Value], parts: list[bytes], depth: int) -> None:
    if depth >= run.budget.nesting:
        raise Fault(f"lists nest deeper than {run.budget.nesting}", kind="budget")
    run.charge(1 + len(items))
    for item in items:
        if isinstance(item, list):
            _flatten(run, item, parts, depth + 1)
            continue
        part = BUILTINS["string"].call(run, (item,))
        if isinstance(part, Undefined):
            raise Fault(f"{a_kind(item)} cannot be joined")
        run.hold_string(len(part))
        parts.append(part)


def _split(run: Run, value: Value, separator: Value) -> Value:
    if isinstance(value, list):
        return value
    whole, by = text(value, "the text"), text(separator, "the separator")
    if not by:
        run.hold_collection(len(whole))
        return [_encoded(character) for character in _decoded(whole)]
    run.hold_collection(whole.count(by) + 1)
    run.allocate(len(whole))
    return whole.split(by)


def _case(change: str) -> Any:
    def apply(run: Run, value: Value) -> Value:
        whole = text(value)
        run.hold_string(2 * len(whole))
        if whole.isascii():
            return whole.upper() if change == "upper" else whole.lower()
        # Character by character, as Go does it: one character never becomes two.
        changed = ((c, c.upper() if change == "upper" else c.lower()) for c in _decoded(whole))
        return _encoded("".join([new if len(new) == 1 else old for old, new in changed]))

    return apply


def _replace(run: Run, value: Value, old: Value, new: Value, times: Value = -1) -> Value:
    whole, before, after = text(value), text(old, "the old text"), text(new, "the new text")
    limit = integer(times, "the number of times")
    found = whole.count(before) if before else len(_decoded(whole)) + 1
    count = found if limit < 0 else min(found, limit)
    run.hold_string(len(whole) + count * max(0, len(after) - len(before)))
    if before:
        return whole.replace(before, after, count)
    return _encoded(_decoded(whole).replace("", _decoded(after), count))


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    return {
        "has_prefix": function("has_prefix", lambda _run, s, p: text(s).startswith(text(p)), 2),
        "has_suffix": function("has_suffix", lambda _run, s, p: text(s).endswith(text(p)), 2),
        "join": function("join", _join, 2),
        "split": function("split", _split, 2),
        "to_lower": function("to_lower", _case("lower"), 1),
        "to_upper": function("to_upper", _case("upper"), 1),
        "trim_prefix": function("trim_prefix", lambda _run, s, p: text(s).removeprefix(text(p)), 2),
        "trim_suffix": function("trim_suffix", lambda _run, s, p: text(s).removesuffix(text(p)), 2),
        "replace": function("replace", _replace, 3, 4),
        "trim": function("trim", lambda _run, s, c: _stripped(_stripped(s, c, left=True), c, left=False), 2),
        "trim_left": function("trim_left", lambda _run, s, c: _stripped(s, c, left=True), 2),
        "trim_right": function("trim_right", lambda _run, s, c: _stripped(s, c, left=False), 2),
        "trim_space": function("trim_space", lambda _run, s: _encoded(_decoded(s).strip()), 1),
    }


def _stripped(value: Value, cutset: Value, *, left: bool) -> bytes:
    characters = _decoded(cutset, "the cutset")
    whole = _decoded(value)
    if not characters:
        return _encoded(whole)
    return _encoded(whole.lstrip(characters) if left else whole.rstrip(characters))
