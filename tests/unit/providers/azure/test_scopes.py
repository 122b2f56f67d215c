"""Scopes, their queries and the role: what is asked for is exactly what is claimed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import AzureSettings
from providers.azure.discovery import narrow
from providers.azure.permissions import role
from providers.azure.reader import inherited, queries, quoted
from providers.resource import ANY, GLOBAL, Scope
from providers.sandbox.azure.kql_syntax import Binary as Comparison
from providers.sandbox.azure.kql_syntax import Literal, parse


def scope(of_type: str = ANY, region: str = ANY) -> Scope:
    return Scope("azure", "s", region, of_type)


def tables(asked: tuple[str, ...]) -> list[str]:
    return [parse(query).table for query in asked]


def test_everything_is_three_tables_each_ordered_by_id() -> None:
    asked = queries(scope(), ())
    assert tables(asked) == ["resourcecontainers", "authorizationresources", "resources"]
    assert all(query.endswith("| order by id asc") for query in asked)


@pytest.mark.parametrize(
    ("of_type", "wanted"),
    [
        ("microsoft.storage/storageaccounts", ["resources"]),
        ("microsoft.storage/*", ["resources"]),
        ("microsoft.resources/subscriptions/resourcegroups", ["resourcecontainers"]),
        ("microsoft.resources/*", ["resourcecontainers", "resources"]),
        ("microsoft.authorization/roleassignments", ["authorizationresources"]),
    ],
)
def test_a_type_is_asked_of_the_table_that_lists_it(of_type: str, wanted: list[str]) -> None:
    assert tables(queries(scope(of_type), ())) == wanted


def test_regions_and_exclusions_are_conditions() -> None:
    asked = queries(scope(region=GLOBAL), ("microsoft.network/*", "microsoft.sql/servers"))
    for query in asked:
        assert "type !startswith 'microsoft.network/'" in query
        assert "type !~ 'microsoft.sql/servers'" in query
        assert "isempty(location)" in query
    assert "location =~ 'westeurope'" in queries(scope(region="westeurope"), ())[0]


@settings(deadline=None)
@given(st.text(max_size=40).filter(lambda t: "\n" not in t))
def test_no_text_ends_its_quotes_early(text: str) -> None:
    operator = parse(f"resources | where type =~ {quoted(text)}").operators[0]
    assert isinstance(operator.condition, Comparison)
    assert operator.condition.right == Literal(text)


@pytest.mark.parametrize(
    ("configured", "selected", "types"),
    [
        ((), (), ("*",)),
        (("Microsoft.Storage/*",), (), ("microsoft.storage/*",)),
        (
            ("microsoft.storage/*",),
            ("microsoft.storage/storageaccounts",),
            ("microsoft.storage/storageaccounts",),
        ),
        (("microsoft.storage/storageaccounts",), ("microsoft.*",), ("microsoft.storage/storageaccounts",)),
        (("microsoft.storage/*",), ("microsoft.sql/*",), ()),
        (("microsoft.*", "microsoft.sql/*"), (), ("microsoft.*",)),
    ],
)
def test_types_are_what_configuration_and_selection_both_want(
    configured: tuple[str, ...], selected: tuple[str, ...], types: tuple[str, ...]
) -> None:
    assert narrow(configured, selected) == types


def test_the_role_reads_all_or_what_is_configured() -> None:
    assert role(AzureSettings(), contain=False)["Actions"] == ["*/read"]
    narrow_role = role(AzureSettings(types=("microsoft.storage/*",), subscriptions=("s-1",)), contain=False)
    assert "microsoft.storage/*/read" in narrow_role["Actions"]
    assert "*/read" not in narrow_role["Actions"]
    assert "Microsoft.Authorization/permissions/read" in narrow_role["Actions"]
    assert narrow_role["AssignableScopes"] == ["/subscriptions/s-1"]


def test_only_the_containing_role_may_write() -> None:
    assert not any(
        action.endswith(("/write", "/action", "/delete"))
        for action in role(AzureSettings(), contain=False)["Actions"]
    )
    assert role(AzureSettings(), contain=True)["Actions"] == [
        "*/read",
        "Microsoft.Resources/tags/write",
        "Microsoft.Storage/storageAccounts/write",
    ]


def test_what_is_inherited_from_above_does_not_live_in_a_subscription() -> None:
    assert inherited(
        {
            "id": "/providers/Microsoft.Management/managementGroups/g/providers/Microsoft.Authorization/roleAssignments/r"
        }
    )
    assert not inherited({"id": "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/r"})
    assert not inherited({"id": None})
