"""Resource Graph over the emulated Azure: tables, paging, both answer formats, quota."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from providers.sandbox.azure import catalog
from providers.sandbox.azure.arm import ArmError, ArmStore
from providers.sandbox.azure.groups import TENANT
from providers.sandbox.azure.kql import run
from providers.sandbox.azure.kql_lexer import KqlError
from providers.sandbox.azure.kql_syntax import parse

MAX_PAGE = 1000
"""The service's own ceiling of rows a page; 100 where the request does not say."""
QUOTA, WINDOW = 15, 5.0
"""The service's default: 15 queries in 5 seconds for one principal."""
_COLUMNS = (
    "id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy",
    "sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation", "apiVersion",
)  # fmt: skip
_TEXT_COLUMNS = frozenset(
    {"id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy"}
)
TABLES = (
    "resources", "resourcecontainers", "resourcechanges", "authorizationresources", "policyresources",
    "securityresources",
)  # fmt: skip


class GraphError(ArmError):
    """A query that is not valid, in the service's own nested form."""

    def __init__(self, error: KqlError | str) -> None:
        super().__init__(400, "BadRequest", "Please provide below info when asking for support.")
        self._error = error

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        details: list[dict[str, Any]] = [
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation and fix the error.",
            }
        ]
        if isinstance(self._error, KqlError):
            details.append(
                {
                    "code": "ParserFailure",
                    "message": self._error.message,
                    "line": 1,
                    "characterPositionInLine": self._error.position,
                    "token": self._error.token,
                }
            )
        else:
            details.append({"code": "InvalidRequest", "message": self._error})
        return {"error": {"code": self.code, "message": self.message, "details": details}}


@dataclass
class Quota:
    """What a principal may still ask in this window."""

    limit: int = QUOTA
    window: float = WINDOW
    enforced: bool = False
    """Whether an empty quota is answered 429. The headers are sent in any case."""
    _used: int = 0
    _since: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, now: datetime) -> dict[str, str]:
        """Count one query; returns the headers. Raises ArmError when there is nothing left."""
        with self._lock:
            moment = now.timestamp()
            if moment - self._since >= self.window:
                self._since, self._used = moment, 0
            left = self.window - (moment - self._since)
            if self.enforced and self._used >= self.limit:
                raise ArmError(
                    429, "RateLimiting", "Please provide below info.", retry_after=max(1, round(left))
                )
            self._used += 1
            remaining = max(0, self.limit - self._used)
            return {
                "x-ms-user-quota-remaining": str(remaining),
                "x-ms-user-quota-resets-after": f"00:00:{int(left):02d}",
            }


