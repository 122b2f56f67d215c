"""Acting, undoing, and the queue that events come by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.aws.provider import AwsProvider
from providers.errors import Conflict, Denied, Gone, Refused
from providers.provider import Action, EventKind
from providers.resource import ResourceRef
from providers.sandbox.aws import (
    AwsEmulator,
    LeakyKey,
    introduce_drift,
    key_status,
    leak_access_key_event,
    put_event,
)
from providers.sandbox.aws.door import Door, enter
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AwsProvider]
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def door(aws: AwsEmulator, account: str) -> Iterator[Door]:
    door = enter(aws.endpoint, account)
    yield door
    door.close()


@pytest.fixture
def key(aws: AwsEmulator, door: Door, account: str) -> Iterator[LeakyKey]:
    """A user of the test's own, with a key."""
    iam = door.client("iam")
    iam.create_user(UserName="act-test")
    made = iam.create_access_key(UserName="act-test")["AccessKey"]["AccessKeyId"]
    yield LeakyKey(account=account, user_name="act-test", access_key_id=made)
    aws.faults.clear()
    for found in iam.list_access_keys(UserName="act-test")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="act-test", AccessKeyId=found["AccessKeyId"])
    iam.delete_user(UserName="act-test")


def deactivate(key: LeakyKey) -> Action:
    ref = ResourceRef(
        provider="aws", account=key.account, region="global", type="aws.iam_access_key", uid=key.uid
    )
    return Action(kind="aws.deactivate_access_key", target=ref)


def test_a_key_is_deactivated_once_and_can_be_restored(
    provider: AwsProvider, aws: AwsEmulator, key: LeakyKey
) -> None:
    action = deactivate(key)
    state = {"user_name": "act-test", "access_key_id": key.access_key_id, "status": "Active"}
    assert provider.observe(action) == state
    receipt = provider.act(action)
    assert receipt.changed
    assert receipt.before == state
    assert receipt.after == state | {"status": "Inactive"} == provider.observe(action)
    assert receipt.request_id
    assert key_status(aws.endpoint, key) == "Inactive"

    writes = aws.calls["iam:UpdateAccessKey"]
    again = provider.act(action)
    assert not again.changed
    assert aws.calls["iam:UpdateAccessKey"] == writes, "what is so already is not written again"

    back = provider.undo(receipt)
    assert back.changed
    assert key_status(aws.endpoint, key) == "Active"
    assert not provider.undo(receipt).changed


def test_an_act_that_changed_nothing_undoes_nothing(
    provider: AwsProvider, aws: AwsEmulator, key: LeakyKey
) -> None:
    first = provider.act(deactivate(key))
    second = provider.act(deactivate(key))
    assert first.changed
    assert not provider.undo(second).changed
    assert key_status(aws.endpoint, key) == "Inactive"


def test_undo_refuses_what_has_moved_on(provider: AwsProvider, door: Door, account: str) -> None:
    s3 = door.client("s3")
    s3.create_bucket(Bucket="moved-on")
    ref = ResourceRef(
        provider="aws", account=account, region="us-east-1", type="aws.s3_bucket", uid="arn:aws:s3:::moved-on"
    )
    action = Action(kind="aws.block_public_access", target=ref)
    try:
        receipt = provider.act(action)
        assert receipt.before["block"] is None
        assert s3.get_public_access_block(Bucket="moved-on")["PublicAccessBlockConfiguration"][
            "BlockPublicAcls"
        ]
        other = {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": False,
        }
        s3.put_public_access_block(Bucket="moved-on", PublicAccessBlockConfiguration=other)
        with pytest.raises(Conflict, match="no longer as the action left it"):
            provider.undo(receipt)
        assert provider.observe(action)["block"] == other
        s3.put_public_access_block(
            Bucket="moved-on", PublicAccessBlockConfiguration=dict(receipt.after["block"])
        )
        assert provider.undo(receipt).changed
        assert provider.observe(action)["block"] is None
    finally:
        s3.delete_bucket(Bucket="moved-on")


def test_an_instance_is_isolated_and_let_back(provider: AwsProvider, door: Door, account: str) -> None:
    ec2 = door.client("ec2")
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    group = ec2.create_security_group(GroupName="quarantine", Description="none", VpcId=made["VpcId"])[
        "GroupId"
    ]
    ref = ResourceRef(
        provider="aws",
        account=account,
        region="us-east-1",
        type="aws.ec2_instance",
        uid=f"arn:aws:ec2:us-east-1:{account}:instance/{made['InstanceId']}",
    )
    action = Action(kind="aws.isolate_instance", target=ref, parameters={"security_group": group})
    try:
        before = provider.observe(action)
        receipt = provider.act(action)
        assert provider.observe(action)["groups"] == [group]
        provider.undo(receipt)
        assert provider.observe(action) == before
    finally:
        ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
        ec2.delete_security_group(GroupId=group)


def test_what_is_gone_cannot_be_acted_on(provider: AwsProvider, key: LeakyKey) -> None:
    nobody = LeakyKey(account=key.account, user_name="nobody", access_key_id="AKIANOBODY")
    other = LeakyKey(account=key.account, user_name=key.user_name, access_key_id="AKIAOTHER")
    for gone in (nobody, other):
        with pytest.raises(Gone):
            provider.act(deactivate(gone))


