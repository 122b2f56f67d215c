"""The Terraform views of Google Cloud's services: clusters, functions, messages, secrets, data sets, logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp import names
from providers.gcp.terraform_parts import account_of, at, block, data, flag, labels, strings, value
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType


def _last(*path: str) -> Attribute:
    """The name at the end of a path of names."""
    return lambda d: names.last(str(at(d, *path) or ""))


def _between(before: str) -> Attribute:
    """The name after a step of the resource's own name: ``locations/``."""

    def have(doc: Document) -> str:
        return str(at(doc, "name") or "").partition(f"/{before}/")[2].partition("/")[0]

    return have


def _node_config(config: Mapping[str, Any]) -> dict[str, Any]:
    shielded = config.get("shieldedInstanceConfig") or {}
    metadata_mode = (config.get("workloadMetadataConfig") or {}).get("mode")
    return {
        "disk_size_gb": config.get("diskSizeGb"),
        "disk_type": config.get("diskType"),
        "image_type": config.get("imageType"),
        "machine_type": config.get("machineType"),
        "boot_disk_kms_key": config.get("bootDiskKmsKey"),
        "labels": dict(config.get("labels") or {}),
        "metadata": dict(config.get("metadata") or {}),
        "oauth_scopes": list(config.get("oauthScopes") or []),
        "preemptible": bool(config.get("preemptible", False)),
        "service_account": config.get("serviceAccount"),
        "spot": bool(config.get("spot", False)),
        "tags": list(config.get("tags") or []),
        "shielded_instance_config": [
            {
                "enable_secure_boot": bool(shielded.get("enableSecureBoot", False)),
                "enable_integrity_monitoring": bool(shielded.get("enableIntegrityMonitoring", False)),
            }
        ],
        "workload_metadata_config": [{"mode": metadata_mode}] if metadata_mode else ABSENT_BLOCK,
    }


def _authorized(doc: Document) -> Any:
    found = at(doc, "masterAuthorizedNetworksConfig") or {}
    if not found.get("enabled"):
        return ABSENT_BLOCK
    return [
        {
            "cidr_blocks": [
                {"cidr_block": one.get("cidrBlock"), "display_name": one.get("displayName", "")}
                for one in found.get("cidrBlocks", [])
            ],
            "gcp_public_cidrs_access_enabled": bool(found.get("gcpPublicCidrsAccessEnabled", False)),
        }
    ]


def _private(doc: Document) -> Any:
    found = at(doc, "privateClusterConfig")
    if not found:
        return ABSENT_BLOCK
    return [
        {
            "enable_private_endpoint": bool(found.get("enablePrivateEndpoint", False)),
            "enable_private_nodes": bool(found.get("enablePrivateNodes", False)),
            "master_ipv4_cidr_block": found.get("masterIpv4CidrBlock", ""),
            "private_endpoint": found.get("privateEndpoint", ""),
            "public_endpoint": found.get("publicEndpoint", ""),
        }
    ]


def _addon(doc: Document, name: str, key: str) -> dict[str, Any]:
    return {key: bool(at(doc, "addonsConfig", name, key))}


def _addons(doc: Document) -> Any:
    return [
        {
            "http_load_balancing": [_addon(doc, "httpLoadBalancing", "disabled")],
            "horizontal_pod_autoscaling": [_addon(doc, "horizontalPodAutoscaling", "disabled")],
            "network_policy_config": [_addon(doc, "networkPolicyConfig", "disabled")],
            "gce_persistent_disk_csi_driver_config": [
                _addon(doc, "gcePersistentDiskCsiDriverConfig", "enabled")
            ],
        }
    ]


