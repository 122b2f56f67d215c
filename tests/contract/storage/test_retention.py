"""Thinning the past: what is kept answers as before, whatever happened, wherever the run was cut short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import RetentionRule, RetentionSettings, StorageSettings
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.database import Database
from storage.errors import Damaged
from storage.events import Events
from storage.history import EventKind, History
from storage.inventory import Inventory
from storage.ledger import Ledger
from storage.retention import INTERVAL, kept_moments, prune, take_turn
from storage.tables import VERSION

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
DAY = timedelta(days=1)
NOW = datetime.fromisoformat("2027-05-10T12:00:00Z")
RULE = RetentionSettings(full=10 * DAY, daily=40 * DAY)


def test_the_kept_moments_of_a_rule() -> None:
    moments = kept_moments(RULE, NOW, NOW - 100 * DAY)
    assert moments == sorted(set(moments))
    assert moments[-1] == NOW - 10 * DAY
    assert moments[-2] == datetime.fromisoformat("2027-04-30T00:00:00Z")
    assert moments[0] == datetime.fromisoformat("2027-02-01T00:00:00Z")
    days = [m for m in moments if m >= NOW - 40 * DAY]
    assert {b - a for a, b in pairwise(days[:-1])} == {DAY}
    assert all(m.day == 1 for m in moments if m < NOW - 40 * DAY)
    ended = kept_moments(RetentionRule(full=DAY, daily=DAY, monthly=50 * DAY), NOW, NOW - 100 * DAY)
    assert ended[0] == datetime.fromisoformat("2027-04-01T00:00:00Z")
    at_midnight = kept_moments(RULE, NOW.replace(hour=0), NOW - 20 * DAY)
    assert len(at_midnight) == len(set(at_midnight))


def hourly(world: Any, make_resource: Make, start: datetime, hours: int) -> str:
    """One resource that changes every hour."""
    for hour in range(hours):
        world.now = start + timedelta(hours=hour)
        world.record(SCOPE, [make_resource("one", {"Hour": hour})])
    uid: str = make_resource("one").uid
    return uid


def test_hours_become_days_and_what_is_left_reads_on(empty_world: Any, make_resource: Make) -> None:
    start = datetime.fromisoformat("2027-04-10T00:00:00Z")
    database = empty_world.database
    uid = hourly(empty_world, make_resource, start, 72)
    Events(database).first_time("old", NOW - 500 * DAY)
    dry = prune(database, RULE, NOW, actor="me", dry_run=True)
    assert (dry.removed["versions"], dry.versions_before, dry.versions_after) == (68, 72, 4)
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(VERSION)) == 72
    assert not list(Ledger(database).entries())
    done = prune(database, RULE, NOW, actor="me")
    assert (done.removed, done.versions_after) == ({"versions": 68, "events": 1, "dead letters": 0}, 4)
    assert {p.resources for p in done.proofs} == {1}
    (entry,) = Ledger(database).entries()
    assert (entry.kind, entry.actor, entry.detail["removed"]) == ("history.pruned", "me", done.removed)
    timeline = History(database).timeline(uid)
    assert [e.kind for e in timeline] == [EventKind.CREATED, *[EventKind.CHANGED] * 3]
    assert [e.resource.document["Hour"] for e in timeline if e.resource] == [0, 24, 48, 71]
    assert prune(database, RULE, NOW, actor="me").removed == {"versions": 0, "events": 0, "dead letters": 0}
    assert len(list(Ledger(database).entries())) == 1


def test_types_have_rules_of_their_own(world: Any) -> None:
    world.now = NOW - 100 * DAY
    world.cycle()
    for _ in range(4):
        world.later()
        for index in range(8):
            world.estate.change(world.estate.uid(index), {"Beat": world.now.isoformat()})
        world.cycle()
    rule = RetentionSettings(
        full=DAY,
        daily=DAY,
        types={
            "memory.*": RetentionRule(full=200 * DAY),
            "memory.machine": RetentionRule(full=DAY, daily=DAY),
        },
    )
    machines = sum(world.estate.scope(i % 4).type == "memory.machine" for i in range(8))
    assert 0 < machines < 8
    assert prune(world.database, rule, NOW, actor="me").removed["versions"] == machines * 4


def test_a_deletion_stays_one(empty_world: Any, make_resource: Make) -> None:
    start = datetime.fromisoformat("2027-04-10T00:00:00Z")
    database = empty_world.database
    uid = hourly(empty_world, make_resource, start, 5)
    gone = start + timedelta(hours=9)
    empty_world.inventory.mark_gone(make_resource("one").ref, gone, actor="mallory")
    prune(database, RULE, NOW, actor="me")
    created, deleted = History(database).timeline(uid)
    assert (created.kind, deleted.kind) == (EventKind.CREATED, EventKind.DELETED)
    assert (deleted.at, deleted.actor) == (gone, "mallory")
    assert empty_world.inventory.get(uid, gone - DAY / 24) is not None
    assert empty_world.inventory.get(uid, gone) is None


def test_it_stops_when_told_and_goes_on(empty_world: Any, make_resource: Make) -> None:
    start = datetime.fromisoformat("2027-04-10T00:00:00Z")
    database = empty_world.database
    hourly(empty_world, make_resource, start, 48)
    half = prune(database, RULE, NOW, actor="me", batch=5, progress=lambda removed: removed < 10)
    assert (half.removed, half.complete) == ({"versions": 10}, False)
    assert prune(database, RULE, NOW, actor="me").removed["versions"] == 35


def test_a_kept_moment_that_answers_otherwise_is_told(empty_world: Any, make_resource: Make) -> None:
    start = datetime.fromisoformat("2027-04-10T00:00:00Z")
    database = empty_world.database
    hourly(empty_world, make_resource, start, 48)

    def meddle(_removed: int) -> bool:
        with database.write() as connection:
            connection.execute(
                sa.delete(VERSION).where(
                    VERSION.c.valid_from <= (start.timestamp() + DAY.total_seconds()) * 1e6
                )
            )
        return True

    with pytest.raises(Damaged, match="is not what it was before pruning"):
        prune(database, RULE, NOW, actor="me", progress=meddle)


def test_one_daemon_takes_the_turn_once_a_day(database: Database) -> None:
    assert take_turn(database, NOW)
    assert not take_turn(database, NOW + INTERVAL / 2)
    assert take_turn(database, NOW + INTERVAL)
    assert take_turn(database, NOW - 30 * DAY), "a clock set back must not stop it"


# ---- the model ------------------------------------------------------------------------------------------------------

changes = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([None, 0, 1, 2]),
        st.sampled_from([timedelta(hours=h) for h in (1, 5, 13, 24, 90, 700)]),
    ),
    min_size=1,
    max_size=14,
)
"""Who is seen as what (None: gone), and how much later than the last."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=changes,
    full=st.integers(1, 30),
    daily=st.integers(1, 60),
    monthly=st.one_of(st.none(), st.integers(1, 90)),
)
def test_every_kept_moment_answers_as_before(
    fresh_url: Callable[[], str],
    changes: list[tuple[str, int | None, timedelta]],
    full: int,
    daily: int,
    monthly: int | None,
) -> None:
    scope = Scope("memory", "1", "north", "memory.t")
    rule = RetentionSettings(
        full=full * DAY, daily=daily * DAY, monthly=None if monthly is None else monthly * DAY
    )
    states: dict[str, int] = {}
    model: list[tuple[datetime, dict[str, int]]] = []
    at = NOW - sum((delta for *_, delta in changes), timedelta(0)) - timedelta(hours=1)
    with Database.open(StorageSettings(url=fresh_url())) as database:
        inventory, history = Inventory(database), History(database)
        begin = at
        for name, state, delta in changes:
            at += delta
            states = {k: v for k, v in states.items() if k != name} | ({} if state is None else {name: state})
            recording = inventory.begin(scope, at)
            recording.add([_resource(k, v) for k, v in sorted(states.items())])
            recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(states)))
            model.append((at, dict(states)))

        def then(moment: datetime) -> dict[str, int]:
            return next((s for t, s in reversed(model) if t <= moment), {})

        moments = [*kept_moments(rule, NOW, begin), *(t for t, _ in model if t >= NOW - rule.full), NOW]
        prune(database, rule, NOW, actor="me", batch=2)
        for moment in moments:
            found = {r.name: r.document["N"] for batch in history.at(moment) for r in batch}
            assert found == then(moment), moment
        with database.read() as connection:
            rows = connection.execute(
                sa.select(VERSION).order_by(VERSION.c.resource_id, VERSION.c.valid_from)
            ).all()
        for one, next_ in pairwise(rows):
            assert one.resource_id != next_.resource_id or one.valid_to <= next_.valid_from
        # Recording goes on where it was.
        recording = inventory.begin(scope, NOW)
        assert recording.add([_resource(k, v) for k, v in sorted(states.items())]) == []
        assert recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(states))) == []


def _resource(name: str, state: int) -> Resource:
    ref = ResourceRef(provider="memory", account="1", region="north", type="memory.t", uid=f"mem:{name}")
    return Resource(ref=ref, name=name, document={"N": state})
