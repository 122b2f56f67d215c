"""Many rows at once, by each database's fastest way: a prepared ``executemany`` on SQLite; binary ``COPY``, and one UPDATE from
arrays, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage.tables import RESOURCE

COPY_FROM = 20
"""Fewer rows than this are not worth a COPY's round trips."""


def insert(
    connection: Connection, table: sa.Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert ``rows``, each with a value for each of ``columns`` in order."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_sqlite_insert(table, columns), list(rows))
    elif len(rows) < COPY_FROM:
        connection.execute(sa.insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
    else:
        _copy(connection, table, columns, rows)


@cache
def _sqlite_insert(table: sa.Table, columns: tuple[str, ...]) -> str:
    marks = ",".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({','.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of our own


_POSTGRESQL_TYPES = {
    sa.Text: "text",
    sa.LargeBinary: "bytea",
    sa.SmallInteger: "int2",
    sa.Integer: "int4",
    sa.Boolean: "bool",
    sa.BigInteger: "int8",
}


def _copy(
    connection: Connection, table: sa.Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    types = [_POSTGRESQL_TYPES[type(table.c[column].type)] for column in columns]
    statement = f"COPY {table.name} ({','.join(columns)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def update(
    connection: Connection,
    table: sa.Table,
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    where: str = "true",
) -> None:
    """Set ``columns`` of the rows that ``keys`` name, and that meet ``where`` (SQL of our own): each of ``rows`` has the values
    of the columns, then of the keys."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_sqlite_update(table, keys, columns, where), list(rows))
        return
    values = list(map(list, zip(*rows, strict=True)))
    connection.exec_driver_sql(_postgresql_update(table, keys, columns, where), tuple(values))


@cache
def _sqlite_update(table: sa.Table, keys: tuple[str, ...], columns: tuple[str, ...], where: str) -> str:
    setting = ",".join(f"{column}=?" for column in columns)
    chosen = " AND ".join(f"{key}=?" for key in keys)
    return f"UPDATE {table.name} SET {setting} WHERE {chosen} AND {where}"  # noqa: S608 - names of our own


@cache
def _postgresql_update(table: sa.Table, keys: tuple[str, ...], columns: tuple[str, ...], where: str) -> str:
    names = (*columns, *keys)
    arrays = ",".join(f"%s::{_POSTGRESQL_TYPES[type(table.c[name].type)]}[]" for name in names)
    setting = ",".join(f"{column}=given.{column}" for column in columns)
    chosen = " AND ".join(f"{table.name}.{key}=given.{key}" for key in keys)
    return (
        f"UPDATE {table.name} SET {setting} FROM unnest({arrays}) AS given({','.join(names)}) "  # noqa: S608
        f"WHERE {chosen} AND {where}"
    )


def new_ids(connection: Connection, table: sa.Table, count: int) -> range | list[int]:
    """``count`` ids for rows about to be inserted into ``table``, within the writer's transaction."""
    if connection.dialect.name == "sqlite":
        # One writer at a time: nobody else can take them before we commit.
        last = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
        return range(last + 1, last + 1 + count)
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    numbers = sa.func.generate_series(1, count).table_valued("n")
    # As one array: a row for each would cost more than its id.
    query = sa.select(sa.func.array_agg(sa.func.nextval(sequence))).select_from(numbers)
    return list(connection.scalars(query).one() or ())


def live_digests(
    connection: Connection, condition: sa.ColumnElement[bool]
) -> Iterator[tuple[int, bytes, bool]]:
    """Id and digest of the live resources that meet ``condition``, and whether they have unread fields or were missed.

    A scope's whole content passes here in each cycle, so the driver's own tuples are taken, at a third of a Row's price; from
    PostgreSQL in binary, and streaming.
    """
    resource = RESOURCE.c
    slow = sa.or_(resource.unread.is_not(None), resource.missed > 0)
    query = sa.select(resource.id, resource.digest, slow).where(condition, resource.deleted_at.is_(None))
    if connection.dialect.name != "sqlite":
        compiled = query.compile(dialect=connection.dialect)
        driver: Any = connection.connection.driver_connection
        with driver.cursor("live_digests", binary=True) as streamed:
            streamed.itersize = 5_000
            streamed.execute(compiled.string, compiled.params)
            yield from streamed
        return
    cursor: Any = connection.execute(query).cursor
    while rows := cursor.fetchmany(5_000):
        yield from rows
