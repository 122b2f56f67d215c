"""``watchstander permissions``: a document to apply on standard output, everything else beside it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import hcl2
import pytest
import yaml

from daemon.cli import app
from daemon.cli.context import State

ROOT = Path(__file__).parents[3]


def run(capsys: pytest.CaptureFixture[str], *arguments: str, **environment: str) -> tuple[int, str, str]:
    status = app.run(arguments, State(environment=environment))
    out, err = capsys.readouterr()
    return status, out, err


def test_each_cloud_has_its_own_form(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "permissions", "aws", "--part", "1")
    assert status == 0
    assert json.loads(out)["Version"] == "2012-10-17"
    assert "aws iam create-policy" in err
    status, out, err = run(capsys, "permissions", "azure", "--contain")
    assert json.loads(out)["IsCustom"] is True
    assert "az role definition create" in err
    status, out, err = run(capsys, "permissions", "gcp", "--read")
    assert "cloudasset.assets.listResource" in yaml.safe_load(out)["includedPermissions"]
    assert "gcloud iam roles create" in err
    assert json.loads(run(capsys, "permissions", "gcp", "-f", "json")[1]) == yaml.safe_load(out)


def test_a_role_in_parts_is_told_and_printed_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = run(capsys, "permissions", "aws")
    parts = json.loads(out)
    assert len(parts) > 1
    assert f"--part 1 to --part {len(parts)}" in err
    for number, part in enumerate(parts, 1):
        _, out, err = run(capsys, "permissions", "aws", "--part", str(number))
        assert json.loads(out) == part
        assert f"WatchstanderRead-{number} " in err


def test_terraform_is_a_file_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    for cloud in ("aws", "azure", "gcp"):
        status, out, _ = run(capsys, "permissions", cloud, "--terraform", "--quiet")
        assert status == 0
        assert hcl2.load(io.StringIO(out))["resource"]


def test_the_configuration_makes_it_smaller(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "permissions", "aws", WATCHSTANDER_PROVIDERS__AWS__TYPES='["aws.ebs_volume"]')
    (statement,) = json.loads(out)["Statement"]
    assert statement["Action"] == [
        "cloudtrail:LookupEvents",
        "config:GetResourceConfigHistory",
        "ec2:DescribeRegions",
        "ec2:DescribeVolumes",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("aws", "--action", "aws.deactivate_access_key"), "--action is for --contain"),
        (("aws", "--contain", "--action", "aws.nothing"), "There is no action 'aws.nothing'"),
        (("aws", "--part", "9"), "There is no part 9"),
        (("aws", "--part", "1", "--terraform"), "one file with every part"),
        (("aws", "--format", "csv"), "A role is a document"),
        (("ibm",), "ibm"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = run(capsys, "permissions", *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_it_needs_neither_credentials_nor_a_home(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "daemon",
            "permissions",
            "gcp",
            "--contain",
            "--action",
            "gcp.disable_service_account",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "iam.serviceAccounts.disable" in done.stdout
    assert "storage.buckets.update" not in done.stdout


def hooks(**modes: str) -> dict[str, str]:
    made = {name: {"use": "deactivate_access_key", "mode": mode} for name, mode in modes.items()}
    return {"WATCHSTANDER_CONTAINMENT__HOOKS": json.dumps(made)}


@pytest.mark.parametrize("mode", ["auto", "approve"])
def test_to_contain_needs_what_the_configured_hooks_do(capsys: pytest.CaptureFixture[str], mode: str) -> None:
    status, out, _ = run(capsys, "permissions", "aws", "--contain", **hooks(key=mode))
    (statement,) = json.loads(out)["Statement"]
    assert status == 0
    assert statement["Action"] == ["iam:ListAccessKeys", "iam:UpdateAccessKey"]
    status, out, _ = run(capsys, "permissions", "aws", "--contain", "--terraform", **hooks(key=mode))
    assert "iam:UpdateAccessKey" in out
    assert "ec2:" not in out


@pytest.mark.parametrize(
    ("cloud", "mode", "said"),
    [
        ("aws", "dry-run", "The hook key only rehearses (mode dry-run)"),
        ("aws", "off", "No configured hook acts in aws"),
        ("gcp", "auto", "No configured hook acts in gcp"),
    ],
)
def test_hooks_that_do_not_act_need_nothing(
    capsys: pytest.CaptureFixture[str], cloud: str, mode: str, said: str
) -> None:
    status, out, err = run(capsys, "permissions", cloud, "--contain", **hooks(key=mode))
    assert (status, out) == (0, "")
    assert said in err


def test_a_named_action_is_granted_whatever_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("permissions", "gcp", "--contain", "--action", "gcp.disable_service_account")
    _, out, _ = run(capsys, *arguments, **hooks(key="auto"))
    assert "iam.serviceAccounts.disable" in out


def test_each_hooks_actions_exist_and_allow_what_it_says_it_needs() -> None:
    from config.clouds import Providers
    from daemon.hooks import HOOKS
    from providers.registry import role_of

    for hook in HOOKS.values():
        allowed: set[str] = set()
        for kind in hook.actions:
            cloud = kind.partition(".")[0]
            allowed |= set(role_of(cloud, Providers(), contain=True, actions=(kind,)).permissions)
        assert set(hook.permissions) <= allowed, hook.name
        assert bool(hook.actions) == bool(hook.permissions), hook.name
        assert not hook.permissions or hook.changes_cloud, hook.name
