"""FIELD.md, the rows about reading, judging and remembering: what hurt users of the older tools, and must not here."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from providers.errors import Denied, Expired, NotEnabled, ProviderError, Throttled, TimedOut, Unavailable
from providers.memory.estate import Estate
from providers.provider import Selection
from providers.resource import Scope
from storage.cycles import CycleStatus
from storage.findings import FindingStatus

BUCKETS = [
    Scope("memory", account, "north-1", "memory.bucket") for account in ("100000000000", "100000000001")
]


def seed(estate: Estate, good: int = 3, bad: int = 2) -> list[str]:
    """Buckets in two accounts; returns the uids of the bad ones."""
    found: list[str] = []
    for scope in BUCKETS:
        for n in range(good):
            estate.add(scope, f"good-{n}", {})
        found += [estate.add(scope, f"bad-{n}", {"Encrypted": False}).uid for n in range(bad)]
    return found


def test_first_cycle_is_a_baseline_and_an_unchanged_one_costs_nothing(post: Any) -> None:
    bad = seed(post.estate)
    first = post.cycle()
    assert first.sentence == (
        "Read 10 resources in 20 scopes of memory in 2 accounts; nothing was left unread; recorded 10 as a first baseline; "
        f"10 evaluations opened 4 and resolved 0, 4 findings open, in {first.seconds:.1f} s."
    )
    assert {f.ref.uid for f in post.findings()} == set(bad)
    assert all(f.baseline for f in post.findings())

    again = post.cycle()
    assert again.evaluated == 0
    assert "nothing changed; no policy had to be evaluated, 4 findings open" in again.sentence


def test_drift_is_found_and_resolved_with_its_times(post: Any) -> None:
    seed(post.estate, bad=0)
    post.cycle()
    uid = f"mem:{BUCKETS[0].account}:north-1:memory.bucket/good-0"
    post.estate.change(uid, {"Encrypted": False})
    report = post.cycle()
    assert (report.changed, report.opened, report.evaluated) == (1, 1, 1)
    (finding,) = post.findings()
    assert finding.ref.uid == uid
    assert not finding.baseline
    assert finding.opened_at == post.clock.now
    post.estate.change(uid, {"Encrypted": True})
    report = post.cycle()
    assert (report.opened, report.resolved, report.open) == (0, 1, 0)
    (finding,) = post.findings(FindingStatus.RESOLVED)
    assert finding.resolved_at == post.clock.now


@pytest.mark.parametrize(
    "error",
    [Denied(), Throttled(), TimedOut(), Unavailable(), Expired(), NotEnabled()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("after", [0, 1], ids=["nothing", "half"])
def test_an_unread_scope_says_nothing(post: Any, error: ProviderError, after: int) -> None:
    """c7n#2204, cartography#596, prowler#327: a failed read was "0 of 0", then deletions, then PASS."""
    bad = seed(post.estate)
    post.cycle()
    post.estate.fail(BUCKETS[0], error, after=after)
    post.estate.add(BUCKETS[1], "new", {})
    report = post.cycle()
    assert not report.complete
    assert report.deleted == 0
    assert report.resolved == 0
    assert report.created == 1, "the other scopes are stored"
    assert {f.ref.uid for f in post.findings()} == set(bad)
    assert (
        f"could not read 1 scope (1 {'partial' if after else error.coverage}: {BUCKETS[0]})"
        in report.sentence
    )
    post.estate.mend()
    assert post.cycle().complete


def test_a_service_that_never_was_switched_on_is_no_failure_and_one_switched_off_is(post: Any) -> None:
    post.estate.fail(BUCKETS[1], NotEnabled("not subscribed"))
    seed(post.estate, bad=1)
    first = post.cycle()
    assert first.complete
    assert "nothing was left unread, 1 scope of services not switched on" in first.sentence
    post.estate.fail(BUCKETS[0], NotEnabled("unsubscribed"))
    second = post.cycle()
    assert not second.complete
    assert [c.scope for c in second.unread] == [BUCKETS[0]]
    assert second.deleted == 0
    assert [f.ref.account for f in post.findings()] == [BUCKETS[0].account]


def test_a_narrower_scan_leaves_the_rest_alone(post: Any) -> None:
    """prowler#1626: a narrower scan archived the findings outside its scope."""
    bad = seed(post.estate)
    post.cycle()
    for uid in bad:
        post.estate.delete(uid)
    report = post.cycle(Selection(accounts=frozenset({BUCKETS[0].account})))
    assert report.deleted == 2
    assert {f.ref.account for f in post.findings()} == {BUCKETS[1].account}
    assert post.cycle().deleted == 2


