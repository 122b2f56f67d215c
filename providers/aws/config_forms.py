"""Which of AWS Config's types are ours, and how its items of a few become the describe calls' answers.

The older types are those answers in another spelling: for them a line is enough. The newer ones are in CloudFormation's
schema (:mod:`providers.aws.config_schemas`). Which of our types are not mapped, and why: :mod:`providers.aws.config_gaps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import orjson

from providers.aws.config_model import Fields, Unfaithful, converted, parsed, shape_at
from providers.aws.config_schemas import SCHEMAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How Config's items of one type become our documents."""

    type: str
    fields: Mapping[str, str] | None = None
    """For an item that is not the describe call's answer: document field -> JMESPath over ``configuration`` and, below that
    name, ``supplementaryConfiguration``. None: every member of the answer under its own name."""
    supplements: Mapping[str, str] = field(default_factory=dict)
    """Member of ``supplementaryConfiguration`` -> document field of the same form in the API."""
    prepare: Callable[[Fields], None] = lambda _: None
    """Brings a configuration (which it may change) to the API's structure."""
    more: Callable[[Fields, Fields], Fields] = lambda _configuration, _supplementary: {}
    """Further document fields, from configuration and supplementary configuration."""


def _security_group(configuration: Fields) -> None:
    """Config gives a rule's IPv4 ranges twice: as plain text in ``ipRanges``, as the API's structure in ``ipv4Ranges``."""
    for name in ("ipPermissions", "ipPermissionsEgress"):
        for rule in _objects(configuration.get(name)):
            if "ipv4Ranges" in rule:
                rule["ipRanges"] = rule.pop("ipv4Ranges")
            elif isinstance(rule.get("ipRanges"), list):
                rule["ipRanges"] = [{"cidrIp": r} if isinstance(r, str) else r for r in rule["ipRanges"]]


def _objects(value: Any) -> list[Fields]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_PERMISSIONS: Final = {
    "FullControl": "FULL_CONTROL",
    "Read": "READ",
    "Write": "WRITE",
    "ReadAcp": "READ_ACP",
    "WriteAcp": "WRITE_ACP",
}
_GROUPS: Final = {
    "AllUsers": "http://acs.amazonaws.com/groups/global/AllUsers",
    "AuthenticatedUsers": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    "LogDelivery": "http://acs.amazonaws.com/groups/s3/LogDelivery",
}


def _bucket(_: Fields, more: Fields) -> Fields:
    """A bucket is almost all supplementary, each part in a form of its own. A part that is not there was not recorded."""
    out: Fields = {}
    for member, name, convert in (
        ("BucketLoggingConfiguration", "Logging", _logging),
        ("BucketPolicy", "Policy", _bucket_policy),
        ("BucketVersioningConfiguration", "Versioning", _versioning),
        ("AccessControlList", "Acl", _acl),
    ):
        if more.get(member) is not None:
            try:
                out[name] = convert(more[member])
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
    return out


def _logging(value: Fields) -> Fields | None:
    if value["destinationBucketName"] is None:
        return None
    return {"TargetBucket": value["destinationBucketName"], "TargetPrefix": value.get("logFilePrefix") or ""}


def _bucket_policy(value: Fields) -> Any:
    text = value["policyText"]
    return None if text is None else orjson.loads(text)


def _versioning(value: Fields) -> Fields:
    status, deletion = value["status"], value.get("isMfaDeleteEnabled")
    if isinstance(deletion, bool):
        deletion = "Enabled" if deletion else "Disabled"
    if status not in ("Enabled", "Suspended", "Off"):
        raise ValueError(status)
    return {
        "Status": None if status == "Off" else status,
        "MFADelete": None if deletion is None else str(deletion).title(),
    }


def _acl(value: Any) -> Fields:
    # Written as JSON within JSON.
    found = parsed(value)
    grants = []
    for grant in found["grantList"]:
        grantee = grant["grantee"]
        who = (
            {"Type": "Group", "URI": _GROUPS[grantee]}
            if isinstance(grantee, str)
            else {"Type": "CanonicalUser", "ID": grantee["id"]}
        )
        grants.append({"Grantee": who, "Permission": _PERMISSIONS[grant["permission"]]})
    return {"Owner": found["owner"]["id"], "Grants": grants}


def _key(configuration: Fields, more: Fields) -> Fields:
    out: Fields = {"KeyId": configuration["keyId"], "KeyArn": configuration["arn"]}
    shape = shape_at("kms", "DescribeKey", "KeyMetadata")
    assert shape is not None
    with suppress(Unfaithful):
        out["Metadata"] = converted(configuration, shape)
    rotated = more.get("KeyRotationStatus")
    if isinstance(rotated, bool):
        out["KeyRotationEnabled"] = rotated
    if isinstance(more.get("Policy"), dict):
        out["Policy"] = more["Policy"]
    return out


