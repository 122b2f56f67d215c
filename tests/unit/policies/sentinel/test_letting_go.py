"""An evaluation leaves nothing behind that only a collection of garbage would find: that would cost every evaluation."""

from __future__ import annotations

import gc
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from policies.sentinel import compile_policy, request_import

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = """
import "tfplan/v2" as tfplan
role = tfplan.variables.assumed_role.value
good = rule { role is "a" }
short = func(n) { return n <= 3600 }
long = rule { short(tfplan.variables.duration_seconds.value) }
for [1, 2] as n { seen = n }
main = rule { good and long }
"""


def garbage() -> int:
    """What only a collection finds after fifty evaluations."""
    policy = compile_policy(TEXT, Path("p.sentinel"))
    data = request_import("a", 60)
    assert policy.evaluate(data, now=NOW).result is True
    gc.collect()
    gc.disable()
    for _ in range(50):
        policy.evaluate(data, now=NOW)
    return gc.collect()


def test_no_garbage_is_left() -> None:
    """In a process of its own: here other tests' threads leave theirs."""
    count = "from test_letting_go import garbage; print(garbage())"
    command = [sys.executable, "-c", count]
    counted = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert counted.stdout == "0\n"


def test_the_trace_outlives_the_evaluation() -> None:
    result = compile_policy(TEXT, Path("p.sentinel")).evaluate(request_import("a", 60), now=NOW)
    assert [(entry.name, entry.value, entry.position.line) for entry in result.trace] == [
        ("good", True, 4),
        ("long", True, 6),
        ("main", True, 8),
    ]
