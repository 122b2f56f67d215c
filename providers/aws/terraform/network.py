"""Load balancers, security groups, networks and flow logs, in Terraform's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.aws.terraform.parts import blocks, field, tags
from providers.terraform import Attribute, Document, TerraformType


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
