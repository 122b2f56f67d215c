"""FIELD.md: an exposed key is deactivated once, whatever is delivered however often and whoever dies when.

The whole path is real: GuardDuty's finding on EventBridge, the rule, the SQS queue, the daemon's own intake, the Rego policy,
DBOS, IAM's calls; the daemon is a process that is killed with -9 at each step in turn.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from processes import forked

from config.settings import Settings, StorageSettings
from daemon.log import configure
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.estate import LeakyKey, enter
from providers.sandbox.aws.story import key_status, leak_access_key_event
from storage.actions import Actions, ActionStatus
from storage.database import Database
from storage.deadletters import DeadLetters
from storage.events import Events
from storage.ledger import Ledger

DRIVER = Path(__file__).with_name("containment_driver.py")
NUMBERS = count(1)

HOOK: dict[str, Any] = {
    "use": "deactivate_access_key",
    "mode": "auto",
    "when": ["event:CredentialAccess:IAMUser/AnomalousBehavior"],
    "exceptions": ["break-glass"],
    "max_per_hour": 3,
}


@dataclass
class House:
    """A daemon's configuration and database, and one user's key."""

    folder: Path
    emulator: AwsEmulator
    key: LeakyKey
    hook: dict[str, Any] = field(default_factory=lambda: dict(HOOK))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the finding was made; delivered again it is the same finding."""

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/watch.db"

    def settings(self) -> dict[str, Any]:
        return {
            "providers": {"aws": self.emulator.settings().model_dump(mode="json")},
            "storage": {"url": self.url},
            "policies": {"workers": 1, "packs": ["containment"]},
            "containment": {"hooks": {"leaked-key": self.hook}},
        }

    def leak(self, times: int = 1, severity: float = 8.0) -> None:
        for _ in range(times):
            leak_access_key_event(self.emulator.endpoint, self.key, at=self.at, severity=severity)

    def run(self, *death: str) -> int:
        """Run the daemon until the queue is empty and everything has ended; returns its exit status."""
        file = self.folder / "settings.json"
        file.write_text(json.dumps(self.settings()))
        process = forked(DRIVER, str(file), *death)
        status = process.wait()
        assert status in (0, -signal.SIGKILL), process.said[-4000:]
        return status

    def status(self) -> str:
        return key_status(self.emulator.endpoint, self.key)

    def writes(self) -> int:
        return self.emulator.calls.get("iam:UpdateAccessKey", 0)

    def database(self) -> Database:
        return Database.open(StorageSettings(url=self.url))


@pytest.fixture
def house(aws: AwsEmulator, tmp_path: Path) -> Iterator[House]:
    """Another user with an active key in a member account; the queue empty."""
    for queue in queues(aws):
        queue._messages.clear()
    account = aws.estate.keys[0].account
    door = enter(aws.endpoint, account)
    iam = door.client("iam")
    name = f"robot-{next(NUMBERS)}"
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    yield House(tmp_path, aws, LeakyKey(account=account, user_name=name, access_key_id=made["AccessKeyId"]))
    iam.delete_access_key(UserName=name, AccessKeyId=made["AccessKeyId"])
    iam.delete_user(UserName=name)
    door.close()


def queues(emulator: AwsEmulator) -> list[Any]:
    """The emulated queues themselves, to do what SQS does with time."""
    from moto.sqs.models import sqs_backends

    backends = sqs_backends[emulator.estate.management].values()
    return [queue for backend in backends for queue in backend.queues.values()]


def acted_once(house: House, writes_before: int) -> None:
    assert house.status() == "Inactive"
    assert house.writes() - writes_before == 1, "exactly one write call was made"
    with house.database() as database:
        ledger = Ledger(database)
        entries = [entry for entry in ledger.entries() if entry.subject == house.key.uid]
        assert [entry.kind for entry in entries] == ["intent", "act"]
        assert entries[-1].detail["status"] == "done"
        assert ledger.verify().ok
        (record,) = Actions(database).last()
        assert record.status is ActionStatus.DONE
        assert record.before is not None
        assert record.before["status"] == "Active"
        assert Events(database).count() == 1


def test_a_leaked_key_is_deactivated(house: House) -> None:
    before = house.writes()
    house.leak()
    assert house.run() == 0
    acted_once(house, before)


def test_five_deliveries_are_one_act(house: House) -> None:
    before = house.writes()
    house.leak(times=5)
    assert house.run() == 0
    house.leak()
    assert house.run() == 0
    acted_once(house, before)


STEPS = ("decide", "settle", "intend", "act", "verify", "conclude")


