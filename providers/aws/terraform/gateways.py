"""The ways into and out of networks, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import block, blocks, each, field, made, tags, text
from providers.terraform import ABSENT_BLOCK, TerraformType

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "-1": "-1"}


def _entries(egress: bool) -> Any:
    def have(document: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "rule_no": entry.get("RuleNumber"),
                "action": entry.get("RuleAction"),
                "protocol": _PROTOCOLS.get(str(entry.get("Protocol")), str(entry.get("Protocol"))),
                "from_port": field("PortRange.From", 0)(entry),
                "to_port": field("PortRange.To", 0)(entry),
                "icmp_type": field("IcmpTypeCode.Type", 0)(entry),
                "icmp_code": field("IcmpTypeCode.Code", 0)(entry),
                "cidr_block": entry.get("CidrBlock") or "",
                "ipv6_cidr_block": entry.get("Ipv6CidrBlock") or "",
            }
            for entry in field("Entries", ())(document)
            # The rule that AWS adds at the end is in no configuration.
            if bool(entry.get("Egress")) is egress and entry.get("RuleNumber") != 32767
        ]

    return have


NETWORK_ACL = TerraformType(
    "aws_network_acl",
    {
        "id": field("NetworkAclId"),
        "owner_id": field("OwnerId"),
        "vpc_id": field("VpcId"),
        "subnet_ids": each("Associations", "SubnetId"),
        "ingress": _entries(egress=False),
        "egress": _entries(egress=True),
        "tags": tags(),
    },
)

_ROUTE = made(
    cidr_block=field("DestinationCidrBlock", ""),
    ipv6_cidr_block=field("DestinationIpv6CidrBlock", ""),
    destination_prefix_list_id=field("DestinationPrefixListId", ""),
    carrier_gateway_id=field("CarrierGatewayId", ""),
    core_network_arn=field("CoreNetworkArn", ""),
    egress_only_gateway_id=field("EgressOnlyInternetGatewayId", ""),
    gateway_id=lambda item: (
        "" if str(item.get("GatewayId") or "").startswith("vpce-") else field("GatewayId", "")(item)
    ),
    local_gateway_id=field("LocalGatewayId", ""),
    nat_gateway_id=field("NatGatewayId", ""),
    network_interface_id=field("NetworkInterfaceId", ""),
    transit_gateway_id=field("TransitGatewayId", ""),
    vpc_endpoint_id=lambda item: (
        item["GatewayId"] if str(item.get("GatewayId") or "").startswith("vpce-") else ""
    ),
    vpc_peering_connection_id=field("VpcPeeringConnectionId", ""),
)

ROUTE_TABLE = TerraformType(
    "aws_route_table",
    {
        "id": field("RouteTableId"),
        "owner_id": field("OwnerId"),
        "vpc_id": field("VpcId"),
        "propagating_vgws": each("PropagatingVgws", "GatewayId"),
        "route": lambda document: [
            # The route within the VPC is in no configuration.
            _ROUTE(item)
            for item in field("Routes", ())(document)
            if item.get("GatewayId") != "local"
        ],
        "tags": tags(),
    },
)

INTERNET_GATEWAY = TerraformType(
    "aws_internet_gateway",
    {
        "id": field("InternetGatewayId"),
        "owner_id": field("OwnerId"),
        "vpc_id": lambda document: next(
            (found["VpcId"] for found in field("Attachments", ())(document) if found.get("VpcId")), ""
        ),
        "tags": tags(),
    },
)


def _address(key: str) -> Any:
    def have(document: Mapping[str, Any]) -> str:
        found = field("NatGatewayAddresses", ())(document)
        main = next((item for item in found if item.get("IsPrimary")), found[0] if found else {})
        return str(main.get(key) or "")

    return have


NAT_GATEWAY = TerraformType(
    "aws_nat_gateway",
    {
        "id": field("NatGatewayId"),
        "subnet_id": field("SubnetId", ""),
        "connectivity_type": field("ConnectivityType", "public"),
        "allocation_id": _address("AllocationId"),
        "network_interface_id": _address("NetworkInterfaceId"),
        "private_ip": _address("PrivateIp"),
        "public_ip": _address("PublicIp"),
        "tags": tags(),
    },
)

EIP = TerraformType(
    "aws_eip",
    {
        "id": field("AllocationId"),
        "allocation_id": field("AllocationId"),
        "association_id": field("AssociationId", ""),
        "domain": field("Domain"),
        "instance": field("InstanceId", ""),
        "network_interface": field("NetworkInterfaceId", ""),
        "private_ip": field("PrivateIpAddress", ""),
        "public_ip": field("PublicIp", ""),
        "public_ipv4_pool": field("PublicIpv4Pool", ""),
        "tags": tags(),
    },
)

NETWORK_INTERFACE = TerraformType(
    "aws_network_interface",
    {
        "id": field("NetworkInterfaceId"),
        "subnet_id": field("SubnetId"),
        "description": field("Description", ""),
        "interface_type": field("InterfaceType"),
        "mac_address": field("MacAddress"),
        "owner_id": field("OwnerId"),
        "private_ip": field("PrivateIpAddress", ""),
        "private_ips": each("PrivateIpAddresses", "PrivateIpAddress"),
        "ipv6_addresses": each("Ipv6Addresses", "Ipv6Address"),
        "security_groups": each("Groups", "GroupId"),
        "source_dest_check": field("SourceDestCheck", True),
        "attachment": lambda document: (
            [
                made(
                    attachment_id="AttachmentId", device_index="DeviceIndex", instance=field("InstanceId", "")
                )(found)
            ]
            if (found := field("Attachment")(document))
            else ABSENT_BLOCK
        ),
        "tags": tags("TagSet"),
    },
)

VPC_ENDPOINT = TerraformType(
    "aws_vpc_endpoint",
    {
        "id": field("VpcEndpointId"),
        "vpc_id": field("VpcId"),
        "service_name": field("ServiceName"),
        "vpc_endpoint_type": field("VpcEndpointType", "Gateway"),
        "state": field("State"),
        "policy": text("PolicyDocument"),
        "private_dns_enabled": field("PrivateDnsEnabled", False),
        "requester_managed": field("RequesterManaged", False),
        "route_table_ids": field("RouteTableIds", []),
        "subnet_ids": field("SubnetIds", []),
        "security_group_ids": each("Groups", "GroupId"),
        "network_interface_ids": field("NetworkInterfaceIds", []),
        "ip_address_type": field("IpAddressType", ""),
        "owner_id": field("OwnerId"),
        "tags": tags(),
    },
)

_PEERING = made(
    allow_remote_vpc_dns_resolution=field("PeeringOptions.AllowDnsResolutionFromRemoteVpc", False)
)

VPC_PEERING = TerraformType(
    "aws_vpc_peering_connection",
    {
        "id": field("VpcPeeringConnectionId"),
        "vpc_id": field("RequesterVpcInfo.VpcId"),
        "peer_vpc_id": field("AccepterVpcInfo.VpcId"),
        "peer_owner_id": field("AccepterVpcInfo.OwnerId"),
        "peer_region": field("AccepterVpcInfo.Region"),
        "accept_status": field("Status.Code"),
        "accepter": block("AccepterVpcInfo", _PEERING),
        "requester": block("RequesterVpcInfo", _PEERING),
        "tags": tags(),
    },
)

TRANSIT_GATEWAY = TerraformType(
    "aws_ec2_transit_gateway",
    {
        "id": field("TransitGatewayId"),
        "arn": field("TransitGatewayArn"),
        "description": field("Description", ""),
        "owner_id": field("OwnerId"),
        "amazon_side_asn": field("Options.AmazonSideAsn"),
        "auto_accept_shared_attachments": field("Options.AutoAcceptSharedAttachments", "disable"),
        "default_route_table_association": field("Options.DefaultRouteTableAssociation", "enable"),
        "default_route_table_propagation": field("Options.DefaultRouteTablePropagation", "enable"),
        "dns_support": field("Options.DnsSupport", "enable"),
        "multicast_support": field("Options.MulticastSupport", "disable"),
        "vpn_ecmp_support": field("Options.VpnEcmpSupport", "enable"),
        "transit_gateway_cidr_blocks": field("Options.TransitGatewayCidrBlocks", []),
        "tags": tags(),
    },
)


def _tunnel(number_: int, key: str) -> Any:
    def have(document: Mapping[str, Any]) -> Any:
        tunnels = field("Options.TunnelOptions", ())(document)
        return field(key, "")(tunnels[number_]) if len(tunnels) > number_ else ""

    return have


VPN_CONNECTION = TerraformType(
    "aws_vpn_connection",
    {
        "id": field("VpnConnectionId"),
        "type": field("Type"),
        "customer_gateway_id": field("CustomerGatewayId"),
        "vpn_gateway_id": field("VpnGatewayId", ""),
        "transit_gateway_id": field("TransitGatewayId", ""),
        "core_network_arn": field("CoreNetworkArn", ""),
        "static_routes_only": field("Options.StaticRoutesOnly", False),
        "enable_acceleration": field("Options.EnableAcceleration", False),
        "local_ipv4_network_cidr": field("Options.LocalIpv4NetworkCidr", ""),
        "remote_ipv4_network_cidr": field("Options.RemoteIpv4NetworkCidr", ""),
        "tunnel1_address": _tunnel(0, "OutsideIpAddress"),
        "tunnel1_inside_cidr": _tunnel(0, "TunnelInsideCidr"),
        "tunnel1_dpd_timeout_action": _tunnel(0, "DpdTimeoutAction"),
        "tunnel2_address": _tunnel(1, "OutsideIpAddress"),
        "tunnel2_inside_cidr": _tunnel(1, "TunnelInsideCidr"),
        "tunnel2_dpd_timeout_action": _tunnel(1, "DpdTimeoutAction"),
        "tags": tags(),
    },
)

TARGET_GROUP = TerraformType(
    "aws_lb_target_group",
    {
        "id": field("TargetGroupArn"),
        "arn": field("TargetGroupArn"),
        "name": field("TargetGroupName"),
        "port": field("Port"),
        "protocol": field("Protocol", ""),
        "protocol_version": field("ProtocolVersion", ""),
        "target_type": field("TargetType", "instance"),
        "vpc_id": field("VpcId", ""),
        "ip_address_type": field("IpAddressType", ""),
        "load_balancer_arns": field("LoadBalancerArns", []),
        "health_check": lambda document: [
            made(
                enabled=field("HealthCheckEnabled", True),
                protocol=field("HealthCheckProtocol", ""),
                port=field("HealthCheckPort", "traffic-port"),
                path=field("HealthCheckPath", ""),
                interval="HealthCheckIntervalSeconds",
                timeout="HealthCheckTimeoutSeconds",
                healthy_threshold="HealthyThresholdCount",
                unhealthy_threshold="UnhealthyThresholdCount",
                matcher=field("Matcher.HttpCode", ""),
            )(document)
        ],
        "tags": tags(),
    },
)

ROUTE53_ZONE = TerraformType(
    "aws_route53_zone",
    {
        "id": field("Id"),
        "zone_id": field("Id"),
        "name": lambda document: str(field("Name", "")(document)).removesuffix("."),
        "comment": field("Config.Comment", ""),
        "vpc": blocks("VPCs", made(vpc_id="VPCId", vpc_region="VPCRegion")),
        "tags": tags(),
    },
)
