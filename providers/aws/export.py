"""An estate from files: AWS Config's snapshots and histories, as it writes them to a bucket or its API gives them.

Config describes a resource in a form of its own. Where that is the describe call's in another spelling (``groupId`` for
``GroupId``), it is brought back to the call's by botocore's own model of the answer; a few types are mapped by hand.
What Config does not hold, or holds in another form, is *unread*: a policy that reads it says unknown. Items of types
that are not mapped are passed over and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import botocore.session
import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape

from config.errors import UsageError
from providers.aws.catalog import Placement, ResourceType, catalog
from providers.jsonstream import members
from providers.normalise import DocumentTooDeep, canonical, timestamp
from providers.resource import GLOBAL, Resource, ResourceRef

ARRAYS: Final = frozenset({"configurationItems", "baseConfigurationItems"})
NOT_HELD: Final = "AWS Config does not hold it"
OTHER_FORM: Final = "AWS Config holds it in a form of its own"
_GONE: Final = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})

Fields = dict[str, Any]


class _Unfaithful(Exception):
    """A value has not the form the model gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How Config's items of one type become our documents."""

    type: str
    supplements: Mapping[str, str] = field(default_factory=dict)
    """Member of ``supplementaryConfiguration`` -> document field of the same form in the API."""
    prepare: Callable[[Fields], None] = lambda _: None
    """Brings a configuration (which it may change) to the API's structure."""
    more: Callable[[Fields, Fields], Fields] = lambda _configuration, _supplementary: {}
    """Further document fields, from configuration and supplementary configuration."""


@dataclass(slots=True)
class Passed:
    """What was passed over: Config types that are not mapped, and items that say nothing."""

    types: Counter[str] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    """Why -> how many."""


def read_export(path: Path, passed: Passed) -> Iterator[Resource]:
    """The resources of one file, in its order; what is left out is counted in ``passed``. Raises UsageError, with file
    and line, for what is no Config export."""
    for piece in members(path, ARRAYS):
        if not piece.element:
            continue
        if not isinstance(piece.value, dict):
            raise UsageError(f"{piece.where}: a configuration item that is no object")
        found = resource_of(piece.value, piece.where, passed)
        if found is not None:
            yield found


def resource_of(item: Mapping[str, Any], where: str, passed: Passed) -> Resource | None:
    """A configuration item, as a file or the API gives it, as our resource; None for what says nothing of it. Raises
    UsageError with ``where`` for what is no item."""
    type_ = item.get("resourceType")
    if not isinstance(type_, str) or "::" not in type_:
        raise UsageError(f"{where}: a configuration item without a `resourceType`")
    if item.get("configurationItemStatus") in _GONE:
        passed.unusable["deleted"] += 1
        return None
    if item.get("configurationItemStatus") == "ResourceNotRecorded":
        passed.unusable["not recorded"] += 1
        return None
    form = _FORMS.get(type_)
    if form is None:
        passed.types[type_] += 1
        return None
    account, region = item.get("awsAccountId", item.get("accountId")), item.get("awsRegion")
    if not isinstance(account, str) or not isinstance(region, str):
        raise UsageError(f"{where}: a configuration item without its account and region")
    configuration, supplementary = _parsed(item.get("configuration")), item.get("supplementaryConfiguration")
    if not isinstance(configuration, dict) or not configuration:
        passed.unusable["without a configuration"] += 1
        return None
    more = {k: _parsed(v) for k, v in supplementary.items()} if isinstance(supplementary, dict) else {}
    declared = catalog()[form.type]
    document, unread = _document(declared, form, configuration, more)
    tags = _tags(item.get("tags"))
    if tags is not None and declared.tags in _expected(declared):
        document[declared.tags] = [{"Key": k, "Value": v} for k, v in sorted(tags.items())] or _no_tags(
            declared
        )
        unread.pop(declared.tags, None)
    arn = item.get("ARN", item.get("arn"))
    return _finished(declared, (account, region, arn), document, unread, where)


