"""Databases, caches and search. Aurora, DocumentDB and Neptune clusters are all ``aws.rds_cluster``: RDS lists the three,
and ``Engine`` tells them apart."""

from __future__ import annotations

from providers.aws.catalog.declare import Batch, Call, ResourceType, none, pick

_TABLE = {"TableName": "TableName"}

DYNAMODB_TABLE = ResourceType(
    type="aws.dynamodb_table",
    title="DynamoDB table",
    service="dynamodb",
    item="TableName",
    name="TableName",
    arn="arn:{_partition}:dynamodb:{_region}:{_account}:table/{TableName}",
    list=Call("ListTables", "TableNames[]"),
    get=Call("DescribeTable", "Table." + pick("TableName"), _TABLE, absent=none("ResourceNotFoundException")),
    details=(
        Call("DescribeTable", "Table", _TABLE, into="Table"),
        Call(
            "DescribeContinuousBackups",
            "ContinuousBackupsDescription.{Status: ContinuousBackupsStatus, PointInTimeRecovery:"
            " PointInTimeRecoveryDescription.PointInTimeRecoveryStatus}",
            _TABLE,
            into="Backups",
        ),
        Call(
            "GetResourcePolicy",
            "Policy",
            {"ResourceArn": "_arn"},
            into="Policy",
            json=True,
            absent=none("PolicyNotFoundException"),
        ),
        Call("ListTagsOfResource", "Tags", {"ResourceArn": "_arn"}, into="Tags"),
    ),
    volatile=frozenset(
        {
            "Table.TableSizeBytes",
            "Table.ItemCount",
            "Table.GlobalSecondaryIndexes.*.IndexSizeBytes",
            "Table.GlobalSecondaryIndexes.*.ItemCount",
            "Table.LocalSecondaryIndexes.*.IndexSizeBytes",
            "Table.LocalSecondaryIndexes.*.ItemCount",
        }
    ),
)

RDS_CLUSTER = ResourceType(
    type="aws.rds_cluster",
    title="RDS, DocumentDB or Neptune cluster",
    service="rds",
    id="DBClusterArn",
    arn="arn:{_partition}:rds:{_region}:{_account}:cluster:{DBClusterIdentifier}",
    name="DBClusterIdentifier",
    list=Call("DescribeDBClusters", "DBClusters[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeDBClusters",
        "DBClusters[]",
        {"DBClusterIdentifier": "DBClusterIdentifier"},
        absent=none("DBClusterNotFoundFault"),
    ),
    tags="TagList",
    volatile=frozenset({"LatestRestorableTime", "EarliestRestorableTime", "PercentProgress"}),
)

RDS_CLUSTER_SNAPSHOT = ResourceType(
    type="aws.db_cluster_snapshot",
    title="RDS cluster snapshot",
    service="rds",
    id="DBClusterSnapshotArn",
    arn="arn:{_partition}:rds:{_region}:{_account}:cluster-snapshot:{DBClusterSnapshotIdentifier}",
    name="DBClusterSnapshotIdentifier",
    tags="TagList",
    volatile=frozenset({"PercentProgress"}),
    list=Call("DescribeDBClusterSnapshots", "DBClusterSnapshots[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeDBClusterSnapshots",
        "DBClusterSnapshots[]",
        {"DBClusterSnapshotIdentifier": "DBClusterSnapshotIdentifier"},
        absent=none("DBClusterSnapshotNotFoundFault"),
    ),
    details=(
        Call(
            "DescribeDBClusterSnapshotAttributes",
            "DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes",
            {"DBClusterSnapshotIdentifier": "DBClusterSnapshotIdentifier"},
            into="Attributes",
        ),
    ),
)

DB_PARAMETER_GROUP = ResourceType(
    type="aws.db_parameter_group",
    title="RDS parameter group",
    service="rds",
    id="DBParameterGroupArn",
    tags="",
    arn="arn:{_partition}:rds:{_region}:{_account}:pg:{DBParameterGroupName}",
    name="DBParameterGroupName",
    list=Call("DescribeDBParameterGroups", "DBParameterGroups[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeDBParameterGroups",
        "DBParameterGroups[]",
        {"DBParameterGroupName": "DBParameterGroupName"},
        absent=none("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"),
    ),
    details=(
        # Only what was changed: a group has four hundred parameters.
        Call(
            "DescribeDBParameters",
            "Parameters[]." + pick("ParameterName", "ParameterValue"),
            {"DBParameterGroupName": "DBParameterGroupName", "Source": "'user'"},
            into="Parameters",
        ),
    ),
)

