"""Azure as a :class:`providers.provider.Provider`. Importing this module loads Azure's SDK (a second and a half)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from config.clouds import AzureSettings
from config.fields import SecretReference
from providers.azure import deeds, events, permissions, terraform
from providers.azure.actions import Actor
from providers.azure.discovery import discover, reads
from providers.azure.names import PROVIDER, above, group_of, tenant_of
from providers.azure.past import BATCH, past
from providers.azure.reader import Reader
from providers.azure.reread import reread
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.budget import CallBudgets
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
from providers.resource import ANY, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView
from providers.watched import Roster, Watched

if TYPE_CHECKING:
    from providers.azure.queue import StorageQueue

CONFIRMATIONS = 2


class AzureProvider:
    """Microsoft Azure. Safe to use from several threads; no connection is made before the first call.

    ``clock`` gives the time (aware) that deadlines and histories count by; ``sleep`` waits between tries; ``secret``
    reads the service principal's secret where one is configured; ``elsewhere`` are the tenants that are watched beside
    this one. Raises Refused for settings that cannot work.
    """

    name = PROVIDER
    record_lag = deeds.LAG
    past_batch = BATCH

    def __init__(
        self,
        settings: AzureSettings,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        secret: Callable[[SecretReference], str] | None = None,
        elsewhere: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._elsewhere = frozenset(elsewhere)
        self._clock = clock
        self._sleep = sleep
        budgets = CallBudgets(settings.budget, sleep=sleep)
        self._session = Session(settings, budgets=budgets, clock=clock, sleep=sleep, secret=secret)
        self._versions = Versions(self._session)
        self._reader = Reader(settings, self._session, self._versions, clock)
        self._actor = Actor(self._session, self._versions)
        self._watched = Watched(self.roster, partial(reads, settings), clock)
        self._tenant = settings.tenant_id.lower() if settings.tenant_id else None
        """Whose management groups are read, where that is known."""
        self._queue: StorageQueue | None = None

    def discover(self, selection: Selection) -> Discovery:
        """The scopes to read now: one a subscription, or one a subscription and type where types are named; and one a
        subscription and type of detail."""
        found = discover(self._settings, self._session, selection, self._elsewhere)
        self._reader.plan(found.scopes)
        if selection.whole_clouds:
            self._watched.learn(self._roster_of(found))
        return found

    def roster(self) -> Roster:
        """The accounts to be read. Raises ProviderError where none can be told."""
        return self._roster_of(discover(self._settings, self._session, Selection(), self._elsewhere))

    def _roster_of(self, found: Discovery) -> Roster:
        tenants = (tenant for account in found.accounts if (tenant := tenant_of(account)) is not None)
        self._tenant = self._tenant or next(tenants, None)
        # A subscription that is configured and not seen tells nothing of the others.
        listings = (one for one in found.unread if one.scope.account == ANY or above(one.scope.account))
        return Roster(frozenset(found.accounts), tuple(listings))

    def sees(self, account: str) -> bool:
        """Whether a subscription is among what is to be read. Raises ProviderError where that cannot be told."""
        selection = Selection(accounts=frozenset({account}))
        return account in discover(self._settings, self._session, selection, self._elsewhere).accounts

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope, by Resource Graph or, for details it lacks, by Azure Resource Manager. Never raises for
        what the cloud answers."""
        return self._reader.read(scope)

    def deletion_confirmations(self, scope: Scope) -> int:  # noqa: ARG002 - the same for every scope of Azure
        """How many complete readings in a row must miss a resource before it may be taken for deleted.

        Resource Graph follows Azure Resource Manager with a lag, and its pages shift while an estate changes, so one
        miss is no proof. :meth:`reread` is: it asks Azure Resource Manager itself, and its Gone is final.
        """
        return CONFIRMATIONS

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as Azure Resource Manager has it now, in the form a reading gives it."""
        self._reader.forget(ref.account)
        return reread(self._session, self._versions, ref)

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterable[Remembered]:
        """Versions of the last 14 days, rebuilt from Resource Graph's record of changes."""
        return past(self._session, self._versions, refs, since, self._clock)

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """Who changed a resource in (since, until], by the activity log and Resource Graph's record of changes."""
        return deeds.deeds(self._session, ref, since, until)

    def parse_event(self, body: Mapping[str, Any]) -> Event | Ignored | None:
        """Understand an Event Grid event, an activity log record or a Defender for Cloud alert."""
        return events.parse_event(body)

    def watched(self, event: Event) -> Event | None:
        """What of an event is of the accounts that are read. The id of a management group says nothing of its tenant, so the
        message must not name another."""
        ours, told = self._watched.part(event), event.detail.get("tenant")
        other = None not in (told, self._tenant) and told != self._tenant
        return None if other and group_of(event.account) is not None else ours

    def event_sources(self) -> tuple[EventSource, ...]:
        """The storage queue the configuration names."""
        if self._settings.events.queue_url is None:
            return ()
        if self._queue is None:
            from providers.azure.queue import (
                StorageQueue,  # the storage SDK is loaded only where a queue is watched
            )

            session = self._session
            self._queue = StorageQueue(
                self._settings,
                session.credential,
                budgets=session.budgets,
                clock=self._clock,
                sleep=self._sleep,
                tenant=self._settings.tenant_id if self._elsewhere else None,
            )
        return (self._queue,)

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """What can be changed."""
        return self._actor.kinds()

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The part of the target's present state that the action would change."""
        return self._actor.observe(action)

    def act(self, action: Action) -> Receipt:
        """Make the change, unless it is already so."""
        self._reader.forget(action.target.account)
        return self._actor.act(action)

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the pre-image, unless the target has moved on."""
        self._reader.forget(receipt.action.target.account)
        return self._actor.undo(receipt)

    def terraform(self, resource: Resource) -> TerraformView | None:
        """The resource as the azurerm provider names its attributes, or None where there is no view of its type."""
        return terraform.view_of(resource)

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """Terraform type -> resource types."""
        return terraform.types()

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """The least role the configuration needs, as an Azure custom role definition."""
        return permissions.role(self._settings, contain=contain)

    def close(self) -> None:
        """Let go of connections."""
        if self._queue is not None:
            self._queue.close()
        self._session.close()
