"""What CloudTrail writes down of a call that changed something: which calls, and under which names.

Of a request and its answer a record holds here what names the resource, not all that was asked and answered: that is what the
event history is searched by, and what passwords and key material are no part of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from providers.aws.catalog.declare import search
from providers.sandbox.aws.cloudtrail import Done
from providers.sandbox.aws.wire import Answer, Asked, parse

_HOME: Final = "us-east-1"
"""Where the events of global services are."""
_READS: Final = (
    "Decrypt",
    "Derive",
    "Describe",
    "Encrypt",
    "Generate",
    "Get",
    "Head",
    "List",
    "Lookup",
    "ReEncrypt",
    "Select",
    "Sign",
    "Simulate",
    "Verify",
)
"""How operations begin that CloudTrail calls read-only: KMS's cryptography changes no key."""


@dataclass(frozen=True, slots=True)
class _Recorded:
    """How a service's calls are recorded."""

    source: str
    names: Mapping[str, str]
    """Parameter on the wire -> its name in the record."""
    resources: Mapping[str, str]
    """CloudFormation type -> JMESPath of the names, over ``request`` and ``response`` as they are recorded."""
    answered: str = "null"
    """JMESPath of what is recorded of the answer."""
    is_global: bool = False


_SERVICES: Final[Mapping[str, _Recorded]] = {
    "s3": _Recorded(
        "s3.amazonaws.com", {"Bucket": "bucketName"}, {"AWS::S3::Bucket": "[request.bucketName]"}
    ),
    "ec2": _Recorded(
        "ec2.amazonaws.com",
        {"GroupId": "groupId"},
        {"AWS::EC2::SecurityGroup": "[request.groupId, response.groupId]"},
        answered="{groupId: GroupId}",
    ),
    "iam": _Recorded(
        "iam.amazonaws.com",
        {
            "UserName": "userName",
            "RoleName": "roleName",
            "AccessKeyId": "accessKeyId",
            "PolicyArn": "policyArn",
            "PolicyName": "policyName",
        },
        {
            "AWS::IAM::User": "[request.userName, response.accessKey.userName]",
            "AWS::IAM::Role": "[request.roleName]",
            "AWS::IAM::AccessKey": "[request.accessKeyId, response.accessKey.accessKeyId]",
            "AWS::IAM::Policy": "[request.policyArn, response.policy.arn]",
        },
        answered=(
            "{user: User && {arn: User.Arn}, role: Role && {arn: Role.Arn}, policy: Policy && {arn: Policy.Arn},"
            " accessKey: AccessKey && {userName: AccessKey.UserName, accessKeyId: AccessKey.AccessKeyId}}"
        ),
        is_global=True,
    ),
    "kms": _Recorded(
        "kms.amazonaws.com",
        {"KeyId": "keyId"},
        {"AWS::KMS::Key": "[request.keyId, response.keyMetadata.arn]"},
        answered="{keyMetadata: KeyMetadata && {arn: KeyMetadata.Arn}}",
    ),
    "rds": _Recorded(
        "rds.amazonaws.com",
        {
            "DBInstanceIdentifier": "dBInstanceIdentifier",
            "DBSnapshotIdentifier": "dBSnapshotIdentifier",
        },
        {
            "AWS::RDS::DBInstance": "[request.dBInstanceIdentifier]",
            "AWS::RDS::DBSnapshot": "[request.dBSnapshotIdentifier]",
        },
    ),
    "cloudtrail": _Recorded(
        "cloudtrail.amazonaws.com",
        {"Name": "name", "TrailName": "trailName"},
        {"AWS::CloudTrail::Trail": "[request.name, request.trailName, response.trailARN]"},
        answered="{trailARN: TrailARN}",
    ),
}


def recorded(asked: Asked, answer: Answer, *, user: str, at: datetime) -> Done | None:
    """The record of a call that succeeded; None where CloudTrail's event history keeps none, or none that names what changed."""
    how = _SERVICES.get(asked.call.service)
    # What is done to objects is no management event.
    if how is None or asked.call.operation.startswith(_READS) or "Key" in asked.parameters:
        return None
    request = {name: asked.parameters[wire] for wire, name in how.names.items() if asked.parameters.get(wire)}
    result = parse(asked, answer) if how.answered != "null" else {}
    response = _held(search(how.answered, result))
    both = {"request": request, "response": response}
    resources = [
        (kind, name)
        for kind, path in how.resources.items()
        for name in dict.fromkeys(
            _searched_by(kind, str(found), asked) for found in search(path, both) if found
        )
    ]
    if not resources:
        return None
    return Done(
        source=how.source,
        name=asked.call.operation,
        at=at,
        user=user,
        resources=resources,
        parameters=request,
        answered=response,
    )


def region_of(asked: Asked, buckets_of: Callable[[str], Mapping[str, str]]) -> str:
    """Where a call is recorded: a bucket's in the bucket's region, whatever region was called. ``buckets_of`` gives the regions
    of an account's buckets."""
    if asked.call.service == "s3":
        bucket = str(asked.parameters.get("Bucket"))
        return buckets_of(asked.call.account).get(bucket) or asked.call.region
    how = _SERVICES.get(asked.call.service)
    return _HOME if how is not None and how.is_global else asked.call.region


def _searched_by(kind: str, name: str, asked: Asked) -> str:
    """The one name that a resource's events are found by, whichever of its names the caller said."""
    if kind == "AWS::KMS::Key" and not name.startswith(("arn:", "alias/")):
        return f"arn:aws:kms:{asked.call.region}:{asked.call.account}:key/{name}"
    if kind == "AWS::CloudTrail::Trail":
        return name.rpartition("/")[2]
    return name


def _held(answered: Any) -> dict[str, Any] | None:
    """What the answer tells; None where it tells nothing, as CloudTrail writes it."""
    found = {name: value for name, value in (answered or {}).items() if value}
    return found or None
