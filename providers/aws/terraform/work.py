"""What works on data: builds, notebooks, clusters, queries, brokers and migrations, in Terraform's words."""

from __future__ import annotations

from providers.aws.terraform.parts import always, block, blocks, each, field, last, made, tags
from providers.terraform import TerraformType

SAGEMAKER_NOTEBOOK = TerraformType(
    "aws_sagemaker_notebook_instance",
    {
        "id": field("NotebookInstanceName"),
        "arn": field("NotebookInstanceArn"),
        "name": field("NotebookInstanceName"),
        "instance_type": field("InstanceType"),
        "role_arn": field("Notebook.RoleArn"),
        "subnet_id": field("Notebook.SubnetId", ""),
        "security_groups": field("Notebook.SecurityGroups", []),
        "kms_key_id": field("Notebook.KmsKeyId", ""),
        "direct_internet_access": field("Notebook.DirectInternetAccess", "Enabled"),
        "root_access": field("Notebook.RootAccess", "Enabled"),
        "instance_metadata_service_configuration": always(
            made(
                minimum_instance_metadata_service_version=field(
                    "Notebook.InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion", ""
                )
            )
        ),
        "tags": tags(),
    },
)

CODEBUILD_PROJECT = TerraformType(
    "aws_codebuild_project",
    {
        "id": field("Project.arn"),
        "arn": field("Project.arn"),
        "name": field("name"),
        "description": field("Project.description", ""),
        "service_role": field("Project.serviceRole"),
        "encryption_key": field("Project.encryptionKey", ""),
        "badge_enabled": field("Project.badge.badgeEnabled", False),
        "project_visibility": field("Project.projectVisibility", "PRIVATE"),
        "environment": block(
            "Project.environment",
            made(
                type="type",
                image="image",
                compute_type="computeType",
                privileged_mode=field("privilegedMode", False),
                image_pull_credentials_type=field("imagePullCredentialsType", ""),
                environment_variable=blocks(
                    "environmentVariables", made(name="name", value=field("value", ""), type="type")
                ),
            ),
        ),
        "source": block(
            "Project.source",
            made(
                type="type",
                location=field("location", ""),
                buildspec=field("buildspec", ""),
                insecure_ssl=field("insecureSsl", False),
                report_build_status=field("reportBuildStatus", False),
            ),
        ),
        "artifacts": block(
            "Project.artifacts",
            made(
                type="type",
                location=field("location", ""),
                encryption_disabled=field("encryptionDisabled", False),
            ),
        ),
        "logs_config": block(
            "Project.logsConfig",
            made(
                cloudwatch_logs=block(
                    "cloudWatchLogs",
                    made(
                        status="status",
                        group_name=field("groupName", ""),
                        stream_name=field("streamName", ""),
                    ),
                ),
                s3_logs=block(
                    "s3Logs",
                    made(
                        status="status",
                        location=field("location", ""),
                        encryption_disabled=field("encryptionDisabled", False),
                    ),
                ),
            ),
        ),
        "vpc_config": block(
            "Project.vpcConfig",
            made(
                vpc_id="vpcId", subnets=field("subnets", []), security_group_ids=field("securityGroupIds", [])
            ),
        ),
        "tags": tags("Project.tags"),
    },
)

EMR_CLUSTER = TerraformType(
    "aws_emr_cluster",
    {
        "id": field("Id"),
        "arn": field("ClusterArn"),
        "name": field("Name"),
        "release_label": field("Cluster.ReleaseLabel", ""),
        "security_configuration": field("Cluster.SecurityConfiguration", ""),
        "log_uri": field("Cluster.LogUri", ""),
        "log_encryption_kms_key_id": field("Cluster.LogEncryptionKmsKeyId", ""),
        "service_role": field("Cluster.ServiceRole"),
        "termination_protection": field("Cluster.TerminationProtected", False),
        "visible_to_all_users": field("Cluster.VisibleToAllUsers", False),
        "ec2_attributes": block(
            "Cluster.Ec2InstanceAttributes",
            made(
                key_name=field("Ec2KeyName", ""),
                subnet_id=field("Ec2SubnetId", ""),
                instance_profile=last("IamInstanceProfile"),
                emr_managed_master_security_group=field("EmrManagedMasterSecurityGroup", ""),
                emr_managed_slave_security_group=field("EmrManagedSlaveSecurityGroup", ""),
                service_access_security_group=field("ServiceAccessSecurityGroup", ""),
            ),
        ),
        "tags": tags("Cluster.Tags"),
    },
)

ATHENA_WORKGROUP = TerraformType(
    "aws_athena_workgroup",
    {
        "id": field("Name"),
        "name": field("Name"),
        "state": field("State"),
        "configuration": block(
            "Configuration",
            made(
                enforce_workgroup_configuration=field("EnforceWorkGroupConfiguration", True),
                publish_cloudwatch_metrics_enabled=field("PublishCloudWatchMetricsEnabled", True),
                requester_pays_enabled=field("RequesterPaysEnabled", False),
                bytes_scanned_cutoff_per_query=field("BytesScannedCutoffPerQuery", 0),
                execution_role=field("ExecutionRole", ""),
                result_configuration=block(
                    "ResultConfiguration",
                    made(
                        output_location=field("OutputLocation", ""),
                        expected_bucket_owner=field("ExpectedBucketOwner", ""),
                        encryption_configuration=block(
                            "EncryptionConfiguration",
                            made(encryption_option="EncryptionOption", kms_key_arn=field("KmsKey", "")),
                        ),
                    ),
                ),
            ),
        ),
        "tags": tags(),
    },
)

