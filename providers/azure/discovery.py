"""Which scopes there are: the subscriptions the credentials see and what is above them, narrowed by configuration and by what was
asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.clouds import AzureSettings
from providers.azure.above import GROUPS, management_groups
from providers.azure.details import ABOVE, AT_ROOT, DETAILS, GROUPS_VERSION
from providers.azure.names import PROVIDER, above, group_account, tenant_account, tenant_of
from providers.azure.queries import within
from providers.azure.session import Session
from providers.errors import Denied, ProviderError, Unavailable
from providers.provider import Discovery, Selection
from providers.resource import ANY, GLOBAL, Coverage, CoverageStatus, ResourceRef, Scope

READABLE_STATES = frozenset({"enabled", "warned", "pastdue", "disabled"})
"""A disabled subscription cannot be written to, but its resources are there and can be read; a deleted one has none."""
DESCENDANTS: Final = "Microsoft.Management/managementGroups/descendants/read"
"""What looking below a management group needs."""
ALL_GROUPS: Final = "managementgroups/*"
"""The account that stands for the management groups where they could not be listed."""


@dataclass(frozen=True, slots=True)
class Below:
    """What is below a management group, however deep. ``groups``: account -> name, with the group itself."""

    subscriptions: frozenset[str]
    groups: Mapping[str, str]


def discover(
    settings: AzureSettings, session: Session, selection: Selection, elsewhere: Collection[str] = ()
) -> Discovery:
    """The scopes to read. Subscriptions whose home is a tenant in ``elsewhere`` (ids, lower case) are left to its own
    credential. Raises ProviderError if nothing at all can be discovered, or if it cannot be told what lies below an
    excluded management group: what must never be read is not guessed."""
    if selection.providers and PROVIDER not in selection.providers:
        return Discovery(scopes=())
    unread: list[Coverage] = []
    excluded = {s.lower() for s in settings.exclude_subscriptions}
    barred: set[str] = set()
    for group in settings.exclude_management_groups:
        found = below(session, group)
        excluded |= found.subscriptions
        barred |= found.groups.keys()
    wanted = {s.lower() for s in settings.subscriptions}
    groups: dict[str, str] = {}
    for group in settings.management_groups:
        try:
            found = below(session, group)
        except ProviderError as error:
            unread.append(_unread(Scope(PROVIDER, group_account(group), ANY, ANY), error))
            continue
        wanted |= found.subscriptions
        groups |= found.groups
    narrowed = bool(settings.subscriptions or settings.management_groups)
    names: dict[str, str] = {}
    foreign: dict[str, str] = {}
    try:
        for subscription in subscriptions(session):
            own = str(subscription["subscriptionId"]).lower()
            home = str(subscription.get("tenantId") or "").lower()
            if home in elsewhere:
                foreign[own] = home
            elif str(subscription.get("state", "Enabled")).lower() in READABLE_STATES:
                names[own] = str(subscription.get("displayName") or "")
    except ProviderError as error:
        if not wanted and not names:
            raise
        unread.append(_unread(Scope(PROVIDER, ANY, ANY, ANY), error))
        # What was named in the configuration can be read without being listed.
        names |= dict.fromkeys(wanted - names.keys() - foreign.keys(), "")
    if not names and not wanted and not foreign:
        # Also what a list without `value` looks like: an empty estate would be read as complete, 0 of 0.
        raise Denied(
            "The credentials see no subscription of Azure.",
            hint="Assign them a role at a subscription, or see `azure.tenant_id` and `azure.cloud`.",
            permission="Microsoft.Resources/subscriptions/read",
        )
    asked = {s.lower() for s in selection.accounts}
    unread.extend(
        _not_visible(s, foreign.get(s))
        for s in sorted(wanted - names.keys() - excluded)
        if not asked or s in asked
    )
    chosen = [
        s
        for s in sorted(names)
        if (not narrowed or s in wanted) and s not in excluded and (not asked or s in asked)
    ]
    types = _types_above(settings, selection)
    if types and not narrowed and (not asked or any(above(a) for a in asked)):
        try:
            groups = _visible_above(session)
        except ProviderError as error:
            unread.append(_unread(Scope(PROVIDER, ALL_GROUPS, ANY, ANY), error))
    upper = {
        account: name
        for account, name in sorted(groups.items())
        if types and account not in barred and (not asked or account in asked)
    }
    return Discovery(
        scopes=(
            *_scopes(chosen, settings, selection),
            *(
                Scope(PROVIDER, account, ANY, of_type)
                for account in upper
                for of_type in types
                if tenant_of(account) is None or of_type in AT_ROOT
            ),
        ),
        unread=tuple(unread),
        accounts={s: names[s] for s in chosen} | upper,
    )


def reads(settings: AzureSettings, ref: ResourceRef) -> bool:
    """Whether a cycle reads what has the type of a resource; of what is above the subscriptions only some types are. What
    Azure itself concluded is told as a change of what it is about, so that is none of a message's resources."""
    own = ref.type.lower()
    return (
        any(within(own, wanted) for wanted in narrow(settings.types, ()))
        and not any(within(own, never.lower()) for never in settings.exclude_types)
        and (not above(ref.account) or own in ABOVE)
    )


