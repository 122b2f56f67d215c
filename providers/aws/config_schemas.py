"""Config's newer types, which it describes in the schema of CloudFormation and not in the describe call's.

Each value says where a field of our document is in such an item: JMESPath over ``configuration`` (and
``supplementaryConfiguration``, under that name). Only what is there *whole* is named: of a structure that CloudFormation knows
fewer members of than the service (``ConnectionLogOptions`` of Client VPN), a member that is missing could not be told from
one that is not set, nor one whose values are other words there (``EndpointType`` of DMS). What is not named is unread.

Read from the property lists that AWS publishes for Config's queries (awslabs/aws-config-resource-schema) and CloudFormation's
own schemas; what a property list leaves out because it is JSON (policies) is in the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _same(*names: str, **others: str) -> Mapping[str, str]:
    """Fields of the same name, but for the case of their first letter, and others with their paths."""
    return {name: name[:1].upper() + name[1:] for name in names} | others


SCHEMAS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "AWS::ACMPCA::CertificateAuthority": (
        "aws.acmpca_certificate_authority",
        _same("Arn", "Type", "KeyStorageSecurityStandard", "UsageMode", "RevocationConfiguration"),
    ),
    "AWS::AccessAnalyzer::Analyzer": (
        "aws.accessanalyzer_analyzer",
        _same("arn", "type", name="AnalyzerName"),
    ),
    "AWS::Amplify::App": (
        "aws.amplify_app",
        _same(
            "appId",
            "customRules",
            "defaultDomain",
            "description",
            "enableBranchAutoDeletion",
            "buildSpec",
            "computeRoleArn",
            "cacheConfig",
            "jobConfig",
            "customHeaders",
            "platform",
            "repository",
            appArn="Arn",
            iamServiceRoleArn="IAMServiceRole",
            name="AppName || Name",
        ),
    ),
    "AWS::AppSync::GraphQLApi": (
        "aws.appsync_graphql_api",
        _same(
            "additionalAuthenticationProviders",
            "apiId",
            "apiType",
            "enhancedMetricsConfig",
            "introspectionConfig",
            "mergedApiExecutionRoleArn",
            "ownerContact",
            "queryDepthLimit",
            "resolverCountLimit",
            "visibility",
            "arn",
            "authenticationType",
            "lambdaAuthorizerConfig",
            "logConfig",
            "name",
            "openIDConnectConfig",
            "userPoolConfig",
            "xrayEnabled",
        ),
    ),
    "AWS::Backup::BackupVault": (
        "aws.backup_vault",
        _same(
            "BackupVaultArn",
            "BackupVaultName",
            "EncryptionKeyArn",
            MinRetentionDays="LockConfiguration.MinRetentionDays",
            MaxRetentionDays="LockConfiguration.MaxRetentionDays",
            Policy="AccessPolicy",
        ),
    ),
    "AWS::Batch::ComputeEnvironment": (
        "aws.batch_compute_environment",
        _same(
            "computeEnvironmentArn",
            "computeEnvironmentName",
            "serviceRole",
            "unmanagedvCpus",
        ),
    ),
    "AWS::DMS::Endpoint": (
        "aws.dms_endpoint",
        _same(
            "CertificateArn",
            "DatabaseName",
            "EndpointIdentifier",
            "EngineName",
            "KmsKeyId",
            "Port",
            "ServerName",
            "SslMode",
            "Username",
        ),
    ),
    "AWS::Detective::Graph": ("aws.detective_graph", _same("Arn")),
    "AWS::EC2::ClientVpnEndpoint": (
        "aws.ec2_client_vpn_endpoint",
        _same(
            "ClientCidrBlock",
            "Description",
            "DnsServers",
            "SecurityGroupIds",
            "ServerCertificateArn",
            "SessionTimeoutHours",
            "SplitTunnel",
            "TransportProtocol",
            "VpcId",
            "VpnPort",
            ClientVpnEndpointId="Id",
        ),
    ),
    "AWS::EC2::InstanceConnectEndpoint": (
        "aws.ec2_instance_connect_endpoint",
        _same(
            "AvailabilityZone",
            "AvailabilityZoneId",
            "CreatedAt",
            "InstanceConnectEndpointArn",
            "NetworkInterfaceIds",
            "OwnerId",
            "PublicDnsNames",
            "State",
            "StateMessage",
            "VpcId",
            "PreserveClientIp",
            "SecurityGroupIds",
            "SubnetId",
            InstanceConnectEndpointId="Id",
        ),
    ),
    "AWS::EC2::LaunchTemplate": (
        "aws.launch_template",
        _same(
            "DefaultVersionNumber",
            "LatestVersionNumber",
            "LaunchTemplateName",
            LaunchTemplateId="LaunchTemplateId || Id",
        ),
    ),
    "AWS::EC2::PrefixList": (
        "aws.ec2_managed_prefix_list",
        _same(
            "AddressFamily",
            "Entries",
            "MaxEntries",
            "OwnerId",
            "PrefixListId",
            "PrefixListName",
            "Version",
            PrefixListArn="Arn",
        ),
    ),
    "AWS::EC2::TransitGateway": (
        "aws.ec2_transit_gateway",
        _same("Description", TransitGatewayId="Id"),
    ),
    "AWS::EC2::TransitGatewayAttachment": (
        "aws.ec2_transit_gateway_vpc_attachment",
        _same("Options", "SubnetIds", "TransitGatewayId", "VpcId", TransitGatewayAttachmentId="Id"),
    ),
    "AWS::ECR::PublicRepository": (
        "aws.ecrpublic_repository",
        _same("repositoryName", repositoryArn="Arn"),
    ),
    "AWS::ECR::Repository": (
        "aws.ecr_repository",
        _same(
            "encryptionConfiguration",
            "imageScanningConfiguration",
            "imageTagMutability",
            "repositoryUri",
            "repositoryName",
            repositoryArn="Arn",
            Policy="RepositoryPolicyText",
            LifecyclePolicy="LifecyclePolicy.LifecyclePolicyText",
        ),
    ),
    "AWS::EFS::AccessPoint": (
        "aws.efs_access_point",
        _same("AccessPointId", "FileSystemId", "PosixUser", "RootDirectory", AccessPointArn="Arn"),
    ),
    "AWS::EFS::FileSystem": (
        "aws.efs_file_system",
        _same(
            "AvailabilityZoneName",
            "Encrypted",
            "FileSystemId",
            "FileSystemProtection",
            "KmsKeyId",
            "PerformanceMode",
            "ProvisionedThroughputInMibps",
            "ThroughputMode",
            FileSystemArn="Arn",
            BackupPolicy="BackupPolicy.Status",
            Policy="FileSystemPolicy",
        ),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "aws.lb_target_group",
        _same(
            "HealthCheckEnabled",
            "HealthCheckIntervalSeconds",
            "HealthCheckPath",
            "HealthCheckPort",
            "HealthCheckProtocol",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "IpAddressType",
            "LoadBalancerArns",
            "Matcher",
            "Port",
            "Protocol",
            "ProtocolVersion",
            "TargetGroupArn",
            "TargetGroupName",
            "TargetControlPort",
            "TargetType",
            "UnhealthyThresholdCount",
            "VpcId",
        ),
    ),
    "AWS::Events::EventBus": ("aws.cloudwatch_event_bus", _same("Arn", "Name", "Policy")),
    "AWS::Events::Rule": (
        "aws.cloudwatch_event_rule",
        _same(
            "Arn",
            "Description",
            "EventPattern",
            "Name",
            "RoleArn",
            "ScheduleExpression",
            "State",
            # CloudFormation: "If you omit this, the default event bus is used".
            EventBusName="EventBusName || 'default'",
        ),
    ),
    "AWS::GlobalAccelerator::Accelerator": (
        "aws.globalaccelerator_accelerator",
        _same("AcceleratorArn", "DnsName", "Enabled", "IpAddressType", "Name", "DualStackDnsName"),
    ),
    "AWS::Glue::Job": (
        "aws.glue_job",
        _same(
            "AllocatedCapacity",
            "Command",
            "ExecutionClass",
            "JobMode",
            "JobRunQueuingEnabled",
            "MaintenanceWindow",
            "NotificationProperty",
            "Connections",
            "Description",
            "ExecutionProperty",
            "GlueVersion",
            "LogUri",
            "MaxCapacity",
            "MaxRetries",
            "Name",
            "NumberOfWorkers",
            "Role",
            "SecurityConfiguration",
            "Timeout",
            "WorkerType",
        ),
    ),
    "AWS::IAM::InstanceProfile": (
        "aws.iam_instance_profile",
        _same("Arn", "InstanceProfileName", "Path"),
    ),
    "AWS::IAM::SAMLProvider": ("aws.iam_saml_provider", _same("Arn")),
    # Not its PrivateKey, which CloudFormation's schema has too.
    "AWS::IAM::ServerCertificate": (
        "aws.iam_server_certificate",
        _same("Arn", "Path", "ServerCertificateName"),
    ),
    "AWS::Lightsail::Bucket": (
        "aws.lightsail_bucket",
        _same(
            "ableToUpdateBundle",
            "accessRules",
            "bundleId",
            "url",
            arn="BucketArn",
            name="BucketName",
            readonlyAccessAccounts="ReadOnlyAccessAccounts",
        ),
    ),
    # Not its Name, which may lack the dot at its end there.
    "AWS::Route53::HostedZone": ("aws.route53_zone", _same("Id", "VPCs")),
    "AWS::Route53Resolver::ResolverQueryLoggingConfig": (
        "aws.route53_resolver_query_log_config",
        _same(
            "Arn",
            "AssociationCount",
            "CreationTime",
            "CreatorRequestId",
            "DestinationArn",
            "Id",
            "Name",
            "OwnerId",
            "ShareStatus",
            "Status",
        ),
    ),
    "AWS::S3::AccessPoint": (
        "aws.s3_access_point",
        _same(
            "Bucket", "Name", "NetworkOrigin", "Policy", PublicAccessBlock="PublicAccessBlockConfiguration"
        ),
    ),
    "AWS::SecretsManager::Secret": (
        "aws.secretsmanager_secret",
        _same(
            "ARN",
            "Description",
            "Name",
            "RotationEnabled",
            "RotationLambdaARN",
            KmsKeyId="KMSKeyId",
            RotationRules="RotationRules.{AutomaticallyAfterDays: AutomaticallyAfterDays, "
            "Duration: RotationDuration, ScheduleExpression: RotationScheduleExpression}",
        ),
    ),
    "AWS::Shield::Protection": (
        "aws.shield_protection",
        _same("HealthCheckIds", "Id", "Name", "ResourceArn"),
    ),
    "AWS::WorkSpaces::Workspace": (
        "aws.workspaces_workspace",
        _same(
            "BundleId",
            "DirectoryId",
            "RootVolumeEncryptionEnabled",
            "UserName",
            "UserVolumeEncryptionEnabled",
            "VolumeEncryptionKey",
            WorkspaceId="WorkspaceId || Id",
        ),
    ),
}
"""Config's type -> ours, and document field -> where it is in the item."""
