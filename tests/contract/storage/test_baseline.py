"""Baselines: pinned now or then, what drifted, what is approved, what retention must leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from config.errors import UsageError
from config.settings import RetentionSettings
from providers.resource import ANY, Coverage, CoverageStatus, Resource, Scope
from storage.baseline import Baselines, Word
from storage.codec import MIN_SAMPLES
from storage.database import Database
from storage.errors import NotStored
from storage.history import History
from storage.housekeeping import prune as prune_before
from storage.ledger import Ledger
from storage.query import Filter
from storage.retention import prune

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
DAY = timedelta(days=1)


def word(world: Any, why: str = "audited") -> Word:
    return Word(who="alice", why=why, now=world.now)


def drifted(baselines: Baselines, name: str) -> dict[str, tuple[str, list[str]]]:
    return {d.name: (d.kind.value, [f.path for f in d.fields]) for d in baselines.drift(name)}


def test_drift_is_what_differs_from_what_was_pinned(empty_world: Any, make_resource: Make) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    world.record(SCOPE, [make_resource(n, {"Open": False}) for n in ("a", "b", "c")])
    then = world.now
    world.later()
    world.record(
        SCOPE, [make_resource("a", {"Open": True}), make_resource("b", {"Open": False}), make_resource("d")]
    )
    pinned = baselines.pin("good", Filter(), word(world), at=then)
    assert (pinned.resources, pinned.at, pinned.approved_at) == (3, then, None)
    assert drifted(baselines, "good") == {
        "a": ("changed", ["Open"]),
        "c": ("deleted", []),
        "d": ("created", []),
    }
    baselines.pin("now", Filter(), word(world))
    assert drifted(baselines, "now") == {}
    assert [b.name for b in baselines.all()] == ["good", "now"]
    world.later()
    world.record(SCOPE, [make_resource(n, {"Open": False}) for n in ("a", "b", "c")])
    assert drifted(baselines, "good") == {}, "what came back as it was has not drifted"


def test_as_exported_what_was_never_seen_and_what_is_not_in_it(empty_world: Any, make_resource: Make) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    unread = Scope("memory", "100000000000", "south-1", "memory.machine")
    exported = [
        make_resource("a", {"Open": False, "Size": 1}),
        make_resource("b", {"Open": False}, unread={"Size": "the export does not hold it"}),
        make_resource("gone", {"Open": False}),
        make_resource("elsewhere", {"Open": False}, scope=unread),
        make_resource("b", {"Open": False}, unread={"Size": "the export does not hold it"}),
    ]
    with pytest.raises(UsageError, match="nothing to pin"):
        baselines.pin("none", Filter(types=frozenset({"other"})), word(world), exported=exported)
    made = baselines.pin("delivered", Filter(), word(world), exported=iter(exported))
    assert (made.resources, made.exported) == (4, 4)
    assert drifted(baselines, "delivered") == {}
    assert baselines.unseen("delivered") == 4, "nothing was read yet, so nothing is gone"

    other = Scope("memory", "100000000000", "north-1", "memory.bucket")
    world.record(other, [make_resource("not-exported", {}, scope=other)])
    world.record(
        SCOPE,
        [
            make_resource("a", {"Open": True, "Size": 1}),
            make_resource("b", {"Open": False, "Size": 7}),
            make_resource("new"),
        ],
    )
    assert drifted(baselines, "delivered") == {
        "a": ("changed", ["Open"]),
        "gone": ("deleted", []),
        "new": ("created", []),
    }
    assert baselines.unseen("delivered") == 1
    held = baselines.held([make_resource(n).uid for n in ("a", "b", "gone")])
    assert {u.rpartition(":")[2]: h["delivered"].same for u, h in held.items()} == {
        "a": False,
        "b": True,
        "gone": False,
    }

    assert baselines.approve("delivered", word(world)) == 3
    assert drifted(baselines, "delivered") == {}, "what is of other places is not in question even then"
    made = baselines.get("delivered")
    assert (made.resources, made.exported) == (4, 2)
    world.later()
    world.record(SCOPE, [make_resource("b", {"Open": True, "Size": 7})])
    assert drifted(baselines, "delivered") == {
        "a": ("deleted", []),
        "new": ("deleted", []),
        "b": ("changed", ["Open"]),
    }
    baselines.remove("delivered", word(world))
    assert baselines.all() == []
    assert baselines.held([make_resource("b").uid]) == {}


def test_an_exported_document_is_gone_only_where_its_kind_was_read(
    empty_world: Any, make_resource: Make
) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    whole = Scope("memory", "100000000000", ANY, ANY)
    queue = Scope("memory", "100000000000", "north-1", "memory.queue")
    exported = [make_resource("machine"), make_resource("queue", scope=queue)]
    baselines.pin("delivered", Filter(), word(world), exported=exported)
    # A listing of everything, but for queues.
    without = Coverage(scope=whole, status=CoverageStatus.COMPLETE, excluded=("memory.queue",))
    world.record(whole, [], without)
    assert drifted(baselines, "delivered") == {"machine": ("deleted", [])}
    assert baselines.unseen("delivered") == 1
    # One of all queues, by a prefix.
    world.record(Scope("memory", "100000000000", ANY, "memory.q*"), [])
    assert set(drifted(baselines, "delivered")) == {"machine", "queue"}
    assert baselines.unseen("delivered") == 0


def test_exported_documents_are_read_with_the_dictionary_they_were_written_with(
    empty_world: Any, make_resource: Make
) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    world.record(SCOPE, [make_resource(f"r{n}", {"Number": n, "Text": "x" * 99}) for n in range(MIN_SAMPLES)])
    baselines.pin("delivered", Filter(), word(world), exported=[make_resource("never seen", {"Open": False})])
    with Database.open(world.database.settings) as opened:  # another process, which has read nothing yet
        again = Baselines(opened)
        assert drifted(again, "delivered")["never seen"] == ("deleted", [])


def test_what_baselines_hold_of_a_resource_can_be_asked_for(empty_world: Any, make_resource: Make) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    a, b = make_resource("a", {"Open": False}), make_resource("b", {"Open": False})
    world.record(SCOPE, [a, b])
    first = world.now
    assert baselines.revision() == 0
    baselines.pin("one", Filter(), word(world))
    world.later()
    world.record(SCOPE, [make_resource("a", {"Open": True})])
    baselines.pin("two", Filter(), word(world))
    held = baselines.held([a.uid, b.uid, "nowhere"])
    assert {u: {n: (p.record.document["Open"], p.same) for n, p in h.items()} for u, h in held.items()} == {
        a.uid: {"one": (False, False), "two": (True, True)},
        b.uid: {"one": (False, False)},
    }
    assert (held[a.uid]["one"].since, held[a.uid]["two"].since) == (first, world.now)
    assert baselines.revision() == 2
    baselines.remove("one", word(world))
    assert baselines.revision() == 3
    assert set(baselines.held([a.uid, b.uid])) == {a.uid}


def test_approving_takes_drift_in_and_the_ledger_says_so(empty_world: Any, make_resource: Make) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    world.record(SCOPE, [make_resource(n, {"Open": False}) for n in ("a", "b", "c")])
    baselines.pin("good", Filter(), word(world))
    world.later()
    world.record(
        SCOPE, [make_resource("a", {"Open": True}), make_resource("b", {"Open": True}), make_resource("d")]
    )
    assert baselines.approve("good", word(world, "CHG-1"), [make_resource("a").uid]) == 1
    assert set(drifted(baselines, "good")) == {"b", "c", "d"}
    with pytest.raises(NotStored, match="did not drift"):
        baselines.approve("good", word(world), [make_resource("a").uid])
    assert baselines.approve("good", word(world)) == 3
    assert drifted(baselines, "good") == {}
    assert (baselines.get("good").resources, baselines.get("good").approved_at) == (3, world.now)
    assert baselines.approve("good", word(world)) == 0
    baselines.remove("good", word(world, "enough"))
    assert baselines.all() == []
    entries = list(Ledger(world.database).entries(kind="baseline.*"))
    assert [(e.kind, e.actor, e.subject) for e in entries] == [
        ("baseline.pinned", "alice", "good"),
        ("baseline.approved", "alice", "good"),
        ("baseline.approved", "alice", "good"),
        ("baseline.removed", "alice", "good"),
    ]
    assert entries[1].detail["drift"] == [{"resource": make_resource("a").uid, "what": "changed"}]


def test_a_part_of_the_estate(world: Any) -> None:
    baselines = Baselines(world.database)
    world.cycle()
    one = world.estate.scope(0)
    wanted = Filter(types=frozenset({one.type}), regions=frozenset({one.region}), where="document.Id != 'x'")
    pinned = baselines.pin("part", wanted, word(world))
    assert (pinned.resources, pinned.wanted) == (10, wanted)
    world.later()
    world.estate.change(world.estate.uid(1), {"Encrypted": "elsewhere"})
    world.estate.add(one, "new", {})
    world.cycle()
    assert [d.kind.value for d in baselines.drift("part")] == ["created"]


def test_a_field_learned_is_no_drift(empty_world: Any, make_resource: Make) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    world.record(SCOPE, [make_resource("a", {"Id": 1}, unread={"Open": "denied"})])
    baselines.pin("good", Filter(), word(world))
    world.later()
    world.record(SCOPE, [make_resource("a", {"Id": 1, "Open": True})])
    assert drifted(baselines, "good") == {}


def test_what_cannot_be_pinned(world: Any) -> None:
    baselines = Baselines(world.database)
    with pytest.raises(UsageError, match="nothing to pin"):
        baselines.pin("early", Filter(), word(world))
    assert baselines.all() == []
    assert not list(Ledger(world.database).entries())
    world.cycle()
    baselines.pin("good", Filter(), word(world))
    with pytest.raises(UsageError, match="already"):
        baselines.pin("good", Filter(), word(world))
    with pytest.raises(UsageError, match="no name"):
        baselines.pin(" ", Filter(), word(world))
    with pytest.raises(NotStored, match="no baseline other"):
        list(baselines.drift("other"))


def test_retention_leaves_what_a_baseline_holds(empty_world: Any, make_resource: Make) -> None:
    world, baselines = empty_world, Baselines(empty_world.database)
    for beat in range(6):
        world.record(SCOPE, [make_resource("a", {"Beat": beat})])
        if beat == 2:
            baselines.pin("good", Filter(), word(world))
        world.later()
    now = world.now + 300 * DAY
    rules = RetentionSettings(full=DAY, daily=DAY)
    prune(world.database, rules, now, actor="me")
    (found,) = baselines.drift("good")
    assert [(f.before, f.after) for f in found.fields] == [(2, 5)]
    prune_before(world.database, now)
    assert [f.before for d in baselines.drift("good") for f in d.fields] == [2]
    baselines.remove("good", word(world))
    prune(world.database, rules, now, actor="me")
    assert len(History(world.database).timeline(make_resource("a").uid)) == 1
