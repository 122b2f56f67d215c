"""Policies that see what was not read: what they are told, and when they are judged again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from providers.errors import Denied, NotEnabled
from providers.resource import ANY, Scope
from storage.findings import FindingStatus

ACCOUNT = "100000000000"
BUCKETS = Scope("memory", ACCOUNT, "north-1", "memory.bucket")
MACHINES = Scope("memory", ACCOUNT, "north-1", "memory.machine")
ELSEWHERE = Scope("memory", "200000000000", "north-1", "memory.machine")
SINGLE = """\
# METADATA
# custom: {id: test.single, types: [memory.bucket]}
package test.single

deny contains gap.status if some gap in input.context.coverage.gaps
"""
PLACE = """\
# METADATA
# custom: {id: test.SCOPE, scope: SCOPE, joins: {memory.bucket: []}}
package test.SCOPE

deny contains sprintf("%s of %s is %s", [gap.type, gap.account, gap.status]) if {
    some gap in input.context.coverage.gaps
}
deny contains "it contradicts itself" if input.context.coverage.complete == (count(input.context.coverage.gaps) > 0)
"""
SENTINEL = """\
# METADATA
# custom: {id: test.sentinel, types: [memory.bucket]}
import "context"
main = rule { context.coverage.complete }
"""


@pytest.fixture
def watched(post: Any) -> Any:
    """A bucket and a machine, the same in another account, all read; and a service that was never switched on."""
    post.watch.close()
    folder = post.folder / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "single.rego").write_text(SINGLE)
    (folder / "sentinel.sentinel").write_text(SENTINEL)
    for scope in ("account", "estate"):
        (folder / f"{scope}.rego").write_text(PLACE.replace("SCOPE", scope))
    post.open()
    for scope in (BUCKETS, MACHINES, ELSEWHERE, replace(BUCKETS, account=ELSEWHERE.account)):
        post.estate.add(scope, "x", {"Public": False, "Name": "x"})
    post.estate.fail(replace(BUCKETS, type="memory.user"), NotEnabled("off"))
    post.cycle()
    assert said(post) == {}
    assert post.cycle().evaluated == 0
    return post


def said(post: Any, status: FindingStatus = FindingStatus.OPEN) -> dict[str, str]:
    return {f.policy.removeprefix("test."): f.message for f in post.findings(status)}


def test_a_scope_that_is_not_read_is_told_and_one_that_is_read_again_is_not(watched: Any) -> None:
    watched.estate.fail(MACHINES, Denied("no"))
    report = watched.cycle()
    text = f"memory.machine of {ACCOUNT} is denied"
    assert said(watched) == {"account": text, "estate": text}
    assert report.evaluated > 0
    assert watched.cycle().evaluated == 0, "it is still denied, and nothing else changed"
    watched.estate.mend()
    watched.cycle()
    assert said(watched) == {}
    assert watched.cycle().evaluated == 0


def test_another_account_concerns_only_a_policy_over_the_estate(watched: Any) -> None:
    watched.estate.fail(ELSEWHERE, Denied("no"))
    watched.cycle()
    assert said(watched) == {
        "estate": f"memory.machine of {ELSEWHERE.account} is denied",
        "account": f"memory.machine of {ELSEWHERE.account} is denied",
    }


@pytest.mark.parametrize(("above", "concerned"), [("folders/1", True), ("managementgroups/*", False)])
def test_what_is_above_an_account_concerns_it_where_it_lists_its_resources(
    watched: Any, above: str, concerned: bool
) -> None:
    watched.estate.add(Scope("memory", above, ANY, ANY), "x", {})
    watched.estate.fail(Scope("memory", above, ANY, ANY), Denied("no"))
    watched.cycle()
    assert "estate" in said(watched)
    assert ({"single", "sentinel", "account"} <= said(watched).keys()) is concerned
    assert ({"single", "sentinel", "account"}.isdisjoint(said(watched))) is not concerned


def test_a_single_resource_is_told_of_its_own_scope(watched: Any) -> None:
    watched.estate.fail(BUCKETS, Denied("no"))
    watched.cycle()
    assert said(watched)["single"] == "denied"
    assert "sentinel" in said(watched)
    # What joins the type that was not read is unknown, as ever, and opens nothing.
    assert {"account", "estate"}.isdisjoint(said(watched))


def test_policies_that_do_not_ask_are_not_judged_again(post: Any) -> None:
    for scope in (BUCKETS, MACHINES):
        post.estate.add(scope, "x", {"Public": False, "Name": "x"})
    assert post.cycle().evaluated > 0
    for scope in (BUCKETS, MACHINES):
        post.estate.fail(scope, Denied("no"))
        assert post.cycle().evaluated == 0
