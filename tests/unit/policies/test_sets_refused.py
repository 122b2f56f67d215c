"""What cannot be in a policy set: every error at its place, in a folder as in a bundle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from policies.engines import Engines

sys.path.insert(0, str(Path(__file__).parent))
from a_policy_set import house, problems, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return house(tmp_path)


def test_what_cannot_be_in_a_set_is_told_all_at_once(engine: Engines, folder: Path) -> None:
    write(
        folder,
        "sentinel.hcl",
        """\
policy "a" { source = "missing.sentinel" }
policy "b" {
  source = "owned.sentinel"
  enforcement_level = "sometimes"
}
policy "c" {
  source = "buckets.sentinel"
  params = { colour = "red" }
}
mock "tfplan/v2" { data = { resource_changes = {} } }
mock "time" { data = { now = 1 } }
import "static" "people" { source = "buckets.sentinel" }
import "module" "far" { source = "git::https://example.com/x.git" }
policy "d" { source = "draft.sentinel" }
policy "e" { source = "modules/plan-functions.sentinel" }
test { rules = { main = true } }
nonsense "x" {}
""",
    )
    found = problems(engine, folder)
    for said in (
        'sentinel.hcl:1:14: the source "missing.sentinel" does not exist',
        'sentinel.hcl:4:3: "sometimes" is no enforcement level; there are advisory, soft-mandatory, hard-mandatory',
        'sentinel.hcl:10:1: the mock "tfplan/v2" stands for what is judged',
        'sentinel.hcl:11:1: the mock "time" stands for what is judged',
        "buckets.sentinel:1:1: is not JSON",
        'sentinel.hcl:13:25: the source "git::https://example.com/x.git" is remote',
        'draft.sentinel:1:13: "{" is never closed',
        'sentinel.hcl:15:1: the policy "e" has no main',
        "sentinel.hcl:16:1: a policy set has no test block",
        'sentinel.hcl:17:1: unknown block "nonsense"; known here: global, import',
        'buckets.sentinel:1:1: the import "plan" is neither a standard import nor given by the policy set',
        'sentinel.hcl:6:1: the policy "c" has no parameter "colour"; it has acls',
        'sentinel.hcl:6:1: the policy "c" needs the parameter "acls", which has no default',
    ):
        assert any(problem.startswith(said) for problem in found), (said, found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "house: the policy set names no policy"),
        ('policy "x" {\n source =\n}', "sentinel.hcl:"),
        (
            'policy "x" { source = "owned.sentinel" }\npolicy "x" { source = "owned.sentinel" }',
            "was declared before",
        ),
        (
            'import "plugin" "tfplan/v2" { config = { plan_path = "people.json" } }',
            "stands for what is judged",
        ),
        (
            'policy "x" {\n source = "big.sentinel"\n params = { n = 99999999999999999999 }\n}',
            "more than 64 bits",
        ),
    ],
)
def test_one_wrong_thing(engine: Engines, folder: Path, text: str, said: str) -> None:
    write(folder, "sentinel.hcl", text)
    write(folder, "big.sentinel", 'import "asset"\nparam n\nmain = rule { asset.name is not "x" }\n')
    write(folder, "pack.yaml", "policies:\n  x: {types: [aws.s3_bucket]}\n")
    assert any(said in problem for problem in problems(engine, folder))
