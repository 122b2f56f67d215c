"""Policies that see whether their subject is exempt: what they are told, and when they are judged again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from policies.exemption import Exemption
from providers.resource import Scope
from storage.findings import FindingStatus

BUCKETS = Scope("memory", "100000000000", "north-1", "memory.bucket")
REGO = """\
# METADATA
# title: An exempt bucket is closed by the day its exemption ends
# custom:
#   id: test.exempt
#   severity: high
#   types: ["memory.bucket"]
package test.exempt

deny contains sprintf("open until %s by %s (%s)", [e.until, e.who, e.ticket]) if {
    input.asset.document.Public
    e := input.context.exemption
}

deny contains "open, and nobody answers for it" if {
    input.asset.document.Public
    input.context.exemption == null
}
"""
SENTINEL = """\
# METADATA
# title: The same
# custom:
#   id: test.exempt
#   severity: high
#   types: ["memory.bucket"]
import "asset"
import "context"
exemption = context.exemption
if asset.document.Public {
  if exemption is null {
    print("open, and nobody answers for it")
  } else {
    print("open until", exemption.until, "by", exemption.who, "(" + exemption.ticket + ")")
  }
}
main = rule { not asset.document.Public }
"""
OTHER = """\
# METADATA
# custom:
#   id: test.other
#   types: ["memory.bucket"]
package test.other

deny contains "public" if input.asset.document.Public
"""


@pytest.fixture(params=["rego", "sentinel"])
def watched(post: Any, request: pytest.FixtureRequest) -> Any:
    post.policy = OTHER
    post.watch.close()
    folder = post.folder / "policies"
    folder.mkdir(exist_ok=True)
    (folder / f"exempt.{request.param}").write_text(REGO if request.param == "rego" else SENTINEL)
    post.open()
    for name in ("a", "b"):
        post.estate.add(BUCKETS, name, {"Public": True})
    assert post.cycle().evaluated == 4
    return post


def said(post: Any, status: FindingStatus = FindingStatus.OPEN) -> dict[str, str]:
    return {
        f.ref.uid.rpartition("/")[2]: f.message for f in post.findings(status) if f.policy == "test.exempt"
    }


def exempt(post: Any, policy: str = "test.*", **more: Any) -> Exemption:
    now = post.clock()
    return post.watch.exemptions.add(  # type: ignore[no-any-return]
        Exemption(
            policy=policy,
            who="ann",
            why="moved in May",
            ticket="SEC-7",
            created_at=now,
            until=now + timedelta(days=30),
            **({"resource": "*/a"} | more),
        )
    )


NOBODY = "open, and nobody answers for it"


def test_it_is_told_of_the_exemption_and_the_finding_stays_one(watched: Any) -> None:
    assert said(watched) == {"a": NOBODY, "b": NOBODY}
    made = exempt(watched)
    report = watched.cycle()
    assert report.evaluated == 2, "only the policy that asks, and all it judges"
    until = made.until.isoformat().replace("+00:00", "Z")
    assert said(watched, FindingStatus.EXEMPT) == {"a": f"open until {until} by ann (SEC-7)"}
    assert said(watched) == {"b": NOBODY}
    assert watched.cycle().evaluated == 0


def test_it_is_judged_again_when_the_exemption_is_revoked_and_when_it_ends(watched: Any) -> None:
    made = exempt(watched)
    watched.cycle()
    watched.watch.exemptions.revoke(made.id, "bob", "it is closed", watched.clock())
    assert watched.cycle().evaluated == 2
    assert said(watched) == {"a": NOBODY, "b": NOBODY}
    exempt(watched, tags={"Stage": "lab"}, resource=None)
    assert watched.cycle().evaluated == 2
    assert said(watched) == {"a": NOBODY, "b": NOBODY}, "neither has the tag"
    exempt(watched, resource="*/b")
    assert watched.cycle(days=1).evaluated == 2
    assert set(said(watched, FindingStatus.EXEMPT)) == {"b"}
    assert watched.cycle(days=28).evaluated == 0
    # By itself, with nobody there to notice it.
    assert watched.cycle(days=2).evaluated == 2
    assert said(watched) == {"a": NOBODY, "b": NOBODY}


def test_an_exemption_of_another_policy_is_none_of_its_business(watched: Any) -> None:
    exempt(watched, policy="test.other")
    watched.cycle()
    assert said(watched) == {"a": NOBODY, "b": NOBODY}


def test_nothing_is_exempt_from_a_hard_mandatory_policy(watched: Any) -> None:
    exempt(watched)
    settings = watched.settings()
    policies = settings.policies.model_copy(update={"enforcement": {"test.exempt": "hard-mandatory"}})
    watched.watch.reconfigure(settings.model_copy(update={"policies": policies}))
    watched.cycle()
    assert said(watched) == {"a": NOBODY, "b": NOBODY}
