"""Opening, migrating, and everything a database can refuse: a clear error with a way out, and nothing lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from config.settings import StorageSettings
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from storage.check import check
from storage.cycles import Cycles
from storage.database import Database
from storage.errors import Damaged, Full, Locked, Newer, NoDatabase, Outdated, StorageError, Unavailable
from storage.inventory import Inventory
from storage.ledger import Ledger
from storage.schema import compared
from storage.tables import Table

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'w.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite file with two hundred resources in it."""
    path = tmp_path / "full.db"
    with Database.open(StorageSettings(url=f"sqlite:///{path}")) as database:
        database.migrate()
        read_all(database, Estate(resources=200, scopes=1))
    return path


def read_all(database: Database, estate: Estate) -> None:
    provider, inventory = MemoryProvider(estate), Inventory(database)
    for scope in provider.discover(Selection()).scopes:
        recording = inventory.begin(scope, AT)
        reading = provider.read(scope)
        resources = list(reading)
        for start in range(0, len(resources), 500):
            recording.add(resources[start : start + 500])
        recording.finish(reading.coverage)


def opened(url: str | Path, **options: float) -> Database:
    text = url if isinstance(url, str) else f"sqlite:///{url}"
    return Database.open(StorageSettings(url=text, lock_timeout=timedelta(seconds=options.get("timeout", 5))))


def test_the_schema_is_the_sum_of_the_migrations(url: str) -> None:
    with opened(url) as database:
        assert database.status().state == "empty"
        with pytest.raises(Outdated, match="empty"):
            database.require_schema()
        assert database.migrate().state == "current"
        database.require_schema()
        assert database.migrate().state == "current"
        with database.read() as connection:
            context = MigrationContext.configure(
                connection,
                opts={"compare_type": True, "compare_server_default": True, "include_object": compared},
            )
            assert compare_metadata(context, Table.metadata) == []
        assert database.size() > 0


def test_partial_indexes_are_in_the_migrations_too(tmp_path: Path) -> None:
    """Alembic's comparison does not look at their conditions."""

    def indexes(path: Path) -> dict[str, str]:
        with sqlite3.connect(path) as connection:
            rows = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            )
            return {name: " ".join(sql.split()) for name, sql in rows}

    with opened(tmp_path / "migrated.db") as database:
        database.migrate()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    Table.metadata.create_all(engine)
    engine.dispose()
    assert indexes(tmp_path / "migrated.db") == indexes(tmp_path / "made.db")


def test_a_half_migrated_database_is_refused_and_left_alone(url: str) -> None:
    with opened(url) as database:
        with database.write() as connection:
            # Something of ours in the way, as after a migration by hand that was cut short.
            connection.execute(sa.text("CREATE TABLE scope (id INTEGER)"))
        with pytest.raises(Damaged, match="no Watchstander schema version"):
            database.migrate()
        with database.read() as connection:
            names = sa.inspect(connection).get_table_names()
        assert set(names) - {"alembic_version"} == {"scope"}


def test_what_a_table_lacks_is_not_taken_for_the_table(postgres_url: str) -> None:
    """As where the schema says that it is older than it is: what is to go is gone already."""
    with opened(postgres_url) as database:

        def drop(what: str) -> None:
            with database.write() as connection:
                connection.execute(sa.text(f"ALTER TABLE ledger DROP {what}"))

        database.migrate()
        with pytest.raises(StorageError, match=r'constraint "none" of relation "ledger" does not exist'):
            drop("CONSTRAINT none")
        with pytest.raises(StorageError, match=r'column "none" of relation "ledger" does not exist'):
            drop("COLUMN none")


def test_a_newer_schema_is_refused(url: str) -> None:
    with opened(url) as database:
        database.migrate()
        with database.write() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Newer, match="9999") as caught:
        opened(url)
    assert "Upgrade Watchstander" in str(caught.value)


