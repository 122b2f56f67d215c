"""The least role the configuration needs, as a custom role (``gcloud iam roles create --file``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from config.clouds import GcpSettings
from providers.gcp.actions import KINDS
from providers.gcp.catalog import TYPES
from providers.gcp.contents import contents
from providers.gcp.deeds import PERMISSION
from providers.hcl import Block, Raw, render
from providers.roles import Role, chosen_kinds

LISTING = ("cloudasset.assets.listResource", "serviceusage.services.use")
"""To list everything and to use the API's quota; each further content has a permission of its own, and history asks for
those of resources and IAM policies."""
ORGANIZATION_ONLY: Final = (
    "resourcemanager.organizations.",
    "resourcemanager.folders.",
    "resourcemanager.projects.list",
    "accesscontextmanager.",
    "cloudasset.assets.listAccessPolicy",
    "orgpolicy.",
)
"""Permissions (by prefix) that a custom role of a project cannot hold: they mean nothing there."""


def role(
    settings: GcpSettings | None = None, *, contain: bool, events: bool = False, kinds: Collection[str] = ()
) -> dict[str, Any]:
    """The role to read (with ``events``, to take messages too), or to contain (which includes what an action reads).

    Re-reads need the GET of each declared type the settings choose. Raises UsageError for an unknown action.
    """
    if contain:
        wanted = {p for kind in chosen_kinds(KINDS, kinds) for p in KINDS[kind].declared.permissions}
        title, what = "Watchstander contain", "the changes Watchstander can make"
    else:
        wanted = {*LISTING, *(("pubsub.subscriptions.consume",) if events else ())}
        if settings is not None and settings.search_every is not None:
            wanted.add("cloudasset.assets.searchAllResources")
        for content in contents(os_inventory=settings is not None and settings.os_inventory):
            if settings is None or any(_is_read(t, settings) or t == "*" for t in content.fields):
                wanted.add(content.permission)
        if settings is None or settings.who.enabled:
            wanted.add(PERMISSION)
        for declared in TYPES.values():
            if settings is not None and not _is_read(declared.type, settings):
                continue
            wanted.add(declared.permission)
            if declared.iam is not None:
                wanted.add(declared.iam.permission)
            if declared.constraints is not None:
                wanted.add(declared.constraints.permission)
        title, what = "Watchstander read", "what Watchstander reads"
    return {
        "title": title,
        "description": f"Exactly {what}.",
        "stage": "GA",
        "includedPermissions": sorted(wanted),
    }


def _is_read(type_: str, settings: GcpSettings) -> bool:
    return (not settings.types or _matches(type_, settings.types)) and not _matches(
        type_, settings.exclude_types
    )


def _matches(type_: str, patterns: Collection[str]) -> bool:
    return any(type_.startswith(p[:-1]) if p.endswith("*") else type_ == p for p in patterns)


def as_role(settings: GcpSettings, *, contain: bool, kinds: Collection[str] = ()) -> Role:
    """The same with its Terraform form: one custom role in the organisation, or one in each configured project."""
    document = role(settings, contain=contain, events=bool(settings.subscriptions), kinds=kinds)
    id_ = "watchstanderContain" if contain else "watchstanderRead"
    projects = [p.removeprefix("projects/") for p in settings.parents if p.startswith("projects/")]
    organizations = [p.partition("/")[2] for p in settings.parents if p.startswith("organizations/")]
    in_projects = bool(projects) and len(projects) == len(settings.parents)
    notes = []
    if in_projects:
        document["includedPermissions"] = [
            p for p in document["includedPermissions"] if not p.startswith(ORGANIZATION_ONLY)
        ]
        if len(projects) > 1:
            notes.append(
                f"A custom role belongs to one project: create it in each of {', '.join(projects)}, or once in the"
                " organisation."
            )
    elif not organizations:
        notes.append("Custom roles live in an organisation or a project: put your organisation's number in.")
    owner = (
        f"--project={projects[0]}" if in_projects else f"--organization={(organizations or ['NUMBER'])[0]}"
    )
    blocks = _terraform(document, id_, tuple(projects) if in_projects else (), tuple(organizations))
    return Role(
        cloud="gcp",
        title=document["title"],
        permissions=tuple(document["includedPermissions"]),
        documents=(document,),
        terraform=render(list(blocks)),
        apply=f"gcloud iam roles create {id_} {owner} --file=FILE",
        notes=tuple(notes),
    )


def _terraform(
    document: dict[str, Any], id_: str, projects: tuple[str, ...], organizations: tuple[str, ...]
) -> Iterator[Block]:
    body = {
        "role_id": id_,
        "title": document["title"],
        "description": document["description"],
        "stage": document["stage"],
        "permissions": document["includedPermissions"],
    }
    name = "watchstander_contain" if id_.endswith("Contain") else "watchstander_read"
    for number, project in enumerate(projects, 1):
        label = name if len(projects) == 1 else f"{name}_{number}"
        yield Block("resource", ("google_project_iam_custom_role", label), {"project": project, **body})
    if projects:
        return
    if not organizations:
        yield Block(
            "variable",
            ("watchstander_organization",),
            {"description": "The organisation's number.", "type": Raw("string")},
        )
    for number, organization in enumerate(organizations or ("",), 1):
        label = name if len(organizations) < 2 else f"{name}_{number}"
        owner = organization or Raw("var.watchstander_organization")
        yield Block("resource", ("google_organization_iam_custom_role", label), {"org_id": owner, **body})
