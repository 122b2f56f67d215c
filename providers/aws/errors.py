"""The one place where what botocore raises becomes what :mod:`providers.errors` names. The cause is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from providers import skew
from providers.aws.permissions import permission_of
from providers.errors import (
    Conflict,
    Denied,
    Expired,
    NotEnabled,
    ProviderError,
    Throttled,
    TimedOut,
    Unavailable,
)

DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "Client.UnauthorizedOperation",
        "Forbidden",
        "NotAuthorized",
        "UnauthorizedAccess",
        "UnauthorizedException",
        "UnauthorizedOperation",
        "403",
    }
)
THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "429",
    }
)
EXPIRED: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
        "401",
    }
)
NOT_ENABLED: Final = frozenset(
    {
        "AWSOrganizationsNotInUseException",
        "NoAvailableConfigurationRecorderException",
        "OptInRequired",
        "RegionDisabledException",
        "SubscriptionRequiredException",
    }
)
CONFLICT: Final = frozenset(
    {
        "ConcurrentModification",
        "ConflictException",
        "DependencyViolation",
        "EntityTemporarilyUnmodifiable",
        "EntityTemporarilyUnmodifiableException",
        "IncorrectInstanceState",
        "IncorrectState",
        "OperationAborted",
        "PreconditionFailed",
        "ResourceConflictException",
        "409",
        "412",
    }
)

_TIMEOUTS = (boto.ReadTimeoutError, boto.ConnectTimeoutError)
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.ProfileNotFound,
    boto.ConfigNotFound,
)
"""There are none: nothing that ran out could be renewed."""
_LOST_CREDENTIALS = (
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.UnauthorizedSSOTokenError,
    boto.SSOError,
)
GIVE_CREDENTIALS = "`aws configure`, `aws sso login`, AWS_PROFILE, or a role of the instance"
"""What makes credentials be found."""

_PERFORM = re.compile(r"perform:?\s+([a-z0-9-]+:[A-Za-z0-9]+)")
_MARKUP = re.compile(r"<[^>]*>")
_SKEWED = re.compile(r"too skewed|signature (expired|not yet current)|RequestTimeTooSkewed", re.IGNORECASE)
_COMPARED = re.compile(r"(\d{8}T\d{6}Z) is (?:now earlier|still later) than \d{8}T\d{6}Z \((\d{8}T\d{6}Z)")
_HINTS: Mapping[type[ProviderError], str] = {
    Denied: "Give the role the permission; `watchstander permissions aws` prints the least role needed.",
    Throttled: "Lower `providers.aws.budget.calls_per_second`, or read less often.",
    Expired: "Renew the credentials; they are searched as boto3 does (profile, environment, instance role).",
}


@contextmanager
def wrapped(service: str, operation: str, account: str, region: str) -> Iterator[None]:
    """Turn botocore's errors raised inside into ours, naming the call. Errors of ours pass through."""
    where = f"{service}:{operation} in {account or 'the own account'}/{region}"
    try:
        yield
    except boto.ClientError as error:
        raise from_client_error(error, where, permission_of(service, operation)) from error
    except _TIMEOUTS as error:
        raise TimedOut(f"{where}: no answer: {_line(error)}", code=type(error).__name__) from error
    except _NO_CREDENTIALS as error:
        raise Denied(
            # What to do is in the message: a coverage, which has no hint, is where it is read.
            f"{where}: there are no credentials: {_line(error).rstrip('.')}; what gives some: {GIVE_CREDENTIALS}",
            code=type(error).__name__,
        ) from error
    except _LOST_CREDENTIALS as error:
        raise Expired(
            f"{where}: no usable credentials: {_line(error)}",
            hint=_HINTS[Expired],
            code=type(error).__name__,
        ) from error
    except ResponseParserError as error:
        raise Unavailable(
            f"{where}: the answer could not be understood: {_line(error)}", code="UnparsableAnswer"
        ) from error
    except boto.BotoCoreError as error:
        raise Unavailable(f"{where}: {_line(error)}", code=type(error).__name__) from error


def from_client_error(error: Any, where: str, permission: str) -> ProviderError:
    """The error of ours that a service's error answer stands for; the caller raises it from the original."""
    answer = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    code = str(answer.get("Code") or status or "Unknown")
    kind = _kind(code, status)
    text = _line(answer.get("Message") or "no message")
    missing: str | None = None
    if kind is Denied:
        found = _PERFORM.search(text)
        missing = found.group(1) if found else permission
    hint = _HINTS.get(kind)
    if kind is Expired and _SKEWED.search(f"{code} {text}"):
        hint = skew.SET_CLOCK
        text = f"{_clock(answer)}: {text}"
    return kind(f"{where}: {code}: {text}", hint=hint, code=code, permission=missing)


def _clock(answer: Mapping[str, Any]) -> str:
    """How far our clock is off, by the times that a refusal names: ours when we signed, and the service's. Most services
    write both into the message, S3 beside it."""
    found = _COMPARED.search(str(answer.get("Message")))
    signed, theirs = found.groups() if found else (answer.get("RequestTime"), answer.get("ServerTime"))
    try:
        return skew.compared(datetime.fromisoformat(str(signed)), datetime.fromisoformat(str(theirs)), "AWS")
    except (TypeError, ValueError):
        return "this machine's clock seems to be off"


def _kind(code: str, status: int) -> type[ProviderError]:
    plain = code.rpartition("#")[2].partition(":")[0] or code
    for kind, codes in (
        (Denied, DENIED),
        (Throttled, THROTTLED),
        (Expired, EXPIRED),
        (NotEnabled, NOT_ENABLED),
        (Conflict, CONFLICT),
    ):
        if plain in codes or (plain.isdigit() and code in codes):
            return kind
    by_status: Mapping[int, type[ProviderError]] = {
        401: Expired,
        403: Denied,
        409: Conflict,
        412: Conflict,
        429: Throttled,
    }
    return by_status.get(status, Unavailable)


def is_throttling(code: str, status: int) -> bool:
    """Whether a raw answer means that we call too often."""
    return code in THROTTLED or status == 429


def _line(what: object) -> str:
    text = " ".join(_MARKUP.sub(" ", str(what)).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
