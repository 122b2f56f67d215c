"""Queues, topics, streams, logs and alarms, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import block, blocks, equals, field, last, made, number, tags, text
from providers.terraform import ABSENT_BLOCK, TerraformType

SNS_TOPIC = TerraformType(
    "aws_sns_topic",
    {
        "id": field("TopicArn"),
        "arn": field("TopicArn"),
        "name": lambda document: str(field("TopicArn", "")(document)).rpartition(":")[2],
        "display_name": field("Attributes.DisplayName", ""),
        "owner": field("Attributes.Owner"),
        "policy": text("Attributes.Policy"),
        "kms_master_key_id": field("Attributes.KmsMasterKeyId", ""),
        "fifo_topic": equals("Attributes.FifoTopic", "true"),
        "content_based_deduplication": equals("Attributes.ContentBasedDeduplication", "true"),
        "delivery_policy": text("Attributes.DeliveryPolicy"),
        "signature_version": number("Attributes.SignatureVersion", 0),
        "tracing_config": field("Attributes.TracingConfig", ""),
        "tags": tags(),
    },
)

SQS_QUEUE = TerraformType(
    "aws_sqs_queue",
    {
        "id": field("QueueUrl"),
        "url": field("QueueUrl"),
        "arn": field("Attributes.QueueArn"),
        "name": last("QueueUrl"),
        "policy": text("Attributes.Policy"),
        "redrive_policy": text("Attributes.RedrivePolicy"),
        "redrive_allow_policy": text("Attributes.RedriveAllowPolicy"),
        "kms_master_key_id": field("Attributes.KmsMasterKeyId", ""),
        "kms_data_key_reuse_period_seconds": number("Attributes.KmsDataKeyReusePeriodSeconds", 300),
        "sqs_managed_sse_enabled": equals("Attributes.SqsManagedSseEnabled", "true"),
        "fifo_queue": equals("Attributes.FifoQueue", "true"),
        "content_based_deduplication": equals("Attributes.ContentBasedDeduplication", "true"),
        "delay_seconds": number("Attributes.DelaySeconds", 0),
        "max_message_size": number("Attributes.MaximumMessageSize"),
        "message_retention_seconds": number("Attributes.MessageRetentionPeriod"),
        "receive_wait_time_seconds": number("Attributes.ReceiveMessageWaitTimeSeconds", 0),
        "visibility_timeout_seconds": number("Attributes.VisibilityTimeout"),
        "tags": tags(),
    },
)

LOG_GROUP = TerraformType(
    "aws_cloudwatch_log_group",
    {
        "id": field("logGroupName"),
        "name": field("logGroupName"),
        "arn": field("logGroupName"),
        # Zero is the provider's word for "kept for ever".
        "retention_in_days": field("retentionInDays", 0),
        "kms_key_id": field("kmsKeyId", ""),
        "log_group_class": field("logGroupClass", "STANDARD"),
    },
)

LOG_METRIC_FILTER = TerraformType(
    "aws_cloudwatch_log_metric_filter",
    {
        "id": field("filterName"),
        "name": field("filterName"),
        "pattern": field("filterPattern", ""),
        "log_group_name": field("logGroupName"),
        "metric_transformation": blocks(
            "metricTransformations",
            made(
                name="metricName",
                namespace="metricNamespace",
                value="metricValue",
                unit=field("unit", "None"),
                dimensions=field("dimensions", {}),
            ),
        ),
    },
)

METRIC_ALARM = TerraformType(
    "aws_cloudwatch_metric_alarm",
    {
        "id": field("AlarmName"),
        "arn": field("AlarmArn"),
        "alarm_name": field("AlarmName"),
        "alarm_description": field("AlarmDescription", ""),
        "actions_enabled": field("ActionsEnabled", True),
        "alarm_actions": field("AlarmActions", []),
        "ok_actions": field("OKActions", []),
        "insufficient_data_actions": field("InsufficientDataActions", []),
        "comparison_operator": field("ComparisonOperator"),
        "evaluation_periods": field("EvaluationPeriods"),
        "datapoints_to_alarm": field("DatapointsToAlarm"),
        "metric_name": field("MetricName", ""),
        "namespace": field("Namespace", ""),
        "period": field("Period"),
        "statistic": field("Statistic", ""),
        "threshold": field("Threshold"),
        "treat_missing_data": field("TreatMissingData", "missing"),
        "dimensions": lambda document: {
            item.get("Name"): item.get("Value") for item in field("Dimensions", ())(document)
        },
    },
)

KINESIS_STREAM = TerraformType(
    "aws_kinesis_stream",
    {
        "id": field("Stream.StreamARN"),
        "arn": field("Stream.StreamARN"),
        "name": field("StreamName"),
        "encryption_type": field("Stream.EncryptionType", "NONE"),
        "kms_key_id": field("Stream.KeyId", ""),
        "retention_period": field("Stream.RetentionPeriodHours"),
        "shard_count": field("Stream.OpenShardCount"),
        "stream_mode_details": block("Stream.StreamModeDetails", made(stream_mode="StreamMode")),
        "shard_level_metrics": lambda document: sorted(
            metric
            for item in field("Stream.EnhancedMonitoring", ())(document)
            for metric in item.get("ShardLevelMetrics") or ()
        ),
        "tags": tags(),
    },
)


def _stream_encryption(document: Mapping[str, Any]) -> Any:
    found = field("Stream.DeliveryStreamEncryptionConfiguration")(document)
    if not found:
        return ABSENT_BLOCK
    return [
        {
            "enabled": found.get("Status") in ("ENABLED", "ENABLING"),
            "key_arn": found.get("KeyARN", ""),
            "key_type": found.get("KeyType", ""),
        }
    ]


FIREHOSE_STREAM = TerraformType(
    "aws_kinesis_firehose_delivery_stream",
    {
        "id": field("Stream.DeliveryStreamARN"),
        "arn": field("Stream.DeliveryStreamARN"),
        "name": field("DeliveryStreamName"),
        "version_id": field("Stream.VersionId"),
        "server_side_encryption": _stream_encryption,
        "kinesis_source_configuration": block(
            "Stream.Source.KinesisStreamSourceDescription",
            made(kinesis_stream_arn="KinesisStreamARN", role_arn="RoleARN"),
        ),
        "tags": tags(),
    },
)