_CLUSTER: Final[Mapping[str, Attribute]] = {
    "name": value("name"),
    "project": account_of,
    "location": value("location"),
    "description": value("description", default=""),
    "network": value("network"),
    "subnetwork": value("subnetwork"),
    "endpoint": value("endpoint"),
    "cluster_ipv4_cidr": value("clusterIpv4Cidr"),
    "master_version": value("currentMasterVersion"),
    "node_version": value("currentNodeVersion"),
    "node_locations": lambda d: strings(data(d), "locations"),
    "logging_service": value("loggingService"),
    "monitoring_service": value("monitoringService"),
    "resource_labels": labels("resourceLabels"),
    "enable_autopilot": flag("autopilot", "enabled"),
    "enable_kubernetes_alpha": flag("enableKubernetesAlpha"),
    "enable_legacy_abac": flag("legacyAbac", "enabled"),
    "enable_shielded_nodes": flag("shieldedNodes", "enabled"),
    "enable_intranode_visibility": flag("networkConfig", "enableIntraNodeVisibility"),
    "datapath_provider": value("networkConfig", "datapathProvider"),
    "addons_config": _addons,
    "authenticator_groups_config": block(("authenticatorGroupsConfig",), security_group=("securityGroup",)),
    "binary_authorization": block(
        ("binaryAuthorization",), enabled=("enabled",), evaluation_mode=("evaluationMode",)
    ),
    "confidential_nodes": block(("confidentialNodes",), enabled=("enabled",)),
    "database_encryption": block(("databaseEncryption",), state=("state",), key_name=("keyName",)),
    "ip_allocation_policy": lambda d: (
        [
            {
                "cluster_ipv4_cidr_block": found.get("clusterIpv4CidrBlock"),
                "services_ipv4_cidr_block": found.get("servicesIpv4CidrBlock"),
                "cluster_secondary_range_name": found.get("clusterSecondaryRangeName"),
                "services_secondary_range_name": found.get("servicesSecondaryRangeName"),
                "stack_type": found.get("stackType"),
            }
        ]
        if (found := at(d, "ipAllocationPolicy")) and found.get("useIpAliases")
        else ABSENT_BLOCK
    ),
    "master_auth": lambda d: [
        {
            "client_certificate_config": [
                {
                    "issue_client_certificate": bool(
                        at(d, "masterAuth", "clientCertificateConfig", "issueClientCertificate")
                    )
                }
            ],
            "cluster_ca_certificate": at(d, "masterAuth", "clusterCaCertificate"),
            "client_certificate": at(d, "masterAuth", "clientCertificate") or "",
        }
    ],
    "master_authorized_networks_config": _authorized,
    "network_policy": lambda d: [
        {
            "enabled": bool(at(d, "networkPolicy", "enabled")),
            "provider": at(d, "networkPolicy", "provider") or "PROVIDER_UNSPECIFIED",
        }
    ],
    "node_config": lambda d: [_node_config(found)] if (found := at(d, "nodeConfig")) else ABSENT_BLOCK,
    "private_cluster_config": _private,
    "release_channel": lambda d: [{"channel": at(d, "releaseChannel", "channel") or "UNSPECIFIED"}],
    "security_posture_config": block(
        ("securityPostureConfig",), mode=("mode",), vulnerability_mode=("vulnerabilityMode",)
    ),
    "workload_identity_config": block(("workloadIdentityConfig",), workload_pool=("workloadPool",)),
    "self_link": value("selfLink"),
}

_NODE_POOL: Final[Mapping[str, Attribute]] = {
    "name": value("name"),
    "project": account_of,
    # Its name holds both: …/locations/L/clusters/C/nodePools/N
    "location": lambda d: (
        str(at(d, "selfLink") or "").partition("/locations/")[2].partition("/")[0]
        or str(at(d, "selfLink") or "").partition("/zones/")[2].partition("/")[0]
    ),
    "cluster": lambda d: str(at(d, "selfLink") or "").partition("/clusters/")[2].partition("/")[0],
    "version": value("version"),
    "initial_node_count": value("initialNodeCount"),
    "node_locations": lambda d: strings(data(d), "locations"),
    "autoscaling": lambda d: (
        [
            {
                "min_node_count": found.get("minNodeCount", 0),
                "max_node_count": found.get("maxNodeCount", 0),
                "location_policy": found.get("locationPolicy"),
            }
        ]
        if (found := at(d, "autoscaling")) and found.get("enabled")
        else ABSENT_BLOCK
    ),
    "management": lambda d: [
        {
            "auto_repair": bool(at(d, "management", "autoRepair")),
            "auto_upgrade": bool(at(d, "management", "autoUpgrade")),
        }
    ],
    "network_config": block(
        ("networkConfig",),
        enable_private_nodes=("enablePrivateNodes",),
        pod_ipv4_cidr_block=("podIpv4CidrBlock",),
        pod_range=("podRange",),
    ),
    "node_config": lambda d: [_node_config(found)] if (found := at(d, "config")) else ABSENT_BLOCK,
}


def _access(entry: Mapping[str, Any]) -> dict[str, Any]:
    view = entry.get("view")
    return {
        "role": entry.get("role", ""),
        "user_by_email": entry.get("userByEmail", ""),
        "group_by_email": entry.get("groupByEmail", ""),
        "domain": entry.get("domain", ""),
        "special_group": entry.get("specialGroup", ""),
        "iam_member": entry.get("iamMember", ""),
        "view": [
            {
                "project_id": view.get("projectId"),
                "dataset_id": view.get("datasetId"),
                "table_id": view.get("tableId"),
            }
        ]
        if view
        else ABSENT_BLOCK,
    }


