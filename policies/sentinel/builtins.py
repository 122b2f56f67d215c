"""The predeclared functions."""

from __future__ import annotations

import math
import re
from typing import Final

from policies.sentinel import semantics
from policies.sentinel.conversion import shown
from policies.sentinel.functions import a_map, function, integer
from policies.sentinel.operators import order
from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind, key_of, key_value, wrap

_INTEGER = re.compile(rb"[+-]?(?:0[xX][0-9a-fA-F]{1,32}|0[0-7]{0,32}|[1-9][0-9]{0,32})")
_FLOAT = re.compile(rb"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,8})?")
_TRUE: Final = frozenset({b"1", b"t", b"T", b"TRUE", b"true", b"True"})
_FALSE: Final = frozenset({b"0", b"f", b"F", b"FALSE", b"false", b"False"})


def _append(run: Run, items: Value, value: Value) -> Value:
    if not isinstance(items, list):
        raise Fault(f"only a list can be appended to, not {a_kind(items)}")
    run.grow_collection(len(items) + 1)
    items.append(value)
    return Undefined("append gives no value")


def _delete(_run: Run, items: Value, key: Value) -> Value:
    if not isinstance(items, dict):
        raise Fault(f"keys are deleted from a map, not from {a_kind(items)}")
    items.pop(key_of(key), None)
    return Undefined("delete gives no value")


def _keys(run: Run, items: Value) -> Value:
    found = a_map(items)
    run.hold_collection(len(found))
    return list(map(key_value, found))


def _values(run: Run, items: Value) -> Value:
    found = a_map(items)
    run.hold_collection(len(found))
    return list(found.values())


def _length(_run: Run, value: Value) -> Value:
    if isinstance(value, bytes | list | dict):
        return len(value)
    if value is None and not semantics.LENGTH_OF_NULL_IS_ERROR:
        return Undefined("null has no length")
    raise Fault(f"{a_kind(value)} has no length; a string, a list or a map has")


def _range(run: Run, first: Value, last: Value = None, step: Value = 1) -> Value:
    start, end = (0, integer(first)) if last is None else (integer(first), integer(last))
    if integer(step) == 0:
        raise Fault("the step must not be 0")
    numbers = range(start, end, step)
    distance = (end - start) if step > 0 else (start - end)
    run.hold_collection(max(0, -(-distance // abs(step))))
    return list(numbers)


def _int(_run: Run, value: Value) -> Value:
    if type(value) is bool or type(value) is int:
        return int(value)
    if isinstance(value, float):
        return (
            wrap(math.floor(value))
            if math.isfinite(value)
            else Undefined("the float is not a number int can hold")
        )
    if isinstance(value, bytes) and _INTEGER.fullmatch(value):
        digits = value.lstrip(b"+-").decode()
        base = 16 if digits[:2].lower() == "0x" else 8 if digits[0] == "0" and len(digits) > 1 else 10
        number = int(digits[2:] if base == 16 else digits, base) * (-1 if value[:1] == b"-" else 1)
        return number if wrap(number) == number else Undefined("the integer does not fit in 64 bits")
    return Undefined(f"{_described(value)} is not an int")


def _float(_run: Run, value: Value) -> Value:
    if type(value) is bool or isinstance(value, int | float):
        return float(value)
    if isinstance(value, bytes) and _FLOAT.fullmatch(value):
        number = float(value)
        return number if math.isfinite(number) else Undefined("the number does not fit in a float")
    return Undefined(f"{_described(value)} is not a float")


def _string(_run: Run, value: Value) -> Value:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, float):
        return f"{value:f}".encode()
    return Undefined(f"{a_kind(value)} cannot become a string")


def _bool(_run: Run, value: Value) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, bytes) and (value in _TRUE or value in _FALSE):
        return value in _TRUE
    return Undefined(f"{_described(value)} is not a bool")


def _described(value: Value) -> str:
    if isinstance(value, bytes):
        return f'the string "{value[:40].decode("utf-8", "backslashreplace")}"'
    return a_kind(value)


def _compare(run: Run, a: Value, b: Value) -> Value:
    found = order(a, b, run)
    if found is None or isinstance(found, Undefined):
        raise Fault(f"{a_kind(a)} and {a_kind(b)} cannot be compared; two numbers or two strings can")
    return found


def _said(run: Run, values: tuple[Value, ...]) -> str:
    return " ".join([shown(value, run) for value in values])


def _print(run: Run, *values: Value) -> Value:
    run.print(_said(run, values))
    return True


def _error(run: Run, *values: Value) -> Value:
    raise Fault(_said(run, values) or "the policy stopped itself", kind="error")


BUILTINS: Final[dict[str, Value]] = {
    "append": function("append", _append, 2, takes_undefined=True),
    "bool": function("bool", _bool, 1),
    "compare": function("compare", _compare, 2),
    "delete": function("delete", _delete, 2, takes_undefined=True),
    "error": function("error", _error, 0, None, takes_undefined=True),
    "float": function("float", _float, 1),
    "int": function("int", _int, 1),
    "keys": function("keys", _keys, 1),
    "length": function("length", _length, 1),
    "print": function("print", _print, 0, None, takes_undefined=True),
    "range": function("range", _range, 1, 3),
    "string": function("string", _string, 1),
    "values": function("values", _values, 1),
}
"""Name -> function, in the scope around every policy; assignments never reach it."""
