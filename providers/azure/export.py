"""An estate from files: Resource Graph's answers, as objects or as a table, as the API, `az graph query` or a script saved
them.

A query may have projected some columns only: those it left out are unread, not absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from providers.azure.document import resource_of
from providers.jsonstream import Piece, documents, members, opening
from providers.normalise import DocumentTooDeep
from providers.resource import Resource

COLUMNS: Final = ("properties", "tags", "sku", "kind", "identity", "location", "managedBy", "plan", "zones")
"""The columns of Resource Graph's tables that policies read. A whole row has each of them, null where there is nothing."""
NOT_PROJECTED: Final = "the export's query did not ask for it"
NO_PROPERTIES: Final = "the export holds no properties (`az resource list` gives none)"
_ROWS: Final = frozenset({"data", "value"})
_ANSWER: Final = frozenset(
    {
        "data",
        "value",
        "count",
        "totalRecords",
        "total_records",
        "resultTruncated",
        "facets",
        "result_truncated",
    }
)
"""The members of an answer; a row has none of them."""
_MORE: Final = frozenset({"skip_token", "$skipToken", "skipToken"})


def read_export(path: Path, notes: list[str]) -> Iterator[Resource]:
    """The resources of one file, in its order; ``notes`` gets what the export says of its own gaps. Raises UsageError, with
    file and line, for what is no Resource Graph answer."""
    built_in = 0
    for raw, where in _rows(path, notes):
        if _is_built_in(raw):
            built_in += 1
            continue
        try:
            found = resource_of(raw)
        except (ValueError, DocumentTooDeep) as error:
            raise UsageError(
                f"{where}: {error}",
                hint="Export with the columns of the table, at least `id`, `type`, `properties` and `tenantId`.",
            ) from error
        unread = {name: NOT_PROJECTED for name in COLUMNS if name not in raw}
        if raw.get("properties", {}) is None:
            unread["properties"] = NO_PROPERTIES
        document = {key: value for key, value in found.document.items() if key not in unread}
        yield replace(found, document=document, unread=unread)
    if built_in:
        notes.append(f"{path}: {built_in} definitions that are built into Azure are left out")


def _is_built_in(raw: Mapping[str, Any]) -> bool:
    """Whether a row is a role or a policy that every tenant has: it lives nowhere."""
    properties = raw.get("properties")
    if not str(raw.get("id")).lower().startswith("/providers/") or not isinstance(properties, Mapping):
        return False
    return bool({properties.get("type"), properties.get("policyType")} & {"BuiltInRole", "BuiltIn", "Static"})


def _rows(path: Path, notes: list[str]) -> Iterator[tuple[Mapping[str, Any], str]]:
    for piece in _pieces(path):
        if piece.key in ("data", "value") and not piece.element:
            if piece.value != []:
                yield from _table(piece)
        elif piece.key in ("", "data", "value"):
            if not isinstance(piece.value, Mapping):
                raise UsageError(f"{piece.where}: a row that is not an object")
            yield piece.value, piece.where
        elif piece.key in _MORE and piece.value:
            notes.append(f"{path} is one page of several: it holds the token of the next")
        elif piece.key == "resultTruncated" and str(piece.value).lower() == "true":
            notes.append(f"{path}: Resource Graph says that it left rows out")


def _pieces(path: Path) -> Iterator[Piece]:
    """Rows that stand by themselves, or an answer's members with its rows one by one."""
    if opening(path) == "[":
        return documents(path)
    first = next(members(path, _ROWS), None)
    return members(path, _ROWS) if first is None or first.key in _ANSWER | _MORE else documents(path)


def _table(piece: Piece) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The rows of ``{"columns": [...], "rows": [[...]]}``."""
    columns, rows = _list(piece.value, "columns"), _list(piece.value, "rows")
    names = [str(c["name"]) for c in columns or () if isinstance(c, dict) and "name" in c]
    if (
        columns is None
        or rows is None
        or len(names) != len(columns)
        or not all(isinstance(row, list) and len(row) == len(names) for row in rows)
    ):
        raise UsageError(
            f"{piece.where}: `data` is neither rows nor a table of columns and rows of the same length"
        )
    for row in rows:
        yield dict(zip(names, row, strict=True)), piece.where


def _list(value: Any, name: str) -> list[Any] | None:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else None
