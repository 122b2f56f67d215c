"""Who did it: whoever the cloud's record names in the window of a change, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from config.settings import Mode
from providers.provider import Action, Deed, Receipt
from providers.resource import ANY, Coverage, CoverageStatus, Resource, Scope
from storage.actions import ActionRecord, Actions, ActionStatus
from storage.attribution import HORIZON, LATE, WAIT, Attributions, AttributionStatus
from storage.history import EventKind, History

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
LAG = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def deed(at: datetime, actor: str | None = "eve", **more: Any) -> Deed:
    return Deed(**{"id": f"e-{actor}-{at.isoformat()}", "at": at, "actor": actor, "operation": "Put", **more})


class Watcher:
    """Cycles that take two minutes each, so that windows overlap as they do."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.attributions = Attributions(world.database)
        self.history = History(world.database)

    def cycle(self, *resources: Resource) -> datetime:
        world = self.world
        at: datetime = world.later(minutes=15)
        recording = world.inventory.begin(SCOPE, at, clock=lambda: at + 2 * MINUTE)
        recording.add(resources)
        recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE, read=len(resources)))
        return at

    def pending(self, now: datetime, limit: int = 100) -> list[Any]:
        return self.attributions.pending("memory", now, lag=LAG, limit=limit)


@pytest.fixture
def watcher(empty_world: Any) -> Watcher:
    return Watcher(empty_world)


def test_one_actor_in_the_window_is_the_actor(watcher: Watcher, make_resource: Make) -> None:
    one = make_resource("one", {"A": 1})
    first = watcher.cycle(one)
    assert watcher.pending(first + HORIZON) == [], "what was there at the first contact is no change"
    second = watcher.cycle(make_resource("one", {"A": 2}))
    assert watcher.pending(second + LAG) == [], "the record may not be complete yet"
    now = second + 2 * MINUTE + LAG
    (question,) = watcher.pending(now)
    assert (question.ref, question.at) == (one.ref, second)
    assert (question.since, question.until) == (first, second + 2 * MINUTE)
    told = [
        deed(first + 3 * MINUTE, request_id="r-1", source_ip="198.51.100.7", user_agent="cli"),
        deed(first + 5 * MINUTE),
        deed(first, "mallory"),
        deed(question.until + MINUTE, "late"),
    ]
    assert watcher.attributions.answer(question, told, now) is AttributionStatus.KNOWN
    assert watcher.pending(now + HORIZON) == []
    _, changed = watcher.history.timeline(one.uid)
    assert (changed.kind, changed.actor) == (EventKind.CHANGED, "eve")
    assert changed.who is not None
    assert changed.who.deeds == tuple(told[:2])
    (difference,) = watcher.history.diff(first, now, actor="eve")
    assert difference.actors == ("eve",)
    assert list(watcher.history.diff(first, now, actor="mallory")) == []


def test_a_listing_that_leaves_the_type_out_begins_no_window(watcher: Watcher, make_resource: Make) -> None:
    first = watcher.cycle(make_resource("one", {"A": 1}))
    watcher.world.later(minutes=10)
    everything = Scope(SCOPE.provider, SCOPE.account, ANY, ANY)
    without = Coverage(scope=everything, status=CoverageStatus.COMPLETE, excluded=("memory.mach*",))
    watcher.world.record(everything, [], without)
    second = watcher.cycle(make_resource("one", {"A": 2}))
    (question,) = watcher.pending(second + HORIZON)
    assert question.since == first
    shown = watcher.world.later(minutes=10)
    watcher.world.record(
        Scope(SCOPE.provider, SCOPE.account, ANY, "memory.*"), [make_resource("one", {"A": 2})]
    )
    third = watcher.cycle(make_resource("one", {"A": 3}))
    assert [q.since for q in watcher.pending(third + LATE)] == [shown, first]


@pytest.mark.parametrize("others", [("bob",), (None,)])
def test_several_are_candidates_and_none_is_the_actor(
    watcher: Watcher, make_resource: Make, others: tuple[str | None, ...]
) -> None:
    first = watcher.cycle(make_resource("one", {"A": 1}))
    second = watcher.cycle(make_resource("one", {"A": 2}))
    (question,) = watcher.pending(second + HORIZON)
    told = [deed(first + MINUTE * 3), *(deed(first + MINUTE * 4, other) for other in others)]
    assert watcher.attributions.answer(question, told, second + LATE) is AttributionStatus.AMBIGUOUS
    _, changed = watcher.history.timeline(question.ref.uid)
    assert changed.actor is None
    assert changed.who is not None
    assert {d.actor for d in changed.who.deeds} == {"eve", *others}
    assert list(watcher.history.diff(first, second, actor="eve")) == []


def test_a_deletion_and_a_creation_have_makers_too(watcher: Watcher, make_resource: Make) -> None:
    first = watcher.cycle(make_resource("one"))
    second = watcher.cycle(make_resource("two"))
    questions = {q.ref.uid[-3:]: q for q in watcher.pending(second + HORIZON)}
    assert set(questions) == {"one", "two"}
    for name, who in (("one", "mallory"), ("two", "bob")):
        watcher.attributions.answer(questions[name], [deed(first + 3 * MINUTE, who)], second + LATE)
    _, deleted = watcher.history.timeline(questions["one"].ref.uid)
    (created,) = watcher.history.timeline(questions["two"].ref.uid)
    assert (deleted.kind, deleted.actor) == (EventKind.DELETED, "mallory")
    assert (created.kind, created.actor) == (EventKind.CREATED, "bob")
    assert deleted.who is not None
    assert deleted.who.status is AttributionStatus.KNOWN


