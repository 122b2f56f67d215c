"""IAM: users and their credentials, groups, roles, policies, federation, and the account's own settings."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, Placement, ResourceType, none, pick

_NO_ENTITY = none("NoSuchEntity", "NoSuchEntityException")
_USER = {"UserName": "UserName"}
_PROFILE = (
    "{Path: Path, InstanceProfileName: InstanceProfileName, InstanceProfileId: InstanceProfileId, Arn: Arn,"
    " CreateDate: CreateDate, Roles: Roles[].Arn}"
)

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
        Call("ListAccessKeys", "AccessKeyMetadata", _USER, into="AccessKeys", shared=True),
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
    each=Call("ListAccessKeys", "AccessKeyMetadata", _USER, absent=_NO_ENTITY, shared=True),
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

ACCOUNT_CONTACTS = ResourceType(
    type="aws.account_contacts",
    title="Alternate contacts of an account",
    service="account",
    arn="arn:{_partition}:account::{_account}:contacts",
    placement=Placement.GLOBAL,
    name="_account",
    tags="",
    details=tuple(
        Call(
            "GetAlternateContact",
            "AlternateContact",
            {"AlternateContactType": f"'{kind.upper()}'"},
            into=kind,
            absent=none("ResourceNotFoundException"),
        )
        for kind in ("Security", "Operations", "Billing")
    ),
)

# The one report holds what four calls a user would tell, and the root user, whom no other call tells of.
IAM_CREDENTIALS = ResourceType(
    type="aws.iam_credentials",
    title="A user's row in the credential report",
    service="iam",
    arn="arn:{_partition}:iam::{_account}:credential-report/{user}",
    placement=Placement.GLOBAL,
    name="user",
    tags="",
    list=Call(
        "GetCredentialReport",
        "Content",
        csv=True,
        prepare="GenerateCredentialReport",
        unprepared=none("ReportNotPresent", "ReportExpired"),
    ),
    get=Call(
        "GetCredentialReport",
        "Content",
        csv=True,
        prepare="GenerateCredentialReport",
        unprepared=none("ReportNotPresent", "ReportExpired"),
    ),
    empty_is_gone=True,
)

IAM_GROUP = ResourceType(
    type="aws.iam_group",
    title="IAM group",
    service="iam",
    id="Arn",
    placement=Placement.GLOBAL,
    arn="arn:{_partition}:iam::{_account}:group/{_path}{GroupName}",
    name="GroupName",
    tags="",
    list=Call(
        "GetAccountAuthorizationDetails", "GroupDetailList[]", {"Filter": '`["Group"]`', "MaxItems": "`1000`"}
    ),
    get=Call("GetGroup", "Group", {"GroupName": "GroupName"}, absent=_NO_ENTITY),
    reread_by_list=True,
)

IAM_INSTANCE_PROFILE = ResourceType(
    type="aws.iam_instance_profile",
    title="IAM instance profile",
    service="iam",
    id="Arn",
    placement=Placement.GLOBAL,
    arn="arn:{_partition}:iam::{_account}:instance-profile/{_path}{InstanceProfileName}",
    name="InstanceProfileName",
    list=Call("ListInstanceProfiles", "InstanceProfiles[]." + _PROFILE, {"MaxItems": "`1000`"}),
    get=Call(
        "GetInstanceProfile",
        "InstanceProfile." + _PROFILE,
        {"InstanceProfileName": "InstanceProfileName"},
        absent=_NO_ENTITY,
    ),
    details=(
        Call("ListInstanceProfileTags", "Tags", {"InstanceProfileName": "InstanceProfileName"}, into="Tags"),
    ),
)

IAM_SAML_PROVIDER = ResourceType(
    type="aws.iam_saml_provider",
    title="IAM SAML provider",
    service="iam",
    id="Arn",
    placement=Placement.GLOBAL,
    arn="arn:{_partition}:iam::{_account}:saml-provider/{_name}",
    name="_name",
    tags="",
    list=Call("ListSAMLProviders", "SAMLProviderList[]"),
    get=Call("ListSAMLProviders", "SAMLProviderList[]"),
    empty_is_gone=True,
)

IAM_OPENID_CONNECT_PROVIDER = ResourceType(
    type="aws.iam_openid_connect_provider",
    title="IAM OpenID Connect provider",
    service="iam",
    id="Arn",
    arn="arn:{_partition}:iam::{_account}:oidc-provider/{_url:s}",
    placement=Placement.GLOBAL,
    name="_url",
    list=Call("ListOpenIDConnectProviders", "OpenIDConnectProviderList[]"),
    from_arn={"Arn": "_arn"},
    get=Call(
        "GetOpenIDConnectProvider", pick("Url"), {"OpenIDConnectProviderArn": "_arn"}, absent=_NO_ENTITY
    ),
    details=(
        Call(
            "GetOpenIDConnectProvider",
            pick("Url", "ClientIDList", "ThumbprintList", "CreateDate", "Tags"),
            {"OpenIDConnectProviderArn": "Arn"},
            into="Provider",
        ),
    ),
    tags="Provider.Tags",
)

IAM_SERVER_CERTIFICATE = ResourceType(
    type="aws.iam_server_certificate",
    title="IAM server certificate",
    service="iam",
    id="Arn",
    arn="arn:{_partition}:iam::{_account}:server-certificate/{_path}{ServerCertificateName}",
    placement=Placement.GLOBAL,
    name="ServerCertificateName",
    tags="",
    list=Call("ListServerCertificates", "ServerCertificateMetadataList[]"),
    get=Call(
        "GetServerCertificate",
        "ServerCertificate.ServerCertificateMetadata",
        {"ServerCertificateName": "ServerCertificateName"},
        absent=_NO_ENTITY,
    ),
)

_MFA = "VirtualMFADevices[].{SerialNumber: SerialNumber, UserArn: User.Arn, EnableDate: EnableDate}"
IAM_VIRTUAL_MFA_DEVICE = ResourceType(
    type="aws.iam_virtual_mfa_device",
    title="Virtual MFA device",
    service="iam",
    id="SerialNumber",
    arn="arn:{_partition}:iam::{_account}:mfa/{_path}{_name}",
    placement=Placement.GLOBAL,
    name="_name",
    tags="",
    list=Call("ListVirtualMFADevices", _MFA),
    get=Call("ListVirtualMFADevices", _MFA),
    empty_is_gone=True,
)

TYPES = (
    IAM_USER,
    IAM_ACCESS_KEY,
    IAM_ROLE,
    IAM_POLICY,
    ACCOUNT,
    ACCOUNT_CONTACTS,
    IAM_CREDENTIALS,
    IAM_GROUP,
    IAM_INSTANCE_PROFILE,
    IAM_SAML_PROVIDER,
    IAM_OPENID_CONNECT_PROVIDER,
    IAM_SERVER_CERTIFICATE,
    IAM_VIRTUAL_MFA_DEVICE,
)
