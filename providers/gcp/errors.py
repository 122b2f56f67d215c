"""The one place where what Google's libraries raise becomes one of :mod:`providers.errors`, cause kept.

gRPC and REST carry the same status names; what tells cases apart further is the ErrorInfo reason (SERVICE_DISABLED,
RATE_LIMIT_EXCEEDED, IAM_PERMISSION_DENIED) and, in the older APIs, ``errors[].reason``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import grpc
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from providers import errors, skew

_PERMISSION: Final = (
    re.compile(r"[Pp]ermissions? '?([a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+)'?"),
    re.compile(r"'([a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+)' permission"),
    re.compile(r"does not have ([a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+) access"),
)
_DISABLED: Final = frozenset(
    {"SERVICE_DISABLED", "accessNotConfigured", "BILLING_DISABLED", "billingDisabled"}
)
_DISABLED_TEXT: Final = re.compile(
    r"has not been used in project|API is (?:not enabled|disabled)|it is disabled"
)
_RATE: Final = frozenset(
    {
        "RATE_LIMIT_EXCEEDED",
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
        "RESOURCE_EXHAUSTED",
    }
)
_UNTIMELY: Final = "Invalid JWT: Token must be a short-lived token"
"""What Google's sign-in says of a token whose times are not about now."""
_PLAIN: Final[Mapping[str, tuple[type[errors.ProviderError], str | None]]] = {
    "UNAUTHENTICATED": (errors.Expired, "Renew the credentials (GOOGLE_APPLICATION_CREDENTIALS)."),
    "RESOURCE_EXHAUSTED": (errors.Throttled, "Lower `budget`, or name a `quota_project` of your own."),
    "NOT_FOUND": (errors.Gone, None),
    "ABORTED": (errors.Conflict, None),
    "FAILED_PRECONDITION": (errors.Conflict, None),
    "ALREADY_EXISTS": (errors.Conflict, None),
    "DEADLINE_EXCEEDED": (errors.TimedOut, None),
    "INVALID_ARGUMENT": (errors.ProviderError, "Check `types` and `parents` in the configuration."),
    "OUT_OF_RANGE": (errors.ProviderError, None),
}
_HTTP_STATUS: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    410: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an error answer says, whichever way it came."""

    status: str
    message: str
    reasons: frozenset[str] = frozenset()
    permission: str | None = None
    date: datetime | None = None
    """The time at Google, where the answer tells it."""


def classify(answer: Answer, what: str, now: datetime) -> errors.ProviderError:
    """The error for an answer. ``what`` is the call as a person would name it; ``now`` (aware) is held against the time that
    a refusal of our credentials tells."""
    status, reasons = answer.status, answer.reasons
    message = f"{what}: {status}: {_line(answer.message)}"
    if status == "PERMISSION_DENIED" and reasons & _RATE:
        status = "RESOURCE_EXHAUSTED"
    if status in ("PERMISSION_DENIED", "FAILED_PRECONDITION") and (
        reasons & _DISABLED or _DISABLED_TEXT.search(answer.message)
    ):
        return errors.NotEnabled(message, code="SERVICE_DISABLED", hint="Enable the API for the project.")
    if status == "PERMISSION_DENIED":
        permission = answer.permission or permission_in(answer.message)
        hint = f"Grant {permission}." if permission else "See `watchstander permissions gcp`."
        return errors.Denied(message, code=status, permission=permission, hint=hint)
    kind, advice = _PLAIN.get(status, (errors.Unavailable, None))
    if kind is errors.Expired and (off := skew.measured(now, answer.date, "Google")):
        message, advice = f"{what}: {off}: {status}: {_line(answer.message)}", skew.SET_CLOCK
    return kind(message, code=status, hint=advice)


def from_response(response: requests.Response, what: str, now: datetime) -> errors.ProviderError:
    """The error for a REST answer that is not a success; ``now`` as for :func:`classify`."""
    return classify(_read_response(response), what, now)


def permission_in(message: str) -> str | None:
    """The permission an error message names."""
    for pattern in _PERMISSION:
        found = pattern.search(message)
        if found:
            return found.group(1)
    return None


@contextmanager
def translated(what: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Raise what the libraries raise inside as a :class:`providers.errors.ProviderError`; ``clock`` gives :func:`classify` its
    ``now``."""
    try:
        yield
    except api.GoogleAPICallError as error:
        raise classify(_read_api_error(error), what, clock()) from error
    except api.RetryError as error:
        raise errors.TimedOut(f"{what}: {_line(str(error))}", code="DEADLINE_EXCEEDED") from error
    except api.GoogleAPIError as error:
        raise errors.Unavailable(f"{what}: {_line(str(error))}") from error
    except (auth.TransportError, auth.TimeoutError, auth.ResponseError) as error:
        raise errors.Unavailable(f"{what}: could not reach Google's sign-in: {_line(str(error))}") from error
    except auth.GoogleAuthError as error:
        if error.retryable:
            # google-auth has tried several times: the sign-in is busy or broken, and the credentials may well be good.
            raise errors.Unavailable(f"{what}: Google's sign-in failed: {_line(str(error))}") from error
        if _UNTIMELY in str(error):
            # google-auth wrote the times into the token it signed from this machine's clock, and from nothing else.
            raise errors.Expired(
                f"{what}: this machine's clock seems to be off: {_line(str(error))}",
                code=type(error).__name__,
                hint=skew.SET_CLOCK,
            ) from error
        raise errors.Expired(
            f"{what}: {_line(str(error))}",
            code=type(error).__name__,
            hint="Give credentials that are valid: `gcloud auth application-default login`, or a key or workload identity.",
        ) from error
    except requests.Timeout as error:
        raise errors.TimedOut(f"{what}: no answer in time", code="DEADLINE_EXCEEDED") from error
    except requests.RequestException as error:
        raise errors.Unavailable(f"{what}: {_line(str(error))}", code=type(error).__name__) from error
    except (json_format.ParseError, DecodeError) as error:
        raise errors.Unavailable(
            f"{what}: the answer is not what the API promises: {_line(str(error))}"
        ) from error


