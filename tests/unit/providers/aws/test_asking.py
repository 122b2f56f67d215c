"""Asking: pages by tokens of our own, reports that must be made first, regions a service is not in. botocore answers from
its own parser's form; nothing of ours is replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from config.clouds import AwsSettings
from providers.aws.asking import decoded, parse_json, says
from providers.aws.catalog import Call
from providers.aws.provider import AwsProvider
from providers.errors import Denied, Unavailable
from providers.resource import CoverageStatus, Scope

ACCOUNT = "123456789012"
Answerer = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]


class Response:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Answers:
    """Answers calls by operation; counts them. An error is ``{"Error": {...}}``."""

    def __init__(self, **by_operation: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        self._by_operation = by_operation
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, model: Any, params: Mapping[str, Any], **_: Any) -> Any:
        if model.name == "GetCallerIdentity":
            return Response(200), {"Account": ACCOUNT, "ResponseMetadata": {"HTTPStatusCode": 200}}
        wire = params["body"]
        self.asked.append((model.name, wire))
        answer = dict(self._by_operation[model.name](wire))
        status = 400 if "Error" in answer else 200
        return Response(status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}

    def prepare(self, session: boto3.Session) -> None:
        session.events.register_first("before-call.*.*", self)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREPLAY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "replay")


def provider(prepare: Callable[[boto3.Session], None], **more: Any) -> AwsProvider:
    return AwsProvider(
        AwsSettings(regions=("eu-west-1",)),
        clock=lambda: datetime.now(UTC),
        attempts=1,
        prepare=prepare,
        **more,
    )


def read(made: AwsProvider, name: str, region: str = "eu-west-1") -> tuple[list[Any], Any]:
    reading = made.read(Scope("aws", ACCOUNT, region, name))
    found = list(reading)
    return found, reading.coverage


def test_pages_by_a_token_that_botocore_does_not_know() -> None:
    def listed(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        after = b'"ExclusiveStartDeliveryStreamName"' in asked_bytes(asked)
        names = ["c"] if after else ["a", "b"]
        return {"DeliveryStreamNames": names, "HasMoreDeliveryStreams": not after}

    answers = Answers(
        ListDeliveryStreams=listed,
        DescribeDeliveryStream=lambda _: {"DeliveryStreamDescription": {}},
        ListTagsForDeliveryStream=lambda _: {"Tags": [], "HasMoreTags": False},
    )
    made = provider(answers.prepare)
    found, coverage = read(made, "aws.kinesis_firehose_delivery_stream")
    made.close()
    assert [resource.name for resource in found] == ["a", "b", "c"]
    assert coverage.complete
    second = [wire for name, wire in answers.asked if name == "ListDeliveryStreams"][1]
    assert b'"ExclusiveStartDeliveryStreamName": "b"' in asked_bytes(second)


def asked_bytes(wire: Any) -> bytes:
    return wire if isinstance(wire, bytes) else str(wire).encode()


def test_a_token_that_leads_nowhere_ends_the_reading() -> None:
    answers = Answers(
        ListDeliveryStreams=lambda _: {"DeliveryStreamNames": ["a"], "HasMoreDeliveryStreams": True},
        DescribeDeliveryStream=lambda _: {"DeliveryStreamDescription": {}},
        ListTagsForDeliveryStream=lambda _: {"Tags": [], "HasMoreTags": False},
    )
    made = provider(answers.prepare)
    _, coverage = read(made, "aws.kinesis_firehose_delivery_stream")
    made.close()
    assert coverage.status is CoverageStatus.PARTIAL
    assert "same page token" in coverage.cause


REPORT = b"user,arn,mfa_active\n<root_account>,arn:aws:iam::123456789012:root,false\nann,arn:aws:iam::1:user/ann,true\n"


def test_a_report_that_must_be_made_first() -> None:
    state = {"made": False}

    def report(_: Mapping[str, Any]) -> Mapping[str, Any]:
        if not state["made"]:
            return {"Error": {"Code": "ReportNotPresent", "Message": "none"}}
        return {"Content": REPORT}

    def generate(_: Mapping[str, Any]) -> Mapping[str, Any]:
        state["made"] = True
        return {"State": "STARTED"}

    answers = Answers(GetCredentialReport=report, GenerateCredentialReport=generate)
    made = provider(answers.prepare)
    found, coverage = read(made, "aws.iam_credentials", "global")
    assert coverage.complete
    assert {r.name: r.document["mfa_active"] for r in found} == {"<root_account>": "false", "ann": "true"}
    assert made.reread(found[0].ref) == found[0]
    made.close()


def test_a_report_that_is_not_ready_is_unread_and_not_empty() -> None:
    answers = Answers(
        GetCredentialReport=lambda _: {"Error": {"Code": "ReportNotPresent", "Message": "none"}},
        GenerateCredentialReport=lambda _: {"State": "STARTED"},
    )
    made = provider(answers.prepare)
    found, coverage = read(made, "aws.iam_credentials", "global")
    made.close()
    assert found == []
    assert coverage.status is CoverageStatus.UNAVAILABLE


def test_macie_that_is_off_is_not_enabled_and_one_that_is_denied_is_denied() -> None:
    for message, status in (
        ("Macie is not enabled.", CoverageStatus.NOT_ENABLED),
        ("User: x is not authorized to perform: macie2:GetMacieSession", CoverageStatus.DENIED),
    ):
        error = {"Error": {"Code": "AccessDeniedException", "Message": message}}
        made = provider(Answers(GetMacieSession=lambda _, error=error: error).prepare)  # type: ignore[misc]
        found, coverage = read(made, "aws.macie2_account")
        made.close()
        assert (found, coverage.status) == ([], status)


class Unreachable:
    """Nothing answers; counts the attempts."""

    def __init__(self) -> None:
        self.attempts = 0

    def prepare(self, session: boto3.Session) -> None:
        session.events.register_first("before-call.sts.*", self.identity)
        session.events.register_first("before-send.*.*", self.refuse)

    def identity(self, **_: Any) -> Any:
        return Response(200), {"Account": ACCOUNT, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def refuse(self, request: Any, **_: Any) -> None:
        self.attempts += 1
        raise EndpointConnectionError(endpoint_url=request.url)


def test_a_region_a_service_is_not_in_is_not_enabled_and_is_tried_once() -> None:
    nothing = Unreachable()
    made = provider(nothing.prepare)
    for name in ("aws.lightsail_instance", "aws.lightsail_database", "aws.lightsail_bucket"):
        found, coverage = read(made, name, "af-south-1")
        assert found == []
        assert coverage.status is CoverageStatus.NOT_ENABLED
        assert "af-south-1" in coverage.cause
    assert nothing.attempts == 1
    _, coverage = read(made, "aws.lightsail_instance", "eu-west-1")
    assert coverage.status is CoverageStatus.UNAVAILABLE, "there it is offered, so the network is to blame"
    made.close()


def test_an_error_code_with_a_part_of_its_message() -> None:
    error = Unavailable("The stack web does not exist", code="ValidationError")
    assert says(error, frozenset({"ValidationError: does not exist"}))
    assert says(error, frozenset({"ValidationError"}))
    assert not says(error, frozenset({"ValidationError: too long", "Other: does not exist"}))
    assert not says(Denied("does not exist"), frozenset({"ValidationError: does not exist"}))


def test_json_in_strings_is_parsed_where_it_is_json() -> None:
    policy = {"Attributes": {"Policy": '{"a": 1}', "Other": "{"}, "Policy": "not json"}
    shared = policy["Attributes"]
    parse_json(policy, frozenset({"Attributes.Policy", "Attributes.Other", "Policy", "Gone.Policy"}))
    assert policy == {"Attributes": {"Policy": {"a": 1}, "Other": "{"}, "Policy": "not json"}
    assert shared == {"Policy": '{"a": 1}', "Other": "{"}, (
        "the answer itself, which others may hold, is not changed"
    )


def test_what_is_not_json_is_an_error_and_not_a_policy() -> None:
    call = Call("GetPolicy", "Policy", json=True)
    assert decoded(call, '{"a": 1}') == {"a": 1}
    assert decoded(call, None) is None
    with pytest.raises(Unavailable):
        decoded(call, "<html>")
