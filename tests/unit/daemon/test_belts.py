"""The belts of containment, over a real database and the in-memory cloud: modes, pause, limits, plans, undo, retries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from config.errors import UsageError
from config.fields import Model
from config.settings import HookSettings, StorageSettings
from daemon.asking import Asking
from daemon.desk import Desk, Plans
from daemon.durable import ImmediateRunner
from daemon.hooks.hook import Hook, Outcome, Proposal, Toolbox, Trigger, Verification
from daemon.metrics import Metrics
from daemon.respond import House, Responder
from daemon.ruling import Ruling
from daemon.triggers import ConfiguredHook, action_id
from providers.errors import Conflict, Denied, Throttled
from providers.memory.estate import Estate
from providers.memory.provider import SET_FIELD, MemoryProvider
from providers.provider import Action, Severity
from providers.resource import ResourceRef, Scope
from storage.actions import Actions, ActionStatus
from storage.database import Database
from storage.errors import Locked
from storage.inventory import Inventory
from storage.ledger import Ledger

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")
START = datetime(2026, 3, 1, tzinfo=UTC)


class SetEncryption(Hook):
    """Encrypt a bucket of the in-memory cloud."""

    name: ClassVar[str] = "set_encryption"
    title: ClassVar[str] = "Encrypt"
    changes_cloud: ClassVar[bool] = True
    undoable: ClassVar[bool] = True
    policy: ClassVar[str | None] = "test.allow"
    example: ClassVar[str] = ""
    Options = Model
    failures: list[Exception]

    @property
    def cloud(self) -> MemoryProvider:
        cloud = self.toolbox.providers["memory"]
        assert isinstance(cloud, MemoryProvider)
        return cloud

    def action(self, uid: str) -> Action:
        ref = ResourceRef(
            provider="memory", account=SCOPE.account, region=SCOPE.region, type=SCOPE.type, uid=uid
        )
        return Action(kind=SET_FIELD, target=ref, parameters={"field": "Encrypted", "value": True})

    def propose(self, trigger: Trigger) -> Proposal:
        uid = trigger.refs[0].uid
        state = dict(self.cloud.observe(self.action(uid)))
        return Proposal(
            hook=self.name,
            target=uid,
            summary=f"encrypt {uid}",
            body={},
            state=state,
            needed=not state["value"],
        )

    def act(self, proposal: Proposal, key: str) -> Outcome:
        if self.failures:
            raise self.failures.pop(0)
        if dict(self.cloud.observe(self.action(proposal.target))) != proposal.state:
            raise Conflict("it has moved on")
        receipt = self.cloud.act(self.action(proposal.target))
        return Outcome(
            changed=receipt.changed, summary="encrypted", before=receipt.before, after=receipt.after
        )

    def verify(self, proposal: Proposal, outcome: Outcome) -> Verification:
        value = self.cloud.observe(self.action(proposal.target))["value"]
        return Verification(ok=bool(value), detail=f"encrypted: {value}")


@dataclass
class Gate:
    """Allows, forbids or does not know."""

    allowed: bool | None = True
    stands: bool | None = True
    busy: int = 0

    def decide(self, hook: ConfiguredHook, trigger: Trigger, now: datetime) -> Ruling:
        return Ruling(allowed=self.allowed, reasons=("because",))

    def still_stands(self, trigger: Trigger, now: datetime) -> Ruling:
        if self.busy:
            self.busy -= 1
            raise Locked("the database is locked")
        return Ruling(allowed=self.stands)


class Impatient(threading.Event):
    """A stop that is waited for in no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


