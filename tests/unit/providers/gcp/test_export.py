"""Cloud Asset exports: both spellings, resources and policies from different files, and what is wrong with a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from config.errors import UsageError
from providers.gcp.export import read_export

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED") or Path(__file__).parents[4].parent / "shared")
EXPORTS = SHARED / "fixtures" / "gcp" / "cai_export"

PROJECT = {
    "name": "//cloudresourcemanager.googleapis.com/projects/7",
    "asset_type": "cloudresourcemanager.googleapis.com/Project",
    "ancestors": ["projects/7", "organizations/1"],
    "resource": {"data": {"projectId": "shop", "projectNumber": "7"}},
}
BUCKET = {
    "name": "//storage.googleapis.com/b",
    "asset_type": "storage.googleapis.com/Bucket",
    "ancestors": ["projects/7", "organizations/1"],
    "resource": {"data": {"name": "b", "location": "EU", "labels": {"a": "b"}}},
}
POLICY = {
    "name": "//cloudresourcemanager.googleapis.com/projects/7",
    "asset_type": "cloudresourcemanager.googleapis.com/Project",
    "iam_policy": {
        "bindings": [{"role": "roles/owner", "members": ["user:b", "user:a"]}],
        "audit_configs": [
            {"service": "allServices", "audit_log_configs": [{"log_type": 1}, {"log_type": "DATA_READ"}]}
        ],
    },
}


def write(folder: Path, name: str, *assets: Any) -> Path:
    path = folder / name
    path.write_text("\n".join(a if isinstance(a, str) else json.dumps(a) for a in assets) + "\n")
    return path


def camel(asset: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(asset)
    for snake, api in (
        ("asset_type", "assetType"),
        ("iam_policy", "iamPolicy"),
        ("audit_configs", "auditConfigs"),
        ("audit_log_configs", "auditLogConfigs"),
        ("log_type", "logType"),
    ):
        text = text.replace(f'"{snake}"', f'"{api}"')
    found: dict[str, Any] = json.loads(text)
    return found


def test_files_are_joined_and_both_spellings_are_one(tmp_path: Path) -> None:
    snake = [write(tmp_path, "r", BUCKET, PROJECT), write(tmp_path, "p", POLICY)]
    api = [write(tmp_path, "cp", camel(POLICY)), write(tmp_path, "cr", camel(BUCKET), "", camel(PROJECT))]
    found = list(read_export(snake))
    assert found == list(read_export(api))
    bucket, project = found
    assert (bucket.ref.account, bucket.ref.region, bucket.tags) == ("shop", "eu", {"a": "b"})
    assert "iamPolicy" not in bucket.document
    assert bucket.unread == {}
    assert project.document["iamPolicy"]["bindings"] == [
        {"role": "roles/owner", "members": ["user:a", "user:b"]}
    ]
    log_types = project.document["iamPolicy"]["auditConfigs"][0]["auditLogConfigs"]
    assert log_types == [{"logType": "ADMIN_READ"}, {"logType": "DATA_READ"}]


def test_an_export_without_policies_has_them_unread(tmp_path: Path) -> None:
    (bucket,) = read_export([write(tmp_path, "r", BUCKET)])
    assert list(bucket.unread) == ["iamPolicy"]
    assert bucket.ref.account == "7"  # the export does not hold the project


def test_an_export_of_policies_alone_has_the_resources_unread(tmp_path: Path) -> None:
    (project,) = read_export([write(tmp_path, "p", POLICY)])
    assert list(project.unread) == ["resource"]
    assert project.document["iamPolicy"]["bindings"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "not JSON"),
        ("[[]]", "not a JSON object"),
        ({"asset_type": "a/B", "resource": {"data": {}}}, "name"),
        ({"name": "//x/y", "resource": {"data": {}}}, "asset_type"),
        ({"name": "//x/y", "asset_type": "a/B", "resource": {}}, "no `data`"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(line: Any, what: str, tmp_path: Path) -> None:
    path = write(tmp_path, "r", BUCKET, line)
    with pytest.raises(UsageError, match=what) as caught:
        list(read_export([path]))
    assert f"{path}:2" in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-file"):
        list(read_export([tmp_path / "no-such-file"]))


@pytest.mark.shared
@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the recorded exports are not here")
def test_recorded_exports() -> None:
    found = {r.uid: r for r in read_export(sorted(EXPORTS.glob("*.ndjson")))}
    assert len(found) == 5
    # Whether a project has organisation policies is in neither file.
    assert {field for r in found.values() for field in r.unread} == {"orgPolicy"}
    project = found["//cloudresourcemanager.googleapis.com/projects/1043"]
    assert project.ref.account == "project3"
    assert {b["role"] for b in project.document["iamPolicy"]["bindings"]} >= {"roles/owner", "roles/editor"}
    assert found["//storage.googleapis.com/bucket1"].ref.account == "project3"
