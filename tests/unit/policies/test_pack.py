"""Packs: loaded with their metadata, or with none; overridden; and every error at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.engine import Limits
from policies.errors import PolicyErrors
from policies.loader import load, load_paths
from policies.policy import Phase
from policies.rego.engine import RegorusEngine
from providers.provider import Severity
from providers.terraform import AbsentBlock

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[3].parent / "shared"))


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_rego", ".rego").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def problems(caught: pytest.ExceptionInfo[PolicyErrors], root: Path) -> list[str]:
    return [str(error).replace(f"{root}/", "") for error in caught.value.errors]


@pytest.mark.shared
def test_the_owners_policy_is_usable_as_it_stands(engine: RegorusEngine) -> None:
    path = SHARED / "seed" / "ir_preparation.rego"
    if not path.is_file():
        pytest.skip("the owner's policy is not here")
    (policy,) = load_paths([path], engine).policies
    assert policy.id == "ir.preparation"
    assert policy.phase is Phase.PREPARATION
    assert policy.severity is Severity.MEDIUM
    assert policy.absent_block is AbsentBlock.NULL
    assert policy.terraform_types == {"aws_s3_bucket", "aws_elb", "aws_cloudtrail"}
    assert policy.reads == {
        "resource.aws_s3_bucket.main.logging",
        "resource.aws_elb.main.access_logs",
        "resource.aws_cloudtrail.main.enable_logging",
    }


def test_a_bare_file_gets_what_can_be_seen(engine: RegorusEngine, tmp_path: Path) -> None:
    write(tmp_path, a_rego="package team.detection.x_y\ndeny contains 1 if input.resource.tt.main.a == 1\n")
    (policy,) = load_paths([tmp_path], engine).policies
    assert (policy.id, policy.title, policy.phase) == ("team.detection.x_y", "X y", Phase.DETECTION)
    assert policy.absent_block is AbsentBlock.EMPTY


def test_files_that_share_a_package_are_policies_of_their_own(engine: RegorusEngine, tmp_path: Path) -> None:
    text = "package main\ndeny contains 1 if input.resource.tt.main.a == 1\n"
    write(tmp_path, one_rego=text, two_rego=text)
    assert [p.id for p in load_paths([tmp_path], engine).policies] == ["main.one", "main.two"]


METADATA = """# METADATA
# title: A title
# description: Why it matters.
# custom:
#   id: my.policy
#   phase: recovery
#   severity: critical
#   types: [aws.s3_*]
#   terraform_types: aws_s3_bucket
#   frameworks:
#     cis-aws: ["2.10", "3.1"]
#   remediation: Do it.
#   containment: {hook: webhook, parameters: {a: 1}}
#   parameters: {limit: 5}
#   absent_block: null
package p
deny contains 1 if input.asset.document.x == data.parameters.limit
"""


def test_metadata_is_read_from_the_annotation(engine: RegorusEngine, tmp_path: Path) -> None:
    policies = load_paths([write(tmp_path, p_rego=METADATA)], engine)
    policy = policies.by_id("my.policy")
    assert (policy.title, policy.description, policy.remediation) == ("A title", "Why it matters.", "Do it.")
    assert (policy.phase, policy.severity, policy.absent_block) == (
        Phase.RECOVERY,
        Severity.CRITICAL,
        AbsentBlock.NULL,
    )
    assert policy.frameworks == {"cis-aws": ("2.10", "3.1")}
    assert policy.containment is not None
    assert (policy.containment.hook, policy.containment.parameters) == ("webhook", {"a": 1})
    assert (
        policies.for_resource("aws.s3_bucket", None)
        == policies.for_resource("other", "aws_s3_bucket")
        == (policy,)
    )
    assert policies.for_resource("aws.ec2_instance", "aws_instance") == ()


PACK = """id: mine
title: Mine
phase: detection
absent_block: missing
parameters: {limit: 3, other: 4}
policies:
  bare:
    severity: high
    types: [t]