def _no_tags(declared: ResourceType) -> list[Fields] | None:
    """What the API's answer to the question for tags becomes where there are none: an empty list, or an absence."""
    asked = [call for call in declared.details if call.into == declared.tags]
    return None if any(call.absent for call in asked) else []


def _finished(
    declared: ResourceType,
    place: tuple[str, str, Any],
    document: Fields,
    unread: dict[str, str],
    where: str,
) -> Resource:
    account, region, arn = place
    partition = str(arn).split(":")[1] if str(arn).startswith("arn:") else "aws"
    if declared.placement is Placement.ANYWHERE and declared.region:
        document[declared.region] = region
        unread.pop(declared.region, None)
    context = {**document, "_account": account, "_region": region, "_partition": partition}
    try:
        uid = declared.build_arn(context)
    except KeyError as error:
        raise UsageError(f"{where}: an item of {declared.type} without {error.args[0]!r}") from error
    try:
        document = canonical(document, declared.rules)
    except DocumentTooDeep as error:
        raise UsageError(f"{where}: {error}") from error
    tags = document.get(declared.tags) if declared.tags else None
    return Resource(
        ref=ResourceRef(
            provider="aws",
            account=account,
            region=GLOBAL if declared.placement is Placement.GLOBAL else region,
            type=declared.type,
            uid=uid,
        ),
        name=str(document.get(declared.name) or uid),
        document=document,
        tags={
            str(t["Key"]): str(t.get("Value") or "") for t in tags or () if isinstance(t, dict) and "Key" in t
        },
        unread={k: v for k, v in unread.items() if k not in declared.volatile},
    )


def _document(
    declared: ResourceType, form: _Form, configuration: Fields, supplementary: Fields
) -> tuple[Fields, dict[str, str]]:
    """The document as far as it can be told, and the cause for every field that cannot."""
    document: Fields = {}
    unread: dict[str, str] = {}
    form.prepare(configuration)
    given = {key.lower(): value for key, value in configuration.items()}
    for name, shape in _members(declared).items():
        if name.lower() not in given:
            unread[name] = NOT_HELD
            continue
        _put(document, unread, name, given[name.lower()], shape)
    for call in declared.details:
        if call.into not in document:
            unread[call.into] = NOT_HELD
    for member, name in form.supplements.items():
        shape = _detail_shape(declared, name)
        if member in supplementary and shape is not None:
            _put(document, unread, name, supplementary[member], shape)
    try:
        more = form.more(configuration, supplementary)
    except (KeyError, TypeError, ValueError, AttributeError):
        # A form that Config never had when this was written: then nothing of it is taken.
        more = {}
    for name, value in more.items():
        document[name] = value
        unread.pop(name, None)
    return document, unread


def _put(document: Fields, unread: dict[str, str], name: str, value: Any, shape: Shape) -> None:
    try:
        found = _converted(value, shape)
    except _Unfaithful:
        unread[name] = OTHER_FORM
        return
    unread.pop(name, None)
    if found is not None:
        document[name] = found


def _parsed(value: Any) -> Any:
    """The API gives JSON in strings; a snapshot gives it plain, and sometimes in strings too."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _tags(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    return {str(key): str(text) for key, text in value.items()}


# The API's model of an answer


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


_STEP: Final = re.compile(r"\w+(\[\])?")


def _shape_at(service: str, operation: str, path: str) -> Shape | None:
    """The shape a JMESPath leads to within an operation's answer; None where the path is more than members and lists."""
    shape: Any = _service(service).operation_model(operation).output_shape
    for step in path.split("."):
        if _STEP.fullmatch(step) is None or not isinstance(shape, StructureShape):
            return None
        shape = shape.members.get(step.removesuffix("[]"))
        if step.endswith("[]"):
            shape = shape.member if isinstance(shape, ListShape) else None
    return shape if isinstance(shape, Shape) else None


@cache
def _item_members(type_: str) -> Mapping[str, Shape]:
    declared = catalog()[type_]
    call = declared.list
    assert call is not None
    shape = _shape_at(call.service or declared.service, call.operation, call.result)
    assert isinstance(shape, StructureShape), type_
    return dict(shape.members)


