"""Policies that join resources, in a whole watch: what is due, what is unknown, whom findings are about, and crashes."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.gate import PolicyGate
from daemon.judging import Judged
from daemon.triggers import trigger_of_finding
from providers.errors import Denied, Throttled
from providers.provider import Event, EventKind, Severity
from providers.resource import ANY, Coverage, CoverageStatus, Scope
from storage.findings import FindingStatus

ONE, TWO = "100000000000", "100000000001"

ACCOUNT = """\
# METADATA
# title: Machines write to buckets that are encrypted
# custom:
#   id: test.machine_buckets
#   phase: preparation
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
"""

RESOURCE = """\
# METADATA
# title: A machine's bucket exists
# custom:
#   id: test.machine_has_bucket
#   severity: low
#   types: ["memory.machine"]
#   joins: {memory.bucket: []}
package test.machine_has_bucket

deny contains "its bucket is not there" if {
    every bucket in data.inventory["memory.bucket"] { bucket.name != input.asset.document.Bucket }
}
"""

ESTATE = """\
# METADATA
# title: Bucket names are used once
# custom:
#   id: test.bucket_names
#   scope: estate
#   joins: {memory.bucket: []}
package test.bucket_names

deny contains {"msg": "the name is used twice", "resource": a.uid} if {
    some a in data.inventory["memory.bucket"]
    some b in data.inventory["memory.bucket"]
    a.name == b.name
    a.uid != b.uid
}
"""


def machines(account: str) -> Scope:
    return Scope("memory", account, "north-1", "memory.machine")


def buckets(account: str) -> Scope:
    return Scope("memory", account, "north-1", "memory.bucket")


def seed(post: Any, text: str) -> dict[str, str]:
    """In each account a machine that writes to a bucket; returns uids by name."""
    post.policy = text
    post.watch.close()
    found = {}
    for account, letter in ((ONE, "a"), (TWO, "b")):
        found[f"bucket-{letter}"] = post.estate.add(buckets(account), f"bucket-{letter}", {}).uid
        body = {"Bucket": f"bucket-{letter}"}
        found[f"machine-{letter}"] = post.estate.add(machines(account), f"machine-{letter}", body).uid
    post.open()
    return found


def failing(post: Any, status: FindingStatus = FindingStatus.OPEN) -> list[tuple[str, str]]:
    return sorted((f.ref.uid, f.message) for f in post.findings(status))


def test_an_account_policy_is_due_by_what_it_joins_and_only_there(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    assert post.cycle().evaluated == 2
    assert failing(post) == []
    assert post.cycle().evaluated == 0

    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    report = post.cycle()
    assert (report.evaluated, report.opened) == (1, 1)
    assert failing(post) == [(uid["machine-a"], "machine-a writes to bucket-a")]
    (finding,) = post.findings()
    assert not finding.baseline

    post.estate.add(Scope("memory", ONE, "north-1", "memory.queue"), "other", {})
    assert post.cycle().evaluated == 0  # nothing that it joins

    post.estate.change(uid["bucket-a"], {"Encrypted": True})
    report = post.cycle()
    assert (report.evaluated, report.resolved) == (1, 1)


def test_a_deleted_resource_makes_it_due_and_the_account_itself_may_fail(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    post.cycle()
    post.estate.delete(uid["bucket-b"])
    report = post.cycle()
    assert report.opened == 1
    assert failing(post) == [(f"watchstander:account:memory:{TWO}", "the account has no bucket")]
    (finding,) = post.findings()
    assert (finding.ref.account, finding.baseline) == (TWO, False)
    post.estate.restore(uid["bucket-b"])
    assert post.cycle().resolved == 1


def test_first_findings_are_a_baseline(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    post.cycle()
    assert [f.baseline for f in post.findings()] == [True]


@pytest.mark.parametrize("after", [0, 1], ids=["nothing", "half"])
@pytest.mark.parametrize("error", [Denied(), Throttled()], ids=lambda e: type(e).__name__)
def test_a_type_not_read_completely_is_unknown_and_changes_no_finding(
    post: Any, error: Exception, after: int
) -> None:
    uid = seed(post, ACCOUNT)
    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    post.cycle()
    post.estate.fail(buckets(ONE), error, after=after)
    post.estate.change(uid["machine-a"], {"Bucket": "elsewhere"})
    report = post.cycle()
    assert (report.opened, report.resolved, report.open) == (0, 0, 1)
    causes = [u.cause for batch in post.watch.findings.unknown() for u in batch]
    assert len(causes) == 1
    assert causes[0].startswith("memory.bucket was not read completely (north-1 of 100000000000 is ")
    assert post.cycle().evaluated == 0  # still unread: nothing new to ask
    post.estate.mend()
    report = post.cycle()
    assert (report.evaluated, report.resolved) == (1, 1)
    assert post.watch.findings.unknown_count() == 0


def test_a_refused_account_is_unknown(post: Any) -> None:
    seed(post, ACCOUNT)
    post.cycle()
    post.watch.inventory.note_coverage(
        Coverage(scope=Scope("memory", ONE, ANY, ANY), status=CoverageStatus.DENIED, cause="no role"),
        post.clock.now,
    )
    states = post.watch.joins.states({"memory.bucket"})
    assert states["memory", ONE]["memory.bucket"].gap == f"* of {ONE} is denied: no role"
    assert states["memory", TWO]["memory.bucket"].gap is None
    post.cycle()  # read again, each type by itself: the refusal is outdated
    assert post.watch.joins.states({"memory.bucket"})["memory", ONE]["memory.bucket"].gap is None


def test_a_type_that_is_never_read_is_unknown(post: Any) -> None:
    seed(post, ACCOUNT.replace("memory.bucket", "memory.nowhere"))
    post.cycle()
    causes = {u.cause for batch in post.watch.findings.unknown() for u in batch}
    assert causes == {
        f"memory.nowhere was not read completely (it is not among what is read in {a}), and the policy joins it"
        for a in (ONE, TWO)
    }


def test_an_unread_field_counts_only_where_it_is_joined(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    post.cycle()
    post.estate.unread(uid["bucket-a"], {"Logging": "denied"})
    post.cycle()
    assert post.watch.findings.unknown_count() == 0
    post.estate.unread(uid["bucket-a"], {"Encrypted": "denied"})
    post.cycle()
    (batch,) = post.watch.findings.unknown()
    assert [u.cause for u in batch] == [
        f"`Encrypted` of {uid['bucket-a']} was not read (denied), and the policy joins memory.bucket"
    ]


def test_a_resource_policy_sees_its_accounts_inventory_and_is_due_by_it(post: Any) -> None:
    uid = seed(post, RESOURCE)
    assert post.cycle().evaluated == 2
    assert failing(post) == []
    post.estate.change(uid["machine-a"], {"Bucket": "bucket-b"})  # that one is another account's
    report = post.cycle()
    assert (report.evaluated, report.opened) == (1, 1)
    post.estate.add(buckets(ONE), "bucket-b", {})
    report = post.cycle()
    assert (report.evaluated, report.resolved) == (1, 1)
    assert post.cycle().evaluated == 0


def test_an_estate_policy_sees_all_accounts(post: Any) -> None:
    uid = seed(post, ESTATE)
    assert post.cycle().evaluated == 1
    twin = post.estate.add(buckets(ONE), "bucket-b", {}).uid
    report = post.cycle()
    assert (report.evaluated, report.opened) == (1, 2)
    assert {u for u, _ in failing(post)} == {uid["bucket-b"], twin}
    post.estate.delete(twin)
    report = post.cycle()
    assert (report.deleted, report.evaluated, report.resolved, report.open) == (1, 1, 1, 0)
    assert post.cycle().evaluated == 0


def test_a_new_policy_and_a_new_process_do_not_ask_again(post: Any) -> None:
    seed(post, ACCOUNT)
    post.cycle()
    post.watch.close()
    post.open()
    assert post.cycle().evaluated == 0
    post.policy = ACCOUNT.replace("writes to", "puts things into")
    post.watch.close()
    post.open()
    assert post.cycle().evaluated == 2


def test_what_is_too_much_is_unknown_and_says_what_to_do(post: Any) -> None:
    text = ACCOUNT.replace("memory.bucket: [Encrypted]", "memory.bucket: ")
    seed(post, text)
    for n in range(12):
        post.estate.add(buckets(ONE), f"large-{n}", {"Text": "x" * 100_000})
    post.more = {"policies": {**post.settings().model_dump()["policies"], "join_limit_mb": 1}}
    post.more["policies"]["paths"] = [str(post.folder / "policies")]
    post.watch.close()
    post.open()
    post.cycle()
    (batch,) = post.watch.findings.unknown()
    (cause,) = [u.cause for u in batch]
    assert cause == (
        "the joined resources (memory.bucket, memory.machine) take more than 1 MiB (policies.join_limit_mb); "
        "name the fields that are needed: `joins: {type: [field]}`"
    )


def test_a_finding_about_what_is_not_there_is_the_accounts(post: Any) -> None:
    seed(post, ACCOUNT.replace("machine.uid}", '"arn:of:nobody"}'))
    post.estate.add(buckets(ONE), "bucket-a", {"Encrypted": False})
    post.cycle()
    assert failing(post) == [
        (
            f"watchstander:account:memory:{ONE}",
            "machine-a writes to bucket-a (names arn:of:nobody, which is not in this inventory)",
        )
    ]


@pytest.mark.parametrize("text", [ACCOUNT, RESOURCE], ids=["account", "resource"])
def test_before_an_act_the_joining_policy_is_asked_again(post: Any, text: str) -> None:
    uid = seed(post, text)
    gate = PolicyGate(post.watch.crew, post.watch.inventory, post.watch.joins, post.watch.facts)
    if text is ACCOUNT:
        post.estate.change(uid["bucket-a"], {"Encrypted": False})
    else:
        post.estate.change(uid["machine-a"], {"Bucket": "nowhere"})
    post.cycle()
    (finding,) = post.findings()
    trigger = trigger_of_finding(finding.record(), finding.ref, finding.opened_at)
    assert gate.still_stands(trigger, post.clock.now).allowed is True
    post.estate.change(uid["machine-a"], {"Bucket": "bucket-b" if text is ACCOUNT else "bucket-a"})
    assert gate.still_stands(trigger, post.clock.now).allowed is False


def test_an_event_is_judged_with_what_is_joined(post: Any) -> None:
    uid = seed(post, RESOURCE)
    post.cycle()
    post.estate.change(uid["machine-a"], {"Bucket": "nowhere"})
    stored = post.watch.inventory.get(uid["machine-a"])
    post.watch.inventory.record_one(post.estate.get(stored.ref), post.clock.now)
    with post.watch.crew() as crew:
        judged = post.watch.judging.judge_one(
            crew, post.watch.inventory.get(uid["machine-a"]), post.clock.now
        )
    assert (judged.opened, judged.unknown) == (1, 0)
    assert failing(post) == [(uid["machine-a"], "its bucket is not there")]


# After events.


def tell(post: Any, *refs: Any, actor: str = "ann") -> None:
    """An event that these resources changed."""
    post.watch.changes.on_change(
        Event(
            id=f"e-{post.clock().isoformat()}-{refs[0].uid}",
            kind=EventKind.CHANGE,
            provider="memory",
            account=refs[0].account,
            region=refs[0].region,
            type="changed",
            severity=Severity.INFO,
            title="it changed",
            occurred_at=post.clock(),
            refs=refs,
            actor=actor,
        )
    )


def soon(post: Any, **delta: float) -> Judged | None:
    """What is judged by a tick some time later; None where nothing is due."""
    post.clock.move(**delta)
    due = post.watch.soon.due(post.watch.settings.policies.join_delay)
    return post.watch.soon.judge() if due else None


@pytest.mark.parametrize("text", [ACCOUNT, RESOURCE], ids=["account", "resource"])
def test_a_burst_of_events_is_judged_once_and_soon(post: Any, text: str) -> None:
    uid = seed(post, text)
    post.cycle()
    refs = {name: post.watch.inventory.get(uid[name]).ref for name in uid}
    assert soon(post, hours=1) is None, "no event, nothing to do"
    if text is ACCOUNT:
        post.estate.change(uid["bucket-a"], {"Encrypted": False})
        said = "machine-a writes to bucket-a"
    else:
        post.estate.delete(uid["bucket-a"])
        said = "its bucket is not there"
    for _ in range(3):
        tell(post, refs["bucket-a"])
        assert failing(post) == []
        assert soon(post, seconds=9) is None, "the next event may be on its way"
    judged = soon(post, seconds=1)
    assert judged is not None
    assert (judged.evaluated, judged.opened) == (1, 1), "one account, once"
    assert failing(post) == [(uid["machine-a"], said)]
    (finding,) = post.findings()
    assert not finding.baseline
    assert soon(post, hours=1) is None
    assert post.cycle().evaluated == 0, "nothing is left for the cycle"


def test_events_without_a_pause_do_not_put_it_off_for_ever(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    post.cycle()
    ref = post.watch.inventory.get(uid["bucket-a"]).ref
    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    waited = 0
    while post.findings() == []:
        tell(post, ref)
        soon(post, seconds=5)
        waited += 5
    assert waited == 60


def test_an_estate_policy_is_judged_soon_and_only_what_joins_what_changed(post: Any) -> None:
    uid = seed(post, ESTATE)
    post.cycle()
    twin = post.estate.add(buckets(TWO), "bucket-a", {})
    tell(post, twin.ref)
    judged = soon(post, seconds=10)
    assert judged is not None
    assert judged.opened == 2
    assert [uid for uid, _ in failing(post)] == sorted([uid["bucket-a"], twin.uid])
    post.estate.change(uid["machine-a"], {"Bucket": "x"})
    tell(post, post.watch.inventory.get(uid["machine-a"]).ref)
    judged = soon(post, seconds=10)
    assert judged is not None
    assert judged.evaluated == 0, "nothing joins machines"


def test_the_tick_judges_in_a_thread_of_its_own(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    post.cycle()
    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    tell(post, post.watch.inventory.get(uid["bucket-a"]).ref)
    post.clock.move(seconds=10)
    post.watch.tick()
    post.watch.soon.wait(None)
    assert failing(post) == [(uid["machine-a"], "machine-a writes to bucket-a")]


def test_what_was_gathered_by_a_killed_process_is_judged_by_the_next(post: Any) -> None:
    uid = seed(post, ACCOUNT)
    post.cycle()
    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    tell(post, post.watch.inventory.get(uid["bucket-a"]).ref)
    post.watch.close()
    post.open()
    assert soon(post, hours=1) is None
    assert post.cycle().opened == 1
