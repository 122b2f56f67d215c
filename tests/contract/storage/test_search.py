"""Filters on any field: the same answers with an index, without it and on SQLite, whatever the documents and the expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jmespath
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.expressions import Expression
from config.settings import StorageSettings
from providers.resource import Resource, Scope
from storage import search, transfer
from storage.database import Database
from storage.inventory import Inventory
from storage.query import Filter
from storage.values import StoredResource

Make = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
SCALARS: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        1.0,
        0.1,
        2**53 + 1,
        1e25,
        "",
        "x",
        "y",
        "a b",
        "x\0",
        "\ufffd",
        'q"\\',
        "é\U0001f512",
    ]
)
NAMES = st.sampled_from(["A", "B", "a b", "Key", "0", "n\0"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
quoted = st.builds(lambda name: '"' + name.replace("\0", "\\u0000") + '"', NAMES)


def literal(value: Any) -> str:
    import json

    return "`" + json.dumps(value).replace("`", "\\`") + "`"


PATHS = st.builds(
    lambda root, steps: ".".join([root, *steps]).replace(".[", "["),
    st.sampled_from(["document", "document", "document", "tags", "name", "uid", "unread"]),
    st.lists(quoted | st.sampled_from(["[0]", "[-1]"]), max_size=3),
).filter(lambda path: not path.startswith(("name[", "uid[")))
COMPARED = st.builds(
    lambda path, op, value, turned: (
        f"{literal(value)} {op} {path}" if turned else f"{path} {op} {literal(value)}"
    ),
    PATHS,
    st.sampled_from(["==", "==", "==", "!=", "<", ">="]),
    VALUES,
    st.booleans(),
)
FILTERED = st.builds(
    lambda path, one, value, other: f"{path}[?{one} == {literal(value)}{other}]",
    PATHS,
    quoted,
    SCALARS,
    st.sampled_from(["", " && A", " || B", ' && "a b" == `1`']),
)
EXPRESSIONS = st.recursive(
    PATHS | COMPARED | FILTERED | st.builds(lambda p: f"contains(keys(document), 'A') && {p}", PATHS),
    lambda inner: (
        st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds(lambda a: f"!({a})", inner)
        | st.builds(lambda a: f"({a}) | @", inner)
    ),
    max_leaves=4,
)


@pytest.fixture
def indexed(settings: StorageSettings) -> Any:
    """A database that keeps the index, where it can."""
    with Database.open(settings.model_copy(update={"search_index": True})) as database:
        yield database


def plain(found: list[StoredResource], expression: str | None, tags: dict[str, str]) -> set[str]:
    compiled = Expression(expression) if expression else None
    return {
        r.uid
        for r in found
        if all(r.tags.get(k) == v for k, v in tags.items())
        and (compiled is None or bool(compiled.search(r.record())))
    }


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    documents=st.lists(DOCUMENTS, min_size=1, max_size=6),
    expressions=st.lists(EXPRESSIONS, min_size=1, max_size=8),
    tags=st.dictionaries(st.sampled_from(["Team", "t\0"]), st.sampled_from(["x", "\0"]), max_size=1),
)
def test_any_expression_over_any_documents(
    empty_world: Any,
    indexed: Database,
    make_resource: Make,
    documents: list[dict[str, Any]],
    expressions: list[str],
    tags: dict[str, str],
) -> None:
    search.settle(indexed, empty_world.now)
    assert indexed.sqlite or not search.pending(indexed)
    empty_world.later()
    made = [
        make_resource(f"r{n}", document, tags={"Team": "x", "t\0": "\0"} if n % 2 else {})
        for n, document in enumerate(documents)
    ]
    empty_world.inventory = inventory = Inventory(indexed)
    empty_world.record(SCOPE, made)
    everything = [r for batch in inventory.find() for r in batch]
    assert len(everything) == len(documents)
    for expression in [None, *expressions]:
        try:
            expected = plain(everything, expression, tags)
        except jmespath.exceptions.JMESPathError:
            continue  # which the filter says of the first document it meets
        wanted = Filter(where=expression, tags=tags)
        found = {r.uid for batch in inventory.find(wanted) for r in batch}
        assert found == expected, expression


def asked(database: Database, where: str) -> tuple[list[str], int]:
    """What is found, and how many documents had to be decoded."""
    decoded = 0
    inner = database.codecs.decode

    def counting(codec: int, data: bytes) -> bytes:
        nonlocal decoded
        decoded += 1
        return inner(codec, data)

    database.codecs.decode = counting  # type: ignore[method-assign]
    try:
        found = [r.name for batch in Inventory(database).find(Filter(where=where)) for r in batch]
    finally:
        database.codecs.decode = inner  # type: ignore[method-assign]
    return found, decoded


def test_the_index_follows_what_happens(empty_world: Any, indexed: Database, make_resource: Make) -> None:
    world, world_inventory = empty_world, Inventory(indexed)
    without, first = {"Id": "r"}, [make_resource(f"r{n}", {"N": n, "On": n == 3}) for n in range(40)]
    world.record(SCOPE, first)
    assert asked(indexed, "document.N == `7`") == (["r7"], 40)
    search.settle(indexed, world.now, batch=9)
    read = 1 if not indexed.sqlite else 40
    assert asked(indexed, "document.N == `7`") == (["r7"], read)
    assert asked(indexed, "document.On") == (["r3"], read)
    world.inventory = world_inventory
    world.later()
    world.record(SCOPE, [make_resource("r7", without), *first[8:], make_resource("new", {"N": 7})])
    assert asked(indexed, "document.N == `7`")[0] == ["new"]
    if not indexed.sqlite:
        with indexed.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM search").scalar() == 34
        # Another daemon, whose configuration says nothing of it, keeps it all the same; and may then remove it.
        with Database.open(indexed.settings.model_copy(update={"search_index": False})) as other:
            Inventory(other).record_one(make_resource("r9", {"N": 7}), world.later())
            assert asked(indexed, "document.N == `7`") == (["r9", "new"], 2)
            assert search.pending(other)
            search.settle(other, world.now)
        assert asked(indexed, "document.N == `7`") == (["r9", "new"], 34)


def test_a_copy_does_not_claim_an_index(
    empty_world: Any, indexed: Database, make_resource: Make, fresh_url: Callable[[], str]
) -> None:
    empty_world.record(SCOPE, [make_resource("one", {"N": 1})])
    search.settle(indexed, empty_world.now)
    with Database.open(StorageSettings(url=fresh_url())) as copy:
        transfer.copy(indexed, copy, empty_world.now, actor="ann")
        assert asked(copy, "document.N == `1`") == (["one"], 1)