def test_a_denied_write_changes_nothing(provider: AwsProvider, aws: AwsEmulator, key: LeakyKey) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, operation="UpdateAccessKey"))
    with pytest.raises(Denied) as caught:
        provider.act(deactivate(key))
    assert caught.value.permission == "iam:UpdateAccessKey"
    aws.faults.clear()
    assert key_status(aws.endpoint, key) == "Active"


def test_an_unread_state_is_not_acted_on(provider: AwsProvider, aws: AwsEmulator, key: LeakyKey) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, operation="ListAccessKeys"))
    writes = aws.calls.get("iam:UpdateAccessKey", 0)
    with pytest.raises(Denied):
        provider.act(deactivate(key))
    assert aws.calls.get("iam:UpdateAccessKey", 0) == writes


@pytest.mark.parametrize(
    ("kind", "type_name", "uid"),
    [
        ("aws.delete_everything", "aws.s3_bucket", "arn:aws:s3:::b"),
        ("aws.deactivate_access_key", "aws.s3_bucket", "arn:aws:s3:::b"),
        ("aws.deactivate_access_key", "aws.iam_access_key", "arn:aws:s3:::b"),
        ("aws.isolate_instance", "aws.ec2_instance", "arn:aws:ec2:us-east-1:1:instance/i-1"),
    ],
)
def test_nonsense_is_refused(provider: AwsProvider, kind: str, type_name: str, uid: str) -> None:
    ref = ResourceRef(provider="aws", account="1", region="us-east-1", type=type_name, uid=uid)
    with pytest.raises(Refused):
        provider.act(Action(kind=kind, target=ref))


def test_acting_enters_with_the_role_for_containment(
    provider: AwsProvider, aws: AwsEmulator, key: LeakyKey
) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, operation="AssumeRole", resource="*WatchstanderContain"))
    with pytest.raises(Denied, match="WatchstanderContain"):
        provider.act(deactivate(key))


def test_every_action_declares_what_it_needs(provider: AwsProvider) -> None:
    for name, kind in provider.action_kinds().items():
        assert name == kind.kind
        assert kind.undo
        assert kind.permissions
        assert not any("Delete" in permission for permission in kind.permissions)


# The queue


def drain(provider: AwsProvider) -> list[Any]:
    (source,) = provider.event_sources()
    found = []
    while messages := source.receive(0):
        for message in messages:
            found.append(provider.parse_event(json.loads(message.body)))
            source.acknowledge(message)
    return found


def test_a_leaked_key_arrives_by_the_queue(provider: AwsProvider, aws: AwsEmulator, key: LeakyKey) -> None:
    drain(provider)
    for _ in range(5):
        leak_access_key_event(aws.endpoint, key, at=AT)
    events = drain(provider)
    assert len(events) == 5
    assert len({event.id for event in events}) == 1, "one finding, delivered five times"
    assert events[0].kind is EventKind.FINDING
    assert events[0].account == key.account
    assert events[0].refs[0].uid == key.uid
    assert (
        provider.observe(Action(kind="aws.deactivate_access_key", target=events[0].refs[0]))["status"]
        == "Active"
    )
    assert drain(provider) == [], "what is acknowledged does not come back"


def test_what_is_not_acknowledged_comes_back(make: Make, aws: AwsEmulator, key: LeakyKey) -> None:
    from datetime import timedelta

    events = aws.settings().events.model_copy(update={"visibility": timedelta(seconds=1)})
    provider = make({"events": events})
    drain(provider)
    leak_access_key_event(aws.endpoint, key, at=AT)
    (source,) = provider.event_sources()
    (first,) = source.receive(0)
    again: list[Any] = []
    while not again:
        again = source.receive(1)
    assert again[0].id == first.id
    assert again[0].body == first.body
    source.acknowledge(again[0])
    assert source.name == "sqs:watchstander-events"


def test_a_change_reported_by_cloudtrail(provider: AwsProvider, aws: AwsEmulator) -> None:
    drain(provider)
    record = {
        "eventID": "e1",
        "eventName": "PutBucketLogging",
        "eventSource": "s3.amazonaws.com",
        "eventTime": "2026-03-01T12:00:00Z",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
        "requestParameters": {"bucketName": "b"},
    }
    put_event(aws.endpoint, source="aws.s3", detail_type="AWS API Call via CloudTrail", detail=record, at=AT)
    (event,) = drain(provider)
    assert event.kind is EventKind.CHANGE
    assert event.refs[0].uid == "arn:aws:s3:::b"


def test_without_a_queue_there_is_no_source(make: Make) -> None:
    from config.clouds import AwsEvents

    assert make({"events": AwsEvents()}).event_sources() == ()


def test_drift_appears(provider: AwsProvider, aws: AwsEmulator, door: Door) -> None:
    account, bucket = aws.estate.drifting_bucket
    ref = ResourceRef(
        provider="aws",
        account=account,
        region="us-east-1",
        type="aws.s3_bucket",
        uid=f"arn:aws:s3:::{bucket}",
    )
    logging = {"TargetBucket": "production-logs", "TargetPrefix": f"{bucket}/"}
    restored = {"LoggingEnabled": logging}
    door.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus=restored)
    before = provider.reread(ref)
    assert before.document["Logging"] == logging
    assert introduce_drift(aws.endpoint, aws.estate) == ref.uid
    after = provider.reread(ref)
    assert after.document["Logging"] is None
    door.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus=restored)
    assert provider.reread(ref) == before
