"""Which scopes there are: the subscriptions the credentials see, narrowed by configuration and by what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from config.settings import AzureSettings
from providers.azure.names import PROVIDER
from providers.azure.session import Session
from providers.errors import Denied, ProviderError
from providers.provider import Discovery, Selection
from providers.resource import ANY, Coverage, CoverageStatus, Scope

READABLE_STATES = frozenset({"enabled", "warned", "pastdue", "disabled"})
"""A disabled subscription cannot be written to, but its resources are there and can be read; a deleted one has none."""


def discover(settings: AzureSettings, session: Session, selection: Selection) -> Discovery:
    """The scopes to read. Raises ProviderError only if nothing at all can be discovered."""
    if selection.providers and PROVIDER not in selection.providers:
        return Discovery(scopes=())
    wanted = {s.lower() for s in settings.subscriptions}
    unread: list[Coverage] = []
    names: dict[str, str] = {}
    try:
        for subscription in subscriptions(session):
            if str(subscription.get("state", "Enabled")).lower() in READABLE_STATES:
                names[str(subscription["subscriptionId"]).lower()] = str(
                    subscription.get("displayName") or ""
                )
    except ProviderError as error:
        if not wanted and not names:
            raise
        whole = Scope(PROVIDER, ANY, ANY, ANY)
        unread.append(_unread(whole, error))
        # What was named in the configuration can be read without being listed.
        names |= dict.fromkeys(wanted - names.keys(), "")
    if not names and not wanted:
        # Also what a list without `value` looks like: an empty estate would be read as complete, 0 of 0.
        raise Denied(
            "The credentials see no subscription of Azure.",
            hint="Assign them a role at a subscription, or see `azure.tenant_id` and `azure.cloud`.",
            permission="Microsoft.Resources/subscriptions/read",
        )
    excluded = {s.lower() for s in settings.exclude_subscriptions}
    asked = {s.lower() for s in selection.accounts}
    unread.extend(
        _not_visible(s) for s in sorted(wanted - names.keys() - excluded) if not asked or s in asked
    )
    chosen = [
        s
        for s in sorted(names)
        if (not wanted or s in wanted) and s not in excluded and (not asked or s in asked)
    ]
    never = {t.lower() for t in settings.exclude_types}
    types = [t for t in narrow(settings.types, selection.types) if not any(within(t, n) for n in never)]
    regions = sorted(selection.regions) or [ANY]
    scopes = tuple(
        Scope(PROVIDER, s, region, of_type) for s in chosen for region in regions for of_type in types
    )
    return Discovery(scopes=scopes, unread=tuple(unread), accounts={s: names[s] for s in chosen})


def subscriptions(session: Session) -> Iterator[Mapping[str, Any]]:
    """The subscriptions as ARM lists them, page by page. Raises ProviderError at whatever page fails."""
    pages = session.subscriptions().subscriptions.list().by_page()

    def fetch() -> list[Mapping[str, Any]] | None:
        page = next(pages, None)
        return None if page is None else [subscription.as_dict() for subscription in page]

    while (found := session.call("*", "arm", "The subscriptions", fetch)) is not None:
        yield from found


def narrow(configured: Iterable[str], selected: Iterable[str]) -> tuple[str, ...]:
    """The types both want, in lower case and as few patterns as say it; ``("*",)`` for everything."""
    mine = {t.lower() for t in configured} or {ANY}
    theirs = {t.lower() for t in selected} or {ANY}
    both = {a if within(a, b) else b for a in mine for b in theirs if within(a, b) or within(b, a)}
    return tuple(sorted(p for p in both if not any(p != q and within(p, q) for q in both)))


def within(pattern: str, other: str) -> bool:
    """Whether everything ``pattern`` matches, ``other`` matches too."""
    if other.endswith(ANY):
        return pattern.startswith(other[:-1])
    return pattern == other


def _unread(scope: Scope, error: ProviderError) -> Coverage:
    return Coverage(scope=scope, status=error.coverage, cause=error.message, permission=error.permission)


def _not_visible(subscription: str) -> Coverage:
    return Coverage(
        scope=Scope(PROVIDER, subscription, ANY, ANY),
        status=CoverageStatus.DENIED,
        cause=f"denied: subscription {subscription} is configured, but the credentials do not see it",
        permission="Microsoft.Resources/subscriptions/read",
    )
