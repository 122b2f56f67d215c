"""Whose messages are taken, over all three clouds and their real clients: those of accounts that are watched, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daemon.intake import Handlers, Intake
from daemon.metrics import Metrics
from providers.memory.queue import MemoryQueue
from providers.provider import Event, Message, Provider, Selection
from providers.sandbox.faults import Fault, FaultKind
from providers.watched import ASKED_AGAIN

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
STRANGE_TENANT = "eee00000-0000-4000-8000-000000000001"
Json = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Cloud:
    """A cloud on this machine, what its messages look like, and where the listing of its accounts breaks."""

    provider: Provider
    faults: Any
    clock: Clock
    ours: list[Json]
    """Messages of accounts that are watched, each with its own account."""
    strange: list[Json]
    unread: list[Json]
    """Changes in accounts that are watched, of resources whose type or region the configuration leaves out."""
    listing: dict[str, str]


class Nothing:
    """Remembers nothing, and is not to be asked to keep a dead letter."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def taken(self, event_id: str) -> bool:
        return False

    def take(self, event: Event, at: datetime) -> None:
        self.kept.append(event.id)

    def bury(self, message: Message, cause: str, at: datetime) -> None:
        raise AssertionError(cause)


@dataclass
class Outcome:
    changes: list[Event]
    findings: list[Event]
    kept: list[str]
    left: int
    results: dict[str, int]


