"""What the operators mean. Functions of values; each raises Fault without a place, which the caller adds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from policies.sentinel import semantics
from policies.sentinel.patterns import compiled_pattern
from policies.sentinel.run import Rule, Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind, key_of, wrap


def settled(value: Value, run: Run) -> Value:
    """The value itself, or of the rule it is."""
    return run.force(value) if type(value) is Rule else value


def as_bool(value: Value, run: Run) -> Value:
    """True, False or undefined: what a boolean position makes of a value."""
    value = settled(value, run)
    if value is True or value is False or type(value) is Undefined:
        return value
    return Undefined(f"a bool is needed here, not {a_kind(value)}")


# Equality and order.


def equal(a: Value, b: Value, run: Run, depth: int = 0) -> Value:
    """True, False or undefined. Values of different kinds are not equal; int and float compare as floats."""
    kind = type(a)
    if kind is type(b) and (kind is bytes or kind is int or kind is bool):
        return a == b
    a, b = settled(a, run), settled(b, run)
    if type(a) is Undefined:
        return a
    if type(b) is Undefined:
        return b
    if isinstance(a, list) and isinstance(b, list):
        return _equal_lists(a, b, run, depth)
    if isinstance(a, dict) and isinstance(b, dict):
        return _equal_maps(a, b, run, depth)
    if type(a) is float or type(b) is float:
        return _is_number(a) and _is_number(b) and float(a) == float(b)
    if type(a) is not type(b):
        return False
    return a is b if not isinstance(a, bytes | int) else a == b


def _is_number(value: Value) -> bool:
    return type(value) is int or type(value) is float


def _deeper(run: Run, depth: int, size: int) -> None:
    run.charge(size + 1)
    if depth >= run.budget.nesting:
        raise Fault(f"lists and maps nest deeper than {run.budget.nesting}", kind="budget")


def _equal_lists(a: list[Value], b: list[Value], run: Run, depth: int) -> Value:
    _deeper(run, depth, len(a))
    if len(a) != len(b):
        return False
    found: Value = True
    for one, other in zip(list(a), list(b), strict=True):
        same = equal(one, other, run, depth + 1)
        if same is False:
            return False
        if same is not True:
            found = same
    return found


def _equal_maps(a: dict[Any, Value], b: dict[Any, Value], run: Run, depth: int) -> Value:
    _deeper(run, depth, len(a))
    if a.keys() != b.keys():
        return False
    found: Value = True
    for key, one in list(a.items()):
        same = equal(one, b[key], run, depth + 1)
        if same is False:
            return False
        if same is not True:
            found = same
    return found


def unequal(a: Value, b: Value, run: Run) -> Value:
    """The contrary of :func:`equal`; undefined stays."""
    return negated(equal(a, b, run))


def negated(value: Value) -> Value:
    """``not`` for what is True, False or undefined already."""
    return value if type(value) is Undefined else not value


def order(a: Value, b: Value, run: Run) -> int | Undefined | None:
    """-1, 0 or 1; None for a NaN; undefined where the two have no order."""
    a, b = settled(a, run), settled(b, run)
    if type(a) is Undefined:
        return a
    if type(b) is Undefined:
        return b
    if _is_number(a) and _is_number(b):
        if type(a) is not type(b):
            a, b = float(a), float(b)
        if a == b:
            return 0
        return -1 if a < b else 1 if a > b else None
    if isinstance(a, bytes) and isinstance(b, bytes):
        return (a > b) - (a < b)
    return Undefined(f"{a_kind(a)} and {a_kind(b)} have no order")


def less(a: Value, b: Value, run: Run) -> Value:
    """``<``"""
    found = order(a, b, run)
    return found if isinstance(found, Undefined) else found == -1


def less_or_equal(a: Value, b: Value, run: Run) -> Value:
    """``<=``"""
    found = order(a, b, run)
    return found if isinstance(found, Undefined) else found in (-1, 0)


def greater(a: Value, b: Value, run: Run) -> Value:
    """``>``"""
    found = order(a, b, run)
    return found if isinstance(found, Undefined) else found == 1


def greater_or_equal(a: Value, b: Value, run: Run) -> Value:
    """``>=``"""
    found = order(a, b, run)
    return found if isinstance(found, Undefined) else found in (0, 1)


# Arithmetic.


def _arithmetic(
    sign: str, ints: Callable[[int, int], int], floats: Callable[[float, float], float]
) -> Callable[[Value, Value, Run], Value]:
    def operate(a: Value, b: Value, run: Run) -> Value:
        if type(a) is int and type(b) is int:
            return ints(a, b)
        a, b = settled(a, run), settled(b, run)
        if type(a) is Undefined:
            return a
        if type(b) is Undefined:
            return b
        if _is_number(a) and _is_number(b):
            if type(a) is int and type(b) is int:
                return ints(a, b)
            return floats(float(a), float(b))
        raise Fault(f'"{sign}" does not go with {a_kind(a)} and {a_kind(b)}')

    return operate


def _divide(a: int, b: int) -> int:
    if b == 0:
        raise Fault("division by zero")
    quotient = abs(a) // abs(b)
    return wrap(quotient if (a < 0) == (b < 0) else -quotient)


def _remainder(a: int, b: int) -> int:
    if b == 0:
        raise Fault("division by zero")
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def _divide_floats(a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _remainder_floats(a: float, b: float) -> float:
    if b == 0 or math.isinf(a) or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.fmod(a, b)


_add_numbers = _arithmetic("+", lambda a, b: wrap(a + b), lambda a, b: a + b)
subtract = _arithmetic("-", lambda a, b: wrap(a - b), lambda a, b: a - b)
multiply = _arithmetic("*", lambda a, b: wrap(a * b), lambda a, b: a * b)
divide = _arithmetic("/", _divide, _divide_floats)
remainder = _arithmetic("%", _remainder, _remainder_floats)


def add(a: Value, b: Value, run: Run) -> Value:
    """``+``: numbers, strings, lists."""
    if type(a) is bytes and type(b) is bytes:
        run.hold_string(len(a) + len(b))
        return a + b
    if type(a) is list and type(b) is list:
        run.hold_collection(len(a) + len(b))
        return a + b
    if type(a) is Rule or type(b) is Rule:
        return add(settled(a, run), settled(b, run), run)
    return _add_numbers(a, b, run)


def minus(value: Value, run: Run) -> Value:
    """Unary ``-``"""
    value = settled(value, run)
    if type(value) is int:
        return wrap(-value)
    if type(value) is float:
        return -value
    if type(value) is Undefined:
        return value
    raise Fault(f'"-" does not go with {a_kind(value)}')


def plus(value: Value, run: Run) -> Value:
    """Unary ``+``"""
    value = settled(value, run)
    if _is_number(value) or type(value) is Undefined:
        return value
    raise Fault(f'"+" does not go with {a_kind(value)}')


# Sets and regular expressions.


def contains(collection: Value, item: Value, run: Run) -> Value:
    """``collection contains item``"""
    collection, item = settled(collection, run), settled(item, run)
    if type(collection) is Undefined:
        return collection
    if isinstance(collection, list):
        return _list_contains(collection, item, run)
    if isinstance(collection, dict):
        if type(item) is Undefined:
            return item
        return type(item) in (bytes, int, bool, float) and key_of(item) in collection
    if isinstance(collection, bytes):
        if type(item) is Undefined:
            return item
        if isinstance(item, bytes):
            run.charge(len(collection) >> 8)
            return item in collection
        if semantics.STRING_CONTAINS_OTHER_IS_ERROR:
            raise Fault(f"a string can contain a string, not {a_kind(item)}")
        return Undefined(f"a string can contain a string, not {a_kind(item)}")
    raise Fault(f"{a_kind(collection)} contains nothing; a list, a map or a string can")


def _list_contains(collection: list[Value], item: Value, run: Run) -> Value:
    run.charge(1 + (len(collection) >> 1))
    found: Value = False
    for element in list(collection):
        same = equal(element, item, run)
        if same is True:
            return True
        if same is not False:
            found = same
    return found


def within(item: Value, collection: Value, run: Run) -> Value:
    """``item in collection``"""
    return contains(collection, item, run)


def matches(text: Value, pattern: Value, run: Run) -> Value:
    """``text matches pattern``: RE2, not anchored."""
    text, pattern = settled(text, run), settled(pattern, run)
    if type(text) is Undefined:
        return text
    if type(pattern) is Undefined:
        return pattern
    if not isinstance(text, bytes) or not isinstance(pattern, bytes):
        raise Fault(f'"matches" goes with two strings, not {a_kind(text)} and {a_kind(pattern)}')
    expression = compiled_pattern(pattern)
    run.charge(1 + (len(text) >> 6) + (len(pattern) >> 4))
    return expression.search(text) is not None


def is_empty(value: Value, run: Run) -> Value:
    """``is empty``"""
    value = settled(value, run)
    if isinstance(value, list | dict | bytes):
        return not len(value)
    if type(value) is Undefined:
        return value
    return Undefined(f"{a_kind(value)} is neither empty nor not")


def is_defined(value: Value, run: Run) -> bool:
    """``is defined``"""
    return type(settled(value, run)) is not Undefined


BINARY: Final[Mapping[str, Callable[[Value, Value, Run], Value]]] = {
    "==": equal,
    "!=": unequal,
    "<": less,
    "<=": less_or_equal,
    ">": greater,
    ">=": greater_or_equal,
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "contains": contains,
    "in": within,
    "matches": matches,
    "not contains": lambda a, b, run: negated(contains(a, b, run)),
    "not in": lambda a, b, run: negated(contains(b, a, run)),
    "not matches": lambda a, b, run: negated(matches(a, b, run)),
}
"""Every operator that needs both its operands."""