def _members(declared: ResourceType) -> Mapping[str, Shape]:
    """The fields of a listed item, with their shapes."""
    return _item_members(declared.type)


def _expected(declared: ResourceType) -> frozenset[str]:
    return frozenset(_members(declared)) | {call.into for call in declared.details}


def _detail_shape(declared: ResourceType, name: str) -> Shape | None:
    for call in declared.details:
        if call.into == name:
            return _shape_at(call.service or declared.service, call.operation, call.result)
    return None


def _converted(value: Any, shape: Shape) -> Any:
    """A value of Config's as the API would give it. Raises _Unfaithful where it has another structure."""
    if value is None:
        return None
    match shape:
        case StructureShape():
            return _structure(value, shape)
        case ListShape():
            if not isinstance(value, list):
                raise _Unfaithful
            return [_converted(item, shape.member) for item in value]
        case MapShape():
            if not isinstance(value, dict):
                raise _Unfaithful
            return {str(key): _converted(item, shape.value) for key, item in value.items()}
    return _scalar(value, shape)


def _structure(value: Any, shape: StructureShape) -> Fields:
    if not isinstance(value, dict):
        raise _Unfaithful
    names = {name.lower(): name for name in shape.members}
    out: Fields = {}
    for key, item in value.items():
        name = names.get(key.lower())
        if name is None:
            if item is None:
                continue
            raise _Unfaithful
        found = _converted(item, shape.members[name])
        if found is not None:
            out[name] = found
    return out


def _scalar(value: Any, shape: Shape) -> Any:
    if isinstance(value, dict | list):
        raise _Unfaithful
    match shape.type_name:
        case "string":
            if not isinstance(value, str):
                raise _Unfaithful
            # IAM's policies are JSON, percent-encoded; botocore gives them parsed.
            return _policy(value) if shape.name == "policyDocumentType" else value
        case "boolean":
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
            if not isinstance(value, bool):
                raise _Unfaithful
        case "integer" | "long":
            if isinstance(value, str) and value.lstrip("-").isdigit():
                return int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise _Unfaithful
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
            raise _Unfaithful
    except (ValueError, OverflowError, OSError) as error:
        raise _Unfaithful from error
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _policy(text: str) -> Any:
    try:
        return orjson.loads(unquote(text) if text.startswith("%") else text)
    except orjson.JSONDecodeError as error:
        raise _Unfaithful from error


# The types


def _security_group(configuration: Fields) -> None:
    """Config gives a rule's IPv4 ranges twice: as plain text in ``ipRanges``, as the API's structure in ``ipv4Ranges``."""
    for name in ("ipPermissions", "ipPermissionsEgress"):
        for rule in _objects(configuration.get(name)):
            if "ipv4Ranges" in rule:
                rule["ipRanges"] = rule.pop("ipv4Ranges")
            elif isinstance(rule.get("ipRanges"), list):
                rule["ipRanges"] = [{"cidrIp": r} if isinstance(r, str) else r for r in rule["ipRanges"]]


def _objects(value: Any) -> list[Fields]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_PERMISSIONS: Final = {
    "FullControl": "FULL_CONTROL",
    "Read": "READ",
    "Write": "WRITE",
    "ReadAcp": "READ_ACP",
    "WriteAcp": "WRITE_ACP",
}
_GROUPS: Final = {
    "AllUsers": "http://acs.amazonaws.com/groups/global/AllUsers",
    "AuthenticatedUsers": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    "LogDelivery": "http://acs.amazonaws.com/groups/s3/LogDelivery",
}


def _bucket(_: Fields, more: Fields) -> Fields:
    """A bucket is almost all supplementary, each part in a form of its own. A part that is not there was not recorded."""
    out: Fields = {}
    for member, name, convert in (
        ("BucketLoggingConfiguration", "Logging", _logging),
        ("BucketPolicy", "Policy", _bucket_policy),
        ("BucketVersioningConfiguration", "Versioning", _versioning),
        ("AccessControlList", "Acl", _acl),
    ):
        if more.get(member) is not None:
            try:
                out[name] = convert(more[member])
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
    return out


