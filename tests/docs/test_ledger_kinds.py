"""Every kind of entry the code writes into the ledger is on the page about it, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITERS = {"append", "enter", "_done", "_write"}


def written() -> Iterator[str]:
    for folder in ("daemon", "storage"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                whose = ast.unparse(node.func.value).lower()
                if node.func.attr == "append" and "ledger" not in whose:
                    continue
                if node.func.attr in WRITERS:
                    for argument in node.args[:2]:
                        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                            yield argument.value
                            break


def test_every_kind_of_entry_is_documented() -> None:
    page = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    table = page.partition("| kind of entry |")[2].partition("\n\n")[0]
    documented = set(
        re.findall(r"`([a-z.-]+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:]))
    )
    found = set(written())
    assert {"start", "decision", "approval", "act", "exempt-add", "baseline.pinned"} <= found
    assert documented == found
