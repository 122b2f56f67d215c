"""Several tenants watched by one provider: whose credential reads, re-reads and changes what, and what a lost one costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from config.clouds import AzureSettings, Providers
from daemon.beginning import configuration
from providers.azure.names import above
from providers.azure.probe import probe
from providers.azure.provider import AzureProvider
from providers.azure.tenants import AzureTenants
from providers.errors import Denied
from providers.provider import Action, Discovery, Selection
from providers.registry import open_provider, role_of
from providers.resource import ANY, CoverageStatus, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION
from providers.sandbox.azure.groups import TENANT
from providers.sandbox.faults import Fault, FaultKind

FABRIKAM = "fab00000-0000-4000-8000-000000000001"
ELSEWHERE = "eee00000-0000-4000-8000-000000000001"
SHOP = "c0000000-0000-4000-8000-00000000000c"
VAULT = f"/subscriptions/{SHOP}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/fabrikam"
Open = Callable[..., AzureTenants]


@pytest.fixture
def two(emulator: AzureEmulator) -> AzureEmulator:
    """The seeded tenant, and a second one with one subscription and one storage account."""
    emulator.store.add_subscription(SHOP, "fabrikam-shop", tenant=FABRIKAM)
    emulator.store.put(f"/subscriptions/{SHOP}/resourceGroups/rg", {"location": "westeurope"})
    properties = {"allowBlobPublicAccess": True, "minimumTlsVersion": "TLS1_2"}
    emulator.store.put(VAULT, {"location": "westeurope", "properties": properties})
    return emulator


@pytest.fixture
def open_all(two: AzureEmulator, clock: Any, naps: list[float]) -> Iterator[Open]:
    opened: list[AzureTenants] = []

    def build(*tenants: dict[str, Any]) -> AzureTenants:
        provider = AzureTenants(settings(two, *tenants), clock=clock, sleep=naps.append)
        opened.append(provider)
        return provider

    yield build
    for provider in opened:
        provider.close()


def settings(emulator: AzureEmulator, *tenants: dict[str, Any]) -> AzureSettings:
    chosen = tenants or ({"tenant_id": TENANT}, {"tenant_id": FABRIKAM})
    return AzureSettings.model_validate(
        {"endpoint": emulator.endpoint, "tenants": [{"credential": "static", **one} for one in chosen]}
    )


def accounts(found: Discovery) -> set[str]:
    """The subscriptions found."""
    return {scope.account for scope in found.scopes if not above(scope.account)}


def test_each_subscription_is_read_by_its_own_tenant(open_all: Open) -> None:
    provider = open_all()
    found = provider.discover(Selection())
    assert accounts(found) == {PRODUCTION, DEVELOPMENT, SHOP}
    assert found.unread == ()
    assert found.accounts[SHOP] == "fabrikam-shop"
    for account in (PRODUCTION, SHOP):
        reading = provider.read(Scope("azure", account, ANY, ANY))
        resources = list(reading)
        assert reading.coverage.status is CoverageStatus.COMPLETE
        assert {r.ref.account for r in resources} == {account}
        assert any(r.uid == VAULT.lower() for r in resources) == (account == SHOP)


def test_a_token_of_another_tenant_gets_nothing(two: AzureEmulator, clock: Any, naps: list[float]) -> None:
    one = two.settings(tenant_id=TENANT, subscriptions=[SHOP])
    provider = AzureProvider(one, clock=clock, sleep=naps.append)
    try:
        found = provider.discover(Selection())
        assert (accounts(found), [c.scope.account for c in found.unread]) == (set(), [SHOP])
        reading = provider.read(Scope("azure", SHOP, ANY, ANY))
        assert list(reading) == []
        assert reading.coverage.status is not CoverageStatus.COMPLETE
    finally:
        provider.close()


def test_a_tenant_that_is_lost_leaves_the_others(open_all: Open, two: AzureEmulator) -> None:
    provider = open_all({"tenant_id": TENANT}, {"tenant_id": ELSEWHERE})
    found = provider.discover(Selection())
    assert accounts(found) == {PRODUCTION, DEVELOPMENT}
    [unread] = found.unread
    assert unread.scope == Scope("azure", f"tenants/{ELSEWHERE}", ANY, ANY)
    assert (unread.status, unread.permission) == (
        CoverageStatus.DENIED,
        "Microsoft.Resources/subscriptions/read",
    )
    with pytest.raises(Denied):
        open_all({"tenant_id": ELSEWHERE}).discover(Selection())


def test_a_subscription_listed_by_configuration_only_says_whose_list_failed(
    open_all: Open, two: AzureEmulator
) -> None:
    # Tenant B's list is empty, and it names a subscription: the list itself is unread, as that tenant's, not all of Azure.
    provider = open_all({"tenant_id": TENANT}, {"tenant_id": ELSEWHERE, "subscriptions": [SHOP]})
    found = provider.discover(Selection())
    assert accounts(found) == {PRODUCTION, DEVELOPMENT}
    assert [c.scope.account for c in found.unread] == [SHOP]
    assert all(c.scope.account != ANY for c in found.unread)


def test_a_delegated_subscription_is_left_to_its_home(open_all: Open, two: AzureEmulator) -> None:
    two.store.delegate(SHOP, TENANT)
    two.store.add_subscription("d0000000-0000-4000-8000-00000000000d", "guest", tenant=ELSEWHERE)
    for tenant in (TENANT, FABRIKAM):
        two.store.delegate("d0000000-0000-4000-8000-00000000000d", tenant)
    found = open_all().discover(Selection())
    assert [s.account for s in found.scopes if s.type == ANY].count(SHOP) == 1
    assert len(found.scopes) == len(set(found.scopes))
    named = open_all({"tenant_id": TENANT, "subscriptions": [SHOP]}, {"tenant_id": FABRIKAM})
    seen = named.discover(Selection())
    assert SHOP in accounts(seen)
    assert [str(c.cause) for c in seen.unread] == [
        f"subscription {SHOP} belongs to tenant {FABRIKAM}, which is watched by itself: name it there"
    ]


def test_acts_and_questions_before_any_reading_find_their_tenant(
    open_all: Open, two: AzureEmulator, clock: Any
) -> None:
    provider = open_all()
    scope = Scope("azure", SHOP, ANY, "microsoft.storage/storageaccounts")
    [account] = open_all().read(scope)
    fresh = provider.reread(account.ref)
    assert fresh.document["properties"]["allowBlobPublicAccess"] is True
    receipt = provider.act(
        Action(kind="azure.disable_storage_public_access", target=fresh.ref, parameters={})
    )
    assert receipt.changed
    assert provider.reread(fresh.ref).document["properties"]["allowBlobPublicAccess"] is False
    provider.undo(receipt)
    assert provider.reread(fresh.ref).document["properties"]["allowBlobPublicAccess"] is True
    [told] = provider.past([fresh.ref], clock.now - timedelta(days=1))
    assert told.versions


def test_what_no_tenant_sees_is_denied_and_what_cannot_be_told_is_not(
    open_all: Open, two: AzureEmulator
) -> None:
    nowhere = Scope("azure", "f0000000-0000-4000-8000-00000000000f", ANY, ANY)
    reading = open_all().read(nowhere)
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.DENIED
    assert "None of the 2 configured tenants" in str(reading.coverage.cause)
    two.faults.add(Fault(kind=FaultKind.THROTTLED, resource="/subscriptions"))
    reading = open_all().read(nowhere)
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.THROTTLED


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tenants": [{"tenant_id": "a"}], "client_id": "b"}, "`client_id` belong into each tenant"),
        ({"tenants": [{"tenant_id": "a"}, {"client_id": "b"}]}, "a `tenant_id` of its own"),
        ({"tenants": [{"tenant_id": "a"}, {"tenant_id": "A"}]}, "a `tenant_id` of its own"),
        (
            {
                "tenants": [
                    {"tenant_id": "a", "subscriptions": ["S"]},
                    {"tenant_id": "b", "subscriptions": ["s"]},
                ]
            },
            "subscription s is named by more than one",
        ),
    ],
)
def test_settings_that_would_mix_tenants_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AzureSettings.model_validate(given)


def test_a_role_for_each_tenant_and_a_look_into_each(two: AzureEmulator, clock: Any) -> None:
    chosen = settings(
        two,
        {"tenant_id": TENANT, "subscriptions": [PRODUCTION]},
        {"tenant_id": FABRIKAM, "subscriptions": [SHOP]},
    )
    role = role_of("azure", Providers(azure=chosen))
    assert [d["AssignableScopes"] for d in role.documents] == [
        [f"/subscriptions/{PRODUCTION}"],
        [f"/subscriptions/{SHOP}"],
    ]
    assert f"Part 2 is for tenant {FABRIKAM}." in role.notes
    seen = probe(chosen, clock=clock)
    assert [look.what for look in seen.looks if look.seen] == [
        f"tenant {TENANT}: subscriptions",
        f"tenant {TENANT}: subscription contoso-production ({PRODUCTION})",
        f"tenant {FABRIKAM}: subscriptions",
        f"tenant {FABRIKAM}: subscription fabrikam-shop ({SHOP})",
    ]
    provider = open_provider("azure", Providers(azure=chosen), clock)
    assert isinstance(provider, AzureTenants)
    provider.close()


def test_a_first_configuration_has_each_tenant_that_lets_us_in(two: AzureEmulator, clock: Any) -> None:
    given = two.settings(schedule={"every": "1h"}, client_id="c")
    found = probe(given, clock=clock)
    assert found.identity
    assert any(look.what.startswith(f"tenant {FABRIKAM}: subscription fabrikam-shop") for look in found.looks)
    text = configuration({"azure": found}, Providers(azure=given))
    written = yaml.safe_load(text)["providers"]["azure"]
    assert written["tenants"] == [
        {"tenant_id": TENANT, "credential": "static"},
        {"tenant_id": FABRIKAM, "credential": "static"},
    ]
    assert written.keys() == {"endpoint", "schedule", "tenants"}
    assert len(AzureSettings.model_validate(written).each()) == 2
    # Who has chosen is left alone.
    chosen = probe(two.settings(subscriptions=[PRODUCTION]), clock=clock)
    assert chosen.found
    assert "tenants" not in chosen.settings


def test_a_tenant_in_which_nothing_is_seen_is_told_and_not_written(two: AzureEmulator, clock: Any) -> None:
    two.store.add_subscription(
        "d0000000-0000-4000-8000-00000000000d", "gone", tenant=ELSEWHERE, state="Deleted"
    )
    found = probe(two.settings(), clock=clock)
    assert [one["tenant_id"] for one in found.settings["tenants"]] == [TENANT, FABRIKAM]
    [told] = [line for line in found.advice if ELSEWHERE in line]
    assert "is not watched: the credentials are accepted but see no subscription" in told


def test_each_tenants_queue_is_a_source(open_all: Open, two: AzureEmulator) -> None:
    events = {"queue_url": two.queue_url}
    ours, theirs = {"tenant_id": TENANT, "events": events}, {"tenant_id": FABRIKAM}
    [only] = open_all(ours, theirs).event_sources()
    assert only.name == f"queue:{TENANT}/watchstander"
    both = open_all(ours, theirs | {"events": events}).event_sources()
    # Queues of the same name are told apart: the daemon keeps its threads, and counts events, by the name.
    assert [one.name for one in both] == [f"queue:{tenant}/watchstander" for tenant in (TENANT, FABRIKAM)]
    two.queue.put("{}")
    assert {message.source for message in both[1].receive(0)} == {both[1].name}
    [alone] = open_all(ours).event_sources()
    assert alone.name == "queue:watchstander"
