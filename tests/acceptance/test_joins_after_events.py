"""Joining policies after events: a burst is judged once and soon, by the tick, and by the next process after a kill."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.judging import Judged
from providers.provider import Event, EventKind, Severity

sys.path.insert(0, str(Path(__file__).parent))
from joined_estate import ACCOUNT, ESTATE, RESOURCE, TWO, buckets, failing, seed


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