@dataclass
class Bench:
    database: Database
    settings: HookSettings
    estate: Estate = field(default_factory=lambda: Estate(scopes=10))
    gate: Gate = field(default_factory=Gate)
    now: datetime = START
    failures: list[Exception] = field(default_factory=list)
    stop: threading.Event = field(default_factory=Impatient)

    def __post_init__(self) -> None:
        self.cloud = MemoryProvider(self.estate)
        self.inventory = Inventory(self.database)
        self.desk = Desk(self.database, self.inventory)
        self.actions = Actions(self.database)
        self.ledger = Ledger(self.database)
        self.plans = Plans(self.database)
        toolbox = Toolbox(
            providers={"memory": self.cloud}, clock=lambda: self.now, secret=str, http=httpx.Client
        )
        hook = SetEncryption(Model(), toolbox)
        hook.failures = self.failures
        self.hook = ConfiguredHook(name="encrypt", settings=self.settings, hook=hook)
        house = House(
            gate=self.gate,
            ledger=self.ledger,
            desk=self.desk,
            clock=lambda: self.now,
            metrics=Metrics(),
            actor="watchstander/test",
            stop=self.stop,
        )
        self.responder = Responder({"encrypt": self.hook}, house)
        self.asking = Asking(self.responder)
        self.runner = ImmediateRunner(self.responder.workflows())

    def bucket(self, name: str) -> Trigger:
        """An unencrypted bucket, known to the inventory, and the finding on it."""
        resource = self.estate.add(SCOPE, name, {"Encrypted": False})
        self.inventory.record_one(resource, self.now)
        return Trigger(
            id=f"finding:{name}",
            kind="finding",
            name="test.encrypted",
            title=f"{name} is not encrypted",
            severity=Severity.HIGH,
            provider="memory",
            account=SCOPE.account,
            region=SCOPE.region,
            occurred_at=self.now,
            refs=(resource.ref,),
        )

    def ask(self, *triggers: Trigger) -> tuple[dict[str, int], tuple[str, ...]]:
        return self.asking.ask_findings(triggers, self.runner)

    def status(self, trigger: Trigger) -> ActionStatus:
        return self.actions.get(action_id("encrypt", trigger)).status

    def reason(self, trigger: Trigger) -> str:
        return self.actions.get(action_id("encrypt", trigger)).reason or ""


def hook_settings(**more: Any) -> HookSettings:
    return HookSettings.model_validate(
        {"use": "set_encryption", "mode": "auto", "when": ["test.*"], "max_share": 1.0, **more}
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path}/b.db")) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, hook_settings())


def test_auto_acts_once_and_writes_it_down(bench: Bench) -> None:
    trigger = bench.bucket("a")
    for _ in range(3):
        bench.ask(trigger)
    assert len(bench.cloud.acts) == 1
    assert bench.status(trigger) is ActionStatus.DONE
    assert [e.kind for e in bench.ledger.entries()] == ["intent", "act"]


@pytest.mark.parametrize(
    ("allowed", "status"),
    [(False, ActionStatus.REFUSED), (None, ActionStatus.UNDECIDED)],
    ids=["no", "unknown"],
)
def test_only_a_yes_acts(bench: Bench, allowed: bool | None, status: ActionStatus) -> None:
    bench.gate.allowed = allowed
    trigger = bench.bucket("a")
    bench.ask(trigger)
    assert bench.status(trigger) is status
    assert "because" in bench.reason(trigger)
    assert bench.cloud.acts == []


@pytest.mark.parametrize("stands", [False, None], ids=["mended", "unreadable"])
def test_a_reason_that_no_longer_stands_stops_the_act(bench: Bench, stands: bool | None) -> None:
    bench.gate.stands = stands
    trigger = bench.bucket("a")
    bench.ask(trigger)
    assert bench.status(trigger) is ActionStatus.FAILED
    assert "no longer stands" in bench.reason(trigger)
    assert bench.cloud.acts == []


def test_a_batch_over_the_hourly_count_stops_whole(database: Database) -> None:
    """c7n#3641, #2532: a policy suddenly matched everything."""
    bench = Bench(database, hook_settings(max_per_hour=3))
    triggers = [bench.bucket(f"b{n}") for n in range(5)]
    counts, stopped = bench.ask(*triggers)
    assert bench.cloud.acts == []
    assert counts == {"stopped": 5}
    assert stopped == (
        "encrypt was stopped before its first act: 5 acts in 100000000000 are more than the 3 an hour allowed",
    )
    assert {bench.status(t) for t in triggers} == {ActionStatus.STOPPED}
    assert [e.kind for e in bench.ledger.entries()] == ["stopped"]
    # Asked again in the next cycle, it says nothing new and does nothing.
    assert bench.ask(*triggers) == ({}, ())


