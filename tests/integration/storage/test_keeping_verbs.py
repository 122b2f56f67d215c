"""The verbs that keep the database and its ledger: check, migrate, back up, let go."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.cli import app
from daemon.cli.context import State
from providers.memory.estate import Estate
from providers.provider import Message as Letter
from storage.database import Database
from storage.deadletters import DeadLetters
from storage.ledger import Ledger

Run = Callable[..., tuple[int, str, str]]


def test_audit_verifies_lists_and_exports(
    run: Run, database: Database, tmp_path: Path, now: datetime
) -> None:
    ledger = Ledger(database)
    for number in range(3):
        ledger.append("act.done" if number else "pause", "me", f"user/{number}", {"n": number}, now)
    head = json.loads(run("audit", "verify", "-f", "json")[1])["head"]
    assert run("audit", "verify", "--head", head[:16])[0] == 0
    assert run("audit", "verify", "--head", "00ff")[0] == 1
    entries = json.loads(run("audit", "list", "--kind", "act.*", "--format", "json")[1])
    assert [e["seq"] for e in entries] == [3, 2]
    assert run("audit", "export", str(tmp_path / "out.ndjson"))[0] == 0
    exported = (tmp_path / "out.ndjson").read_text().splitlines()
    assert run("audit", "export")[1].splitlines() == exported
    assert json.loads(exported[-1])["hash"] == head
    with database.write() as connection:
        connection.execute(sa.text("DROP TRIGGER ledger_no_update"))
        connection.execute(sa.text("UPDATE ledger SET actor = 'you' WHERE seq = 2"))
    status, out, _ = run("audit", "verify", "-f", "json")
    assert (status, json.loads(out)["first_bad"], json.loads(out)["fault"]) == (1, 2, "altered")


def test_db_status_prune_and_dead_letters(
    run: Run, database: Database, estate: Estate, now: datetime
) -> None:
    body: dict[str, Any] = json.loads(run("db", "status", "-f", "json")[1])
    assert (body["state"], body["rows"]["resource"], body["rows"]["version"]) == ("current", 20, 21)
    DeadLetters(database).add(Letter(id="1", body="{", receipt="r", source="q"), "not JSON", now)
    assert json.loads(run("db", "dead-letters", "-f", "json")[1])[0]["body"] == "{"
    dry = json.loads(run("db", "prune", "--older-than", "30h", "--dry-run", "-f", "json")[1])
    assert dry["pruned"] == {"versions": 1, "events": 0, "dead letters": 0}
    assert json.loads(run("db", "status", "-f", "json")[1])["rows"]["version"] == 21
    assert json.loads(run("db", "prune", "--older-than", "30h", "-f", "json")[1])["pruned"]["versions"] == 1
    assert json.loads(run("show", estate.uid(0))[1])["document"]["Encrypted"] == "later"
    (left,) = json.loads(run("history", estate.uid(0), "-f", "json")[1])
    assert left["kind"] == "changed"  # it was not made then: its older version has been pruned
    assert run("db", "prune", "--older-than", "tomorrow")[0] == 2


def test_migrating_and_an_empty_database(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], now: datetime
) -> None:
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'new.db'}"}

    def on_new(*arguments: str) -> tuple[int, str, str]:
        status = app.run(arguments, State(environment=environment, clock=lambda: now))
        return (status, *capsys.readouterr())

    status, _, err = on_new("inventory")
    assert (status, "watchstander scan" in err) == (2, True)
    (tmp_path / "new.db").touch()
    assert json.loads(on_new("db", "status", "-f", "json")[1])["state"] == "empty"
    assert json.loads(on_new("db", "migrate", "-f", "json")[1])["before"] is None
    assert "up to date" in on_new("db", "migrate")[1]
    assert on_new("inventory")[0] == 0


def test_the_database_is_kept(run: Run, tmp_path: Path, database: Database) -> None:
    status, out, _ = run("db", "prune", "--dry-run", "--format", "json")
    assert (status, json.loads(out)["pruned"]["versions"]) == (0, 0)
    status, out, _ = run("db", "prune")
    assert (status, "answer as before" in out or "Deleted 0 versions" in out) == (0, True)
    file = tmp_path / "backup.db"
    status, out, _ = run("db", "backup", str(file))
    assert (status, file.exists()) == (0, True)
    status, out, _ = run("db", "check", "--format", "json")
    assert (status, json.loads(out)) == (0, [])
    status, out, _ = run("db", "copy", "--to", f"sqlite:///{tmp_path / 'other.db'}", "--format", "json")
    assert (status, json.loads(out)["rows"]["resource"]) == (0, 20)
    status, _, err = run("db", "copy", "--to", "sqlite:///x.db", "--to-password", "secret")
    assert (status, "--to-password" in err) == (2, True)
    status, _, err = run("db", "restore", str(file))
    assert (status, "is not empty" in err) == (4, True)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE version SET data = x'00'"))
    status, out, _ = run("db", "check", "--format", "ndjson")
    assert (status, json.loads(out.splitlines()[0])["where"]) == (1, "document")


def test_a_check_tells_where_not_even_the_schema_can_be_read(
    run: Run, tmp_path: Path, database: Database
) -> None:
    database.close()
    for beside in tmp_path.glob("w.db-*"):
        beside.unlink()
    with (tmp_path / "w.db").open("r+b") as raw:
        raw.seek(100)  # behind the file's header: the first page of SQLite's own schema
        raw.write(b"\xff" * 3_996)
    status, out, _ = run("db", "check", "--format", "ndjson")
    (fault,) = map(json.loads, out.splitlines())
    assert (status, fault["where"], "malformed" in fault["what"]) == (1, "page", True)
    assert "db restore" in fault["hint"]
    status, _, err = run("inventory")
    assert (status, "malformed" in err) == (4, True)
