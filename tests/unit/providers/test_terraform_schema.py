"""Every Terraform view against the schemas of Terraform's own providers (``tools/terraform_schema.py`` made the listing).

A view may give less than the provider knows, never something it does not: a policy written for a plan would read it in
vain there, and one written for us would read it in vain in the plan.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from beside import loaded

from providers.terraform import ABSENT_BLOCK, TerraformType

FORMS = loaded(Path(__file__).with_name("terraform_forms.py"))
LISTING, OURS, strays = FORMS.LISTING, FORMS.OURS, FORMS.strays
CLOUDS = {"aws": "aws_", "azure": "azurerm_", "gcp": "google_"}


def declared() -> Iterator[tuple[str, TerraformType]]:
    for cloud in CLOUDS:
        for view in importlib.import_module(f"providers.{cloud}.terraform").declared():
            yield cloud, view


VIEWS = sorted(
    {view.name: (cloud, view) for cloud, view in declared()}.values(), key=lambda found: found[1].name
)


def test_there_are_as_many_views_as_the_issue_asks_for() -> None:
    assert len(VIEWS) >= 80
    assert set(LISTING["types"]) == {view.name for _, view in VIEWS}, "run tools/terraform_schema.py anew"
    assert {source.partition(" ")[0] for source in LISTING["providers"]} == {"aws", "azurerm", "google"}
    for cloud, prefix in CLOUDS.items():
        assert sum(view.name.startswith(prefix) for c, view in VIEWS if c == cloud) >= 20, cloud


@pytest.mark.parametrize(("cloud", "view"), [pytest.param(*found, id=found[1].name) for found in VIEWS])
def test_a_view_has_only_attributes_that_the_provider_has(cloud: str, view: TerraformType) -> None:
    assert view.name.startswith(CLOUDS[cloud])
    known = LISTING["types"][view.name].keys()
    unknown = {name for name in view.attributes if name not in known and (view.name, name) not in OURS}
    assert unknown == set()


def test_what_is_ours_alone_is_still_so() -> None:
    for type_, path in OURS:
        FORMS.schema_of(type_)
        assert any(path.partition(".")[0] in view.attributes for _, view in VIEWS if view.name == type_)


def test_the_comparison_finds_what_it_is_for() -> None:
    schema = {"tags": "map", "size": "number", "rule": ["set", {"name": "string"}]}
    good = {"tags": {}, "size": 3, "rule": [{"name": "a"}]}
    assert list(strays(good, schema)) == []
    assert list(strays({"rule": ABSENT_BLOCK, "size": None}, schema)) == []
    for bad in (
        {"colour": 1},
        {"size": "3"},
        {"size": True},
        {"tags": []},
        {"rule": {"name": "a"}},
        {"rule": [{"name": "a", "port": 1}]},
        {"rule": [{"name": ["a"]}]},
    ):
        assert list(strays({**good, **bad}, schema)) != [], bad
