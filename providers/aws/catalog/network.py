"""Load balancers, security groups, networks and their flow logs."""

from __future__ import annotations

from providers.aws.catalog.declare import Batch, Call, ResourceType, none

ELB = ResourceType(
    type="aws.elb",
    title="Classic load balancer",
    service="elb",
    arn="arn:{_partition}:elasticloadbalancing:{_region}:{_account}:loadbalancer/{LoadBalancerName}",
    list=Call("DescribeLoadBalancers", "LoadBalancerDescriptions[]", {"PageSize": "`400`"}),
    get=Call(
        "DescribeLoadBalancers",
        "LoadBalancerDescriptions[]",
        {"LoadBalancerNames": "[LoadBalancerName]"},
        absent=none("LoadBalancerNotFound", "AccessPointNotFound"),
    ),
    details=(
        Call(
            "DescribeLoadBalancerAttributes",
            "LoadBalancerAttributes",
            {"LoadBalancerName": "LoadBalancerName"},
            into="Attributes",
        ),
        Call(
            "DescribeTags",
            "TagDescriptions[]",
            {"LoadBalancerNames": "[LoadBalancerName]"},
            into="Tags",
            batch=Batch(20, "LoadBalancerNames", "LoadBalancerName", "LoadBalancerName", "Tags"),
        ),
    ),
    name="LoadBalancerName",
)

LB = ResourceType(
    type="aws.lb",
    title="Load balancer",
    service="elbv2",
    arn="arn:{_partition}:elasticloadbalancing:{_region}:{_account}:loadbalancer/{_kind}/{LoadBalancerName}/{_id}",
    id="LoadBalancerArn",
    list=Call("DescribeLoadBalancers", "LoadBalancers[]", {"PageSize": "`400`"}),
    get=Call(
        "DescribeLoadBalancers",
        "LoadBalancers[]",
        {"LoadBalancerArns": "[_arn]"},
        absent=none("LoadBalancerNotFound", "LoadBalancerNotFoundException"),
    ),
    details=(
        Call(
            "DescribeLoadBalancerAttributes",
            "Attributes",
            {"LoadBalancerArn": "LoadBalancerArn"},
            into="Attributes",
        ),
        Call(
            "DescribeTags",
            "TagDescriptions[]",
            {"ResourceArns": "[LoadBalancerArn]"},
            into="Tags",
            batch=Batch(20, "ResourceArns", "LoadBalancerArn", "ResourceArn", "Tags"),
        ),
        Call("DescribeListeners", "Listeners", {"LoadBalancerArn": "LoadBalancerArn"}, into="Listeners"),
    ),
    name="LoadBalancerName",
)

SECURITY_GROUP = ResourceType(
    type="aws.security_group",
    title="Security group",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:security-group/{GroupId}",
    list=Call("DescribeSecurityGroups", "SecurityGroups[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeSecurityGroups",
        "SecurityGroups[]",
        {"GroupIds": "[GroupId]"},
        absent=none("InvalidGroup.NotFound"),
    ),
    name="GroupName",
)

VPC = ResourceType(
    type="aws.vpc",
    title="VPC",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpc/{VpcId}",
    list=Call("DescribeVpcs", "Vpcs[]", {"MaxResults": "`1000`"}),
    get=Call("DescribeVpcs", "Vpcs[]", {"VpcIds": "[VpcId]"}, absent=none("InvalidVpcID.NotFound")),
    details=(
        Call(
            "DescribeFlowLogs",
            "FlowLogs",
            {"Filter": "[{Name: 'resource-id', Values: [VpcId]}]"},
            into="FlowLogs",
        ),
    ),
    name="VpcId",
)

SUBNET = ResourceType(
    type="aws.subnet",
    title="Subnet",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:subnet/{SubnetId}",
    id="SubnetArn",
    list=Call("DescribeSubnets", "Subnets[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeSubnets", "Subnets[]", {"SubnetIds": "[SubnetId]"}, absent=none("InvalidSubnetID.NotFound")
    ),
    name="SubnetId",
    volatile=frozenset({"AvailableIpAddressCount"}),
)

FLOW_LOG = ResourceType(
    type="aws.flow_log",
    title="Flow log",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:vpc-flow-log/{FlowLogId}",
    list=Call("DescribeFlowLogs", "FlowLogs[]", {"MaxResults": "`1000`"}),
    get=Call(
        "DescribeFlowLogs",
        "FlowLogs[]",
        {"FlowLogIds": "[FlowLogId]"},
        absent=none("InvalidFlowLogId.NotFound"),
    ),
    name="FlowLogId",
)

TYPES = (ELB, LB, SECURITY_GROUP, VPC, SUBNET, FLOW_LOG)