class Graph:
    """Answers queries over a store. ``visible`` says whether the caller may read a resource id."""

    def __init__(
        self, store: ArmStore, clock: Callable[[], datetime], visible: Callable[[str], bool]
    ) -> None:
        self._store = store
        self._clock = clock
        self._visible = visible
        self.quota = Quota()
        self.hidden: set[str] = set()
        """Lower-cased ids the index has not caught up with yet: the service lags behind ARM."""

    def query(
        self, request: Mapping[str, Any], subscriptions: list[str], *, half: bool = False
    ) -> dict[str, Any]:
        """Answer a request over ``subscriptions``; ``half`` gives half of the first page and the promise of another.

        Raises GraphError for a query the service would refuse.
        """
        text = request.get("query")
        options = request.get("options") or {}
        if not isinstance(text, str) or not isinstance(options, Mapping):
            raise GraphError("query must be text and options an object")
        try:
            parsed = parse(text)
            result = run(parsed, self._rows(parsed.table, {s.lower() for s in subscriptions}), self._clock())
        except KqlError as error:
            raise GraphError(error) from error
        top = options.get("$top", 100)
        if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= MAX_PAGE:
            raise GraphError(f"$top must be between 1 and {MAX_PAGE}")
        start = _offset(options)
        total = len(result.rows)
        page = result.rows[start : start + top]
        if half:
            page = page[: max(1, len(page) // 2)]
        more = (start + len(page) < total or half) and result.pageable
        answer: dict[str, Any] = {
            "totalRecords": total,
            "count": len(page),
            "data": _table(page) if options.get("resultFormat", "objectArray") == "table" else page,
            "facets": [],
            "resultTruncated": "false" if more or start + len(page) >= total else "true",
        }
        if more:
            answer["$skipToken"] = base64.b64encode(orjson.dumps({"skip": start + len(page)})).decode()
        return answer

    def _rows(self, table: str, subscriptions: set[str]) -> Iterator[dict[str, Any]]:
        if table not in TABLES:
            raise KqlError(f"Failed to resolve table '{table}'", token=table)
        if table == "resourcechanges":
            for change in self._store.changes():
                if change["subscriptionId"].lower() in subscriptions and self._visible(
                    change["properties"]["targetResourceId"]
                ):
                    yield {column: change.get(column, _empty(column)) for column in _COLUMNS}
            return
        if table == "resourcecontainers":
            for one in self._store.subscriptions():
                if one["subscriptionId"].lower() in subscriptions and self._visible(one["id"]):
                    yield _subscription_row(one, self._store.groups.ancestors(one["subscriptionId"]))
        for document in self._store.items():
            kind = str(document["type"]).lower()
            where = catalog.TRACKED_UNDER_OTHER_TABLES.get(kind, "resources")
            key = document["id"].lower()
            if where != table or kind in catalog.NOT_IN_GRAPH or key in self.hidden:
                continue
            if key.split("/")[2] in subscriptions and self._visible(document["id"]):
                yield _row(document)


def _empty(column: str) -> Any:
    return "" if column in _TEXT_COLUMNS else None


def _row(document: Mapping[str, Any]) -> dict[str, Any]:
    row = {column: document.get(column, _empty(column)) for column in _COLUMNS}
    parts = document["id"].split("/")
    row["type"] = str(document["type"]).lower()
    row["location"] = str(document.get("location") or "").lower().replace(" ", "")
    row["tenantId"] = TENANT
    row["subscriptionId"] = parts[2]
    row["resourceGroup"] = parts[4].lower() if len(parts) > 4 and parts[3].lower() == "resourcegroups" else ""
    row["properties"] = _milliseconds(document.get("properties"))
    row["apiVersion"] = catalog.graph_version(row["type"])
    return row


def _subscription_row(document: Mapping[str, Any], ancestors: list[dict[str, str]]) -> dict[str, Any]:
    row = {column: _empty(column) for column in _COLUMNS}
    return row | {
        "id": document["id"],
        "name": document["displayName"],
        "type": "microsoft.resources/subscriptions",
        "tenantId": document["tenantId"],
        "subscriptionId": document["subscriptionId"],
        "properties": {
            "state": document["state"],
            "subscriptionPolicies": document["subscriptionPolicies"],
            "managementGroupAncestorsChain": ancestors,
        },
        "tags": document.get("tags"),
    }


def _milliseconds(value: Any) -> Any:
    """Times as the index keeps them: to the millisecond, where ARM has seven digits."""
    if isinstance(value, dict):
        return {k: _milliseconds(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_milliseconds(v) for v in value]
    if (
        isinstance(value, str)
        and len(value) == 28
        and value[10] == "T"
        and value[19] == "."
        and value[-1] == "Z"
    ):
        return f"{value[:23]}0000Z"
    return value


def _offset(options: Mapping[str, Any]) -> int:
    token = options.get("$skipToken")
    if token is None:
        skip = options.get("$skip", 0)
        if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
            raise GraphError("$skip must not be negative")
        return skip
    try:
        value = orjson.loads(base64.b64decode(str(token), validate=True))["skip"]
    except (ValueError, KeyError, TypeError):
        raise GraphError("the $skipToken is not valid") from None
    if not isinstance(value, int) or value < 0:
        raise GraphError("the $skipToken is not valid")
    return value


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [{"name": name, "type": "string" if name in _TEXT_COLUMNS else "object"} for name in names]
    return {"columns": columns, "rows": [[row.get(name) for name in names] for row in rows]}
