"""A backtest finds in the past what the living watch found there."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.app import run
from daemon.cli.context import State
from daemon.cli.output import Output
from providers.errors import Denied
from providers.resource import Scope
from storage.findings import FindingFilter
from storage.history import History

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")
OTHER = Scope("memory", "100000000001", "north-1", "memory.bucket")
NEW = """\
# METADATA
# title: Buckets are private
# custom:
#   id: test.bucket_private
#   severity: critical
#   types: ["memory.bucket"]
package test.bucket_private

deny contains "the bucket is public" if input.asset.document.Public == true
"""
OLD_AGE = """\
# METADATA
# title: Buckets are young
# custom:
#   id: test.bucket_age
#   types: ["memory.bucket"]
package test.bucket_age

deny contains "the bucket is old" if {
	time.parse_rfc3339_ns(input.context.now) > time.parse_rfc3339_ns(input.asset.document.Made)
}
"""


@pytest.fixture
def past(post: Any) -> Any:
    """A day of history: one bad from the start, one that turns bad and good again, one that is bad and goes, one public."""
    post.estate.add(SCOPE, "bad", {"Encrypted": False, "Public": False})
    post.estate.add(SCOPE, "turns", {"Encrypted": True, "Public": True})
    post.estate.add(OTHER, "good", {"Encrypted": True, "Public": False})
    post.cycle()
    post.start = post.clock() + timedelta(seconds=1)
    uid = f"mem:{SCOPE.account}:north-1:memory.bucket"
    post.estate.change(f"{uid}/turns", {"Encrypted": False})
    gone = post.estate.add(OTHER, "gone", {"Encrypted": False, "Public": True})
    post.cycle(hours=1)
    post.estate.change(f"{uid}/turns", {"Encrypted": True})
    post.cycle(hours=1)
    post.estate.delete(gone.uid)
    post.cycle(hours=1)
    post.cycle(hours=1)
    return post


def hooks(limit: int) -> dict[str, Any]:
    return {
        "containment": {
            "hooks": {
                "page": {
                    "use": "command",
                    "mode": "auto",
                    "when": ["test.*"],
                    "max_per_hour": limit,
                    "options": {"argv": ["true"]},
                }
            }
        }
    }


def call(post: Any, *arguments: str | Path, **more: Any) -> tuple[int, str]:
    out = io.StringIO()
    file = post.folder / "watchstander.yaml"
    body = post.settings().model_dump(mode="json", include={"storage", "policies"})
    file.write_text(json.dumps(body | more))
    state = State(environment={}, clock=post.clock, out=Output(stdout=out))
    return run([str(a) for a in arguments] + ["--config", str(file)], state), out.getvalue()


def backtest(post: Any, text: str, *arguments: str, **more: Any) -> dict[str, Any]:
    (post.folder / "tried.rego").write_text(text)
    since = post.start.isoformat()
    status, said = call(
        post,
        "policy",
        "backtest",
        post.folder / "tried.rego",
        "--since",
        since,
        *arguments,
        "--format",
        "json",
        **more,
    )
    assert status == 0
    return dict(json.loads(said))


def test_it_finds_what_the_watch_found(past: Any) -> None:
    answer = backtest(past, past.policy)
    (policy,) = answer["policies"]
    assert policy["same_as_in_force"]
    lived = {
        (
            f.ref.uid,
            max(f.opened_at, past.start).isoformat(),
            f.resolved_at.isoformat() if f.resolved_at else None,
        )
        for batch in past.watch.findings.find(FindingFilter(status=None))
        for f in batch
    }
    found = {
        (
            f["resource"],
            f["opened_at"].replace("Z", "+00:00"),
            f["closed_at"].replace("Z", "+00:00") if f["closed_at"] else None,
        )
        for f in answer["findings"]
    }
    assert len(lived) == 3
    assert found == lived
    assert {f["where"] for f in answer["findings"]} == {"both"}
    assert {f["reason"] for f in answer["findings"]} == {None, "passed", "resource-deleted"}
    side = policy["tried"]
    assert (side["open_at_once"], side["opened"], side["closed"], side["open_at_the_end"]) == (1, 2, 2, 1)
    # The past is untouched.
    assert len(History(past.watch.database).timeline(f"mem:{SCOPE.account}:north-1:memory.bucket/turns")) == 3


def test_a_changed_policy_is_compared_with_the_one_in_force(past: Any) -> None:
    stricter = past.policy.replace(
        'deny contains "the bucket is not encrypted"',
        'deny contains "the bucket is public" if input.asset.document.Public == true\n\ndeny contains "the bucket is not encrypted"',
    ).replace("severity: high", "severity: low")
    answer = backtest(past, stricter)
    (policy,) = answer["policies"]
    assert not policy["same_as_in_force"]
    assert policy["severity"] == "low"
    where = {(f["resource"].rpartition("/")[2], f["where"]) for f in answer["findings"]}
    assert where == {("bad", "both"), ("gone", "both"), ("turns", "new"), ("turns", "in-force")}
    _, text = call(past, "policy", "backtest", past.folder / "tried.rego", "--since", past.start.isoformat())
    assert "compared  1 findings would be new, 1 would be gone, 2 the same" in text


def test_a_new_policy_says_what_containment_would_do_at_once_and_how_fast(past: Any) -> None:
    (policy,) = backtest(past, NEW, **hooks(limit=1))["policies"]
    assert policy["in_force"] is None
    (acts,) = policy["tried"]["acts"]
    assert (acts["hook"], acts["allowed"], acts["at_once"]) == ("page", 2, 1)
    assert (acts["most_per_hour"], acts["over_limit"]) == (1, False)
    for n in range(3):
        past.estate.add(OTHER, f"wave-{n}", {"Encrypted": True, "Public": True})
    past.cycle(hours=1)
    (acts,) = backtest(past, NEW, **hooks(limit=2))["policies"][0]["tried"]["acts"]
    assert (acts["allowed"], acts["most_per_hour"], acts["over_limit"]) == (5, 3, True)
    # Under the policy in force, what failed before is no news.
    (acts,) = backtest(past, past.policy, **hooks(limit=9))["policies"][0]["tried"]["acts"]
    assert (acts["allowed"], acts["at_once"]) == (2, 0)
    _, text = call(
        past,
        "policy",
        "backtest",
        past.folder / "tried.rego",
        "--since",
        past.start.isoformat(),
        **hooks(limit=1),
    )
    assert "page (auto): 2 acts allowed, 0 of them at once" in text


def test_a_containment_policy_that_is_not_in_force_is_named(past: Any) -> None:
    asking = hooks(limit=1)
    asking["containment"]["hooks"]["page"]["policy"] = "test.allow_pagign"
    (acts,) = backtest(past, NEW, **asking)["policies"][0]["tried"]["acts"]
    assert (acts["allowed"], acts["undecided"], acts["missing_policy"]) == (0, 2, "test.allow_pagign")
    file = past.folder / "tried.rego"
    _, text = call(past, "policy", "backtest", file, "--since", past.start.isoformat(), **asking)
    assert "2 undecided (the containment policy test.allow_pagign is not in force);" in text


def test_time_alone_opens_findings_too(post: Any) -> None:
    made = post.clock() + timedelta(days=2, hours=12)
    post.estate.add(SCOPE, "b", {"Made": made.isoformat()})
    post.cycle()
    post.start = post.clock()
    post.cycle(days=5)
    (finding,) = backtest(post, OLD_AGE)["findings"]
    assert finding["opened_at"] == (post.start + timedelta(days=3)).isoformat().replace("+00:00", "Z")


def test_what_cannot_be_tried_is_refused(past: Any) -> None:
    file = past.folder / "j.rego"
    file.write_text(NEW)
    since = past.start.isoformat()
    assert call(past, "policy", "backtest", file, "--since", "now", "--until", "2020-01-01")[0] == 2
    assert call(past, "policy", "backtest", past.folder / "none.rego", "--since", since)[0] == 2


def test_the_findings_are_a_list_for_other_programs(past: Any) -> None:
    (past.folder / "tried.rego").write_text(NEW)
    status, text = call(
        past,
        "policy",
        "backtest",
        past.folder / "tried.rego",
        "--since",
        past.start.isoformat(),
        "--findings",
        "--format",
        "ndjson",
    )
    rows = [json.loads(line) for line in text.splitlines()]
    assert status == 0
    assert [(r["resource"].rpartition("/")[2], r["at_once"], r["where"]) for r in rows] == [
        ("turns", True, "new"),
        ("gone", False, "new"),
    ]


# Policies that join resources.

MACHINE = Scope("memory", "100000000000", "north-1", "memory.machine")
MACHINE_2 = Scope("memory", "100000000001", "north-1", "memory.machine")
JOINING = {
    "account": """\
