"""What joins networks and lets in or out: gateways, routes, ACLs, endpoints, peerings, VPNs."""

from __future__ import annotations

from providers.aws.catalog.declare import Batch, Call, ResourceType, none

NETWORK_ACL = ResourceType(
    type="aws.network_acl",
    title="Network ACL",
    service="ec2",
    name="NetworkAclId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:network-acl/{NetworkAclId}",
    list=Call("DescribeNetworkAcls", "NetworkAcls[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeNetworkAcls",
        "NetworkAcls[]",
        {"NetworkAclIds": "[NetworkAclId]"},
        absent=none("InvalidNetworkAclID.NotFound"),
    ),
)

ROUTE_TABLE = ResourceType(
    type="aws.route_table",
    title="Route table",
    service="ec2",
    name="RouteTableId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:route-table/{RouteTableId}",
    list=Call("DescribeRouteTables", "RouteTables[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeRouteTables",
        "RouteTables[]",
        {"RouteTableIds": "[RouteTableId]"},
        absent=none("InvalidRouteTableID.NotFound"),
    ),
)

INTERNET_GATEWAY = ResourceType(
    type="aws.internet_gateway",
    title="Internet gateway",
    service="ec2",
    name="InternetGatewayId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:internet-gateway/{InternetGatewayId}",
    list=Call("DescribeInternetGateways", "InternetGateways[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeInternetGateways",
        "InternetGateways[]",
        {"InternetGatewayIds": "[InternetGatewayId]"},
        absent=none("InvalidInternetGatewayID.NotFound"),
    ),
)

EGRESS_GATEWAY = ResourceType(
    type="aws.egress_only_internet_gateway",
    title="Egress-only internet gateway",
    service="ec2",
    name="EgressOnlyInternetGatewayId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:egress-only-internet-gateway/{EgressOnlyInternetGatewayId}",
    list=Call("DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways[]"),
    get=Call(
        "DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways[]",
        {"EgressOnlyInternetGatewayIds": "[EgressOnlyInternetGatewayId]"},
        absent=none("InvalidGatewayID.NotFound"),
    ),
)

NAT_GATEWAY = ResourceType(
    type="aws.nat_gateway",
    title="NAT gateway",
    service="ec2",
    name="NatGatewayId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:natgateway/{NatGatewayId}",
    list=Call("DescribeNatGateways", "NatGateways[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeNatGateways",
        "NatGateways[]",
        {"NatGatewayIds": "[NatGatewayId]"},
        absent=none("NatGatewayNotFound"),
    ),
)

EIP = ResourceType(
    type="aws.eip",
    title="Elastic IP address",
    service="ec2",
    name="PublicIp",
    arn="arn:{_partition}:ec2:{_region}:{_account}:elastic-ip/{AllocationId}",
    list=Call("DescribeAddresses", "Addresses[]"),
    get=Call(
        "DescribeAddresses",
        "Addresses[]",
        {"AllocationIds": "[AllocationId]"},
        absent=none("InvalidAllocationID.NotFound"),
    ),
)

NETWORK_INTERFACE = ResourceType(
    type="aws.network_interface",
    title="Network interface",
    service="ec2",
    name="NetworkInterfaceId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:network-interface/{NetworkInterfaceId}",
    list=Call("DescribeNetworkInterfaces", "NetworkInterfaces[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeNetworkInterfaces",
        "NetworkInterfaces[]",
        {"NetworkInterfaceIds": "[NetworkInterfaceId]"},
        absent=none("InvalidNetworkInterfaceID.NotFound"),
    ),
    tags="TagSet",
)

TRANSIT_GATEWAY = ResourceType(
    type="aws.ec2_transit_gateway",
    title="Transit gateway",
    service="ec2",
    name="TransitGatewayId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:transit-gateway/{TransitGatewayId}",
    list=Call("DescribeTransitGateways", "TransitGateways[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeTransitGateways",
        "TransitGateways[]",
        {"TransitGatewayIds": "[TransitGatewayId]"},
        absent=none("InvalidTransitGatewayID.NotFound"),
    ),
    id="TransitGatewayArn",
)

