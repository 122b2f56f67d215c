"""Each Google Cloud view over documents with every field that Google's discovery documents know (``tools/gcp_properties.py``
made the listing), over the seeded estate and over recorded assets: it asks for nothing that does not exist, and what it
makes has the form that Terraform's provider says."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from beside import loaded

from providers.gcp.document import document, resource
from providers.gcp.terraform import VIEWS, terraform
from providers.resource import Resource
from providers.sandbox.gcp import estate
from providers.sandbox.gcp.store import AssetStore
from providers.terraform import AbsentBlock

FIELDS = json.loads(Path(__file__).with_name("gcp-properties.json").read_text())["types"]
SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[4].parent / "shared"))
OLDER = {"compute.googleapis.com/Subnetwork": {"enableFlowLogs"}}
"""Fields that assets have though the newest discovery document does not."""


FORMS = loaded(Path(__file__).parents[1] / "terraform_forms.py")


def with_data(type_: str, data: Any) -> Resource:
    made = resource(
        account="p",
        document=document(
            name="//x.googleapis.com/projects/p/y", asset_type=type_, data={}, location=None, policy=None
        ),
    )
    return Resource(ref=made.ref, name="x", document={**made.document, "resource": {"data": data}})


def whole(type_: str) -> Any:
    return FIELDS["compute.googleapis.com/Address" if type_.endswith("GlobalAddress") else type_]


@pytest.mark.parametrize("type_", sorted(VIEWS))
def test_a_view_asks_only_for_fields_that_exist(type_: str) -> None:
    missed: list[str] = []
    made = terraform(with_data(type_, FORMS.Seen(whole(type_), missed)))
    assert made is not None
    assert made.unread == {}
    assert set(missed) - OLDER.get(type_, set()) == set()


def conforms(found: Resource) -> bool:
    made = terraform(found)
    if made is None:
        return False
    assert list(FORMS.strays(made.attributes, FORMS.schema_of(made.type))) == [], found.uid
    for absent in AbsentBlock:
        json.dumps(made.render(absent))
    return True


@pytest.mark.parametrize("type_", sorted(VIEWS))
def test_what_a_view_makes_has_the_providers_form(type_: str) -> None:
    assert conforms(with_data(type_, whole(type_)))
    assert conforms(with_data(type_, {}))


def test_the_seeded_estates_views_have_the_providers_form() -> None:
    store = AssetStore(lambda: datetime(2025, 6, 1, tzinfo=UTC))
    estate.seed(store)
    seen: set[str] = set()
    for project in store.projects():
        for asset in store.under(f"projects/{project}"):
            version = asset.versions[-1]
            made = document(
                name=asset.name,
                asset_type=asset.type,
                data=version.data,
                location=None,
                policy=version.policy,
            )
            if conforms(resource(account=project, document=made)):
                seen.add(asset.type)
    assert len(seen) >= 11, seen


@pytest.mark.shared
def test_the_views_of_recorded_assets_have_the_providers_form() -> None:
    recorded = SHARED / "fixtures" / "gcp" / "cai"
    if not recorded.is_dir():
        pytest.skip("no ../shared")
    seen: set[str] = set()
    for path in sorted(recorded.glob("*/assets.json")):
        for asset in json.loads(path.read_text()):
            if (asset.get("resource") or {}).get("data") is None:
                continue
            made = document(
                name=asset["name"], asset_type=asset["asset_type"], data=asset["resource"]["data"], location=None, policy=None
            )  # fmt: skip
            if conforms(resource(account="p", document=made)):
                seen.add(asset["asset_type"])
    assert len(seen) >= 10, seen
