"""Policy sets in a bundle, packed and unpacked: they judge as in a folder, and their tests are run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from policies.engines import Engines
from policies.loader import load_paths
from policies.testing import run_tests

sys.path.insert(0, str(Path(__file__).parent))
from a_policy_set import NOW, OWNED, bucket, house, judged, packed, problems, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return house(tmp_path)


@pytest.mark.parametrize("archive", [True, False], ids=["packed", "unpacked"])
def test_a_bundle_with_sets_judges_as_the_folder_does(
    engine: Engines, folder: Path, *, archive: bool
) -> None:
    write(
        folder,
        "deeper/sentinel.hcl",
        'policy "p" { source = "../owned.sentinel" }\nimport "module" "plan" { source = "../modules/plan-functions.sentinel" }\nimport "static" "people" { source = "../people.json" }\nparam "owner_tag" { value = "Owner" }',
    )
    write(folder, "other/pack.yaml", "id: other\nparameters: {limit: 3}\n")
    write(
        folder,
        "other/p.rego",
        'package other.p\n\ndeny contains data.parameters.limit if input.asset.type == "t"\n',
    )
    as_folder = load_paths([folder], engine)
    write(folder, ".manifest", '{"roots": ["other"]}')
    policies = load_paths([packed(folder) if archive else folder], engine)
    assert [(p.id, p.enforcement, p.digest, p.parameters) for p in policies.policies] == [
        (p.id, p.enforcement, p.digest, p.parameters) for p in as_folder.policies
    ]
    assert {p.id for p in policies.policies} == {
        "house.private",
        "house.public",
        "house.owned",
        "deeper.p",
        "other.p",
    }
    subject = bucket(acl="private", tags={"Owner": "bob"})
    assert judged(policies, engine, subject) == judged(as_folder, engine, subject)


def test_sources_outside_a_bundle_are_not_there(engine: Engines, folder: Path) -> None:
    outside = folder.parent / "outside.sentinel"
    outside.write_text(OWNED)
    write(folder, ".manifest", "{}")
    for source in ("../outside.sentinel", str(outside)):
        write(folder, "sentinel.hcl", f'policy "p" {{ source = "{source}" }}')
        assert problems(engine, folder) == [f'sentinel.hcl:1:14: the source "{source}" does not exist']


@pytest.mark.parametrize("archive", [True, False], ids=["packed", "unpacked"])
def test_all_tests_in_a_bundle_are_run(engine: Engines, folder: Path, *, archive: bool) -> None:
    write(folder, ".manifest", "{}")
    write(folder, "data.json", '{"house": {"limit": 3}, "parameters": {"most": 5}}')
    write(folder, "rego/limit.rego", "package limit\n\nlimit := data.house.limit + data.parameters.most\n")
    write(
        folder,
        "tests/limit_test.rego",
        "package limit_test\n\ntest_limit if data.limit.limit == 8\n\ntest_other if data.limit.limit == 9\n",
    )
    write(
        folder,
        "private.yaml",
        "cases:\n  - {name: n, terraform: {attributes: {bucket: b, acl: private}}, expect: fail}\n",
    )
    write(
        folder,
        "test/owned/no.hcl",
        """\
mock "tfplan/v2" { data = { resource_changes = {} } }
import "module" "plan" { source = "../../modules/plan-functions.sentinel" }
import "static" "people" { source = "../../people.json" }
param "owner_tag" { value = "Owner" }
test { rules = { main = false } }
""",
    )
    write(folder, "test/owned/odd.json", '{"test": {"rules": {"main": tru}}}')
    root = packed(folder) if archive else folder
    report = run_tests([root], engine, now=NOW)
    found = {
        (c.path.removeprefix(f"{root}/"), c.case.removeprefix(f"{root}/"), c.status) for c in report.cases
    }
    assert found == {
        ("tests/limit_test.rego", "test_limit", "pass"),
        ("tests/limit_test.rego", "test_other", "fail"),
        ("private.yaml", "n", "fail"),
        ("owned.sentinel", "test/owned/no.hcl", "fail"),
        ("owned.sentinel", "test/owned/odd.json", "error"),
    }
    details = {c.case.removeprefix(f"{root}/"): c.detail for c in report.cases}
    assert details["n"] == f"{root}/private.yaml:2:6: expected fail, got pass"
    assert details["test/owned/odd.json"].startswith(f"{root}/test/owned/odd.json:1:29: is not JSON")
