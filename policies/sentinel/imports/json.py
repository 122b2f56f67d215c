"""``import "json"``"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from policies.sentinel.conversion import key_text, to_value
from policies.sentinel.functions import function, text
from policies.sentinel.operators import settled
from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind, text_of


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; as a float they are read at once.
    return int(digits) if len(digits) < 20 else float(digits)


def _load(run: Run, value: Value) -> Any:
    source = text(value)
    run.charge(1 + (len(source) >> 3))
    run.allocate(8 * len(source))
    try:
        return json.loads(source.decode(), parse_constant=_not_json, parse_int=_integer)
    except RecursionError:
        raise Fault("the JSON nests too deeply", kind="budget") from None


def _unmarshal(run: Run, value: Value) -> Value:
    try:
        return to_value(_load(run, value), run)
    except ValueError as error:
        raise Fault(f"not JSON: {error}") from None


def _valid(run: Run, value: Value) -> Value:
    try:
        _load(run, value)
    except ValueError:
        return False
    return True


def _marshal(run: Run, value: Value) -> Value:
    written = json.dumps(_plain(value, run, 0), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    made = written.encode("utf-8", "surrogateescape")
    run.hold_string(len(made))
    return made


def _plain(value: Value, run: Run, depth: int) -> Any:
    value = settled(value, run)
    if isinstance(value, bytes):
        run.allocate(len(value))
        return text_of(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Fault("JSON has no infinity and no NaN")
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    if depth >= run.budget.nesting:
        raise Fault(f"lists and maps nest deeper than {run.budget.nesting}", kind="budget")
    if isinstance(value, list):
        run.hold_collection(len(value))
        return [_plain(item, run, depth + 1) for item in value if type(item) is not Undefined]
    if isinstance(value, dict):
        run.hold_collection(len(value))
        return {key_text(k): _plain(v, run, depth + 1) for k, v in value.items() if type(v) is not Undefined}
    raise Fault(f"{a_kind(value)} cannot be written as JSON")


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    return {
        "unmarshal": function("unmarshal", _unmarshal, 1),
        "marshal": function("marshal", _marshal, 1),
        "valid": function("valid", _valid, 1),
    }
