"""Sentinel policies in packs, judging live resources beside Rego ones: three values, and never a pass for what was not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import PolicySettings
from policies.engine import Evaluation, FailureKind, Limits, Module, Program
from policies.engines import Engines
from policies.errors import PolicyErrors
from policies.evaluate import Judge
from policies.files import DISK
from policies.loader import load_paths
from policies.pack import PolicySet
from policies.policy import Language
from policies.sentinel import compile_policy
from policies.sentinel.engine import SentinelEngine
from policies.sentinel.sources import Sources
from policies.subject import Subject
from policies.verdict import Outcome, Verdict
from providers.resource import Resource, ResourceRef
from providers.terraform import TerraformView

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BUCKETS = """
# METADATA
# title: Buckets are not public
# custom:
#   severity: high
import "tfplan/v2" as tfplan
import "helpers"
param allowed default ["private"]

buckets = filter tfplan.resource_changes as _, rc {
  rc.type is "aws_s3_bucket" and rc.mode is "managed" and rc.change.actions contains "create"
}
private = rule { all buckets as _, b { helpers.acl(b) in allowed } }
main = rule { private }
"""
REQUEST = """
import "tfplan/v2" as tfplan
main = rule { tfplan.variables.role.value is not "root" }
"""
REGO = """
package named

deny contains "no name" if input.resource.aws_s3_bucket.main.bucket == ""
"""


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    engines = Engines(Limits(seconds=5, workers=1))
    yield engines
    engines.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "buckets.sentinel").write_text(BUCKETS)
    (tmp_path / "helpers.sentinel").write_text("acl = func(b) { return b.change.after.acl }")
    (tmp_path / "request.sentinel").write_text(REQUEST)
    (tmp_path / "named.rego").write_text(REGO)
    (tmp_path / "test" / "buckets").mkdir(parents=True)
    (tmp_path / "test" / "buckets" / "mock.sentinel").write_text("main = not a policy")
    return tmp_path


def subject(attributes: Mapping[str, Any], unread: Mapping[str, str] | None = None) -> Subject:
    ref = ResourceRef(provider="aws", account="1", region="eu", type="aws.s3_bucket", uid="arn:b")
    return Subject(
        resource=Resource(ref=ref, name="b", document={}, tags={}, unread={}),
        view=TerraformView(type="aws_s3_bucket", attributes=attributes, unread=unread or {}),
    )


def judged(policies: PolicySet, engines: Engines, one: Subject) -> dict[str, Verdict]:
    with Judge(policies, engine=engines) as judge:
        return {verdict.policy_id: verdict for verdict in judge.judge([one], now=NOW)}


def test_a_folder_of_both_languages(folder: Path, engines: Engines) -> None:
    policies = load_paths([folder], engines)
    by_id = {policy.id: policy for policy in policies.policies}
    assert set(by_id) == {"sentinel.buckets", "sentinel.request", "named"}
    buckets = by_id["sentinel.buckets"]
    assert buckets.language is Language.SENTINEL
    assert buckets.title == "Buckets are not public"
    assert buckets.severity == "high"
    assert buckets.terraform_types == {"aws_s3_bucket"}
    assert not policies.compiled("sentinel.request").entrypoints, (
        "it decides requests, and judges no resource"
    )


def test_verdicts(folder: Path, engines: Engines) -> None:
    policies = load_paths([folder], engines)
    verdict = judged(policies, engines, subject({"bucket": "b", "acl": "private"}))
    assert {name: v.outcome for name, v in verdict.items()} == {
        "named": Outcome.PASS,
        "sentinel.buckets": Outcome.PASS,
    }
    verdict = judged(policies, engines, subject({"bucket": "", "acl": "public-read"}))
    assert verdict["named"].outcome is Outcome.FAIL
    assert verdict["sentinel.buckets"].outcome is Outcome.FAIL
    assert verdict["sentinel.buckets"].text == "main is false: private"


def test_what_is_undefined_or_unread_is_unknown(folder: Path, engines: Engines) -> None:
    policies = load_paths([folder], engines)
    verdict = judged(policies, engines, subject({"bucket": "b"}))["sentinel.buckets"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert 'helpers.sentinel:1:39: the map has no key "acl"' in verdict.text
    verdict = judged(policies, engines, subject({"acl": "private"}, {"logging": "denied"}))[
        "sentinel.buckets"
    ]
    assert verdict.outcome is Outcome.UNKNOWN
    assert "denied" in verdict.text


def test_parameters_come_from_the_settings(folder: Path, engines: Engines) -> None:
    settings = PolicySettings(packs=(), parameters={"sentinel.buckets": {"allowed": ["public-read"]}})
    policies = load_paths([folder], engines, settings)
    verdict = judged(policies, engines, subject({"bucket": "b", "acl": "public-read"}))["sentinel.buckets"]
    assert verdict.outcome is Outcome.PASS
    assert (
        policies.by_id("sentinel.buckets").digest
        != load_paths([folder], engines).by_id("sentinel.buckets").digest
    )


def test_a_changed_module_changes_the_digest(folder: Path, engines: Engines) -> None:
    before = load_paths([folder], engines).by_id("sentinel.buckets").digest
    (folder / "helpers.sentinel").write_text("acl = func(b) { return b.change.after.acl else 1 }")
    assert load_paths([folder], engines).by_id("sentinel.buckets").digest != before


def test_a_failing_evaluation_is_unknown(folder: Path, engines: Engines) -> None:
    (folder / "helpers.sentinel").write_text("acl = func(b) { return b.change.after.acl + 1 }")
    verdict = judged(load_paths([folder], engines), engines, subject({"acl": "private"}))["sentinel.buckets"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert "helpers.sentinel:1:43" in verdict.text


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("bad.sentinel", "main = (", "bad.sentinel:1:8"),
        (
            "bad.sentinel",
            'import "nowhere"\nmain = true',
            'bad.sentinel:1:1: the import "nowhere" is neither',
        ),
        ("bad.sentinel", 'import "http"\nmain = true', "is closed"),
        (
            "bad.sentinel",
            'import "tfplan/v2" as t\nmain = t.resource_changes is empty',
            "not clear which resources",
        ),
        ("bad.sentinel", "# METADATA\n# custom: [\nmain = true", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_said_at_load(
    folder: Path, engines: Engines, name: str, text: str, expected: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(PolicyErrors) as raised:
        load_paths([folder], engines)
    assert expected in str(raised.value)


def test_metadata_in_the_pack(folder: Path, engines: Engines) -> None:
    (folder / "all.sentinel").write_text('import "asset"\nmain = rule { asset.tags.owner is not "" }')
    (folder / "pack.yaml").write_text(
        "id: mine\ntitle: Mine\npolicies:\n  all:\n    id: owners\n    types: ['aws.*']\n    title: Everything has an owner\n"
    )
    policies = load_paths([folder], engines)
    verdict = judged(policies, engines, subject({"bucket": "b", "acl": "private"}))["owners"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert 'the map has no key "owner"' in verdict.text


def ask(source: str, document: bytes = b"{}", limits: Limits | None = None, query: bool = False) -> Any:
    engine = SentinelEngine(limits)
    checked = engine.check([Module(path=Path("p.sentinel"), text=source)]).raise_first()
    evaluation = Evaluation(
        program=Program.of(checked.modules),
        entrypoints=("data.sentinel.p.deny", "data.sentinel.p.unknown"),
        input=document,
        now=NOW,
        query=query,
    )
    (answer,) = engine.evaluate([evaluation])
    return answer


def test_what_a_failing_policy_says() -> None:
    assert ask('import "asset"\nmain = false').values == {"data.sentinel.p.deny": ["main is false"]}
    assert ask('import "asset"\nmain = [1, 2]').values == {
        "data.sentinel.p.deny": ["main holds 2 violations"]
    }
    assert ask('import "asset"\nprint("x", 1)\nmain = false').values == {"data.sentinel.p.deny": ["x 1"]}
    assert ask('import "asset"\nmain = []').values == {}


def test_what_it_sees() -> None:
    source = """
