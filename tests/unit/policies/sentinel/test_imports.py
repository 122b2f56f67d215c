"""Every function of every standard import, given anything: a value or a clear error, in bounded time."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.sentinel import Budget, Options, compile_policy
from policies.sentinel.imports import STANDARD, standard_members
from policies.sentinel.run import Builtin

EXAMPLES = int(os.environ.get("WATCHSTANDER_EXAMPLES", "40"))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FUNCTIONS = [
    (name, member)
    for name in sorted(STANDARD)
    if name != "http"
    for member, value in sorted(standard_members(name).items())
    if isinstance(value, Builtin)
]
TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        *("1.5", "1E+999999999", "1E-999999999", "-0", "NaN", "Infinity", "9" * 120, "0." + "0" * 200 + "1"),
        *(
            "1.2.3",
            "1.2.3-rc.1",
            "~> 1.2",
            ">= 1, < 2",
            "10.0.0.0/8",
            "::1",
            "10.0.0.0/99",
            "2026-01-02T03:04:05Z",
        ),
        *(
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            '{"a": [1, null]}',
            "a.0.*.b",
            "",
            ".",
            "*",
            "YQ==",
        ),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([2**63 - 1, -(2**63), 10**18])
    | st.floats()
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "0", "unix_nano", "string"]), inner, max_size=3)
    ),
    max_leaves=6,
)
METHODS = {
    "decimal": [
        *("add", "sub", "mul", "div", "mod", "pow", "is", "lt", "gte"),
        *(
            "exp",
            "ln",
            "log10",
            "sqrt",
            "ceil",
            "floor",
            "abs",
            "neg",
            "int",
            "string",
            "coefficient",
            "float",
        ),
    ],
    "version": ["gt", "gte", "lt", "lte", "eq", "cmp", "sat", "major", "version"],
    "time": ["before", "after", "equal", "add", "sub", "hour", "zone_string", "unix_nano"],
}


def assert_consistent(source: str, arguments: list[Any]) -> None:
    """It ends in a result or in an error with its place, within five seconds of computing."""
    began = time.thread_time()
    result = compile_policy(source, Path("p.sentinel")).evaluate(
        {"d": {"x": arguments}},
        now=NOW,
        budget=Budget(steps=100_000, string=100_000, collection=10_000, memory=5_000_000),
        options=Options(clock=lambda: 0.0),
    )
    assert time.thread_time() - began < 5
    if result.error is not None:
        assert result.error.kind in {"runtime", "budget"}
        assert result.error.position is not None
    result.to_json()


@settings(max_examples=25 * EXAMPLES)
@given(st.sampled_from(FUNCTIONS), st.lists(VALUES, max_size=4))
@example(("json", "unmarshal"), ["9" * 6000])
@example(("strings", "split"), ["é\udcff", ""])
def test_any_function_takes_anything(function: tuple[str, str], arguments: list[Any]) -> None:
    name, member = function
    given_ = ", ".join(f"d.x[{place}]" for place in range(len(arguments)))
    with_function = ", ".join([*(f"d.x[{place}]" for place in range(len(arguments) - 1)), "f"])
    for call in (f"m.{member}({given_})", f"m.{member}({with_function})"):
        assert_consistent(
            f'import "{name}" as m\nimport "d"\nf = func(v) {{ return v }}\nmain = [{call}]\nprint(main)',
            arguments,
        )


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=3 * EXAMPLES)
@given(st.data())
def test_any_method_takes_anything(name: str, data: st.DataObject) -> None:
    made = "load" if name == "time" else "new"
    method = data.draw(st.sampled_from(METHODS[name]))
    arguments = [data.draw(VALUES), data.draw(VALUES)]
    for call in (
        f"m.{made}(d.x[0]).{method}(d.x[1])",
        f"m.{made}(d.x[0]).{method}()",
        f"m.{made}(d.x[0]).{method}",
    ):
        assert_consistent(f'import "{name}" as m\nimport "d"\nmain = [{call}]\nprint(main)', arguments)
