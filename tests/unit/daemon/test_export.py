"""Findings for other tools: each format well-formed, by its own rules, whatever anything is called."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.export import ExportFormat, writer
from daemon.export.asff import record
from daemon.export.context import Context
from daemon.export.ocsf import event
from policies.policy import Language, Phase, Policy
from providers.aws.described import new_session
from providers.provider import Severity
from providers.resource import CoverageStatus, ResourceRef, Scope
from storage.findings import Finding, FindingStatus, Reason, Unknown
from storage.values import ScopeState

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script>\"'&<!-- ]]> \x00\x1b[31m\ud800\u202e\uffff=cmd|' /C calc'!A0 ${x} %{y}\n\r\t"


def policy(id_: str = "aws.s3_bucket_public", **more: Any) -> Policy:
    base: dict[str, Any] = {
        "id": id_,
        "title": "A bucket is public",
        "description": "Anyone may read it.",
        "phase": Phase.PREPARATION,
        "severity": Severity.HIGH,
        "language": Language.REGO,
        "source": "",
        "path": Path("p.rego"),
        "line": 1,
        "digest": b"",
        "remediation": "Switch on the public access block.",
    }
    return Policy(**{**base, **more})


def finding(**more: Any) -> Finding:
    base: dict[str, Any] = {
        "id": "f1",
        "resource_id": 1,
        "ref": ResourceRef(
            provider="aws",
            account="111122223333",
            region="eu-west-1",
            type="aws.s3_bucket",
            uid="arn:aws:s3:::bucket",
        ),
        "policy": "aws.s3_bucket_public",
        "title": "A bucket is public",
        "phase": Phase.PREPARATION,
        "severity": Severity.HIGH,
        "status": FindingStatus.OPEN,
        "message": "The bucket can be read by anyone.",
        "details": (),
        "opened_at": NOW - timedelta(days=2),
        "resolved_at": None,
        "reason": None,
        "baseline": False,
        "frameworks": {"cis-aws": ("2.1.4",), "nist-800-53": ("AC-3",)},
    }
    return Finding(**{**base, **more})


def resolved(reason: Reason = Reason.PASSED, **more: Any) -> Finding:
    return finding(status=FindingStatus.RESOLVED, resolved_at=NOW, reason=reason, **more)


def azure(**more: Any) -> Finding:
    ref = ResourceRef(
        provider="azure",
        account="0000-1",
        region="westeurope",
        type="microsoft.storage/storageaccounts",
        uid="/subscriptions/0000-1/x",
    )
    return finding(**{"id": "f2", "ref": ref, **more})


def state(status: CoverageStatus, **more: Any) -> ScopeState:
    base: dict[str, Any] = {
        "scope": Scope("aws", "111122223333", "eu-west-1", "aws.s3_bucket"),
        "status": status,
        "cause": None,
        "permission": None,
        "read": 0,
        "details_unread": 0,
        "last_attempt_at": NOW,
        "last_attempt_cycle": 1,
        "first_complete_at": None,
        "last_complete_at": None,
        "last_complete_cycle": None,
        "since": NOW,
    }
    return ScopeState(**{**base, **more})


CONTEXT = Context(
    now=NOW,
    version="1.2.3",
    policies={"aws.s3_bucket_public": policy()},
    coverage=(
        state(CoverageStatus.COMPLETE),
        state(
            CoverageStatus.DENIED,
            scope=Scope("aws", "2", "us-east-1", "aws.iam_user"),
            cause="AccessDenied: no",
            permission="iam:ListUsers",
        ),
    ),
    unknown=(Unknown(uid="arn:aws:s3:::dark", policy="aws.s3_x", since=NOW, cause="`Policy` was not read"),),
    unknown_count=1,
    aws_account="999988887777",
)


def text(format_: ExportFormat, *findings: Finding, context: Context = CONTEXT) -> str:
    found = "".join(writer(format_)(iter(findings), context))
    found.encode("utf-8")  # no lone surrogate gets out
    return found


# ASFF: against the service's own model


def securityhub_errors(records: Any) -> str:
    model = new_session().get_service_model("securityhub")
    shape = model.operation_model("BatchImportFindings").input_shape
    return str(ParamValidator().validate({"Findings": records}, shape).generate_report())


ALL_STATES = [
    finding(),
    finding(status=FindingStatus.EXEMPT),
    resolved(),
    resolved(Reason.RESOURCE_DELETED),
    azure(),
    finding(frameworks={}, message="", title=" "),
    *(finding(severity=severity) for severity in Severity),
]


def test_asff_is_what_security_hub_takes() -> None:
    records = json.loads(text(ExportFormat.ASFF, *ALL_STATES))
    assert len(records) == len(ALL_STATES)
    assert securityhub_errors(records) == ""
    model = new_session().get_service_model("securityhub").shape_for("AwsSecurityFinding")
    for one in records:
        assert one["Severity"]["Label"] in model.members["Severity"].members["Label"].enum
        assert one["Workflow"]["Status"] in model.members["Workflow"].members["Status"].enum
        assert one["RecordState"] in model.members["RecordState"].enum
        assert one["Compliance"]["Status"] in model.members["Compliance"].members["Status"].enum
        for name in ("CreatedAt", "UpdatedAt"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one[name])
        for name in ("Title", "Description", "Id", "GeneratorId"):
            assert re.search(model.members[name].metadata["pattern"], one[name])
    assert securityhub_errors([{**records[0], "Title": 1}]) != ""


def test_asff_says_whose_and_how_it_stands() -> None:
    one = record(finding(), CONTEXT)
    assert one["ProductArn"] == ("arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default")
    assert one["Resources"] == [
        {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::bucket", "Region": "eu-west-1", "Partition": "aws"}
    ]
    assert one["Compliance"]["RelatedRequirements"] == ["cis-aws 2.1.4", "nist-800-53 AC-3"]
    assert (one["Workflow"]["Status"], one["RecordState"]) == ("NEW", "ACTIVE")
    assert record(resolved(), CONTEXT)["Compliance"]["Status"] == "PASSED"
    gone = record(resolved(Reason.RESOURCE_DELETED), CONTEXT)
    assert (gone["Compliance"]["Status"], gone["RecordState"]) == ("NOT_AVAILABLE", "ARCHIVED")
    other = record(azure(), CONTEXT)
    assert (other["AwsAccountId"], other["Resources"][0]["Type"]) == ("999988887777", "Other")
    china = replace(finding().ref, uid="arn:aws-cn:iam::1:user/x", region="global", type="aws.iam_user")
    assert record(finding(ref=china), CONTEXT)["ProductArn"].startswith("arn:aws-cn:securityhub:cn-north-1:")


def test_asff_leaves_out_what_has_no_aws_account() -> None:
    without = replace(CONTEXT, aws_account=None)
    assert [r["Id"] for r in json.loads(text(ExportFormat.ASFF, azure(), finding(), context=without))] == [
        "watchstander/f1"
    ]
    assert json.loads(text(ExportFormat.ASFF, azure(), context=without)) == []


def test_asff_keeps_within_the_services_limits() -> None:
    long = finding(
        title="t" * 400,
        message="m" * 4000,
        policy="p" * 900,
        frameworks={"n" * 100: tuple(str(n) for n in range(50))},
        ref=replace(finding().ref, uid="arn:aws:s3:::" + "b" * 900),
    )
    one = record(long, replace(CONTEXT, policies={"p" * 900: policy(remediation="r" * 900)}))
    assert len(one["Title"]) == 256
    assert len(one["Description"]) == 1024
    assert len(one["GeneratorId"]) <= 512
    assert len(one["Resources"][0]["Id"]) <= 512
    assert len(one["Compliance"]["RelatedRequirements"]) == 32
    assert max(map(len, one["Compliance"]["RelatedRequirements"])) <= 64
    assert len(one["Remediation"]["Recommendation"]["Text"]) == 512


# OCSF: the class's required attributes, ids with their captions


def test_ocsf_has_what_the_class_requires() -> None:
    lines = text(ExportFormat.OCSF, *ALL_STATES).splitlines()
    assert len(lines) == len(ALL_STATES)
    for line in lines:
        one = json.loads(line)
        assert one["class_uid"] == 2003
        assert one["type_uid"] == one["class_uid"] * 100 + one["activity_id"]
        required = {"activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"}
        assert required | {"compliance", "finding_info", "metadata"} <= set(one)
        assert one["compliance"]["standards"]
        assert {"uid", "title"} <= set(one["finding_info"])
        assert {"version", "product"} <= set(one["metadata"])
        assert isinstance(one["time"], int)
        assert {"provider", "account", "region"} <= set(one["cloud"])


def test_ocsf_says_how_it_stands() -> None:
    def facts(one: Mapping[str, Any]) -> tuple[int, int, int]:
        return one["activity_id"], one["status_id"], one["compliance"]["status_id"]

    assert facts(event(finding(), CONTEXT)) == (1, 1, 3)
    assert facts(event(finding(status=FindingStatus.EXEMPT), CONTEXT)) == (1, 3, 3)
    assert facts(event(resolved(), CONTEXT)) == (3, 4, 1)
    assert facts(event(resolved(Reason.RESOURCE_DELETED), CONTEXT)) == (3, 4, 0)
    one = event(finding(), CONTEXT)
    assert one["remediation"]["desc"] == "Switch on the public access block."
    assert one["compliance"]["requirements"] == ["cis-aws 2.1.4", "nist-800-53 AC-3"]
    assert [event(finding(severity=s), CONTEXT)["severity_id"] for s in Severity] == [1, 2, 3, 4, 5]
    assert event(azure(), CONTEXT)["cloud"]["account"]["type"] == "Azure Subscription"


# SARIF


def test_sarif_names_rules_results_and_what_was_not_read() -> None:
    log = json.loads(text(ExportFormat.SARIF, *ALL_STATES, finding(policy="gone.policy", title="")))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == ["aws.s3_bucket_public", "gone.policy"]
    assert rules[0]["help"]["text"].endswith("Switch on the public access block.")
    assert rules[0]["properties"]["security-severity"] == "8.0"
    assert "cis-aws 2.1.4" in rules[0]["properties"]["tags"]
    assert len(run["results"]) == len(ALL_STATES) + 1
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
        # A level other than none is for failures only (3.27.10).
        assert (one["level"] == "none") == (one["kind"] != "fail")
        assert one["message"]["text"].strip() or one["message"]["text"] == " "
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9:/?#\[\]@!$&'()*+,;=\-._~%]+", uri)
    assert [bool(r.get("suppressions")) for r in run["results"][:2]] == [False, True]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert (
        "aws.iam_user was not read completely: AccessDenied: no"
        in (invocation["toolExecutionNotifications"][0]["message"]["text"])
    )


# CSV


def test_csv_is_a_row_a_finding_and_runs_nothing() -> None:
    evil = finding(message="=HYPERLINK(1)", title="+1", ref=replace(finding().ref, uid='@SUM(A1),"x"\r\ny'))
    rows = list(csv.DictReader(io.StringIO(text(ExportFormat.CSV, finding(), resolved(), evil), newline="")))
    assert len(rows) == 3
    assert rows[0]["resource"] == "arn:aws:s3:::bucket"
    assert rows[0]["frameworks"] == "cis-aws 2.1.4; nist-800-53 AC-3"
    assert rows[1]["resolved_at"] == "2024-05-01T12:00:00.000Z"
    assert (rows[2]["message"], rows[2]["title"]) == ("'=HYPERLINK(1)", "'+1")
    assert rows[2]["resource"] == '\'@SUM(A1),"x"\r\ny'


# JUnit


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(text(ExportFormat.JUNIT, finding(), azure(), resolved()))
    (suite,) = root
    cases = suite.findall("testcase")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "1")
    assert len(cases) == 4
    assert len(suite.findall("testcase/failure")) == 2
    failure = cases[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "The bucket can be read by anyone."
    assert "Switch on the public access block." in (failure.text or "")
    skipped = suite.find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "`Policy` was not read"
    assert "aws.iam_user was not read completely" in suite.findtext("system-err", "")


# HTML

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """A page that is parsed strictly: everything opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def page(*findings: Finding, context: Context = CONTEXT) -> Page:
    parsed = Page()
    parsed.feed(text(ExportFormat.HTML, *findings, context=context))
    parsed.close()
    assert parsed.open == []
    return parsed


