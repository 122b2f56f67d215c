"""Events understood: GuardDuty, Security Hub, CloudTrail, Config, state changes; and what is none of ours."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.aws.events import parse
from providers.aws.sqs import queue_arn
from providers.provider import IGNORED, Event, EventKind, Severity
from providers.sandbox.aws.estate import LeakyKey
from providers.sandbox.aws.story import guardduty_finding

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED") or Path(__file__).parents[5] / "shared")
EVENTS = SHARED / "fixtures" / "events"
KEY = LeakyKey(account="111122223333", user_name="ci", access_key_id="AKIAIOSFODNN7EXAMPLE")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def bridged(
    detail: Any, kind: str = "GuardDuty Finding", source: str = "aws.guardduty", **more: Any
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "3c9e",
        "source": source,
        "detail-type": kind,
        "account": "123456789012",
        "region": "us-east-1",
        "time": "2026-03-01T12:00:00Z",
        "resources": [],
        "detail": detail,
    } | more


def understood(body: dict[str, Any]) -> Event:
    event = parse(body)
    assert event is not None
    return event


def test_a_leaked_key() -> None:
    finding = guardduty_finding(KEY, at=AT)
    event = understood(bridged(finding))
    assert event.kind is EventKind.FINDING
    assert event.type == "CredentialAccess:IAMUser/AnomalousBehavior"
    assert event.severity is Severity.HIGH
    assert (event.account, event.region) == ("111122223333", "us-east-1"), (
        "the finding's account, not the bus's"
    )
    assert event.occurred_at == AT
    assert event.actor == "ci"
    assert [(ref.type, ref.region, ref.account) for ref in event.refs] == [
        ("aws.iam_access_key", "global", "111122223333"),
        ("aws.iam_user", "global", "111122223333"),
    ]
    assert event.refs[0].uid == KEY.uid
    assert event.detail["access_key_id"] == KEY.access_key_id
    assert event.detail["severity"] == "high"
    assert event.detail["severity_score"] == 8.0
    assert event.detail["remote_ip"] == "198.51.100.23"
    assert event.detail["api"] == "GetSecretValue"
    assert event.detail["raw"] == finding


def test_the_same_delivery_is_the_same_event_and_an_update_is_not() -> None:
    finding = guardduty_finding(KEY, at=AT)
    worse = finding | {"severity": 9.0, "updatedAt": "2026-03-01T13:00:00Z"}
    assert understood(bridged(finding)).id == understood(bridged(dict(finding), id="other")).id
    assert understood(bridged(finding)).id != understood(bridged(worse)).id
    assert understood(bridged(worse)).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        (9.0, "critical"),
        (8.9, "high"),
        (7, "high"),
        (6.9, "medium"),
        (4, "medium"),
        (3.9, "low"),
        (1, "low"),
        (0.5, "info"),
    ],
)
def test_guardduty_severity(score: float, severity: str) -> None:
    assert understood(bridged(guardduty_finding(KEY, at=AT, severity=score))).severity.value == severity


def test_temporary_credentials_are_no_users_key() -> None:
    finding = guardduty_finding(KEY, at=AT)
    finding["resource"]["accessKeyDetails"]["userType"] = "AssumedRole"
    assert understood(bridged(finding)).refs == ()


def test_envelopes_within_envelopes() -> None:
    body = bridged(guardduty_finding(KEY, at=AT))
    sns = {"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(body)}
    assert parse(sns) == parse(body)
    with pytest.raises(ValueError, match="not JSON"):
        parse({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": "{"})


def trail(name: str, source: str, parameters: Any = None, answer: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.10",
        "eventID": "e-1",
        "eventName": name,
        "eventSource": source,
        "eventTime": "2026-03-01T12:00:00Z",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "readOnly": False,
        "userIdentity": {
            "arn": "arn:aws:sts::111122223333:assumed-role/Admin/eve",
            "accountId": "111122223333",
        },
        "requestParameters": parameters,
        "responseElements": answer,
    } | more


@pytest.mark.parametrize(
    ("record", "uids"),
    [
        (trail("PutBucketLogging", "s3.amazonaws.com", {"bucketName": "b"}), ["arn:aws:s3:::b"]),
        (
            trail("AuthorizeSecurityGroupIngress", "ec2.amazonaws.com", {"groupId": "sg-1"}),
            ["arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"],
        ),
        (
            trail(
                "RunInstances",
                "ec2.amazonaws.com",
                {},
                {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}},
            ),
            [f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{i}" for i in (1, 2)],
        ),
        (
            trail("StopLogging", "cloudtrail.amazonaws.com", {"name": "main"}),
            ["arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"],
        ),
        (
            trail(
                "StopLogging",
                "cloudtrail.amazonaws.com",
                {"name": "arn:aws:cloudtrail:us-east-1:9:trail/other"},
            ),
            ["arn:aws:cloudtrail:us-east-1:9:trail/other"],
        ),
        (
            trail(
                "CreateAccessKey",
                "iam.amazonaws.com",
                {"userName": "u"},
                {"accessKey": {"accessKeyId": "AKIA1", "userName": "u"}},
            ),
            ["arn:aws:iam::111122223333:user/u", "arn:aws:iam::111122223333:access-key/u/AKIA1"],
        ),
        (
            trail(
                "CreateUser",
                "iam.amazonaws.com",
                {"userName": "u"},
                {"user": {"arn": "arn:aws:iam::1:user/team/u"}},
            ),
            ["arn:aws:iam::1:user/team/u"],
        ),
        (trail("DoSomething", "unheard-of.amazonaws.com", {"name": "x"}), []),
        (trail("PutBucketLogging", "s3.amazonaws.com", None), []),
    ],
)
def test_api_calls(record: dict[str, Any], uids: list[str]) -> None:
    event = understood(bridged(record, "AWS API Call via CloudTrail", "aws.any"))
    assert event.kind is EventKind.CHANGE
    assert event.type == record["eventName"]
    assert [ref.uid for ref in event.refs] == uids
    assert event.actor == "arn:aws:sts::111122223333:assumed-role/Admin/eve"
    assert event.id == "cloudtrail:e-1"


@pytest.mark.parametrize("more", [{"readOnly": True}, {"errorCode": "AccessDenied"}])
def test_what_changed_nothing_asks_for_nothing(more: dict[str, Any]) -> None:
    record = trail("PutBucketLogging", "s3.amazonaws.com", {"bucketName": "b"}, **more)
    assert parse(bridged(record, "AWS API Call via CloudTrail", "aws.s3")) is IGNORED


def test_a_change_of_state_names_its_resource() -> None:
    arn = "arn:aws:ec2:us-east-1:1:instance/i-1"
    event = understood(
        bridged({"state": "running"}, "EC2 Instance State-change Notification", "aws.ec2", resources=[arn])
    )
    assert [ref.uid for ref in event.refs] == [arn]
    assert event.kind is EventKind.CHANGE


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hello": "world"},
        bridged({}, "Scheduled Event", "aws.events"),
        bridged({}, "Order placed", "shop.orders"),
        {"insertId": "x", "protoPayload": {}},
        {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:x"},
    ],
)
def test_of_no_interest(body: dict[str, Any]) -> None:
    assert parse(body) is None


@pytest.mark.parametrize(
    "body",
    [
        bridged("text"),
        bridged({"id": "x"}),
        bridged(guardduty_finding(KEY, at=AT) | {"severity": "high"}),
        bridged(guardduty_finding(KEY, at=AT) | {"severity": True}),
        bridged(guardduty_finding(KEY, at=AT) | {"updatedAt": "yesterday"}),
        bridged(guardduty_finding(KEY, at=AT) | {"resource": {"accessKeyDetails": ["x"]}}),
        bridged({"findings": "x"}, "Security Hub Findings - Imported", "aws.securityhub"),
        bridged({"eventName": 5, "eventSource": "s3.amazonaws.com"}, "AWS API Call via CloudTrail", "aws.s3"),
    ],
)
def test_a_known_form_broken(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        parse(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*path, key))
    return found


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_anything_anywhere_is_an_event_or_nothing_or_a_value_error(data: st.DataObject) -> None:
    """Whatever stands in place of one part of an event, intake sees an event, None or ValueError: never a traceback."""
    bodies = [
        bridged(guardduty_finding(KEY, at=AT)),
        bridged(
            trail(
                "CreateAccessKey", "iam.amazonaws.com", {"userName": "u"}, {"accessKey": {"accessKeyId": "A"}}
            ),
            "AWS API Call via CloudTrail",
            "aws.iam",
        ),
        bridged(
            {
                "findings": [
                    {
                        "Id": "f",
                        "AwsAccountId": "1",
                        "UpdatedAt": "2026-03-01T12:00:00Z",
                        "Severity": {"Label": "HIGH", "Normalized": 70},
                        "Types": ["t"],
                        "Title": "t",
                        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::b", "Region": "us-east-1"}],
                    }
                ]
            },
            "Security Hub Findings - Imported",
            "aws.securityhub",
        ),
    ]
    body = json.loads(json.dumps(data.draw(st.sampled_from(bodies))))
    *above, last = data.draw(st.sampled_from(_places(body)))
    holder = body
    for key in above:
        holder = holder[key]
    holder[last] = data.draw(_JSON)
    try:
        event = parse(body)
    except ValueError:
        return
    assert event is None or event is IGNORED or (event.id and event.occurred_at.tzinfo is not None)


def test_the_arn_of_the_queue() -> None:
    assert queue_arn("https://sqs.eu-west-1.amazonaws.com/1/q", "aws") == "arn:aws:sqs:eu-west-1:1:q"
    assert queue_arn("http://127.0.0.1:5000/1/q", "aws") == "arn:aws:sqs:*:1:q"


def _recorded() -> list[Any]:
    found = []
    for path in sorted(EVENTS.glob("aws*/*.json")) if EVENTS.exists() else []:
        loaded = json.loads(path.read_text())
        for number, body in enumerate(loaded if isinstance(loaded, list) else [loaded]):
            found.append(pytest.param(body, id=f"{path.stem}-{number}"))
    return found


@pytest.mark.shared
@pytest.mark.skipif(not EVENTS.exists(), reason="no recorded events here")
@pytest.mark.parametrize("body", _recorded() or [pytest.param(None, marks=pytest.mark.skip)])
def test_recorded_events(body: dict[str, Any]) -> None:
    event = understood(body)
    assert event.provider == "aws"
    assert event.account.isdigit()
    assert event.id
    assert event.title
    text = json.dumps(body)
    if "bucketName" in text or "StopLogging" in text or "groupId" in text or "accessKey" in text:
        assert event.refs


@pytest.mark.shared
@pytest.mark.skipif(not EVENTS.exists(), reason="no recorded events here")
def test_recorded_security_hub_finding_on_a_key() -> None:
    body = json.loads((EVENTS / "aws" / "event-securityhub-iamkey-finding-action.json").read_text())
    event = understood(body)
    assert event.kind is EventKind.FINDING
    assert event.severity is Severity.MEDIUM
    assert event.detail["source"] == "securityhub"
    assert event.detail["user_name"]
