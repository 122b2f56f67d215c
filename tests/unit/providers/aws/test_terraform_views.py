"""Each AWS view over a document with everything that AWS can tell, made from botocore's model: it asks for nothing that no
call tells, and what it makes has the form that Terraform's provider says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beside import loaded

from providers.aws import terraform
from providers.aws.catalog import catalog
from providers.aws.terraform import _views
from providers.normalise import canonical
from providers.resource import Resource, ResourceRef
from providers.terraform import AbsentBlock

TYPES = sorted(_views())
UNDECLARED = {
    "aws.sns_topic": {
        f"Attributes.{name}"
        for name in (
            "ContentBasedDeduplication",
            "DeliveryPolicy",
            "DisplayName",
            "FifoTopic",
            "KmsMasterKeyId",
            "Owner",
            "Policy",
            "SignatureVersion",
            "TracingConfig",
        )
    },
}
"""What a service tells though its model does not say so: a topic's attributes are a map there, described in words."""


FILLED = loaded(Path(__file__).with_name("filled.py"))
FORMS = loaded(Path(__file__).parents[1] / "terraform_forms.py")


def resource(name: str, document: Any) -> Resource:
    ref = ResourceRef(provider="aws", account="1", region="eu-west-1", type=name, uid="arn:aws:x:::y")
    return Resource(ref=ref, name="x", document=document)


def whole(name: str) -> dict[str, Any]:
    declared = catalog()[name]
    known = {key: value for key, value in FILLED.item(declared).items() if key[:1] != "_"}
    return canonical(known, declared.rules)


@pytest.mark.parametrize("name", TYPES)
def test_a_view_asks_only_for_what_is_told(name: str) -> None:
    missed: list[str] = []
    made = terraform.view_of(resource(name, FORMS.Seen(whole(name), missed)))
    assert made is not None
    made.render(AbsentBlock.NULL)
    assert set(missed) - UNDECLARED.get(name, set()) == set()


@pytest.mark.parametrize("name", TYPES)
def test_what_a_view_makes_has_the_providers_form(name: str) -> None:
    documents = [whole(name), {}] if name != "aws.account" else [whole(name)]
    for document in documents:
        made = terraform.view_of(resource(name, document))
        assert made is not None
        assert made.unread == {}
        assert list(FORMS.strays(made.attributes, FORMS.schema_of(made.type))) == []


@pytest.mark.parametrize("name", TYPES)
def test_an_unread_detail_makes_unread_what_is_made_of_it_and_nothing_else(name: str) -> None:
    document = whole(name)
    complete = terraform.view_of(resource(name, document))
    assert complete is not None
    for detail in catalog()[name].details:
        rest = {key: value for key, value in document.items() if key != detail.into}
        partly = Resource(ref=resource(name, {}).ref, name="x", document=rest, unread={detail.into: "denied"})
        made = terraform.view_of(partly)
        assert made is not None
        assert made.attributes == {k: v for k, v in complete.attributes.items() if k in made.attributes}
        assert made.attributes.keys() | made.unread.keys() == complete.attributes.keys()
        assert set(made.unread.values()) <= {"denied"}


def test_an_account_without_a_password_policy_has_no_view_of_one() -> None:
    assert terraform.view_of(resource("aws.account", {"PasswordPolicy": None})) is None
    ref = resource("aws.account", {}).ref
    unread = terraform.view_of(Resource(ref=ref, name="x", document={}, unread={"PasswordPolicy": "denied"}))
    assert unread is not None
    assert set(unread.unread) == set(_views()["aws.account"].attributes)


