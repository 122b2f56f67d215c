"""A Terraform plan or state as subjects: the same policies judge what is planned and what runs.

Reads what ``terraform show -json`` prints, and Terraform's own state file (version 4), resource by resource: their size does
not matter; gzipped or not, and as PowerShell's ``>`` writes it (UTF-16). What is known only after apply is unread, never
absent. What the providers split off a resource is folded into it (:mod:`.folding`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from policies.folding import UNKNOWN_UNTIL_APPLY, Parts
from policies.planfile import PLANNED, SHOWN, STATE, managed, outline, require_shape
from policies.subject import Subject
from providers.jsonstream import Piece, members, opening
from providers.normalise import encode
from providers.resource import Resource, ResourceRef
from providers.terraform import ABSENT_BLOCK, TerraformView

NO_DOCUMENT: Final = "a Terraform plan or state has no document of the cloud, and the policy reads one"
STATE_VERSION: Final = 4
_PROVIDER: Final = re.compile(r'provider\["([^"]+)"\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One resource of a plan or state: its address and the subject it makes."""

    address: str
    subject: Subject


def read_plan(path: Path) -> Iterator[Planned]:
    """The managed resources of a plan or state file. Raises UsageError for anything else."""
    if (version := _own_state(path)) is not None:
        if version != STATE_VERSION:
            raise UsageError(
                f"{path}: this is Terraform's own state in version {version}; version {STATE_VERSION} is understood.",
                hint="Give what `terraform show -json` prints, or let a Terraform of today write the state anew.",
            )
        parts = Parts()
        for address, resource in _state_file(path):
            parts.add(address, resource)
        parts.settle({})
        for address, resource in _state_file(path):
            yield _planned(resource, address, parts, frozenset())
        return
    parts = Parts()

    def see(piece: Piece) -> None:
        require_shape(piece)
        parts.see(piece)

    found = outline(path, see)
    parts.settle(found.unknown)
    section = next((one for one in (PLANNED, STATE) if one in found.sections), None)
    if section is not None:
        for resource in managed(path, section):
            address = str(resource.get("address") or f"{resource['type']}.{resource.get('name')}")
            yield _planned(resource, address, parts, found.unknown.get(address, frozenset()))
    elif found.sections - {"terraform_version"} != {
        "format_version"
    }:  # that alone is a state without resources
        raise UsageError(
            f"{path}: this is neither a Terraform plan nor a state.",
            hint=SHOWN,
        )


def _own_state(path: Path) -> int | None:
    """The version of Terraform's own state file; None for anything else."""
    if opening(path) != "{":
        return None
    version: int | None = None
    with closing(members(path, frozenset({"resources"}))) as pieces:  # type: ignore[type-var]
        for piece in pieces:
            if piece.key == "version" and isinstance(piece.value, int):
                version = piece.value
            elif piece.key in ("terraform_version", "serial", "lineage", "outputs") and version is not None:
                return version
            elif piece.key != "terraform_version":
                return None
    return None


def _state_file(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The resources of a state file as ``show -json`` would give them, each with its address, one at a time."""
    for piece in members(path, frozenset({"resources"})):
        if piece.key != "resources" or (not piece.element and piece.value in (None, [])):
            continue
        entry, instances = _object(piece.value), _object(piece.value).get("instances")
        if not piece.element or not isinstance(entry.get("type"), str) or not _all_objects(instances):
            raise UsageError(
                f"{piece.where}: `resources` is not an array of objects, each with a `type` and its `instances`.",
                hint="Is this the state as Terraform wrote it?",
            )
        if entry.get("mode", "managed") != "managed":
            continue
        module = f"{entry['module']}." if entry.get("module") else ""
        provider = _PROVIDER.search(str(entry.get("provider") or ""))
        for instance in instances or ():
            if "attributes" not in instance:
                raise UsageError(
                    f"{piece.where}: {module}{entry['type']}.{entry.get('name')} is kept as a Terraform older than 0.12 wrote it.",
                    hint="`terraform apply -refresh-only` writes it anew.",
                )
            key = instance.get("index_key")
            index = "" if key is None else f"[{encode(key).decode()}]"
            address = f"{module}{entry['type']}.{entry.get('name')}{index}"
            if instance.get("deposed"):
                # Replaced, and still there: Terraform means to destroy it at the next apply.
                address += f" (deposed {instance['deposed']})"
            yield (
                address,
                {
                    "type": entry["type"],
                    "name": entry.get("name"),
                    "provider_name": provider.group(1) if provider else "",
                    "values": instance["attributes"],
                },
            )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _all_objects(value: Any) -> bool:
    """Whether it is an array of objects, or nothing."""
    return value is None or (isinstance(value, list) and all(isinstance(item, Mapping) for item in value))


def _planned(resource: Mapping[str, Any], address: str, parts: Parts, unknown: frozenset[str]) -> Planned:
    values, unread = parts.folded(resource, address, unknown)
    return Planned(address=address, subject=_subject(resource, address, values, unread))


def _subject(
    resource: Mapping[str, Any], address: str, values: Mapping[str, Any], unread: Mapping[str, str]
) -> Subject:
    attributes = {
        # A block that is not configured is an empty list there; so is an empty list.
        key: ABSENT_BLOCK if value == [] else value
        for key, value in values.items()
    }
    known = {key: value for key, value in attributes.items() if key not in unread}
    provider = str(resource.get("provider_name") or "").rpartition("/")[2]
    ref = ResourceRef(
        provider={"azurerm": "azure", "google": "gcp", "google-beta": "gcp"}.get(provider, provider),
        account="",
        region=str(known.get("region") or known.get("location") or ""),
        type=f"terraform/{resource['type']}",
        uid=address,
    )
    return Subject(
        resource=Resource(
            ref=ref,
            name=str(resource.get("name", "")),
            document={},
            tags={str(k): str(v) for k, v in _object(known.get("tags")).items()},
            unread={"tags": UNKNOWN_UNTIL_APPLY} if "tags" in unread else {},
        ),
        view=TerraformView(type=resource["type"], attributes=known, unread=dict(unread)),
        no_document=NO_DOCUMENT,
    )
