"""Terraform's own state file: the same resources as ``terraform show -json`` gives of it."""

from __future__ import annotations

import gzip
import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from config.errors import UsageError
from policies.plan import Planned, read_plan
from providers import jsonstream
from providers.exports import ExportFormat, detect
from providers.terraform import ABSENT_BLOCK

PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def entry(*instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "mode": "managed",
        "type": "aws_s3_bucket",
        "name": "b",
        "provider": PROVIDER,
        "instances": list(instances),
        **more,
    }


def written(tmp_path: Path, *resources: Any, **more: Any) -> Path:
    path = tmp_path / "terraform.tfstate"
    head = {"version": 4, "terraform_version": "1.9.0", "serial": 3, "lineage": "l", "outputs": {}}
    path.write_text(json.dumps({**head, "resources": list(resources), "check_results": None, **more}))
    return path


def read(tmp_path: Path, *resources: Any) -> dict[str, Planned]:
    return {planned.address: planned for planned in read_plan(written(tmp_path, *resources))}


def test_addresses_are_terraforms(tmp_path: Path) -> None:
    bare = {"attributes": {"bucket": "x"}}
    found = read(
        tmp_path,
        entry(bare),
        entry({**bare, "index_key": 0}, {**bare, "index_key": 1}, name="many"),
        entry({**bare, "index_key": 'a"b'}, name="each", module="module.m[0].module.n"),
        entry({**bare, "deposed": "0a1b"}, name="old"),
        entry(bare, mode="data", name="read"),
    )
    assert list(found) == [
        "aws_s3_bucket.b",
        "aws_s3_bucket.many[0]",
        "aws_s3_bucket.many[1]",
        'module.m[0].module.n.aws_s3_bucket.each["a\\"b"]',
        "aws_s3_bucket.old (deposed 0a1b)",
    ]


def test_attributes_are_as_in_what_show_prints(tmp_path: Path) -> None:
    attributes = {"bucket": "x", "logging": [], "tags": {"team": "web"}, "region": "eu-west-1"}
    (state,) = read(tmp_path, entry({"attributes": attributes})).values()
    shown = tmp_path / "show.json"
    resource = {
        "address": "aws_s3_bucket.b",
        "mode": "managed",
        "type": "aws_s3_bucket",
        "name": "b",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "values": attributes,
    }
    shown.write_text(
        json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": [resource]}}})
    )
    assert [state] == list(read_plan(shown))
    assert state.subject.resource.ref.provider == "aws"
    assert state.subject.view is not None
    assert state.subject.view.attributes["logging"] is ABSENT_BLOCK


@pytest.mark.parametrize(
    ("provider", "cloud"),
    [
        ('provider["registry.terraform.io/hashicorp/azurerm"].west', "azure"),
        ('module.m.provider["registry.opentofu.org/hashicorp/google-beta"]', "gcp"),
        ("", ""),
    ],
)
def test_the_cloud_is_the_providers(tmp_path: Path, provider: str, cloud: str) -> None:
    (found,) = read(tmp_path, entry({"attributes": {}}, provider=provider)).values()
    assert found.subject.resource.ref.provider == cloud


def test_it_is_known_for_what_it_is_gzipped_too(tmp_path: Path) -> None:
    path = written(tmp_path, entry({"attributes": {}}))
    assert detect(path) is ExportFormat.TERRAFORM
    packed = tmp_path / "state.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(list(read_plan(packed))) == 1
    assert list(read_plan(written(tmp_path))) == []


def test_a_state_without_resources_is_none_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "show.json"
    path.write_text('{"format_version": "1.0"}')
    assert list(read_plan(path)) == []


@pytest.mark.parametrize(
    "resources",
    [{"a": entry()}, 3, [3], [[]], [entry() | {"type": 3}], [entry() | {"instances": {"a": {}}}], [entry(3)]],
)
def test_resources_of_another_shape_are_refused_and_not_passed_over(tmp_path: Path, resources: Any) -> None:
    path = tmp_path / "terraform.tfstate"
    path.write_text(json.dumps({"version": 4, "terraform_version": "1.9.0", "resources": resources}))
    with pytest.raises(UsageError, match=r"terraform.tfstate:1: `resources` is not an array of objects"):
        list(read_plan(path))


SHAPES = {
    "`planned_values` is not an object": {"planned_values": [{"root_module": {}}]},
    "`planned_values.root_module` is not an object": {"planned_values": {"root_module": "all"}},
    "`planned_values.root_module.resources` is not an array": {
        "planned_values": {"root_module": {"resources": {"a": {"type": "aws_s3_bucket"}}}}
    },
    "an element of `planned_values.root_module.resources` is not an object": {
        "planned_values": {"root_module": {"resources": ["aws_s3_bucket.b"]}}
    },
    "a resource without a `type`": {"values": {"root_module": {"resources": [{"values": {}}]}}},
    "`values.root_module.child_modules[].child_modules` is not an array": {
        "values": {"root_module": {"child_modules": [{"child_modules": {"a": {}}}]}}
    },
    "`resource_changes` is not an array": {"planned_values": {}, "resource_changes": {"a": {"change": {}}}},
    "`configuration.root_module.module_calls.resources.module` is not an object": {
        "configuration": {"root_module": {"module_calls": {"resources": {"module": [3]}}}},
        "planned_values": {},
    },
}


@pytest.mark.parametrize(("what", "content"), SHAPES.items())
def test_a_plan_of_another_shape_is_refused_and_not_passed_over(
    tmp_path: Path, what: str, content: dict[str, Any]
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", **content}))
    with pytest.raises(UsageError, match=re.escape(f"plan.json:1: {what}")):
        list(read_plan(path))


def test_what_is_null_or_named_by_its_author_is_of_any_name(tmp_path: Path) -> None:
    inner = {"type": "aws_s3_bucket", "name": "b", "address": "module.values.aws_s3_bucket.b", "values": {}}
    path = tmp_path / "plan.json"
    calls = {"resources": {"module": {"resources": None}}, "child_modules": {"source": "./x"}}
    modules = [{"resources": [inner], "child_modules": None}]
    content = {
        "planned_values": {"root_module": {"resources": None, "child_modules": modules}},
        "configuration": {"root_module": {"module_calls": calls}},
        "resource_changes": None,
    }
    path.write_text(json.dumps(content))
    assert [planned.address for planned in read_plan(path)] == [inner["address"]]


@pytest.mark.parametrize(
    ("resources", "more", "said"),
    [
        ([], {"version": 3}, "version 3"),
        ([entry({"attributes_flat": {"bucket": "x"}})], {}, "older than 0.12"),
    ],
)
def test_what_is_too_old_is_refused(
    tmp_path: Path, resources: list[Any], more: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        list(read_plan(written(tmp_path, *resources, **more)))
    assert raised.value.hint


def test_a_state_is_read_resource_by_resource(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk and the resource at hand stand in memory at once."""
    monkeypatch.setattr(jsonstream, "CHUNK", 1 << 16)
    path = written(
        tmp_path, *(entry({"attributes": {"bucket": "x" * 1000}}, name=f"b{n}") for n in range(3000))
    )
    tracemalloc.start()
    try:
        read = sum(1 for _ in read_plan(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == 3000
    assert peak < path.stat().st_size / 3
    text = path.read_text()
    path.write_text(text[: text.index('"check_results"')] + '"broken": ')
    with pytest.raises(UsageError, match=r"terraform\.tfstate:1"):
        list(read_plan(path))
