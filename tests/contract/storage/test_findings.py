"""Verdicts open, keep and resolve findings; unknown does neither."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from policies.policy import Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.provider import Severity
from providers.resource import Resource, Scope
from storage.errors import StorageError
from storage.findings import FindingFilter, Findings, FindingStatus, Reason

MakePolicy = Callable[..., Policy]
MakeVerdict = Callable[..., Verdict]
MakeResource = Callable[..., Resource]
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")


@pytest.fixture
def judge(world: Any, make_verdict: MakeVerdict) -> Callable[..., Any]:
    """Apply one verdict to one resource, without settling it."""
    findings = Findings(world.database)

    def apply(index: int, policy: Policy, outcome: Outcome, text: str = "it is wrong", **more: Any) -> Any:
        verdict = make_verdict(world.estate.uid(index), policy, outcome, text, **more)
        return findings.apply([verdict], {policy.id: policy}, at=world.now)

    return apply


def listed(findings: Findings, *args: Any, **kwargs: Any) -> list[Any]:
    return [f for batch in findings.find(*args, **kwargs) for f in batch]


def test_a_finding_opens_once_and_resolves(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    findings, policy = Findings(world.database), make_policy("p1", frameworks={"cis-aws": ("3.1",)})
    (opened,) = judge(0, policy, Outcome.FAIL).opened
    t0 = world.now
    world.later()
    kept = judge(0, policy, Outcome.FAIL)
    assert (kept.opened, kept.resolved, kept.kept, kept.updated) == ((), (), 1, 0)
    world.later()
    assert judge(0, policy, Outcome.FAIL, "worse now").updated == 1
    assert findings.get(opened.id).message == "worse now"
    world.later()
    (resolved,) = judge(0, policy, Outcome.PASS).resolved
    assert (resolved.id, resolved.status, resolved.reason) == (
        opened.id,
        FindingStatus.RESOLVED,
        Reason.PASSED,
    )
    assert judge(0, policy, Outcome.PASS).resolved == ()
    (now,) = listed(findings)
    assert now.record() == {
        "id": opened.id,
        "policy": "p1",
        "title": "Title of p1",
        "phase": "preparation",
        "severity": "high",
        "enforcement": "soft-mandatory",
        "resource": world.estate.uid(0),
        "provider": "memory",
        "account": "100000000000",
        "region": "north-1",
        "type": "memory.machine",
        "status": "resolved",
        "message": "worse now",
        "opened_at": t0,
        "resolved_at": world.now,
        "reason": "passed",
        "baseline": True,
        "frameworks": {"cis-aws": ("3.1",)},
        "exemption": None,
    }
    (then,) = listed(findings, at=t0)
    assert (then.status, then.resolved_at) == (FindingStatus.OPEN, None)


def test_failing_again_is_another_finding_of_the_same_name(
    world: Any, judge: Any, make_policy: MakePolicy
) -> None:
    world.cycle()
    policy = make_policy("p1")
    ids = []
    for _ in range(3):
        ids += [f.id for f in judge(0, policy, Outcome.FAIL).opened]
        world.later()
        judge(0, policy, Outcome.PASS)
        world.later()
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]
    assert [f.id for f in listed(Findings(world.database))] == ids


def test_unknown_opens_nothing_and_closes_nothing(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    findings, policy = Findings(world.database), make_policy("p1")
    assert judge(1, policy, Outcome.UNKNOWN, cause="Logging was not read").unknown == 1
    assert listed(findings) == []
    judge(0, policy, Outcome.FAIL)
    changes = judge(0, policy, Outcome.UNKNOWN, cause="timed out")
    assert (changes.opened, changes.resolved) == ((), ())
    assert findings.counts()[Severity.HIGH] == 1
    (batch,) = findings.unknown()
    assert {(u.uid, u.cause) for u in batch} == {
        (world.estate.uid(0), "timed out"),
        (world.estate.uid(1), "Logging was not read"),
    }
    judge(0, policy, Outcome.UNKNOWN, cause="timed out again")
    assert findings.unknown_count() == 2
    judge(0, policy, Outcome.FAIL)
    judge(1, policy, Outcome.PASS)
    assert findings.unknown_count() == 0


def test_not_applicable_resolves(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    policy = make_policy("p1")
    judge(0, policy, Outcome.FAIL)
    (resolved,) = judge(0, policy, Outcome.NOT_APPLICABLE).resolved
    assert resolved.reason is Reason.NOT_APPLICABLE


def test_a_deleted_resource_resolves_its_findings(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    findings, policies = Findings(world.database), [make_policy("p1"), make_policy("p2")]
    opened = {judge(0, p, Outcome.FAIL).opened[0].id for p in policies}
    judge(0, make_policy("p3"), Outcome.UNKNOWN, cause="x")
    judge(4, policies[0], Outcome.FAIL)
    world.estate.delete(world.estate.uid(0))
    world.later()
    (change,) = world.cycle()
    assert set(change.resolved) == opened
    assert {findings.get(i).reason for i in opened} == {Reason.RESOURCE_DELETED}
    assert findings.counts()[Severity.HIGH] == 1
    assert findings.unknown_count() == 0
    # A verdict that comes late speaks of what is no more.
    assert judge(0, policies[0], Outcome.FAIL).opened == ()


def test_an_unread_scope_resolves_nothing(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    from providers.errors import Denied

    world.cycle()
    judge(0, make_policy("p1"), Outcome.FAIL)
    world.estate.fail(world.estate.scope(0), Denied("no"))
    world.later()
    assert world.cycle() == []
    assert Findings(world.database).counts()[Severity.HIGH] == 1


def test_removed_policies_findings_are_resolved(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    findings = Findings(world.database)
    judge(0, make_policy("keep"), Outcome.FAIL)
    judge(1, make_policy("drop"), Outcome.FAIL)
    judge(2, make_policy("drop"), Outcome.UNKNOWN, cause="x")
    world.inventory.mark_applied({"drop": b"1", "keep": b"1"}, world.now)
    (resolved,) = findings.retire({"keep"}, world.later())
    assert (resolved.policy, resolved.reason) == ("drop", Reason.POLICY_REMOVED)
    assert findings.unknown_count() == 0
    assert world.inventory.stale_policies({"drop": b"1", "keep": b"1"}) == {"drop"}
    assert findings.retire({"keep"}, world.now) == ()


def test_same_named_resources_never_share_a_finding(
    empty_world: Any, make_resource: MakeResource, make_policy: MakePolicy, make_verdict: MakeVerdict
) -> None:
    world, policy = empty_world, make_policy("p1")
    twins = [make_resource("twin", uid=f"mem:{n}") for n in range(2)]
    world.record(SCOPE, twins)
    changes = Findings(world.database).apply(
        [make_verdict(t.uid, policy, Outcome.FAIL) for t in twins], {"p1": policy}, at=world.now
    )
    assert len({f.id for f in changes.opened}) == 2


def test_what_is_settled_is_not_due_any_more_unless_it_has_changed(world: Any) -> None:
    findings = Findings(world.database)
    world.cycle()
    (batch,) = world.inventory.due()
    assert len(batch) == 40
    world.estate.change(world.estate.uid(0), {"Encrypted": "no"})
    world.later()
    world.cycle()
    findings.apply([], {}, at=world.now, settled=[r.ticket for r in batch])
    (left,) = world.inventory.due()
    assert [r.uid for r in left] == [world.estate.uid(0)]
    findings.apply([], {}, at=world.now, settled=[left[0].ticket])
    assert world.inventory.due_count() == 0


def test_a_finding_of_the_first_contact_is_a_baseline(
    world: Any, make_policy: MakePolicy, make_verdict: MakeVerdict
) -> None:
    findings, policy = Findings(world.database), make_policy("p1")

    def judge_due() -> list[bool]:
        found = []
        for batch in list(world.inventory.due()):
            changes = findings.apply(
                [make_verdict(r.uid, policy, Outcome.FAIL) for r in batch],
                {"p1": policy},
                at=world.now,
                settled=[r.ticket for r in batch],
            )
            found += [f.baseline for f in changes.opened]
        return found

    world.cycle()
    assert judge_due() == [True] * 40
    world.later()
    world.estate.add(world.estate.scope(0), "new", {})
    world.cycle()
    assert judge_due() == [False]


def test_a_failure_in_the_transaction_leaves_the_resource_due(
    world: Any, make_policy: MakePolicy, make_verdict: MakeVerdict
) -> None:
    world.cycle()
    policy = make_policy("p1")
    uid = world.estate.uid(0)
    ticket = next(r.ticket for batch in world.inventory.due() for r in batch if r.uid == uid)
    findings = Findings(world.database)

    def apply_and_die() -> None:
        with world.database.write():
            verdict = make_verdict(uid, policy, Outcome.FAIL)
            findings.apply([verdict], {"p1": policy}, at=world.now, settled=[ticket])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_and_die()
    assert listed(findings) == []
    assert world.inventory.due_count() == 40


def test_filters_and_counts(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    findings = Findings(world.database)
    low = make_policy("low", severity=Severity.LOW, phase=Phase.DETECTION, frameworks={"soc2": ("a",)})
    high = make_policy("high", severity=Severity.CRITICAL)
    for index in range(10):
        judge(index, low, Outcome.FAIL)
    for index in range(3):
        judge(index, high, Outcome.FAIL)
    t0 = world.now
    world.later()
    judge(0, high, Outcome.PASS)
    assert findings.counts() == {
        Severity.INFO: 0,
        Severity.LOW: 10,
        Severity.MEDIUM: 0,
        Severity.HIGH: 0,
        Severity.CRITICAL: 2,
    }
    assert findings.counts(at=t0)[Severity.CRITICAL] == 3
    assert len(listed(findings, FindingFilter(status=FindingStatus.OPEN))) == 12
    assert len(listed(findings, FindingFilter(status=FindingStatus.RESOLVED))) == 1
    assert listed(findings, FindingFilter(status=FindingStatus.RESOLVED), at=t0) == []
    assert len(listed(findings, FindingFilter(status=FindingStatus.OPEN), at=t0)) == 13
    assert listed(findings, FindingFilter(status=FindingStatus.EXEMPT)) == []
    assert len(listed(findings, FindingFilter(phase=Phase.DETECTION))) == 10
    assert len(listed(findings, FindingFilter(min_severity=Severity.MEDIUM))) == 3
    assert len(listed(findings, FindingFilter(severity=Severity.LOW))) == 10
    assert len(listed(findings, FindingFilter(framework="soc2"))) == 10
    assert len(listed(findings, FindingFilter(uid=world.estate.uid(1)))) == 2
    assert len(listed(findings, FindingFilter(types=frozenset({"memory.m*"})))) == 8
    assert [len(b) for b in findings.find(batch=6)] == [6, 6, 1]


def test_a_clock_set_back_ends_no_finding_before_it_began(
    world: Any, judge: Any, make_policy: MakePolicy
) -> None:
    world.cycle()
    policy = make_policy("p1")
    judge(0, policy, Outcome.FAIL)
    world.later(days=-3)
    judge(0, policy, Outcome.PASS)
    (finding,) = listed(Findings(world.database))
    assert finding.resolved_at > finding.opened_at


def test_details_and_strange_text_are_kept(world: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    policy, uid = make_policy("p1"), world.estate.uid(0)
    verdict = Verdict(
        policy_id="p1",
        policy_digest=b"x",
        uid=uid,
        input_digest=b"y",
        outcome=Outcome.FAIL,
        messages=(Message(text="nul\0 and \ud800", details={"port": 22, "to": ["0.0.0.0/0"]}),),
    )
    (opened,) = Findings(world.database).apply([verdict], {"p1": policy}, at=world.now).opened
    assert opened.details[0]["port"] == 22
    assert "\0" not in Findings(world.database).get(opened.id).message
    assert Findings(world.database).open_for(uid, "p1").id == opened.id


def test_two_open_findings_of_one_pair_cannot_be(world: Any, judge: Any, make_policy: MakePolicy) -> None:
    world.cycle()
    judge(0, make_policy("p1"), Outcome.FAIL)
    copy = (
        "INSERT INTO finding (id, resource_id, policy_id, policy_digest, title, phase, severity, frameworks, message,"
        " opened_at, updated_at, baseline) SELECT 'other', resource_id, policy_id, policy_digest, title, phase,"
        " severity, frameworks, message, opened_at, updated_at, baseline FROM finding"
    )
    with pytest.raises((StorageError, sqlite3.Error)), world.database.write() as connection:
        connection.execute(sa.text(copy))