# METADATA
# title: Machines write to buckets that are encrypted
# custom:
#   id: test.machine_buckets
#   severity: high
#   scope: account
#   joins:
#     memory.machine: [Bucket]
#     memory.bucket: [Encrypted]
package test.machine_buckets

deny contains {"msg": sprintf("%s writes to %s", [machine.name, bucket.name]), "resource": machine.uid} if {
    some machine in data.inventory["memory.machine"]
    some bucket in data.inventory["memory.bucket"]
    bucket.name == machine.document.Bucket
    bucket.document.Encrypted == false
}

deny contains "the account has no bucket" if count(data.inventory["memory.bucket"]) == 0
""",
    "resource": """\
# METADATA
# title: A machine's bucket is encrypted
# custom:
#   id: test.machine_has_bucket
#   types: ["memory.machine"]
#   joins: {memory.bucket: [Encrypted]}
package test.machine_has_bucket

deny contains "its bucket is not encrypted" if {
    some bucket in data.inventory["memory.bucket"]
    bucket.name == input.asset.document.Bucket
    bucket.document.Encrypted == false
}
""",
    "estate": """\
# METADATA
# title: Bucket names are used once
# custom:
#   id: test.bucket_names
#   scope: estate
#   joins: {memory.bucket: []}
package test.bucket_names

