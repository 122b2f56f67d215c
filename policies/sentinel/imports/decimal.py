"""``import "decimal"``: exact numbers of 100 digits."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from policies.sentinel.functions import function, integer
from policies.sentinel.run import ImportMap, Run
from policies.sentinel.values import MAX_INT, MIN_INT, Fault, Undefined, Value, a_kind, text_of

CONTEXT: Final = decimal.Context(
    prec=100, rounding=decimal.ROUND_HALF_UP, Emin=-(2**31), Emax=2**31 - 1, traps=[], capitals=1, clamp=0
)
MOST_PLACES: Final = 10_000
"""The largest exponent a number is written out for; beyond it stays in E-notation."""
_NUMBER: Final = re.compile(
    r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9})?|[iI]nf(?:inity)?|[nN]a[nN])", re.ASCII
)


def _number(value: Value) -> Decimal:
    """What a number may be given as: int, float, text, or a decimal."""
    if type(value) is int:
        return CONTEXT.create_decimal(value)
    if type(value) is float:
        # By its shortest text: 1.1 is meant as 1.1, not as the nearest binary fraction.
        return CONTEXT.create_decimal(repr(value))
    if isinstance(value, dict):
        value = value.get(b"string")
    if isinstance(value, bytes):
        written = text_of(value)
        if len(written) > 20_000 or not _NUMBER.fullmatch(written):
            raise Fault(f'"{written[:80]}" is not a number')
        return CONTEXT.create_decimal(written)
    raise Fault(f"a number is an int, a float, a string or a decimal, not {a_kind(value)}")


def _int(number: Decimal) -> Value:
    if not number.is_finite() or number.adjusted() > 18:
        return Undefined("the decimal does not fit in an int")
    whole = int(number.to_integral_value(rounding=decimal.ROUND_FLOOR))
    return whole if MIN_INT <= whole <= MAX_INT else Undefined("the decimal does not fit in an int")


def _written(number: Decimal) -> str:
    if number.is_nan():
        return "NaN"
    if number.is_infinite():
        return "-Infinity" if number.is_signed() else "Infinity"
    exponent = number.as_tuple().exponent
    places = abs(exponent) if isinstance(exponent, int) else 0
    return f"{number:f}" if places <= MOST_PLACES else str(number)


def _parts(number: Decimal) -> tuple[Value, Value]:
    if not number.is_finite():
        why = "the decimal is not finite"
        return Undefined(why), Undefined(why)
    _, digits, exponent = number.as_tuple()
    coefficient = int("".join(map(str, digits)))
    fits = coefficient <= MAX_INT
    return (coefficient if fits else Undefined("the coefficient does not fit in an int")), exponent


def _object(number: Decimal) -> ImportMap:
    coefficient, exponent = _parts(number)
    sign = 0 if number.is_nan() or number.is_zero() else -1 if number.is_signed() else 1
    data = {
        "string": _written(number).encode(),
        "sign": sign,
        "coefficient": coefficient,
        "exponent": exponent,
        "float": float(number) if not number.is_snan() else float("nan"),
        "int": _int(number),
    }
    methods = {}
    for names, body in _BINARY.items():
        methods.update({name: function(name, _with(number, body), 1) for name in names})
    for names, change in _UNARY.items():
        methods.update({name: function(name, _of(number, change), 0) for name in names})
    return ImportMap(data, methods)


def _with(
    number: Decimal, body: Callable[[Decimal, Decimal], bool | Decimal]
) -> Callable[[Run, Value], Value]:
    def call(run: Run, value: Value) -> Value:
        run.charge(20)
        made = body(number, _number(value))
        return _object(made) if isinstance(made, Decimal) else made

    return call


def _of(number: Decimal, change: Callable[[Decimal], Decimal]) -> Callable[[Run], Value]:
    def call(run: Run) -> Value:
        run.charge(100)
        return _object(change(number))

    return call


def _modulo(a: Decimal, b: Decimal) -> Decimal:
    if a.is_finite() and b.is_finite() and not b.is_zero() and a.adjusted() - b.adjusted() > 99:
        raise Fault("the numbers lie too far apart for a remainder of 100 digits")
    return CONTEXT.remainder(a, b)


def _rounded(number: Decimal, rounding: str) -> Decimal:
    if not number.is_finite() or number.as_tuple().exponent >= 0:  # type: ignore[operator]
        return number
    return number.to_integral_value(rounding=rounding)


_BINARY: Final[Mapping[tuple[str, ...], Callable[[Decimal, Decimal], bool | Decimal]]] = {
    ("is",): lambda a, b: a == b,
    ("is_not",): lambda a, b: a != b,
    ("less_than", "lt"): lambda a, b: CONTEXT.compare(a, b) == -1,
    ("less_than_or_equals", "lte"): lambda a, b: CONTEXT.compare(a, b) in (-1, 0),
    ("greater_than", "gt"): lambda a, b: CONTEXT.compare(a, b) == 1,
    ("greater_than_or_equals", "gte"): lambda a, b: CONTEXT.compare(a, b) in (0, 1),
    ("add",): CONTEXT.add,
    ("subtract", "sub"): CONTEXT.subtract,
    ("multiply", "mul"): CONTEXT.multiply,
    ("divide", "div"): CONTEXT.divide,
    ("modulo", "mod", "remainder", "rem"): _modulo,
    ("power", "pow"): CONTEXT.power,
}
_UNARY: Final[Mapping[tuple[str, ...], Callable[[Decimal], Decimal]]] = {
    ("exp",): CONTEXT.exp,
    ("loge", "ln"): CONTEXT.ln,
    ("log10", "log"): CONTEXT.log10,
    ("square_root", "sqrt"): CONTEXT.sqrt,
    ("ceiling", "ceil"): lambda a: _rounded(a, decimal.ROUND_CEILING),
    ("floor",): lambda a: _rounded(a, decimal.ROUND_FLOOR),
    ("absolute", "abs"): CONTEXT.abs,
    ("negate", "neg"): CONTEXT.minus,
}


def _infinity(_run: Run, sign: Value) -> Value:
    return _object(Decimal("-Infinity" if integer(sign, "the sign") < 0 else "Infinity"))


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    infinity = function("infinity", _infinity, 1)
    is_infinite = function("is_infinite", lambda _run, value: _number(value).is_infinite(), 1)
    is_nan = function("is_nan", lambda _run, value: _number(value).is_nan(), 1)
    return {
        "new": function("new", lambda _run, value: _object(_number(value)), 1),
        "infinity": infinity,
        "inf": infinity,
        "nan": lambda _run: _object(Decimal("NaN")),
        **dict.fromkeys(("is_infinite", "is_inf", "isinf", "isinfinite"), is_infinite),
        **dict.fromkeys(("is_nan", "isnan"), is_nan),
    }
