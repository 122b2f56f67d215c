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
from providers.aws.config_forms import FORMS
from providers.aws.export import Passed, resource_of
from providers.aws.session import Place, Sessions
from providers.errors import ProviderError, Refused, Unavailable
from providers.provider import PastVersion, Remembered
from providers.resource import GLOBAL, ResourceRef

WINDOW: Final = timedelta(days=7)
"""The longest span one GetResourceConfigHistory may ask for."""
BATCH: Final = 16
"""Each resource is asked about by calls of its own; so many are under way at once, as fast as the budget allows."""

_IDS: Final[Mapping[str, str]] = {
    "aws.cloudtrail": "Name",
    "aws.customer_gateway": "CustomerGatewayId",
    "aws.ebs_volume": "VolumeId",
    "aws.ec2_client_vpn_endpoint": "ClientVpnEndpointId",
    "aws.ec2_instance": "InstanceId",
    "aws.ec2_instance_connect_endpoint": "InstanceConnectEndpointId",
    "aws.ec2_managed_prefix_list": "PrefixListId",
    "aws.ec2_transit_gateway": "TransitGatewayId",
    "aws.ec2_transit_gateway_vpc_attachment": "TransitGatewayAttachmentId",
    "aws.efs_access_point": "AccessPointId",
    "aws.efs_file_system": "FileSystemId",
    "aws.egress_only_internet_gateway": "EgressOnlyInternetGatewayId",
    "aws.eip": "AllocationId",
    "aws.elb": "LoadBalancerName",
    "aws.flow_log": "FlowLogId",
    "aws.internet_gateway": "InternetGatewayId",
    "aws.kms_key": "KeyId",
    "aws.lambda_function": "FunctionName",
    "aws.launch_template": "LaunchTemplateId",
    "aws.lb": "_arn",
    "aws.nat_gateway": "NatGatewayId",
    "aws.network_acl": "NetworkAclId",
    "aws.network_interface": "NetworkInterfaceId",
    "aws.route_table": "RouteTableId",
    "aws.s3_bucket": "Name",
    "aws.security_group": "GroupId",
    "aws.subnet": "SubnetId",
    "aws.vpc": "VpcId",
    "aws.vpc_endpoint": "VpcEndpointId",
    "aws.vpc_endpoint_service": "ServiceId",
    "aws.vpc_peering_connection": "VpcPeeringConnectionId",
    "aws.vpn_connection": "VpnConnectionId",
    "aws.vpn_gateway": "VpnGatewayId",
}
"""The part of the ARN that is Config's resource id; ``_arn``: the ARN. Only where the id is the one that the service itself gives:
asked with a wrong one, Config answers as for a resource it never saw. (A database's and an IAM user's is not in the ARN.)"""
CONFIG_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    form.type: (theirs, _IDS[form.type]) for theirs, form in FORMS.items() if form.type in _IDS
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
