"""What the SDK raises becomes one of ours, with its cause; nothing passes unmapped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    DeserializationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.identity import CredentialUnavailableError
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import errors
from providers.azure.errors import answers

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Response:
    """The part of an azure-core response that its errors read."""

    def __init__(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.reason = "Reason"
        self.headers = headers or {}
        self.request = None
        self._body = body

    def text(self) -> str:
        return self._body


def arm(code: str, message: str = "m", **more: Any) -> str:
    return json.dumps({"error": {"code": code, "message": message, **more}})


def mapped(error: Exception) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught, answers("GET thing", lambda: NOW):
        raise error
    assert caught.value.__cause__ is error
    assert caught.value.message.startswith("GET thing: ")
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, arm("ExpiredAuthenticationToken"), errors.Expired),
        (401, arm("InvalidAuthenticationTokenTenant"), errors.Expired),
        (403, arm("AuthorizationFailed"), errors.Denied),
        (403, "<html>", errors.Denied),
        (404, arm("ResourceNotFound"), errors.Gone),
        (404, arm("ResourceGroupNotFound"), errors.Gone),
        (404, arm("SubscriptionNotFound"), errors.Denied),
        (404, arm("InvalidResourceType"), errors.Unavailable),
        (404, "<html>not found</html>", errors.Unavailable),
        (404, "", errors.Unavailable),
        (408, arm("RequestTimeout"), errors.TimedOut),
        (409, arm("ScopeLocked"), errors.Conflict),
        (409, arm("MissingSubscriptionRegistration"), errors.NotEnabled),
        (412, arm("PreconditionFailed"), errors.Conflict),
        (429, arm("TooManyRequests"), errors.Throttled),
        (503, arm("SubscriptionRequestsThrottled"), errors.Throttled),
        (400, arm("NoRegisteredProviderFound"), errors.Unavailable),
        (500, arm("InternalServerError"), errors.Unavailable),
        (502, "<html><h1>Bad gateway</h1></html>", errors.Unavailable),
        (200, "[]", errors.Unavailable),
    ],
)
def test_a_status_and_a_code_have_one_meaning(
    status: int, body: str, kind: type[errors.ProviderError]
) -> None:
    assert type(mapped(HttpResponseError(response=Response(status, body)))) is kind


def test_a_denial_names_the_permission() -> None:
    message = "The client 'x' does not have authorization to perform action 'Microsoft.Storage/storageAccounts/read' over scope '/s'."
    error = mapped(HttpResponseError(response=Response(403, arm("AuthorizationFailed", message))))
    assert error.permission == "Microsoft.Storage/storageAccounts/read"
    assert error.hint == "Allow Microsoft.Storage/storageAccounts/read."
    assert error.code == "AuthorizationFailed"


def test_a_throttled_answer_says_how_long() -> None:
    error = mapped(HttpResponseError(response=Response(429, arm("TooManyRequests"), {"Retry-After": "17"})))
    assert error.hint == "The service asks to wait 17 s."


def test_resource_graph_hides_the_reason_in_details() -> None:
    body = arm(
        "BadRequest", "Please provide below info", details=[{"code": "ParserFailure", "message": "at 'whre'"}]
    )
    assert "at 'whre'" in mapped(HttpResponseError(response=Response(400, body))).message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ServiceResponseTimeoutError("read timed out"), errors.TimedOut),
        (ServiceRequestError("refused"), errors.Unavailable),
        (ServiceResponseError("reset"), errors.Unavailable),
        (IncompleteReadError("half"), errors.Unavailable),
        (DecodeError("JSON is invalid", response=Response(200, "<html>")), errors.Unavailable),
        (DeserializationError("no"), errors.Unavailable),
        (json.JSONDecodeError("no", "x", 0), errors.Unavailable),
        (AttributeError("'list' object has no attribute 'get'"), errors.Unavailable),
        (CredentialUnavailableError("no managed identity"), errors.Expired),
        (ClientAuthenticationError("AADSTS7000222: the secret has expired"), errors.Expired),
        (ResourceExistsError(response=Response(409, arm("Conflict"))), errors.Conflict),
    ],
)
def test_what_never_reached_arm_is_mapped_too(error: Exception, kind: type[errors.ProviderError]) -> None:
    assert type(mapped(error)) is kind


def test_a_defect_of_ours_is_not_taken_for_an_answer() -> None:
    with pytest.raises(ZeroDivisionError), answers("x", lambda: NOW):
        raise ZeroDivisionError


@settings(deadline=None)
@given(st.integers(100, 599), st.text(max_size=80))
def test_any_status_with_any_body_is_mapped_and_only_arm_may_say_gone(status: int, body: str) -> None:
    error = mapped(HttpResponseError(response=Response(status, body)))
    assert not isinstance(error, errors.Gone)
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Sun, 01 Mar 2026 12:00:00 GMT", "this machine's clock is 3:00:00 behind Azure's: 401"),
        ("Sun, 01 Mar 2026 08:45:00 GMT", "this machine's clock is 0:15:00 ahead of Azure's: 401"),
        ("Sun, 01 Mar 2026 09:05:00 GMT", None),
        ("Sun, 01 Mar 2026 12:00:00 -0000", None),
        ("noon", None),
        (None, None),
    ],
    ids=["behind", "ahead", "agreed", "no zone", "no date", "none"],
)
def test_how_far_the_clock_is_off_is_only_said_where_the_answer_tells_it(
    date: str | None, said: str | None
) -> None:
    body = arm("InvalidAuthenticationToken", "The access token is not yet valid.")
    headers = {"Date": date} if date else {}
    error = mapped(HttpResponseError(response=Response(401, body, headers)))
    assert type(error) is errors.Expired
    assert ("this machine's clock" in error.message) is (said is not None)
    assert (said or "GET thing: 401") in error.message
    assert ("Set this machine's clock right" in str(error.hint)) is (said is not None)


@pytest.mark.parametrize(("theirs", "off"), [("2026-03-01 12:00:00Z", True), ("2026-03-01 09:00:01Z", False)])
def test_a_stale_assertion_is_not_taken_for_a_clock_that_is_off(theirs: str, off: bool) -> None:
    """A workload identity's token file may be old while the clock is right."""
    refusal = "AADSTS700024: Client assertion is not within its valid time range. Trace ID: t"
    error = mapped(ClientAuthenticationError(f"{refusal} Timestamp: {theirs}"))
    assert ("this machine's clock is 3:00:00 behind Azure's: AADSTS700024" in error.message) is off
    assert ("clock" in str(error.hint)) is off
    assert "clock" not in mapped(ClientAuthenticationError(refusal)).message


def test_a_date_far_away_matters_only_where_we_are_not_believed() -> None:
    answer = Response(403, arm("AuthorizationFailed"), {"Date": "Sun, 01 Mar 2026 12:00:00 GMT"})
    assert "clock" not in mapped(HttpResponseError(response=answer)).message
