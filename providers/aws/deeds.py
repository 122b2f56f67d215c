"""Who did what to a resource, as CloudTrail's event history tells it: 90 days, management events, in each region.

``LookupEvents`` is asked by the resource's name, and then each record must name the resource itself: the same name may be a
user's and a role's, and what only may concern a resource does not concern it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from providers.aws import events
from providers.aws.arns import TRAIL_NAMES
from providers.aws.session import Place, Sessions
from providers.errors import Refused, Unavailable
from providers.provider import Deed, Event
from providers.resource import GLOBAL, ResourceRef

LAG: Final = timedelta(minutes=15)
"""CloudTrail's event history is said to be complete after so long."""


def deeds(sessions: Sessions, ref: ResourceRef, since: datetime, until: datetime) -> Iterator[Deed]:
    """The successful changes of ``ref`` in (since, until], oldest first. Raises Refused for what has no name to ask by, else
    ProviderError."""
    # The events of global services (IAM, CloudFront, Route 53) are in the partition's home region.
    place = Place(ref.account, sessions.home_region if ref.region == GLOBAL else ref.region)
    for name in _names(ref):
        found = sorted(_of(sessions, place, ref, name, since, until), key=lambda deed: (deed.at, deed.id))
        if found:
            yield from found
            return


def _names(ref: ResourceRef) -> tuple[str, ...]:
    """What CloudTrail may call it: the last of its ARN, or the ARN."""
    last = ref.uid.rpartition("/")[2].rpartition(":")[2]
    if not last or last == "root":
        raise Refused(
            f"CloudTrail cannot be asked who changed {ref.uid}: it has no name there.", code="NoRecord"
        )
    return (last, ref.uid) if last != ref.uid else (last,)


def _of(
    sessions: Sessions, place: Place, ref: ResourceRef, name: str, since: datetime, until: datetime
) -> Iterator[Deed]:
    parameters = {
        "LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": name}],
        "StartTime": since,
        "EndTime": until,
        "MaxResults": 50,
    }
    for page in sessions.pages(place, "cloudtrail", "LookupEvents", parameters):
        for found in page.get("Events", ()):
            event = _understood(found)
            if (
                event is not None
                and since < event.occurred_at <= until
                and _names_it(event, found, ref, name)
            ):
                yield Deed.of(event)


def _understood(found: Mapping[str, Any]) -> Event | None:
    try:
        event = events.parse(orjson.loads(found["CloudTrailEvent"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"CloudTrail's event {found.get('EventId')} cannot be understood: {error}.", code="BadEvent"
        ) from error
    # Reading and refused calls changed nothing.
    return event if isinstance(event, Event) else None


def _names_it(event: Event, found: Mapping[str, Any], ref: ResourceRef, name: str) -> bool:
    """Whether a record speaks of this very resource."""
    if any(named.uid == ref.uid for named in event.refs):
        return True
    source = str(event.detail.get("source"))
    if source in TRAIL_NAMES:
        return False  # what these records name is understood, and it is another
    if any(one.get("ResourceName") == ref.uid for one in found.get("Resources", ())):
        return True
    return _same_kind(found, ref, name, source)


def _same_kind(found: Mapping[str, Any], ref: ResourceRef, name: str, source: str) -> bool:
    """Whether a resource of that name, of the same service, is of the kind that the ARN says:
    ``AWS::Lambda::Function`` and ``arn:aws:lambda:…:function:name``."""
    parts = ref.uid.split(":", 5)
    if len(parts) < 6 or source.partition(".")[0] != parts[2]:
        return False
    kind = parts[5].replace("/", ":").partition(":")[0].replace("-", "").lower()
    kinds = {
        str(one.get("ResourceType")).rpartition("::")[2].lower()
        for one in found.get("Resources", ())
        if one.get("ResourceName") == name
    }
    return kinds == {kind}
