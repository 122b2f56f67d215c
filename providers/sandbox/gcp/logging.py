"""Cloud Logging's ``entries:list`` over audit log entries, as far as asking who changed what needs its filter language."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from providers.sandbox.gcp.store import GcpError

_TERM = re.compile(
    r'(timestamp|protoPayload\.(?:resourceName|serviceName))\s*(>=|<=|>|<|=|:)\s*"((?:[^"\\]|\\.)*)"'
)
_LOG = re.compile(r'log_id\("([^"]+)"\)')


class AuditLog:
    """Entries by project (``projects/p``), folder or organisation. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, list[dict[str, Any]]] = {}

    def record(
        self,
        owner: str,
        at: datetime,
        call: Mapping[str, Any],
        **entry: Any,
    ) -> None:
        """Remember an admin activity in the log of ``owner``, as ``projects/p`` or ``folders/1``: ``call`` has the fields of the audit log's own payload, ``entry`` those around it."""
        told = {
            "logName": f"{owner}/logs/cloudaudit.googleapis.com%2Factivity",
            "insertId": uuid4().hex[:12],
            "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "severity": "NOTICE",
            "protoPayload": {
                "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
                "requestMetadata": {"callerIp": "198.51.100.7", "callerSuppliedUserAgent": "gcloud/500"},
                "status": {},
                **call,
            },
            **entry,
        }
        with self._lock:
            self._entries.setdefault(owner, []).append(told)

    def list(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request. Raises GcpError."""
        text = str(body.get("filter") or "")
        terms = _TERM.findall(text)
        logs = [log.replace("/", "%2F") for log in _LOG.findall(text)]
        names = body.get("resourceNames") or []
        if not names:
            raise GcpError("INVALID_ARGUMENT", "resourceNames is required.")
        with self._lock:
            held = [e for name in names for e in self._entries.get(str(name), ())]
        found = [
            entry
            for entry in held
            if any(entry["logName"].endswith(log) for log in logs) and all(_holds(entry, *t) for t in terms)
        ]
        found.sort(key=lambda entry: str(entry["timestamp"]))
        start, size = int(body.get("pageToken") or 0), int(body.get("pageSize") or 50)
        page = {"entries": found[start : start + size]}
        return page | ({"nextPageToken": str(start + size)} if start + size < len(found) else {})


def _holds(entry: Mapping[str, Any], field: str, operator: str, value: str) -> bool:
    if field == "timestamp":
        at, bound = (datetime.fromisoformat(text) for text in (entry["timestamp"], value))
        return {">": at > bound, ">=": at >= bound, "<": at < bound, "<=": at <= bound}[operator]
    wanted, told = (
        value.replace('\\"', '"').lower(),
        str(entry["protoPayload"][field.rpartition(".")[2]]).lower(),
    )
    return wanted == told if operator == "=" else wanted in told
