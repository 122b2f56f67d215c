"""Differences that people can read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.diff import diff, diff_records
from storage.documents import Record
from storage.values import MISSING, FieldChange

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "1"]), st.just(1.0)
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["Key", "Value", "Id", "x.y", "z"]), inner, max_size=3),
    ),
    max_leaves=12,
)


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@settings(max_examples=300, deadline=None)
@given(before=documents, after=documents)
def test_there_is_a_difference_exactly_where_the_bytes_differ(before: Any, after: Any) -> None:
    assert (diff(before, after) == ()) == (canonical(before) == canonical(after))


@settings(max_examples=200, deadline=None)
@given(before=documents, after=documents)
def test_the_way_back_is_the_same_way(before: Any, after: Any) -> None:
    def sides(changes: tuple[FieldChange, ...], *, swap: bool) -> list[str]:
        pairs = [(c.path, c.before, c.after, c.moved) for c in changes]
        return sorted(repr((p, a, b, m) if swap else (p, b, a, m)) for p, a, b, m in pairs)

    assert sides(diff(before, after), swap=True) == sides(diff(after, before), swap=False)


@settings(max_examples=100, deadline=None)
@given(document=documents, other=documents)
def test_no_field_is_told_twice_with_the_same_values(document: Any, other: Any) -> None:
    changes = [c for c in diff(document, other) if not c.path.endswith("[]") and "[]" not in c.path]
    paths = [(c.path, c.moved) for c in changes]
    assert len(paths) == len(set(paths))


CASES: dict[str, tuple[Any, Any, list[FieldChange]]] = {
    "a scalar": ({"a": 1}, {"a": 2}, [FieldChange("a", 1, 2)]),
    "null is a value": ({"a": None}, {}, [FieldChange("a", None, MISSING)]),
    "the type counts": ({"a": 1}, {"a": True}, [FieldChange("a", 1, True)]),
    "a tag by its key": (
        {"Tags": [{"Key": "A", "Value": "1"}, {"Key": "B", "Value": "1"}]},
        {"Tags": [{"Key": "B", "Value": "2"}, {"Key": "C", "Value": "1"}]},
        [
            FieldChange("Tags[A]", {"Key": "A", "Value": "1"}, MISSING),
            FieldChange("Tags[B].Value", "1", "2"),
            FieldChange("Tags[C]", MISSING, {"Key": "C", "Value": "1"}),
        ],
    ),
    "an insertion is one change": (
        {"Rules": [{"Port": 22}, {"Port": 443}]},
        {"Rules": [{"Port": 21}, {"Port": 22}, {"Port": 443}]},
        [FieldChange("Rules[]", MISSING, {"Port": 21})],
    ),
    "scalars by content": (
        {"l": ["a", "b"]},
        {"l": ["b", "c"]},
        [FieldChange("l[]", "a", MISSING), FieldChange("l[]", MISSING, "c")],
    ),
    "moved is not changed": ({"l": [1, 2]}, {"l": [2, 1]}, [FieldChange("l", [1, 2], [2, 1], moved=True)]),
    "moved by key": (
        {"l": [{"Id": "a"}, {"Id": "b"}]},
        {"l": [{"Id": "b"}, {"Id": "a"}]},
        [FieldChange("l", [{"Id": "a"}, {"Id": "b"}], [{"Id": "b"}, {"Id": "a"}], moved=True)],
    ),
    "an odd key is quoted": ({"a.b": {"": 1}}, {"a.b": {"": 2}}, [FieldChange('["a.b"][""]', 1, 2)]),
    "keys that repeat identify nothing": (
        {"l": [{"Id": "a", "n": 1}, {"Id": "a", "n": 2}]},
        {"l": [{"Id": "a", "n": 1}, {"Id": "a", "n": 3}]},
        [
            FieldChange("l[]", {"Id": "a", "n": 2}, MISSING),
            FieldChange("l[]", MISSING, {"Id": "a", "n": 3}),
        ],
    ),
    "a field that ends in Id": (
        {"l": [{"GroupId": "g1", "n": 1}]},
        {"l": [{"GroupId": "g1", "n": 2}]},
        [FieldChange("l[g1].n", 1, 2)],
    ),
    "an emptied list": ({"l": [{"Id": "a"}]}, {"l": []}, [FieldChange("l[a]", {"Id": "a"}, MISSING)]),
}


@pytest.mark.parametrize("name", CASES)
def test_differences(name: str) -> None:
    before, after, expected = CASES[name]
    assert list(diff(before, after)) == expected


def record(document: dict[str, Any], **values: Any) -> Record:
    base: dict[str, Any] = {"account": "1", "region": "r", "type": "t", "name": "n", "tags": {}}
    return Record(document=document, **{**base, **values})


def test_records_show_what_the_document_does_not() -> None:
    one = record({"a": 1})
    assert diff_records(one, record({"a": 1}, name="m")) == (FieldChange("@name", "n", "m"),)
    assert diff_records(one, record({"a": 1}, tags={"k": "v"})) == (FieldChange("@tags.k", MISSING, "v"),)
    assert diff_records(one, record({"a": 1}, region="s")) == (FieldChange("@region", "r", "s"),)
    tagged = record({"a": 1, "Tags": [{"Key": "k", "Value": "v"}]}, tags={"k": "v"})
    changed = record({"a": 1, "Tags": [{"Key": "k", "Value": "w"}]}, tags={"k": "w"})
    assert diff_records(tagged, changed) == (FieldChange("Tags[k].Value", "v", "w"),)


def test_what_was_never_read_before_is_not_a_change() -> None:
    before = record({"a": 1}, unknown=("Policy", "Tags"))
    after = record({"a": 2, "Policy": {}, "Tags": []}, tags={"k": "v"})
    assert diff_records(before, after) == (FieldChange("a", 1, 2),)
