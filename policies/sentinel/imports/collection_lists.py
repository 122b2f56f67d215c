"""``import "collection/lists"``"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

from policies.sentinel.functions import a_list, function
from policies.sentinel.operators import contains, settled
from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind


def _concat(run: Run, *lists: Value) -> Value:
    given = [a_list(item, "every argument") for item in lists]
    run.hold_collection(sum(map(len, given)))
    return [item for items in given for item in items]


def _sort(run: Run, items: Value, compare: Value) -> Value:
    def answered(a: Value, b: Value) -> int:
        run.charge(1)
        answer = settled(run.call(compare, (a, b)), run)
        if isinstance(answer, Undefined):
            raise Fault(
                f"the function that compares gives undefined ({answer.cause}); it must give -1, 0 or 1"
            )
        if type(answer) is not int:
            raise Fault(f"the function that compares gives {a_kind(answer)}; it must give -1, 0 or 1")
        return answer

    given = a_list(items)
    run.hold_collection(len(given))
    return sorted(given, key=cmp_to_key(answered))


def _sum(run: Run, items: Value) -> Value:
    total = 0.0
    run.charge(len(a_list(items)))
    for item in items:
        value = settled(item, run)
        if isinstance(value, Undefined):
            return value
        if type(value) is not int and type(value) is not float:
            raise Fault(f"only numbers have a sum, not {a_kind(value)}")
        total += value
    return total


def _unique(
    run: Run, items: list[Value], *, besides: list[Value] | None = None, within: list[Value] | None = None
) -> Value:
    """The elements once each: those not in ``besides``, those in ``within``."""
    made: list[Value] = []
    run.hold_collection(len(items))
    for item in items:
        if contains(made, item, run) is True:
            continue
        if besides is not None and contains(besides, item, run) is True:
            continue
        if within is not None and contains(within, item, run) is not True:
            continue
        made.append(item)
    return made


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    difference = function("difference", lambda run, a, b: _unique(run, a_list(a), besides=a_list(b)), 2)
    return {
        "concat": function("concat", _concat, 1, None),
        "sort": function("sort", _sort, 2),
        "sum": function("sum", _sum, 1),
        "difference": difference,
        "diff": difference,
        "union": function("union", lambda run, *lists: _unique(run, _concat(run, *lists)), 1, None),
        "intersection": function(
            "intersection", lambda run, a, b: _unique(run, a_list(a), within=a_list(b)), 2
        ),
    }
