"""Which AWS resources belong together. The paths are those of our documents, which are the services' own."""

from __future__ import annotations

from typing import Final

from providers.relation import Relation

ACCOUNT: Final = "aws.account"
"""The resource an account itself is."""

_GROUP: Final = ("aws.security_group", "document.GroupId")
_VPC: Final = ("aws.vpc", "document.VpcId")
_SUBNET: Final = ("aws.subnet", "document.SubnetId")
_KEY: Final = ("aws.kms_key", "document.KeyArn")
_ROLE: Final = ("aws.iam_role", "document.Arn")
_USER: Final = ("aws.iam_user", "document.Arn")

# Names that are unique only within a region (log groups, EKS clusters) relate nothing: another region's would be joined too.
RELATIONS: Final = (
    # Machines
    Relation("aws.ec2_instance", "document.SecurityGroups[].GroupId", *_GROUP),
    Relation("aws.ec2_instance", "document.SubnetId", *_SUBNET),
    Relation("aws.ec2_instance", "document.VpcId", *_VPC),
    Relation("aws.ec2_instance", "document.ImageId", "aws.ami", "document.ImageId"),
    Relation(
        "aws.ec2_instance", "document.IamInstanceProfile.Arn", "aws.iam_instance_profile", "document.Arn"
    ),
    Relation(
        "aws.ebs_volume", "document.Attachments[].InstanceId", "aws.ec2_instance", "document.InstanceId"
    ),
    Relation("aws.ebs_volume", "document.KmsKeyId", *_KEY),
    Relation("aws.ebs_snapshot", "document.VolumeId", "aws.ebs_volume", "document.VolumeId"),
    Relation(
        "aws.ami", "document.BlockDeviceMappings[].Ebs.SnapshotId", "aws.ebs_snapshot", "document.SnapshotId"
    ),
    Relation(
        "aws.autoscaling_group",
        "document.LaunchTemplate.LaunchTemplateId",
        "aws.launch_template",
        "document.LaunchTemplateId",
    ),
    Relation(
        "aws.autoscaling_group",
        "document.TargetGroupARNs[]",
        "aws.lb_target_group",
        "document.TargetGroupArn",
    ),
    # Networks
    Relation("aws.security_group", "document.VpcId", *_VPC),
    Relation("aws.subnet", "document.VpcId", *_VPC),
    Relation("aws.flow_log", "document.ResourceId", *_VPC),
    Relation("aws.flow_log", "document.ResourceId", *_SUBNET),
    Relation("aws.flow_log", "document.ResourceId", "aws.network_interface", "document.NetworkInterfaceId"),
    Relation("aws.network_interface", "document.Groups[].GroupId", *_GROUP),
    Relation("aws.network_interface", "document.SubnetId", *_SUBNET),
    Relation("aws.network_interface", "document.VpcId", *_VPC),
    Relation(
        "aws.network_interface",
        "document.Attachment.InstanceId",
        "aws.ec2_instance",
        "document.InstanceId",
    ),
    Relation("aws.network_acl", "document.VpcId", *_VPC),
    Relation("aws.network_acl", "document.Associations[].SubnetId", *_SUBNET),
    Relation("aws.route_table", "document.VpcId", *_VPC),
    Relation("aws.route_table", "document.Associations[].SubnetId", *_SUBNET),
    Relation("aws.internet_gateway", "document.Attachments[].VpcId", *_VPC),
    Relation("aws.nat_gateway", "document.VpcId", *_VPC),
    Relation("aws.nat_gateway", "document.SubnetId", *_SUBNET),
    Relation("aws.vpc_endpoint", "document.VpcId", *_VPC),
    Relation("aws.vpc_endpoint", "document.Groups[].GroupId", *_GROUP),
    Relation("aws.vpc_peering_connection", "document.RequesterVpcInfo.VpcId", *_VPC),
    Relation("aws.vpc_peering_connection", "document.AccepterVpcInfo.VpcId", *_VPC),
    Relation("aws.ec2_transit_gateway_vpc_attachment", "document.VpcId", *_VPC),
    Relation(
        "aws.ec2_transit_gateway_vpc_attachment",
        "document.TransitGatewayId",
        "aws.ec2_transit_gateway",
        "document.TransitGatewayId",
    ),
    Relation("aws.eip", "document.InstanceId", "aws.ec2_instance", "document.InstanceId"),
    Relation(
        "aws.eip", "document.NetworkInterfaceId", "aws.network_interface", "document.NetworkInterfaceId"
    ),
    # Balancers, names and what stands before them
    Relation("aws.elb", "document.SecurityGroups[]", *_GROUP),
    Relation("aws.lb", "document.SecurityGroups[]", *_GROUP),
    Relation("aws.lb", "document.VpcId", *_VPC),
    Relation("aws.lb_target_group", "document.LoadBalancerArns[]", "aws.lb", "document.LoadBalancerArn"),
    Relation(
        "aws.cloudfront_distribution", "document.Config.WebACLId", "aws.wafv2_web_acl_global", "document.ARN"
    ),
    Relation(
        "aws.cloudfront_distribution",
        "document.Config.ViewerCertificate.ACMCertificateArn",
        "aws.acm_certificate",
        "document.CertificateArn",
    ),
    Relation("aws.api_gateway_stage", "document.webAclArn", "aws.wafv2_web_acl", "document.ARN"),
    Relation("aws.api_gateway_stage", "document.restApiId", "aws.api_gateway_rest_api", "document.id"),
    # Databases and files
    Relation("aws.db_instance", "document.VpcSecurityGroups[].VpcSecurityGroupId", *_GROUP),
    Relation("aws.db_instance", "document.KmsKeyId", *_KEY),
    Relation("aws.rds_cluster", "document.VpcSecurityGroups[].VpcSecurityGroupId", *_GROUP),
    Relation("aws.rds_cluster", "document.KmsKeyId", *_KEY),
    Relation("aws.redshift_cluster", "document.VpcSecurityGroups[].VpcSecurityGroupId", *_GROUP),
    Relation("aws.efs_file_system", "document.KmsKeyId", *_KEY),
    Relation("aws.efs_access_point", "document.FileSystemId", "aws.efs_file_system", "document.FileSystemId"),
    # Functions and containers
    Relation("aws.lambda_function", "document.Role", *_ROLE),
    Relation("aws.lambda_function", "document.VpcConfig.SecurityGroupIds[]", *_GROUP),
    Relation("aws.lambda_function", "document.VpcConfig.SubnetIds[]", *_SUBNET),
    Relation("aws.ecs_service", "document.Service.clusterArn", "aws.ecs_cluster", "document.clusterArn"),
    Relation("aws.eks_cluster", "document.Cluster.roleArn", *_ROLE),
    Relation("aws.eks_cluster", "document.Cluster.resourcesVpcConfig.securityGroupIds[]", *_GROUP),
    # Who may what
    Relation("aws.s3_bucket", "account", "aws.account", "account"),
    Relation("aws.iam_access_key", "document.UserName", "aws.iam_user", "document.UserName"),
    Relation("aws.iam_credentials", "document.arn", *_USER),
    Relation("aws.iam_virtual_mfa_device", "document.UserArn", *_USER),
    Relation("aws.iam_instance_profile", "document.Roles[]", *_ROLE),
    Relation(
        "aws.iam_role",
        "document.AttachedManagedPolicies[].PolicyArn",
        "aws.iam_policy",
        "document.Arn",
    ),
    Relation(
        "aws.iam_user", "document.AttachedManagedPolicies[].PolicyArn", "aws.iam_policy", "document.Arn"
    ),
    # What watches
    Relation("aws.cloudtrail", "document.S3BucketName", "aws.s3_bucket", "document.Name"),
    Relation("aws.cloudtrail", "document.KmsKeyId", *_KEY),
    Relation("aws.cloudtrail", "document.CloudWatchLogsLogGroupArn", "aws.cloudwatch_log_group", cut=":*"),
    Relation("aws.cloudwatch_metric_alarm", "document.AlarmActions[]", "aws.sns_topic", "document.TopicArn"),
    Relation("aws.config_delivery_channel", "document.s3BucketName", "aws.s3_bucket", "document.Name"),
)
