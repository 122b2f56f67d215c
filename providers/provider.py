"""What the rest of the house asks of a cloud: the one protocol that AWS, Azure, GCP and the in-memory twin fulfil.

Everything is synchronous and called from threads; an adapter must be safe to call from several at once. Times are
given, never taken from a clock, where they decide anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, Protocol, runtime_checkable

from providers.errors import ProviderError
from providers.resource import Coverage, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to look at; empty means everything. Types match exactly, or by prefix when they end in ``*``."""

    providers: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether nothing narrows it."""
        return not self.providers and self.whole_clouds

    @property
    def whole_clouds(self) -> bool:
        """Whether nothing narrows what is looked at in the clouds it takes."""
        return not (self.accounts or self.regions or self.types)

    def takes(self, scope: Scope) -> bool:
        """Whether a scope of one region and one type is among what is selected."""
        return (
            (not self.providers or scope.provider in self.providers)
            and (not self.accounts or scope.account in self.accounts)
            and (not self.regions or scope.region in self.regions)
            and (
                not self.types
                or any(
                    scope.type == wanted or (wanted.endswith("*") and scope.type.startswith(wanted[:-1]))
                    for wanted in self.types
                )
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The scopes there are, and the coverage of what could not be discovered (a denied account, say).

    An account that could not be entered appears in ``unread`` as a scope with region and type ``*``; it must not
    keep the others from being read.
    """

    scopes: tuple[Scope, ...]
    unread: tuple[Coverage, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    """Account id -> its human name."""


class Severity(StrEnum):
    """Severity of a policy or an event, as the clouds' own scales are mapped (GuardDuty 7.0-8.9 is high)."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical), for comparing."""
        return list(Severity).index(self)


class EventKind(StrEnum):
    """What an event asks for."""

    CHANGE = "change"
    """A resource was changed: read it again early."""
    FINDING = "finding"
    """A provider's detector raised something: decide on containment."""


class Ignored(Enum):
    """What understanding a message may end in: it is this cloud's, and asks for nothing."""

    IGNORED = "ignored"


IGNORED: Final = Ignored.IGNORED
"""A read, a failed call, a closed finding, a queue's own chatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One message from a cloud's event bus, understood. ``id`` is the cloud's own unique id of it (a GuardDuty
    finding id, a CloudTrail eventID, …), so that a message delivered five times is one event."""

    id: str
    kind: EventKind
    provider: str
    type: str
    """The cloud's own name: ``CredentialAccess:IAMUser/AnomalousBehavior``, ``PutBucketPolicy``, …"""
    title: str
    account: str
    region: str
    occurred_at: datetime
    severity: Severity = Severity.INFO
    actor: str | None = None
    refs: tuple[ResourceRef, ...] = ()
    """The resources it speaks of, as far as it names them completely enough to be re-read."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What a policy sees as ``input.finding``: normalised facts beside the raw ones, see each cloud's events.py."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One message that tells of several things, maybe of several accounts. Each is an event of its own, with an id that is
    the same in whatever company it comes again."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One change to one resource. ``kind`` names a declared action (``aws.deactivate_access_key``)."""

    kind: str
    target: ResourceRef
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionKind:
    """The declaration of an action a provider can take: what it needs, takes and undoes."""

    kind: str
    title: str
    target_types: frozenset[str]
    permissions: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameter name -> what it means."""
    undo: bool = True
    """Whether :meth:`Provider.undo` can restore the pre-image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an action did. ``before`` is the pre-image that an undo needs; ``changed`` is false when the target was
    already as wanted and no write call was made."""

    action: Action
    changed: bool
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVersion:
    """A version a cloud remembers from before we watched. ``resource`` is None where it was deleted."""

    ref: ResourceRef
    at: datetime
    resource: Resource | None
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a cloud remembers of one resource: its versions, oldest first, or the error that kept them from being told."""

    ref: ResourceRef
    versions: tuple[PastVersion, ...] = ()
    error: ProviderError | None = None

    @classmethod
    def asked(cls, ref: ResourceRef, ask: Callable[[], Iterable[PastVersion]]) -> Remembered:
        """The answer of ``ask``, or the ProviderError it raises."""
        try:
            return cls(ref=ref, versions=tuple(ask()))
        except ProviderError as error:
            return cls(ref=ref, error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One act upon a resource as the cloud's own record tells it: CloudTrail, the activity log, audit logs. ``id`` is the
    record's own; ``request_id`` the cloud's id of the request, by which our own acts are known."""

    id: str
    at: datetime
    actor: str | None
    operation: str
    request_id: str | None = None
    source_ip: str | None = None
    user_agent: str | None = None

    @classmethod
    def of(cls, event: Event) -> Deed:
        """The deed an event of a change tells of."""
        detail = event.detail
        return cls(
            id=event.id,
            at=event.occurred_at,
            actor=event.actor,
            operation=event.type,
            request_id=_text(detail.get("request_id") or detail.get("correlation_id")),
            source_ip=_text(detail.get("remote_ip") or detail.get("source_ip") or detail.get("caller_ip")),
            user_agent=_text(detail.get("user_agent")),
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


class EventSource(Protocol):
    """A queue of events (SQS, Pub/Sub, a storage queue). At-least-once: a message stays until acknowledged."""

    name: str

    def receive(self, wait_seconds: float) -> list[Message]:
        """Take what is there, waiting at most ``wait_seconds`` for a first message. Raises ProviderError."""

    def acknowledge(self, message: Message) -> None:
        """Say that ``message`` has been dealt with for good. Raises ProviderError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One raw delivery. ``body`` is exactly what came, whether or not it is JSON."""

    id: str
    body: str
    receipt: str
    source: str


@runtime_checkable
class Provider(Protocol):
    """A cloud."""

    name: str
    record_lag: timedelta
    """How far the cloud's own record of who did what may be behind."""
    past_batch: int
    """How many resources :meth:`past` may be asked about at once."""

    def discover(self, selection: Selection) -> Discovery:
        """The scopes to read now. Raises ProviderError only if nothing at all can be discovered."""

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope. Never raises for what the cloud answers; that is the reading's coverage."""

    def deletion_confirmations(self, scope: Scope) -> int:
        """How many complete readings in a row must lack a resource of ``scope`` before it is taken for deleted: 1 where
        the listing is authoritative, more where it lags behind (Resource Graph)."""

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as it is now, by strongly consistent calls, all details. Raises Gone when it is proved not to
        exist, another ProviderError when that cannot be told."""

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterable[Remembered]:
        """What the cloud itself remembers of each of ``refs`` since ``since``: one answer each, in their order, as they
        come. Never raises for what the cloud answers; that is the answer's ``error``."""

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """Who successfully acted upon a resource in (since, until], by the cloud's own record; what only may concern it is
        left out. Raises ProviderError; Refused for a resource whose record cannot be asked for."""

    def parse_event(self, body: Mapping[str, Any]) -> Event | Batch | Ignored | None:
        """Understand a message of this cloud; a Batch where it tells of several things; :data:`IGNORED` where it asks for nothing, None where it has no form of this
        cloud that we know. Raises ``ValueError`` for one that claims a known form and breaks it, ProviderError where whose
        it is cannot be told at present."""

    def watched(self, event: Event) -> Event | None:
        """``event`` with only those resources that are of accounts to be read, and of a change only those that a cycle
        would read by its type and place; None where its own account is not one of
        them. Raises ProviderError where that cannot be told at present."""

    def event_sources(self) -> tuple[EventSource, ...]:
        """The queues the configuration names."""

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """What this cloud can be asked to change."""

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The part of the target's present state that the action would change. Raises Gone or another ProviderError."""

    def act(self, action: Action) -> Receipt:
        """Make the change, unless it is already so. Raises Refused for an unknown kind, else ProviderError."""

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the pre-image. Raises Conflict if the target is no longer as the receipt left it."""

    def terraform(self, resource: Resource) -> TerraformView | None:
        """The resource as the Terraform provider names its attributes, or None where we have no view of its type."""

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """Terraform type -> the resource types seen so, for every type we have a view of (``aws_s3_bucket`` ->
        ``{"aws.s3_bucket"}``)."""

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """The least role the configuration needs, as a document to apply in the cloud's native form."""

    def close(self) -> None:
        """Let go of connections."""
