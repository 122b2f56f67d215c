"""Which export a file is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from config.errors import UsageError
from providers.exports import ExportFormat, detect, exports

ROW = {"id": "/subscriptions/1/resourceGroups/g/providers/A.B/c/d", "type": "a.b/c"}
ASSET = {"name": "//storage.googleapis.com/b", "asset_type": "storage.googleapis.com/Bucket"}


def write(folder: Path, content: Any, name: str = "f") -> Path:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("z") else text.encode())
    return path


@pytest.mark.parametrize("name", ["f.json", "f.json.gz"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"fileVersion": "1.0", "configurationItems": []}, ExportFormat.AWS_CONFIG),
        ({"baseConfigurationItems": []}, ExportFormat.AWS_CONFIG),
        ({"count": 1, "data": [ROW]}, ExportFormat.RESOURCE_GRAPH),
        ({"totalRecords": 1}, ExportFormat.RESOURCE_GRAPH),
        ([ROW], ExportFormat.RESOURCE_GRAPH),
        (ROW, ExportFormat.RESOURCE_GRAPH),
        ([ASSET], ExportFormat.CLOUD_ASSET),
        (json.dumps(ASSET) + "\n" + json.dumps(ASSET), ExportFormat.CLOUD_ASSET),
        ({"name": "//a/b", "assetType": "a/B"}, ExportFormat.CLOUD_ASSET),
        ({"format_version": "1.2", "planned_values": {}}, ExportFormat.TERRAFORM),
        ({"version": 4, "terraform_version": "1.9.0", "resources": []}, ExportFormat.TERRAFORM),
    ],
)
def test_a_file_is_known_by_what_is_in_it(
    tmp_path: Path, name: str, content: Any, expected: ExportFormat
) -> None:
    assert detect(write(tmp_path, content, name)) is expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("[]", "holds nothing"),
        ([{"a": 1}], "neither a row"),
        ([1], "neither a row"),
        ({"a": 1}, "neither a Terraform plan or state nor an export"),
        ({"id": "i-1"}, "neither a Terraform plan or state nor an export"),
        ("hello", "not an object"),
        ({"@level": "info", "@message": "Plan: 1 to add"}, "the messages of `terraform plan -json`"),
        ('{"a": ', "ends in the middle"),
    ],
)
def test_anything_else_is_refused_with_what_would_do(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        detect(write(tmp_path, content))


def test_a_large_file_is_known_by_its_beginning(tmp_path: Path) -> None:
    # What follows is not JSON at all, so nothing but the beginning can have been looked at.
    path = write(tmp_path, '{"fileVersion": "1.0", "configurationItems": [{"a": 1}, !!!')
    assert detect(path) is ExportFormat.AWS_CONFIG


def test_files_are_grouped_by_what_they_are(tmp_path: Path) -> None:
    one, two, three = (
        write(tmp_path, ASSET, "1"),
        write(tmp_path, [ROW], "2"),
        write(tmp_path, ASSET, "3"),
    )
    found = exports([one, two, three])
    assert [(e.format, list(e.paths)) for e in found] == [
        (ExportFormat.CLOUD_ASSET, [one, three]),
        (ExportFormat.RESOURCE_GRAPH, [two]),
    ]
    assert [r.uid for r in found[1]] == [ROW["id"].lower()]
    assert found[1].read == 1
    # An asset without content, as an export of another content type has it, is told.
    assert list(found[0]) == []
    assert found[0].gaps == ["2 assets with neither a resource nor an IAM policy"]
