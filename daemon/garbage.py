"""What the collector of garbage may leave alone."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 20, 20)
"""Objects made before the youngest generation is looked through, and how often that is before the older ones are. A batch of
documents is more than the interpreter's 700: it would be looked through again and again while it is in use, for nothing,
since documents hold no circles."""


def settle() -> None:
    """What is there by now stays as long as the process does, and is not looked through again, which doubled the time of decoding;
    what comes is looked through less often. For a process that has started and will go through many documents."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
