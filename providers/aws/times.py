"""Timestamps in answers, read by the standard library.

botocore reads each by dateutil, which tries every form there is. Services write one form, in which there is nothing to guess; the
rest is still botocore's to read (docs/decisions/0291).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import botocore.utils

_PLAIN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


def parse_timestamp(value: Any) -> datetime:
    """The moment that a timestamp of an answer means. Raises ValueError, as botocore's own."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return datetime.fromisoformat(value)
    if type(value) in (int, float) and 0 <= value < 2**32:
        return datetime.fromtimestamp(value, UTC)
    found: datetime = botocore.utils.parse_timestamp(value)
    return found
