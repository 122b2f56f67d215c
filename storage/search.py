"""An index on every field of the newest documents, on PostgreSQL, where ``storage.search_index`` asks for it.

A JMESPath expression is answered by evaluating it on decoded documents, always. What the index adds is which documents can be
passed over: :func:`narrowed` turns an expression into a condition in SQL that holds wherever the expression does, and maybe
elsewhere. So the answers are the same with the index, without it, and on SQLite, which has none (decision 0153).

Whether there is an index is said by the database, not by a process's configuration: once it is being built, every writer keeps
it, in the transaction that changes the resource.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from storage.among import among
from storage.database import Database
from storage.rows import CHUNK, chunks
from storage.state import State, read_state, write_state
from storage.tables import RESOURCE, VERSION
from storage.text import clean
from storage.times import OPEN, to_us

SEARCH = sa.Table(
    "search",
    sa.MetaData(),
    sa.Column("resource_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", JSONB, nullable=False),
)
"""The record of each live resource's newest version. Only PostgreSQL has the table."""
STATE = "search.index"
BUILDING, COMPLETE = "building", "complete"
_ROOTS = frozenset({"account", "region", "type", "name", "tags", "document"})
"""What an expression sees and the stored record has; not ``uid``, ``provider`` and ``unread``."""
_EXACT = 2**53
"""Beyond, a number's text and its value as a double may differ."""


def pending(database: Database) -> bool:
    """Whether the index is not as the settings ask for it."""
    if database.sqlite:
        return False
    with database.read() as connection:
        there = read_state(connection, STATE)
    return there != COMPLETE if database.settings.search_index else there is not None


def settle(
    database: Database,
    now: datetime,
    *,
    batch: int = CHUNK,
    progress: Callable[[int], bool] = lambda _done: True,
) -> int:
    """Build the index, or remove it, as the settings ask; how many resources were taken in. ``progress`` is told so after each
    transaction, and ends the run by returning False; one that is cut short is gone on with by the next. Raises StorageError."""
    if not pending(database):
        return 0
    if not database.settings.search_index:
        with database.write() as connection:
            connection.execute(sa.delete(SEARCH))
            State(database).delete(STATE)
        return 0
    with database.write() as connection:
        write_state(connection, STATE, BUILDING, to_us(now))
    done = 0
    while filled := _fill(database, batch):
        done += filled
        if not progress(done):
            return done
    with database.write() as connection:
        write_state(connection, STATE, COMPLETE, to_us(now))
    return done


def _fill(database: Database, batch: int) -> int:
    """Take in resources that are not there, at most ``batch``, as one transaction."""
    query = (
        sa.select(RESOURCE.c.id, VERSION.c.codec_id, VERSION.c.data)
        .join(VERSION, (VERSION.c.resource_id == RESOURCE.c.id) & (VERSION.c.valid_to == OPEN))
        .outerjoin(SEARCH, SEARCH.c.resource_id == RESOURCE.c.id)
        .where(SEARCH.c.resource_id.is_(None), RESOURCE.c.deleted_at.is_(None))
        .limit(batch)
    )
    with database.write() as connection:
        rows = connection.execute(query).all()
        database.codecs.load(connection, {row.codec_id for row in rows})
        keep(connection, [(row.id, database.codecs.decode(row.codec_id, row.data)) for row in rows])
    return len(rows)


def kept(connection: Connection) -> bool:
    """Whether a writer has to keep the index, within its transaction."""
    return connection.dialect.name != "sqlite" and read_state(connection, STATE) is not None


def keep(connection: Connection, records: Sequence[tuple[int, bytes]]) -> None:
    """Take in the newest records: resource id, canonical bytes."""
    for part in chunks(records):
        connection.exec_driver_sql(
            "INSERT INTO search (resource_id, body) SELECT * FROM unnest(%s::int8[], %s::jsonb[]) "
            "ON CONFLICT (resource_id) DO UPDATE SET body = excluded.body",
            ([number for number, _ in part], [_text(data) for _, data in part]),
        )


def forget(connection: Connection, resources: Iterable[int]) -> None:
    """Leave out resources that are gone."""
    for part in chunks(list(resources)):
        connection.execute(sa.delete(SEARCH).where(among(SEARCH.c.resource_id, part)))


def _text(data: bytes) -> str:
    """A record as jsonb takes it, which has no NUL."""
    if b"\\u0000" in data:
        return orjson.dumps(_cleaned(orjson.loads(data))).decode()
    return data.decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


