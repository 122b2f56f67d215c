"""From an ARN, or from the names in an API call, to the resource we know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.aws.catalog import Placement, ResourceType, catalog
from providers.resource import GLOBAL, ResourceRef


@dataclass(frozen=True, slots=True)
class Where:
    """Where an event happened; what an ARN leaves out is taken from here."""

    account: str
    region: str
    partition: str = "aws"


def ref_of_arn(arn: str, where: Where) -> ResourceRef | None:
    """The resource an ARN names, if it is of a declared type."""
    for declared in catalog().values():
        parts = declared.parse_arn(arn)
        if parts is not None:
            return _ref(declared, arn, parts, where)
    return None


def ref_of_name(type_name: str, names: Mapping[str, str], where: Where) -> ResourceRef | None:
    """The resource of a type that the fields of its ARN template name; None if they do not suffice."""
    declared = catalog()[type_name]
    fields = {
        "_partition": where.partition,
        "_account": where.account,
        "_region": where.region,
        "_path": "",
        **names,
    }
    try:
        arn = declared.arn.format_map(fields)
    except KeyError:
        return None
    parts = declared.parse_arn(arn)
    return None if parts is None else _ref(declared, arn, parts, where)


def _ref(declared: ResourceType, arn: str, parts: Mapping[str, str | None], where: Where) -> ResourceRef:
    if declared.placement is Placement.REGIONAL:
        region = parts.get("_region") or where.region
    elif declared.placement is Placement.ANYWHERE:
        region = where.region
    else:
        region = GLOBAL
    return ResourceRef(
        provider="aws",
        account=parts.get("_account") or where.account,
        region=region,
        type=declared.type,
        uid=arn,
    )


TRAIL_NAMES: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "s3.amazonaws.com": (("aws.s3_bucket", "Name", "requestParameters.bucketName"),),
    "ec2.amazonaws.com": (
        ("aws.security_group", "GroupId", "[requestParameters.groupId, responseElements.groupId]"),
        (
            "aws.ec2_instance",
            "InstanceId",
            (
                "[requestParameters.instanceId, requestParameters.instancesSet.items[].instanceId,"
                " responseElements.instancesSet.items[].instanceId][]"
            ),
        ),
        ("aws.ebs_volume", "VolumeId", "[requestParameters.volumeId, responseElements.volumeId]"),
        ("aws.vpc", "VpcId", "[requestParameters.vpcId, responseElements.vpc.vpcId]"),
        ("aws.subnet", "SubnetId", "[requestParameters.subnetId, responseElements.subnet.subnetId]"),
        ("aws.ebs_snapshot", "SnapshotId", "[requestParameters.snapshotId, responseElements.snapshotId]"),
        (
            "aws.vpc",
            "VpcId",
            "requestParameters.CreateFlowLogsRequest.ResourceId.[content][]",
        ),
    ),
    "iam.amazonaws.com": (
        ("aws.iam_user", "UserName", "[responseElements.user.arn || requestParameters.userName]"),
        ("aws.iam_role", "RoleName", "[responseElements.role.arn || requestParameters.roleName]"),
        ("aws.iam_policy", "PolicyName", "[responseElements.policy.arn || requestParameters.policyArn]"),
    ),
    "cloudtrail.amazonaws.com": (
        ("aws.cloudtrail", "Name", "[responseElements.trailARN || requestParameters.name]"),
    ),
    "kms.amazonaws.com": (
        ("aws.kms_key", "KeyId", "[responseElements.keyMetadata.arn || requestParameters.keyId]"),
    ),
    "elasticloadbalancing.amazonaws.com": (
        ("aws.elb", "LoadBalancerName", "requestParameters.loadBalancerName"),
        (
            "aws.lb",
            "LoadBalancerArn",
            "[requestParameters.loadBalancerArn, responseElements.loadBalancers[].loadBalancerArn][]",
        ),
    ),
    "rds.amazonaws.com": (
        ("aws.db_instance", "DBInstanceIdentifier", "requestParameters.dBInstanceIdentifier"),
        ("aws.db_snapshot", "DBSnapshotIdentifier", "requestParameters.dBSnapshotIdentifier"),
    ),
}
"""CloudTrail's event source -> (type, field of its ARN template, JMESPath of its name, id or ARN in the record)."""
