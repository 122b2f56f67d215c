"""Running a Resource Graph query over rows: the semantics of each operator and function.

A row is a mapping of column to JSON value. Comparisons follow Kusto: strings compare with ``==`` by case and with ``=~``
without, text that is missing is empty, and two nulls are neither equal nor unequal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cmp_to_key
from typing import Any

import orjson

from providers.sandbox.azure.kql_lexer import KqlError
from providers.sandbox.azure.kql_syntax import (
    Binary,
    Call,
    Expression,
    In,
    Literal,
    Logic,
    Operator,
    Order,
    Path,
    Query,
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """The rows a query gives. ``pageable`` is false where the service could not page: summarised, or without ``id``."""

    rows: list[dict[str, Any]]
    pageable: bool


def run(query: Query, rows: Iterable[Row], now: datetime) -> Result:
    """Apply a query's pipe to a table's rows. Raises KqlError."""
    current: list[dict[str, Any]] = [dict(row) for row in rows]
    pageable = True
    for operator in query.operators:
        current = _OPERATORS[operator.word](operator, current, now)
        if operator.word in ("summarize", "count", "distinct"):
            pageable = False
        elif operator.word == "project":
            pageable = pageable and any(c.name.lower() == "id" for c in operator.columns)
    return Result(current, pageable)


def _where(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    assert operator.condition is not None
    return [row for row in rows if evaluate(operator.condition, row, now) is True]


def _project(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    return [{c.name: evaluate(c.expression, row, now) for c in operator.columns} for row in rows]


def _extend(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    return [{**row, **{c.name: evaluate(c.expression, row, now) for c in operator.columns}} for row in rows]


def _away(operator: Operator, rows: list[dict[str, Any]], _now: datetime) -> list[dict[str, Any]]:
    gone = [p.lower() for p in operator.patterns]
    return [
        {k: v for k, v in row.items() if not any(fnmatchcase(k.lower(), p) for p in gone)} for row in rows
    ]


def _distinct(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    seen: dict[bytes, dict[str, Any]] = {}
    for row in _project(operator, rows, now):
        seen.setdefault(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), row)
    return list(seen.values())


def _order(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    def compare(a: Row, b: Row) -> int:
        return _compare_rows(operator.keys, a, b, now)

    return sorted(rows, key=cmp_to_key(compare))


def _top(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    return _order(operator, rows, now)[: operator.limit]


def _limit(operator: Operator, rows: list[dict[str, Any]], _now: datetime) -> list[dict[str, Any]]:
    return rows[: operator.limit]


def _count(_operator: Operator, rows: list[dict[str, Any]], _now: datetime) -> list[dict[str, Any]]:
    return [{"Count": len(rows)}]


def _summarize(operator: Operator, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    groups: dict[bytes, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    by = operator.condition.arguments if isinstance(operator.condition, Call) else ()
    for row in rows:
        key = {
            str(g.left.value): evaluate(g.right, row, now)
            for g in by
            if isinstance(g, Binary) and isinstance(g.left, Literal)
        }
        groups.setdefault(orjson.dumps(key, option=orjson.OPT_SORT_KEYS), (key, []))[1].append(row)
    if not by and not groups:
        groups[b""] = ({}, [])
    return [
        {**key, **{c.name: _aggregate(c.expression, members, now) for c in operator.columns}}
        for key, members in groups.values()
    ]


def _aggregate(expression: Expression, rows: Sequence[Row], now: datetime) -> Any:
    if not isinstance(expression, Call) or expression.name not in _AGGREGATES:
        position = expression.position if isinstance(expression, Call) else 0
        raise KqlError(
            "expected an aggregate: count, countif, dcount, sum, min, max, make_list, make_set, any", position
        )
    if expression.name == "count":
        return len(rows)
    if len(expression.arguments) < 1:
        raise KqlError(f"{expression.name} needs an argument", expression.position, expression.name)
    values = [evaluate(expression.arguments[0], row, now) for row in rows]
    return _AGGREGATES[expression.name](values)


_OPERATORS: dict[str, Callable[[Operator, list[dict[str, Any]], datetime], list[dict[str, Any]]]] = {
    "where": _where,
    "project": _project,
    "extend": _extend,
    "project-away": _away,
    "distinct": _distinct,
    "order": _order,
    "top": _top,
    "limit": _limit,
    "count": _count,
    "summarize": _summarize,
}


def _numbers(values: list[Any]) -> list[float]:
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _unique(values: list[Any]) -> list[Any]:
    return [
        orjson.loads(v) for v in dict.fromkeys(orjson.dumps(v, option=orjson.OPT_SORT_KEYS) for v in values)
    ]


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "countif": lambda values: sum(1 for v in values if v is True),
    "dcount": lambda values: len(_unique(values)),
    "sum": lambda values: sum(_numbers(values)),
    "min": lambda values: min(_numbers(values), default=None),
    "max": lambda values: max(_numbers(values), default=None),
    "make_list": lambda values: [v for v in values if v is not None],
    "make_set": lambda values: _unique([v for v in values if v is not None]),
    "any": lambda values: values[0] if values else None,
}


def evaluate(expression: Expression, row: Row, now: datetime) -> Any:
    """The value of an expression for one row. Raises KqlError for an unknown column or function."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Path):
        return _path(expression, row)
    if isinstance(expression, Call):
        return _call(expression, row, now)
    if isinstance(expression, In):
        left = evaluate(expression.left, row, now)
        options = [evaluate(option, row, now) for option in expression.options]
        found = any(_equal(left, option, ignore_case=expression.ignore_case) is True for option in options)
        return found is not expression.negated
    if isinstance(expression, Logic):
        test = all if expression.operator == "and" else any
        return test(evaluate(operand, row, now) is True for operand in expression.operands)
    left = evaluate(expression.left, row, now)
    return _binary(expression.operator, left, evaluate(expression.right, row, now))


