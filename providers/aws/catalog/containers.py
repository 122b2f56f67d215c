"""Functions, containers and workflows: Lambda, ECR, ECS, EKS, Step Functions, App Runner."""

from __future__ import annotations

from providers.aws.catalog.declare import Batch, Call, Placement, ResourceType, none, pick

_NOT_FOUND = none("ResourceNotFoundException")
_FUNCTION = {"FunctionName": "FunctionName"}

LAMBDA_FUNCTION = ResourceType(
    type="aws.lambda_function",
    title="Lambda function",
    service="lambda",
    id="FunctionArn",
    name="FunctionName",
    arn="arn:{_partition}:lambda:{_region}:{_account}:function:{FunctionName}",
    list=Call("ListFunctions", "Functions[]"),
    get=Call("GetFunctionConfiguration", "@", _FUNCTION, absent=_NOT_FOUND),
    details=(
        Call("GetPolicy", "Policy", _FUNCTION, into="Policy", json=True, absent=_NOT_FOUND),
        Call("ListFunctionUrlConfigs", "FunctionUrlConfigs", _FUNCTION, into="Urls"),
        Call("ListTags", "Tags", {"Resource": "FunctionArn"}, into="Tags"),
    ),
    # Only one of the two answers tells these.
    volatile=frozenset(
        {
            "State",
            "StateReason",
            "StateReasonCode",
            "LastUpdateStatus",
            "LastUpdateStatusReason",
            "LastUpdateStatusReasonCode",
            "RevisionId",
        }
    ),
)

_REPOSITORY = {"repositoryName": "repositoryName"}
_NO_REPOSITORY = none("RepositoryNotFoundException")
ECR_REPOSITORY = ResourceType(
    type="aws.ecr_repository",
    title="ECR repository",
    service="ecr",
    id="repositoryArn",
    name="repositoryName",
    arn="arn:{_partition}:ecr:{_region}:{_account}:repository/{repositoryName:s}",
    list=Call("DescribeRepositories", "repositories[]", {"maxResults": "`1000`"}),
    get=Call(
        "DescribeRepositories",
        "repositories[]",
        {"repositoryNames": "[repositoryName]"},
        absent=_NO_REPOSITORY,
    ),
    details=(
        Call(
            "GetRepositoryPolicy",
            "policyText",
            _REPOSITORY,
            into="Policy",
            json=True,
            absent=none("RepositoryPolicyNotFoundException"),
        ),
        Call(
            "GetLifecyclePolicy",
            "lifecyclePolicyText",
            _REPOSITORY,
            into="LifecyclePolicy",
            json=True,
            absent=none("LifecyclePolicyNotFoundException"),
        ),
        Call("ListTagsForResource", "tags", {"resourceArn": "repositoryArn"}, into="Tags"),
    ),
)

ECR_REGISTRY = ResourceType(
    type="aws.ecr_registry",
    title="ECR registry",
    service="ecr",
    name="_region",
    tags="",
    arn="arn:{_partition}:ecr:{_region}:{_account}:registry",
    details=(
        Call("GetRegistryScanningConfiguration", "scanningConfiguration", into="Scanning"),
        Call(
            "GetRegistryPolicy",
            "policyText",
            into="Policy",
            json=True,
            absent=none("RegistryPolicyNotFoundException"),
        ),
        Call("DescribeRegistry", "replicationConfiguration", into="Replication"),
    ),
)

ECR_PUBLIC_REPOSITORY = ResourceType(
    type="aws.ecrpublic_repository",
    title="Public ECR repository",
    service="ecr-public",
    id="repositoryArn",
    tags="",
    arn="arn:{_partition}:ecr-public::{_account}:repository/{repositoryName:s}",
    name="repositoryName",
    placement=Placement.GLOBAL,
    home="us-east-1",
    list=Call("DescribeRepositories", "repositories[]", {"maxResults": "`1000`"}),
    get=Call(
        "DescribeRepositories",
        "repositories[]",
        {"repositoryNames": "[repositoryName]"},
        absent=_NO_REPOSITORY,
    ),
)

ECS_CLUSTER = ResourceType(
    type="aws.ecs_cluster",
    title="ECS cluster",
    service="ecs",
    item="clusterArn",
    id="clusterArn",
    name="_name",
    arn="arn:{_partition}:ecs:{_region}:{_account}:cluster/{_name}",
    tags="Cluster.tags",
    list=Call("ListClusters", "clusterArns[]"),
    get=Call("ListClusters", "clusterArns[]"),
    empty_is_gone=True,
    details=(
        Call(
            "DescribeClusters",
            "clusters[]",
            {"clusters": "[clusterArn]", "include": '`["CONFIGURATIONS", "SETTINGS", "TAGS"]`'},
            into="Cluster",
            batch=Batch(100, "clusters", "clusterArn", "clusterArn"),
        ),
    ),
    volatile=frozenset(
        {
            "Cluster.registeredContainerInstancesCount",
            "Cluster.runningTasksCount",
            "Cluster.pendingTasksCount",
            "Cluster.activeServicesCount",
            "Cluster.statistics",
        }
    ),
)