deny contains {"msg": "its name is used twice", "resource": bucket.uid} if {
    some bucket in data.inventory["memory.bucket"]
    some other in data.inventory["memory.bucket"]
    bucket.uid != other.uid
    bucket.name == other.name
}
""",
}


@pytest.fixture(params=sorted(JOINING))
def joined(post: Any, request: pytest.FixtureRequest) -> Any:
    """Six hours in two accounts, with a joining policy in force all the while: what it joins turns, comes, goes, is unread."""
    post.policy = JOINING[request.param]
    post.watch.close()
    post.open()
    estate = post.estate
    buckets, machines = (f"mem:{SCOPE.account}:north-1:memory.{kind}" for kind in ("bucket", "machine"))
    estate.add(SCOPE, "logs", {"Encrypted": False})
    estate.add(SCOPE, "media", {"Encrypted": True})
    estate.add(OTHER, "other", {"Encrypted": False})
    estate.add(MACHINE, "one", {"Bucket": "logs"})
    estate.add(MACHINE, "two", {"Bucket": "media"})
    estate.add(MACHINE_2, "three", {"Bucket": "nowhere"})
    post.cycle()
    post.start = post.clock() + timedelta(seconds=1)
    estate.change(f"{buckets}/media", {"Encrypted": False})
    estate.change(f"{machines}/two", {"Bucket": "media", "Size": 2})
    twin = estate.add(OTHER, "logs", {"Encrypted": True})
    post.cycle(hours=1)
    estate.fail(SCOPE, Denied("denied"))
    estate.change(f"{machines}/one", {"Bucket": "elsewhere"})
    post.cycle(hours=1)
    estate.mend()
    post.cycle(hours=1)
    estate.change(f"{buckets}/media", {"Encrypted": True})
    estate.delete(f"mem:{OTHER.account}:north-1:memory.bucket/other")
    estate.delete(twin.uid)
    post.cycle(hours=1)
    estate.delete(f"{machines}/two")
    estate.change(f"{machines}/one", {"Bucket": "logs"})
    post.cycle(hours=1)
    estate.delete(f"{machines}/one")
    post.cycle(hours=1)
    return post


def test_a_joining_policy_finds_what_the_watch_found(joined: Any) -> None:
    answer = backtest(joined, joined.policy)
    (policy,) = answer["policies"]
    assert policy["same_as_in_force"]
    lived = {
        (
            f.ref.uid,
            max(f.opened_at, joined.start).isoformat(),
            f.resolved_at.isoformat() if f.resolved_at else None,
        )
        for batch in joined.watch.findings.find(FindingFilter(status=None))
        for f in batch
        if f.resolved_at is None or f.resolved_at > joined.start
    }
    found = {
        (
            f["resource"],
            f["opened_at"].replace("Z", "+00:00"),
            f["closed_at"].replace("Z", "+00:00") if f["closed_at"] else None,
        )
        for f in answer["findings"]
    }
    assert found == lived
    assert len(lived) >= 2
    side = policy["tried"]
    assert side["judged_moments"] == side["moments"] >= 5
    assert side["unknown"] > 0, "an hour was unread"


def test_fewer_moments_are_judged_where_that_is_asked_and_told(joined: Any) -> None:
    (all_of_it,) = backtest(joined, joined.policy)["policies"]
    (policy,) = backtest(joined, joined.policy, "--moments", "3")["policies"]
    side, whole = policy["tried"], all_of_it["tried"]
    accounts = 1 if "estate" in joined.policy else 2
    assert side["moments"] == whole["moments"]
    assert side["judged_moments"] <= 3 * accounts < side["moments"]
    assert side["open_at_the_end"] == whole["open_at_the_end"]
    (joined.folder / "tried.rego").write_text(joined.policy)
    arguments = ("policy", "backtest", joined.folder / "tried.rego", "--since", joined.start.isoformat())
    status, said = call(joined, *arguments, "--moments", "3", "--format", "human")
    assert status == 0
    assert f"{side['judged_moments']} of {side['moments']} moments judged (--moments)" in said
