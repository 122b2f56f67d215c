"""A folder with sentinel.hcl in the daemon's eyes: its policies, what they are given, and their levels."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.engines import Engines
from policies.loader import load, load_paths
from policies.policy import EnforcementLevel, Phase
from policies.subject import Subject
from policies.testing import run_tests
from policies.verdict import Outcome
from providers.terraform import TerraformView

sys.path.insert(0, str(Path(__file__).parent))
from a_policy_set import NOW, PLAN, bucket, house, judged, problems, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return house(tmp_path)


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
