"""``watchstander demo`` as its user runs it: a process that ends by itself, and whose account is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it, with everything it writes below ``folder``."""
    command = [sys.executable, "-m", "daemon", "demo", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False
    )


def running(folder: Path) -> list[list[str]]:
    """Processes that were started with something below ``folder``."""
    commands = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [command for command in commands if any(str(folder) in word for word in command)]


def test_it_shows_the_main_job_and_ends(tmp_path: Path) -> None:
    ended = demo(tmp_path)
    told = ended.stdout
    assert ended.returncode == 0, told + ended.stderr
    for cloud in ("aws", "azure", "gcp"):
        assert re.search(rf"^ +{cloud} +\d+ resources in \d accounts$", told, re.MULTILINE)
    assert "nothing changed; no policy had to be evaluated" in told
    assert "0 created, 3 changed, 0 deleted" in told
    assert told.count("new finding (") >= 3
    for cloud, who, call in (
        ("aws", "kim", "PutBucketLogging"),
        ("azure", "sasha@contoso.example", "Microsoft.Storage/storageAccounts/write"),
        ("gcp", "robin@example.org", "v1.compute.firewalls.patch"),
    ):
        assert f"{cloud} told who made 1 of 1 change." in told
        assert re.search(rf": by \S*{re.escape(who)}, {re.escape(call)}, request \S+$", told, re.MULTILINE)
    assert re.search(r"\d s later the key is Inactive: read afresh, deactivated, verified", told)
    assert "all five messages have been taken by now, and 1 act is in the ledger" in told
    assert "could not read 3 scopes (3 denied: " in told
    (before, after), (held, still) = (
        re.findall(r"(\d+) resources were known before, (\d+) are known now", told)[0],
        re.findall(r"(\d+) findings on buckets were open before, (\d+) of them are open now", told)[0],
    )
    assert before == after
    assert held == still != "0"
    assert "entries: all as written." in told
    assert ended.stderr == ""
    assert running(tmp_path) == []
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_it_gives_up_in_time_and_leaves_nothing_running(tmp_path: Path) -> None:
    ended = demo(tmp_path, "--seconds", "10")
    if ended.returncode == 0:
        assert "What to try next" in ended.stdout, "a machine this quick ends before the limit"
    else:
        assert ended.returncode == 4
        assert "did not end within 10 s" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
