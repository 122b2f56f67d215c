"""Databases, caches, search and streams of them, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import (
    always,
    block,
    blocks,
    each,
    equals,
    field,
    made,
    tags,
    text,
)
from providers.terraform import ABSENT_BLOCK, TerraformType

RDS_CLUSTER = TerraformType(
    "aws_rds_cluster",
    {
        "id": field("DBClusterIdentifier"),
        "arn": field("DBClusterArn"),
        "cluster_identifier": field("DBClusterIdentifier"),
        "engine": field("Engine"),
        "engine_mode": field("EngineMode"),
        "engine_version": field("EngineVersion"),
        "database_name": field("DatabaseName", ""),
        "master_username": field("MasterUsername"),
        "port": field("Port"),
        "storage_encrypted": field("StorageEncrypted", False),
        "kms_key_id": field("KmsKeyId", ""),
        "backup_retention_period": field("BackupRetentionPeriod", 0),
        "deletion_protection": field("DeletionProtection", False),
        "copy_tags_to_snapshot": field("CopyTagsToSnapshot", False),
        "iam_database_authentication_enabled": field("IAMDatabaseAuthenticationEnabled", False),
        "enabled_cloudwatch_logs_exports": field("EnabledCloudwatchLogsExports", []),
        "enable_http_endpoint": field("HttpEndpointEnabled", False),
        "performance_insights_enabled": field("PerformanceInsightsEnabled", False),
        "db_subnet_group_name": field("DBSubnetGroup", ""),
        "db_cluster_parameter_group_name": field("DBClusterParameterGroup", ""),
        "availability_zones": field("AvailabilityZones", []),
        "vpc_security_group_ids": each("VpcSecurityGroups", "VpcSecurityGroupId"),
        "backtrack_window": field("BacktrackWindow", 0),
        "tags": tags("TagList"),
    },
)


def _shared(document: Mapping[str, Any]) -> list[str]:
    """With whom a snapshot is shared; ``all`` is everyone."""
    return [
        value
        for attribute in field("Attributes", ())(document)
        if attribute.get("AttributeName") == "restore"
        for value in attribute.get("AttributeValues") or ()
    ]


DB_SNAPSHOT = TerraformType(
    "aws_db_snapshot",
    {
        "id": field("DBSnapshotIdentifier"),
        "db_snapshot_arn": field("DBSnapshotArn"),
        "db_snapshot_identifier": field("DBSnapshotIdentifier"),
        "db_instance_identifier": field("DBInstanceIdentifier"),
        "allocated_storage": field("AllocatedStorage"),
        "encrypted": field("Encrypted", False),
        "engine": field("Engine"),
        "engine_version": field("EngineVersion"),
        "kms_key_id": field("KmsKeyId", ""),
        "snapshot_type": field("SnapshotType"),
        "shared_accounts": _shared,
        "vpc_id": field("VpcId", ""),
        "tags": tags("TagList"),
    },
)

DB_CLUSTER_SNAPSHOT = TerraformType(
    "aws_db_cluster_snapshot",
    {
        "id": field("DBClusterSnapshotIdentifier"),
        "db_cluster_snapshot_arn": field("DBClusterSnapshotArn"),
        "db_cluster_snapshot_identifier": field("DBClusterSnapshotIdentifier"),
        "db_cluster_identifier": field("DBClusterIdentifier"),
        "storage_encrypted": field("StorageEncrypted", False),
        "engine": field("Engine"),
        "engine_version": field("EngineVersion"),
        "kms_key_id": field("KmsKeyId", ""),
        "snapshot_type": field("SnapshotType"),
        "shared_accounts": _shared,
        "vpc_id": field("VpcId", ""),
        "tags": tags("TagList"),
    },
)

DB_PARAMETER_GROUP = TerraformType(
    "aws_db_parameter_group",
    {
        "id": field("DBParameterGroupName"),
        "arn": field("DBParameterGroupArn"),
        "name": field("DBParameterGroupName"),
        "family": field("DBParameterGroupFamily"),
        "description": field("Description", ""),
        "parameter": blocks("Parameters", made(name="ParameterName", value=field("ParameterValue", ""))),
    },
)

DB_SUBNET_GROUP = TerraformType(
    "aws_db_subnet_group",
    {
        "id": field("DBSubnetGroupName"),
        "arn": field("DBSubnetGroupArn"),
        "name": field("DBSubnetGroupName"),
        "description": field("DBSubnetGroupDescription", ""),
        "subnet_ids": each("Subnets", "SubnetIdentifier"),
        "vpc_id": field("VpcId"),
    },
)

DB_EVENT_SUBSCRIPTION = TerraformType(
    "aws_db_event_subscription",
    {
        "id": field("CustSubscriptionId"),
        "arn": field("EventSubscriptionArn"),
        "name": field("CustSubscriptionId"),
        "enabled": field("Enabled", False),
        "event_categories": field("EventCategoriesList", []),
        "sns_topic": field("SnsTopicArn"),
        "source_ids": field("SourceIdsList", []),
        "source_type": field("SourceType", ""),
    },
)


def _encryption(document: Mapping[str, Any]) -> Any:
    found = field("Table.SSEDescription")(document)
    if not found:
        return ABSENT_BLOCK
    return [
        {
            "enabled": found.get("Status") in ("ENABLED", "ENABLING", "UPDATING"),
            "kms_key_arn": found.get("KMSMasterKeyArn", ""),
        }
    ]


def _key(kind: str) -> Any:
    def have(document: Mapping[str, Any]) -> str:
        keys = field("Table.KeySchema", ())(document)
        return next((str(key["AttributeName"]) for key in keys if key.get("KeyType") == kind), "")

    return have


DYNAMODB_TABLE = TerraformType(
    "aws_dynamodb_table",
    {
        "id": field("TableName"),
        "arn": field("Table.TableArn"),
        "name": field("TableName"),
        "billing_mode": field("Table.BillingModeSummary.BillingMode", "PROVISIONED"),
        "hash_key": _key("HASH"),
        "range_key": _key("RANGE"),
        "read_capacity": field("Table.ProvisionedThroughput.ReadCapacityUnits", 0),
        "write_capacity": field("Table.ProvisionedThroughput.WriteCapacityUnits", 0),
        "attribute": blocks("Table.AttributeDefinitions", made(name="AttributeName", type="AttributeType")),
        "deletion_protection_enabled": field("Table.DeletionProtectionEnabled", False),
        "stream_enabled": field("Table.StreamSpecification.StreamEnabled", False),
        "stream_view_type": field("Table.StreamSpecification.StreamViewType", ""),
        "stream_arn": field("Table.LatestStreamArn", ""),
        "table_class": field("Table.TableClassSummary.TableClass", "STANDARD"),
        "server_side_encryption": _encryption,
        "point_in_time_recovery": always(made(enabled=equals("Backups.PointInTimeRecovery", "ENABLED"))),
        "replica": blocks(
            "Table.Replicas",
            made(region_name="RegionName", kms_key_arn=field("KMSMasterKeyId", "")),
        ),
        "tags": tags(),
    },
)

REDSHIFT_CLUSTER = TerraformType(
    "aws_redshift_cluster",
    {
        "id": field("ClusterIdentifier"),
        "cluster_identifier": field("ClusterIdentifier"),
        "database_name": field("DBName", ""),
        "node_type": field("NodeType"),
        "number_of_nodes": field("NumberOfNodes"),
        "master_username": field("MasterUsername"),
        # The provider keeps this one as text.
        "encrypted": lambda document: str(bool(field("Encrypted", False)(document))).lower(),
        "kms_key_id": field("KmsKeyId", ""),
        "publicly_accessible": field("PubliclyAccessible", False),
        "enhanced_vpc_routing": field("EnhancedVpcRouting", False),
        "allow_version_upgrade": field("AllowVersionUpgrade", False),
        "automated_snapshot_retention_period": field("AutomatedSnapshotRetentionPeriod", 0),
        "cluster_subnet_group_name": field("ClusterSubnetGroupName", ""),
        "cluster_parameter_group_name": lambda document: next(
            (group["ParameterGroupName"] for group in field("ClusterParameterGroups", ())(document)), ""
        ),
        "vpc_security_group_ids": each("VpcSecurityGroups", "VpcSecurityGroupId"),
        "iam_roles": each("IamRoles", "IamRoleArn"),
        "availability_zone": field("AvailabilityZone", ""),
        "tags": tags(),
    },
)

_LOG_DELIVERY = made(
    destination=lambda item: (
        field("DestinationDetails.CloudWatchLogsDetails.LogGroup")(item)
        or field("DestinationDetails.KinesisFirehoseDetails.DeliveryStream", "")(item)
    ),
    destination_type="DestinationType",
    log_format="LogFormat",
    log_type="LogType",
)

ELASTICACHE_GROUP = TerraformType(
    "aws_elasticache_replication_group",
    {
        "id": field("ReplicationGroupId"),
        "arn": field("ARN"),
        "replication_group_id": field("ReplicationGroupId"),
        "description": field("Description", ""),
        "engine": field("Engine", "redis"),
        "node_type": field("CacheNodeType"),
        "at_rest_encryption_enabled": lambda document: str(
            bool(field("AtRestEncryptionEnabled", False)(document))
        ).lower(),
        "transit_encryption_enabled": field("TransitEncryptionEnabled", False),
        "transit_encryption_mode": field("TransitEncryptionMode", ""),
        "kms_key_id": field("KmsKeyId", ""),
        "automatic_failover_enabled": equals("AutomaticFailover", "enabled", "enabling"),
        "multi_az_enabled": equals("MultiAZ", "enabled"),
        "auto_minor_version_upgrade": lambda document: str(
            bool(field("AutoMinorVersionUpgrade", False)(document))
        ).lower(),
        "snapshot_retention_limit": field("SnapshotRetentionLimit", 0),
        "snapshot_window": field("SnapshotWindow", ""),
        "member_clusters": field("MemberClusters", []),
        "user_group_ids": field("UserGroupIds", []),
        "log_delivery_configuration": blocks("LogDeliveryConfigurations", _LOG_DELIVERY),
        "tags": tags(),
    },
)

ELASTICACHE_CLUSTER = TerraformType(
    "aws_elasticache_cluster",
    {
        "id": field("CacheClusterId"),
        "arn": field("ARN"),
        "cluster_id": field("CacheClusterId"),
        "engine": field("Engine"),
        "engine_version": field("EngineVersion"),
        "node_type": field("CacheNodeType"),
        "num_cache_nodes": field("NumCacheNodes"),
        "replication_group_id": field("ReplicationGroupId", ""),
        "subnet_group_name": field("CacheSubnetGroupName", ""),
        "security_group_ids": each("SecurityGroups", "SecurityGroupId"),
        "parameter_group_name": field("CacheParameterGroup.CacheParameterGroupName", ""),
        "notification_topic_arn": field("NotificationConfiguration.TopicArn", ""),
        "transit_encryption_enabled": field("TransitEncryptionEnabled", False),
        "snapshot_retention_limit": field("SnapshotRetentionLimit", 0),
        "auto_minor_version_upgrade": lambda document: str(
            bool(field("AutoMinorVersionUpgrade", False)(document))
        ).lower(),
        "log_delivery_configuration": blocks("LogDeliveryConfigurations", _LOG_DELIVERY),
        "tags": tags(),
    },
)

MEMORYDB_CLUSTER = TerraformType(
    "aws_memorydb_cluster",
    {
        "id": field("Name"),
        "arn": field("ARN"),
        "name": field("Name"),
        "description": field("Description", ""),
        "acl_name": field("ACLName"),
        "engine": field("Engine"),
        "engine_version": field("EngineVersion"),
        "node_type": field("NodeType"),
        "num_shards": field("NumberOfShards"),
        "tls_enabled": field("TLSEnabled", False),
        "kms_key_arn": field("KmsKeyId", ""),
        "snapshot_retention_limit": field("SnapshotRetentionLimit", 0),
        "subnet_group_name": field("SubnetGroupName", ""),
        "security_group_ids": each("SecurityGroups", "SecurityGroupId"),
        "auto_minor_version_upgrade": field("AutoMinorVersionUpgrade", False),
        "sns_topic_arn": field("SnsTopicArn", ""),
        "tags": tags(),
    },
)

DAX_CLUSTER = TerraformType(
    "aws_dax_cluster",
    {
        "id": field("ClusterName"),
        "arn": field("ClusterArn"),
        "cluster_name": field("ClusterName"),
        "description": field("Description", ""),
        "node_type": field("NodeType"),
        "replication_factor": field("TotalNodes"),
        "cluster_endpoint_encryption_type": field("ClusterEndpointEncryptionType", "NONE"),
        "server_side_encryption": always(
            made(enabled=equals("SSEDescription.Status", "ENABLED", "ENABLING"))
        ),
        "iam_role_arn": field("IamRoleArn"),
        "subnet_group_name": field("SubnetGroup", ""),
        "security_group_ids": each("SecurityGroups", "SecurityGroupIdentifier"),
        "tags": tags(),
    },
)


def _log_publishing(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "log_type": kind,
            "cloudwatch_log_group_arn": option.get("CloudWatchLogsLogGroupArn", ""),
            "enabled": bool(option.get("Enabled", False)),
        }
        for kind, option in sorted(field("Domain.LogPublishingOptions", {})(document).items())
    ]


OPENSEARCH_DOMAIN = TerraformType(
    "aws_opensearch_domain",
    {
        "arn": field("Domain.ARN"),
        "id": field("Domain.ARN"),
        "domain_name": field("DomainName"),
        "engine_version": field("Domain.EngineVersion"),
        "access_policies": text("Domain.AccessPolicies"),
        "encrypt_at_rest": always(
            made(
                enabled=field("Domain.EncryptionAtRestOptions.Enabled", False),
                kms_key_id=field("Domain.EncryptionAtRestOptions.KmsKeyId", ""),
            )
        ),
        "node_to_node_encryption": always(
            made(enabled=field("Domain.NodeToNodeEncryptionOptions.Enabled", False))
        ),
        "domain_endpoint_options": always(
            made(
                enforce_https=field("Domain.DomainEndpointOptions.EnforceHTTPS", False),
                tls_security_policy=field("Domain.DomainEndpointOptions.TLSSecurityPolicy", ""),
                custom_endpoint_enabled=field("Domain.DomainEndpointOptions.CustomEndpointEnabled", False),
                custom_endpoint=field("Domain.DomainEndpointOptions.CustomEndpoint", ""),
            )
        ),
        "advanced_security_options": always(
            made(
                enabled=field("Domain.AdvancedSecurityOptions.Enabled", False),
                internal_user_database_enabled=field(
                    "Domain.AdvancedSecurityOptions.InternalUserDatabaseEnabled", False
                ),
                anonymous_auth_enabled=field("Domain.AdvancedSecurityOptions.AnonymousAuthEnabled", False),
            )
        ),
        "vpc_options": block(
            "Domain.VPCOptions",
            made(
                vpc_id="VPCId",
                subnet_ids=field("SubnetIds", []),
                security_group_ids=field("SecurityGroupIds", []),
            ),
        ),
        "cluster_config": block(
            "Domain.ClusterConfig",
            made(
                instance_type="InstanceType",
                instance_count="InstanceCount",
                dedicated_master_enabled=field("DedicatedMasterEnabled", False),
                dedicated_master_count=field("DedicatedMasterCount", 0),
                zone_awareness_enabled=field("ZoneAwarenessEnabled", False),
            ),
        ),
        "log_publishing_options": _log_publishing,
        "tags": tags(),
    },
)
