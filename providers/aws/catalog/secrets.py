"""Certificates, secrets, and what Systems Manager holds."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, ResourceType, none, pick

_NOT_FOUND = none("ResourceNotFoundException")
_CERTIFICATE = {"CertificateArn": "CertificateArn"}

ACM_CERTIFICATE = ResourceType(
    type="aws.acm_certificate",
    title="Certificate",
    service="acm",
    id="CertificateArn",
    name="DomainName",
    arn="arn:{_partition}:acm:{_region}:{_account}:certificate/{_id}",
    # Without key types, only certificates with RSA 1024 and 2048 are listed.
    list=Call(
        "ListCertificates",
        "CertificateSummaryList[]." + pick("CertificateArn", "DomainName"),
        {
            "Includes": '`{"keyTypes": ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1",'
            ' "EC_secp521r1"]}`'
        },
    ),
    get=Call(
        "DescribeCertificate",
        "Certificate." + pick("CertificateArn", "DomainName"),
        {"CertificateArn": "_arn"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call("DescribeCertificate", "Certificate", _CERTIFICATE, into="Certificate"),
        Call("ListTagsForCertificate", "Tags", _CERTIFICATE, into="Tags"),
    ),
)

ACM_PCA = ResourceType(
    type="aws.acmpca_certificate_authority",
    title="Private certificate authority",
    service="acm-pca",
    id="Arn",
    arn="arn:{_partition}:acm-pca:{_region}:{_account}:certificate-authority/{_id}",
    name="_id",
    list=Call("ListCertificateAuthorities", "CertificateAuthorities[]"),
    get=Call(
        "DescribeCertificateAuthority",
        "CertificateAuthority",
        {"CertificateAuthorityArn": "_arn"},
        absent=_NOT_FOUND,
    ),
    details=(
        Call("GetPolicy", "Policy", {"ResourceArn": "Arn"}, into="Policy", json=True, absent=_NOT_FOUND),
        Call("ListTags", "Tags", {"CertificateAuthorityArn": "Arn"}, into="Tags"),
    ),
)

_SECRET = pick(
    "ARN",
    "Name",
    "Description",
    "KmsKeyId",
    "RotationEnabled",
    "RotationLambdaARN",
    "RotationRules",
    "LastRotatedDate",
    "LastChangedDate",
    "DeletedDate",
    "Tags",
    "OwningService",
    "PrimaryRegion",
)
SECRET = ResourceType(
    type="aws.secretsmanager_secret",
    title="Secret",
    service="secretsmanager",
    id="ARN",
    arn="arn:{_partition}:secretsmanager:{_region}:{_account}:secret:{_name:s}",
    list=Call("ListSecrets", "SecretList[]." + _SECRET, {"MaxResults": "`100`"}),
    get=Call("DescribeSecret", _SECRET, {"SecretId": "_arn"}, absent=_NOT_FOUND),
    details=(Call("GetResourcePolicy", "ResourcePolicy", {"SecretId": "ARN"}, into="Policy", json=True),),
)

_DOCUMENT = pick(
    "Name", "Owner", "DocumentVersion", "DocumentType", "DocumentFormat", "SchemaVersion", "TargetType"
)
SSM_DOCUMENT = ResourceType(
    type="aws.ssm_document",
    title="Systems Manager document",
    service="ssm",
    tags="",
    arn="arn:{_partition}:ssm:{_region}:{_account}:document/{Name}",
    list=Call(
        "ListDocuments",
        "DocumentIdentifiers[]." + _DOCUMENT,
        {"Filters": '`[{"Key": "Owner", "Values": ["Self"]}]`'},
    ),
    get=Call("DescribeDocument", "Document." + _DOCUMENT, {"Name": "Name"}, absent=none("InvalidDocument")),
    details=(
        Call(
            "DescribeDocumentPermission",
            "AccountIds",
            {"Name": "Name", "PermissionType": "'Share'"},
            into="SharedWith",
            token=("NextToken", "NextToken"),
        ),
    ),
)

SSM_PARAMETER = ResourceType(
    type="aws.ssm_parameter",
    title="Systems Manager parameter",
    service="ssm",
    id="ARN",
    tags="",
    arn="arn:{_partition}:ssm:{_region}:{_account}:parameter/{_name:s}",
    list=Call("DescribeParameters", "Parameters[]", {"MaxResults": "`50`"}),
    get=Call("DescribeParameters", "Parameters[]", {"MaxResults": "`50`"}),
    empty_is_gone=True,
)

SSM_MANAGED_INSTANCE = ResourceType(
    type="aws.ssm_managed_instance",
    title="Machine managed by Systems Manager",
    service="ssm",
    name="InstanceId",
    arn="arn:{_partition}:ssm:{_region}:{_account}:managed-instance/{InstanceId}",
    tags="",
    list=Call("DescribeInstanceInformation", "InstanceInformationList[]", {"MaxResults": "`50`"}),
    get=Call(
        "DescribeInstanceInformation",
        "InstanceInformationList[]",
        {"Filters": "[{Key: 'InstanceIds', Values: [InstanceId]}]"},
    ),
    empty_is_gone=True,
    volatile=frozenset(
        {
            "LastPingDateTime",
            "LastAssociationExecutionDate",
            "LastSuccessfulAssociationExecutionDate",
            "AssociationOverview",
        }
    ),
)

SSM_SETTINGS = ResourceType(
    type="aws.ssm_settings",
    title="Systems Manager's settings in a region",
    service="ssm",
    name="_region",
    tags="",
    arn="arn:{_partition}:ssm:{_region}:{_account}:settings",
    details=(
        Call(
            "GetServiceSetting",
            "ServiceSetting.SettingValue",
            {"SettingId": "'/ssm/documents/console/public-sharing-permission'"},
            into="PublicSharing",
        ),
        Call(
            "GetServiceSetting",
            "ServiceSetting.SettingValue",
            {"SettingId": "'/ssm/automation/customer-script-log-destination'"},
            into="AutomationLogs",
        ),
    ),
)

TYPES = (ACM_CERTIFICATE, ACM_PCA, SECRET, SSM_DOCUMENT, SSM_PARAMETER, SSM_MANAGED_INSTANCE, SSM_SETTINGS)
