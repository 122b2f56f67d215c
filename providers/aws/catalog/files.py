"""Files, their backups, and how they travel: EFS, FSx, Backup, S3 access points, Transfer, DMS."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none, pick

_NOT_FOUND = none("ResourceNotFoundException")
_FILES = {"FileSystemId": "FileSystemId"}

EFS_FILE_SYSTEM = ResourceType(
    type="aws.efs_file_system",
    title="EFS file system",
    service="efs",
    id="FileSystemArn",
    name="FileSystemId",
    arn="arn:{_partition}:elasticfilesystem:{_region}:{_account}:file-system/{FileSystemId}",
    list=Call("DescribeFileSystems", "FileSystems[]"),
    get=Call("DescribeFileSystems", "FileSystems[]", _FILES, absent=none("FileSystemNotFound")),
    details=(
        Call(
            "DescribeFileSystemPolicy",
            "Policy",
            _FILES,
            into="Policy",
            json=True,
            absent=none("PolicyNotFound"),
        ),
        Call(
            "DescribeBackupPolicy",
            "BackupPolicy.Status",
            _FILES,
            into="BackupPolicy",
            absent=none("PolicyNotFound"),
        ),
    ),
    volatile=frozenset({"SizeInBytes", "NumberOfMountTargets"}),
)

EFS_ACCESS_POINT = ResourceType(
    type="aws.efs_access_point",
    title="EFS access point",
    service="efs",
    id="AccessPointArn",
    name="AccessPointId",
    arn="arn:{_partition}:elasticfilesystem:{_region}:{_account}:access-point/{AccessPointId}",
    list=Call("DescribeAccessPoints", "AccessPoints[]"),
    get=Call(
        "DescribeAccessPoints",
        "AccessPoints[]",
        {"AccessPointId": "AccessPointId"},
        absent=none("AccessPointNotFound"),
    ),
)

FSX_FILE_SYSTEM = ResourceType(
    type="aws.fsx_file_system",
    title="FSx file system",
    service="fsx",
    id="ResourceARN",
    name="FileSystemId",
    arn="arn:{_partition}:fsx:{_region}:{_account}:file-system/{FileSystemId}",
    list=Call("DescribeFileSystems", "FileSystems[]"),
    get=Call(
        "DescribeFileSystems",
        "FileSystems[]",
        {"FileSystemIds": "[FileSystemId]"},
        absent=none("FileSystemNotFound"),
    ),
    volatile=frozenset({"AdministrativeActions"}),
)

_VAULT = pick(
    "BackupVaultName",
    "BackupVaultArn",
    "VaultType",
    "EncryptionKeyArn",
    "Locked",
    "MinRetentionDays",
    "MaxRetentionDays",
    "LockDate",
)
BACKUP_VAULT = ResourceType(
    type="aws.backup_vault",
    title="Backup vault",
    service="backup",
    id="BackupVaultArn",
    name="BackupVaultName",
    arn="arn:{_partition}:backup:{_region}:{_account}:backup-vault:{BackupVaultName}",
    list=Call("ListBackupVaults", "BackupVaultList[]." + _VAULT),
    get=Call("DescribeBackupVault", _VAULT, {"BackupVaultName": "BackupVaultName"}, absent=_NOT_FOUND),
    details=(
        Call(
            "GetBackupVaultAccessPolicy",
            "Policy",
            {"BackupVaultName": "BackupVaultName"},
            into="Policy",
            json=True,
            absent=_NOT_FOUND,
        ),
        Call(
            "ListTags",
            "Tags",
            {"ResourceArn": "BackupVaultArn"},
            into="Tags",
            token=("NextToken", "NextToken"),
        ),
    ),
)

BACKUP_PLAN = ResourceType(
    type="aws.backup_plan",
    title="Backup plan",
    service="backup",
    id="BackupPlanArn",
    name="BackupPlanName",
    arn="arn:{_partition}:backup:{_region}:{_account}:backup-plan:{BackupPlanId}",
    list=Call(
        "ListBackupPlans",
        "BackupPlansList[]." + pick("BackupPlanArn", "BackupPlanId", "BackupPlanName", "VersionId"),
    ),
    get=Call(
        "GetBackupPlan",
        "{BackupPlanArn: BackupPlanArn, BackupPlanId: BackupPlanId, BackupPlanName: BackupPlan.BackupPlanName,"
        " VersionId: VersionId}",
        {"BackupPlanId": "BackupPlanId"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call("GetBackupPlan", "BackupPlan", {"BackupPlanId": "BackupPlanId"}, into="Plan"),
        Call(
            "ListBackupSelections",
            "BackupSelectionsList",
            {"BackupPlanId": "BackupPlanId"},
            into="Selections",
        ),
        Call(
            "ListTags",
            "Tags",
            {"ResourceArn": "BackupPlanArn"},
            into="Tags",
            token=("NextToken", "NextToken"),
        ),
    ),
)

_POINT = {"AccountId": "_account", "Name": "Name"}
S3_ACCESS_POINT = ResourceType(
    type="aws.s3_access_point",
    title="S3 access point",
    service="s3control",
    tags="",
    arn="arn:{_partition}:s3:{_region}:{_account}:accesspoint/{Name}",
    list=Call(
        "ListAccessPoints",
        "AccessPointList[]." + pick("Name", "Bucket", "NetworkOrigin"),
        {"AccountId": "_account"},
        token=("NextToken", "NextToken"),
    ),
    get=Call(
        "GetAccessPoint", pick("Name", "Bucket", "NetworkOrigin"), _POINT, absent=none("NoSuchAccessPoint")
    ),
    details=(
        Call("GetAccessPoint", "PublicAccessBlockConfiguration", _POINT, into="PublicAccessBlock"),
        Call(
            "GetAccessPointPolicy",
            "Policy",
            _POINT,
            into="Policy",
            json=True,
            absent=none("NoSuchAccessPointPolicy"),
        ),
    ),
)

_SERVER = pick("Arn", "ServerId", "IdentityProviderType", "EndpointType", "State")
TRANSFER_SERVER = ResourceType(
    type="aws.transfer_server",
    title="Transfer server",
    service="transfer",
    id="Arn",
    name="ServerId",
    arn="arn:{_partition}:transfer:{_region}:{_account}:server/{ServerId}",
    tags="Server.Tags",
    list=Call("ListServers", "Servers[]." + _SERVER),
    get=Call("DescribeServer", "Server." + _SERVER, {"ServerId": "ServerId"}, absent=_NOT_FOUND),
    details=(Call("DescribeServer", "Server", {"ServerId": "ServerId"}, into="Server"),),
    volatile=frozenset({"Server.UserCount"}),
)

DMS_INSTANCE = ResourceType(
    type="aws.dms_replication_instance",
    title="DMS replication instance",
    service="dms",
    id="ReplicationInstanceArn",
    arn="arn:{_partition}:dms:{_region}:{_account}:rep:{_id}",
    name="ReplicationInstanceIdentifier",
    list=Call("DescribeReplicationInstances", "ReplicationInstances[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeReplicationInstances",
        "ReplicationInstances[]",
        {"Filters": "[{Name: 'replication-instance-arn', Values: [_arn]}]"},
        absent=none("ResourceNotFoundFault"),
    ),
    details=(Call("ListTagsForResource", "TagList", {"ResourceArn": "ReplicationInstanceArn"}, into="Tags"),),
)

DMS_ENDPOINT = ResourceType(
    type="aws.dms_endpoint",
    title="DMS endpoint",
    service="dms",
    id="EndpointArn",
    name="EndpointIdentifier",
    arn="arn:{_partition}:dms:{_region}:{_account}:endpoint:{_id}",
    list=Call("DescribeEndpoints", "Endpoints[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeEndpoints",
        "Endpoints[]",
        {"Filters": "[{Name: 'endpoint-arn', Values: [_arn]}]"},
        absent=none("ResourceNotFoundFault"),
    ),
    details=(Call("ListTagsForResource", "TagList", {"ResourceArn": "EndpointArn"}, into="Tags"),),
)

TYPES = (
    EFS_FILE_SYSTEM,
    EFS_ACCESS_POINT,
    FSX_FILE_SYSTEM,
    BACKUP_VAULT,
    BACKUP_PLAN,
    S3_ACCESS_POINT,
    TRANSFER_SERVER,
    DMS_INSTANCE,
    DMS_ENDPOINT,
)
