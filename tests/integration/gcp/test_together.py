"""The projects of an organisation listed together: as many answers in far fewer calls, and each project's coverage its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.gcp.provider import GcpProvider
from providers.gcp.together import TOO_LARGE_FOR
from providers.provider import Selection
from providers.resource import ANY, Coverage, CoverageStatus, Resource, ResourceRef, Scope
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator
from providers.sandbox.gcp.estate import DEV, FOLDER, ORGANIZATION, PROD
from providers.sandbox.gcp.estate_parts import Project

Connect = Callable[..., GcpProvider]
MANY = 60


def add_project(emulator: GcpEmulator, id_: str, number: str) -> None:
    """A project with one bucket that has a policy."""
    project = Project(
        store=emulator.store,
        id=id_,
        number=number,
        ancestors=(FOLDER, ORGANIZATION),
        created=emulator.store.clock() - timedelta(days=1),
    )
    project.add(
        "cloudresourcemanager.googleapis.com/Project",
        f"//cloudresourcemanager.googleapis.com/projects/{number}",
        {"projectId": id_, "projectNumber": number, "name": id_, "lifecycleState": "ACTIVE"},
    )
    project.add(
        "storage.googleapis.com/Bucket",
        f"//storage.googleapis.com/{id_}-data",
        {"name": f"{id_}-data", "location": "EUROPE-WEST1", "projectNumber": number},
        policy={"bindings": [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]},
    )


def scope(account: str, type_: str = ANY) -> Scope:
    return Scope("gcp", account, ANY, type_)


def read(provider: GcpProvider, where: Scope) -> tuple[Coverage, dict[str, Resource]]:
    reading = provider.read(where)
    found = {resource.uid: resource for resource in reading}
    return reading.coverage, found


def projects(provider: GcpProvider, **selection: Any) -> list[Scope]:
    """The scopes of projects, planned anew as a cycle does."""
    return [s for s in provider.discover(Selection(**selection)).scopes if "/" not in s.account]


@pytest.mark.parametrize("types", [(), ("storage.googleapis.com/Bucket",)], ids=["everything", "buckets"])
def test_many_projects_cost_the_pages_of_the_organisation(
    types: tuple[str, ...], emulator: GcpEmulator, connect: Connect
) -> None:
    for number in range(MANY):
        add_project(emulator, f"harbour-{number}", str(800_000_000_000 + number))
    one_by_one = connect(
        emulator,
        transport="rest",
        types=types,
        parents=tuple(f"projects/{p}" for p in (PROD, DEV, *(f"harbour-{n}" for n in range(MANY)))),
    )
    expected = {where: read(one_by_one, where) for where in projects(one_by_one)}
    alone = [path for _, path in emulator.calls if path.split("?")[0].endswith("/assets")]
    assert len(alone) >= 3 * (MANY + 2)
    emulator.calls.clear()
    together = connect(emulator, transport="rest", types=types, parents=(ORGANIZATION,))
    scopes = projects(together)
    assert {where: read(together, where) for where in scopes} == expected
    calls = [path for _, path in emulator.calls if path.split("?")[0].endswith("/assets")]
    # Discovery; then resources and IAM policies, and organisation policies where the types may have any.
    assert len(calls) == (4 if not types else 3)


def test_a_plan_is_used_once_and_a_narrow_one_not_at_all(emulator: GcpEmulator, connect: Connect) -> None:
    provider = connect(emulator, transport="rest", parents=(ORGANIZATION,))

    def asked() -> list[str]:
        paths = [path.split("?")[0] for _, path in emulator.calls]
        emulator.calls.clear()
        return [p.rpartition("/assets")[0].rpartition("/v1/")[2] for p in paths if p.endswith("/assets")]

    [dev, *_] = projects(provider, accounts=frozenset({DEV}))
    asked()
    read(provider, dev)
    assert set(asked()) == {f"projects/{DEV}"}, "one of two is asked for itself"
    scopes = projects(provider)
    for where in scopes:
        read(provider, where)
    assert set(asked()) == {ORGANIZATION}
    read(provider, dev)
    assert set(asked()) == {f"projects/{DEV}"}, "what was listed is no answer to a later reading"
    for project in range(4):
        add_project(emulator, f"left-out-{project}", f"81000000000{project}")
    few = connect(
        emulator,
        transport="rest",
        parents=(ORGANIZATION,),
        exclude_projects=tuple(f"left-out-{n}" for n in range(4)),
    )
    scopes = projects(few)
    asked()
    read(few, scopes[0])
    assert ORGANIZATION not in asked(), "most of it would be thrown away"


def test_what_may_not_be_listed_of_the_organisation_is_listed_project_by_project(
    emulator: GcpEmulator, connect: Connect
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,))
    whole = {where: read(provider, where) for where in projects(provider)}
    emulator.faults.add(Fault(kind=FaultKind.DENIED, account=ORGANIZATION, resource="IAM_POLICY"))
    assert {where: read(provider, where) for where in projects(provider)} == whole
    assert all(coverage.complete and not coverage.details_unread for coverage, _ in whole.values())
    emulator.faults.add(Fault(kind=FaultKind.DENIED, account=DEV))
    found = {where.account: read(provider, where)[0] for where in projects(provider)}
    assert {account: c.status for account, c in found.items()} == {
        PROD: CoverageStatus.COMPLETE,
        DEV: CoverageStatus.DENIED,
    }


def test_a_project_that_the_organisation_does_not_mention_is_asked_for_itself(
    emulator: GcpEmulator, connect: Connect
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,), types=("sqladmin.googleapis.com/Instance",))
    scopes = projects(provider)
    emulator.store.delete("//cloudresourcemanager.googleapis.com/projects/700200200200")
    emulator.faults.add(Fault(kind=FaultKind.DENIED, account=DEV))
    found = {where.account: read(provider, where)[0] for where in scopes}
    assert found[PROD].complete
    assert not found[DEV].complete, "nothing was said of it, so nothing is concluded"


def test_what_we_changed_or_read_again_is_not_overwritten_by_an_older_listing(
    emulator: GcpEmulator, connect: Connect
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,))
    prod, dev = sorted(projects(provider), key=lambda s: s.account != PROD)
    read(provider, prod)  # lists both
    name = "//storage.googleapis.com/harbour-dev-exports"
    emulator.store.change(name, lambda data: data.__setitem__("labels", {"seen": "later"}))
    provider.reread(
        ResourceRef(
            provider="gcp",
            account=DEV,
            region="europe-west1",
            type="storage.googleapis.com/Bucket",
            uid=name,
        )
    )
    assert read(provider, dev)[1][name].tags == {"seen": "later"}


def test_a_listing_that_waited_too_long_is_not_used(
    emulator: GcpEmulator, connect: Connect, clock: Any
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,))
    first, second = projects(provider)
    read(provider, first)
    name = f"//cloudresourcemanager.googleapis.com/projects/{emulator.store.projects()[second.account]}"
    emulator.store.change(name, lambda data: data.__setitem__("labels", {"seen": "later"}))
    clock.now += timedelta(minutes=6)
    assert read(provider, second)[1][name].tags == {"seen": "later"}


def test_an_organisation_too_large_for_a_deadline_is_not_tried_again_at_once(
    emulator: GcpEmulator, connect: Connect, clock: Any
) -> None:
    provider = connect(emulator, transport="rest", parents=(ORGANIZATION,))

    def of_the_organisation(scopes: list[Scope]) -> int:
        """Read them whole; returns how often the organisation was asked."""
        emulator.calls.clear()
        assert all(read(provider, where)[0].complete for where in scopes)
        return sum(f"/{ORGANIZATION}/assets" in path for _, path in emulator.calls)

    scopes = projects(provider)
    emulator.faults.add(Fault(kind=FaultKind.TIMEOUT, account=ORGANIZATION, resource="RESOURCE", delay=0.01))
    assert of_the_organisation(scopes) == 1
    emulator.faults.clear()
    assert of_the_organisation(projects(provider)) == 0
    clock.now += TOO_LARGE_FOR
    assert of_the_organisation(projects(provider)) == 3
