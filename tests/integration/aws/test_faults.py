"""Clouds fail: each way of failing gives its coverage, the other scopes stay whole, and nothing unread looks absent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from providers.aws.provider import AwsProvider
from providers.errors import Denied, Gone, ProviderError, Throttled, Unavailable
from providers.provider import Selection
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.faults import Fault, FaultKind
from providers.terraform import AbsentBlock

Make = Callable[..., AwsProvider]


@pytest.fixture(scope="module")
def warm(aws_sandbox: AwsEmulator) -> Iterator[AwsProvider]:
    """One provider with its clients made; it does not retry, and waits two seconds for an answer."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_sandbox.environment().items():
            patch.setenv(name, value)
        settings = aws_sandbox.settings()
        budget = settings.budget.model_copy(update={"call_timeout": timedelta(seconds=4)})
        provider = AwsProvider(
            settings.model_copy(update={"budget": budget}), clock=lambda: datetime.now(UTC), attempts=1
        )
        provider.discover(Selection())
        yield provider
        provider.close()


def read(provider: AwsProvider, scope: Scope) -> tuple[list[Resource], Coverage]:
    reading = provider.read(scope)
    return list(reading), reading.coverage


def scope(account: str, type_name: str, region: str = "us-east-1") -> Scope:
    return Scope("aws", account, region, type_name)


FAILURES = [
    (FaultKind.DENIED, CoverageStatus.DENIED),
    (FaultKind.THROTTLED, CoverageStatus.THROTTLED),
    (FaultKind.ERROR, CoverageStatus.UNAVAILABLE),
    (FaultKind.HTML, CoverageStatus.UNAVAILABLE),
    (FaultKind.TIMEOUT, CoverageStatus.TIMED_OUT),
    (FaultKind.EXPIRED, CoverageStatus.EXPIRED),
    (FaultKind.RESET, CoverageStatus.UNAVAILABLE),
]
LISTINGS = [
    ("aws.ebs_volume", "DescribeVolumes", "us-east-1"),
    ("aws.elb", "DescribeLoadBalancers", "us-east-1"),
    ("aws.kms_key", "ListKeys", "us-east-1"),
    ("aws.s3_bucket", "ListBuckets", "*"),
]


@pytest.mark.parametrize(
    ("kind", "status", "type_name", "operation", "region"),
    [
        pytest.param(*failure, *listing, id=f"{failure[0]}-{listing[1]}")
        for failure in FAILURES
        for listing in LISTINGS
        # Waiting takes seconds, and is the same over every protocol.
        if failure[0] is not FaultKind.TIMEOUT or listing[0] == "aws.elb"
    ],
)
def test_a_failed_listing(
    warm: AwsProvider,
    aws: AwsEmulator,
    account: str,
    kind: FaultKind,
    status: CoverageStatus,
    type_name: str,
    operation: str,
    region: str,
) -> None:
    """Over each wire protocol: EC2, query, JSON and REST-XML."""
    aws.faults.add(Fault(kind=kind, account=account, region="us-east-1", operation=operation))
    resources, coverage = read(warm, scope(account, type_name, region))
    assert resources == []
    assert coverage.status is status, coverage
    assert not coverage.complete
    assert coverage.cause
    assert operation in coverage.cause
    if kind is FaultKind.DENIED:
        assert coverage.permission


def test_the_others_are_read_whole(warm: AwsProvider, aws: AwsEmulator, account: str) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, account=account, region="us-east-1", service="ec2"))
    denied, coverage = read(warm, scope(account, "aws.security_group"))
    assert (denied, coverage.status) == ([], CoverageStatus.DENIED)
    for other in (
        scope(account, "aws.security_group", "eu-west-1"),
        scope(account, "aws.kms_key"),
        scope("123456789012", "aws.security_group"),
    ):
        resources, coverage = read(warm, other)
        assert resources
        assert coverage.complete


