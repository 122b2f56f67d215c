"""Who did it, by CloudTrail: through boto3, from an event history that speaks the service's own wire format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from providers.aws.arns import Where, ref_of_name
from providers.aws.provider import AwsProvider
from providers.errors import Denied, Refused
from providers.resource import ResourceRef
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.cloudtrail import Done
from providers.sandbox.aws.door import Door, enter
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


@pytest.fixture
def kim(aws: AwsEmulator, account: str) -> Iterator[Door]:
    """Somebody who changes things in the account, as anybody would: by boto3."""
    door = enter(aws.endpoint, account)
    door.caller = "kim"
    yield door
    door.close()


def by_kim(provider: AwsProvider, account: str, type_: str, uid: str, region: str = "eu-west-1") -> list[str]:
    """What was done to a resource; that it was kim."""
    now = datetime.now(UTC)
    found = list(provider.deeds(ref(account, type_, uid, region), now - 10 * MINUTE, now + MINUTE))
    assert {deed.actor for deed in found} <= {f"arn:aws:iam::{account}:user/kim"}
    return sorted(deed.operation for deed in found)


def test_the_sandbox_records_security_groups(provider: AwsProvider, account: str, kim: Door) -> None:
    ec2 = kim.client("ec2", "eu-west-1")
    one, other = (ec2.create_security_group(GroupName=name, Description="d")["GroupId"] for name in "ab")
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[rule])
    ec2.describe_security_groups(GroupIds=[one])
    for group in (one, other):
        ec2.delete_security_group(GroupId=group)
    arn = f"arn:aws:ec2:eu-west-1:{account}:security-group/"
    assert by_kim(provider, account, "aws.security_group", arn + one) == [
        "AuthorizeSecurityGroupIngress",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
    ]
    assert "AuthorizeSecurityGroupIngress" not in by_kim(provider, account, "aws.security_group", arn + other)


def test_the_sandbox_records_identities(provider: AwsProvider, account: str, kim: Door) -> None:
    """Called anywhere, recorded at home; a key's changes are the user's too; a role of the same name is another."""
    iam = kim.client("iam", "eu-west-1")
    nothing = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
    iam.create_user(UserName="lee")
    key = iam.create_access_key(UserName="lee")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="lee", AccessKeyId=key, Status="Inactive")
    iam.create_role(RoleName="lee", AssumeRolePolicyDocument="{}")
    policy = iam.create_policy(PolicyName="mine", PolicyDocument=nothing)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="lee", PolicyArn=policy)
    iam.get_role(RoleName="lee")
    iam.detach_role_policy(RoleName="lee", PolicyArn=policy)
    iam.delete_policy(PolicyArn=policy)
    iam.delete_role(RoleName="lee")
    iam.delete_access_key(UserName="lee", AccessKeyId=key)
    iam.delete_user(UserName="lee")
    keys = ["CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"]
    start = f"arn:aws:iam::{account}:"
    user = by_kim(provider, account, "aws.iam_user", f"{start}user/lee", "global")
    assert user == sorted([*keys, "CreateUser", "DeleteUser"])
    held = ref_of_name(
        "aws.iam_access_key", {"UserName": "lee", "AccessKeyId": key}, Where(account, "global")
    )
    assert held is not None
    assert by_kim(provider, account, "aws.iam_access_key", held.uid, "global") == keys
    attaching = ["AttachRolePolicy", "DetachRolePolicy"]
    role = by_kim(provider, account, "aws.iam_role", f"{start}role/lee", "global")
    assert role == sorted([*attaching, "CreateRole", "DeleteRole"])
    assert by_kim(provider, account, "aws.iam_policy", policy, "global") == sorted(
        [*attaching, "CreatePolicy", "DeletePolicy"]
    )


def test_the_sandbox_records_keys_databases_and_trails(
    provider: AwsProvider, account: str, kim: Door
) -> None:
    kms, rds, trails = (kim.client(service, "eu-west-1") for service in ("kms", "rds", "cloudtrail"))
    key = kms.create_key()["KeyMetadata"]
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"p")
    kms.enable_key_rotation(KeyId=key["Arn"])
    kms.disable_key(KeyId=key["KeyId"])
    rds.create_db_instance(
        DBInstanceIdentifier="kims",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        MasterUsername="kim",
        MasterUserPassword="only-in-the-sandbox",
        AllocatedStorage=20,
    )
    rds.modify_db_instance(DBInstanceIdentifier="kims", PubliclyAccessible=True)
    rds.delete_db_instance(DBInstanceIdentifier="kims", SkipFinalSnapshot=True)
    kim.client("s3", "eu-west-1").create_bucket(
        Bucket="kims-trail", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    trail = trails.create_trail(Name="kims", S3BucketName="kims-trail")["TrailARN"]
    trails.start_logging(Name=trail)
    trails.stop_logging(Name="kims")
    trails.delete_trail(Name="kims")
    kim.client("s3", "eu-west-1").delete_bucket(Bucket="kims-trail")
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    database = f"arn:aws:rds:eu-west-1:{account}:db:kims"
    assert by_kim(provider, account, "aws.kms_key", key["Arn"]) == [
        "CreateKey",
        "DisableKey",
        "EnableKeyRotation",
        "ScheduleKeyDeletion",
    ]
    assert by_kim(provider, account, "aws.db_instance", database) == [
        "CreateDBInstance",
        "DeleteDBInstance",
        "ModifyDBInstance",
    ]
    assert by_kim(provider, account, "aws.cloudtrail", trail) == [
        "CreateTrail",
        "DeleteTrail",
        "StartLogging",
        "StopLogging",
    ]
    page = trails.lookup_events()["Events"]
    assert "only-in-the-sandbox" not in str(page)


def test_the_sandbox_records_no_failure(provider: AwsProvider, account: str, kim: Door) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        kim.client("iam").delete_user(UserName="nobody")
    assert by_kim(provider, account, "aws.iam_user", f"arn:aws:iam::{account}:user/nobody", "global") == []
