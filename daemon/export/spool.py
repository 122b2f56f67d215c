"""Text that waits in a temporary file until what comes before it is known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 1 << 16
_IN_MEMORY: Final = 1 << 22


class Spool:
    """Write first, then iterate. A few megabytes stand in memory, more on disk; gone when closed."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by the block this is used in
            _IN_MEMORY, "w+", encoding="utf-8", newline=""
        )

    def write(self, text: str) -> None:
        """Add text."""
        self._file.write(text)

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
