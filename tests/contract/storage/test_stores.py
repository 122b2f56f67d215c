"""Cycles, acts, events, dead letters, and small facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.settings import Mode, StorageSettings
from providers.provider import Action, Event, EventKind, Message, Receipt, Selection
from providers.resource import ResourceRef
from storage.actions import ActionRecord, Actions, ActionStatus
from storage.cycles import Cycles, CycleStatus, CycleSummary
from storage.database import Database
from storage.deadletters import DeadLetters
from storage.errors import Locked, NotStored
from storage.events import Events
from storage.state import State

AT = datetime(2026, 3, 1, tzinfo=UTC)
TARGET = ResourceRef(
    provider="aws", account="1", region="global", type="aws.iam_user", uid="arn:aws:iam::1:user/a"
)


def test_a_cycle_keeps_its_sentence(database: Database) -> None:
    cycles = Cycles(database)
    selection = Selection(accounts=frozenset({"1"}))
    number = cycles.begin(AT, selection, "scan")
    assert (cycles.last()[0].status, cycles.last()[0].finished_at) == (CycleStatus.RUNNING, None)
    summary = CycleSummary(
        sentence="Read 3 scopes.",
        status=CycleStatus.INCOMPLETE,
        read=3,
        opened=2,
        seconds=1.5,
        detail={"x": [1]},
    )
    cycles.finish(number, AT + timedelta(seconds=2), summary)
    (cycle,) = cycles.last()
    assert (cycle.summary, cycle.sentence, cycle.selection) == (summary, "Read 3 scopes.", selection)
    assert cycles.last(kind="scheduled") == []
    with pytest.raises(NotStored):
        cycles.finish(99, AT, summary)
    with pytest.raises(NotStored, match="no cycle 99"):
        cycles.get(99)


def test_cycles_of_a_dead_process_are_marked(settings: StorageSettings) -> None:
    with Database.open(settings) as first:
        first.claim("one")
        number = Cycles(first).begin(AT, Selection())
        Cycles(first).finish(Cycles(first).begin(AT, Selection()), AT, CycleSummary(sentence="Done."))
    with Database.open(settings) as again:
        again.claim("one")
        (left,) = Cycles(again).interrupted(AT + timedelta(hours=1))
        assert (left.id, left.status) == (number, CycleStatus.INTERRUPTED)
        assert "interrupted" in (left.sentence or "")
        assert Cycles(again).interrupted(AT) == []


def test_two_daemons_of_one_name_cannot_be(settings: StorageSettings) -> None:
    with Database.open(settings) as first, Database.open(settings) as second:
        first.claim("one")
        first.claim("one")
        with pytest.raises(Locked, match="daemon"):
            second.claim("one")
        # Beside the daemon, reading works, and so does a short write.
        assert Cycles(second).last() == []
        State(second).set("k", 1, AT)
    with Database.open(settings) as third:
        third.claim("one")


def test_events_are_taken_once(database: Database) -> None:
    events = Events(database)
    event = Event(
        id="e-1",
        kind=EventKind.FINDING,
        provider="aws",
        type="T",
        title="t",
        account="1",
        region="r",
        occurred_at=AT,
    )
    assert [events.first_time(event, AT) for _ in range(5)] == [True, False, False, False, False]
    assert events.first_time("e-2", AT + timedelta(hours=1))
    assert [e.id for e in events.last()] == ["e-2", "e-1"]
    assert events.count() == 2

    def take_and_die() -> None:
        with database.write():
            assert events.first_time("e-3", AT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_and_die()
    assert events.first_time("e-3", AT)


def test_dead_letters_are_kept_as_they_came(database: Database) -> None:
    letters = DeadLetters(database)
    message = Message(id="m1", body="{not json \0 \ud800", receipt="r", source="sqs")
    number = letters.add(message, "not JSON", AT)
    assert letters.add(message, "still not JSON", AT) == number
    (letter,) = letters.last()
    assert (letter.body, letter.cause, letter.deliveries) == (message.body, "still not JSON", 2)
    assert letters.count() == 1


def record(number: int, **values: object) -> ActionRecord:
    action = Action(kind="aws.deactivate_access_key", target=TARGET, parameters={"key": f"AKIA{number}"})
    base: dict[str, object] = {
        "id": f"a-{number}",
        "hook": "keys",
        "action": action,
        "mode": Mode.AUTO,
        "created_at": AT,
    }
    return ActionRecord(**{**base, **values})  # type: ignore[arg-type]


def test_an_act_is_proposed_once(database: Database) -> None:
    actions = Actions(database)
    first, new = actions.propose(record(1, event_id="e-1", policy_id="p"))
    again, renewed = actions.propose(record(1, hook="other"))
    assert (new, renewed) == (True, False)
    assert first == again
    assert first.action.parameters == {"key": "AKIA1"}


def test_an_act_is_followed_to_its_end(database: Database) -> None:
    actions = Actions(database)
    actions.propose(record(1))
    actions.update("a-1", ActionStatus.ACTING, AT + timedelta(minutes=1))
    assert [a.id for a in actions.unfinished()] == ["a-1"]
    receipt = Receipt(
        action=record(1).action,
        changed=True,
        before={"Status": "Active"},
        after={"Status": "Inactive"},
        request_id="req-1",
    )
    done = actions.update(
        "a-1", ActionStatus.DONE, AT + timedelta(minutes=2), receipt=receipt, reason="verified"
    )
    assert done.receipt == receipt
    assert (done.acted_at, done.finished_at) == (AT + timedelta(minutes=1), AT + timedelta(minutes=2))
    assert actions.unfinished() == []
    assert actions.by_request("req-1") == done
    assert actions.by_request("other") is None
    assert done.record()["before"] == {"Status": "Active"}
    with pytest.raises(NotStored):
        actions.update("none", ActionStatus.DONE, AT)


def test_belts_count_what_got_as_far_as_acting(database: Database) -> None:
    actions = Actions(database)
    for number in range(4):
        actions.propose(record(number))
    for number in range(3):
        actions.update(f"a-{number}", ActionStatus.ACTING, AT + timedelta(minutes=number))
    actions.update("a-0", ActionStatus.FAILED, AT + timedelta(minutes=5), reason="500")
    actions.propose(record(9, status=ActionStatus.DRY_RUN))
    assert actions.acts_since("keys", "1", AT) == 3
    assert actions.acts_since("keys", "1", AT + timedelta(minutes=1)) == 2
    assert actions.acts_since("keys", "2", AT) == 0
    last = actions.last_act("keys", TARGET.uid)
    assert last is not None
    assert last.id == "a-2"
    assert actions.last_act("other", TARGET.uid) is None
    assert [a.id for a in actions.last(statuses=[ActionStatus.DRY_RUN])] == ["a-9"]
    assert len(actions.last(2, target_uid=TARGET.uid)) == 2


def test_the_pause_switch(database: Database) -> None:
    state = State(database)
    assert state.paused() is None
    pause = state.pause(who="alice", reason="maintenance", at=AT)
    assert state.pause(who="bob", reason="me too", at=AT + timedelta(hours=1)) == pause
    assert state.paused() == pause
    assert state.resume() == pause
    assert state.resume() is None
    assert state.paused() is None


def test_facts_by_key(database: Database) -> None:
    state = State(database)
    state.set("k", {"a": [1, None]}, AT)
    state.set("k", {"a": 2}, AT)
    assert state.get("k") == {"a": 2}
    state.delete("k")
    assert state.get("k") is None
