"""Events: feeds, audit logs and findings, wrapped or bare, and what breaks their form."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.gcp.events import parse
from providers.gcp.message import moment, unwrap
from providers.gcp.projects import Project, Projects
from providers.provider import IGNORED, EventKind, Severity

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED") or Path(__file__).parents[4].parent / "shared")
EVENTS = SHARED / "fixtures" / "events"
recorded = [
    pytest.mark.shared,
    pytest.mark.skipif(not EVENTS.is_dir(), reason="the recorded events are not here"),
]
NAMES = Projects()
NAMES.learn(Project(id="shop", number="123", name="Shop"))

FEED: dict[str, Any] = {
    "asset": {
        "name": "//storage.googleapis.com/shop-bucket",
        "assetType": "storage.googleapis.com/Bucket",
        "ancestors": ["projects/123", "organizations/9"],
        "resource": {"location": "europe-west1", "data": {"location": "EUROPE-WEST1", "name": "shop-bucket"}},
    },
    "priorAssetState": "PRESENT",
    "priorAsset": {"name": "//storage.googleapis.com/shop-bucket", "resource": {"data": {"location": "EU"}}},
    "window": {"startTime": "2026-05-01T10:00:00.123456789Z"},
}
AUDIT: dict[str, Any] = {
    "insertId": "abc",
    "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Factivity",
    "timestamp": "2026-05-01T10:00:00Z",
    "resource": {
        "type": "service_account",
        "labels": {"project_id": "shop", "unique_id": "1177", "email_id": "ci@shop.iam.gserviceaccount.com"},
    },
    "protoPayload": {
        "serviceName": "iam.googleapis.com",
        "methodName": "google.iam.admin.v1.CreateServiceAccountKey",
        "resourceName": "projects/-/serviceAccounts/1177",
        "authenticationInfo": {"principalEmail": "eve@example.org"},
        "requestMetadata": {"callerIp": "198.51.100.4"},
        "response": {"name": "projects/shop/serviceAccounts/ci@shop.iam.gserviceaccount.com/keys/k1"},
    },
}
FINDING: dict[str, Any] = {
    "notificationConfigName": "organizations/9/notificationConfigs/c",
    "finding": {
        "name": "organizations/9/sources/1/findings/f",
        "category": "Initial Access: Leaked Service Account Key Used",
        "state": "ACTIVE",
        "severity": "HIGH",
        "eventTime": "2026-05-01T10:00:00Z",
        "findingClass": "THREAT",
        "resourceName": "//cloudresourcemanager.googleapis.com/projects/123",
        "access": {
            "principalEmail": "ci@shop.iam.gserviceaccount.com",
            "serviceAccountKeyName": "//iam.googleapis.com/projects/shop/serviceAccounts/ci@shop.iam.gserviceaccount.com/keys/k1",
        },
    },
    "resource": {"projectDisplayName": "shop"},
}


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(base))
    inner = copy
    *heads, last = path.split(".")
    for key in heads:
        inner = inner[key]
    if value is None:
        inner.pop(last, None)
    else:
        inner[last] = value
    return copy


def wrapped(message: Any, *, push: bool = True) -> dict[str, Any]:
    data = message if isinstance(message, str) else json.dumps(message)
    inner = {
        "data": base64.b64encode(data.encode()).decode(),
        "messageId": "1",
        "publishTime": "2026-05-01T10:00:01Z",
    }
    return (
        {"message": inner, "subscription": "projects/shop/subscriptions/s"}
        if push
        else {"ackId": "a", "message": inner}
    )


def read(body: dict[str, Any]) -> Any:
    return parse(body, NAMES, ("organizations/9",))


@pytest.mark.parametrize("message", [FEED, AUDIT, FINDING])
def test_an_envelope_changes_nothing(message: dict[str, Any]) -> None:
    bare = read(message)
    assert bare is not None
    assert read(wrapped(message)) == bare
    assert read(wrapped(message, push=False)) == bare
    assert read(wrapped(message)["message"]) == bare


def test_a_feed_message_asks_for_a_re_read() -> None:
    event = read(FEED)
    assert event.kind is EventKind.CHANGE
    assert event.type == "storage.googleapis.com/Bucket:changed"
    assert event.occurred_at == datetime(2026, 5, 1, 10, 0, 0, 123456, UTC)
    (ref,) = event.refs
    assert (ref.account, ref.region, ref.uid) == (
        "shop",
        "europe-west1",
        "//storage.googleapis.com/shop-bucket",
    )
    assert event.detail["prior"]["resource"]["data"] == {"location": "EU"}


@pytest.mark.parametrize(
    ("path", "value", "change"),
    [
        ("deleted", True, "deleted"),
        ("priorAssetState", "DOES_NOT_EXIST", "created"),
        ("priorAssetState", "DELETED", "created"),
    ],
)
def test_what_happened_to_an_asset(path: str, value: Any, change: str) -> None:
    assert read(changed(FEED, path, value)).detail["change"] == change


def test_a_deleted_assets_region_is_its_priors() -> None:
    gone = changed(changed(FEED, "deleted", True), "asset.resource", None)
    assert read(gone).refs[0].region == "eu"


def test_a_project_never_seen_leaves_the_event_without_refs() -> None:
    event = read(changed(FEED, "asset.ancestors", ["projects/999"]))
    assert event.refs == ()
    assert event.account == "999"


def test_an_assets_project_is_found_where_it_is_named() -> None:
    compute = changed(FEED, "asset.name", "//compute.googleapis.com/projects/mine/global/firewalls/f")
    compute = changed(compute, "asset.assetType", "compute.googleapis.com/Firewall")
    assert read(changed(compute, "asset.ancestors", ["projects/999"])).account == "mine"
    assert read(changed(compute, "asset.ancestors", None)).account == "mine"
    organization = changed(FEED, "asset.ancestors", ["folders/3", "organizations/9"])
    assert parse(organization, Projects(), ("organizations/9",)).account == "organizations/9"  # type: ignore[union-attr]
    assert read(organization).account == "organizations/9"


def test_two_deliveries_are_one_event_and_two_changes_two() -> None:
    assert read(FEED).id == read(wrapped(FEED)).id
    later = changed(FEED, "window.startTime", "2026-05-01T11:00:00Z")
    assert read(later).id != read(FEED).id


def test_an_audit_entry_names_actor_key_and_account() -> None:
    event = read(AUDIT)
    assert event.kind is EventKind.CHANGE
    assert event.actor == event.detail["principal"] == "eve@example.org"
    assert event.detail["caller_ip"] == "198.51.100.4"
    assert [ref.uid for ref in event.refs] == [
        "//iam.googleapis.com/projects/shop/serviceAccounts/1177/keys/k1",
        "//iam.googleapis.com/projects/shop/serviceAccounts/1177",
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("protoPayload.status", {"code": 7, "message": "PERMISSION_DENIED"}),
        ("logName", "projects/shop/logs/cloudaudit.googleapis.com%2Fdata_access"),
    ],
)
def test_a_refused_call_and_a_read_change_nothing(path: str, value: Any) -> None:
    assert read(changed(AUDIT, path, value)) is IGNORED


@pytest.mark.parametrize(
    ("resource", "name", "service", "uid", "type_"),
    [
        (
            {
                "type": "cloudsql_database",
                "labels": {"project_id": "shop", "database_id": "shop:db", "region": "eu"},
            },
            "projects/shop/instances/db",
            "cloudsql.googleapis.com",
            "//cloudsql.googleapis.com/projects/shop/instances/db",
            "sqladmin.googleapis.com/Instance",
        ),
        (
            {"type": "project", "labels": {"project_id": "shop"}},
            "projects/shop",
            "cloudresourcemanager.googleapis.com",
            "//cloudresourcemanager.googleapis.com/projects/123",
            "cloudresourcemanager.googleapis.com/Project",
        ),
        (
            {"type": "gce_instance", "labels": {"project_id": "shop", "zone": "z-1"}},
            "projects/123/zones/z-1/instances/i",
            "compute.googleapis.com",
            "//compute.googleapis.com/projects/shop/zones/z-1/instances/i",
            "compute.googleapis.com/Instance",
        ),
    ],
)
def test_what_an_audit_entry_speaks_of(
    resource: dict[str, Any], name: str, service: str, uid: str, type_: str
) -> None:
    entry = changed(AUDIT, "resource", resource)
    entry = changed(changed(entry, "protoPayload.resourceName", name), "protoPayload.serviceName", service)
    (ref,) = read(entry).refs
    assert (ref.uid, ref.type, ref.account) == (uid, type_, "shop")


def test_what_is_above_projects_is_named_where_it_is_read_from() -> None:
    entry = changed(AUDIT, "resource", {"type": "folder", "labels": {"folder_id": "3"}})
    entry = changed(entry, "logName", "folders/3/logs/cloudaudit.googleapis.com%2Factivity")
    entry = changed(entry, "protoPayload.resourceName", "folders/3")
    (ref,) = parse(entry, NAMES, ("folders/3",)).refs  # type: ignore[union-attr]
    assert (ref.uid, ref.account) == ("//cloudresourcemanager.googleapis.com/folders/3", "folders/3")
    unknown = parse(entry, NAMES, ("organizations/9",))
    assert (unknown.account, unknown.refs) == ("folders/3", ())  # type: ignore[union-attr]
    seen = Projects()
    ancestors = ("projects/1", "folders/2", "folders/3", "folders/4", "organizations/9")
    seen.learn(Project(id="p", number="1", name="P", ancestors=ancestors))
    for parents, account in (
        (("organizations/9",), "organizations/9"),
        (("organizations/9", "folders/4"), "folders/4"),
        (("organizations/9", "folders/2"), "organizations/9"),
    ):
        (ref,) = parse(entry, seen, parents).refs  # type: ignore[union-attr]
        assert (ref.uid, ref.account) == ("//cloudresourcemanager.googleapis.com/folders/3", account)
    assert parse(entry, seen, ("organizations/8",)).refs == ()  # type: ignore[union-attr]


def test_a_finding_accuses_the_key_first() -> None:
    event = read(FINDING)
    assert event.kind is EventKind.FINDING
    assert event.severity is Severity.HIGH
    assert event.account == "shop"
    assert [ref.type for ref in event.refs] == [
        "iam.googleapis.com/ServiceAccountKey",
        "iam.googleapis.com/ServiceAccount",
        "cloudresourcemanager.googleapis.com/Project",
    ]
    assert event.detail["class"] == "THREAT"
    assert event.detail["service_account_key"].endswith("/keys/k1")
    assert event.id == "scc:organizations/9/sources/1/findings/f:2026-05-01T10:00:00Z"


@pytest.mark.parametrize(("path", "value"), [("finding.state", "INACTIVE"), ("finding.mute", "MUTED")])
def test_a_finding_that_is_over_asks_for_nothing(path: str, value: str) -> None:
    assert read(changed(FINDING, path, value)) is IGNORED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"detail-type": "GuardDuty Finding"},
        {"records": []},
        {"message": {"attributes": {}}},
    ],
)
def test_what_is_not_ours(body: dict[str, Any]) -> None:
    assert read(body) is None


def test_pubsubs_own_chatter_asks_for_nothing() -> None:
    assert read(wrapped("You have successfully configured real time feed with feed name: x")) is IGNORED


@pytest.mark.parametrize(
    "body",
    [
        changed(FEED, "asset.name", None),
        changed(FEED, "window", None),
        changed(FEED, "window.startTime", "yesterday"),
        changed(AUDIT, "insertId", None),
        changed(AUDIT, "timestamp", None),
        changed(FINDING, "finding.category", None),
        changed(FINDING, "finding.eventTime", 5),
        {"message": {"data": "%%%", "messageId": "1"}},
        wrapped("not json"),
        wrapped("[1]"),
    ],
)
def test_a_broken_form_is_named(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, prefix: str = "") -> list[str]:
    if not isinstance(value, dict):
        return []
    out = []
    for key, inner in value.items():
        out += [f"{prefix}{key}", *paths(inner, f"{prefix}{key}.")]
    return out


@given(st.data())
def test_any_field_may_be_anything(data: st.DataObject) -> None:
    """A message may lie about its form in any field: an event, nothing, or a ValueError; never another error."""
    base = data.draw(st.sampled_from([FEED, AUDIT, FINDING]))
    # "-" stands in for the dots of keys like protoPayload.@type, of which these have none.
    broken = changed(base, data.draw(st.sampled_from(paths(base))), data.draw(json_values))
    try:
        event = read(broken)
    except ValueError:
        return
    if event is not None:
        assert event.provider == "gcp"
        assert event.occurred_at.tzinfo is not None
        assert all(isinstance(ref.uid, str) and isinstance(ref.account, str) for ref in event.refs)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_read_back(value: datetime) -> None:
    assert moment(value.isoformat().replace("+00:00", "Z"), "t") == value


def test_times_with_offsets_and_without() -> None:
    assert moment("2023-05-23T12:19:40.876-07:00", "t") == datetime(2023, 5, 23, 19, 19, 40, 876000, UTC)
    assert moment("2023-05-23 19:19:40.353", "t") == datetime(2023, 5, 23, 19, 19, 40, 353000, UTC)


def test_unwrap_leaves_a_plain_message_alone() -> None:
    assert unwrap(FEED) is FEED
    assert unwrap({"data": "a string of somebody else's"}) == {"data": "a string of somebody else's"}


class TestRecorded:
    pytestmark = recorded

    @staticmethod
    def event(path: str) -> Any:
        return read(json.loads((EVENTS / path).read_text()))

    def test_audit_entries(self) -> None:
        shared = self.event("gcp-audit/gcp_gcs_public-0.json")
        assert shared.actor == "user.name@runpanther.io"
        assert shared.refs[0].uid == "//storage.googleapis.com/jacks-test-bucket"
        assert shared.refs[0].region == "us"
        assert shared.detail["policy_delta"]["bindingDeltas"][0]["member"] == "allUsers"
        opened = self.event("gcp-audit/gcp_firewall_rule_created-0.json")
        assert opened.type == "v1.compute.firewalls.insert"
        assert opened.refs[0].uid == (
            "//compute.googleapis.com/projects/test-project-123456/global/firewalls/firewall-create"
        )

    def test_findings(self) -> None:
        bucket = self.event("gcp-scc/public_bucket_acl.json")
        assert (bucket.type, bucket.severity, bucket.account) == (
            "PUBLIC_BUCKET_ACL",
            Severity.HIGH,
            "test-project",
        )
        assert bucket.refs[0].uid == "//storage.googleapis.com/this-is-public-on-purpose"
        member = self.event("gcp-scc/non_org_iam_member.json")
        assert member.refs[0].type == "cloudresourcemanager.googleapis.com/Project"
        firewall = self.event("gcp-scc/open_firewall-remediated.json")
        assert firewall.refs[0].type == "compute.googleapis.com/Firewall"
        assert firewall.account == "test-project"

    def test_a_detection_without_a_time_is_named(self) -> None:
        raw = json.loads((EVENTS / "gcp-scc/bad_ip.json").read_text())
        with pytest.raises(ValueError, match="timestamp"):
            read(raw)
        event = read({**raw, "timestamp": "2026-05-01T10:00:00Z"})
        assert event.kind is EventKind.FINDING
        assert event.refs[0].account == "test-project"

    def test_a_feed_message(self) -> None:
        event = self.event("gcp-asset-feed/instance-1.temporal-asset.json")
        assert event.refs[0].account == "cloud-custodian"
        assert event.refs[0].region == "us-central1-a"
