"""``watchstander scan --from``: an export becomes a cycle of its own, and proves nothing about what is not in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, StorageSettings
from daemon.cli import app
from daemon.cli.context import State
from providers.offline import ExportedEstate, Spool
from providers.provider import Remembered
from providers.resource import Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope
from storage.database import Database
from storage.inventory import Inventory

ACCOUNT = "111122223333"


def group(id_: str, region: str = "eu-west-1", port: int = 22) -> dict[str, Any]:
    rule = {"fromPort": port, "toPort": port, "ipProtocol": "tcp", "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]}
    return {
        "resourceType": "AWS::EC2::SecurityGroup",
        "resourceId": id_,
        "awsAccountId": ACCOUNT,
        "awsRegion": region,
        "ARN": f"arn:aws:ec2:{region}:{ACCOUNT}:security-group/{id_}",
        "configurationItemStatus": "OK",
        "configuration": {
            "groupId": id_,
            "groupName": id_,
            "description": "web",
            "ownerId": ACCOUNT,
            "vpcId": "vpc-1",
            "securityGroupArn": f"arn:aws:ec2:{region}:{ACCOUNT}:security-group/{id_}",
            "ipPermissions": [{**rule, "ipv6Ranges": [], "prefixListIds": [], "userIdGroupPairs": []}],
            "ipPermissionsEgress": [],
        },
        "tags": {},
    }


def config(path: Path, *items: Any) -> Path:
    path.write_text(json.dumps({"configSnapshotId": "s", "configurationItems": list(items)}))
    return path


def uid(id_: str, region: str = "eu-west-1") -> str:
    return f"arn:aws:ec2:{region}:{ACCOUNT}:security-group/{id_}"


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.database = f"sqlite:///{folder / 'w.db'}"
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> tuple[int, Any, str]:
        state = State(environment={"WATCHSTANDER_STORAGE__URL": self.database})
        status = app.run((*map(str, words), "--format", "json"), state)
        out, err = self._capsys.readouterr()
        return status, json.loads(out) if out else None, err


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_an_export_is_a_cycle_and_what_it_lacks_is_not_gone(shell: Shell, tmp_path: Path) -> None:
    status, first, _ = shell("scan", "--from", config(tmp_path / "one.json", group("sg-1"), group("sg-2")))
    assert first["sentence"].startswith(
        "Read 2 resources in 1 scope of aws in 1 account from an export (one.json), which says nothing of what is not in it;"
        " nothing was left unread; recorded 2 as a first baseline;"
    )
    assert first["changes"] == {"created": 2, "changed": 0, "deleted": 0}
    assert status == 1, "findings are open"
    _, second, _ = shell("scan", "--from", config(tmp_path / "two.json", group("sg-1", port=23)))
    assert second["changes"] == {"created": 0, "changed": 1, "deleted": 0}
    _, kept, _ = shell("inventory", "--type", "aws.security_group")
    assert {row["uid"] for row in kept} == {uid("sg-1"), uid("sg-2")}
    _, (coverage,), _ = shell("coverage")
    assert coverage["status"] == "exported"
    assert "two.json" in coverage["cause"]


def test_what_is_read_from_the_cloud_is_left_alone(shell: Shell, tmp_path: Path) -> None:
    shell("scan", "--from", config(tmp_path / "first.json", group("sg-9", "us-east-1")))
    scope = Scope("aws", ACCOUNT, "eu-west-1", "aws.security_group")
    ref = ResourceRef(provider="aws", account=ACCOUNT, region="eu-west-1", type=scope.type, uid=uid("sg-1"))
    with Database.open(StorageSettings(url=shell.database)) as database:
        recording = Inventory(database).begin(scope, datetime(2026, 1, 2, tzinfo=UTC))
        recording.add([Resource(ref=ref, name="live", document={"GroupId": "sg-1"})])
        recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=1))
    both = config(tmp_path / "both.json", group("sg-1"), group("sg-2"), group("sg-9", "us-east-1"))
    status, report, _ = shell("scan", "--from", both)
    assert "passed over 2 resources of aws/111122223333/eu-west-1/aws.security_group" in report["sentence"]
    assert "last at 2026-01-02T00:00:00Z" in report["sentence"]
    assert report["read"] == 1
    assert status & 3 == 3
    _, rows, _ = shell("coverage")
    assert {row["region"]: row["status"] for row in rows} == {
        "eu-west-1": "complete",
        "us-east-1": "exported",
    }
    _, shown, _ = shell("show", uid("sg-1"))
    assert shown["document"] == {"GroupId": "sg-1"}


def test_options_narrow_it(shell: Shell, tmp_path: Path) -> None:
    both = config(tmp_path / "both.json", group("sg-1"), group("sg-9", "us-east-1"))
    _, report, _ = shell("scan", "--from", both, "--region", "us-east-1", "--type", "aws.sec*")
    assert report["read"] == 1
    status, _, err = shell("scan", "--from", both, "--account", "999999999999")
    assert status == 2
    assert "none of the resources in it are selected" in err


def test_the_three_clouds_from_files_of_three_kinds(shell: Shell, tmp_path: Path) -> None:
    row = {
        "id": "/subscriptions/0000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acc",
        "name": "acc",
        "type": "microsoft.storage/storageaccounts",
        "location": "westeurope",
        "properties": {"supportsHttpsTrafficOnly": False},
    }
    (tmp_path / "graph.json").write_text(json.dumps({"data": [row]}))
    asset = {
        "name": "//storage.googleapis.com/open",
        "assetType": "storage.googleapis.com/Bucket",
        "ancestors": ["projects/7"],
        "resource": {"version": "v1", "data": {"name": "open", "location": "EU"}},
    }
    (tmp_path / "assets.ndjson").write_text(json.dumps(asset) + "\n")
    files = (
        config(tmp_path / "config.json", group("sg-1")),
        tmp_path / "graph.json",
        tmp_path / "assets.ndjson",
    )
    words = [word for path in files for word in ("--from", path)]
    _, report, _ = shell("scan", *words)
    assert report["read"] == 3
    assert "of aws, azure and gcp" in report["sentence"]
    assert "from 3 exports (config.json, graph.json, assets.ndjson)" in report["sentence"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format_version": "1.0", "planned_values": {}}', "no inventory of a cloud"),
        ("{}", "neither a Terraform plan"),
        ('{"configurationItems": []}', "no resource in it is understood"),
    ],
)
def test_what_is_no_inventory_is_refused_before_anything_is_written(
    shell: Shell, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "f.json").write_text(content)
    status, _, err = shell("scan", "--from", tmp_path / "f.json")
    assert status == 2
    assert said in err
    assert not (tmp_path / "w.db").exists()


def test_a_spool_gives_back_what_was_put_down() -> None:
    spool = Spool()
    ref = {"provider": "aws", "account": "1", "type": "aws.vpc"}
    made = [
        Resource(
            ref=ResourceRef(region=region, uid=f"{region}-{n}", **ref),
            name=f"{n}",
            document={"n": n, "text": "\u00e9"},
            tags={"a": "b"},
            unread={"x": "denied"} if n else {},
        )
        for n in range(3)
        for region in ("eu-west-1", "us-east-1")
    ]
    for resource in made:
        spool.add(resource)
    assert spool.scopes == {Scope("aws", "1", r, "aws.vpc"): 3 for r in ("eu-west-1", "us-east-1")}
    one, other = (spool.read(scope) for scope in spool.scopes)
    together = [resource for pair in zip(one, other, strict=True) for resource in pair]
    assert together == made
    spool.close()


def test_an_exported_cloud_can_be_asked_for_nothing_else(tmp_path: Path) -> None:
    from providers.errors import ProviderError
    from providers.provider import Provider, Selection

    with ExportedEstate([config(tmp_path / "c.json", group("sg-1"))]) as estate:
        (cloud,) = estate.clouds().values()
        assert isinstance(cloud, Provider)
        (scope,) = cloud.discover(Selection()).scopes
        reading: Reading = cloud.read(scope)
        (resource,) = reading
        assert reading.coverage.status is CoverageStatus.EXPORTED
        assert not reading.coverage.complete
        with pytest.raises(ProviderError, match="an export, not the cloud"):
            cloud.reread(resource.ref)
        assert list(cloud.past([resource.ref], datetime.now(UTC) - timedelta(days=1))) == [
            Remembered(ref=resource.ref)
        ]
        assert cloud.action_kinds() == {}
        assert "aws_security_group" in cloud.terraform_types()
    assert Settings().storage.url
