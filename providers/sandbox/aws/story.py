"""Stories for the demo and for drills: what happens in the emulated estate while somebody watches.

Each function takes the sandbox's endpoint, so it works from the sandbox's own process and from another.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from providers.normalise import timestamp
from providers.sandbox.aws.door import enter
from providers.sandbox.aws.estate import Estate, LeakyKey

ANOMALY = "CredentialAccess:IAMUser/AnomalousBehavior"


class StoryFailed(RuntimeError):
    """The sandbox did not take part in the story."""


def guardduty_finding(
    key: LeakyKey,
    *,
    at: datetime,
    region: str = "us-east-1",
    severity: float = 8.0,
    finding_id: str | None = None,
) -> dict[str, Any]:
    """GuardDuty's finding on a key that behaves unlike its user. The same key and moment give the same finding."""
    fingerprint = sha256(f"{key.access_key_id}{at.isoformat()}".encode()).hexdigest()
    found = finding_id or fingerprint[:32]
    detector = fingerprint[32:]
    seen, now = timestamp(at - timedelta(minutes=4)), timestamp(at)
    call = {
        "api": "GetSecretValue",
        "serviceName": "secretsmanager.amazonaws.com",
        "callerType": "Remote IP",
        "errorCode": "",
        "remoteIpDetails": {
            "ipAddressV4": "198.51.100.23",
            "organization": {
                "asn": "64496",
                "asnOrg": "Example Transit",
                "isp": "Example Transit",
                "org": "Example",
            },
            "country": {"countryName": "Elsewhere"},
            "city": {"cityName": "Nowhere"},
            "geoLocation": {"lat": 0.0, "lon": 0.0},
        },
        "affectedResources": {},
    }
    return {
        "schemaVersion": "2.0",
        "accountId": key.account,
        "region": region,
        "partition": "aws",
        "id": found,
        "arn": f"arn:aws:guardduty:{region}:{key.account}:detector/{detector}/finding/{found}",
        "type": ANOMALY,
        "resource": {
            "resourceType": "AccessKey",
            "accessKeyDetails": {
                "accessKeyId": key.access_key_id,
                "principalId": f"AIDA{fingerprint[:17].upper()}",
                "userType": "IAMUser",
                "userName": key.user_name,
            },
        },
        "service": {
            "serviceName": "guardduty",
            "detectorId": detector,
            "action": {"actionType": "AWS_API_CALL", "awsApiCallAction": call},
            "resourceRole": "TARGET",
            "additionalInfo": {
                "userAgent": {"fullUserAgent": "python-requests/2.32", "userAgentCategory": "scripting"}
            },
            "eventFirstSeen": seen,
            "eventLastSeen": now,
            "archived": False,
            "count": 1,
        },
        "severity": severity,
        "createdAt": now,
        "updatedAt": now,
        "title": f"User IAMUser : {key.user_name} is anomalously invoking APIs commonly used in CredentialAccess tactics.",
        "description": (
            "APIs commonly used in CredentialAccess tactics were invoked by user IAMUser : "
            f"{key.user_name} under unusual circumstances. Such activity is not typically seen from this user."
        ),
    }


def leak_access_key_event(
    endpoint: str,
    key: LeakyKey,
    *,
    at: datetime,
    region: str = "us-east-1",
    severity: float = 8.0,
    finding_id: str | None = None,
) -> dict[str, Any]:
    """GuardDuty finds the key abused: put the finding on the management account's event bus, as its delegated
    administrator sees it. Returns the finding. Raises StoryFailed where the bus refuses it."""
    finding = guardduty_finding(key, at=at, region=region, severity=severity, finding_id=finding_id)
    put_event(
        endpoint,
        source="aws.guardduty",
        detail_type="GuardDuty Finding",
        detail=finding,
        at=at,
        region=region,
    )
    return finding


def put_event(
    endpoint: str, *, source: str, detail_type: str, detail: Any, at: datetime, region: str = "us-east-1"
) -> str:
    """Put any event on the management account's bus; returns its id. Raises StoryFailed."""
    door = enter(endpoint)
    try:
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Time": at}
        answer = door.client("events", region).put_events(Entries=[entry])
    finally:
        door.close()
    if "EventId" not in answer["Entries"][0]:
        raise StoryFailed(f"The event bus refused the event: {answer['Entries'][0]}")
    return str(answer["Entries"][0]["EventId"])


def introduce_drift(endpoint: str, estate: Estate) -> str:
    """Somebody switches a compliant bucket's access logging off. Returns the bucket's uid."""
    return switch_logging_off(endpoint, *estate.drifting_bucket, who="somebody")


def switch_logging_off(endpoint: str, account: str, bucket: str, *, who: str) -> str:
    """``who`` switches a bucket's access logging off. Returns the bucket's uid."""
    door = enter(endpoint, account)
    door.caller = who
    try:
        door.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    finally:
        door.close()
    return f"arn:aws:s3:::{bucket}"


def key_status(endpoint: str, key: LeakyKey) -> str:
    """``Active`` or ``Inactive``, as IAM says. Raises StoryFailed where there is no such key."""
    door = enter(endpoint, key.account)
    try:
        keys = door.client("iam").list_access_keys(UserName=key.user_name)["AccessKeyMetadata"]
    finally:
        door.close()
    for found in keys:
        if found["AccessKeyId"] == key.access_key_id:
            return str(found["Status"])
    raise StoryFailed(f"User {key.user_name} has no key {key.access_key_id}.")