def test_a_deed_explains_one_change_only(watcher: Watcher, make_resource: Make) -> None:
    """What was done while a reading was under way lies in its window and in the next one's."""
    watcher.cycle(make_resource("one", {"A": 1}))
    second = watcher.cycle(make_resource("one", {"A": 2}))
    (question,) = watcher.pending(second + HORIZON)
    during = deed(second + MINUTE)
    watcher.attributions.answer(question, [during], second + LATE)
    third = watcher.cycle(make_resource("one", {"A": 3}))
    (question,) = watcher.pending(third + HORIZON)
    assert question.since == second < during.at
    assert watcher.attributions.answer(question, [during], third + LATE) is AttributionStatus.ASKING
    *_, changed = watcher.history.timeline(question.ref.uid)
    assert changed.actor is None


def test_a_silent_record_is_asked_once_more(watcher: Watcher, make_resource: Make) -> None:
    watcher.cycle(make_resource("one", {"A": 1}))
    second = watcher.cycle(make_resource("one", {"A": 2}))
    now = second + 20 * MINUTE
    (question,) = watcher.pending(now)
    assert watcher.attributions.answer(question, [], now) is AttributionStatus.ASKING
    assert watcher.pending(now + MINUTE) == []
    now = question.until + LATE
    assert watcher.pending(now) == [question]
    assert watcher.attributions.answer(question, [], now) is AttributionStatus.UNRECORDED
    assert watcher.pending(now + WAIT) == []


def test_what_could_not_be_asked_is_said_and_given_up_after_a_day(
    watcher: Watcher, make_resource: Make
) -> None:
    watcher.cycle(make_resource("one", {"A": 1}))
    second = watcher.cycle(make_resource("one", {"A": 2}))
    now = second + 20 * MINUTE
    (question,) = watcher.pending(now)
    watcher.attributions.unanswered(question, now, cause="denied", permission="p:Look", final=False)
    assert watcher.pending(now + MINUTE) == []
    assert watcher.pending(now + WAIT) == [question]
    assert watcher.pending(question.until + HORIZON + MINUTE) == []
    *_, changed = watcher.history.timeline(question.ref.uid)
    assert changed.who is not None
    assert (changed.who.status, changed.who.cause) == (AttributionStatus.UNANSWERED, "denied")
    assert changed.who.permission == "p:Look"


def test_the_newest_have_their_turn_first(watcher: Watcher, make_resource: Make) -> None:
    watcher.cycle(make_resource("one", {"A": 1}), make_resource("two", {"A": 1}))
    second = watcher.cycle(make_resource("one", {"A": 2}), make_resource("two", {"A": 1}))
    third = watcher.cycle(make_resource("one", {"A": 2}), make_resource("two", {"A": 2}))
    assert [q.at for q in watcher.pending(third + LATE)] == [third, second]
    assert [q.at for q in watcher.pending(third + LATE, limit=1)] == [third]


def test_what_an_event_tells_needs_no_asking(empty_world: Any, make_resource: Make) -> None:
    world, history = empty_world, History(empty_world.database)
    one = make_resource("one", {"A": 1})
    world.record(SCOPE, [one])
    done = deed(world.later(), request_id="r-7", source_ip="198.51.100.7")
    world.inventory.record_one(make_resource("one", {"A": 2}), world.now, actor="eve", deed=done)
    gone = deed(world.later(), "mallory")
    world.inventory.mark_gone(one.ref, world.now, actor="mallory", deed=gone)
    _, changed, deleted = history.timeline(one.uid)
    assert [e.who.deeds for e in (changed, deleted) if e.who is not None] == [(done,), (gone,)]
    assert Attributions(world.database).pending("memory", world.now + LATE, lag=LAG, limit=9) == []
    # An event that names nobody leaves a question, from the last complete reading on.
    world.inventory.record_one(make_resource("one", {"A": 3}), world.later())
    (question,) = Attributions(world.database).pending("memory", world.now + LAG, lag=LAG, limit=9)
    assert question.until == world.now


def test_our_own_act_is_known_by_its_request_only(watcher: Watcher, make_resource: Make) -> None:
    one = make_resource("one", {"A": 1})
    first = watcher.cycle(one)
    actions = Actions(watcher.world.database)
    action = Action(kind="memory.set_field", target=one.ref)
    actions.propose(ActionRecord(id="a-1", hook="fix", action=action, mode=Mode.AUTO, created_at=first))
    receipt = Receipt(action=action, changed=True, before={}, after={}, request_id="r-ours")
    actions.update("a-1", ActionStatus.DONE, first, receipt=receipt)
    second = watcher.cycle(make_resource("one", {"A": 2}))
    (question,) = watcher.pending(second + LATE)
    ours = deed(first + 3 * MINUTE, "role/watchstander", request_id="r-ours")
    like = deed(first + 4 * MINUTE, "role/watchstander", request_id="r-other")
    watcher.attributions.answer(question, [ours, like], second + LATE)
    *_, changed = watcher.history.timeline(one.uid)
    assert changed.who is not None
    assert changed.who.ours == {ours.id}


def test_what_is_let_go_of_takes_its_maker_along(watcher: Watcher, make_resource: Make) -> None:
    from config.settings import RetentionSettings
    from storage.retention import prune

    for n in range(4):
        at = watcher.cycle(make_resource("one", {"A": n}))
    for question in watcher.pending(at + HORIZON):
        watcher.attributions.answer(question, [deed(question.until - 3 * MINUTE)], at + LATE)
    prune(watcher.world.database, RetentionSettings(), at + timedelta(days=200), actor="test")
    entries = watcher.history.timeline(make_resource("one").uid)
    assert len(entries) == 1
    import sqlalchemy as sa

    from storage.tables import ATTRIBUTION

    with watcher.world.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(ATTRIBUTION)) == 1
