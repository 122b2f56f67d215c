"""The Terraform imports from plans, states and live resources, read by policies as published ones are written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.sentinel import (
    Budget,
    LiveResource,
    Options,
    SentinelResult,
    TerraformFileError,
    compile_policy,
    deferred,
    estate_imports,
    read_terraform,
    terraform_file,
)
from policies.sentinel.terraform import from_document, strip_index

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "format_version": "1.2",
    "terraform_version": "1.9.0",
    "variables": {"region": {"value": "eu-west-1"}, "empty": {}},
    "planned_values": {
        "outputs": {"url": {"sensitive": True, "value": "https://x"}},
        "root_module": {
            "resources": [
                {
                    "address": "aws_s3_bucket.a[0]",
                    "mode": "managed",
                    "type": "aws_s3_bucket",
                    "name": "a",
                    "index": 0,
                    "provider_name": "registry.terraform.io/hashicorp/aws",
                    "values": {"bucket": "one", "tags": None},
                }
            ],
            "child_modules": [
                {
                    "address": "module.net",
                    "resources": [
                        {"address": "module.net.aws_vpc.v", "type": "aws_vpc", "name": "v", "values": {}}
                    ],
                    "child_modules": [
                        {
                            "address": "module.net.module.sub",
                            "resources": [
                                {
                                    "address": "module.net.module.sub.aws_subnet.s",
                                    "type": "aws_subnet",
                                    "name": "s",
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    },
    "resource_changes": [
        {
            "address": "aws_s3_bucket.a[0]",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "name": "a",
            "index": 0,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {
                "actions": ["create"],
                "before": None,
                "after": {"bucket": "one", "tags": None},
                "after_unknown": {"arn": True},
            },
        },
        {
            "address": "aws_instance.old",
            "type": "aws_instance",
            "name": "old",
            "deposed": "abcd1234",
            "change": {"actions": ["delete"], "before": {}, "after": None},
        },
    ],
    "output_changes": {"url": {"actions": ["create"], "before": None, "after": "https://x"}},
    "prior_state": {
        "terraform_version": "1.8.0",
        "values": {"root_module": {"resources": [{"address": "aws_vpc.p", "type": "aws_vpc", "name": "p"}]}},
    },
    "configuration": {
        "provider_config": {
            "aws": {
                "name": "aws",
                "full_name": "registry.terraform.io/hashicorp/aws",
                "version_constraint": "~> 5.0",
            }
        },
        "root_module": {
            "resources": [
                {
                    "address": "aws_s3_bucket.a",
                    "mode": "managed",
                    "type": "aws_s3_bucket",
                    "name": "a",
                    "provider_config_key": "aws",
                    "expressions": {"bucket": {"constant_value": "one"}},
                    "count_expression": {"constant_value": 1},
                    "provisioners": [
                        {"type": "local-exec", "expressions": {"command": {"constant_value": "ls"}}}
                    ],
                }
            ],
            "variables": {"region": {"default": "eu", "description": "where"}},
            "outputs": {"url": {"expression": {"references": ["aws_s3_bucket.a"]}, "sensitive": True}},
            "module_calls": {
                "net": {
                    "source": "./net",
                    "module": {
                        "resources": [{"address": "aws_vpc.v", "type": "aws_vpc", "name": "v"}],
                        "variables": {"cidr": {}},
                        "module_calls": {"sub": {"source": "./sub", "module": {"outputs": {"id": {}}}}},
                    },
                }
            },
        },
    },
}


def judge(source: str, data: Mapping[str, Any]) -> SentinelResult:
    return compile_policy(source, Path("p.sentinel")).evaluate(data, now=NOW, options=Options(guard=False))


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


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    assert set(read_terraform(path)) == {"tfplan/v2", "tfconfig/v2", "tfstate/v2", "tfrun"}
    for text, expected in [
        ("{\n", "plan.json:2:1: not JSON: the file ends in the middle of a value"),
        ("{} {}", "plan.json:1:4: more after the end"),
        ("[]", "holds no object"),
        ("{}", "is neither a Terraform plan nor a state"),
        ("[" * 100_000, "holds no object"),
        ('{"a":' * 100_000, "plan.json:1:6: the JSON nests too deeply"),
    ]:
        path.write_text(text)
        with pytest.raises(TerraformFileError) as raised:
            read_terraform(path)
        assert expected in str(raised.value)
        assert raised.value.exit_status == 2
    with pytest.raises(TerraformFileError, match="No such file"):
        read_terraform(tmp_path / "none.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "managed"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "root_module",
                    "resources",
                    "child_modules",
                    "address",
                    "values",
                    "change",
                    "instances",
                    "outputs",
                    "module",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def everything(data: Mapping[str, Any]) -> list[Any]:
    """What a policy finds in all members of the imports, in order."""
    found = []
    for name in ("tfplan/v2", "tfstate/v2", "tfconfig/v2"):
        for member in data[name]:
            source = f'import "{name}" as t\nmain = t.{member}'
            result = compile_policy(source, Path("p.sentinel")).evaluate(data, now=NOW)
            assert result.error is None, result.error
            found.append((name, member, json.dumps(result.value)))
    return found


def test_a_file_gives_what_its_document_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred, "WORTH", 1)
    path = tmp_path / "plan.json"
    for document in (PLAN, {"values": PLAN["planned_values"], "terraform_version": "1"}):
        path.write_text(json.dumps(document))
        assert everything(read_terraform(path)) == everything(from_document(document))
        path.write_bytes(gzip.compress(json.dumps(document).encode("utf-16")))
        assert everything(read_terraform(path)) == everything(from_document(document))


SOURCES = [
    'import "tfplan/v2" as t\nmain = rule { all t.resource_changes as _, r { r.change.after.a is 1 else false } }',
    'import "tfplan/v2" as t\nmain = length(filter t.planned_values.resources as _, r { "a" in r.values })',
    'import "tfstate/v2" as t\nmain = rule { all t.resources as _, r { r.values is {} or r.values.a is defined } }',
    'import "tfplan/v2" as t\nmain = rule { t.resource_changes is t.resource_drift }',
    """
