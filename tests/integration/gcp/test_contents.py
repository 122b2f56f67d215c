"""What Cloud Asset tells beside resources: each content a field of its own, unread alone where its listing fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from config.clouds import GcpSettings
from providers.gcp.contents import contents, unasked
from providers.gcp.permissions import role
from providers.gcp.provider import GcpProvider
from providers.gcp.reader import asked_of
from providers.normalise import encode
from providers.provider import Selection
from providers.resource import ANY, Coverage, CoverageStatus, Resource, Scope
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

PROD, DEV, ORGANIZATION = "harbour-prod", "harbour-dev", "organizations/500500500500"
PROJECT = "cloudresourcemanager.googleapis.com/Project"
INSTANCE = "compute.googleapis.com/Instance"
PERIMETER = "accesscontextmanager.googleapis.com/ServicePerimeter"
Connect = Callable[..., GcpProvider]


def scope(account: str, type_: str = ANY) -> Scope:
    return Scope("gcp", account, ANY, type_)


def read(provider: GcpProvider, of: Scope) -> tuple[list[Resource], Coverage]:
    reading = provider.read(of)
    return list(reading), reading.coverage


def one(provider: GcpProvider, of: Scope) -> Resource:
    found, coverage = read(provider, of)
    assert coverage.complete, coverage
    return found[0]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_project_has_the_policies_set_on_it(transport: str, still: GcpEmulator, connect: Connect) -> None:
    enforced = {
        account: {
            p["constraint"]: p["booleanPolicy"]
            for p in one(connect(still, transport=transport), scope(account, PROJECT)).document["orgPolicy"]
        }
        for account in (PROD, DEV)
    }
    constraint = "constraints/iam.disableServiceAccountKeyCreation"
    assert enforced[PROD][constraint] == {"enforced": True}
    assert enforced[DEV][constraint] == {"enforced": False}


def test_an_organisation_has_its_policies_and_its_perimeter(still: GcpEmulator, connect: Connect) -> None:
    provider = connect(still, parents=(ORGANIZATION,))
    organization = one(provider, scope(ORGANIZATION, "cloudresourcemanager.googleapis.com/Organization"))
    assert {p["constraint"].rpartition(".")[2] for p in organization.document["orgPolicy"]} == {
        "allowedPolicyMemberDomains",
        "skipDefaultNetworkCreation",
    }
    assert "etag" not in encode(organization.document).decode()
    perimeter = one(provider, scope(ORGANIZATION, PERIMETER)).document["servicePerimeter"]
    assert perimeter["status"]["restrictedServices"] == ["bigquery.googleapis.com", "storage.googleapis.com"]
    level = one(provider, scope(ORGANIZATION, "accesscontextmanager.googleapis.com/AccessLevel")).document
    assert level["accessLevel"]["basic"]["conditions"] == [{"ipSubnetworks": ["192.0.2.0/24"]}]


def test_os_inventories_are_read_where_they_are_asked_for(still: GcpEmulator, connect: Connect) -> None:
    assert "osInventory" not in one(connect(still), scope(PROD, INSTANCE)).document
    provider = connect(still, os_inventory=True)
    instance = one(provider, scope(PROD, INSTANCE))
    assert instance.document["osInventory"]["osInfo"]["version"] == "12"
    assert "updateTime" not in encode(instance.document).decode()
    # A single instance's inventory is not told by its own service: it keeps its last known value.
    again = provider.reread(instance.ref)
    assert "osInventory" in again.unread
    assert "osInventory" not in again.document
    assert {**again.document, "osInventory": instance.document["osInventory"]} == instance.document


def test_a_reread_asks_for_the_policies_on_a_project(emulator: GcpEmulator, connect: Connect) -> None:
    provider = connect(emulator)
    listed = one(provider, scope(PROD, PROJECT))
    assert provider.reread(listed.ref) == listed
    emulator.faults.add(Fault(kind=FaultKind.DENIED, operation="POST", service="cloudresourcemanager"))
    assert set(provider.reread(listed.ref).unread) == {"iamPolicy", "orgPolicy"}
    emulator.faults.clear()
    emulator.store.set_part(listed.uid, "orgPolicy", None)
    again = provider.reread(listed.ref)
    assert (again.unread, "orgPolicy" in again.document) == ({}, False)


@pytest.mark.parametrize(
    ("content", "permission", "account", "type_", "field"),
    [
        ("ORG_POLICY", "listOrgPolicy", PROD, PROJECT, "orgPolicy"),
        ("ACCESS_POLICY", "listAccessPolicy", ORGANIZATION, PERIMETER, "servicePerimeter"),
        ("OS_INVENTORY", "listOSInventories", PROD, INSTANCE, "osInventory"),
        ("IAM_POLICY", "listIamPolicy", PROD, PROJECT, "iamPolicy"),
    ],
)
def test_a_content_that_fails_is_unread_and_nothing_else_is(
    emulator: GcpEmulator,
    connect: Connect,
    content: str,
    permission: str,
    account: str,
    type_: str,
    field: str,
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,), os_inventory=True)
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="cloudasset", resource=content))
    found, coverage = read(provider, scope(account, type_))
    assert found
    assert all(set(r.unread) == {field} and field not in r.document for r in found)
    assert (coverage.status, coverage.details_unread) == (CoverageStatus.COMPLETE, len(found))
    assert coverage.permission == f"cloudasset.assets.{permission}"
    assert " unread: " in str(coverage.cause)
    everything, whole = read(provider, scope(PROD))
    assert whole.complete
    other = [r for r in everything if r.ref.type == "storage.googleapis.com/Bucket"]
    assert other
    assert content == "IAM_POLICY" or not any(r.unread for r in other)


def test_two_that_fail_are_both_told(emulator: GcpEmulator, connect: Connect) -> None:
    for content in ("IAM_POLICY", "ORG_POLICY"):
        emulator.faults.add(Fault(kind=FaultKind.ERROR, service="cloudasset", resource=content))
    found, coverage = read(connect(emulator), scope(PROD, PROJECT))
    assert set(found[0].unread) == {"iamPolicy", "orgPolicy"}
    assert str(coverage.cause).startswith("IAM policies unread: ")
    assert "; organisation policies unread: " in str(coverage.cause)


def test_half_a_listing_of_policies_leaves_the_other_half_unread(
    emulator: GcpEmulator, connect: Connect
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.TRUNCATED, service="cloudasset", resource="OS_INVENTORY"))
    found, coverage = read(connect(emulator, os_inventory=True), scope(PROD, INSTANCE))
    assert coverage.complete
    states = {("osInventory" in r.document, "osInventory" in r.unread) for r in found}
    assert states == {(True, False), (False, True)} or len(found) == 1


def test_only_what_a_scope_may_have_is_asked_for() -> None:
    known = contents(os_inventory=True)

    def names(of: Scope) -> list[str]:
        return [c.name for c in asked_of(of, known)]

    assert names(scope(PROD)) == ["IAM_POLICY", "ORG_POLICY", "OS_INVENTORY"]
    assert names(scope(PROD, "storage.googleapis.com/Bucket")) == ["IAM_POLICY"]
    assert names(scope(PROD, "compute.googleapis.com/*")) == ["IAM_POLICY", "OS_INVENTORY"]
    assert names(scope(ORGANIZATION, PERIMETER)) == ["IAM_POLICY", "ACCESS_POLICY"]
    assert names(scope("folders/1", "cloudresourcemanager.googleapis.com/Folder")) == [
        "IAM_POLICY",
        "ORG_POLICY",
    ]
    assert names(scope("folders/1", PERIMETER)) == ["IAM_POLICY"]
    assert "OS_INVENTORY" not in [c.name for c in asked_of(scope(PROD), contents(os_inventory=False))]


def test_what_was_not_asked_for_is_unread_not_absent(emulator: GcpEmulator, connect: Connect) -> None:
    assert unasked(PROJECT, "why") == {"orgPolicy": "why"}
    assert unasked(INSTANCE, "why") == {}
    provider = connect(emulator)
    project = one(provider, scope(PROD, PROJECT))
    [told] = provider.past([project.ref], project_since(emulator))
    last = told.versions[-1]
    assert last.resource is not None
    assert "orgPolicy" in last.resource.unread


def project_since(emulator: GcpEmulator) -> Any:
    return emulator.store.clock() - timedelta(days=20)


def test_the_role_lists_the_contents_that_are_read() -> None:
    def listing(**settings: Any) -> set[str]:
        found = role(GcpSettings(**settings), contain=False)["includedPermissions"]
        return {p.rpartition(".")[2] for p in found if p.startswith("cloudasset.")}

    everything = {"listResource", "listIamPolicy", "listOrgPolicy", "listAccessPolicy"}
    assert listing() == everything
    assert listing(os_inventory=True) == everything | {"listOSInventories"}
    assert listing(types=("storage.googleapis.com/*",)) == {"listResource", "listIamPolicy"}
    assert "orgpolicy.policy.get" in role(GcpSettings(), contain=False)["includedPermissions"]


def test_discovery_is_not_made_dearer(still: GcpEmulator, connect: Connect) -> None:
    assert connect(still).discover(Selection()).scopes == (scope(PROD), scope(DEV))
