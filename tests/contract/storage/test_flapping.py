"""What changes again and again; and that what is ignored does not count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.flapping import flapping
from storage.ignoring import Ignoring
from storage.query import Filter

HOUR = timedelta(hours=1)


def test_what_flaps(world: Any) -> None:
    database, start = world.database, world.now
    world.cycle()
    for beat in range(6):
        world.later()
        world.estate.change(world.estate.uid(0), {"Public": beat % 2 == 0, "Encrypted": "no"})
        world.estate.change(world.estate.uid(1), {"Size": beat // 3})
        world.cycle()
    (first, second) = flapping(database, start, world.now, more_than=1)
    assert (first.ref.uid, first.changes, first.contents) == (world.estate.uid(0), 6, 2)
    assert first.fields[0][0] == "Public"
    assert (second.ref.uid, second.changes) == (world.estate.uid(1), 2)
    assert [f.ref.uid for f in flapping(database, start, world.now)] == [world.estate.uid(0)]
    assert flapping(database, start, world.now, more_than=1, limit=1) == [first]
    where = Filter(where="document.Size == `1`")
    assert [f.ref.uid for f in flapping(database, start, world.now, more_than=1, wanted=where)] == [
        second.ref.uid
    ]


def test_what_is_ignored_does_not_count(world: Any) -> None:
    database, start = world.database, world.now
    quiet, mixed = world.estate.uid(0), world.estate.uid(1)
    world.cycle()
    for beat in range(6):
        world.later()
        world.estate.change(quiet, {"LastUsed": beat})
        world.estate.change(mixed, {"LastUsed": beat, "Public": beat // 2 % 2 == 0})
        world.cycle()
    heard = Ignoring({"memory.*": ["LastUsed"]})
    assert {f.ref.uid: f.changes for f in flapping(database, start, world.now)} == {quiet: 6, mixed: 6}
    (one,) = flapping(database, start, world.now, more_than=1, ignoring=heard)
    assert (one.ref.uid, one.changes, one.contents, one.fields) == (mixed, 3, 2, (("Public", 3),))
    assert (one.first_at, one.last_at) == (start + HOUR, world.now - HOUR)
    assert heard.left_out == 12
    assert flapping(database, start, world.now, ignoring=heard) == []
    # The restless by the database's count come first there, and may not be the restless that are told.
    (restless,) = flapping(database, start, world.now, more_than=1, limit=1, ignoring=heard)
    assert restless == one
    other = Ignoring({"memory.b*": ["LastUsed"], "memory.machine": []})
    assert len(flapping(database, start, world.now, ignoring=other)) == 2