def _types_above(settings: AzureSettings, selection: Selection) -> list[str]:
    """The types wanted of what is above the subscriptions. None of it has a location."""
    if selection.regions and GLOBAL not in selection.regions:
        return []
    never = [t.lower() for t in settings.exclude_types]
    wanted = narrow(settings.types, selection.types)
    return [t for t in ABOVE if any(within(t, w) for w in wanted) and not any(within(t, n) for n in never)]


def _visible_above(session: Session) -> dict[str, str]:
    """Account -> name of every management group the credentials see, and of the tenant whose root they look at. Raises
    ProviderError."""
    found: dict[str, str] = {}
    for group in management_groups(session):
        own, properties = str(group.get("name") or ""), group.get("properties")
        if not own:
            raise Unavailable("A management group was listed without an id.")
        known = properties if isinstance(properties, Mapping) else {}
        found[group_account(own)] = str(known.get("displayName") or "")
        if known.get("tenantId"):
            found[tenant_account(str(known["tenantId"]))] = "what is assigned at the root of the tenant"
    return found


def _scopes(accounts: list[str], settings: AzureSettings, selection: Selection) -> Iterator[Scope]:
    """What Resource Graph lists of each account, then the details that it does not list."""
    never = [t.lower() for t in settings.exclude_types]
    wanted = narrow(settings.types, selection.types)
    listed = [t for t in wanted if t not in DETAILS and not any(within(t, n) for n in never)]
    details = [
        t for t in DETAILS if any(within(t, w) for w in wanted) and not any(within(t, n) for n in never)
    ]
    regions = sorted(selection.regions) or [ANY]
    for of_type in listed:
        for region in regions:
            yield from (Scope(PROVIDER, account, region, of_type) for account in accounts)
    # Details have no location of their own.
    if not selection.regions or GLOBAL in selection.regions:
        for of_type in details:
            yield from (Scope(PROVIDER, account, ANY, of_type) for account in accounts)


def named(settings: AzureSettings, session: Session) -> tuple[set[str] | None, set[str]]:
    """The ids of the subscriptions the configuration names, by themselves or by a management group, and of those it leaves
    out; None where it names none, which means all. Raises ProviderError."""
    wanted, never = (
        {s.lower() for s in ids} for ids in (settings.subscriptions, settings.exclude_subscriptions)
    )
    for group in settings.management_groups:
        wanted |= below(session, group).subscriptions
    for group in settings.exclude_management_groups:
        never |= below(session, group).subscriptions
    narrowed = bool(settings.subscriptions or settings.management_groups)
    return wanted if narrowed else None, never


def below(session: Session, group: str) -> Below:
    """What is below a management group. Raises ProviderError."""
    path = f"{GROUPS}/{group}/descendants"
    try:
        items = list(session.items(ANY, path, GROUPS_VERSION))
    except Denied as error:
        raise Denied(
            error.message,
            code=error.code,
            permission=error.permission or DESCENDANTS,
            hint="Assign the role at the management group; see `watchstander permissions azure`.",
        ) from error
    subscriptions = set()
    groups = {group_account(group): ""}
    for item in items:
        kind = str(item.get("type") or "").lower().rpartition("/")[2]
        if kind not in ("subscriptions", "managementgroups"):
            continue
        name = str(item.get("name") or "").lower()
        if not name:
            raise Unavailable(f"Management group {group} has something below it without an id.")
        if kind == "subscriptions":
            subscriptions.add(name)
        else:
            properties = item.get("properties")
            known = properties if isinstance(properties, Mapping) else {}
            groups[group_account(name)] = str(known.get("displayName") or "")
    return Below(frozenset(subscriptions), groups)


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


def _unread(scope: Scope, error: ProviderError) -> Coverage:
    return Coverage(scope=scope, status=error.coverage, cause=error.message, permission=error.permission)


def _not_visible(subscription: str, home: str | None) -> Coverage:
    if home is not None:
        return Coverage(
            scope=Scope(PROVIDER, subscription, ANY, ANY),
            status=CoverageStatus.UNAVAILABLE,
            cause=f"subscription {subscription} belongs to tenant {home}, which is watched by itself: name it there",
        )
    return Coverage(
        scope=Scope(PROVIDER, subscription, ANY, ANY),
        status=CoverageStatus.DENIED,
        cause=f"subscription {subscription} is configured, but the credentials do not see it",
        permission="Microsoft.Resources/subscriptions/read",
    )
