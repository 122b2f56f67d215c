"""Reading the emulated Google Cloud through the real clients, over both transports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.gcp.provider import GcpProvider
from providers.normalise import encode
from providers.provider import Provider, Selection
from providers.resource import ANY, CoverageStatus, Resource, Scope
from providers.sandbox.gcp import GcpEmulator
from providers.sandbox.gcp.store import Json

PROD, DEV = "harbour-prod", "harbour-dev"
TRANSPORTS = ("grpc", "rest")


def read(provider: GcpProvider, scope: Scope) -> dict[str, Resource]:
    reading = provider.read(scope)
    found = {resource.uid: resource for resource in reading}
    assert reading.coverage.status is CoverageStatus.COMPLETE, reading.coverage
    assert reading.coverage.read == len(found)
    return found


def project(account: str, type_: str = ANY, region: str = ANY) -> Scope:
    return Scope("gcp", account, region, type_)


def test_it_is_a_provider(still: GcpEmulator, connect) -> None:
    provider: Provider = connect(still)
    assert isinstance(provider, Provider)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_both_projects_are_discovered_and_read_whole(transport: str, still: GcpEmulator, connect) -> None:
    provider = connect(still, transport=transport)
    found = provider.discover(Selection())
    assert found.scopes == (project(PROD), project(DEV))
    assert found.accounts == {PROD: "Harbour Prod", DEV: "Harbour Dev"}
    assert found.unread == ()
    everything = {uid: r for scope in found.scopes for uid, r in read(provider, scope).items()}
    living = [a for a in still.store.under("organizations/500500500500") if a.versions[-1].data]
    assert set(everything) == {a.name for a in living if a.ancestors[0].startswith("projects/")}
    assert len(everything) > 70
    assert all(not r.unread for r in everything.values())


def test_grpc_and_rest_say_the_same(still: GcpEmulator, connect) -> None:
    by_grpc = read(connect(still), project(DEV))
    by_rest = read(connect(still, transport="rest"), project(DEV))
    assert by_grpc == by_rest


@pytest.mark.parametrize("account", [PROD, DEV])
def test_a_re_read_by_the_services_own_api_gives_the_listed_document(
    account: str, still: GcpEmulator, connect
) -> None:
    provider = connect(still)
    listed = read(provider, project(account))
    for uid, resource in listed.items():
        again = provider.reread(resource.ref)
        assert again.ref == resource.ref
        assert encode(again.document) == encode(resource.document), uid


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({"exclude_projects": ("projects/harbour-dev",)}, [PROD]),
        ({"exclude_projects": ("700200200200",)}, [PROD]),
        ({"exclude_folders": ("folders/600600600600",)}, []),
        ({"exclude_folders": ("600600600600",)}, []),
        ({"exclude_folders": ("1",)}, [PROD, DEV]),
    ],
)
def test_folders_and_projects_are_left_out(
    settings: dict[str, tuple[str, ...]], read: list[str], still: GcpEmulator, connect
) -> None:
    provider = connect(still, parents=("organizations/500500500500",), **settings)
    found = provider.discover(Selection())
    assert {s.account for s in found.scopes if s.type == ANY} == set(read)
    assert found.unread == ()
    named = connect(still, parents=("projects/harbour-prod",), exclude_projects=(PROD,))
    assert named.discover(Selection()).scopes == ()


def test_a_document_has_cloud_assets_shape(still: GcpEmulator, connect) -> None:
    found = read(connect(still), project(DEV))
    bucket = found["//storage.googleapis.com/harbour-dev-exports"]
    assert bucket.ref.region == "europe-west1"
    assert bucket.document["assetType"] == bucket.ref.type == "storage.googleapis.com/Bucket"
    assert {"etag", "metageneration", "updated", "acl"}.isdisjoint(bucket.document["resource"]["data"])
    data = bucket.document["resource"]["data"]
    assert data["iamConfiguration"]["uniformBucketLevelAccess"] == {"enabled": False}
    assert data["projectNumber"] == "700200200200"
    assert {"role": "roles/storage.objectViewer", "members": ["allUsers"]} in bucket.document["iamPolicy"][
        "bindings"
    ]
    firewall = found["//compute.googleapis.com/projects/harbour-dev/global/firewalls/allow-ssh-world"]
    assert firewall.ref.region == "global"
    assert "iamPolicy" not in firewall.document


def test_pages_are_followed_and_pinned_to_one_moment(emulator: GcpEmulator, connect, clock) -> None:
    """Over a thousand buckets come in two pages; what is written between them is of the next reading."""
    template = emulator.store.data("//storage.googleapis.com/harbour-dev-scratch")
    like = emulator.store.asset("//storage.googleapis.com/harbour-dev-scratch")
    for number in range(1100):
        name = f"harbour-dev-many-{number}"
        emulator.store.add(
            replace(like, name=f"//storage.googleapis.com/{name}", versions=[]), {**template, "name": name}
        )
    provider = connect(emulator, transport="rest")
    reading = provider.read(project(DEV, "storage.googleapis.com/Bucket"))
    stream = iter(reading)
    first = next(stream)
    emulator.store.delete("//storage.googleapis.com/harbour-dev-many-7")
    names = {first.uid, *(r.uid for r in stream)}
    assert reading.coverage.read == len(names) == 1106
    assert "//storage.googleapis.com/harbour-dev-many-7" in names
    asked = [path for _, path in emulator.calls if "/assets" in path]
    assert len(asked) == 3  # two pages of resources, one of the few policies
    again = {r.uid for r in provider.read(project(DEV, "storage.googleapis.com/Bucket"))}
    assert names - again == {"//storage.googleapis.com/harbour-dev-many-7"}


@pytest.mark.parametrize(
    ("type_", "count"),
    [
        ("storage.googleapis.com/Bucket", 6),
        ("compute.googleapis.com/*", 22),
        ("sqladmin.googleapis.com/Instance", 2),
    ],
)
def test_types_narrow_the_listing(type_: str, count: int, still: GcpEmulator, connect) -> None:
    provider = connect(still, types=(type_,))
    scopes = provider.discover(Selection()).scopes
    assert scopes == (project(PROD, type_), project(DEV, type_))
    found = read(provider, scopes[1])
    assert len(found) == count
    assert all(scopes[1].covers(r.ref) for r in found.values())


def test_types_left_out_are_named_by_the_coverage_and_not_taken_for_deleted(
    still: GcpEmulator, connect
) -> None:
    everything = read(connect(still), project(DEV))
    provider = connect(still, exclude_types=("compute.googleapis.com/*",))
    reading = provider.read(project(DEV))
    found = {r.uid for r in reading}
    assert reading.coverage.complete
    missing = [r.ref for uid, r in everything.items() if uid not in found]
    assert missing
    assert not any(reading.coverage.covers(ref) for ref in missing)


def test_a_region_is_one_scope_of_its_own(still: GcpEmulator, connect) -> None:
    provider = connect(still)
    scopes = provider.discover(
        Selection(regions=frozenset({"us-central1-a"}), accounts=frozenset({DEV}))
    ).scopes
    assert scopes == (project(DEV, region="us-central1-a"),)
    found = read(provider, scopes[0])
    assert {r.ref.region for r in found.values()} == {"us-central1-a"}


def test_an_organisation_opens_into_its_projects_and_its_own_resources(still: GcpEmulator, connect) -> None:
    organization = "organizations/500500500500"
    provider = connect(still, parents=(organization,))
    found = provider.discover(Selection())
    accounts = {scope.account for scope in found.scopes}
    assert accounts == {PROD, DEV, organization}
    own = [s for s in found.scopes if s.account == organization]
    resources = {uid for scope in own for uid in read(provider, scope)}
    assert resources == {
        "//cloudresourcemanager.googleapis.com/organizations/500500500500",
        "//cloudresourcemanager.googleapis.com/folders/600600600600",
        "//accesscontextmanager.googleapis.com/accessPolicies/800800800800",
        "//accesscontextmanager.googleapis.com/accessPolicies/800800800800/accessLevels/staff",
        "//accesscontextmanager.googleapis.com/accessPolicies/800800800800/servicePerimeters/orders",
    }
    # What lies in a project belongs to the project's scope alone.
    sinks = next(s for s in own if s.type == "logging.googleapis.com/LogSink")
    assert read(provider, sinks) == {}


def test_a_selection_narrows_accounts(still: GcpEmulator, connect) -> None:
    found = connect(still).discover(Selection(accounts=frozenset({DEV})))
    assert found.scopes == (project(DEV),)
    assert connect(still).discover(Selection(providers=frozenset({"aws"}))).scopes == ()


def test_two_readings_of_an_unchanged_estate_are_equal_though_etags_moved(
    emulator: GcpEmulator, connect
) -> None:
    provider = connect(emulator)
    before = read(provider, project(DEV))
    for uid in list(before):
        emulator.store.change(uid, _nothing)
    assert read(provider, project(DEV)) == before


def _nothing(data: Json) -> None:
    """A write that changes nothing but the service's own counters."""


def test_a_project_that_does_not_exist_is_unread_and_not_empty(still: GcpEmulator, connect) -> None:
    provider = connect(still, parents=("projects/nowhere", f"projects/{PROD}"))
    found = provider.discover(Selection())
    assert found.scopes == (project(PROD),)
    assert [c.scope for c in found.unread] == [project("nowhere")]
    reading = provider.read(project("nowhere"))
    assert list(reading) == []
    assert not reading.coverage.complete
