"""Every declared type, checked offline against botocore's own service model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from beside import loaded
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, StructureShape
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.aws.catalog import Call, Placement, ResourceType, catalog
from providers.aws.catalog.declare import search
from providers.resource import ANY, GLOBAL, ResourceRef, Scope

FILLED = loaded(Path(__file__).with_name("filled.py"))
SESSION, CONTEXT, model_of = FILLED.SESSION, FILLED.CONTEXT, FILLED.model_of
answer, filled, wrapped, item = FILLED.answer, FILLED.filled, FILLED.wrapped, FILLED.item
READS = {"apigateway:GET", "iam:GenerateCredentialReport"}
"""What only reads, though it is not called so."""
UNDECLARED = frozenset[str]()
"""Codes that services answer though their models do not say so."""
TYPES = sorted(catalog().values(), key=lambda declared: declared.type)
CALLS = [
    pytest.param(declared, service, call, id=f"{declared.type}-{call.operation}-{call.into or 'self'}")
    for declared in TYPES
    for service, call in declared.calls()
]


def operation(service: str, call: Call) -> OperationModel:
    found: OperationModel = model_of(service).operation_model(call.operation)
    return found


def test_there_are_the_types_the_first_issue_asks_for() -> None:
    assert {
        "aws.s3_bucket",
        "aws.elb",
        "aws.lb",
        "aws.cloudtrail",
        "aws.iam_user",
        "aws.iam_access_key",
        "aws.iam_role",
        "aws.ec2_instance",
        "aws.ebs_volume",
        "aws.security_group",
        "aws.vpc",
        "aws.flow_log",
        "aws.kms_key",
        "aws.db_instance",
        "aws.account",
        "aws.region",
    } <= catalog().keys()


@pytest.mark.parametrize(("declared", "service", "call"), CALLS)
def test_operation_and_parameters_exist(declared: ResourceType, service: str, call: Call) -> None:
    try:
        model = operation(service, call)
    except UnknownServiceError:
        pytest.fail(f"botocore knows no service {service}")
    shape = model.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    required = set(shape.required_members) if isinstance(shape, StructureShape) else set()
    assert call.parameters.keys() <= members.keys()
    assert required <= call.parameters.keys()
    if call is declared.get:
        arn = filled(declared)
        context: dict[str, Any] = {**(declared.parse_arn(arn) or {}), **CONTEXT, "_arn": arn}
    elif call is declared.each:
        assert declared.list is not None
        parents = answer(declared.list.service or declared.service, declared.list)
        context = wrapped(declared, parents[0]) | CONTEXT
    elif call is declared.list:
        context = dict(CONTEXT)
    else:
        context = item(declared)
    parameters = {name: search(path, context) for name, path in call.parameters.items()}
    assert None not in parameters.values(), parameters
    assert (
        not ParamValidator().validate(parameters, shape).has_errors() if shape is not None else not parameters
    )


@pytest.mark.parametrize(("declared", "service", "call"), CALLS)
def test_result_path_exists(declared: ResourceType, service: str, call: Call) -> None:
    found = answer(service, call)
    assert found not in (None, [], {})
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            assert None not in one.values(), one
    if call.batch is not None:
        (entry,) = found
        assert search(call.batch.key, item(declared)) is not None
        assert search(call.batch.by, entry)
        assert search(call.batch.value, entry)
        assert call.batch.parameter in call.parameters


def declares(service: str, call: Call, code: str) -> bool:
    """Whether a service's model knows an error of an operation. Many models name none, or not all."""
    shapes = operation(service, call).error_shapes
    return not shapes or any(code in (shape.name, shape.error_code) for shape in shapes)


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
def test_what_proves_absence_is_an_error_the_service_knows(declared: ResourceType) -> None:
    for call in (declared.get, *declared.details):
        if call is None or not call.absent:
            continue
        codes = {entry.partition(": ")[0] for entry in call.absent}
        service = call.service or declared.service
        assert any(declares(service, call, code) for code in codes) or codes <= UNDECLARED, call.operation


