"""Every type that is mapped from AWS Config: the describe call's answer in Config's spelling comes back as the call's."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from providers.aws.catalog import catalog
from providers.aws.config_forms import MAPPED
from providers.aws.config_model import members_of
from providers.aws.export import NOT_HELD, OTHER_FORM, Passed, resource_of
from providers.normalise import canonical

PUT_TOGETHER = {"aws.s3_bucket", "aws.kms_key", "aws.security_group"}
"""Mapped by hand; tested one by one."""


def _filled() -> ModuleType:
    spec = importlib.util.spec_from_file_location("aws_filled", Path(__file__).with_name("filled.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILLED = _filled()


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


@pytest.mark.parametrize(("config", "ours"), MAPPED)
def test_a_whole_item_is_what_the_call_answers(config: str, ours: str) -> None:
    declared = catalog()[ours]
    if ours in PUT_TOGETHER:
        return
    whole = FILLED.item(declared)
    listed = {name: whole[name] for name in members_of(declared) if name in whole}
    item = {
        "resourceType": config,
        "resourceId": "x",
        "awsAccountId": FILLED.CONTEXT["_account"],
        "awsRegion": FILLED.CONTEXT["_region"],
        "configuration": spelled(listed),
        "tags": {"team": "web"},
    }
    passed = Passed()
    found = resource_of(item, "file:1", passed)
    assert found is not None
    assert not passed.types
    assert OTHER_FORM not in found.unread.values()
    expected = told(canonical(listed, declared.rules))
    tags = {declared.tags} if declared.tags else set()
    for name in expected.keys() - tags:
        assert told(found.document[name]) == expected[name], name
    assert set(found.unread) <= {call.into for call in declared.details}
    assert set(found.unread.values()) <= {NOT_HELD}
    assert found.tags == (
        {"team": "web"} if declared.tags in {*listed, *(c.into for c in declared.details)} else {}
    )


def test_there_are_the_types_that_are_told_flat() -> None:
    assert len(MAPPED) >= 39
    assert len({ours for _, ours in MAPPED}) == len(MAPPED)
    assert {"aws.lambda_function", "aws.network_interface", "aws.rds_cluster"} <= {ours for _, ours in MAPPED}


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
