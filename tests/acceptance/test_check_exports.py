"""``watchstander check`` on exports: the same policies, without a cloud; what a file does not hold never passes."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import app
from daemon.cli.context import State

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[3] / "shared"))
RECORDED = SHARED / "fixtures" / "gcp" / "cai_export"

BUCKET = {
    "name": "//storage.googleapis.com/open",
    "asset_type": "storage.googleapis.com/Bucket",
    "ancestors": ["projects/7"],
    "resource": {"version": "v1", "data": {"name": "open", "location": "EU"}},
}
POLICY = {
    "name": "//storage.googleapis.com/open",
    "asset_type": "storage.googleapis.com/Bucket",
    "ancestors": ["projects/7"],
    "iam_policy": {"bindings": [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]},
}
GROUP = {
    "resourceType": "AWS::EC2::SecurityGroup",
    "resourceId": "sg-1",
    "awsAccountId": "111122223333",
    "awsRegion": "eu-west-1",
    "ARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1",
    "configurationItemStatus": "OK",
    "configuration": {
        "groupId": "sg-1",
        "groupName": "web",
        "description": "web",
        "ownerId": "111122223333",
        "vpcId": "vpc-1",
        "ipPermissions": [
            {
                "fromPort": 22,
                "toPort": 22,
                "ipProtocol": "tcp",
                "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}],
                "ipv6Ranges": [],
                "prefixListIds": [],
                "userIdGroupPairs": [],
            }
        ],
        "ipPermissionsEgress": [],
        "tags": [],
    },
    "tags": {},
}
ACCOUNT = {
    "id": "/subscriptions/0000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acc",
    "name": "acc",
    "type": "microsoft.storage/storageaccounts",
    "location": "westeurope",
}


def check(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, dict[tuple[str, str], dict[str, Any]], str]:
    status = app.run(("check", *map(str, arguments), "--format", "json"), State(environment={}))
    out, err = capsys.readouterr()
    rows = json.loads(out) if out else []
    return status, {(row["resource"], row["policy"]): row for row in rows}, err


def ndjson(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_cloud_asset_export_is_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    resources, policies = ndjson(tmp_path / "r", BUCKET), ndjson(tmp_path / "p", POLICY)
    status, rows, _ = check(capsys, resources, policies)
    public = rows[BUCKET["name"], "gcp.bucket_public"]
    assert public["outcome"] == "fail"
    assert status in (1, 3)
    # Without the policies nobody knows who may read it.
    status, rows, _ = check(capsys, resources)
    assert rows[BUCKET["name"], "gcp.bucket_public"]["outcome"] == "unknown"
    assert status == 3


def test_an_aws_config_snapshot_is_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json.gz"
    rover = {**GROUP, "resourceType": "AWS::Martian::Rover"}
    path.write_bytes(gzip.compress(json.dumps({"configurationItems": [GROUP, rover]}).encode()))
    status, rows, err = check(capsys, path)
    failing = {
        policy for (uid, policy), row in rows.items() if row["outcome"] == "fail" and uid == GROUP["ARN"]
    }
    assert any("ssh" in policy or "admin_ports" in policy or "ports" in policy for policy in failing), failing
    assert "Not judged: 1 configuration item of a type that is not mapped: AWS::Martian::Rover" in err
    assert status == 3


def test_a_row_without_properties_passes_nothing_that_reads_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"count": 1, "data": [ACCOUNT]}))
    status, rows, _ = check(capsys, path, "--all")
    assert rows
    assert {row["outcome"] for row in rows.values()} == {"unknown"}
    assert status == 3


def test_files_of_several_kinds_are_judged_together(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    graph = tmp_path / "graph.json"
    graph.write_text(json.dumps([ACCOUNT]))
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"format_version": "1.2", "planned_values": {"root_module": {}}}))
    status, rows, _ = check(capsys, graph, ndjson(tmp_path / "r", BUCKET, POLICY), plan)
    assert {uid for uid, _ in rows} == {ACCOUNT["id"].lower(), BUCKET["name"]}
    assert status == 3


@pytest.mark.parametrize("encode", [lambda t: gzip.compress(t.encode()), lambda t: t.encode("utf-16")])
def test_a_plan_is_read_zipped_and_as_powershell_writes_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, encode: Callable[[str], bytes]
) -> None:
    bucket = {
        "address": "aws_s3_bucket.b",
        "type": "aws_s3_bucket",
        "name": "b",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "values": {"bucket": "b", "logging": []},
    }
    path = tmp_path / "plan"
    path.write_bytes(
        encode(
            json.dumps({"format_version": "1.2", "planned_values": {"root_module": {"resources": [bucket]}}})
        )
    )
    status, rows, _ = check(capsys, path)
    assert {uid for uid, _ in rows} == {"aws_s3_bucket.b"}
    assert status in (1, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"configurationItems": [{"resourceType": "AWS::X', ":1:49: not JSON: the file ends"),
        (gzip.compress(b'{"configurationItems": []}', mtime=0)[:-9], "cut short"),
        (json.dumps(BUCKET).encode() + b"\n" + json.dumps(ACCOUNT).encode(), ":2: an asset without"),
        (b"\x00\x01\x02", ":1: "),
        (b"", "is empty"),
        (b"resource: yaml", "not an object"),
    ],
)
def test_bad_files_are_wrong_usage_with_their_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    status = app.run(("check", str(path)), State(environment={}))
    _, err = capsys.readouterr()
    assert status == 2, err
    assert f"Error: {path}" in err
    assert said in err


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded exports are not here")
def test_recorded_exports_are_judged(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, _ = check(capsys, *sorted(RECORDED.glob("*.ndjson")))
    assert rows["//storage.googleapis.com/bucket1", "gcp.bucket_public_prevention"]["outcome"] == "fail"
    assert status in (1, 3)
