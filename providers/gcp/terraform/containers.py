"""Containers and what runs in them: Kubernetes clusters, Cloud Run, functions, the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp.terraform.parts import (
    account_of,
    at,
    between,
    block,
    data,
    flag,
    labels,
    last_of,
    strings,
    value,
)
from providers.terraform import ABSENT_BLOCK, Attribute, Document, TerraformType


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


_FUNCTION: Final[Mapping[str, Attribute]] = {
    "name": last_of("name"),
    "project": account_of,
    "location": between("locations"),
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
    "name": last_of("name"),
    "project": account_of,
    "location": between("locations"),
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
    "repository_id": last_of("name"),
    "name": last_of("name"),
    "project": account_of,
    "location": between("locations"),
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


CONTAINERS: Final[Mapping[str, TerraformType]] = {
    "artifactregistry.googleapis.com/Repository": TerraformType(
        "google_artifact_registry_repository", _REPOSITORY
    ),
    "cloudfunctions.googleapis.com/Function": TerraformType("google_cloudfunctions2_function", _FUNCTION),
    "container.googleapis.com/Cluster": TerraformType("google_container_cluster", _CLUSTER),
    "container.googleapis.com/NodePool": TerraformType("google_container_node_pool", _NODE_POOL),
    "run.googleapis.com/Service": TerraformType("google_cloud_run_v2_service", _RUN_SERVICE),
}