DB_SUBNET_GROUP = ResourceType(
    type="aws.db_subnet_group",
    title="RDS subnet group",
    service="rds",
    id="DBSubnetGroupArn",
    tags="",
    arn="arn:{_partition}:rds:{_region}:{_account}:subgrp:{DBSubnetGroupName}",
    name="DBSubnetGroupName",
    list=Call("DescribeDBSubnetGroups", "DBSubnetGroups[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeDBSubnetGroups",
        "DBSubnetGroups[]",
        {"DBSubnetGroupName": "DBSubnetGroupName"},
        absent=none("DBSubnetGroupNotFoundFault"),
    ),
)

DB_EVENT_SUBSCRIPTION = ResourceType(
    type="aws.db_event_subscription",
    title="RDS event subscription",
    service="rds",
    id="EventSubscriptionArn",
    arn="arn:{_partition}:rds:{_region}:{_account}:es:{CustSubscriptionId}",
    name="CustSubscriptionId",
    tags="",
    list=Call("DescribeEventSubscriptions", "EventSubscriptionsList[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeEventSubscriptions",
        "EventSubscriptionsList[]",
        {"SubscriptionName": "CustSubscriptionId"},
        absent=none("SubscriptionNotFound", "SubscriptionNotFoundFault"),
    ),
)

DB_PROXY = ResourceType(
    type="aws.db_proxy",
    title="RDS proxy",
    service="rds",
    id="DBProxyArn",
    name="DBProxyName",
    tags="",
    arn="arn:{_partition}:rds:{_region}:{_account}:db-proxy:{_id}",
    list=Call("DescribeDBProxies", "DBProxies[]"),
    get=Call("DescribeDBProxies", "DBProxies[]"),
    empty_is_gone=True,
)

REDSHIFT_CLUSTER = ResourceType(
    type="aws.redshift_cluster",
    title="Redshift cluster",
    service="redshift",
    name="ClusterIdentifier",
    arn="arn:{_partition}:redshift:{_region}:{_account}:cluster:{ClusterIdentifier}",
    list=Call("DescribeClusters", "Clusters[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeClusters",
        "Clusters[]",
        {"ClusterIdentifier": "ClusterIdentifier"},
        absent=none("ClusterNotFound", "ClusterNotFoundFault"),
    ),
    details=(
        Call(
            "DescribeLoggingStatus",
            pick("LoggingEnabled", "BucketName", "S3KeyPrefix", "LogDestinationType", "LogExports"),
            {"ClusterIdentifier": "ClusterIdentifier"},
            into="Logging",
        ),
        Call(
            "DescribeClusterParameters",
            "Parameters[]." + pick("ParameterName", "ParameterValue"),
            {"ParameterGroupName": "ClusterParameterGroups[0].ParameterGroupName", "Source": "'user'"},
            into="Parameters",
            when="ClusterParameterGroups",
        ),
    ),
    volatile=frozenset(
        {"NextMaintenanceWindowStartTime", "TotalStorageCapacityInMegaBytes", "RestoreStatus"}
    ),
)

REDSHIFT_WORKGROUP = ResourceType(
    type="aws.redshiftserverless_workgroup",
    title="Redshift Serverless workgroup",
    service="redshift-serverless",
    arn="arn:{_partition}:redshift-serverless:{_region}:{_account}:workgroup/{_id}",
    id="workgroupArn",
    tags="",
    name="workgroupName",
    list=Call("ListWorkgroups", "workgroups[]"),
    get=Call("ListWorkgroups", "workgroups[]"),
    empty_is_gone=True,
)

REDSHIFT_NAMESPACE = ResourceType(
    type="aws.redshiftserverless_namespace",
    title="Redshift Serverless namespace",
    service="redshift-serverless",
    arn="arn:{_partition}:redshift-serverless:{_region}:{_account}:namespace/{_id}",
    id="namespaceArn",
    tags="",
    name="namespaceName",
    list=Call("ListNamespaces", "namespaces[]"),
    get=Call("ListNamespaces", "namespaces[]"),
    empty_is_gone=True,
)

