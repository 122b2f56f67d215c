"""The real SDK against the emulated Azure: what is read, and what is said of what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from providers.azure.details import DETAILS
from providers.azure.names import above
from providers.azure.provider import AzureProvider
from providers.azure.queries import LEFT_OUT
from providers.errors import (
    Denied,
    Expired,
    Gone,
    NotEnabled,
    ProviderError,
    Throttled,
    TimedOut,
    Unavailable,
)
from providers.provider import Discovery, Provider, Selection
from providers.resource import ANY, GLOBAL, Coverage, CoverageStatus, Resource, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]
Facing = Callable[[FaultKind], AzureProvider]
EVERYTHING = Selection()
GOOD = f"/subscriptions/{PRODUCTION}/resourcegroups/rg-prod-data/providers/microsoft.storage/storageaccounts/stprodgood"


def scope(account: str = PRODUCTION, region: str = ANY, of_type: str = ANY) -> Scope:
    return Scope("azure", account, region, of_type)


def read(provider: AzureProvider, of: Scope) -> tuple[list[Resource], Coverage]:
    reading = provider.read(of)
    return list(reading), reading.coverage


def listed(found: Discovery) -> tuple[Scope, ...]:
    """The scopes that Resource Graph lists, without those of details and of what is above the subscriptions."""
    return tuple(s for s in found.scopes if s.type not in DETAILS and not above(s.account))


def test_it_is_a_provider(provider: AzureProvider) -> None:
    assert isinstance(provider, Provider)


def test_each_subscription_is_a_scope(provider: AzureProvider) -> None:
    found = provider.discover(EVERYTHING)
    assert listed(found) == (scope(), scope(DEVELOPMENT))
    subscriptions = {account: name for account, name in found.accounts.items() if not above(account)}
    assert subscriptions == {PRODUCTION: "contoso-production", DEVELOPMENT: "contoso-development"}
    assert found.unread == ()


def test_the_whole_estate_is_read(provider: AzureProvider, emulator: AzureEmulator) -> None:
    resources, coverage = read(provider, scope())
    assert (coverage.scope, coverage.status, coverage.read) == (scope(), CoverageStatus.COMPLETE, 47)
    assert coverage.excluded == (*LEFT_OUT, *DETAILS)
    assert len({r.uid for r in resources}) == 47
    stored = {
        d["id"].lower()
        for d in emulator.store.items(f"/subscriptions/{PRODUCTION}")
        if d["type"].lower() not in DETAILS
    }
    assert {r.uid for r in resources} == stored | {f"/subscriptions/{PRODUCTION}"}
    assert all(r.ref.account == PRODUCTION and r.ref.type == r.ref.type.lower() for r in resources)
    good = next(r for r in resources if r.uid == GOOD)
    assert (good.name, good.ref.region, good.tags["environment"]) == ("stprodgood", "westeurope", "prod")


def test_a_reread_is_no_drift_for_any_type(provider: AzureProvider) -> None:
    """Resource Graph and Resource Manager differ in casing, precision and columns; the document does not."""
    resources, _ = read(provider, scope())
    assert [r.name for r in resources if provider.reread(r.ref) != r] == []


def test_a_reread_asks_with_the_version_resource_graph_told(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    read(provider, scope())
    emulator.calls.clear()
    provider.reread(_ref(provider))
    assert [path.rpartition("=")[2] for _, path in emulator.calls] == ["2019-04-01"]


def test_a_reread_without_a_reading_asks_the_provider_once(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    ref = _ref_of(GOOD)
    assert provider.reread(ref).uid == GOOD
    provider.reread(ref)
    versions = [path for method, path in emulator.calls if "/providers/microsoft.storage?" in path.lower()]
    assert len(versions) == 1
    assert emulator.calls[-1][1].endswith("api-version=2024-01-01")  # the newest that is no preview


def test_an_unchanged_estate_reads_the_same_twice(provider: AzureProvider) -> None:
    assert read(provider, scope()) == read(provider, scope())


def test_pages_follow_one_another(make: Make, emulator: AzureEmulator) -> None:
    provider = make()
    group = f"/subscriptions/{PRODUCTION}/resourceGroups/rg-prod-data/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    for number in range(2300):
        emulator.store.put(f"{group}/id-{number:04}", {"location": "westeurope", "properties": {}})
    identities = scope(of_type="microsoft.managedidentity/userassignedidentities")
    emulator.calls.clear()
    resources, coverage = read(provider, identities)
    assert (len(resources), coverage.status) == (2301, CoverageStatus.COMPLETE)
    assert sum("resourcegraph" in path.lower() for _, path in emulator.calls) == 3


@pytest.mark.parametrize(
    ("region", "of_type", "count"),
    [
        (ANY, "microsoft.storage/storageaccounts", 6),
        (ANY, "microsoft.storage/*", 6),
        (ANY, "microsoft.network/*", 12),
        (ANY, "microsoft.resources/subscriptions/resourcegroups", 3),
        (ANY, "microsoft.authorization/roleassignments", 2),
        (ANY, "microsoft.authorization/policyassignments", 1),
        (ANY, "microsoft.authorization/*", 3),
        (ANY, "microsoft.security/*", 4),
        (ANY, "microsoft.security/assessments", 0),
        ("westeurope", ANY, 37),
        ("eastus", ANY, 0),
        (GLOBAL, ANY, 10),
    ],
)
def test_a_narrow_scope_is_read_narrowly(
    provider: AzureProvider, region: str, of_type: str, count: int
) -> None:
    narrow = scope(region=region, of_type=of_type)
    resources, coverage = read(provider, narrow)
    assert (len(resources), coverage.status) == (count, CoverageStatus.COMPLETE)
    assert all(narrow.covers(r.ref) for r in resources)


def test_types_left_out_are_named_in_the_coverage(make: Make) -> None:
    resources, coverage = read(make(exclude_types=("Microsoft.Network/*", "microsoft.sql/servers")), scope())
    assert coverage.complete
    assert coverage.excluded[:2] == ("microsoft.network/*", "microsoft.sql/servers")
    types = {r.ref.type for r in resources}
    assert "microsoft.sql/servers/databases" in types
    assert not any(t.startswith("microsoft.network/") or t == "microsoft.sql/servers" for t in types)
    assert not coverage.covers(
        _ref_of(GOOD.replace("microsoft.storage/storageaccounts", "microsoft.sql/servers"))
    )


def test_a_selection_narrows_what_is_configured(make: Make) -> None:
    provider = make(types=("microsoft.storage/*",), exclude_subscriptions=(DEVELOPMENT,))
    assert provider.discover(EVERYTHING).scopes == (
        scope(of_type="microsoft.storage/*"),
        scope(of_type="microsoft.storage/storageaccounts/blobservices"),
    )
    blobs = Selection(types=frozenset({"microsoft.storage/storageaccounts/blobservices"}))
    assert [s.type for s in provider.discover(blobs).scopes] == [*blobs.types]
    assert provider.discover(Selection(types=frozenset({"microsoft.sql/servers"}))).scopes == ()
    assert provider.discover(Selection(providers=frozenset({"aws"}))).scopes == ()
    assert provider.discover(Selection(accounts=frozenset({DEVELOPMENT}))).scopes == ()


def test_a_subscription_that_is_configured_but_not_seen_is_unread(make: Make) -> None:
    found = make(subscriptions=(PRODUCTION, "c-not-there")).discover(EVERYTHING)
    assert listed(found) == (scope(),)
    assert [(c.scope.account, c.status) for c in found.unread] == [("c-not-there", CoverageStatus.DENIED)]


FAULTS = [
    (FaultKind.DENIED, CoverageStatus.DENIED, Denied),
    (FaultKind.THROTTLED, CoverageStatus.THROTTLED, Throttled),
    (FaultKind.ERROR, CoverageStatus.UNAVAILABLE, Unavailable),
    (FaultKind.HTML, CoverageStatus.UNAVAILABLE, Unavailable),
    (FaultKind.EXPIRED, CoverageStatus.EXPIRED, Expired),
    (FaultKind.RESET, CoverageStatus.UNAVAILABLE, Unavailable),
    (FaultKind.TIMEOUT, CoverageStatus.TIMED_OUT, TimedOut),
]


@pytest.mark.parametrize(("kind", "status", "_error"), FAULTS)
def test_a_failing_subscription_is_unread_and_the_other_is_complete(
    facing: Facing,
    provider: AzureProvider,
    emulator: AzureEmulator,
    kind: FaultKind,
    status: CoverageStatus,
    _error: type[ProviderError],
) -> None:
    emulator.faults.add(Fault(kind=kind, account=PRODUCTION, service="resourcegraph", delay=5))
    resources, coverage = read(facing(kind), scope())
    assert (resources, coverage.status, coverage.complete) == ([], status, False)
    assert coverage.cause
    assert "\n" not in coverage.cause
    assert read(provider, scope(DEVELOPMENT))[1].complete
    emulator.faults.clear()
    assert read(provider, scope())[1].complete


@pytest.mark.parametrize(("kind", "_status", "error"), FAULTS)
def test_a_reread_that_fails_is_never_gone(
    facing: Facing,
    emulator: AzureEmulator,
    kind: FaultKind,
    _status: CoverageStatus,
    error: type[ProviderError],
) -> None:
    provider = facing(kind)
    read(provider, scope())
    emulator.faults.add(Fault(kind=kind, service="microsoft.storage", delay=5))
    with pytest.raises(error) as caught:
        provider.reread(_ref_of(GOOD))
    assert not isinstance(caught.value, Gone)
    assert caught.value.__cause__ is not None


def test_a_denial_names_what_is_missing(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="resourcegraph"))
    assert read(provider, scope())[1].permission == "Microsoft.ResourceGraph/resources/read"


def test_half_a_page_is_partial_and_what_came_is_kept(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.TRUNCATED, service="resourcegraph", resource="resources"))
    resources, coverage = read(provider, scope())
    assert coverage.status is CoverageStatus.PARTIAL
    assert 6 <= len(resources) < 47
    assert coverage.read == len(resources)
    assert coverage.cause is not None
    assert coverage.cause.startswith(f"unavailable (after {len(resources)} resources): ")


def test_one_table_that_fails_makes_the_whole_partial(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(
        Fault(kind=FaultKind.DENIED, service="resourcegraph", resource="authorizationresources")
    )
    assert read(provider, scope())[1].status is CoverageStatus.PARTIAL


def test_a_passing_failure_is_retried(
    provider: AzureProvider, emulator: AzureEmulator, naps: list[float]
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.ERROR, service="resourcegraph", times=1))
    emulator.faults.add(Fault(kind=FaultKind.THROTTLED, service="resourcegraph", times=1))
    assert read(provider, scope())[1].complete
    assert 1.0 in naps  # the Retry-After of the throttled answer


def test_a_slow_answer_is_an_answer(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.SLOW, service="resourcegraph", times=1, delay=0.05))
    assert read(provider, scope())[1].complete


def test_a_view_that_has_been_narrowed_is_not_taken_for_an_empty_estate(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    """Resource Graph answers 200 with less when a role shrinks to one resource group: nothing may be deleted for it."""
    emulator.api.narrow(PRODUCTION, "rg-prod-apps")
    resources, coverage = read(provider, scope())
    assert 0 < len(resources) < 47
    assert (coverage.status, coverage.permission) == (CoverageStatus.PARTIAL, "*/read")
    assert "may read only a part" in str(coverage.cause)
    narrow = scope(of_type="microsoft.storage/storageaccounts")
    assert read(provider, narrow) == (
        [],
        Coverage(
            scope=narrow,
            status=CoverageStatus.DENIED,
            cause=read(provider, narrow)[1].cause,
            permission="microsoft.storage/storageaccounts/read",
        ),
    )
    assert read(provider, scope(DEVELOPMENT))[1].complete


def test_unread_permissions_are_no_proof_of_a_whole_view(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="microsoft.authorization"))
    resources, coverage = read(provider, scope())
    assert len(resources) == 47
    assert coverage.status is CoverageStatus.PARTIAL


def test_a_lagging_index_is_not_believed_over_resource_manager(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.api.graph.hidden.add(GOOD)
    resources, coverage = read(provider, scope())
    assert coverage.complete
    assert GOOD not in {r.uid for r in resources}
    assert provider.deletion_confirmations(scope()) == 2
    assert provider.reread(_ref_of(GOOD)).uid == GOOD
    emulator.store.delete(GOOD)
    with pytest.raises(Gone):
        provider.reread(_ref_of(GOOD))


def test_the_deadline_of_a_scope_ends_its_reading(make: Make, emulator: AzureEmulator) -> None:
    ticks = iter(range(0, 100_000, 40))
    provider = AzureProvider(
        emulator.settings(budget={"scope_deadline": "60s"}),
        clock=lambda: datetime.fromisoformat("2025-06-01T00:00:00+00:00") + timedelta(seconds=next(ticks)),
        sleep=lambda _s: None,
    )
    coverage = read(provider, scope())[1]
    provider.close()
    assert coverage.status is CoverageStatus.PARTIAL
    assert str(coverage.cause).startswith("timed-out (after ")


def test_the_quota_of_the_principal_is_respected(
    provider: AzureProvider, emulator: AzureEmulator, naps: list[float]
) -> None:
    emulator.api.graph.quota.limit = 3
    emulator.api.graph.quota.window = 7
    read(provider, scope())
    assert any(6 < nap <= 7 for nap in naps)  # one query was left in this window, for others


def test_an_exhausted_quota_is_throttled_and_says_so(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.api.graph.quota.enforced = True
    emulator.api.graph.quota.limit = 0
    assert read(provider, scope())[1].status is CoverageStatus.THROTTLED


def test_discovery_that_fails_whole_is_an_error(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.EXPIRED, service="microsoft.resources"))
    with pytest.raises(Expired):
        provider.discover(EVERYTHING)


def test_discovery_that_fails_halfway_keeps_what_it_found(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.TRUNCATED, service="microsoft.resources"))
    found = provider.discover(EVERYTHING)
    assert listed(found) == (scope(),)
    assert [(c.scope, c.status) for c in found.unread] == [(scope(ANY), CoverageStatus.UNAVAILABLE)]


def test_credentials_that_see_nothing_are_no_empty_estate(clock: Any) -> None:
    with AzureEmulator(seed=False) as bare:
        provider = AzureProvider(bare.settings(), clock=clock)
        with pytest.raises(Denied, match="see no subscription"):
            provider.discover(EVERYTHING)
        provider.close()


def test_named_subscriptions_are_read_though_they_cannot_be_listed(
    make: Make, emulator: AzureEmulator
) -> None:
    emulator.faults.add(
        Fault(kind=FaultKind.DENIED, service="microsoft.resources", resource="/subscriptions")
    )
    provider = make(subscriptions=(PRODUCTION,))
    found = provider.discover(EVERYTHING)
    assert listed(found) == (scope(),)
    assert [c.status for c in found.unread] == [CoverageStatus.DENIED]
    assert read(provider, found.scopes[0])[1].complete


def test_a_resource_provider_that_is_off_is_never_switched_on(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    """The SDK's own pipeline would register it with a POST: a write, by a tool that was asked to read."""
    emulator.store.unregister(PRODUCTION, "Microsoft.Storage")
    with pytest.raises(NotEnabled):
        provider.reread(_ref_of(GOOD))
    assert not emulator.store.registered(PRODUCTION, "Microsoft.Storage")
    assert not any(path.partition("?")[0].endswith("/register") for _, path in emulator.calls)


def test_a_disabled_subscription_is_still_read(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.store.add_subscription("d-1", "old", state="Disabled")
    emulator.store.add_subscription("e-1", "gone", state="Deleted")
    assert {s.account for s in listed(provider.discover(EVERYTHING))} == {PRODUCTION, DEVELOPMENT, "d-1"}


def test_nothing_is_called_before_it_is_asked_for(make: Make, emulator: AzureEmulator) -> None:
    provider = make()
    provider.read(scope())
    assert not emulator.calls


def _ref_of(uid: str) -> Any:
    from providers.azure.names import parse, ref_of

    return ref_of(parse(uid))


def _ref(_provider: AzureProvider) -> Any:
    return _ref_of(GOOD)
