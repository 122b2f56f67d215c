"""What Resource Graph lacks: scopes of their own, whose failures leave only themselves unread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.azure.details import DETAILS
from providers.azure.names import above, parse, ref_of
from providers.azure.provider import AzureProvider
from providers.errors import Gone
from providers.provider import Selection
from providers.resource import ANY, GLOBAL, Coverage, CoverageStatus, Resource, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION
from providers.sandbox.azure.routes import Answer
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]
Facing = Callable[[FaultKind], AzureProvider]
BLOBS = "microsoft.storage/storageaccounts/blobservices"
LOGS = "microsoft.insights/diagnosticsettings"
LOCKS = "microsoft.authorization/locks"
DATA = f"/subscriptions/{PRODUCTION}/resourcegroups/rg-prod-data/providers"


def scope(of_type: str, account: str = PRODUCTION) -> Scope:
    return Scope("azure", account, ANY, of_type)


def read(provider: AzureProvider, of: Scope) -> tuple[list[Resource], Coverage]:
    reading = provider.read(of)
    return list(reading), reading.coverage


def test_each_type_of_detail_is_a_scope_of_each_subscription(make: Make) -> None:
    scopes = make().discover(Selection()).scopes
    assert {s for s in scopes if s.type in DETAILS and not above(s.account)} == {
        scope(of_type, account) for of_type in DETAILS for account in (PRODUCTION, DEVELOPMENT)
    }
    assert all(s.type not in DETAILS for s in scopes[:2])  # the estate itself comes first
    left_out = make(exclude_types=(BLOBS, "microsoft.keyvault/*")).discover(Selection()).scopes
    assert not {s.type for s in left_out} & {BLOBS, "microsoft.keyvault/vaults/keys"}
    somewhere = make().discover(Selection(regions=frozenset({"westeurope"}))).scopes
    assert all(s.region == "westeurope" for s in somewhere)
    assert any(s.type == BLOBS for s in make().discover(Selection(regions=frozenset({GLOBAL}))).scopes)


@pytest.mark.parametrize("of_type", DETAILS)
def test_all_that_is_there_is_read(provider: AzureProvider, emulator: AzureEmulator, of_type: str) -> None:
    resources, coverage = read(provider, scope(of_type))
    stored = {
        d["id"].lower() for d in emulator.store.items("/subscriptions/") if d["type"].lower() == of_type
    }
    assert {r.uid for r in resources} == {uid for uid in stored if PRODUCTION in uid}
    assert (coverage.status, coverage.read) == (CoverageStatus.COMPLETE, len(resources))
    assert len(resources) == {
        BLOBS: 6,
        LOGS: 4,
        LOCKS: 1,
        "microsoft.authorization/roledefinitions": 1,
        "microsoft.keyvault/vaults/keys": 2,
        "microsoft.keyvault/vaults/secrets": 2,
        "microsoft.security/securitycontacts": 1,
        "microsoft.sql/servers/auditingsettings": 2,
        "microsoft.sql/servers/encryptionprotector": 2,
        "microsoft.sql/servers/firewallrules": 2,
        "microsoft.sql/servers/databases/transparentdataencryption": 2,
    }.get(of_type, 0)


def test_a_reread_of_a_detail_is_no_drift(provider: AzureProvider) -> None:
    for of_type in DETAILS:
        resources, _ = read(provider, scope(of_type))
        assert [r.uid for r in resources if provider.reread(r.ref) != r] == []


def test_a_detail_that_is_gone_is_gone(provider: AzureProvider, emulator: AzureEmulator) -> None:
    lock = read(provider, scope(LOCKS))[0][0]
    emulator.store.delete(lock.uid)
    with pytest.raises(Gone):
        provider.reread(lock.ref)
    assert read(provider, scope(LOCKS)) == ([], Coverage(scope=scope(LOCKS), status=CoverageStatus.COMPLETE))


def test_one_parent_that_is_denied_leaves_the_rest_read_and_the_scope_incomplete(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="*/storageaccounts/stprodgood/blobservices*"))
    resources, coverage = read(provider, scope(BLOBS))
    assert len(resources) == 5
    assert (coverage.status, coverage.read, coverage.details_unread) == (CoverageStatus.PARTIAL, 5, 1)
    assert str(coverage.cause).startswith("denied: 1 of 6 could not be read, the first /subscriptions/")
    assert coverage.permission == "Microsoft.Storage/storageAccounts/blobServices/read"
    # The estate and the other details are whole.
    assert read(provider, scope(ANY))[1].complete
    assert read(provider, scope("microsoft.sql/servers/auditingsettings"))[1].complete


def test_where_all_are_denied_it_is_denied_and_soon_given_up(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    accounts = f"{DATA}/Microsoft.Storage/storageAccounts"
    for number in range(30):
        emulator.store.put(f"{accounts}/st{number:03}", {"properties": {}})
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="*/blobservices*"))
    emulator.calls.clear()
    resources, coverage = read(provider, scope(BLOBS))
    assert (resources, coverage.status) == ([], CoverageStatus.DENIED)
    assert coverage.permission == "Microsoft.Storage/storageAccounts/blobServices/read"
    assert sum("blobservices" in path.lower() for _, path in emulator.calls) == 10


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.THROTTLED, CoverageStatus.THROTTLED),
        (FaultKind.EXPIRED, CoverageStatus.EXPIRED),
        (FaultKind.ERROR, CoverageStatus.UNAVAILABLE),
        (FaultKind.HTML, CoverageStatus.UNAVAILABLE),
        (FaultKind.RESET, CoverageStatus.UNAVAILABLE),
        (FaultKind.TIMEOUT, CoverageStatus.TIMED_OUT),
        (FaultKind.DENIED, CoverageStatus.DENIED),
    ],
)
def test_a_failure_is_never_absence(
    facing: Facing,
    provider: AzureProvider,
    emulator: AzureEmulator,
    kind: FaultKind,
    status: CoverageStatus,
) -> None:
    emulator.faults.add(Fault(kind=kind, account=PRODUCTION, service="microsoft.authorization", delay=2))
    resources, coverage = read(facing(kind), scope(LOCKS))
    assert (resources, coverage.status) == ([], status)
    assert coverage.cause
    assert read(provider, scope(LOCKS, DEVELOPMENT))[1].complete


def test_throttling_stops_the_asking(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.THROTTLED, service="microsoft.storage"))
    assert read(provider, scope(BLOBS))[1].status is CoverageStatus.THROTTLED
    asked = {path for _, path in emulator.calls if "blobservices" in path.lower()}
    assert len(asked) == 1


def test_parents_that_cannot_be_listed_are_no_absence(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="/subscriptions/*/resources"))
    assert read(provider, scope(BLOBS))[1].status is CoverageStatus.DENIED
    # The subscription's own is still read, and the scope is not complete.
    resources, coverage = read(provider, scope(LOGS))
    assert (len(resources), coverage.status) == (1, CoverageStatus.PARTIAL)


def test_a_narrowed_view_is_not_complete(provider: AzureProvider, emulator: AzureEmulator) -> None:
    """A role at one resource group lists fewer parents, without an error."""
    emulator.api.narrow(PRODUCTION, "rg-prod-apps")
    resources, coverage = read(provider, scope(BLOBS))
    assert (resources, coverage.status) == ([], CoverageStatus.DENIED)
    assert coverage.permission == "Microsoft.Storage/storageAccounts/blobServices/read"


def test_a_service_that_is_off_is_not_enabled(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.store.unregister(PRODUCTION, "Microsoft.Security")
    coverage = read(provider, scope("microsoft.security/securitycontacts"))[1]
    assert coverage.status is CoverageStatus.NOT_ENABLED
    assert coverage.switched_off


def test_the_deadline_holds_for_details(make: Make, emulator: AzureEmulator) -> None:
    ticks = iter(range(0, 10_000, 25))
    provider = AzureProvider(
        emulator.settings(budget={"scope_deadline": "60s"}),
        clock=lambda: datetime(2025, 6, 1, tzinfo=UTC) + timedelta(seconds=next(ticks)),
        sleep=lambda _s: None,
    )
    resources, coverage = read(provider, scope(BLOBS))
    provider.close()
    assert (len(resources), coverage.status) == (3, CoverageStatus.PARTIAL)
    assert "timed-out (after 3 resources)" in str(coverage.cause)


class Answers:
    """Replaces what one path answers."""

    def __init__(self, emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
        self._given: dict[str, Any] = {}
        real = emulator.answer

        def answer(request: Any) -> Any:
            for end, given in self._given.items():
                if request.path.lower().endswith(end):
                    return given
            return real(request)

        monkeypatch.setattr(emulator, "answer", answer)

    def give(self, end: str, status: int, body: Any) -> None:
        self._given[end] = Answer(status, body)


@pytest.fixture
def instead(emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(emulator, monkeypatch)


def test_an_id_that_resource_manager_does_not_know_is_put_right(
    provider: AzureProvider, instead: Answers
) -> None:
    """The activity log's own settings come with an id of another service and no type."""
    strange = {
        "id": f"subscriptions/{DEVELOPMENT}/providers/AzureResourceManager/diagnosticSettings/ds4",
        "type": None,
        "name": "ds4",
        "properties": {"logs": []},
    }
    path = f"/subscriptions/{DEVELOPMENT}/providers/microsoft.insights/diagnosticsettings"
    instead.give(path, 200, {"value": [strange]})
    resources, coverage = read(provider, scope(LOGS, DEVELOPMENT))
    assert coverage.complete
    assert ref_of(parse(f"{path}/ds4"), GLOBAL) in [r.ref for r in resources]


