"""OCSF 1.5 Compliance Findings (class 2003) with the cloud profile, one event a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from daemon.export.context import Context, is_open, requirements, said
from daemon.export.text import json_line, milliseconds
from providers.provider import Severity
from storage.findings import Finding, FindingStatus, Reason

VERSION: Final = "1.5.0"
CLASS: Final = 2003
_SEVERITY: Final = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_STATUS: Final = {
    FindingStatus.OPEN: (1, "New"),
    FindingStatus.EXEMPT: (3, "Suppressed"),
    FindingStatus.RESOLVED: (4, "Resolved"),
}
_CLOUDS: Final = {"aws": "AWS", "azure": "Azure", "gcp": "GCP"}
_ACCOUNTS: Final = {
    "aws": (10, "AWS Account"),
    "azure": (12, "Azure Subscription"),
    "gcp": (5, "GCP Account"),
}


def write(findings: Iterable[Finding], context: Context) -> Iterator[str]:
    """One JSON object a line."""
    for finding in findings:
        yield json_line(event(finding, context)) + "\n"


def event(finding: Finding, context: Context) -> dict[str, Any]:
    """A finding as an OCSF event."""
    ref = finding.ref
    activity, activity_name = (1, "Create") if is_open(finding) else (3, "Close")
    severity, severity_name = _SEVERITY[finding.severity]
    status, status_name = _STATUS[finding.status]
    created = milliseconds(finding.opened_at)
    modified = milliseconds(finding.resolved_at or finding.opened_at)
    found: dict[str, Any] = {
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "activity_id": activity,
        "activity_name": activity_name,
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {activity_name}",
        "time": modified,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "message": said(finding),
        "metadata": {
            "version": VERSION,
            "event_code": finding.policy,
            "profiles": ["cloud"],
            "product": {"name": "Watchstander", "vendor_name": "Watchstander", "version": context.version},
        },
        "finding_info": {
            "uid": finding.id,
            "title": finding.title,
            "desc": context.description(finding),
            "created_time": created,
            "modified_time": modified,
            "types": [finding.phase.value],
        },
        "compliance": _compliance(finding),
        "resources": [
            {
                "uid": ref.uid,
                "name": ref.uid.rpartition("/")[2] or ref.uid,
                "type": ref.type,
                "region": ref.region,
            }
        ],
        "unmapped": {
            "baseline": finding.baseline,
            "reason": finding.reason.value if finding.reason else None,
        },
    }
    if ref.provider in _CLOUDS:
        kind, kind_name = _ACCOUNTS[ref.provider]
        found["cloud"] = {
            "provider": _CLOUDS[ref.provider],
            "region": ref.region,
            "account": {"uid": ref.account, "type_id": kind, "type": kind_name},
        }
    else:
        found["metadata"]["profiles"] = []
    if remediation := context.remediation(finding):
        found["remediation"] = {"desc": remediation}
    return found


def _compliance(finding: Finding) -> dict[str, Any]:
    if is_open(finding):
        status = (3, "Fail")
    else:
        status = (1, "Pass") if finding.reason is Reason.PASSED else (0, "Unknown")
    return {
        "control": finding.policy,
        "requirements": requirements(finding),
        # Required; a policy of no framework is the user's own standard.
        "standards": sorted(finding.frameworks) or ["Watchstander"],
        "status_id": status[0],
        "status": status[1],
    }
