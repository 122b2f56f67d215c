"""Management groups: whose subscriptions are read, and whose never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.azure.names import above
from providers.azure.probe import probe
from providers.azure.provider import AzureProvider
from providers.errors import Denied, ProviderError
from providers.provider import Selection
from providers.resource import ANY, CoverageStatus, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION
from providers.sandbox.azure.groups import TENANT
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({"management_groups": ["mg-contoso"]}, {PRODUCTION, DEVELOPMENT}),
        ({"management_groups": ["MG-Production"]}, {PRODUCTION}),
        ({"management_groups": [TENANT], "exclude_management_groups": ["mg-development"]}, {PRODUCTION}),
        ({"management_groups": ["mg-production"], "subscriptions": [DEVELOPMENT]}, {PRODUCTION, DEVELOPMENT}),
        ({"management_groups": ["mg-contoso"], "exclude_subscriptions": [PRODUCTION]}, {DEVELOPMENT}),
        ({"exclude_management_groups": ["mg-production"]}, {DEVELOPMENT}),
        ({"management_groups": ["mg-empty"]}, set()),
    ],
)
def test_groups_choose_subscriptions(
    make: Make, emulator: AzureEmulator, settings: dict[str, list[str]], read: set[str]
) -> None:
    emulator.store.groups.add("mg-empty", "Empty", "mg-contoso")
    found = make(**settings).discover(Selection())
    assert {s.account for s in found.scopes if not above(s.account)} == read
    assert found.unread == ()


def test_a_group_that_cannot_be_read_is_unread_and_the_others_are_read(
    make: Make, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="*/managementgroups/mg-development/*"))
    found = make(management_groups=["mg-production", "mg-development"]).discover(Selection())
    assert {s.account for s in found.scopes if not above(s.account)} == {PRODUCTION}
    [unread] = found.unread
    assert unread.scope == Scope("azure", "managementgroups/mg-development", ANY, ANY)
    assert unread.status is CoverageStatus.DENIED
    assert unread.permission


def test_what_must_never_be_read_is_not_guessed(make: Make, emulator: AzureEmulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="*/managementgroups/mg-development/*"))
    with pytest.raises(Denied, match="mg-development"):
        make(exclude_management_groups=["mg-development"]).discover(Selection())
    with pytest.raises(ProviderError, match="could not be found"):
        make(exclude_management_groups=["mg-nowhere"]).discover(Selection())


def test_a_group_that_is_not_there_is_told(make: Make) -> None:
    found = make(management_groups=["mg-nowhere"]).discover(Selection())
    assert found.scopes == ()
    assert [c.status for c in found.unread] == [CoverageStatus.UNAVAILABLE]
    assert "could not be found" in str(found.unread[0].cause)


def test_descendants_come_in_pages(make: Make, emulator: AzureEmulator) -> None:
    emulator.api.page_size = 2
    for number in range(7):
        emulator.store.add_subscription(f"c-{number}", f"sub {number}")
        emulator.store.groups.move(f"c-{number}", "mg-production")
    found = make(management_groups=["mg-production"]).discover(Selection())
    subscriptions = {s.account for s in found.scopes if not above(s.account)}
    assert subscriptions == {PRODUCTION, *(f"c-{n}" for n in range(7))}


def test_looking_around_keeps_to_the_groups(emulator: AzureEmulator, clock: Any) -> None:
    seen = probe(emulator.settings(management_groups=["mg-production"]), clock=clock)
    assert seen.cause is None
    assert [look.what for look in seen.looks] == [
        "subscriptions",
        f"subscription contoso-production ({PRODUCTION})",
    ]
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="*/managementgroups/*"))
    assert "mg-production" in str(
        probe(emulator.settings(management_groups=["mg-production"]), clock=clock).cause
    )
