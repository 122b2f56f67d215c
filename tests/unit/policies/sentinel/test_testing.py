"""Sentinel's own test layout, HCL and JSON, new and old."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies.errors import PackError
from policies.sentinel import run_tests

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
POLICY = """
import "tfplan/v2" as tfplan
import "helpers"
param limit default 2

violations = rule {
  filter tfplan.resources as _, r { helpers.size(r) > limit }
}
main = rule { violations is empty and region is "eu" }
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "sizes.sentinel").write_text(POLICY)
    (tmp_path / "helpers.sentinel").write_text("size = func(r) { return r.size }")
    cases = tmp_path / "test" / "sizes"
    (cases / "mocks").mkdir(parents=True)
    (cases / "mocks" / "plan.sentinel").write_text('resources = {"a": {"size": 1}}')
    common = (
        'import "module" "helpers" { source = "../../helpers.sentinel" }\nglobal "region" { value = "eu" }\n'
    )
    (cases / "pass.hcl").write_text(
        common + 'mock "tfplan/v2" {\n module { source = "mocks/plan.sentinel" }\n}'
    )
    (cases / "fail.hcl").write_text(
        common + 'mock "tfplan/v2" { data = { resources = { a = { size = 3 } } } }\n'
        "test { rules = {\n main = false\n violations = { a = { size = 3 } }\n} }"
    )
    (cases / "param.hcl").write_text(
        common
        + 'param "limit" { value = 5 }\nmock "tfplan/v2" { data = { resources = { a = { size = 3 } } } }'
    )
    (cases / "legacy.json").write_text(
        json.dumps(
            {
                "mock": {"tfplan/v2": {"resources": {"a": {"size": 3}}}},
                "modules": {"helpers": {"path": "../../helpers.sentinel"}},
                "global": {"region": "eu"},
                "param": {"limit": 3},
                "test": {"main": True, "violations": {}},
            }
        )
    )
    (cases / "legacy-file.json").write_text(
        json.dumps(
            {
                "mock": {"tfplan/v2": "mocks/plan.sentinel"},
                "modules": {"helpers": {"path": "../../helpers.sentinel"}},
                "global": {"region": "us"},
                "test": {"main": False},
            }
        )
    )
    (cases / "modern.json").write_text(
        json.dumps(
            {
                "mock": {"tfplan/v2": {"data": {"resources": {}}}},
                "import": {"module": {"helpers": {"source": "../../helpers.sentinel"}}},
                "global": {"region": {"value": "eu"}},
                "test": {"rules": {"main": True}},
            }
        )
    )
    (cases / "README.md").write_text("not a case")
    return tmp_path


def statuses(*paths: Path) -> dict[str, str]:
    return {result.case.name: result.status for result in run_tests(paths, now=NOW)}


ALL = {"pass.hcl", "fail.hcl", "param.hcl", "legacy.json", "legacy-file.json", "modern.json"}


def test_every_form_of_a_case_passes(directory: Path) -> None:
    assert statuses(directory) == dict.fromkeys(ALL, "pass")


def test_cases_are_found_from_any_path(directory: Path) -> None:
    assert set(statuses(directory / "sizes.sentinel")) == ALL
    assert set(statuses(directory / "test" / "sizes")) == ALL
    assert set(statuses(directory / "test" / "sizes" / "pass.hcl")) == {"pass.hcl"}
    assert len(run_tests([directory, directory / "sizes.sentinel"], now=NOW)) == len(ALL), "each runs once"
    assert statuses(directory / "helpers.sentinel") == {}


def test_a_failing_case_says_what_was_expected(directory: Path) -> None:
    case = directory / "test" / "sizes" / "pass.hcl"
    case.write_text(case.read_text() + "\ntest { rules = {\n main = false\n violations = []\n} }")
    (result,) = run_tests([case], now=NOW)
    assert result.status == "fail"
    assert result.detail == "main: expected false, got true; violations: expected [], got {}"
    assert result.to_json() == {
        "path": str(directory / "sizes.sentinel"),
        "case": str(case),
        "status": "fail",
        "detail": result.detail,
    }


