"""Events: EventBridge envelopes (GuardDuty, Security Hub, CloudTrail, Config, state changes), understood.

What a policy sees as ``input.finding`` (:attr:`Event.detail`) for a finding: ``source``, ``id``, ``type``, ``title``,
``description``, ``severity`` (our word), ``severity_score`` (the service's number), ``account``, ``region``,
``user_name``, ``user_type``, ``principal_id``, ``access_key_id``, ``instance_id``, ``bucket_names``, ``remote_ip``,
``remote_country``, ``api``, ``count``, ``first_seen``, ``last_seen``, ``archived``, ``sample`` (each null where the
finding does not say), and ``raw``, the finding as it came. For a change: ``source``, ``api``, ``actor``, ``remote_ip``,
``user_agent``, ``request_id``, ``raw``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from providers.aws.arns import TRAIL_NAMES, Where, ref_of_arn, ref_of_name
from providers.aws.catalog.declare import search
from providers.provider import IGNORED, Batch, Event, EventKind, Ignored, Severity
from providers.resource import ResourceRef


def parse(body: Mapping[str, Any]) -> Event | Batch | Ignored | None:
    """Understand a message; IGNORED if it asks for nothing, None if it is no form of AWS's we know. Raises ValueError for a broken known form."""
    try:
        return _parse(body)
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        # Events come from outside: an object where a string belongs must not end the intake.
        raise ValueError(f"an AWS event is not formed as AWS forms them: {error}") from error


def _parse(body: Mapping[str, Any]) -> Event | Batch | Ignored | None:
    if body.get("Type") == "Notification" and "TopicArn" in body:
        inner = _json(body.get("Message"), "the Message of an SNS notification")
        return _parse(inner) if isinstance(inner, Mapping) else None
    if "invokingEvent" in body:
        inner = _json(body["invokingEvent"], "the invokingEvent of a Config rule")
        return _config_item(inner) if isinstance(inner, Mapping) else None
    if body.get("messageType") == "ConfigurationItemChangeNotification":
        return _config_item(body)
    if "detail-type" in body and "detail" in body:
        return _bridge(body)
    if "eventSource" in body and "eventName" in body:
        return _api_call(body, str(body.get("eventID") or ""))
    if "service" in body and "schemaVersion" in body and "accountId" in body:
        return _guardduty(body)
    return None


def _bridge(body: Mapping[str, Any]) -> Event | Batch | Ignored | None:
    detail, source, kind = body["detail"], str(body.get("source", "")), str(body["detail-type"])
    if not source.startswith("aws."):
        return None
    if not isinstance(detail, Mapping):
        raise ValueError(f"the detail of {kind!r} is not an object")
    if source == "aws.guardduty" and kind == "GuardDuty Finding":
        return _guardduty(detail)
    if source == "aws.securityhub" and kind.startswith("Security Hub Findings"):
        return _security_hub(detail)
    if kind in ("AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"):
        return _api_call(detail, str(body.get("id") or ""))
    if source == "aws.config" and kind == "Config Configuration Item Change":
        return _config_item(detail)
    return _state_change(body, kind)


