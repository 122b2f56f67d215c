"""The seeded AWS estate: three accounts, two regions, good and bad twins, and a queue for events.

It is made through AWS's own API, one call after the other, so that the same seed gives the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.sandbox.aws.door import CONTAIN_ROLE, READ_ROLE, Door, enter

MEMBERS: Final = ("production", "development")
QUEUE: Final = "watchstander-events"
LEAKY_USER: Final = "ci-deployer"

TYPES: Final = (
    "aws.account",
    "aws.cloudtrail",
    "aws.db_instance",
    "aws.db_snapshot",
    "aws.ebs_snapshot",
    "aws.ebs_volume",
    "aws.ec2_instance",
    "aws.elb",
    "aws.flow_log",
    "aws.iam_access_key",
    "aws.iam_policy",
    "aws.iam_role",
    "aws.iam_user",
    "aws.kms_key",
    "aws.lb",
    "aws.region",
    "aws.s3_bucket",
    "aws.security_group",
    "aws.subnet",
    "aws.vpc",
)
"""What the estate holds. moto does not do every call of the other types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakyKey:
    """An access key waiting to be leaked."""

    account: str
    user_name: str
    access_key_id: str

    @property
    def uid(self) -> str:
        """Its uid in the inventory."""
        return f"arn:aws:iam::{self.account}:access-key/{self.user_name}/{self.access_key_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What was seeded, as far as stories need to know it."""

    management: str
    accounts: Mapping[str, str]
    """Account id -> name."""
    regions: tuple[str, ...]
    queue_url: str
    keys: tuple[LeakyKey, ...]
    """A CI user's active key in each member account."""
    drifting_bucket: tuple[str, str]
    """(account, bucket): compliant, until a story switches its logging off."""


def seed_estate(endpoint: str, regions: Sequence[str]) -> Estate:
    """Make the estate at an emulator that is empty."""
    door = enter(endpoint)
    management = door.account
    door = Door(endpoint, management, door.session, seeding=True)
    organizations = door.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    accounts = {management: "management"}
    for name in MEMBERS:
        made = organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        accounts[made["CreateAccountStatus"]["AccountId"]] = name
    queue_url = _events(door, regions[0])
    keys: list[LeakyKey] = []
    drifting = ("", "")
    for account, name in accounts.items():
        door.account = account
        log_bucket = _buckets(door, name, regions)
        key = _identity(door, name, management)
        if name in MEMBERS:
            keys.append(key)
        if name == MEMBERS[0]:
            drifting = (account, f"{name}-orders")
        for region in regions:
            _region(door, name, region, log_bucket, home=region == regions[0])
    door.close()
    return Estate(
        management=management,
        accounts=accounts,
        regions=tuple(regions),
        queue_url=queue_url,
        keys=tuple(keys),
        drifting_bucket=drifting,
    )


def _events(door: Door, region: str) -> str:
    """A rule on the default bus that sends security findings and changes to a queue."""
    url: str = door.client("sqs", region).create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = f"arn:aws:sqs:{region}:{door.account}:{QUEUE}"
    events = door.client("events", region)
    pattern = {
        "source": [
            "aws.guardduty",
            "aws.securityhub",
            "aws.config",
            "aws.s3",
            "aws.iam",
            "aws.ec2",
            "aws.cloudtrail",
        ]
    }
    events.put_rule(Name="watchstander", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="watchstander", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def _tags(name: str, **more: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {"Name": name, "team": "platform", **more}.items()]


_BLOCK: Final = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def _buckets(door: Door, name: str, regions: Sequence[str]) -> str:
    """A log bucket, two compliant buckets and three bad twins; the log bucket's name."""
    logs = f"{name}-logs"
    home, away = regions[0], regions[-1]
    for bucket, region in (
        (logs, home),
        (f"{name}-orders", home),
        (f"{name}-invoices", home),
        (f"{name}-unlogged", away),
        (f"{name}-plain", away),
        (f"{name}-website", home),
    ):
        s3 = door.client("s3", region)
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": _tags(bucket, environment=name)})
        kind = bucket.removeprefix(f"{name}-")
        if kind != "plain":
            s3.put_bucket_encryption(
                Bucket=bucket,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
            )
        if kind not in ("plain", "website"):
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_BLOCK)
        if kind in ("logs", "orders", "invoices"):
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        if kind == "logs":
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_log_policy(bucket)))
        if kind == "website":
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_public_policy(bucket)))
        if kind in ("logs", "orders", "invoices", "website"):
            s3.put_bucket_logging(
                Bucket=bucket,
                BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": f"{bucket}/"}},
            )
    return logs


