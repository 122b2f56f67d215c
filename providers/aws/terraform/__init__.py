"""The Terraform views of AWS resources, with the attribute names of the Terraform AWS provider.

One function a type that is not plain renaming; the rest is declared. A block that is not configured is ABSENT_BLOCK; a
block that always exists in Terraform's state (``aws_elb.access_logs``, ``metadata_options``) is always given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from providers.aws.terraform import (
    audit,
    compute,
    containers,
    databases,
    detection,
    edge,
    files,
    gateways,
    identity,
    machines,
    messaging,
    network,
    storage,
    work,
)
from providers.resource import Resource
from providers.terraform import TerraformType, TerraformView, view


@cache
def _views() -> Mapping[str, TerraformType]:
    return {
        "aws.accessanalyzer_analyzer": detection.ACCESS_ANALYZER,
        "aws.account": identity.PASSWORD_POLICY,
        "aws.acm_certificate": detection.ACM_CERTIFICATE,
        "aws.ami": machines.AMI,
        "aws.api_gateway_rest_api": edge.API_GATEWAY_REST_API,
        "aws.api_gateway_stage": edge.API_GATEWAY_STAGE,
        "aws.apigatewayv2_api": edge.APIGATEWAYV2_API,
        "aws.athena_workgroup": work.ATHENA_WORKGROUP,
        "aws.autoscaling_group": machines.AUTOSCALING_GROUP,
        "aws.backup_plan": files.BACKUP_PLAN,
        "aws.backup_vault": files.BACKUP_VAULT,
        "aws.cloudformation_stack": edge.CLOUDFORMATION_STACK,
        "aws.cloudfront_distribution": edge.CLOUDFRONT_DISTRIBUTION,
        "aws.cloudtrail": audit.CLOUDTRAIL,
        "aws.cloudwatch_log_group": messaging.LOG_GROUP,
        "aws.cloudwatch_log_metric_filter": messaging.LOG_METRIC_FILTER,
        "aws.cloudwatch_metric_alarm": messaging.METRIC_ALARM,
        "aws.codebuild_project": work.CODEBUILD_PROJECT,
        "aws.cognito_user_pool": edge.COGNITO_USER_POOL,
        "aws.config_configuration_recorder": detection.CONFIG_RECORDER,
        "aws.config_delivery_channel": detection.CONFIG_DELIVERY_CHANNEL,
        "aws.dax_cluster": databases.DAX_CLUSTER,
        "aws.db_cluster_snapshot": databases.DB_CLUSTER_SNAPSHOT,
        "aws.db_event_subscription": databases.DB_EVENT_SUBSCRIPTION,
        "aws.db_instance": compute.DB_INSTANCE,
        "aws.db_parameter_group": databases.DB_PARAMETER_GROUP,
        "aws.db_snapshot": databases.DB_SNAPSHOT,
        "aws.db_subnet_group": databases.DB_SUBNET_GROUP,
        "aws.dms_replication_instance": work.DMS_REPLICATION_INSTANCE,
        "aws.dynamodb_table": databases.DYNAMODB_TABLE,
        "aws.ebs_snapshot": machines.EBS_SNAPSHOT,
        "aws.ebs_volume": compute.EBS_VOLUME,
        "aws.ec2_instance": compute.INSTANCE,
        "aws.ec2_transit_gateway": gateways.TRANSIT_GATEWAY,
        "aws.ecr_repository": containers.ECR_REPOSITORY,
        "aws.ecs_cluster": containers.ECS_CLUSTER,
        "aws.ecs_service": containers.ECS_SERVICE,
        "aws.ecs_task_definition": containers.ECS_TASK_DEFINITION,
        "aws.efs_file_system": files.EFS_FILE_SYSTEM,
        "aws.eip": gateways.EIP,
        "aws.eks_cluster": containers.EKS_CLUSTER,
        "aws.eks_node_group": containers.EKS_NODE_GROUP,
        "aws.elasticache_cluster": databases.ELASTICACHE_CLUSTER,
        "aws.elasticache_replication_group": databases.ELASTICACHE_GROUP,
        "aws.elb": network.ELB,
        "aws.emr_cluster": work.EMR_CLUSTER,
        "aws.flow_log": network.FLOW_LOG,
        "aws.guardduty_detector": detection.GUARDDUTY_DETECTOR,
        "aws.iam_access_key": identity.IAM_ACCESS_KEY,
        "aws.iam_group": identity.IAM_GROUP,
        "aws.iam_instance_profile": identity.IAM_INSTANCE_PROFILE,
        "aws.iam_openid_connect_provider": identity.IAM_OPENID_CONNECT_PROVIDER,
        "aws.iam_policy": identity.IAM_POLICY,
        "aws.iam_role": identity.IAM_ROLE,
        "aws.iam_saml_provider": identity.IAM_SAML_PROVIDER,
        "aws.iam_server_certificate": identity.IAM_SERVER_CERTIFICATE,
        "aws.iam_user": identity.IAM_USER,
        "aws.internet_gateway": gateways.INTERNET_GATEWAY,
        "aws.key_pair": machines.KEY_PAIR,
        "aws.kinesis_firehose_delivery_stream": messaging.FIREHOSE_STREAM,
        "aws.kinesis_stream": messaging.KINESIS_STREAM,
        "aws.kms_key": audit.KMS_KEY,
        "aws.lambda_function": containers.LAMBDA_FUNCTION,
        "aws.launch_configuration": machines.LAUNCH_CONFIGURATION,
        "aws.launch_template": machines.LAUNCH_TEMPLATE,
        "aws.lb": network.LB,
        "aws.lb_target_group": gateways.TARGET_GROUP,
        "aws.macie2_account": detection.MACIE,
        "aws.memorydb_cluster": databases.MEMORYDB_CLUSTER,
        "aws.mq_broker": work.MQ_BROKER,
        "aws.msk_cluster": work.MSK_CLUSTER,
        "aws.nat_gateway": gateways.NAT_GATEWAY,
        "aws.network_acl": gateways.NETWORK_ACL,
        "aws.network_interface": gateways.NETWORK_INTERFACE,
        "aws.opensearch_domain": databases.OPENSEARCH_DOMAIN,
        "aws.rds_cluster": databases.RDS_CLUSTER,
        "aws.redshift_cluster": databases.REDSHIFT_CLUSTER,
        "aws.region": machines.EBS_ENCRYPTION,
        "aws.route53_zone": gateways.ROUTE53_ZONE,
        "aws.route_table": gateways.ROUTE_TABLE,
        "aws.s3_bucket": storage.S3_BUCKET,
        "aws.sagemaker_notebook_instance": work.SAGEMAKER_NOTEBOOK,
        "aws.secretsmanager_secret": detection.SECRET,
        "aws.security_group": network.SECURITY_GROUP,
        "aws.securityhub_account": detection.SECURITYHUB,
        "aws.sfn_state_machine": containers.SFN_STATE_MACHINE,
        "aws.sns_topic": messaging.SNS_TOPIC,
        "aws.sqs_queue": messaging.SQS_QUEUE,
        "aws.ssm_document": detection.SSM_DOCUMENT,
        "aws.ssm_parameter": detection.SSM_PARAMETER,
        "aws.subnet": network.SUBNET,
        "aws.vpc": network.VPC,
        "aws.vpc_endpoint": gateways.VPC_ENDPOINT,
        "aws.vpc_peering_connection": gateways.VPC_PEERING,
        "aws.vpn_connection": gateways.VPN_CONNECTION,
        "aws.wafv2_web_acl": detection.WEB_ACL,
        "aws.wafv2_web_acl_global": detection.WEB_ACL_GLOBAL,
    }


def types() -> Mapping[str, frozenset[str]]:
    """Terraform type -> our types. A web ACL of CloudFront and a regional one are of two."""
    found: dict[str, frozenset[str]] = {}
    for ours, declared in _views().items():
        found[declared.name] = found.get(declared.name, frozenset()) | {ours}
    return found


def view_of(resource: Resource) -> TerraformView | None:
    """The Terraform view of a resource, or None where we have none of its type."""
    declared = _views().get(resource.ref.type)
    if declared is None or (declared is identity.PASSWORD_POLICY and _no_password_policy(resource)):
        return None
    made = view(declared, resource.document, resource.unread)
    # A document may not hold its own ARN (a bucket's does not), and the partition is in nothing else.
    arn = {"arn": resource.uid} if "arn" in declared.attributes else {}
    return replace(made, attributes={**made.attributes, **arn})


def _no_password_policy(resource: Resource) -> bool:
    return "PasswordPolicy" not in resource.unread and resource.document.get("PasswordPolicy") is None


def declared() -> Iterable[TerraformType]:
    """Every view."""
    return _views().values()
