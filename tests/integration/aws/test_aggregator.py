"""A whole organisation from a Config aggregator: our double speaks the service's wire format, and the documents are the describe
calls' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from botocore.validate import ParamValidator

from config.clouds import AwsSettings
from providers.aws.aggregate import aggregated
from providers.aws.catalog import catalog
from providers.aws.described import new_session
from providers.aws.provider import AwsProvider
from providers.provider import Selection
from providers.resource import Coverage, CoverageStatus, Resource, Scope
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.door import enter
from providers.sandbox.faults import Fault, FaultKind
from storage.database import Database
from storage.inventory import Inventory

Make = Callable[..., AwsProvider]
NAME = "organisation"
GROUP, VOLUME = "aws.security_group", "aws.ebs_volume"
THEIRS = {GROUP: "AWS::EC2::SecurityGroup", VOLUME: "AWS::EC2::Volume"}
SCOPE = Scope("aws", f"aggregator/{NAME}", "*", GROUP)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def beans(value: Any) -> Any:
    """Names as the Java SDK's beans have them, which is what Config serialises: ``GroupId`` is ``groupId``."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: beans(item) for key, item in value.items()}
    return [beans(item) for item in value] if isinstance(value, list) else value


def item(resource: Resource) -> dict[str, Any]:
    details = {call.into for call in catalog()[resource.ref.type].details}
    listed = {key: value for key, value in resource.document.items() if key not in details}
    tags = [{"key": k, "value": v, "tag": f"{k}={v}"} for k, v in resource.tags.items()]
    return {
        "accountId": resource.ref.account,
        "awsRegion": resource.ref.region,
        "arn": resource.uid,
        "resourceId": resource.name,
        "resourceType": THEIRS[resource.ref.type],
        "configurationItemCaptureTime": "2026-02-28T10:00:00.000Z",
        "configurationItemStatus": "OK",
        "tags": tags,
        "configuration": beans(listed),
        "supplementaryConfiguration": {},
    }


def settings(**aggregator: Any) -> dict[str, Any]:
    from config.clouds import AwsAggregator

    return {
        "types": (GROUP, VOLUME),
        "sources": ("describe", "config"),
        "aggregator": AwsAggregator(name=NAME, **aggregator),
    }


def read(provider: AwsProvider, scope: Scope = SCOPE) -> tuple[list[Resource], Coverage]:
    reading = provider.read(scope)
    return list(reading), reading.coverage


@pytest.fixture
def described(make: Make) -> list[Resource]:
    """The organisation's security groups and volumes, as the describe calls tell them."""
    provider = make({"types": (GROUP, VOLUME)})
    return [r for s in provider.discover(Selection()).scopes for r in provider.read(s)]


@pytest.fixture
def filled(aws: AwsEmulator, described: list[Resource]) -> Iterator[AwsEmulator]:
    """An aggregator that knows the same."""
    aws.aggregator.create(NAME)
    for resource in described:
        aws.aggregator.put(item(resource))
    for n, (account, region) in enumerate({(r.ref.account, r.ref.region) for r in described}):
        aws.aggregator.source(account, region, NOW + timedelta(minutes=n))
    yield aws
    aws.aggregator.clear()