def _log_policy(bucket: str) -> dict[str, Any]:
    services = ["logging.s3.amazonaws.com", "cloudtrail.amazonaws.com", "elasticloadbalancing.amazonaws.com"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": service.partition(".")[0],
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
            for service in services
        ],
    }


def _public_policy(bucket: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Public",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }


def _identity(door: Door, name: str, management: str) -> LeakyKey:
    """Users with keys, roles, a policy, account settings; the CI user's key."""
    iam = door.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{management}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    for role in (READ_ROLE, CONTAIN_ROLE):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    open_policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    own_policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}-orders/*"}
        ],
    }
    iam.create_policy(PolicyName="everything", PolicyDocument=json.dumps(open_policy))
    iam.create_policy(PolicyName="read-orders", PolicyDocument=json.dumps(own_policy))
    key = ""
    for user in (LEAKY_USER, "auditor", "break-glass-admin"):
        iam.create_user(UserName=user, Tags=_tags(user))
        if user == LEAKY_USER:
            iam.put_user_policy(UserName=user, PolicyName="deploy", PolicyDocument=json.dumps(own_policy))
        if user == "auditor":
            iam.create_login_profile(UserName=user, Password="Sandbox-Only-1!")
        made = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
        if user == LEAKY_USER:
            key = made
    iam.update_access_key(
        UserName="auditor",
        AccessKeyId=iam.list_access_keys(UserName="auditor")["AccessKeyMetadata"][0]["AccessKeyId"],
        Status="Inactive",
    )
    if name == MEMBERS[0]:
        iam.update_account_password_policy(
            MinimumPasswordLength=14,
            RequireSymbols=True,
            RequireNumbers=True,
            RequireUppercaseCharacters=True,
            RequireLowercaseCharacters=True,
            PasswordReusePrevention=24,
        )
        door.client("s3control").put_public_access_block(
            AccountId=door.account, PublicAccessBlockConfiguration=_BLOCK
        )
    return LeakyKey(account=door.account, user_name=LEAKY_USER, access_key_id=key)


def _region(door: Door, name: str, region: str, log_bucket: str, *, home: bool) -> None:
    """What lives in one region of one account."""
    subnets, closed, opened = _network(door, region, log_bucket)
    _machines(door, region, subnets[0], closed, opened)
    _balancers(door, region, log_bucket, subnets, closed, home=home)
    _audit(door, name, region, log_bucket, home=home)
    _data(door, name, region)


def _network(door: Door, region: str, log_bucket: str) -> tuple[list[str], str, str]:
    ec2 = door.client("ec2", region)
    good = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    bad = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[good], Tags=_tags("watched"))
    ec2.create_tags(Resources=[bad], Tags=_tags("unwatched"))
    ec2.create_flow_logs(
        ResourceIds=[good],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=f"arn:aws:s3:::{log_bucket}",
    )
    subnets = [
        ec2.create_subnet(VpcId=good, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{region}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for i, zone in enumerate("ab")
    ]
    closed = ec2.create_security_group(GroupName="app", Description="The application", VpcId=good)["GroupId"]
    opened = ec2.create_security_group(GroupName="open-ssh", Description="SSH to all", VpcId=good)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=closed,
        IpPermissions=[_permission(443, "10.0.0.0/8")],
    )
    ec2.authorize_security_group_ingress(GroupId=opened, IpPermissions=[_permission(22, "0.0.0.0/0")])
    return subnets, closed, opened


def _permission(port: int, cidr: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}


def _machines(door: Door, region: str, subnet: str, closed: str, opened: str) -> None:
    ec2 = door.client("ec2", region)
    for name, group, tokens in (("app", closed, "required"), ("bastion", opened, "optional")):
        ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            InstanceType="t3.micro",
            SubnetId=subnet,
            SecurityGroupIds=[group],
            MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": "enabled"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": _tags(name)}],
        )
    for name, encrypted in (("sealed", True), ("bare", False)):
        volume = ec2.create_volume(
            AvailabilityZone=f"{region}a",
            Size=10,
            Encrypted=encrypted,
            TagSpecifications=[{"ResourceType": "volume", "Tags": _tags(name)}],
        )
        snapshot = ec2.create_snapshot(VolumeId=volume["VolumeId"], Description=name)["SnapshotId"]
        if not encrypted:
            ec2.modify_snapshot_attribute(
                SnapshotId=snapshot,
                Attribute="createVolumePermission",
                OperationType="add",
                GroupNames=["all"],
            )


def _balancers(
    door: Door, region: str, log_bucket: str, subnets: list[str], group: str, *, home: bool
) -> None:
    elb = door.client("elb", region)
    for name, logged in (("shop", True), ("legacy", False)):
        elb.create_load_balancer(
            LoadBalancerName=name,
            Listeners=[
                {"Protocol": "HTTPS", "LoadBalancerPort": 443, "InstanceProtocol": "HTTP", "InstancePort": 80}
            ],
            Subnets=[subnets[0]],
            SecurityGroups=[group],
            Scheme="internet-facing",
            Tags=_tags(name),
        )
        if logged:
            elb.modify_load_balancer_attributes(
                LoadBalancerName=name,
                LoadBalancerAttributes={
                    "AccessLog": {
                        "Enabled": True,
                        "S3BucketName": log_bucket,
                        "EmitInterval": 60,
                        "S3BucketPrefix": name,
                    }
                },
            )
    if not home:
        return
    elbv2 = door.client("elbv2", region)
    for name, logged in (("front", True), ("internal", False)):
        made = elbv2.create_load_balancer(
            Name=name, Subnets=subnets, SecurityGroups=[group], Type="application", Tags=_tags(name)
        )
        elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
            Attributes=[
                {"Key": "access_logs.s3.enabled", "Value": "true" if logged else "false"},
                {"Key": "access_logs.s3.bucket", "Value": log_bucket if logged else ""},
                {
                    "Key": "routing.http.drop_invalid_header_fields.enabled",
                    "Value": "true" if logged else "false",
                },
            ],
        )


def _audit(door: Door, name: str, region: str, log_bucket: str, *, home: bool) -> None:
    trail = door.client("cloudtrail", region)
    trail.create_trail(
        Name=f"{name}-trail" if home else f"{name}-stopped",
        S3BucketName=log_bucket,
        IsMultiRegionTrail=home,
        IncludeGlobalServiceEvents=home,
        EnableLogFileValidation=home,
    )
    if home:
        trail.start_logging(Name=f"{name}-trail")
    kms = door.client("kms", region)
    for description, rotated in (("rotated", True), ("never rotated", False)):
        key = kms.create_key(Description=description, Tags=[{"TagKey": "team", "TagValue": "platform"}])
        if rotated:
            kms.enable_key_rotation(KeyId=key["KeyMetadata"]["KeyId"])


def _data(door: Door, name: str, region: str) -> None:
    rds = door.client("rds", region)
    for kind, public in (("orders", False), ("reports", True)):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{kind}",
            Engine="postgres",
            DBInstanceClass="db.t3.micro",
            AllocatedStorage=20,
            MasterUsername="owner",
            MasterUserPassword="sandbox-only",
            PubliclyAccessible=public,
            StorageEncrypted=not public,
            MultiAZ=not public,
            BackupRetentionPeriod=0 if public else 7,
            DeletionProtection=not public,
            Tags=_tags(f"{name}-{kind}"),
        )
