"""The past that a cloud tells: written once, never over what we saw; and whatever the order, what a naive model gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import StorageSettings
from policies.verdict import Outcome
from providers.provider import PastVersion
from providers.resource import ANY, Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.database import Database
from storage.findings import Findings
from storage.flapping import flapping
from storage.history import EventKind, History
from storage.inventory import Inventory
from storage.past import LONGEST_WAIT, Past, PastStatus, Task
from storage.query import Filter
from storage.questions import Questions
from storage.values import ChangeKind, FieldChange, Origin

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
DAY = timedelta(days=1)
BACK = 30 * DAY


def told(resource: Resource, at: datetime, actor: str | None = None) -> PastVersion:
    return PastVersion(ref=resource.ref, at=at, resource=resource, actor=actor)


def take(past: Past, now: datetime, owner: str = "one") -> Task:
    task = past.take("memory", owner, now, back=BACK, lease=timedelta(hours=1))
    assert task is not None
    return task


def test_what_is_told_is_history_with_its_own_times_and_actors(empty_world: Any, make_resource: Make) -> None:
    world, past, history = empty_world, Past(empty_world.database), History(empty_world.database)
    now = make_resource("one", {"Size": 3, "Open": False})
    world.record(SCOPE, [now])
    seen = world.now
    before = world.inventory.get(now.uid)
    task = take(past, world.later())
    assert task.since == seen - BACK
    ((number, ref),) = past.refs(task)
    assert ref == now.ref
    versions = [
        told(make_resource("one", {"Size": 2, "Open": True}), seen - 5 * DAY, "eve"),
        told(make_resource("one", {"Size": 1, "Open": False}), seen - 9 * DAY),
        PastVersion(ref=ref, at=seen - 7 * DAY, resource=None, actor="mallory"),
        told(make_resource("one", {"Size": 2}, unread={"Open": "not kept"}), seen - 2 * DAY, "bob"),
        # Told again with nothing new, and told of a time that we saw ourselves: neither is a version.
        told(make_resource("one", {"Size": 2}, unread={"Open": "not kept"}), seen - DAY, "carol"),
        told(make_resource("one", {"Size": 9}), seen, "late"),
        told(make_resource("one", {"Size": 9}), seen + DAY, "later"),
    ]
    task = past.tell(task, number, versions)
    assert past.refs(task) == []
    assert past.finish(task, PastStatus.COMPLETE, world.now).versions == 3

    entries = history.timeline(now.uid)
    assert [(e.kind, e.at, e.actor, e.origin) for e in entries] == [
        (EventKind.CREATED, seen - 9 * DAY, None, Origin.PAST),
        (EventKind.DELETED, seen - 7 * DAY, "mallory", Origin.PAST),
        (EventKind.RECREATED, seen - 5 * DAY, "eve", Origin.PAST),
        (EventKind.LEARNED, seen - 2 * DAY, "bob", Origin.PAST),
        (EventKind.CHANGED, seen, None, Origin.BASELINE),
    ]
    assert [e.baseline for e in entries] == [True, False, False, False, True]
    assert entries[-1].fields == (FieldChange("Size", 2, 3),)
    # What we saw ourselves is as it was, and nothing waits to be judged because of it.
    assert world.inventory.get(now.uid) == before
    assert world.inventory.get(now.uid, seen - 6 * DAY) is None
    assert [s.document for b in world.inventory.find(at=seen - 8 * DAY) for s in b] == [
        {"Size": 1, "Open": False}
    ]
    assert world.inventory.count(at=seen - 4 * DAY) == 1
    (difference,) = history.diff(seen - 6 * DAY, world.now, actor="eve")
    assert (difference.kind, difference.actors) == (ChangeKind.CREATED, ("eve", "bob"))
    first, dark, *more = Questions(world.database).exposure(
        Filter(where="document.Open"), seen - 20 * DAY, world.now
    )
    assert (first.start, first.end, first.at_least) == (seen - 5 * DAY, seen - 2 * DAY, False)
    assert (dark.certain, more) == (False, [])


def test_our_first_sight_of_what_was_told_is_no_change(empty_world: Any, make_resource: Make) -> None:
    world, past, history = empty_world, Past(empty_world.database), History(empty_world.database)
    whole, part = make_resource("whole", {"A": 1}), make_resource("part", {"A": 1, "B": 1})
    world.record(SCOPE, [whole, part])
    seen, task = world.now, take(past, world.later())
    for number, ref in past.refs(task):
        version = whole if ref == whole.ref else make_resource("part", {"A": 1}, unread={"B": "not kept"})
        task = past.tell(task, number, [told(version, seen - DAY, "eve")])
    for resource in (whole, part):
        kinds = [(e.kind, e.fields) for e in history.timeline(resource.uid)]
        assert kinds == [(EventKind.CREATED, ()), (EventKind.SEEN, ())]
    assert list(history.diff(seen - DAY, world.now)) == []
    assert {d.kind for d in history.diff(seen - 2 * DAY, world.now)} == {ChangeKind.CREATED}
    assert flapping(world.database, seen - 9 * DAY, world.now, more_than=0) == []
    (window, _) = Questions(world.database).exposure(Filter(where="document.A"), seen - 9 * DAY, world.now)
    assert (window.start, window.at_least) == (seen - DAY, True)


def test_a_told_violation_opens_nothing(
    empty_world: Any, make_resource: Make, make_policy: Any, make_verdict: Any
) -> None:
    world, past, findings = empty_world, Past(empty_world.database), Findings(empty_world.database)
    one, policy = make_resource("one", {"Open": False}), make_policy("p")
    world.record(SCOPE, [one])
    tickets = [stored.ticket for batch in world.inventory.due() for stored in batch]
    findings.apply(
        [make_verdict(one.uid, policy, Outcome.PASS)], {"p": policy}, at=world.now, settled=tickets
    )
    task = take(past, world.later())
    ((number, _),) = past.refs(task)
    past.tell(task, number, [told(make_resource("one", {"Open": True}), world.now - DAY)])
    assert world.inventory.due_count() == 0
    assert sum(findings.counts().values()) == 0


def test_only_what_was_there_at_the_first_contact_is_asked_about(
    empty_world: Any, make_resource: Make
) -> None:
    world, past = empty_world, Past(empty_world.database)
    assert past.take("memory", "one", world.now, back=BACK, lease=DAY) is None
    unread = Coverage(scope=SCOPE, status=CoverageStatus.PARTIAL, read=1)
    world.record(SCOPE, [make_resource("early")], unread)
    assert past.take("memory", "one", world.now, back=BACK, lease=DAY) is None, "never read completely"
    world.later()
    world.record(SCOPE, [make_resource("early"), make_resource("first")])
    world.later()
    world.record(SCOPE, [make_resource("early"), make_resource("first"), make_resource("made since")])
    assert past.take("memory", "one", world.now + BACK, back=BACK, lease=DAY) is None, "too long ago"
    assert past.take("azure", "one", world.now, back=BACK, lease=DAY) is None
    task = take(past, world.now)
    assert [ref.uid.rpartition(":")[2] for _, ref in past.refs(task)] == ["early", "first"]
    assert [len(past.refs(task, 1)), len(past.refs(task, 2))] == [1, 2]


def test_a_scope_that_spans_places_asks_for_all_of_them(empty_world: Any, make_resource: Make) -> None:
    world, past = empty_world, Past(empty_world.database)
    wide = Scope("memory", "1", ANY, "memory.*")
    places = [Scope("memory", "1", "north", "memory.a"), Scope("memory", "1", "south", "memory.b")]
    other = Scope("memory", "2", "north", "memory.a")
    world.record(wide, [make_resource("a", scope=places[0]), make_resource("b", scope=places[1])])
    task = take(past, world.now)
    assert {ref.uid for _, ref in past.refs(task)} == {"mem:1:a", "mem:1:b"}
    past.finish(task, PastStatus.COMPLETE, world.now)
    # An organisation's listing holds resources of places it does not name.
    world.record(Scope("memory", "organizations/1", ANY, ANY), [make_resource("c", scope=other)])
    assert [ref.uid for _, ref in past.refs(take(past, world.now))] == ["mem:2:c"]


def test_it_goes_on_where_it_was_left_and_is_done_once(empty_world: Any, make_resource: Make) -> None:
    world, past = empty_world, Past(empty_world.database)
    resources = [make_resource(f"r{n}") for n in range(4)]
    world.record(SCOPE, resources)
    task = take(past, world.now)
    (number, _), (failing, _), *_ = past.refs(task)
    past.fail(past.tell(task, number, [told(resources[0], world.now - DAY)]), failing)
    # The process died. Another may not take it before its lease is over; the same one goes on at once.
    assert past.take("memory", "two", world.now, back=BACK, lease=DAY) is None
    again = take(past, world.now)
    assert [ref.uid for _, ref in past.refs(again)] == [r.uid for r in resources[2:]]
    again = take(past, world.later(hours=2), "two")
    for number, _ in past.refs(again):
        again = past.tell(again, number, [])
    state = past.finish(again, PastStatus.COMPLETE, world.now, cause="it failed", permission="p:Read")
    assert (state.status, state.resources, state.failed) == (PastStatus.PARTIAL, 4, 1)
    assert (state.versions, state.cause, state.permission) == (1, "it failed", "p:Read")
    assert past.take("memory", "one", world.now, back=BACK, lease=DAY) is None
    assert state.next_try_at is not None
    world.now = state.next_try_at
    last = take(past, world.now)
    # What was told of is not asked about again.
    assert [ref.uid for _, ref in past.refs(last)] == [r.uid for r in resources[1:]]
    for number, _ in past.refs(last):
        last = past.tell(last, number, [])
    (state,) = [past.finish(last, PastStatus.COMPLETE, world.now)]
    assert (state.status, state.failed, state.next_try_at) == (PastStatus.COMPLETE, 0, None)
    assert past.states() == [state]
    assert past.take("memory", "one", world.now + LONGEST_WAIT, back=BACK, lease=DAY) is None


def test_what_is_never_answered_is_asked_for_ever_more_rarely(empty_world: Any, make_resource: Make) -> None:
    world, past = empty_world, Past(empty_world.database)
    world.record(SCOPE, [make_resource("one")])
    first, waits = world.now, []
    while (task := past.take("memory", "one", world.now, back=BACK, lease=DAY)) is not None:
        state = past.finish(task, PastStatus.DENIED, world.now, cause="no")
        assert state.next_try_at is not None
        waits.append(state.next_try_at - world.now)
        world.now = state.next_try_at
    assert waits[:6] == [timedelta(hours=h) for h in (1, 2, 4, 8, 16, 24)]
    assert set(waits[6:]) == {LONGEST_WAIT}
    assert BACK <= world.now - first < BACK + DAY
    assert past.states()[0].status is PastStatus.DENIED


# ---- the model ------------------------------------------------------------------------------------------------------

PLACE = Scope("memory", "1", "north", "memory.t")
NAMES = ("a", "b")
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
Life = list[tuple[datetime, int | None]]

readings = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2))
pasts = st.tuples(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.integers(-6, 12), st.none() | st.integers(0, 2)), max_size=6),
)
steps = st.lists(st.one_of(readings, readings, pasts), min_size=1, max_size=10)


def resource(name: str, value: int) -> Resource:
    ref = ResourceRef(provider="memory", account="1", region="north", type=PLACE.type, uid=name)
    return Resource(ref=ref, name=name, document={"N": value})


def model(life: Life, answer: list[tuple[int, int | None]]) -> Life:
    """What was told before the first own sight, each time's last word, without repetitions, and then what we saw."""
    first = life[0][0]
    by_time = {START + timedelta(hours=hour): value for hour, value in answer}
    before: Life = []
    for at in sorted(by_time):
        if at < first and by_time[at] != (before[-1][1] if before else None):
            before.append((at, by_time[at]))
    return before + life


