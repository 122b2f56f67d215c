"""The account of ``bench.reading`` read by us and by Cloud Custodian, installed beside: ``python -m bench.beside --custodian PATH``.

Not one of the benchmarks of ``python -m bench``, since it needs another tool. Each tool runs as a user runs it, as one process, and is
measured from outside, its start included. What they read differs, and ``calls`` shows it: Custodian reads other facts of a bucket
(location, replication, notification instead of public access block, encryption, ownership) and nothing of a user but ``GetUser``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.account import calls_of, served

_POLICIES = """\
policies:
  - {name: buckets, resource: aws.s3}
  - {name: users, resource: aws.iam-user}
  - {name: groups, resource: aws.security-group}
"""


def measured(name: str, command: list[str], endpoint: str) -> str:
    """One run of a tool against the account, as a line."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    clean |= {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
    }
    started = time.perf_counter()
    process = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"{name} failed with status {process.returncode}")
    cpu, rss = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    return f"name={name}  calls={calls_of(endpoint)}  wall_s={wall:.2f}  cpu_s={cpu:.2f}  rss_mb={rss}"


def compare(count: int, custodian: str) -> None:
    """Run both, each against a server of its own."""
    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder:
        policies = Path(folder) / "policies.yml"
        policies.write_text(_POLICIES)
        theirs = [custodian, "run", "-s", f"{folder}/out", "--region", "us-east-1", "--cache-period", "0"]
        with served(count) as endpoint:
            ours = [sys.executable, "-m", "bench.reading", "ours", endpoint]
            print(measured("watchstander", ours, endpoint), flush=True)
        with served(count) as endpoint:
            print(measured("custodian", [*theirs, str(policies)], endpoint), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="buckets, users and security groups, each")
    parser.add_argument("--custodian", required=True, help="the `custodian` command of its own environment")
    arguments = parser.parse_args()
    compare(arguments.n, arguments.custodian)
