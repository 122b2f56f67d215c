"""What Google's libraries raise, and what it is called here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.protobuf import json_format

from providers import errors
from providers.gcp.errors import from_response, permission_in, translated

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def response(status: int, body: Any, content_type: str = "application/json") -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    made.headers["content-type"] = content_type
    return made


def error_body(
    status: str | None, message: str = "no", reason: str | None = None, **metadata: str
) -> dict[str, Any]:
    found: dict[str, Any] = {"message": message}
    if status:
        found["status"] = status
    if reason:
        found["details"] = [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}
        ]
    return {"error": found}


def raised(error: Exception) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught, translated("asking", lambda: NOW):
        raise error
    assert caught.value.__cause__ is error
    assert caught.value.message.startswith("asking: ")
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, error_body("UNAUTHENTICATED"), errors.Expired),
        (403, error_body("PERMISSION_DENIED"), errors.Denied),
        (403, error_body("PERMISSION_DENIED", reason="SERVICE_DISABLED"), errors.NotEnabled),
        (403, {"error": {"message": "m", "errors": [{"reason": "accessNotConfigured"}]}}, errors.NotEnabled),
        (403, {"error": {"message": "m", "errors": [{"reason": "rateLimitExceeded"}]}}, errors.Throttled),
        (404, error_body("NOT_FOUND"), errors.Gone),
        (404, {"error": {"message": "m"}}, errors.Gone),
        (409, error_body("ABORTED"), errors.Conflict),
        (412, {"error": {"message": "m", "errors": [{"reason": "conditionNotMet"}]}}, errors.Conflict),
        (400, error_body("FAILED_PRECONDITION"), errors.Conflict),
        (400, error_body("FAILED_PRECONDITION", reason="BILLING_DISABLED"), errors.NotEnabled),
        (429, error_body("RESOURCE_EXHAUSTED"), errors.Throttled),
        (500, error_body("INTERNAL"), errors.Unavailable),
        (503, error_body("UNAVAILABLE"), errors.Unavailable),
        (504, error_body("DEADLINE_EXCEEDED"), errors.TimedOut),
        (500, b"<!DOCTYPE html><html>Error 500</html>", errors.Unavailable),
        (403, b"<html>your proxy says no</html>", errors.Denied),
        (302, b"", errors.Unavailable),
        (400, {"error": "invalid_grant", "error_description": "Bad"}, errors.ProviderError),
        (500, [1, 2], errors.Unavailable),
    ],
)
def test_rest_answers(status: int, body: Any, kind: type[errors.ProviderError]) -> None:
    error = from_response(response(status, body), "asking", NOW)
    assert type(error) is kind
    assert "<" not in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (api.Unauthenticated("m"), errors.Expired),
        (api.PermissionDenied("m"), errors.Denied),
        (api.NotFound("m"), errors.Gone),
        (api.ResourceExhausted("m"), errors.Throttled),
        (api.Aborted("m"), errors.Conflict),
        (api.FailedPrecondition("m"), errors.Conflict),
        (api.DeadlineExceeded("m"), errors.TimedOut),
        (api.ServiceUnavailable("m"), errors.Unavailable),
        (api.InternalServerError("m"), errors.Unavailable),
        (api.Unknown("m"), errors.Unavailable),
        (api.InvalidArgument("m"), errors.ProviderError),
        (api.RetryError("m", cause=Exception("c")), errors.TimedOut),
        (auth.RefreshError("m"), errors.Expired),
        (auth.DefaultCredentialsError("m"), errors.Expired),
        (auth.TransportError("m"), errors.Unavailable),
        (requests.ReadTimeout("m"), errors.TimedOut),
        (requests.ConnectTimeout("m"), errors.TimedOut),
        (requests.ConnectionError("m"), errors.Unavailable),
        (requests.exceptions.ChunkedEncodingError("m"), errors.Unavailable),
        (json_format.ParseError("m"), errors.Unavailable),
    ],
)
def test_library_errors(error: Exception, kind: type[errors.ProviderError]) -> None:
    assert type(raised(error)) is kind


def test_every_grpc_status_has_a_name_here() -> None:
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            assert raised(api.from_grpc_status(code, "m")).code == code.name


def test_a_defect_of_ours_is_not_a_clouds_answer() -> None:
    with pytest.raises(KeyError), translated("asking", lambda: NOW):
        raise KeyError("ours")


@pytest.mark.parametrize(
    ("message", "permission"),
    [
        ("Permission 'cloudasset.assets.listResource' denied on resource", "cloudasset.assets.listResource"),
        ("Required 'compute.instances.get' permission for 'projects/p'", "compute.instances.get"),
        (
            "a@b does not have storage.buckets.get access to the Google Cloud Storage bucket.",
            "storage.buckets.get",
        ),
        ("Permission iam.serviceAccountKeys.disable is required", "iam.serviceAccountKeys.disable"),
        ("The caller does not have permission", None),
    ],
)
def test_the_missing_permission_is_read_from_the_message(message: str, permission: str | None) -> None:
    assert permission_in(message) == permission
    error = from_response(response(403, error_body("PERMISSION_DENIED", message)), "asking", NOW)
    assert error.permission == permission


def test_the_missing_permission_is_read_from_the_details() -> None:
    body = error_body("PERMISSION_DENIED", "no", "IAM_PERMISSION_DENIED", permission="a.b.c")
    error = from_response(response(403, body), "asking", NOW)
    assert error.permission == "a.b.c"
    assert error.hint == "Grant a.b.c."


@pytest.mark.parametrize(
    ("status", "date", "said"),
    [
        (
            401,
            "Sun, 01 Mar 2026 12:00:00 GMT",
            "asking: this machine's clock is 3:00:00 behind Google's: UNAUTH",
        ),
        (401, "Sun, 01 Mar 2026 09:04:59 GMT", "asking: UNAUTHENTICATED"),
        (403, "Sun, 01 Mar 2026 12:00:00 GMT", "asking: PERMISSION_DENIED"),
    ],
)
def test_how_far_the_clock_is_off(status: int, date: str, said: str) -> None:
    answer = response(status, {"error": {"message": "Request had invalid authentication credentials."}})
    answer.headers["date"] = date
    error = from_response(answer, "asking", NOW)
    assert error.message.startswith(said)
    assert ("Set this machine's clock right" in str(error.hint)) is ("clock" in said)


def test_a_token_that_we_signed_for_another_time() -> None:
    words = "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    error = raised(auth.RefreshError(words))
    assert error.message == f"asking: this machine's clock seems to be off: {words}"
    assert "Set this machine's clock right" in str(error.hint)
    assert "clock" not in raised(auth.RefreshError("invalid_grant: Bad Request")).message
