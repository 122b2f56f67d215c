"""The one place where what azure-core, azure-identity and ARM raise becomes one of :mod:`providers.errors`.

Wrap exactly the SDK's call in :func:`answers`; the SDK's error stays the cause. A 404 is only *Gone* when ARM itself says
that the resource, its parent or its group is not there: a proxy's 404, or a subscription we cannot see, proves nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    DeserializationError,
    HttpResponseError,
    SerializationError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)

from providers import errors, skew

_ACTION = re.compile(
    r"(?:perform action|permission|action) '(?P<action>[A-Za-z0-9./*_-]+/[A-Za-z0-9./*_-]+)'"
)
_GONE = frozenset(
    {
        "resourcenotfound",
        "resourcegroupnotfound",
        "parentresourcenotfound",
        "notfound",
        "roleassignmentnotfound",
        "policyassignmentnotfound",
        "policydefinitionnotfound",
        "policyexemptionnotfound",
        "policysetdefinitionnotfound",
    }
)
_NOT_ENABLED = frozenset(
    {
        "missingsubscriptionregistration",
        "subscriptionnotregistered",
        "missingregistrationforlocation",
        "featurenotregistered",
    }
)
_NOT_VISIBLE = frozenset(
    {"subscriptionnotfound", "invalidsubscriptionid", "invalidauthenticationtokentenant"}
)
STALE_VERSION = frozenset(
    {"noregisteredproviderfound", "invalidresourcetype", "invalidapiversionparameter", "unsupportedapiversion", "invalidresourcenamespace"}
)  # fmt: skip
"""Codes that say the api-version, not the resource, is what is wrong (lower case)."""
_THROTTLED = frozenset(
    {"toomanyrequests", "ratelimiting", "subscriptionrequeststhrottled", "resourcerequeststhrottled"}
)
_NOT_BELIEVED = "authenticationfailed"
"""The code (lower case) that says that it is not believed who we are; the storage services give it with a 403."""
_SIGN_IN_TIME = re.compile(r"Timestamp: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ)")
"""The time at Microsoft Entra ID, which it writes into each refusal."""


@contextmanager
def answers(what: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Let an SDK call pass; raises a ProviderError for whatever else it answers. ``what`` names the call in the message;
    ``clock`` (aware) is held against the time that a refusal of our credentials tells."""
    try:
        yield
    except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as error:
        raise errors.TimedOut(
            f"{what}: no answer in time.",
            hint="Raise `budget.call_timeout`, or see whether the endpoint can be reached.",
        ) from error
    except HttpResponseError as error:
        raise _mapped(what, error, clock()) from error
    except AzureError as error:
        # ServiceRequestError, ServiceResponseError: the connection was refused, reset or cut.
        raise errors.Unavailable(
            f"{what}: {_line(str(error))}", hint="See whether the endpoint can be reached."
        ) from error
    except (DeserializationError, SerializationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _garbled(what, str(error)) from error
    except (AttributeError, KeyError, TypeError) as error:
        # The generated clients walk an answer without looking: a list where an object belongs ends here.
        raise _garbled(what, f"unexpected form ({error})") from error


def _garbled(what: str, why: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"{what}: the answer cannot be understood: {_line(why)}",
        hint="A proxy in between answers like this; see what the endpoint really says.",
        code="UnreadableAnswer",
    )


def _mapped(what: str, error: HttpResponseError, now: datetime) -> errors.ProviderError:
    status = error.status_code
    code, message = _code_and_message(error)
    if isinstance(error, DecodeError):
        return _garbled(what, message)
    if status is None and isinstance(error, ClientAuthenticationError):
        found = _SIGN_IN_TIME.search(error.message)
        theirs = datetime.fromisoformat(found[1]) if found else None
        off = skew.measured(now, theirs, "Azure")
        return errors.Expired(
            f"{what}: no token could be had: {f'{off}: ' if off else ''}{_line(error.message)}",
            hint=skew.SET_CLOCK if off else "See `azure.credential` in the configuration.",
        )
    text = f"{' '.join(str(p) for p in (status, code or error.reason) if p)}: {_line(message)}"
    kind = _kind(status, (code or "").lower())
    if kind is errors.Expired:
        headers = getattr(error.response, "headers", None) or {}
        off = skew.measured(now, skew.date_of(headers.get("Date")), "Azure")
        return errors.Expired(
            f"{what}: {f'{off}: ' if off else ''}{text}",
            code=code,
            hint=skew.SET_CLOCK if off else "The token has expired, or is not for this tenant or cloud.",
        )
    text = f"{what}: {text}"
    if kind is errors.Denied:
        return _denied(text, code, message)
    hints: dict[type[errors.ProviderError], str] = {
        errors.NotEnabled: "Register the resource provider for the subscription; Watchstander never does so itself.",
    }
    after = retry_after(error)
    if kind is errors.Throttled and after is not None:
        hints[kind] = f"The service asks to wait {after:g} s."
    return kind(text, code=code, hint=hints.get(kind))


def _kind(status: int | None, code: str) -> type[errors.ProviderError]:
    """What a status and a code (lower case) mean. The code decides where the status is used for several things."""
    if code in _NOT_ENABLED:
        return errors.NotEnabled
    if code in _THROTTLED:
        return errors.Throttled
    if code == _NOT_BELIEVED:
        return errors.Expired
    if code in _NOT_VISIBLE and status != 401:
        return errors.Denied
    if status == 404:
        return errors.Gone if code in _GONE else errors.Unavailable
    return _STATUS.get(status or 0, errors.Unavailable)


_STATUS: dict[int, type[errors.ProviderError]] = {
    401: errors.Expired,
    403: errors.Denied,
    408: errors.TimedOut,
    409: errors.Conflict,
    412: errors.Conflict,
    429: errors.Throttled,
}


def _denied(text: str, code: str | None, message: str) -> errors.Denied:
    match = _ACTION.search(message)
    permission = match["action"] if match else None
    hint = f"Allow {permission}." if permission else "See `watchstander permissions azure`."
    return errors.Denied(text, code=code, permission=permission, hint=hint)


def _code_and_message(error: HttpResponseError) -> tuple[str | None, str]:
    """The most telling code and message: Resource Graph puts the real ones into ``details``."""
    outer = error.error
    if outer is None:
        told = storage_code(error)
        if told:
            return told, error.message
        return None, "the answer is not in ARM's form"
    code = outer.code
    message = outer.message or ""
    details = [f"{d.code}: {d.message}" for d in outer.details if d.message]
    if details and (code or "").lower() in ("badrequest", "invalidquery", "forbidden"):
        message = "; ".join([message, *details]) if message else "; ".join(details)
    return code, message


def storage_code(error: HttpResponseError) -> str:
    """The code as the storage services' own clients tell it; empty for an error of another service."""
    told = getattr(error, "error_code", None)
    return str(getattr(told, "value", told) or "")


def retry_after(error: HttpResponseError) -> float | None:
    """The seconds a throttled answer asks to wait."""
    headers = getattr(error.response, "headers", None) or {}
    for name, unit in (("Retry-After", 1.0), ("x-ms-retry-after-ms", 0.001)):
        try:
            return float(headers[name]) * unit
        except (KeyError, ValueError, TypeError):
            continue
    return None


def _line(text: str) -> str:
    """One line of at most 500 characters."""
    return " ".join(text.split())[:500]