def deliver(cloud: Cloud, *bodies: Json) -> Outcome:
    """What one poll of a queue with these leads to."""
    queue, store, metrics = MemoryQueue(), Nothing(), Metrics()
    changes: list[Event] = []
    findings: list[Event] = []

    def finding(event: Event) -> int:
        findings.append(event)
        return 1

    for body in bodies:
        queue.put(json.dumps(body))
    handlers = Handlers(change=changes.append, finding=finding)
    intake = Intake({cloud.provider.name: cloud.provider}, store, handlers, cloud.clock, metrics)
    intake.poll(queue, 0)
    results = {
        sample.labels["result"]: int(sample.value)
        for family in metrics.events.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    return Outcome(changes, findings, store.kept, len(queue.receive(0)), results)


def changed_by(account: str, service: str, operation: str, region: str, parameters: Json) -> Json:
    record = trail(account)
    record["source"] = f"aws.{service}"
    record["detail"] |= {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "eventID": f"{account}-{operation}",
        "awsRegion": region,
        "requestParameters": parameters,
    }
    return record


def trail(account: str, user: str = "ada") -> Json:
    return {
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "id": f"{account}-{user}",
        "detail": {
            "eventSource": "iam.amazonaws.com",
            "eventName": "AttachUserPolicy",
            "eventID": f"{account}-{user}",
            "awsRegion": "us-east-1",
            "eventTime": "2026-03-01T11:59:00Z",
            "recipientAccountId": account,
            "userIdentity": {"arn": f"arn:aws:iam::{account}:user/mallory", "accountId": account},
            "requestParameters": {"userName": user},
        },
    }


def guard_duty(account: str) -> Json:
    return {
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "detail": {
            "schemaVersion": "2.0",
            "accountId": account,
            "region": "us-east-1",
            "id": f"gd-{account}",
            "type": "CredentialAccess:IAMUser/AnomalousBehavior",
            "severity": 8.0,
            "updatedAt": "2026-03-01T11:59:00Z",
            "service": {},
            "resource": {"accessKeyDetails": {"userName": "ada", "userType": "IAMUser"}},
        },
    }


def security_hub(*found: tuple[str, str]) -> Json:
    """One message with a finding for each account and severity."""
    return {
        "detail-type": "Security Hub Findings - Custom Action",
        "source": "aws.securityhub",
        "detail": {
            "findings": [
                {
                    "Id": f"hub-{account}",
                    "AwsAccountId": account,
                    "Region": "us-east-1",
                    "UpdatedAt": "2026-03-01T11:59:00Z",
                    "Severity": {"Label": severity},
                    "Types": ["Effects/Data Exposure"],
                    "Title": "A bucket is public",
                    "Resources": [{"Type": "AwsIamUser", "Id": f"arn:aws:iam::{account}:user/ada"}],
                }
                for account, severity in found
            ]
        },
    }


def grid(resource: str, tenant: str | None = None) -> Json:
    return {
        "id": resource,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "subject": resource,
        "eventTime": "2026-03-01T11:59:00Z",
        "data": {"resourceUri": resource, "operationName": "x/write", "status": "Succeeded"}
        | ({"tenantId": tenant} if tenant else {}),
    }


def alert(subscription: str) -> Json:
    vm = f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v"
    return {
        "SystemAlertId": f"alert-{subscription}",
        "AlertType": "VM_SuspectBruteForce",
        "Severity": "High",
        "Status": "New",
        "TimeGenerated": "2026-03-01T11:59:00Z",
        "ResourceIdentifiers": [{"Type": "AzureResource", "AzureResourceId": vm}],
    }


def feed(
    ancestors: list[str],
    name: str = "//storage.googleapis.com/a-bucket",
    type_: str = "storage.googleapis.com/Bucket",
) -> Json:
    return {
        "asset": {
            "name": name,
            "assetType": type_,
            "ancestors": ancestors,
            "resource": {"location": "europe-west1", "data": {"name": "a-bucket"}},
        },
        "priorAssetState": "PRESENT",
        "window": {"startTime": "2026-03-01T11:59:00Z"},
    }


def audit(parent: str) -> Json:
    kind, _, name = parent.partition("/")
    return {
        "insertId": parent,
        "logName": f"{parent}/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-03-01T11:59:00Z",
        "resource": {"labels": {"project_id": name} if kind == "projects" else {}, "type": kind[:-1]},
        "protoPayload": {"methodName": "SetIamPolicy", "resourceName": parent, "serviceName": "x"},
    }


def scc(organization: str, project: str | None) -> Json:
    owner = f"projects/{project}" if project else organization
    return {
        "finding": {
            "name": f"{organization}/sources/1/findings/{project}",
            "category": "Persistence: IAM Anomalous Grant",
            "eventTime": "2026-03-01T11:59:00Z",
            "state": "ACTIVE",
            "severity": "HIGH",
            "resourceName": f"//cloudresourcemanager.googleapis.com/{owner}",
        }
    }


@pytest.fixture
def aws_cloud(aws: Any) -> Iterator[Cloud]:
    from config.clouds import AwsAccounts
    from providers.aws.provider import AwsProvider

    member, other = aws.estate.drifting_bucket[0], aws.estate.management
    accounts = aws.settings().accounts.model_dump() | {"exclude": (other,)}
    clock = Clock()
    provider = AwsProvider(
        aws.settings().model_copy(
            update={
                "accounts": AwsAccounts(**accounts),
                "exclude_types": ("aws.iam_role",),
            }
        ),
        clock=lambda: datetime.now(UTC),
        attempts=1,
    )
    provider._watched._clock = clock
    yield Cloud(
        provider=provider,
        faults=aws.faults,
        clock=clock,
        ours=[trail(member), guard_duty(member)],
        unread=[
            changed_by(member, "iam", "AttachRolePolicy", "us-east-1", {"roleName": "r"}),
            changed_by(
                member,
                "ec2",
                "AuthorizeSecurityGroupIngress",
                "ap-south-1",
                {"groupId": "sg-0123456789abcdef0"},
            ),
        ],
        strange=[trail("999988887777"), guard_duty("999988887777"), trail(other)],
        listing={"operation": "ListAccounts"},
    )
    provider.close()


@pytest.fixture
def azure_cloud() -> Iterator[Cloud]:
    from providers.azure.provider import AzureProvider
    from providers.sandbox.azure import AzureEmulator
    from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION
    from providers.sandbox.azure.groups import TENANT

    stranger = "c0000000-0000-4000-8000-00000000000c"
    clock = Clock()
    with AzureEmulator(clock=clock) as emulator:
        provider = AzureProvider(
            emulator.settings(
                exclude_subscriptions=[DEVELOPMENT],
                exclude_types=["Microsoft.Network/routeTables", "Microsoft.Authorization/policy*"],
            ),
            clock=clock,
            sleep=lambda _: None,
        )
        rule = "providers/Microsoft.Network/networkSecurityGroups/n"
        group = next(str(one["name"]) for one in emulator.store.groups.documents() if one["name"] != TENANT)
        assigned = "providers/Microsoft.Authorization/roleAssignments/r"
        above = f"/providers/Microsoft.Management/managementGroups/{group}/{assigned}"
        yield Cloud(
            provider=provider,
            faults=emulator.faults,
            clock=clock,
            ours=[
                grid(f"/subscriptions/{PRODUCTION.upper()}/resourceGroups/rg/{rule}", TENANT),
                grid(above, TENANT),
                grid(f"{above}2"),
                grid(f"/{assigned}", TENANT.upper()),
                alert(PRODUCTION),
            ],
            unread=[
                grid(
                    f"/subscriptions/{PRODUCTION}/resourceGroups/rg/providers/Microsoft.Network/routeTables/r"
                ),
                grid(above.replace("roleAssignments", "policyAssignments"), TENANT),
            ],
            strange=[
                grid(f"/subscriptions/{stranger}/resourceGroups/rg/{rule}", STRANGE_TENANT),
                grid(f"/subscriptions/{DEVELOPMENT}/resourceGroups/rg/{rule}", TENANT),
                grid(above, STRANGE_TENANT),
                grid(f"/providers/Microsoft.Management/managementGroups/theirs/{assigned}", TENANT),
                grid(f"/{assigned}", STRANGE_TENANT),
                alert(stranger),
            ],
            listing={"resource": "/subscriptions"},
        )
        provider.close()


@pytest.fixture
def gcp_cloud() -> Iterator[Cloud]:
    from providers.gcp.provider import GcpProvider
    from providers.sandbox.gcp import GcpEmulator

    clock = Clock()
    organization = "organizations/500500500500"
    with GcpEmulator() as emulator:
        settings = emulator.settings(
            parents=(organization,),
            exclude_projects=("harbour-dev",),
            exclude_types=("pubsub.googleapis.com/*",),
        )
        provider = GcpProvider(settings, clock=clock, sleep=lambda _: None)
        yield Cloud(
            provider=provider,
            faults=emulator.faults,
            clock=clock,
            ours=[
                feed(["projects/700100100100", "folders/600600600600", organization]),
                audit("projects/harbour-prod"),
                audit(organization),
                audit("folders/600600600600"),
                scc(organization, "harbour-prod"),
                scc(organization, None),
            ],
            unread=[
                feed(
                    ["projects/700100100100", "folders/600600600600", organization],
                    "//pubsub.googleapis.com/projects/harbour-prod/topics/t",
                    "pubsub.googleapis.com/Topic",
                ),
                feed(
                    [organization],
                    "//cloudbilling.googleapis.com/billingAccounts/1",
                    "cloudbilling.googleapis.com/BillingAccount",
                ),
            ],
            strange=[
                feed(["projects/31", "organizations/32"]),
                feed(["projects/700200200200", "folders/600600600600", organization]),
                feed([], "//storage.googleapis.com/nobodys"),
                audit("projects/somebody-elses"),
                audit("organizations/32"),
                audit("folders/33"),
                scc("organizations/32", "somebody-elses"),
                scc("organizations/32", None),
            ],
            listing={"operation": "ListAssets", "account": organization},
        )
        provider.close()


@pytest.fixture(params=["aws", "azure", "gcp"])
def cloud(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_cloud")


def test_messages_of_watched_accounts_are_taken_before_anything_was_read(cloud: Cloud) -> None:
    outcome = deliver(cloud, *cloud.ours)
    assert len(outcome.changes) + len(outcome.findings) == len(cloud.ours), outcome.results
    assert (len(outcome.kept), outcome.left) == (len(cloud.ours), 0)
    assert any(event.refs for event in outcome.changes)


def test_what_concerns_another_is_refused_and_does_not_come_again(cloud: Cloud) -> None:
    outcome = deliver(cloud, *cloud.strange)
    assert outcome.results == {"unwatched": len(cloud.strange)}
    assert (outcome.changes, outcome.findings, outcome.kept, outcome.left) == ([], [], [], 0)
    cloud.provider.discover(Selection(providers=frozenset({cloud.provider.name})))
    assert deliver(cloud, *cloud.strange).results == {"unwatched": len(cloud.strange)}
    assert deliver(cloud, *cloud.ours).left == 0


def test_a_change_of_what_no_cycle_reads_makes_nothing_known(cloud: Cloud) -> None:
    assert all(cloud.provider.parse_event(body).refs for body in cloud.unread), "else it would prove nothing"  # type: ignore[union-attr]
    outcome = deliver(cloud, *cloud.unread)
    assert (outcome.results, outcome.left) == ({"recorded": len(cloud.unread)}, 0)
    assert [event.refs for event in outcome.changes] == [()] * len(cloud.unread)


def test_a_message_waits_while_the_accounts_cannot_be_listed(cloud: Cloud) -> None:
    """Who it is of cannot be told, so it is neither refused nor taken; a denial is an answer."""
    cloud.faults.add(Fault(kind=FaultKind.ERROR, **cloud.listing))
    outcome = deliver(cloud, cloud.strange[0])
    assert (outcome.results, outcome.left, outcome.kept) == ({"failed": 1}, 1, [])
    cloud.faults.clear()
    cloud.clock.now += ASKED_AGAIN
    assert deliver(cloud, cloud.strange[0]).results == {"unwatched": 1}


def test_strangers_do_not_have_the_accounts_listed_for_each_message(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = getattr(cloud.provider, "_watched", None) or cloud.provider._discoverer.watched  # type: ignore[attr-defined]
    asked: list[datetime] = []
    real = watched._ask

    def counting() -> Any:
        asked.append(cloud.clock())
        return real()

    monkeypatch.setattr(watched, "_ask", counting)
    deliver(cloud, *cloud.strange, *cloud.ours, *cloud.strange)
    assert asked == [START]
    cloud.clock.now += ASKED_AGAIN - timedelta(seconds=1)
    deliver(cloud, *cloud.strange)
    assert asked == [START]
    cloud.clock.now += timedelta(seconds=1)
    deliver(cloud, *cloud.strange)
    assert len(asked) == 2


@pytest.mark.parametrize("worst", ["ours", "strange"])
def test_of_findings_in_one_message_each_is_taken_by_its_own_account(aws_cloud: Cloud, worst: str) -> None:
    ours, strange = aws_cloud.ours[1]["detail"]["accountId"], "999988887777"
    own, other = ("CRITICAL", "LOW") if worst == "ours" else ("LOW", "CRITICAL")
    mixed = deliver(aws_cloud, security_hub((strange, other), (ours, own)))
    assert (mixed.results, mixed.left) == ({"acted": 1, "unwatched": 1}, 0)
    (event,) = mixed.findings
    assert (event.account, str(event.severity)) == (ours, own.lower())
    assert [ref.uid for ref in event.refs] == [f"arn:aws:iam::{ours}:user/ada"]
    alone = deliver(aws_cloud, security_hub((ours, own)))
    assert alone.kept == mixed.kept, "the same finding in other company is the same event"


def test_a_finding_of_ours_does_not_bring_another_accounts_resource_along(aws_cloud: Cloud) -> None:
    body = guard_duty(aws_cloud.ours[1]["detail"]["accountId"])
    record = aws_cloud.ours[0]
    record["detail"]["resources"] = [{"ARN": "arn:aws:iam::999988887777:user/other"}]
    outcome = deliver(aws_cloud, body, record)
    accounts = {ref.account for event in (*outcome.changes, *outcome.findings) for ref in event.refs}
    assert accounts == {body["detail"]["accountId"]}
