"""The AWS provider: discovery, and the parts put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, Final

import boto3

from config.clouds import AwsSettings
from providers.aws import actions, deeds, events, past, role, sqs, terraform
from providers.aws.aggregate import CONFIRMATIONS, Aggregator
from providers.aws.catalog import Placement, ResourceType, catalog
from providers.aws.cloudcontrol import LongTail
from providers.aws.organization import Organization, unread
from providers.aws.reader import Reader
from providers.aws.role import matches
from providers.aws.session import Place, Sessions
from providers.errors import ProviderError
from providers.provider import (
    Action,
    ActionKind,
    Batch,
    Deed,
    Discovery,
    Event,
    EventSource,
    Ignored,
    Receipt,
    Remembered,
    Selection,
)
from providers.resource import GLOBAL, Coverage, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformView
from providers.watched import Roster, Watched

LONG_TAIL: Final = "cloudcontrol"
"""In a coverage, stands for the types that could not be listed."""


class AwsProvider:
    """Amazon Web Services. Make one for each configuration; it is safe to use from any thread.

    ``clock`` tells the time for credentials; ``monotonic`` and ``sleep`` serve deadlines and budgets; ``attempts`` is how
    often a call is tried in all. ``prepare`` is given every boto3 session that is made, to add event handlers to it.
    """

    name = "aws"
    record_lag = deeds.LAG
    past_batch = past.BATCH

    def __init__(
        self,
        settings: AwsSettings,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 4,
        prepare: Callable[[boto3.Session], None] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._types = role.read_types(settings)
        self.sessions = Sessions(
            settings, clock=clock, monotonic=monotonic, sleep=sleep, attempts=attempts, prepare=prepare
        )
        self._reader = Reader(settings, self.sessions, catalog())
        self._long_tail = LongTail(settings, self.sessions)
        self._organization = Organization(settings, self.sessions)
        self._aggregator = Aggregator(settings, self.sessions)
        self._watched = Watched(self._roster, self._reads, clock)
        self._sources: tuple[EventSource, ...] | None = None

    def discover(self, selection: Selection) -> Discovery:
        """The scopes of every account that can be entered; the others are in ``unread``, each with its cause."""
        if selection.providers and self.name not in selection.providers:
            return Discovery(scopes=())
        accounts, missed = self._organization.accounts()
        self._watched.learn(self._roster_of(accounts, missed))
        known = {name: one for name, one in self._types.items() if name not in self._aggregator.types}
        try:
            known |= self._long_tail.types()
        except ProviderError as error:
            missed.append(unread(LONG_TAIL, error))
        types = [t for t in known.values() if matches(t.type, selection.types, empty=True)]
        # Types of a service one after the other, so that its clients are made once.
        types.sort(key=lambda declared: declared.service)
        scopes = self._aggregator.scopes(selection)
        wanted = {
            account: name
            for account, name in accounts.items()
            if not selection.accounts or account in selection.accounts
        }
        ask = partial(self._regions, selection=selection)
        order = sorted(wanted)
        with ThreadPoolExecutor(self._settings.budget.concurrency, thread_name_prefix="aws-accounts") as pool:
            answers = list(pool.map(ask, order))
        for account, found in zip(order, answers, strict=True):
            if isinstance(found, ProviderError):
                missed.append(unread(account, found))
            else:
                scopes += self._scopes(account, found, types, selection)
        return Discovery(scopes=tuple(scopes), unread=tuple(missed), accounts=wanted)

    def _roster(self) -> Roster:
        return self._roster_of(*self._organization.accounts())

    def _roster_of(self, accounts: Iterable[str], missed: Iterable[Coverage]) -> Roster:
        """The accounts, and those that only an aggregator reads."""
        try:
            return Roster(self._aggregator.accounts().union(accounts), tuple(missed))
        except ProviderError as error:
            return Roster(frozenset(accounts), (*missed, unread(self._aggregator.account, error)))

    def _reads(self, ref: ResourceRef) -> bool:
        """Whether a cycle reads what has the type and region of a resource. Raises ProviderError."""
        if ref.type in self._aggregator.types:
            return True  # in whatever region
        declared = self._types.get(ref.type) or self._long_tail.types().get(ref.type)
        if declared is None:
            return False
        if declared.placement is Placement.REGIONAL:
            return not self._settings.regions or ref.region in self._settings.regions
        return declared.placement is not Placement.ORGANIZATION or self._is_organization(ref.account)

    def _regions(self, account: str, *, selection: Selection) -> Sequence[str] | ProviderError:
        """The regions to read in an account; or why it cannot be entered."""
        place = Place(account, self.sessions.home_region)
        try:
            if self._settings.regions:
                # Entering is tried here, so that a denied account is one line and not one for every type.
                if account != self.sessions.own_account():
                    self.sessions.call(place, "sts", "GetCallerIdentity")
                found: Iterable[str] = self._settings.regions
            else:
                answer = self.sessions.call(place, "ec2", "DescribeRegions")
                found = (region["RegionName"] for region in answer.get("Regions", ()) if _enabled(region))
            return sorted(r for r in set(found) if not selection.regions or r in selection.regions)
        except ProviderError as error:
            return error

    def _scopes(
        self, account: str, regions: Sequence[str], types: Iterable[ResourceType], selection: Selection
    ) -> Iterable[Scope]:
        for declared in types:
            if declared.placement is Placement.REGIONAL:
                yield from (Scope(self.name, account, region, declared.type) for region in regions)
            elif declared.placement is Placement.ORGANIZATION and not self._is_organization(account):
                continue
            elif (
                declared.placement is Placement.ANYWHERE
                or not selection.regions
                or GLOBAL in selection.regions
            ):
                yield Scope(self.name, account, declared.scope_region(""), declared.type)

    def _is_organization(self, account: str) -> bool:
        """Whether an account is the one in which facts of the organisation are read."""
        wanted = self._settings.accounts.discover == "organizations"
        return wanted and account == self.sessions.own_account()

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope; streams, and never raises for what AWS does."""
        return self._aggregator.read(scope) if self._aggregator.reads(scope) else self._reader.read(scope)

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as it is now. Raises Gone on the service's own word only."""
        return self._reader.reread(ref)

    def past(self, refs: Sequence[ResourceRef], since: datetime) -> Iterable[Remembered]:
        """What AWS Config remembers of each resource."""
        return past.remembered(self.sessions, refs, since, self._clock())

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """Who changed a resource in (since, until], by CloudTrail."""
        return deeds.deeds(self.sessions, ref, since, until)

    def parse_event(self, body: Mapping[str, Any]) -> Event | Batch | Ignored | None:
        """An EventBridge envelope (or an SNS or Config message holding one) understood."""
        return events.parse(body)

    def watched(self, event: Event) -> Event | None:
        """What of an event is of the accounts that are read."""
        return self._watched.part(event)

    def event_sources(self) -> tuple[EventSource, ...]:
        """The configured SQS queue, if there is one."""
        if self._sources is None:
            settings = self._settings.events
            self._sources = (
                (sqs.SqsSource(self.sessions, settings),) if settings.queue_url is not None else ()
            )
        return self._sources

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """What can be changed."""
        return {name: effect.kind for name, effect in actions.effects().items()}

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The state the action would change, read afresh."""
        return actions.observe(self.sessions, action)

    def act(self, action: Action) -> Receipt:
        """Make the change unless it is already so."""
        try:
            return actions.act(self.sessions, action)
        finally:
            self._reader.forget(action.target.account)

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore what was before. Raises Conflict if the target has moved on."""
        try:
            return actions.undo(self.sessions, receipt)
        finally:
            self._reader.forget(receipt.action.target.account)

    def terraform(self, resource: Resource) -> TerraformView | None:
        """The resource in the Terraform provider's words."""
        return terraform.view_of(resource)

    def deletion_confirmations(self, scope: Scope) -> int:
        """One, since a complete listing is authoritative; more from an aggregator, which lags."""
        return CONFIRMATIONS if self._aggregator.reads(scope) else 1

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """Terraform type -> resource types."""
        return terraform.types()

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """An IAM policy document with exactly what reading (or, with ``contain``, acting) needs."""
        return role.document(self._settings, contain=contain)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._reader.close()
        self.sessions.close()


def _enabled(region: Mapping[str, Any]) -> bool:
    return bool(region.get("OptInStatus", "opt-in-not-required") != "not-opted-in")


__all__ = ["AwsProvider", "matches"]
