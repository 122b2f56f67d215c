"""What Terraform's providers split off a resource is read in the one that owns it, from plans and states."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from beside import loaded
from hypothesis import example, given
from hypothesis import strategies as st

from config.errors import UsageError
from policies.plan import read_plan
from providers.split import SPLITS, Split
from providers.terraform import TerraformView

SCHEMA = Path(__file__).parents[1] / "providers"
Json = dict[str, Any]


def resource(type_: str, address: str, values: Json) -> Json:
    name = address.rpartition(".")[2].partition("[")[0]
    return {"address": address, "mode": "managed", "type": type_, "name": name, "values": values}


def views(tmp_path: Path, content: Json) -> dict[str, TerraformView]:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", **content}))
    return {p.address: p.subject.view for p in read_plan(path) if p.subject.view}


def state(*resources: Json) -> Json:
    return {"values": {"root_module": {"resources": list(resources)}}}


VERSIONED = {"versioning_configuration": [{"status": "Enabled", "mfa_delete": ""}]}
PARTS: dict[str, Json] = {
    "aws_s3_bucket_acl": {"acl": "public-read"},
    "aws_s3_bucket_versioning": VERSIONED,
    "aws_s3_bucket_server_side_encryption_configuration": {
        "rule": [
            {
                "apply_server_side_encryption_by_default": [
                    {"sse_algorithm": "aws:kms", "kms_master_key_id": "k"}
                ],
                "bucket_key_enabled": True,
            }
        ]
    },
    "aws_s3_bucket_logging": {"target_bucket": "logs", "target_prefix": None},
    "aws_s3_bucket_policy": {"policy": "{}"},
    "aws_s3_bucket_lifecycle_configuration": {
        "rule": [
            {
                "id": "r",
                "status": "Enabled",
                "filter": [{"prefix": "a/"}],
                "expiration": [{"days": 3}],
                "transition": [{"days": 1, "storage_class": "GLACIER"}],
            }
        ]
    },
}
FOLDED = {
    "acl": "public-read",
    "versioning": [{"enabled": True, "mfa_delete": False}],
    "server_side_encryption_configuration": [
        {"rule": PARTS["aws_s3_bucket_server_side_encryption_configuration"]["rule"]}
    ],
    "logging": [{"target_bucket": "logs", "target_prefix": ""}],
    "policy": "{}",
    "lifecycle_rule": [
        {
            "id": "r",
            "enabled": True,
            "prefix": "a/",
            "expiration": [{"days": 3}],
            "transition": [{"days": 1, "storage_class": "GLACIER"}],
        }
    ],
}


def test_a_state_says_in_the_bucket_what_stands_beside_it(tmp_path: Path) -> None:
    parts = [resource(t, f"{t}.b", {"bucket": "orders", **values}) for t, values in PARTS.items()]
    owner = resource(
        "aws_s3_bucket", "aws_s3_bucket.b", {"bucket": "orders", "versioning": [], "logging": []}
    )
    other = resource("aws_s3_bucket", "aws_s3_bucket.other", {"bucket": "others"})
    found = views(tmp_path, state(*parts, owner, other))
    bucket = found["aws_s3_bucket.b"]
    assert {name: bucket.attributes[name] for name in FOLDED} == FOLDED
    assert bucket.attributes.keys() == {"bucket", *FOLDED}
    assert found["aws_s3_bucket.other"].attributes == {"bucket": "others"}
    assert found["aws_s3_bucket_versioning.b"].attributes["bucket"] == "orders", "they stay what they are"


def test_terraforms_own_state_says_the_same(tmp_path: Path) -> None:
    def entry(type_: str, values: Json) -> Json:
        return {"mode": "managed", "type": type_, "name": "b", "instances": [{"attributes": values}]}

    entries = [entry("aws_s3_bucket", {"bucket": "orders"})]
    entries += [entry(t, {"bucket": "orders", **values}) for t, values in PARTS.items()]
    path = tmp_path / "terraform.tfstate"
    path.write_text(json.dumps({"version": 4, "terraform_version": "1.9.0", "resources": entries}))
    [bucket] = [p.subject.view for p in read_plan(path) if p.address == "aws_s3_bucket.b"]
    assert bucket is not None
    assert {name: bucket.attributes[name] for name in FOLDED} == FOLDED


def a_plan(
    owners: list[str], part: str, references: list[str], *, module: str = "", hidden: Json | None = None
) -> Json:
    """Buckets that are new, so that nothing but the configuration tells whose a part is."""
    made = [resource("aws_s3_bucket", module + owner, {"bucket_prefix": "x"}) for owner in owners]
    made.append(resource("aws_s3_bucket_versioning", module + part, VERSIONED))
    unknown = {"id": True, "bucket": True, "versioning": True}
    changes = [
        {
            "address": r["address"],
            "type": r["type"],
            "change": {"actions": ["create"], "after_unknown": unknown},
        }
        for r in made[:-1]
    ]
    changes.append(
        {
            "address": made[-1]["address"],
            "type": made[-1]["type"],
            "change": {"actions": ["create"], "after_unknown": {"bucket": True, **(hidden or {})}},
        }
    )
    config: Json = {
        "resources": [
            {
                "address": part.partition("[")[0],
                "mode": "managed",
                "type": "aws_s3_bucket_versioning",
                "expressions": {"bucket": {"references": references}},
            }
        ]
    }
    root: Json = {"resources": made}
    if module:
        root = {"child_modules": [{"address": module.rstrip("."), "resources": made}]}
        config = {"module_calls": {"store": {"module": config}}}
    return {
        "planned_values": {"root_module": root},
        "resource_changes": changes,
        "configuration": {"root_module": config},
    }


B, V = "aws_s3_bucket.b", "aws_s3_bucket_versioning.v"
ENABLED = [{"enabled": True, "mfa_delete": False}]


@pytest.mark.parametrize(
    ("owners", "part", "references", "folded"),
    [
        ([B], V, [f"{B}.id", B], [B]),
        ([f"{B}[0]", f"{B}[1]"], f"{V}[1]", [f"{B}", "count.index"], [f"{B}[1]"]),
        ([f'{B}["x.y"]', f'{B}["z"]'], f'{V}["x.y"]', [B, "each.key"], [f'{B}["x.y"]']),
        ([f"{B}[0]", f"{B}[1]"], V, [f"{B}[1].id", f"{B}[1]", B], [f"{B}[1]"]),
        ([B], V, ["var.bucket"], []),
        ([B], V, ["module.other.bucket"], []),
    ],
)
@pytest.mark.parametrize("module", ["", "module.store.", 'module.store["a.b"].'])
def test_a_plan_tells_whose_a_part_is_by_what_it_refers_to(
    owners: list[str], part: str, references: list[str], folded: list[str], module: str, tmp_path: Path
) -> None:
    found = views(tmp_path, a_plan(owners, part, references, module=module))
    told = [o for o in owners if found[module + o].attributes.get("versioning") == ENABLED]
    assert told == folded
    for owner in set(owners) - set(folded):
        assert found[module + owner].unread["versioning"] == "known only after apply"


def test_a_part_that_is_not_known_leaves_the_owner_unread(tmp_path: Path) -> None:
    hidden = {"versioning_configuration": [{"status": True}]}
    bucket = views(tmp_path, a_plan([B], V, [B], hidden=hidden))[B]
    assert bucket.unread["versioning"] == "its aws_s3_bucket_versioning is known only after apply"
    assert "versioning" not in bucket.attributes


def test_a_part_that_is_destroyed_leaves_the_owner_unread(tmp_path: Path) -> None:
    content = {
        "planned_values": {
            "root_module": {
                "resources": [resource("aws_s3_bucket", B, {"bucket": "b", "versioning": ENABLED})]
            }
        },
        "resource_changes": [
            {
                "address": V,
                "type": "aws_s3_bucket_versioning",
                "change": {"actions": ["delete"], "before": {"bucket": "b", **VERSIONED}},
            }
        ],
    }
    bucket = views(tmp_path, content)[B]
    assert bucket.unread == {"versioning": "its aws_s3_bucket_versioning is destroyed by this plan"}


def test_rules_beside_a_group_are_added_to_those_within(tmp_path: Path) -> None:
    names = {"network_security_group_name": "NSG", "resource_group_name": "rg"}
    inside = {"name": "a", "access": "Deny"}
    group = {"name": "nsg", "resource_group_name": "rg", "security_rule": [inside]}
    found = views(
        tmp_path,
        state(
            resource("azurerm_network_security_group", "g", group),
            resource("azurerm_network_security_group", "h", {**group, "resource_group_name": "other"}),
            resource("azurerm_network_security_rule", "r", {**names, "name": "b", "access": "Allow"}),
            resource("azurerm_network_security_rule", "s", {**names, **inside}),
        ),
    )
    assert found["g"].attributes["security_rule"] == [inside, {"name": "b", "access": "Allow"}]
    assert found["h"].attributes["security_rule"] == [inside]


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: f"{split.type}-{split.attribute}")
def test_what_is_folded_has_the_providers_form(split: Split) -> None:
    """Names and nesting of the owner's attribute, by the provider's own schema."""
    forms = loaded(SCHEMA / "terraform_forms.py")
    schema = forms.LISTING["types"][split.owner]
    grant = {"grantee": [{"id": "i", "type": "CanonicalUser"}], "permission": "READ"}
    lists = ("_rules", "_ids", "_permissions", "_prefixes", "_ranges", "bypass")
    plain = {
        name: ["x"] if name.endswith(lists) else 1 if name == "priority" else "x"
        for name in split.reads
        if name != "private_link_access"
    }
    values = PARTS.get(split.type) or plain
    if split.attribute == "grant":
        values = {"access_control_policy": [{"grant": [grant]}]}
    said = split.form(values)
    assert said
    assert list(forms.strays({split.attribute: [said] if split.many else said}, schema)) == []
    assert {name for keys in split.keys for name in keys} <= schema.keys()


NAMES = sorted({name for split in SPLITS for name in (*split.reads, *split.link, *chain(*split.keys))})
STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "Enabled"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*NAMES, "address", "references"]), inner)
    ),
    max_leaves=6,
)
TYPES = (
    st.sampled_from(sorted({split.type for split in SPLITS} | {split.owner for split in SPLITS})) | STRANGE
)
VALUES = STRANGE | st.dictionaries(st.sampled_from(NAMES), STRANGE, max_size=4)
RESOURCE = st.fixed_dictionaries(
    {"type": TYPES, "address": st.sampled_from(["t.a", "t.b"]) | STRANGE, "mode": st.just("managed")},
    optional={
        "values": VALUES,
        "expressions": STRANGE | st.dictionaries(st.sampled_from(NAMES), STRANGE, max_size=3),
        "change": st.fixed_dictionaries(
            {"actions": st.just(["delete"]) | STRANGE},
            optional={"before": VALUES, "after": VALUES, "after_unknown": VALUES},
        ),
    },
)


@given(st.lists(RESOURCE, max_size=4), st.lists(RESOURCE, max_size=3), st.lists(RESOURCE, max_size=3))
@example([{"type": [], "address": "t.a", "mode": "managed"}], [], [])
def test_no_resource_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, planned: list[Any], changes: list[Any], written: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    content = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": written}},
    }
    path.write_text(json.dumps(content))
    try:
        read = list(read_plan(path))
    except UsageError as error:
        assert str(path) in error.message
    else:
        assert all(isinstance(one.address, str) for one in read)
