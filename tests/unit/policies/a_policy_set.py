"""A policy set of two policies over buckets and one over their owners, and what the tests of sets do with one."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.engines import Engines
from policies.errors import PolicyErrors
from policies.evaluate import Judge
from policies.loader import load_paths
from policies.pack import PolicySet
from policies.subject import Subject
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


def house(tmp_path: Path) -> Path:
    """The set, in a folder of that name."""
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
