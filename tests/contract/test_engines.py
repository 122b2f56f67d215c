"""What the judge asks of every policy engine. An engine that passes this may judge."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import Answer, Engine, Evaluation, FailureKind, Limits, Module, Program
from policies.rego.engine import RegorusEngine
from policies.rego.process import IOV_MAX, PIPE_BYTES
from policies.rego.rest import OpaServerEngine

sys.path.insert(0, str(Path(__file__).parent))
from opa_server import opa_double

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
V1 = 'package a\n\ndeny contains msg if {\n\tinput.x == null\n\tmsg := "x is null"\n}\n'
V0 = 'package a\ndeny[msg] {\n input.x == null\n msg := "x is null"\n}\n'


LIMITS = Limits(seconds=2, memory_mb=256, workers=1)


@pytest.fixture(scope="module", params=["regorus", "opa-double", "opa"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The embedded engine; the OPA engine over a double of its server, and over the real one where it is installed."""
    if request.param == "regorus":
        with RegorusEngine(LIMITS) as embedded:
            yield embedded
    elif request.param == "opa-double":
        with opa_double() as double, OpaServerEngine(double.url, LIMITS) as remote:
            yield remote
    else:
        with opa_server() as url, OpaServerEngine(url, LIMITS) as remote:
            yield remote


@contextmanager
def opa_server() -> Iterator[str]:
    """A real ``opa run --server``. OPA says where it listens in its log."""
    binary = shutil.which("opa")
    if binary is None:
        pytest.skip("no opa binary is installed")
    command = [binary, "run", "--server", "--addr", "127.0.0.1:0", "--log-format", "json", "--v0-compatible"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                said = json.loads(line)
                if "addrs" in said or "addr" in said:
                    port = re.search(r"127\.0\.0\.1:(\d+)", line)
                    if port is not None and port[1] != "0":
                        yield f"http://127.0.0.1:{port[1]}"
                        break
        finally:
            server.kill()


def program(engine: Engine, text: str, data: bytes = b"{}") -> Program:
    return Program.of(engine.check([Module(path=Path("a.rego"), text=text)]).raise_first().modules, data)


def ask(
    engine: Engine, text: str, *inputs: str, rule: str = "data.a.deny", data: bytes = b"{}"
) -> list[Answer]:
    what = program(engine, text, data)
    return engine.evaluate(
        [Evaluation(program=what, entrypoints=(rule,), input=i.encode(), now=NOW) for i in inputs]
    )


@pytest.mark.parametrize("text", [V1, V0], ids=["v1", "v0"])
def test_both_syntaxes_give_the_deny_set(engine: Engine, text: str) -> None:
    null, one, none = ask(engine, text, '{"x": null}', '{"x": 1}', "{}")
    assert null.values == {"data.a.deny": ["x is null"]}
    assert one.values == none.values == {"data.a.deny": []}


def test_answers_come_in_the_order_of_the_batch(engine: Engine) -> None:
    answers = ask(engine, "package a\ndeny contains input.n", *[f'{{"n": {n}}}' for n in range(250)])
    assert [a.values["data.a.deny"] for a in answers] == [[n] for n in range(250)]


def test_a_batch_may_be_larger_than_what_a_pipe_holds_and_than_one_call_writes(engine: Engine) -> None:
    inputs = [json.dumps({"n": n, "text": "é" * (n % 5) * 700}) for n in range(1100)]
    assert sum(map(len, inputs)) > PIPE_BYTES
    assert len(inputs) > 2 * IOV_MAX
    answers = ask(engine, "package a\ndeny contains [input.n, count(input.text)]", *inputs)
    assert [a.values["data.a.deny"] for a in answers] == [[[n, n % 5 * 700]] for n in range(1100)]


def test_an_undefined_rule_has_no_value(engine: Engine) -> None:
    (answer,) = ask(engine, "package a\nallow if input.x", "{}", rule="data.a.allow")
    assert answer.values == {}
    assert answer.failure is None


def test_the_text_that_looks_undefined_is_a_value(engine: Engine) -> None:
    (answer,) = ask(engine, "package a\nallow := input.x", '{"x": "<undefined>"}', rule="data.a.allow")
    assert answer.values == {"data.a.allow": "<undefined>"}


def test_a_query_may_call_a_function(engine: Engine) -> None:
    what = program(engine, "package a\nallow(f) if f.n > 1")
    query = "data.a.allow(input.f)"
    yes, no = engine.evaluate(
        [
            Evaluation(program=what, entrypoints=(query,), input=i, now=NOW, query=True)
            for i in (b'{"f": {"n": 2}}', b'{"f": {"n": 1}}')
        ]
    )
    assert yes.values == {query: True}
    assert no.values == {}


def test_one_failing_document_leaves_the_others_alone(engine: Engine) -> None:
    text = "package a\ndeny contains to_number(input.x)"
    bad, good = ask(engine, text, '{"x": "abc"}', '{"x": "5"}')
    assert bad.failure is not None
    assert bad.failure.kind is FailureKind.ERROR
    assert bad.failure.cause.startswith("a.rego:2:")
    assert good.values == {"data.a.deny": [5]}


def test_now_is_the_judgements_and_not_the_clocks(engine: Engine) -> None:
    (answer,) = ask(engine, "package a\nallow := time.now_ns()", "{}", rule="data.a.allow")
    assert answer.values == {"data.a.allow": int(NOW.timestamp()) * 10**9}


def test_data_of_a_program_and_of_one_evaluation(engine: Engine) -> None:
    what = program(
        engine, "package a\ndeny contains [data.parameters.p, data.inventory.q]", b'{"parameters": {"p": 1}}'
    )
    batch = [
        Evaluation(program=what, entrypoints=("data.a.deny",), input=b"{}", now=NOW, data=data)
        for data in (b'{"inventory": {"q": 2}}', None, b'{"inventory": {"q": 3}}')
    ]
    values = [answer.values["data.a.deny"] for answer in engine.evaluate(batch)]
    assert values == [[[1, 2]], [], [[1, 3]]]  # one evaluation's data is gone in the next


def test_what_a_policy_prints_is_kept(engine: Engine) -> None:
    if engine.name == "opa":
        pytest.skip("an OPA server prints into its own log")
    (answer,) = ask(engine, 'package a\ndeny contains 1 if print("seen", input.x)', '{"x": 7}')
    assert answer.prints
    assert "seen 7" in answer.prints[0]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"x": ' + "[" * 200 + "]" * 200 + "}", "128"),
        ('{"x": "\\ud800"}', "hex escape"),
        ('{"x": ', "EOF"),
        ("not json", "expected"),
    ],
    ids=["200-levels-deep", "lone-surrogate", "cut-short", "no-json"],
)
def test_a_document_that_cannot_be_read_fails_alone(engine: Engine, text: str, cause: str) -> None:
    bad, good = ask(engine, V1, text, '{"x": null}')
    if engine.name == "regorus" or cause in ("EOF", "expected"):
        assert bad.failure is not None
    # A server may read what the embedded engine cannot; then it answers.
    assert (bad.failure is None) != (not bad.values)
    assert bad.failure is None or bad.failure.kind is FailureKind.ERROR
    if engine.name == "regorus":
        assert bad.failure is not None
        assert cause in bad.failure.cause
    assert good.values == {"data.a.deny": ["x is null"]}


