"""A Terraform plan or state as subjects: the same policies judge what is planned and what runs.

Reads what ``terraform show -json`` prints. What is known only after apply is unread, never absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from policies.query import read_json
from policies.subject import Subject
from providers.resource import Resource, ResourceRef
from providers.terraform import ABSENT_BLOCK, TerraformView

NO_DOCUMENT: Final = "a Terraform plan or state has no document of the cloud, and the policy reads one"
UNKNOWN_UNTIL_APPLY: Final = "known only after apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One resource of a plan or state: its address and the subject it makes."""

    address: str
    subject: Subject


def read_plan(path: Path) -> list[Planned]:
    """The managed resources of a plan or state file. Raises UsageError for anything else."""
    try:
        content = json.loads(read_json(path, what="plan"))
    except RecursionError:
        raise UsageError(f"{path}: the plan nests too deeply to be read.") from None
    if not isinstance(content, Mapping):
        raise UsageError(f"{path}: a Terraform plan or state is an object, this is not.")
    if "planned_values" in content:
        return list(_plan(content))
    if "values" in content:
        return list(_state(content["values"], {}))
    if "resources" in content and "terraform_version" in content:
        raise UsageError(
            f"{path}: this is Terraform's own state file.",
            hint="Give what `terraform show -json` prints instead.",
        )
    raise UsageError(
        f"{path}: this is neither a Terraform plan nor a state.",
        hint="Give what `terraform show -json FILE` prints.",
    )


def _plan(content: Mapping[str, Any]) -> Iterator[Planned]:
    unknown = {
        change.get("address"): (change.get("change") or {}).get("after_unknown") or {}
        for change in content.get("resource_changes") or ()
    }
    yield from _state(content["planned_values"], unknown)


def _state(values: Any, unknown: Mapping[str, Any]) -> Iterator[Planned]:
    if not isinstance(values, Mapping):
        return
    modules = [values.get("root_module") or {}]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules") or ()
        for resource in module.get("resources") or ():
            if resource.get("mode", "managed") == "managed" and isinstance(resource.get("type"), str):
                address = str(resource.get("address") or f"{resource['type']}.{resource.get('name')}")
                yield Planned(
                    address=address, subject=_subject(resource, address, unknown.get(address) or {})
                )


def _subject(resource: Mapping[str, Any], address: str, unknown: Mapping[str, Any]) -> Subject:
    attributes = {
        # A block that is not configured is an empty list there; so is an empty list.
        key: ABSENT_BLOCK if value == [] else value
        for key, value in (resource.get("values") or {}).items()
    }
    unread = {key: UNKNOWN_UNTIL_APPLY for key, value in unknown.items() if _any(value)}
    view = TerraformView(
        type=resource["type"],
        attributes={k: v for k, v in attributes.items() if k not in unread},
        unread=unread,
    )
    provider = str(resource.get("provider_name") or "").rpartition("/")[2]
    ref = ResourceRef(
        provider={"azurerm": "azure", "google": "gcp", "google-beta": "gcp"}.get(provider, provider),
        account="",
        region=str(attributes.get("region") or attributes.get("location") or ""),
        type=f"terraform/{resource['type']}",
        uid=address,
    )
    tags = attributes.get("tags")
    known = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, Mapping) else {}
    missing = {"tags": UNKNOWN_UNTIL_APPLY} if "tags" in unread else {}
    return Subject(
        resource=Resource(
            ref=ref, name=str(resource.get("name", "")), document={}, tags=known, unread=missing
        ),
        view=view,
        no_document=NO_DOCUMENT,
    )


def _any(value: Any) -> bool:
    """Whether anything below is unknown."""
    if isinstance(value, Mapping):
        return any(_any(item) for item in value.values())
    return any(_any(item) for item in value) if isinstance(value, list) else value is True
