"""JUnit's XML, as build servers read it: a test case a finding (failed), and one a pair that could not be decided (skipped)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from daemon.export.context import Context, is_open, said
from daemon.export.spool import Spool
from daemon.export.text import rfc3339, xml
from storage.findings import Finding


def write(findings: Iterable[Finding], context: Context) -> Iterator[str]:
    """One suite. What never failed is not stored and so not there."""
    with Spool() as cases:
        failures = passed = 0
        for finding in findings:
            cases.write(_case(finding, context))
            failures += is_open(finding)
            passed += not is_open(finding)
        for pair in context.unknown:
            cases.write(
                f'    <testcase classname="{xml(pair.policy)}" name="{xml(pair.uid)}">'
                f'<skipped message="{xml(pair.cause)}"/></testcase>\n'
            )
        counts = (
            f'tests="{failures + passed + len(context.unknown)}" failures="{failures}" errors="0"'
            f' skipped="{len(context.unknown)}"'
        )
        yield '<?xml version="1.0" encoding="UTF-8"?>\n'
        yield f'<testsuites name="Watchstander" {counts}>\n'
        yield f'  <testsuite name="Watchstander" {counts} timestamp="{rfc3339(context.now)}">\n'
        yield from cases
        if context.unread:
            lines = "".join(
                f"{xml(str(s.scope))} was not read completely: {xml(s.cause or str(s.status))}\n"
                for s in context.unread
            )
            yield f"    <system-err>{lines}</system-err>\n"
        yield "  </testsuite>\n</testsuites>\n"


def _case(finding: Finding, context: Context) -> str:
    head = f'    <testcase classname="{xml(finding.policy)}" name="{xml(finding.ref.uid)}"'
    if not is_open(finding):
        return f"{head}/>\n"
    ref, remedy = finding.ref, context.remediation(finding)
    text = "\n".join(
        [
            finding.message,
            f"{ref.provider} {ref.account} {ref.region} {ref.type}",
            f"since {rfc3339(finding.opened_at)}",
            *([remedy] if remedy else []),
        ]
    )
    return (
        f'{head}>\n      <failure type="{finding.severity.value}" message="{xml(said(finding))}">'
        f"{xml(text)}</failure>\n    </testcase>\n"
    )
