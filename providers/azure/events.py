"""Azure's messages, understood: Event Grid, the activity log, Defender for Cloud's alerts.

| form | how it is told | becomes |
|---|---|---|
| Event Grid event | ``eventType`` ``Microsoft.Resources.Resource{Write,Delete,Action}Success`` | change |
| the same as CloudEvents 1.0 | ``specversion`` and ``type`` | change |
| activity log record (diagnostic setting, event hub, REST) | ``operationName`` and ``resourceId`` | change |
| Defender alert (ARM form) | ``type`` ``Microsoft.Security/…/alerts`` | finding |
| Defender alert (continuous export) | ``SystemAlertId`` or ``systemAlertId`` with an alert type | finding |

A change's references are what Resource Graph lists: a security rule is part of its network security group, so the group
is to be re-read. ``detail`` of a change: ``operation``, ``status``, ``resource_id``, ``tenant`` (lower case; null
where the message names none), ``correlation_id``, ``source_ip``, ``raw``. Of a finding: ``severity``, ``title``, ``description``, ``alert_type``, ``tactic``, ``status``, ``resources``,
``entities``, ``compromised_entity``, ``raw``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from providers.azure.details import AT_ROOT, DETAILS
from providers.azure.names import PROVIDER, ROLE_ASSIGNMENT, ResourceId, parse, ref_of, tenant_of
from providers.provider import IGNORED, Event, EventKind, Ignored, Severity
from providers.resource import ANY, GLOBAL, ResourceRef

_GRID = re.compile(
    r"microsoft\.resources\.resource(write|delete|action)(success|failure|cancel)", re.IGNORECASE
)
_SUCCESS: Final = frozenset({"success", "succeeded", "accepted", "start", "started", ""})
_ENDED_WELL: Final = frozenset({"success", "succeeded", ""})
_CLOSED: Final = frozenset({"dismissed", "resolved"})
_SEVERITIES: Final = {
    "informational": Severity.INFO,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
}
LISTED_CHILDREN: Final = frozenset(
    {
        ROLE_ASSIGNMENT,
        "microsoft.authorization/policyassignments",
        "microsoft.authorization/policydefinitions",
        "microsoft.authorization/policyexemptions",
        "microsoft.authorization/policysetdefinitions",
        "microsoft.network/networkwatchers/flowlogs",
        "microsoft.security/pricings",
        "microsoft.sql/servers/databases",
        "microsoft.sql/servers/elasticpools",
        "microsoft.sql/managedinstances/databases",
        "microsoft.compute/virtualmachines/extensions",
        "microsoft.compute/galleries/images",
        "microsoft.compute/galleries/images/versions",
        "microsoft.web/sites/slots",
        "microsoft.automation/automationaccounts/runbooks",
        "microsoft.containerregistry/registries/replications",
        "microsoft.network/privatednszones/virtualnetworklinks",
        "microsoft.cdn/profiles/endpoints",
        "microsoft.devices/provisioningservices",
        "microsoft.operationalinsights/querypacks",
    }
)
"""Nested and attached types Resource Graph lists as resources of their own; all others are part of what holds them."""
ATTACHED_NAMESPACES: Final = frozenset(
    {"microsoft.authorization", "microsoft.resources", "microsoft.security", "microsoft.policyinsights"}
)
ATTACHED: Final = frozenset({"microsoft.insights/diagnosticsettings", "microsoft.consumption/budgets"})
"""What is attached to a subscription, a group or a resource without being listed: its change is told of that."""
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


def parse_event(body: Mapping[str, Any]) -> Event | Ignored | None:
    """Understand one message; IGNORED if it asks for nothing, None if it is not Azure's.

    Raises ValueError for one that claims a known form and breaks it.
    """
    kind = (
        body.get("eventType") if "eventType" in body else body.get("type") if "specversion" in body else None
    )
    if isinstance(kind, str) and _GRID.fullmatch(kind):
        return _grid(body, kind)
    if _is_alert(body):
        return _alert(body)
    if "operationName" in body and ("resourceId" in body or "resourceUri" in body):
        return _activity(body)
    return None


def refs_of(identity: ResourceId) -> tuple[ResourceRef, ...]:
    """What to re-read when something has changed: itself if it is listed, else what it is part of. A detail that is read by itself
    stands before what has it, which people look at. Nothing for what is at a tenant's root and is not read there."""
    if tenant_of(identity.account) is not None:
        return (ref_of(identity),) if identity.type in AT_ROOT else ()
    own = (ref_of(identity),) if identity.type in DETAILS else ()
    return (*own, _listed(identity))


def _listed(identity: ResourceId) -> ResourceRef:
    while True:
        for part in identity.chain():
            if part.type in LISTED_CHILDREN:
                return ref_of(part)
            if part.extension or part.type in ATTACHED or part.namespace in ATTACHED_NAMESPACES:
                identity = parse(part.scope)
                break
            if len(part.types) <= 1:
                return ref_of(part)


def _grid(body: Mapping[str, Any], kind: str) -> Event | Ignored | None:
    match = _GRID.fullmatch(kind)
    assert match is not None
    if match[2].lower() != "success":
        return IGNORED  # nothing was changed
    data = _mapping(body.get("data"), "data")
    resource_id = _text(data.get("resourceUri") or body.get("subject"), "subject")
    identity = parse(resource_id, _tenant(data))
    operation = str(data.get("operationName") or kind)
    return Event(
        id=_text(body.get("id"), "id"),
        kind=EventKind.CHANGE,
        provider=PROVIDER,
        type=operation,
        title=f"{operation} on {resource_id}",
        account=identity.account,
        region=ANY,
        occurred_at=_time(body.get("eventTime") or body.get("time")),
        actor=_actor(data.get("claims"), data),
        refs=refs_of(identity),
        detail={
            "operation": operation,
            "status": str(data.get("status") or ""),
            "resource_id": resource_id.lower(),
            "tenant": _tenant(data),
            "correlation_id": data.get("correlationId"),
            "source_ip": (data.get("httpRequest") or {}).get("clientIpAddress")
            if isinstance(data.get("httpRequest"), Mapping)
            else None,
            "raw": dict(body),
        },
    )


