"""Every type that is mapped from AWS Config: the describe call's answer in Config's spelling comes back as the call's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from beside import loaded

from providers.aws.catalog import ResourceType, catalog
from providers.aws.config_forms import FORMS
from providers.aws.config_gaps import NOT_RECORDED, PARTS
from providers.aws.config_model import expected, field_shape, members_of, tagged
from providers.aws.export import NOT_HELD, OTHER_FORM, Passed, resource_of
from providers.normalise import canonical

PUT_TOGETHER = {"aws.s3_bucket", "aws.kms_key", "aws.security_group"}
"""Mapped by hand; tested one by one."""


FILLED = loaded(Path(__file__).with_name("filled.py"))


def spelled(value: Any) -> Any:
    """As Config writes it: names begin in lower case."""
    if isinstance(value, Mapping):
        return {
            # Policies are JSON within the item, IAM's percent-encoded.
            key[:1].lower() + key[1:]: ("{}" if "VpcId" in value else "%7B%7D")
            if key.endswith("PolicyDocument")
            else spelled(inner)
            for key, inner in value.items()
        }
    return [spelled(inner) for inner in value] if isinstance(value, list) else value


def told(value: Any) -> Any:
    """Without what is null: that says nothing."""
    if isinstance(value, Mapping):
        return {
            key: {} if key.endswith("PolicyDocument") else told(inner)
            for key, inner in value.items()
            if inner is not None
        }
    return [told(inner) for inner in value] if isinstance(value, list) else value


def item(config: str, configuration: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": config,
        "resourceId": "x",
        "awsAccountId": FILLED.CONTEXT["_account"],
        "awsRegion": FILLED.CONTEXT["_region"],
        "configuration": configuration,
        "tags": {"team": "web"},
        **more,
    }


def has_tags(declared: ResourceType) -> bool:
    return declared.tags in expected(declared)


@pytest.mark.parametrize(
    ("config", "ours"), [(config, form.type) for config, form in FORMS.items() if form.fields is None]
)
def test_a_whole_item_is_what_the_call_answers(config: str, ours: str) -> None:
    declared = catalog()[ours]
    if ours in PUT_TOGETHER:
        return
    whole = FILLED.item(declared) | dict.fromkeys(declared.json, "{}")
    listed = {name: whole[name] for name in members_of(declared) if name in whole}
    passed = Passed()
    found = resource_of(item(config, spelled(listed), ARN=FILLED.filled(declared)), "file:1", passed)
    assert found is not None
    assert not passed.types
    assert OTHER_FORM not in found.unread.values()
    wanted = told(canonical({**listed, **{name: {} for name in declared.json}}, declared.rules))
    for name in wanted.keys() - {declared.tags}:
        assert told(found.document[name]) == wanted[name], name
    assert set(found.unread) <= {call.into for call in declared.details}
    assert set(found.unread.values()) <= {NOT_HELD}
    assert found.tags == ({"team": "web"} if has_tags(declared) else {})


def titled(value: Any) -> Any:
    """As CloudFormation's schema has it: names begin in upper case, whole numbers may be numbers or text."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: titled(inner) for key, inner in value.items()}
    return [titled(inner) for inner in value] if isinstance(value, list) else value


def placed(path: str, value: Any) -> Any:
    """A configuration in which ``value`` is at ``path``: members, alternatives, and members under other names."""
    first, _, rest = path.partition(".")
    if rest.startswith("{"):
        names = dict(pair.split(": ") for pair in rest.strip("{}").split(", "))
        return {first: {theirs: value[ours] for ours, theirs in names.items()}}
    return {first.split(" || ")[0]: placed(rest, value) if rest else titled(value)}


@pytest.mark.parametrize(
    ("config", "ours"), [(config, form.type) for config, form in FORMS.items() if form.fields is not None]
)
def test_what_an_item_in_cloudformations_schema_tells_is_what_the_calls_answer(
    config: str, ours: str
) -> None:
    declared, fields = catalog()[ours], FORMS[config].fields
    assert fields is not None
    assert set(fields) <= expected(declared)
    policies = declared.json | {call.into for call in declared.details if call.json}
    wanted = {name: {} if name in policies else FILLED.item(declared)[name] for name in fields}
    if declared.id in wanted:
        wanted[declared.id] = FILLED.filled(declared)
    configuration: dict[str, Any] = {}
    for name, path in fields.items():
        first, inner = next(iter(placed(path, wanted[name]).items()))
        if isinstance(inner, Mapping):
            inner = {**configuration.get(first, {}), **inner}
        configuration[first] = inner
    found = resource_of(item(config, configuration, ARN=FILLED.filled(declared)), "file:1", Passed())
    assert found is not None
    document = canonical(wanted, declared.rules)
    assert {name: found.document[name] for name in document} == document
    named = {name for name in declared.arn_fields if name[:1] != "_"}
    rest = expected(declared) - {*fields, *named, declared.id, declared.tags} - declared.volatile
    assert found.unread == dict.fromkeys(rest, NOT_HELD), (
        "what Config does not hold is unknown, never absent or false"
    )
    assert found.tags == ({"team": "web"} if has_tags(declared) else {})


