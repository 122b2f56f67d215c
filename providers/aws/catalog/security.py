"""The services that watch: Config, GuardDuty, Security Hub, Access Analyzer, Macie, Inspector, Shield, firewalls."""

from __future__ import annotations

from providers.aws.catalog.declare import Call, Placement, ResourceType, none, pick

CONFIG_RECORDER = ResourceType(
    type="aws.config_configuration_recorder",
    title="Config recorder",
    service="config",
    name="name",
    tags="",
    arn="arn:{_partition}:config:{_region}:{_account}:configuration-recorder/{name}",
    list=Call("DescribeConfigurationRecorders", "ConfigurationRecorders[]"),
    get=Call(
        "DescribeConfigurationRecorders",
        "ConfigurationRecorders[]",
        {"ConfigurationRecorderNames": "[name]"},
        absent=none("NoSuchConfigurationRecorderException"),
    ),
    details=(
        Call(
            "DescribeConfigurationRecorderStatus",
            "ConfigurationRecordersStatus[0]."
            + pick("recording", "lastStatus", "lastErrorCode", "lastErrorMessage"),
            {"ConfigurationRecorderNames": "[name]"},
            into="Status",
        ),
    ),
)

CONFIG_DELIVERY_CHANNEL = ResourceType(
    type="aws.config_delivery_channel",
    title="Config delivery channel",
    service="config",
    name="name",
    tags="",
    arn="arn:{_partition}:config:{_region}:{_account}:delivery-channel/{name}",
    list=Call("DescribeDeliveryChannels", "DeliveryChannels[]"),
    get=Call(
        "DescribeDeliveryChannels",
        "DeliveryChannels[]",
        {"DeliveryChannelNames": "[name]"},
        absent=none("NoSuchDeliveryChannelException"),
    ),
    details=(
        Call(
            "DescribeDeliveryChannelStatus",
            "DeliveryChannelsStatus[0].{Snapshot: configSnapshotDeliveryInfo.lastStatus,"
            " History: configHistoryDeliveryInfo.lastStatus, Stream: configStreamDeliveryInfo.lastStatus}",
            {"DeliveryChannelNames": "[name]"},
            into="Status",
        ),
    ),
)

CONFIG_RULE = ResourceType(
    type="aws.config_config_rule",
    title="Config rule",
    service="config",
    id="ConfigRuleArn",
    name="ConfigRuleName",
    arn="arn:{_partition}:config:{_region}:{_account}:config-rule/{_id}",
    tags="",
    json=frozenset({"InputParameters"}),
    list=Call("DescribeConfigRules", "ConfigRules[]"),
    get=Call("DescribeConfigRules", "ConfigRules[]"),
    empty_is_gone=True,
)

CONFIG_AGGREGATOR = ResourceType(
    type="aws.config_configuration_aggregator",
    title="Config aggregator",
    service="config",
    tags="",
    id="ConfigurationAggregatorArn",
    name="ConfigurationAggregatorName",
    arn="arn:{_partition}:config:{_region}:{_account}:config-aggregator/{_id}",
    list=Call("DescribeConfigurationAggregators", "ConfigurationAggregators[]"),
    get=Call("DescribeConfigurationAggregators", "ConfigurationAggregators[]"),
    empty_is_gone=True,
)

GUARDDUTY_DETECTOR = ResourceType(
    type="aws.guardduty_detector",
    title="GuardDuty detector",
    service="guardduty",
    item="DetectorId",
    arn="arn:{_partition}:guardduty:{_region}:{_account}:detector/{DetectorId}",
    name="DetectorId",
    tags="Detector.Tags",
    list=Call("ListDetectors", "DetectorIds[]"),
    get=Call("ListDetectors", "DetectorIds[]"),
    empty_is_gone=True,
    details=(
        Call(
            "GetDetector",
            pick("Status", "FindingPublishingFrequency", "ServiceRole", "DataSources", "Features", "Tags"),
            {"DetectorId": "DetectorId"},
            into="Detector",
        ),
        Call(
            "GetAdministratorAccount",
            "Administrator." + pick("AccountId", "RelationshipStatus"),
            {"DetectorId": "DetectorId"},
            into="Administrator",
        ),
    ),
    volatile=frozenset({"Detector.Features.*.UpdatedAt"}),
)

