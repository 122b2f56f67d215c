"""The past: timelines and differences, and that any sequence of cycles gives at every time what a naive model gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import StorageSettings
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.database import Database
from storage.history import EventKind, History
from storage.inventory import Inventory
from storage.query import Filter
from storage.values import MISSING, ChangeKind, FieldChange

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")


def test_a_timeline_tells_everything(empty_world: Any, make_resource: Make) -> None:
    world, history = empty_world, History(empty_world.database)
    one = make_resource("one", {"Size": 1, "Open": []})
    world.record(SCOPE, [one])
    world.later()
    world.inventory.record_one(make_resource("one", {"Size": 2, "Open": [22]}), world.now, actor="eve")
    world.later()
    world.inventory.mark_gone(one.ref, world.now, actor="mallory")
    world.later(hours=2)
    world.record(SCOPE, [make_resource("one", {"Size": 2}, unread={"Open": "denied"})])
    world.later()
    world.record(SCOPE, [make_resource("one", {"Size": 2, "Open": [22]})])
    entries = history.timeline(one.uid)
    assert [(e.kind, e.actor, e.baseline) for e in entries] == [
        (EventKind.CREATED, None, True),
        (EventKind.CHANGED, "eve", False),
        (EventKind.DELETED, "mallory", False),
        (EventKind.RECREATED, None, False),
        (EventKind.LEARNED, None, False),
    ]
    assert entries[1].fields == (FieldChange("Open[]", MISSING, 22), FieldChange("Size", 1, 2))
    assert entries[4].fields == ()
    assert [e.at for e in entries] == sorted(e.at for e in entries)
    assert history.timeline("nobody") == []


def test_the_fields_of_a_change_are_had_on_demand(world: Any) -> None:
    history = History(world.database)
    (created, *_) = world.cycle()
    assert history.fields_of(created) == ()
    for value in ("a", "b"):
        world.later()
        world.estate.change(world.estate.uid(0), {"Encrypted": value, "Public": None})
        (change,) = world.cycle()
    assert history.fields_of(change) == (FieldChange("Encrypted", "a", "b"),)


def test_the_difference_between_two_times_is_net(world: Any) -> None:
    history = History(world.database)
    world.cycle()
    t0 = world.now
    uid = world.estate.uid
    world.later()
    world.estate.change(uid(1), {"Encrypted": "changed"})
    world.estate.change(uid(2), {"Encrypted": "there and back"})
    world.estate.delete(uid(3))
    world.estate.add(world.estate.scope(0), "new", {})
    world.cycle()
    world.later()
    world.estate.change(uid(2), {"Encrypted": world.estate.generated(2).document["Encrypted"]})
    world.cycle()
    found = {d.ref.uid: d for d in history.diff(t0, world.now)}
    assert {u: d.kind for u, d in found.items()} == {
        uid(1): ChangeKind.CHANGED,
        uid(3): ChangeKind.DELETED,
        "mem:100000000000:north-1:memory.machine/new": ChangeKind.CREATED,
    }
    assert found[uid(1)].fields == (
        FieldChange("Encrypted", world.estate.generated(1).document["Encrypted"], "changed"),
    )
    assert list(history.diff(t0, t0)) == []
    only = Filter(regions=frozenset({world.estate.scope(1).region}))
    assert {d.ref.uid for d in history.diff(t0, world.now, only)} == {uid(1), uid(3)}
    was = Filter(where="document.Encrypted == 'changed'")
    assert [d.ref.uid for d in history.diff(t0, world.now, was)] == [uid(1)]


def test_differences_are_filtered_by_actor(world: Any) -> None:
    history = History(world.database)
    world.cycle()
    t0 = world.now
    for index, actor in ((0, "eve"), (1, "bob")):
        world.estate.change(world.estate.uid(index), {"Encrypted": actor})
        resource = world.provider.reread(world.estate.generated(index).ref)
        world.inventory.record_one(resource, world.later(), actor=actor)
    (found,) = history.diff(t0, world.now, actor="eve")
    assert (found.ref.uid, found.actors) == (world.estate.uid(0), ("eve",))


# ---- the model ------------------------------------------------------------------------------------------------------

SCOPES = tuple(Scope("memory", "1", "north", f"memory.t{n}") for n in range(2))
NAMES = ("a", "b", "c")
BASE = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Step:
    """One reading of one scope: who was seen with which content, and how it ended."""

    scope: int
    seen: dict[str, tuple[int, int | None]]
    """Name -> (A, B); B None: its detail could not be read."""
    complete: bool
    delta: timedelta


steps = st.lists(
    st.builds(
        Step,
        scope=st.integers(0, 1),
        seen=st.dictionaries(
            st.sampled_from(NAMES),
            st.tuples(st.integers(0, 2), st.one_of(st.none(), st.integers(0, 1))),
            max_size=3,
        ),
        complete=st.booleans(),
        delta=st.sampled_from(
            [HOUR, timedelta(0), timedelta(days=2), -timedelta(hours=5), -timedelta(minutes=5)]
        ),
    ),
    min_size=1,
    max_size=12,
)


@dataclass
class Model:
    """The plain meaning of recording: per resource, a list of (from, content), content None where it was gone."""

    lives: dict[str, list[tuple[datetime, dict[str, Any] | None]]] = field(default_factory=dict)
    moments: set[datetime] = field(default_factory=set)

    def play(self, step: Step, at: datetime) -> list[tuple[str, str]]:
        changes = []
        for name, (a, b) in step.seen.items():
            uid = f"{step.scope}:{name}"
            life = self.lives.setdefault(uid, [])
            last_at, last = life[-1] if life else (None, None)
            if last is None and last_at is not None and timedelta(0) < last_at - at <= HOUR:
                continue  # a listing this much older than a proved absence proves nothing
            content: dict[str, Any] = {"A": a}
            if b is not None:
                content["B"] = b
            elif last is not None and "B" in last:
                content["B"] = last["B"]
            else:
                content["unknown"] = True
            if content == last:
                continue
            learned = (
                last is not None and "unknown" in last and {**content, "B": 0} == {"A": last["A"], "B": 0}
            )
            life.append((at if last_at is None else max(at, last_at + TICK), content))
            if not learned:
                changes.append(("created" if last is None else "changed", uid))
        if step.complete:
            for uid, life in self.lives.items():
                there = uid.startswith(f"{step.scope}:") and life and life[-1][1] is not None
                if there and uid.partition(":")[2] not in step.seen:
                    life.append((max(at, life[-1][0] + TICK), None))
                    changes.append(("deleted", uid))
        self.moments.update(moment for life in self.lives.values() for moment, _ in life)
        return sorted(changes)

    def at(self, moment: datetime | None) -> dict[str, dict[str, Any]]:
        state = {}
        for uid, life in self.lives.items():
            past = [content for begin, content in life if moment is None or begin <= moment]
            if past and past[-1] is not None:
                state[uid] = past[-1]
        return state


def play(inventory: Inventory, step: Step, at: datetime) -> list[tuple[str, str]]:
    scope = SCOPES[step.scope]
    recording = inventory.begin(scope, at)
    changes = []
    for name, (a, b) in step.seen.items():
        ref = ResourceRef(
            provider="memory", account="1", region="north", type=scope.type, uid=f"{step.scope}:{name}"
        )
        document = {"A": a} if b is None else {"A": a, "B": b}
        unread = {"B": "denied"} if b is None else {}
        changes += recording.add([Resource(ref=ref, name=name, document=document, unread=unread)])
    status = CoverageStatus.COMPLETE if step.complete else CoverageStatus.PARTIAL
    changes += recording.finish(Coverage(scope=scope, status=status, read=len(step.seen)))
    return sorted((c.kind.value, c.ref.uid) for c in changes)


def stored(inventory: Inventory, moment: datetime | None) -> dict[str, dict[str, Any]]:
    state = {}
    for batch in inventory.find(at=moment):
        for resource in batch:
            never = "B" not in resource.document
            state[resource.uid] = {**resource.document, **({"unknown": True} if never else {})}
    return state


def hold(url: str, sequence: list[Step]) -> None:
    with Database.open(StorageSettings(url=url)) as database:
        inventory, model, at = Inventory(database), Model(), BASE
        for step in sequence:
            at += step.delta
            assert play(inventory, step, at) == model.play(step, at)
            assert stored(inventory, None) == model.at(None)
        for moment in model.moments:
            for near in (moment - TICK, moment, moment + TICK):
                assert stored(inventory, near) == model.at(near)
                assert inventory.count(at=near) == len(model.at(near))
        history = History(database)
        for uid, life in model.lives.items():
            entries = history.timeline(uid)
            assert [e.at for e in entries] == [begin for begin, _ in life]
            assert [e.resource is None for e in entries] == [content is None for _, content in life]
        for earlier in sorted(model.moments)[:3]:
            later = max(model.moments)
            old, new = model.at(earlier), model.at(later)
            expected = {
                uid
                for uid in old.keys() | new.keys()
                if old.get(uid) != new.get(uid)
                and not (
                    uid in old and uid in new and "unknown" in old[uid] and old[uid]["A"] == new[uid]["A"]
                )
            }
            assert {d.ref.uid for d in history.diff(earlier, later)} == expected


@pytest.mark.parametrize("fresh_url", ["sqlite"], indirect=True)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=steps)
def test_any_sequence_of_cycles_is_remembered_as_it_was(
    fresh_url: Callable[[], str], sequence: list[Step]
) -> None:
    hold(fresh_url(), sequence)


@pytest.mark.parametrize("fresh_url", ["postgresql"], indirect=True)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=steps)
def test_any_sequence_of_cycles_is_remembered_on_postgresql(
    fresh_url: Callable[[], str], sequence: list[Step]
) -> None:
    hold(fresh_url(), sequence)
