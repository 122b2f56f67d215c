"""S3, EBS volumes and snapshots."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, Placement, ResourceType, none

_BUCKET = {"Bucket": "Name"}

S3_BUCKET = ResourceType(
    type="aws.s3_bucket",
    title="S3 bucket",
    service="s3",
    arn="arn:{_partition}:s3:::{Name}",
    placement=Placement.ANYWHERE,
    # Only an answer to a paged request tells the buckets' regions.
    list=Call("ListBuckets", "Buckets[]", {"MaxBuckets": "`1000`"}),
    # HeadBucket would do in one round trip less to us-east-1, but its 404 has no body: any proxy's looks the same.
    get=Call(
        "GetBucketLocation",
        "{BucketRegion: (LocationConstraint == 'EU' && 'eu-west-1') || LocationConstraint || 'us-east-1'}",
        _BUCKET,
        absent=none("NoSuchBucket"),
    ),
    region="BucketRegion",
    details=(
        Call("GetBucketLogging", "LoggingEnabled", _BUCKET, into="Logging"),
        Call(
            "GetBucketEncryption",
            "ServerSideEncryptionConfiguration",
            _BUCKET,
            into="Encryption",
            absent=none("ServerSideEncryptionConfigurationNotFoundError"),
        ),
        Call(
            "GetBucketPolicy", "Policy", _BUCKET, into="Policy", absent=none("NoSuchBucketPolicy"), json=True
        ),
        Call("GetBucketPolicyStatus", "PolicyStatus", _BUCKET, into="PolicyStatus", when="Policy"),
        Call("GetBucketAcl", "{Owner: Owner.ID, Grants: Grants}", _BUCKET, into="Acl"),
        Call(
            "GetPublicAccessBlock",
            "PublicAccessBlockConfiguration",
            _BUCKET,
            into="PublicAccessBlock",
            absent=none("NoSuchPublicAccessBlockConfiguration"),
        ),
        Call("GetBucketVersioning", "{Status: Status, MFADelete: MFADelete}", _BUCKET, into="Versioning"),
        Call(
            "GetBucketTagging",
            "TagSet",
            _BUCKET,
            into="Tags",
            absent=none("NoSuchTagSet", "NoSuchTagSetError"),
        ),
        Call(
            "GetBucketOwnershipControls",
            "OwnershipControls",
            _BUCKET,
            into="OwnershipControls",
            absent=none("OwnershipControlsNotFoundError"),
        ),
        Call(
            "GetBucketLifecycleConfiguration",
            "Rules",
            _BUCKET,
            into="Lifecycle",
            absent=none("NoSuchLifecycleConfiguration"),
        ),
        Call(
            "GetBucketWebsite",
            "{IndexDocument: IndexDocument, ErrorDocument: ErrorDocument, RedirectAllRequestsTo: RedirectAllRequestsTo}",
            _BUCKET,
            into="Website",
            absent=none("NoSuchWebsiteConfiguration"),
        ),
    ),
    # S3 reports a new creation date after a change made in another region, and GetBucketLocation reports none.
    volatile=frozenset({"CreationDate", "BucketArn"}),
)

EBS_VOLUME = ResourceType(
    type="aws.ebs_volume",
    title="EBS volume",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}:{_account}:volume/{VolumeId}",
    list=Call("DescribeVolumes", "Volumes[]", {"MaxResults": "`500`"}),
    get=Call(
        "DescribeVolumes", "Volumes[]", {"VolumeIds": "[VolumeId]"}, absent=none("InvalidVolume.NotFound")
    ),
    name="VolumeId",
)

EBS_SNAPSHOT = ResourceType(
    type="aws.ebs_snapshot",
    title="EBS snapshot",
    service="ec2",
    arn="arn:{_partition}:ec2:{_region}::snapshot/{SnapshotId}",
    list=Call("DescribeSnapshots", "Snapshots[]", {"OwnerIds": '`["self"]`', "MaxResults": "`1000`"}),
    get=Call(
        "DescribeSnapshots",
        "Snapshots[]",
        {"SnapshotIds": "[SnapshotId]"},
        absent=none("InvalidSnapshot.NotFound"),
    ),
    details=(
        Call(
            "DescribeSnapshotAttribute",
            "CreateVolumePermissions",
            {"SnapshotId": "SnapshotId", "Attribute": "'createVolumePermission'"},
            into="CreateVolumePermissions",
        ),
    ),
    name="SnapshotId",
    volatile=frozenset({"Progress"}),
)

TYPES = (S3_BUCKET, EBS_VOLUME, EBS_SNAPSHOT)
