"""Who did it, by CloudTrail: through boto3, from an event history that speaks the service's own wire format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from providers.aws.provider import AwsProvider
from providers.errors import Denied, Refused
from providers.resource import ResourceRef
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.cloudtrail import Done
from providers.sandbox.faults import Fault, FaultKind

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=17)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def empty(aws: AwsEmulator) -> Iterator[None]:
    aws.event_history.clear()
    yield
    aws.event_history.clear()


def ref(account: str, type_: str, uid: str, region: str = "eu-west-1") -> ResourceRef:
    return ResourceRef(provider="aws", account=account, region=region, type=type_, uid=uid)


def put_policy(user: str, at: datetime, bucket: str = "drifting", **more: object) -> Done:
    values = {
        "source": "s3.amazonaws.com",
        "name": "PutBucketPolicy",
        "at": at,
        "user": user,
        "resources": [("AWS::S3::Bucket", bucket)],
        "parameters": {"bucketName": bucket},
    }
    return Done(**{**values, **more})  # type: ignore[arg-type]


def test_it_names_who_when_and_from_where(provider: AwsProvider, aws: AwsEmulator, account: str) -> None:
    bucket = ref(account, "aws.s3_bucket", "arn:aws:s3:::drifting")
    record = aws.event_history.record
    first = record(account, "eu-west-1", put_policy("eve", SINCE + 3 * MINUTE, request_id="R1"))
    second = record(account, "eu-west-1", put_policy("bob", SINCE + 5 * MINUTE))
    # What changed nothing, is of another time, bucket, region or account.
    record(
        account, "eu-west-1", put_policy("reader", SINCE + 4 * MINUTE, name="GetBucketPolicy", read_only=True)
    )
    record(account, "eu-west-1", put_policy("refused", SINCE + 4 * MINUTE, error="AccessDenied"))
    record(account, "eu-west-1", put_policy("early", SINCE))
    record(account, "eu-west-1", put_policy("late", UNTIL + MINUTE))
    record(account, "eu-west-1", put_policy("elsewhere", SINCE + 4 * MINUTE, "drifting-too"))
    record(account, "us-east-1", put_policy("far", SINCE + 4 * MINUTE))
    found = list(provider.deeds(bucket, SINCE, UNTIL))
    assert [deed.id for deed in found] == [f"cloudtrail:{first}", f"cloudtrail:{second}"]
    eve = found[0]
    assert (eve.actor, eve.operation, eve.at) == (
        f"arn:aws:iam::{account}:user/eve",
        "PutBucketPolicy",
        SINCE + 3 * MINUTE,
    )
    assert (eve.request_id, eve.source_ip, eve.user_agent) == ("R1", "198.51.100.7", "aws-cli/2.17")


def test_all_pages_are_read(provider: AwsProvider, aws: AwsEmulator, account: str) -> None:
    for n in range(120):
        aws.event_history.record(account, "eu-west-1", put_policy(f"u{n}", SINCE + timedelta(seconds=n + 1)))
    bucket = ref(account, "aws.s3_bucket", "arn:aws:s3:::drifting")
    found = list(provider.deeds(bucket, SINCE, UNTIL))
    assert [deed.actor.rpartition("/")[2] for deed in found if deed.actor] == [f"u{n}" for n in range(120)]


def test_a_shared_name_is_no_proof(provider: AwsProvider, aws: AwsEmulator, account: str) -> None:
    """A user and a role may have one name; so may a function and whatever else its service has."""
    at = SINCE + MINUTE
    role = Done(
        source="iam.amazonaws.com",
        name="UpdateRole",
        at=at,
        user="eve",
        resources=[("AWS::IAM::Role", "deploy")],
        parameters={"roleName": "deploy"},
    )
    aws.event_history.record(account, "us-east-1", role)
    user = ref(account, "aws.iam_user", f"arn:aws:iam::{account}:user/deploy", "global")
    assert list(provider.deeds(user, SINCE, UNTIL)) == []
    found = ref(account, "aws.iam_role", f"arn:aws:iam::{account}:role/deploy", "global")
    assert [deed.operation for deed in provider.deeds(found, SINCE, UNTIL)] == ["UpdateRole"]

    def update(kind: str, name: str) -> Done:
        return Done(
            source="lambda.amazonaws.com",
            name="Update",
            at=at,
            user=kind,
            resources=[(kind, name)],
            parameters={},
        )

    arn = f"arn:aws:lambda:eu-west-1:{account}:function:deploy"
    for kind, name in (
        ("AWS::Lambda::Function", "deploy"),
        ("AWS::Lambda::LayerVersion", "deploy"),
        ("AWS::ECS::Function", "other"),
    ):
        aws.event_history.record(account, "eu-west-1", update(kind, name))
    function = ref(account, "aws.lambda_function", arn)
    (deed,) = provider.deeds(function, SINCE, UNTIL)
    assert deed.actor == f"arn:aws:iam::{account}:user/AWS::Lambda::Function"


def test_it_is_asked_by_arn_where_the_name_tells_nothing(
    provider: AwsProvider, aws: AwsEmulator, account: str
) -> None:
    arn = f"arn:aws:kms:eu-west-1:{account}:key/1234"
    disable = Done(
        source="kms.amazonaws.com",
        name="DisableKey",
        at=SINCE + MINUTE,
        user="eve",
        resources=[("AWS::KMS::Key", arn)],
        parameters={"keyId": arn},
    )
    aws.event_history.record(account, "eu-west-1", disable)
    (deed,) = provider.deeds(ref(account, "aws.kms_key", arn), SINCE, UNTIL)
    assert deed.operation == "DisableKey"


def test_a_refusal_names_the_permission(provider: AwsProvider, aws: AwsEmulator, account: str) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, service="cloudtrail"))
    with pytest.raises(Denied) as caught:
        list(provider.deeds(ref(account, "aws.s3_bucket", "arn:aws:s3:::drifting"), SINCE, UNTIL))
    assert caught.value.permission == "cloudtrail:LookupEvents"


def test_what_has_no_name_in_the_record_says_so(provider: AwsProvider, account: str) -> None:
    root = ref(account, "aws.account", f"arn:aws:iam::{account}:root", "global")
    with pytest.raises(Refused, match="no name there"):
        list(provider.deeds(root, SINCE, UNTIL))
