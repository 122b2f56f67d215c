"""The verbs that ask what is and what was, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from policies.policy import Language, Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.errors import Denied
from providers.memory.estate import Estate
from providers.provider import Severity
from storage.database import Database
from storage.findings import Findings

Run = Callable[..., tuple[int, str, str]]


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


def test_what_was_not_read_is_said_beside_the_answer(
    run: Run,
    database: Database,
    estate: Estate,
    now: datetime,
    cycle: Callable[[Database, Estate, datetime], None],
) -> None:
    estate.fail(estate.scope(1), Denied("You may not list machines"))
    cycle(database, estate, now)
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


def test_ignored_fields_are_left_out_and_said_to_be(run: Run, estate: Estate, tmp_path: Path) -> None:
    (tmp_path / "watchstander.yaml").write_text(
        "history: {ignored_fields: {'memory.*': [Encrypted, Public]}}"
    )
    file = ("--config", "watchstander.yaml")
    said = "Left out 2 changes of fields in history.ignored_fields (--all-fields tells them too)."
    uid, gone = estate.uid(0), estate.uid(1)
    status, out, err = run(*file, "history", uid, "--format", "json")
    assert (status, [e["kind"] for e in json.loads(out)], said in err) == (0, ["created"], True)
    status, out, err = run(*file, "history", uid, "--all-fields", "--format", "json")
    assert ([e["kind"] for e in json.loads(out)], err) == (["created", "changed"], "")
    (_, changed) = json.loads(run(*file, "history", uid, "--field", "Public", "--format", "json")[1])
    assert [f["path"] for f in changed["fields"]] == ["Public"]
    status, out, err = run(*file, "diff", "--from", "60h", "--format", "json")
    assert ([d["uid"] for d in json.loads(out)], said in err) == ([gone], True)
    assert len(json.loads(run(*file, "diff", "--from", "60h", "--all-fields", "--format", "json")[1])) == 2
    assert (
        run(*file, "baseline", "pin", "good", "--at", "60h", "--why", "audited", "--region", "north-1")[0]
        == 0
    )
    status, out, err = run(*file, "baseline", "drift", "good", "--format", "json")
    assert (status, [d["kind"] for d in json.loads(out)]) == (0, [])
    assert said in err
    assert run(*file, "baseline", "drift", "good", "--all-fields")[0] == 1
    status, _, err = run(*file, "flapping", "--more-than", "1", "--from", "7d")
    assert (status, "Nothing changed so often." in err) == (0, True)


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


def test_findings_by_contract(run: Run, database: Database, estate: Estate, now: datetime) -> None:
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
    Findings(database).apply(first, {"p1": policy}, at=now - timedelta(hours=5))
    Findings(database).apply([verdict(0, Outcome.PASS)], {"p1": policy}, at=now - timedelta(hours=1))
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
    tagged = json.loads(run("findings", "--stats", "tag:Nobody", "-f", "json")[1])
    assert [(row["tag:Nobody"], row["opened"], row["resolved"], row["mean_hours"]) for row in tagged] == [
        ("", 2, 1, 4.0)
    ]
    assert run("findings", "--stats", "tag:Nobody")[1].splitlines()[1].split()[0] == "(none)"
    for arguments in (
        ("--severity", "low"),
        ("--phase", "detection"),
        ("--framework", "soc2"),
        ("--status", "exempt"),
    ):
        assert json.loads(run("findings", *arguments, "-f", "json")[1]) == []
    (unknown,) = json.loads(run("findings", "--unknown", "-f", "json")[1])
    assert unknown["cause"] == "Disks was not read"


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