TRANSIT_ATTACHMENT = ResourceType(
    type="aws.ec2_transit_gateway_vpc_attachment",
    title="VPC attached to a transit gateway",
    service="ec2",
    name="TransitGatewayAttachmentId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:transit-gateway-attachment/{TransitGatewayAttachmentId}",
    list=Call(
        "DescribeTransitGatewayVpcAttachments", "TransitGatewayVpcAttachments[]", {"MaxResults": "`1000`"}
    ),
    get=Call(
        "DescribeTransitGatewayVpcAttachments",
        "TransitGatewayVpcAttachments[]",
        {"TransitGatewayAttachmentIds": "[TransitGatewayAttachmentId]"},
        absent=none("InvalidTransitGatewayAttachmentID.NotFound"),
    ),
)

VPC_ENDPOINT = ResourceType(
    type="aws.vpc_endpoint",
    title="VPC endpoint",
    service="ec2",
    name="VpcEndpointId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpc-endpoint/{VpcEndpointId}",
    list=Call("DescribeVpcEndpoints", "VpcEndpoints[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeVpcEndpoints",
        "VpcEndpoints[]",
        {"VpcEndpointIds": "[VpcEndpointId]"},
        absent=none("InvalidVpcEndpointId.NotFound"),
    ),
    json=frozenset({"PolicyDocument"}),
)

VPC_ENDPOINT_SERVICE = ResourceType(
    type="aws.vpc_endpoint_service",
    title="VPC endpoint service",
    service="ec2",
    name="ServiceId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpc-endpoint-service/{ServiceId}",
    list=Call("DescribeVpcEndpointServiceConfigurations", "ServiceConfigurations[]"),
    get=Call(
        "DescribeVpcEndpointServiceConfigurations",
        "ServiceConfigurations[]",
        {"ServiceIds": "[ServiceId]"},
        absent=none("InvalidVpcEndpointServiceId.NotFound"),
    ),
    details=(
        Call(
            "DescribeVpcEndpointServicePermissions",
            "AllowedPrincipals",
            {"ServiceId": "ServiceId"},
            into="AllowedPrincipals",
        ),
    ),
)

VPC_PEERING = ResourceType(
    type="aws.vpc_peering_connection",
    title="VPC peering",
    service="ec2",
    name="VpcPeeringConnectionId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpc-peering-connection/{VpcPeeringConnectionId}",
    list=Call("DescribeVpcPeeringConnections", "VpcPeeringConnections[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeVpcPeeringConnections",
        "VpcPeeringConnections[]",
        {"VpcPeeringConnectionIds": "[VpcPeeringConnectionId]"},
        absent=none("InvalidVpcPeeringConnectionID.NotFound"),
    ),
)

VPN_CONNECTION = ResourceType(
    type="aws.vpn_connection",
    title="VPN connection",
    service="ec2",
    name="VpnConnectionId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpn-connection/{VpnConnectionId}",
    list=Call("DescribeVpnConnections", "VpnConnections[]"),
    get=Call(
        "DescribeVpnConnections",
        "VpnConnections[]",
        {"VpnConnectionIds": "[VpnConnectionId]"},
        absent=none("InvalidVpnConnectionID.NotFound"),
    ),
    # Both tell the pre-shared keys.
    volatile=frozenset(
        {"CustomerGatewayConfiguration", "Options.TunnelOptions.*.PreSharedKey", "VgwTelemetry"}
    ),
)

VPN_GATEWAY = ResourceType(
    type="aws.vpn_gateway",
    title="VPN gateway",
    service="ec2",
    name="VpnGatewayId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpn-gateway/{VpnGatewayId}",
    list=Call("DescribeVpnGateways", "VpnGateways[]"),
    get=Call(
        "DescribeVpnGateways",
        "VpnGateways[]",
        {"VpnGatewayIds": "[VpnGatewayId]"},
        absent=none("InvalidVpnGatewayID.NotFound"),
    ),
)

CUSTOMER_GATEWAY = ResourceType(
    type="aws.customer_gateway",
    title="Customer gateway",
    service="ec2",
    name="CustomerGatewayId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:customer-gateway/{CustomerGatewayId}",
    list=Call("DescribeCustomerGateways", "CustomerGateways[]"),
    get=Call(
        "DescribeCustomerGateways",
        "CustomerGateways[]",
        {"CustomerGatewayIds": "[CustomerGatewayId]"},
        absent=none("InvalidCustomerGatewayID.NotFound"),
    ),
)