def test_a_batch_over_the_share_stops_whole_and_one_of_few_may_go(database: Database) -> None:
    bench = Bench(database, hook_settings(max_share=0.2))
    for n in range(8):
        bench.inventory.record_one(bench.estate.add(SCOPE, f"good{n}", {}), bench.now)
    triggers = [bench.bucket(f"b{n}") for n in range(3)]
    _, stopped = bench.ask(*triggers)
    assert "3 of the 11 memory.bucket in 100000000000 are more than the share of 20% allowed" in stopped[0]
    assert bench.cloud.acts == []
    single = bench.bucket("single")
    bench.ask(single)
    assert bench.status(single) is ActionStatus.DONE


def test_a_person_approves_exactly_what_was_shown(database: Database) -> None:
    """c7n#4953: "approve exactly what I was shown" could not be had."""
    bench = Bench(database, hook_settings(mode="approve"))
    trigger = bench.bucket("a")
    bench.ask(trigger)
    action = action_id("encrypt", trigger)
    record = bench.actions.get(action)
    assert record.status is ActionStatus.WAITING
    with pytest.raises(UsageError, match="not 0000"):
        bench.plans.approve(action, "0000", "alice", bench.now)
    assert record.plan_id is not None
    bench.plans.approve(action, record.plan_id[:12], "alice", bench.now)
    bench.asking.tick(bench.runner)
    assert bench.status(trigger) is ActionStatus.DONE
    assert [e.kind for e in bench.ledger.entries()] == ["decision", "approval", "intent", "act"]
    bench.asking.tick(bench.runner)
    assert len(bench.cloud.acts) == 1


def test_an_approved_plan_whose_target_moved_on_is_not_carried_out(database: Database) -> None:
    bench = Bench(database, hook_settings(mode="approve"))
    trigger = bench.bucket("a")
    bench.ask(trigger)
    action = action_id("encrypt", trigger)
    bench.plans.approve(action, None, "alice", bench.now)
    bench.estate.change(trigger.refs[0].uid, {"Encrypted": "with-another-key"})
    bench.asking.tick(bench.runner)
    assert bench.status(trigger) is ActionStatus.FAILED
    assert bench.cloud.acts == []


def test_a_plan_expires(database: Database) -> None:
    bench = Bench(database, hook_settings(mode="approve", plan_ttl="1h"))
    trigger = bench.bucket("a")
    bench.ask(trigger)
    bench.now += timedelta(hours=1)
    with pytest.raises(UsageError, match="expired"):
        bench.plans.approve(action_id("encrypt", trigger), None, "alice", bench.now)
    assert bench.status(trigger) is ActionStatus.EXPIRED
    other = bench.bucket("b")
    bench.ask(other)
    bench.now += timedelta(hours=2)
    bench.asking.tick(bench.runner)
    assert bench.status(other) is ActionStatus.EXPIRED


def test_a_rejected_plan_stays_rejected(database: Database) -> None:
    bench = Bench(database, hook_settings(mode="approve"))
    trigger = bench.bucket("a")
    bench.ask(trigger)
    bench.plans.reject(action_id("encrypt", trigger), "bob", "a test bucket", bench.now)
    bench.ask(trigger)
    bench.asking.tick(bench.runner)
    assert bench.status(trigger) is ActionStatus.REJECTED
    with pytest.raises(UsageError, match="rejected"):
        bench.plans.approve(action_id("encrypt", trigger), None, "alice", bench.now)


def test_paused_means_nothing_is_done_and_resumed_that_it_is_decided_anew(bench: Bench) -> None:
    assert bench.plans.pause("alice", "change freeze", bench.now)
    assert not bench.plans.pause("bob", "again", bench.now)
    trigger = bench.bucket("a")
    bench.ask(trigger)
    bench.asking.tick(bench.runner)
    assert bench.status(trigger) is ActionStatus.PAUSED
    assert bench.reason(trigger) == "containment is paused by alice: change freeze"
    assert bench.cloud.acts == []
    bench.plans.resume("alice", bench.now)
    bench.plans.pause("alice", "again", bench.now)
    bench.plans.resume("alice", bench.now)
    bench.asking.tick(bench.runner)
    assert bench.status(trigger) is ActionStatus.DONE
    assert [e.kind for e in bench.ledger.entries()][:2] == ["pause", "decision"]


