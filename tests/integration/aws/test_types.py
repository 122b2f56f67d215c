"""Every declared type beyond the sandbox's estate, read from moto: one sample each, read again to the same document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from beside import loaded

from providers.aws.catalog import catalog
from providers.aws.provider import AwsProvider
from providers.errors import Gone
from providers.normalise import encode
from providers.provider import Selection
from providers.resource import GLOBAL, Coverage, CoverageStatus, Resource, ResourceRef, Scope
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.door import Door, enter
from providers.sandbox.aws.estate import TYPES
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AwsProvider]


SAMPLES = loaded(Path(__file__).with_name("samples.py"))
REGION: str = SAMPLES.REGION

NOT_DONE = {
    "aws.accessanalyzer_analyzer",
    "aws.amplify_app",
    "aws.apprunner_service",
    "aws.codecommit_repository",
    "aws.detective_graph",
    "aws.ec2_client_vpn_endpoint",
    "aws.ec2_instance_connect_endpoint",
    "aws.ecrpublic_repository",
    "aws.globalaccelerator_accelerator",
    "aws.lightsail_bucket",
    "aws.lightsail_database",
    "aws.lightsail_instance",
    "aws.networkfirewall_firewall_policy",
    "aws.redshiftserverless_namespace",
    "aws.redshiftserverless_workgroup",
    "aws.ssm_managed_instance",
}
"""moto does not know the listing: unavailable, and never an empty one."""
NONE_MADE = {
    "aws.batch_compute_environment",
    "aws.codepipeline",
    "aws.route53domains_registered_domain",
    "aws.shield_protection",
    "aws.vpc_endpoint_service",
    "aws.workspaces_directory",
    "aws.workspaces_workspace",
}
"""Listed, and truly empty: one of these costs more to make than it tells."""
LACKS = {
    "aws.backup_plan": {"Selections"},
    "aws.backup_vault": {"Policy"},
    "aws.cognito_identity_pool": {"Roles"},
    "aws.config_delivery_channel": {"Status"},
    "aws.ec2_settings": {call.into for call in catalog()["aws.ec2_settings"].details},
    "aws.elastic_beanstalk_environment": {"Settings"},
    "aws.iam_instance_profile": {"Tags"},
    "aws.lambda_function": {"Urls"},
    "aws.macie2_account": {"AutomatedDiscovery", "Export"},
    "aws.sagemaker_domain": {"Tags"},
    "aws.securityhub_account": {"Standards", "Tags"},
    "aws.ssm_settings": {"PublicSharing", "AutomationLogs"},
    "aws.xray_encryption_config": {"Encryption"},
}
"""Detail calls that moto does not know: the fields are unread."""
STRANGE = {"aws.dx_connection", "aws.mq_broker", "aws.msk_cluster", "aws.ssm_parameter"}
"""moto gives these other ARNs than AWS does, or none."""
NAMES = sorted(catalog().keys() - set(TYPES))

Read = dict[str, tuple[list[Resource], Coverage]]


@pytest.fixture(scope="session")
def made(aws_sandbox: AwsEmulator) -> None:
    """One of each, made once: a worker may come back to this module, and the emulator keeps what it has."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_sandbox.environment().items():
            patch.setenv(name, value)
        door = enter(aws_sandbox.endpoint)
        maker = SAMPLES.Maker(door)
        for make in SAMPLES.MAKERS.values():
            make(maker)
        door.close()


@pytest.fixture(scope="module")
def door(aws_sandbox: AwsEmulator, made: None) -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_sandbox.environment().items():
            patch.setenv(name, value)
        door = enter(aws_sandbox.endpoint)
        yield door
        door.close()


@pytest.fixture(scope="module")
def reader(aws_sandbox: AwsEmulator, door: Door) -> Iterator[AwsProvider]:
    settings = aws_sandbox.settings().model_copy(update={"types": (), "regions": (REGION,)})
    provider = AwsProvider(settings, clock=lambda: datetime.now(UTC), attempts=1)
    yield provider
    provider.close()


def scope_of(name: str, door: Door) -> Scope:
    return Scope("aws", door.account, catalog()[name].scope_region(REGION), name)


@pytest.fixture(scope="module")
def everything(reader: AwsProvider, door: Door) -> Read:
    found: Read = {}
    for name in NAMES:
        reading = reader.read(scope_of(name, door))
        resources = list(reading)
        found[name] = resources, reading.coverage
    return found


def one(everything: Read, name: str) -> Resource:
    (found,), _ = everything[name]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_each_type(name: str, everything: Read, reader: AwsProvider) -> None:
    resources, coverage = everything[name]
    if name in NOT_DONE:
        assert resources == []
        assert coverage.status is CoverageStatus.UNAVAILABLE
        return
    if name == "aws.ssm_parameter":
        assert coverage.status is CoverageStatus.PARTIAL, "an item without an ARN is not read over"
        return
    assert coverage.status is CoverageStatus.COMPLETE, coverage
    assert bool(resources) == (name not in NONE_MADE)
    for resource in resources:
        assert set(resource.unread) == LACKS.get(name, set())
        assert coverage.scope.covers(resource.ref)
    assert len({resource.uid for resource in resources}) == len(resources)
    if name in STRANGE:
        return
    for resource in resources[:2]:
        again = reader.reread(resource.ref)
        assert encode(again.document) == encode(resource.document)
        assert again == resource