def _guardduty(finding: Mapping[str, Any]) -> Event:
    name = "a GuardDuty finding"
    account, region = _need(finding, "accountId", name), _need(finding, "region", name)
    finding_id, type_ = _need(finding, "id", name), _need(finding, "type", name)
    updated = str(finding.get("updatedAt") or finding.get("createdAt") or "")
    score = finding.get("severity")
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise ValueError(f"the severity of {name} is not a number: {score!r}")
    where = Where(account, region, str(finding.get("partition") or "aws"))
    key = search("resource.accessKeyDetails", finding) or {}
    service = finding.get("service") or {}
    call = search("action.awsApiCallAction", service) or {}
    remote = (
        search(
            "action.[awsApiCallAction, networkConnectionAction, kubernetesApiCallAction][].remoteIpDetails | [0]",
            service,
        )
        or {}
    )
    severity = _guardduty_severity(float(score))
    detail = {
        "source": "guardduty",
        "id": finding_id,
        "type": type_,
        "title": finding.get("title"),
        "description": finding.get("description"),
        "severity": severity.value,
        "severity_score": score,
        "account": account,
        "region": region,
        "resource_type": search("resource.resourceType", finding),
        "user_name": key.get("userName"),
        "user_type": key.get("userType"),
        "principal_id": key.get("principalId"),
        "access_key_id": key.get("accessKeyId"),
        "instance_id": search("resource.instanceDetails.instanceId", finding),
        "bucket_names": search("resource.s3BucketDetails[].name", finding) or [],
        "remote_ip": remote.get("ipAddressV4"),
        "remote_country": search("country.countryName", remote),
        "api": call.get("api"),
        "count": service.get("count"),
        "first_seen": service.get("eventFirstSeen"),
        "last_seen": service.get("eventLastSeen"),
        "archived": bool(service.get("archived", False)),
        "sample": bool(search("additionalInfo.sample", service) or False),
        "raw": dict(finding),
    }
    return Event(
        # A finding is updated under one id, perhaps to a higher severity: only the same state of it is the same event.
        id=f"guardduty:{finding_id}:{updated}",
        kind=EventKind.FINDING,
        provider="aws",
        type=type_,
        title=str(finding.get("title") or type_),
        account=account,
        region=region,
        occurred_at=_time(updated or service.get("eventLastSeen"), name),
        severity=severity,
        actor=key.get("userName"),
        refs=_unique(_guardduty_refs(detail, where)),
        detail=detail,
    )


def _guardduty_refs(detail: Mapping[str, Any], where: Where) -> Iterable[ResourceRef | None]:
    user, key = detail["user_name"], detail["access_key_id"]
    if user and detail["user_type"] == "IAMUser":
        if key:
            yield ref_of_name("aws.iam_access_key", {"UserName": user, "AccessKeyId": key}, where)
        yield ref_of_name("aws.iam_user", {"UserName": user}, where)
    if detail["instance_id"]:
        yield ref_of_name("aws.ec2_instance", {"InstanceId": detail["instance_id"]}, where)
    for bucket in detail["bucket_names"]:
        yield ref_of_name("aws.s3_bucket", {"Name": bucket}, where)


def _security_hub(detail: Mapping[str, Any]) -> Event | Batch | Ignored | None:
    findings = detail.get("findings")
    if not isinstance(findings, list) or not all(isinstance(f, Mapping) for f in findings):
        raise ValueError("a Security Hub event without a list of findings")
    if not findings:
        return IGNORED
    events = tuple(_hub_finding(finding) for finding in findings)
    return events[0] if len(events) == 1 else Batch(events)


def _hub_finding(finding: Mapping[str, Any]) -> Event:
    facts = _asff(finding)
    return Event(
        id=f"securityhub:{facts['id']}:{facts['last_seen'] or ''}",
        kind=EventKind.FINDING,
        provider="aws",
        type=str(facts["type"]),
        title=str(facts["title"]),
        account=str(facts["account"]),
        region=str(facts["region"]),
        occurred_at=_time(facts["last_seen"], "a Security Hub finding"),
        severity=Severity(facts["severity"]),
        actor=facts["user_name"],
        refs=_unique(_asff_refs(finding, facts)),
        detail=facts,
    )


