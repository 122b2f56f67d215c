"""Events by Pub/Sub: pulled, understood, acknowledged, delivered again when not."""

from __future__ import annotations

import orjson
import pytest

from providers.errors import Denied
from providers.provider import Event, EventKind, Selection
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import SUBSCRIPTION, GcpEmulator
from providers.sandbox.gcp.pubsub import ACK_DEADLINE

BUCKET = "//storage.googleapis.com/harbour-dev-scratch"


def events(provider, source) -> list[Event]:
    found = []
    for message in source.receive(1):
        event = provider.parse_event(orjson.loads(message.body))
        assert event is not None
        found.append(event)
        source.acknowledge(message)
    return found


def test_each_write_is_heard_of_and_re_read(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator, subscriptions=(SUBSCRIPTION,))
    provider.discover(Selection())  # events name projects by number
    (source,) = provider.event_sources()
    assert source.name == SUBSCRIPTION
    emulator.store.change(BUCKET, lambda data: data.update(labels={"team": "ops"}))
    emulator.store.set_policy(BUCKET, {"bindings": [{"role": "roles/viewer", "members": ["allUsers"]}]})
    emulator.store.delete(BUCKET)
    labelled, shared, gone = events(provider, source)
    assert [e.kind for e in (labelled, shared, gone)] == [EventKind.CHANGE] * 3
    assert len({e.id for e in (labelled, shared, gone)}) == 3
    assert all(e.refs[0].uid == BUCKET for e in (labelled, shared, gone))
    assert labelled.refs[0].account == "harbour-dev"
    assert labelled.refs[0].region == gone.refs[0].region == "europe-west1"
    assert (
        "labels" not in labelled.detail["prior"]["resource"]["data"]
        or not (labelled.detail["prior"]["resource"]["data"]["labels"])
    )
    assert shared.detail["asset"]["iamPolicy"]["bindings"][0]["members"] == ["allUsers"]
    assert (gone.type, gone.detail["change"]) == ("storage.googleapis.com/Bucket:deleted", "deleted")
    assert source.receive(1) == []


def test_what_is_not_acknowledged_comes_again(clock, connect) -> None:
    with GcpEmulator(clock=clock) as emulator:
        provider = connect(emulator, subscriptions=("projects/harbour-dev/subscriptions/scc",))
        (source,) = provider.event_sources()
        emulator.pubsub.publish(source.name, "not json at all")
        (first,) = source.receive(1)
        assert source.receive(1) == []
        clock.sleep(ACK_DEADLINE.total_seconds() + 1)
        (again,) = source.receive(1)
        assert again.id == first.id
        assert again.body == first.body
        with pytest.raises(ValueError, match="not JSON"):
            provider.parse_event(orjson.loads(again.body))
        source.acknowledge(again)
        clock.sleep(ACK_DEADLINE.total_seconds() + 1)
        assert source.receive(1) == []


def test_a_queue_that_may_not_be_read_says_so(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator, subscriptions=(SUBSCRIPTION,))
    (source,) = provider.event_sources()
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="pubsub"))
    with pytest.raises(Denied):
        source.receive(1)
    assert "pubsub.subscriptions.consume" in provider.permissions(contain=False)["includedPermissions"]
    assert connect(emulator).event_sources() == ()