def _whole(*path: str) -> Attribute:
    """A number that the API writes as text."""
    return lambda d: int(found) if (found := at(d, *path)) is not None else None


_DATASET: Final[Mapping[str, Attribute]] = {
    "dataset_id": value("datasetReference", "datasetId"),
    "project": account_of,
    "location": value("location"),
    "friendly_name": value("friendlyName", default=""),
    "description": value("description", default=""),
    "labels": labels("labels"),
    "default_table_expiration_ms": _whole("defaultTableExpirationMs"),
    "default_partition_expiration_ms": _whole("defaultPartitionExpirationMs"),
    "default_encryption_configuration": block(
        ("defaultEncryptionConfiguration",), kms_key_name=("kmsKeyName",)
    ),
    "access": lambda d: [_access(entry) for entry in at(d, "access") or []],
    "self_link": value("selfLink"),
}

_TABLE: Final[Mapping[str, Attribute]] = {
    "table_id": value("tableReference", "tableId"),
    "dataset_id": value("tableReference", "datasetId"),
    "project": account_of,
    "location": value("location"),
    "friendly_name": value("friendlyName", default=""),
    "description": value("description", default=""),
    "type": value("type"),
    "labels": labels("labels"),
    "expiration_time": _whole("expirationTime"),
    "encryption_configuration": block(("encryptionConfiguration",), kms_key_name=("kmsKeyName",)),
    "self_link": value("selfLink"),
}

_TOPIC: Final[Mapping[str, Attribute]] = {
    "name": _last("name"),
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
    "name": _last("name"),
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
    "secret_id": _last("name"),
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
    "name": _last("name"),
    "id": value("name"),
    "project": account_of,
    "location": _between("locations"),
}

_FUNCTION: Final[Mapping[str, Attribute]] = {
    "name": _last("name"),
    "project": account_of,
    "location": _between("locations"),
    "description": value("description", default=""),
    "kms_key_name": value("kmsKeyName"),
    "labels": labels("labels"),
    "state": value("state"),
    "url": value("url"),
    "build_config": block(
        ("buildConfig",),
        runtime=("runtime",),
        entry_point=("entryPoint",),
        docker_repository=("dockerRepository",),
        worker_pool=("workerPool",),
    ),
    "service_config": block(
        ("serviceConfig",),
        service=("service",),
        timeout_seconds=("timeoutSeconds",),
        ingress_settings=("ingressSettings",),
        vpc_connector=("vpcConnector",),
        vpc_connector_egress_settings=("vpcConnectorEgressSettings",),
        service_account_email=("serviceAccountEmail",),
        environment_variables=("environmentVariables",),
        max_instance_count=("maxInstanceCount",),
    ),
}


def _container(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one.get("name", ""),
        "image": one.get("image"),
        "command": list(one.get("command") or []),
        "args": list(one.get("args") or []),
        "env": [
            {"name": entry.get("name"), "value": entry.get("value", "")} for entry in one.get("env") or []
        ],
    }


_RUN_SERVICE: Final[Mapping[str, Attribute]] = {
    "name": _last("name"),
    "project": account_of,
    "location": _between("locations"),
    "description": value("description", default=""),
    "ingress": value("ingress"),
    "invoker_iam_disabled": flag("invokerIamDisabled"),
    "labels": labels("labels"),
    "launch_stage": value("launchStage"),
    "uri": value("uri"),
    "binary_authorization": block(("binaryAuthorization",), use_default=("useDefault",), policy=("policy",)),
    "template": lambda d: (
        [
            {
                "service_account": found.get("serviceAccount"),
                "encryption_key": found.get("encryptionKey"),
                "execution_environment": found.get("executionEnvironment"),
                "timeout": found.get("timeout"),
                "containers": [_container(one) for one in found.get("containers") or []],
                "vpc_access": [{"connector": access.get("connector", ""), "egress": access.get("egress")}]
                if (access := found.get("vpcAccess"))
                else ABSENT_BLOCK,
            }
        ]
        if (found := at(d, "template"))
        else ABSENT_BLOCK
    ),
}

