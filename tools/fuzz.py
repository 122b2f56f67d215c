"""Run the properties of the Sentinel interpreter for a given time: ``python -m tools.fuzz --minutes 60``.

The suite tries a few examples of each in every run. This runs the same properties round after round, each with a new seed,
until the time is over, and prints how many examples were tried. What it finds is printed as Hypothesis shrank it, belongs
into a test of its own, and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import time
from collections import Counter

PROPERTIES = "tests/unit/policies/sentinel/test_robustness.py"
WHICH = "any_text or any_words or parses_to_the_same or any_program or host_data"
NAME = re.compile(r"^\S+::(\w+):$", re.MULTILINE)


def tried(output: str) -> Counter[str]:
    """Property -> examples, from Hypothesis' own statistics."""
    found: Counter[str] = Counter()
    parts = NAME.split(output)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        found[name] += sum(
            int(passing) + int(failing)
            for passing, failing in re.findall(r"(\d+) passing(?: examples)?, (\d+) failing", text)
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--examples", type=int, default=400, help="of each kind in a round")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    total: Counter[str] = Counter()
    rounds = 0
    while time.monotonic() < end:
        seed = secrets.randbits(64)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", PROPERTIES, "-k", WHICH),
                *(f"--hypothesis-seed={seed}", "--hypothesis-show-statistics"),
            ],
            env=os.environ | {"WATCHSTANDER_EXAMPLES": str(options.examples)},
            capture_output=True,
            text=True,
            check=False,
        )
        rounds += 1
        total += tried(done.stdout)
        print(f"round {rounds}: {total.total():,} examples so far", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr, f"seed {seed}", sep="\n")
            return 1
    for name, count in sorted(total.items()):
        print(f"{count:>12,}  {name}")
    print(f"{total.total():,} examples in {options.minutes:g} minutes; none crashed.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
