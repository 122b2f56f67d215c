"""Azure's messages: understood, of no interest, or broken; never a guess."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.azure.events import parse_event, refs_of
from providers.azure.names import parse
from providers.provider import IGNORED, EventKind, Severity

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[4].parent / "shared"))
ACCOUNT = "/subscriptions/S1/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/Acc"
NSG = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg"


def grid(kind: str = "Microsoft.Resources.ResourceWriteSuccess", **data: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "eventType": kind,
        "subject": ACCOUNT,
        "eventTime": "2025-06-01T10:20:30.1234567Z",
        "data": {
            "resourceUri": ACCOUNT,
            "operationName": "Microsoft.Storage/storageAccounts/write",
            "status": "Succeeded",
            "correlationId": "c1",
            "claims": {"name": "Ann", "appid": "app"},
            "httpRequest": {"clientIpAddress": "192.0.2.7"},
            **data,
        },
    }


def test_a_write_asks_for_an_early_reread() -> None:
    event = parse_event(grid())
    assert event is not None
    assert (event.id, event.kind, event.account, event.actor) == ("e1", EventKind.CHANGE, "s1", "Ann")
    assert event.occurred_at == datetime(2025, 6, 1, 10, 20, 30, 123456, tzinfo=UTC)
    assert [ref.uid for ref in event.refs] == [ACCOUNT.lower()]
    assert event.detail["source_ip"] == "192.0.2.7"
    assert event.detail["operation"] == "Microsoft.Storage/storageAccounts/write"


def test_a_cloud_event_is_the_same_event() -> None:
    body = grid()
    cloud = {
        "specversion": "1.0",
        "id": body["id"],
        "type": body["eventType"],
        "source": "/subscriptions/S1",
        "subject": body["subject"],
        "time": body["eventTime"],
        "data": body["data"],
    }
    one, two = parse_event(body), parse_event(cloud)
    assert one is not None
    assert two is not None
    assert (one.id, one.refs, one.occurred_at, one.type) == (two.id, two.refs, two.occurred_at, two.type)


@pytest.mark.parametrize(
    "kind", ["Microsoft.Resources.ResourceWriteFailure", "Microsoft.Resources.ResourceDeleteCancel"]
)
def test_what_changed_nothing_asks_for_nothing(kind: str) -> None:
    assert parse_event(grid(kind)) is IGNORED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"eventType": "Microsoft.Storage.BlobCreated", "subject": "/blob"},
        {"detail-type": "GuardDuty Finding", "source": "aws.guardduty"},
        {"specversion": "1.0", "type": "google.cloud.audit.log.v1.written"},
    ],
)
def test_others_messages_are_not_ours(body: Mapping[str, Any]) -> None:
    assert parse_event(body) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"data": None},
        {"id": ""},
        {"eventTime": "yesterday"},
        {"eventTime": None},
        {"data": {"resourceUri": "not an id"}},
    ],
)
def test_a_known_form_that_is_broken_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Azure"):
        parse_event({**grid(), **broken})


@pytest.mark.parametrize(
    ("resource_id", "uids"),
    [
        (f"{NSG}/securityRules/AllowRDP", [NSG.lower()]),
        (f"{ACCOUNT}/blobServices/default/containers/c", [ACCOUNT.lower()]),
        (
            f"{ACCOUNT}/providers/Microsoft.Authorization/locks/l",
            [f"{ACCOUNT}/providers/Microsoft.Authorization/locks/l".lower(), ACCOUNT.lower()],
        ),
        (
            f"{ACCOUNT}/blobServices/default/providers/Microsoft.Insights/diagnosticSettings/d",
            [
                f"{ACCOUNT}/blobServices/default/providers/Microsoft.Insights/diagnosticSettings/d".lower(),
                ACCOUNT.lower(),
            ],
        ),
        (f"{ACCOUNT}/blobServices/default", [f"{ACCOUNT}/blobservices/default".lower(), ACCOUNT.lower()]),
        (
            "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/p",
            ["/subscriptions/s/providers/microsoft.authorization/policyassignments/p"],
        ),
        ("/subscriptions/S/resourceGroups/G", ["/subscriptions/s/resourcegroups/g"]),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/a/databases/b",
            ["/subscriptions/s/resourcegroups/g/providers/microsoft.sql/servers/a/databases/b"],
        ),
        (
            f"{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/r",
            [f"{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/r".lower()],
        ),
    ],
)
def test_what_is_reread_is_what_readings_list(resource_id: str, uids: list[str]) -> None:
    assert [ref.uid for ref in refs_of(parse(resource_id))] == uids


def activity(**overrides: Any) -> dict[str, Any]:
    return {
        "time": "2025-01-27T14:23:00.0000000Z",
        "resourceId": f"{NSG}/securityRules/AllowRDP",
        "operationName": "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE",
        "resultType": "Success",
        "callerIpAddress": "203.0.113.42",
        "location": "eastus",
        "identity": {
            "claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "ann@example.com"}
        },
        **overrides,
    }


def test_an_activity_record_names_the_group_and_who() -> None:
    event = parse_event(activity())
    assert event is not None
    assert ([r.uid for r in event.refs], event.actor, event.region) == (
        [NSG.lower()],
        "ann@example.com",
        "eastus",
    )


def test_a_record_without_an_id_has_the_same_one_when_it_comes_twice() -> None:
    one, two, other = (
        parse_event(activity()),
        parse_event(activity()),
        parse_event(activity(time="2025-01-27T14:24:00Z")),
    )
    assert one is not None
    assert two is not None
    assert other is not None
    assert one.id == two.id != other.id


@pytest.mark.parametrize(
    "overrides", [{"resultType": "Start"}, {"resultType": "Failure"}, {"operationName": "Microsoft.X/y/read"}]
)
def test_beginnings_failures_and_reads_ask_for_nothing(overrides: dict[str, Any]) -> None:
    assert parse_event(activity(**overrides)) is IGNORED


ALERT_ARM = {
    "id": "/subscriptions/S1/providers/Microsoft.Security/locations/westeurope/alerts/2518_a",
    "name": "2518_a",
    "type": "Microsoft.Security/Locations/alerts",
    "properties": {
        "systemAlertId": "2518_a",
        "alertType": "Storage.Blob_AnonymousAccessAnomaly",
        "alertDisplayName": "Unusual anonymous access",
        "severity": "High",
        "status": "Active",
        "intent": "Collection",
        "timeGeneratedUtc": "2025-06-01T10:00:00Z",
        "resourceIdentifiers": [
            {"type": "AzureResource", "azureResourceId": ACCOUNT},
            {"type": "AAD", "aadTenantId": "t"},
        ],
        "entities": [{"type": "ip", "address": "198.51.100.9"}],
    },
}
ALERT_EXPORT = {
    "SystemAlertId": "2518_a",
    "AlertType": "Storage.Blob_AnonymousAccessAnomaly",
    "AlertDisplayName": "Unusual anonymous access",
    "Severity": "High",
    "Status": "Active",
    "Intent": "Collection",
    "TimeGenerated": "2025-06-01T10:00:00Z",
    "ResourceIdentifiers": [{"Type": "AzureResource", "AzureResourceId": ACCOUNT}],
    "Entities": [{"type": "ip", "address": "198.51.100.9"}],
}


@pytest.mark.parametrize("body", [ALERT_ARM, ALERT_EXPORT])
def test_a_defender_alert_is_a_finding_in_both_forms(body: dict[str, Any]) -> None:
    event = parse_event(body)
    assert event is not None
    assert (event.kind, event.severity, event.id) == (EventKind.FINDING, Severity.HIGH, "2518_a")
    assert (event.type, event.account) == ("Storage.Blob_AnonymousAccessAnomaly", "s1")
    assert [ref.uid for ref in event.refs] == [ACCOUNT.lower()]
    assert event.detail["tactic"] == "Collection"
    assert event.detail["entities"] == [{"type": "ip", "address": "198.51.100.9"}]


def test_a_closed_alert_asks_for_nothing() -> None:
    assert parse_event({**ALERT_EXPORT, "Status": "Dismissed"}) is IGNORED


def test_an_alert_that_names_no_subscription_is_broken() -> None:
    with pytest.raises(ValueError, match="no subscription"):
        parse_event({**ALERT_EXPORT, "ResourceIdentifiers": []})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["eventType", "type", "specversion", "data", "id", "operationName", "resourceId", "properties", "SystemAlertId", "AlertType", "time"]
)  # fmt: skip


@settings(deadline=None)
@given(
    st.dictionaries(
        NAMES, st.one_of(JSON, st.just("Microsoft.Resources.ResourceWriteSuccess"), st.just(ACCOUNT))
    )
)
def test_any_message_is_understood_left_or_refused(body: dict[str, Any]) -> None:
    try:
        parse_event(body)
    except ValueError as error:
        assert str(error)


@pytest.mark.shared
def test_recorded_messages_are_understood() -> None:
    folder = SHARED / "fixtures" / "events"
    if not folder.is_dir():
        pytest.skip("no recorded messages here")
    seen = {}
    for path in sorted([*folder.glob("azure-activity/*.json"), *folder.glob("azure-eventgrid/*.json")]):
        body = json.loads(path.read_text(encoding="utf-8"))
        if path.stem == "activity_log_page0":
            # A page of the REST log with fields selected away: not messages, but none of them may break us.
            assert [parse_event(item) for item in body["body"]["value"]] == [None] * len(
                body["body"]["value"]
            )
            continue
        for item in body if isinstance(body, list) else [body]:
            event = parse_event(item)
            assert event is not None, path
            seen[path.stem] = event
    assert len(seen) == 4
    assert all(event.kind is EventKind.CHANGE for event in seen.values())
    assert [r.type for r in seen["azure_nsg_deleted_or_modified-2"].refs] == [
        "microsoft.network/networksecuritygroups"
    ]
    assert [r.type for r in seen["azure_resource_lock_deleted-0"].refs] == [
        "microsoft.authorization/locks",
        "microsoft.storage/storageaccounts",
    ]
    assert [r.type for r in seen["azure_resource_lock_deleted-1"].refs] == [
        "microsoft.authorization/locks",
        "microsoft.resources/subscriptions",
    ]
    assert [r.type for r in seen["ResourceWriteSuccess.storageAccounts"].refs] == [
        "microsoft.storage/storageaccounts"
    ]
