"""What parent and worker agree on. Imported by both, so it imports nothing."""

from __future__ import annotations

import struct
from typing import Final

CACHE: Final = 512
"""Compiled programs a worker keeps; the parent says which to forget."""
PREPARE_SECONDS: Final = 3.0
"""CPU time for parsing and preparing a program."""
MEMORY_EXIT: Final = 77
"""Exit status of a worker whose interpreter ran out of memory; the engine's own allocator aborts instead."""
HEADER: Final = struct.Struct("<I")
"""The length before every message."""

Source = tuple[str, str, bool]
"""Path, text, whether v0."""
Bundle = tuple[tuple[Source, ...], bytes]
"""Modules and the JSON text of their data."""
Item = tuple[bytes, tuple[str, ...], bytes, bytes | None, int, bool]
"""Program digest, entrypoints, input, further data, now in ns, whether the entrypoint is a query."""
