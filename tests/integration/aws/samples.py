"""One resource of each type that moto can make, in a region that nothing else uses."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from providers.sandbox.aws.door import READ_ROLE, Door

REGION = "eu-central-1"
NAME = "sample"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
POLICY = json.dumps(_POLICY)


class Maker:
    """Makes the samples; each method of the name of a type makes one."""

    def __init__(self, door: Door) -> None:
        self.account = door.account
        self.role = f"arn:aws:iam::{door.account}:role/{READ_ROLE}"
        self._door = door
        ec2 = self.client("ec2")
        self.vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = ec2.describe_subnets()["Subnets"]
        self.subnets = [s["SubnetId"] for s in subnets][:2]
        self.group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]

    def client(self, service: str, region: str = REGION) -> Any:
        return self._door.client(service, region)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{REGION}:{self.account}:{rest}"


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): return None")
    return out.getvalue()


def _ec2(m: Maker) -> None:
    ec2 = m.client("ec2")
    acl = ec2.create_network_acl(VpcId=m.vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_tags(Resources=[acl], Tags=[{"Key": "Name", "Value": NAME}])
    ec2.create_route_table(VpcId=m.vpc)
    ec2.create_internet_gateway()
    ec2.create_egress_only_internet_gateway(VpcId=m.vpc)
    eip = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=m.subnets[0], AllocationId=eip)
    ec2.create_network_interface(SubnetId=m.subnets[0])
    transit = ec2.create_transit_gateway(Description=NAME)["TransitGateway"]["TransitGatewayId"]
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, VpcId=m.vpc, SubnetIds=m.subnets[:1])
    ec2.create_vpc_endpoint(VpcId=m.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", PolicyDocument=POLICY)
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_peering_connection(VpcId=m.vpc, PeerVpcId=other)
    customer = ec2.create_customer_gateway(Type="ipsec.1", PublicIp="203.0.113.9", BgpAsn=65000)
    gateway = ec2.create_vpn_gateway(Type="ipsec.1", AvailabilityZone=f"{REGION}a")
    ec2.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=customer["CustomerGateway"]["CustomerGatewayId"],
        VpnGatewayId=gateway["VpnGateway"]["VpnGatewayId"],
    )
    ec2.create_managed_prefix_list(
        PrefixListName=NAME, AddressFamily="IPv4", MaxEntries=2, Entries=[{"Cidr": "10.0.0.0/8"}]
    )
    ec2.create_key_pair(KeyName=NAME)
    ec2.create_launch_template(
        LaunchTemplateName=NAME, LaunchTemplateData={"ImageId": "ami-12345678", "UserData": "c2VjcmV0"}
    )
    machine = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.create_image(InstanceId=machine, Name=NAME)


def _scaling(m: Maker) -> None:
    scaling = m.client("autoscaling")
    scaling.create_launch_configuration(
        LaunchConfigurationName=NAME, ImageId="ami-12345678", InstanceType="t3.micro", UserData="secret"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="team/web",
        LaunchConfigurationName=NAME,
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=m.subnets[0],
    )
    elb = m.client("elbv2")
    for number in range(25):  # more than one call's worth of tags
        made = elb.create_target_group(Name=f"{NAME}-{number}", Protocol="HTTP", Port=80, VpcId=m.vpc)
        arn = made["TargetGroups"][0]["TargetGroupArn"]
        elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "number", "Value": str(number)}])


def _identity(m: Maker) -> None:
    iam = m.client("iam")
    iam.create_group(GroupName=NAME, Path="/team/")
    iam.create_instance_profile(InstanceProfileName=NAME, Tags=[{"Key": "a", "Value": "b"}])
    iam.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=READ_ROLE)
    iam.create_saml_provider(Name=NAME, SAMLMetadataDocument="a" * 1024)
    iam.create_open_id_connect_provider(Url="https://oidc.example.com/id/1", ThumbprintList=["a" * 40])
    iam.upload_server_certificate(ServerCertificateName=NAME, CertificateBody="body", PrivateKey="key")
    iam.create_virtual_mfa_device(VirtualMFADeviceName=NAME)
    m.client("account").put_alternate_contact(
        AlternateContactType="SECURITY", EmailAddress="a@example.com", Name="A", PhoneNumber="1", Title="T"
    )


def _security(m: Maker) -> None:
    config = m.client("config")
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": m.role})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "management-logs"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    config.put_configuration_aggregator(
        ConfigurationAggregatorName=NAME,
        AccountAggregationSources=[{"AccountIds": [m.account], "AllAwsRegions": True}],
    )
    config.put_config_rule(
        ConfigRule={
            "ConfigRuleName": NAME,
            "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_LOGGING_ENABLED"},
        }
    )
    m.client("guardduty").create_detector(Enable=True)
    m.client("securityhub").enable_security_hub()
    m.client("inspector2").enable(accountIds=[m.account], resourceTypes=["EC2"])
    visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": NAME}
    for region, scope in ((REGION, "REGIONAL"), ("us-east-1", "CLOUDFRONT")):
        m.client("wafv2", region).create_web_acl(
            Name=NAME, Scope=scope, DefaultAction={"Allow": {}}, VisibilityConfig=visibility, Rules=[]
        )
    m.client("network-firewall").create_firewall(
        FirewallName=NAME,
        FirewallPolicyArn=m.arn("network-firewall", "firewall-policy/none"),
        VpcId=m.vpc,
        SubnetMappings=[{"SubnetId": m.subnets[0]}],
    )


def _secrets(m: Maker) -> None:
    m.client("acm").request_certificate(DomainName="example.com", Tags=[{"Key": "a", "Value": "b"}])
    m.client("acm-pca").create_certificate_authority(
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "RSA_2048",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"CommonName": "example.com"},
        },
        CertificateAuthorityType="ROOT",
    )
    secrets = m.client("secretsmanager")
    secret = secrets.create_secret(Name="team/database", SecretString="s", Tags=[{"Key": "a", "Value": "b"}])
    secrets.put_resource_policy(SecretId=secret["ARN"], ResourcePolicy=POLICY)
    ssm = m.client("ssm")
    ssm.put_parameter(Name="/team/database/user", Value="owner", Type="String")
    ssm.create_document(
        Name=NAME,
        DocumentType="Command",
        DocumentFormat="JSON",
        Content=json.dumps({"schemaVersion": "2.2", "description": "d", "parameters": {}, "mainSteps": []}),
    )


def _monitoring(m: Maker) -> None:
    logs = m.client("logs")
    logs.create_log_group(logGroupName="/team/app")
    logs.create_log_group(logGroupName="/team/app/more")
    logs.put_metric_filter(
        logGroupName="/team/app",
        filterName="root-use",
        filterPattern="{ $.userIdentity.type = Root }",
        metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
    )
    logs.put_resource_policy(policyName=NAME, policyDocument=POLICY)
    m.client("cloudwatch").put_metric_alarm(
        AlarmName="team/root use",
        MetricName="m",
        Namespace="n",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
    )
    events = m.client("events")
    events.create_event_bus(Name=NAME)
    events.put_rule(Name=NAME, EventBusName=NAME, EventPattern='{"source": ["aws.ec2"]}')
    topic = m.client("sns").create_topic(Name=NAME, Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    queue = m.client("sqs").create_queue(QueueName=NAME, Attributes={"Policy": POLICY}, tags={"a": "b"})
    m.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=m.arn("sqs", NAME))
    events.put_targets(
        Rule=NAME, EventBusName=NAME, Targets=[{"Id": "q", "Arn": queue["QueueUrl"] and m.arn("sqs", NAME)}]
    )
    m.client("kinesis").create_stream(StreamName=NAME, ShardCount=1)
    m.client("firehose").create_delivery_stream(
        DeliveryStreamName=NAME,
        S3DestinationConfiguration={"RoleARN": m.role, "BucketARN": "arn:aws:s3:::management-logs"},
    )


def _containers(m: Maker) -> None:
    functions = m.client("lambda")
    functions.create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Role=m.role,
        Handler="main.handler",
        Code={"ZipFile": _zip()},
        Tags={"a": "b"},
    )
    functions.add_permission(
        FunctionName=NAME, StatementId="all", Action="lambda:InvokeFunction", Principal="*"
    )
    functions.create_function_url_config(FunctionName=NAME, AuthType="NONE")
    ecr = m.client("ecr")
    ecr.create_repository(repositoryName="team/app")
    ecr.set_repository_policy(repositoryName="team/app", policyText=POLICY)
    ecs = m.client("ecs")
    for cluster in ("one", "two"):
        ecs.create_cluster(clusterName=cluster, tags=[{"key": "a", "value": cluster}])
    ecs.register_task_definition(
        family=NAME, containerDefinitions=[{"name": "c", "image": "i", "memory": 1, "privileged": True}]
    )
    ecs.create_service(cluster="two", serviceName=NAME, taskDefinition=NAME, desiredCount=0)
    eks = m.client("eks")
    eks.create_cluster(name=NAME, roleArn=m.role, resourcesVpcConfig={"subnetIds": m.subnets})
    eks.create_nodegroup(clusterName=NAME, nodegroupName="nodes", subnets=m.subnets, nodeRole=m.role)
    m.client("stepfunctions").create_state_machine(
        name=NAME,
        roleArn=m.role,
        definition=json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}),
    )


def _databases(m: Maker) -> None:
    m.client("dynamodb").create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    rds = m.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName=NAME, DBSubnetGroupDescription="d", SubnetIds=m.subnets)
    rds.create_db_parameter_group(
        DBParameterGroupName=NAME, DBParameterGroupFamily="postgres16", Description="d"
    )
    rds.create_db_cluster(
        DBClusterIdentifier=NAME, Engine="aurora-postgresql", MasterUsername="o", MasterUserPassword="p" * 9
    )
    rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="snap", DBClusterIdentifier=NAME)
    rds.create_event_subscription(SubscriptionName=NAME, SnsTopicArn=m.arn("sns", NAME))
    rds.create_db_proxy(
        DBProxyName=NAME, EngineFamily="POSTGRESQL", Auth=[], RoleArn=m.role, VpcSubnetIds=m.subnets
    )
    m.client("redshift").create_cluster(
        ClusterIdentifier=NAME, NodeType="ra3.large", MasterUsername="o", MasterUserPassword="Abcdefgh1"
    )
    m.client("elasticache").create_cache_cluster(
        CacheClusterId=NAME, Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1
    )
    m.client("elasticache").create_replication_group(
        ReplicationGroupId="group", ReplicationGroupDescription="d"
    )
    m.client("memorydb").create_subnet_group(SubnetGroupName=NAME, SubnetIds=m.subnets)
    m.client("memorydb").create_cluster(
        ClusterName=NAME, NodeType="db.t4g.small", ACLName="open-access", SubnetGroupName=NAME
    )
    for number in range(6):  # more than one call's worth
        m.client("opensearch").create_domain(DomainName=f"domain-{number}", AccessPolicies=POLICY)
    m.client("dax").create_cluster(
        ClusterName=NAME, NodeType="dax.t3.small", ReplicationFactor=1, IamRoleArn=m.role
    )


def _files(m: Maker) -> None:
    efs = m.client("efs")
    files = efs.create_file_system(CreationToken=NAME, Tags=[{"Key": "a", "Value": "b"}])["FileSystemId"]
    efs.put_file_system_policy(FileSystemId=files, Policy=POLICY)
    efs.create_access_point(ClientToken=NAME, FileSystemId=files)
    m.client("fsx").create_file_system(FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=m.subnets[:1])
    backup = m.client("backup")
    backup.create_backup_vault(BackupVaultName=NAME, BackupVaultTags={"a": "b"})
    backup.create_backup_plan(
        BackupPlan={"BackupPlanName": NAME, "Rules": [{"RuleName": "r", "TargetBackupVaultName": NAME}]}
    )
    m.client("s3control").create_access_point(AccountId=m.account, Name=NAME, Bucket="management-logs")
    m.client("transfer").create_server(Protocols=["SFTP"])
    m.client("dms").create_replication_instance(
        ReplicationInstanceIdentifier=NAME, ReplicationInstanceClass="dms.t3.micro"
    )
    m.client("dms").create_endpoint(EndpointIdentifier=NAME, EndpointType="source", EngineName="mysql")


def _analytics(m: Maker) -> None:
    glue = m.client("glue")
    glue.create_security_configuration(Name=NAME, EncryptionConfiguration={})
    glue.create_connection(
        ConnectionInput={
            "Name": NAME,
            "ConnectionType": "JDBC",
            "ConnectionProperties": {"USERNAME": "u", "PASSWORD": "do-not-keep"},
        }
    )
    glue.create_job(Name=NAME, Role=m.role, Command={"Name": "glueetl"})
    m.client("athena").create_work_group(Name=NAME, Configuration={}, Tags=[{"Key": "a", "Value": "b"}])
    m.client("emr").run_job_flow(
        Name=NAME,
        Instances={"KeepJobFlowAliveWhenNoSteps": True, "InstanceCount": 1, "MasterInstanceType": "m5.large"},
        JobFlowRole="r",
        ServiceRole="s",
    )
    sagemaker = m.client("sagemaker")
    sagemaker.create_notebook_instance(
        NotebookInstanceName=NAME, InstanceType="ml.t3.medium", RoleArn=m.role, DirectInternetAccess="Enabled"
    )
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=m.role)
    sagemaker.create_domain(
        DomainName=NAME,
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": m.role},
        SubnetIds=m.subnets,
        VpcId=m.vpc,
    )
    m.client("kafka").create_cluster_v2(
        ClusterName=NAME, Serverless={"VpcConfigs": [{"SubnetIds": m.subnets}]}
    )
    m.client("mq").create_broker(
        BrokerName=NAME,
        EngineType="ACTIVEMQ",
        EngineVersion="5.18",
        HostInstanceType="mq.t3.micro",
        DeploymentMode="SINGLE_INSTANCE",
        AutoMinorVersionUpgrade=True,
        PubliclyAccessible=True,
        Users=[{"Username": "u", "Password": "p" * 12}],
    )


def _edge(m: Maker) -> None:
    rest = m.client("apigateway")
    api = rest.create_rest_api(name=NAME, tags={"a": "b"})["id"]
    root = rest.get_resources(restApiId=api)["items"][0]["id"]
    rest.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    rest.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    rest.create_deployment(restApiId=api, stageName="live")
    rest.create_domain_name(domainName="api.example.com")
    v2 = m.client("apigatewayv2")
    http = v2.create_api(Name=NAME, ProtocolType="HTTP")["ApiId"]
    v2.create_stage(ApiId=http, StageName="live")
    m.client("appsync").create_graphql_api(name=NAME, authenticationType="API_KEY")
    origin = {
        "Id": "o",
        "DomainName": "management-website.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    m.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": NAME,
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"},
        }
    )
    m.client("route53").create_hosted_zone(Name="example.com", CallerReference=NAME)
    m.client("route53resolver").create_resolver_query_log_config(
        Name=NAME, DestinationArn="arn:aws:s3:::management-logs", CreatorRequestId=NAME
    )
    m.client("sesv2").create_email_identity(EmailIdentity="example.com")
    m.client("directconnect").create_connection(connectionName=NAME, location="EqDC2", bandwidth="1Gbps")


def _delivery(m: Maker) -> None:
    m.client("codebuild").create_project(
        name=NAME,
        source={"type": "S3", "location": "management-website/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=m.role,
        tags=[{"key": "a", "value": "b"}],
    )
    m.client("cloudformation").create_stack(StackName=NAME, TemplateBody='{"Resources": {}}')
    m.client("cognito-idp").create_user_pool(PoolName=NAME)
    m.client("cognito-identity").create_identity_pool(
        IdentityPoolName=NAME, AllowUnauthenticatedIdentities=True
    )
    m.client("elasticbeanstalk").create_application(ApplicationName=NAME)
    m.client("elasticbeanstalk").create_environment(ApplicationName=NAME, EnvironmentName="env-1")
    directory = m.client("ds").create_directory(
        Name="corp.example.com",
        Password="Password1!",
        Size="Small",
        VpcSettings={"VpcId": m.vpc, "SubnetIds": m.subnets},
    )
    assert directory


MAKERS: Mapping[str, Callable[[Maker], None]] = {
    made.__name__: made
    for made in (
        _ec2,
        _scaling,
        _identity,
        _security,
        _secrets,
        _monitoring,
        _containers,
        _databases,
        _files,
        _analytics,
        _edge,
        _delivery,
    )
}
