"""Instances, volumes and databases, in Terraform's words."""

from __future__ import annotations

from typing import Any

from providers.aws.terraform.parts import field, tags
from providers.terraform import Document, TerraformType


def _metadata_options(document: Document) -> list[dict[str, Any]]:
    options = document.get("MetadataOptions") or {}
    return [
        {
            "http_endpoint": options.get("HttpEndpoint", "enabled"),
            "http_tokens": options.get("HttpTokens", "optional"),
            "http_put_response_hop_limit": options.get("HttpPutResponseHopLimit", 1),
            "instance_metadata_tags": options.get("InstanceMetadataTags", "disabled"),
        }
    ]


INSTANCE = TerraformType(
    "aws_instance",
    {
        "id": field("InstanceId"),
        "ami": field("ImageId"),
        "instance_type": field("InstanceType"),
        "instance_state": field("State.Name"),
        "availability_zone": field("Placement.AvailabilityZone"),
        "subnet_id": field("SubnetId"),
        "vpc_security_group_ids": lambda document: [
            group["GroupId"] for group in document.get("SecurityGroups") or ()
        ],
        "associate_public_ip_address": lambda document: bool(document.get("PublicIpAddress")),
        "public_ip": field("PublicIpAddress", ""),
        "private_ip": field("PrivateIpAddress", ""),
        "key_name": field("KeyName", ""),
        "iam_instance_profile": lambda document: str(
            (document.get("IamInstanceProfile") or {}).get("Arn", "")
        ).rpartition("/")[2],
        "monitoring": lambda document: (document.get("Monitoring") or {}).get("State") == "enabled",
        "ebs_optimized": field("EbsOptimized", False),
        "source_dest_check": field("SourceDestCheck", True),
        "metadata_options": _metadata_options,
        "tags": tags(),
    },
)

EBS_VOLUME = TerraformType(
    "aws_ebs_volume",
    {
        "id": field("VolumeId"),
        "availability_zone": field("AvailabilityZone"),
        "encrypted": field("Encrypted", False),
        "kms_key_id": field("KmsKeyId", ""),
        "size": field("Size"),
        "type": field("VolumeType"),
        "iops": field("Iops"),
        "snapshot_id": field("SnapshotId", ""),
        "multi_attach_enabled": field("MultiAttachEnabled", False),
        "tags": tags(),
    },
)

DB_INSTANCE = TerraformType(
    "aws_db_instance",
    {
        "id": field("DBInstanceIdentifier"),
        "identifier": field("DBInstanceIdentifier"),
        "arn": field("DBInstanceArn"),
        "engine": field("Engine"),
        "engine_version": field("EngineVersion"),
        "instance_class": field("DBInstanceClass"),
        "allocated_storage": field("AllocatedStorage"),
        "storage_encrypted": field("StorageEncrypted", False),
        "kms_key_id": field("KmsKeyId", ""),
        "publicly_accessible": field("PubliclyAccessible", False),
        "multi_az": field("MultiAZ", False),
        "backup_retention_period": field("BackupRetentionPeriod", 0),
        "deletion_protection": field("DeletionProtection", False),
        "auto_minor_version_upgrade": field("AutoMinorVersionUpgrade", False),
        "iam_database_authentication_enabled": field("IAMDatabaseAuthenticationEnabled", False),
        "enabled_cloudwatch_logs_exports": field("EnabledCloudwatchLogsExports", []),
        "copy_tags_to_snapshot": field("CopyTagsToSnapshot", False),
        "username": field("MasterUsername"),
        "vpc_security_group_ids": lambda document: [
            group["VpcSecurityGroupId"] for group in document.get("VpcSecurityGroups") or ()
        ],
        "tags": tags("TagList"),
    },
)
