"""The values every cloud is read into. Frozen, keyword-only, and free of any SDK.

A *scope* is the unit of reading and of coverage; a *resource* is what a cloud calls one; a *reading* is one pass over a
scope, and ends with its *coverage*: without a complete coverage nothing may be concluded from what was not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

ANY = "*"
"""In a scope: every region, or every type, that the source lists (Resource Graph, Cloud Asset)."""
GLOBAL = "global"
"""The region of what has none."""


def aware(value: datetime, name: str) -> datetime:
    """Return ``value`` in UTC; a naive datetime is a programming error and raises ``ValueError``."""
    if value.tzinfo is None:
        raise ValueError(f"{name} must carry a time zone, got {value!r}")
    return value.astimezone(UTC)


def holds_accounts(account: str) -> bool:
    """Whether this is what accounts are in, and none itself: ``organizations/1``, ``folders/2``, ``managementgroups/g``,
    ``tenants/t``, or all of a cloud (:data:`ANY`). What stands there is read and judged one by one; policies over an account are
    about accounts."""
    return "/" in account or account == ANY


def lists_below(account: str) -> bool:
    """Whether a listing of what accounts are in may show resources of these accounts: of Google's organisations and folders it
    does; at one of Azure's management groups only what is attached to the group itself is listed."""
    return account.startswith(("organizations/", "folders/"))


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What one listing covers: (provider, account, region, type).

    ``account`` is an AWS account id, an Azure subscription id or a GCP project id (or an organisation or folder as
    ``organizations/1``). ``region`` and ``type`` may be :data:`ANY` where one listing spans them; a ``type`` that ends
    in ``*`` spans every type with that prefix (``compute.googleapis.com/*``), as in a selection.
    """

    provider: str
    account: str
    region: str
    type: str

    def covers(self, ref: ResourceRef) -> bool:
        """Whether a complete reading of this scope would have shown ``ref``, had it existed."""
        return (
            self.provider == ref.provider
            and self.account == ref.account
            and self.region in (ANY, ref.region)
            and (self.type == ref.type or (self.type.endswith(ANY) and ref.type.startswith(self.type[:-1])))
        )

    def holds(self, other: Scope) -> bool:
        """Whether a reading of this scope sees everything that one of ``other`` does."""
        return (
            self.provider == other.provider
            and self.account == other.account
            and self.region in (ANY, other.region)
            and (
                self.type == other.type or (self.type.endswith(ANY) and other.type.startswith(self.type[:-1]))
            )
        )

    def __str__(self) -> str:
        return f"{self.provider}/{self.account}/{self.region}/{self.type}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRef:
    """A resource's identity. ``uid`` alone is unique over all clouds: an ARN (or an ARN-shaped id where AWS gives
    none), a lower-cased Azure resource id, or a GCP full resource name (``//storage.googleapis.com/b``)."""

    provider: str
    account: str
    region: str
    type: str
    """``aws.s3_bucket``; ``microsoft.storage/storageaccounts`` (lower case); ``storage.googleapis.com/Bucket``."""
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource as a cloud described it at one moment.

    ``document`` is canonical (see :mod:`providers.normalise`): JSON values only. ``unread`` names the top-level
    document fields whose detail call failed, with the cause: such a field is *unknown*, not absent.
    """

    ref: ResourceRef
    name: str
    document: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """The resource's unique id over all clouds."""
        return self.ref.uid


class CoverageStatus(StrEnum):
    """How far a reading got. Only ``COMPLETE`` says anything about what was not seen."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some pages came, then it failed; ``cause`` says how."""
    DENIED = "denied"
    THROTTLED = "throttled"
    TIMED_OUT = "timed-out"
    UNAVAILABLE = "unavailable"
    """The service failed or could not be reached, or answered what we could not understand."""
    NOT_ENABLED = "not-enabled"
    """The service, API or region is not switched on for the account. Says nothing about absence either."""
    EXPIRED = "expired"
    """The credentials ran out and could not be renewed."""
    EXPORTED = "exported"
    """Read from a file that somebody exported: whole as far as the file goes, which says nothing of what is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What one reading of a scope may claim."""

    scope: Scope
    status: CoverageStatus
    read: int = 0
    """Resources seen."""
    details_unread: int = 0
    """Resources of which at least one detail could not be read."""
    cause: str | None = None
    """One line, as a person would want it: the service's own code and message."""
    permission: str | None = None
    """The permission that seems to be missing, where the answer or the declaration tells."""
    excluded: tuple[str, ...] = ()
    """Types (or prefixes ending in ``*``) that the configuration left out of a scope that spans types: of these a
    complete reading says nothing, so none of them may be taken for deleted."""

    @property
    def complete(self) -> bool:
        """Whether what was not seen may be taken for absent."""
        return self.status is CoverageStatus.COMPLETE

    @property
    def switched_off(self) -> bool:
        """Whether one service is not switched on there: nothing is concluded from that either, but nothing went wrong. An
        account whose listing of *everything* is not enabled is unread."""
        return self.status is CoverageStatus.NOT_ENABLED and self.scope.type != ANY

    def covers(self, ref: ResourceRef) -> bool:
        """Whether this reading, if complete, would have shown ``ref``, had it existed."""
        return self.scope.covers(ref) and not any(
            ref.type == pattern or (pattern.endswith(ANY) and ref.type.startswith(pattern[:-1]))
            for pattern in self.excluded
        )


class Reading:
    """One pass over a scope: iterate it once for its resources, then ask :attr:`coverage`.

    It streams, so that a scope of a million resources does not fill memory. ``resources`` must not raise for anything
    a cloud does: a reader turns that into a coverage. It may raise for a defect of ours, which ends the cycle.
    """

    def __init__(self, scope: Scope, source: Iterator[Resource | Coverage]) -> None:
        self.scope = scope
        self._source = source
        self._coverage: Coverage | None = None

    @classmethod
    def of(cls, scope: Scope, resources: Iterable[Resource], coverage: Coverage | None = None) -> Reading:
        """A reading already at hand; complete unless ``coverage`` says otherwise."""
        items = tuple(resources)
        end = coverage or Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(items))
        return cls(scope, iter([*items, end]))

    def __iter__(self) -> Iterator[Resource]:
        for item in self._source:
            if isinstance(item, Coverage):
                self._coverage = item
                return
            yield item

    @property
    def coverage(self) -> Coverage:
        """How far the reading got. Raises ``RuntimeError`` before it has been iterated to its end, or if the source
        ended without a coverage: an unknown end is never a complete one."""
        if self._coverage is None:
            raise RuntimeError(f"the reading of {self.scope} has not ended with a coverage")
        return self._coverage
