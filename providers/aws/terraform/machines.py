"""What machines are made from: snapshots, images, templates, groups, keys, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import block, blocks, each, field, made, tags
from providers.terraform import ABSENT_BLOCK, TerraformType

EBS_SNAPSHOT = TerraformType(
    "aws_ebs_snapshot",
    {
        "id": field("SnapshotId"),
        "volume_id": field("VolumeId"),
        "volume_size": field("VolumeSize"),
        "description": field("Description", ""),
        "encrypted": field("Encrypted", False),
        "kms_key_id": field("KmsKeyId", ""),
        "owner_id": field("OwnerId"),
        "storage_tier": field("StorageTier"),
        "tags": tags(),
    },
)

EBS_ENCRYPTION = TerraformType(
    "aws_ebs_encryption_by_default", {"enabled": field("EbsEncryptionByDefault", False)}
)

_EBS = {
    "delete_on_termination": field("Ebs.DeleteOnTermination"),
    "encrypted": field("Ebs.Encrypted", False),
    "iops": field("Ebs.Iops"),
    "snapshot_id": field("Ebs.SnapshotId", ""),
    "throughput": field("Ebs.Throughput"),
    "volume_size": field("Ebs.VolumeSize"),
    "volume_type": field("Ebs.VolumeType"),
}

AMI = TerraformType(
    "aws_ami",
    {
        "id": field("ImageId"),
        "name": field("Name"),
        "description": field("Description", ""),
        "architecture": field("Architecture"),
        "boot_mode": field("BootMode", ""),
        "deprecation_time": field("DeprecationTime", ""),
        "ena_support": field("EnaSupport", False),
        "image_location": field("ImageLocation"),
        "imds_support": field("ImdsSupport", ""),
        "owner_id": field("OwnerId"),
        "public": field("Public", False),
        "root_device_name": field("RootDeviceName"),
        "tpm_support": field("TpmSupport", ""),
        "virtualization_type": field("VirtualizationType"),
        "ebs_block_device": lambda document: [
            made(device_name="DeviceName", **_EBS)(item)
            for item in field("BlockDeviceMappings", ())(document)
            if item.get("Ebs")
        ],
        "tags": tags(),
    },
)

_METADATA = made(
    http_endpoint=field("HttpEndpoint", "enabled"),
    http_tokens=field("HttpTokens", "optional"),
    http_put_response_hop_limit=field("HttpPutResponseHopLimit", 1),
)


def _default_version(document: Mapping[str, Any]) -> Mapping[str, Any]:
    versions = document.get("Versions") or ()
    found = next((v for v in versions if v.get("DefaultVersion")), None)
    return field("LaunchTemplateData", {})(found) if found else {}


def _of_default(part: Any) -> Any:
    return lambda document: part(_default_version(document))


_TEMPLATE_INTERFACE = made(
    associate_public_ip_address=lambda item: (
        "" if item.get("AssociatePublicIpAddress") is None else str(item["AssociatePublicIpAddress"]).lower()
    ),
    delete_on_termination=lambda item: (
        "" if item.get("DeleteOnTermination") is None else str(item["DeleteOnTermination"]).lower()
    ),
    description=field("Description", ""),
    device_index="DeviceIndex",
    network_interface_id=field("NetworkInterfaceId", ""),
    security_groups=field("Groups", []),
    subnet_id=field("SubnetId", ""),
)


def _template_ebs(item: Mapping[str, Any]) -> Any:
    ebs = item.get("Ebs")
    if not ebs:
        return ABSENT_BLOCK

    def said(name: str) -> str:  # the provider keeps these three states as text
        return "" if ebs.get(name) is None else str(ebs[name]).lower()

    return [
        {
            "delete_on_termination": said("DeleteOnTermination"),
            "encrypted": said("Encrypted"),
            "iops": ebs.get("Iops"),
            "kms_key_id": ebs.get("KmsKeyId", ""),
            "snapshot_id": ebs.get("SnapshotId", ""),
            "throughput": ebs.get("Throughput"),
            "volume_size": ebs.get("VolumeSize"),
            "volume_type": ebs.get("VolumeType", ""),
        }
    ]


LAUNCH_TEMPLATE = TerraformType(
    "aws_launch_template",
    {
        "id": field("LaunchTemplateId"),
        "name": field("LaunchTemplateName"),
        "default_version": field("DefaultVersionNumber"),
        "latest_version": field("LatestVersionNumber"),
        "image_id": _of_default(field("ImageId", "")),
        "instance_type": _of_default(field("InstanceType", "")),
        "key_name": _of_default(field("KeyName", "")),
        "disable_api_termination": _of_default(field("DisableApiTermination", False)),
        "vpc_security_group_ids": _of_default(field("SecurityGroupIds", [])),
        "iam_instance_profile": _of_default(
            block("IamInstanceProfile", made(arn=field("Arn", ""), name=field("Name", "")))
        ),
        "monitoring": _of_default(block("Monitoring", made(enabled=field("Enabled", False)))),
        "metadata_options": _of_default(
            block(
                "MetadataOptions",
                made(
                    http_endpoint=field("HttpEndpoint", "enabled"),
                    http_tokens=field("HttpTokens", "optional"),
                    http_put_response_hop_limit=field("HttpPutResponseHopLimit", 1),
                    http_protocol_ipv6=field("HttpProtocolIpv6", "disabled"),
                    instance_metadata_tags=field("InstanceMetadataTags", "disabled"),
                ),
            )
        ),
        "network_interfaces": _of_default(blocks("NetworkInterfaces", _TEMPLATE_INTERFACE)),
        "block_device_mappings": _of_default(
            blocks("BlockDeviceMappings", made(device_name="DeviceName", ebs=_template_ebs))
        ),
        "tags": tags(),
    },
)
"""As its default version says, which is what machines are launched from unless they name another."""


def _root(item: Mapping[str, Any]) -> bool:
    return item.get("DeviceName") in ("/dev/xvda", "/dev/sda1")


LAUNCH_CONFIGURATION = TerraformType(
    "aws_launch_configuration",
    {
        "id": field("LaunchConfigurationName"),
        "arn": field("LaunchConfigurationARN"),
        "name": field("LaunchConfigurationName"),
        "image_id": field("ImageId"),
        "instance_type": field("InstanceType"),
        "key_name": field("KeyName", ""),
        "security_groups": field("SecurityGroups", []),
        "iam_instance_profile": field("IamInstanceProfile", ""),
        "associate_public_ip_address": field("AssociatePublicIpAddress", False),
        "ebs_optimized": field("EbsOptimized", False),
        "enable_monitoring": field("InstanceMonitoring.Enabled", True),
        "metadata_options": block("MetadataOptions", _METADATA),
        "ebs_block_device": lambda document: [
            made(device_name="DeviceName", **_EBS)(item)
            for item in field("BlockDeviceMappings", ())(document)
            if item.get("Ebs") and not _root(item)
        ],
        "root_block_device": lambda document: (
            [
                {k: part(item) for k, part in _EBS.items() if k != "snapshot_id"}
                for item in field("BlockDeviceMappings", ())(document)
                if item.get("Ebs") and _root(item)
            ]
            or ABSENT_BLOCK
        ),
    },
)

_TEMPLATE = made(
    id=field("LaunchTemplateId", ""), name=field("LaunchTemplateName", ""), version=field("Version", "")
)

AUTOSCALING_GROUP = TerraformType(
    "aws_autoscaling_group",
    {
        "id": field("AutoScalingGroupName"),
        "arn": field("AutoScalingGroupARN"),
        "name": field("AutoScalingGroupName"),
        "min_size": field("MinSize"),
        "max_size": field("MaxSize"),
        "desired_capacity": field("DesiredCapacity"),
        "availability_zones": field("AvailabilityZones", []),
        "vpc_zone_identifier": lambda document: [
            subnet for subnet in str(field("VPCZoneIdentifier", "")(document)).split(",") if subnet
        ],
        "health_check_type": field("HealthCheckType"),
        "health_check_grace_period": field("HealthCheckGracePeriod", 0),
        "launch_configuration": field("LaunchConfigurationName", ""),
        "launch_template": block("LaunchTemplate", _TEMPLATE),
        "load_balancers": field("LoadBalancerNames", []),
        "target_group_arns": field("TargetGroupARNs", []),
        "protect_from_scale_in": field("NewInstancesProtectedFromScaleIn", False),
        "service_linked_role_arn": field("ServiceLinkedRoleARN", ""),
        "max_instance_lifetime": field("MaxInstanceLifetime", 0),
        "suspended_processes": each("SuspendedProcesses", "ProcessName"),
        "enabled_metrics": each("EnabledMetrics", "Metric"),
        "tag": blocks(
            "Tags",
            made(key="Key", value=field("Value", ""), propagate_at_launch=field("PropagateAtLaunch", False)),
        ),
    },
)

KEY_PAIR = TerraformType(
    "aws_key_pair",
    {
        "id": field("KeyName"),
        "key_name": field("KeyName"),
        "key_pair_id": field("KeyPairId"),
        "key_type": field("KeyType"),
        "fingerprint": field("KeyFingerprint"),
        "tags": tags(),
    },
)
