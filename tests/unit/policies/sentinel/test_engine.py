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
from providers.terraform import ABSENT_BLOCK, TerraformView

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
    assert verdict.text == "the Terraform view of aws_s3_bucket has no attribute `acl`"
    unread = subject({"logging": []}, {"acl": "denied"})
    verdict = judged(policies, engines, unread)["sentinel.buckets"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.text == "`acl` was not read: denied"
    # It asks nothing about logging, so it may be decided.
    unread = subject({"acl": "private"}, {"logging": "denied"})
    assert judged(policies, engines, unread)["sentinel.buckets"].outcome is Outcome.PASS


@pytest.mark.parametrize(
    "asking",
    [
        'b.change.after.acl else "private" is "private"',
        "b.change.after.acl is not defined",
        'b.change.after not contains "acl"',
        'b.change.after["acl"] else true',
        'maps.get(b.change, "after.acl", true)',
        'not maps.has(b, "change.after.acl")',
        'all b.change.after as name, _ { name is not "acl" }',
        "length(b.change.after) is 1",
        "length(keys(b.change.after)) is 1",
        'length(filter b.change.after as _, v { v is "b" }) is 1',
        'json.marshal(b.change.after) is "{\\"bucket\\":\\"b\\"}"',
        'b.change.after is {"bucket": "b"}',
        'maps.set(b.change.after, "x", 1).acl else true',
        "b.change.after_unknown.acl",
        "length(b.change.after_unknown) is 1",
        'tfstate.resources["aws_s3_bucket.main"].values.acl else true',
        'tfplan.planned_values.resources["aws_s3_bucket.main"].values.acl else true',
        'tfconfig.resources["aws_s3_bucket.main"].config.acl.constant_value else true',
    ],
)
def test_no_way_of_asking_takes_the_unread_for_absent(tmp_path: Path, engines: Engines, asking: str) -> None:
    source = f"""
import "json"
import "collection/maps" as maps
import "tfplan/v2" as tfplan
import "tfstate/v2" as tfstate
import "tfconfig/v2" as tfconfig
main = rule {{ all tfplan.resource_changes as _, b {{ b.type is "aws_s3_bucket" and ({asking}) }} }}
"""
    (tmp_path / "asks.sentinel").write_text(source)
    policies = load_paths([tmp_path], engines)
    verdict = judged(policies, engines, subject({"bucket": "b"}, {"acl": "denied"}))["sentinel.asks"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.text == "`acl` was not read: denied"


def test_showing_a_resource_asks_for_nothing(tmp_path: Path, engines: Engines) -> None:
    (tmp_path / "shows.sentinel").write_text("""
import "tfplan/v2" as tfplan
buckets = rule { filter tfplan.resource_changes as _, b { b.type is "aws_s3_bucket" } }
print(buckets)
main = rule { all buckets as _, b { b.change.after.bucket is "a" } }
""")
    policies = load_paths([tmp_path], engines)
    verdict = judged(policies, engines, subject({"bucket": "b"}, {"acl": "denied"}))["sentinel.shows"]
    assert verdict.outcome is Outcome.FAIL
    assert '"bucket": "b"' in verdict.text


def test_a_block_that_is_missing_as_wished_is_absent(tmp_path: Path, engines: Engines) -> None:
    (tmp_path / "pack.yaml").write_text("id: p\nabsent_block: missing\n")
    (tmp_path / "logs.sentinel").write_text("""
import "tfplan/v2" as tfplan
main = rule { all tfplan.resource_changes as _, b { b.type is "aws_s3_bucket" and b.change.after.logging is defined } }
""")
    policies = load_paths([tmp_path], engines)
    verdict = judged(policies, engines, subject({"bucket": "b", "logging": ABSENT_BLOCK}))["sentinel.logs"]
    assert verdict.outcome is Outcome.FAIL


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
