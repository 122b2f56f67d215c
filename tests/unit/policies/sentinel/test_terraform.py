"""The Terraform imports from plans, states and live resources, read by policies as published ones are written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from beside import loaded
from hypothesis import given
from hypothesis import strategies as st

from policies.sentinel import LiveResource, TerraformFileError, estate_imports, read_terraform
from policies.sentinel.terraform import from_document, strip_index

A_PLAN = loaded(Path(__file__).with_name("a_plan.py"))
JSON, NOW, PLAN, judge = A_PLAN.JSON, A_PLAN.NOW, A_PLAN.PLAN, A_PLAN.judge


def test_a_plan_as_policies_read_it() -> None:
    source = """
import "tfplan/v2" as tfplan
import "tfconfig/v2" as tfconfig
import "tfstate/v2" as tfstate
import "tfrun"

buckets = filter tfplan.resource_changes as _, rc {
  rc.type is "aws_s3_bucket" and rc.mode is "managed" and
  (rc.change.actions contains "create" or rc.change.actions is ["update"])
}
one = rule { all buckets as _, b { b.change.after.bucket is "one" and b.change.after.tags is null } }
count = rule { length(buckets) is 1 }
nested = rule {
  tfplan.planned_values.resources["module.net.module.sub.aws_subnet.s"].module_address is "module.net.module.sub" and
  tfplan.planned_values.resources["module.net.aws_vpc.v"].module_address is "module.net" and
  tfplan.planned_values.resources["aws_s3_bucket.a[0]"].module_address is "" and
  tfplan.planned_values.resources["aws_s3_bucket.a[0]"].index is 0
}
unknown = rule { buckets["aws_s3_bucket.a[0]"].change.after_unknown.arn else false }
deposed = rule { tfplan.resource_changes["aws_instance.old:abcd1234"].deposed is "abcd1234" }
variables = rule { tfplan.variables.region.value is "eu-west-1" and tfplan.variables.region.name is "region" }
outputs = rule {
  tfplan.planned_values.outputs.url.sensitive and tfplan.output_changes.url.change.after is "https://x"
}
raw = rule { tfplan.raw.format_version is "1.2" and tfplan.terraform_version is "1.9.0" }
state = rule { tfstate.resources["aws_vpc.p"].type is "aws_vpc" and tfstate.terraform_version is "1.8.0" }
config = rule {
  tfconfig.resources["aws_s3_bucket.a"].config.bucket.constant_value is "one" and
  tfconfig.resources["aws_s3_bucket.a"].count.constant_value is 1 and
  tfconfig.resources["module.net.aws_vpc.v"].module_address is "module.net" and
  tfconfig.provisioners["aws_s3_bucket.a:0"].type is "local-exec" and
  tfconfig.providers.aws.version_constraint is "~> 5.0" and
  tfconfig.variables.region.default is "eu" and
  tfconfig.variables["module.net:cidr"].name is "cidr" and
  tfconfig.outputs["module.net.module.sub:id"].module_address is "module.net.module.sub" and
  tfconfig.outputs.url.value.references contains "aws_s3_bucket.a" and
  tfconfig.module_calls["module.net:sub"].source is "./sub" and
  tfconfig.strip_index("aws_s3_bucket.a[0]") in keys(tfconfig.resources)
}
run = rule { tfrun.is_destroy is false and tfrun.workspace.name is "" }
main = rule { one and count and nested and unknown and deposed and variables and outputs and raw and state and config and run }
"""
    result = judge(source, from_document(PLAN))
    assert result.error is None, str(result.error)
    assert result.result is True, (result.rules, result.cause)


def test_a_shown_state() -> None:
    document = {"terraform_version": "1.9.0", "values": PLAN["planned_values"]}
    data = from_document(document)
    assert set(data["tfstate/v2"]["resources"]) == set(data["tfplan/v2"]["planned_values"]["resources"])
    assert data["tfstate/v2"]["outputs"]["url"]["value"] == "https://x"
    change = data["tfplan/v2"]["resource_changes"]["aws_s3_bucket.a[0]"]["change"]
    assert change["actions"] == ["no-op"]
    assert change["before"] == change["after"]


def test_a_raw_state() -> None:
    document = {
        "version": 4,
        "terraform_version": "1.9.0",
        "outputs": {"o": {"value": 1, "type": "number"}},
        "resources": [
            {
                "module": "module.net",
                "mode": "managed",
                "type": "aws_subnet",
                "name": "s",
                "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                "instances": [
                    {"index_key": "a", "attributes": {"cidr": "10.0.0.0/8"}, "dependencies": ["aws_vpc.v"]},
                    {"index_key": 1, "status": "tainted", "attributes": {}},
                    {"deposed": "00ff", "attributes": {}},
                ],
            },
            {
                "mode": "data",
                "type": "aws_ami",
                "name": "x",
                "provider": "p",
                "instances": [{"attributes": {}}],
            },
        ],
    }
    found = from_document(document)["tfstate/v2"]["resources"]
    assert list(found) == [
        'module.net.aws_subnet.s["a"]',
        "module.net.aws_subnet.s[1]",
        "module.net.aws_subnet.s:00ff",
        "data.aws_ami.x",
    ]
    assert found['module.net.aws_subnet.s["a"]']["values"] == {"cidr": "10.0.0.0/8"}
    assert found['module.net.aws_subnet.s["a"]']["provider_name"] == "registry.terraform.io/hashicorp/aws"
    assert found["module.net.aws_subnet.s[1]"]["tainted"] is True
    assert found["data.aws_ami.x"]["mode"] == "data"


LIVE = [
    LiveResource(
        address="aws_s3_bucket.logs",
        type="aws_s3_bucket",
        name="logs",
        provider="registry.terraform.io/hashicorp/aws",
        attributes={"bucket": "logs", "acl": "private"},
    ),
    LiveResource(
        address="aws_s3_bucket.open",
        type="aws_s3_bucket",
        name="open",
        provider="registry.terraform.io/hashicorp/aws",
        attributes={"bucket": "open", "acl": "public-read"},
        unread={"logging": "AccessDenied"},
    ),
]


def test_a_policy_for_plans_judges_the_live_estate() -> None:
    source = """
