"""The values the store gives out: changes, stored resources, coverage. Frozen; times aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

from providers.resource import ANY, CoverageStatus, Resource, ResourceRef, Scope


class ChangeKind(StrEnum):
    """What happened to a resource."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class Origin(IntEnum):
    """How a version came to be known."""

    BASELINE = 0
    """Seen at the first contact with its scope: it may have existed long before."""
    OBSERVED = 1
    """Seen to be new or different."""
    LEARNED = 2
    """A field that could not be read before was read: nothing is known to have changed."""
    PAST = 3
    """Told by the cloud's own history."""


class Missing:
    """Stands for "no such field" in a field's change; JSON null is a value."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. ``path`` is dotted, list items by key: ``Tags[Team].Value``. ``before`` or ``after`` is
    :data:`MISSING` where there is none; ``moved`` tells an item that only changed its place in an ordered list."""

    path: str
    before: Any
    after: Any
    moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A resource created, changed or deleted. ``first_contact``: its scope never had a complete reading before, so it
    is baseline and not news. ``resolved``: ids of the findings that ended with a deleted resource."""

    kind: ChangeKind
    ref: ResourceRef
    resource_id: int
    at: datetime
    before_digest: bytes | None
    after_digest: bytes | None
    first_contact: bool
    recreated: bool = False
    """A deleted resource that is there again under the same id."""
    actor: str | None = None
    resolved: tuple[str, ...] = ()


class Ticket(NamedTuple):
    """Which state of which resource was judged; settles exactly that one entry of the outbox."""

    resource_id: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResource:
    """A resource as remembered, now or at a time.

    ``unread`` are the fields that could not be read last time, with the cause; ``document`` holds their last known
    value where there was one, and a policy must still treat them as unknown.
    """

    resource_id: int
    ref: ResourceRef
    name: str
    document: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    digest: bytes
    first_seen: datetime
    valid_from: datetime
    valid_to: datetime | None
    deleted_at: datetime | None
    baseline: bool = False
    """For a resource that is due: it has not been judged since its first contact."""
    ticket: Ticket

    @property
    def uid(self) -> str:
        """The resource's unique id over all clouds."""
        return self.ref.uid

    @property
    def resource(self) -> Resource:
        """As a provider would have given it."""
        return Resource(
            ref=self.ref, name=self.name, document=self.document, tags=self.tags, unread=self.unread
        )

    def record(self) -> dict[str, Any]:
        """Everything as JSON values: what filters and ``--format json`` see."""
        return {
            "uid": self.ref.uid,
            "provider": self.ref.provider,
            "account": self.ref.account,
            "region": self.ref.region,
            "type": self.ref.type,
            "name": self.name,
            "tags": dict(self.tags),
            "document": self.document,
            "unread": dict(self.unread),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeState:
    """A scope's coverage: how its last reading ended and when it was last complete."""

    scope: Scope
    status: CoverageStatus
    cause: str | None
    permission: str | None
    read: int
    details_unread: int
    last_attempt_at: datetime
    last_attempt_cycle: int | None
    first_complete_at: datetime | None
    last_complete_at: datetime | None
    last_complete_cycle: int | None
    since: datetime
    """Since when the status is what it is."""

    @property
    def complete(self) -> bool:
        """Whether the last reading was complete."""
        return self.status is CoverageStatus.COMPLETE

    @property
    def unread(self) -> bool:
        """Whether something that should have been read was not. One service that never was switched on is no such thing;
        one that was read before, and is not enabled now, is."""
        never_on = (
            self.status is CoverageStatus.NOT_ENABLED
            and self.scope.type != ANY
            and self.last_complete_at is None
        )
        return not self.complete and not never_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one resource differs from its baseline now: created (not in it), changed, or deleted (in it, and gone)."""

    kind: ChangeKind
    ref: ResourceRef
    name: str
    fields: tuple[FieldChange, ...]
    resource_id: int | None
    """None where it is in the baseline as exported, and was never seen."""
    since: datetime | None
    """When the newest of it was seen; None where it never was."""
