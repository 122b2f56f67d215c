"""Where the world comes in: API Gateway, AppSync, CloudFront, Route 53, Global Accelerator, Direct Connect, e-mail."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, Placement, ResourceType, none, pick

_NOT_FOUND = none("NotFoundException")
_READ = "apigateway:GET"

API_GATEWAY = ResourceType(
    type="aws.api_gateway_rest_api",
    title="REST API",
    service="apigateway",
    name="name",
    tags="tags",
    arn="arn:{_partition}:apigateway:{_region}::/restapis/{id}",
    list=Call("GetRestApis", "items[]", {"limit": "`500`"}, permission=_READ),
    get=Call("GetRestApi", "@", {"restApiId": "id"}, absent=_NOT_FOUND, permission=_READ),
    details=(Call("GetAuthorizers", "items", {"restApiId": "id"}, into="Authorizers", permission=_READ),),
    json=frozenset({"policy"}),
)

API_GATEWAY_STAGE = ResourceType(
    type="aws.api_gateway_stage",
    title="Stage of a REST API",
    service="apigateway",
    name="stageName",
    tags="tags",
    arn="arn:{_partition}:apigateway:{_region}::/restapis/{restApiId}/stages/{stageName}",
    list=Call("GetRestApis", "items[]", {"limit": "`500`"}, permission=_READ),
    each=Call("GetStages", "item[]", {"restApiId": "id"}, absent=_NOT_FOUND, permission=_READ),
    inherit={"restApiId": "id"},
    get=Call(
        "GetStage",
        "@",
        {"restApiId": "restApiId", "stageName": "stageName"},
        absent=_NOT_FOUND,
        permission=_READ,
    ),
)

API_GATEWAY_DOMAIN = ResourceType(
    type="aws.api_gateway_domain_name",
    title="Domain name of an API",
    service="apigateway",
    name="domainName",
    arn="arn:{_partition}:apigateway:{_region}::/domainnames/{domainName}",
    tags="tags",
    list=Call("GetDomainNames", "items[]", {"limit": "`500`"}, permission=_READ),
    get=Call("GetDomainName", "@", {"domainName": "domainName"}, absent=_NOT_FOUND, permission=_READ),
)

API_GATEWAY_ACCOUNT = ResourceType(
    type="aws.api_gateway_account",
    title="API Gateway's settings in a region",
    service="apigateway",
    name="_region",
    arn="arn:{_partition}:apigateway:{_region}:{_account}:account",
    tags="",
    details=(
        Call("GetAccount", pick("cloudwatchRoleArn", "throttleSettings"), into="Account", permission=_READ),
    ),
)

API_GATEWAY_V2 = ResourceType(
    type="aws.apigatewayv2_api",
    title="HTTP or WebSocket API",
    service="apigatewayv2",
    tags="Tags",
    arn="arn:{_partition}:apigateway:{_region}::/apis/{ApiId}",
    list=Call("GetApis", "Items[]", permission=_READ),
    get=Call("GetApi", "@", {"ApiId": "ApiId"}, absent=_NOT_FOUND, permission=_READ),
    details=(
        Call("GetStages", "Items", {"ApiId": "ApiId"}, into="Stages", permission=_READ),
        Call("GetRoutes", "Items", {"ApiId": "ApiId"}, into="Routes", permission=_READ),
    ),
)

APPSYNC_API = ResourceType(
    type="aws.appsync_graphql_api",
    title="GraphQL API",
    service="appsync",
    id="arn",
    name="name",
    tags="tags",
    arn="arn:{_partition}:appsync:{_region}:{_account}:apis/{apiId}",
    list=Call("ListGraphqlApis", "graphqlApis[]"),
    get=Call("GetGraphqlApi", "graphqlApi", {"apiId": "apiId"}, absent=_NOT_FOUND),
)

_DISTRIBUTION = pick("Id", "ARN", "DomainName")
CLOUDFRONT_DISTRIBUTION = ResourceType(
    type="aws.cloudfront_distribution",
    title="CloudFront distribution",
    service="cloudfront",
    id="ARN",
    arn="arn:{_partition}:cloudfront::{_account}:distribution/{Id}",
    placement=Placement.GLOBAL,
    name="DomainName",
    list=Call("ListDistributions", "DistributionList.Items[]." + _DISTRIBUTION),
    get=Call(
        "GetDistribution", "Distribution." + _DISTRIBUTION, {"Id": "Id"}, absent=none("NoSuchDistribution")
    ),
    details=(
        Call("GetDistributionConfig", "DistributionConfig", {"Id": "Id"}, into="Config"),
        Call("ListTagsForResource", "Tags.Items", {"Resource": "ARN"}, into="Tags"),
    ),
)

ROUTE53_ZONE = ResourceType(
    type="aws.route53_zone",
    title="Hosted zone",
    service="route53",
    trim={"Id": "/hostedzone/"},
    arn="arn:{_partition}:route53:::hostedzone/{Id}",
    placement=Placement.GLOBAL,
    list=Call("ListHostedZones", "HostedZones[]"),
    get=Call("GetHostedZone", "HostedZone", {"Id": "Id"}, absent=none("NoSuchHostedZone")),
    details=(
        Call("GetHostedZone", "VPCs", {"Id": "Id"}, into="VPCs", when="Config.PrivateZone"),
        Call(
            "ListQueryLoggingConfigs",
            "QueryLoggingConfigs",
            {"HostedZoneId": "Id"},
            into="QueryLogging",
            when="!Config.PrivateZone",
        ),
        Call(
            "GetDNSSEC",
            "Status.ServeSignature",
            {"HostedZoneId": "Id"},
            into="DNSSEC",
            when="!Config.PrivateZone",
        ),
        Call(
            "ListTagsForResource",
            "ResourceTagSet.Tags",
            {"ResourceType": "'hostedzone'", "ResourceId": "Id"},
            into="Tags",
        ),
    ),
    volatile=frozenset({"ResourceRecordSetCount"}),
)

ROUTE53_DOMAIN = ResourceType(
    type="aws.route53domains_registered_domain",
    title="Registered domain",
    service="route53domains",
    arn="arn:{_partition}:route53domains::{_account}:domain/{DomainName}",
    placement=Placement.GLOBAL,
    name="DomainName",
    tags="",
    list=Call("ListDomains", "Domains[]"),
    get=Call("ListDomains", "Domains[]"),
    empty_is_gone=True,
)

RESOLVER_QUERY_LOG = ResourceType(
    type="aws.route53_resolver_query_log_config",
    title="Query logging of the resolver",
    service="route53resolver",
    arn="arn:{_partition}:route53resolver:{_region}:{_account}:resolver-query-log-config/{Id}",
    id="Arn",
    tags="",
    list=Call("ListResolverQueryLogConfigs", "ResolverQueryLogConfigs[]"),
    get=Call(
        "GetResolverQueryLogConfig",
        "ResolverQueryLogConfig",
        {"ResolverQueryLogConfigId": "Id"},
        absent=none("ResourceNotFoundException"),
    ),
)

GLOBAL_ACCELERATOR = ResourceType(
    type="aws.globalaccelerator_accelerator",
    title="Accelerator",
    service="globalaccelerator",
    id="AcceleratorArn",
    arn="arn:{_partition}:globalaccelerator::{_account}:accelerator/{_id}",
    placement=Placement.GLOBAL,
    home="us-west-2",
    list=Call("ListAccelerators", "Accelerators[]"),
    get=Call(
        "DescribeAccelerator",
        "Accelerator",
        {"AcceleratorArn": "_arn"},
        absent=none("AcceleratorNotFoundException"),
    ),
    details=(
        Call(
            "DescribeAcceleratorAttributes",
            "AcceleratorAttributes",
            {"AcceleratorArn": "AcceleratorArn"},
            into="Attributes",
        ),
        Call("ListTagsForResource", "Tags", {"ResourceArn": "AcceleratorArn"}, into="Tags"),
    ),
)

DX_CONNECTION = ResourceType(
    type="aws.dx_connection",
    title="Direct Connect connection",
    service="directconnect",
    name="connectionName",
    arn="arn:{_partition}:directconnect:{_region}:{_account}:dxcon/{connectionId}",
    tags="tags",
    list=Call("DescribeConnections", "connections[]", token=("nextToken", "nextToken")),
    get=Call("DescribeConnections", "connections[]", token=("nextToken", "nextToken")),
    empty_is_gone=True,
)

SES_IDENTITY = ResourceType(
    type="aws.sesv2_email_identity",
    title="E-mail identity",
    service="sesv2",
    name="IdentityName",
    arn="arn:{_partition}:ses:{_region}:{_account}:identity/{IdentityName}",
    tags="Identity.Tags",
    list=Call(
        "ListEmailIdentities", "EmailIdentities[]." + pick("IdentityName"), token=("NextToken", "NextToken")
    ),
    from_arn={"IdentityName": "IdentityName"},
    get=Call("GetEmailIdentity", pick("IdentityType"), {"EmailIdentity": "IdentityName"}, absent=_NOT_FOUND),
    details=(
        Call(
            "GetEmailIdentity",
            pick(
                "IdentityType",
                "VerifiedForSendingStatus",
                "DkimAttributes",
                "MailFromAttributes",
                "Policies",
                "Tags",
            ),
            {"EmailIdentity": "IdentityName"},
            into="Identity",
        ),
    ),
)

TYPES = (
    API_GATEWAY,
    API_GATEWAY_STAGE,
    API_GATEWAY_DOMAIN,
    API_GATEWAY_ACCOUNT,
    API_GATEWAY_V2,
    APPSYNC_API,
    CLOUDFRONT_DISTRIBUTION,
    ROUTE53_ZONE,
    ROUTE53_DOMAIN,
    RESOLVER_QUERY_LOG,
    GLOBAL_ACCELERATOR,
    DX_CONNECTION,
    SES_IDENTITY,
)