def _asff(finding: Mapping[str, Any]) -> dict[str, Any]:
    name = "a Security Hub finding"
    finding_id, account = _need(finding, "Id", name), _need(finding, "AwsAccountId", name)
    product = str(finding.get("ProductArn") or "").split(":")
    fields = finding.get("ProductFields") or {}
    key = search("Resources[?Type=='AwsIamAccessKey'] | [0]", finding) or {}
    details = search("Details.AwsIamAccessKey", key) or {}
    rating = finding.get("Severity") or {}
    return {
        "source": "securityhub",
        "id": finding_id,
        "type": (finding.get("Types") or [str(finding.get("GeneratorId") or "finding")])[0],
        "title": finding.get("Title"),
        "description": finding.get("Description"),
        "severity": _asff_severity(rating).value,
        "severity_score": rating.get("Normalized"),
        "account": account,
        "region": finding.get("Region") or (product[3] if len(product) > 3 else ""),
        "resource_type": search("Resources[0].Type", finding),
        "user_name": details.get("UserName") or details.get("PrincipalName"),
        "user_type": details.get("PrincipalType"),
        "principal_id": details.get("PrincipalId"),
        "access_key_id": details.get("AccessKeyId") or _last(str(key.get("Id") or "")),
        "instance_id": _last(search("Resources[?Type=='AwsEc2Instance'].Id | [0]", finding) or ""),
        "bucket_names": [
            _last(i, ":")
            for i in search("Resources[?Type=='AwsS3Bucket'].Id", finding) or []
            if _last(i, ":")
        ],
        "remote_ip": fields.get("action/awsApiCallAction/remoteIpDetails/ipAddressV4"),
        "remote_country": fields.get("action/awsApiCallAction/remoteIpDetails/country/countryName"),
        "api": fields.get("action/awsApiCallAction/api"),
        "count": fields.get("count"),
        "first_seen": finding.get("FirstObservedAt") or finding.get("CreatedAt"),
        "last_seen": finding.get("UpdatedAt") or finding.get("LastObservedAt"),
        "archived": finding.get("RecordState") == "ARCHIVED",
        "sample": str(finding.get("Title") or "").startswith("[SAMPLE]"),
        "raw": dict(finding),
    }


def _asff_refs(finding: Mapping[str, Any], facts: Mapping[str, Any]) -> list[ResourceRef | None]:
    refs: list[ResourceRef | None] = []
    for resource in finding.get("Resources") or ():
        where = Where(
            str(facts["account"]),
            str(resource.get("Region") or facts["region"]),
            str(resource.get("Partition") or "aws"),
        )
        refs.append(ref_of_arn(str(resource.get("Id") or ""), where))
        user, key = facts["user_name"], facts["access_key_id"]
        if (
            resource.get("Type") == "AwsIamAccessKey"
            and user
            and key
            and facts["user_type"] in (None, "IAMUser")
        ):
            refs.append(ref_of_name("aws.iam_access_key", {"UserName": user, "AccessKeyId": key}, where))
    return refs


def _api_call(record: Mapping[str, Any], envelope_id: str) -> Event | Ignored | None:
    """A change made through an API. Reading and refused calls change nothing and ask for nothing."""
    name = "a CloudTrail record"
    if record.get("readOnly") is True or record.get("errorCode"):
        return IGNORED
    api, source = _need(record, "eventName", name), _need(record, "eventSource", name)
    region = _need(record, "awsRegion", name)
    identity = record.get("userIdentity") or {}
    account = str(record.get("recipientAccountId") or identity.get("accountId") or "")
    if not account:
        raise ValueError(f"{name} names no account")
    actor = identity.get("arn") or identity.get("principalId") or identity.get("invokedBy")
    partition = str(identity.get("arn") or "arn:aws").split(":")[1]
    return Event(
        id=f"cloudtrail:{record.get('eventID') or envelope_id}",
        kind=EventKind.CHANGE,
        provider="aws",
        type=api,
        title=f"{api} by {actor or 'an unknown caller'}",
        account=account,
        region=region,
        occurred_at=_time(record.get("eventTime"), name),
        actor=actor,
        refs=_unique(_trail_refs(record, source, Where(account, region, partition))),
        detail={
            "source": source,
            "api": api,
            "actor": actor,
            "remote_ip": record.get("sourceIPAddress"),
            "user_agent": record.get("userAgent"),
            "request_id": record.get("requestID"),
            "raw": dict(record),
        },
    )