def _logging(value: Fields) -> Fields | None:
    if value["destinationBucketName"] is None:
        return None
    return {"TargetBucket": value["destinationBucketName"], "TargetPrefix": value.get("logFilePrefix") or ""}


def _bucket_policy(value: Fields) -> Any:
    text = value["policyText"]
    return None if text is None else orjson.loads(text)


def _versioning(value: Fields) -> Fields:
    status, deletion = value["status"], value.get("isMfaDeleteEnabled")
    if isinstance(deletion, bool):
        deletion = "Enabled" if deletion else "Disabled"
    if status not in ("Enabled", "Suspended", "Off"):
        raise ValueError(status)
    return {
        "Status": None if status == "Off" else status,
        "MFADelete": None if deletion is None else str(deletion).title(),
    }


def _acl(value: Any) -> Fields:
    # Written as JSON within JSON.
    found = _parsed(value)
    grants = []
    for grant in found["grantList"]:
        grantee = grant["grantee"]
        who = (
            {"Type": "Group", "URI": _GROUPS[grantee]}
            if isinstance(grantee, str)
            else {"Type": "CanonicalUser", "ID": grantee["id"]}
        )
        grants.append({"Grantee": who, "Permission": _PERMISSIONS[grant["permission"]]})
    return {"Owner": found["owner"]["id"], "Grants": grants}


def _key(configuration: Fields, more: Fields) -> Fields:
    out: Fields = {"KeyId": configuration["keyId"], "KeyArn": configuration["arn"]}
    shape = _shape_at("kms", "DescribeKey", "KeyMetadata")
    assert shape is not None
    with suppress(_Unfaithful):
        out["Metadata"] = _converted(configuration, shape)
    rotated = more.get("KeyRotationStatus")
    if isinstance(rotated, bool):
        out["KeyRotationEnabled"] = rotated
    if isinstance(more.get("Policy"), dict):
        out["Policy"] = more["Policy"]
    return out


def _managed_policy(configuration: Fields, _: Fields) -> Fields:
    for version in configuration["policyVersionList"]:
        if version["isDefaultVersion"]:
            return {"Document": orjson.loads(unquote(version["document"]))}
    return {}


_FORMS: Final[Mapping[str, _Form]] = {
    "AWS::EC2::SecurityGroup": _Form(type="aws.security_group", prepare=_security_group),
    "AWS::EC2::Volume": _Form(type="aws.ebs_volume"),
    "AWS::EC2::VPC": _Form(type="aws.vpc"),
    "AWS::EC2::Subnet": _Form(type="aws.subnet"),
    "AWS::EC2::Instance": _Form(type="aws.ec2_instance"),
    "AWS::RDS::DBInstance": _Form(type="aws.db_instance"),
    "AWS::RDS::DBSnapshot": _Form(type="aws.db_snapshot"),
    "AWS::CloudTrail::Trail": _Form(type="aws.cloudtrail"),
    "AWS::ElasticLoadBalancing::LoadBalancer": _Form(
        type="aws.elb", supplements={"LoadBalancerAttributes": "Attributes"}
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _Form(
        type="aws.lb", supplements={"LoadBalancerAttributes": "Attributes"}
    ),
    "AWS::IAM::User": _Form(type="aws.iam_user"),
    "AWS::IAM::Role": _Form(type="aws.iam_role"),
    "AWS::IAM::Policy": _Form(type="aws.iam_policy", more=_managed_policy),
    "AWS::KMS::Key": _Form(type="aws.kms_key", more=_key),
    "AWS::S3::Bucket": _Form(
        type="aws.s3_bucket",
        supplements={
            "ServerSideEncryptionConfiguration": "Encryption",
            "PublicAccessBlockConfiguration": "PublicAccessBlock",
        },
        more=_bucket,
    ),
}

MAPPED: Final[Sequence[tuple[str, str]]] = tuple(
    sorted((config, form.type) for config, form in _FORMS.items())
)
"""Config's types that are understood, with ours."""
