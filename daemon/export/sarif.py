"""SARIF 2.1.0: policies as rules with their help, findings as results, and as notifications what was not read.

Results come first and rules after them, because only then is known which there are; JSON does not mind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from daemon.export.context import Context, is_open, requirements, said
from daemon.export.text import json_line, rfc3339, valid
from providers.provider import Severity
from storage.findings import Finding, FindingStatus

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL: Final = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORE: Final = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
"""What code scanning sorts by; on the scale of CVSS."""


def write(findings: Iterable[Finding], context: Context) -> Iterator[str]:
    """One SARIF log of one run."""
    yield f'{{"$schema":{json_line(SCHEMA)},"version":"2.1.0","runs":[{{"results":['
    rules: dict[str, tuple[int, Finding]] = {}
    comma = ""
    for finding in findings:
        index, _ = rules.setdefault(finding.policy, (len(rules), finding))
        yield comma + "\n" + json_line(result(finding, index))
        comma = ","
    driver = {
        "name": "Watchstander",
        "semanticVersion": context.version,
        "rules": [rule(finding, context) for _, finding in rules.values()],
    }
    yield "\n],"
    yield f'"tool":{{"driver":{json_line(driver)}}},'
    yield f'"invocations":[{json_line(_invocation(context))}],'
    yield '"columnKind":"unicodeCodePoints"}]}\n'


def result(finding: Finding, rule_index: int) -> dict[str, Any]:
    """A finding as a result."""
    ref, failing = finding.ref, is_open(finding)
    found: dict[str, Any] = {
        "ruleId": finding.policy,
        "ruleIndex": rule_index,
        "kind": "fail" if failing else "pass",
        "level": _LEVEL[finding.severity] if failing else "none",
        "message": {"text": said(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(valid(ref.uid), safe="/:@!$&'()*+,;=-._~")},
                    # Code scanning takes no result without a place in a file.
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": ref.uid, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"watchstanderFinding/v1": finding.id},
        "properties": {
            "provider": ref.provider,
            "account": ref.account,
            "region": ref.region,
            "type": ref.type,
            "status": finding.status.value,
            "openedAt": rfc3339(finding.opened_at),
        },
    }
    if not failing:
        found["baselineState"] = "absent"
    if finding.status is FindingStatus.EXEMPT:
        found["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return found


def rule(finding: Finding, context: Context) -> dict[str, Any]:
    """The rule of a finding's policy."""
    title = finding.title or finding.policy
    described = context.description(finding) or title
    remedy = context.remediation(finding)
    help_ = f"{described}\n\n{remedy}" if remedy else described
    return {
        "id": finding.policy,
        "name": finding.policy,
        "shortDescription": {"text": title},
        "fullDescription": {"text": described},
        "help": {"text": help_},
        "defaultConfiguration": {"level": _LEVEL[finding.severity]},
        "properties": {
            "tags": ["security", finding.phase.value, *requirements(finding)],
            "security-severity": _SCORE[finding.severity],
        },
    }


def _invocation(context: Context) -> dict[str, Any]:
    return {
        # Whether everything that bears on the results was read.
        "executionSuccessful": not context.unread,
        "endTimeUtc": rfc3339(context.now),
        "toolExecutionNotifications": [
            {
                "level": "error",
                "message": {"text": f"{state.scope} was not read completely: {state.cause or state.status}"},
            }
            for state in context.unread
        ],
    }
