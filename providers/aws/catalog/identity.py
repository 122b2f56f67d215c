"""IAM users, their keys, roles and customer policies."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, Placement, ResourceType, none

_NO_ENTITY = none("NoSuchEntity", "NoSuchEntityException")
_USER = {"UserName": "UserName"}

# One GetAccountAuthorizationDetails page holds what four calls a user (and five a role) would tell: groups, inline and
# attached policies, tags. It differs in form from GetUser and GetRole, which therefore serve as the proof of existence.
IAM_USER = ResourceType(
    type="aws.iam_user",
    title="IAM user",
    service="iam",
    arn="arn:{_partition}:iam::{_account}:user/{_path}{UserName}",
    id="Arn",
    placement=Placement.GLOBAL,
    list=Call(
        "GetAccountAuthorizationDetails", "UserDetailList[]", {"Filter": '`["User"]`', "MaxItems": "`1000`"}
    ),
    get=Call("GetUser", "User", _USER, absent=_NO_ENTITY),
    reread_by_list=True,
    details=(
        Call("ListAccessKeys", "AccessKeyMetadata", _USER, into="AccessKeys"),
        Call("GetLoginProfile", "LoginProfile", _USER, into="LoginProfile", absent=_NO_ENTITY),
        Call("ListMFADevices", "MFADevices", _USER, into="MFADevices"),
    ),
    name="UserName",
)

IAM_ACCESS_KEY = ResourceType(
    type="aws.iam_access_key",
    title="IAM access key",
    service="iam",
    # AWS gives a key no ARN; this one has its form and is unique.
    arn="arn:{_partition}:iam::{_account}:access-key/{UserName}/{AccessKeyId}",
    placement=Placement.GLOBAL,
    list=Call("ListUsers", "Users[]", {"MaxItems": "`1000`"}),
    each=Call("ListAccessKeys", "AccessKeyMetadata[]", _USER, absent=_NO_ENTITY),
    get=Call("ListAccessKeys", "AccessKeyMetadata[]", _USER, absent=_NO_ENTITY),
    empty_is_gone=True,
    name="AccessKeyId",
    tags="",
)

IAM_ROLE = ResourceType(
    type="aws.iam_role",
    title="IAM role",
    service="iam",
    arn="arn:{_partition}:iam::{_account}:role/{_path}{RoleName}",
    id="Arn",
    placement=Placement.GLOBAL,
    list=Call(
        "GetAccountAuthorizationDetails", "RoleDetailList[]", {"Filter": '`["Role"]`', "MaxItems": "`1000`"}
    ),
    get=Call("GetRole", "Role", {"RoleName": "RoleName"}, absent=_NO_ENTITY),
    reread_by_list=True,
    name="RoleName",
    volatile=frozenset({"RoleLastUsed", "InstanceProfileList.*.Roles.*.RoleLastUsed"}),
)

IAM_POLICY = ResourceType(
    type="aws.iam_policy",
    title="IAM customer policy",
    service="iam",
    arn="arn:{_partition}:iam::{_account}:policy/{_path}{PolicyName}",
    id="Arn",
    placement=Placement.GLOBAL,
    list=Call("ListPolicies", "Policies[]", {"Scope": "'Local'", "MaxItems": "`1000`"}),
    get=Call("GetPolicy", "Policy", {"PolicyArn": "_arn"}, absent=_NO_ENTITY),
    details=(
        Call(
            "GetPolicyVersion",
            "PolicyVersion.Document",
            {"PolicyArn": "Arn", "VersionId": "DefaultVersionId"},
            into="Document",
        ),
        Call("ListPolicyTags", "Tags", {"PolicyArn": "Arn"}, into="Tags"),
    ),
    name="PolicyName",
    # GetPolicy tells a description that ListPolicies does not.
    volatile=frozenset({"Description"}),
)

ACCOUNT = ResourceType(
    type="aws.account",
    title="Account",
    service="iam",
    arn="arn:{_partition}:iam::{_account}:root",
    placement=Placement.GLOBAL,
    details=(
        Call(
            "GetAccountSummary",
            "SummaryMap.{AccountMFAEnabled: AccountMFAEnabled, AccountAccessKeysPresent: AccountAccessKeysPresent,"
            " AccountSigningCertificatesPresent: AccountSigningCertificatesPresent}",
            into="Summary",
        ),
        Call("GetAccountPasswordPolicy", "PasswordPolicy", into="PasswordPolicy", absent=_NO_ENTITY),
        Call("ListAccountAliases", "AccountAliases", into="Aliases"),
        Call(
            "GetPublicAccessBlock",
            "PublicAccessBlockConfiguration",
            {"AccountId": "_account"},
            into="PublicAccessBlock",
            absent=none("NoSuchPublicAccessBlockConfiguration"),
            service="s3control",
        ),
    ),
    name="_account",
    tags="",
)

TYPES = (IAM_USER, IAM_ACCESS_KEY, IAM_ROLE, IAM_POLICY, ACCOUNT)
