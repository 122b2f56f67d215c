"""The OPA engine where its server fails it: what is lost is given again, what cannot be told is unknown, nothing passes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import PolicySettings
from policies.engine import Answer, Evaluation, FailureKind, Limits, Module, Program
from policies.engines import Engines
from policies.errors import EngineError
from policies.evaluate import Judge
from policies.loader import load_paths
from policies.rego.rest import OpaServerEngine
from policies.subject import Subject
from policies.verdict import Outcome
from providers.resource import Resource, ResourceRef

sys.path.insert(0, str(Path(__file__).parent))
from opa_server import OpaDouble, drop, forget, hang, opa_double, status

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = "package a\n\ndeny contains input.x if input.x > 1\n"


@pytest.fixture
def double() -> Iterator[OpaDouble]:
    with opa_double() as double:
        yield double


@pytest.fixture
def engine(double: OpaDouble) -> Iterator[OpaServerEngine]:
    with OpaServerEngine(double.url, Limits(workers=1), patience=60) as engine:
        yield engine


@pytest.fixture
def impatient(double: OpaDouble) -> Iterator[OpaServerEngine]:
    with OpaServerEngine(double.url, Limits(workers=1), patience=2) as engine:
        yield engine


def program(engine: OpaServerEngine, text: str = TEXT, data: bytes = b"{}", path: str = "a.rego") -> Program:
    checked = engine.check([Module(path=Path(path), text=text)]).raise_first()
    return Program.of(checked.modules, data)


def ask(engine: OpaServerEngine, what: Program, *inputs: bytes, rule: str = "data.a.deny") -> list[Answer]:
    return engine.evaluate([Evaluation(program=what, entrypoints=(rule,), input=i, now=NOW) for i in inputs])


def test_modules_are_put_once(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 1}')
    double.log.clear()
    answers = ask(engine, what, *[b'{"x": 2}'] * 5)
    assert [a.values for a in answers] == [{"data.a.deny": [2]}] * 5
    assert {method for method, _ in double.log} == {"POST"}


def test_a_restarted_server_is_given_its_policies_again(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    for _ in range(3):
        double.faults.append(forget)
        (answer,) = ask(engine, what, b'{"x": 5}')
        assert answer.values == {"data.a.deny": [5]}


def test_a_policy_that_somebody_deleted_is_no_pass(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    (module,) = [name for name, text in double.policies.items() if text.startswith("package a")]
    with double.lock:
        del double.policies[module]
        double.revision += 1
    (answer,) = ask(engine, what, b'{"x": 5}')
    assert answer.values == {"data.a.deny": [5]}
    with double.lock:
        double.policies[module] = "package a\n\ndeny contains 1 if false\n"
        double.revision += 1
    (answer,) = ask(engine, what, b'{"x": 5}')
    assert answer.values == {"data.a.deny": [5]}


def test_a_server_that_keeps_nothing_is_an_error(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')

    def always(handler: object) -> bool:
        double.faults.append(always)  # type: ignore[arg-type]
        if double.log[-1][0] == "POST":
            double.forget()
        return False

    double.faults.append(always)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="loses modules right after they are loaded"):
        ask(engine, what, b'{"x": 5}')


def test_another_version_is_another_engine(double: OpaDouble, engine: OpaServerEngine) -> None:
    assert engine.version == "opa-1.20.0+1"
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    double.version = "1.21.0"
    double.forget()
    with pytest.raises(EngineError, match=r"is now version 1\.21\.0, and was 1\.20\.0"):
        ask(engine, what, b'{"x": 5}')


def test_an_answer_that_does_not_come_is_unknown_and_costs_that_evaluation(
    double: OpaDouble, impatient: OpaServerEngine
) -> None:
    what = program(impatient)
    ask(impatient, what, b'{"x": 5}')
    double.faults.append(hang)
    late, good = ask(impatient, what, b'{"x": 5}', b'{"x": 6}')
    assert late.failure is not None
    assert late.failure.kind is FailureKind.TIME
    assert late.failure.cause == "the OPA server did not answer within 2 s"
    assert good.values == {"data.a.deny": [6]}


def test_a_policy_that_never_ends_is_given_up(double: OpaDouble, impatient: OpaServerEngine) -> None:
    what = program(impatient)
    ask(impatient, what, b'{"x": 5}')
    double.faults.extend([hang] * 3)
    double.log.clear()
    answers = ask(impatient, what, *[b'{"x": 5}'] * 6)
    assert [a.failure and a.failure.kind for a in answers] == [FailureKind.TIME] * 6
    assert len(double.log) == 3


def test_a_dropped_connection_is_tried_once_more(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    double.faults.append(drop)
    (answer,) = ask(engine, what, b'{"x": 5}')
    assert answer.values == {"data.a.deny": [5]}


def test_what_takes_the_server_with_it_twice_is_unknown(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    double.faults.extend([drop, lambda _: False, drop])
    (answer,) = ask(engine, what, b'{"x": 5}')
    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.CRASH
    assert "the OPA server was lost with it" in answer.failure.cause


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_busy_proxy_is_asked_again(double: OpaDouble, engine: OpaServerEngine, code: int) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    double.faults.extend([status(code)] * 2)
    (answer,) = ask(engine, what, b'{"x": 5}')
    assert answer.values == {"data.a.deny": [5]}


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        (401, b'{"code": "unauthorized", "message": "request rejected by administrative policy"}', None),
        (500, b"<html>oops</html>", "answered with status 500 and no error as OPA writes them"),
        (200, b"[1", None),
    ],
)
def test_a_strange_answer_is_never_a_pass(
    double: OpaDouble, engine: OpaServerEngine, code: int, body: bytes, message: str | None
) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    double.faults.append(status(code, body))
    if message is None and code != 200:
        (answer,) = ask(engine, what, b'{"x": 5}')
        assert answer.failure is not None
        assert "administrative policy" in answer.failure.cause
    else:
        with pytest.raises(EngineError, match=message or "is no OPA server"):
            ask(engine, what, b'{"x": 5}')


def test_a_server_that_is_gone_is_an_engine_error(double: OpaDouble, engine: OpaServerEngine) -> None:
    what = program(engine)
    ask(engine, what, b'{"x": 5}')
    double.close()
    with pytest.raises(EngineError, match="cannot be reached") as caught:
        ask(engine, what, b'{"x": 5}')
    assert caught.value.hint is not None
    assert "opa run --server" in caught.value.hint


def test_no_server_and_no_opa_are_told_at_the_start(double: OpaDouble) -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        OpaServerEngine("http://127.0.0.1:1", Limits())
    double.faults.append(status(200, b"<html>hello</html>"))
    with pytest.raises(EngineError, match="is no OPA server"):
        OpaServerEngine(double.url, Limits())
    double.faults.append(status(401))
    with pytest.raises(EngineError, match=r"refuses \(status 401\)"):
        OpaServerEngine(double.url, Limits())


def test_errors_are_at_the_places_of_our_files(engine: OpaServerEngine) -> None:
    wrong = Module(path=Path("sub/b.rego"), text="package b\n\nallow if {\n  ceill(input.x)\n}\n")
    (error,) = engine.check([wrong]).errors
    assert error.message == "sub/b.rego:4:3: rego_type_error: there is no function `ceill`"
    what = program(engine, "package a\n\ndeny contains to_number(input.x)\n", path="x/a.rego")
    (answer,) = ask(engine, what, b'{"x": "abc"}')
    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.ERROR
    assert answer.failure.cause.startswith("x/a.rego:3:")


def test_policies_of_one_package_do_not_see_each_other(double: OpaDouble, engine: OpaServerEngine) -> None:
    one = program(engine, "package a\n\ndeny contains 1\n", path="1.rego")
    two = program(engine, "package a\n\ndeny contains 2\n", path="2.rego")
    for _ in range(3):
        assert ask(engine, one, b"{}")[0].values == {"data.a.deny": [1]}
        assert ask(engine, two, b"{}")[0].values == {"data.a.deny": [2]}
    start = threading.Barrier(4)

    def many(what: Program) -> set[str]:
        start.wait()
        return {str(answer.values) for _ in range(5) for answer in ask(engine, what, b"{}")}

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(many, [one, two, one, two]))
    assert found == [{"{'data.a.deny': [1]}"}, {"{'data.a.deny': [2]}"}] * 2


def test_parameters_of_two_programs_do_not_meet(engine: OpaServerEngine) -> None:
    text = 'package a\n\ndeny contains [data.parameters.p, object.get(data, ["inventory", "t"], null)]\n'
    for n in (1, 2):
        what = program(engine, text, b'{"parameters": {"p": %d}}' % n)
        batch = [
            Evaluation(program=what, entrypoints=("data.a.deny",), input=b"{}", now=NOW, data=data)
            for data in (b'{"inventory": {"t": 7}}', None)
        ]
        with_inventory, without = engine.evaluate(batch)
        assert with_inventory.values == {"data.a.deny": [[n, 7]]}
        assert without.values == {"data.a.deny": [[n, None]]}


def test_what_an_earlier_process_left_is_taken_away(double: OpaDouble, engine: OpaServerEngine) -> None:
    ask(engine, program(engine), b"{}")
    with double.lock:
        double.policies["somebody-else"] = "package other\n"
    left = set(double.policies)
    with OpaServerEngine(double.url, Limits(workers=1)) as next_one:
        ask(next_one, program(next_one, TEXT.replace("> 1", "> 2")), b"{}")
    assert double.policies.keys() & left == {"somebody-else"}


def test_coverage_says_that_it_cannot(engine: OpaServerEngine) -> None:
    with pytest.raises(EngineError, match="does not tell which lines"):
        engine.coverage([])


def test_a_configuration_with_an_opa_server_judges(double: OpaDouble, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(
        "# METADATA\n# custom: {id: p, types: [t]}\npackage p\n\n"
        'deny contains "it is open" if input.asset.document.Open == true\n'
    )
    settings = PolicySettings(packs=(), engine="opa", opa_url=double.url, workers=2)
    engines = Engines.configured(settings, Limits(workers=2))
    assert engines.version.startswith("opa-1.20.0")
    ref = ResourceRef(provider="aws", account="1", region="eu", type="t", uid="u")
    subjects = [
        Subject(resource=Resource(ref=ref, name="n", document=document, unread=unread))
        for document, unread in (({"Open": True}, {}), ({"Open": False}, {}), ({}, {"Open": "denied"}))
    ]
    try:
        with Judge(load_paths([tmp_path], engines), settings, engine=engines) as judge:
            found = [v.outcome for v in judge.judge(subjects, now=NOW)]
    finally:
        engines.close()
    assert found == [Outcome.FAIL, Outcome.PASS, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    "values",
    [{"engine": "opa"}, {"opa_url": "http://x"}, {"engine": "opa", "opa_url": "unix:/x"}],
)
def test_engine_and_address_go_together(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="opa_url"):
        PolicySettings.model_validate(values)