def _path(path: Path, row: Row) -> Any:
    if path.column in row:
        value = row[path.column]
    else:
        # Column names compare by case in Kusto, and an unknown one is an error, not a null.
        raise KqlError(f"Failed to resolve scalar expression named '{path.column}'", token=path.column)
    for step in path.steps:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def _binary(operator: str, left: Any, right: Any) -> Any:
    if operator in ("==", "=~"):
        return _equal(left, right, ignore_case=operator == "=~")
    if operator in ("!=", "!~"):
        same = _equal(left, right, ignore_case=operator == "!~")
        return None if same is None else not same
    if operator in ("<", "<=", ">", ">="):
        order = _compare(left, right)
        if order is None:
            return False
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]
    word = operator.removeprefix("!")
    haystack, needle = _text(left), _text(right)
    if word.endswith("_cs"):
        word = word.removesuffix("_cs")
    else:
        haystack, needle = haystack.lower(), needle.lower()
    found = {
        "contains": needle in haystack,
        "startswith": haystack.startswith(needle),
        "endswith": haystack.endswith(needle),
        "has": _has(haystack, needle),
    }[word]
    return found is not operator.startswith("!")


def _has(haystack: str, needle: str) -> bool:
    """Whether ``needle`` stands in ``haystack`` as a whole term: bounded by what is not a letter or digit."""
    start = haystack.find(needle)
    while start >= 0 and needle:
        end = start + len(needle)
        before = start == 0 or not haystack[start - 1].isalnum() or not needle[0].isalnum()
        after = end == len(haystack) or not haystack[end].isalnum() or not needle[-1].isalnum()
        if before and after:
            return True
        start = haystack.find(needle, start + 1)
    return not needle


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value).decode()


def _equal(left: Any, right: Any, *, ignore_case: bool) -> bool | None:
    if left is None and right is None:
        return None
    if left is None or right is None:
        return bool(left == "" or right == "")
    if isinstance(left, bool) or isinstance(right, bool):
        # A dynamic value is compared as text with what is not of its kind: properties.x == 'true' is how people write it.
        return _text(left).lower() == _text(right).lower()
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower() if ignore_case else left == right
    order = _compare(left, right)
    return order == 0 if order is not None else _text(left) == _text(right)


def _compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None where the two have no order."""
    if isinstance(left, datetime) or isinstance(right, datetime):
        left, right = _datetime(left), _datetime(right)
        if left is None or right is None:
            return None
    elif not (_is_number(left) and _is_number(right)) and not (
        isinstance(left, str) and isinstance(right, str)
    ):
        return None
    return int(left > right) - int(left < right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compare_rows(keys: tuple[Order, ...], a: Row, b: Row, now: datetime) -> int:
    for key in keys:
        left, right = evaluate(key.expression, a, now), evaluate(key.expression, b, now)
        if isinstance(left, str) and isinstance(right, str):
            left, right = left.lower(), right.lower()
        order = _compare(left, right)
        if order is None:
            # Null sorts as the least value; what has no order is ordered by its text, so that paging is stable.
            order = (
                (left is not None) - (right is not None)
                if left is None or right is None
                else (_text(left) > _text(right)) - (_text(left) < _text(right))
            )
        if order:
            return order if key.ascending else -order
    return 0


def _datetime(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _integer(value: Any) -> int | None:
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(_text(value).lower())


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "tostring": (1, _text),
    "tolower": (1, lambda v: _text(v).lower()),
    "toupper": (1, lambda v: _text(v).upper()),
    "isnull": (1, lambda v: v is None),
    "isnotnull": (1, lambda v: v is not None),
    "isempty": (1, lambda v: v is None or v == ""),
    "isnotempty": (1, lambda v: v is not None and v != ""),
    "not": (1, lambda v: None if v is None else v is not True),
    "toint": (1, _integer),
    "tolong": (1, _integer),
    "tobool": (1, _boolean),
    "bool": (1, _boolean),
    "todatetime": (1, _datetime),
    "array_length": (1, lambda v: len(v) if isinstance(v, list) else None),
    "strlen": (1, lambda v: len(_text(v))),
    "iff": (3, lambda test, yes, no: yes if test is True else no),
    "strcat": (-1, lambda *values: "".join(_text(v) for v in values)),
    "coalesce": (-1, lambda *values: next((v for v in values if v is not None and v != ""), None)),
}


def _call(call: Call, row: Row, now: datetime) -> Any:
    arguments = [evaluate(argument, row, now) for argument in call.arguments]
    if call.name == "now" and not arguments:
        return now
    if call.name == "ago" and len(arguments) == 1 and _is_number(arguments[0]):
        try:
            return now - timedelta(seconds=arguments[0])
        except OverflowError:
            raise KqlError("ago() reaches before the calendar", call.position, call.name) from None
    if call.name not in _FUNCTIONS:
        raise KqlError(f"Unknown function: '{call.name}'", call.position, call.name)
    arity, function = _FUNCTIONS[call.name]
    if arity not in (-1, len(arguments)):
        raise KqlError(
            f"{call.name}() takes {arity} argument(s), got {len(arguments)}", call.position, call.name
        )
    return function(*arguments)