def test_a_locked_database_says_so_and_nothing_is_lost(file: Path) -> None:
    with opened(file, timeout=0.05) as database, opened(file) as other:
        with other.write():
            with pytest.raises(Locked, match="locked") as caught:
                read_all(database, Estate(resources=300, scopes=1))
            assert "lock_timeout" in str(caught.value)
            assert Inventory(database).count() == 200  # a reader waits for nobody
        read_all(database, Estate(resources=300, scopes=1))
        assert Inventory(database).count() == 300


def test_a_locked_postgresql_says_so(postgres_url: str) -> None:
    with opened(postgres_url, timeout=0.05) as database, opened(postgres_url) as other:
        other.migrate()
        with other.write(), pytest.raises(Locked, match="lock"), database.write():
            pass
        with database.write():
            pass


FILL = """
import resource, sys
from datetime import UTC, datetime
from config.settings import StorageSettings
from storage.database import Database
from storage.errors import Full
from storage.inventory import Inventory
from storage.ledger import Ledger
from providers.memory.estate import Estate
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
estate = Estate(resources=20_000, scopes=1)
with Database.open(StorageSettings(url=sys.argv[1])) as database:
    inventory = Inventory(database)
    recording = inventory.begin(estate.scope(0), datetime(2026, 1, 1, tzinfo=UTC))
    stored = inventory.count()
    batch = []
    try:
        for resource_ in estate.read(estate.scope(0)):
            batch.append(resource_)
            if len(batch) == 200:
                recording.add(batch)
                stored, batch = inventory.count(), []
    except Full as error:
        print(stored, inventory.count(), str(error))
"""


def test_a_full_disk_says_so_and_nothing_stored_is_lost(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, f"sqlite:///{file}", str(800_000)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    stored, after, text = done.stdout.split(" ", 2)
    assert int(stored) == int(after) > 200
    assert "room" in text
    with opened(file) as database:
        assert Inventory(database).count() == int(stored)
        read_all(database, Estate(resources=int(stored) + 300, scopes=1))
        assert Inventory(database).count() == int(stored) + 300


def test_sqlites_own_full_is_full(file: Path) -> None:
    with opened(file) as database:

        def fill() -> None:
            with database.write() as connection:
                connection.exec_driver_sql("PRAGMA max_page_count = 1")
                connection.exec_driver_sql("CREATE TABLE ballast (x)")
                connection.exec_driver_sql("INSERT INTO ballast VALUES (zeroblob(10000000))")

        with pytest.raises(Full, match="full"):
            fill()


def test_what_is_not_a_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, not a database. " * 200)
    with pytest.raises(NoDatabase, match="not a SQLite database"):
        opened(path)
    assert path.read_text().startswith("These are notes")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    with pytest.raises(Damaged, match="no Watchstander schema"):
        opened(other)


def test_a_damaged_page_is_told(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'version'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    with pytest.raises(Damaged) as caught, opened(file) as database:
        list(Inventory(database).find())
    assert "Restore" in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM codec WHERE id > 0", "dictionary"),
        ("UPDATE version SET data = x'00112233'", "decompressed"),
        ("UPDATE codec SET dictionary = randomblob(16384) WHERE id > 0", "document"),
    ],
)
def test_damaged_rows_are_told(file: Path, statement: str, what: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()
    with opened(file) as database, pytest.raises(Damaged, match=what):
        list(Inventory(database).find())
    with opened(file) as database:
        # What is wrong with a dictionary is told of it, not of each row that needs it.
        assert {fault.where for fault in check(database)} == {
            "dictionary" if what == "dictionary" else "document"
        }


def test_where_there_is_nothing_to_open(tmp_path: Path, postgres_server: str) -> None:
    with pytest.raises(Unavailable, match="no database at"):
        Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'none.db'}"), read_only=True)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="no folder"):
        opened(tmp_path / "file" / "w.db")
    for url in ("mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "not a url"):
        with pytest.raises(Unavailable, match=r"storage\.url"):
            opened(url)
    with pytest.raises(Unavailable, match="can be reached"):
        opened("postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize(
    ("change", "said", "way_out"),
    [
        (("/postgres?", "/nowhere?"), "does not exist", "createdb"),
        (("//postgres:@", "//nobody@"), "does not exist", "the user in storage.url"),
        (("?", "?sslmood=off&"), "invalid connection option", "Mend storage.url"),
        (("?", "?port=many&"), "port", "Mend storage.url"),
    ],
    ids=["database", "role", "option", "port"],
)
def test_what_a_server_refuses_has_a_way_out(
    postgres_server: str, change: tuple[str, str], said: str, way_out: str
) -> None:
    with pytest.raises(Unavailable, match=said) as caught:
        opened(postgres_server.replace(*change))
    assert way_out in (caught.value.hint or "")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server: str, encoding: str) -> None:
    name = f"other_{encoding}".lower()
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'".encode())
    with pytest.raises(Unavailable, match=f"{name} is encoded in {encoding}") as caught:
        opened(postgres_server.replace("/postgres?", f"/{name}?"))
    assert "--encoding UTF8" in (caught.value.hint or "")


