"""``import "units"``: sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def members() -> Mapping[str, Any]:
    """The constants of the import."""
    names = ("kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte")
    return {name: 1024**power for power, name in enumerate(names, 1)}
