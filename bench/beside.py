"""An account read by us and by another tool, installed beside: ``python -m bench.beside --custodian PATH`` or ``--prowler PATH``.

Not one of the benchmarks of ``python -m bench``, since it needs another tool. Each tool runs as a user runs it, as one process, and is
measured from outside, its start included. What they read differs, and ``calls`` shows it: Custodian reads other facts of a bucket
(location, replication, notification instead of public access block, encryption, ownership) and nothing of a user but ``GetUser``.

Custodian reads the account of ``bench.reading``. Prowler asks for more than that server knows (groups, policies, the credential
report), so both read the sandbox's emulated AWS (moto), which is in this process: its own cost is in no figure but the wall clock.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.account import calls_of, served

_POLICIES = """\
policies:
  - {name: buckets, resource: aws.s3}
  - {name: users, resource: aws.iam-user}
  - {name: groups, resource: aws.security-group}
"""


def measured(name: str, command: list[str], endpoint: str, calls: Callable[[], int]) -> str:
    """One run of a tool against the account, as a line; ``calls`` says how often the server was asked until now."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    clean |= {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
    }
    before, started = calls(), time.perf_counter()
    process = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"{name} failed with status {process.returncode}")
    cpu, rss = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    return f"name={name}  calls={calls() - before}  wall_s={wall:.2f}  cpu_s={cpu:.2f}  rss_mb={rss}"


def _ours(endpoint: str) -> list[str]:
    return [sys.executable, "-m", "bench.reading", "ours", endpoint]


def beside_prowler(count: int, prowler: str) -> None:
    """Run both against the emulated AWS: buckets and users, and the security groups that are there by default."""
    import boto3

    from providers.sandbox.aws import AwsEmulator

    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder, AwsEmulator(seed=False) as emulator:
        session = boto3.Session("a", "b", region_name="us-east-1")
        s3, iam = (session.client(name, endpoint_url=emulator.endpoint) for name in ("s3", "iam"))
        for number in range(count):
            s3.create_bucket(Bucket=f"bucket-{number}")
            iam.create_user(UserName=f"user-{number}")
        theirs = [prowler, "aws", "--region", "us-east-1", "--service", "s3", "iam"]
        theirs += [
            "--no-banner",
            "--ignore-exit-code-3",
            "--output-formats",
            "csv",
            "--output-directory",
            folder,
        ]
        for name, command in (("watchstander", _ours(emulator.endpoint)), ("prowler", theirs)):
            line = measured(name, command, emulator.endpoint, lambda: sum(emulator.calls.values()))
            print(line, flush=True)


def beside_custodian(count: int, custodian: str) -> None:
    """Run both, each against a server of its own."""
    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder:
        policies = Path(folder) / "policies.yml"
        policies.write_text(_POLICIES)
        theirs = [custodian, "run", "-s", f"{folder}/out", "--region", "us-east-1", "--cache-period", "0"]
        for name in ("watchstander", "custodian"):
            with served(count) as endpoint:
                command = _ours(endpoint) if name == "watchstander" else [*theirs, str(policies)]
                print(measured(name, command, endpoint, partial(calls_of, endpoint)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="buckets, users and security groups, each")
    tool = parser.add_mutually_exclusive_group(required=True)
    tool.add_argument("--custodian", help="the `custodian` command of its own environment")
    tool.add_argument("--prowler", help="the `prowler` command of its own environment")
    arguments = parser.parse_args()
    if arguments.custodian:
        beside_custodian(arguments.n, arguments.custodian)
    else:
        beside_prowler(arguments.n, arguments.prowler)
