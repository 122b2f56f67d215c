"""A control passes only where everything its policies read was read completely and judged."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from daemon.cli.app import run
from daemon.cli.context import State
from daemon.cli.output import Output
from providers.errors import Denied
from providers.resource import Scope

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")
POLICY = """\
# METADATA
# title: Buckets are encrypted
# custom:
#   id: test.bucket_encrypted
#   types: ["memory.bucket"]
#   frameworks:
#     house: ["1.9"]
#     cis-aws: ["2.1.4"]
package test.bucket_encrypted

deny contains "the bucket is not encrypted" if input.asset.document.Encrypted == false
"""
MACHINES = """\
# METADATA
# title: Machines are small
# custom:
#   id: test.machine_small
#   types: ["memory.machine"]
#   frameworks:
#     house: ["1.10"]
package test.machine_small

deny contains "the machine is too big" if input.asset.document.Size > 100000

unknown contains "no size was told" if not input.asset.document.Size
"""


@pytest.fixture
def judged(post: Any) -> Any:
    post.policy = POLICY
    post.settings()
    (post.folder / "policies" / "machine.rego").write_text(MACHINES)
    post.watch.reconfigure(post.settings())
    post.estate.add(SCOPE, "a", {"Encrypted": True})
    post.cycle()
    return post


def call(post: Any, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    file = post.folder / "watchstander.yaml"
    file.write_text(json.dumps(post.settings().model_dump(mode="json", include={"storage", "policies"})))
    state = State(environment={}, clock=post.clock, out=Output(stdout=out))
    return run([*arguments, "--config", str(file)], state), out.getvalue()


def controls(post: Any, *more: str, framework: str = "house") -> tuple[int, dict[str, dict[str, Any]]]:
    status, text = call(post, "findings", "--framework", framework, "--report", *more, "--format", "json")
    return status, {row["control"]: row for row in json.loads(text)}


def test_all_read_and_nothing_fails_is_a_pass(judged: Any) -> None:
    status, found = controls(judged)
    assert [row["status"] for row in found.values()] == ["pass", "pass"]
    assert list(found) == ["1.9", "1.10"]
    assert status == 0


def test_a_failure_is_a_failure_and_an_exempt_one_too(judged: Any) -> None:
    bad = judged.estate.add(SCOPE, "b", {"Encrypted": False})
    judged.cycle()
    status, found = controls(judged)
    assert (status, found["1.9"]["status"], found["1.9"]["failing"]) == (0, "fail", 1)
    assert found["1.10"]["status"] == "pass"
    said = ("--policy", "*", "--until", "9d", "--why", "w", "--ticket", "t", "--resource", bad.uid)
    assert call(judged, "exempt", "add", *said)[0] == 0
    row = controls(judged)[1]["1.9"]
    assert (row["status"], row["failing"], row["exempt"]) == ("fail", 1, 1)
    # Another account knows nothing of it.
    assert controls(judged, "--account", "100000000001")[1]["1.9"]["status"] == "pass"


def test_what_was_not_read_completely_is_unknown(judged: Any) -> None:
    judged.estate.fail(SCOPE, Denied("nobody may list buckets"))
    judged.cycle()
    status, found = controls(judged)
    assert (status, found["1.9"]["status"]) == (3, "unknown")
    assert "nobody may list buckets" in found["1.9"]["why"]
    assert found["1.10"]["status"] == "pass"


def test_what_could_not_be_decided_or_was_never_judged_is_unknown(judged: Any) -> None:
    machine = Scope("memory", SCOPE.account, "north-1", "memory.machine")
    judged.estate.add(machine, "m", {"Size": None})
    judged.cycle()
    status, found = controls(judged)
    assert status == (3 if found["1.10"]["status"] == "unknown" else 0)
    # A changed policy has not been judged by, whatever the old one found.
    file = judged.folder / "policies" / "machine.rego"
    file.write_text(MACHINES.replace("100000", "200000"))
    row = controls(judged)[1]["1.10"]
    assert (row["status"], row["why"]) == ("unknown", "test.machine_small has changed since it was applied")
    judged.watch.reconfigure(judged.settings())
    judged.cycle()


def test_a_known_framework_shows_what_nobody_covers_and_what_people_decide(judged: Any) -> None:
    found = controls(judged, framework="cis-aws")[1]
    assert (found["2.1.4"]["status"], found["2.1.4"]["policies"]) == ("pass", ["test.bucket_encrypted"])
    assert found["1.4"]["status"] == "not-covered"
    assert found["1.1"]["status"] == "people"
    assert len(found) == 62


def test_people_and_programs_can_read_it(judged: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = call(judged, "findings", "--framework", "house", "--report", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (status, rows[0]["control"], rows[0]["status"]) == (0, "1.9", "pass")
    status, text = call(judged, "findings", "--framework", "house", "--report")
    assert "1.10" in text
    assert "house : 2 controls: 2 pass, 0 fail" in capsys.readouterr().err.replace("  ", " ")
    status, text = call(judged, "policy", "frameworks", "--format", "json")
    by_name = {row["framework"]: row for row in json.loads(text)}
    assert by_name["house"]["covered"] == 2
    assert by_name["cis-aws"]["controls"] == 62
    status, text = call(judged, "policy", "frameworks", "house", "--format", "json")
    assert [row["policies"] for row in json.loads(text)] == [
        ["test.bucket_encrypted"],
        ["test.machine_small"],
    ]


@pytest.mark.parametrize(
    "more",
    [
        ("--report",),
        ("--report", "--framework", "x"),
        ("--report", "--framework", "house", "--at", "2h"),
        ("--framework", "hosue"),
        ("--policy", "test.bucket_encryptd"),
    ],
)
def test_a_wrong_question_is_refused(judged: Any, more: tuple[str, ...]) -> None:
    assert call(judged, "findings", *more)[0] == 2


def test_an_exemption_of_a_policy_that_is_not_there_says_so(
    judged: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ("exempt", "add", "-R", "*", "--until", "3d", "--why", "w", "--ticket", "T", "-P")
    assert call(judged, *said, "test.bucket_encryptd")[0] == 0, "it may be meant for a policy to come"
    assert "No policy in use is called test.bucket_encryptd. Did you mean" in capsys.readouterr().err
    assert call(judged, *said, "test.nothing_yet*")[0] == 0
    assert "No policy" not in capsys.readouterr().err
