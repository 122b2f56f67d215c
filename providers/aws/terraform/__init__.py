"""The Terraform views of AWS resources, with the attribute names of the Terraform AWS provider.

One function a type that is not plain renaming; the rest is declared. A block that is not configured is ABSENT_BLOCK; a
block that always exists in Terraform's state (``aws_elb.access_logs``, ``metadata_options``) is always given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from providers.aws.terraform import audit, compute, identity, network, storage
from providers.resource import Resource
from providers.terraform import TerraformType, TerraformView, view


@cache
def _views() -> Mapping[str, TerraformType]:
    return {
        "aws.s3_bucket": storage.S3_BUCKET,
        "aws.elb": network.ELB,
        "aws.lb": network.LB,
        "aws.cloudtrail": audit.CLOUDTRAIL,
        "aws.kms_key": audit.KMS_KEY,
        "aws.iam_user": identity.IAM_USER,
        "aws.iam_access_key": identity.IAM_ACCESS_KEY,
        "aws.iam_role": identity.IAM_ROLE,
        "aws.iam_policy": identity.IAM_POLICY,
        "aws.security_group": network.SECURITY_GROUP,
        "aws.vpc": network.VPC,
        "aws.subnet": network.SUBNET,
        "aws.flow_log": network.FLOW_LOG,
        "aws.ec2_instance": compute.INSTANCE,
        "aws.ebs_volume": compute.EBS_VOLUME,
        "aws.db_instance": compute.DB_INSTANCE,
    }


def types() -> Mapping[str, str]:
    """Terraform type -> our type."""
    return {declared.name: ours for ours, declared in _views().items()}


def view_of(resource: Resource) -> TerraformView | None:
    """The Terraform view of a resource, or None where we have none of its type."""
    declared = _views().get(resource.ref.type)
    if declared is None:
        return None
    made = view(declared, resource.document, resource.unread)
    # A document may not hold its own ARN (a bucket's does not), and the partition is in nothing else.
    arn = {"arn": resource.uid} if "arn" in declared.attributes else {}
    return replace(made, attributes={**made.attributes, **arn})
