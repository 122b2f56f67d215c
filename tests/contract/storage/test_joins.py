"""What joining policies are told by the store: versions that move with every change and with nothing else, and gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from policies.policy import Policy
from policies.verdict import Outcome
from providers.resource import ANY, Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.findings import Findings
from storage.joins import Joins, Key, TypeState, version_of

MACHINE = "memory.machine"
NORTH = Scope("memory", "1", "north", MACHINE)
SOUTH = Scope("memory", "1", "south", MACHINE)
Make = Callable[..., Resource]


@pytest.fixture
def joins(empty_world: Any) -> Joins:
    return Joins(empty_world.database)


def state(joins: Joins, kind: str = MACHINE, account: str = "1", provider: str = "memory") -> TypeState:
    return joins.states({kind})[provider, account][kind]


def test_the_version_moves_with_every_change_and_with_nothing_else(
    empty_world: Any, joins: Joins, make_resource: Make
) -> None:
    world, seen = empty_world, []

    def step(*resources: Resource) -> bytes:
        world.later()
        world.record(NORTH, resources)
        seen.append(state(joins).version)
        return seen[-1]

    a, b = (make_resource(name, scope=NORTH) for name in "ab")
    first = step(a)
    assert step(a) == first
    step(a, b)
    step(a, make_resource("b", {"Size": 2}, scope=NORTH))
    step(a, make_resource("b", {"Size": 2}, scope=NORTH, unread={"Size": "denied"}))
    step(a)  # b is gone
    assert step(a) == seen[-2]
    step(a, make_resource("b", {"Size": 2}, scope=NORTH))  # and there again
    assert len(set(seen)) == len(seen) - 2
    queue = Scope("memory", "1", "north", "memory.queue")
    world.record(queue, [make_resource("q", scope=queue)])
    assert state(joins).version == seen[-1]


def test_an_early_re_read_and_a_proved_absence_move_it(
    empty_world: Any, joins: Joins, make_resource: Make
) -> None:
    world = empty_world
    a = make_resource("a", scope=NORTH)
    world.record(NORTH, [a])
    versions = [state(joins).version]
    world.inventory.record_one(make_resource("a", {"Size": 3}, scope=NORTH), world.later())
    versions.append(state(joins).version)
    world.inventory.mark_gone(a.ref, world.later())
    versions.append(state(joins).version)
    assert len(set(versions)) == 3


def test_a_resource_that_moves_moves_both_places(empty_world: Any, joins: Joins, make_resource: Make) -> None:
    world = empty_world
    other = Scope("memory", "2", "north", MACHINE)
    world.record(NORTH, [make_resource("a", scope=NORTH, uid="a")])
    world.record(other, [])
    before = state(joins).version, state(joins, account="2").version
    world.later()
    world.inventory.record_one(make_resource("a", scope=other, uid="a"), world.now)
    after = state(joins).version, state(joins, account="2").version
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("status", [s for s in CoverageStatus if s is not CoverageStatus.COMPLETE])
def test_one_region_that_was_not_read_is_a_gap(
    empty_world: Any, joins: Joins, make_resource: Make, status: CoverageStatus
) -> None:
    world = empty_world
    world.record(NORTH, [make_resource("a", scope=NORTH)])
    world.record(SOUTH, [])
    whole = state(joins)
    assert whole.gap is None
    world.later()
    world.record(SOUTH, [], Coverage(scope=SOUTH, status=status, cause="why"))
    broken = state(joins)
    assert broken.gap == f"south of 1 is {status}: why"
    assert broken.version != whole.version
    world.later()
    world.record(SOUTH, [], Coverage(scope=SOUTH, status=status, cause="another request id"))
    assert state(joins).version == broken.version
    world.record(SOUTH, [])
    assert state(joins) == whole


def test_a_listing_that_spans_types_covers_them_but_for_what_it_leaves_out(
    empty_world: Any, joins: Joins
) -> None:
    wide = Scope("memory", "1", ANY, ANY)
    empty_world.record(
        wide, [], Coverage(scope=wide, status=CoverageStatus.COMPLETE, excluded=("memory.que*",))
    )
    assert state(joins).gap is None
    assert state(joins, "memory.queue").gap == "it is not among what is read in 1"


def test_what_was_refused_as_a_whole_and_is_entered_now_has_read_nothing_by_itself(
    empty_world: Any, joins: Joins, make_resource: Make
) -> None:
    world = empty_world
    cloud, account = Scope("memory", ANY, ANY, ANY), Scope("memory", "1", ANY, ANY)
    for scope in (cloud, account):
        world.record(
            scope, [], Coverage(scope=scope, status=CoverageStatus.DENIED, cause="there are no credentials")
        )
    refused = world.now
    denied = "* of {} is denied: there are no credentials"
    assert state(joins, account=ANY).gap == denied.format(ANY)  # the estate must know
    assert state(joins).gap == denied.format("1")
    world.inventory.settle_refusals("memory", {"1"}, set(), world.later(), 1)
    for at in (None, world.now):
        assert set(joins.states({MACHINE}, at=at)) == {("memory", "1")}, "all of a cloud is no account"
        assert (
            joins.states({MACHINE}, at=at)["memory", "1"][MACHINE].gap == "it is not among what is read in 1"
        )
    assert joins.states({MACHINE}, at=refused)["memory", ANY][MACHINE].gap == denied.format(ANY)
    world.record(NORTH, [make_resource("a", scope=NORTH)])
    assert state(joins).gap is None


def test_an_organisations_listing_covers_its_projects(empty_world: Any, joins: Joins) -> None:
    world = empty_world
    org = Scope("gcp", "organizations/1", ANY, ANY)
    kind = "compute.googleapis.com/Instance"
    ref = ResourceRef(provider="gcp", account="p", region="zone", type=kind, uid="//vm")
    vm = Resource(ref=ref, name="vm", document={})
    world.record(org, [vm])
    found = joins.states({kind, "sqladmin.googleapis.com/Instance"})
    assert set(found) == {("gcp", "p")}
    assert {s.gap for s in found["gcp", "p"].values()} == {None}
    world.later()
    world.record(org, [vm], Coverage(scope=org, status=CoverageStatus.PARTIAL))
    assert state(joins, kind, "p", "gcp").gap == "* of p is partial"


def test_each_cloud_is_asked_for_its_own_types(empty_world: Any, joins: Joins) -> None:
    empty_world.record(NORTH, [])
    for scope in (Scope("azure", "s", ANY, ANY), Scope("aws", "1", "eu", "aws.vpc")):
        empty_world.record(scope, [])
    found = joins.states({"aws.vpc", "microsoft.compute/virtualmachines", MACHINE})
    assert {place: set(types) for place, types in found.items()} == {
        ("memory", "1"): {MACHINE},
        ("azure", "s"): {"microsoft.compute/virtualmachines"},
        ("aws", "1"): {"aws.vpc"},
    }
    assert set(joins.states({"aws.vpc", MACHINE}, only=("aws", "1"))) == {("aws", "1")}
    assert joins.states(set()) == {}


def test_what_was_applied_is_remembered_until_the_policy_is_retired(empty_world: Any, joins: Joins) -> None:
    one, two = Key("p", "memory", "1"), Key("q", "", "")
    for digest in (b"old", b"new"):
        joins.mark(one, digest, empty_world.now)
    joins.mark(two, b"all", empty_world.now)
    assert joins.applied() == {one: b"new", two: b"all"}
    Findings(empty_world.database).retire({"q"}, empty_world.now)
    assert joins.applied() == {two: b"all"}
    joins.forget([two])
    assert joins.applied() == {}


def test_marking_joins_the_transaction_of_the_findings(empty_world: Any, joins: Joins) -> None:
    findings = Findings(empty_world.database)

    def cut_short() -> None:
        with findings.together():
            joins.mark(Key("p", "memory", "1"), b"x", empty_world.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cut_short()
    assert joins.applied() == {}


def test_what_is_decided_and_what_is_there(
    empty_world: Any,
    joins: Joins,
    make_resource: Make,
    make_policy: Callable[..., Policy],
    make_verdict: Callable[..., Any],
) -> None:
    world, policy = empty_world, make_policy("p")
    a, b, c = (make_resource(name, scope=NORTH, uid=name) for name in "abc")
    other = make_resource("d", scope=Scope("memory", "2", "north", MACHINE), uid="d")
    world.record(NORTH, [a, b, c])
    world.record(Scope("memory", "2", "north", MACHINE), [other])
    verdicts = [
        make_verdict("a", policy, Outcome.FAIL),
        make_verdict("b", policy, Outcome.UNKNOWN, cause="why"),
        make_verdict("c", policy, Outcome.PASS),
        make_verdict("d", policy, Outcome.FAIL),
    ]
    Findings(world.database).apply(verdicts, {"p": policy}, at=world.now)
    assert joins.decided("p", "memory", "1") == {"a", "b"}
    assert joins.decided("p") == {"a", "b", "d"}
    assert joins.present({"a", "d", "nobody"}, "memory", "1") == {"a"}
    assert joins.present({"a", "d", "nobody"}) == {"a", "d"}


def test_a_version_over_several_types_hangs_on_those_alone() -> None:
    x, y, z = (TypeState(version=name, gap=None) for name in (b"x", b"y", b"z"))
    whole = version_of([{"a": x, "b": y}], {"a", "b"})
    assert version_of([{"a": x, "b": y, "c": z}], {"a", "b"}) == whole
    assert version_of([{"a": x, "b": z}], {"a", "b"}) != whole
    assert version_of([{"a": x, "b": y}, {"a": x, "b": y}], {"a", "b"}) != whole