import "tfplan/v2" as tfplan
import "tfstate/v2" as tfstate
import "tfconfig/v2" as tfconfig
buckets = filter tfplan.resource_changes as _, rc {
  rc.type is "aws_s3_bucket" and rc.mode is "managed" and rc.change.actions contains "create"
}
violations = rule { filter buckets as _, b { b.change.after.acl is "public-read" } }
same = rule { keys(tfstate.resources) is keys(buckets) and keys(tfconfig.resources) is keys(buckets) }
constant = rule { tfconfig.resources["aws_s3_bucket.logs"].config.acl.constant_value is "private" }
main = rule { violations is empty and same and constant }
"""
    result = judge(source, estate_imports(LIVE))
    assert result.result is False
    assert list(result.rules["violations"]) == ["aws_s3_bucket.open"]
    assert judge(source, estate_imports(LIVE[:1])).result is True


def test_what_was_not_read_is_unknown_not_absent() -> None:
    changes = estate_imports(LIVE)["tfplan/v2"]["resource_changes"]
    assert changes["aws_s3_bucket.open"]["change"]["after_unknown"] == {"logging": True}
    assert "logging" not in changes["aws_s3_bucket.open"]["change"]["after"]
    source = 'import "tfplan/v2" as t\nmain = rule { all t.resource_changes as _, r { r.change.after.logging is not null } }'
    assert judge(source, estate_imports(LIVE)).result is None


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "planned_values",
                "resource_changes",
                "values",
                "resources",
                "variables",
                "configuration",
                "prior_state",
            ]
        ),
        JSON,
        max_size=5,
    )
)
def test_any_document_is_imports_or_a_clear_error(document: dict[str, Any]) -> None:
    try:
        data = from_document(document)
    except ValueError as error:
        assert re.search("neither|is not an (object|array)", str(error))
    else:
        assert set(data) == {"tfplan/v2", "tfconfig/v2", "tfstate/v2", "tfrun"}


@pytest.mark.parametrize(
    ("what", "document"),
    [
        ("`resource_changes` is not an array", {"resource_changes": {"t.x": {"type": "t"}}}),
        ("one of its elements is not an object", {"resource_changes": ["t.x"]}),
        ("`planned_values` is not an object", {"planned_values": [{}]}),
        ("`resources` is not an array", {"values": {"root_module": {"resources": {"t.x": {}}}}}),
        ("`child_modules` is not an array", {"values": {"root_module": {"child_modules": {}}}}),
        ("`root_module` is not an object", {"values": {"root_module": "all"}}),
        (
            "`module` is not an object",
            {"values": {}, "planned_values": {}, "configuration": {"root_module": 3}},
        ),
        ("`instances` is not an array", {"resources": [{"type": "t", "instances": {}}]}),
    ],
)
def test_another_shape_is_refused_and_not_taken_for_nothing(
    tmp_path: Path, what: str, document: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=what):
        from_document(document)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document))
    source = 'import "tfplan/v2" as p\nimport "tfstate/v2" as s\nimport "tfconfig/v2" as c\nmain = rule { all p.resource_changes as _, r { r.type is not "t" } and all s.resources as _, r { false } and all c.resources as _, r { false } and all p.planned_values.resources as _, r { false } }'
    try:
        told = str(judge(source, read_terraform(path)).error)
    except TerraformFileError as error:
        told = str(error)
    assert what in told
    assert "plan.json" in told


def test_strip_index() -> None:
    assert strip_index('module.a["x"].b.c[0]') == "module.a.b.c"
    assert strip_index('a["]"].b') == "a.b"
    assert strip_index('a["\\"]"].b') == "a.b"
    assert strip_index("a.b") == "a.b"
