"""Google Cloud as a :class:`providers.provider.Provider`. Importing this module loads Google's SDK (two seconds)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from config.clouds import GcpSettings
from providers.gcp import deeds, events, permissions, terraform
from providers.gcp.actions import Actor
from providers.gcp.discovery import Discoverer
from providers.gcp.document import PROVIDER
from providers.gcp.past import BATCH, Historian
from providers.gcp.projects import LookedUp, Projects
from providers.gcp.pubsub import Subscription
from providers.gcp.reader import Reader
from providers.gcp.reread import Rereader
from providers.gcp.search import SearchSource
from providers.gcp.session import Session
from providers.gcp.together import Together
from providers.provider import (
    Action,
    ActionKind,
    Deed,
    Discovery,
    Event,
    EventSource,
    Ignored,
    Receipt,
    Remembered,
    Selection,
)
from providers.resource import Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView


class GcpProvider:
    """Google Cloud. Safe to use from several threads; no connection is made before the first call.

    ``clock`` gives the time (aware) that deadlines and histories count by; ``sleep`` waits between tries. Raises
    UsageError for endpoints that would be called without encryption outside this machine.
    """

    name = PROVIDER
    record_lag = deeds.LAG
    past_batch = BATCH

    def __init__(
        self,
        settings: GcpSettings,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._session = Session(settings, clock=clock, sleep=sleep)
        self._projects = Projects()
        self._together = Together(self._session, self._projects, clock)
        self._discoverer = Discoverer(self._session, settings, self._projects, self._together, clock)
        self._names = LookedUp(self._projects, self._discoverer.watched.look_again)
        self._reader = Reader(
            self._session, self._together, settings.exclude_types, os_inventory=settings.os_inventory
        )
        self._historian = Historian(self._session)
        self._rereader = Rereader(self._session, self._historian, os_inventory=settings.os_inventory)
        self._actor = Actor(self._session)
        self._search_sources: tuple[SearchSource, ...] | None = None

    def discover(self, selection: Selection) -> Discovery:
        """The scopes to read now: one a project, and one a type of what lives in an organisation or folder itself."""
        return self._discoverer.discover(selection)

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope, by Cloud Asset. Never raises for what the cloud answers."""
        return self._reader.read(scope)

    def deletion_confirmations(self, scope: Scope) -> int:  # noqa: ARG002 - the same for every scope
        """Two: Cloud Asset has a volatile window in which two equal listings may differ."""
        return 2

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as its own service has it now; named as Cloud Asset names it."""
        self._together.forget(ref.account)
        return self._rereader.reread(ref, self._clock())

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterable[Remembered]:
        """Versions of the last 35 days."""
        return self._historian.past(refs, since, self._clock())

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """Who changed a resource in (since, until], by the audit logs."""
        return deeds.deeds(self._session, ref, since, until, self._names)

    def parse_event(self, body: Mapping[str, Any]) -> Event | Ignored | None:
        """Understand a feed message, an audit log entry or a Security Command Center notification."""
        return events.parse(body, self._names, self._settings.parents)

    def watched(self, event: Event) -> Event | None:
        """What of an event is of the projects and parents that are read."""
        return self._discoverer.watched.part(event)

    def event_sources(self) -> tuple[EventSource, ...]:
        """The Pub/Sub subscriptions the configuration names, and the search index of each parent where it asks for that."""
        return (
            *(Subscription(self._session, name) for name in self._settings.subscriptions),
            *self._searches(),
        )

    def _searches(self) -> tuple[SearchSource, ...]:
        every = self._settings.search_every
        if every is None:
            return ()
        if self._search_sources is None:
            self._search_sources = tuple(
                SearchSource(self._session, parent, every=every, clock=self._clock)
                for parent in self._discoverer.parents()
            )
        return self._search_sources

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """What can be changed."""
        return self._actor.kinds()

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The part of the target's present state that the action would change."""
        return self._actor.observe(action)

    def act(self, action: Action) -> Receipt:
        """Make the change, unless it is already so."""
        self._together.forget(action.target.account)
        return self._actor.act(action)

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the pre-image, if the target is still as the receipt left it."""
        self._together.forget(receipt.action.target.account)
        return self._actor.undo(receipt)

    def terraform(self, resource: Resource) -> TerraformView | None:
        """The resource in the words of Terraform's ``google`` provider."""
        return terraform.terraform(resource)

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """Terraform type -> asset types."""
        return terraform.terraform_types()

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """A custom role's JSON."""
        return permissions.role(self._settings, contain=contain, events=bool(self._settings.subscriptions))

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()
