"""The organisation: its accounts and policies, as its management account or a delegated administrator sees them."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, Placement, ResourceType, none

_NOT_IN_USE = none("AWSOrganizationsNotInUseException")
_TAGS = Call("ListTagsForResource", "Tags", {"ResourceId": "Id"}, into="Tags")

ORGANIZATION = ResourceType(
    type="aws.organizations_organization",
    title="Organisation",
    service="organizations",
    id="Arn",
    name="Id",
    tags="",
    arn="arn:{_partition}:organizations::{_master}:organization/{Id}",
    placement=Placement.ORGANIZATION,
    list=Call("DescribeOrganization", "[Organization]"),
    get=Call("DescribeOrganization", "Organization", absent=_NOT_IN_USE),
    details=(
        Call("ListRoots", "Roots", into="Roots"),
        Call(
            "ListAWSServiceAccessForOrganization",
            "EnabledServicePrincipals[].ServicePrincipal",
            into="Services",
        ),
        Call("ListDelegatedAdministrators", "DelegatedAdministrators[].Id", into="DelegatedAdministrators"),
    ),
)

ACCOUNT = ResourceType(
    type="aws.organizations_account",
    title="Account of the organisation",
    service="organizations",
    id="Arn",
    arn="arn:{_partition}:organizations::{_master}:account/{_organization}/{Id}",
    placement=Placement.ORGANIZATION,
    list=Call("ListAccounts", "Accounts[]"),
    get=Call("DescribeAccount", "Account", {"AccountId": "Id"}, absent=none("AccountNotFoundException")),
    details=(_TAGS,),
)


def _policy(name: str, title: str, kind: str) -> ResourceType:
    return ResourceType(
        type=f"aws.organizations_{name}",
        title=title,
        service="organizations",
        id="Arn",
        tags="",
        # AWS's own policies belong to the account "aws" and to no organisation.
        arn=f"arn:{{_partition}}:organizations::{{_master}}:policy/{{_path}}{kind.lower()}/{{Id}}",
        placement=Placement.ORGANIZATION,
        list=Call("ListPolicies", "Policies[]", {"Filter": f"'{kind}'"}),
        get=Call(
            "DescribePolicy",
            "Policy.PolicySummary",
            {"PolicyId": "Id"},
            absent=none("PolicyNotFoundException"),
        ),
        details=(
            Call("DescribePolicy", "Policy.Content", {"PolicyId": "Id"}, into="Content", json=True),
            Call("ListTargetsForPolicy", "Targets", {"PolicyId": "Id"}, into="Targets"),
        ),
    )


SERVICE_CONTROL_POLICY = _policy("service_control_policy", "Service control policy", "SERVICE_CONTROL_POLICY")
RESOURCE_CONTROL_POLICY = _policy(
    "resource_control_policy", "Resource control policy", "RESOURCE_CONTROL_POLICY"
)

TYPES = (ORGANIZATION, ACCOUNT, SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY)