def usable(connection: Connection) -> bool:
    """Whether the index can be asked."""
    return connection.dialect.name != "sqlite" and read_state(connection, STATE) == COMPLETE


def narrowed(expression: Mapping[str, Any] | None, tags: Mapping[str, str]) -> sa.ColumnElement[bool] | None:
    """A condition on :data:`SEARCH` that holds wherever the parsed expression and the tags do; None where there is none."""
    parts = [_holds({"tags": {clean(key): clean(value)}}) for key, value in sorted(tags.items())]
    if expression is not None and (condition := _condition(expression)) is not None:
        parts.append(condition)
    return sa.and_(*parts) if parts else None


def _condition(node: Mapping[str, Any]) -> sa.ColumnElement[bool] | None:
    """What must hold for an expression to be true."""
    kind, children = node["type"], node["children"]
    if kind in ("and_expression", "or_expression"):
        sides = [_condition(child) for child in children]
        there = [side for side in sides if side is not None]
        if kind == "and_expression":
            return sa.and_(*there) if there else None
        return sa.or_(*there) if len(there) == len(sides) else None
    if kind == "comparator" and node["value"] == "eq":
        body = _equal(node)
        return None if body is None or not _ROOTS.issuperset(body) else _holds(body)
    if kind == "filter_projection":
        return _some(*children)
    return _true(node)


def _some(
    whole: Mapping[str, Any], _then: object, condition: Mapping[str, Any]
) -> sa.ColumnElement[bool] | None:
    """A filtered list is true when an item meets the condition: here, one with all that it says to be equal."""
    steps = _path(whole)
    items = list(_equalities(condition))
    if not steps or steps[0] not in _ROOTS or not items:
        return None
    return sa.and_(*(_holds(_nested(steps, [item])) for item in items))


def _equalities(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What an item must hold, of the parts of a condition that all must be true."""
    if node["type"] == "and_expression":
        for child in node["children"]:
            yield from _equalities(child)
    elif node["type"] == "comparator" and node["value"] == "eq":
        item = _equal(node)
        if item is not None:
            yield item


def _equal(node: Mapping[str, Any]) -> dict[str, Any] | None:
    """A document that is contained in every one for which ``path == literal`` is true."""
    for this, other in (node["children"], reversed(node["children"])):
        steps = _path(this)
        if steps and isinstance(steps[0], str) and other["type"] == "literal" and _plain(other["value"]):
            body: dict[str, Any] = _nested(steps, other["value"])
            return body
    return None


def _plain(value: Any) -> bool:
    """Whether a literal is equal to exactly what jsonb contains it in. A null is equal to what is not there, too."""
    if isinstance(value, bool | str):
        return True
    return isinstance(value, int | float) and abs(value) < _EXACT


_FALSE: tuple[Any, ...] = (None, False, "", [], {})


def _true(node: Mapping[str, Any]) -> sa.ColumnElement[bool] | None:
    """Of a path alone: it leads to something that JMESPath takes for true. Decided from the documents in the database, without
    the index, which still is many times faster than reading them all."""
    steps = _path(node)
    if not steps or steps[0] not in _ROOTS or not all(isinstance(step, str) for step in steps):
        return None
    found = SEARCH.c.body[tuple(clean(str(step)) for step in steps)]
    return sa.func.coalesce(found, _json(None)).not_in([_json(value) for value in _FALSE])


_Step = str | None
"""Into a field, or into some item of a list."""


def _path(node: Mapping[str, Any]) -> list[_Step]:
    """The steps of a plain path; none for anything else."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        return [node["value"]]
    if kind not in ("subexpression", "index_expression"):
        return []
    steps: list[_Step] = []
    for child in children:
        more = [None] if child["type"] == "index" else _path(child)
        if not more:
            return []
        steps += more
    return steps


def _nested(steps: Sequence[_Step], value: Any) -> Any:
    for step in reversed(steps):
        value = [value] if step is None else {clean(step): value}
    return value


def _holds(body: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    return SEARCH.c.body.contains(_json(_cleaned(dict(body))))


def _json(value: Any) -> sa.ColumnElement[Any]:
    # As text with a cast: psycopg would write JSON by itself otherwise, and a null as SQL's.
    return sa.cast(sa.literal(json.dumps(value), sa.Text), JSONB)
