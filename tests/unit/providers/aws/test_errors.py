"""botocore's errors become ours, with the cause and the missing permission."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from providers.aws.errors import wrapped
from providers.errors import (
    Conflict,
    Denied,
    Expired,
    NotEnabled,
    ProviderError,
    Refused,
    Throttled,
    TimedOut,
    Unavailable,
)


def client_error(code: str, status: int = 400, message: str = "so it is") -> boto.ClientError:
    answer: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return boto.ClientError(answer, "Whatever")


def raised(error: Exception) -> ProviderError:
    with pytest.raises(ProviderError) as caught, wrapped("ec2", "DescribeVolumes", "1", "eu-west-1"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, Denied),
        ("UnauthorizedOperation", 403, Denied),
        ("AccessDeniedException", 400, Denied),
        ("com.amazon.coral.service#AccessDeniedException", 400, Denied),
        ("403", 403, Denied),
        ("SomethingNew", 403, Denied),
        ("Throttling", 400, Throttled),
        ("RequestLimitExceeded", 503, Throttled),
        ("SlowDown", 503, Throttled),
        ("TooManyRequestsException", 429, Throttled),
        ("SomethingNew", 429, Throttled),
        ("ExpiredToken", 400, Expired),
        ("UnrecognizedClientException", 400, Expired),
        ("OptInRequired", 403, NotEnabled),
        ("AWSOrganizationsNotInUseException", 400, NotEnabled),
        ("IncorrectInstanceState", 400, Conflict),
        ("InternalError", 500, Unavailable),
        ("500", 500, Unavailable),
        ("NoSuchEntity", 404, Unavailable),
        ("ValidationException", 400, Unavailable),
    ],
)
def test_codes(code: str, status: int, kind: type[ProviderError]) -> None:
    cause = client_error(code, status)
    error = raised(cause)
    assert type(error) is kind
    assert error.code == code
    assert error.__cause__ is cause
    assert "ec2:DescribeVolumes in 1/eu-west-1" in error.message


def test_denied_names_the_permission_of_the_answer_or_else_of_the_call() -> None:
    told = raised(
        client_error(
            "AccessDenied", 403, "User: x is not authorized to perform: s3:GetBucketLogging on resource: y"
        )
    )
    assert told.permission == "s3:GetBucketLogging"
    assert raised(client_error("UnauthorizedOperation", 403)).permission == "ec2:DescribeVolumes"
    assert raised(client_error("Throttling")).permission is None


def test_a_page_of_html_becomes_one_line() -> None:
    error = raised(
        client_error("500", 500, "<!DOCTYPE html>\n<html><body><h1>Bad\n gateway</h1></body></html>")
    )
    assert "\n" not in error.message
    assert "<" not in error.message
    assert "Bad gateway" in error.message


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (boto.ReadTimeoutError(endpoint_url="http://x"), TimedOut),
        (boto.ConnectTimeoutError(endpoint_url="http://x"), TimedOut),
        (boto.EndpointConnectionError(endpoint_url="http://x"), Unavailable),
        (boto.ConnectionClosedError(endpoint_url="http://x"), Unavailable),
        (boto.NoCredentialsError(), Denied),
        (boto.ProfileNotFound(profile="x"), Denied),
        (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), Denied),
        (boto.UnauthorizedSSOTokenError(), Expired),
        (ResponseParserError("not XML"), Unavailable),
        (boto.PaginationError(message="same token"), Unavailable),
    ],
)
def test_what_is_not_an_answer(cause: Exception, kind: type[ProviderError]) -> None:
    error = raised(cause)
    assert type(error) is kind
    assert error.__cause__ is cause


def test_our_own_errors_and_defects_pass_through() -> None:
    for error in (Refused("no"), ZeroDivisionError()):
        with pytest.raises(type(error)) as caught, wrapped("s3", "ListBuckets", "", "us-east-1"):
            raise error
        assert caught.value is error


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {
                "Code": "SignatureDoesNotMatch",
                "Message": "Signature expired: 20260301T090000Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)",
            },
            "clock is 3:00:00 behind AWS's: Sig",
        ),
        (
            {
                "Code": "InvalidSignatureException",
                "Message": "Signature not yet current: 20260301T121500Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)",
            },
            "clock is 0:15:00 ahead of AWS's: Sig",
        ),
        (
            {
                "Code": "RequestTimeTooSkewed",
                "Message": "The difference between the request time and the current time is too large.",
                "RequestTime": "20260301T090000Z",
                "ServerTime": "2026-03-02T10:00:00Z",
            },
            "clock is 1 day, 1:00:00 behind AWS's: The",
        ),
        ({"Code": "RequestTimeTooSkewed", "Message": "Too large."}, "clock seems to be off: "),
        (
            {"Code": "RequestTimeTooSkewed", "RequestTime": "20260301T090000Z", "ServerTime": "noon"},
            "clock seems to be off: ",
        ),
        (
            {
                "Code": "RequestTimeTooSkewed",
                "RequestTime": "20260301T090000Z",
                "ServerTime": "20260301T0900",
            },
            "clock seems to be off: ",
        ),
    ],
    ids=["behind", "ahead", "S3", "no times", "no time", "a time of no zone"],
)
def test_a_clock_that_is_off_and_by_how_much(answer: dict[str, str], said: str) -> None:
    error = raised(
        boto.ClientError({"Error": answer, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Whatever")
    )
    assert isinstance(error, Expired)
    assert f"this machine's {said}" in error.message
    assert "Set this machine's clock right" in str(error.hint)
