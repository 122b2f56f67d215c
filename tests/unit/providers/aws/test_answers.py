"""Half answers are refused before botocore makes empty ones of them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.parsers import ResponseParserError, create_parser

from providers.aws.answers import refuse_half_answers
from providers.aws.described import new_session

SESSION = new_session()


def ask(service: str, operation: str, body: bytes, *, status: int = 200, headers: Any = None) -> None:
    refuse_half_answers(
        operation_model=SESSION.get_service_model(service).operation_model(operation),
        response_dict={"status_code": status, "headers": headers or {}, "body": body},
        customized_response_dict={},
    )


def refused(service: str, operation: str, body: bytes, *, status: int = 200) -> bool:
    try:
        ask(service, operation, body, status=status)
    except ResponseParserError:
        return True
    return False


def test_why_this_is_needed() -> None:
    """botocore's own parser makes an empty success of half a document; if that ends, this guard may go."""
    model = SESSION.get_service_model("kms")
    half = {"status_code": 200, "headers": {}, "body": b'{"Keys": [{"KeyId": "1"}, {"Ke'}
    parsed = create_parser(model.resolved_protocol).parse(
        half, model.operation_model("ListKeys").output_shape
    )
    assert "Keys" not in parsed


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("kms", "ListKeys", b'{"Keys": [{"KeyId": "1"}, {"Ke'),
        ("kms", "ListKeys", b""),
        ("kms", "ListKeys", b"<!DOCTYPE html><html></html>"),
        ("kms", "ListKeys", b"  <html></html>"),
        ("ec2", "DescribeVolumes", b""),
        ("ec2", "DescribeVolumes", b"<html><body>Please log in</body></html>"),
        ("elb", "DescribeLoadBalancers", b""),
        ("s3", "ListBuckets", b""),
        ("s3", "GetBucketLogging", b"<!doctype HTML>"),
        ("eks", "ListClusters", b'{"clusters": ['),
    ],
)
def test_refused(service: str, operation: str, body: bytes) -> None:
    assert refused(service, operation, body)


def test_fewer_bytes_than_promised() -> None:
    with pytest.raises(ResponseParserError, match="2 of 90 bytes"):
        ask("kms", "ListKeys", b"{}", headers={"Content-Length": "90"})
    ask("kms", "ListKeys", b"{}", headers={"Content-Length": "90", "Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("service", "operation", "body", "status"),
    [
        ("kms", "ListKeys", b"{}", 200),
        ("kms", "ListKeys", b"half a {", 500),
        ("ec2", "DescribeVolumes", b"<DescribeVolumesResponse/>", 200),
        ("s3", "HeadBucket", b"", 200),
        ("s3", "PutBucketLogging", b"", 200),
        ("iam", "UpdateAccessKey", b"", 200),
        ("sqs", "DeleteMessage", b"", 200),
    ],
)
def test_let_through(service: str, operation: str, body: bytes, status: int) -> None:
    assert not refused(service, operation, body, status=status)