"""


def test_a_pack_speaks_for_its_files(engine: RegorusEngine, tmp_path: Path) -> None:
    write(
        tmp_path,
        pack__pack_yaml=PACK,
        pack__bare_rego="package bare\ndeny contains 1 if data.lib.tools.big(input.asset.document.x)\n",
        pack__lib__tools_rego="package lib.tools\nbig(x) if x > data.parameters.limit\n",
        pack__bare_test_rego="package bare_test\ntest_x if true\n",
    )
    policies = load_paths([tmp_path], engine)
    (policy,) = policies.policies
    assert (policy.pack, policy.phase, policy.severity) == ("mine", Phase.DETECTION, Severity.HIGH)
    assert policy.absent_block is AbsentBlock.MISSING
    assert policy.parameters == {"limit": 3, "other": 4}
    assert [Path(path).name for path, _, _ in policies.compiled("bare").program.modules] == [
        "bare.rego",
        "tools.rego",
    ]


def test_parameters_go_from_the_pack_to_the_configuration(engine: RegorusEngine, tmp_path: Path) -> None:
    write(tmp_path, pack__pack_yaml="id: mine\nparameters: {a: 1, b: 1, c: 1, d: 1}\n")
    text = METADATA.replace("{limit: 5}", "{b: 2, c: 2, d: 2}")
    write(tmp_path, pack__p_rego=text)
    settings = PolicySettings(packs=(), parameters={"mine": {"c": 3, "d": 3}, "my.policy": {"d": 4}})
    (policy,) = load_paths([tmp_path], engine, settings).policies
    assert policy.parameters == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_policies_are_disabled_by_name_and_by_prefix(engine: RegorusEngine, tmp_path: Path) -> None:
    for name in ("a.one", "a.two", "b.one"):
        write(
            tmp_path,
            **{
                f"{name.replace('.', '-')}_rego": METADATA.replace("my.policy", name).replace(
                    "package p", f"package {name}"
                )
            },
        )
    settings = PolicySettings(packs=(), disabled=("a.*",))
    assert [p.id for p in load_paths([tmp_path], engine, settings).policies] == ["b.one"]


def test_every_error_comes_at_once(engine: RegorusEngine, tmp_path: Path) -> None:
    write(
        tmp_path,
        a_rego="package a\ndeny contains 1 if input.resource.t.main.x ==\n",
        b_rego=METADATA.replace("severity: critical", "severity: urgent").replace("types:", "typs:", 1),
        c_rego="package c\ndeny contains 1 if input.x == 1\n",
        d__pack_yaml="id: d\nabsent: null\n",
        e_rego=METADATA.replace('["2.10", "3.1"]', "[2.10]").replace("package p", "package e"),
    )
    settings = PolicySettings(
        packs=(), disabled=("zz.*",), severities={"my.polcy": "low"}, parameters={"q": {}}
    )
    with pytest.raises(PolicyErrors) as caught:
        load_paths([tmp_path, tmp_path / "none"], engine, settings)
    found = problems(caught, tmp_path)
    for wanted in (
        "a.rego:3:1: expecting expression",
        "b.rego:7:5: `severity` must be one of info, low, medium, high, critical, not 'urgent'",
        "b.rego:8:5: metadata has an unknown key `typs`",
        "c.rego:1:1: it is not clear which resources this policy judges",
        "d/pack.yaml:2:1: metadata has an unknown key `absent`",
        "e.rego:11:7: write the controls of `cis-aws` in quotes",
        "e.rego:1:1: policy id `my.policy` is already taken by",
        "policies.disabled: no policy is called `zz.*`",
        "policies.severities: no policy is called `my.polcy` Did you mean `my.policy`?",
        "policies.parameters: no policy or pack is called `q`",
        "none: there is no such file or folder",
    ):
        assert any(line.startswith(wanted) for line in found), (wanted, found)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"p_rego": METADATA + "\ndeny contains 1 if input.x ==\n"}, "p.rego"),
        ({"p_rego": "package my.policy\ndeny contains 1 if input.x ==\n"}, "p.rego"),
        (
            {
                "pack_yaml": "policies: {p: {id: my.policy, types: [aws.vpc]}}\n",
                "p_rego": "package q\ndeny contains 1 if input.x ==\n",
            },
            "p.rego",
        ),
        (
            {"my__pack_yaml": "id: my.policy\n- x\n", "my__p_rego": "package p\nallow := true\n"},
            "my/pack.yaml",
        ),
    ],
    ids=["its metadata", "its package", "its pack", "the pack itself"],
)
def test_what_does_not_parse_is_told_once_and_not_as_missing_too(
    engine: RegorusEngine, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    write(tmp_path, **files)
    settings = PolicySettings(
        packs=(),
        disabled=("my.pol*", "zz"),
        severities={"my.policy": "low"},
        enforcement={"my.policy": "advisory"},
        parameters={"my.policy": {}},
    )
    with pytest.raises(PolicyErrors) as caught:
        load_paths([tmp_path], engine, settings)
    found = problems(caught, tmp_path)
    assert any(line.startswith(f"{said}:") and "expect" in line for line in found), found
    assert [line for line in found if "is called" in line] == [
        "policies.disabled: no policy is called `zz` `watchstander policy list` shows all."
    ]


def test_an_unknown_built_in_pack_is_named(engine: RegorusEngine) -> None:
    with pytest.raises(PolicyErrors, match="no built-in pack `preperation`"):
        load(PolicySettings(packs=("preperation",)), engine)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"package a\xff", "not UTF-8"),
        (b"\xef\xbb\xbfpackage a\ndeny contains 1 if input.finding.x\n", ""),
        (b"package a\r\ndeny contains 1 if input.finding.x\r\n", ""),
    ],
)
def test_odd_files_give_errors_and_no_tracebacks(
    engine: RegorusEngine, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.rego").write_bytes(content)
    if not message:
        assert len(load_paths([tmp_path], engine)) == 1
        return
    with pytest.raises(PolicyErrors, match=message):
        load_paths([tmp_path], engine)


@pytest.mark.parametrize(
    "text", ["- a\n", "id: [\n", "id: 5\n", "policies: [a]\n", "policies: {nope: {}}\n", "policies: {a: 1}\n"]
)
def test_odd_pack_files_are_told_with_their_line(engine: RegorusEngine, tmp_path: Path, text: str) -> None:
    write(tmp_path, pack_yaml=text, a_rego="package a\ndeny contains 1 if input.finding.x\n")
    with pytest.raises(PolicyErrors) as caught:
        load_paths([tmp_path], engine)
    assert problems(caught, tmp_path)[0].startswith("pack.yaml:")


def test_a_part_of_a_pack_keeps_the_packs_rules(engine: RegorusEngine, tmp_path: Path) -> None:
    write(
        tmp_path,
        pack_yaml="id: mine\nphase: recovery\nparameters: {limit: 1}\n",
        lib__tools_rego="package lib.tools\nbig(x) if x > 1\n",
        aws__a_rego="package a\ndeny contains 1 if data.lib.tools.big(input.resource.t.main.x)\n",
    )
    for path in (tmp_path / "aws", tmp_path / "aws" / "a.rego"):
        (policy,) = load_paths([path], engine).policies
        assert (policy.pack, policy.phase, policy.parameters) == ("mine", Phase.RECOVERY, {"limit": 1})


def test_the_sets_digest_moves_with_any_policy(engine: RegorusEngine, tmp_path: Path) -> None:
    first = load_paths([write(tmp_path, p_rego=METADATA)], engine)
    again = load_paths([tmp_path], engine)
    moved = load_paths([write(tmp_path, p_rego=METADATA.replace("limit: 5", "limit: 6"))], engine)
    assert first.digest == again.digest != moved.digest


def test_files_of_one_package_share_their_helpers(engine: RegorusEngine, tmp_path: Path) -> None:
    write(
        tmp_path,
        a_rego="package main\ndeny contains 1 if big(input.resource.t.main.x)\n",
        helpers_rego="package main\nbig(x) if x > limit\nlimit := 3\n",
    )
    (policy,) = (policies := load_paths([tmp_path], engine)).policies
    assert len(policies.compiled(policy.id).modules) == 2


def test_policies_of_one_package_need_not_fit_each_other(engine: RegorusEngine, tmp_path: Path) -> None:
    text = "package main\nlimit := {}\ndeny contains 1 if input.resource.t.main.x > limit\n"
    write(tmp_path, a_rego=text.format(1), b_rego=text.format(2))
    assert len(load_paths([tmp_path], engine)) == 2
