"""The ledger refuses changes, and whoever goes round that is found and named."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from config.settings import StorageSettings
from storage.database import Database
from storage.errors import StorageError
from storage.ledger import GENESIS, Entry, Ledger, Verification
from storage.state import write_state

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Six entries."""
    ledger = Ledger(database)
    for number in range(1, 7):
        ledger.append("act.done", "watchstander", f"user/{number}", {"n": number}, AT, key=f"key-{number}")
    return ledger


@pytest.fixture
def tamper(database: Database, ledger: Ledger) -> Callable[..., None]:
    """Run raw SQL with the triggers out of the way."""

    def run(*statements: str) -> None:
        with database.write() as connection:
            names = (
                ("ledger_no_update", "ledger_no_delete")
                if database.sqlite
                else ("ledger_no_change ON ledger", "ledger_no_truncate ON ledger")
            )
            for name in names:
                connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
            for statement in statements:
                connection.execute(sa.text(statement))

    return run


def test_entries_are_chained_and_verify(ledger: Ledger) -> None:
    entries = list(ledger.entries())
    assert [e.seq for e in entries] == [1, 2, 3, 4, 5, 6]
    assert entries[0].prev == GENESIS
    assert all(b.prev == a.hash for a, b in itertools.pairwise(entries))
    assert (entries[3].detail, entries[3].at, entries[3].subject) == ({"n": 4}, AT, "user/4")
    result = ledger.verify()
    assert (result.ok, result.entries, result.head) == (True, 6, entries[-1].hash)
    assert orjson.loads(orjson.dumps(entries[0].record()))["hash"] == entries[0].hash.hex()


def test_an_empty_ledger_holds(database: Database) -> None:
    assert Ledger(database).verify().ok


def test_the_same_key_gives_the_first_entry(ledger: Ledger) -> None:
    again = ledger.append("other", "someone", "x", {}, AT, key="key-2")
    assert (again.seq, again.kind) == (2, "act.done")
    assert ledger.verify().entries == 6


def test_entries_can_be_asked_for(ledger: Ledger) -> None:
    ledger.append("pause", "alice", "containment", {"why": "maintenance"}, AT.replace(year=2027))
    assert [e.seq for e in ledger.entries(kind="act.*", newest_first=True)] == [6, 5, 4, 3, 2, 1]
    assert [e.actor for e in ledger.entries(kind="pause")] == ["alice"]
    assert [e.seq for e in ledger.entries(subject="user/3")] == [3]
    assert [e.seq for e in ledger.entries(since=AT.replace(year=2027))] == [7]
    assert [e.seq for e in ledger.entries(after=5)] == [6, 7]


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET actor = 'x' WHERE seq = 1", "DELETE FROM ledger WHERE seq = 6"]
)
def test_the_database_refuses_changes(database: Database, ledger: Ledger, statement: str) -> None:
    with pytest.raises(StorageError, match="append-only"), database.write() as connection:
        connection.execute(sa.text(statement))
    assert ledger.verify().ok


def test_postgresql_refuses_truncation(database: Database, ledger: Ledger) -> None:
    if database.sqlite:
        pytest.skip("SQLite has no TRUNCATE; DELETE without a condition fires the trigger as well")
    with pytest.raises(StorageError, match="append-only"), database.write() as connection:
        connection.execute(sa.text("TRUNCATE ledger"))
    assert ledger.verify().entries == 6


COLUMNS = (
    "at = at + 1",
    "kind = 'x'",
    "actor = 'x'",
    "subject = 'x'",
    "detail = '{}'",
    "key = 'x'",
    "key = NULL",
)


def _tampered(
    database: Database, tamper: Callable[..., None], ledger: Ledger, statement: str
) -> Verification:
    """What verification says after ``statement``, which is rolled back."""
    found: list[Verification] = []

    def try_it() -> None:
        with database.write():
            tamper(statement)
            found.append(ledger.verify())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_it()
    return found[0]


def test_an_altered_entry_is_named(database: Database, ledger: Ledger, tamper: Callable[..., None]) -> None:
    for seq in (1, 3, 6):
        for change in COLUMNS:
            result = _tampered(database, tamper, ledger, f"UPDATE ledger SET {change} WHERE seq = {seq}")
            assert (result.ok, result.first_bad, result.fault) == (False, seq, "altered"), change
            assert str(seq) in result.why
    assert ledger.verify().ok


def test_a_removed_entry_is_named(database: Database, ledger: Ledger, tamper: Callable[..., None]) -> None:
    for seq, fault in ((1, "removed"), (4, "removed"), (6, "truncated")):
        result = _tampered(database, tamper, ledger, f"DELETE FROM ledger WHERE seq = {seq}")
        assert (result.ok, result.first_bad, result.fault) == (False, seq, fault)


