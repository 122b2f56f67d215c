"""IAM permissions: derived from operation names, with the exceptions AWS made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

_PREFIXES: Final[Mapping[str, str]] = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "s3control": "s3",
    "efs": "elasticfilesystem",
    "opensearch": "es",
    "accessanalyzer": "access-analyzer",
    "stepfunctions": "states",
    "cloudcontrol": "cloudformation",
    "events": "events",
    "cloudwatch": "cloudwatch",
    "resourcegroupstaggingapi": "tag",
    "wafv2": "wafv2",
    "apigatewayv2": "apigateway",
    "emr": "elasticmapreduce",
    "macie2": "macie2",
    "ses": "ses",
    "sesv2": "ses",
    "ssm": "ssm",
    "docdb": "rds",
    "neptune": "rds",
    "sso-admin": "sso",
}
"""botocore's service name -> IAM prefix, where they differ."""

_NAMES: Final[Mapping[str, str]] = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "lambda:ListVersionsByFunction": "lambda:ListVersionsByFunction",
}
"""``service:Operation`` -> permission, where the names differ."""


def permission_of(service: str, operation: str) -> str:
    """The IAM permission that a call needs: ``s3:GetBucketLogging``."""
    exact = _NAMES.get(f"{service}:{operation}")
    return exact or f"{_PREFIXES.get(service, service)}:{operation}"


def policy(statements: Iterable[tuple[str, Iterable[str], str | list[str]]]) -> dict[str, Any]:
    """An IAM policy document of (Sid, actions, resources) statements; actions sorted, empty statements left out."""
    made = []
    for sid, actions, resources in statements:
        wanted = sorted(set(actions))
        if wanted:
            made.append({"Sid": sid, "Effect": "Allow", "Action": wanted, "Resource": resources})
    return {"Version": "2012-10-17", "Statement": made}