@pytest.mark.parametrize(
    ("name", "document", "attribute", "value"),
    [
        ("aws.redshift_cluster", {"Encrypted": True}, "encrypted", "true"),
        ("aws.dynamodb_table", {"Table": {}}, "server_side_encryption", []),
        ("aws.dynamodb_table", {"Backups": {"PointInTimeRecovery": "ENABLED"}}, "point_in_time_recovery", [{"enabled": True}]),
        ("aws.eks_cluster", {"Cluster": {"logging": {"clusterLogging": [{"types": ["audit", "api"], "enabled": True}, {"types": ["scheduler"], "enabled": False}]}}}, "enabled_cluster_log_types", ["api", "audit"]),
        ("aws.lambda_function", {"VpcConfig": {"SubnetIds": []}}, "vpc_config", []),
        ("aws.sqs_queue", {"Attributes": {"VisibilityTimeout": "30"}}, "visibility_timeout_seconds", 30),
        ("aws.sns_topic", {"TopicArn": "arn:aws:sns:eu-west-1:1:alerts"}, "name", "alerts"),
        ("aws.guardduty_detector", {"Detector": {"Status": "ENABLED"}}, "enable", True),
        ("aws.guardduty_detector", {"Detector": {"Status": "DISABLED"}}, "enable", False),
        ("aws.launch_template", {"Versions": [{"DefaultVersion": False, "LaunchTemplateData": {"ImageId": "new"}}, {"DefaultVersion": True, "LaunchTemplateData": {"ImageId": "used"}}]}, "image_id", "used"),
        ("aws.db_snapshot", {"Attributes": [{"AttributeName": "restore", "AttributeValues": ["all"]}]}, "shared_accounts", ["all"]),
        ("aws.cloudfront_distribution", {"Config": {"Logging": {"Enabled": False}}}, "logging_config", []),
        ("aws.cloudwatch_log_group", {}, "retention_in_days", 0),
        ("aws.autoscaling_group", {"VPCZoneIdentifier": "subnet-1,subnet-2"}, "vpc_zone_identifier", ["subnet-1", "subnet-2"]),
        ("aws.ssm_document", {"SharedWith": ["all"]}, "permissions", {"type": "Share", "account_ids": "all"}),
        ("aws.route53_zone", {"Name": "example.com."}, "name", "example.com"),
        ("aws.wafv2_web_acl", {"WebACL": {"DefaultAction": {"Block": {}}}}, "default_action", [{"block": [{}]}]),
    ],
)  # fmt: skip
def test_what_needs_thought(name: str, document: dict[str, Any], attribute: str, value: object) -> None:
    made = terraform.view_of(resource(name, document))
    assert made is not None
    assert made.render(AbsentBlock.EMPTY)[attribute] == value


def test_the_rules_that_aws_adds_by_itself_are_in_no_configuration() -> None:
    entries = [
        {"RuleNumber": 100, "RuleAction": "allow", "Protocol": "6", "Egress": False, "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 22, "To": 22}},
        {"RuleNumber": 32767, "RuleAction": "deny", "Protocol": "-1", "Egress": False, "CidrBlock": "0.0.0.0/0"},
        {"RuleNumber": 32767, "RuleAction": "deny", "Protocol": "-1", "Egress": True, "CidrBlock": "0.0.0.0/0"},
    ]  # fmt: skip
    made = terraform.view_of(resource("aws.network_acl", {"Entries": entries}))
    assert made is not None
    (rule,) = made.attributes["ingress"]
    assert (rule["protocol"], rule["from_port"], rule["cidr_block"]) == ("tcp", 22, "0.0.0.0/0")
    assert made.attributes["egress"] == []
    routes = [
        {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
        {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"},
        {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
    ]
    made = terraform.view_of(resource("aws.route_table", {"Routes": routes}))
    assert made is not None
    out, endpoint = made.attributes["route"]
    assert (out["cidr_block"], out["gateway_id"], out["vpc_endpoint_id"]) == ("0.0.0.0/0", "igw-1", "")
    assert (endpoint["gateway_id"], endpoint["vpc_endpoint_id"]) == ("", "vpce-1")


@pytest.mark.parametrize(
    "found",
    [
        [{"Key": "a", "Value": "b"}],
        [{"key": "a", "value": "b"}],
        [{"TagKey": "a", "TagValue": "b"}],
        {"a": "b"},
    ],
)
def test_tags_however_a_service_lists_them(found: Any) -> None:
    made = terraform.view_of(resource("aws.ecs_cluster", {"Cluster": {"tags": found}}))
    assert made is not None
    assert made.attributes["tags"] == {"a": "b"}