def test_a_password_is_never_shown() -> None:
    with pytest.raises(Unavailable) as caught:
        Database.open(StorageSettings(url="postgresql://nobody@127.0.0.1:1/none"), password="hunter2")
    assert "hunter2" not in str(caught.value)
    assert "***" in str(caught.value)
    with pytest.raises(Unavailable) as caught:
        opened("postgresql://u:hunter2@[bad")
    assert "hunter2" not in str(caught.value)


def test_reading_beside_a_daemon(file: Path) -> None:
    settings = StorageSettings(url=f"sqlite:///{file}")
    with Database.open(settings) as daemon, Database.open(settings, read_only=True) as reader:
        daemon.claim("daemon")
        with daemon.write():
            assert Inventory(reader).count() == 200
        with pytest.raises(StorageError, match=r"readonly|read-only|query_only"), reader.write():
            Cycles(reader).begin(AT, Selection())


def test_the_claim_names_the_other_process_and_ends_with_it(file: Path) -> None:
    hold = (
        "import sys; from config.settings import StorageSettings; from storage.database import Database\n"
        "d = Database.open(StorageSettings(url=sys.argv[1])); d.claim('first'); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, f"sqlite:///{file}"]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with opened(file) as database:
        with pytest.raises(Locked, match=f"process {holder.pid}, instance first"):
            database.claim("second")
        holder.kill()
        holder.communicate()
        database.claim("second")


def test_the_documented_rights_are_enough_and_no_more(postgres_url: str) -> None:
    page = (ROOT / "docs" / "storage.md").read_text()
    grants = page.partition("```sql")[2].partition("```")[0]
    with opened(postgres_url) as owner:
        owner.migrate()
        with owner.write() as connection:
            connection.execute(sa.text("DROP ROLE IF EXISTS watchstander"))
            connection.execute(sa.text("CREATE ROLE watchstander LOGIN"))
            for statement in grants.strip().removesuffix(";").split(";"):
                connection.execute(sa.text(statement))
        with opened(postgres_url.replace("//postgres:@", "//watchstander@")) as daemon:
            assert daemon.migrate().state == "current"
            daemon.claim("daemon")
            read_all(daemon, Estate(resources=200, scopes=1))
            read_all(daemon, Estate(resources=100, scopes=1))
            assert Inventory(daemon).count() == 100
            Cycles(daemon).begin(AT, Selection())
            ledger = Ledger(daemon)
            ledger.append("k", "me", "s", {}, AT)
            for statement in (
                "UPDATE ledger SET actor = 'x'",
                "DELETE FROM ledger",
                "DROP TRIGGER ledger_no_change ON ledger",
            ):
                with pytest.raises(Unavailable, match=r"denied|owner"), daemon.write() as connection:
                    connection.execute(sa.text(statement))
            assert ledger.verify().ok
        with owner.write() as connection:
            connection.execute(sa.text("DROP OWNED BY watchstander"))
            connection.execute(sa.text("DROP ROLE watchstander"))


def test_a_lost_connection_is_mended_at_the_next_transaction(
    postgres_url: str, make_postgres: Callable[[str | None], str]
) -> None:
    with opened(postgres_url) as database:
        database.migrate()

        def cut_off() -> None:
            with database.write() as connection:
                connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(Unavailable):
            cut_off()
        assert Inventory(database).count() == 0
