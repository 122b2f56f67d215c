"""Each way Google Cloud fails ends in the right coverage, and never in an absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from google.auth.credentials import Credentials

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
from providers.provider import Selection
from providers.resource import ANY, CoverageStatus, Scope
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

PROD, DEV = Scope("gcp", "harbour-prod", ANY, ANY), Scope("gcp", "harbour-dev", ANY, ANY)
BUDGET = {"scope_deadline": "20s"}
EXPECTED = {
    FaultKind.DENIED: CoverageStatus.DENIED,
    FaultKind.THROTTLED: CoverageStatus.THROTTLED,
    FaultKind.ERROR: CoverageStatus.UNAVAILABLE,
    FaultKind.HTML: CoverageStatus.UNAVAILABLE,
    FaultKind.TIMEOUT: CoverageStatus.TIMED_OUT,
    FaultKind.SLOW: CoverageStatus.COMPLETE,
    FaultKind.TRUNCATED: CoverageStatus.PARTIAL,
    FaultKind.EXPIRED: CoverageStatus.EXPIRED,
    FaultKind.SKEWED: CoverageStatus.EXPIRED,
    FaultKind.RESET: CoverageStatus.UNAVAILABLE,
}


def test_every_fault_kind_is_expected() -> None:
    assert set(EXPECTED) == set(FaultKind)


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_fault_in_one_project_is_its_coverage_and_the_other_is_whole(
    kind: FaultKind, transport: str, emulator: GcpEmulator, connect
) -> None:
    provider = connect(emulator, transport=transport, budget=BUDGET)
    whole = len(list(provider.read(DEV)))
    emulator.faults.add(Fault(kind=kind, account="harbour-dev", service="cloudasset", delay=0.01))
    reading = provider.read(DEV)
    found = list(reading)
    coverage = reading.coverage
    assert coverage.status is EXPECTED[kind], coverage
    assert coverage.read == len(found)
    if kind is FaultKind.SLOW:
        assert len(found) == whole
        return
    assert not coverage.complete
    assert coverage.cause
    assert "\n" not in coverage.cause
    assert "<" not in coverage.cause
    assert 0 < len(found) < whole if kind is FaultKind.TRUNCATED else found == []
    if kind is FaultKind.DENIED:
        assert coverage.permission == "cloudasset.assets.listResource"
    other = provider.read(PROD)
    assert list(other)
    assert other.coverage.complete


@pytest.mark.parametrize("kind", [FaultKind.SKEWED, FaultKind.EXPIRED])
def test_a_clock_that_is_off_is_told_by_the_time_of_the_answer(
    kind: FaultKind, emulator: GcpEmulator, connect
) -> None:
    class Renewed(Credentials):
        """As the anonymous ones are not, renewed after each refusal."""

        def refresh(self, request: object) -> None:
            self.token = "token"

    provider = connect(emulator, transport="rest", budget=BUDGET)
    provider._session._credentials = Renewed()
    emulator.faults.add(Fault(kind=kind, account="harbour-dev", service="cloudasset"))
    reading = provider.read(DEV)
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.EXPIRED
    assert ("this machine's clock is 3:00:00 behind Google's" in reading.coverage.cause) is (
        kind is FaultKind.SKEWED
    )


@pytest.mark.parametrize("kind", [k for k in FaultKind if k not in (FaultKind.SLOW, FaultKind.TRUNCATED)])
def test_a_project_that_cannot_be_discovered_is_unread_and_keeps_nobody_back(
    kind: FaultKind, emulator: GcpEmulator, connect
) -> None:
    emulator.faults.add(Fault(kind=kind, account="harbour-dev", service="cloudasset", delay=0.01))
    found = connect(emulator, budget=BUDGET).discover(Selection())
    assert found.scopes == (PROD,)
    assert [(c.scope, c.status) for c in found.unread] == [(DEV, EXPECTED[kind])]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_denied_iam_policies_are_unread_and_never_absent(
    transport: str, emulator: GcpEmulator, connect
) -> None:
    provider = connect(emulator, transport=transport)
    before = {r.uid: r for r in provider.read(DEV)}
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="IAM_POLICY"))
    reading = provider.read(DEV)
    found = {r.uid: r for r in reading}
    assert set(found) == set(before)
    assert all("listIamPolicy" in r.unread["iamPolicy"] for r in found.values())
    assert all("iamPolicy" not in r.document for r in found.values())
    coverage = reading.coverage
    assert coverage.complete  # that they exist is proved
    assert coverage.details_unread == len(found)
    assert coverage.permission == "cloudasset.assets.listIamPolicy"
    project = found["//cloudresourcemanager.googleapis.com/projects/700200200200"]
    view = provider.terraform(project)
    assert view is not None
    assert set(view.unread) == {"policy_data", "binding", "audit_config"}
    assert view.attributes["project"] == "harbour-dev"


def test_policies_read_before_the_listing_broke_are_kept(emulator: GcpEmulator, connect) -> None:
    emulator.faults.add(Fault(kind=FaultKind.TRUNCATED, resource="IAM_POLICY"))
    reading = connect(emulator).read(DEV)
    found = list(reading)
    known = [r for r in found if "iamPolicy" in r.document]
    assert known
    assert all(not r.unread for r in known)
    assert all("iamPolicy" in r.unread for r in found if r not in known)
    assert reading.coverage.details_unread == len(found) - len(known)


def test_an_asset_of_which_only_the_policy_is_listed_exists_and_is_unread(
    emulator: GcpEmulator, connect
) -> None:
    uid = "//iap.googleapis.com/projects/700200200200/iap_web"
    like = emulator.store.asset("//cloudresourcemanager.googleapis.com/projects/700200200200")
    web = replace(like, name=uid, type="iap.googleapis.com/Web", versions=[])
    policy = {"bindings": [{"role": "roles/iap.httpsResourceAccessor", "members": ["allUsers"]}]}
    emulator.store.add(web, {"name": "web"}, policy)
    found = {r.uid: r for r in connect(emulator).read(DEV)}
    assert found[uid].document["iamPolicy"] == policy
    assert list(found[uid].unread) == ["resource"]
    # A listing that breaks off proves nothing about what has a policy only: it may just not have come yet.
    emulator.faults.add(Fault(kind=FaultKind.TRUNCATED, resource="RESOURCE"))
    reading = connect(emulator).read(DEV)
    assert all(not r.unread for r in reading)
    assert reading.coverage.status is CoverageStatus.PARTIAL


def test_a_passing_failure_is_tried_again(emulator: GcpEmulator, connect, clock) -> None:
    emulator.faults.add(Fault(kind=FaultKind.THROTTLED, account="harbour-dev", times=2))
    reading = connect(emulator).read(DEV)
    assert list(reading)
    assert reading.coverage.complete
    assert len([pause for pause in clock.slept if pause >= 0.5]) >= 2


def test_a_deadline_ends_the_tries(emulator: GcpEmulator, connect, clock) -> None:
    emulator.faults.add(Fault(kind=FaultKind.ERROR))
    reading = connect(emulator, budget={"scope_deadline": "1s"}).read(DEV)
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.UNAVAILABLE
    assert sum(clock.slept) < 1


def test_a_scope_whose_time_is_over_is_timed_out(emulator: GcpEmulator, connect, clock) -> None:
    provider = connect(emulator, budget={"scope_deadline": "10s"})
    emulator.faults.add(Fault(kind=FaultKind.TRUNCATED, account="harbour-dev", resource="RESOURCE", times=1))
    reading = provider.read(DEV)
    stream = iter(reading)
    next(stream)
    clock.sleep(60)
    list(stream)
    assert reading.coverage.status is CoverageStatus.PARTIAL
    assert "time for this scope is over" in (reading.coverage.cause or "")


BUCKET = "//storage.googleapis.com/harbour-dev-exports"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.DENIED, Denied),
        (FaultKind.THROTTLED, Throttled),
        (FaultKind.ERROR, Unavailable),
        (FaultKind.HTML, Unavailable),
        (FaultKind.TIMEOUT, TimedOut),
        (FaultKind.EXPIRED, Expired),
        (FaultKind.RESET, Unavailable),
        (FaultKind.TRUNCATED, Unavailable),
    ],
)
def test_a_re_read_that_fails_says_so_and_never_gone(
    kind: FaultKind, error: type[ProviderError], emulator: GcpEmulator, connect
) -> None:
    provider = connect(emulator, budget=BUDGET)
    ref = next(r.ref for r in provider.read(DEV) if r.uid == BUCKET)
    emulator.faults.add(Fault(kind=kind, service="storage", delay=0.01))
    with pytest.raises(error) as caught:
        provider.reread(ref)
    assert not isinstance(caught.value, Gone)
    # HTTP itself succeeded in a reset answer's head; everything else keeps what Google's library raised.
    assert caught.value.code or caught.value.__cause__


def test_a_re_read_without_its_policy_is_unread_there(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    key = next(r.ref for r in provider.read(DEV) if r.ref.type == "iam.googleapis.com/ServiceAccount")
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="iam", operation="POST"))
    again = provider.reread(key)
    assert "iamPolicy" in again.unread
    assert again.document["resource"]["data"]["email"]


def test_gone_is_only_what_its_service_says_is_gone(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    refs = {r.uid: r.ref for r in provider.read(DEV)}
    emulator.store.delete(BUCKET)
    with pytest.raises(Gone):
        provider.reread(refs[BUCKET])
    topic = "//pubsub.googleapis.com/projects/harbour-dev/topics/orders"
    emulator.store.delete(topic)
    # Cloud Asset may lag, so a type that only it can tell of is not told.
    with pytest.raises(Unavailable, match="cannot be told"):
        provider.reread(refs[topic])


def test_the_fault_plan_is_served_over_http(emulator: GcpEmulator, connect) -> None:
    url = f"{emulator.rest_endpoint}/_sandbox/faults"
    assert httpx.get(url).json() == []
    planned = httpx.post(url, json={"kind": "denied", "account": "harbour-dev"}).json()
    assert planned[0]["kind"] == "denied"
    assert planned == httpx.get(url).json()
    assert httpx.post(url, json={"kind": "nonsense"}).status_code == 400
    assert connect(emulator).discover(Selection()).unread
    assert httpx.delete(url).json() == []
    assert not connect(emulator).discover(Selection()).unread


def test_an_api_that_is_not_enabled_is_told_from_a_denial() -> None:
    from providers.gcp.errors import Answer, classify

    answer = Answer(
        status="PERMISSION_DENIED",
        message="Cloud Asset API has not been used in project 1 before or it is disabled.",
        reasons=frozenset({"SERVICE_DISABLED"}),
    )
    assert isinstance(classify(answer, "listing", datetime(2026, 3, 1, tzinfo=UTC)), NotEnabled)
