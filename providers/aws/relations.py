"""Which AWS resources belong together. The paths are those of our documents, which are the services' own."""

from __future__ import annotations

from typing import Final

from providers.relation import Relation

ACCOUNT: Final = "aws.account"
"""The resource an account itself is."""

RELATIONS: Final = (
    Relation(
        "aws.ec2_instance", "document.SecurityGroups[].GroupId", "aws.security_group", "document.GroupId"
    ),
    Relation("aws.ec2_instance", "document.SubnetId", "aws.subnet", "document.SubnetId"),
    Relation("aws.ec2_instance", "document.VpcId", "aws.vpc", "document.VpcId"),
    Relation("aws.security_group", "document.VpcId", "aws.vpc", "document.VpcId"),
    Relation("aws.subnet", "document.VpcId", "aws.vpc", "document.VpcId"),
    Relation("aws.flow_log", "document.ResourceId", "aws.vpc", "document.VpcId"),
    Relation("aws.flow_log", "document.ResourceId", "aws.subnet", "document.SubnetId"),
    Relation(
        "aws.ebs_volume", "document.Attachments[].InstanceId", "aws.ec2_instance", "document.InstanceId"
    ),
    Relation("aws.ebs_snapshot", "document.VolumeId", "aws.ebs_volume", "document.VolumeId"),
    Relation("aws.lb", "document.SecurityGroups[]", "aws.security_group", "document.GroupId"),
    Relation(
        "aws.db_instance",
        "document.VpcSecurityGroups[].VpcSecurityGroupId",
        "aws.security_group",
        "document.GroupId",
    ),
    Relation("aws.s3_bucket", "account", "aws.account", "account"),
    Relation("aws.iam_access_key", "document.UserName", "aws.iam_user", "document.UserName"),
)
