"""AWS Config's aggregator, which moto leaves empty: items of many accounts, asked for by ``SelectAggregateResourceConfig``."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from providers.sandbox.aws.wire import Answer, Asked, failure, serialise

_QUERY = re.compile(
    r"\s*SELECT\s+(?P<fields>[\w.]+(?:\s*,\s*[\w.]+)*)\s+WHERE\s+resourceType\s*=\s*'(?P<type>[^']+)'\s*",
    re.IGNORECASE,
)


class ConfigAggregator:
    """One aggregator, by name. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, dict[str, Any]] = {}
        self._sources: dict[tuple[str, str], dict[str, Any]] = {}
        self.name: str | None = None

    def create(self, name: str) -> None:
        """Let there be an aggregator of that name, empty."""
        with self._lock:
            self.name = name
            self._items.clear()
            self._sources.clear()

    def clear(self) -> None:
        """Let there be none."""
        with self._lock:
            self.name = None
            self._items.clear()
            self._sources.clear()

    def source(
        self, account: str, region: str, at: datetime, status: str = "SUCCEEDED", error: str | None = None
    ) -> None:
        """How the copying from an account and region went last."""
        with self._lock:
            self._sources[account, region] = {
                "SourceId": account,
                "SourceType": "ACCOUNT",
                "AwsRegion": region,
                "LastUpdateStatus": status,
                "LastUpdateTime": at,
                **({"LastErrorCode": error, "LastErrorMessage": error} if error else {}),
            }

    def put(self, item: Mapping[str, Any]) -> None:
        """Make or change an item, by its ``arn``."""
        with self._lock:
            self._items[str(item["arn"])] = dict(item)

    def delete(self, arn: str) -> None:
        """Let an item be no more. Raises KeyError where there is none."""
        with self._lock:
            del self._items[arn]

    def answer(self, asked: Asked) -> Answer | None:
        """The answer to a call; None where it is not ours."""
        operation = asked.call.operation
        if asked.call.service != "config" or operation not in (
            "SelectAggregateResourceConfig",
            "DescribeConfigurationAggregatorSourcesStatus",
        ):
            return None
        name = asked.parameters.get("ConfigurationAggregatorName")
        if self.name is None or name != self.name:
            message = f"The configuration aggregator '{name}' does not exist."
            return failure(asked, 400, "NoSuchConfigurationAggregatorException", message)
        with self._lock:
            items, sources = list(self._items.values()), list(self._sources.values())
        # The front cuts both into pages.
        if operation != "SelectAggregateResourceConfig":
            return serialise(asked, {"AggregatedSourceStatusList": sources})
        query = _QUERY.fullmatch(str(asked.parameters.get("Expression")))
        if query is None:
            return failure(asked, 400, "InvalidExpressionException", "The expression is not understood.")
        fields = [field.strip() for field in query["fields"].split(",")]
        found = [
            orjson.dumps({field: item[field] for field in fields if item.get(field) is not None}).decode()
            for item in items
            if item.get("resourceType") == query["type"]
        ]
        names = [{"Name": field} for field in fields]
        return serialise(asked, {"Results": found, "QueryInfo": {"SelectFields": names}})