@pytest.mark.parametrize(("declared", "service", "call"), CALLS)
def test_what_pages_is_paged(declared: ResourceType, service: str, call: Call) -> None:
    """A listing that answers a token but that botocore cannot page would silently be half read."""
    output = operation(service, call).output_shape
    tokens = {
        "NextToken",
        "nextToken",
        "Marker",
        "NextMarker",
        "NextPageMarker",
        "ContinuationToken",
        "IsTruncated",
        "nextPageToken",
        "LastEvaluatedTableName",
        "HasMoreStreams",
        "HasMoreDeliveryStreams",
        "position",
    }
    if call.token[0]:
        shape = operation(service, call).input_shape
        assert isinstance(shape, StructureShape)
        assert call.token[0] in shape.members
        assert search(call.token[1], FILLED.whole_answer(service, call.operation))
        return
    if isinstance(output, StructureShape) and tokens & output.members.keys():
        paginators = SESSION.get_paginator_model(service)
        assert paginators.get_paginator(call.operation)


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
def test_declaration_is_whole(declared: ResourceType) -> None:
    known = item(declared)
    assert declared.type.startswith("aws.")
    assert declared.title
    assert isinstance(search(declared.name, known), str)
    if declared.tags:
        assert search(declared.tags, known), "the tags' path finds nothing"
    if declared.placement is Placement.ANYWHERE:
        assert search(declared.region, known)
    into = [call.into for call in declared.details]
    assert all(into), "a detail without a field to fill"
    assert len(set(into)) == len(into)
    assert not set(into) & {key for key in known if key not in into}
    if declared.list is not None:
        assert declared.get is not None, "a resource that cannot be read again cannot be contained"
        assert declared.get.absent or declared.empty_is_gone, "nothing would prove that it is gone"
    for call in declared.details:
        if call.when:
            search(call.when, known)


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
def test_volatile_fields_exist(declared: ResourceType) -> None:
    known = item(declared)
    for path in declared.volatile:
        first, _, rest = path.partition(".")
        got: Any = {}
        if declared.get is not None:
            found = answer(declared.get.service or declared.service, declared.get)
            got = wrapped(declared, found[0] if isinstance(found, list) else found)
        assert first in known or first in got, path
        assert not rest or isinstance(known[first], Mapping | list), path
    for path in declared.json:
        first, _, rest = path.partition(".")
        assert first in known, path
        assert not rest or isinstance(known[first], Mapping), path


@pytest.mark.parametrize("declared", [t for t in TYPES if t.get], ids=lambda declared: declared.type)
def test_what_an_arn_says_is_what_the_listing_says(declared: ResourceType) -> None:
    """A resource read again starts from its ARN's parts, and must come out with the fields that the listing gives."""
    assert declared.get is not None
    ignored = declared.volatile | {call.into for call in declared.details}
    listed = {name for name in item(declared) if name[:1] != "_"} - ignored
    parts = {name for name in declared.arn_fields if name[:1] != "_"}
    if declared.reread_by_list:
        return
    if declared.from_arn:
        assert set(declared.from_arn) == listed
        return
    found = answer(declared.get.service or declared.service, declared.get)
    got = set(wrapped(declared, found[0] if isinstance(found, list) else found))
    assert (parts | got) - ignored == listed


_IDS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.", min_size=1, max_size=40)


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_arn_says_what_it_was_made_of(declared: ResourceType, data: st.DataObject) -> None:
    names = declared.arn_fields - {"_path"}
    parts = {name: data.draw(_IDS) for name in sorted(names)}
    path = {"_path": data.draw(st.sampled_from(["", "team/", "a/b/"]))} if "{_path}" in declared.arn else {}
    arn = declared.arn.format_map({**CONTEXT, **parts, **path})
    found = declared.parse_arn(arn)
    assert found is not None
    assert {name: found[name] for name in parts} == parts
    others = [other.type for other in TYPES if other is not declared and other.parse_arn(arn)]
    assert not others, "an ARN must name one type"


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
def test_scope_covers_what_is_read_in_it(declared: ResourceType) -> None:
    scope = Scope("aws", "1", declared.scope_region("eu-west-1"), declared.type)
    regions = {Placement.REGIONAL: "eu-west-1", Placement.ANYWHERE: "ap-south-1"}
    region = regions.get(declared.placement, GLOBAL)
    ref = ResourceRef(provider="aws", account="1", region=region, type=declared.type, uid="arn:…")
    assert scope.covers(ref)
    assert (scope.region == ANY) == (declared.placement is Placement.ANYWHERE)


def test_permissions_are_derived() -> None:
    assert catalog()["aws.ebs_volume"].permissions() == {"ec2:DescribeVolumes"}
    assert {
        "s3:ListAllMyBuckets",
        "s3:GetBucketLogging",
        "s3:GetEncryptionConfiguration",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketLocation",
    } <= catalog()["aws.s3_bucket"].permissions()
    assert "s3:GetAccountPublicAccessBlock" in catalog()["aws.account"].permissions()
    assert "elasticloadbalancing:DescribeLoadBalancerAttributes" in catalog()["aws.lb"].permissions()


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
def test_permissions_look_like_permissions(declared: ResourceType) -> None:
    for permission in declared.permissions():
        assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+", permission), permission
        verb = permission.partition(":")[2]
        assert verb.startswith(("List", "Get", "Describe", "BatchGet")) or permission in READS, (
            f"{permission} is more than reading"
        )
