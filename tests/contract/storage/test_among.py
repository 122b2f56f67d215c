"""Many keys as one parameter: the same rows as a parameter for each, and a plan that does not walk the estate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from providers.memory.estate import Estate
from providers.resource import Resource, Scope
from storage.among import among
from storage.database import Database
from storage.inventory import Inventory
from storage.query import Filter
from storage.tables import RESOURCE

SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
ACCOUNT = "100000000001"
IDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@pytest.fixture
def filled(world: Any) -> Database:
    """Two hundred resources in two accounts."""
    world.estate = world.provider.estate = Estate(resources=200, scopes=20)
    world.cycle()
    database: Database = world.database
    return database


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.integers(0, 60) | IDS, max_size=40), negated=st.booleans())
def test_it_chooses_what_a_list_of_parameters_chooses(
    filled: Database, keys: list[int], negated: bool
) -> None:
    ours, theirs = among(RESOURCE.c.id, keys), RESOURCE.c.id.in_(keys)
    with filled.read() as connection:

        def chosen(condition: sa.ColumnElement[bool]) -> set[int]:
            query = sa.select(RESOURCE.c.id).where(sa.not_(condition) if negated else condition)
            return set(connection.scalars(query))

        assert chosen(ours) == chosen(theirs)


def test_text_keys_of_any_kind(empty_world: Any, make_resource: Callable[..., Resource]) -> None:
    names = ["plain", 'quo"te', "back\\slash", "line\nbreak", "größe", "\U0001f512", "{a,b}", "NULL", ""]
    empty_world.record(SCOPE, [make_resource(n or "x", uid=f"mem:{n}") for n in names])
    with empty_world.database.read() as connection:
        query = sa.select(RESOURCE.c.uid).where(among(RESOURCE.c.uid, [f"mem:{n}" for n in names]))
        assert set(connection.scalars(query)) == {f"mem:{n}" for n in names}
        assert connection.scalars(query.where(among(RESOURCE.c.uid, ()))).all() == []


def test_one_account_does_not_walk_the_estate(world: Any, filled: Database) -> None:
    """Of the statements that a narrowed question asks none scans table resource (decision 0150)."""
    asked: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(filled.engine, "before_cursor_execute", note)
    at = world.later()
    found = sum(map(len, Inventory(filled).find(Filter(accounts=frozenset({ACCOUNT})), at)))
    event.remove(filled.engine, "before_cursor_execute", note)
    assert found == 100
    explain = "EXPLAIN QUERY PLAN " if filled.sqlite else "EXPLAIN "
    with filled.read() as connection:
        if not filled.sqlite:  # so small a table is rightly scanned otherwise
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [
            " ".join(map(str, row))
            for statement, parameters in asked
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type]
        ]
    assert plans
    assert not [p for p in plans if "SCAN resource" in p or "Seq Scan on resource" in p], plans


@pytest.mark.parametrize("fresh_url", ["postgresql"], indirect=True)
def test_the_planner_expects_as_many_rows_of_many_keys_as_of_few(filled: Database) -> None:
    """Told how many there are, it would read the whole table of an estate of tens of thousands (decision 0154)."""

    def expected(count: int) -> Any:
        query = sa.select(RESOURCE.c.uid).where(among(RESOURCE.c.id, range(1, count + 1)))
        compiled = query.compile(filled.engine)
        with filled.read() as connection:
            plan = connection.exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params
            ).scalar_one()
        return plan[0]["Plan"]["Plan Rows"]

    assert expected(2) == expected(200)
