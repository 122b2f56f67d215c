"""Exemptions and findings find each other; what has ended is open again, whoever looks or does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from config.errors import UsageError
from policies.exemption import Exemption
from policies.verdict import Outcome
from providers.provider import Severity
from providers.resource import Scope
from storage.exemptions import Exemptions
from storage.findings import FindingFilter, Findings, FindingStatus
from storage.ledger import Ledger

SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
DAY = timedelta(days=1)


class Scene:
    """Six machines that fail one policy."""

    def __init__(self, world: Any, make_policy: Any, make_verdict: Any, make_resource: Any) -> None:
        self.world = world
        self.make_verdict, self.make_resource = make_verdict, make_resource
        self.policy = make_policy("p.one")
        self.findings = Findings(world.database, clock=lambda: world.now)
        self.exemptions = Exemptions(world.database)
        self.tags = {f"m{n}": {"Stage": "lab" if n % 2 else "live"} for n in range(6)}
        self.read()
        self.fail(*self.tags)

    def uid(self, name: str) -> str:
        return f"mem:{SCOPE.account}:{name}"

    def read(self) -> None:
        self.world.record(
            SCOPE,
            [self.make_resource(name, {"Id": name, "Tags": t}, tags=t) for name, t in self.tags.items()],
        )

    def fail(self, *names: str, outcome: Outcome = Outcome.FAIL) -> None:
        verdicts = [self.make_verdict(self.uid(name), self.policy, outcome) for name in names]
        self.findings.apply(verdicts, {"p.one": self.policy}, at=self.world.now)

    def exempt(self, until: timedelta = 30 * DAY, **more: Any) -> Exemption:
        said: dict[str, Any] = {"policy": "p.*", "who": "ann", "why": "a reason", "ticket": "T-1"}
        if not more.keys() & {"resource", "tags", "account", "where"}:
            more["resource"] = self.uid("m0")
        now = self.world.now
        return self.exemptions.add(Exemption(**(said | more), created_at=now, until=now + until))

    def settle(self) -> tuple[int, int]:
        done = self.exemptions.settle(self.world.now)
        return done.covered, done.released

    def names(self, status: FindingStatus, at: datetime | None = None) -> set[str]:
        found = self.findings.find(FindingFilter(status=status), at)
        return {f.ref.uid.rpartition(":")[2] for batch in found for f in batch}

    @property
    def exempt_now(self) -> set[str]:
        return self.names(FindingStatus.EXEMPT)


@pytest.fixture
def scene(
    empty_world: Any, make_policy: Any, make_verdict: Callable[..., Any], make_resource: Callable[..., Any]
) -> Scene:
    return Scene(empty_world, make_policy, make_verdict, make_resource)


def test_an_exempt_finding_is_still_a_finding_but_is_not_open(scene: Scene) -> None:
    exemption = scene.exempt()
    assert scene.settle() == (1, 0)
    assert scene.exempt_now == {"m0"}
    assert scene.names(FindingStatus.OPEN) == {"m1", "m2", "m3", "m4", "m5"}
    assert scene.findings.counts()[Severity.HIGH] == 5
    (finding,) = [
        f for batch in scene.findings.find(FindingFilter(status=FindingStatus.EXEMPT)) for f in batch
    ]
    assert (finding.exemption, finding.record()["status"]) == (exemption.id, "exempt")
    assert scene.findings.get(finding.id).status is FindingStatus.EXEMPT
    assert scene.findings.open_for(finding.ref.uid, "p.one").exemption == exemption.id
    assert scene.exemptions.count(exemption) == 1
    # It still fails, it may still be resolved, and it may come again.
    scene.world.later()
    scene.fail("m0")
    assert scene.exempt_now == {"m0"}
    scene.fail("m0", outcome=Outcome.PASS)
    assert scene.exempt_now == set()
    scene.world.later()
    scene.fail("m0")
    assert scene.names(FindingStatus.OPEN) >= {"m0"}
    assert scene.settle() == (1, 0)
    assert scene.exempt_now == {"m0"}


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"resource": "mem:*:m1"}, {"m1"}),
        ({"account": "100000000000"}, {"m0", "m1", "m2", "m3", "m4", "m5"}),
        ({"account": "100000000001"}, set()),
        ({"tags": {"Stage": "lab"}}, {"m1", "m3", "m5"}),
        ({"where": "name == 'm2' || tags.Stage == 'lab'"}, {"m1", "m2", "m3", "m5"}),
        ({"account": "100000000000", "policy": "other.*"}, set()),
    ],
)
def test_what_it_speaks_of(scene: Scene, more: dict[str, Any], names: set[str]) -> None:
    scene.exempt(**more)
    assert scene.settle() == (len(names), 0)
    assert scene.exempt_now == names
    assert scene.settle() == (0, 0)


def test_it_ends_by_itself_without_anybody_looking(scene: Scene) -> None:
    start = scene.world.now
    exemption = scene.exempt(until=2 * DAY)
    scene.settle()
    scene.world.later(days=2)
    assert scene.exempt_now == set()
    assert scene.names(FindingStatus.OPEN) == {"m0", "m1", "m2", "m3", "m4", "m5"}
    assert scene.findings.counts()[Severity.HIGH] == 6
    assert scene.settle() == (0, 0)
    # What was exempt then still was exempt then.
    assert scene.names(FindingStatus.EXEMPT, start + DAY) == {"m0"}
    assert scene.names(FindingStatus.OPEN, start + DAY) == {"m1", "m2", "m3", "m4", "m5"}
    assert scene.exemptions.ended(start + DAY, scene.world.now) == (exemption,)
    assert scene.exemptions.ended(scene.world.now, scene.world.now + DAY) == ()


def test_another_one_takes_over_what_the_first_covered(scene: Scene) -> None:
    scene.exempt(until=2 * DAY, resource="*")
    scene.settle()
    longer = scene.exempt(until=20 * DAY, resource="*m1")
    scene.settle()
    scene.world.later(days=3)
    assert scene.settle() == (1, 0)
    assert scene.exempt_now == {"m1"}
    assert scene.exemptions.count(longer) == 1


def test_a_changed_resource_is_looked_at_again(scene: Scene) -> None:
    scene.exempt(tags={"Stage": "lab"})
    scene.settle()
    scene.world.later(hours=5)
    scene.tags["m1"] = {"Stage": "live"}
    scene.tags["m2"] = {"Stage": "lab"}
    scene.read()
    assert scene.settle() == (1, 1)
    assert scene.exempt_now == {"m2", "m3", "m5"}
    scene.world.later(hours=5)
    assert scene.settle() == (0, 0)


def test_a_covering_exemption_is_found_for_a_resource_as_it_is(scene: Scene) -> None:
    exemption = scene.exempt(tags={"Stage": "lab"})
    now = scene.world.now
    fresh = scene.make_resource("m0", {"Id": "m0"}, tags={"Stage": "lab"})
    assert scene.exemptions.covering("p.one", fresh, now) == exemption
    assert scene.exemptions.covering("q.one", fresh, now) is None
    assert scene.exemptions.covering("p.one", fresh, now + 31 * DAY) is None
    other = scene.make_resource("m1", {"Id": "m1"}, tags={"Stage": "live"})
    assert scene.exemptions.covering("p.one", other, now) is None


def test_revoking_opens_at_once_and_both_words_are_in_the_ledger(scene: Scene) -> None:
    exemption = scene.exempt()
    scene.settle()
    assert scene.exemptions.add(exemption) == exemption, "the same word twice is one exemption"
    now = scene.world.later()
    revoked = scene.exemptions.revoke(exemption.id, "ben", "it was replaced", now)
    assert (revoked.revoked_by, revoked.status(now)) == ("ben", "revoked")
    assert scene.exempt_now == set()
    with pytest.raises(UsageError, match="not in force: it is revoked"):
        scene.exemptions.revoke(exemption.id, "ben", "again", now)
    with pytest.raises(UsageError, match="There is no exemption x-none"):
        scene.exemptions.revoke("x-none", "ben", "why", now)
    with pytest.raises(UsageError, match="and why"):
        scene.exemptions.revoke(exemption.id, "ben", " ", now)
    ledger = Ledger(scene.world.database)
    entries = list(ledger.entries(subject=exemption.id))
    assert [(e.kind, e.actor) for e in entries] == [("exempt-add", "ann"), ("exempt-revoke", "ben")]
    assert entries[0].detail["ticket"] == "T-1"
    assert entries[1].detail["revoked_why"] == "it was replaced"
    assert ledger.verify().ok
    assert scene.exemptions.all() == (revoked,)
    assert scene.exemptions.in_force(now) == ()


def test_nothing_is_written_where_nothing_is_exempt(scene: Scene) -> None:
    changes: list[str] = []

    def noted(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        changes.append(statement)

    import sqlalchemy as sa

    engine = scene.world.database.engine
    sa.event.listen(engine, "before_cursor_execute", noted)
    try:
        assert scene.settle() == (0, 0)
    finally:
        sa.event.remove(engine, "before_cursor_execute", noted)
    assert sum("exemption" in statement for statement in changes) == 1
    assert not [s for s in changes if s.startswith(("UPDATE", "INSERT", "DELETE"))]
