"""The join of resources with their policies and what else is listed of them, each separately and in no order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

IAM_UNREAD: Final = "iamPolicy"
RESOURCE_UNREAD: Final = "resource"
"""Two parts of a document, as ``Resource.unread`` names them."""


class Parts:
    """What was listed of the assets of one scope beside the resources, by asset name, in memory that does not grow with
    the estate."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(
            "CREATE TABLE part (name TEXT, content TEXT, type TEXT, body BLOB, PRIMARY KEY (name, content))"
            " WITHOUT ROWID"
        )

    def put(self, content: str, page: Iterable[tuple[str, str, Any]]) -> None:
        """Keep a page of (name, asset type, body) of one content."""
        self._rows.execute("BEGIN")
        self._rows.executemany(
            "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?)",
            [(name, content, type_, orjson.dumps(body)) for name, type_, body in page],
        )
        self._rows.execute("COMMIT")

    def take(self, name: str) -> dict[str, Any]:
        """Content -> what was listed of ``name``, once."""
        rows = self._rows.execute("DELETE FROM part WHERE name = ? RETURNING content, body", (name,))
        return {content: orjson.loads(body) for content, body in rows.fetchall()}

    def rest(self, content: str) -> Iterator[tuple[str, str, Any]]:
        """Everything of one content that nobody took, by name."""
        rows = self._rows.execute(
            "SELECT name, type, body FROM part WHERE content = ? ORDER BY name", (content,)
        )
        for name, type_, body in rows:
            yield name, type_, orjson.loads(body)

    def close(self) -> None:
        """Forget them."""
        self._rows.close()
