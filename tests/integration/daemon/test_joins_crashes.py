"""Killed with -9 before any statement of a cycle, a watch judges by its joining policies what was left, and nothing twice."""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path

from providers.provider import Selection
from storage.findings import FindingFilter, FindingStatus

sys.path.insert(0, str(Path(__file__).parent))
import joins_driver as driver
from processes import forked

ROUNDS = 8
STATEMENTS = 240
"""A cycle here executes a few more."""


def test_no_verdict_is_lost_wherever_the_process_dies(tmp_path: Path) -> None:
    chance = random.Random(7)
    driver.open_watch(tmp_path, 0).close()
    for round_ in range(ROUNDS):
        child = forked(Path(driver.__file__), str(tmp_path), str(round_), str(chance.randint(1, STATEMENTS)))
        assert child.wait() == -signal.SIGKILL, child.said
        watch = driver.open_watch(tmp_path, round_)
        try:
            watch.cycle(Selection(), kind="scheduled")
            wanted = FindingFilter(status=FindingStatus.OPEN)
            found = [(f.policy, f.ref.uid) for batch in watch.findings.find(wanted) for f in batch]
            assert len(found) == len(set(found))
            assert set(found) == driver.expected(round_)
            assert watch.cycle(Selection(), kind="scheduled").evaluated == 0
        finally:
            watch.close()
