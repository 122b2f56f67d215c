"""The past is replayed version by version, and a policy's standing is told with what is missing for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from policies.frameworks import Standing
from policies.verdict import Outcome
from providers.errors import Denied
from providers.resource import Scope
from storage.findings import Findings
from storage.query import Filter
from storage.replay import Replay
from storage.standings import Standings

SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")


def test_versions_come_in_order_and_only_those_of_the_time(empty_world: Any, make_resource: Any) -> None:
    world, replay = empty_world, Replay(empty_world.database)
    assert replay.earliest() is None
    assert replay.types() == {}
    names = [f"m{n:04}" for n in range(1_200)]
    world.record(SCOPE, [make_resource(n, {"Id": n, "Size": 1}) for n in names])
    start = world.now
    second = world.later()
    world.record(SCOPE, [make_resource(n, {"Id": n, "Size": 2 if n < "m0600" else 1}) for n in names])
    third = world.later()
    world.record(SCOPE, [make_resource(n, {"Id": n, "Size": 2 if n < "m0600" else 1}) for n in names[1:]])
    assert replay.earliest() == start
    assert set(replay.types()) == {"memory.machine"}

    found = [v for batch in replay.versions({"memory.machine"}, start, third) for v in batch]
    assert len(found) == 1_800
    by_uid: dict[str, list[Any]] = {}
    for version in found:
        by_uid.setdefault(version.resource.uid, []).append(version)
    assert list(by_uid) == sorted(by_uid, key=list(by_uid).index)
    first, last = by_uid[f"mem:{SCOPE.account}:m0000"], by_uid[f"mem:{SCOPE.account}:m0999"]
    assert [(v.valid_from, v.valid_to, v.resource.document["Size"]) for v in first] == [
        (start, second, 1),
        (second, third, 2),
    ]
    assert [(v.valid_from, v.valid_to) for v in last] == [(start, None)]
    later = [v for batch in replay.versions({"memory.*"}, second, third) for v in batch]
    assert len(later) == 1_200
    assert list(replay.versions({"memory.bucket"}, start, third)) == []


def test_moments_are_those_of_the_types_and_of_what_they_are_listed_by(empty_world: Any) -> None:
    world, replay = empty_world, Replay(empty_world.database)
    account, types = (SCOPE.provider, SCOPE.account), {"memory.machine"}
    start = world.now - timedelta(hours=1)
    told: list[Any] = []
    for scope, bears in (
        (SCOPE, True),
        (replace(SCOPE, region="*", type="*"), True),
        (replace(SCOPE, account="organizations/1", region="*", type="*"), True),
        (replace(SCOPE, account="200000000000"), False),
        (replace(SCOPE, type="memory.bucket"), False),
        (replace(SCOPE, provider="other", type="*"), False),
    ):
        world.record(scope, [])
        told += [world.now] if bears else []
        world.later()
    assert replay.moments(types, start, world.now, account) == told
    elsewhere = [told[0] + timedelta(hours=3)]
    assert replay.moments(types, start, world.now) == sorted([*told, *elsewhere])


def test_a_standing_says_what_is_missing(
    empty_world: Any, make_resource: Any, make_policy: Any, make_verdict: Any
) -> None:
    world = empty_world
    findings, standings = Findings(world.database), Standings(world.database)
    policy = replace(make_policy("p1"), types=frozenset({"memory.machine"}))

    def now(**more: Any) -> Standing:
        return standings.of([replace(policy, **more)], world.now)["p1"]

    assert now().gaps == ("p1 was never applied", "memory.machine was never read")
    world.record(SCOPE, [make_resource("a"), make_resource("b"), make_resource("c")])
    world.inventory.mark_applied({"p1": policy.digest}, world.now)
    assert now().gaps == ("3 of memory.machine wait to be judged",)
    batch = [stored for found in world.inventory.due() for stored in found]
    uids = [stored.uid for stored in batch]
    verdicts = [
        make_verdict(uids[0], policy, Outcome.FAIL),
        make_verdict(uids[1], policy, Outcome.UNKNOWN, cause="x"),
        make_verdict(uids[2], policy, Outcome.PASS),
    ]
    findings.apply(verdicts, {"p1": policy}, at=world.now, settled=[stored.ticket for stored in batch])
    assert now() == Standing(failing=1, unknown=1)
    assert now(types=frozenset({"memory.m*"})) == Standing(failing=1, unknown=1)
    assert now(digest=b"another").gaps == ("p1 has changed since it was applied",)
    assert now(types=frozenset({"other.*"})).gaps == ("nothing that p1 judges was ever read",)
    assert now(types=frozenset()).gaps == (
        "p1 names no resource types, so whether they were read cannot be told",
    )
    elsewhere = standings.of([policy], world.now, Filter(accounts=frozenset({"100000000009"})))["p1"]
    assert (elsewhere.failing, elsewhere.gaps) == (0, ("memory.machine was never read",))
    world.later()
    world.estate.fail(SCOPE, Denied("no right to list"))
    reading = world.provider.read(SCOPE)
    list(reading)
    world.record(SCOPE, [], reading.coverage)
    assert now().failing == 1
    assert now().gaps[0].startswith("memory.machine in 100000000000: north-1 of 100000000000 is denied")
