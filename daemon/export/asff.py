"""The AWS Security Finding Format, one array: for ``aws securityhub batch-import-findings`` (100 a call).

A finding about AWS belongs to its resource's account; one about another cloud to the account that is named for them, and
without one it cannot be said in this format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from daemon.export.context import Context, is_open, requirements, said
from daemon.export.text import json_line, rfc3339, shortened, valid
from providers.provider import Severity
from storage.findings import Finding, FindingStatus, Reason

_SEVERITY: Final = {
    Severity.INFO: ("INFORMATIONAL", 0),
    Severity.LOW: ("LOW", 1),
    Severity.MEDIUM: ("MEDIUM", 40),
    Severity.HIGH: ("HIGH", 70),
    Severity.CRITICAL: ("CRITICAL", 90),
}
_WORKFLOW: Final = {
    FindingStatus.OPEN: "NEW",
    FindingStatus.EXEMPT: "SUPPRESSED",
    FindingStatus.RESOLVED: "RESOLVED",
}
_TYPES: Final = {
    "aws.account": "AwsAccount",
    "aws.cloudtrail": "AwsCloudTrailTrail",
    "aws.db_instance": "AwsRdsDbInstance",
    "aws.db_snapshot": "AwsRdsDbSnapshot",
    "aws.ebs_volume": "AwsEc2Volume",
    "aws.ec2_instance": "AwsEc2Instance",
    "aws.elb": "AwsElbLoadBalancer",
    "aws.iam_access_key": "AwsIamAccessKey",
    "aws.iam_policy": "AwsIamPolicy",
    "aws.iam_role": "AwsIamRole",
    "aws.iam_user": "AwsIamUser",
    "aws.kms_key": "AwsKmsKey",
    "aws.lb": "AwsElbv2LoadBalancer",
    "aws.s3_bucket": "AwsS3Bucket",
    "aws.security_group": "AwsEc2SecurityGroup",
    "aws.subnet": "AwsEc2Subnet",
    "aws.vpc": "AwsEc2Vpc",
}
"""Our type -> Security Hub's; every other is ``Other``."""
_HOME: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def write(findings: Iterable[Finding], context: Context) -> Iterator[str]:
    """One JSON array; findings that cannot be said are left out (see :func:`sayable`)."""
    start = "["
    for finding in findings:
        if sayable(finding, context):
            yield start + "\n" + json_line(record(finding, context))
            start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def sayable(finding: Finding, context: Context) -> bool:
    """Whether there is an AWS account the finding belongs to."""
    return finding.ref.provider == "aws" or context.aws_account is not None


def record(finding: Finding, context: Context) -> dict[str, Any]:
    """A finding as Security Hub takes it."""
    ref = finding.ref
    is_aws = ref.provider == "aws"
    partition = _partition(ref.uid) if is_aws else "aws"
    account = ref.account if is_aws else str(context.aws_account)
    regional = is_aws and ref.region not in ("global", "*", "")
    region = ref.region if regional else (_HOME[partition] if is_aws else context.aws_region)
    label, normalized = _SEVERITY[finding.severity]
    gone = finding.status is FindingStatus.RESOLVED and finding.reason is not Reason.PASSED
    title, message = finding.title or finding.policy, said(finding)
    resource: dict[str, Any] = {
        "Type": _TYPES.get(ref.type, "Other"),
        "Id": shortened(valid(ref.uid), 512),
        "Region": region,
    }
    if is_aws:
        resource["Partition"] = partition
    found: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": f"watchstander/{finding.id}",
        "ProductArn": f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default",
        "ProductName": "Watchstander",
        "CompanyName": "Watchstander",
        "GeneratorId": shortened(f"watchstander/{finding.policy}", 512),
        "AwsAccountId": account,
        "Types": ["Software and Configuration Checks"],
        "CreatedAt": rfc3339(finding.opened_at),
        "UpdatedAt": rfc3339(finding.resolved_at or context.now),
        "Severity": {"Label": label, "Normalized": normalized, "Original": finding.severity.value},
        "Title": shortened(_said(title), 256),
        "Description": shortened(_said(message), 1024),
        "Resources": [resource],
        "Compliance": {"Status": _compliance(finding)},
        "Workflow": {"Status": _WORKFLOW[finding.status]},
        "RecordState": "ARCHIVED" if gone else "ACTIVE",
    }
    if related := [shortened(valid(r), 64) for r in requirements(finding)][:32]:
        found["Compliance"]["RelatedRequirements"] = related
    if remediation := context.remediation(finding).strip():
        found["Remediation"] = {"Recommendation": {"Text": shortened(valid(remediation), 512)}}
    return found


def _said(text: str) -> str:
    """Security Hub refuses text of white space alone."""
    return valid(text) if text.strip() else "(nothing)"


def _compliance(finding: Finding) -> str:
    if is_open(finding):
        return "FAILED"
    return "PASSED" if finding.reason is Reason.PASSED else "NOT_AVAILABLE"


def _partition(arn: str) -> str:
    partition = arn.split(":")[1] if arn.startswith("arn:") and arn.count(":") > 1 else "aws"
    return partition if partition in _HOME else "aws"