def _activity(body: Mapping[str, Any]) -> Event | Ignored | None:
    operation = _localized(body["operationName"])
    resource_id = _text(body.get("resourceId") or body.get("resourceUri"), "resourceId")
    status = _localized(body.get("resultType") or body.get("status")).lower()
    verb = operation.rpartition("/")[2].lower()
    if status not in _ENDED_WELL or verb not in ("write", "delete", "action"):
        return IGNORED  # a beginning, a failure, or something that changes nothing (a policy's audit)
    when = _time(body.get("time") or body.get("eventTimestamp"))
    identity = parse(resource_id, _tenant(body))
    who = body.get("identity")
    claims = body.get("claims") or (who.get("claims") if isinstance(who, Mapping) else None)
    location = body.get("location")
    return Event(
        id=_text(body.get("eventDataId") or _digest(body), "eventDataId"),
        kind=EventKind.CHANGE,
        provider=PROVIDER,
        type=operation,
        title=f"{operation} on {resource_id}",
        account=identity.account,
        region=str(location).lower() if isinstance(location, str) and location else GLOBAL,
        occurred_at=when,
        actor=_actor(claims, body),
        refs=refs_of(identity),
        detail={
            "operation": operation,
            "status": status,
            "resource_id": resource_id.lower(),
            "tenant": _tenant(body),
            "correlation_id": body.get("correlationId"),
            "source_ip": body.get("callerIpAddress") or _address(body),
            "raw": dict(body),
        },
    )


def _is_alert(body: Mapping[str, Any]) -> bool:
    kind = str(body.get("type") or "").lower()
    if kind.startswith("microsoft.security/") and kind.endswith("/alerts"):
        return True
    lowered = {key.lower() for key in body}
    return {"systemalertid", "alerttype"} <= lowered


def _alert(body: Mapping[str, Any]) -> Event | Ignored | None:
    """A Defender alert. ARM writes camelCase below ``properties``, continuous export PascalCase at the top."""
    inner = body.get("properties")
    facts = {k.lower(): v for k, v in (inner if isinstance(inner, Mapping) else body).items()}
    status = str(facts.get("status") or "Active")
    if status.lower() in _CLOSED:
        return IGNORED
    alert_type = _text(facts.get("alerttype"), "alertType")
    resources = list(_resource_ids(facts.get("resourceidentifiers")))
    own = str(body.get("id") or facts.get("azureresourceid") or "")
    account = next((parse(r).account for r in [*resources, own] if _is_id(r)), "")
    if not account:
        raise ValueError("a Defender alert that names no subscription")
    title = str(facts.get("alertdisplayname") or facts.get("displayname") or alert_type)
    severity = str(facts.get("severity") or facts.get("reportedseverity") or "").lower()
    return Event(
        id=_text(facts.get("systemalertid") or body.get("name"), "systemAlertId"),
        kind=EventKind.FINDING,
        provider=PROVIDER,
        type=alert_type,
        title=title,
        account=account,
        region=GLOBAL,
        occurred_at=_time(
            facts.get("timegeneratedutc") or facts.get("timegenerated") or facts.get("starttimeutc")
        ),
        severity=_SEVERITIES.get(severity, Severity.MEDIUM),
        refs=tuple(dict.fromkeys(ref for r in resources if _is_id(r) for ref in refs_of(parse(r)))),
        detail={
            "severity": severity or "medium",
            "title": title,
            "description": str(facts.get("description") or ""),
            "alert_type": alert_type,
            "tactic": facts.get("intent") or facts.get("tactics"),
            "status": status,
            "resources": [r.lower() for r in resources],
            "entities": facts.get("entities") or [],
            "compromised_entity": facts.get("compromisedentity"),
            "raw": dict(body),
        },
    )


def _resource_ids(value: object) -> Iterable[str]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            found = next(
                (v for k, v in item.items() if k.lower() in ("azureresourceid", "resourceid", "id")), None
            )
            if isinstance(found, str) and found:
                yield found


def _is_id(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _actor(claims: object, record: Mapping[str, Any]) -> str | None:
    """Who did it: a person's name for signing in, else the application."""
    known = claims if isinstance(claims, Mapping) else {}
    for name in (_UPN, "name", "appid"):
        if known.get(name):
            return str(known[name])
    caller = record.get("caller")
    return str(caller) if caller else None


def _address(record: Mapping[str, Any]) -> str | None:
    """The caller's address where the activity log's REST form has it."""
    request = record.get("httpRequest")
    found = request.get("clientIpAddress") if isinstance(request, Mapping) else None
    return str(found) if found else None


def _tenant(record: Mapping[str, Any]) -> str | None:
    found = record.get("tenantId")
    return found.lower() if isinstance(found, str) and found else None


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"an Azure event whose {what} is no object")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"an Azure event without {what}")
    return value


def _localized(value: object) -> str:
    """The activity log's REST form writes ``{"value": …, "localizedValue": …}`` where the exported one has text."""
    if isinstance(value, Mapping):
        value = value.get("value")
    return str(value or "")


def _time(value: object) -> datetime:
    text = _text(value, "a time")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"an Azure event with the time {text[:40]!r}") from None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _digest(body: Mapping[str, Any]) -> str:
    """An id for a record that carries none of its own: the same record delivered twice has the same."""
    return hashlib.sha256(orjson.dumps(dict(body), option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]
