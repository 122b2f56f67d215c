"""The query language of the emulated Resource Graph: its meaning, and that no text breaks it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.sandbox.azure.kql import run
from providers.sandbox.azure.kql_lexer import MAX_LENGTH, KqlError, tokens
from providers.sandbox.azure.kql_syntax import OPERATORS, parse

NOW = datetime(2025, 6, 15, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "id": "/a",
        "name": "Alpha-one",
        "type": "t/x",
        "tags": {"Owner": "me"},
        "properties": {"on": True, "n": 3, "list": [{"p": 22}]},
    },
    {
        "id": "/b",
        "name": "beta",
        "type": "t/x",
        "tags": None,
        "properties": {"on": False, "n": 10, "when": "2025-06-14T00:00:00Z"},
    },
    {"id": "/c", "name": "gamma", "type": "t/y", "tags": {}, "properties": {}},
]


def ids(query: str) -> list[str]:
    return [row["id"] for row in run(parse(query), ROWS, NOW).rows]


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("type == 't/x'", ["/a", "/b"]),
        ("type == 'T/X'", []),
        ("type =~ 'T/X'", ["/a", "/b"]),
        ("type !~ 'T/X'", ["/c"]),
        ("type != 't/x' or name == 'beta'", ["/b", "/c"]),
        ("name in ('beta', 'gamma')", ["/b", "/c"]),
        ("name in~ ('BETA')", ["/b"]),
        ("name !in~ ('BETA')", ["/a", "/c"]),
        ("name contains 'A-O'", ["/a"]),
        ("name !contains 'a'", []),
        ("name contains_cs 'A'", ["/a"]),
        ("name startswith 'ALP'", ["/a"]),
        ("name !startswith 'alp'", ["/b", "/c"]),
        ("name endswith 'one'", ["/a"]),
        ("name has 'one'", ["/a"]),
        ("name has 'lpha'", []),
        ("properties.on == true", ["/a"]),
        ("properties.on == 'true'", ["/a"]),
        ("properties.on != true", ["/b", "/c"]),
        ("not(properties.on == true)", ["/b", "/c"]),
        ("properties.n > 3", ["/b"]),
        ("properties.n >= 3 and properties.n < 10", ["/a"]),
        ("isnull(properties.on)", ["/c"]),
        ("isnotempty(tags.Owner)", ["/a"]),
        ("tags['Owner'] =~ 'ME'", ["/a"]),
        ("properties.list[0].p == 22", ["/a"]),
        ("properties.list[9].p == 22", []),
        ("array_length(properties.list) == 1", ["/a"]),
        ("todatetime(properties.when) > ago(2d)", ["/b"]),
        ("todatetime(properties.when) >= datetime(2025-06-14T00:00:00Z)", ["/b"]),
        ("todatetime(properties.when) > datetime(2025-06-14T00:00:01Z)", []),
        ("tolower(name) == 'alpha-one' // a remark", ["/a"]),
        ("(type == 't/x' and name == 'beta') or name == @'gamma'", ["/b", "/c"]),
    ],
)
def test_a_condition_means_what_kusto_says(condition: str, wanted: list[str]) -> None:
    assert ids(f"resources | where {condition}") == wanted


def rows(query: str) -> list[dict[str, Any]]:
    return run(parse(query), ROWS, NOW).rows


def test_columns_are_chosen_made_and_dropped() -> None:
    assert rows("resources | project id, properties.n, big = properties.n > 5 | where id == '/b'") == [
        {"id": "/b", "properties_n": 10, "big": True}
    ]
    assert rows("resources | project-away p*, tags, name, type | take 1") == [{"id": "/a"}]
    assert rows("resources | extend both = strcat(type, ':', name) | project both | limit 1") == [
        {"both": "t/x:Alpha-one"}
    ]


def test_order_is_descending_unless_said_and_ignores_case() -> None:
    assert ids("resources | order by name") == ["/c", "/b", "/a"]
    assert ids("resources | sort by name asc") == ["/a", "/b", "/c"]
    assert ids("resources | order by type asc, name desc") == ["/b", "/a", "/c"]
    assert ids("resources | top 1 by properties.n") == ["/b"]


def test_rows_are_counted_and_grouped() -> None:
    assert rows("resources | count") == [{"Count": 3}]
    assert rows("resources | summarize count() by type") == [
        {"type": "t/x", "count_": 2},
        {"type": "t/y", "count_": 1},
    ]
    assert rows("resources | summarize total = sum(properties.n), dcount(type)") == [
        {"total": 13, "dcount_": 2}
    ]
    assert rows("resources | distinct type") == [{"type": "t/x"}, {"type": "t/y"}]
    assert rows("resources | where id == 'none' | summarize count()") == [{"count_": 0}]


def test_only_rows_with_their_id_can_be_paged() -> None:
    assert run(parse("resources"), ROWS, NOW).pageable
    assert run(parse("resources | project id, name"), ROWS, NOW).pageable
    assert not run(parse("resources | project name"), ROWS, NOW).pageable
    assert not run(parse("resources | summarize count() by type"), ROWS, NOW).pageable


def test_without_a_table_resources_are_meant() -> None:
    assert parse("where name contains 'test' | project id").table == "resources"
    assert parse("project id, tags | limit 2").table == "resources"


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("", 0),
        ("resources | whre x", 12),
        ("resources | where", 17),
        ("resources | where name ==", 25),
        ("resources | where name == 'x", 26),
        ("resources | where (name == 'x'", 30),
        ("resources | limit many", 18),
        ("resources where", 10),
        ("resources | where name = 'x'", 23),
        ("resources | order name", 18),
        ("resources | project-away", 24),
        ("| where x", 0),
        ("resources | where 'a' in ()", 26),
    ],
)
def test_a_mistake_is_told_with_its_place(query: str, position: int) -> None:
    with pytest.raises(KqlError) as caught:
        parse(query)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "query",
    [
        "resources | where nothing == 1",
        "resources | where frobnicate(name)",
        "resources | where tolower(name, name) == 'x'",
        "resources | summarize tolower(name)",
        "resources | summarize sum()",
        "resources | where todatetime(name) > ago(99999999999999d)",
    ],
)
def test_what_cannot_be_evaluated_is_an_error(query: str) -> None:
    with pytest.raises(KqlError):
        rows(query)


def test_depth_and_length_have_bounds() -> None:
    with pytest.raises(KqlError, match="nested deeper"):
        parse("resources | where " + "(" * 500 + "true" + ")" * 500)
    with pytest.raises(KqlError, match="longer than"):
        parse("x" * (MAX_LENGTH + 1))
    chain = " or ".join(["id == '/a'"] * 1500)
    assert ids(f"resources | where {chain}") == ["/a"]


WORDS = st.sampled_from(
    [*OPERATORS, "resources", "|", "(", ")", "[", "]", ",", ".", "==", "=~", "!in", "in~", "and", "or", "not(", "by", "asc",
     "id", "name", "properties", "'text'", '"t"', "7", "1.5", "2d", "count()", "ago(", "datetime(", "tostring(", "=", "-", "*",
     "sum(", "iff(", "strcat(", "array_length(", "true", "contains", "has"]
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_is_answered_or_refused(text: str) -> None:
    try:
        result = run(parse(text), ROWS, NOW)
    except KqlError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert isinstance(result.rows, list)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["where properties.n > 1", "where isnotempty(name)", "extend z = tolower(name)", "order by name", "limit 2", "distinct id, name, properties", "project id, name, properties"]), max_size=5))  # fmt: skip
def test_pipes_of_valid_operators_always_run(steps: list[str]) -> None:
    result = run(parse(" | ".join(["resources", *steps])), ROWS, NOW)
    assert {row["id"] for row in result.rows} <= {"/a", "/b", "/c"}


@settings(deadline=None)
@given(st.text(max_size=40))
def test_every_word_stands_where_it_says(text: str) -> None:
    try:
        words = tokens(text)
    except KqlError:
        return
    for word in words:
        assert text[word.position : word.position + len(word.text)] == word.text
