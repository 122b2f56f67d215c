"""Every declared type, checked offline against botocore's own service model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from providers.aws.catalog import Call, Placement, ResourceType, catalog
from providers.aws.catalog.declare import search
from providers.resource import ANY, GLOBAL, ResourceRef, Scope

SESSION = botocore.session.get_session()
TYPES = sorted(catalog().values(), key=lambda declared: declared.type)
CALLS = [
    pytest.param(declared, service, call, id=f"{declared.type}-{call.operation}-{call.into or 'self'}")
    for declared in TYPES
    for service, call in declared.calls()
]
CONTEXT = {"_account": "123456789012", "_region": "eu-west-1", "_partition": "aws"}


def operation(service: str, call: Call) -> OperationModel:
    return SESSION.get_service_model(service).operation_model(call.operation)


def sample(shape: Shape | None, depth: int = 0) -> Any:
    """A value with every member a shape can have: what a path finds nothing in does not exist."""
    if shape is None or depth > 8:
        return None
    if isinstance(shape, StructureShape):
        if shape.name == "policyDocumentType":
            return {}
        return {name: sample(member, depth + 1) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [sample(shape.member, depth + 1)]
    if isinstance(shape, MapShape):
        keys = shape.key.enum or ["key"]
        return {key: sample(shape.value, depth + 1) for key in keys}
    if shape.type_name in ("integer", "long", "float", "double"):
        return 1
    if shape.type_name == "boolean":
        return True
    return "2026-01-01T00:00:00Z" if shape.type_name == "timestamp" else "text-that-is-long-enough"


def item(declared: ResourceType) -> dict[str, Any]:
    """An item of the type with everything its calls can tell."""
    call = declared.each or declared.list
    found: Any = {}
    if call is not None:
        found = search(call.result, sample(operation(call.service or declared.service, call).output_shape))[0]
    known = dict(found) if isinstance(found, Mapping) else {declared.item: found}
    known |= CONTEXT
    known["_arn"] = declared.build_arn(known)
    for detail in declared.details:
        service = detail.service or declared.service
        known[detail.into] = search(detail.result, sample(operation(service, detail).output_shape))
    return known


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
        names = set(re.findall(r"\{(\w+)\}", declared.arn)) - CONTEXT.keys()
        arn = declared.arn.format_map(
            {**CONTEXT, **{name: "" if name == "_path" else "part" for name in names}}
        )
        context: dict[str, Any] = {**(declared.parse_arn(arn) or {}), **CONTEXT, "_arn": arn}
    elif call is declared.each:
        assert declared.list is not None
        parents = operation(declared.list.service or declared.service, declared.list).output_shape
        context = search(declared.list.result, sample(parents))[0]
    else:
        context = item(declared)
    parameters = {name: search(path, context) for name, path in call.parameters.items()}
    assert None not in parameters.values(), parameters
    assert (
        not ParamValidator().validate(parameters, shape).has_errors() if shape is not None else not parameters
    )


@pytest.mark.parametrize(("declared", "service", "call"), CALLS)
def test_result_path_exists(declared: ResourceType, service: str, call: Call) -> None:
    found = search(call.result, sample(operation(service, call).output_shape))
    assert found not in (None, [], {})
    if isinstance(found, dict):
        assert None not in found.values(), found


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
    }
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
        assert declared.get.absent, "nothing would prove that it is gone"
    for call in declared.details:
        if call.when:
            search(call.when, known)


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
def test_volatile_fields_exist(declared: ResourceType) -> None:
    known = item(declared)
    for path in declared.volatile:
        first, _, rest = path.partition(".")
        if first == "RoleLastUsed" or rest:
            continue
        assert first in known or first == "Description", path


_IDS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.", min_size=1, max_size=40)


@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.type)
@given(data=st.data())
def test_arn_says_what_it_was_made_of(declared: ResourceType, data: st.DataObject) -> None:
    names = set(re.findall(r"\{(\w+)\}", declared.arn)) - CONTEXT.keys() - {"_path"}
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
    regions = {Placement.REGIONAL: "eu-west-1", Placement.GLOBAL: GLOBAL, Placement.ANYWHERE: "ap-south-1"}
    ref = ResourceRef(
        provider="aws", account="1", region=regions[declared.placement], type=declared.type, uid="arn:…"
    )
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
        assert verb.startswith(("List", "Get", "Describe")), f"{permission} is more than reading"
