"""Distributions, APIs and sign-in pools, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import always, block, blocks, field, made, tags, text
from providers.terraform import ABSENT_BLOCK, TerraformType


def _behaviour(ordered: bool) -> Any:
    """A cache behaviour; only an ordered one is for a path."""
    return made(
        **({"path_pattern": "PathPattern"} if ordered else {}),
        target_origin_id="TargetOriginId",
        viewer_protocol_policy="ViewerProtocolPolicy",
        allowed_methods=field("AllowedMethods.Items", []),
        cached_methods=field("AllowedMethods.CachedMethods.Items", []),
        compress=field("Compress", False),
        cache_policy_id=field("CachePolicyId", ""),
        origin_request_policy_id=field("OriginRequestPolicyId", ""),
        response_headers_policy_id=field("ResponseHeadersPolicyId", ""),
        field_level_encryption_id=field("FieldLevelEncryptionId", ""),
        realtime_log_config_arn=field("RealtimeLogConfigArn", ""),
        trusted_signers=field("TrustedSigners.Items", []),
        trusted_key_groups=field("TrustedKeyGroups.Items", []),
    )


_CUSTOM_ORIGIN = made(
    http_port="HTTPPort",
    https_port="HTTPSPort",
    origin_protocol_policy="OriginProtocolPolicy",
    origin_ssl_protocols=field("OriginSslProtocols.Items", []),
    origin_read_timeout="OriginReadTimeout",
    origin_keepalive_timeout="OriginKeepaliveTimeout",
)


def _logging(document: Mapping[str, Any]) -> Any:
    found = field("Config.Logging", {})(document)
    if not found.get("Enabled"):
        return ABSENT_BLOCK
    return [
        {
            "bucket": found.get("Bucket", ""),
            "prefix": found.get("Prefix", ""),
            "include_cookies": bool(found.get("IncludeCookies", False)),
        }
    ]


CLOUDFRONT_DISTRIBUTION = TerraformType(
    "aws_cloudfront_distribution",
    {
        "id": field("Id"),
        "arn": field("ARN"),
        "domain_name": field("DomainName"),
        "aliases": field("Config.Aliases.Items", []),
        "comment": field("Config.Comment", ""),
        "default_root_object": field("Config.DefaultRootObject", ""),
        "enabled": field("Config.Enabled", False),
        "http_version": lambda document: str(field("Config.HttpVersion", "http2")(document)).lower(),
        "is_ipv6_enabled": field("Config.IsIPV6Enabled", False),
        "price_class": field("Config.PriceClass"),
        "web_acl_id": field("Config.WebACLId", ""),
        "staging": field("Config.Staging", False),
        "logging_config": _logging,
        "default_cache_behavior": block("Config.DefaultCacheBehavior", _behaviour(ordered=False)),
        "ordered_cache_behavior": blocks("Config.CacheBehaviors.Items", _behaviour(ordered=True)),
        "origin": blocks(
            "Config.Origins.Items",
            made(
                origin_id="Id",
                domain_name="DomainName",
                origin_path=field("OriginPath", ""),
                origin_access_control_id=field("OriginAccessControlId", ""),
                custom_origin_config=block("CustomOriginConfig", _CUSTOM_ORIGIN),
                s3_origin_config=block(
                    "S3OriginConfig", made(origin_access_identity=field("OriginAccessIdentity", ""))
                ),
            ),
        ),
        "viewer_certificate": block(
            "Config.ViewerCertificate",
            made(
                acm_certificate_arn=field("ACMCertificateArn", ""),
                cloudfront_default_certificate=field("CloudFrontDefaultCertificate", False),
                iam_certificate_id=field("IAMCertificateId", ""),
                minimum_protocol_version=field("MinimumProtocolVersion", "TLSv1"),
                ssl_support_method=field("SSLSupportMethod", ""),
            ),
        ),
        "restrictions": always(
            made(
                geo_restriction=block(
                    "Config.Restrictions.GeoRestriction",
                    made(restriction_type="RestrictionType", locations=field("Items", [])),
                )
            )
        ),
        "tags": tags(),
    },
)

API_GATEWAY_REST_API = TerraformType(
    "aws_api_gateway_rest_api",
    {
        "id": field("id"),
        "name": field("name"),
        "description": field("description", ""),
        "api_key_source": field("apiKeySource", "HEADER"),
        "binary_media_types": field("binaryMediaTypes", []),
        "created_date": field("createdDate"),
        "disable_execute_api_endpoint": field("disableExecuteApiEndpoint", False),
        "policy": text("policy"),
        "root_resource_id": field("rootResourceId", ""),
        "endpoint_configuration": block(
            "endpointConfiguration",
            made(
                types=field("types", []),
                ip_address_type=field("ipAddressType", ""),
                vpc_endpoint_ids=field("vpcEndpointIds", []),
            ),
        ),
        "tags": tags("tags"),
    },
)

API_GATEWAY_STAGE = TerraformType(
    "aws_api_gateway_stage",
    {
        "id": lambda document: f"ags-{document.get('restApiId')}-{document.get('stageName')}",
        "rest_api_id": field("restApiId"),
        "stage_name": field("stageName"),
        "deployment_id": field("deploymentId"),
        "description": field("description", ""),
        "cache_cluster_enabled": field("cacheClusterEnabled", False),
        "cache_cluster_size": field("cacheClusterSize", ""),
        "client_certificate_id": field("clientCertificateId", ""),
        "web_acl_arn": field("webAclArn", ""),
        "xray_tracing_enabled": field("tracingEnabled", False),
        "variables": field("variables", {}),
        "access_log_settings": block(
            "accessLogSettings", made(destination_arn=field("destinationArn", ""), format=field("format", ""))
        ),
        "tags": tags("tags"),
    },
)

APIGATEWAYV2_API = TerraformType(
    "aws_apigatewayv2_api",
    {
        "id": field("ApiId"),
        "name": field("Name"),
        "description": field("Description", ""),
        "protocol_type": field("ProtocolType"),
        "api_endpoint": field("ApiEndpoint"),
        "disable_execute_api_endpoint": field("DisableExecuteApiEndpoint", False),
        "ip_address_type": field("IpAddressType", ""),
        "route_selection_expression": field("RouteSelectionExpression", ""),
        "api_key_selection_expression": field("ApiKeySelectionExpression", ""),
        "version": field("Version", ""),
        "cors_configuration": block(
            "CorsConfiguration",
            made(
                allow_credentials=field("AllowCredentials", False),
                allow_headers=field("AllowHeaders", []),
                allow_methods=field("AllowMethods", []),
                allow_origins=field("AllowOrigins", []),
                expose_headers=field("ExposeHeaders", []),
                max_age=field("MaxAge", 0),
            ),
        ),
        "tags": tags(),
    },
)

COGNITO_USER_POOL = TerraformType(
    "aws_cognito_user_pool",
    {
        "id": field("Id"),
        "arn": field("UserPool.Arn"),
        "name": field("Name"),
        "deletion_protection": field("UserPool.DeletionProtection", "INACTIVE"),
        "mfa_configuration": field("UserPool.MfaConfiguration", "OFF"),
        "auto_verified_attributes": field("UserPool.AutoVerifiedAttributes", []),
        "alias_attributes": field("UserPool.AliasAttributes", []),
        "username_attributes": field("UserPool.UsernameAttributes", []),
        "user_pool_tier": field("UserPool.UserPoolTier", ""),
        "password_policy": block(
            "UserPool.Policies.PasswordPolicy",
            made(
                minimum_length="MinimumLength",
                require_lowercase=field("RequireLowercase", False),
                require_numbers=field("RequireNumbers", False),
                require_symbols=field("RequireSymbols", False),
                require_uppercase=field("RequireUppercase", False),
                password_history_size=field("PasswordHistorySize", 0),
                temporary_password_validity_days=field("TemporaryPasswordValidityDays", 7),
            ),
        ),
        "admin_create_user_config": always(
            made(
                allow_admin_create_user_only=field(
                    "UserPool.AdminCreateUserConfig.AllowAdminCreateUserOnly", False
                )
            )
        ),
        "user_pool_add_ons": block(
            "UserPool.UserPoolAddOns", made(advanced_security_mode="AdvancedSecurityMode")
        ),
        "tags": tags("UserPool.UserPoolTags"),
    },
)

CLOUDFORMATION_STACK = TerraformType(
    "aws_cloudformation_stack",
    {
        "id": field("StackId"),
        "name": field("StackName"),
        "capabilities": field("Capabilities", []),
        "disable_rollback": field("DisableRollback", False),
        "iam_role_arn": field("RoleARN", ""),
        "notification_arns": field("NotificationARNs", []),
        "timeout_in_minutes": field("TimeoutInMinutes"),
        "parameters": lambda document: {
            item.get("ParameterKey"): item.get("ParameterValue") for item in field("Parameters", ())(document)
        },
        "outputs": lambda document: {
            item.get("OutputKey"): item.get("OutputValue") for item in field("Outputs", ())(document)
        },
        "tags": tags(),
    },
)
