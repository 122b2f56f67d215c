"""Running tests of policies, trying a query, and reading Terraform plans."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import UsageError
from policies.engine import Limits
from policies.errors import PolicyErrors
from policies.evaluate import Judge
from policies.loader import load_paths
from policies.plan import read_plan
from policies.query import evaluate_files, read_data, read_json, read_parameters
from policies.rego.engine import RegorusEngine
from policies.testing import run_tests
from policies.verdict import Outcome
from providers import jsonstream

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = 'package p\n\ndeny contains "x is one" if input.resource.t.main.x == 1\n\ndeny contains "x is two" if input.resource.t.main.x == 2\n'


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(seconds=1, workers=1)) as engine:
        yield engine


def test_rego_tests_pass_fail_and_err(engine: RegorusEngine, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    (tmp_path / "p_test.rego").write_text(
        "package p_test\nimport data.p\n"
        'test_good if p.deny == {"x is one"} with input as {"resource": {"t": {"main": {"x": 1}}}}\n'
        "test_bad if { print(p.deny); count(p.deny) == 1 }\n"
        'test_worse if to_number("abc") == 1\n'
        "test_false := false\n"
        "helper if true\n"
    )
    report = run_tests([tmp_path], engine, now=NOW, coverage=True)
    assert {c.case: c.status for c in report.cases} == {
        "test_good": "pass", "test_bad": "fail", "test_worse": "error", "test_false": "fail",
    }  # fmt: skip
    details = {c.case: c.detail for c in report.cases}
    assert details["test_bad"].startswith(f"{tmp_path}/p_test.rego:4:1: test_bad is undefined (printed:")
    assert f"{tmp_path}/p_test.rego:5:" in details["test_worse"]
    assert report.sentence == "1 passed, 2 failed, 1 error"
    assert not report.good
    (covered,) = report.coverage
    assert covered.path == f"{tmp_path}/p.rego"
    assert 3 in covered.covered


def test_tests_in_the_package_of_the_policy(engine: RegorusEngine, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    (tmp_path / "p_test.rego").write_text("package p\ntest_none if count(deny) == 0\n")
    report = run_tests([tmp_path / "p.rego"], engine, now=NOW)
    assert [c.status for c in report.cases] == ["pass"]


def test_yaml_cases_compare_outcome_and_messages(engine: RegorusEngine, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    (tmp_path / "p.yaml").write_text(
        "cases:\n"
        "  - {name: right, terraform: {attributes: {x: 1}}, expect: fail, messages: [x is one]}\n"
        "  - {name: wrong outcome, terraform: {attributes: {x: 3}}, expect: fail}\n"
        "  - {name: wrong message, terraform: {attributes: {x: 2}}, expect: fail, messages: [x is one]}\n"
        "  - {name: of no interest, type: z, terraform: {type: z, attributes: {}}, expect: not-applicable}\n"
    )
    report = run_tests([tmp_path], engine, now=NOW)
    assert {c.case: c.status for c in report.cases} == {
        "right": "pass", "wrong outcome": "fail", "wrong message": "fail", "of no interest": "pass",
    }  # fmt: skip
    details = {c.case: c.detail for c in report.cases}
    assert details["wrong outcome"] == f"{tmp_path}/p.yaml:3:6: expected fail, got pass"
    assert "expected messages ['x is one'], got ['x is two']" in details["wrong message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: []\n", "p.yaml:1:1: `cases` must be a list with at least one case"),
        ("cases:\n  - {expect: pass}\n", "p.yaml:2:5: a case needs a `name`"),
        (
            "cases:\n  - name: a\n    expect: good\n",
            "p.yaml:3:5: `expect` must be one of pass, fail, unknown, not-applicable",
        ),
        (
            "cases:\n  - {name: a, expect: pass, documnt: {}}\n",
            "p.yaml:2:29: metadata has an unknown key `documnt`",
        ),
        ("cases:\n  - {name: a, expect: pass, document: 3}\n", "p.yaml:2:29: `document` must be a mapping"),
        (
            "cases:\n  - {name: a, expect: pass, now: soon}\n",
            "p.yaml:2:6: `now` must be a time and its zone (2026-01-01T00:00:00Z), not soon",
        ),
        ("cases: [\n", "p.yaml:"),
    ],
)
def test_wrong_cases_are_told_with_their_line(
    engine: RegorusEngine, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    (tmp_path / "p.yaml").write_text(text)
    report = run_tests([tmp_path], engine, now=NOW)
    assert [c.status for c in report.cases] == ["error"]
    assert report.cases[0].detail.startswith(f"{tmp_path}/{message}")


def test_no_tests_are_not_good(engine: RegorusEngine, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    report = run_tests([tmp_path], engine, now=NOW)
    assert report.sentence == "0 passed, 0 failed"
    assert not report.good


def test_a_missing_path_and_a_broken_policy_are_errors(engine: RegorusEngine, tmp_path: Path) -> None:
    (missing,) = run_tests([tmp_path / "none"], engine, now=NOW).cases
    assert "no such file" in missing.detail
    (tmp_path / "p.rego").write_text("package p\ndeny contains if")
    (broken,) = run_tests([tmp_path], engine, now=NOW).cases
    assert broken.status == "error"


# policy eval


def evaluate(engine: RegorusEngine, folder: Path, body: str, text: bytes, **more: Any) -> dict[str, Any]:
    path = folder / "p.rego"
    path.write_text(f"package p\n{body}\n")
    arguments = {"data": {}, "query": None, **more}
    return evaluate_files([path], engine, text=text, now=NOW, **arguments)


def test_eval_gives_a_result_undefined_or_an_error(engine: RegorusEngine, tmp_path: Path) -> None:
    body = "deny contains input.x\nallow if input.x == 2\nf(n) := n + 1\nbad := to_number(input.t)"
    text = b'{"x": 1, "t": "abc"}'
    assert evaluate(engine, tmp_path, body, text, query="data.p.deny") == {"result": [1]}
    assert evaluate(engine, tmp_path, body, text, query="data.p.allow") == {"undefined": True}
    assert evaluate(engine, tmp_path, body, text, query="data.p.f(input.x)") == {"result": 2}
    assert "could not parse" in evaluate(engine, tmp_path, body, text, query="data.p.bad")["error"]
    assert evaluate(engine, tmp_path, "deny contains input.x", text) == {"result": {"deny": [1]}}
    assert evaluate(engine, tmp_path, "x := data.a.b", text, data={"a": {"b": 2}}) == {"result": {"x": 2}}
    with pytest.raises(PolicyErrors):
        evaluate(engine, tmp_path, "x :=", text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", ":1:2: the input is not JSON"),
        (b"{\n \xff}", ":2:2: the input is not UTF-8 text"),
        (b'{"a": 1,\n}', ":2:1: the input is not JSON"),
    ],
)
def test_an_input_that_is_no_json_is_told_with_its_place(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "i.json").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_json(tmp_path / "i.json", what="input")


def test_data_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1, "b": 1}')
    (tmp_path / "b.yaml").write_text("b: 2\n")
    assert read_data([tmp_path / "a.json", tmp_path / "b.yaml"]) == {"a": 1, "b": 2}
    assert read_parameters(["a=1", "b=x=y", 'c=["d"]']) == {"a": 1, "b": "x=y", "c": ["d"]}
    with pytest.raises(UsageError, match="name=value"):
        read_parameters(["a"])
    with pytest.raises(UsageError, match="cannot be read"):
        read_data([tmp_path / "none.json"])


# Terraform plans


def plan(folder: Path, content: Any) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps(content))
    return path


def a_resource(address: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    provider = "registry.terraform.io/hashicorp/aws"
    return {
        "address": address,
        "mode": "managed",
        "type": "t",
        "name": "n",
        "provider_name": provider,
        "values": values,
        **more,
    }


def test_a_plan_is_judged_and_what_apply_will_tell_is_unknown(engine: RegorusEngine, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    content = {
        "planned_values": {
            "root_module": {
                "resources": [
                    a_resource("t.a", {"x": 1}),
                    a_resource("t.b", {"x": 3}),
                    a_resource("t.c", {}),
                ],
                "child_modules": [
                    {
                        "resources": [
                            a_resource("module.m.t.d", {"x": 2}),
                            a_resource("data.t.e", {"x": 1}, mode="data"),
                        ]
                    }
                ],
            }
        },
        "resource_changes": [{"address": "t.c", "change": {"after_unknown": {"x": True}}}],
    }
    subjects = {p.address: p.subject for p in read_plan(plan(tmp_path, content))}
    policies = load_paths([tmp_path / "p.rego"], engine)
    with Judge(policies, engine=engine) as judge:
        verdicts = {v.uid: v for v in judge.judge(subjects.values(), now=NOW)}
    assert {uid: v.outcome for uid, v in verdicts.items()} == {
        "t.a": Outcome.FAIL, "t.b": Outcome.PASS, "t.c": Outcome.UNKNOWN, "module.m.t.d": Outcome.FAIL,
    }  # fmt: skip
    assert verdicts["t.c"].cause == "attribute `x` was not read: known only after apply"


def test_a_policy_that_reads_the_clouds_document_is_unknown_on_a_plan(
    engine: RegorusEngine, tmp_path: Path
) -> None:
    text = "# METADATA\n# custom:\n#   terraform_types: [t]\npackage p\ndeny contains 1 if input.asset.document.x\n"
    (tmp_path / "p.rego").write_text(text)
    (planned,) = read_plan(
        plan(tmp_path, {"values": {"root_module": {"resources": [a_resource("t.a", {"x": 1})]}}})
    )
    with Judge(load_paths([tmp_path / "p.rego"], engine), engine=engine) as judge:
        (verdict,) = judge.judge([planned.subject], now=NOW)
    assert verdict.outcome is Outcome.UNKNOWN


def test_a_plan_larger_than_memory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve megabytes, of which a chunk, the resource at hand and the names of what is unknown stand in memory at once."""
    monkeypatch.setattr(jsonstream, "CHUNK", 1 << 16)
    resources = [a_resource(f"t.r{n}", {"x": n, "text": "y" * 900}) for n in range(4000)]
    changes = [
        {"address": r["address"], "change": {"after": r["values"], "after_unknown": {"id": True, "x": False}}}
        for r in resources
    ]
    module = {"root_module": {"child_modules": [{"resources": resources}]}}
    content = {
        "format_version": "1.2",
        "prior_state": {"values": module},
        "planned_values": module,
        "resource_changes": changes,
    }
    path = plan(tmp_path, content)
    size = path.stat().st_size
    assert size > 12_000_000
    del content, module, resources, changes
    tracemalloc.start()
    try:
        read = [(p.address, *p.subject.view.unread) for p in read_plan(path) if p.subject.view]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == [(f"t.r{n}", "id") for n in range(4000)]
    assert peak < size / 3, f"{peak:,} of {size:,} bytes"


@pytest.mark.parametrize(
    "content", [[], {}, {"resources": [], "terraform_version": "1.9"}, 5, {"format_version": "1.0", "x": 1}]
)
def test_what_is_no_plan_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(UsageError, match=r"plan\.json"):
        list(read_plan(plan(tmp_path, content)))


@settings(max_examples=60, deadline=None)
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "planned_values",
                        "values",
                        "root_module",
                        "resources",
                        "child_modules",
                        "type",
                        "address",
                        "after_unknown",
                        "change",
                        "resource_changes",
                        "tags",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=15,
    )
)
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = plan(tmp_path_factory.mktemp("plan"), content)
    try:
        list(read_plan(path))
    except UsageError as error:
        assert str(path) in error.message
