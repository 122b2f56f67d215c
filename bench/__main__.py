"""Every benchmark, each in a process of its own, as one table: ``python -m bench [NAME...]``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COLUMNS = ("name", "n", "value", "unit", "floor", "ratio", "target", "rss_mb")


def names() -> list[str]:
    """Every module here that is a benchmark: those with a ``main``."""
    modules = (path for path in sorted(HERE.glob("*.py")) if not path.stem.startswith("_"))
    return [path.stem for path in modules if "def main(" in path.read_text()]


def run(name: str) -> dict[str, Any]:
    """What ``python -m bench.NAME --json`` prints; its last line where it fails."""
    command = [sys.executable, "-m", f"bench.{name}", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    said = (done.stderr or done.stdout).strip().splitlines()
    return {
        "name": name,
        "unit": f"FAILED: {said[-1] if said else f'status {done.returncode}'}",
        "failed": True,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as aligned text."""
    cells = [[_cell(row.get(column)) for column in COLUMNS] for row in rows]
    widths = [max(len(c[at]) for c in ([*cells, list(COLUMNS)])) for at in range(len(COLUMNS))]
    lines = [[column.upper() for column in COLUMNS], *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these benchmarks")
    parser.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    arguments = parser.parse_args()
    known = names()
    unknown = sorted(set(arguments.names) - set(known))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(known)}")
    rows = []
    for name in arguments.names or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows.append(run(name))
    print(json.dumps(rows) if arguments.json else table(rows))
    sys.exit(4 if any(row.get("failed") for row in rows) else 0)


if __name__ == "__main__":
    main()