@pytest.mark.parametrize("type_name", ["aws.subnet", "aws.security_group", "aws.iam_access_key"])
def test_half_a_page_is_partial(warm: AwsProvider, aws: AwsEmulator, account: str, type_name: str) -> None:
    region = "global" if type_name == "aws.iam_access_key" else "us-east-1"
    whole, coverage = read(warm, scope(account, type_name, region))
    assert coverage.complete
    operation = {"aws.subnet": "DescribeSubnets", "aws.security_group": "DescribeSecurityGroups"}.get(
        type_name, "ListUsers"
    )
    aws.faults.add(Fault(kind=FaultKind.TRUNCATED, account=account, operation=operation))
    half, coverage = read(warm, scope(account, type_name, region))
    assert 0 < len(half) < len(whole)
    assert coverage.status is CoverageStatus.PARTIAL
    assert coverage.read == len(half)
    by_uid = {resource.uid: resource for resource in whole}
    assert all(by_uid[resource.uid] == resource for resource in half), "what did come is as good as ever"


def test_a_failed_second_page_is_partial(warm: AwsProvider, aws: AwsEmulator, account: str) -> None:
    faults = iter([False, True])

    class Second(Fault):
        """Strikes the second call only."""

        def strikes(self, call: Any) -> bool:
            return bool(
                call.operation == "DescribeSubnets" and call.account == account and next(faults, True)
            )

    aws.faults.add(Second(kind=FaultKind.THROTTLED))
    resources, coverage = read(warm, scope(account, "aws.subnet"))
    assert len(resources) == 5
    assert coverage.status is CoverageStatus.PARTIAL
    assert "RequestLimitExceeded" in (coverage.cause or "")


def test_one_parent_that_cannot_be_read(warm: AwsProvider, aws: AwsEmulator, account: str) -> None:
    """One user's keys are denied: the others' are read, and the scope is not complete."""
    aws.faults.add(
        Fault(kind=FaultKind.DENIED, account=account, operation="ListAccessKeys", resource="auditor")
    )
    resources, coverage = read(warm, scope(account, "aws.iam_access_key", "global"))
    assert {resource.document["UserName"] for resource in resources} >= {"ci-deployer", "break-glass-admin"}
    assert "auditor" not in {resource.document["UserName"] for resource in resources}
    assert coverage.status is CoverageStatus.PARTIAL
    assert coverage.permission == "iam:ListAccessKeys"


@pytest.mark.parametrize(
    "kind", [FaultKind.DENIED, FaultKind.THROTTLED, FaultKind.ERROR, FaultKind.HTML, FaultKind.RESET]
)
def test_a_failed_detail_is_unread_and_never_absent(
    warm: AwsProvider, aws: AwsEmulator, account: str, kind: FaultKind
) -> None:
    """The tags, the logging and the policy of one bucket cannot be read; the list and the others can."""
    bucket = "production-orders"
    for operation in ("GetBucketLogging", "GetBucketTagging", "GetBucketPolicy"):
        aws.faults.add(Fault(kind=kind, operation=operation, resource=bucket))
    resources, coverage = read(warm, scope(account, "aws.s3_bucket", "*"))
    assert coverage.complete
    assert coverage.details_unread == 1
    (struck,) = [resource for resource in resources if resource.unread]
    assert struck.name == bucket
    assert struck.unread.keys() == {"Logging", "Tags", "Policy", "PolicyStatus"}
    assert "not asked, since Policy could not be read" in struck.unread["PolicyStatus"]
    assert not struck.document.keys() & struck.unread.keys()
    view = warm.terraform(struck)
    assert view is not None
    assert {"logging", "tags", "policy"} <= view.unread.keys()
    assert "logging" not in view.render(AbsentBlock.NULL)
    assert view.attributes["bucket"] == bucket


def test_a_condition_that_could_not_be_read_is_not_false(
    warm: AwsProvider, aws: AwsEmulator, account: str
) -> None:
    """Whether a key can rotate hangs on DescribeKey: without it rotation is unread, not 'does not rotate'."""
    aws.faults.add(Fault(kind=FaultKind.ERROR, account=account, operation="DescribeKey"))
    resources, coverage = read(warm, scope(account, "aws.kms_key"))
    assert coverage.complete
    for resource in resources:
        assert {"Metadata", "KeyRotationEnabled"} <= resource.unread.keys()
        view = warm.terraform(resource)
        assert view is not None
        assert "enable_key_rotation" in view.unread


