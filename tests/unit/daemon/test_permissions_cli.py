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
