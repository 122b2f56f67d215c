"""The least role, as an Azure custom role definition (``az role definition create --role-definition @role.json``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from config.clouds import AzureSettings
from providers.azure.above import LISTING as LISTING_GROUPS
from providers.azure.actions import CHANGES
from providers.azure.deeds import PERMISSION
from providers.azure.details import ABOVE, DETAILS, Detail
from providers.azure.discovery import DESCENDANTS
from providers.azure.queries import within
from providers.azure.rights import QUEUE_ROLE
from providers.hcl import Block, Raw, render
from providers.roles import Role, chosen_kinds

ALWAYS = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/providers/read",
    "Microsoft.ResourceGraph/resources/read",
    "Microsoft.Resources/changes/read",
    "Microsoft.Authorization/permissions/read",
)
"""What reading needs apart from the resources themselves."""
LISTING: Final = "Microsoft.Resources/subscriptions/resources/read"
"""What finding the parents of details needs."""


_GROUP: Final = "/providers/Microsoft.Management/managementGroups/"
ANYWHERE: Final = f"{_GROUP}<your root management group>"
"""Where a role may be assigned when no subscription is configured: to be replaced by hand."""


def role(settings: AzureSettings, *, contain: bool, kinds: Collection[str] = ()) -> Mapping[str, Any]:
    """A custom role for reading what is configured, and for acting on it with ``contain``: all actions, or ``kinds``.

    It can be assigned at the subscriptions and at the first management group; :func:`roles` has one for each. Raises
    UsageError for an unknown action.
    """
    actions = set(ALWAYS)
    if not settings.types or "*" in settings.types:
        actions = {"*/read"}
    for pattern in settings.types:
        stem = pattern.rstrip("*").rstrip("/")
        if stem:
            actions.add(f"{stem}/*/read" if pattern.endswith("*") else f"{stem}/read")
    for detail in _details(settings, ABOVE):
        actions.update((detail.permission, LISTING_GROUPS))
    for detail in _details(settings, DETAILS):
        actions.update((detail.permission, *(f"{parent}/read" for parent in detail.parents)))
        if detail.parents:
            actions.add(LISTING)
    if settings.management_groups or settings.exclude_management_groups:
        actions.add(DESCENDANTS)
    if settings.who.enabled:
        actions.add(PERMISSION)
    if contain:
        for kind in chosen_kinds(CHANGES, kinds):
            actions.update(CHANGES[kind].declared.permissions)
    if "*/read" in actions:
        actions = {a for a in actions if not a.endswith("/read")} | {"*/read"}
    return {
        "Name": "Watchstander Containment" if contain else "Watchstander Reader",
        "IsCustom": True,
        "Description": "Reads what Watchstander inventories"
        + (", and contains what it may." if contain else "."),
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [
            *(_GROUP + group for group in settings.management_groups[:1]),
            *(f"/subscriptions/{s}" for s in settings.subscriptions),
        ]
        or [ANYWHERE],
    }


def roles(
    settings: AzureSettings, *, contain: bool, kinds: Collection[str] = ()
) -> tuple[Mapping[str, Any], ...]:
    """A role for each management group, since Azure takes one alone into a custom role's AssignableScopes, and no two roles of one
    name into a tenant. Raises UsageError for an unknown action."""
    first = role(settings, contain=contain, kinds=kinds)
    more = settings.management_groups[1:]
    named = f"{first['Name']} ({settings.management_groups[0]})" if more else first["Name"]
    return (
        {**first, "Name": named},
        *(
            {**first, "Name": f"{first['Name']} ({group})", "AssignableScopes": [_GROUP + group]}
            for group in more
        ),
    )


def _details(settings: AzureSettings, declared: Mapping[str, Detail]) -> list[Detail]:
    """The details that are read, where types are named: without names, all reading is granted anyway."""
    wanted = [t.lower() for t in settings.types]
    never = [t.lower() for t in settings.exclude_types]
    return [
        detail
        for of_type, detail in declared.items()
        if any(within(of_type, w) for w in wanted) and not any(within(of_type, n) for n in never)
    ]


def as_role(settings: AzureSettings, *, contain: bool, kinds: Collection[str] = ()) -> Role:
    """The same with its Terraform form. A custom role lives in one tenant and holds one management group: for several, a part for
    each."""
    if not settings.tenants:
        return _of_one(settings, contain=contain, kinds=kinds)
    each = [
        (str(one.tenant_id), _of_one(one, contain=contain, kinds=kinds, tenant=str(one.tenant_id)))
        for one in settings.each()
    ]
    owners = [tenant for tenant, one in each for _ in one.documents]
    return replace(
        each[0][1],
        permissions=tuple(sorted({action for _, one in each for action in one.permissions})),
        documents=tuple(document for _, one in each for document in one.documents),
        terraform="\n".join(
            f"# Tenant {tenant}: with a provider of its own.\n{one.terraform}" for tenant, one in each
        ),
        apply="az login --tenant TENANT, then az role definition create --role-definition @FILE-N",
        notes=(
            *(f"Part {number} is for tenant {tenant}." for number, tenant in enumerate(owners, 1)),
            *dict.fromkeys(note for _, one in each for note in one.notes),
        ),
    )


def _of_one(settings: AzureSettings, *, contain: bool, kinds: Collection[str], tenant: str = "") -> Role:
    documents = roles(settings, contain=contain, kinds=kinds)
    everywhere = documents[0]["AssignableScopes"] == [ANYWHERE]
    blocks = []
    variable = _label("watchstander_scope", tenant)
    if everywhere:
        blocks.append(
            Block(
                "variable",
                (variable,),
                {
                    "description": "The management group or subscription that is watched, as a resource id.",
                    "type": Raw("string"),
                },
            )
        )
    what = "watchstander_contain" if contain else "watchstander_read"
    groups = settings.management_groups if len(documents) > 1 else ("",)
    for group, document in zip(groups, documents, strict=True):
        scopes = [Raw(f"var.{variable}")] if everywhere else document["AssignableScopes"]
        blocks.append(
            Block(
                "resource",
                ("azurerm_role_definition", _label(what, tenant, group)),
                {
                    "name": document["Name"],
                    "scope": scopes[0],
                    "description": document["Description"],
                    "assignable_scopes": scopes,
                    "permissions": Block(
                        "permissions",
                        (),
                        {
                            "actions": document["Actions"],
                            "not_actions": document["NotActions"],
                        },
                    ),
                },
            )
        )
    return Role(
        cloud="azure",
        title=documents[0]["Name"],
        permissions=tuple(documents[0]["Actions"]),
        documents=documents,
        terraform=render(blocks),
        apply=f"az role definition create --role-definition @FILE{'-N' if len(documents) > 1 else ''}",
        notes=tuple(_notes(settings, everywhere=everywhere, contain=contain)),
    )


def _label(*parts: str) -> str:
    """A name for Terraform's language that tells parts of one configuration apart."""
    return re.sub(r"[^a-z0-9]+", "_", "_".join(filter(None, parts)).lower())


def _notes(settings: AzureSettings, *, everywhere: bool, contain: bool) -> Iterator[str]:
    if everywhere:
        yield "No subscription is configured: put your management group or subscription into AssignableScopes."
    if len(settings.management_groups) > 1:
        yield (
            "Azure takes one management group into a custom role, so there is a role for each; one at a management group above"
            " them all would do, too."
        )
    if settings.events.queue_url and not contain:
        # Data actions: a role that has some cannot be assigned at a management group.
        yield (
            f"To take messages, assign the built-in role *{QUEUE_ROLE}* at the queue"
            f" {settings.events.queue_url}: it has data actions, which this role cannot hold."
        )