@pytest.mark.crash
@pytest.mark.parametrize(
    "death",
    [("decide", "begin"), *((step, "end") for step in STEPS), ("act", "inside")],
    ids="-".join,
)
def test_killed_between_any_two_steps_it_acts_once(house: House, death: tuple[str, str]) -> None:
    before = house.writes()
    house.leak()
    assert house.run(*death) == -signal.SIGKILL
    house.leak()  # and the same finding is delivered again meanwhile, as its queue would
    assert house.run() == 0
    acted_once(house, before)


@pytest.mark.crash
@pytest.mark.parametrize("moment", ["before", "after", "acknowledge"])
def test_killed_while_taking_the_message_it_acts_once(house: House, moment: str) -> None:
    before = house.writes()
    house.leak()
    assert house.run("intake", moment) == -signal.SIGKILL
    make_visible(house)
    assert house.run() == 0
    acted_once(house, before)


def make_visible(house: House) -> None:
    """What the dead process had received comes back at once instead of after the visibility timeout."""
    for queue in queues(house.emulator):
        for message in queue._messages:
            message.visible_at = 0


def test_dry_run_says_and_does_not(house: House) -> None:
    house.hook["mode"] = "dry-run"
    before = house.writes()
    house.leak()
    assert house.run() == 0
    assert house.status() == "Active"
    assert house.writes() == before
    with house.database() as database:
        (record,) = Actions(database).last()
        assert record.status is ActionStatus.DRY_RUN
        (entry,) = [entry for entry in Ledger(database).entries() if entry.kind == "decision"]
        assert entry.detail["summary"].startswith(f"deactivate access key {house.key.access_key_id}")


@pytest.mark.parametrize(
    ("change", "severity", "status", "reason"),
    [
        ({}, 5.0, "refused", "severity is too low"),
        ({"exceptions": ["ROBOT"]}, 8.0, "refused", "list of exceptions"),
        ({"policy": "containment.aws.no_such_policy"}, 8.0, "undecided", "not in force"),
        ({"mode": "approve"}, 8.0, "waiting", "approve"),
    ],
    ids=["low-severity", "excepted-user", "policy-gone", "approve"],
)
def test_what_is_not_allowed_is_not_done(
    house: House, change: dict[str, Any], severity: float, status: str, reason: str
) -> None:
    house.hook |= change
    if house.hook["exceptions"] == ["ROBOT"]:
        house.hook["exceptions"] = [house.key.user_name.upper()]
    house.leak(severity=severity)
    assert house.run() == 0
    assert house.status() == "Active"
    with house.database() as database:
        (record,) = Actions(database).last()
        assert record.status == status
        assert reason in (record.reason or "")


def test_what_cannot_be_understood_is_kept(house: House) -> None:
    sqs: Any = boto3.client("sqs", region_name="us-east-1", endpoint_url=house.emulator.endpoint)
    sqs.send_message(QueueUrl=house.emulator.estate.queue_url, MessageBody="not json")
    sqs.send_message(
        QueueUrl=house.emulator.estate.queue_url, MessageBody='{"detail-type": "Weather", "source": "x"}'
    )
    house.leak()
    before = house.writes()
    assert house.run() == 0
    acted_once(house, before)
    with house.database() as database:
        assert {letter.body for letter in DeadLetters(database).last()} == {
            "not json",
            '{"detail-type": "Weather", "source": "x"}',
        }


def test_a_flood_stops_at_the_hourly_limit(house: House) -> None:
    """More keys than the hook may touch in an hour: the rest wait for a person."""
    house.hook["max_per_hour"] = 1
    door = enter(house.emulator.endpoint, house.key.account)
    iam = door.client("iam")
    second = iam.create_access_key(UserName=house.key.user_name)["AccessKey"]["AccessKeyId"]
    try:
        house.leak()
        assert house.run() == 0
        other = House(
            house.folder,
            house.emulator,
            LeakyKey(account=house.key.account, user_name=house.key.user_name, access_key_id=second),
            house.hook,
        )
        other.leak()
        assert other.run() == 0
        assert house.status() == "Inactive"
        assert other.status() == "Active"
        with house.database() as database:
            stopped = Actions(database).last(statuses=[ActionStatus.STOPPED])
        assert [record.action.target.uid for record in stopped] == [other.key.uid]
    finally:
        iam.delete_access_key(UserName=house.key.user_name, AccessKeyId=second)
        door.close()


def test_settings_of_the_driver_are_real() -> None:
    """The driver reads what the daemon reads."""
    assert Settings.model_validate({"policies": {"packs": ["containment"]}}).policies.packs == (
        "containment",
    )
    configure(Settings().log)
