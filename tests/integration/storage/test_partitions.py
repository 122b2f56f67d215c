"""Versions by time on PostgreSQL: where they go, months made ahead, dropped and written anew; and every earlier schema's rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command

from config.settings import RetentionSettings, StorageSettings
from providers.memory.estate import Estate
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage import partitions, transfer
from storage.baseline import Baselines, Word
from storage.database import Database
from storage.errors import StorageError
from storage.history import History
from storage.housekeeping import prune as prune_before
from storage.inventory import Inventory
from storage.ledger import Ledger
from storage.query import Filter
from storage.retention import prune
from storage.schema import configuration
from storage.tables import RESOURCE, VERSION, Table
from storage.times import OPEN

ROOT = Path(__file__).parents[3]
SCOPE = Scope("memory", "1", "north", "memory.t")
START = datetime(2026, 1, 30, 12, tzinfo=UTC)
UNKNOWN = {"cycle_id", "actor", "closed_by"}


@pytest.fixture
def database(make_postgres: Callable[[str | None], str]) -> Iterator[Database]:
    with opened(make_postgres(None)) as made:
        made.migrate()
        yield made


def opened(url: str) -> Database:
    return Database.open(StorageSettings(url=url, lock_timeout=timedelta(seconds=20)))


def record(database: Database, at: datetime, number: int, *, names: int = 3) -> None:
    recording = Inventory(database).begin(SCOPE, at)
    for name in range(names):
        ref = ResourceRef(provider="memory", account="1", region="north", type="memory.t", uid=f"mem:{name}")
        recording.add([Resource(ref=ref, name="one", document={"N": number if name else 0})])
    recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE, read=names))


def by_partition(database: Database) -> dict[str, int]:
    with database.read() as connection:
        query = sa.text("SELECT tableoid::regclass::text, count(*) FROM version GROUP BY 1")
        return {row[0]: row[1] for row in connection.execute(query)}


def test_a_version_goes_to_the_month_of_its_end(database: Database) -> None:
    for day in range(4):  # 30 and 31 January, 1 and 2 February
        record(database, START + timedelta(days=day), day)
    record(
        database, START + timedelta(days=400), 9, names=2
    )  # and one is gone, a year without a partition later
    assert by_partition(database) == {
        "version_open": 2,
        "version_2026_01": 2,
        "version_2026_02": 4,
        "version_2027_03": 2,
    }
    assert [m.start.month for m in partitions.months(database)] == [1, 2, 3]
    gone = History(database).timeline("mem:2")
    assert [e.kind.value for e in gone] == ["created", "changed", "changed", "changed", "deleted"]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2028, 3, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_the_first_and_the_last_moment_of_a_month_have_a_partition(
    database: Database, moment: datetime
) -> None:
    record(database, moment - timedelta(days=70), 1)
    record(database, moment, 2)
    (month,) = partitions.months(database)
    assert month.name == f"version_{moment:%Y_%m}"
    assert month.start <= moment
    assert by_partition(database)[month.name] == 2


def test_months_are_made_ahead_of_time(database: Database) -> None:
    for _ in range(2):
        partitions.make_ahead(database, datetime(2026, 11, 30, 12, tzinfo=UTC))
        names = [m.name for m in partitions.months(database)]
        assert names == ["version_2026_11", "version_2026_12", "version_2027_01"]


def test_thinning_writes_months_anew_and_drops_what_is_empty(database: Database) -> None:
    for hour in range(0, 24 * 40, 3):
        record(database, START + timedelta(hours=hour), hour)
    filled = {m.name: m.bytes for m in partitions.months(database)}
    rules = RetentionSettings(full=timedelta(days=10), daily=timedelta(days=400))
    now = START + timedelta(days=60)
    at = datetime(2026, 2, 11, tzinfo=UTC)
    before = states(database, at)
    prune(database, rules, now, actor="test")
    thinned = {m.name: m.bytes for m in partitions.months(database)}
    assert thinned["version_2026_02"] < filled["version_2026_02"] / 2
    assert states(database, at) == before
    assert partitions.tidy(database, [now - rules.full, now - rules.daily], now) == []  # not twice
    prune_before(database, datetime(2026, 3, 1, tzinfo=UTC))
    assert [m.name for m in partitions.months(database)] == ["version_2026_03"]
    record(database, START + timedelta(days=70), 1)
    assert len(states(database, START + timedelta(days=70))) == 3


def test_a_reader_is_not_waited_for_long(database: Database) -> None:
    record(database, START, 1)
    record(database, START + timedelta(days=40), 2)
    with database.read() as reading:
        reading.execute(sa.select(sa.func.count()).select_from(VERSION))
        prune_in_another_thread(database)
        assert [m.name for m in partitions.months(database)] == ["version_2026_03"]
    prune_before(database, START + timedelta(days=100))
    assert partitions.months(database) == []


def prune_in_another_thread(database: Database) -> None:
    import threading

    thread = threading.Thread(target=prune_before, args=(database, START + timedelta(days=100)))
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def states(database: Database, at: datetime) -> dict[str, Any]:
    found = History(database).at(at, Filter())
    return {r.uid: (dict(r.document), r.valid_from) for batch in found for r in batch}


@pytest.mark.parametrize("revision", ["0004", "0008", "0010", "0011"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_rows_of_the_schema_before_survive(
    kind: str, revision: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def url(name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        return str(request.getfixturevalue("make_postgres")(None))

    with opened(f"sqlite:///{tmp_path / 'now.db'}") as now, opened(url("old")) as old:
        now.migrate()
        for day in range(0, 70, 9):
            record(now, START + timedelta(days=day), day, names=3 if day < 40 else 2)
        Baselines(now).pin("good", Filter(), Word(who="eve", why="test", now=START + timedelta(days=70)))
        Ledger(now).append("kind", "eve", "subject", {}, START)
        with old.write() as connection:
            command.upgrade(configuration(connection), revision)
            tables = sa.MetaData()
            tables.reflect(connection)
            connection.execute(sa.delete(tables.tables["codec"]))
            with now.read() as source:
                for table in tables.sorted_tables:
                    if table.name in Table.metadata.tables:
                        newest = Table.metadata.tables[table.name]
                        rows = source.execute(
                            sa.select(*(newest.c[column.name] for column in table.c))
                        ).mappings()
                        values = [dict(row) for row in rows]
                        if table.name == "version":
                            if revision < "0011":  # then NULL was written where nobody or no cycle is known
                                values = [
                                    {n: v or None if n in UNKNOWN else v for n, v in r.items()}
                                    for r in values
                                ]
                            if revision > "0008":
                                partitions.ensure(connection, {row["valid_to"] for row in values})
                        if values:
                            connection.execute(sa.insert(table), values)
            if kind == "postgresql":
                for name in ("resource", "scope", "cycle", "baseline"):
                    transfer._set_sequence(connection, Table.metadata.tables[name])
        assert old.status().state == "behind"
        old.migrate()
        for uid in ("mem:0", "mem:1", "mem:2"):
            assert History(old).timeline(uid) == History(now).timeline(uid)
        assert list(Baselines(old).drift("good")) == list(Baselines(now).drift("good"))
        record(old, START + timedelta(days=80), 80)
        assert [e.at for e in History(old).timeline("mem:1")][-1] == START + timedelta(days=80)
        assert Ledger(old).verify().ok


def test_a_user_that_owns_nothing_can_watch(make_postgres: Callable[[str | None], str]) -> None:
    """With exactly the rights that docs/storage.md gives."""
    url = make_postgres(None)
    name = "limited_" + url.partition("/test_")[2].partition("?")[0]
    page = (ROOT / "docs" / "storage.md").read_text()
    (grants,) = re.findall(r"```sql\n(GRANT.*?)```", page, re.DOTALL)
    with opened(url) as owner, psycopg.connect(url, autocommit=True) as admin:
        owner.migrate()
        admin.execute(f"CREATE ROLE {name} LOGIN".encode())
        admin.execute(re.sub(r"\bTO watchstander\b", f"TO {name}", grants).encode())
        limited = url.replace("//postgres:@", f"//{name}:@")
        assert limited != url
        with opened(limited) as database:
            for day in range(0, 120, 40):
                record(database, START + timedelta(days=day), day, names=3 - day // 80)
            partitions.make_ahead(database, START + timedelta(days=200))
            made = len(partitions.months(database))
            Ledger(database).append("kind", "eve", "subject", {}, START)
            prune(database, RetentionSettings(full=timedelta(days=1)), START + timedelta(days=300), actor="t")
            prune_before(database, START + timedelta(days=300))
            assert len(partitions.months(database)) < made
            assert len(states(database, START + timedelta(days=300))) == 2
        admin.execute(f"DROP OWNED BY {name}".encode())
        admin.execute(f"DROP ROLE {name}".encode())


def test_ids_stay_unique(database: Database) -> None:
    estate = Estate(resources=3, scopes=1)
    recording = Inventory(database).begin(estate.scope(0), START)
    recording.add(list(estate.read(estate.scope(0))))
    columns = [c.name for c in RESOURCE.c if c.name != "id"]
    again = sa.insert(RESOURCE).from_select(columns, sa.select(*(RESOURCE.c[c] for c in columns)).limit(1))

    def twice() -> None:
        with database.write() as connection:
            connection.execute(again)

    with pytest.raises(StorageError, match="uq_resource_uid"):
        twice()


def test_one_version_is_in_force_and_a_month_has_one_for_each_end(database: Database) -> None:
    for day in range(2):
        record(database, START + timedelta(days=day), day)
    columns = [c.name for c in VERSION.c if c.name != "valid_from"]
    later = (VERSION.c.valid_from + 1).label("valid_from")

    def again(condition: sa.ColumnElement[bool]) -> None:
        copied = sa.select(*(VERSION.c[c] for c in columns), later).where(condition).limit(1)
        with database.write() as connection:
            connection.execute(sa.insert(VERSION).from_select([*columns, "valid_from"], copied))

    with pytest.raises(StorageError, match="pk_version_open"):
        again(VERSION.c.valid_to == OPEN)
    with pytest.raises(StorageError, match="pk_version_2026_01"):
        again(VERSION.c.valid_to < OPEN)


def test_no_version_has_a_null(database: Database) -> None:
    """Which would make its row longer by 8 bytes (decision 0280)."""
    for day in range(3):
        record(database, START + timedelta(days=day), day, names=3 - day // 2)
    with database.read() as connection:
        nulls = sa.func.num_nulls(*VERSION.c)
        assert connection.execute(sa.select(sa.func.count(), sa.func.max(nulls))).one() == (6, 0)
