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

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from providers.gcp import names
from providers.gcp.document import PROVIDER, region
from providers.provider import IGNORED, Event, EventKind, Ignored, Severity
from providers.resource import GLOBAL, ResourceRef

Json = Mapping[str, Any]
IdOf = Callable[[str], str | None]
"""A project's id by its id or number; None for a number that is not known."""

_WELCOME: Final = "You have successfully configured"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:\d\d)?")
_SEVERITY: Final = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}


def parse(body: Json, id_of: IdOf, parents: tuple[str, ...] = ()) -> Event | Ignored | None:
    """Understand one message; IGNORED if it asks for nothing (a failed call, a read, a closed finding), None if it is none of ours.

    Raises ``ValueError`` for a message that claims one of our forms and breaks it.
    """
    message = unwrap(body)
    if message is None:
        return IGNORED
    if isinstance(message.get("asset"), Mapping):
        return _feed(message, id_of, parents)
    if isinstance(message.get("searchResult"), Mapping):
        return _searched(message, id_of)
    if isinstance(message.get("finding"), Mapping):
        return _finding(message, id_of)
    log_name = str(_pick(message, "logName") or "")
    if "threatdetection.googleapis.com" in log_name:
        return _threat(message, id_of)
    if isinstance(message.get("protoPayload"), Mapping) and "cloudaudit.googleapis.com" in log_name:
        return _audit(message, log_name, id_of)
    return None


def unwrap(body: Json) -> Json | None:
    """The message without its Pub/Sub envelope; None for Pub/Sub's own chatter. Raises ``ValueError``."""
    message = body.get("message")
    inner = message if isinstance(message, Mapping) and "data" in message else body
    data = inner.get("data")
    if not isinstance(data, str) or not ({"messageId", "message_id", "publishTime"} & set(inner)):
        return body
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the data of a Pub/Sub message is not base64: {error}") from error
    if raw.decode("utf-8", "replace").startswith(_WELCOME):
        return None
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the data of a Pub/Sub message is not JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise ValueError("the data of a Pub/Sub message is not a JSON object")
    return content


def moment(value: Any, what: str) -> datetime:
    """A time as Google writes it (nine decimals, or BigQuery's without a zone). Raises ``ValueError``."""
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{what} is not a time: {str(value)[:60]!r}")
    day, clock, fraction, zone = found.groups()
    text = f"{day}T{clock}{(fraction or '.0')[:7]}{'+00:00' if zone in (None, 'Z') else zone}"
    return datetime.fromisoformat(text).astimezone(UTC)


# -- Cloud Asset feeds -------------------------------------------------------------------------------------------


