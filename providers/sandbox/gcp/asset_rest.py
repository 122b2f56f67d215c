"""Cloud Asset's REST face: query parameters to protobuf messages and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from google.protobuf import json_format

from providers.sandbox.faults import Call, Fault, FaultKind
from providers.sandbox.gcp import assets
from providers.sandbox.gcp.grpc_server import call_of
from providers.sandbox.gcp.store import AssetStore, GcpError

_LISTS = frozenset({"assetTypes", "assetNames", "relationshipTypes"})


class AssetRest:
    """The three calls a reader makes."""

    def __init__(self, store: AssetStore) -> None:
        self._store = store
        self._assets = assets.AssetService(store)

    def route(
        self, operation: str, parent: str, query: Mapping[str, list[str]]
    ) -> tuple[Call, Callable[[Fault | None], Any]]:
        """The call for the fault plan, and how to answer it. Raises GcpError for a query that makes no sense."""
        message = _message(operation, parent, query)
        call = call_of(self._store, operation, message)
        serve = {
            "ListAssets": self._list,
            "BatchGetAssetsHistory": self._history,
            "SearchAllResources": self._search,
        }[operation]
        return call, partial(serve, message)

    def _search(self, message: Any, _: Fault | None) -> Any:
        return json_format.MessageToDict(self._assets.search(message))

    def _list(self, message: Any, fault: Fault | None) -> Any:
        half = fault is not None and fault.kind is FaultKind.TRUNCATED
        if half and message.page_token:
            raise GcpError("INTERNAL", "Internal error encountered.")
        return json_format.MessageToDict(self._assets.list_assets(message, half=half))

    def _history(self, message: Any, _: Fault | None) -> Any:
        return json_format.MessageToDict(self._assets.history(message))


def _message(operation: str, parent: str, query: Mapping[str, list[str]]) -> Any:
    out: dict[str, Any] = {"scope" if operation == "SearchAllResources" else "parent": parent}
    for key, values in query.items():
        if key.startswith("$"):
            continue
        head, _, tail = key.partition(".")
        if key in _LISTS:
            out[key] = values
        elif tail:
            out.setdefault(head, {})[tail] = values[-1]
        else:
            out[key] = int(values[-1]) if values[-1].isdigit() and key != "pageToken" else values[-1]
    kind = {
        "ListAssets": assets.ListRequest,
        "BatchGetAssetsHistory": assets.HistoryRequest,
        "SearchAllResources": assets.SearchRequest,
    }[operation]
    try:
        return json_format.ParseDict(out, kind())
    except json_format.ParseError as error:
        raise GcpError("INVALID_ARGUMENT", f"Invalid query: {error}") from error
