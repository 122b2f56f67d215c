"""Security Command Center's findings, understood: its notifications, and Event Threat Detection's older log entries."""

from __future__ import annotations

from typing import Any, Final

from providers.gcp import names
from providers.gcp.document import PROVIDER
from providers.gcp.message import Json, ProjectNames, known, mapping, moment, pick, ref_of, text_of
from providers.provider import IGNORED, Event, EventKind, Ignored, Severity
from providers.resource import GLOBAL, ResourceRef

_SEVERITY: Final = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}


def notification(message: Json, projects: ProjectNames) -> Event | Ignored | None:
    """What a notification tells; IGNORED for a finding that is closed or muted. Raises ``ValueError``."""
    finding: Json = message["finding"]
    name, category = finding.get("name"), finding.get("category")
    if not isinstance(name, str) or not isinstance(category, str):
        raise ValueError("a Security Command Center notification without a finding's name or category")
    at = moment(finding.get("eventTime"), "finding.eventTime")
    if finding.get("state") == "INACTIVE" or finding.get("mute") == "MUTED":
        return IGNORED
    resource = mapping(message.get("resource") or finding.get("resource"))
    properties = mapping(finding.get("sourceProperties"))
    access = mapping(finding.get("access"))
    full_name = finding.get("resourceName") or resource.get("name")
    project = (
        pick(resource, "projectDisplayName")
        or resource.get("project_display_name")
        or properties.get("ProjectId")
        or (names.project_in(full_name) if isinstance(full_name, str) else None)
    )
    if project:
        account = projects.id_of(str(project)) or str(project)
    else:
        account = names.container_in(str(full_name)) or names.container_in(name) or ""
    level = str(finding.get("severity") or properties.get("SeverityLevel") or "").upper()
    key, principal = access.get("serviceAccountKeyName"), text_of(access.get("principalEmail"))
    refs = _finding_refs(full_name, key, principal, account, projects)
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
        detail=known(
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
        | known(**{"class": finding.get("findingClass")}),
    )


def _finding_refs(
    full_name: Any, key: Any, principal: Any, account: str, projects: ProjectNames
) -> tuple[ResourceRef, ...]:
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
        named.append(names.as_inventoried(full_name, projects.number_of))
    refs = []
    for name in dict.fromkeys(named):
        type_ = names.type_of(name)
        if type_ is not None:
            inside = names.project_in(name)
            owner_id = inside if inside and not names.is_number(inside) else account
            refs.append(ref_of(name, type_, owner_id, None))
    return tuple(refs)


def threat(entry: Json, projects: ProjectNames) -> Event:
    """Event Threat Detection's older form, a log entry."""
    payload = mapping(entry.get("jsonPayload"))
    category = mapping(payload.get("detectionCategory")).get("ruleName")
    if not isinstance(category, str):
        raise ValueError("an Event Threat Detection entry without detectionCategory.ruleName")
    at = moment(entry.get("timestamp") or entry.get("receiveTimestamp"), "timestamp")
    properties = mapping(payload.get("properties"))
    project = names.project_in(f"//x/{pick(entry, 'logName')}") or ""
    account = projects.id_of(project) or project
    details = properties.get("instanceDetails")
    refs: tuple[ResourceRef, ...] = ()
    if isinstance(details, str) and details.startswith("/projects/") and not names.is_number(account):
        name = f"//compute.googleapis.com{details}"
        refs = (ref_of(name, "compute.googleapis.com/Instance", account, None),)
    level = str(payload.get("detectionPriority") or "").upper()
    return Event(
        id=f"scc:{pick(entry, 'insertId') or category}:{entry.get('timestamp')}",
        kind=EventKind.FINDING,
        provider=PROVIDER,
        type=category,
        title=f"Event Threat Detection: {category}",
        account=account,
        region=refs[0].region if refs else GLOBAL,
        occurred_at=at,
        severity=_SEVERITY.get(level, Severity.MEDIUM),
        refs=refs,
        detail=known(source="scc", category=category, state="ACTIVE", raw=entry),
    )
