"""Comma-separated values, a finding a row, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from daemon.export.context import Context, requirements
from daemon.export.text import rfc3339, valid
from storage.findings import Finding

COLUMNS: Final = (
    "id", "status", "severity", "policy", "title", "phase", "provider", "account", "region", "type", "resource",
    "message", "opened_at", "resolved_at", "reason", "frameworks", "remediation",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write(findings: Iterable[Finding], context: Context) -> Iterator[str]:
    """A header and a row a finding (RFC 4180)."""
    yield _line(COLUMNS)
    for finding in findings:
        yield _line([_cell(value) for value in _values(finding, context)])


def _values(finding: Finding, context: Context) -> Iterator[str]:
    ref = finding.ref
    yield from (finding.id, finding.status.value, finding.severity.value, finding.policy, finding.title)
    yield from (
        finding.phase.value,
        ref.provider,
        ref.account,
        ref.region,
        ref.type,
        ref.uid,
        finding.message,
    )
    yield rfc3339(finding.opened_at)
    yield rfc3339(finding.resolved_at) if finding.resolved_at else ""
    yield finding.reason.value if finding.reason else ""
    yield "; ".join(requirements(finding))
    yield context.remediation(finding)


def _cell(text: str) -> str:
    """A spreadsheet runs what begins like a formula, and a resource's name is whatever somebody called it."""
    text = valid(text).replace("\x00", "\ufffd")
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