def test_absent_is_told_from_denied(warm: AwsProvider, account: str) -> None:
    resources, _ = read(warm, scope(account, "aws.s3_bucket", "*"))
    plain = next(resource for resource in resources if resource.name == "production-plain")
    for field in ("Logging", "Encryption", "Policy", "PolicyStatus", "PublicAccessBlock", "Website"):
        assert plain.document[field] is None


@pytest.mark.parametrize("kind", [FaultKind.DENIED, FaultKind.ERROR, FaultKind.THROTTLED, FaultKind.HTML])
def test_rereading_fails_rather_than_calls_it_gone(
    warm: AwsProvider, aws: AwsEmulator, account: str, kind: FaultKind
) -> None:
    kinds: dict[FaultKind, type[ProviderError]] = {
        FaultKind.DENIED: Denied,
        FaultKind.ERROR: Unavailable,
        FaultKind.THROTTLED: Throttled,
        FaultKind.HTML: Unavailable,
    }
    aws.faults.add(Fault(kind=kind, operation="GetBucketLocation"))
    ref = ResourceRef(
        provider="aws",
        account=account,
        region="us-east-1",
        type="aws.s3_bucket",
        uid="arn:aws:s3:::production-orders",
    )
    with pytest.raises(kinds[kind]) as caught:
        warm.reread(ref)
    assert not isinstance(caught.value, Gone)


def test_throttling_lowers_the_rate_of_that_service_only(
    warm: AwsProvider, aws: AwsEmulator, account: str
) -> None:
    aws.faults.add(Fault(kind=FaultKind.THROTTLED, account=account, service="rds", times=1))
    read(warm, scope(account, "aws.db_instance"))
    rates = warm.sessions.budgets.rates()
    assert rates[account, "rds"] < 1000
    assert rates["123456789012", "rds"] == 1000 if ("123456789012", "rds") in rates else True


def test_a_throttled_call_is_tried_again(make: Make, aws: AwsEmulator, account: str) -> None:
    provider = make(attempts=2)
    aws.faults.add(Fault(kind=FaultKind.THROTTLED, account=account, operation="DescribeVolumes", times=1))
    resources, coverage = read(provider, scope(account, "aws.ebs_volume"))
    assert resources
    assert coverage.complete


def test_a_slow_answer_is_an_answer(warm: AwsProvider, aws: AwsEmulator, account: str) -> None:
    aws.faults.add(Fault(kind=FaultKind.SLOW, operation="DescribeVolumes", delay=0.2))
    resources, coverage = read(warm, scope(account, "aws.ebs_volume"))
    assert resources
    assert coverage.complete


def test_the_deadline_of_a_scope(make: Make, account: str) -> None:
    """The clock moves ten seconds each time anybody looks: a scope with a minute does not get far."""
    ticks = count(start=0, step=10)
    provider = make(budget={"scope_deadline": timedelta(minutes=1)}, monotonic=lambda: float(next(ticks)))
    resources, coverage = read(provider, scope(account, "aws.subnet"))
    assert coverage.status is CoverageStatus.TIMED_OUT
    assert "deadline" in (coverage.cause or "")
    assert len(resources) < 9


@pytest.fixture
def late(aws: AwsEmulator) -> Iterator[Callable[[timedelta], None]]:
    """Lets time pass at the emulated AWS."""

    def pass_time(much: timedelta) -> None:
        aws.ahead += much

    yield pass_time
    aws.ahead = timedelta()


def test_credentials_are_renewed_before_they_end(
    make: Make, aws: AwsEmulator, account: str, late: Callable[[timedelta], None]
) -> None:
    """A cycle of 61 minutes: the sandbox refuses an ended session, and the role is assumed again in time."""
    provider = make(clock=lambda: datetime.now(UTC) + aws.ahead)
    assert read(provider, scope(account, "aws.ebs_volume"))[1].complete
    assumed = aws.calls["sts:AssumeRole"]
    late(timedelta(minutes=30))
    assert read(provider, scope(account, "aws.ebs_volume"))[1].complete
    assert aws.calls["sts:AssumeRole"] == assumed, "a session is used as long as it is good"
    late(timedelta(minutes=31))
    assert read(provider, scope(account, "aws.ebs_volume"))[1].complete
    assert aws.calls["sts:AssumeRole"] == assumed + 1


