"""Backups, restoring, moving from one database to another, and saying what is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from config.settings import StorageSettings
from policies.policy import Policy
from policies.verdict import Outcome, Verdict
from storage import partitions
from storage.check import check
from storage.database import Database
from storage.errors import Damaged, Outdated, Unavailable
from storage.events import Events
from storage.findings import Findings
from storage.inventory import Inventory
from storage.ledger import Ledger
from storage.schema import configuration
from storage.state import State
from storage.tables import CODEC, LEDGER, RESOURCE, VERSION, Table
from storage.transfer import backup, copy, restore
from storage.upgrading import upgrade

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def filled(world: Any, make_policy: Callable[..., Policy], make_verdict: Callable[..., Verdict]) -> Database:
    """Something in most tables, with a past."""
    database: Database = world.database
    policy = make_policy("p")
    for beat in range(3):
        world.estate.change(world.estate.uid(beat), {"Encrypted": f"beat {beat}"})
        world.cycle()
        world.later()
    world.estate.delete(world.estate.uid(9))
    world.cycle()
    verdicts = [make_verdict(world.estate.uid(n), policy, Outcome.FAIL) for n in range(5)]
    Findings(database).apply(verdicts, {"p": policy}, at=world.now)
    for number in range(30):
        Ledger(database).append("test", "me", f"subject {number}", {"n": number}, world.now)
    Events(database).first_time("e-1", world.now)
    State(database).pause(who="me", reason="a drill", at=world.now)
    return database


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.read() as connection:
        return {
            t.name: [tuple(r) for r in connection.execute(sa.select(t).order_by(*t.primary_key.columns))]
            for t in Table.metadata.sorted_tables
        }


def told_of(target: Database, expected: dict[str, list[Any]]) -> tuple[str, str, Any]:
    """The entry with which the target's ledger ends, all else being as expected."""
    there, ledger = everything(target), Ledger(target)
    (entry,) = ledger.entries(after=len(expected["ledger"]))
    assert there.pop("ledger")[:-1] == expected["ledger"]
    heads = [row for row in there.pop("state") if row not in expected["state"]]
    assert len(heads) == 1  # the ledger's
    assert there == {name: rows for name, rows in expected.items() if name not in ("ledger", "state")}
    assert ledger.verify().ok
    return entry.kind, entry.actor, dict(entry.detail)


