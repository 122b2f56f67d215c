"""Each Azure view over documents with every property that Azure's own SDK knows (``tools/arm_properties.py`` made the
listing), over the seeded estate and over recorded answers: it asks for nothing that does not exist, and what it makes has
the form that Terraform's provider says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from beside import loaded

from providers.azure import terraform
from providers.azure.details import ABOVE, DETAILS
from providers.azure.document import resource_of
from providers.azure.names import ROLE_ASSIGNMENT
from providers.resource import Resource
from providers.sandbox.azure import estate
from providers.sandbox.azure.arm import ArmStore
from providers.sandbox.azure.groups import TENANT
from providers.terraform import AbsentBlock

PROPERTIES = json.loads(Path(__file__).with_name("arm-properties.json").read_text())["types"]
SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[4].parent / "shared"))
BASE = "/subscriptions/s/resourceGroups/g/providers"
GRAPHS_OWN = {"resourceGroup"}
"""What Resource Graph adds to every row."""
NEWER = {"microsoft.sql/servers/databases": {"properties.isLedgerOn"}}
"""Properties of API versions newer than the SDK's."""


FORMS = loaded(Path(__file__).parents[1] / "terraform_forms.py")


def variants(azure_type: str) -> Iterator[dict[str, Any]]:
    """The whole document; once for each Terraform type that it may be."""
    whole = {**PROPERTIES[azure_type], "id": f"{BASE}/{azure_type}/x"}
    match azure_type:
        case "microsoft.web/sites":
            for kind in ("functionapp", "functionapp,linux", "app", "app,linux"):
                yield {**whole, "kind": kind}
        case "microsoft.compute/virtualmachinescalesets":
            for system in ("Linux", "Windows"):
                copy = json.loads(json.dumps(whole))
                copy["properties"]["virtualMachineProfile"]["storageProfile"]["osDisk"]["osType"] = system
                yield copy
        case "microsoft.dbforpostgresql/flexibleservers":
            yield json.loads(json.dumps(whole).replace('"text"', '"Enabled"'))
        case _:
            yield whole


def with_document(azure_type: str, document: Any) -> Resource:
    steps = azure_type.split("/")
    path = "/".join([steps[0], *(f"{step}/n{n}" for n, step in enumerate(steps[1:]))])
    ref = resource_of({"id": f"{BASE}/{path}", "properties": {}}).ref
    return Resource(ref=ref, name="x", document=document)


@pytest.mark.parametrize("azure_type", sorted(PROPERTIES))
def test_a_view_asks_only_for_properties_that_exist(azure_type: str) -> None:
    for document in variants(azure_type):
        missed: list[str] = []
        made = terraform.view_of(with_document(azure_type, FORMS.Seen(document, missed)))
        assert made is not None
        assert made.unread == {}
        assert set(missed) - GRAPHS_OWN - NEWER.get(azure_type, set()) == set()


def test_every_view_but_the_first_ones_is_checked_so() -> None:
    known = {
        "microsoft.compute/disks",
        "microsoft.compute/virtualmachines",
        "microsoft.containerservice/managedclusters",
        "microsoft.keyvault/vaults",
        "microsoft.network/networksecuritygroups",
        "microsoft.network/publicipaddresses",
        "microsoft.network/virtualnetworks",
        "microsoft.resources/subscriptions/resourcegroups",
        "microsoft.sql/servers",
        "microsoft.storage/storageaccounts",
    }
    assert set(terraform.VIEWS) - set(PROPERTIES) == known


def conforms(resource: Resource) -> bool:
    made = terraform.view_of(resource)
    if made is None:
        return False
    assert list(FORMS.strays(made.attributes, FORMS.schema_of(made.type))) == [], resource.uid
    for absent in AbsentBlock:
        json.dumps(made.render(absent))
    return True


@pytest.mark.parametrize("azure_type", sorted(PROPERTIES))
def test_what_a_view_makes_has_the_providers_form(azure_type: str) -> None:
    for document in variants(azure_type):
        assert conforms(with_document(azure_type, document))


def test_the_seeded_estates_views_have_the_providers_form() -> None:
    store = ArmStore(lambda: datetime(2025, 6, 1, tzinfo=UTC))
    estate.seed(store)
    resources = [resource_of(item, TENANT) for item in store.items()]
    unseen = [r for r in resources if not conforms(r)]
    assert len(resources) - len(unseen) > 60
    # What is read beside Resource Graph's own tables is judged by its document; it has no views yet.
    without = {"microsoft.security/pricings", *DETAILS, *(ABOVE.keys() - {ROLE_ASSIGNMENT})}
    assert {r.ref.type for r in unseen} <= without


@pytest.mark.shared
def test_the_views_of_recorded_answers_have_the_providers_form() -> None:
    cassettes = SHARED / "fixtures" / "azure" / "cassettes"
    if not cassettes.is_dir():
        pytest.skip("no ../shared")

    def rows(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "/providers/" in str(value.get("id")) and isinstance(value.get("properties"), dict):
                yield value
            for inner in value.values():
                yield from rows(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from rows(inner)

    seen: set[str] = set()
    for path in sorted(cassettes.glob("*.json")):
        for row in rows(json.loads(path.read_text())):
            try:
                resource = resource_of(row)
            except ValueError:
                continue  # an assignment of a management group, say
            if conforms(resource):
                seen.add(resource.ref.type)
    assert len(seen) >= 5, seen
