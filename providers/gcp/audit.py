"""Entries of Cloud Audit Logs, understood: who called what, and upon which resources."""

from __future__ import annotations

from providers.gcp import names
from providers.gcp.document import PROVIDER
from providers.gcp.message import Json, ProjectNames, known, mapping, moment, pick, ref_of, text_of
from providers.provider import IGNORED, Event, EventKind, Ignored
from providers.resource import GLOBAL, ResourceRef


def understood(
    entry: Json, log_name: str, projects: ProjectNames, parents: tuple[str, ...]
) -> Event | Ignored | None:
    """What an entry of the log named tells; an organisation or folder is named where it is one of ``parents`` or lies in one, the
    account that the inventory has it under. IGNORED for a failed call or a read. Raises ``ValueError``."""
    payload: Json = entry["protoPayload"]
    if not log_name.endswith(("%2Factivity", "/activity", "%2Fsystem_event", "/system_event")):
        return IGNORED
    if mapping(payload.get("status")).get("code"):
        return IGNORED
    insert_id, method = pick(entry, "insertId"), payload.get("methodName")
    if not isinstance(insert_id, str) or not isinstance(method, str):
        raise ValueError("an audit log entry without an insertId or a methodName")
    labels = mapping(mapping(entry.get("resource")).get("labels"))
    account = (
        labels.get("project_id") or names.project_in(f"//x/{log_name}") or names.container_in(log_name) or ""
    )
    account = projects.id_of(str(account)) or str(account)
    refs = _audit_refs(entry, payload, account, projects, parents)
    request = mapping(payload.get("requestMetadata"))
    principal = text_of(mapping(payload.get("authenticationInfo")).get("principalEmail"))
    delta = mapping(payload.get("serviceData") or payload.get("metadata")).get("policyDelta")
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
        detail=known(
            source="audit",
            method=method,
            service=payload.get("serviceName"),
            resource_name=payload.get("resourceName"),
            principal=principal,
            caller_ip=pick(request, "callerIp"),
            user_agent=request.get("callerSuppliedUserAgent"),
            request_id=text_of(mapping(entry.get("operation")).get("id")),
            policy_delta=delta,
            raw=entry,
        ),
    )


def _audit_refs(
    entry: Json, payload: Json, account: str, projects: ProjectNames, parents: tuple[str, ...]
) -> tuple[ResourceRef, ...]:
    if not account or names.is_number(account):
        return ()
    resource = mapping(entry.get("resource"))
    labels, kind = mapping(resource.get("labels")), resource.get("type")
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
        itself = f"//cloudresourcemanager.googleapis.com/{'/'.join(path.split('/')[:2])}"
        named = [names.as_inventoried(itself, projects.number_of)]
    elif kind in ("organization", "folder") and path == account:
        account = _read_from(account, projects, parents)
        named = [f"//cloudresourcemanager.googleapis.com/{path}"] if account else []
    elif path.startswith("projects/"):
        tail = path.split("/", 2)[2] if path.count("/") >= 2 else ""
        named = [f"//{payload.get('serviceName')}/projects/{account}/{tail}"]
    return tuple(
        ref_of(name, type_, account, place) for name in named if (type_ := names.type_of(name)) is not None
    )


def _read_from(container: str, projects: ProjectNames, parents: tuple[str, ...]) -> str:
    """The parent from which the inventory has an organisation or folder; empty where it has none, or cannot be told."""
    above = projects.above(container) if container.startswith("folders/") and container not in parents else ()
    return next((one for one in (container, *(above or ())) if one in parents), "")


def _audit_account(payload: Json, labels: Json, path: str, account: str) -> list[str]:
    """A service account by its unique id, and the key the call made or named, if any."""
    known = labels.get("unique_id") or labels.get("email_id")
    if not known:
        return []
    owner = f"//iam.googleapis.com/projects/{account}/serviceAccounts/{known}"
    response = mapping(payload.get("response"))
    for text in (
        path,
        str(response.get("name") or ""),
        str(mapping(payload.get("request")).get("name") or ""),
    ):
        if "/keys/" in text:
            return [f"{owner}/keys/{names.last(text)}", owner]
    return [owner]
