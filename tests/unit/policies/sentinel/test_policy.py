"""Compiled policies: imports, parameters, results, traces, and what a request must give."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policies.errors import PolicySyntaxError
from policies.sentinel import (
    Budget,
    CompiledPolicy,
    Options,
    RequestRefused,
    SentinelResult,
    compile_policy,
    request_import,
    variables_import,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMERGENCY = "arn:aws:iam::123456789012:role/EmergencyAdminRole"
NORMAL = "arn:aws:iam::123456789012:role/ReadOnly"


def policy(source: str, path: str = "p.sentinel") -> CompiledPolicy:
    return compile_policy(source, Path(path))


def run(source: str, data: Any = None, params: Any = None, **options: Any) -> SentinelResult:
    return policy(source).evaluate(data, params, now=NOW, options=Options(**options))


def message(result: SentinelResult) -> str:
    assert result.error is not None
    return str(result.error)


# Results.


@pytest.mark.parametrize(
    ("main", "passes"),
    [
        ("true", True),
        ("false", False),
        ("undefined", None),
        ("0", True),
        ("1", False),
        ("0.0", True),
        ("[]", True),
        ("[1]", False),
        ("{}", True),
        ('{"a": 1}', False),
        ('""', True),
        ('"a"', False),
        ("null", False),
    ],
)
def test_main_passes_when_true_or_zero_or_empty(main: str, passes: bool | None) -> None:
    assert run(f"main = rule {{ {main} }}").result is passes


def test_the_json_of_a_result() -> None:
    result = run('a = rule { 1 is 1 }\nb = rule { [1, "x"] }\nmain = rule { a and print("hi", b) }')
    assert result.to_json() == {
        "result": True,
        "rules": {"a": True, "b": [1, "x"], "main": True},
        "print": ['hi [1, "x"]'],
        "error": None,
    }


def test_undefined_says_where_it_came_from() -> None:
    result = run('import "d"\nx = d.a.b\nr = rule { x is 1 }\nmain = rule { r }', {"d": {"a": {}}})
    assert result.result is None
    assert result.error is None
    assert result.cause == 'main is undefined: p.sentinel:2:9: the map has no key "b"'
    assert result.rules == {"r": None, "main": None}
    assert result.trace[0].cause == 'p.sentinel:2:9: the map has no key "b"'


def test_the_trace_holds_evaluated_rules_in_order() -> None:
    result = run("a = rule { b }\nb = rule { true }\nunread = rule { true }\nmain = rule { a }")
    assert [entry.name for entry in result.trace] == ["b", "a", "main"]
    assert str(result.trace[0].position) == "p.sentinel:2:5"
    assert "unread" not in result.rules


def test_rules_can_be_asked_for() -> None:
    result = run("a = rule { 5 }\nv = [1]\nmain = true", wanted=("a", "v", "none"))
    assert result.rules == {"a": 5, "v": [1], "none": None}


def test_an_error_keeps_what_went_before() -> None:
    result = run('print("before")\na = rule { true }\nb = a\nmain = rule { error("no") }')
    assert message(result) == "p.sentinel:4:20: no"
    assert result.error is not None
    assert result.error.kind == "error"
    assert result.prints == ("before",)
    assert result.rules == {"a": True}
    assert result.to_json()["result"] is None


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        policy("main = true").evaluate(now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_time_zone_of_now() -> None:
    source = 'import "time"\nmain = [time.now.hour, time.now.zone_string]'
    assert run(source).value == [3, "+00:00"]
    assert run(source, timezone=ZoneInfo("Australia/Brisbane")).value == [13, "+10:00"]


def test_a_compiled_policy_runs_in_many_threads() -> None:
    compiled = policy('import "d"\nn = 0\nfor range(500) as i { n += d.x }\nmain = n')
    found: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda x=x: found.append((x, compiled.evaluate({"d": {"x": x}}, now=NOW).value))
        )
        for x in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(x, 500 * x) for x in range(8)]


def test_what_a_policy_says_of_itself() -> None:
    compiled = policy(
        'import "time"\nimport "tfplan/v2" as t\nparam a\nparam b default 1\nmain = time.now.hour < 5'
    )
    assert compiled.imports == ("time", "tfplan/v2")
    assert compiled.params == {"a": True, "b": False}
    assert compiled.reads_clock
    assert not policy('import "time"\nmain = time.load(0).hour is 0').reads_clock


# Parameters.


def test_parameters() -> None:
    source = 'param a\nparam b default "x"\nmain = [a, b]'
    assert run(source, params={"a": 1}).value == [1, "x"]
    assert run(source, params={"a": [1], "b": {"k": 2}}).value == [[1], {"k": 2}]
    assert message(run(source)) == 'p.sentinel:1:7: the parameter "a" is not given'
    assert "declares no parameter" in message(run(source, params={"a": 1, "c": 2}))
    assert "is null" in message(run(source, params={"a": None}))
    assert "it declares none" in message(run("main = true", params={"a": 1}))


def test_defaults_are_made_anew() -> None:
    compiled = policy("param l default [1]\nappend(l, 2)\nmain = l")
    assert compiled.evaluate(now=NOW).value == [1, 2]
    assert compiled.evaluate(now=NOW).value == [1, 2]


# Imports.


def test_a_missing_import_is_named_with_its_place() -> None:
    assert message(run('import "a" as b\nmain = true')) == (
        'p.sentinel:1:1: the import "a" is not given, and is no standard import'
    )


def test_standard_imports_are_replaced_by_mocks_only() -> None:
    source = 'import "time"\nmain = time.now.hour'
    assert "cannot be replaced" in message(run(source, {"time": {"now": {"hour": 1}}}))
    assert "cannot be replaced" in message(run(source, static={"time": {}}))
    assert "cannot be replaced" in message(run(source, modules={"time": policy("now = 1")}))
    assert run(source, mocks={"time": {"now": {"hour": 1}}}).value == 1
    assert run(source, mocks={"time": policy('now = {"hour": 2}')}).value == 2


def test_modules() -> None:
    module = policy(
        'import "strings"\n_private = 3\nshout = func(s) { return strings.to_upper(s) + string(_private) }\n'
        "always = rule { true }\nlist = [1]\n",
        "m.sentinel",
    )
    source = 'import "m"\nappend(m.list, 2)\nmain = [m.shout("a"), m.always, m.list, m._private, m.none is defined]'
    assert run(source, modules={"m": module}).value == ["A3", True, [1, 2], 3, False]
    assert "always" not in run(source, modules={"m": module}).rules
    assert run(source, modules={"m": module}).value[2] == [1, 2], "each evaluation has its own module"


def test_a_modules_own_errors_name_its_file() -> None:
    module = policy("f = func() { return 1 / 0 }", "m.sentinel")
    assert (
        message(run('import "m"\nmain = m.f()', modules={"m": module})) == "m.sentinel:1:23: division by zero"
    )


def test_modules_cannot_be_assigned_to_from_outside() -> None:
    module = policy('v = {"a": 1}', "m.sentinel")
    assert "cannot be assigned to" in message(
        run('import "m"\nm.v["a"] = 2\nmain = true', modules={"m": module})
    )


def test_a_module_has_no_parameters() -> None:
    assert "a module has no parameters" in message(
        run('import "m"\nmain = true', modules={"m": policy("param p default 1", "m.sentinel")})
    )


def test_import_cycles_are_named() -> None:
    modules = {
        "a": policy('import "b"\nx = b.y', "a.sentinel"),
        "b": policy('import "c"\ny = c.z', "b.sentinel"),
        "c": policy('import "a"\nz = a.x', "c.sentinel"),
    }
    result = run('import "a"\nmain = a.x', modules=modules)
    assert message(result) == "c.sentinel:1:1: modules import one another in a circle: a -> b -> c -> a"


def test_a_module_is_run_once() -> None:
    shared = policy("l = []\nadd = func(x) { append(l, x); return l }", "s.sentinel")
    modules = {"s": shared, "a": policy('import "s"\nf = func() { return s.add(1) }', "a.sentinel")}
    assert run('import "a"\nimport "s"\na.f()\nmain = s.add(2)', modules=modules).value == [1, 2]


def test_static_imports_and_parts_of_them() -> None:
    people = {"admins": {"ann": 1}, "count": 2}
    assert run(
        'import "people"\nmain = [people.count, people.admins.ann]', static={"people": people}
    ).value == [2, 1]
    assert run('import "people/admins" as a\nmain = a.ann', static={"people": people}).value == 1
    assert 'has no "guests"' in message(
        run('import "people/guests" as g\nmain = 1', static={"people": people})
    )


def test_globals() -> None:
    assert run("main = limit + 1", globals={"limit": 4}).value == 5


def test_only_what_is_read_is_copied() -> None:
    class Counting(dict[str, Any]):
        reads = 0

        def items(self) -> Any:
            Counting.reads += 1
            return super().items()

    data = {"d": {"big": Counting(a=1), "small": Counting(b=2)}}
    assert run('import "d"\nmain = d.small.b + d.small.b', data).value == 4
    assert Counting.reads == 1


def test_strip_index_of_tfconfig() -> None:
    source = 'import "tfconfig/v2" as c\nmain = c.strip_index(`module.a["x]y"].aws_s3_bucket.b[0]`)'
    assert run(source, {"tfconfig/v2": {}}).value == "module.a.aws_s3_bucket.b"


# Requests.


def request(**given: Any) -> dict[str, Any]:
    return {
        "tfplan/v2": {"variables": {name: {"name": name, "value": value} for name, value in given.items()}}
    }


BREAK_GLASS = f"""
import "tfplan/v2" as tfplan
role = tfplan.variables.assumed_role.value
duration = tfplan.variables["duration_seconds"].value
normal = rule {{ role is not "{EMERGENCY}" }}
glass = rule {{ role is "{EMERGENCY}" and duration <= 3600 }}
main = rule {{ normal or glass }}
"""


@pytest.fixture(scope="module")
def seed() -> CompiledPolicy:
    root = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[5] / "shared"))
    path = root / "seed" / "break_glass.sentinel"
    if not path.is_file():
        pytest.skip("the owner's policies are not here")
    return compile_policy(path.read_text(), path)


LACKING: list[dict[str, Any]] = [
    *({"assumed_role": role, "duration_seconds": 60} for role in (None, 5, True, [], [EMERGENCY], {}, 1.5)),
    *({"assumed_role": NORMAL, "duration_seconds": d} for d in (None, "60", True, [60], {}, "")),
    *({"assumed_role": EMERGENCY, "duration_seconds": d} for d in (None, "60", True, [60], {}, "")),
    {"assumed_role": NORMAL},
    {"assumed_role": EMERGENCY},
    {"duration_seconds": 60},
    {},
]


@pytest.mark.parametrize("given", LACKING, ids=repr)
def test_a_lacking_request_never_passes(given: dict[str, Any]) -> None:
    result = policy(BREAK_GLASS).evaluate(request(**given), now=NOW)
    assert result.result is not True
    assert result.rules.get("main") is not True
    assert result.cause
    assert "p.sentinel:" in result.cause


@pytest.mark.shared
@pytest.mark.parametrize("given", LACKING, ids=repr)
def test_a_lacking_request_never_passes_the_owners_policy(
    seed: CompiledPolicy, given: dict[str, Any]
) -> None:
    assert seed.evaluate(request(**given), now=NOW).result is not True


@pytest.mark.shared
@pytest.mark.parametrize(
    ("role", "duration", "passes"),
    [
        (NORMAL, 60, True),
        (NORMAL, 86400, True),
        (EMERGENCY, 3600, True),
        (EMERGENCY, 3601, False),
        (EMERGENCY, 1, True),
    ],
)
def test_the_owners_break_glass_policy(seed: CompiledPolicy, role: str, duration: int, passes: bool) -> None:
    result = seed.evaluate(request_import(role, duration), now=NOW)
    assert result.result is passes
    assert result.error is None
    if role == EMERGENCY:
        assert result.rules["is_valid_break_glass"] is passes


def test_data_without_variables_at_all_never_passes() -> None:
    for data in ({"tfplan/v2": {}}, {"tfplan/v2": {"variables": None}}, {"tfplan/v2": {"variables": []}}):
        assert policy(BREAK_GLASS).evaluate(data, now=NOW).result is not True
    assert "is not given" in message(policy(BREAK_GLASS).evaluate({}, now=NOW))


def test_the_guard_can_be_lifted_for_plans() -> None:
    source = 'import "tfplan/v2" as p\nx = p.variables.x.value\nmain = rule { x is null or x is not "bad" }'
    assert run(source, request(x=None), null_as_undefined=False).result is True
    source = 'import "tfplan/v2" as p\nmain = rule { p.variables.x.value is not "bad" }'
    assert run(source, request(x=5)).result is None
    assert run(source, request(x=5), guard=False).result is True


@pytest.mark.parametrize(
    "body",
    [
        '(p.variables.x.value else "d") is "d"',
        'p.variables.x.value is not defined or p.variables.x.value is "d"',
        'p.variables not contains "x" or p.variables.x.value is "d"',
        'length(p.variables) is 0 or p.variables.x.value is "d"',
        'all p.variables as name, v { v.value is "d" }',
    ],
)
def test_a_policy_that_handles_absence_is_not_second_guessed(body: str) -> None:
    assert run(f'import "tfplan/v2" as p\nmain = rule {{ {body} }}', request()).result is True


def test_a_failing_request_stays_a_failure() -> None:
    result = policy(BREAK_GLASS).evaluate(request(assumed_role=EMERGENCY, duration_seconds=9999), now=NOW)
    assert result.result is False


def test_a_list_of_literals_says_the_kind_too() -> None:
    source = 'import "tfplan/v2" as p\nr = p.variables.r.value\nmain = rule { r not in ["root", "admin"] }'
    assert run(source, request(r="dev")).result is True
    assert run(source, request(r=5)).result is None
    assert run(source, request()).result is None


@pytest.mark.parametrize(
    ("role", "duration"),
    [
        *((role, 60) for role in (None, "", "  ", 5, True, [], {}, " role", "role\n", "ro\x00le")),
        *((NORMAL, d) for d in (None, "60", 0, -1, True, 60.0, [60], float("nan"))),
    ],
)
def test_a_request_that_lacks_something_is_refused_before_any_policy(role: Any, duration: Any) -> None:
    with pytest.raises(RequestRefused):
        request_import(role, duration)


def test_a_request_of_any_parameters() -> None:
    data = variables_import({"a": "x", "n": 5, "l": [1]})
    assert data["tfplan/v2"]["variables"]["n"] == {"name": "n", "value": 5}
    with pytest.raises(RequestRefused, match='"a" is null'):
        variables_import({"a": None})
    with pytest.raises(RequestRefused, match="not a finite number"):
        variables_import({"a": float("inf")})


# Errors.


def test_syntax_errors_say_where_and_what() -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        policy("a = 1\nb = (2 +\n  )")
    assert str(raised.value) == 'p.sentinel:3:3: expected an expression, found ")"'
    assert raised.value.position.line == 3


def test_runtime_errors_say_where() -> None:
    assert message(run('a = "x"\nmain = rule {\n  a + 1 is 2\n}')) == (
        'p.sentinel:3:5: "+" does not go with a string and an int'
    )
    assert message(run("main = length(5)")) == (
        "p.sentinel:1:14: length: an int has no length; a string, a list or a map has"
    )


def test_a_budget_is_a_bound_per_evaluation() -> None:
    compiled = policy("for range(100) as i { }\nmain = true")
    tight = Budget(steps=60)
    assert compiled.evaluate(now=NOW, budget=tight).error is not None
    for _ in range(3):
        assert compiled.evaluate(now=NOW).result is True
