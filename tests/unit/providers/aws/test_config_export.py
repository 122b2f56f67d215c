"""AWS Config's exports: what maps faithfully is the document a reading gives, and everything else is unread."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from config.errors import UsageError
from providers.aws.catalog import catalog
from providers.aws.config_forms import FORMS
from providers.aws.export import NOT_HELD, OTHER_FORM, Passed, read_export
from providers.registry import terraform_view
from providers.resource import Resource

GROUP: dict[str, Any] = {
    "description": "web",
    "groupName": "web",
    "groupId": "sg-1",
    "ownerId": "111122223333",
    "vpcId": "vpc-1",
    "ipPermissions": [
        {
            "fromPort": 22,
            "toPort": 22,
            "ipProtocol": "tcp",
            "ipRanges": ["0.0.0.0/0"],
            "ipv4Ranges": [{"cidrIp": "0.0.0.0/0", "description": None}],
            "ipv6Ranges": [],
            "prefixListIds": [],
            "userIdGroupPairs": [],
        }
    ],
    "ipPermissionsEgress": [],
    "tags": [{"key": "old", "value": "form"}],
}


def item(type_: str, configuration: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": type_,
        "resourceId": "x",
        "awsAccountId": "111122223333",
        "awsRegion": "eu-west-1",
        "ARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1",
        "configurationItemStatus": "OK",
        "configuration": configuration,
        "supplementaryConfiguration": {},
        "tags": {},
        **more,
    }


def snapshot(folder: Path, *items: Any) -> Path:
    path = folder / "snapshot.json.gz"
    path.write_bytes(
        gzip.compress(
            json.dumps(
                {"fileVersion": "1.0", "configSnapshotId": "s", "configurationItems": list(items)}
            ).encode()
        )
    )
    return path


def read(folder: Path, *items: Any) -> tuple[list[Resource], Passed]:
    passed = Passed()
    return list(read_export(snapshot(folder, *items), passed)), passed


def test_a_security_group_is_as_the_describe_call_gives_it(tmp_path: Path) -> None:
    (group,), _ = read(tmp_path, item("AWS::EC2::SecurityGroup", GROUP, tags={"team": "web"}))
    assert group.uid == "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"
    assert (group.ref.account, group.ref.region, group.name) == ("111122223333", "eu-west-1", "web")
    assert group.document["IpPermissions"] == [
        {
            "FromPort": 22,
            "IpProtocol": "tcp",
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "ToPort": 22,
            "UserIdGroupPairs": [],
        }
    ]
    assert group.tags == {"team": "web"}
    assert group.document["Tags"] == [{"Key": "team", "Value": "web"}]
    assert group.unread == {"SecurityGroupArn": NOT_HELD}
    view = terraform_view(group)
    assert view is not None
    assert not set(view.unread) & {"ingress", "egress"}


def test_what_the_export_does_not_hold_is_unread_and_null_is_none(tmp_path: Path) -> None:
    volume = {"volumeId": "vol-1", "encrypted": False, "kmsKeyId": None, "size": 8}
    (found,), _ = read(tmp_path, item("AWS::EC2::Volume", volume))
    assert "KmsKeyId" not in found.document
    assert "KmsKeyId" not in found.unread
    assert found.unread["Iops"] == NOT_HELD
    assert found.document["Encrypted"] is False


@pytest.mark.parametrize(
    "rules",
    ["text", [1], [{"ipRanges": [{"somethingElse": 1}]}], [{"fromPort": "many"}], [{"fromPort": True}], {}],
)
def test_another_form_than_the_models_is_unread_not_guessed(tmp_path: Path, rules: Any) -> None:
    (found,), _ = read(tmp_path, item("AWS::EC2::SecurityGroup", {**GROUP, "ipPermissions": rules}))
    assert found.unread["IpPermissions"] == OTHER_FORM
    assert "IpPermissions" not in found.document
    assert "IpPermissionsEgress" in found.document


ACL = {
    "grantSet": None,
    "grantList": [
        {"grantee": "AllUsers", "permission": "Read"},
        {"grantee": {"id": "abc", "displayName": None}, "permission": "FullControl"},
    ],
    "owner": {"displayName": None, "id": "abc"},
}


def bucket(**supplementary: Any) -> dict[str, Any]:
    return item(
        "AWS::S3::Bucket", {"name": "b1", "owner": {"id": "abc"}}, supplementaryConfiguration=supplementary
    )


def test_a_bucket_is_put_together_from_its_parts(tmp_path: Path) -> None:
    parts = {
        "AccessControlList": json.dumps(ACL),
        "BucketLoggingConfiguration": {"destinationBucketName": "logs", "logFilePrefix": None},
        "BucketPolicy": {"policyText": '{"Version": "2012-10-17", "Statement": []}'},
        "BucketVersioningConfiguration": {"status": "Off", "isMfaDeleteEnabled": None},
        "PublicAccessBlockConfiguration": {
            "blockPublicAcls": True,
            "ignorePublicAcls": True,
            "blockPublicPolicy": True,
            "restrictPublicBuckets": False,
        },
        "ServerSideEncryptionConfiguration": {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256", "kmsMasterKeyID": None},
                    "bucketKeyEnabled": False,
                }
            ]
        },
    }
    (found,), _ = read(tmp_path, bucket(**parts))
    document = dict(found.document)
    assert document["Acl"]["Grants"][1] == {
        "Grantee": {"ID": "abc", "Type": "CanonicalUser"},
        "Permission": "FULL_CONTROL",
    } or document["Acl"]["Grants"][0] == {
        "Grantee": {"ID": "abc", "Type": "CanonicalUser"},
        "Permission": "FULL_CONTROL",
    }
    assert {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
        "Permission": "READ",
    } in document["Acl"]["Grants"]
    assert document["Logging"] == {"TargetBucket": "logs", "TargetPrefix": ""}
    assert document["Policy"] == {"Statement": [], "Version": "2012-10-17"}
    assert document["Versioning"] == {"MFADelete": None, "Status": None}
    assert document["PublicAccessBlock"]["RestrictPublicBuckets"] is False
    assert document["Encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "AES256"
    }
    assert document["BucketRegion"] == "eu-west-1"
    assert set(found.unread) == {"PolicyStatus", "OwnershipControls", "Lifecycle", "Website"}


def test_a_part_that_was_not_recorded_is_unread_and_one_in_a_strange_form_too(tmp_path: Path) -> None:
    (found,), _ = read(
        tmp_path,
        bucket(
            BucketPolicy={"policyText": "not json"},
            AccessControlList={
                "grantList": [{"grantee": "Martians", "permission": "Read"}],
                "owner": {"id": "a"},
            },
            BucketVersioningConfiguration={"status": "Perhaps"},
            BucketLoggingConfiguration={"destinationBucketName": None, "logFilePrefix": None},
        ),
    )
    assert found.document["Logging"] is None
    assert {"Policy", "Acl", "Versioning", "Encryption", "PublicAccessBlock"} <= set(found.unread)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    found, passed = read(
        tmp_path,
        item("AWS::Martian::Rover", {"a": 1}),
        item("AWS::Martian::Rover", {"a": 2}),
        item("AWS::EC2::SecurityGroup", GROUP, configurationItemStatus="ResourceDeleted"),
        item("AWS::EC2::SecurityGroup", None),
    )
    assert found == []
    assert dict(passed.types) == {"AWS::Martian::Rover": 2}
    assert dict(passed.unusable) == {"deleted": 1, "without a configuration": 1}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("text", "no object"),
        ({"configuration": {}}, "`resourceType`"),
        (item("AWS::EC2::SecurityGroup", GROUP, awsRegion=None), "account and region"),
        (item("AWS::EC2::SecurityGroup", {"groupName": "x"}, ARN=None), "without 'GroupId'"),
    ],
)
def test_what_is_no_configuration_item_is_told_with_its_line(tmp_path: Path, broken: Any, said: str) -> None:
    path = tmp_path / "s.json"
    good = json.dumps(item("AWS::EC2::SecurityGroup", GROUP))
    path.write_text(f'{{"configurationItems": [\n{good},\n{json.dumps(broken)}\n]}}')
    with pytest.raises(UsageError, match=said) as caught:
        list(read_export(path, Passed()))
    assert f"{path}:3" in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["groupId", "ipRanges", "status", "policyText", "grantList", "owner", "id", "rules", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
PARTS = [
    "AccessControlList",
    "BucketPolicy",
    "BucketLoggingConfiguration",
    "BucketVersioningConfiguration",
    "ServerSideEncryptionConfiguration",
    "LoadBalancerAttributes",
    "Policy",
    "KeyRotationStatus",
]


@given(
    type_=st.sampled_from(sorted(FORMS)),
    configuration=st.dictionaries(
        st.sampled_from(
            ["name", "ipPermissions", "keyId", "arn", "policyVersionList", "tags", "createTime", "volumeId"]
        ),
        JSON,
        min_size=1,
    ),
    parts=st.dictionaries(st.sampled_from(PARTS), JSON, max_size=4),
)
def test_no_strange_item_ends_in_anything_but_a_resource_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, type_: str, configuration: Any, parts: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        found, _ = read(folder, item(type_, configuration, supplementaryConfiguration=parts))
    except UsageError:
        return
    for resource in found:
        assert not set(resource.unread) & set(resource.document)
        fields = {call.into for call in catalog()[resource.ref.type].details}
        assert fields <= set(resource.unread) | set(resource.document)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the emulated Config answers of resources made through the real SDK."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3, iam = boto3.client("s3", "us-east-1"), boto3.client("iam", "us-east-1")
        s3.create_bucket(Bucket="bucket-one")
        s3.put_public_access_block(
            Bucket="bucket-one",
            PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": False},
        )
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}],
        }
        grant = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
        }
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
        iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(grant))
        config = boto3.client("config", "us-east-1")
        config.put_configuration_recorder(
            ConfigurationRecorder={"name": "d", "roleARN": "arn:aws:iam::123456789012:role/r"}
        )
        keys = [
            {"resourceType": type_, "resourceId": found["resourceId"]}
            for type_ in ("AWS::S3::Bucket", "AWS::IAM::Role", "AWS::IAM::Policy")
            for found in config.list_discovered_resources(resourceType=type_)["resourceIdentifiers"]
        ]
        answer = config.batch_get_resource_config(resourceKeys=keys)
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(answer, default=str))
        yield path


def test_what_the_api_answers_is_read_too(recorded: Path) -> None:
    found = {r.ref.type: r for r in read_export(recorded, Passed())}
    assert found["aws.s3_bucket"].document["PublicAccessBlock"]["BlockPublicAcls"] is True
    role = found["aws.iam_role"]
    assert role.document["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == "*"
    assert (role.ref.region, role.uid) == ("global", "arn:aws:iam::123456789012:role/r")
    assert found["aws.iam_policy"].document["Document"]["Statement"][0]["Action"] == "s3:Get*"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ({}, "`configurationItems` is no array"),
        (None, "`configurationItems` is no array"),
        (["x"], "a configuration item that is no object"),
    ],
)
def test_a_snapshot_of_another_form_is_refused_not_empty(tmp_path: Path, items: Any, said: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps({"fileVersion": "1.0", "configurationItems": items}))
    with pytest.raises(UsageError, match=f"snapshot.json:1: {said}"):
        list(read_export(path, Passed()))
    path.write_text(json.dumps({"fileVersion": "1.0", "configurationItems": []}))
    assert list(read_export(path, Passed())) == []
