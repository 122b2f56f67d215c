"""CloudTrail and KMS."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none

_STATUS = (
    "{IsLogging: IsLogging, LatestDeliveryError: LatestDeliveryError,"
    " LatestCloudWatchLogsDeliveryError: LatestCloudWatchLogsDeliveryError,"
    " StartLoggingTime: StartLoggingTime, StopLoggingTime: StopLoggingTime}"
)

CLOUDTRAIL = ResourceType(
    type="aws.cloudtrail",
    title="CloudTrail trail",
    service="cloudtrail",
    arn="arn:{_partition}:cloudtrail:{_region}:{_account}:trail/{Name}",
    id="TrailARN",
    # Without shadows a trail of many regions is listed once, where it lives.
    list=Call("DescribeTrails", "trailList[]", {"includeShadowTrails": "`false`"}),
    get=Call("GetTrail", "Trail", {"Name": "_arn"}, absent=none("TrailNotFoundException")),
    reread_by_list=True,
    details=(
        Call("GetTrailStatus", _STATUS, {"Name": "TrailARN"}, into="Status"),
        Call(
            "GetEventSelectors",
            "{EventSelectors: EventSelectors, AdvancedEventSelectors: AdvancedEventSelectors}",
            {"TrailName": "TrailARN"},
            into="Selectors",
        ),
        Call("ListTags", "ResourceTagList[0].TagsList", {"ResourceIdList": "[TrailARN]"}, into="Tags"),
    ),
)

KMS_KEY = ResourceType(
    type="aws.kms_key",
    title="KMS key",
    service="kms",
    arn="arn:{_partition}:kms:{_region}:{_account}:key/{KeyId}",
    id="KeyArn",
    list=Call("ListKeys", "Keys[]", {"Limit": "`1000`"}),
    get=Call(
        "DescribeKey",
        "KeyMetadata.{KeyId: KeyId, KeyArn: Arn}",
        {"KeyId": "_arn"},
        absent=none("NotFoundException"),
    ),
    details=(
        Call("DescribeKey", "KeyMetadata", {"KeyId": "KeyId"}, into="Metadata"),
        Call(
            "GetKeyRotationStatus",
            "KeyRotationEnabled",
            {"KeyId": "KeyId"},
            into="KeyRotationEnabled",
            # Only symmetric keys of the customer's own, made by KMS, can rotate; KMS refuses the question for others.
            when="Metadata.KeyManager == 'CUSTOMER' && Metadata.KeySpec == 'SYMMETRIC_DEFAULT'"
            " && Metadata.Origin == 'AWS_KMS' && Metadata.KeyState != 'PendingDeletion'",
        ),
        Call(
            "GetKeyPolicy",
            "Policy",
            {"KeyId": "KeyId", "PolicyName": "'default'"},
            into="Policy",
            json=True,
            when="Metadata.KeyManager == 'CUSTOMER'",
        ),
        Call(
            "ListResourceTags",
            "Tags",
            {"KeyId": "KeyId"},
            into="Tags",
            when="Metadata.KeyManager == 'CUSTOMER'",
        ),
    ),
    name="KeyId",
)

TYPES = (CLOUDTRAIL, KMS_KEY)
