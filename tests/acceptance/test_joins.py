"""Policies that join resources, in a whole watch: what is due, what is unknown, whom findings are about, and crashes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.gate import PolicyGate
from daemon.triggers import trigger_of_finding
from providers.errors import Denied, Throttled
from providers.resource import ANY, Coverage, CoverageStatus, Scope

sys.path.insert(0, str(Path(__file__).parent))
from joined_estate import ACCOUNT, ESTATE, ONE, RESOURCE, TWO, buckets, failing, seed


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


def test_what_accounts_are_in_is_no_account(post: Any) -> None:
    """What is missing in a management group or an organisation is in the accounts below it, or nowhere."""
    uid = seed(post, ACCOUNT)
    above = post.estate.add(buckets("organizations/1"), "bucket-above", {"Encrypted": False}).uid
    assert post.cycle().evaluated == 2
    assert failing(post) == []
    post.estate.delete(above)
    assert post.cycle().evaluated == 0
    post.estate.change(uid["bucket-a"], {"Encrypted": False})
    assert post.cycle().opened == 1


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
    states = post.watch.grounds.joins.states({"memory.bucket"})
    assert states["memory", ONE]["memory.bucket"].gap == f"* of {ONE} is denied: no role"
    assert states["memory", TWO]["memory.bucket"].gap is None
    post.cycle()  # read again, each type by itself: the refusal is outdated
    assert post.watch.grounds.joins.states({"memory.bucket"})["memory", ONE]["memory.bucket"].gap is None


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
    gate = PolicyGate(post.watch.crew, post.watch.grounds)
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