@pytest.mark.parametrize("config", [config for config, form in FORMS.items() if form.fields is not None])
def test_what_cloudformations_schema_leaves_out_is_unread(config: str) -> None:
    """It has no null: nobody can tell what is not set from what was not recorded."""
    declared = catalog()[FORMS[config].type]
    configuration = {"Unheard": "of", "Arn": FILLED.filled(declared)}
    if declared.type == "aws.cloudwatch_event_rule":
        configuration["Name"] = "rule"
    found = resource_of(item(config, configuration, ARN=FILLED.filled(declared)), "file:1", Passed())
    assert found is not None
    fields = FORMS[config].fields
    assert fields is not None
    told_by_arn = {*declared.arn_fields, declared.id, declared.tags, "EventBusName", "Name"}
    assert set(fields) - told_by_arn - {"arn", "Arn"} <= set(found.unread)


def test_every_declared_type_is_mapped_or_it_is_said_why_not() -> None:
    recorded = set(FILLED.model_of("config").shape_for("ResourceType").enum)
    mapped = {form.type for form in FORMS.values()}
    assert set(FORMS) <= recorded
    assert set(PARTS.values()) <= recorded
    assert len(mapped) == len(FORMS)
    assert mapped.isdisjoint(PARTS)
    assert mapped.isdisjoint(NOT_RECORDED)
    assert NOT_RECORDED.isdisjoint(PARTS)
    assert mapped | set(PARTS) | NOT_RECORDED == set(catalog())


def test_tags_are_in_the_form_of_each_service() -> None:
    tags = {"team": "web"}
    assert tagged(tags, field_shape(catalog()["aws.kms_key"], "Tags")) == [
        {"TagKey": "team", "TagValue": "web"}
    ]
    assert tagged(tags, field_shape(catalog()["aws.lb"], "Tags")) == [{"Key": "team", "Value": "web"}]
    assert tagged(tags, field_shape(catalog()["aws.appsync_graphql_api"], "tags")) == tags


def test_a_server_certificates_private_key_is_not_taken() -> None:
    declared = catalog()["aws.iam_server_certificate"]
    configuration = {"Arn": FILLED.filled(declared), "PrivateKey": "a-secret"}
    found = resource_of(item("AWS::IAM::ServerCertificate", configuration), "file:1", Passed())
    assert found is not None
    assert "a-secret" not in str(found)


def test_the_continuous_backups_of_a_table_are_told_beside_it() -> None:
    backups = {
        "continuousBackupsStatus": "ENABLED",
        "pointInTimeRecoveryDescription": {"pointInTimeRecoveryStatus": "DISABLED"},
    }
    told_of = item(
        "AWS::DynamoDB::Table",
        {"tableName": "orders"},
        supplementaryConfiguration={"ContinuousBackupsDescription": backups},
    )
    found = resource_of(told_of, "file:1", Passed())
    assert found is not None
    assert found.document["Backups"] == {"Status": "ENABLED", "PointInTimeRecovery": "DISABLED"}
    assert {"Table", "Policy"} == set(found.unread)


def test_a_secret_that_config_records_is_not_kept() -> None:
    item = {
        "resourceType": "AWS::EC2::VPNConnection",
        "awsAccountId": "1",
        "awsRegion": "eu-west-1",
        "configuration": {
            "vpnConnectionId": "vpn-1",
            "customerGatewayConfiguration": "<pre_shared_key>do-not-keep</pre_shared_key>",
            "options": {
                "tunnelOptions": [{"preSharedKey": "do-not-keep", "outsideIpAddress": "203.0.113.1"}]
            },
        },
    }
    found = resource_of(item, "file:1", Passed())
    assert found is not None
    assert "do-not-keep" not in str(found.document)
    assert found.document["Options"]["TunnelOptions"] == [{"OutsideIpAddress": "203.0.113.1"}]
