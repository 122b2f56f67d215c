"""``watchstander policy`` and ``watchstander check``: the words, the JSON and the exit statuses."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.app import run
from daemon.cli.context import State
from daemon.cli.output import Output

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[2].parent / "shared"))
PACKS = Path(__file__).parents[2] / "policies" / "packs"
POLICY = 'package p\ndeny contains "x" if input.resource.t.main.x == 1\n'


def call(*arguments: str | Path) -> tuple[int, str]:
    out = io.StringIO()
    state = State(environment={}, out=Output(stdout=out))
    status = run([str(a) for a in arguments], state)
    return status, out.getvalue()


def document(*arguments: str | Path) -> tuple[int, Any]:
    status, text = call(*arguments, "--format", "json")
    return status, json.loads(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.rego").write_text(POLICY)
    (tmp_path / "i.json").write_text('{"resource": {"t": {"main": {"x": 1}}}}')
    return tmp_path


def test_eval_gives_result_undefined_or_error(folder: Path) -> None:
    policy, given = folder / "p.rego", folder / "i.json"
    assert document("policy", "eval", policy, "--input", given) == (0, {"result": {"deny": ["x"]}})
    assert document("policy", "eval", policy, "--input", given, "--query", "data.p.deny") == (
        0,
        {"result": ["x"]},
    )
    assert document("policy", "eval", policy, "--input", given, "--query", "data.p.no") == (
        0,
        {"undefined": True},
    )
    policy.write_text('package p\nx := to_number("abc")\n')
    status, answer = document("policy", "eval", policy, "--input", given)
    assert (status, list(answer)) == (4, ["error"])
    policy.write_text("package p\nx :=\n")
    status, answer = document("policy", "eval", policy, "--input", given)
    assert status == 2
    assert answer["error"].startswith(f"{policy}:3:1: ")


def test_eval_takes_data_and_parameters(folder: Path) -> None:
    (folder / "p.rego").write_text("package p\nx := [data.a, data.parameters.n, data.parameters.s]\n")
    (folder / "d.json").write_text('{"a": [1]}')
    status, answer = document(
        "policy", "eval", folder / "p.rego", "--input", folder / "i.json", "--data", folder / "d.json",
        "--param", "n=3", "--param", "s=text", "--query", "data.p.x",
    )  # fmt: skip
    assert (status, answer) == (0, {"result": [[1], 3, "text"]})


@pytest.mark.parametrize("content", ["{", "not json", ""])
def test_eval_of_bad_input_names_the_file(
    folder: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "i.json").write_text(content)
    assert call("policy", "eval", folder / "p.rego", "--input", folder / "i.json")[0] == 2
    error = capsys.readouterr().err
    assert f"{folder}/i.json:1:" in error
    assert "Traceback" not in error


def test_an_input_that_nests_without_end_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = folder / "deep.json"
    deep.write_text("[" * 200_000 + "]" * 200_000)
    (folder / "s.sentinel").write_text("main = true\n")
    status, answer = document("policy", "eval", folder / "p.rego", "--input", deep)
    assert status == 4
    assert "nests deeper than 128 levels" in answer["error"]
    for arguments in (
        ("s.sentinel", "--input", deep),
        ("s.sentinel", "--input", folder / "i.json", "--data", deep),
        ("p.rego", "--input", folder / "i.json", "--data", deep),
    ):
        assert call("policy", "eval", folder / arguments[0], *arguments[1:])[0] == 2
        assert f"{deep}: the " in capsys.readouterr().err


@pytest.mark.shared
def test_the_owners_policies_run_as_they_stand(folder: Path) -> None:
    seed = SHARED / "seed"
    if not seed.is_dir():
        pytest.skip("the owner's policies are not here")
    given = folder / "i.json"
    for main, wanted in (
        ({"aws_s3_bucket": {"main": {"logging": [None]}}}, ["S3 bucket logging is not enabled."]),
        ({"aws_s3_bucket": {"main": {"logging": [{"target_bucket": "b"}]}}}, []),
        ({"aws_elb": {"main": {"access_logs": [{"enabled": False}]}}}, ["ELB access logs are not enabled."]),
        ({"aws_cloudtrail": {"main": {"enable_logging": False}}}, ["CloudTrail is not enabled."]),
    ):
        given.write_text(json.dumps({"resource": main}))
        answer = document(
            "policy",
            "eval",
            seed / "ir_preparation.rego",
            "--input",
            given,
            "--query",
            "data.ir.preparation.deny",
        )
        assert answer == (0, {"result": wanted})
    role = "arn:aws:iam::123456789012:role/EmergencyAdminRole"
    for seconds, result in ((3600, True), (3601, False)):
        variables = {"assumed_role": {"value": role}, "duration_seconds": {"value": seconds}}
        given.write_text(json.dumps({"tfplan/v2": {"variables": variables}}))
        status, answer = document("policy", "eval", seed / "break_glass.sentinel", "--input", given)
        assert (status, answer["result"], answer["error"]) == (0, result, None)
        assert answer["rules"]["is_valid_break_glass"] is result
    assert call("policy", "check", seed)[0] == 0


def test_eval_of_a_plan_gives_its_imports(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.sentinel").write_text(
        'import "tfplan/v2" as tfplan\nmain = rule { tfplan.variables.size.value is 3 }\n'
    )
    given = folder / "i.json"
    plan = {"terraform_version": "1.9.0", "planned_values": {}, "variables": {"size": {"value": 3}}}
    given.write_text(json.dumps(plan))
    status, answer = document("policy", "eval", folder / "p.sentinel", "--input", given)
    assert (status, answer["result"], answer["error"]) == (0, True, None)
    given.write_text(json.dumps({"terraform_version": "1.9.0"}))
    assert call("policy", "eval", folder / "p.sentinel", "--input", given)[0] == 2
    assert "i.json: is neither a Terraform plan nor a state" in capsys.readouterr().err


def test_eval_says_how_imports_are_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.sentinel").write_text(
        'import "tfplan/v2" as tfplan\nmain = rule { tfplan.variables.size.value is 3 }\n'
    )
    (folder / "i.json").write_text(json.dumps({"variables": {"size": 3}}))
    status, answer = document("policy", "eval", folder / "p.sentinel", "--input", folder / "i.json")
    assert status == 4
    assert 'the import "tfplan/v2" is not given' in answer["error"]
    assert call("policy", "eval", folder / "p.sentinel", "--input", folder / "i.json")[0] == 4
    assert "The input holds the imports by name (variables given)" in capsys.readouterr().err


def test_test_says_how_many_passed(folder: Path) -> None:
    (folder / "p_test.rego").write_text("package p_test\nimport data.p\ntest_none if count(p.deny) == 0\n")
    status, text = call("policy", "test", folder)
    assert (status, text.splitlines()[-1]) == (0, "1 passed, 0 failed")
    (folder / "p_test.rego").write_text("package p_test\nimport data.p\ntest_one if count(p.deny) == 1\n")
    status, text = call("policy", "test", folder)
    assert (status, text.splitlines()[-1]) == (1, "0 passed, 1 failed")
    status, answer = document("policy", "test", folder, "--coverage")
    assert (answer["passed"], answer["failed"], answer["errors"]) == (0, 1, 0)
    (case,) = answer["cases"]
    assert (case["path"], case["case"], case["status"]) == (f"{folder}/p_test.rego", "test_one", "fail")
    assert answer["coverage"][0]["path"] == f"{folder}/p.rego"


def test_test_runs_sentinels_tests_too(folder: Path) -> None:
    (folder / "s.sentinel").write_text("param n\nmain = rule { n is 1 }\n")
    case = folder / "test" / "s" / "good.hcl"
    case.parent.mkdir(parents=True)
    case.write_text('param "n" {\n  value = 1\n}\n')
    for path in (folder, folder / "s.sentinel", case.parent, case):
        status, answer = document("policy", "test", path)
        assert (status, answer["passed"]) == (0, 1), path
    (folder / "test" / "rego").mkdir()
    (folder / "test" / "rego" / "p.rego").write_text("package p\ndeny contains\n")
    assert document("policy", "check", folder / "test" / "rego")[0] == 2, "not every folder there holds cases"
    case.write_text('param "n" {\n  value = 2\n}\n')
    assert document("policy", "test", folder)[1]["failed"] == 1


def test_check_tells_everything_with_its_place(folder: Path) -> None:
    (folder / "bad.rego").write_text("package bad\ndeny contains 1 if http.send({})\n")
    (folder / "worse.rego").write_text("package worse\ndeny contains\n")
    (folder / "s.sentinel").write_text("main = rule {\n")
    status, answer = document("policy", "check", folder)
    assert status == 2
    assert not answer["ok"]
    found = {(Path(e["path"]).name, e["line"], e["column"]) for e in answer["errors"]}
    assert {("bad.rego", 2, 20), ("worse.rego", 3, 1)} <= found
    assert any(name == "s.sentinel" for name, _, _ in found)
    status, text = call("policy", "check", folder / "p.rego")
    assert (status, text) == (0, "1 policy is good.\n")


def test_imports_that_nobody_gives_are_told(tmp_path: Path) -> None:
    policy = tmp_path / "p.sentinel"
    policy.write_text('import "json"\nimport "helper"\nimport "weather"\nimport "http"\nmain = true\n')
    (tmp_path / "helper.sentinel").write_text("help = func() { return 1 }\n")
    status, answer = document("policy", "check", policy)
    assert status == 2
    assert [(e["line"], e["column"]) for e in answer["errors"]] == [(3, 1), (4, 1)]
    assert "neither a standard import nor a module beside" in answer["errors"][0]["error"]
    assert "closed" in answer["errors"][1]["error"]
    (tmp_path / "test" / "p").mkdir(parents=True)
    assert document("policy", "check", policy)[0] == 0, "its tests may give them"


def test_an_empty_sentinel_file_and_what_is_no_archive_are_not_good(tmp_path: Path) -> None:
    empty, archive = tmp_path / "empty.sentinel", tmp_path / "b.tar.gz"
    empty.write_text("// nothing yet\n")
    archive.write_text("hello")
    status, answer = document("policy", "check", empty)
    assert status == 2
    (found,) = answer["errors"]
    assert (found["line"], found["column"]) == (1, 1)
    assert found["error"].startswith("it is empty")
    status, answer = document("policy", "check", archive)
    assert status == 2
    assert "does not begin as a gzipped tar archive" in answer["errors"][0]["error"]


def test_check_of_test_cases(folder: Path) -> None:
    (folder / "q.sentinel").write_text("main = true\n")
    case = folder / "test" / "q" / "a.hcl"
    case.parent.mkdir(parents=True)
    case.write_text("test { rules = { main = true } }\n")
    assert call("policy", "check", case) == (0, "1 file of test cases is good.\n")
    (case.parent / "b.json").write_text('{"test": ')
    (folder / "p.yaml").write_text("cases:\n  - name: n\n    expect: good\n")
    status, answer = document("policy", "check", case.parent, folder / "p.yaml")
    assert (status, answer["policies"], answer["cases"]) == (2, 0, 3)
    found = [(Path(e["path"]).name, e["line"], e["column"]) for e in answer["errors"]]
    assert found == [("b.json", 1, 10), ("p.yaml", 3, 5)]
    assert document("policy", "test", folder / "p.yaml")[1]["errors"] == 1
    (folder / "none").mkdir()
    assert call("policy", "check", folder / "none") == (
        0,
        "There is no policy in these files and folders.\n",
    )


@pytest.mark.parametrize("around", ["", "id: p\n"], ids=["loose", "a pack"])
def test_check_finds_modules_that_import_one_another(tmp_path: Path, around: str) -> None:
    (tmp_path / "main.sentinel").write_text(
        'import "tfplan/v2" as p\nimport "a"\nmain = p.resources is a.x\n'
    )
    (tmp_path / "a.sentinel").write_text('import "b"\nx = b.x\n')
    (tmp_path / "b.sentinel").write_text('import "c"\nimport "d"\nx = c.x\n')
    (tmp_path / "c.sentinel").write_text('import "d"\nx = d.x\n')
    (tmp_path / "d.sentinel").write_text('import "strings"\nimport "b"\nx = b.x\n')
    if around:
        (tmp_path / "pack.yaml").write_text(around)
    status, answer = document("policy", "check", tmp_path)
    assert status == 2
    circle = [e for e in answer["errors"] if "circle" in e["error"]]
    assert [(Path(e["path"]).name, e["line"], e["column"], e["error"]) for e in circle] == [
        ("d.sentinel", 2, 1, "modules import one another in a circle: b -> c -> d -> b")
    ]
    (tmp_path / "d.sentinel").write_text("x = 1\n")
    answer = document("policy", "check", tmp_path)[1]
    assert not [e for e in answer["errors"] if "circle" in e["error"]], "two ways to one module are none"


@pytest.mark.parametrize("around", ["", "id: p\n"], ids=["loose", "a pack"])
def test_check_finds_what_is_no_regular_expression(tmp_path: Path, around: str) -> None:
    (tmp_path / "main.sentinel").write_text(
        'import "tfplan/v2" as p\nimport "names"\n'
        'main = rule { all p.planned_values.resources as _, r { r.type is "t" and r.name matches "[a-z]+" and\n  r.name not matches `(a)\\1` and "(" is not names.x } }\n'
    )
    (tmp_path / "names.sentinel").write_text('x = func(n) { return n matches "a(?=b)" or n matches "(" }\n')
    if around:
        (tmp_path / "pack.yaml").write_text(around)
    status, answer = document("policy", "check", tmp_path)
    assert status == 2
    found = {(Path(e["path"]).name, e["line"], e["column"], e["error"]) for e in answer["errors"]}
    assert found == {
        ("main.sentinel", 4, 22, "not a regular expression: invalid escape sequence: \\1"),
        ("names.sentinel", 1, 32, "not a regular expression: invalid perl operator: (?="),
        ("names.sentinel", 1, 54, "not a regular expression: missing ): ("),
    }
    assert len(answer["errors"]) == 3
    assert "lookarounds" in str(answer["errors"])


def test_list_and_show() -> None:
    status, rows = document("policy", "list")
    assert status == 0
    assert len(rows) > 40
    assert {"id", "title", "phase", "severity", "language", "pack", "types", "frameworks", "path"} <= rows[
        0
    ].keys()
    status, policy = document("policy", "show", "aws.s3_bucket_logging")
    assert (status, policy["severity"]) == (0, "medium")
    assert policy["reads"] == ["resource.aws_s3_bucket.main.bucket", "resource.aws_s3_bucket.main.logging"]


def test_an_unknown_policy_is_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "watchstander.yaml"
    file.write_text(f"policies: {{packs: [], paths: [{PACKS}/preparation/aws/s3_bucket_logging.rego]}}\n")
    assert call("policy", "show", "aws.s3_bucket_loging", "--config", file)[0] == 2
    assert "Did you mean aws.s3_bucket_logging?" in capsys.readouterr().err


def plan(path: Path, *values: dict[str, Any]) -> Path:
    resources = [
        {
            "address": f"aws_cloudtrail.t{i}",
            "mode": "managed",
            "type": "aws_cloudtrail",
            "name": f"t{i}",
            "values": v,
        }
        for i, v in enumerate(values)
    ]
    path.write_text(json.dumps({"planned_values": {"root_module": {"resources": resources}}}))
    return path


def test_check_of_a_plan_needs_no_cloud(tmp_path: Path) -> None:
    good = {
        "enable_logging": True,
        "enable_log_file_validation": True,
        "is_multi_region_trail": True,
        "kms_key_id": "k",
    }
    path = plan(tmp_path / "plan.json", good)
    assert document("check", path) == (0, [])
    status, rows = document("check", plan(path, {**good, "enable_logging": False}))
    assert status == 1
    assert [(r["policy"], r["resource"], r["outcome"]) for r in rows] == [
        ("aws.cloudtrail_logging", "aws_cloudtrail.t0", "fail")
    ]
    unread = {k: v for k, v in good.items() if k != "kms_key_id"}
    status, rows = document("check", plan(path, unread))
    assert (status, [r["outcome"] for r in rows]) == (3, ["unknown"])
    both = plan(path, unread, {**good, "enable_logging": False})
    assert document("check", both)[0] == 3
    assert len(document("check", both, "--all")[1]) == 8


def test_check_of_no_plan_is_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("[]")
    assert call("check", tmp_path / "x.json")[0] == 2
    assert "x.json" in capsys.readouterr().err


def test_list_and_show_tell_how_a_policy_is_judged(tmp_path: Path) -> None:
    file = tmp_path / "watchstander.yaml"
    aws = PACKS / "preparation" / "aws"
    file.write_text(
        "policies:\n"
        "  packs: []\n"
        f"  paths: [{aws}/access_analyzer_everywhere.rego, {aws}/iam_access_key_age.rego]\n"
        "  severities: {aws.iam_access_key_age: low}\n"
        "  enforcement: {aws.iam_access_key_age: advisory}\n"
        "  parameters: {aws.iam_access_key_age: {max_days: 30}}\n"
    )
    status, rows = document("policy", "list", "--config", file)
    assert status == 0
    by_id = {row["id"]: row for row in rows}
    joined = next(row for row in rows if row["scope"] == "account")
    assert joined["joins"]
    clocked = next(row for row in rows if row["reads_clock"])
    assert {row["engine"] for row in rows} == {"regorus"}
    assert {row["enforcement"] for row in rows} == {"soft-mandatory", "advisory"}
    assert by_id[clocked["id"]]["scope"] in {"resource", "account", "estate"}
    _, text = call("policy", "show", joined["id"], "--config", file)
    assert f"Scope:      {joined['scope']}" in text
    assert "Joins:" in text
    _, text = call("policy", "show", clocked["id"], "--config", file)
    assert "Time:       the clock; judged again every 1h" in text
    status, shown = document("policy", "show", "aws.iam_access_key_age", "--config", file)
    assert shown["overridden"] == {
        "severity": "low",
        "enforcement": "advisory",
        "parameters": {"max_days": 30},
    }
    assert (shown["severity"], shown["enforcement"], shown["parameters"]["max_days"]) == (
        "low",
        "advisory",
        30,
    )
    _, text = call("policy", "show", "aws.iam_access_key_age", "--config", file)
    assert "Configured: severity='low', enforcement='advisory', max_days=30" in text