def test_html_leads_with_what_was_not_read() -> None:
    found = page(finding(), azure())
    assert "1 of 2 scopes was not read completely and 1 judgement could not be made" in found.text
    assert found.text.index("not read completely") < found.text.index("The bucket can be read by anyone.")
    for word in ("iam:ListUsers", "AccessDenied: no", "`Policy` was not read", "2 findings", "Azure"):
        assert word in found.text
    low, critical = (
        finding(severity=Severity.LOW, message="mild"),
        finding(severity=Severity.CRITICAL, message="grave"),
    )
    ordered = page(low, critical).text
    assert ordered.index("grave") < ordered.index("mild")
    whole = replace(CONTEXT, coverage=CONTEXT.coverage[:1], unknown=(), unknown_count=0)
    assert "All 1 scopes were read completely" in page(context=whole).text
    assert "Nothing was read yet" in page(context=replace(whole, coverage=())).text


def test_html_is_one_accessible_file_without_scripts() -> None:
    found = page(finding(), azure(), resolved())
    names = [tag for tag, _ in found.tags]
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(names)
    assert all(a.get("href", "#").startswith("#") for t, a in found.tags if t == "a")  # type: ignore[union-attr]
    assert dict(found.tags)["html"]["lang"] == "en"
    assert names.count("h1") == 1
    assert names.count("table") == names.count("caption")
    assert all("scope" in attributes for tag, attributes in found.tags if tag == "th")
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    linked = {str(a["href"])[1:] for t, a in found.tags if t == "a"}
    assert linked <= set(ids)
    labelled = {str(a["aria-labelledby"]) for _, a in found.tags if "aria-labelledby" in a}
    assert labelled <= set(ids)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_html_colours_can_be_read_in_both_schemes() -> None:
    style = text(ExportFormat.HTML)
    schemes = re.findall(r":root\{([^}]*)\}", style)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", scheme.replace("#fff;", "#ffffff;")))
        for name in ("ink", "soft", "critical", "high", "medium", "low", "info"):
            for ground in ("paper", "band"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        assert contrast(colours["ink"], colours["warn"]) >= 4.5


# All of them


@pytest.mark.parametrize("format_", list(ExportFormat))
def test_nothing_hostile_gets_out(format_: ExportFormat) -> None:
    evil = finding(
        ref=replace(finding().ref, uid=HOSTILE, account=HOSTILE, region=HOSTILE, type=HOSTILE),
        policy=HOSTILE,
        title=HOSTILE,
        message=HOSTILE,
        frameworks={HOSTILE: (HOSTILE,)},
    )
    context = replace(
        CONTEXT,
        policies={HOSTILE: policy(HOSTILE, description=HOSTILE, remediation=HOSTILE)},
        coverage=(state(CoverageStatus.DENIED, cause=HOSTILE, permission=HOSTILE),),
        unknown=(Unknown(uid=HOSTILE, policy=HOSTILE, since=NOW, cause=HOSTILE),),
    )
    found = text(format_, evil, context=context)
    match format_:
        case ExportFormat.HTML:
            parsed = page(evil, context=context)
            assert "script" not in [tag for tag, _ in parsed.tags]
            assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", found)
        case ExportFormat.JUNIT:
            assert ET.fromstring(found)[0].find("testcase/failure") is not None
        case ExportFormat.CSV:
            (row,) = csv.DictReader(io.StringIO(found, newline=""))
            assert "alert(1)" in row["message"]
        case ExportFormat.ASFF:
            assert securityhub_errors(json.loads(found)) == ""
        case _:
            assert json.loads(found)


ANY_TEXT = st.text(alphabet=st.characters(), max_size=30)


@settings(max_examples=40)
@given(uid=ANY_TEXT, message=ANY_TEXT, title=ANY_TEXT, policy_id=ANY_TEXT)
def test_every_text_survives_in_every_format(uid: str, message: str, title: str, policy_id: str) -> None:
    one = finding(ref=replace(finding().ref, uid=uid), message=message, title=title, policy=policy_id)
    json.loads(text(ExportFormat.SARIF, one))
    json.loads(text(ExportFormat.OCSF, one))
    assert securityhub_errors(json.loads(text(ExportFormat.ASFF, one))) == ""
    ET.fromstring(text(ExportFormat.JUNIT, one))
    assert len(list(csv.reader(io.StringIO(text(ExportFormat.CSV, one), newline="")))) == 2
    page(one)


@pytest.mark.parametrize("format_", list(ExportFormat))
def test_no_findings_are_a_whole_document_too(format_: ExportFormat) -> None:
    found = text(format_)
    assert found != "" or format_ is ExportFormat.OCSF


@pytest.mark.parametrize(
    "format_", [ExportFormat.OCSF, ExportFormat.ASFF, ExportFormat.SARIF, ExportFormat.CSV]
)
def test_what_can_stream_does(format_: ExportFormat) -> None:
    taken = 0

    def many() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield finding(id=f"f{taken}")

    pieces = writer(format_)(many(), CONTEXT)
    for _ in range(20):
        next(pieces)
    assert taken <= 20
