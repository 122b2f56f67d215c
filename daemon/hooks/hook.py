"""What a hook is: an action that a violation or a cloud's finding may trigger, declared in one file of its own.

A hook states its permissions, its options and an example, and knows four verbs:

    propose   read the target afresh and say exactly what would be done (no change is made)
    act       read it again, and do it only if it is still what was proposed
    verify    read it a third time, and say whether it is now as wanted
    undo      put the pre-image back, unless the target has moved on

Whether a hook may act at all (mode, policy, exceptions, limits, pause) is decided before any of these, in
:mod:`daemon.respond`, for every hook alike.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx
import orjson

from config.fields import Model, SecretReference
from daemon.errors import HookFailed
from providers.normalise import timestamp
from providers.provider import Provider, Severity
from providers.resource import ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Why a hook is asked. ``id`` is unique for ever: the same occurrence delivered again has the same id."""

    id: str
    kind: Literal["event", "finding"]
    name: str
    """The event's type (``CredentialAccess:IAMUser/AnomalousBehavior``) or the policy's id."""
    title: str
    severity: Severity
    provider: str
    account: str
    region: str
    occurred_at: datetime
    refs: tuple[ResourceRef, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the containment policy sees as ``input.finding``."""

    def to_json(self) -> dict[str, Any]:
        """JSON values, for the durable store and for a receiver."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "title": self.title,
            "severity": str(self.severity),
            "provider": self.provider,
            "account": self.account,
            "region": self.region,
            "occurred_at": timestamp(self.occurred_at),
            "refs": [asdict(ref) for ref in self.refs],
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Trigger:
        """The reverse of :meth:`to_json`."""
        return cls(
            id=value["id"],
            kind=value["kind"],
            name=value["name"],
            title=value["title"],
            severity=Severity(value["severity"]),
            provider=value["provider"],
            account=value["account"],
            region=value["region"],
            occurred_at=datetime.fromisoformat(value["occurred_at"]),
            refs=tuple(ResourceRef(**ref) for ref in value["refs"]),
            facts=value["facts"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Exactly what would be done to exactly what. Approving it approves its digest."""

    hook: str
    target: str
    """The resource's unique id, or what stands for it (a webhook's host, a command's name)."""
    summary: str
    """One sentence in the imperative: ``deactivate access key AKIA… of user ci-deploy in 111111111111``."""
    body: Mapping[str, Any]
    """All that :meth:`Hook.act` needs."""
    state: Mapping[str, Any]
    """The target's state as it was read for the proposal: the pre-image."""
    needed: bool = True
    """False when the target is already as wanted."""

    @property
    def digest(self) -> str:
        """SHA-256 over everything above: what an approval names."""
        return hashlib.sha256(orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """JSON values, for the durable store and the plan."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Proposal:
        """The reverse of :meth:`to_json`."""
        return cls(**value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an act did."""

    changed: bool
    """False when no write was made because the target was already as wanted."""
    summary: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    receipt: Mapping[str, Any] = field(default_factory=dict)
    """What :meth:`Hook.undo` needs, and what the cloud said."""

    def to_json(self) -> dict[str, Any]:
        """JSON values, for the durable store and the ledger."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """The reverse of :meth:`to_json`."""
        return cls(**value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the target is now as wanted."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """What hooks work with; made once, in the composition root."""

    providers: Mapping[str, Provider]
    clock: Callable[[], datetime]
    secret: Callable[[SecretReference], str]
    http: Callable[[], httpx.Client]
    """The client for what is neither a cloud nor ours; made when it is first asked for, since it reads every certificate
    authority that the machine trusts."""


class Hook(ABC):
    """One configured action."""

    name: ClassVar[str]
    title: ClassVar[str]
    changes_cloud: ClassVar[bool]
    """Whether it writes to a cloud. Such a hook needs a containment policy and obeys blast-radius limits."""
    undoable: ClassVar[bool]
    actions: ClassVar[tuple[str, ...]] = ()
    """The clouds' actions it asks for (``aws.deactivate_access_key``); `watchstander permissions` grants just those."""
    permissions: ClassVar[tuple[str, ...]] = ()
    """The cloud permissions the act needs, beyond reading."""
    policy: ClassVar[str | None] = None
    """The built-in containment policy that decides where the configuration names none."""
    example: ClassVar[str]
    """A configuration that works, as YAML."""
    Options: ClassVar[type[Model]]

    def __init__(self, options: Model, toolbox: Toolbox) -> None:
        self.options = options
        self.toolbox = toolbox

    @abstractmethod
    def propose(self, trigger: Trigger) -> Proposal:
        """Read the target and say what would be done. Raises ProviderError, or NotForThisHook."""

    @abstractmethod
    def act(self, proposal: Proposal, key: str) -> Outcome:
        """Do it. ``key`` is the idempotency key of the run. Raises ProviderError (Conflict when the target is no longer
        what was proposed) or HookFailed."""

    @abstractmethod
    def verify(self, proposal: Proposal, outcome: Outcome) -> Verification:
        """Look whether it is so. Raises ProviderError where that cannot be told."""

    def undo(self, proposal: Proposal, outcome: Outcome) -> Outcome:
        """Put the pre-image back. Raises Conflict when the target has moved on, HookFailed where there is no undo."""
        raise HookFailed(f"{self.name} has no undo: {proposal.summary} cannot be taken back from here.")
