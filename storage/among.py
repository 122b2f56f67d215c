"""The condition that a column is one of many keys, with the keys as one parameter.

A parameter for each of 500 keys costs far more than finding their rows does: SQLAlchemy and psycopg write each of them into
the statement, and PostgreSQL plans it anew every time (decision 0150). An array (JSON on SQLite) costs next to nothing, and
the statement is the same each time, so that it stays prepared.

PostgreSQL must not count the keys either: told of 500 it reads the whole table of an estate of tens of thousands, since it takes
each look into an index for a seek on a disk. An array behind a SELECT is of unknown length to it (decision 0154).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator


class _Keys(TypeDecorator[list[Any]]):
    """Many keys: an array, or a JSON text where there are none."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: type[sa.BigInteger] | type[sa.Text]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(postgresql.ARRAY(self.item))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return orjson.dumps(value).decode() if dialect.name == "sqlite" else value


class _Among(GenericFunction[bool]):
    type = sa.Boolean()
    inherit_cache = True
    name = "among"

    def self_group(self, against: OperatorType | None = None) -> ColumnElement[bool]:  # type: ignore[override] # noqa: ARG002
        """As it is: a function would be compared with 1 where a database has no booleans, and use no index."""
        return self


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY(SELECT unnest({keys})))"


@compiles(_Among, "sqlite")
def _each(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = element.clauses
    return f"{compiler.process(column, **options)} IN (SELECT value FROM json_each({compiler.process(keys, **options)}))"  # noqa: S608


def among(column: sa.ColumnElement[Any], keys: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether an integer or text column is one of ``keys``."""
    item = sa.Text if isinstance(column.type, sa.Text) else sa.BigInteger
    return _Among(column, sa.bindparam(None, list(keys), type_=_Keys(item)))
