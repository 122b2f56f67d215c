"""Functions, containers and their registries, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from providers.aws.terraform.parts import always, block, blocks, field, made, tags
from providers.terraform import ABSENT_BLOCK, TerraformType


def _environment(document: Mapping[str, Any]) -> Any:
    variables = field("Environment.Variables")(document)
    return [{"variables": dict(variables)}] if variables else ABSENT_BLOCK


LAMBDA_FUNCTION = TerraformType(
    "aws_lambda_function",
    {
        "id": field("FunctionName"),
        "arn": field("FunctionArn"),
        "function_name": field("FunctionName"),
        "description": field("Description", ""),
        "runtime": field("Runtime", ""),
        "handler": field("Handler", ""),
        "role": field("Role"),
        "package_type": field("PackageType", "Zip"),
        "architectures": field("Architectures", []),
        "memory_size": field("MemorySize"),
        "timeout": field("Timeout"),
        "kms_key_arn": field("KMSKeyArn", ""),
        "layers": lambda document: [layer["Arn"] for layer in field("Layers", ())(document)],
        "environment": _environment,
        "dead_letter_config": block("DeadLetterConfig", made(target_arn=field("TargetArn", ""))),
        "tracing_config": always(made(mode=field("TracingConfig.Mode", "PassThrough"))),
        "vpc_config": lambda document: (
            [
                made(
                    vpc_id=field("VpcId", ""),
                    subnet_ids=field("SubnetIds", []),
                    security_group_ids=field("SecurityGroupIds", []),
                )(found)
            ]
            # Lambda tells an empty one of functions outside of networks.
            if (found := field("VpcConfig")(document)) and found.get("SubnetIds")
            else ABSENT_BLOCK
        ),
        "logging_config": block(
            "LoggingConfig", made(log_format="LogFormat", log_group=field("LogGroup", ""))
        ),
        "tags": tags(),
    },
)

ECR_REPOSITORY = TerraformType(
    "aws_ecr_repository",
    {
        "id": field("repositoryName"),
        "arn": field("repositoryArn"),
        "name": field("repositoryName"),
        "registry_id": field("registryId"),
        "repository_url": field("repositoryUri"),
        "image_tag_mutability": field("imageTagMutability", "MUTABLE"),
        "image_scanning_configuration": always(
            made(scan_on_push=field("imageScanningConfiguration.scanOnPush", False))
        ),
        "encryption_configuration": always(
            made(
                encryption_type=field("encryptionConfiguration.encryptionType", "AES256"),
                kms_key=field("encryptionConfiguration.kmsKey", ""),
            )
        ),
        "tags": tags(),
    },
)

_SETTING = made(name="name", value="value")

ECS_CLUSTER = TerraformType(
    "aws_ecs_cluster",
    {
        "id": field("clusterArn"),
        "arn": field("clusterArn"),
        "name": field("Cluster.clusterName"),
        "setting": blocks("Cluster.settings", _SETTING),
        "configuration": block(
            "Cluster.configuration",
            made(
                execute_command_configuration=block(
                    "executeCommandConfiguration",
                    made(
                        kms_key_id=field("kmsKeyId", ""),
                        logging=field("logging", "DEFAULT"),
                        log_configuration=block(
                            "logConfiguration",
                            made(
                                cloud_watch_encryption_enabled=field("cloudWatchEncryptionEnabled", False),
                                cloud_watch_log_group_name=field("cloudWatchLogGroupName", ""),
                                s3_bucket_name=field("s3BucketName", ""),
                                s3_bucket_encryption_enabled=field("s3EncryptionEnabled", False),
                                s3_key_prefix=field("s3KeyPrefix", ""),
                            ),
                        ),
                    ),
                )
            ),
        ),
        "tags": tags("Cluster.tags"),
    },
)

ECS_SERVICE = TerraformType(
    "aws_ecs_service",
    {
        "id": field("serviceArn"),
        "arn": field("serviceArn"),
        "name": field("Service.serviceName"),
        "cluster": field("Service.clusterArn"),
        "desired_count": field("Service.desiredCount", 0),
        "launch_type": field("Service.launchType", ""),
        "platform_version": field("Service.platformVersion", ""),
        "scheduling_strategy": field("Service.schedulingStrategy", "REPLICA"),
        "task_definition": field("Service.taskDefinition"),
        "enable_execute_command": field("Service.enableExecuteCommand", False),
        "propagate_tags": field("Service.propagateTags", "NONE"),
        "iam_role": field("Service.roleArn", ""),
        "network_configuration": block(
            "Service.networkConfiguration.awsvpcConfiguration",
            made(
                assign_public_ip=lambda item: item.get("assignPublicIp") == "ENABLED",
                security_groups=field("securityGroups", []),
                subnets=field("subnets", []),
            ),
        ),
        "load_balancer": blocks(
            "Service.loadBalancers",
            made(
                container_name="containerName",
                container_port="containerPort",
                elb_name=field("loadBalancerName", ""),
                target_group_arn=field("targetGroupArn", ""),
            ),
        ),
        "tags": tags("Service.tags"),
    },
)


def _volumes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": volume.get("name"),
            "host_path": field("host.sourcePath", "")(volume),
            "efs_volume_configuration": block(
                "efsVolumeConfiguration",
                made(
                    file_system_id="fileSystemId",
                    root_directory=field("rootDirectory", "/"),
                    transit_encryption=field("transitEncryption", ""),
                    authorization_config=block(
                        "authorizationConfig",
                        made(access_point_id=field("accessPointId", ""), iam=field("iam", "")),
                    ),
                ),
            )(volume),
        }
        for volume in field("Newest.taskDefinition.volumes", ())(document)
    ]


_TASK = "Newest.taskDefinition"
ECS_TASK_DEFINITION = TerraformType(
    "aws_ecs_task_definition",
    {
        "id": field(f"{_TASK}.family"),
        "arn": field(f"{_TASK}.taskDefinitionArn"),
        "family": field(f"{_TASK}.family"),
        "revision": field(f"{_TASK}.revision"),
        "cpu": field(f"{_TASK}.cpu", ""),
        "memory": field(f"{_TASK}.memory", ""),
        "network_mode": field(f"{_TASK}.networkMode", ""),
        "pid_mode": field(f"{_TASK}.pidMode", ""),
        "ipc_mode": field(f"{_TASK}.ipcMode", ""),
        "task_role_arn": field(f"{_TASK}.taskRoleArn", ""),
        "execution_role_arn": field(f"{_TASK}.executionRoleArn", ""),
        "requires_compatibilities": field(f"{_TASK}.requiresCompatibilities", []),
        # JSON text, as Terraform has it.
        "container_definitions": lambda document: orjson.dumps(
            field(f"{_TASK}.containerDefinitions", [])(document)
        ).decode(),
        "volume": _volumes,
        "tags": tags("Newest.tags"),
    },
)


def _log_types(document: Mapping[str, Any]) -> list[str]:
    return sorted(
        kind
        for setup in field("Cluster.logging.clusterLogging", ())(document)
        if setup.get("enabled")
        for kind in setup.get("types") or ()
    )


EKS_CLUSTER = TerraformType(
    "aws_eks_cluster",
    {
        "id": field("name"),
        "arn": field("Cluster.arn"),
        "name": field("name"),
        "version": field("Cluster.version"),
        "platform_version": field("Cluster.platformVersion"),
        "endpoint": field("Cluster.endpoint"),
        "role_arn": field("Cluster.roleArn"),
        "status": field("Cluster.status"),
        "deletion_protection": field("Cluster.deletionProtection", False),
        "enabled_cluster_log_types": _log_types,
        "vpc_config": block(
            "Cluster.resourcesVpcConfig",
            made(
                cluster_security_group_id=field("clusterSecurityGroupId", ""),
                endpoint_private_access=field("endpointPrivateAccess", False),
                endpoint_public_access=field("endpointPublicAccess", True),
                public_access_cidrs=field("publicAccessCidrs", []),
                security_group_ids=field("securityGroupIds", []),
                subnet_ids=field("subnetIds", []),
                vpc_id=field("vpcId", ""),
            ),
        ),
        "encryption_config": lambda document: (
            [
                {
                    "resources": item.get("resources") or [],
                    "provider": [{"key_arn": field("provider.keyArn")(item)}],
                }
                for item in field("Cluster.encryptionConfig", ())(document)
            ]
            or ABSENT_BLOCK
        ),
        "access_config": block(
            "Cluster.accessConfig",
            made(
                authentication_mode="authenticationMode",
                bootstrap_cluster_creator_admin_permissions="bootstrapClusterCreatorAdminPermissions",
            ),
        ),
        "kubernetes_network_config": block(
            "Cluster.kubernetesNetworkConfig",
            made(
                ip_family=field("ipFamily", "ipv4"),
                service_ipv4_cidr=field("serviceIpv4Cidr", ""),
                service_ipv6_cidr=field("serviceIpv6Cidr", ""),
            ),
        ),
        "tags": tags("Cluster.tags"),
    },
)

EKS_NODE_GROUP = TerraformType(
    "aws_eks_node_group",
    {
        "id": lambda document: f"{document.get('clusterName')}:{document.get('nodegroupName')}",
        "arn": field("NodeGroup.nodegroupArn"),
        "cluster_name": field("clusterName"),
        "node_group_name": field("nodegroupName"),
        "node_role_arn": field("NodeGroup.nodeRole"),
        "ami_type": field("NodeGroup.amiType"),
        "capacity_type": field("NodeGroup.capacityType"),
        "disk_size": field("NodeGroup.diskSize", 0),
        "instance_types": field("NodeGroup.instanceTypes", []),
        "labels": field("NodeGroup.labels", {}),
        "release_version": field("NodeGroup.releaseVersion"),
        "status": field("NodeGroup.status"),
        "subnet_ids": field("NodeGroup.subnets", []),
        "version": field("NodeGroup.version"),
        "remote_access": block(
            "NodeGroup.remoteAccess",
            made(
                ec2_ssh_key=field("ec2SshKey", ""),
                source_security_group_ids=field("sourceSecurityGroups", []),
            ),
        ),
        "scaling_config": block(
            "NodeGroup.scalingConfig",
            made(desired_size="desiredSize", max_size="maxSize", min_size="minSize"),
        ),
        "launch_template": block(
            "NodeGroup.launchTemplate", made(id=field("id", ""), name=field("name", ""), version="version")
        ),
        "tags": tags("NodeGroup.tags"),
    },
)

SFN_STATE_MACHINE = TerraformType(
    "aws_sfn_state_machine",
    {
        "id": field("stateMachineArn"),
        "arn": field("stateMachineArn"),
        "name": field("name"),
        "type": field("type"),
        "role_arn": field("Machine.roleArn"),
        "status": field("Machine.status"),
        "definition": field("Machine.definition"),
        "logging_configuration": block(
            "Machine.loggingConfiguration",
            made(
                level="level",
                include_execution_data=field("includeExecutionData", False),
                log_destination=lambda item: next(
                    (
                        field("cloudWatchLogsLogGroup.logGroupArn", "")(found)
                        for found in item.get("destinations") or ()
                    ),
                    "",
                ),
            ),
        ),
        "tracing_configuration": always(made(enabled=field("Machine.tracingConfiguration.enabled", False))),
        "encryption_configuration": block(
            "Machine.encryptionConfiguration", made(type="type", kms_key_id=field("kmsKeyId", ""))
        ),
        "tags": tags(),
    },
)
