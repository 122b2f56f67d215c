"""What a module's tree tells without running it: above all, what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.engine import CheckedModule, Limits, Module, RuleKind
from policies.errors import PolicyErrors, PolicySyntaxError, Position
from policies.rego.engine import RegorusEngine


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


def look(engine: RegorusEngine, body: str) -> CheckedModule:
    text = body if body.startswith(("package", "#")) else f"package p\n{body}"
    (module,) = engine.check([Module(path=Path("p.rego"), text=text)]).raise_first().modules
    return module


READS = {
    "a constant path": (
        "deny contains 1 if input.asset.document.Logging == null",
        {"asset.document.Logging"},
    ),
    "brackets are dots": ('deny contains 1 if input["asset"].document[`A b`]', {"asset.document.A b"}),
    "an index ends the path": (
        "deny contains 1 if input.resource.t.main.rules[_].port == 22",
        {"resource.t.main.rules"},
    ),
    "a name given to a path": (
        "deny contains 1 if { d := input.asset.document; d.A == 1; d.B.C }",
        {"asset.document.A", "asset.document.B.C"},
    ),
    "a name given to a name": (
        "deny contains 1 if { d := input.asset.document; e := d.B; e.C == 1 }",
        {"asset.document.B.C"},
    ),
    "a name used whole": (
        "deny contains 1 if { d := input.asset.document; count(d) > 1 }",
        {"asset.document"},
    ),
    "a constant of the module": (
        "b := input.resource.t.main\ndeny contains 1 if b.logging",
        {"resource.t.main.logging"},
    ),
    "a constant read through data": (
        "b := input.resource.t.main\ndeny contains 1 if data.p.b.logging",
        {"resource.t.main.logging"},
    ),
    "an import": ("import input.asset as a\ndeny contains 1 if a.document.X", {"asset.document.X"}),
    "object.get with one key": (
        'deny contains 1 if object.get(input.asset.document, "Y", null) == null',
        {"asset.document.Y"},
    ),
    "object.get with a path": (
        'deny contains 1 if object.get(input.asset.document, ["Y", "Z"], null) == null',
        {"asset.document.Y.Z"},
    ),
    "object.get with an unknown key": (
        "deny contains 1 if { some k in [1]; object.get(input.asset.document, k, null) }",
        {"asset.document"},
    ),
    "inside an index": ("deny contains 1 if data.parameters[input.asset.name]", {"asset.name"}),
    "inside a comprehension": ("deny contains count([x | some x in input.asset.tags])", {"asset.tags"}),
    "in every": (
        "deny contains 1 if every x in input.asset.document.L { x.m == input.asset.name }",
        {"asset.document.L", "asset.name"},
    ),
    "in the value of a rule": ("deny contains input.asset.uid", {"asset.uid"}),
    "in a default's companion": ("default allow := false\nallow if input.asset.region", {"asset.region"}),
    "in an else": ("allow if input.asset.a\nelse := false if input.asset.b", {"asset.a", "asset.b"}),
    "below what is read whole": ("deny contains 1 if { input.asset; input.asset.name }", {"asset"}),
    "a copy by pattern": (
        "deny contains x if [x, _] = [input.asset.a, input.asset.b]",
        {"asset.a", "asset.b"},
    ),
}


@pytest.mark.parametrize("name", READS)
def test_reads(engine: RegorusEngine, name: str) -> None:
    body, wanted = READS[name]
    assert look(engine, body).reads == wanted


@pytest.mark.parametrize(
    "body",
    [
        "deny contains 1 if f(input)\nf(x) if x.y",
        "deny contains 1 if { x := input; x[_] == 1 }",
        "deny contains 1 if walk(input, [_, 1])",
        "deny contains 1 if { some k; input[k] == 1 }",
        "allow := input",
    ],
)
def test_what_cannot_be_told_may_be_anything(engine: RegorusEngine, body: str) -> None:
    assert look(engine, body).reads is None


def test_input_named_and_then_followed_is_a_path(engine: RegorusEngine) -> None:
    assert look(engine, "deny contains 1 if { x := input; x.asset.name }").reads == {"asset.name"}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("deny contains 1 if input.resource.t.main.logging[_] == null", True),
        ("deny contains 1 if { b := input.resource.t.main; null == b.logging[_] }", True),
        ("deny contains 1 if is_null(input.resource.t.main.logging[_])", True),
        ("deny contains 1 if input.resource.t.main.logging == null", False),
        ("deny contains 1 if input.asset.document.L[_] == null", False),
        ("deny contains 1 if input.resource.t.main.logging[_] == 1", False),
    ],
)
def test_the_null_form_of_blocks_is_seen(engine: RegorusEngine, body: str, wanted: bool) -> None:
    assert look(engine, body).null_blocks is wanted


@pytest.mark.parametrize(
    ("body", "clock"),
    [
        ("deny contains 1 if time.now_ns() > 1", True),
        ('deny contains 1 if input.context.now == "x"', True),
        ("deny contains 1 if input.context", True),
        ("deny contains 1 if input.context.phase", False),
        ("deny contains 1 if time.parse_rfc3339_ns(input.asset.name) > 1", False),
    ],
)
def test_readers_of_the_clock_are_found(engine: RegorusEngine, body: str, clock: bool) -> None:
    assert look(engine, body).reads_clock is clock


def test_joins_are_found(engine: RegorusEngine) -> None:
    assert look(engine, 'deny contains 1 if data.inventory["aws.vpc"][_].name').joins == {"aws.vpc"}
    assert look(engine, "deny contains 1 if { some t; data.inventory[t] }").joins == {"*"}
    assert look(engine, "import data.inventory as i\ndeny contains 1 if i.x[_]").joins == {"x"}


def test_types_it_compares_with_are_found(engine: RegorusEngine) -> None:
    assert look(engine, 'deny contains 1 if input.asset.type == "aws.vpc"').asset_types == {"aws.vpc"}
    assert look(engine, 'deny contains 1 if input.asset.type != "aws.vpc"').asset_types == set()


def test_rules_with_their_kinds(engine: RegorusEngine) -> None:
    module = look(
        engine,
        "package a.b\nallow if true\ndeny contains 1\nf(x, y) if x == y\no[k] := 1 if some k in [1]\ndefault allow := false",
    )
    assert [(r.name, r.kind, r.arity) for r in module.rules] == [
        ("allow", RuleKind.COMPLETE, 0),
        ("deny", RuleKind.PARTIAL_SET, 0),
        ("f", RuleKind.FUNCTION, 2),
        ("o", RuleKind.PARTIAL_OBJECT, 0),
        ("allow", RuleKind.COMPLETE, 0),
    ]
    assert str(module.rules[2].position) == "p.rego:4:1"
    assert module.rules[0].reference == "data.a.b.allow"


def test_annotations_know_where_they_stand(engine: RegorusEngine) -> None:
    text = "# METADATA\n# title: T\n# custom:\n#   severity: high\npackage a\n\n# METADATA\n# title: R\nallow if true\n"
    package, rule = look(engine, text).annotations
    assert (package.scope, package.values["title"], package.target) == ("package", "T", "package a")
    assert package.where("custom.severity").line == 4
    assert (rule.scope, rule.target, rule.position.line) == ("rule", "allow", 7)


def test_a_local_name_may_be_that_of_a_rule(engine: RegorusEngine) -> None:
    assert look(engine, "x := 1\nallow if { x := 2; x == 2 }").rules
    assert look(engine, "size(items) := size if { size := count(items) }").rules


@pytest.mark.parametrize(
    ("body", "column", "name", "hint"),
    [
        ("deny contains 1 if", 17, "if", "`if` begins what is missing after it."),
        ("allow", 1, "allow", None),
        ("deny[x] { x := 1 }\nallow", 1, "allow", None),
    ],
    ids=["the-body-is-missing", "in-either-syntax", "in-the-old-syntax"],
)
def test_a_rule_that_is_a_name_alone_is_refused(
    engine: RegorusEngine, body: str, column: int, name: str, hint: str | None
) -> None:
    """In the old syntax the engine takes it for true: half a policy would pass for a whole one."""
    (error,) = engine.check([Module(path=Path("p.rego"), text=f"package p\n{body}")]).errors
    assert error.what == f"`{name}` has neither a body nor a value"
    assert error.position is not None
    assert (error.position.line, error.position.column) == (body.count("\n") + 2, column)
    assert error.hint == hint


def test_the_old_syntax_has_rules_that_look_bare_and_are_not(engine: RegorusEngine) -> None:
    module = look(engine, "p[1]\nf(x) = x\ndefault q = 2\nr = 3\ns { true }\n")
    assert module.v0
    assert {rule.name for rule in module.rules} == {"p", "f", "q", "r", "s"}


def test_what_to_do_stands_on_a_line_of_its_own() -> None:
    error = PolicySyntaxError("`if` is alone", Position(Path("p.rego"), 2), hint="Give it a body.")
    other = PolicySyntaxError("no", Position(Path("q.rego")))
    assert str(PolicyErrors((error, other))).splitlines() == [
        "The policies have 2 problems:",
        "  p.rego:2: `if` is alone",
        "    Give it a body.",
        "  q.rego: no",
    ]
