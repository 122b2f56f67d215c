"""Who did it, by the activity log and by Resource Graph's record of changes, through the real clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from providers.azure.provider import AzureProvider
from providers.errors import Denied
from providers.provider import Selection
from providers.resource import Resource
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.faults import Fault, FaultKind

MINUTE = timedelta(minutes=1)


@pytest.fixture
def group(make: Callable[..., AzureProvider]) -> tuple[AzureProvider, Resource]:
    """A network security group, and the provider that read it."""
    provider = make(types=("microsoft.network/networksecuritygroups",))
    scopes = provider.discover(Selection()).scopes
    return provider, next(resource for scope in scopes for resource in provider.read(scope))


def test_the_activity_log_names_who_and_from_where(
    group: tuple[AzureProvider, Resource], emulator: AzureEmulator, clock: Any
) -> None:
    provider, nsg = group
    since: datetime = clock.now
    until = since + 17 * MINUTE
    record, uid = emulator.api.activity.record, nsg.uid
    write = "Microsoft.Network/networkSecurityGroups/securityRules/write"
    # A rule is a part of its group, changed under an id of its own.
    correlation = record(f"{uid}/securityRules/ssh", write, since + 3 * MINUTE, "eve@example.org")
    record(uid, write, since + 4 * MINUTE, "begun@example.org", status="Started")
    record(uid, write, since + 4 * MINUTE, "failed@example.org", status="Failed")
    record(f"{uid}-other", write, since + 4 * MINUTE, "other@example.org")
    record(uid, write, since - MINUTE, "early@example.org")
    record(uid, write, until + MINUTE, "late@example.org")
    (deed,) = provider.deeds(nsg.ref, since, until)
    assert (deed.actor, deed.operation, deed.at) == ("eve@example.org", write, since + 3 * MINUTE)
    assert (deed.request_id, deed.source_ip) == (correlation, "198.51.100.7")


def test_where_the_log_is_silent_or_closed_the_changes_tell(
    group: tuple[AzureProvider, Resource], emulator: AzureEmulator, clock: Any
) -> None:
    provider, nsg = group
    since: datetime = clock.now
    clock.advance(5 * MINUTE)
    before = emulator.store.get(nsg.uid)
    emulator.store.put(nsg.uid, {**before, "tags": {"changed": "yes"}})
    told = list(provider.deeds(nsg.ref, since, clock.now + MINUTE))
    assert len(told) == 1
    assert told[0].actor is not None
    assert told[0].at == clock.now
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="microsoft.insights"))
    assert list(provider.deeds(nsg.ref, since, clock.now + MINUTE)) == told
    with pytest.raises(Denied) as caught:
        list(provider.deeds(nsg.ref, since - 9 * MINUTE, since - MINUTE))
    assert caught.value.permission == "Microsoft.Insights/eventtypes/values/read"