_REPOSITORY: Final[Mapping[str, Attribute]] = {
    "repository_id": _last("name"),
    "name": _last("name"),
    "project": account_of,
    "location": _between("locations"),
    "description": value("description", default=""),
    "format": value("format"),
    "mode": value("mode"),
    "kms_key_name": value("kmsKeyName"),
    "labels": labels("labels"),
    "docker_config": block(("dockerConfig",), immutable_tags=("immutableTags",)),
    "vulnerability_scanning_config": block(
        ("vulnerabilityScanningConfig",),
        enablement_config=("enablementConfig",),
        enablement_state=("enablementState",),
    ),
}

_REDIS: Final[Mapping[str, Attribute]] = {
    "name": _last("name"),
    "project": account_of,
    "region": _between("locations"),
    "display_name": value("displayName", default=""),
    "auth_enabled": flag("authEnabled"),
    "authorized_network": value("authorizedNetwork"),
    "connect_mode": value("connectMode"),
    "customer_managed_key": value("customerManagedKey"),
    "labels": labels("labels"),
    "memory_size_gb": value("memorySizeGb"),
    "redis_version": value("redisVersion"),
    "tier": value("tier"),
    "transit_encryption_mode": value("transitEncryptionMode", default="DISABLED"),
    "redis_configs": labels("redisConfigs"),
}

_FILESTORE: Final[Mapping[str, Attribute]] = {
    "name": _last("name"),
    "project": account_of,
    "location": _between("locations"),
    "description": value("description", default=""),
    "kms_key_name": value("kmsKeyName"),
    "labels": labels("labels"),
    "protocol": value("protocol"),
    "tier": value("tier"),
    "deletion_protection_enabled": flag("deletionProtectionEnabled"),
    "file_shares": lambda d: [
        {
            "name": share.get("name"),
            "capacity_gb": int(share["capacityGb"]) if share.get("capacityGb") else None,
            "nfs_export_options": [
                {
                    "access_mode": option.get("accessMode"),
                    "ip_ranges": list(option.get("ipRanges") or []),
                    "squash_mode": option.get("squashMode"),
                }
                for option in share.get("nfsExportOptions") or []
            ],
        }
        for share in at(d, "fileShares") or []
    ],
    "networks": lambda d: [
        {
            "network": network.get("network"),
            "modes": list(network.get("modes") or []),
            "connect_mode": network.get("connectMode"),
            "reserved_ip_range": network.get("reservedIpRange"),
            "ip_addresses": list(network.get("ipAddresses") or []),
        }
        for network in at(d, "networks") or []
    ],
}

_SPANNER: Final[Mapping[str, Attribute]] = {
    "name": _last("name"),
    "project": account_of,
    "config": value("config"),
    "display_name": value("displayName"),
    "edition": value("edition"),
    "labels": labels("labels"),
    "num_nodes": value("nodeCount"),
    "processing_units": value("processingUnits"),
    "state": value("state"),
}

SERVICES: Final[Mapping[str, TerraformType]] = {
    "artifactregistry.googleapis.com/Repository": TerraformType(
        "google_artifact_registry_repository", _REPOSITORY
    ),
    "bigquery.googleapis.com/Dataset": TerraformType("google_bigquery_dataset", _DATASET),
    "bigquery.googleapis.com/Table": TerraformType("google_bigquery_table", _TABLE),
    "cloudfunctions.googleapis.com/Function": TerraformType("google_cloudfunctions2_function", _FUNCTION),
    "cloudkms.googleapis.com/KeyRing": TerraformType("google_kms_key_ring", _KEY_RING),
    "container.googleapis.com/Cluster": TerraformType("google_container_cluster", _CLUSTER),
    "container.googleapis.com/NodePool": TerraformType("google_container_node_pool", _NODE_POOL),
    "file.googleapis.com/Instance": TerraformType("google_filestore_instance", _FILESTORE),
    "logging.googleapis.com/LogMetric": TerraformType("google_logging_metric", _METRIC),
    "logging.googleapis.com/LogSink": TerraformType("google_logging_project_sink", _SINK),
    "pubsub.googleapis.com/Subscription": TerraformType("google_pubsub_subscription", _SUBSCRIPTION),
    "pubsub.googleapis.com/Topic": TerraformType("google_pubsub_topic", _TOPIC),
    "redis.googleapis.com/Instance": TerraformType("google_redis_instance", _REDIS),
    "run.googleapis.com/Service": TerraformType("google_cloud_run_v2_service", _RUN_SERVICE),
    "secretmanager.googleapis.com/Secret": TerraformType("google_secret_manager_secret", _SECRET),
    "spanner.googleapis.com/Instance": TerraformType("google_spanner_instance", _SPANNER),
}
"""Asset type -> its view."""
