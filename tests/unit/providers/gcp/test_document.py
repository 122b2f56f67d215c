"""Documents: one form for what listing and re-read give, and nothing that moves by itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from providers.gcp import names
from providers.gcp.catalog import TYPES
from providers.gcp.convert import struct
from providers.gcp.document import document, resource
from providers.normalise import MAX_DEPTH, DocumentTooDeep, encode

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED") or Path(__file__).parents[4].parent / "shared")
EXPORTS = SHARED / "fixtures" / "gcp" / "cai_export"
CAI = SHARED / "fixtures" / "gcp" / "cai"
BUCKET = "storage.googleapis.com/Bucket"


def bucket(data: dict[str, Any], policy: dict[str, Any] | None = None) -> dict[str, Any]:
    return document(
        name="//storage.googleapis.com/b", asset_type=BUCKET, data=data, location=None, policy=policy
    )


def test_cloud_assets_form_and_the_services_form_are_one() -> None:
    indexed = {
        "acl": [],
        "billing": {},
        "cors": [],
        "encryption": {},
        "etag": "CAI=",
        "iamConfiguration": {"bucketPolicyOnly": {}, "uniformBucketLevelAccess": {}},
        "kind": "storage#bucket",
        "labels": {},
        "lifecycle": {"rule": []},
        "location": "US-CENTRAL1",
        "logging": {},
        "metageneration": 2,
        "name": "b",
        "projectNumber": 68478495408.0,
    }
    rest = {
        "acl": [{"entity": "project-owners-1", "role": "OWNER"}],
        "etag": "CAM=",
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": False},
            "uniformBucketLevelAccess": {"enabled": False},
            "publicAccessPrevention": "inherited",
        },
        "kind": "storage#bucket",
        "location": "US-CENTRAL1",
        "metageneration": "7",
        "name": "b",
        "projectNumber": "68478495408",
        "updated": "2021-06-08T23:22:40.234Z",
    }
    assert encode(bucket(indexed)) == encode(bucket(rest))


def test_an_empty_policy_is_no_policy() -> None:
    assert "iamPolicy" not in bucket({"name": "b"}, {"etag": "ACAB", "version": 1})
    kept = bucket(
        {"name": "b"}, {"etag": "ACAB", "version": 3, "bindings": [{"role": "r", "members": ["b", "a"]}]}
    )
    assert kept["iamPolicy"] == {"bindings": [{"role": "r", "members": ["a", "b"]}]}


def test_labels_called_like_volatile_fields_stay() -> None:
    found = bucket({"name": "b", "etag": "x", "labels": {"etag": "mine", "fingerprint": ""}})
    assert found["resource"]["data"]["labels"] == {"etag": "mine", "fingerprint": ""}
    assert "etag" not in found["resource"]["data"]
    assert resource(account="p", document=found).tags == {"etag": "mine", "fingerprint": ""}


def test_an_empty_message_means_something_in_a_type_we_do_not_know() -> None:
    found = document(
        name="//container.googleapis.com/projects/p/locations/l/clusters/c/k8s/namespaces/n/networkpolicies/p",
        asset_type="networking.k8s.io/NetworkPolicy",
        data={"kind": "NetworkPolicy", "metadata": {"resourceVersion": "8"}, "spec": {"podSelector": {}}},
        location="Europe-West1",
        policy=None,
    )
    assert found["resource"] == {
        "location": "europe-west1",
        "data": {"kind": "NetworkPolicy", "metadata": {}, "spec": {"podSelector": {}}},
    }


def test_the_order_of_build_steps_is_kept() -> None:
    data = {"build": {"steps": [{"name": "z"}, {"name": "a"}], "images": ["z", "a"]}}
    found = document(
        name="//cloudbuild.googleapis.com/projects/p/triggers/t",
        asset_type="cloudbuild.googleapis.com/BuildTrigger",
        data=data,
        location=None,
        policy=None,
    )
    assert found["resource"]["data"]["build"] == {
        "steps": [{"name": "z"}, {"name": "a"}],
        "images": ["a", "z"],
    }


@pytest.mark.parametrize(
    ("name", "type_", "data", "region"),
    [
        ("//storage.googleapis.com/b", BUCKET, {"location": "EU"}, "eu"),
        (
            "//compute.googleapis.com/projects/p/zones/Europe-West1-b/instances/i",
            "compute.googleapis.com/Instance",
            {},
            "europe-west1-b",
        ),
        (
            "//compute.googleapis.com/projects/p/global/firewalls/f",
            "compute.googleapis.com/Firewall",
            {},
            "global",
        ),
        (
            "//cloudsql.googleapis.com/projects/p/instances/i",
            "sqladmin.googleapis.com/Instance",
            {"region": "us-central1", "gceZone": "us-central1-a"},
            "us-central1",
        ),
        (
            "//cloudkms.googleapis.com/projects/p/locations/global/keyRings/r/cryptoKeys/k",
            "cloudkms.googleapis.com/CryptoKey",
            {},
            "global",
        ),
    ],
)
def test_regions(name: str, type_: str, data: dict[str, Any], region: str) -> None:
    found = document(name=name, asset_type=type_, data=data, location="somewhere else", policy=None)
    assert resource(account="p", document=found).ref.region == region


def test_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(MAX_DEPTH + 1):
        inner["a"] = {"b": 1}
        inner = inner["a"]
    with pytest.raises(DocumentTooDeep):
        document(
            name="//x.googleapis.com/y",
            asset_type="x.googleapis.com/Y",
            data=deep,
            location=None,
            policy=None,
        )


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), values, max_size=5))
def test_structs_are_read_as_the_library_reads_them(data: dict[str, Any]) -> None:
    message = struct_pb2.Struct()
    json_format.ParseDict(data, message)
    assert struct(message) == json_format.MessageToDict(message)


@given(
    st.dictionaries(st.sampled_from(["name", "etag", "labels", "acl", "cors", "a", "b"]), values, max_size=5)
)
def test_a_document_made_of_a_document_is_itself(data: dict[str, Any]) -> None:
    once = bucket(data)
    twice = bucket(once["resource"]["data"])
    assert encode(twice) == encode(once)


def test_every_declared_type_can_be_asked_for() -> None:
    for type_, declared in TYPES.items():
        assert declared.type == type_
        assert declared.get.count("{path}") == 1
        assert declared.permission.endswith(".get")
        if declared.iam is not None:
            assert declared.iam.path.count("{path}") == 1
            assert declared.iam.permission.endswith(".getIamPolicy")
        assert declared.uid("//h/p", {}) == "//h/p"


@pytest.mark.parametrize("name", ["", "/storage.googleapis.com/b", "//storage.googleapis.com", "//"])
def test_what_is_no_full_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        names.split(name)
    assert names.type_of(name) is None


def test_types_by_name() -> None:
    assert names.type_of("//storage.googleapis.com/b") == BUCKET
    assert names.type_of("//storage.googleapis.com/projects/_/buckets/b") is None
    assert (
        names.type_of("//iam.googleapis.com/projects/p/serviceAccounts/a/keys/k")
        == "iam.googleapis.com/ServiceAccountKey"
    )
    assert names.project_in("//storage.googleapis.com/projects/_/buckets/b") is None
    assert names.relative("not a link") == "not a link"


@pytest.mark.shared
@pytest.mark.skipif(not CAI.is_dir(), reason="the recorded assets are not here")
def test_recorded_assets_make_documents() -> None:
    count = 0
    assets = [
        json.loads(line)
        for f in sorted(EXPORTS.glob("*.ndjson"))
        for line in f.read_text().splitlines()
        if line
    ]
    for file in sorted(CAI.glob("*/assets.json")):
        assets += json.loads(file.read_text())
    for asset in assets:
        if not asset.get("asset_type"):
            continue
        body = asset.get("resource") or {}
        found = document(
            name=asset["name"],
            asset_type=asset["asset_type"],
            data=body.get("data"),
            location=body.get("location"),
            policy=asset.get("iam_policy"),
        )
        made = resource(account="p", document=found)
        assert made.uid == asset["name"]
        assert made.ref.region == made.ref.region.lower()
        assert made.name
        count += 1
    assert count > 100