def test_undefined_is_not_false(directory: Path) -> None:
    case = directory / "test" / "sizes" / "fail.hcl"
    case.write_text(case.read_text().replace("size = 3", "other = 3", 1))
    (result,) = run_tests([case], now=NOW)
    assert result.status == "fail"
    assert "main: expected false, got undefined (helpers.sentinel" not in result.detail
    assert 'helpers.sentinel:1:27: the map has no key "size")' in result.detail


def test_true_is_not_one(directory: Path) -> None:
    (directory / "one.sentinel").write_text("main = 0\nv = 1\nf = 1.0")
    (directory / "test" / "one").mkdir()
    (directory / "test" / "one" / "a.hcl").write_text("test { rules = { v = true } }")
    (directory / "test" / "one" / "b.hcl").write_text("test { rules = { v = 1, f = 1 } }")
    assert statuses(directory / "one.sentinel") == {"a.hcl": "fail", "b.hcl": "pass"}


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("bad.hcl", 'mock "x" {', "bad.hcl"),
        (
            "bad.hcl",
            'mock "x" {\n module { source = "none.sentinel" }\n}',
            'bad.hcl:2:11: the source "none.sentinel"',
        ),
        ("bad.json", "{", "bad.json:1:2: is not JSON"),
        ("bad.json", '{"mock": 5, "test": {"main": true}}', 'bad.json:1:8: "mock" must be an object'),
        ("bad.json", '{"modules": {\n "m": {}}}', 'bad.json:2:5: the module "m" needs a "path"'),
        ("bad.json", '{"param": {"n": 1}, "tset": {}}', 'bad.json:1:27: unknown key "tset"'),
        (
            "bad.json",
            '{"param": {"n": 1},\n "mock": {"x": "no.sentinel"}}',
            'bad.json:2:14: the source "no.sentinel"',
        ),
        ("bad.hcl", "", 'sizes.sentinel:2:1: the import "tfplan/v2" is not given'),
        (
            "bad.hcl",
            'param "none" { value = 1 }\nmock "tfplan/v2" { data = {} }\nmock "helpers" { data = {} }',
            "no parameter",
        ),
    ],
)
def test_a_case_that_cannot_run_is_an_error_of_its_own(
    directory: Path, file: str, text: str, expected: str
) -> None:
    (directory / "test" / "sizes" / file).write_text(text)
    results = {result.case.name: result for result in run_tests([directory], now=NOW)}
    assert results[file].status == "error"
    assert expected in results[file].detail
    assert {name: r.status for name, r in results.items() if name != file} == dict.fromkeys(ALL, "pass")


def test_prints_are_shown_where_a_case_does_not_pass(directory: Path) -> None:
    (directory / "p.sentinel").write_text('print("seen", 1)\nmain = false')
    (directory / "test" / "p").mkdir()
    (directory / "test" / "p" / "a.hcl").write_text("")
    (result,) = run_tests([directory / "p.sentinel"], now=NOW)
    assert result.detail == "main: expected true, got false\n  seen 1"


def test_standard_imports_can_be_mocked(directory: Path) -> None:
    (directory / "t.sentinel").write_text('import "time"\nmain = rule { time.now.hour < 12 }')
    (directory / "test" / "t").mkdir()
    (directory / "test" / "t" / "late.hcl").write_text(
        'mock "time" { data = { now = { hour = 15 } } }\ntest { rules = { main = false } }'
    )
    assert statuses(directory / "t.sentinel") == {"late.hcl": "pass"}


def test_paths_that_are_no_tests(directory: Path) -> None:
    for path in (directory / "none", directory / "test" / "sizes" / "README.md"):
        with pytest.raises(PackError, match="is neither"):
            run_tests([path], now=NOW)
    (directory / "test" / "gone").mkdir()
    with pytest.raises(PackError, match="a policy that is not there"):
        run_tests([directory / "test" / "gone"], now=NOW)