_HUB = "{HubArn: HubArn, SubscribedAt: SubscribedAt, AutoEnableControls: AutoEnableControls}"
_NO_HUB = none("InvalidAccessException: not subscribed", "ResourceNotFoundException")
SECURITYHUB = ResourceType(
    type="aws.securityhub_account",
    title="Security Hub",
    service="securityhub",
    id="HubArn",
    name="HubArn",
    arn="arn:{_partition}:securityhub:{_region}:{_account}:hub/{_name}",
    list=Call("DescribeHub", f"[{_HUB}]", not_enabled=_NO_HUB),
    get=Call("DescribeHub", _HUB, absent=_NO_HUB),
    details=(
        Call(
            "GetEnabledStandards",
            "StandardsSubscriptions[]." + pick("StandardsSubscriptionArn", "StandardsArn", "StandardsStatus"),
            into="Standards",
        ),
        Call("ListTagsForResource", "Tags", {"ResourceArn": "HubArn"}, into="Tags"),
    ),
)

ACCESS_ANALYZER = ResourceType(
    type="aws.accessanalyzer_analyzer",
    title="Access Analyzer",
    service="accessanalyzer",
    id="arn",
    name="name",
    arn="arn:{_partition}:access-analyzer:{_region}:{_account}:analyzer/{name}",
    tags="tags",
    list=Call("ListAnalyzers", "analyzers[]"),
    get=Call("GetAnalyzer", "analyzer", {"analyzerName": "name"}, absent=none("ResourceNotFoundException")),
    volatile=frozenset({"lastResourceAnalyzed", "lastResourceAnalyzedAt"}),
)

_SESSION = pick("status", "findingPublishingFrequency", "serviceRole")
_NO_MACIE = none("AccessDeniedException: not enabled", "ResourceNotFoundException")
MACIE = ResourceType(
    type="aws.macie2_account",
    title="Macie",
    service="macie2",
    name="_region",
    tags="",
    arn="arn:{_partition}:macie2:{_region}:{_account}:session",
    list=Call("GetMacieSession", f"[{_SESSION}]", not_enabled=_NO_MACIE),
    get=Call("GetMacieSession", _SESSION, absent=_NO_MACIE),
    details=(
        Call("GetAutomatedDiscoveryConfiguration", "status", into="AutomatedDiscovery"),
        Call("GetClassificationExportConfiguration", "configuration", into="Export"),
    ),
)

INSPECTOR = ResourceType(
    type="aws.inspector2_enabler",
    title="Inspector",
    service="inspector2",
    name="_region",
    tags="",
    arn="arn:{_partition}:inspector2:{_region}:{_account}:status",
    details=(
        Call(
            "BatchGetAccountStatus",
            "accounts[0].{state: state.status, resources: resourceState}",
            {"accountIds": "[_account]"},
            into="Status",
        ),
    ),
)

DETECTIVE_GRAPH = ResourceType(
    type="aws.detective_graph",
    title="Detective graph",
    service="detective",
    id="Arn",
    name="_id",
    tags="",
    arn="arn:{_partition}:detective:{_region}:{_account}:graph:{_id}",
    list=Call("ListGraphs", "GraphList[]", token=("NextToken", "NextToken")),
    get=Call("ListGraphs", "GraphList[]", token=("NextToken", "NextToken")),
    empty_is_gone=True,
)

SHIELD_SUBSCRIPTION = ResourceType(
    type="aws.shield_subscription",
    title="Shield Advanced",
    service="shield",
    name="_account",
    tags="",
    arn="arn:{_partition}:shield::{_account}:subscription",
    placement=Placement.GLOBAL,
    details=(
        Call(
            "DescribeSubscription",
            "Subscription." + pick("AutoRenew", "ProactiveEngagementStatus", "StartTime"),
            into="Subscription",
            absent=none("ResourceNotFoundException"),
        ),
    ),
)

SHIELD_PROTECTION = ResourceType(
    type="aws.shield_protection",
    title="Shield protection",
    service="shield",
    id="ProtectionArn",
    tags="",
    arn="arn:{_partition}:shield::{_account}:protection/{Id}",
    placement=Placement.GLOBAL,
    list=Call("ListProtections", "Protections[]", not_enabled=none("ResourceNotFoundException")),
    get=Call(
        "DescribeProtection", "Protection", {"ProtectionId": "Id"}, absent=none("ResourceNotFoundException")
    ),
)


