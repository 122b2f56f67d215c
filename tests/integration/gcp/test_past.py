"""What Cloud Asset remembers, read back as versions; and the emulator's own promises."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from providers.errors import Denied
from providers.resource import ANY, Scope
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

BUCKET = "//storage.googleapis.com/harbour-dev-scratch"


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_versions_of_resource_and_policy_are_laid_over_each_other(transport: str, clock, connect) -> None:
    with GcpEmulator(clock=clock) as emulator:
        provider = connect(emulator, transport=transport)
        now = next(r for r in provider.read(Scope("gcp", "harbour-dev", ANY, ANY)) if r.uid == BUCKET)
        clock.sleep(60)
        emulator.store.change(BUCKET, lambda data: data.update(labels={"team": "ops"}))
        clock.sleep(60)
        emulator.store.set_policy(BUCKET, {"bindings": [{"role": "roles/viewer", "members": ["allUsers"]}]})
        clock.sleep(60)
        emulator.store.change(BUCKET, lambda data: data.update(metageneration="50"))
        clock.sleep(60)
        emulator.store.delete(BUCKET)
        clock.sleep(60)
        [told] = provider.past([now.ref], clock() - timedelta(days=30))
        versions = told.versions
        # The write that only moved the metageneration is no version.
        assert [v.resource is None for v in versions] == [False, False, False, True]
        first, labelled, shared, gone = versions
        assert first.resource == now
        assert labelled.resource is not None
        assert shared.resource is not None
        assert labelled.resource.tags == {"team": "ops"}
        assert labelled.resource.document["iamPolicy"] == now.document["iamPolicy"]
        assert shared.resource.document["iamPolicy"]["bindings"][0]["members"] == ["allUsers"]
        assert shared.at - labelled.at == timedelta(seconds=60)
        assert gone.at - shared.at == timedelta(seconds=120)
        assert first.at < labelled.at


def test_a_past_without_its_policies_says_so(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    ref = next(r.ref for r in provider.read(Scope("gcp", "harbour-dev", ANY, ANY)) if r.uid == BUCKET)
    emulator.faults.add(
        Fault(kind=FaultKind.DENIED, operation="BatchGetAssetsHistory", resource="IAM_POLICY")
    )
    [told] = provider.past([ref], emulator.store.clock() - timedelta(days=30))
    assert [list(v.resource.unread) for v in told.versions if v.resource] == [["iamPolicy"]]
    emulator.faults.add(Fault(kind=FaultKind.DENIED, operation="BatchGetAssetsHistory"))
    [told] = provider.past([ref], emulator.store.clock() - timedelta(days=30))
    assert isinstance(told.error, Denied)


def test_a_write_through_compute_shows_in_cloud_asset(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    scope = Scope("gcp", "harbour-dev", ANY, "compute.googleapis.com/Firewall")
    before = {r.uid for r in provider.read(scope)}
    answer = httpx.post(
        f"{emulator.rest_endpoint}/compute/v1/projects/harbour-dev/global/firewalls",
        json={
            "name": "opened",
            "sourceRanges": ["0.0.0.0/0"],
            "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
        },
    )
    assert answer.json()["status"] == "DONE"
    new = [r for r in provider.read(scope) if r.uid not in before]
    assert [r.name for r in new] == ["opened"]
    assert provider.reread(new[0].ref) == new[0]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/nothing/here", None, 404),
        ("GET", "/storage/v1/b/no-such-bucket", None, 404),
        ("GET", "/v1/projects/harbour-dev/assets?pageSize=5000", None, 400),
        ("GET", "/v1/projects/harbour-dev/assets?pageToken=%20", None, 400),
        ("GET", "/v1/projects/harbour-dev/assets?assetTypes=(", None, 400),
        ("GET", "/v1/projects/harbour-dev/assets?nonsense=1", None, 400),
        ("GET", "/v1/projects/harbour-dev/assets?readTime=2020-01-01T00:00:00Z", None, 400),
        ("PATCH", "/storage/v1/b/harbour-dev-scratch", "[1]", 400),
        ("PATCH", "/storage/v1/b/harbour-dev-scratch", "{", 400),
        ("DELETE", "/storage/v1/b/harbour-dev-scratch", None, 501),
        ("POST", "/compute/v1/projects/harbour-dev/global/firewalls", '{"name": "Not A Name"}', 400),
        ("POST", "/compute/v1/projects/harbour-dev/global/firewalls", '{"name": "allow-https"}', 409),
    ],
)
def test_the_emulator_answers_what_makes_no_sense_in_googles_words(
    method: str, path: str, body: str | None, code: int, still: GcpEmulator
) -> None:
    answer = httpx.request(method, f"{still.rest_endpoint}{path}", content=body)
    assert answer.status_code == code
    assert answer.json()["error"]["code"] == code


def test_a_policy_is_replaced_only_by_who_has_seen_it(emulator: GcpEmulator) -> None:
    url = f"{emulator.rest_endpoint}/v1/projects/harbour-dev"
    policy = httpx.post(f"{url}:getIamPolicy").json()
    fresh = {"policy": {"bindings": policy["bindings"][:1], "etag": policy["etag"]}}
    assert httpx.post(f"{url}:setIamPolicy", json=fresh).status_code == 200
    assert httpx.post(f"{url}:setIamPolicy", json=fresh).status_code == 409


def test_search_finds_by_name(emulator: GcpEmulator) -> None:
    import grpc
    from google.cloud import asset_v1
    from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport

    channel = grpc.insecure_channel(emulator.endpoint)
    client = asset_v1.AssetServiceClient(transport=AssetServiceGrpcTransport(channel=channel))
    found = list(client.search_all_resources(scope="projects/harbour-dev", query="allow-ssh"))
    assert {r.display_name for r in found} == {"allow-ssh-iap", "allow-ssh-world"}
    client.transport.close()


def test_an_unused_emulator_has_no_address() -> None:
    emulator = GcpEmulator(seed=False)
    with pytest.raises(RuntimeError):
        _ = emulator.endpoint
    assert emulator.calls == []
