"""Who did what to a resource, as the audit logs tell it: admin activity and system events, kept 400 days.

Cloud Logging is asked for entries that have the resource's name in them (for a project: that are of the service that has
projects), and then each must name the resource itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from providers.errors import Unavailable
from providers.gcp import events, names
from providers.gcp.message import ProjectNames
from providers.gcp.projects import PROJECT
from providers.gcp.reader import parent_of
from providers.gcp.session import Session
from providers.provider import Deed, Event
from providers.resource import ResourceRef

_CONTAINERS: Final = (
    "cloudresourcemanager.googleapis.com/Organization",
    "cloudresourcemanager.googleapis.com/Folder",
)
LAG: Final = timedelta(minutes=5)
"""What Cloud Logging may be behind."""
PERMISSION: Final = "logging.logEntries.list"
PAGES: Final = 20
"""More than that many pages of entries about one resource in one window are not read: the window is then unknown."""


def deeds(
    session: Session,
    ref: ResourceRef,
    since: datetime,
    until: datetime,
    projects: ProjectNames,
) -> list[Deed]:
    """The successful changes of ``ref`` in (since, until], oldest first. Raises ProviderError."""
    container = _container(ref)
    parents = (container,) if container else ()
    found = []
    for entry in _entries(session, ref, since, until):
        try:
            event = events.parse(entry, projects, parents)
        except ValueError as error:
            raise Unavailable(
                f"An audit log entry cannot be understood: {error}.", code="BadEntry"
            ) from error
        # Failed calls and data access changed nothing.
        if not isinstance(event, Event) or not since < event.occurred_at <= until:
            continue
        if any(named.uid == ref.uid for named in event.refs):
            found.append(Deed.of(event))
    return sorted(found, key=lambda deed: (deed.at, deed.id))


def _entries(
    session: Session, ref: ResourceRef, since: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    body: dict[str, Any] = {
        "resourceNames": [_container(ref) or parent_of(ref.account)],
        "filter": (
            '(log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/system_event"))'
            f' AND timestamp > "{_time(since)}" AND timestamp <= "{_time(until)}"'
            f" AND {_about(ref)}"
        ),
        "orderBy": "timestamp asc",
        "pageSize": 1000,
    }
    deadline = session.deadline()
    for _ in range(PAGES):
        page = session.rest("POST", "logging", "/v2/entries:list", body=body, deadline=deadline)
        yield from page.get("entries", ())
        token = page.get("nextPageToken")
        if not token:
            return
        body["pageToken"] = token
    raise Unavailable(f"The audit log entries about {ref.uid} do not end.", code="PagingLoop")


def _container(ref: ResourceRef) -> str | None:
    """The organisation or folder that a resource is, whose log it is told in; None for any other resource."""
    return names.container_in(ref.uid) if ref.type in _CONTAINERS else None


def _about(ref: ResourceRef) -> str:
    """A term of the filter that every entry about a resource meets."""
    if ref.type == PROJECT:
        # Entries name a project by its id or its number, whichever was called with; its log has little else of this service.
        return 'protoPayload.serviceName = "cloudresourcemanager.googleapis.com"'
    name = names.last(ref.uid).replace("\\", "\\\\").replace('"', '\\"')
    return f'protoPayload.resourceName : "{name}"'


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
