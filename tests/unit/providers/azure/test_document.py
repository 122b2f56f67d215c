"""Canonical documents: what only looks different is the same, what is different stays so."""

from __future__ import annotations

import random
from typing import Any

import pytest

from providers.azure.document import resource_of
from providers.normalise import encode

ID = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/Acc"


def arm(**overrides: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "name": "Acc",
        "type": "Microsoft.Storage/storageAccounts",
        "location": "West Europe",
        "kind": "StorageV2",
        "etag": 'W/"1"',
        "systemData": {"lastModifiedAt": "2025-01-01T00:00:00Z"},
        "tags": {"etag": "mine", "Owner": "a"},
        "properties": {
            "provisioningState": "Updating",
            "creationTime": "2025-02-03T08:15:01.5958150Z",
            "statusOfPrimary": "available",
            "networkAcls": {
                "ipRules": [{"value": "1.2.3.4", "action": "Allow"}, {"value": "1.2.3.3", "action": "Allow"}]
            },
        },
        **overrides,
    }


def row(**overrides: Any) -> dict[str, Any]:
    document = arm()
    return {
        **document,
        "id": ID.replace("resourceGroups/RG", "resourcegroups/rg"),
        "type": document["type"].lower(),
        "location": "westeurope",
        "resourceGroup": "rg",
        "subscriptionId": "S",
        "tenantId": "T",
        "managedBy": "",
        "plan": None,
        "sku": None,
        "zones": None,
        "apiVersion": "2023-05-01",
        "properties": {
            **document["properties"],
            "provisioningState": "Succeeded",
            "creationTime": "2025-02-03T08:15:01.5950000Z",
            "networkAcls": {"ipRules": list(reversed(document["properties"]["networkAcls"]["ipRules"]))},
        },
        **overrides,
    }


def test_resource_graph_and_resource_manager_tell_the_same_document() -> None:
    assert resource_of(row()) == resource_of(arm())


def test_the_identity_is_lower_case_and_values_keep_their_casing() -> None:
    resource = resource_of(arm())
    assert resource.uid == ID.lower()
    assert resource.ref.type == "microsoft.storage/storageaccounts"
    assert resource.ref.region == resource.document["location"] == "westeurope"
    assert (resource.name, resource.document["kind"]) == ("Acc", "StorageV2")
    assert resource.tags == {"etag": "mine", "Owner": "a"}


@pytest.mark.parametrize("name", ["etag", "provisioningState", "lastModifiedTimeUtc", "quotaNextResetTime"])
def test_what_changes_by_itself_is_left_out_at_any_depth_but_not_from_tags(name: str) -> None:
    before, after = (
        resource_of(arm(properties={"a": [{"b": {name: v, "c": 1}}]}, tags={name: "x"})) for v in "12"
    )
    assert before == after
    assert before.document["properties"] == {"a": [{"b": {"c": 1}}]}
    assert before.document["tags"] == {name: "x"}


def test_a_shuffled_answer_is_the_same_document() -> None:
    shuffle = random.Random(7)

    def mix(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            shuffle.shuffle(keys)
            return {k: mix(value[k]) for k in keys}
        if isinstance(value, list):
            items = [mix(v) for v in value]
            shuffle.shuffle(items)
            return items
        return value

    want = encode(resource_of(arm()).document)
    assert {encode(resource_of(mix(arm())).document) for _ in range(20)} == {want}


def test_the_order_of_resolvers_is_content() -> None:
    one, two = (
        resource_of(arm(properties={"dhcpOptions": {"dnsServers": servers}}))
        for servers in (["10.0.0.5", "10.0.0.4"], ["10.0.0.4", "10.0.0.5"])
    )
    assert one != two


def test_a_changed_value_is_a_change() -> None:
    changed = arm()
    changed["properties"]["allowBlobPublicAccess"] = True
    assert resource_of(changed) != resource_of(arm())


def test_a_null_inside_properties_stays_as_the_cloud_said_it() -> None:
    assert resource_of(arm(properties={"a": None})).document["properties"] == {"a": None}


def test_a_subscription_is_told_alike_by_both() -> None:
    listed = {
        "id": "/subscriptions/S",
        "name": "prod",
        "type": "microsoft.resources/subscriptions",
        "tenantId": "T",
        "subscriptionId": "S",
        "properties": {
            "state": "Enabled",
            "managementGroupAncestorsChain": [],
            "subscriptionPolicies": {"quotaId": "q"},
        },
        "location": "",
    }
    got = {
        "id": "/subscriptions/S",
        "displayName": "prod",
        "tenantId": "T",
        "state": "Enabled",
        "subscriptionPolicies": {"quotaId": "q"},
        "authorizationSource": "RoleBased",
        "type": "microsoft.resources/subscriptions",
        "name": "prod",
        "subscriptionId": "S",
    }
    assert resource_of(listed) == resource_of(got)


@pytest.mark.parametrize("broken", [{}, {"id": None}, {"id": 5}, {"id": "x"}])
def test_what_is_no_resource_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="id"):
        resource_of(broken)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "/subscriptions/s/providers/Microsoft.Security/pricings/VirtualMachines",
            {"pricingTier": "Free", "freeTrialRemainingTime": "P29DT23H"},
            {"pricingTier": "Free", "freeTrialRemainingTime": "P29DT22H"},
        ),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/blobServices/default",
            {"restorePolicy": {"enabled": True, "days": 6, "minRestoreTime": "2025-06-01T00:00:00Z"}},
            {"restorePolicy": {"enabled": True, "days": 6, "minRestoreTime": "2025-06-01T01:00:00Z"}},
        ),
    ],
)
def test_what_moves_with_the_clock_is_no_drift(
    path: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    first, second = (resource_of({"id": path, "name": "n", "properties": p}) for p in (before, after))
    assert first == second
    assert first.document["properties"]