import "tfplan/v2" as t
made = {}
for t.resource_changes as key, change {
  after = change.change.after
  after["b"] = key
  delete(after, "a")
  made[key] = after
}
print(made)
main = made
""",
]


@given(data=st.data())
def test_verdicts_over_a_file_are_those_over_its_document(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = st.none() | st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
    named = {"address": st.sampled_from(["t.x", "t.y", "t.z"]), "type": st.just("t")}
    entry = st.fixed_dictionaries(named, optional={"values": values})
    change = st.fixed_dictionaries(
        {**named, "change": st.fixed_dictionaries({"after": values}, optional={"before": values})}
    )
    module = st.recursive(
        st.fixed_dictionaries({"resources": st.lists(entry, max_size=2)}),
        lambda inner: st.fixed_dictionaries(
            {"child_modules": st.lists(inner, max_size=2)},
            optional={"resources": st.lists(entry, max_size=2)},
        ),
        max_leaves=4,
    ).map(lambda root: {"root_module": root})
    document = data.draw(
        st.fixed_dictionaries(
            {"planned_values": module, "resource_changes": st.lists(change, max_size=3)},
            optional={
                "prior_state": st.fixed_dictionaries({"values": module}),
                "resource_drift": st.lists(change, max_size=2),
            },
        )
        | st.fixed_dictionaries({"values": module})
    )
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_text(json.dumps(document))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deferred, "WORTH", 1)
        read = read_terraform(path)
        for source in SOURCES:
            assert said(judge(source, read)) == said(judge(source, from_document(document)))


def said(result: SentinelResult) -> Any:
    return json.dumps([result.result, result.value, result.prints, result.cause])


def test_what_a_policy_does_not_look_into_is_not_decoded(tmp_path: Path) -> None:
    """Eight megabytes of changes, of one type each: only that of the type asked for becomes values."""
    after = {f"a{n}": "x" * 40 for n in range(50)}
    changes = [
        {"address": f"t{n}.r", "type": f"t{n}", "change": {"actions": ["create"], "after": after}}
        for n in range(3000)
    ]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"resource_changes": changes, "planned_values": {}}))
    budget = Budget(memory=60_000)
    one = 'import "tfplan/v2" as t\nmain = rule { all filter t.resource_changes as _, r { r.type is "t7" } as _, r { r.change.after.a1 is "x" } }'
    every = one.replace('r.type is "t7"', "r.change.after.a1 is not null")
    policy = compile_policy(one, Path("p.sentinel"))
    assert policy.evaluate(read_terraform(path), now=NOW, budget=budget).result is False
    refused = compile_policy(every, Path("p.sentinel")).evaluate(read_terraform(path), now=NOW, budget=budget)
    assert refused.error is not None
    assert f"asks for more of {path} than fits into 60000 bytes" in refused.error.message


def test_raw_is_the_whole_file_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    source = 'import "tfplan/v2" as t\nmain = t.raw.format_version is not "1.2"'
    assert judge(source, read_terraform(path)).result is False
    monkeypatch.setattr(terraform_file, "MOST_WHOLE", 100)
    error = judge(source, read_terraform(path)).error
    assert error is not None
    assert f"{path} is {path.stat().st_size:,} bytes" in error.message
    assert "Ask for `resource_changes`" in error.message


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
        assert "neither" in str(error)
    else:
        assert set(data) == {"tfplan/v2", "tfconfig/v2", "tfstate/v2", "tfrun"}


def test_strip_index() -> None:
    assert strip_index('module.a["x"].b.c[0]') == "module.a.b.c"
    assert strip_index('a["]"].b') == "a.b"
    assert strip_index('a["\\"]"].b') == "a.b"
    assert strip_index("a.b") == "a.b"