DMS_REPLICATION_INSTANCE = TerraformType(
    "aws_dms_replication_instance",
    {
        "id": field("ReplicationInstanceIdentifier"),
        "replication_instance_arn": field("ReplicationInstanceArn"),
        "replication_instance_id": field("ReplicationInstanceIdentifier"),
        "replication_instance_class": field("ReplicationInstanceClass"),
        "allocated_storage": field("AllocatedStorage"),
        "auto_minor_version_upgrade": field("AutoMinorVersionUpgrade", False),
        "engine_version": field("EngineVersion"),
        "kms_key_arn": field("KmsKeyId", ""),
        "multi_az": field("MultiAZ", False),
        "publicly_accessible": field("PubliclyAccessible", False),
        "replication_subnet_group_id": field("ReplicationSubnetGroup.ReplicationSubnetGroupIdentifier", ""),
        "vpc_security_group_ids": each("VpcSecurityGroups", "VpcSecurityGroupId"),
        "tags": tags(),
    },
)

MQ_BROKER = TerraformType(
    "aws_mq_broker",
    {
        "id": field("BrokerId"),
        "arn": field("BrokerArn"),
        "broker_name": field("BrokerName"),
        "deployment_mode": field("DeploymentMode"),
        "engine_type": field("EngineType"),
        "engine_version": field("Broker.EngineVersion"),
        "host_instance_type": field("HostInstanceType"),
        "authentication_strategy": field("Broker.AuthenticationStrategy", "simple"),
        "auto_minor_version_upgrade": field("Broker.AutoMinorVersionUpgrade", False),
        "publicly_accessible": field("Broker.PubliclyAccessible", False),
        "security_groups": field("Broker.SecurityGroups", []),
        "subnet_ids": field("Broker.SubnetIds", []),
        "encryption_options": block(
            "Broker.EncryptionOptions",
            made(kms_key_id=field("KmsKeyId", ""), use_aws_owned_key=field("UseAwsOwnedKey", True)),
        ),
        "logs": always(
            made(
                # The provider keeps this one as text.
                audit=lambda document: str(bool(field("Broker.Logs.Audit", False)(document))).lower(),
                general=field("Broker.Logs.General", False),
            )
        ),
        "tags": tags("Broker.Tags"),
    },
)

MSK_CLUSTER = TerraformType(
    "aws_msk_cluster",
    {
        "id": field("ClusterArn"),
        "arn": field("ClusterArn"),
        "cluster_name": field("ClusterName"),
        "kafka_version": field("Provisioned.CurrentBrokerSoftwareInfo.KafkaVersion"),
        "number_of_broker_nodes": field("Provisioned.NumberOfBrokerNodes"),
        "enhanced_monitoring": field("Provisioned.EnhancedMonitoring", "DEFAULT"),
        "broker_node_group_info": block(
            "Provisioned.BrokerNodeGroupInfo",
            made(
                instance_type="InstanceType",
                client_subnets=field("ClientSubnets", []),
                security_groups=field("SecurityGroups", []),
                connectivity_info=block(
                    "ConnectivityInfo",
                    made(public_access=block("PublicAccess", made(type=field("Type", "DISABLED")))),
                ),
            ),
        ),
        "client_authentication": block(
            "Provisioned.ClientAuthentication",
            made(
                unauthenticated=field("Unauthenticated.Enabled", False),
                sasl=block(
                    "Sasl", made(iam=field("Iam.Enabled", False), scram=field("Scram.Enabled", False))
                ),
                tls=block(
                    "Tls",
                    made(certificate_authority_arns=field("CertificateAuthorityArnList", [])),
                ),
            ),
        ),
        "encryption_info": block(
            "Provisioned.EncryptionInfo",
            made(
                encryption_at_rest_kms_key_arn=field("EncryptionAtRest.DataVolumeKMSKeyId", ""),
                encryption_in_transit=block(
                    "EncryptionInTransit",
                    made(client_broker="ClientBroker", in_cluster=field("InCluster", True)),
                ),
            ),
        ),
        "logging_info": block(
            "Provisioned.LoggingInfo",
            made(
                broker_logs=block(
                    "BrokerLogs",
                    made(
                        cloudwatch_logs=block(
                            "CloudWatchLogs",
                            made(enabled=field("Enabled", False), log_group=field("LogGroup", "")),
                        ),
                        firehose=block(
                            "Firehose",
                            made(
                                enabled=field("Enabled", False),
                                delivery_stream=field("DeliveryStream", ""),
                            ),
                        ),
                        s3=block(
                            "S3",
                            made(
                                enabled=field("Enabled", False),
                                bucket=field("Bucket", ""),
                                prefix=field("Prefix", ""),
                            ),
                        ),
                    ),
                )
            ),
        ),
        "tags": tags(),
    },
)
