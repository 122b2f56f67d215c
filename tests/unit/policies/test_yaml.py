"""The quick way of reading a pack's YAML gives what the thorough one gives, or leaves the text to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml.error import YAMLError

from policies.errors import PackError
from policies.files import BUILT_IN
from policies.yaml import _ordinary, _thorough, _Uncommon, load_yaml

FILE = Path("pack.yaml")
SCALARS = [
    "a",
    "yes",
    "null",
    "~",
    "true",
    "True",
    "1",
    "012",
    "0x1f",
    "1.5",
    "1e3",
    "2024-05-01",
    "-5",
    "+5",
    ".inf",
    "=",
    "é",
    "\\u00e9",
]
MARKS = [
    "b: ",
    "- ",
    "? ",
    ": ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "#",
    " # x",
    "'",
    '"',
    "&x ",
    "*x",
    "!!str ",
    "!t ",
    "<<: ",
]
BREAKS = [
    "\n",
    "\n  ",
    "\n    ",
    ">-\n  ",
    "|\n  ",
    "%YAML 1.1\n---\n",
    "---\n",
    "...\n",
    "\t",
    "custom:\n  ",
    "id: x\n",
]
WORDS = st.sampled_from([*SCALARS, *MARKS, *BREAKS])


def quick(text: str) -> Any:
    try:
        return _ordinary(text, (4, 3))
    except (_Uncommon, YAMLError, ValueError):
        return None


@given(st.lists(WORDS, max_size=12).map("".join))
@example("a: 1\na: 2")
@example("a: &x [1]\nb: *x")
@example("&x a: &x b")
@example("a: {<<: {b: 1}}")
@example("1: a\ntrue: b\nnull: c")
@example("a: >\n  folded\n  text\n\n  more\nb: |\n  kept\n   so")
@example('a: "\\u00e9\\n"\nb: [x, {c: d}, ]\n')
@example("%YAML 1.1\n---\na: yes")
@example("%YAML 1.1\n---\na: 1e5")
@example("a: 2024-05-01\nb: 1_000\nc: 0o17\nd: 190:20:30")
def test_what_is_read_quickly_is_read_right(text: str) -> None:
    found = quick(text)
    try:
        expected = _thorough(text, FILE, (4, 3))
    except PackError:
        return  # libyaml reads some that the other refuses (a block that begins with a deeper blank line)
    assert found in (None, expected)


@given(st.lists(WORDS, max_size=12).map("".join))
@example("1e9: #\n  x")
@example("a: {<<: {b: 1}}")
def test_no_text_is_a_defect(text: str) -> None:
    try:
        values, places = load_yaml(text, FILE)
    except PackError as error:
        assert error.position.line >= 1
    else:
        assert all(line >= 1 and column >= 1 for line, column in places.values())
        assert not values or places


def test_the_shipped_packs_are_ordinary() -> None:
    files = sorted(BUILT_IN.rglob("pack.yaml"))
    assert files
    for file in files:
        text = file.read_text()
        assert quick(text) == _thorough(text, file, (4, 3))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\na: 2", 2, 'found duplicate key "a" with value "2" (original value: "1")'),
        ("a: [1", 1, "expected ',' or ']'"),
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("- 1", 1, "a mapping of keys was expected"),
        ("a: " + "[" * 100_000, 1, "nests too deeply"),
        ("a:\n  " + "- " * 100_000, 2, "nests too deeply"),
        ("? " * 100_000, 1, "nests too deeply"),
    ],
    ids=["twice", "open", "two colons", "a list", "brackets", "dashes", "keys"],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(PackError) as caught:
        load_yaml(text, FILE)
    assert what in str(caught.value)
    assert caught.value.position.line == line
