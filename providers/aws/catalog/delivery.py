"""How software comes in and who signs in to it: CodeBuild, CodePipeline, CodeCommit, CloudFormation, Amplify, Cognito."""

from __future__ import annotations

from providers.aws.catalog.declare import Batch, Call, ResourceType, none, pick

_NOT_FOUND = none("ResourceNotFoundException")

CODEBUILD_PROJECT = ResourceType(
    type="aws.codebuild_project",
    title="CodeBuild project",
    service="codebuild",
    item="name",
    name="name",
    arn="arn:{_partition}:codebuild:{_region}:{_account}:project/{name}",
    tags="Project.tags",
    list=Call("ListProjects", "projects[]"),
    get=Call("BatchGetProjects", "projects[]." + pick("name"), {"names": "[name]"}),
    empty_is_gone=True,
    details=(
        Call(
            "BatchGetProjects",
            "projects[]",
            {"names": "[name]"},
            into="Project",
            batch=Batch(100, "names", "name", "name"),
        ),
    ),
)

CODEPIPELINE = ResourceType(
    type="aws.codepipeline",
    title="CodePipeline",
    service="codepipeline",
    name="name",
    arn="arn:{_partition}:codepipeline:{_region}:{_account}:{name}",
    list=Call("ListPipelines", "pipelines[]." + pick("name")),
    get=Call(
        "GetPipeline", "pipeline." + pick("name"), {"name": "name"}, absent=none("PipelineNotFoundException")
    ),
    details=(
        Call("GetPipeline", "pipeline", {"name": "name"}, into="Pipeline"),
        Call("ListTagsForResource", "tags", {"resourceArn": "_arn"}, into="Tags"),
    ),
    ordered=frozenset({"Pipeline.stages", "Pipeline.stages.*.actions"}),
)

CODECOMMIT_REPOSITORY = ResourceType(
    type="aws.codecommit_repository",
    title="CodeCommit repository",
    service="codecommit",
    name="repositoryName",
    arn="arn:{_partition}:codecommit:{_region}:{_account}:{repositoryName}",
    list=Call("ListRepositories", "repositories[]." + pick("repositoryName")),
    get=Call(
        "GetRepository",
        "repositoryMetadata." + pick("repositoryName"),
        {"repositoryName": "repositoryName"},
        absent=none("RepositoryDoesNotExistException"),
    ),
    details=(
        Call(
            "BatchGetRepositories",
            "repositories[]",
            {"repositoryNames": "[repositoryName]"},
            into="Repository",
            batch=Batch(25, "repositoryNames", "repositoryName", "repositoryName"),
        ),
        Call(
            "ListTagsForResource",
            "tags",
            {"resourceArn": "_arn"},
            into="Tags",
            token=("nextToken", "nextToken"),
        ),
    ),
)

CLOUDFORMATION_STACK = ResourceType(
    type="aws.cloudformation_stack",
    title="CloudFormation stack",
    service="cloudformation",
    id="StackId",
    arn="arn:{_partition}:cloudformation:{_region}:{_account}:stack/{StackName}/{_id}",
    name="StackName",
    list=Call("DescribeStacks", "Stacks[]"),
    get=Call(
        "DescribeStacks",
        "Stacks[]",
        {"StackName": "StackName"},
        absent=none("ValidationError: does not exist"),
    ),
    volatile=frozenset({"DriftInformation.LastCheckTimestamp"}),
)

AMPLIFY_APP = ResourceType(
    type="aws.amplify_app",
    title="Amplify app",
    service="amplify",
    id="appArn",
    name="name",
    tags="tags",
    arn="arn:{_partition}:amplify:{_region}:{_account}:apps/{appId}",
    list=Call("ListApps", "apps[]"),
    get=Call("GetApp", "app", {"appId": "appId"}, absent=none("NotFoundException")),
    volatile=frozenset({"basicAuthCredentials", "productionBranch.lastDeployTime"}),
)

COGNITO_USER_POOL = ResourceType(
    type="aws.cognito_user_pool",
    title="Cognito user pool",
    service="cognito-idp",
    tags="UserPool.UserPoolTags",
    arn="arn:{_partition}:cognito-idp:{_region}:{_account}:userpool/{Id}",
    list=Call("ListUserPools", "UserPools[]." + pick("Id", "Name"), {"MaxResults": "`60`"}),
    get=Call("DescribeUserPool", "UserPool." + pick("Id", "Name"), {"UserPoolId": "Id"}, absent=_NOT_FOUND),
    details=(Call("DescribeUserPool", "UserPool", {"UserPoolId": "Id"}, into="UserPool"),),
    volatile=frozenset({"UserPool.EstimatedNumberOfUsers"}),
)

_POOL = pick("IdentityPoolId", "IdentityPoolName")
COGNITO_IDENTITY_POOL = ResourceType(
    type="aws.cognito_identity_pool",
    title="Cognito identity pool",
    service="cognito-identity",
    arn="arn:{_partition}:cognito-identity:{_region}:{_account}:identitypool/{IdentityPoolId}",
    name="IdentityPoolName",
    tags="Pool.IdentityPoolTags",
    list=Call("ListIdentityPools", "IdentityPools[]." + _POOL, {"MaxResults": "`60`"}),
    get=Call("DescribeIdentityPool", _POOL, {"IdentityPoolId": "IdentityPoolId"}, absent=_NOT_FOUND),
    details=(
        Call(
            "DescribeIdentityPool",
            pick(
                "AllowUnauthenticatedIdentities",
                "AllowClassicFlow",
                "SupportedLoginProviders",
                "CognitoIdentityProviders",
                "SamlProviderARNs",
                "OpenIdConnectProviderARNs",
                "IdentityPoolTags",
            ),
            {"IdentityPoolId": "IdentityPoolId"},
            into="Pool",
        ),
        Call(
            "GetIdentityPoolRoles",
            pick("Roles", "RoleMappings"),
            {"IdentityPoolId": "IdentityPoolId"},
            into="Roles",
        ),
    ),
)

TYPES = (
    CODEBUILD_PROJECT,
    CODEPIPELINE,
    CODECOMMIT_REPOSITORY,
    CLOUDFORMATION_STACK,
    AMPLIFY_APP,
    COGNITO_USER_POOL,
    COGNITO_IDENTITY_POOL,
)
