"""The services that watch, and secrets, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import always, block, blocks, equals, field, made, tags, text
from providers.terraform import ABSENT_BLOCK, TerraformType

CONFIG_RECORDER = TerraformType(
    "aws_config_configuration_recorder",
    {
        "id": field("name"),
        "name": field("name"),
        "role_arn": field("roleARN"),
        "recording_group": block(
            "recordingGroup",
            made(
                all_supported=field("allSupported", False),
                include_global_resource_types=field("includeGlobalResourceTypes", False),
                resource_types=field("resourceTypes", []),
                exclusion_by_resource_types=block(
                    "exclusionByResourceTypes", made(resource_types=field("resourceTypes", []))
                ),
                recording_strategy=block("recordingStrategy", made(use_only="useOnly")),
            ),
        ),
        "recording_mode": block(
            "recordingMode",
            made(
                recording_frequency="recordingFrequency",
                recording_mode_override=blocks(
                    "recordingModeOverrides",
                    made(
                        description=field("description", ""),
                        recording_frequency="recordingFrequency",
                        resource_types=field("resourceTypes", []),
                    ),
                ),
            ),
        ),
    },
)

CONFIG_DELIVERY_CHANNEL = TerraformType(
    "aws_config_delivery_channel",
    {
        "id": field("name"),
        "name": field("name"),
        "s3_bucket_name": field("s3BucketName"),
        "s3_key_prefix": field("s3KeyPrefix", ""),
        "s3_kms_key_arn": field("s3KmsKeyArn", ""),
        "sns_topic_arn": field("snsTopicARN", ""),
        "snapshot_delivery_properties": block(
            "configSnapshotDeliveryProperties", made(delivery_frequency="deliveryFrequency")
        ),
    },
)

GUARDDUTY_DETECTOR = TerraformType(
    "aws_guardduty_detector",
    {
        "id": field("DetectorId"),
        "enable": equals("Detector.Status", "ENABLED"),
        "finding_publishing_frequency": field("Detector.FindingPublishingFrequency"),
        "datasources": block(
            "Detector.DataSources",
            made(
                s3_logs=always(made(enable=equals("S3Logs.Status", "ENABLED"))),
                kubernetes=always(
                    made(audit_logs=always(made(enable=equals("Kubernetes.AuditLogs.Status", "ENABLED"))))
                ),
                malware_protection=always(
                    made(
                        scan_ec2_instance_with_findings=always(
                            made(
                                ebs_volumes=always(
                                    made(
                                        enable=equals(
                                            "MalwareProtection.ScanEc2InstanceWithFindings.EbsVolumes.Status",
                                            "ENABLED",
                                        )
                                    )
                                )
                            )
                        )
                    )
                ),
            ),
        ),
        "tags": tags("Detector.Tags"),
    },
)

SECURITYHUB = TerraformType(
    "aws_securityhub_account",
    {
        "arn": field("HubArn"),
        "auto_enable_controls": field("AutoEnableControls", False),
    },
)

ACCESS_ANALYZER = TerraformType(
    "aws_accessanalyzer_analyzer",
    {
        "id": field("name"),
        "arn": field("arn"),
        "analyzer_name": field("name"),
        "type": field("type"),
        "configuration": block(
            "configuration",
            made(unused_access=block("unusedAccess", made(unused_access_age=field("unusedAccessAge", 90)))),
        ),
        "tags": tags("tags"),
    },
)

MACIE = TerraformType(
    "aws_macie2_account",
    {
        "status": field("status"),
        "finding_publishing_frequency": field("findingPublishingFrequency"),
        "service_role": field("serviceRole"),
    },
)


def _rule_action(item: Mapping[str, Any]) -> Any:
    action = item.get("Action") or {}
    names = [name for name in ("Allow", "Block", "Count", "Captcha", "Challenge") if name in action]
    return [{name.lower(): [{}] for name in names}] if names else ABSENT_BLOCK


def _override(item: Mapping[str, Any]) -> Any:
    action = item.get("OverrideAction") or {}
    names = [name for name in ("Count", "None") if name in action]
    return [{name.lower(): [{}] for name in names}] if names else ABSENT_BLOCK


_VISIBILITY = made(
    cloudwatch_metrics_enabled=field("CloudWatchMetricsEnabled", False),
    metric_name="MetricName",
    sampled_requests_enabled=field("SampledRequestsEnabled", False),
)
_MANAGED = made(name="Name", vendor_name="VendorName", version=field("Version", ""))


def _statement(item: Mapping[str, Any]) -> Any:
    """Which managed rules a rule applies; what else it matches is in the document."""
    managed = field("Statement.ManagedRuleGroupStatement")(item)
    return [{"managed_rule_group_statement": [_MANAGED(managed)] if managed else ABSENT_BLOCK}]


def web_acl(scope: str) -> TerraformType:
    """A web ACL of this scope, ``REGIONAL`` or ``CLOUDFRONT``."""
    return TerraformType(
        "aws_wafv2_web_acl",
        {
            "id": field("Id"),
            "arn": field("ARN"),
            "name": field("Name"),
            "scope": lambda _: scope,
            "description": field("WebACL.Description", ""),
            "capacity": field("WebACL.Capacity"),
            "default_action": lambda document: [
                {
                    name.lower(): [{}]
                    for name in ("Allow", "Block")
                    if name in field("WebACL.DefaultAction", {})(document)
                }
            ],
            "rule": blocks(
                "WebACL.Rules",
                made(
                    name="Name",
                    priority="Priority",
                    action=_rule_action,
                    override_action=_override,
                    statement=_statement,
                    visibility_config=block("VisibilityConfig", _VISIBILITY),
                ),
            ),
            "token_domains": field("WebACL.TokenDomains", []),
            "visibility_config": block("WebACL.VisibilityConfig", _VISIBILITY),
            "tags": tags(),
        },
    )


WEB_ACL = web_acl("REGIONAL")
WEB_ACL_GLOBAL = web_acl("CLOUDFRONT")

ACM_CERTIFICATE = TerraformType(
    "aws_acm_certificate",
    {
        "id": field("CertificateArn"),
        "arn": field("CertificateArn"),
        "domain_name": field("DomainName"),
        "subject_alternative_names": field("Certificate.SubjectAlternativeNames", []),
        "certificate_authority_arn": field("Certificate.CertificateAuthorityArn", ""),
        "key_algorithm": field("Certificate.KeyAlgorithm"),
        "not_after": field("Certificate.NotAfter", ""),
        "not_before": field("Certificate.NotBefore", ""),
        "renewal_eligibility": field("Certificate.RenewalEligibility", ""),
        "status": field("Certificate.Status"),
        "type": field("Certificate.Type"),
        "options": block(
            "Certificate.Options",
            made(
                certificate_transparency_logging_preference=field(
                    "CertificateTransparencyLoggingPreference", ""
                ),
                export=field("Export", ""),
            ),
        ),
        "tags": tags(),
    },
)

SECRET = TerraformType(
    "aws_secretsmanager_secret",
    {
        "id": field("ARN"),
        "arn": field("ARN"),
        "name": field("Name"),
        "description": field("Description", ""),
        "kms_key_id": field("KmsKeyId", ""),
        "policy": text("Policy"),
        "tags": tags(),
    },
)

SSM_PARAMETER = TerraformType(
    "aws_ssm_parameter",
    {
        "id": field("Name"),
        "arn": field("ARN"),
        "name": field("Name"),
        "type": field("Type"),
        "key_id": field("KeyId", ""),
        "description": field("Description", ""),
        "allowed_pattern": field("AllowedPattern", ""),
        "data_type": field("DataType", "text"),
        "tier": field("Tier", "Standard"),
        "version": field("Version"),
    },
)

SSM_DOCUMENT = TerraformType(
    "aws_ssm_document",
    {
        "id": field("Name"),
        "name": field("Name"),
        "owner": field("Owner"),
        "document_type": field("DocumentType"),
        "document_format": field("DocumentFormat"),
        "document_version": field("DocumentVersion"),
        "schema_version": field("SchemaVersion"),
        "target_type": field("TargetType", ""),
        # As the provider has it: a map with the accounts in one text.
        "permissions": lambda document: (
            {"type": "Share", "account_ids": ",".join(document.get("SharedWith") or ())}
            if document.get("SharedWith")
            else {}
        ),
    },
)