def test_a_session_that_ended_is_refused(
    make: Make, aws: AwsEmulator, account: str, late: Callable[[timedelta], None]
) -> None:
    """A machine whose clock stands still does not renew, and the coverage says what happened."""
    still = datetime.now(UTC)
    provider = make(clock=lambda: still)
    assert read(provider, scope(account, "aws.ebs_volume"))[1].complete
    late(timedelta(minutes=61))
    resources, coverage = read(provider, scope(account, "aws.ebs_volume"))
    assert (resources, coverage.status) == ([], CoverageStatus.EXPIRED)


def test_a_clock_that_is_far_off(make: Make, account: str) -> None:
    provider = make(clock=lambda: datetime.now(UTC) + timedelta(hours=3))
    resources, coverage = read(provider, scope(account, "aws.ebs_volume"))
    assert (resources, coverage.status) == ([], CoverageStatus.EXPIRED)
    assert "expired when they came" in (coverage.cause or "")


def test_credentials_that_cannot_be_renewed(make: Make, aws: AwsEmulator, account: str) -> None:
    offset = timedelta()
    provider = make(clock=lambda: datetime.now(UTC) + offset)
    assert read(provider, scope(account, "aws.ebs_volume"))[1].complete
    aws.faults.add(Fault(kind=FaultKind.EXPIRED, operation="AssumeRole"))
    offset = timedelta(minutes=61)
    resources, coverage = read(provider, scope(account, "aws.ebs_volume"))
    assert resources == []
    assert coverage.status is CoverageStatus.EXPIRED
    assert "Cannot enter with" in (coverage.cause or "")


def test_a_policy_nested_too_deep_costs_its_field_only(
    warm: AwsProvider, aws: AwsEmulator, account: str
) -> None:
    from providers.sandbox.aws.door import enter

    door = enter(aws.endpoint, account)
    s3 = door.client("s3")
    s3.create_bucket(Bucket="deep-policy")
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    s3.put_bucket_policy(
        Bucket="deep-policy", Policy=json.dumps({"Version": "2012-10-17", "Statement": [], "Id": deep})
    )
    try:
        resource = warm.reread(
            ResourceRef(
                provider="aws",
                account=account,
                region="us-east-1",
                type="aws.s3_bucket",
                uid="arn:aws:s3:::deep-policy",
            )
        )
    finally:
        s3.delete_bucket(Bucket="deep-policy")
        door.close()
    assert "nested deeper" in resource.unread["Policy"]
    assert resource.document["Logging"] is None


# The control over HTTP


def control(aws: AwsEmulator, method: str, body: Any = None) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = Request(f"{aws.endpoint}/_sandbox/faults", data=data, method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_faults_over_http(warm: AwsProvider, aws: AwsEmulator, account: str) -> None:
    status, body = control(aws, "POST", {"kind": "denied", "service": "rds", "account": account})
    assert status == 200
    assert body["faults"][0]["kind"] == "denied"
    assert read(warm, scope(account, "aws.db_instance"))[1].status is CoverageStatus.DENIED
    assert control(aws, "GET")[1]["faults"]
    assert control(aws, "DELETE") == (200, {"faults": []})
    assert read(warm, scope(account, "aws.db_instance"))[1].complete


@pytest.mark.parametrize(
    "body", [{"kind": "unheard-of"}, {"service": "s3"}, [], {"kind": "denied", "colour": "red"}]
)
def test_what_is_no_fault_is_refused(aws: AwsEmulator, body: Any) -> None:
    status, answer = control(aws, "POST", body)
    assert status == 400
    assert "throttled" in answer["kinds"]
    assert aws.faults.planned() == ()
