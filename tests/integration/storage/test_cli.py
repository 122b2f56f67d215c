"""The verbs that ask the store, from the command line, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config.settings import StorageSettings
from daemon.cli import app
from daemon.cli.context import State
from policies.policy import Language, Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.errors import Denied
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Message as Letter
from providers.provider import Selection, Severity
from storage.database import Database
from storage.deadletters import DeadLetters
from storage.findings import Findings
from storage.inventory import Inventory
from storage.ledger import Ledger

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]


def cycle(database: Database, estate: Estate, at: datetime) -> None:
    provider, inventory = MemoryProvider(estate), Inventory(database)
    for scope in provider.discover(Selection()).scopes:
        recording = inventory.begin(scope, at)
        reading = provider.read(scope)
        recording.add(list(reading))
        recording.finish(reading.coverage)


@pytest.fixture
def estate() -> Estate:
    """Twenty resources in two scopes."""
    return Estate(resources=20, scopes=2)


@pytest.fixture
def database(tmp_path: Path, estate: Estate) -> Iterator[Database]:
    """Three days of history: all there, then one changed, then one gone."""
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as database:
        database.migrate()
        cycle(database, estate, NOW - timedelta(days=3))
        estate.change(estate.uid(0), {"Encrypted": "later", "Public": None})
        cycle(database, estate, NOW - timedelta(days=2))
        estate.delete(estate.uid(1))
        cycle(database, estate, NOW - timedelta(days=1))
        yield database


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the command line on that database, at ``NOW``."""
    monkeypatch.chdir(tmp_path)
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'w.db'}"}

    def run(*arguments: str) -> tuple[int, str, str]:
        status = app.run(arguments, State(environment=environment, clock=lambda: NOW))
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_inventory_now_and_then(run: Run, estate: Estate) -> None:
    status, out, _ = run("inventory", "--format", "json")
    rows = json.loads(out)
    assert (status, len(rows)) == (0, 19)
    assert rows[0]["uid"] == estate.uid(0)
    assert "document" not in rows[0]
    assert len(json.loads(run("inventory", "--at", "60h", "--format", "json")[1])) == 20
    status, out, _ = run(
        "inventory", "--where", "document.Encrypted == 'later'", "-f", "ndjson", "--documents"
    )
    assert [json.loads(line)["document"]["Encrypted"] for line in out.splitlines()] == ["later"]
    assert len(run("inventory", "--region", "south-1", "--format", "csv")[1].splitlines()) == 1 + 9
    assert run("inventory", "--tag", "Team=team-2", "--type", "memory.*")[1].count("mem:") == 1
    status, _, err = run("inventory", "--where", "a ==")
    assert (status, "JMESPath" in err) == (2, True)
    assert run("inventory", "--tag", "Team")[0] == 2
    assert "No such resource" in run("inventory", "--account", "9")[2]


def test_what_was_not_read_is_said_beside_the_answer(run: Run, database: Database, estate: Estate) -> None:
    estate.fail(estate.scope(1), Denied("You may not list machines"))
    cycle(database, estate, NOW)
    status, out, err = run("inventory", "--format", "json")
    assert (status, len(json.loads(out))) == (3, 19)
    assert "You may not list machines" in err
    assert run("inventory", "--region", "north-1")[0] == 0
    assert run("findings")[0] == 3
    assert run("findings", "--type", "memory.b*")[0] == 0
    assert run("findings", "--type", "memory.mach*")[0] == 3


def test_show_and_its_suggestions(run: Run, estate: Estate) -> None:
    status, out, _ = run("show", estate.uid(0), "--format", "json")
    assert (status, json.loads(out)["document"]["Encrypted"]) == (0, "later")
    before = json.loads(run("show", estate.uid(0), "--at", "60h")[1])
    assert before["document"]["Encrypted"] == estate.generated(0).document["Encrypted"]
    assert before["valid_until"] == "2026-05-08T12:00:00Z"
    status, _, err = run("show", estate.uid(1))
    assert (status, "was deleted at 2026-05-09" in err) == (2, True)
    status, _, err = run("show", "r-000000000002")
    assert (status, f"Did you mean {estate.uid(2)}?" in err) == (2, True)
    assert "no Terraform view" in run("show", estate.uid(0), "--terraform")[2]


