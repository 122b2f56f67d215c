"""Config's form and back: a resource read from the emulated AWS, written as Config writes it, is the same document again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.aws.catalog import catalog
from providers.aws.export import Passed, read_export
from providers.aws.provider import AwsProvider
from providers.provider import Selection

TYPES = {
    "aws.security_group": "AWS::EC2::SecurityGroup",
    "aws.ebs_volume": "AWS::EC2::Volume",
    "aws.ec2_instance": "AWS::EC2::Instance",
    "aws.vpc": "AWS::EC2::VPC",
    "aws.subnet": "AWS::EC2::Subnet",
    "aws.db_instance": "AWS::RDS::DBInstance",
    "aws.cloudtrail": "AWS::CloudTrail::Trail",
    "aws.elb": "AWS::ElasticLoadBalancing::LoadBalancer",
}


def beans(value: Any) -> Any:
    """Names as the Java SDK's beans have them, which is what Config serialises: ``GroupId`` is ``groupId``."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: beans(item) for key, item in value.items()}
    return [beans(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_what_is_written_as_config_writes_it_is_read_as_it_was(
    provider: AwsProvider, tmp_path: Path, type_: str
) -> None:
    scopes = provider.discover(Selection(types=frozenset({type_}))).scopes
    resources = [resource for scope in scopes for resource in provider.read(scope)]
    assert resources
    details = {call.into for call in catalog()[type_].details}
    for resource in resources:
        listed = {key: value for key, value in resource.document.items() if key not in details}
        item = {
            "resourceType": TYPES[type_],
            "awsAccountId": resource.ref.account,
            "awsRegion": resource.ref.region,
            "ARN": resource.uid,
            "configurationItemStatus": "OK",
            "configuration": beans(listed),
        }
        path = tmp_path / "snapshot.json"
        path.write_text(json.dumps({"configurationItems": [item]}))
        (found,) = read_export(path, Passed())
        assert found.ref == resource.ref
        assert {key: found.document.get(key) for key in listed} == listed
        assert not set(found.unread) & set(listed)