def hold(url: str, sequence: list[Any]) -> None:
    with Database.open(StorageSettings(url=url)) as database:
        inventory, past, history, at = Inventory(database), Past(database), History(database), START
        seen: dict[str, Life] = {}
        whole: dict[str, Life] = {}
        answers: dict[str, list[tuple[int, int | None]]] = {}
        task: Task | None = None
        for step in sequence:
            at += timedelta(hours=1)
            if isinstance(step, dict):
                recording = inventory.begin(PLACE, at)
                recording.add([resource(name, value) for name, value in step.items()])
                recording.finish(Coverage(scope=PLACE, status=CoverageStatus.COMPLETE, read=len(step)))
                for name in NAMES:
                    life = seen.setdefault(name, [])
                    if step.get(name) != (life[-1][1] if life else None):
                        life.append((at, step.get(name)))
                continue
            name, answer = step
            task = task or past.take("memory", "one", at, back=BACK, lease=365 * DAY)
            number = {ref.uid: n for n, ref in past.refs(task)}.get(name) if task is not None else None
            if task is None or number is None:
                continue  # nothing seen yet, made since the first contact, or told of already
            ref = resource(name, 0).ref
            versions = [
                PastVersion(
                    ref=ref,
                    at=START + timedelta(hours=hour),
                    resource=None if value is None else resource(name, value),
                )
                for hour, value in answer
            ]
            past.tell(task, number, versions)
            if len(model(seen[name], answer)) > len(seen[name]):
                answers[name] = answer
        for name, life in seen.items():
            whole[name] = model(life, answers.get(name, [])) if life else []
            entries = history.timeline(name)
            assert [(e.at, None if e.resource is None else e.resource.document["N"]) for e in entries] == (
                whole[name]
            )
            # What we saw ourselves stands at the end of it, untouched.
            assert whole[name][len(whole[name]) - len(life) :] == life
        moments = {moment for life in whole.values() for moment, _ in life}
        for moment in moments:
            for near in (moment - timedelta(microseconds=1), moment):
                expected = {}
                for name, life in whole.items():
                    values = [value for begin, value in life if begin <= near]
                    if values and values[-1] is not None:
                        expected[name] = values[-1]
                found = {s.uid: s.document["N"] for batch in inventory.find(at=near) for s in batch}
                assert found == expected
                assert inventory.count(at=near) == len(expected)


@pytest.mark.parametrize("fresh_url", ["sqlite"], indirect=True)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=steps)
def test_any_order_of_cycles_and_told_pasts(fresh_url: Callable[[], str], sequence: list[Any]) -> None:
    hold(fresh_url(), sequence)


@pytest.mark.parametrize("fresh_url", ["postgresql"], indirect=True)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=steps)
def test_any_order_of_cycles_and_told_pasts_on_postgresql(
    fresh_url: Callable[[], str], sequence: list[Any]
) -> None:
    hold(fresh_url(), sequence)
