"""``import "collection"``: over lists and maps, with predicates of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from policies.sentinel import semantics
from policies.sentinel.functions import function
from policies.sentinel.operators import as_bool, equal, settled
from policies.sentinel.run import Function, Run
from policies.sentinel.values import Fault, Key, Undefined, Value, a_kind, key_value


def _pairs(run: Run, items: Value) -> list[tuple[Key | None, Value]]:
    if isinstance(items, list):
        run.hold_collection(len(items))
        return [(None, item) for item in items]
    if isinstance(items, dict):
        run.hold_collection(len(items))
        return list(items.items())
    raise Fault(f"the collection must be a list or a map, not {a_kind(items)}")


def _asked(run: Run, predicate: Value, key: Key | None, item: Value) -> Value:
    """What the predicate says of an element. With two parameters it gets the key of a map first."""
    run.charge(1)
    both = isinstance(predicate, Function) and len(predicate.code.parameters) == 2
    arguments = (key_value(key), item) if both and key is not None else (item,)
    return as_bool(run.call(predicate, arguments), run)


def _kept(items: Value, kept: list[tuple[Key | None, Value]]) -> Value:
    return dict(kept) if isinstance(items, dict) else [item for _, item in kept]


def _filter(run: Run, items: Value, predicate: Value) -> Value:
    kept = []
    for key, item in _pairs(run, items):
        answer = _asked(run, predicate, key, item)
        if answer is True:
            kept.append((key, item))
        elif answer is not False and semantics.FILTER_SPOILT_BY_UNDEFINED:
            return answer
    return _kept(items, kept)


def _reject(run: Run, items: Value, predicate: Value) -> Value:
    kept = []
    for key, item in _pairs(run, items):
        answer = _asked(run, predicate, key, item)
        if answer is False or (answer is not True and semantics.REJECT_KEEPS_UNDEFINED):
            kept.append((key, item))
    return _kept(items, kept)


def _find(run: Run, items: Value, predicate: Value) -> Value:
    for key, item in _pairs(run, items):
        if _asked(run, predicate, key, item) is True:
            return settled(item, run)
    return Undefined("no element was found")


def _matches(run: Run, items: Value, partial: Value) -> Value:
    kept = []
    for key, item in _pairs(run, items):
        run.charge(1)
        if _fits(run, item, partial, 0):
            kept.append((key, item))
    return _kept(items, kept)


def _fits(run: Run, item: Value, partial: Value, depth: int) -> bool:
    """Whether the element has all the partial map says, at any depth."""
    if not isinstance(partial, dict):
        return equal(item, partial, run) is True
    if not isinstance(item, dict):
        return False
    if depth >= run.budget.nesting:
        raise Fault(f"maps nest deeper than {run.budget.nesting}", kind="budget")
    run.charge(len(partial))
    return all(key in item and _fits(run, item[key], part, depth + 1) for key, part in partial.items())


def _with_function(body: Callable[[Run, Value, Value], Value]) -> Callable[[Run, Value, Value], Value]:
    def call(run: Run, items: Value, predicate: Value) -> Value:
        if not isinstance(predicate, Function) and not hasattr(predicate, "call"):
            raise Fault(f"the predicate must be a function, not {a_kind(predicate)}")
        return body(run, items, predicate)

    return call


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    return {
        "filter": function("filter", _with_function(_filter), 2),
        "find": function("find", _with_function(_find), 2),
        "reject": function("reject", _with_function(_reject), 2),
        "matches": function("matches", _matches, 2),
    }