_CACHE_TAGS = Call("ListTagsForResource", "TagList", {"ResourceName": "ARN"}, into="Tags")
ELASTICACHE_CLUSTER = ResourceType(
    type="aws.elasticache_cluster",
    title="ElastiCache cluster",
    service="elasticache",
    id="ARN",
    name="CacheClusterId",
    arn="arn:{_partition}:elasticache:{_region}:{_account}:cluster:{CacheClusterId}",
    list=Call("DescribeCacheClusters", "CacheClusters[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeCacheClusters",
        "CacheClusters[]",
        {"CacheClusterId": "CacheClusterId"},
        absent=none("CacheClusterNotFound", "CacheClusterNotFoundFault"),
    ),
    details=(_CACHE_TAGS,),
)

ELASTICACHE_GROUP = ResourceType(
    type="aws.elasticache_replication_group",
    title="ElastiCache replication group",
    service="elasticache",
    id="ARN",
    arn="arn:{_partition}:elasticache:{_region}:{_account}:replicationgroup:{ReplicationGroupId}",
    name="ReplicationGroupId",
    list=Call("DescribeReplicationGroups", "ReplicationGroups[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeReplicationGroups",
        "ReplicationGroups[]",
        {"ReplicationGroupId": "ReplicationGroupId"},
        absent=none("ReplicationGroupNotFoundFault"),
    ),
    details=(_CACHE_TAGS,),
)

MEMORYDB_CLUSTER = ResourceType(
    type="aws.memorydb_cluster",
    title="MemoryDB cluster",
    service="memorydb",
    id="ARN",
    arn="arn:{_partition}:memorydb:{_region}:{_account}:cluster/{Name}",
    list=Call("DescribeClusters", "Clusters[]"),
    get=Call(
        "DescribeClusters",
        "Clusters[]",
        {"ClusterName": "Name"},
        absent=none("ClusterNotFoundFault", "ClusterNotFound"),
    ),
    details=(Call("ListTags", "TagList", {"ResourceArn": "ARN"}, into="Tags"),),
)

OPENSEARCH_DOMAIN = ResourceType(
    type="aws.opensearch_domain",
    title="OpenSearch or Elasticsearch domain",
    service="opensearch",
    name="DomainName",
    arn="arn:{_partition}:es:{_region}:{_account}:domain/{DomainName}",
    list=Call("ListDomainNames", "DomainNames[]." + pick("DomainName")),
    get=Call(
        "DescribeDomain",
        "DomainStatus." + pick("DomainName"),
        {"DomainName": "DomainName"},
        absent=none("ResourceNotFoundException"),
    ),
    details=(
        Call(
            "DescribeDomains",
            "DomainStatusList[]",
            {"DomainNames": "[DomainName]"},
            into="Domain",
            batch=Batch(5, "DomainNames", "DomainName", "DomainName"),
        ),
        Call("ListTags", "TagList", {"ARN": "_arn"}, into="Tags"),
    ),
    json=frozenset({"Domain.AccessPolicies"}),
)

DAX_CLUSTER = ResourceType(
    type="aws.dax_cluster",
    title="DAX cluster",
    service="dax",
    id="ClusterArn",
    name="ClusterName",
    arn="arn:{_partition}:dax:{_region}:{_account}:cache/{ClusterName}",
    list=Call("DescribeClusters", "Clusters[]"),
    get=Call(
        "DescribeClusters",
        "Clusters[]",
        {"ClusterNames": "[ClusterName]"},
        absent=none("ClusterNotFoundFault"),
    ),
    details=(Call("ListTags", "Tags", {"ResourceName": "ClusterArn"}, into="Tags"),),
)

TYPES = (
    DYNAMODB_TABLE,
    RDS_CLUSTER,
    RDS_CLUSTER_SNAPSHOT,
    DB_PARAMETER_GROUP,
    DB_SUBNET_GROUP,
    DB_EVENT_SUBSCRIPTION,
    DB_PROXY,
    REDSHIFT_CLUSTER,
    REDSHIFT_WORKGROUP,
    REDSHIFT_NAMESPACE,
    ELASTICACHE_CLUSTER,
    ELASTICACHE_GROUP,
    MEMORYDB_CLUSTER,
    OPENSEARCH_DOMAIN,
    DAX_CLUSTER,
)