def _web_acl(name: str, title: str, scope: str, where: str, placement: Placement) -> ResourceType:
    summary = pick("Name", "Id", "ARN")
    scope_name = "'REGIONAL'" if scope == "REGIONAL" else "'CLOUDFRONT'"
    one = {"Name": "Name", "Scope": scope_name, "Id": "Id"}
    return ResourceType(
        type=f"aws.{name}",
        title=title,
        service="wafv2",
        id="ARN",
        tags="Tags",
        placement=placement,
        arn=f"arn:{{_partition}}:wafv2:{where}:{{_account}}:{scope.lower()}/webacl/{{Name}}/{{Id}}",
        list=Call(
            "ListWebACLs",
            "WebACLs[]." + summary,
            {"Scope": scope_name},
            token=("NextMarker", "NextMarker"),
        ),
        get=Call("GetWebACL", "WebACL." + summary, one, absent=none("WAFNonexistentItemException")),
        details=(
            Call("GetWebACL", "WebACL", one, into="WebACL"),
            Call(
                "GetLoggingConfiguration",
                "LoggingConfiguration",
                {"ResourceArn": "ARN"},
                into="Logging",
                absent=none("WAFNonexistentItemException"),
            ),
            Call(
                "ListTagsForResource",
                "TagInfoForResource.TagList",
                {"ResourceARN": "ARN"},
                into="Tags",
                token=("NextMarker", "NextMarker"),
            ),
        ),
    )


WEB_ACL = _web_acl("wafv2_web_acl", "Web ACL", "REGIONAL", "{_region}", Placement.REGIONAL)
WEB_ACL_GLOBAL = _web_acl(
    "wafv2_web_acl_global", "Web ACL for CloudFront", "GLOBAL", "us-east-1", Placement.GLOBAL
)

NETWORK_FIREWALL = ResourceType(
    type="aws.networkfirewall_firewall",
    title="Network firewall",
    service="network-firewall",
    id="FirewallArn",
    arn="arn:{_partition}:network-firewall:{_region}:{_account}:firewall/{FirewallName}",
    name="FirewallName",
    list=Call("ListFirewalls", "Firewalls[]." + pick("FirewallName", "FirewallArn")),
    get=Call(
        "DescribeFirewall",
        "Firewall." + pick("FirewallName", "FirewallArn"),
        {"FirewallArn": "_arn"},
        absent=none("ResourceNotFoundException"),
    ),
    details=(
        Call("DescribeFirewall", "Firewall", {"FirewallArn": "FirewallArn"}, into="Firewall"),
        Call(
            "DescribeLoggingConfiguration",
            "LoggingConfiguration",
            {"FirewallArn": "FirewallArn"},
            into="Logging",
        ),
    ),
    tags="Firewall.Tags",
)

NETWORK_FIREWALL_POLICY = ResourceType(
    type="aws.networkfirewall_firewall_policy",
    title="Network firewall policy",
    service="network-firewall",
    id="Arn",
    arn="arn:{_partition}:network-firewall:{_region}:{_account}:firewall-policy/{Name}",
    list=Call("ListFirewallPolicies", "FirewallPolicies[]"),
    get=Call(
        "DescribeFirewallPolicy",
        "FirewallPolicyResponse.{Name: FirewallPolicyName, Arn: FirewallPolicyArn}",
        {"FirewallPolicyArn": "_arn"},
        absent=none("ResourceNotFoundException"),
    ),
    details=(
        Call(
            "DescribeFirewallPolicy",
            "{Policy: FirewallPolicy, Tags: FirewallPolicyResponse.Tags}",
            {"FirewallPolicyArn": "Arn"},
            into="Details",
        ),
    ),
    tags="Details.Tags",
)

TYPES = (
    CONFIG_RECORDER,
    CONFIG_DELIVERY_CHANNEL,
    CONFIG_RULE,
    CONFIG_AGGREGATOR,
    GUARDDUTY_DETECTOR,
    SECURITYHUB,
    ACCESS_ANALYZER,
    MACIE,
    INSPECTOR,
    DETECTIVE_GRAPH,
    SHIELD_SUBSCRIPTION,
    SHIELD_PROTECTION,
    WEB_ACL,
    WEB_ACL_GLOBAL,
    NETWORK_FIREWALL,
    NETWORK_FIREWALL_POLICY,
)