def test_one_denied_account_of_many_does_not_end_the_run(post: Any) -> None:
    """c7n-org, cartography#773: the first denied account ended the run for all."""
    estate = Estate(resources=200, scopes=200)
    post.watch.close()
    post.estate = estate
    post.open()
    estate.refuse_account("100000000007", Denied("may not assume the role", permission="sts:AssumeRole"))
    report = post.cycle()
    assert report.accounts == 19
    assert [str(c.scope) for c in report.unread] == ["memory/100000000007/*/*"]
    assert report.unread[0].permission == "sts:AssumeRole"


def test_a_refusal_ends_when_the_account_is_entered(post: Any) -> None:
    """An account, or the whole cloud, that was refused before it was ever read is no gap for ever."""
    refused = Estate(resources=200, scopes=200)
    post.watch.close()
    post.estate = refused
    post.open()

    def gaps() -> list[str]:
        unread = [str(state.scope) for state in post.watch.inventory.coverage() if state.unread]
        assert unread == [str(scope) for scope, _ in post.watch.inventory.gaps()]
        return unread

    refused.refuse_account("100000000007", Denied("may not assume the role"))
    refused.refuse_account("*", Expired("the token has expired"))
    post.cycle()
    assert gaps() == ["memory/*/*/*"]
    refused.mend()
    refused.refuse_account("100000000007", Denied("may not assume the role"))
    post.cycle(Selection(accounts=frozenset({"100000000008"})))
    assert gaps() == ["memory/*/*/*"], "a narrower cycle enters nothing else"
    post.cycle()
    assert gaps() == ["memory/100000000007/*/*"]
    refused.mend()
    post.cycle()
    assert gaps() == []
    (state,) = [s for s in post.watch.inventory.coverage() if str(s.scope) == "memory/*/*/*"]
    assert state.last_complete_at is None, "entered, and nothing is concluded of what is in it"


def test_a_failed_detail_is_unknown_and_never_acted_on(post: Any) -> None:
    """c7n#4949, #2824: a tag fetch came back empty, and load balancers were deleted."""
    seed(post.estate, bad=0)
    post.cycle()
    uid = f"mem:{BUCKETS[0].account}:north-1:memory.bucket/good-0"
    post.estate.unread(uid, {"Encrypted": "AccessDenied"})
    report = post.cycle()
    assert report.details_unread == 1
    assert (report.changed, report.opened) == (0, 0), "an unread detail is no drift and no finding"
    assert report.unknown == 1
    (batch,) = post.watch.findings.unknown()
    assert batch[0].uid == uid
    assert "AccessDenied" in batch[0].cause
    post.estate.mend()
    report = post.cycle()
    assert report.unknown == 0
    assert list(post.watch.findings.unknown()) == []


def test_a_detail_that_cannot_be_read_does_not_close_a_finding(post: Any) -> None:
    bad = seed(post.estate)
    post.cycle()
    post.estate.unread(bad[0], {"Encrypted": "Throttling"})
    report = post.cycle()
    assert report.resolved == 0
    assert bad[0] in {f.ref.uid for f in post.findings()}


def test_order_and_volatile_fields_are_no_drift(post: Any) -> None:
    """security_monkey#262, prowler#6138: flapping from ordering."""
    tags = [{"Key": f"k{n}", "Value": str(n)} for n in range(8)]
    uid = post.estate.add(BUCKETS[0], "b", {"Tags": tags}).uid
    post.cycle()
    shuffle = random.Random(7)
    for _ in range(5):
        shuffle.shuffle(tags)
        post.estate.change(uid, {"Tags": list(tags)})
        assert post.cycle().changed == 0


def test_two_of_one_name_have_two_findings(post: Any) -> None:
    """prowler#7050: two same-named resources shared one finding."""
    for scope in BUCKETS:
        post.estate.add(scope, "same", {"Encrypted": False})
    post.cycle()
    assert len({f.id for f in post.findings()}) == 2


