"""EC2 instances, RDS, and a region's own settings."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none

EC2_INSTANCE = ResourceType(
    type="aws.ec2_instance",
    title="EC2 instance",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:instance/{InstanceId}",
    list=Call("DescribeInstances", "Reservations[].Instances[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeInstances",
        "Reservations[].Instances[]",
        {"InstanceIds": "[InstanceId]"},
        absent=none("InvalidInstanceID.NotFound"),
    ),
    name="InstanceId",
    volatile=frozenset({"UsageOperationUpdateTime", "ClientToken"}),
)

REGION = ResourceType(
    type="aws.region",
    title="Settings of an account in a region",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:region-settings",
    details=(Call("GetEbsEncryptionByDefault", "EbsEncryptionByDefault", into="EbsEncryptionByDefault"),),
    name="_region",
    tags="",
)

DB_INSTANCE = ResourceType(
    type="aws.db_instance",
    title="RDS instance",
    service="rds",
    arn="arn:{_partition}:rds:{_region}:{_account}:db:{DBInstanceIdentifier}",
    id="DBInstanceArn",
    list=Call("DescribeDBInstances", "DBInstances[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeDBInstances",
        "DBInstances[]",
        {"DBInstanceIdentifier": "DBInstanceIdentifier"},
        absent=none("DBInstanceNotFound", "DBInstanceNotFoundFault"),
    ),
    name="DBInstanceIdentifier",
    tags="TagList",
    volatile=frozenset({"LatestRestorableTime"}),
)

DB_SNAPSHOT = ResourceType(
    type="aws.db_snapshot",
    title="RDS snapshot",
    service="rds",
    arn="arn:{_partition}:rds:{_region}:{_account}:snapshot:{DBSnapshotIdentifier}",
    id="DBSnapshotArn",
    list=Call("DescribeDBSnapshots", "DBSnapshots[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeDBSnapshots",
        "DBSnapshots[]",
        {"DBSnapshotIdentifier": "DBSnapshotIdentifier"},
        absent=none("DBSnapshotNotFound", "DBSnapshotNotFoundFault"),
    ),
    details=(
        Call(
            "DescribeDBSnapshotAttributes",
            "DBSnapshotAttributesResult.DBSnapshotAttributes",
            {"DBSnapshotIdentifier": "DBSnapshotIdentifier"},
            into="Attributes",
        ),
    ),
    name="DBSnapshotIdentifier",
    tags="TagList",
    volatile=frozenset({"PercentProgress"}),
)

TYPES = (EC2_INSTANCE, REGION, DB_INSTANCE, DB_SNAPSHOT)
