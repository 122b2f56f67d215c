"""Documents with everything that the declared calls can tell, made from botocore's own service model.

The tests load this file by its path: there are no packages below tests/.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from providers.aws.catalog import Call, ResourceType, catalog
from providers.aws.catalog.declare import search
from providers.aws.described import new_session

SESSION = new_session()
CONTEXT = {"_account": "123456789012", "_region": "eu-west-1", "_partition": "aws"}


@cache
def model_of(service: str) -> Any:
    return SESSION.get_service_model(service)


@cache
def whole_answer(service: str, name: str) -> Any:
    return sample(model_of(service).operation_model(name).output_shape)


def answer(service: str, call: Call) -> Any:
    """What a call's result path finds in an answer with every member it can have."""
    if call.csv:
        return [{"user": "text", "arn": "text"}]
    return search(call.result, whole_answer(service, call.operation))


def filled(declared: ResourceType, **more: str) -> str:
    """An ARN of the type."""
    parts = {name: "" if name == "_path" else "part" * 9 for name in declared.arn_fields}
    return declared.arn.format_map({**CONTEXT, **parts, **more})


def wrapped(declared: ResourceType, found: Any) -> dict[str, Any]:
    return dict(found) if isinstance(found, Mapping) else {declared.item: found}


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


@cache
def _item(name: str) -> dict[str, Any]:
    declared = catalog()[name]
    known: dict[str, Any] = dict(CONTEXT)
    if declared.list is not None:
        known = wrapped(declared, answer(declared.list.service or declared.service, declared.list)[0])
    if declared.each is not None:
        parent = known
        known = wrapped(declared, answer(declared.each.service or declared.service, declared.each)[0])
        known |= {name: search(path, parent) for name, path in declared.inherit.items()}
        assert None not in known.values() or not declared.inherit
    known |= CONTEXT
    details = [(detail, answer(detail.service or declared.service, detail)) for detail in declared.details]
    for detail, found in details:
        if detail.first:
            known[detail.into] = found
    if not declared.id:
        declared.build_arn({"_path": "", **known})
    arn = filled(declared)
    known |= {name: part for name, part in (declared.parse_arn(arn) or {}).items() if name[:1] == "_"}
    known["_arn"] = arn
    for detail, found in details:
        known[detail.into] = search(detail.batch.value, found[0]) if detail.batch else found
    return known


def item(declared: ResourceType) -> dict[str, Any]:
    """An item of the type with everything its calls can tell."""
    return dict(_item(declared.type))
