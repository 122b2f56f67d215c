"""What holds services together: messages, secrets, key rings, logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp.terraform.parts import (
    account_of,
    at,
    between,
    block,
    flag,
    labels,
    last_of,
    value,
)
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType

_TOPIC: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "project": account_of,
    "kms_key_name": value("kmsKeyName"),
    "labels": labels("labels"),
    "message_retention_duration": value("messageRetentionDuration"),
    "message_storage_policy": lambda d: (
        [{"allowed_persistence_regions": list(found.get("allowedPersistenceRegions", []))}]
        if (found := at(d, "messageStoragePolicy"))
        else ABSENT_BLOCK
    ),
}

_SUBSCRIPTION: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "project": account_of,
    "topic": value("topic"),
    "ack_deadline_seconds": value("ackDeadlineSeconds"),
    "filter": value("filter", default=""),
    "labels": labels("labels"),
    "message_retention_duration": value("messageRetentionDuration"),
    "retain_acked_messages": flag("retainAckedMessages"),
    "enable_exactly_once_delivery": flag("enableExactlyOnceDelivery"),
    "push_config": lambda d: (
        [
            {
                "push_endpoint": found.get("pushEndpoint"),
                "oidc_token": [
                    {
                        "service_account_email": token.get("serviceAccountEmail"),
                        "audience": token.get("audience", ""),
                    }
                ]
                if (token := found.get("oidcToken"))
                else ABSENT_BLOCK,
            }
        ]
        # A pull subscription has an empty one.
        if (found := at(d, "pushConfig")) and found.get("pushEndpoint")
        else ABSENT_BLOCK
    ),
    "dead_letter_policy": block(
        ("deadLetterPolicy",),
        dead_letter_topic=("deadLetterTopic",),
        max_delivery_attempts=("maxDeliveryAttempts",),
    ),
    "expiration_policy": block(("expirationPolicy",), ttl=("ttl",)),
}


def _encrypted(found: Any) -> Any:
    key = (found or {}).get("kmsKeyName")
    return [{"kms_key_name": key}] if key else ABSENT_BLOCK


def _replication(doc: Document) -> Any:
    automatic, chosen = at(doc, "replication", "automatic"), at(doc, "replication", "userManaged")
    return [
        {
            "auto": [{"customer_managed_encryption": _encrypted(automatic.get("customerManagedEncryption"))}]
            if automatic is not None
            else ABSENT_BLOCK,
            "user_managed": [
                {
                    "replicas": [
                        {
                            "location": replica.get("location"),
                            "customer_managed_encryption": _encrypted(
                                replica.get("customerManagedEncryption")
                            ),
                        }
                        for replica in chosen.get("replicas", [])
                    ]
                }
            ]
            if chosen
            else ABSENT_BLOCK,
        }
    ]


_SECRET: Final[Mapping[str, Attribute]] = {
    "secret_id": last_of("name"),
    "name": value("name"),
    "project": account_of,
    "labels": labels("labels"),
    "annotations": labels("annotations"),
    "create_time": value("createTime"),
    "expire_time": value("expireTime"),
    "version_destroy_ttl": value("versionDestroyTtl"),
    "replication": _replication,
    "rotation": block(
        ("rotation",), next_rotation_time=("nextRotationTime",), rotation_period=("rotationPeriod",)
    ),
    "topics": lambda d: [{"name": topic.get("name")} for topic in at(d, "topics") or []],
}

_SINK: Final[Mapping[str, Attribute]] = {
    "name": value("name"),
    "project": account_of,
    "description": value("description", default=""),
    "destination": value("destination"),
    "disabled": flag("disabled"),
    "filter": value("filter", default=""),
    "writer_identity": value("writerIdentity"),
    "exclusions": lambda d: [
        {
            "name": one.get("name"),
            "description": one.get("description", ""),
            "disabled": bool(one.get("disabled", False)),
            "filter": one.get("filter"),
        }
        for one in at(d, "exclusions") or []
    ],
}

_METRIC: Final[Mapping[str, Attribute]] = {
    "name": value("name"),
    "project": account_of,
    "description": value("description", default=""),
    "bucket_name": value("bucketName"),
    "disabled": flag("disabled"),
    "filter": value("filter"),
    "label_extractors": labels("labelExtractors"),
    "value_extractor": value("valueExtractor"),
    "metric_descriptor": block(
        ("metricDescriptor",),
        metric_kind=("metricKind",),
        value_type=("valueType",),
        unit=("unit",),
        display_name=("displayName",),
    ),
}

_KEY_RING: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "id": value("name"),
    "project": account_of,
    "location": between("locations"),
}


OPERATIONS: Final[Mapping[str, TerraformType]] = {
    "cloudkms.googleapis.com/KeyRing": TerraformType("google_kms_key_ring", _KEY_RING),
    "logging.googleapis.com/LogMetric": TerraformType("google_logging_metric", _METRIC),
    "logging.googleapis.com/LogSink": TerraformType("google_logging_project_sink", _SINK),
    "pubsub.googleapis.com/Subscription": TerraformType("google_pubsub_subscription", _SUBSCRIPTION),
    "pubsub.googleapis.com/Topic": TerraformType("google_pubsub_topic", _TOPIC),
    "secretmanager.googleapis.com/Secret": TerraformType("google_secret_manager_secret", _SECRET),
}