CLIENT_VPN = ResourceType(
    type="aws.ec2_client_vpn_endpoint",
    title="Client VPN endpoint",
    service="ec2",
    name="ClientVpnEndpointId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:client-vpn-endpoint/{ClientVpnEndpointId}",
    list=Call("DescribeClientVpnEndpoints", "ClientVpnEndpoints[]"),
    get=Call(
        "DescribeClientVpnEndpoints",
        "ClientVpnEndpoints[]",
        {"ClientVpnEndpointIds": "[ClientVpnEndpointId]"},
        absent=none("InvalidClientVpnEndpointId.NotFound"),
    ),
)

INSTANCE_CONNECT = ResourceType(
    type="aws.ec2_instance_connect_endpoint",
    title="Instance Connect endpoint",
    service="ec2",
    name="InstanceConnectEndpointId",
    arn="arn:{_partition}:ec2:{_region}:{_account}:instance-connect-endpoint/{InstanceConnectEndpointId}",
    list=Call("DescribeInstanceConnectEndpoints", "InstanceConnectEndpoints[]"),
    get=Call(
        "DescribeInstanceConnectEndpoints",
        "InstanceConnectEndpoints[]",
        {"InstanceConnectEndpointIds": "[InstanceConnectEndpointId]"},
        absent=none("InvalidInstanceConnectEndpointId.NotFound"),
    ),
    id="InstanceConnectEndpointArn",
)

PREFIX_LIST = ResourceType(
    type="aws.ec2_managed_prefix_list",
    title="Prefix list",
    service="ec2",
    id="PrefixListArn",
    name="PrefixListName",
    arn="arn:{_partition}:ec2:{_region}:{_account}:prefix-list/{PrefixListId}",
    list=Call("DescribeManagedPrefixLists", "PrefixLists[?OwnerId != 'AWS'][]", {"MaxResults": "`100`"}),
    get=Call(
        "DescribeManagedPrefixLists",
        "PrefixLists[]",
        {"PrefixListIds": "[PrefixListId]"},
        absent=none("InvalidPrefixListID.NotFound"),
    ),
    details=(
        Call("GetManagedPrefixListEntries", "Entries", {"PrefixListId": "PrefixListId"}, into="Entries"),
    ),
)

_GROUP = {"TargetGroupArn": "TargetGroupArn"}
TARGET_GROUP = ResourceType(
    type="aws.lb_target_group",
    title="Target group",
    service="elbv2",
    id="TargetGroupArn",
    name="TargetGroupName",
    arn="arn:{_partition}:elasticloadbalancing:{_region}:{_account}:targetgroup/{TargetGroupName}/{_id}",
    list=Call("DescribeTargetGroups", "TargetGroups[]", {"PageSize": "`400`"}),
    get=Call(
        "DescribeTargetGroups",
        "TargetGroups[]",
        {"TargetGroupArns": "[_arn]"},
        absent=none("TargetGroupNotFound", "TargetGroupNotFoundException"),
    ),
    details=(
        Call(
            "DescribeTags",
            "TagDescriptions[]",
            {"ResourceArns": "[TargetGroupArn]"},
            into="Tags",
            batch=Batch(20, "ResourceArns", "TargetGroupArn", "ResourceArn", "Tags"),
        ),
    ),
)

TYPES = (
    NETWORK_ACL,
    ROUTE_TABLE,
    INTERNET_GATEWAY,
    EGRESS_GATEWAY,
    NAT_GATEWAY,
    EIP,
    NETWORK_INTERFACE,
    TRANSIT_GATEWAY,
    TRANSIT_ATTACHMENT,
    VPC_ENDPOINT,
    VPC_ENDPOINT_SERVICE,
    VPC_PEERING,
    VPN_CONNECTION,
    VPN_GATEWAY,
    CUSTOMER_GATEWAY,
    CLIENT_VPN,
    INSTANCE_CONNECT,
    PREFIX_LIST,
    TARGET_GROUP,
)
