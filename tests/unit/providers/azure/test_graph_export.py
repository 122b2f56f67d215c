"""Resource Graph's answers from files: objects and tables, whole rows and projected ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from config.errors import UsageError
from providers.azure.export import COLUMNS, NO_PROPERTIES, NOT_PROJECTED, read_export
from providers.resource import Resource

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[5] / "shared"))
EXAMPLES = SHARED / "fixtures" / "azure" / "arg_spec_examples"
ID = "/subscriptions/0000/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/Acc"
ROW: dict[str, Any] = {
    "id": ID,
    "name": "Acc",
    "type": "microsoft.storage/storageaccounts",
    "tenantId": "t",
    "kind": "StorageV2",
    "location": "westeurope",
    "resourceGroup": "rg",
    "subscriptionId": "0000",
    "managedBy": "",
    "sku": {"name": "Standard_LRS"},
    "plan": None,
    "properties": {"allowBlobPublicAccess": False},
    "tags": {"team": "web"},
    "identity": None,
    "zones": None,
}


def read(folder: Path, content: Any, notes: list[str] | None = None) -> list[Resource]:
    path = folder / "export.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return list(read_export(path, notes if notes is not None else []))


def table(*rows: dict[str, Any]) -> dict[str, Any]:
    names = list(rows[0])
    return {
        "columns": [{"name": name, "type": "object"} for name in names],
        "rows": [[row[name] for name in names] for row in rows],
    }


def test_every_form_gives_the_same_resource(tmp_path: Path) -> None:
    (expected,) = read(tmp_path, [ROW])
    assert expected.unread == {}
    assert expected.uid == ID.lower()
    assert expected.tags == {"team": "web"}
    for form in (
        {"count": 1, "data": [ROW], "skip_token": None, "total_records": 1},
        {"totalRecords": 1, "data": table(ROW), "resultTruncated": "false"},
        {"$skipToken": None, "data": [ROW]},
        json.dumps(ROW) + "\n",
    ):
        assert read(tmp_path, form) == [expected]
    assert read(tmp_path, {"data": [], "count": 0}) == []
    assert read(tmp_path, "") == []
    pages = json.dumps({"data": [ROW]}) + "\n" + json.dumps({"data": table(ROW)})
    assert read(tmp_path, pages) == [expected, expected]


def test_what_the_query_left_out_is_unread(tmp_path: Path) -> None:
    (found,) = read(tmp_path, [{"id": ID, "name": "Acc", "type": "microsoft.storage/storageaccounts"}])
    assert found.unread == dict.fromkeys(COLUMNS, NOT_PROJECTED)
    assert "properties" not in found.document
    (listed,) = read(tmp_path, [{**ROW, "properties": None}])
    assert listed.unread == {"properties": NO_PROPERTIES}


def test_the_exports_own_gaps_are_told(tmp_path: Path) -> None:
    notes: list[str] = []
    read(tmp_path, {"data": [ROW], "$skipToken": "abc", "resultTruncated": "true"}, notes)
    assert len(notes) == 2
    assert "one page of several" in notes[0]
    assert "left rows out" in notes[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"name": "x"}], "without an id"),
        ([1], "not an object"),
        ({"data": [1]}, "not an object"),
        ({"data": {"columns": [{"name": "id"}], "rows": [["a", "b"]]}}, "neither rows nor a table"),
        ({"data": {"rows": []}}, "neither rows nor a table"),
        ({"data": "x"}, "neither rows nor a table"),
        ('{"data": [', "ends in the middle"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read(tmp_path, content)
    assert f"{tmp_path / 'export.json'}:1" in str(caught.value)


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded answers are not here")
def test_recorded_answers(tmp_path: Path) -> None:
    for path in sorted(EXAMPLES.glob("*.json")):
        body = json.loads(path.read_text())["responses"]["200"]["body"]
        found = read(tmp_path, body)
        assert len(found) == body["count"]
        assert all("properties" in one.unread for one in found)


def test_what_is_above_the_subscriptions_is_taken_and_what_is_built_in_is_not(tmp_path: Path) -> None:
    roles = "/providers/Microsoft.Authorization"
    rows = [
        {**ROW, "id": f"{roles}/roleAssignments/A", "properties": {"scope": "/"}},
        {**ROW, "id": f"{roles}/roleDefinitions/D", "properties": {"type": "BuiltInRole"}},
        {**ROW, "id": f"{roles}/policyDefinitions/P", "properties": {"policyType": "BuiltIn"}},
        {**ROW, "id": "/providers/Microsoft.Management/managementGroups/MG", "properties": {}},
    ]
    notes: list[str] = []
    assert [r.ref.account for r in read(tmp_path, rows, notes)] == ["tenants/t", "managementgroups/mg"]
    assert [note.partition(": ")[2] for note in notes] == [
        "2 definitions that are built into Azure are left out"
    ]
    with pytest.raises(UsageError, match="not told of whose"):
        read(tmp_path, [{**rows[0], "tenantId": ""}])
