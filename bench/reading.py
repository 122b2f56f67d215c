"""Reading an account of N buckets, users and security groups: us against plain boto3 with 16 threads (target: at most 1.1 times
its wall clock and CPU, no more calls than it, less than 150 MB).

The floor is what one would write by hand: boto3's paginators and clients, a pool of 16 threads, exactly the calls that the
facts need, answers kept as they come: no budget, no deadline, no coverage, no canonical documents. Both read the same server,
a process of its own that answers from memory in AWS's wire formats, and each runs in a process of its own; they take turns, and
the better of two runs counts. ``value`` is resources per second; ``ratio`` is wall to the floor's wall. ``raw`` is the same
reading over bare HTTP (``bench.raw``): what is left of a call when there is no SDK.

Missed by one call: ``GetCallerIdentity``, asked once in the life of a process, not of a cycle: until we know whose our credentials are,
reading an account with them could put our own resources under its name. The floor is told which account it reads (docs/decisions/0292).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from bench import raw
from bench.account import ABSENT, ACCOUNT, PAGE, calls_of, served
from bench.common import rss_mb, run

THREADS = 16
RUNS = 2


def by_hand(endpoint: str) -> int:
    """Plain boto3; gives how many resources it read."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    session = boto3.Session("a", "b", region_name="us-east-1")
    config = Config(max_pool_connections=2 * THREADS, s3={"addressing_style": "path"})
    s3, iam, ec2 = (
        session.client(name, endpoint_url=endpoint, config=config) for name in ("s3", "iam", "ec2")
    )
    absent = {*ABSENT.values(), "NoSuchEntity"}

    def ask(method: Callable[..., Any], **parameters: Any) -> Any:
        try:
            return method(**parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] in absent:
                return None
            raise

    def bucket(item: dict[str, Any]) -> dict[str, Any]:
        name = item["Name"]
        for into, method in (
            ("Logging", s3.get_bucket_logging),
            ("Encryption", s3.get_bucket_encryption),
            ("Policy", s3.get_bucket_policy),
            ("Acl", s3.get_bucket_acl),
            ("PublicAccessBlock", s3.get_public_access_block),
            ("Versioning", s3.get_bucket_versioning),
            ("Tags", s3.get_bucket_tagging),
            ("Ownership", s3.get_bucket_ownership_controls),
            ("Lifecycle", s3.get_bucket_lifecycle_configuration),
            ("Website", s3.get_bucket_website),
        ):
            item[into] = ask(method, Bucket=name)
        return item

    def user(item: dict[str, Any]) -> dict[str, Any]:
        name = item["UserName"]
        item["AccessKeys"] = ask(iam.list_access_keys, UserName=name)
        item["LoginProfile"] = ask(iam.get_login_profile, UserName=name)
        item["MFADevices"] = ask(iam.list_mfa_devices, UserName=name)
        return item

    with ThreadPoolExecutor(THREADS) as pool:
        found: list[Any] = []
        for page in s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": PAGE}):
            found += pool.map(bucket, page["Buckets"])
        details = iam.get_paginator("get_account_authorization_details")
        for page in details.paginate(Filter=["User"], PaginationConfig={"PageSize": PAGE}):
            found += pool.map(user, page["UserDetailList"])
        for page in ec2.get_paginator("describe_security_groups").paginate(MaxResults=PAGE):
            found += page["SecurityGroups"]
    return len(found)


def ours(endpoint: str) -> int:
    """Watchstander's reader, scope by scope; gives how many resources it read."""
    from config.clouds import AwsSettings, Budget
    from providers.aws.provider import AwsProvider
    from providers.resource import Scope

    budget = Budget(calls_per_second=1e6, burst=10**6, concurrency=THREADS)
    settings = AwsSettings(endpoint=endpoint, regions=("us-east-1",), budget=budget)
    provider = AwsProvider(settings, clock=lambda: datetime.now(UTC))
    read = 0
    for type_name, region in (
        ("aws.s3_bucket", "*"),
        ("aws.iam_user", "global"),
        ("aws.security_group", "us-east-1"),
    ):
        reading = provider.read(Scope("aws", ACCOUNT, region, type_name))
        read += sum(1 for _ in reading)
        if not reading.coverage.complete or reading.coverage.details_unread:
            raise SystemExit(f"not read whole: {reading.coverage}")
    provider.close()
    return read


READERS = {"hand": by_hand, "ours": ours, "raw": raw.read}


def once(name: str, count: int) -> dict[str, float]:
    """One reading in a process of its own, from a server of its own."""
    with served(count) as endpoint, _child(name, endpoint, stdout=subprocess.PIPE) as process:
        said, _ = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"the reader {name} failed")
        found: dict[str, float] = json.loads(said)
        found["calls"] = calls_of(endpoint)
    if found["read"] != 3 * count:
        raise SystemExit(f"{name} read {found['read']} of {3 * count}")
    return found


def _child(*arguments: object, stdout: int) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    clean |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-m", "bench.reading", *map(str, arguments)]
    return subprocess.Popen(command, stdout=stdout, text=True, env=clean)


def child(name: str, endpoint: str) -> None:
    """What a reader's process does."""
    started, used = time.perf_counter(), time.process_time()
    read = READERS[name](endpoint)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(json.dumps({"read": read, "wall": wall, "cpu": cpu, "rss": rss_mb()}))


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "hand": [], "raw": []}
    for _ in range(RUNS):
        for name, found in runs.items():
            found.append(once(name, count))
    best = {
        name: {key: min(one[key] for one in found) for key in ("wall", "cpu", "rss", "calls")}
        for name, found in runs.items()
    }
    mine, floor = best["ours"], best["hand"]
    return {
        "name": "reading",
        "n": count,
        "value": round(3 * count / mine["wall"]),
        "unit": "resources/s",
        "floor": round(3 * count / floor["wall"]),
        "ratio": round(mine["wall"] / floor["wall"], 3),
        "rss_mb": mine["rss"],
        "target": "<= 1.1 wall and CPU, no more calls, < 150 MB",
        "cpu_ratio": round(mine["cpu"] / floor["cpu"], 3),
        "calls": mine["calls"],
        "floor_calls": floor["calls"],
        "cpu_ms_per_call": round(1000 * mine["cpu"] / mine["calls"], 3),
        "floor_cpu_ms_per_call": round(1000 * floor["cpu"] / floor["calls"], 3),
        "floor_rss_mb": floor["rss"],
        "raw_wall_ratio": round(mine["wall"] / best["raw"]["wall"], 2),
        "raw_cpu_ms_per_call": round(1000 * best["raw"]["cpu"] / best["raw"]["calls"], 3),
        "raw_calls": best["raw"]["calls"],
    }


def main() -> None:
    """Run from the command line."""
    match sys.argv[1:]:
        case [("hand" | "ours" | "raw") as name, endpoint]:
            child(name, endpoint)
        case _:
            run(measure, __doc__, default=1000)


if __name__ == "__main__":
    main()
