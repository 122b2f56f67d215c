"""The long tail through Cloud Control: our double speaks the real wire format, and the reader needs only a type's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.validate import ParamValidator

from providers.aws.cloudcontrol import declared
from providers.aws.described import new_session
from providers.aws.provider import AwsProvider
from providers.errors import Gone
from providers.provider import Selection
from providers.resource import CoverageStatus, Resource, Scope
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.door import enter
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AwsProvider]
QUERY = "AWS::Logs::QueryDefinition"
FLOW = "AWS::AppFlow::Flow"
FIXED = "AWS::Cases::Layout"
OLD = "AWS::SDB::Domain"
REGION = "eu-west-1"


@pytest.fixture
def filled(aws: AwsEmulator, account: str) -> Iterator[AwsEmulator]:
    """Twelve queries (three pages), a flow whose identifier has slashes, and a type that cannot be listed."""
    held = aws.cloud_control
    for number in range(12):
        tags = [{"Key": "team", "Value": "a"}]
        held.put(account, REGION, QUERY, f"q-{number:02}", {"Name": f"query {number}", "Tags": tags})
    held.put(account, REGION, FLOW, "team/flow|1", {"FlowName": "one"})
    held.register(FIXED, provisioning="IMMUTABLE")
    held.register(OLD, provisioning="NON_PROVISIONABLE")
    yield aws
    held.clear()


def read(provider: AwsProvider, account: str, name: str) -> tuple[list[Resource], Any]:
    reading = provider.read(Scope("aws", account, REGION, name))
    found = list(reading)
    return found, reading.coverage


def settings(*types: str, sources: tuple[str, ...] = ("cloudcontrol",)) -> dict[str, Any]:
    return {"types": (), "sources": sources, "cloudcontrol_types": types}


def test_a_type_by_its_name_alone(make: Make, filled: AwsEmulator, account: str) -> None:
    provider = make(settings(QUERY))
    found, coverage = read(provider, account, QUERY)
    assert coverage.complete
    assert [resource.name for resource in found] == [f"q-{n:02}" for n in range(12)]
    one = found[3]
    assert one.document["Properties"]["Name"] == "query 3"
    assert one.tags == {"team": "a"}
    assert one.uid == f"arn:aws:cloudcontrol:{REGION}:{account}:resource/{QUERY}/q-03"
    assert provider.reread(one.ref) == one
    assert filled.calls["cloudcontrol:ListResources"] >= 3
    filled.cloud_control.delete(account, REGION, QUERY, "q-03")
    with pytest.raises(Gone):
        provider.reread(one.ref)


def test_an_identifier_with_slashes(make: Make, filled: AwsEmulator, account: str) -> None:
    provider = make(settings(FLOW))
    (flow,), coverage = read(provider, account, FLOW)
    assert coverage.complete
    assert provider.reread(flow.ref) == flow


@pytest.mark.usefixtures("filled")
def test_what_cannot_be_listed_is_not_none(make: Make, account: str) -> None:
    provider = make(settings(OLD))
    for name, word in ((OLD, "does not support"), ("AWS::No::Such", "cannot be found")):
        found, coverage = read(provider, account, name)
        assert (found, coverage.status) == ([], CoverageStatus.NOT_ENABLED)
        assert word in coverage.cause


@pytest.mark.usefixtures("filled")
def test_prefixes_are_what_cloudformation_knows(make: Make, account: str) -> None:
    only = Selection(accounts=frozenset({account}), regions=frozenset({REGION}))
    found = make(settings("AWS::*")).discover(only)
    assert {scope.type for scope in found.scopes} == {QUERY, FLOW, FIXED}
    assert found.unread == ()
    narrow = make(settings("AWS::Logs::*", FLOW)).discover(only)
    assert {scope.type for scope in narrow.scopes} == {QUERY, FLOW}


def test_types_that_cannot_be_told_are_said_to_be_unread(
    make: Make, filled: AwsEmulator, account: str
) -> None:
    filled.faults.add(Fault(kind=FaultKind.DENIED, operation="ListTypes"))
    provider = make(settings("AWS::*", sources=("describe", "cloudcontrol")) | {"types": ("aws.vpc",)})
    found = provider.discover(Selection(accounts=frozenset({account})))
    assert {scope.type for scope in found.scopes} == {"aws.vpc"}
    (unread,) = found.unread
    assert unread.status is CoverageStatus.DENIED
    assert unread.permission == "cloudformation:ListTypes"


def test_sources_add_up_and_none_is_read_unasked(make: Make, account: str) -> None:
    only = Selection(accounts=frozenset({account}), regions=frozenset({REGION}))
    both = make(settings(QUERY, sources=("describe", "cloudcontrol")) | {"types": ("aws.vpc", QUERY)})
    assert {scope.type for scope in both.discover(only).scopes} == {"aws.vpc", QUERY}
    plain = make(settings(QUERY, sources=("describe",)) | {"types": ("aws.vpc",)})
    assert {scope.type for scope in plain.discover(only).scopes} == {"aws.vpc"}
    assert "cloudformation:ListResources" in str(both.permissions(contain=False))
    assert "cloudformation:ListResources" not in str(plain.permissions(contain=False))


@pytest.mark.parametrize("kind", [FaultKind.DENIED, FaultKind.THROTTLED, FaultKind.TRUNCATED])
def test_a_listing_that_fails_is_never_complete(
    make: Make, filled: AwsEmulator, account: str, kind: FaultKind
) -> None:
    filled.faults.add(Fault(kind=kind, service="cloudcontrol", operation="ListResources"))
    _, coverage = read(make(settings(QUERY)), account, QUERY)
    assert not coverage.complete


def test_the_double_answers_what_the_services_model_says(filled: AwsEmulator, account: str) -> None:
    """Through the real SDK, without our reader: every answer has the members and types of botocore's model."""
    door = enter(filled.endpoint, account)
    client = door.client("cloudcontrol", REGION)
    model = new_session().get_service_model("cloudcontrol")
    first = client.list_resources(TypeName=QUERY, MaxResults=4)
    answers = {
        "ListResources": first,
        "GetResource": client.get_resource(TypeName=QUERY, Identifier="q-00"),
    }
    for name, answer in answers.items():
        answer.pop("ResponseMetadata")
        shape = model.operation_model(name).output_shape
        assert not ParamValidator().validate(answer, shape).has_errors()
        assert answer.keys() <= shape.members.keys()
    assert len(first["ResourceDescriptions"]) == 4
    rest = client.list_resources(TypeName=QUERY, NextToken=first["NextToken"])
    assert rest["ResourceDescriptions"][0]["Identifier"] == "q-04"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_resource(TypeName=QUERY, Identifier="none")
    with pytest.raises(client.exceptions.TypeNotFoundException):
        client.list_resources(TypeName="AWS::No::Such")
    door.close()


def test_a_declaration_is_checked_against_the_model() -> None:
    model = new_session().get_service_model("cloudcontrol")
    for _, call in declared(QUERY).calls():
        shape = model.operation_model(call.operation).input_shape
        assert call.parameters.keys() <= shape.members.keys()
        assert set(shape.required_members) <= call.parameters.keys()
