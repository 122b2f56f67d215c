"""Scopes, their queries and the role: what is asked for is exactly what is claimed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.clouds import AzureSettings
from providers.azure.details import DETAILS, Detail
from providers.azure.discovery import narrow
from providers.azure.names import SUBSCRIPTION, parse
from providers.azure.permissions import role
from providers.azure.queries import LEFT_OUT, excluded_from, queries, quoted
from providers.azure.reader import inherited
from providers.resource import ANY, GLOBAL, Scope
from providers.sandbox.azure.kql_syntax import Binary as Comparison
from providers.sandbox.azure.kql_syntax import Literal
from providers.sandbox.azure.kql_syntax import parse as parsed


def scope(of_type: str = ANY, region: str = ANY) -> Scope:
    return Scope("azure", "s", region, of_type)


def tables(asked: tuple[str, ...]) -> list[str]:
    return [parsed(query).table for query in asked]


def test_everything_is_five_tables_each_ordered_by_id() -> None:
    asked = queries(scope(), ())
    assert tables(asked) == [
        "resourcecontainers",
        "authorizationresources",
        "policyresources",
        "securityresources",
        "resources",
    ]
    assert all(query.endswith("| order by id asc") for query in asked)


@pytest.mark.parametrize(
    ("of_type", "wanted"),
    [
        ("microsoft.storage/storageaccounts", ["resources"]),
        ("microsoft.storage/*", ["resources"]),
        ("microsoft.resources/subscriptions/resourcegroups", ["resourcecontainers"]),
        ("microsoft.resources/*", ["resourcecontainers", "resources"]),
        ("microsoft.authorization/roleassignments", ["authorizationresources"]),
        ("microsoft.authorization/policyassignments", ["policyresources"]),
        ("microsoft.authorization/*", ["authorizationresources", "policyresources", "resources"]),
        ("microsoft.policyinsights/policystates", ["policyresources", "resources"]),
        ("microsoft.security/pricings", ["securityresources"]),
        ("microsoft.security/automations", ["securityresources", "resources"]),
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


def test_what_is_not_asked_for_is_said_to_be_left_out() -> None:
    assert excluded_from(scope(), ["Microsoft.Network/*"]) == ("microsoft.network/*", *LEFT_OUT, *DETAILS)
    security = excluded_from(scope("microsoft.security/*"), [])
    assert "microsoft.security/assessments*" in security
    assert "microsoft.security/securitycontacts" in security
    assert not any(p.startswith(("microsoft.policyinsights", "microsoft.sql")) for p in security)
    # Who names it, gets it.
    assert excluded_from(scope("microsoft.security/assessments"), []) == ()
    assert "microsoft.security/assessments*" not in excluded_from(
        scope("microsoft.security/assessments*"), []
    )


@pytest.mark.parametrize("detail", DETAILS.values(), ids=lambda detail: detail.type)
def test_every_detail_is_declared_soundly(detail: Detail) -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d(-preview)?", detail.version)
    assert detail.type == detail.spelled.lower()
    assert detail.permission == f"{detail.spelled}/read"
    assert detail.what
    assert detail.below
    for parent, path in detail.below.items():
        assert parent == parent.lower()
        assert parent not in DETAILS, "a detail of a detail is not listed"
        pairs = "/".join(f"{one}/n" for one in parent.split("/")[1:])
        whole = "/subscriptions/s"
        if parent != SUBSCRIPTION:
            whole += f"/resourceGroups/g/providers/{parent.split('/')[0]}/{pairs}"
        assert parse(whole).type == parent
        assert parse(f"{whole}{path}/name").type == detail.type


@settings(deadline=None)
@given(st.text(max_size=40).filter(lambda t: "\n" not in t))
def test_no_text_ends_its_quotes_early(text: str) -> None:
    operator = parsed(f"resources | where type =~ {quoted(text)}").operators[0]
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


def test_the_role_reads_the_details_of_the_types_and_the_groups() -> None:
    actions = role(AzureSettings(types=("microsoft.sql/servers/firewallrules",)), contain=False)["Actions"]
    assert {
        "Microsoft.Sql/servers/firewallRules/read",
        "microsoft.sql/servers/read",
        "Microsoft.Resources/subscriptions/resources/read",
    } <= set(actions)
    assert not any("storage" in action.lower() for action in actions)
    without = AzureSettings(
        types=("microsoft.sql/*",), exclude_types=("microsoft.sql/servers/firewallrules",)
    )
    assert "Microsoft.Sql/servers/firewallRules/read" not in role(without, contain=False)["Actions"]
    grouped = role(AzureSettings(types=("a.b/c",), management_groups=("mg-1",)), contain=False)
    assert "Microsoft.Management/managementGroups/descendants/read" in grouped["Actions"]
    assert grouped["AssignableScopes"] == ["/providers/Microsoft.Management/managementGroups/mg-1"]


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
