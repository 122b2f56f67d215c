"""An exempt finding asks no hook, is shown all the same, and is open again when its exemption ends."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from typing import Any

import pytest

from daemon.cli.app import run
from daemon.cli.context import State
from daemon.cli.output import Output
from daemon.desk import Plans
from daemon.log import configure
from providers.provider import Selection
from providers.resource import Scope
from storage.actions import ActionStatus
from storage.findings import FindingStatus
from storage.ledger import Ledger

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")
PROGRAM = (
    "import json,sys; open(sys.argv[1],'a').write(json.load(sys.stdin)['trigger']['refs'][0]['uid']+'\\n')"
)


@pytest.fixture
def watched(post: Any) -> Any:
    """The post with a program on every finding of the policy."""
    hook = {
        "use": "command",
        "mode": "auto",
        "when": ["test.*"],
        "options": {"argv": [sys.executable, "-c", PROGRAM, str(post.folder / "paged")]},
    }
    post.more = {"containment": {"hooks": {"page": hook}}}
    post.watch.reconfigure(post.settings())
    post.cycle()
    return post


def paged(post: Any) -> list[str]:
    file = post.folder / "paged"
    return file.read_text().splitlines() if file.exists() else []


def call(post: Any, *arguments: str) -> tuple[int, Any]:
    """One verb on the same database, at the post's time."""
    out = io.StringIO()
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{post.folder}/watch.db"}
    state = State(environment=environment, clock=post.clock, out=Output(stdout=out))
    status = run([*arguments, "--format", "json"], state)
    return status, json.loads(out.getvalue()) if out.getvalue() else None


def exempt(post: Any, *more: str, until: str = "30d") -> dict[str, Any]:
    said = (
        "--policy",
        "test.*",
        "--until",
        until,
        "--why",
        "replaced in May",
        "--ticket",
        "SEC-1",
        "--by",
        "ann",
    )
    status, answer = call(post, "exempt", "add", *said, *more)
    assert status == 0
    return dict(answer)


def test_a_finding_that_is_exempt_from_its_first_moment_asks_nobody(watched: Any) -> None:
    answer = exempt(watched, "--tag", "Stage=lab")
    assert answer["findings"] == 0
    lab = watched.estate.add(SCOPE, "lab", {"Encrypted": False, "Tags": [{"Key": "Stage", "Value": "lab"}]})
    live = watched.estate.add(SCOPE, "live", {"Encrypted": False})
    report = watched.cycle()
    assert (report.opened, report.open) == (2, 1)
    assert paged(watched) == [live.uid]
    (finding,) = watched.findings(FindingStatus.EXEMPT)
    assert finding.ref.uid == lab.uid
    status, rows = call(watched, "findings", "--status", "exempt")
    assert (status, [r["resource"] for r in rows], rows[0]["exemption"]) == (0, [lab.uid], answer["id"])
    assert call(watched, "status")[1]["exemptions"]["in_force"] == 1

    # Its end asks: the failure is nobody's to bear any more.
    watched.cycle(days=31)
    assert paged(watched) == [live.uid, lab.uid]
    assert watched.findings(FindingStatus.EXEMPT) == []


def test_the_end_is_told_before_and_after(watched: Any) -> None:
    heard = io.StringIO()
    configure(watched.settings().log, stream=heard)
    watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    answer = exempt(watched, "--account", SCOPE.account, until="20d")
    assert answer["findings"] == 1

    def told(**delta: float) -> str:
        heard.seek(0)
        heard.truncate()
        watched.cycle(**delta)
        return "".join(line for line in heard.getvalue().splitlines(True) if "exemption" in line)

    assert told(days=1) == ""
    assert f"{answer['id']} (policy test.*, account 100000000000; SEC-1, by ann) ends at" in told(days=6)
    assert told(hours=1) == "", "once a day is enough"
    assert "ends at" in told(days=1)
    assert [e["id"] for e in call(watched, "status")[1]["exemptions"]["ending"]] == [answer["id"]]
    assert "has ended: 1 finding it covered is open again" in told(days=13)
    assert told(days=1) == ""


def test_a_plan_that_waits_is_not_carried_out_once_it_is_exempt(watched: Any) -> None:
    watched.more["containment"]["hooks"]["page"]["mode"] = "approve"
    watched.watch.reconfigure(watched.settings())
    bucket = watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    (record,) = watched.watch.actions.last()
    assert record.status is ActionStatus.WAITING
    exempt(watched, "--resource", bucket.uid)
    Plans(watched.watch.database).approve(record.id, record.plan_id, "ann", watched.clock())
    done = watched.watch.apply_now(record.id)
    assert done.status is ActionStatus.FAILED
    assert "covers it" in str(done.reason)
    assert paged(watched) == []


def test_the_verbs_say_who_why_and_until_when(watched: Any) -> None:
    bucket = watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.clock.move(minutes=15)
    watched.watch.cycle(Selection(), kind="scan", act=False)
    answer = exempt(watched, "--resource", bucket.uid)
    assert answer["findings"] == 1
    (row,) = call(watched, "exempt", "list")[1]
    assert (row["id"], row["who"], row["ticket"], row["status"]) == (answer["id"], "ann", "SEC-1", "in force")
    assert row["until"] == (watched.clock() + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    status, revoked = call(
        watched, "exempt", "revoke", answer["id"], "--why", "it was replaced", "--by", "ben"
    )
    assert (status, revoked["status"]) == (0, "revoked")
    assert call(watched, "exempt", "list")[1] == []
    assert [r["status"] for r in call(watched, "exempt", "list", "--all")[1]] == ["revoked"]
    kinds = [e.kind for e in Ledger(watched.watch.database).entries(subject=answer["id"])]
    assert kinds == ["exempt-add", "exempt-revoke"]


@pytest.mark.parametrize(
    "more",
    [
        ("--until", "400d", "--resource", "r"),
        ("--until", "2020-01-01", "--resource", "r"),
        ("--until", "30d"),
        ("--until", "30d", "--tag", "no-value"),
        ("--until", "30d", "--where", "a ==="),
    ],
)
def test_what_is_not_said_rightly_is_refused(
    watched: Any, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = call(watched, "exempt", "add", "--policy", "p", "--why", "w", "--ticket", "t", *more)
    assert status == 2
    assert "Error: " in capsys.readouterr().err
    assert call(watched, "exempt", "list", "--all")[1] == []
