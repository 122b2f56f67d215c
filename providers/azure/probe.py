"""Looking around Azure with the credentials that the SDK's own search finds."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Final

from config.clouds import AzureSettings, AzureTenant
from config.fields import SecretReference
from config.wording import counted
from providers.azure.discovery import READABLE_STATES, named, subscriptions
from providers.azure.rights import missing, permissions_at
from providers.azure.session import Session
from providers.budget import CallBudgets
from providers.errors import Denied, ProviderError
from providers.probe import Look, Probe, look, nobody
from providers.resource import ANY

MOST: Final = 5
"""Subscriptions that are looked into; the others are only counted."""

_TENANTS_VERSION: Final = "2022-12-01"
_CROSSING: Final = {"default": "cli", "cli": "cli", "static": "static"}
"""Credentials that may be good in several tenants -> how each of these is entered: the SDK's own search takes no tenant, and what of it
may be at home in several is `az`."""
_NARROWED: Final = frozenset({"tenant_id", "subscriptions", "management_groups"})
"""Settings by which somebody has chosen already."""
_LOG_IN: Final = (
    "`az login`, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; then run this again."
)


def probe(
    settings: AzureSettings,
    *,
    clock: Callable[[], datetime],
    secret: Callable[[SecretReference], str] | None = None,
) -> Probe:
    """What the credentials at hand see; of several tenants, what each one's own see."""
    if settings.tenants:
        return _together([(str(one.tenant_id), _probe_one(one, clock, secret)) for one in settings.each()])
    alone = _probe_one(settings, clock, secret)
    if alone.found and settings.credential in _CROSSING and not _NARROWED & settings.model_fields_set:
        return _several(settings, alone, clock, secret)
    return alone


def _several(
    settings: AzureSettings,
    alone: Probe,
    clock: Callable[[], datetime],
    secret: Callable[[SecretReference], str] | None,
) -> Probe:
    """What the credential sees in each tenant that knows it, where these are several; else what it sees at home."""
    credential = _CROSSING[settings.credential]
    each: list[tuple[str, Probe]] = []
    refused: list[str] = []
    tenants = _tenants(settings, clock, secret)
    for tenant in tenants if len(tenants) > 1 else ():
        there = settings.model_copy(update={"tenant_id": tenant, "credential": credential})
        found = _probe_one(there, clock, secret)
        if found.found:
            each.append((tenant, found))
        else:
            refused.append(f"Tenant {tenant} knows these credentials and is not watched: {found.cause}")
    if len(each) < 2:
        return replace(alone, advice=(*alone.advice, *refused))
    seen = _together(each)
    listed = [{"tenant_id": tenant, "credential": credential} for tenant, _ in each]
    return replace(
        seen,
        settings=dict.fromkeys(AzureTenant.model_fields) | {"tenants": listed},
        advice=(*seen.advice, *refused),
    )


def _tenants(
    settings: AzureSettings,
    clock: Callable[[], datetime],
    secret: Callable[[SecretReference], str] | None,
) -> list[str]:
    """The tenants that know the credential; none where that cannot be told."""
    try:
        with closing(
            Session(
                settings, budgets=CallBudgets(settings.budget), clock=clock, sleep=time.sleep, secret=secret
            )
        ) as session:
            found = list(session.items(ANY, "/tenants", _TENANTS_VERSION))
    except ProviderError:
        return []
    return sorted({str(one["tenantId"]).lower() for one in found if one.get("tenantId")})


def _together(each: Sequence[tuple[str, Probe]]) -> Probe:
    found = [one for _, one in each if one.found]
    if not found:
        return each[0][1]
    return Probe(
        cloud="azure",
        identity="; ".join(str(one.identity) for one in found),
        source="; ".join(dict.fromkeys(str(one.source) for one in found)),
        looks=tuple(
            replace(look, what=f"tenant {tenant}: {look.what}")
            for tenant, one in each
            for look in one.looks or (Look(what="the credential", cause=one.cause),)
        ),
        advice=tuple(f"Tenant {tenant}: {line}" for tenant, one in each for line in one.advice),
    )


def _probe_one(
    settings: AzureSettings,
    clock: Callable[[], datetime],
    secret: Callable[[SecretReference], str] | None,
) -> Probe:
    try:
        session = Session(
            settings, budgets=CallBudgets(settings.budget), clock=clock, sleep=time.sleep, secret=secret
        )
    except ProviderError as error:
        return nobody("azure", error)
    try:
        return _look_around(settings, session)
    finally:
        session.close()


def _look_around(settings: AzureSettings, session: Session) -> Probe:
    try:
        found = {
            str(one["subscriptionId"]).lower(): str(one.get("displayName") or "")
            for one in subscriptions(session)
            if str(one.get("state", "Enabled")).lower() in READABLE_STATES
        }
    except ProviderError as error:
        if settings.credential == "default" and "DefaultAzureCredential failed" in error.message:
            # It names every place it looked in, with a paragraph about each.
            return Probe(
                cloud="azure",
                cause="no credentials were found in the environment, a workload's or a machine's identity, or az",
                hint=_LOG_IN,
            )
        return Probe(cloud="azure", cause=error.message, hint=error.hint or _LOG_IN)
    try:
        wanted, never = named(settings, session)
    except ProviderError as error:
        return Probe(cloud="azure", cause=error.message, hint=error.hint or _LOG_IN)
    chosen = {
        id_: name for id_, name in found.items() if id_ not in never and (wanted is None or id_ in wanted)
    }

    def rights(subscription: str) -> Callable[[], str]:
        def ask() -> str:
            if missing(permissions_at(session, subscription), "*/read"):
                raise Denied(
                    "the role there does not grant */read, so Resource Graph leaves things out without saying so",
                    permission="*/read",
                )
            page = session.query(subscription, "resources | project id")
            return f"{page.total} resources"

        return ask

    looks = [look("subscriptions", lambda: counted(len(chosen), "subscription"))]
    for id_, name in sorted(chosen.items())[:MOST]:
        looks.append(look(f"subscription {name} ({id_})", rights(id_)))
    advice = []
    if len(chosen) > MOST:
        advice.append(f"{len(chosen) - MOST} more subscriptions were not looked into.")
    if not chosen:
        return Probe(
            cloud="azure",
            cause="the credentials are accepted but see no subscription",
            hint="Assign them a role; `watchstander permissions azure` prints the least one.",
        )
    return Probe(
        cloud="azure",
        identity=who(_token(session)) or f"somebody with {counted(len(chosen), 'subscription')}",
        source="a fixed token (a sandbox)"
        if settings.credential == "static"
        else f"{settings.credential} credential",
        looks=tuple(looks),
        advice=tuple(advice),
    )


def _token(session: Session) -> str:
    try:
        return session.token()
    except ProviderError:
        return ""  # a name is nice to have; the calls above have proved that we are somebody


def who(token: str) -> str | None:
    """The name a token carries, for showing only: nothing of it is verified. None where it is no JWT or has no name."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        names = [claims.get(key) for key in ("upn", "unique_name", "app_displayname", "appid", "oid")]
    except (IndexError, ValueError, AttributeError):
        return None
    name = next((n for n in names if isinstance(n, str) and n), None)
    tenant = claims.get("tid")
    return f"{name} in tenant {tenant}" if name and isinstance(tenant, str) else name