import "asset"
import "context"
import "inventory"
import "tfstate/v2" as tfstate
main = rule {
  asset.provider is "aws" and context.phase is "recovery" and inventory.none is not defined and
  tfstate.resources["aws_vpc.main"].values.cidr is "10.0.0.0/8" and
  tfstate.resources["aws_vpc.main"].provider_name is "registry.terraform.io/hashicorp/aws"
}
"""
    document = b'{"asset":{"provider":"aws"},"context":{"phase":"recovery"},"resource":{"aws_vpc":{"main":{"cidr":"10.0.0.0/8"}}}}'
    answer = ask(source, document)
    assert answer.failure is None, answer.failure
    assert answer.values == {}


def test_limits_and_queries() -> None:
    answer = ask('import "asset"\nmain = 1 / 0 is 0')
    assert answer.failure.kind is FailureKind.ERROR
    answer = ask('import "asset"\nmain = true', query=True)
    assert "no queries" in answer.failure.cause
    source = 'import "asset"\nfor range(900000) as a { for range(900000) as b { } }\nmain = true'
    answer = ask(source, limits=Limits(seconds=0.0))
    assert answer.failure.kind is FailureKind.TIME


def test_modules_beside_a_policy(folder: Path) -> None:
    (folder / "helpers.sentinel").write_text('import "deeper"\nimport "given"\nx = deeper.y')
    (folder / "deeper.sentinel").write_text('import "helpers"\ny = 1')
    (folder / "given.sentinel").write_text("z = 1")
    policy = compile_policy(BUCKETS, folder / "buckets.sentinel")
    found = Sources(DISK).beside(policy, {"given"})
    assert set(found) == {"helpers", "deeper"}


@pytest.mark.parametrize(
    ("body", "reads", "clock"),
    [
        ("main = asset.document.Logging is defined", {"asset.document.Logging"}, False),
        ('main = asset.document["Logging"].Enabled', {"asset.document.Logging.Enabled"}, False),
        ("d = asset.document\nmain = d.Logging", {"asset.document"}, False),
        ('k = "a"\nmain = asset.tags[k] is "x" and asset.name is "y"', {"asset.tags", "asset.name"}, False),
        ('main = asset.tags["a.b"] is "x"', {"asset.tags"}, False),
        ("main = context.exemption is null", {"context.exemption"}, False),
        ('main = context.now is "x"', {"context.now"}, True),
        ("main = all asset.document.Rules as r { r.Port is not 22 }", {"asset.document.Rules"}, False),
    ],
)
def test_what_a_policy_reads_of_our_own_imports(body: str, reads: set[str], clock: bool) -> None:
    source = f'import "asset"\nimport "context"\n{body}\n'
    checked = SentinelEngine().check([Module(path=Path("p.sentinel"), text=source)]).raise_first()
    (module,) = checked.modules
    assert module.reads == reads
    assert module.reads_clock is clock
