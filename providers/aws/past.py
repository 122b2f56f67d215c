"""The past AWS Config remembers: configuration items of a resource, in windows of seven days.

An item is brought to the form of the describe calls (:mod:`providers.aws.export`), so that a difference of the two forms is
never taken for a change; what Config does not hold, or holds otherwise, is unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from config.errors import UsageError
from providers.aws.catalog import catalog
from providers.aws.export import Passed, resource_of
from providers.aws.session import Place, Sessions
from providers.errors import ProviderError, Refused, Unavailable
from providers.provider import PastVersion, Remembered
from providers.resource import GLOBAL, ResourceRef

WINDOW: Final = timedelta(days=7)
"""The longest span one GetResourceConfigHistory may ask for."""
BATCH: Final = 16
"""Each resource is asked about by calls of its own; so many are under way at once, as fast as the budget allows."""

CONFIG_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "aws.s3_bucket": ("AWS::S3::Bucket", "Name"),
    "aws.ebs_volume": ("AWS::EC2::Volume", "VolumeId"),
    "aws.security_group": ("AWS::EC2::SecurityGroup", "GroupId"),
    "aws.vpc": ("AWS::EC2::VPC", "VpcId"),
    "aws.subnet": ("AWS::EC2::Subnet", "SubnetId"),
    "aws.ec2_instance": ("AWS::EC2::Instance", "InstanceId"),
    "aws.elb": ("AWS::ElasticLoadBalancing::LoadBalancer", "LoadBalancerName"),
    "aws.lb": ("AWS::ElasticLoadBalancingV2::LoadBalancer", "_arn"),
    "aws.cloudtrail": ("AWS::CloudTrail::Trail", "Name"),
    "aws.kms_key": ("AWS::KMS::Key", "KeyId"),
}
"""Our type -> Config's type, and the part of the ARN that is Config's resource id."""


def remembered(
    sessions: Sessions, refs: Sequence[ResourceRef], since: datetime, until: datetime
) -> Iterator[Remembered]:
    """What Config remembers of each of ``refs`` from [since, until), in their order."""

    def ask(ref: ResourceRef) -> Remembered:
        return Remembered.asked(ref, lambda: versions(sessions, ref, since, until))

    with ThreadPoolExecutor(BATCH, thread_name_prefix="aws-past") as pool:
        yield from pool.map(ask, refs)


def versions(sessions: Sessions, ref: ResourceRef, since: datetime, until: datetime) -> Iterator[PastVersion]:
    """The versions of ``ref`` captured in [since, until), oldest first. Raises Refused for a type whose id in Config we
    cannot tell, else ProviderError."""
    known = CONFIG_TYPES.get(ref.type)
    parts = catalog()[ref.type].parse_arn(ref.uid) if ref.type in catalog() else None
    if known is None or parts is None:
        raise Refused(
            f"AWS Config's history of {ref.type} cannot be asked by ARN.",
            hint="Its history starts with our own first reading.",
            code="NoPast",
        )
    config_type, field = known
    place = Place(ref.account, sessions.home_region if ref.region == GLOBAL else ref.region)
    start = since.astimezone(UTC)
    seen: set[tuple[datetime, str]] = set()
    while start < until:
        end = min(start + WINDOW, until)
        parameters = {
            "resourceType": config_type,
            "resourceId": ref.uid if field == "_arn" else parts[field],
            "earlierTime": start,
            "laterTime": end,
            "chronologicalOrder": "Forward",
            "limit": 100,
        }
        try:
            for page in sessions.pages(place, "config", "GetResourceConfigHistory", parameters):
                for item in page.get("configurationItems", ()):
                    version = _version(ref, item)
                    if version is None:
                        continue
                    key = (version.at, str(item.get("configurationStateId")))
                    # A window's ends belong to both its neighbours.
                    if key not in seen:
                        seen.add(key)
                        yield version
        except ProviderError as error:
            if error.code != "ResourceNotDiscoveredException":
                raise
        start = end


def _version(ref: ResourceRef, item: Mapping[str, Any]) -> PastVersion | None:
    """An item as a version; None for one that does not tell what the resource was."""
    captured: datetime = item["configurationItemCaptureTime"]
    if captured.tzinfo is None:
        captured = captured.replace(tzinfo=UTC)
    at = captured.astimezone(UTC)
    if str(item.get("configurationItemStatus", "")).startswith("ResourceDeleted"):
        return PastVersion(ref=ref, at=at, resource=None)
    try:
        found = resource_of(item, f"Config's item of {ref.uid} at {at.isoformat()}", Passed())
    except UsageError as error:
        raise Unavailable(error.message, code="BadConfigItem") from error
    if found is None:
        return None
    if found.uid != ref.uid:
        raise Unavailable(f"Asked about {ref.uid}, AWS Config told of {found.uid}.", code="BadConfigItem")
    return PastVersion(ref=ref, at=at, resource=replace(found, ref=ref))
