"""A Sentinel policy set on the watch: advisory says, soft-mandatory may be overridden, hard-mandatory may not."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.app import run
from daemon.cli.context import State
from daemon.cli.output import Output
from daemon.desk import Plans
from providers.resource import Scope
from storage.actions import ActionStatus
from storage.findings import FindingStatus

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")
PROGRAM = "import json,sys; open(sys.argv[1],'a').write(json.load(sys.stdin)['trigger']['name']+'\\n')"
SOURCE = """\
# METADATA
# title: Buckets are encrypted
# custom:
#   types: [memory.bucket]
import "asset"
param wanted
main = rule { asset.document.Encrypted is wanted }
"""


def block(name: str, level: str) -> str:
    return (
        f'policy "{name}" {{\n  source = "encrypted.sentinel"\n'
        f'  enforcement_level = "{level}"\n  params = {{ wanted = true }}\n}}\n'
    )


@pytest.fixture
def watched(post: Any) -> Any:
    """The post with a set of three levels, and a program on every finding of it."""
    folder = post.folder / "policies" / "house"
    folder.mkdir(parents=True)
    (folder / "encrypted.sentinel").write_text(SOURCE)
    levels(post, advice="advisory", soft="soft-mandatory", hard="hard-mandatory")
    hook = {
        "use": "command",
        "mode": "auto",
        "when": ["house.*"],
        "max_share": 1.0,
        "cool_down": "0s",
        "options": {"argv": [sys.executable, "-c", PROGRAM, str(post.folder / "told")]},
    }
    post.more = {"containment": {"hooks": {"page": hook}}}
    post.watch.reconfigure(post.settings())
    post.cycle()
    return post


def levels(post: Any, **said: str) -> None:
    file = post.folder / "policies" / "house" / "sentinel.hcl"
    file.write_text("".join(block(name, level) for name, level in said.items()))


def told(post: Any) -> list[str]:
    file = post.folder / "told"
    return sorted(file.read_text().split()) if file.exists() else []


def call(post: Any, *arguments: str) -> tuple[int, Any]:
    out = io.StringIO()
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{post.folder}/watch.db"}
    state = State(environment=environment, clock=post.clock, out=Output(stdout=out))
    status = run([*arguments, "--format", "json"], state)
    return status, json.loads(out.getvalue()) if out.getvalue() else None


def exempt(post: Any, policy: str, *more: str) -> tuple[int, Any]:
    said = ("--until", "30d", "--why", "it is moved in May", "--ticket", "SEC-7", "--by", "ann")
    return call(post, "exempt", "add", "--policy", policy, *said, *(more or ("--resource", "*")))


def test_an_advisory_failure_is_a_finding_and_asks_no_hook(watched: Any) -> None:
    watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    _, rows = call(watched, "findings")
    found = {row["policy"]: row["enforcement"] for row in rows}
    assert {k: v for k, v in found.items() if k.startswith("house.")} == {
        "house.advice": "advisory",
        "house.soft": "soft-mandatory",
        "house.hard": "hard-mandatory",
    }
    assert told(watched) == ["house.hard", "house.soft"]


def test_an_override_is_recorded_shown_and_holds_for_soft_mandatory_only(
    watched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    status, overridden = exempt(watched, "house.soft")
    assert (status, overridden["findings"]) == (0, 1)
    assert exempt(watched, "house.hard")[0] == 2
    said = capsys.readouterr().err
    assert "The policy house.hard is hard-mandatory: nothing exempts from it." in said
    # By a pattern neither.
    assert exempt(watched, "house.*")[0] == 0
    _, rows = call(watched, "findings", "--status", "exempt")
    assert {row["policy"] for row in rows} == {"house.soft", "house.advice"}
    entries = call(watched, "audit", "list")[1]
    added = next(e for e in entries if e["kind"] == "exempt-add" and "house.soft" in json.dumps(e))
    assert {"why": "it is moved in May", "ticket": "SEC-7"}.items() <= added["detail"].items()
    assert added["actor"] == "ann"

    # A plan of a hard-mandatory policy goes on in spite of the pattern.
    watched.more["containment"]["hooks"]["page"]["mode"] = "approve"
    watched.watch.reconfigure(watched.settings())
    other = watched.estate.add(SCOPE, "c", {"Encrypted": False})
    watched.cycle()
    waiting = [a for a in watched.watch.actions.last() if a.status is ActionStatus.WAITING]
    assert len(waiting) == 1, "the exempt one is not even asked about"
    Plans(watched.watch.database).approve(waiting[0].id, waiting[0].plan_id, "ann", watched.clock())
    assert watched.watch.apply_now(waiting[0].id).status is ActionStatus.DONE
    assert bucket.uid != other.uid


def test_another_level_in_the_set_holds_for_findings_that_are_open(watched: Any) -> None:
    watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    assert exempt(watched, "house.soft")[1]["findings"] == 1
    levels(watched, advice="advisory", soft="hard-mandatory", hard="soft-mandatory")
    watched.watch.reconfigure(watched.settings())
    report = watched.cycle()
    assert report.evaluated == 0, "a level is no part of a verdict"
    of = {f.policy: f for f in watched.findings(FindingStatus.OPEN)}
    assert of["house.soft"].enforcement == "hard-mandatory"
    assert of["house.soft"].exemption is None
    assert exempt(watched, "house.hard")[1]["findings"] == 1


def test_a_plan_made_before_its_policy_became_advisory_is_not_carried_out(watched: Any) -> None:
    watched.more["containment"]["hooks"]["page"]["mode"] = "approve"
    watched.watch.reconfigure(watched.settings())
    watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    record = next(a for a in watched.watch.actions.last() if a.status is ActionStatus.WAITING)
    levels(watched, advice="advisory", soft="advisory", hard="advisory")
    watched.watch.reconfigure(watched.settings())
    Plans(watched.watch.database).approve(record.id, record.plan_id, "ann", watched.clock())
    done = watched.watch.apply_now(record.id)
    assert done.status is ActionStatus.FAILED
    assert "is advisory" in str(done.reason)
    assert told(watched) == []


PLAN = {
    "format_version": "1.2",
    "planned_values": {
        "root_module": {
            "resources": [
                {
                    "address": "aws_s3_bucket.b",
                    "mode": "managed",
                    "type": "aws_s3_bucket",
                    "name": "b",
                    "provider_name": "registry.terraform.io/hashicorp/aws",
                    "values": {"bucket": "b", "acl": "public-read"},
                }
            ]
        }
    },
    "resource_changes": [
        {"address": "aws_s3_bucket.b", "change": {"actions": ["create"], "after_unknown": {"arn": True}}}
    ],
}
ACL = """\
import "tfplan/v2" as tfplan
main = rule { all tfplan.resource_changes as _, rc { rc.type is not "aws_s3_bucket" or rc.change.after.acl is "private" } }
"""


@pytest.mark.parametrize(
    ("level", "plain", "exempted"),
    [("advisory", 0, 0), ("soft-mandatory", 1, 0), ("hard-mandatory", 1, 1)],
)
def test_a_check_ends_as_the_level_says(
    watched: Any, tmp_path: Path, level: str, plain: int, exempted: int
) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    house = tmp_path / "ci"
    house.mkdir()
    (house / "acl.sentinel").write_text(ACL)
    (house / "sentinel.hcl").write_text(
        block("acl", level).replace("encrypted", "acl").split("  params")[0] + "}\n"
    )
    check = ("check", str(tmp_path / "plan.json"), "--policies", str(house))
    status, (row,) = call(watched, *check)
    assert (status, row["outcome"], row["enforcement"], row["exemption"]) == (plain, "fail", level, None)
    answer = exempt(watched, "ci.acl", "--resource", "aws_s3_bucket.b")[1]
    status, (row,) = call(watched, *check)
    assert status == plain, "only where it is asked for"
    status, (row,) = call(watched, *check, "--exemptions")
    assert (status, row["outcome"]) == (exempted, "fail")
    assert row["exemption"] == (None if level == "hard-mandatory" else answer["id"])
    assert ("SEC-7, by ann" in row["message"]) is (level != "hard-mandatory")
    # Ended is ended.
    watched.clock.move(days=31)
    assert call(watched, *check, "--exemptions")[0] == plain
