"""The Terraform views of AWS resources, with the attribute names of the Terraform AWS provider.

One function a type that is not plain renaming; the rest is declared. A block that is not configured is ABSENT_BLOCK; a
block that always exists in Terraform's state (``aws_elb.access_logs``, ``metadata_options``) is always given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from providers.resource import Resource
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType, TerraformView, view


def field(name: str, default: Any = None) -> Attribute:
    """The attribute is this document field; ``a.b`` goes into an object."""
    first, *rest = name.split(".")

    def have(document: Document) -> Any:
        value = document.get(first)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return default if value is None else value

    return have


def constant(value: Any) -> Attribute:
    """The attribute never differs (``force_destroy`` exists only in configurations)."""
    return lambda _: value


def block(name: str, make: Callable[[Any], dict[str, Any]]) -> Attribute:
    """The attribute is a block made from a document field, absent where the field is."""

    def have(document: Document) -> Any:
        value = field(name)(document)
        return [make(value)] if value else ABSENT_BLOCK

    return have


def blocks(name: str, make: Callable[[Any], dict[str, Any]]) -> Attribute:
    """The attribute is a block for each item of a document field; a list without blocks where there are none."""
    return lambda document: [make(item) for item in field(name)(document) or ()]


def tags(name: str = "Tags") -> Attribute:
    """Tags as a map."""

    def have(document: Document) -> dict[str, str]:
        return {tag.get("Key", tag.get("TagKey")): tag.get("Value", "") for tag in document.get(name) or ()}

    return have


# S3


def _policy(document: Document) -> str:
    found = document.get("Policy")
    return "" if found is None else orjson.dumps(found).decode()


def _encryption(found: Mapping[str, Any]) -> dict[str, Any]:
    def rule(item: Mapping[str, Any]) -> dict[str, Any]:
        by_default = item.get("ApplyServerSideEncryptionByDefault") or {}
        return {
            "apply_server_side_encryption_by_default": [
                {
                    "sse_algorithm": by_default.get("SSEAlgorithm"),
                    "kms_master_key_id": by_default.get("KMSMasterKeyID", ""),
                }
            ],
            "bucket_key_enabled": bool(item.get("BucketKeyEnabled", False)),
        }

    return {"rule": [rule(item) for item in found.get("Rules", ())]}


def _versioning(document: Document) -> Any:
    status = field("Versioning.Status")(document)
    mfa = field("Versioning.MFADelete")(document)
    return [{"enabled": status == "Enabled", "mfa_delete": mfa == "Enabled"}] if status else ABSENT_BLOCK


_ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
_AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
_LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
_CANNED = {
    frozenset[tuple[str, str]](): "private",
    frozenset({(_ALL_USERS, "READ")}): "public-read",
    frozenset({(_ALL_USERS, "READ"), (_ALL_USERS, "WRITE")}): "public-read-write",
    frozenset({(_AUTHENTICATED, "READ")}): "authenticated-read",
    frozenset({(_LOG_DELIVERY, "WRITE"), (_LOG_DELIVERY, "READ_ACP")}): "log-delivery-write",
}


def _foreign_grants(document: Document) -> list[Mapping[str, Any]]:
    owner = field("Acl.Owner")(document)
    grants: list[Mapping[str, Any]] = field("Acl.Grants", [])(document)
    return [grant for grant in grants if grant["Grantee"].get("ID") != owner]


def _acl(document: Document) -> str | None:
    """The canned ACL that these grants are; None where they are none."""
    grants = frozenset(
        (str(g["Grantee"].get("URI") or g["Grantee"].get("ID")), str(g["Permission"]))
        for g in _foreign_grants(document)
    )
    return _CANNED.get(grants)


def _grant(document: Document) -> Any:
    if _acl(document) is not None:
        return ABSENT_BLOCK
    grants: dict[tuple[str, str, str], set[str]] = {}
    for grant in field("Acl.Grants", [])(document):
        grantee = grant["Grantee"]
        key = (grantee.get("ID", ""), grantee.get("Type", ""), grantee.get("URI", ""))
        grants.setdefault(key, set()).add(grant["Permission"])
    return [
        {"id": key[0], "type": key[1], "uri": key[2], "permissions": sorted(permissions)}
        for key, permissions in sorted(grants.items())
    ]


def _lifecycle(rule: Mapping[str, Any]) -> dict[str, Any]:
    expiration = rule.get("Expiration") or {}
    return {
        "id": rule.get("ID"),
        "enabled": rule.get("Status") == "Enabled",
        "prefix": (rule.get("Filter") or {}).get("Prefix", rule.get("Prefix", "")),
        "expiration": [{"days": expiration.get("Days"), "date": expiration.get("Date")}]
        if expiration
        else [],
        "transition": [
            {"days": t.get("Days"), "storage_class": t.get("StorageClass")}
            for t in rule.get("Transitions", ())
        ],
    }


S3_BUCKET = TerraformType(
    "aws_s3_bucket",
    {
        "id": field("Name"),
        "bucket": field("Name"),
        "arn": lambda document: f"arn:aws:s3:::{document['Name']}",
        "region": field("BucketRegion"),
        "acl": _acl,
        "grant": _grant,
        "logging": block(
            "Logging",
            lambda v: {"target_bucket": v.get("TargetBucket"), "target_prefix": v.get("TargetPrefix", "")},
        ),
        "server_side_encryption_configuration": block("Encryption", _encryption),
        "versioning": _versioning,
        "policy": _policy,
        "website": block(
            "Website",
            lambda v: {
                "index_document": (v.get("IndexDocument") or {}).get("Suffix", ""),
                "error_document": (v.get("ErrorDocument") or {}).get("Key", ""),
                "redirect_all_requests_to": (v.get("RedirectAllRequestsTo") or {}).get("HostName", ""),
            },
        ),
        "lifecycle_rule": lambda document: (
            [_lifecycle(rule) for rule in document.get("Lifecycle") or ()] or ABSENT_BLOCK
        ),
        "force_destroy": constant(False),
        "tags": tags(),
    },
)

# Load balancers


def _elb_listener(item: Mapping[str, Any]) -> dict[str, Any]:
    listener = item.get("Listener") or {}
    return {
        "lb_port": listener.get("LoadBalancerPort"),
        "lb_protocol": str(listener.get("Protocol", "")).lower(),
        "instance_port": listener.get("InstancePort"),
        "instance_protocol": str(listener.get("InstanceProtocol", "")).lower(),
        "ssl_certificate_id": listener.get("SSLCertificateId", ""),
    }


def _elb_access_logs(document: Document) -> list[dict[str, Any]]:
    log = field("Attributes.AccessLog", {})(document)
    return [
        {
            "enabled": bool(log.get("Enabled", False)),
            "bucket": log.get("S3BucketName", ""),
            "bucket_prefix": log.get("S3BucketPrefix", ""),
            "interval": log.get("EmitInterval", 60),
        }
    ]


ELB = TerraformType(
    "aws_elb",
    {
        "id": field("LoadBalancerName"),
        "name": field("LoadBalancerName"),
        "dns_name": field("DNSName"),
        "internal": lambda document: document.get("Scheme") == "internal",
        "security_groups": field("SecurityGroups", []),
        "subnets": field("Subnets", []),
        "availability_zones": field("AvailabilityZones", []),
        "instances": lambda document: [i["InstanceId"] for i in document.get("Instances") or ()],
        "listener": blocks("ListenerDescriptions", _elb_listener),
        "access_logs": _elb_access_logs,
        "cross_zone_load_balancing": field("Attributes.CrossZoneLoadBalancing.Enabled", False),
        "connection_draining": field("Attributes.ConnectionDraining.Enabled", False),
        "connection_draining_timeout": field("Attributes.ConnectionDraining.Timeout", 300),
        "idle_timeout": field("Attributes.ConnectionSettings.IdleTimeout", 60),
        "tags": tags(),
    },
)


def _lb_attribute(key: str, default: str) -> Callable[[Document], str]:
    def have(document: Document) -> str:
        for attribute in document.get("Attributes") or ():
            if attribute["Key"] == key:
                return str(attribute.get("Value", default))
        return default

    return have


def _lb_flag(key: str, default: str = "false") -> Attribute:
    return lambda document: _lb_attribute(key, default)(document) == "true"


LB = TerraformType(
    "aws_lb",
    {
        "id": field("LoadBalancerArn"),
        "arn": field("LoadBalancerArn"),
        "name": field("LoadBalancerName"),
        "dns_name": field("DNSName"),
        "internal": lambda document: document.get("Scheme") == "internal",
        "load_balancer_type": field("Type"),
        "ip_address_type": field("IpAddressType"),
        "security_groups": field("SecurityGroups", []),
        "subnets": lambda document: [zone["SubnetId"] for zone in document.get("AvailabilityZones") or ()],
        "vpc_id": field("VpcId"),
        "access_logs": lambda document: [
            {
                "enabled": _lb_flag("access_logs.s3.enabled")(document),
                "bucket": _lb_attribute("access_logs.s3.bucket", "")(document),
                "prefix": _lb_attribute("access_logs.s3.prefix", "")(document),
            }
        ],
        "enable_deletion_protection": _lb_flag("deletion_protection.enabled"),
        "drop_invalid_header_fields": _lb_flag("routing.http.drop_invalid_header_fields.enabled"),
        "enable_http2": _lb_flag("routing.http2.enabled", "true"),
        "idle_timeout": lambda document: int(_lb_attribute("idle_timeout.timeout_seconds", "60")(document)),
        "tags": tags(),
    },
)

# Audit and keys


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
        "policy": _policy,
        "tags": tags(),
    },
)

# Identity

IAM_USER = TerraformType(
    "aws_iam_user",
    {
        "id": field("UserName"),
        "name": field("UserName"),
        "arn": field("Arn"),
        "path": field("Path", "/"),
        "unique_id": field("UserId"),
        "permissions_boundary": field("PermissionsBoundary.PermissionsBoundaryArn", ""),
        "force_destroy": constant(False),
        "tags": tags(),
    },
)

IAM_ACCESS_KEY = TerraformType(
    "aws_iam_access_key",
    {
        "id": field("AccessKeyId"),
        "user": field("UserName"),
        "status": field("Status"),
        "create_date": field("CreateDate"),
    },
)

IAM_ROLE = TerraformType(
    "aws_iam_role",
    {
        "id": field("RoleName"),
        "name": field("RoleName"),
        "arn": field("Arn"),
        "path": field("Path", "/"),
        "unique_id": field("RoleId"),
        "assume_role_policy": lambda document: orjson.dumps(
            document.get("AssumeRolePolicyDocument") or {}
        ).decode(),
        "managed_policy_arns": lambda document: [
            attached["PolicyArn"] for attached in document.get("AttachedManagedPolicies") or ()
        ],
        "inline_policy": blocks(
            "RolePolicyList",
            lambda item: {
                "name": item.get("PolicyName"),
                "policy": orjson.dumps(item.get("PolicyDocument") or {}).decode(),
            },
        ),
        "permissions_boundary": field("PermissionsBoundary.PermissionsBoundaryArn", ""),
        "tags": tags(),
    },
)

IAM_POLICY = TerraformType(
    "aws_iam_policy",
    {
        "id": field("Arn"),
        "arn": field("Arn"),
        "name": field("PolicyName"),
        "path": field("Path", "/"),
        "policy": lambda document: orjson.dumps(document.get("Document") or {}).decode(),
        "tags": tags(),
    },
)

# Networks


def _rules(name: str) -> Attribute:
    return lambda document: [_rule(item, document["GroupId"]) for item in document.get(name) or ()]


def _rule(item: Mapping[str, Any], own: str) -> dict[str, Any]:
    everything = item.get("IpProtocol") == "-1"
    groups = [pair.get("GroupId") for pair in item.get("UserIdGroupPairs", ())]
    ranges = [*item.get("IpRanges", ()), *item.get("Ipv6Ranges", ())]
    return {
        "from_port": 0 if everything else item.get("FromPort"),
        "to_port": 0 if everything else item.get("ToPort"),
        "protocol": item.get("IpProtocol"),
        "cidr_blocks": [found.get("CidrIp") for found in item.get("IpRanges", ())],
        "ipv6_cidr_blocks": [found.get("CidrIpv6") for found in item.get("Ipv6Ranges", ())],
        "prefix_list_ids": [found.get("PrefixListId") for found in item.get("PrefixListIds", ())],
        "security_groups": [group for group in groups if group != own],
        "self": own in groups,
        "description": next((found["Description"] for found in ranges if found.get("Description")), ""),
    }


SECURITY_GROUP = TerraformType(
    "aws_security_group",
    {
        "id": field("GroupId"),
        "name": field("GroupName"),
        "description": field("Description"),
        "vpc_id": field("VpcId"),
        "owner_id": field("OwnerId"),
        "ingress": _rules("IpPermissions"),
        "egress": _rules("IpPermissionsEgress"),
        "tags": tags(),
    },
)

VPC = TerraformType(
    "aws_vpc",
    {
        "id": field("VpcId"),
        "cidr_block": field("CidrBlock"),
        "instance_tenancy": field("InstanceTenancy"),
        "owner_id": field("OwnerId"),
        "tags": tags(),
    },
)

SUBNET = TerraformType(
    "aws_subnet",
    {
        "id": field("SubnetId"),
        "arn": field("SubnetArn"),
        "vpc_id": field("VpcId"),
        "cidr_block": field("CidrBlock"),
        "availability_zone": field("AvailabilityZone"),
        "map_public_ip_on_launch": field("MapPublicIpOnLaunch", False),
        "tags": tags(),
    },
)


def _flow_log_target(prefix: str) -> Attribute:
    def have(document: Document) -> Any:
        target = str(document.get("ResourceId") or "")
        return target if target.startswith(prefix) else None

    return have


FLOW_LOG = TerraformType(
    "aws_flow_log",
    {
        "id": field("FlowLogId"),
        "vpc_id": _flow_log_target("vpc-"),
        "subnet_id": _flow_log_target("subnet-"),
        "eni_id": _flow_log_target("eni-"),
        "traffic_type": field("TrafficType"),
        "log_destination_type": field("LogDestinationType", "cloud-watch-logs"),
        "log_destination": field("LogDestination", ""),
        "log_group_name": field("LogGroupName", ""),
        "tags": tags(),
    },
)

# Computing and data


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


@cache
def _views() -> Mapping[str, TerraformType]:
    return {
        "aws.s3_bucket": S3_BUCKET,
        "aws.elb": ELB,
        "aws.lb": LB,
        "aws.cloudtrail": CLOUDTRAIL,
        "aws.kms_key": KMS_KEY,
        "aws.iam_user": IAM_USER,
        "aws.iam_access_key": IAM_ACCESS_KEY,
        "aws.iam_role": IAM_ROLE,
        "aws.iam_policy": IAM_POLICY,
        "aws.security_group": SECURITY_GROUP,
        "aws.vpc": VPC,
        "aws.subnet": SUBNET,
        "aws.flow_log": FLOW_LOG,
        "aws.ec2_instance": INSTANCE,
        "aws.ebs_volume": EBS_VOLUME,
        "aws.db_instance": DB_INSTANCE,
    }


def types() -> Mapping[str, str]:
    """Terraform type -> our type."""
    return {declared.name: ours for ours, declared in _views().items()}


def view_of(resource: Resource) -> TerraformView | None:
    """The Terraform view of a resource, or None where we have none of its type."""
    declared = _views().get(resource.ref.type)
    return None if declared is None else view(declared, resource.document, resource.unread)
