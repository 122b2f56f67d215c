"""Several tenants as one :class:`providers.provider.Provider`: each with its own credential, connections and budgets.

A subscription belongs to exactly one of them (docs/decisions/0196): the one whose discovery gave it. Everything that is asked
or done about a resource goes by its subscription to that tenant, so no credential ever leaves its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from config.clouds import AzureSettings
from config.fields import SecretReference
from providers.azure import deeds, events, permissions, terraform
from providers.azure.discovery import ALL_GROUPS
from providers.azure.names import PROVIDER, group_of, tenant_account, tenant_of
from providers.azure.past import BATCH
from providers.azure.provider import CONFIRMATIONS, AzureProvider
from providers.errors import Denied, ProviderError
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
from providers.resource import ANY, Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView


class AzureTenants:
    """The tenants of ``settings.tenants``. Arguments as :class:`~providers.azure.provider.AzureProvider` has them.

    A tenant that cannot be discovered is *unread* as the account ``tenants/ID``; the others are read. Safe to use from
    several threads.
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
    ) -> None:
        self._settings = settings
        each = {str(one.tenant_id).lower(): one for one in settings.each()}
        self._tenants = {
            tenant: AzureProvider(
                one, clock=clock, sleep=sleep, secret=secret, elsewhere=each.keys() - {tenant}
            )
            for tenant, one in each.items()
        }
        self._owners: dict[str, str] = {}
        self._lock = threading.Lock()

    def discover(self, selection: Selection) -> Discovery:
        """The scopes of every tenant. Raises the first tenant's ProviderError where none can be discovered."""
        if selection.providers and PROVIDER not in selection.providers:
            return Discovery(scopes=())
        found: dict[str, Discovery] = {}
        unread: list[Coverage] = []
        errors: list[ProviderError] = []
        for tenant, provider in self._tenants.items():
            try:
                found[tenant] = provider.discover(selection)
            except ProviderError as error:
                errors.append(error)
                unread.append(
                    Coverage(
                        scope=_whole(tenant),
                        status=error.coverage,
                        cause=error.message,
                        permission=error.permission,
                    )
                )
        if not found and errors:
            raise errors[0]
        owners: dict[str, str] = {}
        for tenant, discovery in found.items():
            for account in discovery.accounts:
                owners.setdefault(account, tenant)
            unread.extend(
                replace(one, scope=_whole(tenant)) if one.scope.account in (ANY, ALL_GROUPS) else one
                for one in discovery.unread
            )
            unread.extend(
                _twice(account, owners[account], tenant)
                for account in discovery.accounts
                if group_of(account) is not None and owners[account] != tenant
            )
        with self._lock:
            self._owners |= owners
        return Discovery(
            scopes=tuple(
                scope
                for tenant, discovery in found.items()
                for scope in discovery.scopes
                if owners[scope.account] == tenant
            ),
            unread=tuple(unread),
            accounts={
                account: name
                for tenant, discovery in found.items()
                for account, name in discovery.accounts.items()
                if owners[account] == tenant
            },
        )

    def _of(self, account: str) -> AzureProvider:
        """The provider of the tenant a subscription belongs to. Raises ProviderError; Denied where none of them sees it."""
        root = tenant_of(account)
        if root in self._tenants:
            return self._tenants[root]
        with self._lock:
            owner = self._owners.get(account)
        # An event or an approved plan may come before this process has read anything.
        return self._tenants[owner or self._look_for(account)]

    def _look_for(self, account: str) -> str:
        unsure: ProviderError | None = None
        for tenant, provider in self._tenants.items():
            try:
                if provider.sees(account):
                    with self._lock:
                        return self._owners.setdefault(account, tenant)
            except ProviderError as error:
                unsure = unsure or error
        raise unsure or Denied(
            f"None of the {len(self._tenants)} configured tenants sees {account}.",
            hint="Assign the tenant's credential a role at it, or see `azure.tenants`.",
            permission="Microsoft.Resources/subscriptions/read",
        )

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope, by its tenant's credential. Never raises for what the cloud answers."""
        try:
            provider = self._of(scope.account)
        except ProviderError as error:
            ending = Coverage(
                scope=scope, status=error.coverage, cause=error.message, permission=error.permission
            )
            return Reading(scope, iter((ending,)))
        return provider.read(scope)

    def deletion_confirmations(self, scope: Scope) -> int:  # noqa: ARG002 - the same for every scope of Azure
        """As for one tenant."""
        return CONFIRMATIONS

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as its tenant's Azure Resource Manager has it now."""
        return self._of(ref.account).reread(ref)

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterator[Remembered]:
        """Versions of the last 14 days, by the tenant of each resource."""
        for account, those in groupby(refs, key=lambda ref: ref.account):
            group = list(those)
            try:
                tenant = self._of(account)
            except ProviderError as error:
                yield from (Remembered(ref=ref, error=error) for ref in group)
            else:
                yield from tenant.past(group, since)

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """Who changed a resource in (since, until]."""
        return self._of(ref.account).deeds(ref, since, until)

    def parse_event(self, body: Mapping[str, Any]) -> Event | Ignored | None:
        """Understand an Event Grid event, an activity log record or a Defender for Cloud alert."""
        return events.parse_event(body)

    def watched(self, event: Event) -> Event | None:
        """What of an event is of the accounts that its own tenant has; or any of them, where it names none that is configured."""
        told = event.detail.get("tenant")
        if told in self._tenants:
            return self._tenants[told].watched(event)
        unsure: ProviderError | None = None
        for provider in self._tenants.values():
            try:
                ours = provider.watched(event)
            except ProviderError as error:
                unsure = unsure or error
            else:
                if ours is not None:
                    return ours
        if unsure is not None:
            raise unsure
        return None

    def event_sources(self) -> tuple[EventSource, ...]:
        """Every tenant's queue."""
        return tuple(source for one in self._tenants.values() for source in one.event_sources())

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """What can be changed, the same in every tenant."""
        return next(iter(self._tenants.values())).action_kinds()

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The part of the target's present state that the action would change."""
        return self._of(action.target.account).observe(action)

    def act(self, action: Action) -> Receipt:
        """Make the change, unless it is already so."""
        return self._of(action.target.account).act(action)

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the pre-image, unless the target has moved on."""
        return self._of(receipt.action.target.account).undo(receipt)

    def terraform(self, resource: Resource) -> TerraformView | None:
        """The resource as the azurerm provider names its attributes."""
        return terraform.view_of(resource)

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """Terraform type -> resource types."""
        return terraform.types()

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """Tenant -> the least role its part of the configuration needs."""
        return {str(one.tenant_id): permissions.role(one, contain=contain) for one in self._settings.each()}

    def close(self) -> None:
        """Let go of every tenant's connections."""
        for one in self._tenants.values():
            one.close()


def _whole(tenant: str) -> Scope:
    return Scope(PROVIDER, tenant_account(tenant), ANY, ANY)


def _twice(account: str, owner: str, tenant: str) -> Coverage:
    """Nothing in an id tells two groups of the same id apart: they would overwrite each other."""
    return Coverage(
        scope=Scope(PROVIDER, account, ANY, ANY),
        status=CoverageStatus.UNAVAILABLE,
        cause=f"{account} is a management group in tenant {owner} and in tenant {tenant}, and only the former is read:"
        " exclude it in one of them",
    )
