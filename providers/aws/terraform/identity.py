"""Users, keys, roles and policies, in Terraform's words."""

from __future__ import annotations

import orjson

from providers.aws.terraform.parts import blocks, constant, field, last, tags
from providers.terraform import TerraformType

IAM_USER = TerraformType(
    "aws_iam_user",
    {
        "id": field("UserName"),
        "name": field("UserName"),
        "arn": field("Arn"),
        "path": field("Path", "/"),
        "unique_id": field("UserId"),
        "permissions_boundary": field("PermissionsBoundary.PermissionsBoundaryArn", ""),
        "force_destroy": constant(False),
        "tags": tags(),
    },
)

IAM_ACCESS_KEY = TerraformType(
    "aws_iam_access_key",
    {
        "id": field("AccessKeyId"),
        "user": field("UserName"),
        "status": field("Status"),
        "create_date": field("CreateDate"),
    },
)

IAM_ROLE = TerraformType(
    "aws_iam_role",
    {
        "id": field("RoleName"),
        "name": field("RoleName"),
        "arn": field("Arn"),
        "path": field("Path", "/"),
        "unique_id": field("RoleId"),
        "assume_role_policy": lambda document: orjson.dumps(
            document.get("AssumeRolePolicyDocument") or {}
        ).decode(),
        "managed_policy_arns": lambda document: [
            attached["PolicyArn"] for attached in document.get("AttachedManagedPolicies") or ()
        ],
        "inline_policy": blocks(
            "RolePolicyList",
            lambda item: {
                "name": item.get("PolicyName"),
                "policy": orjson.dumps(item.get("PolicyDocument") or {}).decode(),
            },
        ),
        "permissions_boundary": field("PermissionsBoundary.PermissionsBoundaryArn", ""),
        "tags": tags(),
    },
)

IAM_POLICY = TerraformType(
    "aws_iam_policy",
    {
        "id": field("Arn"),
        "arn": field("Arn"),
        "name": field("PolicyName"),
        "path": field("Path", "/"),
        "policy": lambda document: orjson.dumps(document.get("Document") or {}).decode(),
        "tags": tags(),
    },
)

IAM_GROUP = TerraformType(
    "aws_iam_group",
    {
        "id": field("GroupName"),
        "name": field("GroupName"),
        "arn": field("Arn"),
        "path": field("Path", "/"),
        "unique_id": field("GroupId"),
    },
)

IAM_INSTANCE_PROFILE = TerraformType(
    "aws_iam_instance_profile",
    {
        "id": field("InstanceProfileName"),
        "name": field("InstanceProfileName"),
        "arn": field("Arn"),
        "path": field("Path", "/"),
        "unique_id": field("InstanceProfileId"),
        "create_date": field("CreateDate"),
        "role": lambda document: next(
            (str(role).rpartition("/")[2] for role in field("Roles", ())(document)), ""
        ),
        "tags": tags(),
    },
)

IAM_OPENID_CONNECT_PROVIDER = TerraformType(
    "aws_iam_openid_connect_provider",
    {
        "id": field("Arn"),
        "arn": field("Arn"),
        "url": field("Provider.Url"),
        "client_id_list": field("Provider.ClientIDList", []),
        "thumbprint_list": field("Provider.ThumbprintList", []),
        "tags": tags("Provider.Tags"),
    },
)

IAM_SAML_PROVIDER = TerraformType(
    "aws_iam_saml_provider",
    {
        "id": field("Arn"),
        "arn": field("Arn"),
        "name": last("Arn"),
        "valid_until": field("ValidUntil"),
    },
)

IAM_SERVER_CERTIFICATE = TerraformType(
    "aws_iam_server_certificate",
    {
        "id": field("ServerCertificateId"),
        "arn": field("Arn"),
        "name": field("ServerCertificateName"),
        "path": field("Path", "/"),
        "expiration": field("Expiration"),
        "upload_date": field("UploadDate"),
    },
)

PASSWORD_POLICY = TerraformType(
    "aws_iam_account_password_policy",
    {
        "minimum_password_length": field("PasswordPolicy.MinimumPasswordLength", 6),
        "require_symbols": field("PasswordPolicy.RequireSymbols", False),
        "require_numbers": field("PasswordPolicy.RequireNumbers", False),
        "require_uppercase_characters": field("PasswordPolicy.RequireUppercaseCharacters", False),
        "require_lowercase_characters": field("PasswordPolicy.RequireLowercaseCharacters", False),
        "allow_users_to_change_password": field("PasswordPolicy.AllowUsersToChangePassword", False),
        "expire_passwords": field("PasswordPolicy.ExpirePasswords", False),
        "hard_expiry": field("PasswordPolicy.HardExpiry", False),
        "max_password_age": field("PasswordPolicy.MaxPasswordAge", 0),
        "password_reuse_prevention": field("PasswordPolicy.PasswordReusePrevention", 0),
    },
)
"""The account's; none where the account has no password policy of its own."""
