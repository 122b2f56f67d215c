"""Resource ids: taken apart, compared without case, never guessed at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.azure.names import (
    GROUP,
    MANAGEMENT_GROUP,
    ROLE_ASSIGNMENT,
    SUBSCRIPTION,
    above,
    parse,
    ref_of,
    region_of,
)
from providers.resource import ANY, GLOBAL

GROUPS = "/providers/Microsoft.Management/managementGroups"
SUB = "/subscriptions/A0-B"
WORD = st.text("abcXYZ019-_.", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "type_", "uid"),
    [
        (SUB, SUBSCRIPTION, "/subscriptions/a0-b"),
        (f"{SUB}/resourceGroups/RG/", GROUP, "/subscriptions/a0-b/resourcegroups/rg"),
        (
            f"{SUB}/resourceGroups/RG/providers/Microsoft.Sql/servers/S/databases/D",
            "microsoft.sql/servers/databases",
            "/subscriptions/a0-b/resourcegroups/rg/providers/microsoft.sql/servers/s/databases/d",
        ),
        (
            f"{SUB}/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/X/providers/Microsoft.Authorization/locks/L",
            "microsoft.authorization/locks",
            "/subscriptions/a0-b/resourcegroups/rg/providers/microsoft.storage/storageaccounts/x/providers/microsoft.authorization/locks/l",
        ),
    ],
)
def test_an_id_tells_type_and_uid(text: str, type_: str, uid: str) -> None:
    identity = parse(text)
    assert (identity.type, identity.uid, identity.account) == (type_, uid, "a0-b")
    assert ref_of(identity).region == ANY


@pytest.mark.parametrize(
    ("text", "account", "type_"),
    [
        (f"{GROUPS}/MG-A", "managementgroups/mg-a", MANAGEMENT_GROUP),
        (f"{GROUPS}/MG-A/providers/Microsoft.Authorization/roleAssignments/R", "managementgroups/mg-a", ROLE_ASSIGNMENT),
        ("/providers/Microsoft.Authorization/roleAssignments/R", "tenants/t-1", ROLE_ASSIGNMENT),
    ],
)  # fmt: skip
def test_an_id_above_the_subscriptions_tells_its_account(text: str, account: str, type_: str) -> None:
    identity = parse(text, "T-1")
    assert (identity.account, identity.type, identity.uid) == (account, type_, text.lower())
    assert above(account)
    assert not above("a0-b")


def test_what_is_at_a_root_needs_to_be_told_whose() -> None:
    with pytest.raises(ValueError, match="not told of whose"):
        parse("/providers/Microsoft.Authorization/roleAssignments/R")


def test_the_chain_goes_from_the_part_to_the_whole() -> None:
    database = f"{SUB}/resourceGroups/RG/providers/Microsoft.Sql/servers/S/databases/D"
    assert [i.type for i in parse(database).chain()] == [
        "microsoft.sql/servers/databases",
        "microsoft.sql/servers",
    ]
    lock = parse(f"{database}/providers/Microsoft.Authorization/locks/L")
    assert [i.uid for i in lock.chain()] == [lock.uid]
    assert lock.extension
    assert lock.scope == database.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/subscriptions",
        "/subscriptions/",
        "subscriptions/a",
        "/tenants/a",
        f"{SUB}/providers/Microsoft.X",
        f"{SUB}/providers/Microsoft.X/kind",
        f"{SUB}/whatever",
        f"{SUB}//resourceGroups/x",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Azure resource|names no resource"):
        parse(text)


@settings(deadline=None)
@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=4), WORD, WORD)
def test_an_id_survives_being_taken_apart(pairs: list[tuple[str, str]], group: str, namespace: str) -> None:
    path = "/".join(f"{t}/{n}" for t, n in pairs)
    text = f"{SUB}/resourceGroups/{group}/providers/{namespace}/{path}"
    assert parse(text).uid == text.lower()
    assert parse(parse(text).uid) == parse(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_an_id_or_a_value_error(text: str) -> None:
    try:
        assert parse(text).uid
    except ValueError as error:
        assert "id of an Azure resource" in str(error) or "names no resource" in str(error)


def test_regions_are_spelled_one_way() -> None:
    assert region_of("West Europe") == "westeurope"
    assert region_of(None) == region_of("") == region_of("global") == GLOBAL