def _table(_: Fields, more: Fields) -> Fields:
    backups = more["ContinuousBackupsDescription"]
    recovery = backups["pointInTimeRecoveryDescription"]
    return {
        "Backups": {
            "Status": backups["continuousBackupsStatus"],
            "PointInTimeRecovery": recovery["pointInTimeRecoveryStatus"],
        }
    }


def _managed_policy(configuration: Fields, _: Fields) -> Fields:
    for version in configuration["policyVersionList"]:
        if version["isDefaultVersion"]:
            return {"Document": orjson.loads(unquote(version["document"]))}
    return {}


FORMS: Final[Mapping[str, Form]] = {
    **{
        config: Form(type=ours)
        for config, ours in {
            "AWS::ApiGateway::RestApi": "aws.api_gateway_rest_api",
            "AWS::ApiGateway::Stage": "aws.api_gateway_stage",
            "AWS::ApiGatewayV2::Api": "aws.apigatewayv2_api",
            "AWS::AutoScaling::AutoScalingGroup": "aws.autoscaling_group",
            "AWS::AutoScaling::LaunchConfiguration": "aws.launch_configuration",
            "AWS::CloudFormation::Stack": "aws.cloudformation_stack",
            "AWS::CloudWatch::Alarm": "aws.cloudwatch_metric_alarm",
            "AWS::EC2::CustomerGateway": "aws.customer_gateway",
            "AWS::EC2::EIP": "aws.eip",
            "AWS::EC2::EgressOnlyInternetGateway": "aws.egress_only_internet_gateway",
            "AWS::EC2::FlowLog": "aws.flow_log",
            "AWS::EC2::InternetGateway": "aws.internet_gateway",
            "AWS::EC2::NatGateway": "aws.nat_gateway",
            "AWS::EC2::NetworkAcl": "aws.network_acl",
            "AWS::EC2::NetworkInterface": "aws.network_interface",
            "AWS::EC2::RouteTable": "aws.route_table",
            "AWS::EC2::VPCEndpoint": "aws.vpc_endpoint",
            "AWS::EC2::VPCEndpointService": "aws.vpc_endpoint_service",
            "AWS::EC2::VPCPeeringConnection": "aws.vpc_peering_connection",
            "AWS::EC2::VPNConnection": "aws.vpn_connection",
            "AWS::EC2::VPNGateway": "aws.vpn_gateway",
            "AWS::ElasticBeanstalk::Environment": "aws.elastic_beanstalk_environment",
            "AWS::IAM::Group": "aws.iam_group",
            "AWS::Lambda::Function": "aws.lambda_function",
            "AWS::RDS::DBCluster": "aws.rds_cluster",
            "AWS::RDS::DBClusterSnapshot": "aws.db_cluster_snapshot",
            "AWS::RDS::DBSubnetGroup": "aws.db_subnet_group",
            "AWS::RDS::EventSubscription": "aws.db_event_subscription",
            "AWS::Redshift::Cluster": "aws.redshift_cluster",
        }.items()
    },
    **{config: Form(type=ours, fields=fields) for config, (ours, fields) in SCHEMAS.items()},
    "AWS::DynamoDB::Table": Form(
        type="aws.dynamodb_table",
        fields={"TableName": "tableName"},
        more=_table,
    ),
    "AWS::EC2::SecurityGroup": Form(type="aws.security_group", prepare=_security_group),
    "AWS::EC2::Volume": Form(type="aws.ebs_volume"),
    "AWS::EC2::VPC": Form(type="aws.vpc"),
    "AWS::EC2::Subnet": Form(type="aws.subnet"),
    "AWS::EC2::Instance": Form(type="aws.ec2_instance"),
    "AWS::RDS::DBInstance": Form(type="aws.db_instance"),
    "AWS::RDS::DBSnapshot": Form(type="aws.db_snapshot"),
    "AWS::CloudTrail::Trail": Form(type="aws.cloudtrail"),
    "AWS::ElasticLoadBalancing::LoadBalancer": Form(
        type="aws.elb", supplements={"LoadBalancerAttributes": "Attributes"}
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Form(
        type="aws.lb", supplements={"LoadBalancerAttributes": "Attributes"}
    ),
    "AWS::IAM::User": Form(type="aws.iam_user"),
    "AWS::IAM::Role": Form(type="aws.iam_role"),
    "AWS::IAM::Policy": Form(type="aws.iam_policy", more=_managed_policy),
    "AWS::KMS::Key": Form(type="aws.kms_key", more=_key),
    "AWS::S3::Bucket": Form(
        type="aws.s3_bucket",
        supplements={
            "ServerSideEncryptionConfiguration": "Encryption",
            "PublicAccessBlockConfiguration": "PublicAccessBlock",
        },
        more=_bucket,
    ),
}
"""Config's types that are understood."""
