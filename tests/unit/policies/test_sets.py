"""A folder with sentinel.hcl in the daemon's eyes: its policies, what they are given, their levels, and every error at its place."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.engines import Engines
from policies.errors import PolicyErrors
from policies.evaluate import Judge
from policies.loader import load, load_paths
from policies.pack import PolicySet
from policies.policy import EnforcementLevel, Phase
from policies.subject import Subject
from policies.testing import run_tests
from policies.verdict import Outcome
from providers.resource import Resource, ResourceRef
from providers.terraform import TerraformView

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HCL = """\
import "module" "plan" { source = "modules/plan-functions.sentinel" }
import "static" "people" { source = "people.json" }
import "static" "others" { source = "others.json" }
param "owner_tag" { value = "Owner" }
policy "private" {
  source = "buckets.sentinel"
  enforcement_level = "soft-mandatory"
  params = { acls = ["private"] }
}
policy "public" {
  source = "buckets.sentinel"
  params = { acls = ["public-read"] }
}
policy "owned" {
  source = "./owned.sentinel"
  enforcement_level = "hard-mandatory"
}
"""
PLAN = """\
import "tfplan/v2" as tfplan
find = func(type) { return filter tfplan.resource_changes as _, rc { rc.type is type } }
"""
BUCKETS = """\
import "plan"
param acls
bad = filter plan.find("aws_s3_bucket") as _, b { b.change.after.acl not in acls }
for bad as _, b { print(b.change.after.bucket, "is", b.change.after.acl) }
main = rule { length(bad) is 0 }
"""
OWNED = """\
import "plan"
import "people/staff" as staff
param owner_tag
main = rule { all plan.find("aws_s3_bucket") as _, b { (b.change.after.tags[owner_tag] else "") in staff.owners } }
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engines]:
    engine = Engines()
    yield engine
    engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "house"
    (root / "modules").mkdir(parents=True)
    write(root, "sentinel.hcl", HCL)
    write(root, "modules/plan-functions.sentinel", PLAN)
    write(root, "buckets.sentinel", BUCKETS)
    write(root, "owned.sentinel", OWNED)
    write(root, "people.json", '{"staff": {"owners": ["ann"]}}')
    write(root, "others.json", '{"x": 1}')
    write(root, "draft.sentinel", "main = rule { this is not a policy")
    return root


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def bucket(**attributes: object) -> Subject:
    ref = ResourceRef(provider="aws", account="1", region="eu-west-1", type="aws.s3_bucket", uid="arn:b")
    return Subject(
        resource=Resource(ref=ref, name="b", document={}),
        view=TerraformView(
            type="aws_s3_bucket", attributes={"bucket": "b", "tags": {}, **attributes}, unread={}
        ),
    )


def judged(policies: PolicySet, engine: Engines, subject: Subject) -> dict[str, Outcome]:
    with Judge(policies, engine=engine) as judge:
        return {v.policy_id: v.outcome for v in judge.judge([subject], now=NOW)}


def packed(root: Path) -> Path:
    """The folder as a bundle, in another folder."""
    bundle = root.parent / "packed" / f"{root.name}.tar.gz"
    bundle.parent.mkdir(exist_ok=True)
    with tarfile.open(bundle, "w:gz") as tar:
        tar.add(root, arcname="/")
    return bundle


def problems(engine: Engines, root: Path, settings: PolicySettings | None = None) -> list[str]:
    """What is wrong with a set, which is the same in a folder and in a bundle."""

    def told(path: Path) -> list[str]:
        with pytest.raises(PolicyErrors) as caught:
            load_paths([path], engine, settings)
        return [
            str(error).replace(f"{path}/", "").replace(str(path), "house") for error in caught.value.errors
        ]

    found = told(root)
    assert told(packed(root)) == found
    return found


def test_the_set_says_which_policies_there_are(engine: Engines, folder: Path) -> None:
    policies = load_paths([folder], engine)
    levels = {p.id: p.enforcement for p in policies.policies}
    assert levels == {
        "house.private": EnforcementLevel.SOFT_MANDATORY,
        "house.public": EnforcementLevel.ADVISORY,
        "house.owned": EnforcementLevel.HARD_MANDATORY,
    }
    assert policies.by_id("house.private").terraform_types == {"aws_s3_bucket"}
    assert policies.by_id("house.private").title == "Private"
    assert policies.by_id("house.private").pack == "house"
    assert [p.id for p in load_paths([folder / "sentinel.hcl"], engine).policies] == sorted(levels)


def test_modules_static_data_and_parameters_are_those_of_the_set(engine: Engines, folder: Path) -> None:
    policies = load_paths([folder], engine)
    mine = judged(policies, engine, bucket(acl="private", tags={"Owner": "ann"}))
    assert mine == {"house.private": Outcome.PASS, "house.public": Outcome.FAIL, "house.owned": Outcome.PASS}
    other = judged(policies, engine, bucket(acl="public-read", tags={"Owner": "bob"}))
    assert other == {"house.private": Outcome.FAIL, "house.public": Outcome.PASS, "house.owned": Outcome.FAIL}