def test_huge_integers_are_no_error(engine: Engine) -> None:
    text = "package a\ndeny contains 1 if input.x > 18446744073709551615"
    (answer,) = ask(engine, text, '{"x": 123456789012345678901234567890}')
    assert answer.values == {"data.a.deny": [1]}


@pytest.fixture(scope="module")
def echo(engine: Engine) -> Program:
    return program(engine, "package a\nallow := input.x")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(value=json_values)
def test_any_document_comes_back_as_it_went_in(engine: Engine, echo: Program, value: object) -> None:
    text = json.dumps({"x": value}).encode()
    (answer,) = engine.evaluate(
        [Evaluation(program=echo, entrypoints=("data.a.allow",), input=text, now=NOW)]
    )
    assert answer.failure is None
    assert answer.values == {"data.a.allow": value}


# Checking

WRONG = [
    ("package a\nallow if { input.x == ", "a.rego:2:23: expecting expression"),
    ("package a\nallow if { input.x == y }", "a.rego:2:23: use of undefined variable `y` is unsafe"),
    ("package a\nallow if nope.nope(input.x)", "a.rego:2:10: there is no function `nope.nope`"),
    ("package a\nallow := ceill(1.5)", "a.rego:2:10: there is no function `ceill`"),
    ("package a\nallow if { f(1) }\nf(x) if g(x)\ng(x) if f(x)", "a.rego:3:1: rule `a.f` is recursive"),
    ("packag a", "a.rego:1:1: "),
    ("", "a.rego:1:"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_told_with_file_line_and_column(engine: Engine, text: str, message: str) -> None:
    errors = engine.check([Module(path=Path("a.rego"), text=text)]).errors
    assert errors
    if engine.name == "regorus":
        assert errors[0].message.startswith(message)
    else:  # in the server's own words, at the same place
        place = ":".join(message.split(":")[:2])
        assert errors[0].message.startswith(place)


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"url": "http://x"})',
        "opa.runtime()",
        'rand.intn("a", 5)',
        'net.lookup_ip_addr("x")',
        'uuid.rfc4122("x")',
    ],
)
def test_every_door_to_the_outside_is_closed_at_load(engine: Engine, call: str) -> None:
    (error,) = engine.check([Module(path=Path("a.rego"), text=f"package a\nallow := {call}")]).errors
    assert "is closed" in error.message
    assert error.position.line == 2


def test_an_alias_does_not_open_a_door(engine: Engine) -> None:
    text = 'package a\nallow if { x := input with http.send as {"status_code": 200}; http.send({}) }'
    assert any(
        "is closed" in e.message for e in engine.check([Module(path=Path("a.rego"), text=text)]).errors
    )


def test_brackets_nested_thirty_deep_do_not_hang_the_check(engine: Engine) -> None:
    deep = Module(path=Path("deep.rego"), text=f"package a\nallow if {{ x := {'[' * 40}{']' * 40} }}")
    good = Module(path=Path("good.rego"), text=V1)
    checked = engine.check([deep, good])
    assert [e.position.path for e in checked.errors] == [Path("deep.rego")]
    assert "given up" in checked.errors[0].message
    assert [m.module.path for m in checked.modules] == [Path("good.rego")]


def test_all_errors_come_at_once(engine: Engine) -> None:
    modules = [Module(path=Path(f"{i}.rego"), text=text) for i, (text, _) in enumerate(WRONG[2:4])]
    assert len(engine.check(modules).errors) == 2
