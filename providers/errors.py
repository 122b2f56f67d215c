"""What a cloud may answer instead of what was asked. SDK errors are wrapped once, in each cloud's ``session.py``.

ProviderError
├── Denied        the credentials may not do this (403, AccessDenied, AuthorizationFailed, PERMISSION_DENIED)
├── Throttled     too many calls, after all retries (429, Throttling, RESOURCE_EXHAUSTED)
├── TimedOut      no answer within the deadline
├── Unavailable   the service failed, could not be reached, or answered what we cannot understand (5xx, HTML, …)
├── NotEnabled    the service, API or region is not switched on for this account
├── Expired       the credentials ran out or are not valid (ExpiredToken, 401)
├── Gone          this one resource is proved not to exist (404 on a get by id)
├── Conflict      the resource is not in the state the change expects (409, 412, IncorrectState)
└── Refused       we will not do this: an unknown action, a target of another kind, a missing parameter
"""

from __future__ import annotations

from typing import ClassVar

from config.errors import WatchstanderError
from providers.resource import CoverageStatus


class ProviderError(WatchstanderError):
    """A cloud answered otherwise than hoped."""

    coverage: ClassVar[CoverageStatus] = CoverageStatus.UNAVAILABLE
    """What a reading that ended in this error is called."""

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        code: str | None = None,
        permission: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        """The service's own error code."""
        self.permission = permission
        """The permission that seems to be missing."""


class Denied(ProviderError):
    """The credentials may not do this."""

    coverage = CoverageStatus.DENIED


class Throttled(ProviderError):
    """The service refused further calls for now."""

    coverage = CoverageStatus.THROTTLED


class TimedOut(ProviderError):
    """No answer came within the deadline."""

    coverage = CoverageStatus.TIMED_OUT


class Unavailable(ProviderError):
    """The service failed or could not be reached."""


class NotEnabled(ProviderError):
    """The service is not enabled for this account."""

    coverage = CoverageStatus.NOT_ENABLED


class Expired(ProviderError):
    """The credentials have expired or are not valid."""

    coverage = CoverageStatus.EXPIRED


class Gone(ProviderError):
    """The resource does not exist."""


class Conflict(ProviderError):
    """The resource is not in the state the change expects."""


class Refused(ProviderError):
    """This provider does not do that."""
