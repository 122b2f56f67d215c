"""Machines and what they are made from: images, templates, groups, keys; Beanstalk, Lightsail, WorkSpaces, directories."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none, pick

AMI = ResourceType(
    type="aws.ami",
    title="Machine image",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}::image/{ImageId}",
    list=Call("DescribeImages", "Images[]", {"Owners": '`["self"]`', "MaxResults": "`1000`"}),
    get=Call(
        "DescribeImages",
        "Images[]",
        {"ImageIds": "[ImageId]"},
        absent=none("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"),
    ),
    details=(
        Call(
            "DescribeImageAttribute",
            "LaunchPermissions",
            {"ImageId": "ImageId", "Attribute": "'launchPermission'"},
            into="LaunchPermissions",
        ),
    ),
    volatile=frozenset({"LastLaunchedTime"}),
)

LAUNCH_TEMPLATE = ResourceType(
    type="aws.launch_template",
    title="Launch template",
    service="ec2",
    name="LaunchTemplateName",
    arn="arn:{_partition}:ec2:{_region}:{_account}:launch-template/{LaunchTemplateId}",
    list=Call("DescribeLaunchTemplates", "LaunchTemplates[]", {"MaxResults": "`200`"}),
    get=Call(
        "DescribeLaunchTemplates",
        "LaunchTemplates[]",
        {"LaunchTemplateIds": "[LaunchTemplateId]"},
        absent=none("InvalidLaunchTemplateId.NotFound"),
    ),
    details=(
        Call(
            "DescribeLaunchTemplateVersions",
            "LaunchTemplateVersions",
            {"LaunchTemplateId": "LaunchTemplateId", "Versions": '`["$Default", "$Latest"]`'},
            into="Versions",
        ),
    ),
    volatile=frozenset({"Versions.*.LaunchTemplateData.UserData"}),
)

AUTOSCALING_GROUP = ResourceType(
    type="aws.autoscaling_group",
    title="Auto Scaling group",
    service="autoscaling",
    id="AutoScalingGroupARN",
    arn="arn:{_partition}:autoscaling:{_region}:{_account}:autoScalingGroup:{_id}:autoScalingGroupName/{AutoScalingGroupName:s}",
    name="AutoScalingGroupName",
    list=Call("DescribeAutoScalingGroups", "AutoScalingGroups[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeAutoScalingGroups",
        "AutoScalingGroups[]",
        {"AutoScalingGroupNames": "[AutoScalingGroupName]"},
    ),
    empty_is_gone=True,
    volatile=frozenset({"Instances", "PredictedCapacity"}),
)

LAUNCH_CONFIGURATION = ResourceType(
    type="aws.launch_configuration",
    title="Launch configuration",
    service="autoscaling",
    id="LaunchConfigurationARN",
    arn="arn:{_partition}:autoscaling:{_region}:{_account}:launchConfiguration:{_id}:launchConfigurationName/{LaunchConfigurationName:s}",
    name="LaunchConfigurationName",
    tags="",
    list=Call("DescribeLaunchConfigurations", "LaunchConfigurations[]", {"MaxRecords": "`100`"}),
    get=Call(
        "DescribeLaunchConfigurations",
        "LaunchConfigurations[]",
        {"LaunchConfigurationNames": "[LaunchConfigurationName]"},
    ),
    empty_is_gone=True,
    volatile=frozenset({"UserData"}),
)

KEY_PAIR = ResourceType(
    type="aws.key_pair",
    title="Key pair",
    service="ec2",
    name="KeyName",
    arn="arn:{_partition}:ec2:{_region}:{_account}:key-pair/{KeyPairId}",
    list=Call("DescribeKeyPairs", "KeyPairs[]"),
    get=Call(
        "DescribeKeyPairs",
        "KeyPairs[]",
        {"KeyPairIds": "[KeyPairId]"},
        absent=none("InvalidKeyPair.NotFound", "InvalidKeyPairId.NotFound"),
    ),
)

EC2_SETTINGS = ResourceType(
    type="aws.ec2_settings",
    title="EC2's settings in a region",
    service="ec2",
    name="_region",
    tags="",
    arn="arn:{_partition}:ec2:{_region}:{_account}:settings",
    details=(
        Call("GetSnapshotBlockPublicAccessState", "State", into="SnapshotBlockPublicAccess"),
        Call("GetImageBlockPublicAccessState", "ImageBlockPublicAccessState", into="ImageBlockPublicAccess"),
        Call("GetSerialConsoleAccessStatus", "SerialConsoleAccessEnabled", into="SerialConsoleAccess"),
        Call("GetInstanceMetadataDefaults", "AccountLevel", into="InstanceMetadataDefaults"),
        Call("GetEbsDefaultKmsKeyId", "KmsKeyId", into="EbsDefaultKmsKeyId"),
        Call(
            "DescribeVpcBlockPublicAccessOptions",
            "VpcBlockPublicAccessOptions." + pick("State", "InternetGatewayBlockMode", "ExclusionsAllowed"),
            into="VpcBlockPublicAccess",
        ),
    ),
)

BEANSTALK_ENVIRONMENT = ResourceType(
    type="aws.elastic_beanstalk_environment",
    title="Elastic Beanstalk environment",
    service="elasticbeanstalk",
    arn="arn:{_partition}:elasticbeanstalk:{_region}:{_account}:environment/{ApplicationName}/{EnvironmentName}",
    id="EnvironmentArn",
    name="EnvironmentName",
    list=Call("DescribeEnvironments", "Environments[]", {"IncludeDeleted": "`false`"}),
    get=Call(
        "DescribeEnvironments",
        "Environments[]",
        {"EnvironmentNames": "[EnvironmentName]", "IncludeDeleted": "`false`"},
    ),
    empty_is_gone=True,
    details=(
        Call(
            "DescribeConfigurationSettings",
            "ConfigurationSettings[0].OptionSettings",
            {"ApplicationName": "ApplicationName", "EnvironmentName": "EnvironmentName"},
            into="Settings",
        ),
        Call("ListTagsForResource", "ResourceTags", {"ResourceArn": "EnvironmentArn"}, into="Tags"),
    ),
    volatile=frozenset({"Health", "HealthStatus", "AbortableOperationInProgress"}),
)

LIGHTSAIL_INSTANCE = ResourceType(
    type="aws.lightsail_instance",
    title="Lightsail instance",
    service="lightsail",
    id="arn",
    name="name",
    tags="tags",
    arn="arn:{_partition}:lightsail:{_region}:{_account}:Instance/{_id}",
    list=Call("GetInstances", "instances[]"),
    get=Call("GetInstances", "instances[]"),
    empty_is_gone=True,
)

LIGHTSAIL_DATABASE = ResourceType(
    type="aws.lightsail_database",
    title="Lightsail database",
    service="lightsail",
    id="arn",
    name="name",
    tags="tags",
    arn="arn:{_partition}:lightsail:{_region}:{_account}:RelationalDatabase/{_id}",
    list=Call("GetRelationalDatabases", "relationalDatabases[]"),
    get=Call("GetRelationalDatabases", "relationalDatabases[]"),
    empty_is_gone=True,
    volatile=frozenset({"latestRestorableTime"}),
)

LIGHTSAIL_BUCKET = ResourceType(
    type="aws.lightsail_bucket",
    title="Lightsail bucket",
    service="lightsail",
    id="arn",
    name="name",
    tags="tags",
    arn="arn:{_partition}:lightsail:{_region}:{_account}:Bucket/{_id}",
    list=Call("GetBuckets", "buckets[]", token=("pageToken", "nextPageToken")),
    get=Call("GetBuckets", "buckets[]", token=("pageToken", "nextPageToken")),
    empty_is_gone=True,
)

WORKSPACE = ResourceType(
    type="aws.workspaces_workspace",
    title="WorkSpace",
    service="workspaces",
    name="WorkspaceId",
    arn="arn:{_partition}:workspaces:{_region}:{_account}:workspace/{WorkspaceId}",
    list=Call("DescribeWorkspaces", "Workspaces[]"),
    get=Call("DescribeWorkspaces", "Workspaces[]", {"WorkspaceIds": "[WorkspaceId]"}),
    empty_is_gone=True,
    details=(Call("DescribeTags", "TagList", {"ResourceId": "WorkspaceId"}, into="Tags"),),
)

WORKSPACES_DIRECTORY = ResourceType(
    type="aws.workspaces_directory",
    title="WorkSpaces directory",
    service="workspaces",
    name="DirectoryId",
    arn="arn:{_partition}:workspaces:{_region}:{_account}:directory/{DirectoryId}",
    list=Call("DescribeWorkspaceDirectories", "Directories[]"),
    get=Call("DescribeWorkspaceDirectories", "Directories[]", {"DirectoryIds": "[DirectoryId]"}),
    empty_is_gone=True,
    details=(Call("DescribeTags", "TagList", {"ResourceId": "DirectoryId"}, into="Tags"),),
    volatile=frozenset({"RegistrationCode"}),
)

DIRECTORY = ResourceType(
    type="aws.directory_service_directory",
    title="Directory",
    service="ds",
    arn="arn:{_partition}:ds:{_region}:{_account}:directory/{DirectoryId}",
    list=Call("DescribeDirectories", "DirectoryDescriptions[]"),
    get=Call(
        "DescribeDirectories",
        "DirectoryDescriptions[]",
        {"DirectoryIds": "[DirectoryId]"},
        absent=none("EntityDoesNotExistException"),
    ),
    details=(Call("ListTagsForResource", "Tags", {"ResourceId": "DirectoryId"}, into="Tags"),),
)

BATCH_ENVIRONMENT = ResourceType(
    type="aws.batch_compute_environment",
    title="Batch compute environment",
    service="batch",
    id="computeEnvironmentArn",
    name="computeEnvironmentName",
    tags="tags",
    arn="arn:{_partition}:batch:{_region}:{_account}:compute-environment/{computeEnvironmentName}",
    list=Call("DescribeComputeEnvironments", "computeEnvironments[]"),
    get=Call(
        "DescribeComputeEnvironments",
        "computeEnvironments[]",
        {"computeEnvironments": "[computeEnvironmentName]"},
    ),
    empty_is_gone=True,
    volatile=frozenset({"computeResources.desiredvCpus"}),
)

TYPES = (
    AMI,
    LAUNCH_TEMPLATE,
    AUTOSCALING_GROUP,
    LAUNCH_CONFIGURATION,
    KEY_PAIR,
    EC2_SETTINGS,
    BEANSTALK_ENVIRONMENT,
    LIGHTSAIL_INSTANCE,
    LIGHTSAIL_DATABASE,
    LIGHTSAIL_BUCKET,
    WORKSPACE,
    WORKSPACES_DIRECTORY,
    DIRECTORY,
    BATCH_ENVIRONMENT,
)