def _trail_refs(record: Mapping[str, Any], source: str, where: Where) -> Iterable[ResourceRef | None]:
    for type_name, field, path in TRAIL_NAMES.get(source, ()):
        found = search(path, record)
        for value in found if isinstance(found, list) else [found]:
            if isinstance(value, str) and value:
                by_arn = ref_of_arn(value, where) if value.startswith("arn:") else None
                yield by_arn or (None if ":" in value else ref_of_name(type_name, {field: value}, where))
    if source == "iam.amazonaws.com":
        user = search("responseElements.accessKey.userName || requestParameters.userName", record)
        key = search("responseElements.accessKey.accessKeyId || requestParameters.accessKeyId", record)
        if user and key:
            yield ref_of_name("aws.iam_access_key", {"UserName": user, "AccessKeyId": key}, where)
    for resource in record.get("resources") or ():
        if isinstance(resource, Mapping):
            yield ref_of_arn(str(resource.get("ARN") or ""), where)


def _config_item(detail: Mapping[str, Any]) -> Event | Ignored | None:
    item = detail.get("configurationItem") or detail.get("configurationItemSummary")
    if not isinstance(item, Mapping):
        return IGNORED
    name = "a Config item"
    account, region = _need(item, "awsAccountId", name), _need(item, "awsRegion", name)
    arn = str(item.get("ARN") or item.get("arn") or "")
    captured = item.get("configurationItemCaptureTime")
    change = (
        search("configurationItemDiff.changeType", detail) or item.get("configurationItemStatus") or "CHANGE"
    )
    return Event(
        id=f"config:{item.get('resourceType')}:{item.get('resourceId')}:{item.get('configurationStateId') or captured}",
        kind=EventKind.CHANGE,
        provider="aws",
        type=str(change),
        title=f"{item.get('resourceType')} {item.get('resourceName') or item.get('resourceId')}: {change}",
        account=account,
        region=region,
        occurred_at=_time(captured, name),
        refs=_unique([ref_of_arn(arn, Where(account, region))]),
        detail={"source": "config", "api": None, "actor": None, "raw": dict(detail)},
    )


def _state_change(body: Mapping[str, Any], kind: str) -> Event | Ignored | None:
    """Any other AWS event that names a resource we know."""
    account, region = str(body.get("account") or ""), str(body.get("region") or "")
    refs = _unique(
        ref_of_arn(arn, Where(account, region)) for arn in body.get("resources") or () if isinstance(arn, str)
    )
    if not refs or not account:
        return None
    return Event(
        id=f"eventbridge:{_need(body, 'id', 'an EventBridge event')}",
        kind=EventKind.CHANGE,
        provider="aws",
        type=kind,
        title=f"{kind} of {refs[0].uid}",
        account=account,
        region=region,
        occurred_at=_time(body.get("time"), "an EventBridge event"),
        refs=refs,
        detail={"source": body.get("source"), "api": None, "actor": None, "raw": dict(body["detail"])},
    )


def _guardduty_severity(score: float) -> Severity:
    for least, severity in (
        (9.0, Severity.CRITICAL),
        (7.0, Severity.HIGH),
        (4.0, Severity.MEDIUM),
        (1.0, Severity.LOW),
    ):
        if score >= least:
            return severity
    return Severity.INFO


def _asff_severity(rating: Mapping[str, Any]) -> Severity:
    label = str(rating.get("Label") or "").lower()
    if label in ("low", "medium", "high", "critical"):
        return Severity(label)
    score = rating.get("Normalized")
    if label == "informational" or not isinstance(score, int | float):
        return Severity.INFO
    for least, severity in (
        (90, Severity.CRITICAL),
        (70, Severity.HIGH),
        (40, Severity.MEDIUM),
        (1, Severity.LOW),
    ):
        if score >= least:
            return severity
    return Severity.INFO


def _need(body: Mapping[str, Any], key: str, what: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{what} without {key!r}")
    return value


def _json(text: Any, what: str) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{what} is not JSON") from error


def _time(value: Any, what: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"{what} happened at {value!r}, which is no time") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def _last(text: str, separator: str = "/") -> str | None:
    return text.rpartition(separator)[2].rpartition(":")[2] or None


def _unique(refs: Iterable[ResourceRef | None]) -> tuple[ResourceRef, ...]:
    return tuple(dict.fromkeys(ref for ref in refs if ref is not None))