def test_history_tells_fields(run: Run, estate: Estate) -> None:
    status, out, _ = run("history", estate.uid(0), "--format", "json")
    created, changed = json.loads(out)
    assert (status, created["kind"], created["baseline"], changed["kind"]) == (0, "created", True, "changed")
    assert changed["fields"][0]["path"] == "Encrypted"
    assert changed["fields"][0]["after"] == "later"
    human = run("history", estate.uid(1))[1]
    assert ["created" in human, "deleted" in human] == [True, True]
    assert run("history", "nothing")[0] == 2


def test_diff_between_two_times(run: Run, estate: Estate) -> None:
    status, out, _ = run("diff", "--from", "60h", "--format", "json")
    found = {row["uid"]: row["kind"] for row in json.loads(out)}
    assert (status, found) == (0, {estate.uid(0): "changed", estate.uid(1): "deleted"})
    assert json.loads(run("diff", "--from", "60h", "--to", "36h", "-f", "json")[1])[0]["uid"] == estate.uid(0)
    human = run("diff", "--from", "60h")[1]
    assert "Encrypted" in human
    assert run("diff", "--from", "1h", "--to", "2h")[0] == 2
    assert "Nothing is different" in run("diff", "--from", "1h")[2]


def test_findings_by_contract(run: Run, database: Database, estate: Estate) -> None:
    policy = Policy(
        id="p1",
        title="Encrypt",
        description="",
        phase=Phase.PREPARATION,
        severity=Severity.HIGH,
        language=Language.REGO,
        source="",
        path=Path("p.rego"),
        line=1,
        digest=b"p",
        frameworks={"cis-aws": ("2.1",)},
    )

    def verdict(index: int, outcome: Outcome, cause: str | None = None) -> Verdict:
        return Verdict(
            policy_id="p1",
            policy_digest=b"p",
            uid=estate.uid(index),
            input_digest=b"i",
            outcome=outcome,
            messages=(Message(text="not encrypted"),) if outcome is Outcome.FAIL else (),
            cause=cause,
        )

    first = [
        verdict(0, Outcome.FAIL),
        verdict(2, Outcome.FAIL),
        verdict(4, Outcome.UNKNOWN, "Disks was not read"),
    ]
    Findings(database).apply(first, {"p1": policy}, at=NOW - timedelta(hours=5))
    Findings(database).apply([verdict(0, Outcome.PASS)], {"p1": policy}, at=NOW - timedelta(hours=1))
    (item,) = json.loads(run("findings", "--format", "json")[1])
    wanted = "id policy title phase severity resource provider account region type status message opened_at resolved_at frameworks"
    assert set(wanted.split()) <= set(item)
    assert (item["resource"], item["status"], item["frameworks"]) == (
        estate.uid(2),
        "open",
        {"cis-aws": ["2.1"]},
    )
    assert len(json.loads(run("findings", "--at", "2h", "--format", "json")[1])) == 2
    assert len(json.loads(run("findings", "--status", "all", "-f", "json")[1])) == 2
    assert len(json.loads(run("findings", "--status", "resolved", "-f", "json")[1])) == 1
    for arguments in (
        ("--severity", "low"),
        ("--phase", "detection"),
        ("--framework", "soc2"),
        ("--status", "exempt"),
    ):
        assert json.loads(run("findings", *arguments, "-f", "json")[1]) == []
    (unknown,) = json.loads(run("findings", "--unknown", "-f", "json")[1])
    assert unknown["cause"] == "Disks was not read"


def test_audit_verifies_lists_and_exports(run: Run, database: Database, tmp_path: Path) -> None:
    ledger = Ledger(database)
    for number in range(3):
        ledger.append("act.done" if number else "pause", "me", f"user/{number}", {"n": number}, NOW)
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