@pytest.mark.parametrize(
    ("status", "code", "complete"),
    [
        (400, "FeatureNotSupportedForAccount", True),  # a premium file account has no blob service
        (404, "ResourceNotFound", True),  # deleted since it was listed
        (404, "SomethingElse", False),
        (400, "BadRequest", False),
    ],
)
def test_what_a_parent_says_of_itself(
    provider: AzureProvider, instead: Answers, status: int, code: str, complete: bool
) -> None:
    instead.give("stprodgood/blobservices", status, {"error": {"code": code, "message": "no"}})
    resources, coverage = read(provider, scope(BLOBS))
    assert (len(resources), coverage.complete) == (5, complete)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"value": None},
        {"value": ["a"]},
        {"value": [{"properties": {}}]},
        {"value": [{"name": "../../elsewhere"}]},
        {"value": [], "nextLink": "https://elsewhere.example/next"},
        {"value": [], "nextLink": 3},
    ],
)
def test_an_answer_that_is_no_list_is_no_empty_list(
    provider: AzureProvider, instead: Answers, body: Any
) -> None:
    instead.give("stprodgood/blobservices", 200, body)
    resources, coverage = read(provider, scope(BLOBS))
    assert (len(resources), coverage.status) == (5, CoverageStatus.PARTIAL)


def test_a_list_that_goes_round_ends(
    provider: AzureProvider, emulator: AzureEmulator, instead: Answers
) -> None:
    again = (
        f"{emulator.endpoint}{DATA}/microsoft.storage/storageaccounts/stprodgood/blobServices?api-version=1"
    )
    instead.give("stprodgood/blobservices", 200, {"value": [], "nextLink": again})
    coverage = read(provider, scope(BLOBS))[1]
    assert coverage.status is CoverageStatus.PARTIAL
    assert "the same page came twice" in str(coverage.cause)
