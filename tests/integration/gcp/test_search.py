"""The search index as a source: what has changed is told once it was dealt with, and again where it was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from config.clouds import GcpSettings
from daemon.intake import Handlers, Intake
from daemon.metrics import Metrics
from providers.errors import Denied
from providers.gcp import search
from providers.gcp.permissions import role
from providers.gcp.provider import GcpProvider
from providers.provider import Event, EventKind, EventSource, Message, Selection
from providers.resource import ResourceRef
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

ORGANIZATION = "organizations/500500500500"
Connect = Callable[..., GcpProvider]


@pytest.fixture
def bucket(emulator: GcpEmulator) -> str:
    return next(name for name, _ in emulator.store.living("//storage.googleapis.com/harbour-prod"))


@pytest.fixture
def emulator(clock: Any) -> Any:
    with GcpEmulator(clock=clock) as made:
        yield made


def source_of(provider: GcpProvider) -> EventSource:
    [source] = provider.event_sources()
    return source


def label(emulator: GcpEmulator, name: str, value: str) -> None:
    emulator.store.change(name, lambda data: data.__setitem__("labels", {"team": value}))


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_change_is_told_with_what_to_reread(
    transport: str, emulator: GcpEmulator, connect: Connect, clock: Any, bucket: str
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,), search_every="2m", transport=transport)
    provider.discover(Selection())  # project numbers become known
    source = source_of(provider)
    assert source.name == f"search:{ORGANIZATION}"
    assert source.receive(5) == []
    clock.sleep(60)
    label(emulator, bucket, "blue")
    assert source.receive(5) == []  # it is not time yet
    clock.sleep(60)
    [message] = source.receive(5)
    event = provider.parse_event(json.loads(message.body))
    assert isinstance(event, Event)
    assert (event.kind, event.account) == (EventKind.CHANGE, "harbour-prod")
    [ref] = event.refs
    assert (ref.uid, ref.type) == (bucket, "storage.googleapis.com/Bucket")
    assert provider.reread(ref).tags["team"] == "blue"
    assert provider.event_sources() == (source,)


def test_what_was_dealt_with_is_not_told_again_and_what_was_not_is(
    emulator: GcpEmulator, connect: Connect, clock: Any, bucket: str
) -> None:
    source = source_of(connect(emulator, parents=(ORGANIZATION,), search_every="1m"))
    clock.sleep(30)
    label(emulator, bucket, "blue")
    [first] = source.receive(0)
    clock.sleep(60)
    assert [m.id for m in source.receive(0)] == [first.id]
    source.acknowledge(first)
    clock.sleep(60)
    assert source.receive(0) == []
    clock.sleep(60)
    label(emulator, bucket, "green")
    [second] = source.receive(0)
    assert second.id != first.id
    # What is remembered does not grow: it goes when it is not asked for any more.
    source.acknowledge(second)
    for _ in range(12):
        clock.sleep(120)
        assert source.receive(0) == []
    assert source._dealt == {}  # type: ignore[attr-defined]


def test_waiting_is_bounded_by_who_waits_and_by_the_next_time(
    emulator: GcpEmulator, connect: Connect, clock: Any
) -> None:
    source = source_of(connect(emulator, parents=(ORGANIZATION,), search_every="1m"))
    assert source.receive(5) == []
    clock.slept.clear()
    assert source.receive(5) == []
    clock.sleep(53)
    assert source.receive(5) == []
    assert clock.slept == [5, 53, pytest.approx(2)]


def test_many_changes_come_in_pages(
    emulator: GcpEmulator, connect: Connect, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE", 3)
    source = source_of(connect(emulator, parents=("projects/harbour-dev",), search_every="1m"))
    changed = [name for name, _ in emulator.store.living("//compute.googleapis.com/projects/harbour-dev/")][
        :8
    ]
    for name in changed:
        label(emulator, name, "x")
    assert sorted(m.id.partition("@")[0] for m in source.receive(0)) == sorted(changed)
    monkeypatch.setattr(search, "MOST", 5)
    clock.sleep(60)
    assert len(source.receive(0)) == 5


def test_a_refusal_is_told(emulator: GcpEmulator, connect: Connect) -> None:
    source = source_of(connect(emulator, parents=(ORGANIZATION,), search_every="1m"))
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="cloudasset", operation="SearchAllResources"))
    with pytest.raises(Denied, match="what has changed below organizations/") as caught:
        source.receive(0)
    assert caught.value.permission == "cloudasset.assets.searchAllResources"


def test_the_intake_rereads_what_has_changed(
    emulator: GcpEmulator, connect: Connect, clock: Any, bucket: str
) -> None:
    provider = connect(emulator, parents=(ORGANIZATION,), search_every="1m")
    provider.discover(Selection())
    read: list[ResourceRef] = []
    taken: set[str] = set()

    class Store:
        def taken(self, event_id: str) -> bool:
            return event_id in taken

        def take(self, event: Event, at: datetime) -> None:
            assert at.tzinfo
            taken.add(event.id)

        def bury(self, message: Message, cause: str, at: datetime) -> None:
            raise AssertionError(f"{message} {cause} {at}")

    def change(event: Event) -> None:
        read.extend(event.refs)

    handlers = Handlers(change=change, finding=lambda _event: 0)
    intake = Intake({"gcp": provider}, Store(), handlers, clock, Metrics())
    source = source_of(provider)
    label(emulator, bucket, "blue")
    assert intake.poll(source, 0) == 1
    clock.sleep(60)
    assert intake.poll(source, 0) == 0
    assert [ref.uid for ref in read] == [bucket]


@pytest.mark.parametrize(
    "broken", [{"name": 3}, {"name": "//a/b"}, {"name": "//a/b", "assetType": "a/B", "updateTime": "soon"}]
)
def test_a_broken_result_is_an_error(still: GcpEmulator, connect: Connect, broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"search result|updateTime"):
        connect(still).parse_event({"searchResult": broken})


def test_a_project_of_which_only_the_number_is_known_asks_for_no_reread(
    still: GcpEmulator, connect: Connect
) -> None:
    told = {
        "name": "//a/b",
        "assetType": "a/B",
        "project": "projects/1",
        "updateTime": "2025-01-01T00:00:00Z",
    }
    event = connect(still).parse_event({"searchResult": told})
    assert isinstance(event, Event)
    assert event.refs == ()


def test_it_is_off_unless_asked_for(still: GcpEmulator, connect: Connect) -> None:
    assert connect(still).event_sources() == ()
    wanted = "cloudasset.assets.searchAllResources"
    assert wanted not in role(GcpSettings(), contain=False)["includedPermissions"]
    searching = GcpSettings(search_every=timedelta(minutes=2))
    assert wanted in role(searching, contain=False)["includedPermissions"]
