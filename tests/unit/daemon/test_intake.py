"""Messages are taken once, acknowledged last, and never lost: over a queue and stores in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.intake import DEPTH_LIMIT, Handlers, Intake, Result, read_body
from daemon.metrics import Metrics
from providers.errors import Throttled
from providers.provider import IGNORED, Batch, Event, EventKind, Ignored, Message

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Queue:
    """A queue that delivers at least once: what is not acknowledged comes again."""

    bodies: list[str]
    name: str = "queue"
    acknowledged: list[str] = field(default_factory=list)

    def receive(self, wait_seconds: float) -> list[Message]:
        return [
            Message(id=f"m{n}", body=body, receipt=f"r{n}", source=self.name)
            for n, body in enumerate(self.bodies)
            if f"m{n}" not in self.acknowledged
        ]

    def acknowledge(self, message: Message) -> None:
        self.acknowledged.append(message.id)


@dataclass
class Store:
    events: set[str] = field(default_factory=set)
    buried: list[tuple[str, str]] = field(default_factory=list)

    def taken(self, event_id: str) -> bool:
        return event_id in self.events

    def take(self, event: Event, at: datetime) -> None:
        self.events.add(event.id)

    def bury(self, message: Message, cause: str, at: datetime) -> None:
        self.buried.append((message.body, cause))


class Cloud:
    """Understands ``{"id": …, "kind": "finding"|"change"}``, or ``several`` of them; refuses one without an id."""

    def parse_event(self, body: Mapping[str, Any]) -> Event | Batch | Ignored | None:
        if "several" in body:
            return Batch(tuple(self.event(one) for one in body["several"]))
        if "kind" not in body:
            return None
        if body["kind"] == "defect":
            raise KeyError("surprise")
        if body["kind"] == "chatter":
            return IGNORED
        if "id" not in body:
            raise ValueError("it has no id")
        return self.event(body)

    def event(self, body: Mapping[str, Any]) -> Event:
        return Event(
            id=body["id"],
            kind=EventKind(body["kind"]),
            provider="x",
            type="t",
            title="a title",
            account="1",
            region="r",
            occurred_at=NOW,
        )

    def watched(self, event: Event) -> Event | None:
        return event


@dataclass
class House:
    queue: Queue
    hooks: int = 1
    store: Store = field(default_factory=Store)
    asked: list[str] = field(default_factory=list)
    reread: list[str] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)

    def finding(self, event: Event) -> int:
        if self.failing:
            raise self.failing.pop()
        self.asked.append(event.id)
        return self.hooks

    def intake(self, back_off: float = 0.0) -> Intake:
        handlers = Handlers(change=lambda event: self.reread.append(event.id), finding=self.finding)
        clouds: Any = {"x": Cloud()}
        return Intake(clouds, self.store, handlers, lambda: NOW, Metrics(), back_off=back_off)

    def poll(self) -> int:
        return self.intake().poll(self.queue)


def test_a_finding_asks_the_hooks_and_a_change_is_read_again() -> None:
    house = House(Queue(['{"id":"f","kind":"finding"}', '{"id":"c","kind":"change"}']))
    assert house.poll() == 2
    assert house.asked == ["f"]
    assert house.reread == ["c"]
    assert house.queue.acknowledged == ["m0", "m1"]


def test_five_deliveries_are_one_event() -> None:
    house = House(Queue(['{"id":"f","kind":"finding"}'] * 5))
    assert house.poll() == 5
    assert house.asked == ["f"]
    assert house.queue.acknowledged == ["m0", "m1", "m2", "m3", "m4"]


def test_a_passing_failure_leaves_the_message_on_the_queue() -> None:
    house = House(Queue(['{"id":"f","kind":"finding"}']), failing=[Throttled("slow down")])
    assert house.poll() == 0
    assert house.queue.acknowledged == []
    assert house.store.events == set(), "it must not count as dealt with"
    assert house.poll() == 1
    assert house.asked == ["f"]


def test_one_of_several_that_fails_keeps_no_other_from_being_taken_and_comes_again() -> None:
    both = '{"several":[{"id":"f","kind":"finding"},{"id":"c","kind":"change"}]}'
    house = House(Queue([both]), failing=[Throttled("slow down")])
    assert house.poll() == 0
    assert (house.asked, house.reread, house.queue.acknowledged) == ([], ["c"], [])
    assert house.poll() == 1
    assert (house.asked, house.reread, house.queue.acknowledged) == (["f"], ["c"], ["m0"])


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("not json", "not JSON"),
        ("", "not JSON"),
        ("[1]", "a JSON list"),
        ('{"hello": 1}', r"no configured cloud knows its kind \(its fields: hello\)"),
        ('{"kind": "finding"}', "it has no id"),
        ('{"a":' * (DEPTH_LIMIT + 1) + "1" + "}" * (DEPTH_LIMIT + 1), "deeper than 100"),
        ('"' + "x" * 1_048_577 + '"', "characters long"),
        ('{"a": "\ud800"}', "not JSON"),
    ],
)
def test_what_cannot_be_understood_is_kept_as_it_came(body: str, cause: str) -> None:
    house = House(Queue([body, '{"id":"next","kind":"finding"}']))
    assert house.poll() == 2
    assert [b for b, _ in house.store.buried] == [body]
    with pytest.raises(AssertionError, match=cause):
        raise AssertionError(house.store.buried[0][1])
    assert house.asked == ["next"], "the next message is dealt with all the same"


def test_what_asks_for_nothing_is_acknowledged_and_not_buried() -> None:
    house = House(Queue(['{"kind":"chatter"}']))
    assert house.poll() == 1
    assert house.store.buried == []
    assert house.asked == []


def test_a_finding_no_hook_cares_for_is_recorded() -> None:
    house = House(Queue([]), hooks=0)
    message = Message(id="m", body='{"id":"f","kind":"finding"}', receipt="r", source="s")
    assert house.intake().handle(message) == (Result.RECORDED,)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


@given(st.one_of(st.text(max_size=50), json_values.map(lambda v: orjson.dumps(v).decode())))
def test_any_text_is_an_object_or_a_value_error(text: str) -> None:
    try:
        assert isinstance(read_body(text), dict)
    except ValueError as error:
        assert str(error)


def test_a_defect_in_understanding_keeps_the_message_and_goes_on() -> None:
    house = House(Queue(['{"kind":"defect"}', '{"id":"next","kind":"finding"}']))
    assert house.poll() == 2
    assert house.store.buried == [('{"kind":"defect"}', "a defect in Watchstander: KeyError: 'surprise'")]
    assert house.asked == ["next"]


def test_a_defect_in_acting_leaves_the_message_on_the_queue_and_goes_on() -> None:
    house = House(
        Queue(['{"id":"f","kind":"finding"}', '{"id":"c","kind":"change"}']), failing=[KeyError("surprise")]
    )
    assert house.poll() == 1
    assert house.queue.acknowledged == ["m1"]
    assert house.reread == ["c"]
    assert house.poll() == 1, "and comes again"
    assert house.asked == ["f"]


def test_a_queue_whose_reading_breaks_is_tried_again() -> None:
    stop = threading.Event()

    class Broken(Queue):
        calls = 0

        def receive(self, wait_seconds: float) -> list[Message]:
            self.calls += 1
            if self.calls == 1:
                raise KeyError("surprise")
            stop.set()
            return super().receive(wait_seconds)

    house = House(Broken(['{"id":"f","kind":"finding"}']))
    house.intake(back_off=0.0).run(house.queue, stop)
    assert house.asked == ["f"]
