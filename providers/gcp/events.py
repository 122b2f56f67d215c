"""Google Cloud's messages, understood: Cloud Asset feeds, audit logs and Security Command Center notifications.

All of them arrive through Pub/Sub, by push or by pull, so each may be wrapped in a Pub/Sub message with its content in
base64. What a policy sees as ``input.finding`` is ``Event.detail``:

``source``
    ``cloudasset``, ``search``, ``audit`` or ``scc``
``raw``
    the message itself, without its envelope

Beside it, a finding of Security Command Center carries ``category``, ``class``, ``state``, ``resource_name``,
``principal``, ``service_account_key``, ``recommendation`` and ``external_uri``; an audit entry ``method``, ``service``,
``resource_name``, ``principal``, ``caller_ip``, ``user_agent`` and ``policy_delta``; a feed message ``change``
(created, changed, deleted), ``asset`` and ``prior``. Facts the message lacks are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.gcp import audit, command_center, names
from providers.gcp.document import PROVIDER, region
from providers.gcp.message import Json, ProjectNames, items, mapping, moment, pick, text_of, unwrap
from providers.provider import IGNORED, Event, EventKind, Ignored
from providers.resource import ResourceRef


def parse(body: Json, projects: ProjectNames, parents: tuple[str, ...] = ()) -> Event | Ignored | None:
    """Understand one message; IGNORED if it asks for nothing (a failed call, a read, a closed finding), None if it is none of ours.

    Raises ``ValueError`` for a message that claims one of our forms and breaks it.
    """
    message = unwrap(body)
    if message is None:
        return IGNORED
    if isinstance(message.get("asset"), Mapping):
        return _feed(message, projects, parents)
    if isinstance(message.get("searchResult"), Mapping):
        return _searched(message, projects)
    if isinstance(message.get("finding"), Mapping):
        return command_center.notification(message, projects)
    log_name = str(pick(message, "logName") or "")
    if "threatdetection.googleapis.com" in log_name:
        return command_center.threat(message, projects)
    if isinstance(message.get("protoPayload"), Mapping) and "cloudaudit.googleapis.com" in log_name:
        return audit.understood(message, log_name, projects, parents)
    return None


def _feed(message: Json, projects: ProjectNames, parents: tuple[str, ...]) -> Event:
    asset = message["asset"]
    name, type_ = asset.get("name"), asset.get("assetType") or asset.get("asset_type")
    window = message.get("window")
    if not isinstance(name, str) or not isinstance(type_, str) or not isinstance(window, Mapping):
        raise ValueError("a Cloud Asset feed message without a name, an assetType or a window")
    at = moment(window.get("startTime"), "window.startTime")
    deleted = bool(message.get("deleted"))
    prior = message.get("priorAsset")
    state = message.get("priorAssetState")
    change = "deleted" if deleted else "created" if state in ("DOES_NOT_EXIST", "DELETED") else "changed"
    body = mapping(asset.get("resource"))
    data = mapping(body.get("data"))
    before = mapping(mapping(prior).get("resource"))
    account = _asset_account(asset, body or before, projects, parents)
    place = region(
        type_,
        name,
        data or mapping(before.get("data")),
        text_of(body.get("location") or before.get("location")),
    )
    content = "IAM_POLICY" if "iamPolicy" in asset else "RESOURCE"
    refs: tuple[ResourceRef, ...] = ()
    if account and not names.is_number(account):
        refs = (ResourceRef(provider=PROVIDER, account=account, region=place, type=type_, uid=name),)
    detail: dict[str, Any] = {"source": "cloudasset", "change": change, "asset": asset, "raw": message}
    if isinstance(prior, Mapping):
        detail["prior"] = prior
    return Event(
        id=f"cloudasset:{name}:{window.get('startTime')}:{content}:{change}",
        kind=EventKind.CHANGE,
        provider=PROVIDER,
        type=f"{type_}:{change}",
        title=f"{type_} {names.last(name)} was {change}",
        account=account or "",
        region=place,
        occurred_at=at,
        refs=refs,
        detail=detail,
    )


def _searched(message: Json, projects: ProjectNames) -> Event:
    """What the search index says has changed (:mod:`providers.gcp.search`): that it did, not what and by whom."""
    told = message["searchResult"]
    name, type_ = told.get("name"), told.get("assetType")
    if not isinstance(name, str) or not isinstance(type_, str):
        raise ValueError("a search result without a name or an assetType")
    owner = text_of(told.get("project")) or ""
    account = projects.id_of(owner.rpartition("/")[2]) if owner else None
    place = region(type_, name, {}, text_of(told.get("location")))
    refs: tuple[ResourceRef, ...] = ()
    if account:
        refs = (ResourceRef(provider=PROVIDER, account=account, region=place, type=type_, uid=name),)
    return Event(
        id=f"search:{name}:{told.get('updateTime')}",
        kind=EventKind.CHANGE,
        provider=PROVIDER,
        type=f"{type_}:changed",
        title=f"{type_} {names.last(name)} was changed",
        account=account or "",
        region=place,
        occurred_at=moment(told.get("updateTime"), "updateTime"),
        refs=refs,
        detail={"source": "search", "change": "changed", "raw": message},
    )


def _asset_account(asset: Json, body: Json, projects: ProjectNames, parents: tuple[str, ...]) -> str | None:
    data = mapping(body.get("data"))
    named = names.project_in(str(asset.get("name")))
    ancestors = [a for a in items(asset.get("ancestors")) if isinstance(a, str)]
    parent = str(body.get("parent") or "").removeprefix("//cloudresourcemanager.googleapis.com/")
    closest = ancestors[0] if ancestors else parent
    if closest.startswith("projects/"):
        number = closest.removeprefix("projects/")
        known = projects.id_of(number)
        if known:
            return known
        if isinstance(data.get("projectId"), str):
            return str(data["projectId"])
        return named if named and not names.is_number(named) else number
    if named and not names.is_number(named):
        return named
    return next((a for a in ancestors if a in parents), ancestors[-1] if ancestors else None)
