"""Policies that ask for what a baseline holds: what they see, when they are due again, and what they say elsewhere."""

from __future__ import annotations

from typing import Any

from daemon.gate import PolicyGate
from daemon.triggers import trigger_of_finding
from providers.resource import Scope
from storage.baseline import Baselines, Word
from storage.query import Filter

BUCKETS = Scope("memory", "100000000000", "north-1", "memory.bucket")

POLICY = """\
# METADATA
# title: A bucket is as public as when it was audited
# custom:
#   id: test.as_audited
#   severity: high
#   types: ["memory.bucket"]
package test.as_audited

deny contains sprintf("was %v in %s", [pinned.document.Public, name]) if {
    some name, pinned in input.context.baseline
    pinned.document.Public != input.asset.document.Public
    not pinned.same
}

deny contains "nobody audited it" if count(input.context.baseline) == 0
"""

OTHER = """\
# METADATA
# title: Buckets are private
# custom:
#   id: test.private
#   severity: low
#   types: ["memory.bucket"]
package test.private

deny contains "it is public" if input.asset.document.Public
"""


def seed(post: Any) -> dict[str, str]:
    post.policy = POLICY
    post.watch.close()
    uids = {n: post.estate.add(BUCKETS, n, {"Public": False}).uid for n in ("a", "b")}
    (post.folder / "policies").mkdir(exist_ok=True)
    (post.folder / "policies" / "other.rego").write_text(OTHER)
    post.open()
    return uids


def word(post: Any) -> Word:
    return Word(who="alice", why="audited", now=post.clock.now)


def said(post: Any) -> list[tuple[str, str]]:
    return sorted(
        (f.ref.uid.rpartition("/")[2], f.message) for f in post.findings() if f.policy == "test.as_audited"
    )


def test_a_policy_sees_the_baseline_and_is_due_when_it_changes(post: Any) -> None:
    uids, baselines = seed(post), Baselines(post.watch.database)
    assert post.cycle().evaluated == 4
    assert said(post) == [("a", "nobody audited it"), ("b", "nobody audited it")]
    assert post.cycle().evaluated == 0

    baselines.pin("audit", Filter(), word(post))
    report = post.cycle()
    assert (report.evaluated, report.resolved) == (2, 2)  # the other policy does not ask for baselines
    assert post.cycle().evaluated == 0

    post.estate.change(uids["a"], {"Public": True})
    assert post.cycle().opened == 2
    assert said(post) == [("a", "was false in audit")]

    assert baselines.approve("audit", word(post)) == 1
    assert post.cycle().resolved == 1
    assert said(post) == []
    baselines.remove("audit", word(post))
    post.cycle()
    assert [message for _, message in said(post)] == ["nobody audited it"] * 2


def test_before_an_act_the_baseline_is_asked_for_again(post: Any) -> None:
    uids, baselines = seed(post), Baselines(post.watch.database)

    post.cycle()
    baselines.pin("audit", Filter(), word(post))
    post.estate.change(uids["a"], {"Public": True})
    post.cycle()
    (finding,) = [f for f in post.findings() if f.policy == "test.as_audited"]
    trigger = trigger_of_finding(finding.record(), finding.ref, finding.opened_at)
    gate = PolicyGate(post.watch.crew, post.watch.grounds)
    assert gate.still_stands(trigger, post.clock.now).allowed is True
    post.clock.move(minutes=1)
    baselines.approve("audit", word(post))
    assert gate.still_stands(trigger, post.clock.now).allowed is False


def test_where_no_baseline_is_looked_up_there_is_no_verdict(post: Any) -> None:
    from policies.evaluate import Judge
    from policies.subject import Subject
    from policies.verdict import Outcome

    uids = seed(post)
    post.cycle()
    stored = post.watch.inventory.get(uids["a"])
    with post.watch.crew() as crew:
        judge: Judge = crew.judge
        policy = crew.policies.by_id("test.as_audited")
        (verdict,) = judge.judge([Subject(resource=stored.resource)], now=post.clock.now, policies=[policy])
    assert verdict.outcome is Outcome.UNKNOWN
    assert "input.context.baseline" in (verdict.cause or "")