def test_db_status_prune_and_dead_letters(run: Run, database: Database, estate: Estate) -> None:
    body: dict[str, Any] = json.loads(run("db", "status", "-f", "json")[1])
    assert (body["state"], body["rows"]["resource"], body["rows"]["version"]) == ("current", 20, 21)
    DeadLetters(database).add(Letter(id="1", body="{", receipt="r", source="q"), "not JSON", NOW)
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
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'new.db'}"}

    def on_new(*arguments: str) -> tuple[int, str, str]:
        status = app.run(arguments, State(environment=environment, clock=lambda: NOW))
        return (status, *capsys.readouterr())

    status, _, err = on_new("inventory")
    assert (status, "watchstander scan" in err) == (2, True)
    (tmp_path / "new.db").touch()
    assert json.loads(on_new("db", "status", "-f", "json")[1])["state"] == "empty"
    assert json.loads(on_new("db", "migrate", "-f", "json")[1])["before"] is None
    assert "up to date" in on_new("db", "migrate")[1]
    assert on_new("inventory")[0] == 0


def test_the_past_is_asked(run: Run, estate: Estate) -> None:
    uid = estate.uid(0)
    status, out, _ = run(
        "exposure", "--where", "document.Encrypted == 'later'", "--from", "7d", "--format", "json"
    )
    (window,) = json.loads(out)
    assert (status, window["resource"], window["end"], window["seconds"]) == (0, uid, None, 2 * 86400)
    status, out, _ = run("exposure", "--policy", "nothing", "--from", "7d")
    assert status == 0
    status, _, err = run("exposure", "--from", "7d")
    assert (status, "needs an expression" in err) == (2, True)
    status, _, err = run("exposure", "--where", "document.A", "--from", "1d", "--to", "2d")
    assert (status, "later than --to" in err) == (2, True)
    status, _, err = run("exposure", "--policy", "p", "--where", "document.A", "--from", "1d")
    assert (status, "takes no --where" in err) == (2, True)
    status, out, _ = run("flapping", "--from", "7d", "--more-than", "1", "--format", "json")
    assert (status, json.loads(out)) == (0, [])
    _, out, _ = run("history", uid, "--field", "Encrypted", "--format", "json")
    assert [[f["path"] for f in e["fields"]] for e in json.loads(out)] == [[], ["Encrypted"]]
    status, _, err = run("findings", "--stats", "colour")
    assert (status, "not grouped by" in err) == (2, True)
    status, out, _ = run("findings", "--stats", "policy", "--format", "json")
    assert (status, json.loads(out)) == (0, [])


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


def test_a_baseline_from_pin_to_removal(run: Run, estate: Estate) -> None:
    status, out, _ = run("baseline", "pin", "good", "--at", "60h", "--why", "audited", "--format", "json")
    assert (status, json.loads(out)["resources"]) == (0, 20)
    status, out, _ = run("baseline", "drift", "good", "--format", "json")
    assert (status, {d["uid"]: d["kind"] for d in json.loads(out)}) == (
        1,
        {estate.uid(0): "changed", estate.uid(1): "deleted"},
    )
    status, out, _ = run("baseline", "drift", "good")
    assert (status, "Encrypted" in out) == (1, True)
    status, _, err = run("baseline", "approve", "good", "--why", "x")
    assert (status, "what is approved" in err) == (2, True)
    status, _, _ = run("baseline", "approve", "good", "-R", estate.uid(0), "--why", "CHG-1")
    assert status == 0
    status, out, _ = run("baseline", "approve", "good", "--all", "--why", "CHG-2", "--format", "json")
    assert (status, json.loads(out)["approved"]) == (0, 1)
    status, _, _ = run("baseline", "drift", "good")
    assert status == 0
    _, out, _ = run("baseline", "list", "--format", "json")
    assert [b["name"] for b in json.loads(out)] == ["good"]
    assert run("baseline", "remove", "good", "--why", "done")[0] == 0
    assert run("baseline", "drift", "good")[0] == 2


