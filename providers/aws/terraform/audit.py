"""Trails and keys, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import blocks, field, policy, tags
from providers.terraform import TerraformType


def _selector(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "read_write_type": item.get("ReadWriteType"),
        "include_management_events": item.get("IncludeManagementEvents"),
        "data_resource": [
            {"type": resource.get("Type"), "values": resource.get("Values", [])}
            for resource in item.get("DataResources", ())
        ],
    }


CLOUDTRAIL = TerraformType(
    "aws_cloudtrail",
    {
        "id": field("Name"),
        "arn": field("TrailARN"),
        "name": field("Name"),
        "s3_bucket_name": field("S3BucketName"),
        "s3_key_prefix": field("S3KeyPrefix", ""),
        "enable_logging": field("Status.IsLogging", False),
        "enable_log_file_validation": field("LogFileValidationEnabled", False),
        "include_global_service_events": field("IncludeGlobalServiceEvents", False),
        "is_multi_region_trail": field("IsMultiRegionTrail", False),
        "is_organization_trail": field("IsOrganizationTrail", False),
        "home_region": field("HomeRegion"),
        "kms_key_id": field("KmsKeyId", ""),
        "cloud_watch_logs_group_arn": field("CloudWatchLogsLogGroupArn", ""),
        "cloud_watch_logs_role_arn": field("CloudWatchLogsRoleArn", ""),
        "sns_topic_name": field("SnsTopicName", ""),
        "event_selector": blocks("Selectors.EventSelectors", _selector),
        "tags": tags(),
    },
)

KMS_KEY = TerraformType(
    "aws_kms_key",
    {
        "id": field("KeyId"),
        "key_id": field("KeyId"),
        "arn": field("KeyArn"),
        "description": field("Metadata.Description", ""),
        "key_usage": field("Metadata.KeyUsage"),
        "customer_master_key_spec": field("Metadata.KeySpec"),
        "is_enabled": field("Metadata.Enabled", False),
        "multi_region": field("Metadata.MultiRegion", False),
        "enable_key_rotation": field("KeyRotationEnabled", False),
        "policy": policy,
        "tags": tags(),
    },
)
