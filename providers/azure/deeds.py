"""Who did what to a resource, as the activity log tells it (90 days), or Resource Graph's record of changes (14 days).

The activity log knows the address and the request, and may lag by twenty minutes; it is asked for the resource's group, since a
part of a resource (a rule of a security group) is changed under an id of its own. Where it may not be read, or has nothing,
``resourcechanges`` still names who made a change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from providers.azure import events
from providers.azure.above import GROUPS
from providers.azure.names import ResourceId, above, group_of
from providers.azure.past import changes_since
from providers.azure.reread import identity_of
from providers.azure.session import Session
from providers.errors import Denied, ProviderError, Unavailable
from providers.provider import Deed, Event
from providers.resource import ResourceRef

LAG: Final = timedelta(minutes=20)
"""What the activity log may be behind."""
API_VERSION: Final = "2015-04-01"
GROUP_VERSION: Final = "2017-03-01-preview"
"""The version that has the log of a management group."""
PERMISSION: Final = "Microsoft.Insights/eventtypes/values/read"


def deeds(session: Session, ref: ResourceRef, since: datetime, until: datetime) -> list[Deed]:
    """The successful changes of ``ref`` in (since, until], oldest first. Raises ProviderError."""
    identity = identity_of(ref)
    refused: ProviderError | None = None
    try:
        found = list(_activity(session, identity, since, until))
    except Denied as error:
        error.permission = PERMISSION
        refused, found = error, []
    if not found and not above(identity.account):
        found = [
            Deed(id=change.id, at=change.at, actor=change.actor, operation=change.operation or change.kind)
            for change in changes_since(session, [identity], since)[identity.uid]
            if since < change.at <= until
        ]
    if not found and refused is not None:
        raise refused
    return sorted(found, key=lambda deed: (deed.at, deed.id))


def _activity(session: Session, identity: ResourceId, since: datetime, until: datetime) -> Iterator[Deed]:
    where, version = _log_of(identity)
    condition = f"eventTimestamp ge '{_time(since)}' and eventTimestamp le '{_time(until)}'"
    if not above(identity.account):
        group = identity.group
        own = f"resourceGroupName eq '{group}'" if group is not None else f"resourceUri eq '{identity.uid}'"
        condition = f"{condition} and {own}"
    path = f"{where}/providers/Microsoft.Insights/eventtypes/management/values"
    for item in session.items(
        identity.account, path, version, service="insights", query={"$filter": condition}
    ):
        try:
            event = events.parse_event(item)
        except ValueError as error:
            raise Unavailable(f"A record of the activity log cannot be understood: {error}.") from error
        # Beginnings, failures and audits of policies changed nothing.
        if not isinstance(event, Event) or not since < event.occurred_at <= until:
            continue
        if any(named.uid == identity.uid for named in event.refs):
            yield Deed.of(event)


def _log_of(identity: ResourceId) -> tuple[str, str]:
    """Where the activity log is that a resource's changes are in, and its api-version."""
    group = group_of(identity.account)
    if group is not None:
        return f"{GROUPS}/{group}", GROUP_VERSION
    return "" if above(identity.account) else f"/subscriptions/{identity.account}", API_VERSION


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
