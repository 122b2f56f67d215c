"""``watchstander export`` over a real store, written for a file and for a pipe."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import StorageSettings
from daemon.cli import app
from daemon.cli.context import State
from policies.policy import Language, Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.errors import Denied
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection, Severity
from storage.database import Database
from storage.findings import Findings
from storage.inventory import Inventory

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]
POLICIES = {
    id_: Policy(
        id=id_,
        title=f"The title of {id_}",
        description="",
        phase=Phase.PREPARATION,
        severity=severity,
        language=Language.REGO,
        source="",
        path=Path("p.rego"),
        line=1,
        digest=id_.encode(),
        frameworks={"cis-aws": ("1.1",)} if severity is Severity.HIGH else {},
    )
    for id_, severity in (("memory.high", Severity.HIGH), ("memory.low", Severity.LOW))
}


def cycle(database: Database, estate: Estate, at: datetime) -> None:
    provider, inventory = MemoryProvider(estate), Inventory(database)
    for scope in provider.discover(Selection()).scopes:
        recording = inventory.begin(scope, at)
        reading = provider.read(scope)
        recording.add(list(reading))
        recording.finish(reading.coverage)


def verdict(policy: str, uid: str, outcome: Outcome) -> Verdict:
    return Verdict(
        policy_id=policy,
        policy_digest=b"",
        uid=uid,
        input_digest=b"",
        outcome=outcome,
        messages=(Message(text="=bad(<b>)"),) if outcome is Outcome.FAIL else (),
        cause="`Policy` was not read" if outcome is Outcome.UNKNOWN else None,
    )


@pytest.fixture
def estate() -> Estate:
    return Estate(resources=8, scopes=2)


@pytest.fixture
def database(tmp_path: Path, estate: Estate) -> Iterator[Database]:
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path / 'w.db'}")) as database:
        database.migrate()
        cycle(database, estate, NOW - timedelta(days=1))
        findings = Findings(database)
        first = [
            *(verdict("memory.high", estate.uid(n), Outcome.FAIL) for n in range(4)),
            verdict("memory.low", estate.uid(0), Outcome.FAIL),
            verdict("memory.low", estate.uid(5), Outcome.UNKNOWN),
        ]
        findings.apply(first, POLICIES, at=NOW - timedelta(hours=2))
        findings.apply(
            [verdict("memory.high", estate.uid(3), Outcome.PASS)], POLICIES, at=NOW - timedelta(hours=1)
        )
        yield database


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    del database
    monkeypatch.chdir(tmp_path)
    environment = {
        "WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'w.db'}",
        "WATCHSTANDER_POLICIES__PACKS": "[]",
    }

    def run(*arguments: str) -> tuple[int, str, str]:
        status = app.run(("export", *arguments), State(environment=environment, clock=lambda: NOW))
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_open_findings_come_out_in_every_format(run: Run) -> None:
    status, out, _ = run("--as", "ocsf")
    assert (status, len(out.splitlines())) == (0, 4)
    assert len(json.loads(run("--as", "sarif")[1])["runs"][0]["results"]) == 4
    rows = list(csv.DictReader(io.StringIO(run("--as", "csv")[1], newline="")))
    assert {row["message"] for row in rows} == {"'=bad(<b>)"}
    assert 'failures="4"' in run("--as", "junit")[1]
    assert "<h1>4 findings</h1>" in run("--as", "html")[1]
    asff = json.loads(run("--as", "asff", "--aws-account", "111122223333")[1])
    assert len(asff) == 4


def test_the_options_narrow_what_comes_out_and_what_is_said_beside_it(run: Run, estate: Estate) -> None:
    def found(*arguments: str) -> set[str]:
        return {
            json.loads(line)["finding_info"]["uid"]
            for line in run("--as", "ocsf", *arguments)[1].splitlines()
        }

    assert len(found("--status", "all")) == 5
    assert len(found("--status", "resolved")) == 1
    assert len(found("--min-severity", "high")) == 3
    assert len(found("--policy", "memory.low")) == 1
    assert len(found("--framework", "cis-aws")) == 3
    regions = {estate.scope(0).region, estate.scope(1).region}
    halves = [found("--region", region) for region in sorted(regions)]
    assert halves[0].isdisjoint(halves[1])
    assert len(halves[0] | halves[1]) == 4
    # The pair that could not be decided lies in one of the two.
    said = ["1 judgement could not be made" in run("--as", "html", "--region", r)[1] for r in sorted(regions)]
    assert sorted(said) == [False, True]
    assert "could not be made" not in run("--as", "html", "--policy", "memory.high")[1]


def test_what_was_not_read_is_in_the_report_and_in_the_exit_status(
    run: Run, database: Database, estate: Estate
) -> None:
    estate.fail(estate.scope(1), Denied("You may not list machines", permission="memory:List"))
    cycle(database, estate, NOW)
    status, out, err = run("--as", "html")
    assert status == 3
    assert "You may not list machines" in out
    assert "memory:List" in out
    assert "Not read completely last time" in err
    notes = json.loads(run("--as", "sarif")[1])["runs"][0]["invocations"][0]
    assert notes["executionSuccessful"] is False


def test_a_file_is_written_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.html"
    path.parent.mkdir()
    path.write_text("old")
    status, out, err = run("--as", "html", "-o", str(path))
    assert (status, out) == (0, "")
    assert f"4 findings written to {path}" in err
    assert "<h1>4 findings</h1>" in path.read_text()
    assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IWOTH
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    status, _, err = run("--as", "html", "-o", str(tmp_path / "nowhere" / "x.html"))
    assert status == 4
    assert "No such file or directory" in err


def test_findings_that_asff_cannot_say_are_told(run: Run) -> None:
    status, out, err = run("--as", "asff")
    assert (status, json.loads(out)) == (3, [])
    assert "4 findings about other clouds were left out" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as", "pdf"), "pdf"),
        ((), "--as"),
        (("--as", "asff", "--aws-account", "12"), "twelve digits"),
        (("--as", "csv", "--format", "json"), "has its own"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_without_a_database_it_says_what_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment: dict[str, Any] = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'none.db'}"}
    status = app.run(("export", "--as", "csv", "-o", "x.csv"), State(environment=environment))
    assert status in (2, 4)
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()
