"""The join of resources with their IAM policies, which come separately and in no order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

IAM_UNREAD: Final = "iamPolicy"
RESOURCE_UNREAD: Final = "resource"
"""The two halves of a document, as ``Resource.unread`` names them."""


class Policies:
    """The IAM policies of one scope, by asset name, in memory that does not grow with the estate."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute("CREATE TABLE policy (name TEXT PRIMARY KEY, type TEXT, body BLOB) WITHOUT ROWID")

    def put(self, page: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Keep a page of (name, asset type, policy)."""
        self._rows.execute("BEGIN")
        self._rows.executemany(
            "INSERT OR REPLACE INTO policy VALUES (?, ?, ?)",
            [(name, type_, orjson.dumps(body)) for name, type_, body in page],
        )
        self._rows.execute("COMMIT")

    def take(self, name: str) -> dict[str, Any] | None:
        """The policy of ``name``, once."""
        row = self._rows.execute("DELETE FROM policy WHERE name = ? RETURNING body", (name,)).fetchone()
        return orjson.loads(row[0]) if row else None

    def rest(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every policy nobody took, by name."""
        for name, type_, body in self._rows.execute("SELECT name, type, body FROM policy ORDER BY name"):
            yield name, type_, orjson.loads(body)

    def close(self) -> None:
        """Forget them."""
        self._rows.close()
