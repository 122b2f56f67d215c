"""Above the subscriptions: management groups, what is attached to them, and what is assigned at the root of the tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from config.clouds import AzureSettings
from providers.azure.details import ABOVE
from providers.azure.names import above
from providers.azure.permissions import role
from providers.azure.provider import AzureProvider
from providers.azure.tenants import AzureTenants
from providers.errors import Denied, Gone
from providers.provider import Discovery, Remembered, Selection
from providers.resource import ANY, GLOBAL, Coverage, CoverageStatus, Resource, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import PRODUCTION
from providers.sandbox.azure.groups import TENANT
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]
GROUP = "microsoft.management/managementgroups"
ROLES = "microsoft.authorization/roleassignments"
COMPANY, DEVELOPMENT, ROOT = (f"managementgroups/{name}" for name in ("mg-contoso", "mg-development", TENANT))
EVERY_GROUP = {COMPANY, DEVELOPMENT, ROOT, "managementgroups/mg-production"}
AT_COMPANY = "/providers/microsoft.management/managementgroups/mg-contoso"
ELEVATED = "/providers/microsoft.authorization/roleassignments/d0000000-0000-4000-8000-000000000013"


def read(provider: AzureProvider, account: str, of_type: str) -> tuple[list[Resource], Coverage]:
    reading = provider.read(Scope("azure", account, ANY, of_type))
    return list(reading), reading.coverage


def uppers(found: Discovery) -> set[str]:
    return {scope.account for scope in found.scopes if above(scope.account)}


def test_each_group_and_the_root_is_an_account_with_a_scope_for_each_type(make: Make) -> None:
    found = make().discover(Selection())
    assert uppers(found) == {*EVERY_GROUP, f"tenants/{TENANT}"}
    assert {s.type for s in found.scopes if s.account == COMPANY} == set(ABOVE)
    assert {s.type for s in found.scopes if s.account == f"tenants/{TENANT}"} == {ROLES}
    assert found.accounts[COMPANY] == "Contoso"


@pytest.mark.parametrize(
    ("settings", "selection", "wanted"),
    [
        ({"management_groups": ["mg-development"]}, {}, {DEVELOPMENT}),
        ({"management_groups": ["MG-Contoso"]}, {}, EVERY_GROUP - {ROOT}),
        ({"exclude_management_groups": ["mg-contoso"]}, {}, {ROOT, f"tenants/{TENANT}"}),
        ({"subscriptions": [PRODUCTION]}, {}, set()),
        ({"types": ["microsoft.storage/*"]}, {}, set()),
        ({"exclude_types": ["microsoft.management/*", "microsoft.authorization/*", "microsoft.insights/*"]}, {}, set()),
        ({}, {"accounts": {PRODUCTION}}, set()),
        ({}, {"accounts": {COMPANY}}, {COMPANY}),
        ({}, {"regions": {"westeurope"}}, set()),
        ({}, {"regions": {GLOBAL}, "types": {ROLES}}, {*EVERY_GROUP, f"tenants/{TENANT}"}),
    ],
)  # fmt: skip
def test_what_is_read_is_what_is_wanted(
    make: Make, settings: dict[str, Any], selection: dict[str, set[str]], wanted: set[str]
) -> None:
    asked = Selection(**{key: frozenset(values) for key, values in selection.items()})
    found = make(**settings).discover(asked)
    assert (uppers(found), found.unread) == (wanted, ())


def test_no_group_is_listed_where_none_is_wanted(make: Make, emulator: AzureEmulator) -> None:
    make().discover(Selection(accounts=frozenset({PRODUCTION})))
    make(subscriptions=[PRODUCTION]).discover(Selection())
    assert not [path for _, path in emulator.calls if "managementgroups" in path.lower()]


@pytest.mark.parametrize(
    ("of_type", "count"),
    [
        (GROUP, 1),
        (ROLES, 1),
        ("microsoft.authorization/policyassignments", 1),
        ("microsoft.authorization/policydefinitions", 1),
        ("microsoft.authorization/policysetdefinitions", 0),
        ("microsoft.authorization/policyexemptions", 0),
        ("microsoft.insights/diagnosticsettings", 1),
    ],
)
def test_what_is_attached_to_a_group_is_read_and_reread_as_the_same(
    make: Make, of_type: str, count: int
) -> None:
    provider = make()
    resources, coverage = read(provider, COMPANY, of_type)
    assert (coverage.status, coverage.read, len(resources)) == (CoverageStatus.COMPLETE, count, count)
    for resource in resources:
        assert (resource.ref.account, resource.ref.type) == (COMPANY, of_type)
        assert resource.uid.startswith(AT_COMPANY)
        assert "subscriptionId" not in resource.document
        assert provider.reread(resource.ref) == resource


def test_what_is_assigned_above_is_not_taken_for_the_groups(make: Make, emulator: AzureEmulator) -> None:
    # The root's and the company's assignments reach down to development and are listed there.
    resources, _ = read(make(), DEVELOPMENT, ROLES)
    assert [r.document["properties"]["principalType"] for r in resources] == ["User"]
    [call] = [path for _, path in emulator.calls if "mg-development" in path]
    assert "atScope()" in call


@pytest.mark.parametrize("seen", ["all", "company only"])
def test_what_is_assigned_at_the_root_is_seen_from_the_topmost_group(
    make: Make, emulator: AzureEmulator, seen: str
) -> None:
    if seen == "company only":
        emulator.store.groups.hidden.add(TENANT)
    provider = make()
    resources, coverage = read(provider, f"tenants/{TENANT}", ROLES)
    assert coverage.status is CoverageStatus.COMPLETE
    assert [r.uid for r in resources] == [ELEVATED]
    assert resources[0].ref.account == f"tenants/{TENANT}"
    assert provider.reread(resources[0].ref) == resources[0]
    emulator.store.delete(ELEVATED)
    with pytest.raises(Gone):
        provider.reread(resources[0].ref)


def test_a_groups_place_in_the_tree_is_told(make: Make) -> None:
    [group], _ = read(make(), DEVELOPMENT, GROUP)
    assert group.document["properties"]["details"] == {
        "parent": {
            "id": "/providers/Microsoft.Management/managementGroups/mg-contoso",
            "name": "mg-contoso",
            "displayName": "Contoso",
        }
    }


def test_a_denied_list_leaves_itself_unread_and_nothing_else(make: Make, emulator: AzureEmulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, account=COMPANY, resource="*roleassignments*"))
    provider = make()
    resources, coverage = read(provider, COMPANY, ROLES)
    assert (resources, coverage.status) == ([], CoverageStatus.DENIED)
    assert coverage.permission == "Microsoft.Authorization/roleAssignments/read"
    assert read(provider, COMPANY, GROUP)[1].status is CoverageStatus.COMPLETE
    assert read(provider, DEVELOPMENT, ROLES)[1].status is CoverageStatus.COMPLETE


def test_groups_that_cannot_be_listed_are_unread_and_subscriptions_are_read(
    make: Make, emulator: AzureEmulator
) -> None:
    emulator.faults.add(
        Fault(kind=FaultKind.DENIED, resource="/providers/microsoft.management/managementgroups")
    )
    found = make().discover(Selection())
    [unread] = found.unread
    assert unread.scope == Scope("azure", "managementgroups/*", ANY, ANY)
    assert (unread.status, unread.permission) == (
        CoverageStatus.DENIED,
        "Microsoft.Management/managementGroups/read",
    )
    assert Scope("azure", PRODUCTION, ANY, ANY) in found.scopes
    reading = make().read(Scope("azure", f"tenants/{TENANT}", ANY, ROLES))
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.DENIED


def test_who_did_it_is_in_the_groups_own_log(make: Make, emulator: AzureEmulator, clock: Any) -> None:
    provider = make()
    start = clock()
    clock.advance(timedelta(minutes=1))
    for path, who in (
        (f"{AT_COMPANY}/providers/Microsoft.Authorization/roleAssignments/new", "mallory@contoso.example"),
        (ELEVATED, "admin@contoso.example"),
    ):
        emulator.store.put(path, {"properties": {"principalId": "p", "scope": "/"}})
        emulator.api.activity.record(path, "Microsoft.Authorization/roleAssignments/write", clock(), who)
    clock.advance(timedelta(minutes=1))
    for account, uid, who in (
        (COMPANY, f"{AT_COMPANY}/providers/microsoft.authorization/roleassignments/new", "mallory@contoso.example"),
        (f"tenants/{TENANT}", ELEVATED, "admin@contoso.example"),
    ):  # fmt: skip
        ref = next(r.ref for r in read(provider, account, ROLES)[0] if r.uid == uid)
        assert [deed.actor for deed in provider.deeds(ref, start, clock())] == [who]
        assert list(provider.past([ref], start)) == [Remembered(ref=ref)]
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="microsoft.insights"))
    with pytest.raises(Denied):
        list(provider.deeds(ref, start, clock()))


def test_a_record_of_a_groups_log_asks_for_what_it_names(make: Make) -> None:
    provider = make()
    record = {
        "time": "2025-06-01T12:00:00Z",
        "resourceId": f"{AT_COMPANY.upper()}/PROVIDERS/MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/NEW",
        "operationName": "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE",
        "resultType": "Success",
    }
    event: Any = provider.parse_event(record)
    assert event.account == COMPANY
    assert [ref.uid for ref in event.refs] == [
        f"{AT_COMPANY}/providers/microsoft.authorization/roleassignments/new"
    ]
    at_root: Any = provider.parse_event(
        {**record, "resourceId": ELEVATED, "tenantId": TENANT, "operationName": "x/write"}
    )
    assert (at_root.account, [r.uid for r in at_root.refs]) == (f"tenants/{TENANT}", [ELEVATED])
    with pytest.raises(ValueError, match="root"):
        provider.parse_event({**record, "resourceId": ELEVATED})


def test_a_narrow_role_has_what_reading_above_needs(emulator: AzureEmulator) -> None:
    actions = role(emulator.settings(types=[ROLES]), contain=False)["Actions"]
    assert {
        "Microsoft.Management/managementGroups/read",
        "Microsoft.Authorization/roleAssignments/read",
    } <= set(actions)
    storage = role(emulator.settings(types=["microsoft.storage/storageaccounts"]), contain=False)["Actions"]
    assert "Microsoft.Management/managementGroups/read" not in storage


def test_a_group_of_two_tenants_is_read_once_and_told(
    emulator: AzureEmulator, clock: Any, naps: list[float]
) -> None:
    other = "fab00000-0000-4000-8000-000000000001"
    emulator.store.add_subscription("f-1", "fabrikam", tenant=other)
    emulator.store.groups.tenants.add(other)
    tenants = [{"tenant_id": one, "credential": "static"} for one in (TENANT, other)]
    settings = AzureSettings.model_validate({"endpoint": emulator.endpoint, "tenants": tenants})
    provider = AzureTenants(settings, clock=clock, sleep=naps.append)
    try:
        found = provider.discover(Selection())
        assert uppers(found) == {*EVERY_GROUP, f"tenants/{TENANT}"}
        assert len(set(found.scopes)) == len(found.scopes)
        assert {c.scope.account for c in found.unread} == EVERY_GROUP
        assert f"in tenant {TENANT} and in tenant {other}" in str(found.unread[0].cause)
        reading = provider.read(Scope("azure", f"tenants/{TENANT}", ANY, ROLES))
        assert [r.uid for r in reading] == [ELEVATED]
    finally:
        provider.close()
