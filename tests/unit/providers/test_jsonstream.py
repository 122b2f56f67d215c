"""JSON files of any size: what is in them, whatever the chunks, and what is wrong with them, where."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import UsageError
from providers import jsonstream
from providers.jsonstream import ELEMENT, documents, members, reduced, walk

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def write(folder: Path, content: str | bytes, name: str = "f.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(values=st.lists(JSON, max_size=6), indent=st.sampled_from([None, 1]), chunk=st.integers(1, 40))
def test_whatever_the_chunks_the_values_are_the_same(
    tmp_path: Path, values: list[Any], indent: int | None, chunk: int
) -> None:
    before, jsonstream.CHUNK = jsonstream.CHUNK, chunk  # type: ignore[misc]
    try:
        path = write(tmp_path, json.dumps(values, indent=indent))
        assert [p.value for p in documents(path)] == values
        path = write(tmp_path, "\n".join(json.dumps(v, indent=indent) for v in [{"x": v} for v in values]))
        assert [p.value["x"] for p in documents(path)] == values
        path = write(tmp_path, json.dumps({"a": 1, "items": values, "z": values}, indent=indent))
        found = list(members(path, {"items"}))
        assert [p.value for p in found if p.key == "items" and p.element] == values
        assert len([p for p in found if p.key == "items"]) == max(1, len(values))
        assert [p.value for p in found if p.key == "z"] == [values]
    finally:
        jsonstream.CHUNK = before  # type: ignore[misc]


def test_gzip_and_byte_order_marks_are_seen_by_their_bytes_not_their_names(tmp_path: Path) -> None:
    text = '{"a": "ü"}\n{"a": 2}\n'
    for content in (
        text.encode(),
        gzip.compress(text.encode()),
        text.encode("utf-16"),
        text.encode("utf-8-sig"),
    ):
        path = write(tmp_path, content, "export.bin")
        assert [p.value for p in documents(path)] == [{"a": "ü"}, {"a": 2}]
        assert [p.where for p in documents(path)] == [f"{path}:1", f"{path}:2"]


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        ('{"a": 1}\n{"a": \n', "2:6", "ends in the middle"),
        ('{"a": 1}\n{"a" 1}\n', "2:6", "not JSON: Expecting ':'"),
        ('[{"a": 1},\n {"b": "x', "2:10", "ends in the middle"),
        ('[{"a": 1}\n {"b": 1}]', "2:2", "'{' where ',' belongs"),
        ('{"a": 1},\n{"b": 1}', "1:9", "a comma between two documents"),
        ('{"a": NaN}', "1:1", "NaN is not JSON"),
        ('\n\n{"a": tru}', "3:7", "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "1:1", "a whole number of more than 4,300 digits"),
        ("[" * 100_000, "1:2", "nests too deeply"),
        ('{"a": ' + "[" * 100_000, "1:1", "nests too deeply"),
        ('{"a": "' + "x" * 1_100_000 + '"} tru', "1:1100011", "Expecting value"),
        ('{}\n{"a": "' + "x" * 1_100_000 + '"}\n [tru', "3:3", "not JSON"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: str, place: str, said: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        list(documents(path))
    assert str(caught.value).startswith(f"{path}:{place}: "), caught.value
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1]", "not an object where one belongs"),
        ("{1: 2}", "a member without a name"),
        ('{"a": 1', "ends in the middle"),
        ('{"items": [1, 2', "ends in the middle"),
        ('{"items": [1, 2]', "ends in the middle"),
        ('{"items"', "ends in the middle"),
        ('{"a": ' + "9" * 5000 + "}", "1:7: a whole number of more than 4,300 digits"),
    ],
)
def test_what_is_wrong_with_an_object_is_told(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        list(members(write(tmp_path, content), {"items"}))


def test_damaged_files_are_told_not_read_as_shorter_ones(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"a": 1}\n' * 1000)
    for content, said in (
        (whole[: len(whole) // 2], "cut short"),
        (whole[:-4] + b"abcd", "damaged"),
        (b"\x1f\x8bnonsense", "f.json"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ):
        with pytest.raises(UsageError, match=said):
            list(documents(write(tmp_path, content)))
    with pytest.raises(UsageError, match="nowhere"):
        list(documents(tmp_path / "nowhere"))
    with pytest.raises(UsageError):
        list(documents(tmp_path))
    assert list(documents(write(tmp_path, ""))) == []


def test_memory_holds_one_value_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.json.gz"
    item = json.dumps({"name": "x" * 2000, "list": list(range(100))})
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write('{"configurationItems": [' + ",".join([item] * 20_000) + "]}")
    tracemalloc.start()
    try:
        assert sum(1 for p in members(path, {"configurationItems"}) if p.element) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2**20  # the file's text has 48 million characters


def test_an_endless_value_is_refused_before_memory_is(tmp_path: Path) -> None:
    before, jsonstream.LARGEST, jsonstream.CHUNK = jsonstream.LARGEST, 5_000, 100  # type: ignore[misc]
    try:
        with pytest.raises(UsageError, match="one value of more than"):
            list(documents(write(tmp_path, '{"a": "' + "x" * 50_000)))
    finally:
        jsonstream.LARGEST, jsonstream.CHUNK = before, 1 << 20  # type: ignore[misc]


def flattened(value: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a walk into everything gives."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flattened(inner, (*names, name))
    elif isinstance(value, list):
        for inner in value:
            yield from flattened(inner, (*names, ELEMENT))
    else:
        yield names, value


@given(
    value=st.dictionaries(
        st.text(max_size=3),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=12,
        ),
        max_size=4,
    ),
    chunk=st.integers(1, 40),
)
def test_a_walk_gives_every_value_with_the_way_to_it(
    value: dict[str, Any], chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("walk") / "x.json"
    path.write_text(json.dumps(value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonstream, "CHUNK", chunk)
        assert [(p.path, p.value) for p in walk(path, lambda _: True)] == list(flattened(value))
        # What is declined is given whole, and so is the same in all.
        assert {p.path[0]: p.value for p in walk(path, lambda _: False)} == value
        assert reduced(path, lambda _: True, lambda _, kept: kept) == value
        assert reduced(path, lambda _: False, lambda names, _: names[-1]) == {name: name for name in value}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": {"b": [1, 2}', "x.json:1"),
        ('{"a": {"b" 1}}', "x.json:1"),
        ('{\n"a": {3: 1}}', "x.json:2:7: a member without a name"),
        ('{"a": [1,', "cut short|ends in the middle"),
        ('{"a":' * 300 + "1" + "}" * 300, "nests too deeply"),
    ],
)
def test_a_walk_tells_where_a_file_is_broken(text: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=what):
        list(walk(path, lambda _: True))
