"""Logs, alarms, events, and what carries messages."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none, pick

_NOT_FOUND = none("ResourceNotFoundException")

METRIC_ALARM = ResourceType(
    type="aws.cloudwatch_metric_alarm",
    title="Alarm",
    service="cloudwatch",
    id="AlarmArn",
    name="AlarmName",
    tags="",
    arn="arn:{_partition}:cloudwatch:{_region}:{_account}:alarm:{AlarmName:s}",
    list=Call("DescribeAlarms", "MetricAlarms[]", {"AlarmTypes": '`["MetricAlarm"]`', "MaxRecords": "`100`"}),
    get=Call(
        "DescribeAlarms", "MetricAlarms[]", {"AlarmTypes": '`["MetricAlarm"]`', "AlarmNames": "[AlarmName]"}
    ),
    empty_is_gone=True,
    volatile=frozenset(
        {
            "StateValue",
            "StateReason",
            "StateReasonData",
            "StateUpdatedTimestamp",
            "StateTransitionedTimestamp",
            "EvaluationState",
        }
    ),
)

_GROUP = "logGroups[]." + pick(
    "logGroupName", "creationTime", "retentionInDays", "kmsKeyId", "logGroupClass", "dataProtectionStatus"
)
LOG_GROUP = ResourceType(
    type="aws.cloudwatch_log_group",
    title="Log group",
    service="logs",
    name="logGroupName",
    tags="",
    arn="arn:{_partition}:logs:{_region}:{_account}:log-group:{logGroupName:s}",
    list=Call("DescribeLogGroups", _GROUP, {"limit": "`50`"}),
    get=Call("DescribeLogGroups", _GROUP, {"logGroupNamePrefix": "logGroupName"}),
    empty_is_gone=True,
)

LOG_METRIC_FILTER = ResourceType(
    type="aws.cloudwatch_log_metric_filter",
    title="Metric filter",
    service="logs",
    name="filterName",
    tags="",
    arn="arn:{_partition}:logs:{_region}:{_account}:metric-filter:{logGroupName:s}:{filterName:s}",
    list=Call("DescribeMetricFilters", "metricFilters[]", {"limit": "`50`"}),
    get=Call(
        "DescribeMetricFilters",
        "metricFilters[]",
        {"logGroupName": "logGroupName", "filterNamePrefix": "filterName"},
        absent=_NOT_FOUND,
    ),
    empty_is_gone=True,
)

LOG_RESOURCE_POLICY = ResourceType(
    type="aws.cloudwatch_log_resource_policy",
    title="Resource policy of CloudWatch Logs",
    service="logs",
    tags="",
    arn="arn:{_partition}:logs:{_region}:{_account}:resource-policy:{policyName}",
    name="policyName",
    list=Call("DescribeResourcePolicies", "resourcePolicies[]"),
    get=Call("DescribeResourcePolicies", "resourcePolicies[]"),
    empty_is_gone=True,
    json=frozenset({"policyDocument"}),
    volatile=frozenset({"revisionId"}),
)

_BUS = pick("Name", "Arn", "Policy")
EVENT_BUS = ResourceType(
    type="aws.cloudwatch_event_bus",
    title="Event bus",
    service="events",
    id="Arn",
    tags="",
    arn="arn:{_partition}:events:{_region}:{_account}:event-bus/{Name:s}",
    list=Call("ListEventBuses", "EventBuses[]." + _BUS, token=("NextToken", "NextToken")),
    get=Call("DescribeEventBus", _BUS, {"Name": "Name"}, absent=_NOT_FOUND),
    json=frozenset({"Policy"}),
)

EVENT_RULE = ResourceType(
    type="aws.cloudwatch_event_rule",
    title="Event rule",
    service="events",
    tags="",
    # AWS leaves the default bus out of its ARNs; here every rule names its bus.
    arn="arn:{_partition}:events:{_region}:{_account}:rule/{EventBusName:s}/{Name}",
    list=Call("ListEventBuses", "EventBuses[]", token=("NextToken", "NextToken")),
    each=Call("ListRules", "Rules[]", {"EventBusName": "Name"}, absent=_NOT_FOUND),
    get=Call("DescribeRule", "@", {"Name": "Name", "EventBusName": "EventBusName"}, absent=_NOT_FOUND),
    details=(
        Call(
            "ListTargetsByRule", "Targets", {"Rule": "Name", "EventBusName": "EventBusName"}, into="Targets"
        ),
    ),
    json=frozenset({"EventPattern"}),
    volatile=frozenset({"CreatedBy"}),
)

SNS_TOPIC = ResourceType(
    type="aws.sns_topic",
    title="SNS topic",
    service="sns",
    id="TopicArn",
    name="_name",
    arn="arn:{_partition}:sns:{_region}:{_account}:{_name}",
    list=Call("ListTopics", "Topics[]"),
    from_arn={"TopicArn": "_arn"},
    get=Call(
        "GetTopicAttributes", "Attributes", {"TopicArn": "_arn"}, absent=none("NotFound", "NotFoundException")
    ),
    details=(
        Call("GetTopicAttributes", "Attributes", {"TopicArn": "TopicArn"}, into="Attributes"),
        Call("ListSubscriptionsByTopic", "Subscriptions", {"TopicArn": "TopicArn"}, into="Subscriptions"),
        Call("ListTagsForResource", "Tags", {"ResourceArn": "TopicArn"}, into="Tags"),
    ),
    json=frozenset({"Attributes.Policy", "Attributes.DeliveryPolicy", "Attributes.EffectiveDeliveryPolicy"}),
    volatile=frozenset(
        {
            "Attributes.SubscriptionsConfirmed",
            "Attributes.SubscriptionsPending",
            "Attributes.SubscriptionsDeleted",
        }
    ),
)

_NO_QUEUE = none("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
SQS_QUEUE = ResourceType(
    type="aws.sqs_queue",
    title="SQS queue",
    service="sqs",
    id="Attributes.QueueArn",
    item="QueueUrl",
    name="_name",
    arn="arn:{_partition}:sqs:{_region}:{_account}:{_name}",
    list=Call("ListQueues", "QueueUrls[]", {"MaxResults": "`1000`"}),
    get=Call("GetQueueUrl", "QueueUrl", {"QueueName": "_name"}, absent=_NO_QUEUE),
    details=(
        Call(
            "GetQueueAttributes",
            "Attributes",
            {"QueueUrl": "QueueUrl", "AttributeNames": '`["All"]`'},
            into="Attributes",
            absent=_NO_QUEUE,
            first=True,
        ),
        Call("ListQueueTags", "Tags", {"QueueUrl": "QueueUrl"}, into="Tags"),
    ),
    json=frozenset({"Attributes.Policy", "Attributes.RedrivePolicy", "Attributes.RedriveAllowPolicy"}),
    volatile=frozenset(
        {
            "Attributes.ApproximateNumberOfMessages",
            "Attributes.ApproximateNumberOfMessagesDelayed",
            "Attributes.ApproximateNumberOfMessagesNotVisible",
            "Attributes.LastModifiedTimestamp",
        }
    ),
)

KINESIS_STREAM = ResourceType(
    type="aws.kinesis_stream",
    title="Kinesis stream",
    service="kinesis",
    item="StreamName",
    name="StreamName",
    arn="arn:{_partition}:kinesis:{_region}:{_account}:stream/{StreamName}",
    list=Call("ListStreams", "StreamNames[]"),
    get=Call(
        "DescribeStreamSummary",
        "StreamDescriptionSummary." + pick("StreamName"),
        {"StreamName": "StreamName"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call(
            "DescribeStreamSummary", "StreamDescriptionSummary", {"StreamName": "StreamName"}, into="Stream"
        ),
        Call("ListTagsForStream", "Tags", {"StreamName": "StreamName"}, into="Tags"),
    ),
)

FIREHOSE_STREAM = ResourceType(
    type="aws.kinesis_firehose_delivery_stream",
    title="Firehose stream",
    service="firehose",
    arn="arn:{_partition}:firehose:{_region}:{_account}:deliverystream/{DeliveryStreamName}",
    item="DeliveryStreamName",
    name="DeliveryStreamName",
    list=Call(
        "ListDeliveryStreams",
        "DeliveryStreamNames[]",
        {"Limit": "`10000`"},
        token=("ExclusiveStartDeliveryStreamName", "HasMoreDeliveryStreams && DeliveryStreamNames[-1]"),
    ),
    get=Call(
        "DescribeDeliveryStream",
        "DeliveryStreamDescription." + pick("DeliveryStreamName"),
        {"DeliveryStreamName": "DeliveryStreamName"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call(
            "DescribeDeliveryStream",
            "DeliveryStreamDescription",
            {"DeliveryStreamName": "DeliveryStreamName"},
            into="Stream",
        ),
        Call(
            "ListTagsForDeliveryStream",
            "Tags",
            {"DeliveryStreamName": "DeliveryStreamName"},
            into="Tags",
            token=("ExclusiveStartTagKey", "HasMoreTags && Tags[-1].Key"),
        ),
    ),
)

XRAY = ResourceType(
    type="aws.xray_encryption_config",
    title="Encryption of X-Ray",
    service="xray",
    name="_region",
    tags="",
    arn="arn:{_partition}:xray:{_region}:{_account}:encryption-config",
    details=(Call("GetEncryptionConfig", "EncryptionConfig", into="Encryption"),),
)

TYPES = (
    METRIC_ALARM,
    LOG_GROUP,
    LOG_METRIC_FILTER,
    LOG_RESOURCE_POLICY,
    EVENT_BUS,
    EVENT_RULE,
    SNS_TOPIC,
    SQS_QUEUE,
    KINESIS_STREAM,
    FIREHOSE_STREAM,
    XRAY,
)
