"""Data at work: Glue, Athena, EMR, SageMaker, Bedrock, MSK, MQ."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none, pick

_NOT_FOUND = none("EntityNotFoundException")

GLUE_CATALOG = ResourceType(
    type="aws.glue_data_catalog",
    title="Glue data catalogue",
    service="glue",
    name="_region",
    tags="",
    arn="arn:{_partition}:glue:{_region}:{_account}:catalog",
    details=(
        Call("GetDataCatalogEncryptionSettings", "DataCatalogEncryptionSettings", into="Encryption"),
        Call("GetResourcePolicy", "PolicyInJson", into="Policy", json=True, absent=_NOT_FOUND),
    ),
    volatile=frozenset({"Encryption.ConnectionPasswordEncryption.Password"}),
)

GLUE_SECURITY_CONFIGURATION = ResourceType(
    type="aws.glue_security_configuration",
    title="Glue security configuration",
    service="glue",
    tags="",
    arn="arn:{_partition}:glue:{_region}:{_account}:securityConfiguration/{Name}",
    list=Call("GetSecurityConfigurations", "SecurityConfigurations[]"),
    get=Call("GetSecurityConfiguration", "SecurityConfiguration", {"Name": "Name"}, absent=_NOT_FOUND),
)

GLUE_CONNECTION = ResourceType(
    type="aws.glue_connection",
    title="Glue connection",
    service="glue",
    tags="",
    arn="arn:{_partition}:glue:{_region}:{_account}:connection/{Name}",
    list=Call("GetConnections", "ConnectionList[]", {"HidePassword": "`true`"}),
    get=Call("GetConnection", "Connection", {"Name": "Name", "HidePassword": "`true`"}, absent=_NOT_FOUND),
    volatile=frozenset({"LastConnectionValidationTime", "ConnectionProperties.PASSWORD"}),
)

GLUE_JOB = ResourceType(
    type="aws.glue_job",
    title="Glue job",
    service="glue",
    tags="",
    arn="arn:{_partition}:glue:{_region}:{_account}:job/{Name}",
    list=Call("GetJobs", "Jobs[]"),
    get=Call("GetJob", "Job", {"JobName": "Name"}, absent=_NOT_FOUND),
)

ATHENA_WORKGROUP = ResourceType(
    type="aws.athena_workgroup",
    title="Athena workgroup",
    service="athena",
    arn="arn:{_partition}:athena:{_region}:{_account}:workgroup/{Name}",
    list=Call("ListWorkGroups", "WorkGroups[]." + pick("Name", "State"), token=("NextToken", "NextToken")),
    get=Call(
        "GetWorkGroup",
        "WorkGroup." + pick("Name", "State"),
        {"WorkGroup": "Name"},
        absent=none("InvalidRequestException: is not found"),
    ),
    details=(
        Call("GetWorkGroup", "WorkGroup.Configuration", {"WorkGroup": "Name"}, into="Configuration"),
        Call("ListTagsForResource", "Tags", {"ResourceARN": "_arn"}, into="Tags"),
    ),
)

_CLUSTER = pick("Id", "Name", "ClusterArn")
EMR_CLUSTER = ResourceType(
    type="aws.emr_cluster",
    title="EMR cluster",
    service="emr",
    id="ClusterArn",
    tags="Cluster.Tags",
    arn="arn:{_partition}:elasticmapreduce:{_region}:{_account}:cluster/{Id}",
    list=Call(
        "ListClusters",
        "Clusters[]." + _CLUSTER,
        {"ClusterStates": '`["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]`'},
    ),
    get=Call(
        "DescribeCluster",
        "Cluster." + _CLUSTER,
        {"ClusterId": "Id"},
        absent=none("InvalidRequestException: is not valid"),
    ),
    details=(Call("DescribeCluster", "Cluster", {"ClusterId": "Id"}, into="Cluster"),),
    volatile=frozenset({"Cluster.NormalizedInstanceHours", "Cluster.Status"}),
)

EMR_BLOCK = ResourceType(
    type="aws.emr_block_public_access_configuration",
    title="EMR's block of public access",
    service="emr",
    arn="arn:{_partition}:elasticmapreduce:{_region}:{_account}:block-public-access",
    name="_region",
    tags="",
    details=(
        Call("GetBlockPublicAccessConfiguration", "BlockPublicAccessConfiguration", into="Configuration"),
    ),
)

_NO_RECORD = none("ValidationException: RecordNotFound")
_TAGS = "ListTags"
_NOTEBOOK = pick("NotebookInstanceName", "NotebookInstanceArn", "InstanceType", "NotebookInstanceStatus")
SAGEMAKER_NOTEBOOK = ResourceType(
    type="aws.sagemaker_notebook_instance",
    title="Notebook instance",
    service="sagemaker",
    id="NotebookInstanceArn",
    arn="arn:{_partition}:sagemaker:{_region}:{_account}:notebook-instance/{NotebookInstanceName}",
    name="NotebookInstanceName",
    list=Call("ListNotebookInstances", "NotebookInstances[]." + _NOTEBOOK),
    get=Call(
        "DescribeNotebookInstance",
        _NOTEBOOK,
        {"NotebookInstanceName": "NotebookInstanceName"},
        absent=_NO_RECORD,
    ),
    details=(
        Call(
            "DescribeNotebookInstance",
            pick(
                "SubnetId",
                "SecurityGroups",
                "RoleArn",
                "KmsKeyId",
                "DirectInternetAccess",
                "RootAccess",
                "InstanceMetadataServiceConfiguration",
                "PlatformIdentifier",
            ),
            {"NotebookInstanceName": "NotebookInstanceName"},
            into="Notebook",
        ),
        Call(_TAGS, "Tags", {"ResourceArn": "NotebookInstanceArn"}, into="Tags"),
    ),
)

_DOMAIN = pick("DomainArn", "DomainId", "DomainName", "Status")
SAGEMAKER_DOMAIN = ResourceType(
    type="aws.sagemaker_domain",
    title="SageMaker domain",
    service="sagemaker",
    id="DomainArn",
    name="DomainName",
    arn="arn:{_partition}:sagemaker:{_region}:{_account}:domain/{DomainId}",
    list=Call("ListDomains", "Domains[]." + _DOMAIN),
    get=Call(
        "DescribeDomain",
        _DOMAIN,
        {"DomainId": "DomainId"},
        absent=none("ResourceNotFound", "ValidationException: RecordNotFound"),
    ),
    details=(
        Call(
            "DescribeDomain",
            pick(
                "AuthMode",
                "AppNetworkAccessType",
                "VpcId",
                "SubnetIds",
                "KmsKeyId",
                "DefaultUserSettings",
                "DomainSettings",
            ),
            {"DomainId": "DomainId"},
            into="Domain",
        ),
        Call(_TAGS, "Tags", {"ResourceArn": "DomainArn"}, into="Tags"),
    ),
)

_MODEL = pick("ModelName", "ModelArn")
SAGEMAKER_MODEL = ResourceType(
    type="aws.sagemaker_model",
    title="SageMaker model",
    service="sagemaker",
    id="ModelArn",
    name="ModelName",
    arn="arn:{_partition}:sagemaker:{_region}:{_account}:model/{ModelName}",
    list=Call("ListModels", "Models[]." + _MODEL),
    get=Call(
        "DescribeModel",
        _MODEL,
        {"ModelName": "ModelName"},
        absent=none("ValidationException: Could not find model", "ValidationException: RecordNotFound"),
    ),
    details=(
        Call(
            "DescribeModel",
            pick("PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation"),
            {"ModelName": "ModelName"},
            into="Model",
        ),
        Call(_TAGS, "Tags", {"ResourceArn": "ModelArn"}, into="Tags"),
    ),
)

BEDROCK_LOGGING = ResourceType(
    type="aws.bedrock_model_invocation_logging_configuration",
    title="Bedrock's logging of calls",
    service="bedrock",
    arn="arn:{_partition}:bedrock:{_region}:{_account}:invocation-logging",
    name="_region",
    tags="",
    details=(Call("GetModelInvocationLoggingConfiguration", "loggingConfig", into="Logging"),),
)

MSK_CLUSTER = ResourceType(
    type="aws.msk_cluster",
    title="MSK cluster",
    service="kafka",
    id="ClusterArn",
    name="ClusterName",
    arn="arn:{_partition}:kafka:{_region}:{_account}:cluster/{ClusterName}/{_id}",
    list=Call("ListClustersV2", "ClusterInfoList[]"),
    get=Call("DescribeClusterV2", "ClusterInfo", {"ClusterArn": "_arn"}, absent=none("NotFoundException")),
    volatile=frozenset({"ActiveOperationArn"}),
)

_BROKER = pick("BrokerArn", "BrokerId", "BrokerName", "DeploymentMode", "EngineType", "HostInstanceType")
MQ_BROKER = ResourceType(
    type="aws.mq_broker",
    title="MQ broker",
    service="mq",
    id="BrokerArn",
    name="BrokerName",
    tags="Broker.Tags",
    arn="arn:{_partition}:mq:{_region}:{_account}:broker:{BrokerName}:{BrokerId}",
    list=Call("ListBrokers", "BrokerSummaries[]." + _BROKER),
    get=Call("DescribeBroker", _BROKER, {"BrokerId": "BrokerId"}, absent=none("NotFoundException")),
    details=(
        Call(
            "DescribeBroker",
            pick(
                "AuthenticationStrategy",
                "AutoMinorVersionUpgrade",
                "EncryptionOptions",
                "EngineVersion",
                "Logs",
                "PubliclyAccessible",
                "SecurityGroups",
                "SubnetIds",
                "Tags",
            ),
            {"BrokerId": "BrokerId"},
            into="Broker",
        ),
    ),
)

TYPES = (
    GLUE_CATALOG,
    GLUE_SECURITY_CONFIGURATION,
    GLUE_CONNECTION,
    GLUE_JOB,
    ATHENA_WORKGROUP,
    EMR_CLUSTER,
    EMR_BLOCK,
    SAGEMAKER_NOTEBOOK,
    SAGEMAKER_DOMAIN,
    SAGEMAKER_MODEL,
    BEDROCK_LOGGING,
    MSK_CLUSTER,
    MQ_BROKER,
)