def test_a_baseline_as_exported(run: Run, tmp_path: Path) -> None:
    item = {
        "version": "1.3",
        "accountId": "123456789012",
        "configurationItemStatus": "ResourceDiscovered",
        "resourceType": "AWS::S3::Bucket",
        "resourceId": "logs",
        "resourceName": "logs",
        "ARN": "arn:aws:s3:::logs",
        "awsRegion": "eu-west-1",
        "configuration": {"name": "logs"},
        "supplementaryConfiguration": {},
        "tags": {},
    }
    snapshot = tmp_path / "snapshot.json"
    odd = {**item, "resourceType": "AWS::Nowhere::Thing", "ARN": "arn:aws:nowhere:::x"}
    snapshot.write_text(json.dumps({"configurationItems": [item, odd]}))
    status, out, err = run("baseline", "pin", "delivered", "--from", str(snapshot), "--why", "handed over")
    assert status == 3
    assert "delivered holds 1 resources as exported" in out
    assert "Not pinned: 1 configuration item" in err
    assert "AWS::Nowhere::Thing" in err
    status, out, err = run("baseline", "drift", "delivered")
    assert (status, "Nothing drifted." in out + err) == (3, True)
    assert "1 exported resources are of places that were never read completely" in err
    plan = tmp_path / "plan.json"
    plan.write_text('{"format_version": "1.2", "planned_values": {}}')
    status, _, err = run("baseline", "pin", "x", "--from", str(plan), "--why", "w")
    assert (status, "is a Terraform plan or state" in err) == (2, True)
    status, _, err = run("baseline", "pin", "x", "--from", str(snapshot), "--at", "1h", "--why", "w")
    assert (status, "An export is of its own time" in err) == (2, True)


ASKING = (
    "inventory",
    "show mem:1",
    "history mem:1",
    "diff --from 1h",
    "exposure --where document.Public --from 1h",
    "flapping --from 1h",
    "findings",
    "findings --stats severity",
    "export --as csv",
    "audit list",
    "audit verify",
    "audit export",
    "plan list",
    "pause because",
    "resume",
    "exempt list",
    "baseline list",
    "baseline drift x",
    "coverage",
    "status",
    "db status",
    "db check",
    "db prune",
    "db backup {folder}/backup.db",
    "db dictionaries {folder}/text",
    "db dead-letters",
    "db copy --to sqlite:///{folder}/copy.db",
)


def test_asking_where_there_is_no_database_says_so_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("not a database at all")
    before = sorted(tmp_path.rglob("*"))
    places = {
        "none/w.db": "There is no database at",
        "": "is a folder, not a database",
        "text": "is not a SQLite database",
        "text/w.db": "a part of that path is no folder",
    }
    for number, verb in enumerate(ASKING):
        # Every verb where there is nothing, and each strange place with some of them.
        for place, said in [*places.items()][: 1 if number % 7 else 4]:
            environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / place}"}
            words = verb.format(folder=tmp_path).split()
            status = app.run(words, State(environment=environment, clock=lambda: NOW))
            out, err = capsys.readouterr()
            assert (status, out) == (2, ""), (verb, place, err)
            assert said in err, (verb, place)
            assert str(tmp_path) in err
            assert sorted(tmp_path.rglob("*")) == before, f"{verb} made something"


def test_a_file_that_may_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")  # nobody can read this, root neither
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'loop'}"}
    assert app.run(["inventory"], State(environment=environment, clock=lambda: NOW)) == 2
    assert "cannot be read: Too many levels of symbolic links" in capsys.readouterr().err


def test_filling_makes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'a' / 'w.db'}"}
    assert app.run(["db", "migrate"], State(environment=environment, clock=lambda: NOW)) == 0
    assert app.run(["inventory"], State(environment=environment, clock=lambda: NOW)) == 0