def _feed(message: Json, id_of: IdOf, parents: tuple[str, ...]) -> Event:
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
    body = _map(asset.get("resource"))
    data = _map(body.get("data"))
    before = _map(_map(prior).get("resource"))
    account = _asset_account(asset, body or before, id_of, parents)
    place = region(
        type_, name, data or _map(before.get("data")), _text(body.get("location") or before.get("location"))
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


def _searched(message: Json, id_of: IdOf) -> Event:
    """What the search index says has changed (:mod:`providers.gcp.search`): that it did, not what and by whom."""
    told = message["searchResult"]
    name, type_ = told.get("name"), told.get("assetType")
    if not isinstance(name, str) or not isinstance(type_, str):
        raise ValueError("a search result without a name or an assetType")
    owner = _text(told.get("project")) or ""
    account = id_of(owner.rpartition("/")[2]) if owner else None
    place = region(type_, name, {}, _text(told.get("location")))
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


def _asset_account(asset: Json, body: Json, id_of: IdOf, parents: tuple[str, ...]) -> str | None:
    data = _map(body.get("data"))
    named = names.project_in(str(asset.get("name")))
    ancestors = [a for a in _list(asset.get("ancestors")) if isinstance(a, str)]
    parent = str(body.get("parent") or "").removeprefix("//cloudresourcemanager.googleapis.com/")
    closest = ancestors[0] if ancestors else parent
    if closest.startswith("projects/"):
        number = closest.removeprefix("projects/")
        known = id_of(number)
        if known:
            return known
        if isinstance(data.get("projectId"), str):
            return str(data["projectId"])
        return named if named and not names.is_number(named) else number
    if named and not names.is_number(named):
        return named
    return next((a for a in ancestors if a in parents), ancestors[-1] if ancestors else None)


# -- Audit logs --------------------------------------------------------------------------------------------------


def _audit(entry: Json, log_name: str, id_of: IdOf) -> Event | Ignored | None:
    payload: Json = entry["protoPayload"]
    if not log_name.endswith(("%2Factivity", "/activity", "%2Fsystem_event", "/system_event")):
        return IGNORED
    if _map(payload.get("status")).get("code"):
        return IGNORED
    insert_id, method = _pick(entry, "insertId"), payload.get("methodName")
    if not isinstance(insert_id, str) or not isinstance(method, str):
        raise ValueError("an audit log entry without an insertId or a methodName")
    labels = _map(_map(entry.get("resource")).get("labels"))
    account = labels.get("project_id") or names.project_in(f"//x/{log_name}") or ""
    account = id_of(str(account)) or str(account)
    refs = _audit_refs(entry, payload, account)
    request = _map(payload.get("requestMetadata"))
    principal = _text(_map(payload.get("authenticationInfo")).get("principalEmail"))
    delta = _map(payload.get("serviceData") or payload.get("metadata")).get("policyDelta")
    place = labels.get("location") or labels.get("zone") or labels.get("region")
    return Event(
        id=f"audit:{insert_id}",
        kind=EventKind.CHANGE,
        provider=PROVIDER,
        type=method,
        title=f"{principal or 'someone'} called {method} on {payload.get('resourceName', 'a resource')}",
        account=account,
        region=refs[0].region if refs else str(place or GLOBAL).lower(),
        occurred_at=moment(entry.get("timestamp"), "timestamp"),
        actor=principal,
        refs=refs,
        detail=_known(
            source="audit",
            method=method,
            service=payload.get("serviceName"),
            resource_name=payload.get("resourceName"),
            principal=principal,
            caller_ip=_pick(request, "callerIp"),
            user_agent=request.get("callerSuppliedUserAgent"),
            request_id=_text(_map(entry.get("operation")).get("id")),
            policy_delta=delta,
            raw=entry,
        ),
    )


def _audit_refs(entry: Json, payload: Json, account: str) -> tuple[ResourceRef, ...]:
    if not account or names.is_number(account):
        return ()
    resource = _map(entry.get("resource"))
    labels, kind = _map(resource.get("labels")), resource.get("type")
    path = str(payload.get("resourceName") or "")
    named: list[str] = []
    place: str | None = None
    if kind == "gcs_bucket" and labels.get("bucket_name"):
        named, place = [f"//storage.googleapis.com/{labels['bucket_name']}"], labels.get("location")
    elif kind == "service_account":
        named = _audit_account(payload, labels, path, account)
    elif kind == "cloudsql_database" and ":" in str(labels.get("database_id")):
        named = [
            f"//cloudsql.googleapis.com/projects/{account}/instances/{labels['database_id'].partition(':')[2]}"
        ]
        place = labels.get("region")
    elif kind == "project" and path.startswith("projects/"):
        named = [f"//cloudresourcemanager.googleapis.com/{'/'.join(path.split('/')[:2])}"]
    elif path.startswith("projects/"):
        tail = path.split("/", 2)[2] if path.count("/") >= 2 else ""
        named = [f"//{payload.get('serviceName')}/projects/{account}/{tail}"]
    return tuple(
        _ref(name, type_, account, place) for name in named if (type_ := names.type_of(name)) is not None
    )


def _audit_account(payload: Json, labels: Json, path: str, account: str) -> list[str]:
    """A service account by its unique id, and the key the call made or named, if any."""
    known = labels.get("unique_id") or labels.get("email_id")
    if not known:
        return []
    owner = f"//iam.googleapis.com/projects/{account}/serviceAccounts/{known}"
    response = _map(payload.get("response"))
    for text in (
        path,
        str(response.get("name") or ""),
        str(_map(payload.get("request")).get("name") or ""),
    ):
        if "/keys/" in text:
            return [f"{owner}/keys/{names.last(text)}", owner]
    return [owner]


# -- Security Command Center -------------------------------------------------------------------------------------


def _finding(message: Json, id_of: IdOf) -> Event | Ignored | None:
    finding: Json = message["finding"]
    name, category = finding.get("name"), finding.get("category")
    if not isinstance(name, str) or not isinstance(category, str):
        raise ValueError("a Security Command Center notification without a finding's name or category")
    at = moment(finding.get("eventTime"), "finding.eventTime")
    if finding.get("state") == "INACTIVE" or finding.get("mute") == "MUTED":
        return IGNORED
    resource = _map(message.get("resource") or finding.get("resource"))
    properties = _map(finding.get("sourceProperties"))
    access = _map(finding.get("access"))
    full_name = finding.get("resourceName") or resource.get("name")
    project = (
        _pick(resource, "projectDisplayName")
        or resource.get("project_display_name")
        or properties.get("ProjectId")
        or (names.project_in(full_name) if isinstance(full_name, str) else None)
    )
    account = id_of(str(project)) or str(project) if project else ""
    level = str(finding.get("severity") or properties.get("SeverityLevel") or "").upper()
    key, principal = access.get("serviceAccountKeyName"), _text(access.get("principalEmail"))
    refs = _finding_refs(full_name, key, principal, account)
    return Event(
        id=f"scc:{name}:{finding.get('eventTime')}",
        kind=EventKind.FINDING,
        provider=PROVIDER,
        type=category,
        title=str(finding.get("description") or properties.get("Explanation") or category),
        account=account,
        region=refs[-1].region if refs else GLOBAL,
        occurred_at=at,
        severity=_SEVERITY.get(level, Severity.INFO),
        actor=principal,
        refs=refs,
        detail=_known(
            source="scc",
            category=category,
            severity=level.lower() or None,
            state=finding.get("state"),
            resource_name=full_name,
            principal=principal,
            service_account_key=key,
            recommendation=properties.get("Recommendation") or finding.get("nextSteps"),
            external_uri=finding.get("externalUri"),
            raw=message,
        )
        | _known(**{"class": finding.get("findingClass")}),
    )


def _finding_refs(full_name: Any, key: Any, principal: Any, account: str) -> tuple[ResourceRef, ...]:
    """The key and the account a finding accuses first, then the resource it was found on."""
    if not account or names.is_number(account):
        return ()
    named: list[str] = []
    if isinstance(key, str) and key.startswith("//iam.googleapis.com/"):
        named.append(key)
    if isinstance(principal, str) and principal.endswith(".gserviceaccount.com"):
        owner = names.project_in(key) if isinstance(key, str) else None
        named.append(f"//iam.googleapis.com/projects/{owner or account}/serviceAccounts/{principal}")
    if isinstance(full_name, str):
        named.append(full_name)
    refs = []
    for name in dict.fromkeys(named):
        type_ = names.type_of(name)
        if type_ is not None:
            inside = names.project_in(name)
            owner_id = inside if inside and not names.is_number(inside) else account
            refs.append(_ref(name, type_, owner_id, None))
    return tuple(refs)


def _threat(entry: Json, id_of: IdOf) -> Event:
    """Event Threat Detection's older form, a log entry."""
    payload = _map(entry.get("jsonPayload"))
    category = _map(payload.get("detectionCategory")).get("ruleName")
    if not isinstance(category, str):
        raise ValueError("an Event Threat Detection entry without detectionCategory.ruleName")
    at = moment(entry.get("timestamp") or entry.get("receiveTimestamp"), "timestamp")
    properties = _map(payload.get("properties"))
    project = names.project_in(f"//x/{_pick(entry, 'logName')}") or ""
    account = id_of(project) or project
    details = properties.get("instanceDetails")
    refs: tuple[ResourceRef, ...] = ()
    if isinstance(details, str) and details.startswith("/projects/") and not names.is_number(account):
        name = f"//compute.googleapis.com{details}"
        refs = (_ref(name, "compute.googleapis.com/Instance", account, None),)
    level = str(payload.get("detectionPriority") or "").upper()
    return Event(
        id=f"scc:{_pick(entry, 'insertId') or category}:{entry.get('timestamp')}",
        kind=EventKind.FINDING,
        provider=PROVIDER,
        type=category,
        title=f"Event Threat Detection: {category}",
        account=account,
        region=refs[0].region if refs else GLOBAL,
        occurred_at=at,
        severity=_SEVERITY.get(level, Severity.MEDIUM),
        refs=refs,
        detail=_known(source="scc", category=category, state="ACTIVE", raw=entry),
    )


# -- small things ------------------------------------------------------------------------------------------------


def _ref(name: str, type_: str, account: str, place: Any) -> ResourceRef:
    where = str(place).lower() if place else names.location_in(name)
    return ResourceRef(provider=PROVIDER, account=account, region=where, type=type_, uid=name)


def _pick(mapping: Json, key: str) -> Any:
    """A field under its name, or all lower case as log exports through BigQuery write it."""
    found = mapping.get(key)
    if found is not None:
        return found
    return next((v for k, v in mapping.items() if k.lower() == key.lower()), None)


def _map(value: Any) -> Json:
    """A field that should be an object, or nothing: a message is not trusted to keep its own form."""
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _known(**facts: Any) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
