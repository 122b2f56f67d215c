"""Questions over the past: windows, time to resolve; and that windows are what a naive model says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import UsageError
from config.settings import StorageSettings
from policies.policy import Policy
from policies.verdict import Outcome, Verdict
from providers.provider import Severity
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.database import Database
from storage.findings import FindingFilter, Findings
from storage.history import EventKind, History
from storage.inventory import Inventory
from storage.query import Filter
from storage.questions import Questions
from storage.windows import fields_read

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
HOUR = timedelta(hours=1)


def test_an_exposure_has_its_true_beginning_and_end(empty_world: Any, make_resource: Make) -> None:
    world, questions = empty_world, Questions(empty_world.database)
    times = []
    for document in ({"Open": True, "N": 1}, {"Open": True, "N": 2}, {"Open": False}, {"Open": True}):
        times.append(world.now)
        world.record(SCOPE, [make_resource("one", document), make_resource("two", {"Open": False})])
        world.later()
    wanted = Filter(where="document.Open")
    first, second = questions.exposure(wanted, times[1], world.now)
    assert (first.start, first.end, first.at_least, first.certain) == (times[0], times[2], True, True)
    assert (second.start, second.end, second.at_least) == (times[3], None, False)
    assert second.seconds(world.now) == 3600
    assert [w.start for w in questions.exposure(wanted, times[2], world.now)] == [times[3]]
    (still,) = questions.exposure(wanted, times[0], times[1])
    assert (still.start, still.end) == (times[0], None)
    world.inventory.mark_gone(make_resource("one").ref, world.now)
    *_, last = questions.exposure(wanted, times[0], world.later())
    assert last.end is not None
    assert not list(
        questions.exposure(Filter(where="document.Open", accounts=frozenset({"9"})), times[0], world.now)
    )


def test_unread_is_neither_open_nor_closed(empty_world: Any, make_resource: Make) -> None:
    world, questions = empty_world, Questions(empty_world.database)
    start = world.now
    world.record(SCOPE, [make_resource("one", {"Id": 1}, unread={"Open": "denied"})])
    learned = world.later()
    world.record(SCOPE, [make_resource("one", {"Id": 1, "Open": True})])
    dark, known = questions.exposure(Filter(where="document.Open"), start, world.later())
    assert (dark.start, dark.end, dark.certain) == (start, learned, False)
    assert (known.start, known.end, known.certain) == (learned, None, True)
    # What does not hang on the unread field is certain throughout.
    (whole,) = questions.exposure(Filter(where="document.Id == `1`"), start, world.now)
    assert (whole.certain, whole.end) == (True, None)


def test_which_fields_an_expression_reads() -> None:
    assert {"document", "Open"} <= fields_read("document.Open == 'Closed'")
    assert "Closed" not in fields_read("document.Open == 'Closed'")
    assert "Public Access" in fields_read('document."Public Access"')
    assert "*" in fields_read("contains(to_string(document), 'x')")
    assert "*" in fields_read("document.*.Open")
    assert "*" not in fields_read("document.Open && document.Other")


def test_an_exposure_needs_an_expression(database: Database, world: Any) -> None:
    with pytest.raises(UsageError, match="needs an expression"):
        next(Questions(database).exposure(Filter(), world.now, world.now))


def test_windows_by_policy_and_time_to_resolve(
    empty_world: Any,
    make_resource: Make,
    make_policy: Callable[..., Policy],
    make_verdict: Callable[..., Verdict],
) -> None:
    world, questions, findings = empty_world, Questions(empty_world.database), Findings(empty_world.database)
    high, low = make_policy("high"), make_policy("low", severity=Severity.LOW)
    policies = {"high": high, "low": low}
    one = make_resource("one", tags={"Team": "red"})
    two = make_resource("two", tags={"Team": "blue"})
    world.record(SCOPE, [one, two])
    start = world.now

    def judge(*said: tuple[Resource, Policy, Outcome]) -> datetime:
        at: datetime = world.later()
        findings.apply([make_verdict(r.uid, p, o) for r, p, o in said], policies, at=at)
        return at

    opened = judge((one, high, Outcome.FAIL), (two, high, Outcome.FAIL), (two, low, Outcome.FAIL))
    closed = judge((one, high, Outcome.PASS))
    world.later(hours=2)
    world.inventory.mark_gone(two.ref, gone := world.later())
    again = judge((one, high, Outcome.FAIL))
    findings.retire({"low"}, world.later())

    windows = list(questions.failing(FindingFilter(policies=frozenset({"high"})), start, again))
    assert [(w.ref.uid, w.start, w.end) for w in windows] == [
        (one.uid, opened, closed),
        (two.uid, opened, gone),
    ]
    paged = list(questions.failing(FindingFilter(), start, world.now + HOUR, batch=1))
    assert len(paged) == 4
    assert len(list(questions.failing(FindingFilter(framework="none"), start, world.now))) == 0

    (by_high, by_low) = questions.resolution("policy", start, world.now)
    assert (by_high.group, by_high.opened, by_high.resolved, by_high.still_open) == ("high", 3, 3, 0)
    # Taking the policy away mended nothing, so that finding's time does not count.
    assert (by_high.mean, by_high.longest) == (2.5 * HOUR, 4 * HOUR)
    assert (by_low.median, by_low.first_at) == (4 * HOUR, opened)
    teams = {r.group: r for r in questions.resolution("tag:Team", start, closed)}
    assert (teams["red"].median, teams["red"].still_open) == (HOUR, 0)
    assert (teams["blue"].median, teams["blue"].still_open, teams["blue"].oldest_open_at) == (None, 2, opened)
    firsts = {r.group: r.first_at for r in questions.resolution("resource", start, world.now)}
    assert firsts == {one.uid: opened, two.uid: opened}
    with pytest.raises(UsageError, match="not grouped by"):
        questions.resolution("colour", start, world.now)


def test_a_finding_is_the_teams_that_had_the_resource_then(
    empty_world: Any,
    make_resource: Make,
    make_policy: Callable[..., Policy],
    make_verdict: Callable[..., Verdict],
) -> None:
    world, questions, findings = empty_world, Questions(empty_world.database), Findings(empty_world.database)
    policy, start = make_policy("p"), world.now
    for team in ("red", "green", None):
        tags = {"Team": team} if team else {}
        world.later()
        world.record(SCOPE, [make_resource("one", {"Id": str(team)}, tags=tags)])
        for outcome in (Outcome.FAIL, Outcome.PASS):
            verdict = make_verdict(make_resource("one").uid, policy, outcome)
            findings.apply([verdict], {"p": policy}, at=world.later())
    told = {r.group: (r.opened, r.resolved) for r in questions.resolution("tag:Team", start, world.now)}
    assert told == {"": (1, 1), "green": (1, 1), "red": (1, 1)}


def test_the_past_of_one_field(empty_world: Any, make_resource: Make) -> None:
    world, history = empty_world, History(empty_world.database)
    start = world.now
    for document in ({"A": 1, "B": {"C": 1}}, {"A": 2, "B": {"C": 1}}, {"A": 2, "B": {"C": 2}}):
        world.record(SCOPE, [make_resource("one", document)])
        world.later()
    uid = make_resource("one").uid
    entries = history.timeline(uid, field="B")
    assert [e.kind for e in entries] == [EventKind.CREATED, EventKind.CHANGED]
    assert [f.path for f in entries[1].fields] == ["B.C"]
    (difference,) = history.diff(start, world.now, field="A")
    assert [f.path for f in difference.fields] == ["A"]
    assert not list(history.diff(start, world.now, field="AB"))


# ---- the model ------------------------------------------------------------------------------------------------------

states = st.lists(st.sampled_from([None, 0, 1, 2]), min_size=1, max_size=10)
"""At each hour: gone, or a number; the expression holds for 1 and 2."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=states, asked=st.tuples(st.integers(0, 10), st.integers(0, 10)))
def test_windows_are_what_a_naive_model_says(
    fresh_url: Callable[[], str], states: list[int | None], asked: tuple[int, int]
) -> None:
    base = datetime.fromisoformat("2026-01-01T00:00:00Z")
    ref = ResourceRef(provider="memory", account="1", region="north", type="memory.t", uid="mem:1")
    scope = Scope("memory", "1", "north", "memory.t")
    since, until = sorted(base + n * HOUR for n in asked)
    with Database.open(StorageSettings(url=fresh_url())) as database:
        inventory = Inventory(database)
        for hour, state in enumerate(states):
            recording = inventory.begin(scope, base + hour * HOUR)
            there = [] if state is None else [Resource(ref=ref, name="r", document={"N": state})]
            recording.add(there)
            recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(there)))
        found = [
            (w.start, w.end)
            for w in Questions(database).exposure(Filter(where="document.N > `0`"), since, until)
        ]
    expected: list[tuple[datetime, datetime | None]] = []
    start: datetime | None = None
    for hour, state in enumerate([*states, *[states[-1]] * (12 - len(states))]):
        at = base + hour * HOUR
        if state and start is None:
            start = at
        elif not state and start is not None:
            expected.append((start, at))
            start = None
    if start is not None:
        expected.append((start, None))
    overlapping = [(s, e) for s, e in expected if s < until and (e is None or e > since)]
    assert found == [(s, e if e is not None and e <= until else None) for s, e in overlapping]
