"""Versions rebuilt backwards from changes: exactly, or said to be unknown."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.azure import past as past_module
from providers.azure.document import resource_of
from providers.azure.names import parse, ref_of
from providers.azure.past import Change, change_of, path_of, rebuild, undo, undo_all
from providers.azure.session import Page
from providers.errors import Gone, Unavailable
from providers.sandbox.azure.arm import ArmStore, Caller

SUB = "s"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg"
ID = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
T0 = datetime(2025, 6, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("tags.Foo", ("tags", "Foo")),
        ('tags["a.b c"]', ("tags", "a.b c")),
        ("properties.rules[0].properties.access", ("properties", "rules", 0, "properties", "access")),
        ('properties.nics["/subscriptions/s/x"].id', ("properties", "nics", "/subscriptions/s/x", "id")),
    ],
)
def test_paths_are_understood(text: str, steps: tuple[Any, ...]) -> None:
    assert path_of(text) == steps


def one(document: dict[str, Any], path: str, previous: str | None, new: str | None) -> bool:
    return undo(document, path, {path: (previous, new)})


def test_a_change_that_does_not_fit_what_we_hold_is_not_undone() -> None:
    document = {"properties": {"a": True}}
    assert not one(document, "properties.a", "true", "false")
    assert not one(document, "properties.list[3].x", None, "1")
    assert not one(document, "", "x", None)
    assert document == {"properties": {"a": True}}


def test_where_nothing_tells_the_kind_nothing_is_guessed() -> None:
    document: dict[str, Any] = {"properties": {}, "tags": {}}
    assert not one(document, "properties.on", "true", None)
    assert not one(document, "properties.n", "5", None)
    assert document["properties"] == {}
    assert one(document, "tags.count", "5", None)
    assert document["tags"] == {"count": "5"}


def test_a_value_comes_back_in_its_own_kind() -> None:
    document: dict[str, Any] = {"properties": {"a": False, "n": 5, "s": "7"}}
    assert one(document, "properties.a", "True", "False")
    assert one(document, "properties.n", "4", "5")
    assert one(document, "properties.s", "8", "7")
    assert one(document, "properties.gone.deep", "x", None)
    assert document == {"properties": {"a": True, "n": 4, "s": "8", "gone": {"deep": "x"}}}


def test_an_item_comes_back_by_what_it_is_known_by_or_not_at_all() -> None:
    for known_by in ("id", "name"):
        document: dict[str, Any] = {"properties": {"rules": [{"id": "/r/one"}]}}
        leaves = {
            'properties.rules["/r/two"].access': ("Deny", None),
            f'properties.rules["/r/two"].{known_by}': ("/r/two", None),
        }
        assert undo_all(document, Change(target=ID, at=T0, kind="Update", actor=None, leaves=leaves)) == []
        assert document["properties"]["rules"][1] == {"access": "Deny", known_by: "/r/two"}
    nameless = {'properties.rules["/r/two"].access': ("Deny", None)}
    assert undo_all(
        {"properties": {"rules": []}}, Change(target=ID, at=T0, kind="Update", actor=None, leaves=nameless)
    ) == list(nameless)


def test_a_cut_value_makes_the_field_unread_from_there_on_back() -> None:
    present = {"id": ID, "properties": {"a": 2}, "tags": {"x": "1"}}
    change = Change(
        target=ID,
        at=T0,
        kind="Update",
        actor="me",
        leaves={"properties.a": ("1", "2")},
        cut=frozenset({"properties.a"}),
    )
    before, after = rebuild(ref_of(parse(ID)), present, [change], T0 - timedelta(days=1))
    assert before.resource is not None
    assert after.resource is not None
    assert "properties" in before.resource.unread
    assert "properties" not in before.resource.document
    assert before.resource.tags == {"x": "1"}
    assert after.resource.unread == {}
    assert after.actor == "me"


def test_a_deletion_ends_a_life_and_a_creation_begins_one() -> None:
    changes = [
        Change(target=ID, at=T0, kind="Create", actor="a"),
        Change(target=ID, at=T0 + timedelta(hours=1), kind="Delete", actor="b"),
        Change(target=ID, at=T0 + timedelta(hours=2), kind="Create", actor="c"),
    ]
    versions = rebuild(ref_of(parse(ID)), {"id": ID, "properties": {}}, changes, T0 - timedelta(days=1))
    assert [(v.at, v.resource is None, v.actor) for v in versions] == [
        (T0 + timedelta(hours=1), True, "b"),
        (T0 + timedelta(hours=2), False, "c"),
    ]


def test_a_row_of_another_form_is_an_error_and_not_a_missing_version() -> None:
    with pytest.raises(Unavailable, match="cannot be understood"):
        change_of({"properties": {"changeType": "Update", "changeAttributes": {"timestamp": "yesterday"}}})


TYPED = {
    "on": st.booleans(),
    "n": st.integers(-(10**9), 10**9),
    "share": st.sampled_from([0.5, 1.5, -2.25]),
}
WORDS = {
    "word": st.sampled_from(["Allow", "Deny", "10.0.0.0/8", "x y"]),
    "dotted.key": st.sampled_from(["a", "b"]),
}
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["/r/one", "/r/two", "/r/three"]),
            "access": st.sampled_from(["Allow", "Deny"]),
            "properties": st.fixed_dictionaries({}, optional=WORDS),
        }
    ),
    max_size=3,
    unique_by=lambda rule: rule["id"],
)
EXACT = st.fixed_dictionaries(
    {
        "settings": st.fixed_dictionaries(
            TYPED, optional={**WORDS, "deep": st.fixed_dictionaries({}, optional=WORDS)}
        ),
        "rules": RULES,
    }
)
"""Words may come and go; what is typed keeps its place, as in Azure's schemas: all of it can be undone."""
LOOSE = st.fixed_dictionaries(
    {
        "settings": st.fixed_dictionaries(
            {}, optional={**TYPED, **WORDS, "odd": st.sampled_from(["true", "7", "a"])}
        ),
        "flags": st.lists(st.booleans(), max_size=3),
        "rules": RULES,
    }
)
"""Anything may come and go, and words may look like numbers."""


