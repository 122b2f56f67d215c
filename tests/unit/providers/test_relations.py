"""Every declared relation: between types there are, over fields that the services' own models have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from beside import loaded

from providers.aws.catalog import catalog
from providers.registry import account_type, relations
from providers.relation import provider_of

HERE = Path(__file__).parent


def test_both_ends_are_of_one_cloud_and_none_is_declared_twice() -> None:
    for relation in relations():
        assert provider_of(relation.source) == provider_of(relation.target)
    assert len(set(relations())) == len(relations())
    assert {provider_of(r.source) for r in relations()} == {"aws", "azure", "gcp"}


def test_types_are_written_as_their_cloud_is_read() -> None:
    for relation in relations():
        for kind, _ in relation.ends:
            if provider_of(kind) == "azure":
                assert kind == kind.lower()
                assert relation.fold  # Azure writes one id in several cases
    assert [account_type(name) for name in ("aws", "azure", "gcp", "memory")] == [
        "aws.account",
        "microsoft.resources/subscriptions",
        "cloudresourcemanager.googleapis.com/Project",
        None,
    ]


def holds(document: Any, parts: list[str]) -> bool:
    if not parts:
        return True
    if isinstance(document, list):
        return bool(document) and holds(document[0], parts)
    return isinstance(document, Mapping) and parts[0] in document and holds(document[parts[0]], parts[1:])


def checked(cloud: str, documents: Callable[[str], Any]) -> None:
    """Every document path of a cloud's relations is in a document with everything its owner's model knows."""
    for relation in relations():
        for kind, path in relation.ends:
            if provider_of(kind) == cloud and path.startswith("document."):
                whole = documents(kind)
                parts = path.replace("[]", "").split(".")[1:]
                assert whole is None or holds(whole, parts), f"{kind} has no {path}"


def test_aws_paths_are_in_the_services_models() -> None:
    filled = loaded(HERE / "aws" / "filled.py")
    checked("aws", lambda kind: filled.item(catalog()[kind]))


def test_azure_paths_are_in_the_sdks_models() -> None:
    known = json.loads((HERE / "azure" / "arm-properties.json").read_text())["types"]
    checked("azure", known.get)


def test_google_paths_are_in_the_discovery_documents() -> None:
    known = json.loads((HERE / "gcp" / "gcp-properties.json").read_text())["types"]
    checked("gcp", lambda kind: {"resource": {"data": known[kind]}})


def test_what_the_check_is_for() -> None:
    assert holds({"a": [{"b": 1}]}, ["a", "b"])
    assert not holds({"a": [{"b": 1}]}, ["a", "c"])
    assert not holds({"a": []}, ["a", "b"])


def related(source: dict[str, Any], target: dict[str, Any]) -> bool:
    """Whether any declared relation holds between two assets."""
    return any(
        set(relation.values(source, 0)) & set(relation.values(target, 1))
        for relation in relations()
        if (relation.source, relation.target) == (source["type"], target["type"])
    )


def asset(type_: str, uid: str = "u", **document: Any) -> dict[str, Any]:
    return {"type": type_, "uid": uid, "account": "1", "region": "r", "name": "n", "document": document}


GROUP = "arn:aws:logs:eu-west-1:1:log-group:trail"
WATCHER = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/networkwatchers/w"
ACCOUNT = "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a"
LOGS = "/providers/microsoft.insights/diagnosticsettings"
RING = "//cloudkms.googleapis.com/projects/p/locations/l/keyRings/r"
KEY_NAME = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (asset("aws.ec2_instance", SecurityGroups=[{"GroupId": "sg-1"}]), asset("aws.security_group", GroupId="sg-1")),
        (asset("aws.security_group", VpcId="vpc-1"), asset("aws.vpc", VpcId="vpc-1")),
        (asset("aws.flow_log", ResourceId="vpc-1"), asset("aws.vpc", VpcId="vpc-1")),
        (asset("aws.s3_bucket"), asset("aws.account")),
        (asset("aws.cloudtrail", CloudWatchLogsLogGroupArn=f"{GROUP}:*"), asset("aws.cloudwatch_log_group", GROUP)),
        (asset("microsoft.network/networkwatchers/flowlogs", f"{WATCHER}/flowlogs/f"), asset("microsoft.network/networkwatchers", WATCHER)),
        (asset("microsoft.sql/servers/databases", "/S/servers/A/databases/d"), asset("microsoft.sql/servers", "/s/servers/a")),
        (asset("microsoft.sql/servers/firewallrules", "/s/servers/a/firewallrules/r"), asset("microsoft.sql/servers", "/s/servers/a")),
        (asset("microsoft.insights/diagnosticsettings", f"{ACCOUNT}/blobservices/default{LOGS}/d"), asset("microsoft.storage/storageaccounts", ACCOUNT)),
        (asset("microsoft.insights/diagnosticsettings", f"/subscriptions/s{LOGS}/d"), asset("microsoft.resources/subscriptions", "/subscriptions/s")),
        (asset("microsoft.authorization/locks", "/subscriptions/s/resourcegroups/g/providers/microsoft.authorization/locks/l"), asset("microsoft.resources/subscriptions/resourcegroups", "/subscriptions/s/resourcegroups/g")),
        (asset("iam.googleapis.com/ServiceAccountKey", "//iam/projects/p/serviceAccounts/a/keys/k"), asset("iam.googleapis.com/ServiceAccount", "//iam/projects/p/serviceAccounts/a")),
        (asset("cloudkms.googleapis.com/CryptoKey", f"{RING}/cryptoKeys/k"), asset("cloudkms.googleapis.com/KeyRing", RING)),
        (
            asset("compute.googleapis.com/Disk", resource={"data": {"diskEncryptionKey": {"kmsKeyName": f"{KEY_NAME}/cryptoKeyVersions/1"}}}),
            asset("cloudkms.googleapis.com/CryptoKey", resource={"data": {"name": KEY_NAME}}),
        ),
    ],
    ids=lambda found: found["type"],
)  # fmt: skip
def test_what_belongs_together(source: dict[str, Any], target: dict[str, Any]) -> None:
    assert related(source, target)
    assert not related({**source, "uid": "other", "account": "2", "document": {}}, target)
