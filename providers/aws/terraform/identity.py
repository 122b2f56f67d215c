"""Users, keys, roles and policies, in Terraform's words."""

from __future__ import annotations

import orjson

from providers.aws.terraform.parts import blocks, constant, field, tags
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
