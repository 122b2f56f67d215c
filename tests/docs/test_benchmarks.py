"""The page of the benchmarks."""

from __future__ import annotations

import re
from pathlib import Path

from bench.__main__ import names

PAGE = Path(__file__).parents[2] / "bench" / "README.md"


def test_every_benchmark_has_its_row_and_every_row_its_benchmark() -> None:
    rows = re.findall(r"^\| `bench\.(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert rows == names()