def test_what_is_unread_is_unknown_here_too(engine: Engines, folder: Path) -> None:
    subject = bucket()
    view = TerraformView(type="aws_s3_bucket", attributes={"bucket": "b"}, unread={"acl": "AccessDenied"})
    found = judged(load_paths([folder], engine), engine, Subject(resource=subject.resource, view=view))
    assert set(found.values()) == {Outcome.UNKNOWN}


def test_a_digest_covers_what_a_policy_is_given_and_nothing_else(engine: Engines, folder: Path) -> None:
    def digests() -> dict[str, bytes]:
        return {p.id: p.digest for p in load_paths([folder], engine).policies}

    before = digests()
    write(folder, "others.json", '{"x": 2}')
    assert digests() == before, "nobody imports it"
    write(folder, "people.json", '{"staff": {"owners": ["bob"]}}')
    changed = digests()
    assert {i for i in before if before[i] != changed[i]} == {"house.owned"}
    write(folder, "modules/plan-functions.sentinel", PLAN + "\n# another\n")
    assert not set(digests().values()) & set(changed.values())
    here = digests()
    (folder.parent / "deeper").mkdir()
    folder = folder.rename(folder.parent / "deeper" / "house")
    assert digests() == here, "where the folder lies does not matter"


def test_the_configuration_has_the_last_word(engine: Engines, folder: Path) -> None:
    settings = PolicySettings(
        packs=(),
        paths=(folder,),
        severities={"house.owned": "critical"},
        enforcement={"house.owned": "advisory"},
        parameters={"house.private": {"acls": ["log-delivery-write"]}},
        disabled=("house.pub*",),
    )
    policies = load(settings, engine)
    assert [p.id for p in policies.policies] == ["house.owned", "house.private"]
    owned = policies.by_id("house.owned")
    assert (owned.severity.value, owned.enforcement) == ("critical", EnforcementLevel.ADVISORY)
    assert judged(policies, engine, bucket(acl="private"))["house.private"] is Outcome.FAIL
    wrong = problems(engine, folder, PolicySettings(packs=(), enforcement={"house.ownd": "advisory"}))
    assert wrong == ["policies.enforcement: no policy is called `house.ownd` Did you mean `house.owned`?"]


def test_a_pack_around_the_set_says_the_rest(engine: Engines, folder: Path) -> None:
    write(
        folder,
        "pack.yaml",
        "id: ours\nphase: recovery\npolicies:\n  owned:\n    title: Somebody owns it\n    severity: high\n  private: {}\n",
    )
    policies = load_paths([folder], engine)
    assert [p.id for p in policies.policies] == ["ours.owned", "ours.private", "ours.public"]
    owned = policies.by_id("ours.owned")
    assert (owned.title, owned.severity.value, owned.phase) == ("Somebody owns it", "high", Phase.RECOVERY)
    write(folder, "pack.yaml", "policies:\n  nobody: {}\n")
    assert any("there is no nobody" in problem for problem in problems(engine, folder))


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


def test_mocks_of_other_imports_and_globals_are_given(engine: Engines, folder: Path) -> None:
    write(
        folder,
        "sentinel.hcl",
        """\
import "module" "plan" { source = "modules/plan-functions.sentinel" }
mock "http" { module { source = "calm.sentinel" } }
mock "rates" { data = { limit = 2 } }
global "word" { value = "private" }
import "plugin" "time" { config = { timezone = "Asia/Tokyo" } }
policy "mocked" { source = "mocked.sentinel" enforcement_level = "advisory" }
""".replace('"mocked.sentinel" enforcement', '"mocked.sentinel"\n enforcement'),
    )
    write(folder, "calm.sentinel", 'get = func(url) { return {"status_code": 200} }\n')
    write(
        folder,
        "mocked.sentinel",
        """\
import "plan"
import "http"
import "rates"
import "time"
main = rule {
  http.get("x").status_code is 200 and rates.limit is 2 and time.now.hour is 9 and
  all plan.find("aws_s3_bucket") as _, b { b.change.after.acl is word }
}
""",
    )
    policies = load_paths([folder], engine)
    assert policies.by_id("house.mocked").reads_clock
    assert judged(policies, engine, bucket(acl="private")) == {"house.mocked": Outcome.PASS}
    assert judged(policies, engine, bucket(acl="other")) == {"house.mocked": Outcome.FAIL}


def test_yaml_cases_belong_to_each_policy_of_the_set(engine: Engines, folder: Path) -> None:
    case = "cases:\n  - {name: n, terraform: {attributes: {bucket: b, acl: private}}, expect: %s}\n"
    write(folder, "private.yaml", case % "pass")
    write(folder, "public.yaml", case % "fail")
    report = run_tests([folder], engine, now=NOW)
    assert report.sentence == "2 passed, 0 failed"
    write(folder, "public.yaml", case % "pass")
    (wrong,) = (c for c in run_tests([folder], engine, now=NOW).cases if c.status != "pass")
    assert wrong.detail == f"{folder / 'public.yaml'}:2:6: expected pass, got fail (b is private)"


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