def test_a_plan_approved_before_a_pause_is_not_carried_out_in_it(database: Database) -> None:
    bench = Bench(database, hook_settings(mode="approve"))
    trigger = bench.bucket("a")
    bench.ask(trigger)
    bench.plans.approve(action_id("encrypt", trigger), None, "alice", bench.now)
    bench.plans.pause("bob", "stop everything", bench.now)
    bench.asking.tick(bench.runner)
    assert bench.cloud.acts == []
    bench.plans.resume("bob", bench.now)
    bench.asking.tick(bench.runner)
    assert bench.status(trigger) is ActionStatus.DONE


def test_the_same_target_cools_down(bench: Bench) -> None:
    """c7n#10467: remediation looped on its own change, thousands of times."""
    trigger = bench.bucket("a")
    bench.ask(trigger)
    bench.estate.change(trigger.refs[0].uid, {"Encrypted": False})
    again = Trigger(**{**{n: getattr(trigger, n) for n in trigger.__slots__}, "id": "finding:a-2"})
    for _ in range(20):
        bench.now += timedelta(seconds=30)
        bench.ask(again)
        bench.asking.tick(bench.runner)
    assert len(bench.cloud.acts) == 1
    assert bench.status(again) is ActionStatus.COOLING_DOWN
    bench.now += timedelta(minutes=15)
    bench.asking.tick(bench.runner)
    assert bench.status(again) is ActionStatus.DONE
    assert len(bench.cloud.acts) == 2


def test_a_passing_failure_is_tried_again_a_lasting_one_is_told(bench: Bench) -> None:
    bench.failures += [Throttled("slow down"), Throttled("slow down")]
    trigger = bench.bucket("a")
    bench.ask(trigger)
    assert bench.status(trigger) is ActionStatus.DONE
    bench.failures.append(Denied("not allowed"))
    other = bench.bucket("b")
    bench.ask(other)
    assert bench.status(other) is ActionStatus.FAILED
    assert "not allowed" in bench.reason(other)
    entries = [e for e in bench.ledger.entries() if e.subject == other.refs[0].uid]
    assert [e.detail.get("status") for e in entries] == [None, "failed"]


def test_a_target_already_as_wanted_is_left_alone(bench: Bench) -> None:
    trigger = bench.bucket("a")
    bench.estate.change(trigger.refs[0].uid, {"Encrypted": True})
    bench.ask(trigger)
    assert bench.status(trigger) is ActionStatus.UNCHANGED
    assert bench.cloud.acts == []


def test_a_defect_in_a_hook_is_told_and_filed_never_silent(bench: Bench) -> None:
    """FIELD.md: silent failure. A hook that raises what nobody foresaw ends in a filed, failed act and a ledger entry."""
    bench.failures.append(KeyError("surprise"))
    trigger = bench.bucket("a")
    bench.ask(trigger)
    assert bench.status(trigger) is ActionStatus.FAILED
    assert "a defect in Watchstander: KeyError" in bench.reason(trigger)
    entries = [(e.kind, e.detail.get("status")) for e in bench.ledger.entries()]
    assert entries == [("intent", None), ("act", "failed")]


def test_a_defect_before_anything_is_decided_is_filed_too(bench: Bench) -> None:
    trigger = bench.bucket("a")
    broken = Trigger(**{**{n: getattr(trigger, n) for n in trigger.__slots__}, "id": "finding:b", "refs": ()})
    bench.asking.start(bench.hook, broken, bench.runner)
    assert bench.status(broken) is ActionStatus.FAILED
    assert "a defect in Watchstander: IndexError" in bench.reason(broken)
    assert bench.cloud.acts == []


def test_a_busy_store_is_waited_for_and_fails_no_containment(bench: Bench) -> None:
    bench.gate.busy = 3
    trigger = bench.bucket("a")
    bench.ask(trigger)
    assert bench.status(trigger) is ActionStatus.DONE
    assert len(bench.cloud.acts) == 1