@pytest.mark.parametrize(
    "name",
    [
        "aws.sqs_queue",
        "aws.sns_topic",
        "aws.lambda_function",
        "aws.dynamodb_table",
        "aws.cloudwatch_log_group",
        "aws.autoscaling_group",
        "aws.ecs_service",
        "aws.iam_openid_connect_provider",
        "aws.guardduty_detector",
        "aws.secretsmanager_secret",
    ],
)
def test_what_is_gone_is_gone(name: str, everything: Read, reader: AwsProvider) -> None:
    ref = everything[name][0][0].ref
    with pytest.raises(Gone):
        reader.reread(
            ResourceRef(
                provider="aws", account=ref.account, region=ref.region, type=name, uid=f"{ref.uid[:-1]}0"
            )
        )


def test_policies_are_given_parsed(everything: Read) -> None:
    for name, path in (
        ("aws.ecr_repository", ("Policy",)),
        ("aws.secretsmanager_secret", ("Policy",)),
        ("aws.efs_file_system", ("Policy",)),
        ("aws.vpc_endpoint", ("PolicyDocument",)),
        ("aws.sqs_queue", ("Attributes", "Policy")),
        ("aws.cloudwatch_log_resource_policy", ("policyDocument",)),
    ):
        policy: object = one(everything, name).document
        for key in path:
            assert isinstance(policy, dict)
            policy = policy[key]
        assert isinstance(policy, dict), name
        assert policy["Statement"][0]["Principal"] == "*", name
    function = one(everything, "aws.lambda_function").document["Policy"]
    assert function["Statement"][0]["Action"] == "lambda:InvokeFunction"


def test_secrets_that_listings_tell_are_not_kept(everything: Read) -> None:
    kept = b"".join(encode(r.document) for resources, _ in everything.values() for r in resources)
    for word in (b'"UserData":"', b"PreSharedKey", b"CustomerGatewayConfiguration", b"do-not-keep"):
        assert word not in kept, word
    assert everything["aws.vpn_connection"][0], "there was one to tell"


def test_what_can_be_asked_together_is(
    everything: Read, reader: AwsProvider, door: Door, aws_sandbox: AwsEmulator
) -> None:
    """A page of five target groups is one call for their tags, six domains are two calls, two clusters one."""
    for name, call, count, calls in (
        ("aws.lb_target_group", "elbv2:DescribeTags", 25, 5),
        ("aws.opensearch_domain", "opensearch:DescribeDomains", 6, 2),
        ("aws.ecs_cluster", "ecs:DescribeClusters", 2, 1),
    ):
        before = aws_sandbox.calls[call]
        assert len(list(reader.read(scope_of(name, door)))) == count
        assert aws_sandbox.calls[call] - before == calls
    groups = everything["aws.lb_target_group"][0]
    assert {r.name: r.tags["number"] for r in groups} == {f"sample-{n}": str(n) for n in range(25)}
    assert {r.tags["a"] for r in everything["aws.ecs_cluster"][0]} == {"one", "two"}


@pytest.mark.parametrize(
    ("kind", "unread"), [(FaultKind.DENIED, 5), (FaultKind.THROTTLED, 5), (FaultKind.ERROR, 0)]
)
def test_a_batch_that_fails(
    kind: FaultKind, unread: int, reader: AwsProvider, door: Door, aws: AwsEmulator
) -> None:
    """One item may be what a call for many fails for: each is then asked about alone. A denial is not asked again."""
    aws.faults.add(Fault(kind=kind, service="elbv2", operation="DescribeTags", times=1))
    reading = reader.read(scope_of("aws.lb_target_group", door))
    found = list(reading)
    assert len(found) == 25
    assert sum("Tags" in resource.unread for resource in found) == unread
    assert all(resource.tags for resource in found if not resource.unread)
    assert reading.coverage.details_unread == unread


def test_not_subscribed_is_neither_none_nor_denied(reader: AwsProvider, door: Door) -> None:
    reading = reader.read(Scope("aws", door.account, "us-west-1", "aws.securityhub_account"))
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.NOT_ENABLED
    assert "not subscribed" in (reading.coverage.cause or "")


def test_the_credential_report_is_one_call(everything: Read, aws_sandbox: AwsEmulator) -> None:
    rows = everything["aws.iam_credentials"][0]
    assert {"ci-deployer", "auditor"} <= {row.name for row in rows}
    assert {row.document["mfa_active"] for row in rows} == {"false"}
    assert aws_sandbox.calls["iam:GenerateCredentialReport"] == 1


def test_the_organisation_is_read_in_our_own_account_only(
    everything: Read, reader: AwsProvider, door: Door
) -> None:
    found = reader.discover(Selection(types=frozenset({"aws.organizations_*"}))).scopes
    assert {(scope.account, scope.region) for scope in found} == {(door.account, GLOBAL)}
    assert len(everything["aws.organizations_account"][0]) == 3
    assert everything["aws.organizations_service_control_policy"][0]


def test_without_an_organisation_there_is_nothing_to_read_of_it(make: Make, aws: AwsEmulator) -> None:
    accounts = aws.settings().accounts.model_copy(update={"discover": "none"})
    found = make({"types": (), "accounts": accounts}).discover(Selection()).scopes
    assert not any(scope.type.startswith("aws.organizations_") for scope in found)
    assert {scope.type for scope in found} == {n for n in catalog() if not n.startswith("aws.organizations_")}
