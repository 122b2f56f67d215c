"""The ways clouds fail, on demand. One fault plan serves all three emulators.

A fault names what it strikes (account, region, service, operation, resource; ``*`` strikes all, case-insensitively, with
shell wildcards) and how. Every emulator also takes plans over HTTP, at ``/_sandbox/faults`` (GET lists, POST adds one,
DELETE clears), so that a sandbox in another terminal can be broken from this one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """How a call fails, in each cloud's own words."""

    DENIED = "denied"
    """AccessDenied / AuthorizationFailed / PERMISSION_DENIED."""
    THROTTLED = "throttled"
    """Throttling with 400 or 503 / 429 with Retry-After / RESOURCE_EXHAUSTED."""
    ERROR = "error"
    """An internal error: 500 / INTERNAL."""
    HTML = "html"
    """A proxy's HTML page with status 500 where JSON or XML belongs."""
    TIMEOUT = "timeout"
    """No answer until the caller gives up."""
    SLOW = "slow"
    """The right answer, ``delay`` seconds late."""
    TRUNCATED = "truncated"
    """Half of the first page comes; then the next page fails with an internal error."""
    EXPIRED = "expired"
    """ExpiredToken / 401 / UNAUTHENTICATED,
    with a ``Date`` that is hours ahead of the caller's clock."""
    SKEWED = "skewed"
    """What a caller whose clock is far off hears: RequestTimeTooSkewed, "Signature expired" / 401 / UNAUTHENTICATED,
    with a ``Date`` that is hours ahead of the caller's clock."""
    RESET = "reset"
    """The connection is closed in the middle of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and what it strikes."""

    kind: FaultKind
    account: str = "*"
    region: str = "*"
    service: str = "*"
    """AWS service (``s3``), Azure resource provider or ``resourcegraph``, GCP API (``cloudasset``, ``compute``)."""
    operation: str = "*"
    """``ListBuckets``, ``POST``, ``ListAssets``, …"""
    resource: str = "*"
    """A bucket's name, a resource id, … where the call names one."""
    times: int | None = None
    """How many calls it strikes before it is spent; None: until cleared."""
    delay: float = 2.0
    """Seconds, for ``slow`` and ``timeout``."""

    def strikes(self, call: Call) -> bool:
        """Whether this fault is meant for ``call``."""
        return all(
            fnmatchcase(str(have).lower(), str(want).lower())
            for have, want in (
                (call.account, self.account),
                (call.region, self.region),
                (call.service, self.service),
                (call.operation, self.operation),
                (call.resource, self.resource),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as an emulator understands it."""

    account: str = ""
    region: str = ""
    service: str = ""
    operation: str = ""
    resource: str = ""


@dataclass
class Faults:
    """The plan in force. Safe to change from any thread while the emulators serve."""

    _planned: list[tuple[Fault, list[int]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Strike from now on."""
        with self._lock:
            self._planned.append((fault, [0]))

    def clear(self) -> None:
        """Strike nothing any more."""
        with self._lock:
            self._planned.clear()

    def planned(self) -> tuple[Fault, ...]:
        """What is in force."""
        with self._lock:
            return tuple(fault for fault, _ in self._planned)

    def strike(self, call: Call) -> Fault | None:
        """The first fault meant for ``call`` that is not spent; counts it."""
        with self._lock:
            for fault, count in self._planned:
                if fault.times is not None and count[0] >= fault.times:
                    continue
                if fault.strikes(call):
                    count[0] += 1
                    return fault
        return None
