"""What Cloud Asset tells of an asset beside the resource itself, one listing for each kind of content.

A document has a field for each: ``iamPolicy``, ``orgPolicy``, ``accessPolicy``/``accessLevel``/``servicePerimeter`` and
``osInventory``. Each listing can fail alone; its field is then unread wherever it might have been, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.resource import ANY

CONTAINERS: Final = (
    "cloudresourcemanager.googleapis.com/Organization",
    "cloudresourcemanager.googleapis.com/Folder",
    "cloudresourcemanager.googleapis.com/Project",
)
_ACCESS: Final = "accesscontextmanager.googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One kind of content."""

    name: str
    """Cloud Asset's name of it."""
    permission: str
    what: str
    """What a person calls it, in the plural."""
    fields: Mapping[str, str]
    """Asset type, or ``*``, -> the document's field."""
    organizations: bool = False
    """Whether only a listing of an organisation has it."""

    def field(self, asset_type: str) -> str | None:
        """The field an asset of this type has it in; None for types that have none."""
        return self.fields.get(asset_type) or self.fields.get(ANY)

    def types(self, pattern: str) -> tuple[str, ...] | None:
        """The types to ask for where a scope wants ``pattern``: empty for all of the scope's, None for nothing to ask."""
        if ANY in self.fields:
            return ()
        found = tuple(
            t for t in self.fields if t == pattern or (pattern.endswith(ANY) and t.startswith(pattern[:-1]))
        )
        return found or None


IAM_POLICY: Final = Content(
    name="IAM_POLICY",
    permission="cloudasset.assets.listIamPolicy",
    what="IAM policies",
    fields={ANY: "iamPolicy"},
)
ORG_POLICY: Final = Content(
    name="ORG_POLICY",
    permission="cloudasset.assets.listOrgPolicy",
    what="organisation policies",
    fields=dict.fromkeys(CONTAINERS, "orgPolicy"),
)
ACCESS_POLICY: Final = Content(
    name="ACCESS_POLICY",
    permission="cloudasset.assets.listAccessPolicy",
    what="access policies",
    fields={
        f"{_ACCESS}/AccessPolicy": "accessPolicy",
        f"{_ACCESS}/AccessLevel": "accessLevel",
        f"{_ACCESS}/ServicePerimeter": "servicePerimeter",
    },
    organizations=True,
)
OS_INVENTORY: Final = Content(
    name="OS_INVENTORY",
    permission="cloudasset.assets.listOSInventories",
    what="OS inventories",
    fields={"compute.googleapis.com/Instance": "osInventory"},
)


def contents(*, os_inventory: bool) -> tuple[Content, ...]:
    """What is read beside resources. OS inventories are large and change with every update, so they are asked for."""
    return (IAM_POLICY, ORG_POLICY, ACCESS_POLICY, *((OS_INVENTORY,) if os_inventory else ()))


def unasked(asset_type: str, cause: str, *, os_inventory: bool = False) -> dict[str, str]:
    """The fields an asset of this type might have had where only the resource and its IAM policy were asked for."""
    fields = (c.field(asset_type) for c in contents(os_inventory=os_inventory) if c is not IAM_POLICY)
    return {field: cause for field in fields if field}
