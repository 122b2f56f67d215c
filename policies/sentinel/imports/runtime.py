"""``import "runtime"``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LANGUAGE_VERSION: Final = "0.40.0"
"""The release of the vendor's engine whose language this one follows."""


def members() -> Mapping[str, Any]:
    """The constant of the import."""
    return {"version": LANGUAGE_VERSION.encode()}
