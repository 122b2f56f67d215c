"""AWS Config's values in the form of the describe calls, by botocore's own model of their answers.

Config spells a member in camel case where the API has it in Pascal case, and gives some numbers and booleans as text. What has
another structure than the model is :class:`Unfaithful`: it is not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape

from providers.aws.catalog import ResourceType, catalog
from providers.aws.described import new_session
from providers.normalise import timestamp

Fields = dict[str, Any]


class Unfaithful(Exception):
    """A value has not the form the model gives it."""


def parsed(value: Any) -> Any:
    """The API gives JSON in strings; a snapshot gives it plain, and sometimes in strings too."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


@cache
def _service(name: str) -> Any:
    return new_session().get_service_model(name)


_STEP: Final = re.compile(r"\w+(\[\])?")


def shape_at(service: str, operation: str, path: str) -> Shape | None:
    """The shape a JMESPath leads to within an operation's answer; None where the path is more than members and lists."""
    shape: Any = _service(service).operation_model(operation).output_shape
    for step in path.split("."):
        if _STEP.fullmatch(step) is None or not isinstance(shape, StructureShape):
            return None
        shape = shape.members.get(step.removesuffix("[]"))
        if step.endswith("[]"):
            shape = shape.member if isinstance(shape, ListShape) else None
    return shape if isinstance(shape, Shape) else None


_FILTER: Final = re.compile(r"\[\?[^\]]*\]")
_PAIR: Final = re.compile(r"(\w+): ([^,}]+)")


@cache
def _item_members(type_: str) -> Mapping[str, Shape | None]:
    declared = catalog()[type_]
    call = declared.each or declared.list
    if call is None:
        return {}
    path, _, chosen = call.result.partition(".{")
    shape = shape_at(call.service or declared.service, call.operation, _FILTER.sub("", path))
    if not isinstance(shape, StructureShape):
        return {declared.item: shape}
    if not chosen:
        return dict(shape.members)
    return {name: shape.members.get(source) for name, source in _PAIR.findall(chosen)}


def members_of(declared: ResourceType) -> Mapping[str, Shape | None]:
    """The fields of a listed item, with their shapes; None for what is made of several members."""
    return _item_members(declared.type)


def expected(declared: ResourceType) -> frozenset[str]:
    """Every field of a document of this type."""
    return frozenset(members_of(declared)) | {call.into for call in declared.details}


def field_shape(declared: ResourceType, name: str) -> Shape | None:
    """The shape of a field of the document; None where it is put together of several members, or is not one."""
    for call in declared.details:
        if call.into == name:
            shape = shape_at(call.service or declared.service, call.operation, call.result)
            if call.batch is None or call.batch.value == "@" or not isinstance(shape, StructureShape):
                return shape
            return shape.members.get(call.batch.value)
    return members_of(declared).get(name)


def tagged(tags: Mapping[str, str], shape: Shape | None) -> Any:
    """Tags, which Config gives in a form of its own for every type, in the form of ``shape``."""
    if isinstance(shape, MapShape):
        return dict(sorted(tags.items()))
    key, value = "Key", "Value"
    if isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        for name in shape.member.members:
            if name.lower().endswith("key"):
                key = name
            elif name.lower().endswith("value"):
                value = name
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def converted(value: Any, shape: Shape) -> Any:
    """A value of Config's as the API would give it. Raises Unfaithful where it has another structure."""
    if value is None:
        return None
    match shape:
        case StructureShape():
            return _structure(value, shape)
        case ListShape():
            if not isinstance(value, list):
                raise Unfaithful
            return [converted(item, shape.member) for item in value]
        case MapShape():
            if not isinstance(value, dict):
                raise Unfaithful
            return {str(key): converted(item, shape.value) for key, item in value.items()}
    return _scalar(value, shape)


def _structure(value: Any, shape: StructureShape) -> Fields:
    if not isinstance(value, dict):
        raise Unfaithful
    names = {name.lower(): name for name in shape.members}
    out: Fields = {}
    for key, item in value.items():
        name = names.get(key.lower())
        if name is None:
            if item is None:
                continue
            raise Unfaithful
        found = converted(item, shape.members[name])
        if found is not None:
            out[name] = found
    return out


def _scalar(value: Any, shape: Shape) -> Any:
    if isinstance(value, dict | list):
        raise Unfaithful
    match shape.type_name:
        case "string":
            if not isinstance(value, str):
                raise Unfaithful
            # IAM's policies are JSON, percent-encoded; botocore gives them parsed.
            return _policy(value) if shape.name == "policyDocumentType" else value
        case "boolean":
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
            if not isinstance(value, bool):
                raise Unfaithful
        case "integer" | "long":
            if isinstance(value, str) and value.lstrip("-").isdigit():
                return int(value)
            if isinstance(value, float) and value.is_integer():
                # CloudFormation's schema calls some whole numbers numbers.
                return int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise Unfaithful
        case "timestamp":
            return _time(value)
    return value


def _time(value: Any) -> str:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            # Milliseconds where seconds would be tens of thousands of years away.
            moment = datetime.fromtimestamp(value / 1000 if value > 10**11 else value, UTC)
        else:
            raise Unfaithful
    except (ValueError, OverflowError, OSError) as error:
        raise Unfaithful from error
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _policy(text: str) -> Any:
    try:
        return orjson.loads(unquote(text) if text.startswith("%") else text)
    except orjson.JSONDecodeError as error:
        raise Unfaithful from error
