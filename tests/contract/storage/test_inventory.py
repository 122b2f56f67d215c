"""Recording readings: what is stored, what is not, and what may be concluded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from config.errors import UsageError
from providers.errors import Denied, Throttled
from providers.provider import Selection
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.inventory import Inventory
from storage.query import Filter
from storage.tables import Table
from storage.values import ChangeKind, Origin

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")


def rows(world: Any) -> dict[str, int]:
    with world.database.read() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in Table.metadata.sorted_tables
        }


def kinds(changes: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.kind.value] = found.get(change.kind.value, 0) + 1
    return found


def test_first_cycle_is_a_baseline(world: Any) -> None:
    changes = world.cycle()
    assert kinds(changes) == {"created": 40}
    assert all(change.first_contact for change in changes)
    assert world.inventory.count() == 40
    assert world.inventory.due_count() == 40
    assert all(r.baseline for batch in world.inventory.due() for r in batch)
    world.later()
    world.estate.add(world.estate.scope(0), "new", {})
    (change,) = world.cycle()
    assert (change.kind, change.first_contact) == (ChangeKind.CREATED, False)


def test_an_unchanged_cycle_writes_no_row_per_resource(world: Any) -> None:
    world.cycle()
    before = rows(world)
    world.later()
    written = _writes(world)
    assert world.cycle() == []
    assert rows(world) == before
    # A scope's newest coverage is one row; there are four scopes, and forty resources.
    assert _writes(world) - written <= 4


def _writes(world: Any) -> int:
    """Rows written so far, as the database counts them."""
    with world.database.write() as connection:
        if world.database.sqlite:
            return int(connection.exec_driver_sql("SELECT total_changes()").scalar())
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    with world.database.write() as connection:
        query = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"
        return int(connection.scalar(sa.text(query)))


def test_changes_and_deletions_are_told_by_digest(world: Any) -> None:
    world.cycle()
    first = world.now
    uid, gone = world.estate.uid(3), world.estate.uid(4)
    world.later()
    world.estate.change(uid, {"Encrypted": "maybe"})
    world.estate.delete(gone)
    changed, deleted = sorted(world.cycle(), key=lambda c: c.kind)
    assert (changed.kind, changed.ref.uid) == (ChangeKind.CHANGED, uid)
    assert changed.before_digest != changed.after_digest
    assert (deleted.kind, deleted.ref.uid) == (ChangeKind.DELETED, gone)
    assert world.inventory.get(uid).document["Encrypted"] == "maybe"
    assert world.inventory.get(uid, at=first).document == world.estate.generated(3).document
    assert world.inventory.get(gone) is None
    assert world.inventory.get(gone, at=first).uid == gone
    assert world.inventory.count() == 39
    assert world.inventory.count(at=first) == 40


@pytest.mark.parametrize("after", [0, 3])
def test_a_failed_reading_concludes_nothing(world: Any, after: int) -> None:
    world.cycle()
    broken = world.estate.scope(1)
    world.estate.fail(broken, Throttled("slow down"), after=after)
    world.estate.delete(world.estate.uid(1))
    world.estate.delete(world.estate.uid(2))
    world.later()
    (change,) = world.cycle()
    assert change.ref.uid == world.estate.uid(2)
    state = {s.scope: s for s in world.inventory.coverage()}[broken]
    assert state.status is (CoverageStatus.PARTIAL if after else CoverageStatus.THROTTLED)
    assert state.cause == "slow down"
    assert state.last_complete_at < state.last_attempt_at == world.now
    world.estate.mend()
    world.later()
    (change,) = world.cycle()
    assert (change.kind, change.ref.uid) == (ChangeKind.DELETED, world.estate.uid(1))


def test_a_denied_scope_is_first_contact_when_it_is_read_at_last(world: Any) -> None:
    broken = world.estate.scope(1)
    world.estate.fail(broken, Denied("no", permission="memory:List"))
    assert len(world.cycle()) == 30
    state = {s.scope: s for s in world.inventory.coverage()}[broken]
    assert (state.status, state.permission) == (CoverageStatus.DENIED, "memory:List")
    assert state.last_complete_at is None
    world.estate.mend()
    world.later()
    changes = world.cycle()
    assert len(changes) == 10
    assert all(change.first_contact for change in changes)


def test_a_narrower_cycle_leaves_the_rest_alone(world: Any) -> None:
    world.cycle()
    for index in range(4):
        world.estate.delete(world.estate.uid(index))
    world.later()
    scope = world.estate.scope(2)
    selection = Selection(types=frozenset({scope.type}), regions=frozenset({scope.region}))
    changes = world.cycle(selection)
    assert [c.ref.uid for c in changes] == [world.estate.uid(2)]
    assert world.inventory.count() == 39


def test_coverage_history_grows_only_when_the_status_changes(world: Any) -> None:
    broken = world.estate.scope(1)
    for step in range(6):
        if step == 2:
            world.estate.fail(broken, Denied("no"))
        if step == 4:
            world.estate.mend()
        world.cycle()
        world.later()
    assert rows(world)["coverage"] == 4 + 2


def test_a_wider_scope_knows_what_narrower_ones_recorded(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    one, two = make_resource("one"), make_resource("two")
    world.record(SCOPE, [one, two])
    wide = Scope("memory", SCOPE.account, "*", "*")
    world.later()
    changes = world.record(wide, [one, make_resource("three")])
    assert {(c.kind.value, c.ref.uid) for c in changes} == {
        ("deleted", two.uid),
        ("created", "mem:100000000000:three"),
    }
    # The type in this region was read completely before, so what is new in it is news.
    assert not any(c.first_contact for c in changes if c.kind is ChangeKind.CREATED)
    other = make_resource("four", scope=Scope("memory", SCOPE.account, "south-1", "memory.bucket"))
    world.later()
    (created,) = world.record(wide, [one, make_resource("three"), other])
    assert not created.first_contact


def test_a_narrower_scope_deletes_what_a_wider_one_recorded(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    elsewhere = make_resource("else", scope=Scope("memory", SCOPE.account, "south-1", "memory.machine"))
    world.record(Scope("memory", SCOPE.account, "*", "*"), [make_resource("one"), elsewhere])
    world.later()
    (change,) = world.record(SCOPE, [])
    assert (change.kind, change.ref.uid) == (ChangeKind.DELETED, "mem:100000000000:one")
    assert world.inventory.count() == 1


def test_types_left_out_of_a_wide_scope_are_not_deleted(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    wide = Scope("memory", SCOPE.account, "*", "*")
    bucket = make_resource("b", scope=Scope("memory", SCOPE.account, "north-1", "memory.bucket"))
    world.record(wide, [make_resource("one"), bucket])
    world.later()
    coverage = Coverage(scope=wide, status=CoverageStatus.COMPLETE, excluded=("memory.buck*",))
    (change,) = world.record(wide, [], coverage)
    assert change.ref.type == "memory.machine"
    world.later()
    # Taken in again: what was never covered before is a baseline, not news.
    new = make_resource("c", scope=Scope("memory", SCOPE.account, "north-1", "memory.bucket"))
    (change,) = world.record(wide, [bucket, new])
    assert (change.ref.uid, change.first_contact) == (new.uid, True)


def test_an_organisations_listing_owns_its_projects_resources(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    whole = Scope("memory", "organizations/1", "*", "*")
    one = make_resource("one", scope=Scope("memory", "project-a", "north-1", "memory.machine"))
    (created,) = world.record(whole, [one])
    assert created.first_contact
    world.later()
    two = make_resource("two", scope=Scope("memory", "project-b", "north-1", "memory.machine"))
    (created,) = world.record(whole, [one, two])
    assert not created.first_contact
    world.later()
    (change,) = world.record(whole, [two])
    assert (change.kind, change.ref) == (ChangeKind.DELETED, one.ref)


def test_one_found_by_an_early_reread_is_taken_over_by_the_organisations_listing(
    empty_world: Any, make_resource: Make
) -> None:
    world = empty_world
    whole = Scope("memory", "organizations/1", "*", "*")
    one = make_resource("one", scope=Scope("memory", "project-a", "north-1", "memory.machine"))
    world.inventory.record_one(one, world.now)
    assert world.record(whole, [one]) == []
    world.later()
    (change,) = world.record(whole, [])
    assert change.kind is ChangeKind.DELETED


def test_a_uid_that_comes_twice_counts_once(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    one, other = make_resource("one", {"n": 1}), make_resource("one", {"n": 2})
    assert len(world.record(SCOPE, [one, other, one])) == 1
    assert world.inventory.get(one.uid).document == {"n": 1}
    world.later()
    recording = world.inventory.begin(SCOPE, world.now)
    assert recording.add([one]) == []
    assert recording.add([other, one]) == []
    assert recording.duplicates == 2
    assert recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE)) == []
    world.later()
    recording = world.inventory.begin(SCOPE, world.now)
    assert len(recording.add([make_resource("one", {"n": 3})])) == 1
    assert recording.add([one]) == []
    assert world.inventory.get(one.uid).document == {"n": 3}


def test_a_resource_that_moves_is_one_resource(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    there = Scope("memory", "200000000000", "north-1", "memory.machine")
    world.record(SCOPE, [make_resource("one", uid="one")])
    world.record(there, [])
    began = world.inventory.begin(SCOPE, world.later())
    (change,) = world.record(there, [make_resource("one", uid="one", scope=there)])
    assert change.kind is ChangeKind.CHANGED
    # The place it left, read completely without it, does not say that it is gone.
    assert began.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE)) == []
    assert world.inventory.get("one").ref.account == there.account
    assert world.inventory.count(Filter(accounts=frozenset({there.account}))) == 1


def test_a_deleted_resource_that_is_there_again_is_the_same_resource(world: Any) -> None:
    world.cycle()
    uid = world.estate.uid(5)
    world.estate.delete(uid)
    world.later(hours=2)
    (deleted,) = world.cycle()
    world.estate.restore(uid)
    world.later(hours=2)
    (again,) = world.cycle()
    assert (again.kind, again.recreated, again.first_contact) == (ChangeKind.CREATED, True, False)
    assert again.resource_id == deleted.resource_id
    assert world.inventory.get(uid, at=deleted.at) is None
    assert world.inventory.get(uid).deleted_at is None


def test_deletion_can_ask_for_several_complete_readings(world: Any) -> None:
    world.cycle()
    uid = world.estate.uid(0)
    world.estate.delete(uid)
    for _ in range(2):
        world.later()
        assert world.cycle(confirmations=3) == []
    world.estate.fail(world.estate.scope(0), Throttled("slow down"))
    world.later()
    assert world.cycle(confirmations=3) == []  # says nothing, so it does not count
    world.estate.mend()
    world.estate.restore(uid)
    world.later()
    assert world.cycle(confirmations=3) == []  # seen: the count begins again
    world.estate.delete(uid)
    for _ in range(2):
        world.later()
        assert world.cycle(confirmations=3) == []
    world.later()
    (change,) = world.cycle(confirmations=3)
    assert change.kind is ChangeKind.DELETED


def test_an_unread_detail_is_neither_drift_nor_absence(world: Any) -> None:
    world.cycle()
    uid = world.estate.uid(7)
    known = world.estate.generated(7).document
    _settle(world)
    world.estate.unread(uid, {"Logging": "AccessDenied (request 1)", "Tags": "AccessDenied"})
    world.later()
    assert world.cycle() == []
    stored = world.inventory.get(uid)
    assert stored.document == known
    assert stored.tags == {t["Key"]: t["Value"] for t in known["Tags"]}
    assert set(stored.unread) == {"Logging", "Tags"}
    assert world.inventory.due_count() == 1  # to be judged again: what it reads there is unknown now
    _settle(world)
    before, written = rows(world), _writes(world)
    world.estate.unread(uid, {"Logging": "AccessDenied (request 2)", "Tags": "AccessDenied"})
    world.later()
    assert world.cycle() == []
    assert (rows(world), _writes(world) - written <= 4) == (before, True)
    world.estate.unread(uid, {})
    world.later()
    assert world.cycle() == []
    assert world.inventory.get(uid).unread == {}
    assert world.inventory.due_count() == 1


def test_a_change_beside_an_unread_detail_is_only_that_change(world: Any) -> None:
    world.cycle()
    uid = world.estate.uid(7)
    known = world.estate.generated(7).document
    world.estate.unread(uid, {"Logging": "AccessDenied"})
    world.estate.change(uid, {"Public": "yes"})
    world.later()
    (change,) = world.cycle()
    assert change.kind is ChangeKind.CHANGED
    assert world.inventory.get(uid).document == {**known, "Public": "yes"}


def test_a_detail_read_for_the_first_time_is_learned_and_not_changed(world: Any) -> None:
    uid = world.estate.uid(7)
    world.estate.unread(uid, {"Logging": "AccessDenied"})
    world.cycle()
    first = world.now
    stored = world.inventory.get(uid)
    assert "Logging" not in stored.document
    assert stored.unread == {"Logging": "AccessDenied"}
    _settle(world)
    world.estate.mend()
    world.later()
    assert world.cycle() == []
    assert world.inventory.get(uid).document == world.estate.generated(7).document
    assert world.inventory.due_count() == 1
    assert "Logging" in world.inventory.get(uid, at=first).unread
    with world.database.read() as connection:
        origins = connection.scalars(
            sa.text("SELECT origin FROM version WHERE valid_from > :t"), {"t": 0}
        ).all()
    assert origins.count(int(Origin.LEARNED)) == 1


def test_flapping_makes_a_version_each_time_and_loses_none(world: Any) -> None:
    world.cycle()
    uid = world.estate.uid(9)
    moments = {}
    for step in range(6):
        world.later()
        world.estate.change(uid, {"Encrypted": step % 2 == 1})
        (change,) = world.cycle()
        moments[change.at] = step % 2 == 1
    for moment, value in moments.items():
        assert world.inventory.get(uid, at=moment).document["Encrypted"] is value


def test_a_clock_set_back_makes_nothing_worse(world: Any) -> None:
    world.cycle()
    uid = world.estate.uid(9)
    world.now -= timedelta(days=300)
    world.estate.change(uid, {"Encrypted": 1})
    (change,) = world.cycle()
    assert change.at > world.now
    world.estate.change(uid, {"Encrypted": 2})
    world.cycle()
    world.estate.delete(uid)
    (gone,) = world.cycle()
    assert gone.at > change.at
    with world.database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM version WHERE valid_to <= valid_from")) == 0
    assert world.inventory.count(at=gone.at) == 39


def test_an_early_reread_is_not_undone_by_an_older_listing(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    world.record(SCOPE, [make_resource("one", {"n": 1}), make_resource("two")])
    recording = world.inventory.begin(SCOPE, world.later())
    change = world.inventory.record_one(make_resource("one", {"n": 2}), world.later(minutes=1), actor="eve")
    assert (change.kind, change.actor) == (ChangeKind.CHANGED, "eve")
    gone = world.inventory.mark_gone(make_resource("two").ref, world.now)
    assert gone.kind is ChangeKind.DELETED
    born = world.inventory.record_one(make_resource("three"), world.now)
    assert (born.kind, born.first_contact) == (ChangeKind.CREATED, False)
    # The listing was made before all that, and still shows the old state.
    assert recording.add([make_resource("one", {"n": 1}), make_resource("two")]) == []
    assert recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE)) == []
    assert world.inventory.get(make_resource("one").uid).document == {"n": 2}
    assert world.inventory.get(make_resource("two").uid) is None
    assert world.inventory.get(make_resource("three").uid) is not None
    world.later(hours=2)
    changes = world.record(SCOPE, [make_resource("one", {"n": 2}), make_resource("three")])
    assert changes == []


def test_what_was_reread_meanwhile_is_not_deleted_for_an_older_listing(
    empty_world: Any, make_resource: Make
) -> None:
    world = empty_world
    world.record(SCOPE, [make_resource("one", {"n": 1}), make_resource("two")])
    recording = world.inventory.begin(SCOPE, world.later())
    assert world.inventory.record_one(make_resource("one", {"n": 2}), world.later(minutes=1)) is not None
    assert recording.add([make_resource("two")]) == []
    assert recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE)) == []
    world.later()
    (change,) = world.record(SCOPE, [make_resource("two")])
    assert change.kind is ChangeKind.DELETED


def test_rereading_the_same_or_losing_the_unknown_changes_nothing(
    empty_world: Any, make_resource: Make
) -> None:
    world = empty_world
    one = make_resource("one")
    assert world.inventory.record_one(one, world.now).kind is ChangeKind.CREATED
    assert world.inventory.record_one(one, world.later()) is None
    assert world.inventory.mark_gone(make_resource("other").ref, world.now) is None
    assert world.inventory.mark_gone(one.ref, world.now).kind is ChangeKind.DELETED
    assert world.inventory.mark_gone(one.ref, world.later()) is None


def test_a_batch_that_cannot_be_stored_bars_a_complete_end(world: Any) -> None:
    world.cycle()
    scope = world.estate.scope(0)
    recording = world.inventory.begin(scope, world.later())
    bad = Resource(
        ref=ResourceRef(
            provider=scope.provider, account=scope.account, region=scope.region, type=scope.type, uid="x"
        ),
        name="x",
        document={"value": object()},
    )
    with pytest.raises(TypeError):
        recording.add([*[*world.estate.read(scope)][:2], bad])
    assert recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=10)) == []
    assert {s.scope: s.status for s in world.inventory.coverage()}[scope] is CoverageStatus.PARTIAL
    assert world.inventory.count() == 40


def test_another_scopes_coverage_is_refused(world: Any) -> None:
    recording = world.inventory.begin(world.estate.scope(0), world.now)
    with pytest.raises(ValueError, match="coverage"):
        recording.finish(Coverage(scope=world.estate.scope(1), status=CoverageStatus.COMPLETE))


def test_coverage_without_a_reading(world: Any) -> None:
    scope = Scope("memory", "999", "*", "*")
    world.inventory.note_coverage(
        Coverage(scope=scope, status=CoverageStatus.DENIED, cause="no role"), world.now, None
    )
    (state,) = world.inventory.coverage()
    assert (state.scope, state.status, state.cause, state.since) == (
        scope,
        CoverageStatus.DENIED,
        "no role",
        world.now,
    )


def test_find_filters_by_place_tags_and_expression(world: Any) -> None:
    world.cycle()
    count = world.inventory.count
    assert count(Filter(types=frozenset({"memory.machine"}))) == 20
    assert count(Filter(types=frozenset({"memory.b*"}), regions=frozenset({"south-1"}))) == 10
    assert count(Filter(providers=frozenset({"other"}))) == 0
    teams = [r.tags["Team"] for batch in world.inventory.find() for r in batch]
    assert count(Filter(tags={"Team": "team-1"})) == teams.count("team-1") > 0
    public = count(Filter(where="document.Encrypted == `false` && type == 'memory.machine'"))
    assert public == sum(
        1 for i in range(40) if i % 7 == 0 and world.estate.scope(i % 4).type == "memory.machine"
    )
    sizes = [len(batch) for batch in world.inventory.find(batch=15)]
    assert sizes == [15, 15, 10]
    with pytest.raises(UsageError, match="JMESPath"):
        Filter(where="document.[")


def test_percent_and_underscore_in_a_type_are_plain_letters(empty_world: Any, make_resource: Make) -> None:
    world = empty_world
    for type_ in ("a_b.x", "aXb.x", "a%b.x"):
        scope = Scope("memory", "1", "global", type_)
        world.record(scope, [make_resource(type_, scope=scope)])
    assert world.inventory.count(Filter(types=frozenset({"a_b*"}))) == 1
    assert world.inventory.count(Filter(types=frozenset({"a%*"}))) == 1


@pytest.mark.parametrize("text", ["nul\0inside", "half \ud800 pair", "emoji 🦉", "' OR 1=1 --", "x" * 50_000])
def test_any_text_a_cloud_sends_is_stored(empty_world: Any, make_resource: Make, text: str) -> None:
    world = empty_world
    resource = make_resource("one", {"Text": text, text: [text]}, tags={"t": text}, unread={"Field": text})
    resource = Resource(
        ref=resource.ref, name=text, document=resource.document, tags=resource.tags, unread=resource.unread
    )
    assert len(world.record(SCOPE, [resource])) == 1
    world.later()
    assert world.record(SCOPE, [resource]) == []
    stored = world.inventory.get(resource.uid)
    assert stored.document["Text"] == text.encode("utf-8", "replace").decode()


def test_policies_are_stale_until_run_over_everything(world: Any) -> None:
    inventory: Inventory = world.inventory
    assert inventory.stale_policies({"a": b"1", "b": b"1"}) == {"a", "b"}
    inventory.mark_applied({"a": b"1", "b": b"1"}, world.now)
    assert inventory.stale_policies({"a": b"1", "b": b"2"}) == {"b"}
    inventory.forget_applied(["a"])
    assert inventory.stale_policies({"a": b"1"}) == {"a"}


def _settle(world: Any) -> None:
    from storage.findings import Findings

    for batch in world.inventory.due():
        Findings(world.database).apply([], {}, at=world.now, settled=[r.ticket for r in batch])
