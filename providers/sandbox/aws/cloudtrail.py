"""CloudTrail's event history, which moto does not keep: what happened in an account and region, as ``LookupEvents`` tells it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson

from providers.sandbox.aws.wire import Answer, Asked, failure, serialise

_ATTRIBUTES = {
    "EventId": "EventId",
    "EventName": "EventName",
    "EventSource": "EventSource",
    "Username": "Username",
    "AccessKeyId": "AccessKeyId",
    "ReadOnly": "ReadOnly",
}
"""Lookup attribute -> member of an event that it is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A call to be remembered. ``resources`` are (CloudFormation type, name), as CloudTrail itself finds them."""

    source: str
    name: str
    at: datetime
    user: str
    resources: Sequence[tuple[str, str]] = ()
    parameters: Mapping[str, Any] | None = None
    answered: Mapping[str, Any] | None = None
    """What is recorded of the answer."""
    read_only: bool = False
    error: str | None = None
    request_id: str | None = None


class EventHistory:
    """What CloudTrail remembers, by account and region. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def record(self, account: str, region: str, done: Done) -> str:
        """Remember a call; returns the event's id."""
        event = _event(account, region, done)
        with self._lock:
            self._events.setdefault((account, region), []).append(event)
        return str(event["EventId"])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._events.clear()

    def answer(self, asked: Asked) -> Answer | None:
        """The answer to a call; None where it is not ours."""
        if (asked.call.service, asked.call.operation) != ("cloudtrail", "LookupEvents"):
            return None
        wanted = asked.parameters.get("LookupAttributes") or []
        if len(wanted) > 1:
            return failure(
                asked, 400, "InvalidLookupAttributesException", "You can specify only one lookup attribute."
            )
        start, end = (_moment(asked.parameters.get(name)) for name in ("StartTime", "EndTime"))
        if start is not None and end is not None and start > end:
            return failure(asked, 400, "InvalidTimeRangeException", "StartTime is after EndTime.")
        with self._lock:
            events = list(self._events.get((asked.call.account, asked.call.region), ()))
        found = [
            event
            for event in events
            if (start is None or event["EventTime"] >= start)
            and (end is None or event["EventTime"] <= end)
            and all(_matches(event, one) for one in wanted)
        ]
        # The latest first, as the service gives them. The front cuts it into pages.
        found.sort(key=lambda event: event["EventTime"], reverse=True)
        return serialise(asked, {"Events": found})


def _event(account: str, region: str, done: Done) -> dict[str, Any]:
    number, at = str(uuid4()), done.at.astimezone(UTC).replace(microsecond=0)
    record = {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{account}:user/{done.user}",
            "accountId": account,
            "userName": done.user,
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": done.source,
        "eventName": done.name,
        "awsRegion": region,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.17",
        "requestParameters": done.parameters,
        "responseElements": done.answered,
        "requestID": done.request_id or str(uuid4()),
        "eventID": number,
        "readOnly": done.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **({"errorCode": done.error} if done.error else {}),
    }
    return {
        "EventId": number,
        "EventName": done.name,
        "ReadOnly": str(done.read_only).lower(),
        "EventTime": at,
        "EventSource": done.source,
        "Username": done.user,
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in done.resources],
        "CloudTrailEvent": orjson.dumps(record).decode(),
    }


def _matches(event: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    key, value = wanted.get("AttributeKey"), wanted.get("AttributeValue")
    if key in ("ResourceName", "ResourceType"):
        return any(one[key] == value for one in event["Resources"])
    return bool(event.get(_ATTRIBUTES.get(str(key), "")) == value)


def _moment(value: Any) -> datetime | None:
    """A time on the wire: seconds since 1970, to the second as the service takes it."""
    return None if value is None else datetime.fromtimestamp(int(float(value)), UTC)