def test_the_whole_organisation_is_one_listing_a_type(
    make: Make, filled: AwsEmulator, described: list[Resource]
) -> None:
    provider = make(settings())
    scopes = provider.discover(Selection()).scopes
    assert [s for s in scopes if s.account.startswith("aggregator/")] == list(scopes)
    assert [s.type for s in scopes] == [VOLUME, GROUP]
    before = filled.calls.get("config:SelectAggregateResourceConfig", 0)
    found, coverage = read(provider)
    assert coverage.complete
    assert coverage.cause == "as AWS Config's aggregator knew it at 2026-03-01T12:00:00Z"
    groups = {r.uid: r for r in described if r.ref.type == GROUP}
    assert len({r.ref.account for r in groups.values()}) > 1
    pages = -(-len(groups) // filled._page_size)
    assert filled.calls["config:SelectAggregateResourceConfig"] - before == pages
    assert {r.uid for r in found} == groups.keys()
    for resource in found:
        same = groups[resource.uid]
        assert resource.ref == same.ref
        assert resource.tags == same.tags
        assert {k: v for k, v in same.document.items() if resource.document.get(k) != v} == {}


def test_types_are_mixed_each_from_its_own_source(make: Make, filled: AwsEmulator) -> None:
    provider = make(settings(types=(GROUP,)))
    scopes = provider.discover(Selection()).scopes
    assert {s.type for s in scopes if s.account.startswith("aggregator/")} == {GROUP}
    assert {s.type for s in scopes if not s.account.startswith("aggregator/")} == {VOLUME}
    assert provider.deletion_confirmations(SCOPE) == 2
    assert {provider.deletion_confirmations(s) for s in scopes if s.type == VOLUME} == {1}
    only = provider.discover(Selection(accounts=frozenset({scopes[-1].account}))).scopes
    assert {s.account for s in only} == {scopes[-1].account}
    (named,) = provider.discover(Selection(accounts=frozenset({SCOPE.account}))).scopes
    assert named == SCOPE


def test_changing_the_source_is_no_change_of_the_estate(
    make: Make, filled: AwsEmulator, tmp_path: Any
) -> None:
    from config.settings import StorageSettings

    by_describe, by_config = make({"types": (GROUP,)}), make({**settings(), "types": (GROUP,)})
    with Database.open(StorageSettings(url=f"sqlite:///{tmp_path}/w.db")) as database:
        database.migrate()
        inventory = Inventory(database)
        for hour, provider in enumerate((by_describe, by_config, by_config, by_describe)):
            for scope in provider.discover(Selection()).scopes:
                confirmations = provider.deletion_confirmations(scope)
                recording = inventory.begin(scope, NOW + timedelta(hours=hour), confirmations=confirmations)
                reading = provider.read(scope)
                changes = recording.add(list(reading)) + recording.finish(reading.coverage)
                assert reading.coverage.complete
                assert [c for c in changes if not c.first_contact] == []
        assert inventory.count() > 0


@pytest.mark.parametrize("status", ["FAILED", "OUTDATED"])
def test_what_the_aggregator_has_lost_is_not_gone(
    make: Make, filled: AwsEmulator, described: list[Resource], status: str
) -> None:
    lost = next(r for r in described if r.ref.type == GROUP)
    for resource in described:
        if (resource.ref.account, resource.ref.region) == (lost.ref.account, lost.ref.region):
            filled.aggregator.delete(resource.uid)
    filled.aggregator.source(lost.ref.account, lost.ref.region, NOW, status, "AccessDenied")
    found, coverage = read(make(settings()))
    assert found
    assert coverage.status is CoverageStatus.PARTIAL
    where = f"{lost.ref.account}/{lost.ref.region} {status.lower()} (AccessDenied)"
    assert coverage.cause == f"the aggregator has not the newest of {where}"


def test_an_item_that_says_nothing_is_not_gone(
    make: Make, filled: AwsEmulator, described: list[Resource]
) -> None:
    first, second, third = [item(r) for r in described if r.ref.type == GROUP][:3]
    filled.aggregator.put({**first, "configuration": None})
    filled.aggregator.put({**second, "configurationItemStatus": "ResourceNotRecorded"})
    filled.aggregator.put({**third, "configurationItemStatus": "ResourceDeleted"})
    found, coverage = read(make(settings()))
    assert coverage.status is CoverageStatus.PARTIAL
    assert (
        coverage.cause == "of 2 items it cannot be told what they are: not recorded, without a configuration"
    )
    assert not {first["arn"], second["arn"], third["arn"]} & {r.uid for r in found}


def test_an_aggregator_without_sources_proves_nothing(make: Make, aws: AwsEmulator) -> None:
    aws.aggregator.create(NAME)
    try:
        found, coverage = read(make(settings()))
    finally:
        aws.aggregator.clear()
    assert (found, coverage.status) == ([], CoverageStatus.PARTIAL)
    assert "has no sources" in (coverage.cause or "")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.DENIED, CoverageStatus.DENIED),
        (FaultKind.THROTTLED, CoverageStatus.THROTTLED),
        (FaultKind.ERROR, CoverageStatus.UNAVAILABLE),
        (FaultKind.EXPIRED, CoverageStatus.EXPIRED),
        (FaultKind.TRUNCATED, CoverageStatus.PARTIAL),
    ],
)
def test_a_listing_that_fails(
    make: Make, filled: AwsEmulator, kind: FaultKind, status: CoverageStatus
) -> None:
    filled.faults.add(Fault(kind=kind, operation="SelectAggregateResourceConfig"))
    found, coverage = read(make(settings()))
    assert coverage.status is status
    assert bool(found) is (status is CoverageStatus.PARTIAL)
    if kind is FaultKind.DENIED:
        assert coverage.permission == "config:SelectAggregateResourceConfig"