def test_a_backup_restores_into_an_empty_database(
    filled: Database, world: Any, fresh_url: Callable[[], str], tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    expected = everything(filled)
    assert backup(filled, file) == file.stat().st_size
    assert sorted(p.name for p in tmp_path.glob(".*")) == []
    world.later()
    world.estate.delete(world.estate.uid(3))
    world.cycle()
    with Database.open(StorageSettings(url=fresh_url())) as target:
        rows = restore(file, target, world.now, actor="ann")
        assert told_of(target, expected) == ("database.restored", "ann", {"backup": str(file)})
        assert rows == {name: len(found) for name, found in expected.items()}
        assert list(check(target)) == []
        # New rows get new ids, and recording goes on.
        world.database, world.inventory = target, Inventory(target)
        world.estate.add(world.estate.scope(0), "brand-new", {})
        world.later()
        assert {c.kind.value for c in world.cycle()} == {"created", "deleted"}
        Ledger(target).append("test", "me", "after", {}, world.now)
        assert Ledger(target).verify().ok
        with pytest.raises(Unavailable, match="is not empty"):
            restore(file, target, world.now, actor="ann")
    with pytest.raises(Unavailable, match="exists already"):
        backup(filled, file)
    with pytest.raises(Unavailable, match="no backup"):
        restore(tmp_path / "nothing.db", filled, world.now, actor="ann")


def test_moving_to_the_other_database_and_back(
    filled: Database, make_postgres: Callable[[str | None], str], tmp_path: Path
) -> None:
    expected = everything(filled)
    other = make_postgres(None) if filled.sqlite else f"sqlite:///{tmp_path / 'other.db'}"
    with Database.open(StorageSettings(url=other)) as target:
        copy(filled, target, NOW, actor="ann")
        assert told_of(target, expected) == ("database.copied", "ann", {"from": filled.where})
        with pytest.raises(Unavailable, match="is not empty"):
            copy(filled, target, NOW, actor="ann")
        assert Inventory(target).count() == Inventory(filled).count()


def test_a_ledger_that_was_tampered_with_is_not_copied(
    filled: Database, fresh_url: Callable[[], str]
) -> None:
    with filled.write() as connection:
        if filled.sqlite:
            for name in connection.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE type='trigger'")
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER USER")
        connection.execute(sa.update(LEDGER).where(LEDGER.c.seq == 7).values(actor="somebody else"))
    with Database.open(StorageSettings(url=fresh_url())) as target:
        with pytest.raises(Damaged, match="entry 7"):
            copy(filled, target, NOW, actor="ann")
        assert sum(len(rows) for name, rows in everything(target).items() if name != "codec") == 0
    *triggers, fault = check(filled)
    assert (fault.where, "entry 7" in fault.what) == ("ledger", True)
    assert len(triggers) == 2
    assert all(one.where == "schema" and "refuses changes of the ledger" in one.what for one in triggers)


def test_sound_is_sound(filled: Database) -> None:
    seen: list[int] = []
    assert list(check(filled, seen.append)) == []
    with filled.read() as connection:
        assert seen == [connection.scalar(sa.select(sa.func.count()).select_from(VERSION))]


@pytest.mark.parametrize(
    ("statement", "where", "what"),
    [
        (sa.update(VERSION).values(data=b"rubbish"), "document", "cannot be decompressed"),
        (sa.update(VERSION).values(digest=b"x" * 20), "document", "not what it was written with"),
        (sa.update(CODEC).where(CODEC.c.id > 0).values(dictionary=b""), "dictionary", "is gone"),
        (
            sa.update(RESOURCE).where(RESOURCE.c.id == 1).values(changed_at=5),
            "row",
            "its newest version is not",
        ),
        (
            sa.update(RESOURCE).where(RESOURCE.c.id == 1).values(deleted_at=5),
            "row",
            "a finding of it is open",
        ),
        (
            sa.update(VERSION).where(VERSION.c.valid_to < 2**62).values(valid_to=2**61),
            "row",
            "versions that overlap",
        ),
        (
            sa.update(VERSION).where(VERSION.c.resource_id == 2).values(valid_to=3),
            "row",
            "ends before it begins",
        ),
    ],
)
def test_what_is_damaged_is_named(
    filled: Database, statement: sa.Update, where: str, what: str, settings: StorageSettings
) -> None:
    if where == "dictionary":
        _train(filled)
    with filled.write() as connection:
        partitions.ensure(connection, (3, 2**61))
        connection.execute(statement)
    with Database.open(settings) as fresh:  # which has no dictionary in memory
        faults = list(check(fresh))
    assert any(f.where == where and what in f.what for f in faults), faults
    assert all(f.hint for f in faults)


@pytest.mark.parametrize(
    ("statement", "parent"),
    [
        ("UPDATE resource SET place_id = 4711 WHERE id = 1", "scope"),
        ("UPDATE resource SET scope_id = 4711 WHERE id = 1", "scope"),
        ("INSERT INTO due (resource_id, token, since, baseline) VALUES (4711, 1, 1, false)", "resource"),
    ],
)
def test_a_row_that_points_nowhere_is_told(
    filled: Database, statement: str, parent: str, settings: StorageSettings
) -> None:
    if filled.sqlite:  # whose own connections would refuse it
        with closing(sqlite3.connect(settings.url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)
    else:
        with filled.write() as writing:
            writing.execute(sa.text(statement))
    (told,) = (f.what for f in check(filled) if "is gone." in f.what)
    assert f" of {parent}" in told


def test_a_schema_that_lacks_something_is_told(database: Database) -> None:
    from storage.baseline import Baselines

    trigger = "ledger_no_update" if database.sqlite else "ledger_no_change ON ledger"
    with database.write() as connection:
        for statement in (
            "DROP TABLE baseline_document",
            "ALTER TABLE finding DROP COLUMN enforcement",
            f"DROP TRIGGER {trigger}",
        ):
            connection.execute(sa.text(statement))
    told = {fault.what for fault in check(database) if fault.where == "schema"}
    assert told == {
        "The table baseline_document is missing.",
        "The column enforcement of finding is missing.",
        f"The trigger {trigger.split()[0]}, which refuses changes of the ledger, is missing.",
    }
    with pytest.raises(Damaged, match="the table baseline_document is missing") as caught:
        Baselines(database).all()
    assert "db check" in (caught.value.hint or "")


def test_a_half_migrated_database_is_told_and_left_as_it_is(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0004'"))
    with pytest.raises(Damaged, match=r"says that it has schema 0004, but .* Nothing was changed") as caught:
        database.migrate()
    assert "db restore" in (caught.value.hint or "")
    assert (database.status().state, database.status().revision) == ("behind", "0004")


def _train(database: Database) -> None:
    """Give a stored version a dictionary of its own."""
    with database.write() as connection:
        row = {
            "id": 77,
            "type": "memory.x",
            "method": "zstd",
            "dictionary": b"d",
            "samples": 1,
            "created_at": 0,
        }
        connection.execute(sa.insert(CODEC).values(row))
        connection.execute(sa.update(VERSION).where(VERSION.c.resource_id == 1).values(codec_id=77))


def test_a_damaged_page_does_not_end_the_check(filled: Database, tmp_path: Path) -> None:
    if not filled.sqlite:
        pytest.skip("PostgreSQL checks its pages itself")
    file = tmp_path / "copy.db"
    backup(filled, file)
    connection = sqlite3.connect(file)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'ix_version_valid_from'"
    ).fetchone()
    connection.close()
    with file.open("r+b") as raw:
        raw.seek((root - 1) * 4096 + 8)
        raw.write(b"\xff" * 64)
    with Database.open(StorageSettings(url=f"sqlite:///{file}")) as damaged:
        faults = list(check(damaged))
    assert any(f.where == "page" for f in faults)
    with Database.open(StorageSettings(url=f"sqlite:///{file}")) as damaged, pytest.raises(Damaged):
        backup(damaged, tmp_path / "second.db")
    assert not (tmp_path / "second.db").exists()


def test_an_older_schema_is_backed_up_and_restored_into_the_newest(
    tmp_path: Path, fresh_url: Callable[[], str]
) -> None:
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'old.db'}")) as old:
        with old.write() as connection:
            command.upgrade(configuration(connection), "0002")
        with old.write():
            State(old).set("fact", 7, datetime(2026, 1, 1, tzinfo=UTC))
        assert old.status().state == "behind"
        backup(old, tmp_path / "backup.db")
    with Database.open(StorageSettings(url=fresh_url())) as target:
        restore(tmp_path / "backup.db", target, NOW, actor="ann")
        assert (target.status().state, State(target).get("fact")) == ("current", 7)
        (restored,) = Ledger(target).entries()
        assert restored.kind == "database.restored"
    with (
        Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'empty.db'}")) as empty,
        pytest.raises(Outdated, match="is empty"),
    ):
        backup(empty, tmp_path / "nothing.db")


def test_a_schema_that_becomes_another_is_entered(tmp_path: Path) -> None:
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'old.db'}")) as old:
        with old.write() as connection:
            command.upgrade(configuration(connection), "0002")
        head = upgrade(old, NOW, actor="ann").revision
        (entry,) = Ledger(old).entries()
        assert (entry.kind, entry.actor, entry.at) == ("database.migrated", "ann", NOW)
        assert entry.detail == {"from": "0002", "to": head}
        upgrade(old, NOW, actor="ann")
        assert len(list(Ledger(old).entries())) == 1
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'new.db'}")) as new:
        assert upgrade(new, NOW, actor="ann").state == "current"
        assert not list(Ledger(new).entries())