def lived(states: list[dict[str, Any]]) -> tuple[dict[datetime, Any], list[Any]]:
    """What each state was when it was written to the emulator, and the versions rebuilt from its record."""
    clock = Clock()
    store = ArmStore(clock)
    store.add_subscription(SUB, "one")
    store.put(GROUP, {"location": "westeurope"})
    wanted: dict[datetime, Any] = {}
    for state in states:
        clock.now += timedelta(minutes=1)
        known = len(store.changes())
        store.put(ID, {"location": "westeurope", "properties": copy.deepcopy(state)}, Caller(name="ann"))
        if len(store.changes()) > known:
            wanted[clock.now] = resource_of(store.get(ID))
    changes = [change_of(row) for row in store.changes() if row["properties"]["targetResourceId"] == ID]
    versions = rebuild(ref_of(parse(ID)), store.get(ID), changes, T0)
    assert [v.at for v in versions] == sorted(wanted)
    assert {v.actor for v in versions} == {"ann"}
    assert versions[-1].resource == wanted[max(wanted)]
    return wanted, versions


@settings(deadline=None)
@given(st.lists(EXACT, min_size=2, max_size=5))
def test_what_was_written_is_what_the_past_says(states: list[dict[str, Any]]) -> None:
    wanted, versions = lived(states)
    for version in versions:
        assert version.resource == wanted[version.at]


@settings(deadline=None)
@given(st.lists(LOOSE, min_size=2, max_size=5))
def test_what_cannot_be_undone_is_unknown_and_never_something_else(states: list[dict[str, Any]]) -> None:
    wanted, versions = lived(states)
    for version in versions:
        if version.resource.unread:
            assert set(version.resource.unread) == {"properties"}
            assert "properties" not in version.resource.document
        else:
            assert version.resource == wanted[version.at]


@pytest.mark.parametrize("how", ["the same page again", "always another page", "cut short"])
def test_a_resource_whose_changes_do_not_end_costs_no_other_its_past(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred are asked for together; only the one that has no end is unread."""
    refs = [ref_of(parse(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a{n}")) for n in range(100)]
    endless = refs[41].uid
    asked: list[str | None] = []

    class Graph:
        def query_all(self, subscriptions: Any, query: str, token: str | None) -> Page:
            asked.append(token)
            # As the service does: one page of the rows it has, and a token while there are more.
            rows = tuple(deletion(ref.uid) for ref in refs if f"'{ref.uid}'" in query)
            if f"'{endless}'" not in query:
                return Page(rows=rows, total=len(rows), skip_token=None, truncated=False)
            more = {"the same page again": "t", "always another page": f"{len(asked)}"}.get(how)
            return Page(rows=rows, total=10**6, skip_token=more, truncated=how == "cut short")

    def gone(*_: Any) -> Any:
        raise Gone("It was deleted.")

    monkeypatch.setattr(past_module, "fetch", gone)
    session: Any = Graph()
    answers = list(past_module.past(session, None, refs, T0, lambda: T0 + timedelta(days=1)))  # type: ignore[arg-type]
    assert [answer.ref for answer in answers] == refs
    assert [answer.ref.uid for answer in answers if answer.error] == [endless]
    assert all(len(answer.versions) == 1 for answer in answers if not answer.error)
    # Seven halvings to one of a hundred, each with a half that ends.
    most = 8 * (past_module._MOST_PAGES if how == "always another page" else 2) + 8
    assert len(asked) <= most


def deletion(uid: str) -> dict[str, Any]:
    return {
        "id": f"{uid}/changes/1",
        "properties": {
            "targetResourceId": uid,
            "changeType": "Delete",
            "changeAttributes": {"timestamp": T0.isoformat()},
        },
    }