def test_an_aggregator_that_is_not_there(make: Make, aws: AwsEmulator) -> None:
    found, coverage = read(make(settings()))
    assert (found, coverage.status) == ([], CoverageStatus.UNAVAILABLE)
    assert "does not exist" in (coverage.cause or "")


def test_the_double_speaks_as_the_service_does(filled: AwsEmulator) -> None:
    """Through boto3's own parser, and checked against botocore's model of the answers; so are our requests."""
    door = enter(filled.endpoint, "123456789012")
    client = door.client("config")
    asked = {
        "SelectAggregateResourceConfig": {
            "Expression": f"SELECT arn, tags WHERE resourceType = '{THEIRS[GROUP]}'",
            "ConfigurationAggregatorName": NAME,
            "Limit": 100,
        },
        "DescribeConfigurationAggregatorSourcesStatus": {"ConfigurationAggregatorName": NAME, "Limit": 100},
    }
    model = new_session().get_service_model("config")
    answers = (
        client.select_aggregate_resource_config(**asked["SelectAggregateResourceConfig"]),
        client.describe_configuration_aggregator_sources_status(
            **asked["DescribeConfigurationAggregatorSourcesStatus"]
        ),
    )
    for (name, parameters), answer in zip(asked.items(), answers, strict=True):
        answer.pop("ResponseMetadata")
        operation = model.operation_model(name)
        assert not ParamValidator().validate(parameters, operation.input_shape).has_errors()
        assert not ParamValidator().validate(answer, operation.output_shape).has_errors()
        assert answer.keys() <= operation.output_shape.members.keys()
    assert set(orjson.loads(answers[0]["Results"][0])) <= {"arn", "tags"}
    with pytest.raises(client.exceptions.InvalidExpressionException):
        client.select_aggregate_resource_config(Expression="DROP", ConfigurationAggregatorName=NAME)
    with pytest.raises(client.exceptions.NoSuchConfigurationAggregatorException):
        client.select_aggregate_resource_config(Expression="SELECT arn", ConfigurationAggregatorName="other")
    door.close()


def test_the_source_and_its_name_are_given_together() -> None:
    for bad in ({"sources": ["config"]}, {"aggregator": {"name": NAME}}):
        with pytest.raises(ValueError, match="given together"):
            AwsSettings.model_validate(bad)


def test_types_that_config_holds_in_part_are_read_from_it_only_where_they_are_named() -> None:
    values = {"sources": ["describe", "config"], "types": ["aws.efs_*", VOLUME]}
    all_that_can_be = AwsSettings.model_validate({**values, "aggregator": {"name": NAME}})
    assert aggregated(all_that_can_be) == {VOLUME: "AWS::EC2::Volume"}
    named = AwsSettings.model_validate(
        {**values, "aggregator": {"name": NAME, "types": ["aws.efs_file_system"]}}
    )
    assert aggregated(named) == {"aws.efs_file_system": "AWS::EFS::FileSystem"}
