"""What parent and worker agree on. Imported by both, so it imports nothing of ours."""

from __future__ import annotations

import struct
from pickle import PickleBuffer
from typing import Final

CACHE: Final = 512
"""Compiled programs a worker keeps; the parent says which to forget."""
PREPARE_SECONDS: Final = 3.0
"""CPU time for parsing and preparing a program."""
MEMORY_EXIT: Final = 77
"""Exit status of a worker whose interpreter ran out of memory; the engine's own allocator aborts instead."""
HEADER: Final = struct.Struct("<I")
"""The length before every answer."""
REQUEST: Final = struct.Struct("<II")
"""Before a request: the length of its pickle, and how many texts follow that, whose lengths (:data:`HEADER` each) come next.
The texts of inputs are not in the pickle: they are most of it, and would be copied once more."""
PROGRESS: Final = struct.Struct("q")
"""Index of the evaluation under way, in shared memory; -1 before the first."""
FLUSH_BYTES: Final = 1 << 15
FLUSH_SECONDS: Final = 0.05
"""Answers are sent when there are this many bytes of them, or this much time has passed."""

Source = tuple[str, str, bool]
"""Path, text, whether v0."""
Bundle = tuple[tuple[Source, ...], bytes]
"""Modules and the JSON text of their data."""
Item = tuple[bytes, tuple[str, ...], PickleBuffer, bytes | None, int, bool, int]
"""Program digest, entrypoints, input (a view of it at the worker's end), further data, now in ns, whether the entrypoint is a
query, and how many times the limit of time it may take."""
