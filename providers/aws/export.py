"""An estate from files: AWS Config's snapshots and histories, as it writes them to a bucket or its API gives them.

Config describes a resource in a form of its own. Where that is the describe call's in another spelling (``groupId`` for
``GroupId``), it is brought back to the call's by botocore's own model of the answer; a few types are mapped by hand.
What Config does not hold, or holds in another form, is *unread*: a policy that reads it says unknown. Items of types
that are not mapped are passed over and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.model import Shape

from config.errors import UsageError
from providers.aws.catalog import Placement, ResourceType, catalog
from providers.aws.catalog.declare import search
from providers.aws.config_forms import FORMS, Form
from providers.aws.config_model import (
    Fields,
    Unfaithful,
    converted,
    expected,
    field_shape,
    members_of,
    parsed,
    tagged,
)
from providers.aws.reader import tags_of
from providers.jsonstream import members
from providers.normalise import DocumentTooDeep, canonical
from providers.resource import GLOBAL, Resource, ResourceRef

ARRAYS: Final = frozenset({"configurationItems", "baseConfigurationItems"})
NOT_HELD: Final = "AWS Config does not hold it"
OTHER_FORM: Final = "AWS Config holds it in a form of its own"
_GONE: Final = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})


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
            if piece.key in ARRAYS and piece.value != []:
                raise UsageError(
                    f"{piece.where}: `{piece.key}` is no array of configuration items",
                    hint="Give the snapshot or history file as AWS Config delivered it.",
                )
            continue
        if not isinstance(piece.value, dict):
            raise UsageError(
                f"{piece.where}: a configuration item that is no object",
                hint="Give the snapshot or history file as AWS Config delivered it.",
            )
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
    form = FORMS.get(type_)
    if form is None:
        passed.types[type_] += 1
        return None
    account, region = item.get("awsAccountId", item.get("accountId")), item.get("awsRegion")
    if not isinstance(account, str) or not isinstance(region, str):
        raise UsageError(f"{where}: a configuration item without its account and region")
    configuration, supplementary = parsed(item.get("configuration")), item.get("supplementaryConfiguration")
    if not isinstance(configuration, dict) or not configuration:
        passed.unusable["without a configuration"] += 1
        return None
    more = {k: parsed(v) for k, v in supplementary.items()} if isinstance(supplementary, dict) else {}
    declared = catalog()[form.type]
    document, unread = _document(declared, form, configuration, more)
    tags = _tags(item.get("tags"))
    if tags is not None and declared.tags in expected(declared):
        form_of_tags = tagged(tags, field_shape(declared, declared.tags))
        document[declared.tags] = form_of_tags if tags or not _null_without_tags(declared) else None
        unread.pop(declared.tags, None)
    arn = item.get("ARN", item.get("arn"))
    _told_by_arn(declared, arn, document, unread)
    return _finished(declared, (account, region, arn), document, unread, where)


def _null_without_tags(declared: ResourceType) -> bool:
    """Whether the API's answer to the question for tags becomes null where there are none, and not an empty list."""
    return any(call.absent for call in declared.details if call.into == declared.tags)


def _told_by_arn(declared: ResourceType, arn: Any, document: Fields, unread: dict[str, str]) -> None:
    """What the configuration lacks and the item's ARN tells: the ARN itself, and the ids in it."""
    parts = declared.parse_arn(arn) if isinstance(arn, str) else None
    if parts is None:
        return
    told = {name: part for name, part in parts.items() if not name.startswith("_")}
    if declared.id in expected(declared):
        told[declared.id] = arn
    for name, value in told.items():
        document.setdefault(name, value)
        unread.pop(name, None)


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
        tags=tags_of(document.get(declared.tags)) if declared.tags else {},
        unread={k: v for k, v in unread.items() if k not in declared.volatile},
    )


def _document(
    declared: ResourceType, form: Form, configuration: Fields, supplementary: Fields
) -> tuple[Fields, dict[str, str]]:
    """The document as far as it can be told, and the cause for every field that cannot."""
    document: Fields = {}
    unread = dict.fromkeys(expected(declared), NOT_HELD)
    json = declared.json | {call.into for call in declared.details if call.json}
    form.prepare(configuration)
    for name, value in _given(declared, form, configuration, supplementary):
        if form.fields is not None and name in json:
            document[name] = value
            unread.pop(name, None)
        else:
            _put(document, unread, name, value, field_shape(declared, name))
    try:
        more = form.more(configuration, supplementary)
    except (KeyError, TypeError, ValueError, AttributeError):
        # A form that Config never had when this was written: then nothing of it is taken.
        more = {}
    for name, value in more.items():
        document[name] = value
        unread.pop(name, None)
    for name in json & document.keys():
        # What a reading gives parsed.
        document[name] = parsed(document[name])
        if isinstance(document[name], str):
            del document[name]
            unread[name] = OTHER_FORM
    return document, unread


def _given(
    declared: ResourceType, form: Form, configuration: Fields, supplementary: Fields
) -> Iterator[tuple[str, Any]]:
    """The fields that an item tells, with their values in its own form."""
    if form.fields is None:
        held = {key.lower(): value for key, value in configuration.items()}
        yield from ((name, held[name.lower()]) for name in members_of(declared) if name.lower() in held)
    else:
        whole = {**configuration, "supplementaryConfiguration": supplementary}
        for name, path in form.fields.items():
            value = search(path, whole)
            # CloudFormation's schema has no null: what is not set is missing, as is what was not recorded.
            if value is not None:
                yield name, value
    for member, name in form.supplements.items():
        if member in supplementary:
            yield name, supplementary[member]


def _put(document: Fields, unread: dict[str, str], name: str, value: Any, shape: Shape | None) -> None:
    try:
        found = None if shape is None else converted(value, shape)
    except Unfaithful:
        unread[name] = OTHER_FORM
        return
    if shape is None:
        unread[name] = OTHER_FORM
        return
    unread.pop(name, None)
    if found is not None:
        document[name] = found


def _tags(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    return {str(key): str(text) for key, text in value.items()}
