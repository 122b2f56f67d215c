"""File systems and backups, in Terraform's words."""

from __future__ import annotations

from providers.aws.terraform.parts import always, block, blocks, field, made, tags
from providers.terraform import TerraformType

EFS_FILE_SYSTEM = TerraformType(
    "aws_efs_file_system",
    {
        "id": field("FileSystemId"),
        "arn": field("FileSystemArn"),
        "name": field("Name", ""),
        "creation_token": field("CreationToken"),
        "encrypted": field("Encrypted", False),
        "kms_key_id": field("KmsKeyId", ""),
        "owner_id": field("OwnerId"),
        "performance_mode": field("PerformanceMode"),
        "throughput_mode": field("ThroughputMode"),
        "provisioned_throughput_in_mibps": field("ProvisionedThroughputInMibps", 0),
        "availability_zone_name": field("AvailabilityZoneName", ""),
        "protection": always(
            made(replication_overwrite=field("FileSystemProtection.ReplicationOverwriteProtection", ""))
        ),
        "tags": tags(),
    },
)

BACKUP_VAULT = TerraformType(
    "aws_backup_vault",
    {
        "id": field("BackupVaultName"),
        "arn": field("BackupVaultArn"),
        "name": field("BackupVaultName"),
        "kms_key_arn": field("EncryptionKeyArn", ""),
        "tags": tags(),
    },
)

_LIFECYCLE = made(
    cold_storage_after=field("MoveToColdStorageAfterDays", 0),
    delete_after=field("DeleteAfterDays", 0),
)

BACKUP_PLAN = TerraformType(
    "aws_backup_plan",
    {
        "id": field("BackupPlanId"),
        "arn": field("BackupPlanArn"),
        "name": field("BackupPlanName"),
        "version": field("VersionId"),
        "rule": blocks(
            "Plan.Rules",
            made(
                rule_name="RuleName",
                target_vault_name="TargetBackupVaultName",
                schedule=field("ScheduleExpression", ""),
                start_window="StartWindowMinutes",
                completion_window="CompletionWindowMinutes",
                enable_continuous_backup=field("EnableContinuousBackup", False),
                lifecycle=block("Lifecycle", _LIFECYCLE),
                copy_action=blocks(
                    "CopyActions",
                    made(
                        destination_vault_arn="DestinationBackupVaultArn",
                        lifecycle=block("Lifecycle", _LIFECYCLE),
                    ),
                ),
            ),
        ),
        "tags": tags(),
    },
)