def test_a_killed_cycle_is_told_and_the_next_goes_on(post: Any) -> None:
    """prowler#7937: a killed scan left the next one wedged; the cure was SQL by hand."""
    seed(post.estate)
    # What a process that dies in its cycle leaves behind: a cycle begun, resources stored and not judged.
    cycle = post.watch.cycles.begin(post.clock(), Selection())
    for scope in BUCKETS:
        recording = post.watch.inventory.begin(scope, post.clock(), cycle)
        recording.add(list(post.estate.read(scope)))
    post.watch.close()
    post.open()
    post.watch.start()
    (left,) = [c for c in post.watch.cycles.last(5) if c.id == cycle]
    assert left.status is CycleStatus.INTERRUPTED
    report = post.cycle()
    assert report.complete
    assert len(post.findings()) == 4
    assert post.watch.inventory.due_count() == 0


def test_a_changed_policy_is_judged_over_everything_and_a_removed_one_lets_go(post: Any) -> None:
    seed(post.estate)
    post.cycle()
    post.policy = post.policy.replace("is not encrypted", "has no encryption")
    post.watch.reconfigure(post.settings())
    report = post.cycle()
    assert report.evaluated == 10
    assert report.opened == 0
    assert {f.message for f in post.findings()} == {"the bucket has no encryption"}
    post.policy = post.policy.replace("test.bucket_encrypted", "test.other")
    post.watch.reconfigure(post.settings())
    report = post.cycle()
    assert (report.opened, report.resolved, report.open) == (4, 4, 4)


def test_a_policy_that_never_ends_costs_its_evaluations_only(post: Any) -> None:
    post.watch.close()
    post.more = {"policies": {**post.settings().policies.model_dump(mode="json"), "time_limit": "300ms"}}
    (post.folder / "policies" / "endless.rego").write_text(
        "# METADATA\n# title: Endless\n# custom:\n#   id: test.endless\n#   types: ['memory.bucket']\n"
        "package test.endless\n\ndeny contains x if { some x in numbers.range(1, 4000); some y in numbers.range(1, 4000); "
        "some z in numbers.range(1, 4000); x * y * z == -1 }\n"
    )
    seed(post.estate, good=1, bad=1)
    post.open()
    report = post.cycle()
    assert report.complete
    assert report.opened == 2, "the other policy has its verdicts"
    assert report.unknown == 4
    causes = {u.cause for batch in post.watch.findings.unknown() for u in batch}
    assert all("stopped after 0.3 s" in cause for cause in causes)
    again = post.cycle()
    assert again.evaluated == 0, "it is not paid for in every cycle"
    later = post.cycle(hours=1)
    assert later.unknown == 4, "but it is tried again"


def test_a_document_too_deep_is_unknown(post: Any) -> None:
    deep: Any = 1
    for _ in range(110):
        deep = [deep]
    post.estate.add(BUCKETS[0], "deep", {"Nested": deep})
    report = post.cycle()
    assert report.complete
    assert report.read == 1


def test_a_store_that_fails_ends_the_cycle_loudly_and_loses_nothing(post: Any) -> None:
    seed(post.estate)
    post.cycle()
    post.estate.add(BUCKETS[0], "new", {"Encrypted": False})
    blocker = post.watch.database.engine.raw_connection()
    try:
        blocker.execute("BEGIN IMMEDIATE")
        assert post.watch.cycle_or_tell("memory", threading.Event()) is None
        checks = {check.name: check for check in post.watch.health.ready(post.clock())}
        assert not checks["memory"].ok
        assert "lock" in checks["memory"].detail.lower()
    finally:
        blocker.rollback()
        blocker.close()
    report = post.cycle()
    assert (report.created, report.opened) == (1, 1)


def test_a_defect_in_a_cycle_is_told_counted_and_survived(post: Any) -> None:
    seed(post.estate)
    post.cycle()
    cloud = post.watch._crew.providers["memory"]

    class Broken(type(cloud)):  # type: ignore[misc]
        def discover(self, selection: Selection) -> Any:
            raise KeyError("surprise")

    whole, cloud.__class__ = cloud.__class__, Broken
    assert post.watch.cycle_or_tell("memory", threading.Event()) is None
    checks = {check.name: check for check in post.watch.health.ready(post.clock())}
    assert not checks["memory"].ok
    assert "a defect in Watchstander: KeyError" in checks["memory"].detail
    assert b'watchstander_cycles_total{provider="memory",result="failed"} 1.0' in post.watch.metrics.text()
    assert post.watch.cycles.last()[0].status is CycleStatus.FAILED
    cloud.__class__ = whole
    assert post.watch.cycle_or_tell("memory", threading.Event()) is not None
