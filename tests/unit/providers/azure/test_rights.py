"""Permissions: whether nothing could have been hidden from a reading."""

from __future__ import annotations

from typing import Any

import pytest

from providers.azure.rights import missing


def allowed(*actions: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"actions": list(actions), "notActions": list(without)}


CONTRIBUTOR = (
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
)


@pytest.mark.parametrize(
    ("permissions", "action", "is_missing"),
    [
        ([allowed("*")], "*/read", False),
        ([allowed("*/read")], "*/read", False),
        ([allowed("*", without=CONTRIBUTOR)], "*/read", False),
        ([allowed("*/read", without=("Microsoft.KeyVault/*",))], "*/read", True),
        ([allowed("*/read", without=("Microsoft.KeyVault/*",))], "microsoft.storage/*/read", False),
        ([allowed("*/read", without=("Microsoft.KeyVault/*/read",)), allowed("*/READ")], "*/read", False),
        ([allowed("Microsoft.Storage/*/read")], "*/read", True),
        ([allowed("Microsoft.Storage/*/read")], "microsoft.storage/storageaccounts/read", False),
        ([allowed("Microsoft.Storage/*")], "microsoft.storage/*/read", False),
        ([allowed("Microsoft.Network/*/read")], "microsoft.storage/storageaccounts/read", True),
        ([], "*/read", True),
        ([{}], "*/read", True),
    ],
)
def test_an_action_is_granted_whole_or_missing(permissions: list[Any], action: str, is_missing: bool) -> None:
    assert missing(permissions, action) is is_missing