def _read_api_error(error: api.GoogleAPICallError) -> Answer:
    grpc_status = getattr(error, "grpc_status_code", None)
    code = int(error.code or 0)
    if isinstance(error.response, requests.Response):
        return _read_response(error.response)
    status = grpc_status.name if grpc_status is not None else _HTTP_STATUS.get(code, "UNAVAILABLE")
    metadata = getattr(error, "metadata", None) or {}
    reasons = {r for r in (error.reason, *(_reason(e) for e in error.errors)) if r}
    permission = metadata.get("permission") if hasattr(metadata, "get") else None
    return Answer(
        status=status,
        message=error.message or status,
        reasons=frozenset(reasons),
        permission=permission,
        date=_date_of_call(error.response) if isinstance(error.response, grpc.Call) else None,
    )


def _date_of_call(call: grpc.Call) -> datetime | None:
    """The time that the ``date`` header of a gRPC answer gives. An answer that is an error alone has no headers but trailers."""
    for key, value in (*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())):
        if key == "date" and isinstance(value, str):
            return skew.date_of(value)
    return None


def _reason(entry: Any) -> str | None:
    value = entry.get("reason") if isinstance(entry, Mapping) else None
    return value if isinstance(value, str) else None


def _read_response(response: requests.Response) -> Answer:
    code = response.status_code
    status = _HTTP_STATUS.get(code, "UNAVAILABLE" if code >= 500 else f"HTTP {code}")
    try:
        body = response.json()
    except ValueError:
        kind = response.headers.get("content-type", "unknown").partition(";")[0]
        return Answer(status=status, message=f"HTTP {code} with {kind} where JSON belongs")
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return Answer(status=status, message=f"{error}: {body.get('error_description', '')}")
    if not isinstance(error, dict):
        return Answer(status=status, message=f"HTTP {code} with an answer that names no error")
    reasons: set[str] = set()
    permission: str | None = None
    for detail in error.get("details") or ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("google.rpc.ErrorInfo"):
            reasons.add(str(detail.get("reason", "")))
            permission = (detail.get("metadata") or {}).get("permission") or permission
    reasons.update(r for r in map(_reason, error.get("errors") or ()) if r)
    named = error.get("status")
    # Some services answer 400 FAILED_PRECONDITION, others 412 without a name: the name wins where there is one.
    return Answer(
        status=named if isinstance(named, str) and named else status,
        message=str(error.get("message") or f"HTTP {code}"),
        reasons=frozenset(reasons),
        permission=permission,
        date=skew.date_of(response.headers.get("date")),
    )


def _line(text: str) -> str:
    """One line a person can read: no page of HTML, no essay."""
    flat = " ".join(text.split())
    if "<html" in flat.lower() or flat.lower().startswith("<!doctype"):
        return "an HTML page where an answer belongs"
    return flat[:400]
