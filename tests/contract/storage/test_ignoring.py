"""Ignored fields are left out of what is told, and of nothing that is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.resource import Resource, Scope
from storage.baseline import Baselines, Word
from storage.history import EventKind, History
from storage.ignoring import Ignoring
from storage.query import Filter
from storage.values import ChangeKind, FieldChange

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")


@pytest.fixture
def told(empty_world: Any, make_resource: Make) -> Any:
    """A world where one resource changed in what is ignored, another in both, a third in neither."""
    world = empty_world
    for used, size in ((1, 1), (2, 1), (2, 2)):
        documents = {"quiet": {"Used": used}, "both": {"Used": used, "Size": size}, "loud": {"Size": size}}
        world.record(SCOPE, [make_resource(name, document) for name, document in documents.items()])
        world.later()
    return world


def test_a_timeline_tells_the_other_fields(told: Any, make_resource: Make) -> None:
    history, ignoring = History(told.database), Ignoring({"memory.machine": ["Used"]})
    entries = history.timeline(make_resource("both").uid)
    assert [[f.path for f in e.fields] for e in entries] == [[], ["Used"], ["Size"]]
    heard = list(ignoring.apply(entries))
    assert [(e.kind, [f.path for f in e.fields]) for e in heard] == [
        (EventKind.CREATED, []),
        (EventKind.CHANGED, ["Size"]),
    ]
    assert ignoring.left_out == 1
    (created,) = ignoring.apply(history.timeline(make_resource("quiet").uid))
    assert created.kind is EventKind.CREATED


def test_a_diff_leaves_out_what_changed_nothing_else(told: Any, make_resource: Make) -> None:
    history, ignoring = History(told.database), Ignoring({"memory.*": ["Used"]})
    start = history.timeline(make_resource("quiet").uid)[0].at
    everything = {d.ref.uid: {f.path for f in d.fields} for d in history.diff(start, told.now)}
    assert everything == {
        make_resource("quiet").uid: {"Used"},
        make_resource("both").uid: {"Used", "Size"},
        make_resource("loud").uid: {"Size"},
    }
    heard = {d.ref.uid: {f.path for f in d.fields} for d in ignoring.apply(history.diff(start, told.now))}
    assert heard == {make_resource("both").uid: {"Size"}, make_resource("loud").uid: {"Size"}}
    assert ignoring.left_out == 2


def test_drift_is_told_without_them_and_taken_in_with_them(told: Any, make_resource: Make) -> None:
    baselines = Baselines(told.database)
    start = History(told.database).timeline(make_resource("quiet").uid)[0].at
    baselines.pin("good", Filter(), Word(who="me", why="audited", now=told.now), at=start)
    told.record(SCOPE, [make_resource("quiet", {"Used": 3}), make_resource("new", {"Used": 1})])
    ignoring = Ignoring({"memory.machine": ["Used", "Size"]})
    heard = {d.ref.uid: d.kind for d in ignoring.apply(baselines.drift("good"))}
    gone, come = ChangeKind.DELETED, ChangeKind.CREATED
    assert heard == {
        make_resource("both").uid: gone,
        make_resource("loud").uid: gone,
        make_resource("new").uid: come,
    }
    assert ignoring.left_out == 1
    baselines.approve("good", Word(who="me", why="all of it", now=told.now), None)
    assert not list(baselines.drift("good"))


@pytest.mark.parametrize(
    ("path", "changed", "ignored"),
    [
        ("Used", "Used", True),
        ("Used", "Used.At", True),
        ("Used", "Used[]", True),
        ("Used", "UsedBy", False),
        ("Used", "By.Used", False),
        ("Tags[Team]", "Tags[Team].Value", True),
        ("Tags[Team]", "Tags[Teams].Value", False),
        ("Disks[*].Ebs.At", "Disks[/dev/sda1].Ebs.At", True),
        ("Disks[*].Ebs.At", "Disks[/dev/sda1].Ebs", False),
        ("Disks[*]", "Disks[]", True),
        ("Disks[*]", "Disks", False),
        ("@tags.Team", "@tags.Team", True),
        ('Labels["a.b"]', 'Labels["a.b"]', True),
    ],
)
def test_what_a_path_names(path: str, changed: str, ignored: bool) -> None:
    change = (FieldChange(changed, 1, 2),)
    assert Ignoring({"t": ["Else", path]}).heard("t", change) == (() if ignored else change)
    assert Ignoring({"u": [path]}).heard("t", change) == change