def test_an_entry_removed_with_the_rest_renumbered_is_named(
    ledger: Ledger, tamper: Callable[..., None]
) -> None:
    tamper(
        "DELETE FROM ledger WHERE seq = 3",
        "UPDATE ledger SET seq = 3 WHERE seq = 4",
        "UPDATE ledger SET seq = 4 WHERE seq = 5",
        "UPDATE ledger SET seq = 5 WHERE seq = 6",
    )
    result = ledger.verify()
    assert (result.ok, result.first_bad, result.fault) == (False, 3, "removed")


def _forged(database: Database, ledger: Ledger, seq: int, prev: bytes) -> Entry:
    """A sound entry for place ``seq`` after ``prev``, made in a database of one's own."""
    link = next(iter(ledger.entries()))
    from storage.ledger import _Link

    bare = _Link(seq, 1, link.kind, "mallory", "user/9", "{}", None, prev, b"")
    return Entry(
        seq=seq,
        at=AT,
        kind=bare.kind,
        actor=bare.actor,
        subject=bare.subject,
        detail={},
        key=None,
        prev=prev,
        hash=bare.expected(seq, prev),
    )


def _insert(database: Database, entry: Entry) -> None:
    with database.write() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO ledger (seq, at, kind, actor, subject, detail, key, prev, hash)"
                " VALUES (:seq, 1, :kind, :actor, :subject, '{}', NULL, :prev, :hash)"
            ),
            {
                "seq": entry.seq,
                "kind": entry.kind,
                "actor": entry.actor,
                "subject": entry.subject,
                "prev": entry.prev,
                "hash": entry.hash,
            },
        )


def test_an_inserted_entry_is_named(database: Database, ledger: Ledger, tamper: Callable[..., None]) -> None:
    second = list(ledger.entries())[1]
    tamper(
        "UPDATE ledger SET seq = 7 WHERE seq = 6",
        "UPDATE ledger SET seq = 6 WHERE seq = 5",
        "UPDATE ledger SET seq = 5 WHERE seq = 4",
        "UPDATE ledger SET seq = 4 WHERE seq = 3",
    )
    _insert(database, _forged(database, ledger, 3, second.hash))
    result = ledger.verify()
    assert (result.ok, result.first_bad, result.fault) == (False, 3, "inserted")


def test_an_entry_appended_by_another_hand_is_named(database: Database, ledger: Ledger) -> None:
    last = list(ledger.entries())[-1]
    _insert(database, _forged(database, ledger, 7, last.hash))
    result = ledger.verify()
    assert (result.ok, result.first_bad, result.fault) == (False, 7, "inserted")


def test_an_entry_replaced_with_its_hash_is_named(
    database: Database, ledger: Ledger, tamper: Callable[..., None]
) -> None:
    second = list(ledger.entries())[1]
    tamper("DELETE FROM ledger WHERE seq = 3")
    _insert(database, _forged(database, ledger, 3, second.hash))
    result = ledger.verify()
    assert (result.ok, result.first_bad, result.fault) == (False, 3, "altered")


def test_the_last_entry_replaced_with_its_hash_is_named(
    database: Database, ledger: Ledger, tamper: Callable[..., None]
) -> None:
    fifth = list(ledger.entries())[4]
    tamper("DELETE FROM ledger WHERE seq = 6")
    _insert(database, _forged(database, ledger, 6, fifth.hash))
    result = ledger.verify()
    assert (result.ok, result.first_bad, result.fault) == (False, 6, "altered")


def test_a_missing_head_is_noticed(database: Database, ledger: Ledger) -> None:
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM state WHERE key = 'ledger.head'"))
    assert not ledger.verify().ok
    with database.write() as connection:
        write_state(connection, "ledger.head", {"seq": 9, "hash": "00"}, 0)
    assert ledger.verify().fault == "truncated"


def test_many_writers_make_one_chain(settings: StorageSettings) -> None:
    failures: list[BaseException] = []
    with Database.open(settings) as one, Database.open(settings) as two:

        def write(database: Database, name: str) -> None:
            try:
                for number in range(15):
                    Ledger(database).append("k", name, "s", {"n": number}, AT, key=f"{number}")
                    Ledger(database).append("k", name, "s", {"n": number}, AT, key=f"{name}-{number}")
            except StorageError as error:  # a thread's failure must reach the test
                failures.append(error)

        threads = [
            threading.Thread(target=write, args=(database, f"{number}"))
            for number, database in enumerate((one, two, one, two))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        result = Ledger(one).verify()
        assert (result.ok, result.entries) == (True, 15 + 4 * 15)


def test_appending_joins_the_callers_transaction(database: Database, ledger: Ledger) -> None:
    def append_and_die() -> None:
        with database.write():
            ledger.append("k", "me", "s", {}, AT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        append_and_die()
    assert ledger.verify().entries == 6


def test_odd_details_are_kept(database: Database) -> None:
    ledger = Ledger(database)
    detail: dict[str, Any] = {"bytes": b"\x01", "set": {"b", "a"}, "text": "nul\0 \ud800", "at": AT}
    entry = ledger.append("k\0", "me", "s", detail, AT)
    assert entry.detail["set"] == ["a", "b"]
    assert ledger.verify().ok