ECS_SERVICE = ResourceType(
    type="aws.ecs_service",
    title="ECS service",
    service="ecs",
    item="serviceArn",
    id="serviceArn",
    name="_name",
    arn="arn:{_partition}:ecs:{_region}:{_account}:service/{_cluster}/{_name}",
    tags="Service.tags",
    list=Call("ListClusters", "clusterArns[].{clusterArn: @}"),
    each=Call(
        "ListServices", "serviceArns[]", {"cluster": "clusterArn"}, absent=none("ClusterNotFoundException")
    ),
    get=Call(
        "ListServices", "serviceArns[]", {"cluster": "_cluster"}, absent=none("ClusterNotFoundException")
    ),
    empty_is_gone=True,
    details=(
        Call(
            "DescribeServices",
            "services[]",
            {"cluster": "_cluster", "services": "[serviceArn]", "include": '`["TAGS"]`'},
            into="Service",
            batch=Batch(10, "services", "serviceArn", "serviceArn"),
        ),
    ),
    volatile=frozenset(
        {
            "Service.events",
            "Service.deployments",
            "Service.taskSets",
            "Service.runningCount",
            "Service.pendingCount",
        }
    ),
)

# A family has a definition for every deployment there ever was; what matters is the newest.
ECS_TASK_DEFINITION = ResourceType(
    type="aws.ecs_task_definition",
    title="ECS task definition (the newest of a family)",
    service="ecs",
    item="family",
    arn="arn:{_partition}:ecs:{_region}:{_account}:task-definition/{family}",
    name="family",
    tags="Newest.tags",
    list=Call("ListTaskDefinitionFamilies", "families[]", {"status": "'ACTIVE'"}),
    get=Call(
        "DescribeTaskDefinition",
        "taskDefinition." + pick("family"),
        {"taskDefinition": "family"},
        absent=none("ClientException: Unable to describe task definition"),
    ),
    details=(
        Call(
            "DescribeTaskDefinition",
            pick("taskDefinition", "tags"),
            {"taskDefinition": "family", "include": '`["TAGS"]`'},
            into="Newest",
        ),
    ),
)

EKS_CLUSTER = ResourceType(
    type="aws.eks_cluster",
    title="EKS cluster",
    service="eks",
    item="name",
    name="name",
    tags="Cluster.tags",
    arn="arn:{_partition}:eks:{_region}:{_account}:cluster/{name}",
    list=Call("ListClusters", "clusters[]"),
    get=Call("DescribeCluster", "cluster." + pick("name"), {"name": "name"}, absent=_NOT_FOUND),
    details=(Call("DescribeCluster", "cluster", {"name": "name"}, into="Cluster"),),
    volatile=frozenset({"Cluster.health"}),
)

EKS_NODE_GROUP = ResourceType(
    type="aws.eks_node_group",
    title="EKS node group",
    service="eks",
    item="nodegroupName",
    name="nodegroupName",
    # AWS puts an id of its own behind, which no listing tells.
    arn="arn:{_partition}:eks:{_region}:{_account}:nodegroup/{clusterName}/{nodegroupName}",
    tags="NodeGroup.tags",
    list=Call("ListClusters", "clusters[].{clusterName: @}"),
    each=Call("ListNodegroups", "nodegroups[]", {"clusterName": "clusterName"}, absent=_NOT_FOUND),
    inherit={"clusterName": "clusterName"},
    get=Call(
        "DescribeNodegroup",
        "nodegroup." + pick("clusterName", "nodegroupName"),
        {"clusterName": "clusterName", "nodegroupName": "nodegroupName"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call(
            "DescribeNodegroup",
            "nodegroup",
            {"clusterName": "clusterName", "nodegroupName": "nodegroupName"},
            into="NodeGroup",
        ),
    ),
    volatile=frozenset({"NodeGroup.health"}),
)

_MACHINE = pick("stateMachineArn", "name", "type", "creationDate")
SFN_STATE_MACHINE = ResourceType(
    type="aws.sfn_state_machine",
    title="State machine",
    service="stepfunctions",
    id="stateMachineArn",
    name="name",
    arn="arn:{_partition}:states:{_region}:{_account}:stateMachine:{name}",
    list=Call("ListStateMachines", "stateMachines[]." + _MACHINE),
    get=Call(
        "DescribeStateMachine", _MACHINE, {"stateMachineArn": "_arn"}, absent=none("StateMachineDoesNotExist")
    ),
    details=(
        Call(
            "DescribeStateMachine",
            pick(
                "status",
                "definition",
                "roleArn",
                "loggingConfiguration",
                "tracingConfiguration",
                "encryptionConfiguration",
            ),
            {"stateMachineArn": "stateMachineArn"},
            into="Machine",
        ),
        Call("ListTagsForResource", "tags", {"resourceArn": "stateMachineArn"}, into="Tags"),
    ),
)

APPRUNNER_SERVICE = ResourceType(
    type="aws.apprunner_service",
    title="App Runner service",
    service="apprunner",
    id="ServiceArn",
    arn="arn:{_partition}:apprunner:{_region}:{_account}:service/{ServiceName}/{ServiceId}",
    name="ServiceName",
    list=Call(
        "ListServices",
        "ServiceSummaryList[]." + pick("ServiceName", "ServiceId", "ServiceArn"),
        token=("NextToken", "NextToken"),
    ),
    get=Call(
        "DescribeService",
        "Service." + pick("ServiceName", "ServiceId", "ServiceArn"),
        {"ServiceArn": "_arn"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call("DescribeService", "Service", {"ServiceArn": "ServiceArn"}, into="Service"),
        Call("ListTagsForResource", "Tags", {"ResourceArn": "ServiceArn"}, into="Tags"),
    ),
)

TYPES = (
    LAMBDA_FUNCTION,
    ECR_REPOSITORY,
    ECR_REGISTRY,
    ECR_PUBLIC_REPOSITORY,
    ECS_CLUSTER,
    ECS_SERVICE,
    ECS_TASK_DEFINITION,
    EKS_CLUSTER,
    EKS_NODE_GROUP,
    SFN_STATE_MACHINE,
    APPRUNNER_SERVICE,
)
