"""Estates from files: which export a file is, and its resources, whatever the cloud.

    AWS Config     a snapshot or history file (``configurationItems``), or what its API answers
    Resource Graph an answer or its rows, as objects or as a table
    Cloud Asset    an export with one asset a line or in an array; resources and IAM policies may lie in several files
    Terraform      what ``terraform show -json`` prints of a plan or a state, and its own state file (read by ``policies.plan``)

Every file may be gzipped. An export says what its maker chose to export: it is never taken for a whole estate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from providers.jsonstream import documents, members, opening
from providers.resource import Resource


class ExportFormat(StrEnum):
    """What a file is."""

    AWS_CONFIG = "AWS Config"
    RESOURCE_GRAPH = "Resource Graph"
    CLOUD_ASSET = "Cloud Asset"
    TERRAFORM = "Terraform"


_BY_KEY: Final[Mapping[str, ExportFormat]] = {
    "configurationItems": ExportFormat.AWS_CONFIG,
    "baseConfigurationItems": ExportFormat.AWS_CONFIG,
    "configSnapshotId": ExportFormat.AWS_CONFIG,
    "asset_type": ExportFormat.CLOUD_ASSET,
    "assetType": ExportFormat.CLOUD_ASSET,
    "format_version": ExportFormat.TERRAFORM,
    "terraform_version": ExportFormat.TERRAFORM,
    "planned_values": ExportFormat.TERRAFORM,
    "data": ExportFormat.RESOURCE_GRAPH,
    "totalRecords": ExportFormat.RESOURCE_GRAPH,
    "total_records": ExportFormat.RESOURCE_GRAPH,
    "subscriptionId": ExportFormat.RESOURCE_GRAPH,
    "values": ExportFormat.TERRAFORM,
}
"""Member of a file's object -> what the file is."""
_WANTED: Final = "Give what `terraform show -json` prints, an AWS Config snapshot, a Resource Graph answer or a Cloud Asset export."
_ARRAYS: Final = frozenset({"configurationItems", "baseConfigurationItems", "data", "values"})


def detect(path: Path) -> ExportFormat:
    """What a file is, by its first members. Raises UsageError, with file and line, for anything else."""
    start = opening(path)
    if not start:
        raise UsageError(f"{path}: the file is empty.", hint=_WANTED)
    if start == "[":
        return _of_rows(path)
    where = f"{path}:1"
    with closing(members(path, _ARRAYS)) as pieces:  # type: ignore[type-var]
        for piece in pieces:
            where = piece.where
            if piece.key == "@level":
                raise UsageError(
                    f"{where}: these are the messages of `terraform plan -json`, not the plan.",
                    hint="Give what `terraform show -json PLANFILE` prints.",
                )
            if piece.key == "id" and _is_resource_id(piece.value):
                return ExportFormat.RESOURCE_GRAPH
            if (found := _BY_KEY.get(piece.key)) is not None:
                return found
    raise UsageError(
        f"{where}: this is neither a Terraform plan or state nor an export we know.", hint=_WANTED
    )


def _of_rows(path: Path) -> ExportFormat:
    with closing(documents(path)) as pieces:  # type: ignore[type-var]
        first = next(iter(pieces), None)
    if first is None:
        raise UsageError(f"{path}: the file holds nothing.", hint=_WANTED)
    row = first.value if isinstance(first.value, dict) else {}
    if "asset_type" in row or "assetType" in row:
        return ExportFormat.CLOUD_ASSET
    if _is_resource_id(row.get("id")):
        return ExportFormat.RESOURCE_GRAPH
    raise UsageError(
        f"{first.where}: this is neither a row of Resource Graph nor a Cloud Asset asset.", hint=_WANTED
    )


def _is_resource_id(value: Any) -> bool:
    return isinstance(value, str) and value.lower().startswith(
        ("/subscriptions/", "/providers/", "/tenants/")
    )


@dataclass(slots=True)
class Export:
    """The resources of files of one format. Iterate it once; then ``gaps`` says what of the files is not among them."""

    format: ExportFormat
    paths: Sequence[Path]
    gaps: list[str] = field(default_factory=list)
    read: int = 0

    def __iter__(self) -> Iterator[Resource]:
        """Raises UsageError, with file and line."""
        for resource in self._resources():
            self.read += 1
            yield resource

    def _resources(self) -> Iterator[Resource]:
        match self.format:
            case ExportFormat.AWS_CONFIG:
                yield from self._aws()
            case ExportFormat.RESOURCE_GRAPH:
                from providers.azure.export import read_export as read_graph

                for path in self.paths:
                    yield from read_graph(path, self.gaps)
            case ExportFormat.CLOUD_ASSET:
                from providers.gcp.export import read_export as read_assets

                yield from read_assets(self.paths, self.gaps)
            case ExportFormat.TERRAFORM:
                raise UsageError("A Terraform plan is no inventory.")

    def _aws(self) -> Iterator[Resource]:
        from providers.aws.export import Passed, read_export

        passed = Passed()
        for path in self.paths:
            yield from read_export(path, passed)
        for cause, count in sorted(passed.unusable.items()):
            self.gaps.append(f"{count} configuration {'item' if count == 1 else 'items'} {cause}")
        if passed.types:
            names = ", ".join(name for name, _ in passed.types.most_common(5))
            more = f" and {len(passed.types) - 5} more types" if len(passed.types) > 5 else ""
            number = passed.types.total()
            self.gaps.append(
                f"{number:,} configuration {'item of a type' if number == 1 else 'items of types'} that {'is' if number == 1 else 'are'}"
                f" not mapped: {names}{more}"
            )


def exports(paths: Sequence[Path]) -> list[Export]:
    """The files by format, in the order in which each format comes first. Raises UsageError for a file that is none."""
    found: dict[ExportFormat, list[Path]] = {}
    for path in paths:
        found.setdefault(detect(path), []).append(path)
    return [Export(format_, tuple(group)) for format_, group in found.items()]
