"""An organisation of N accounts in 17 regions, read through a transport that answers after 2 ms.

The target is 1,000 accounts, 17,000 scopes (about a minute on two cores); the default is small. What it costs and why:
docs/decisions/0201.

The transport stands below botocore: signing, endpoint rules, parsing, budgets, role sessions and clients are real, only the
network is not. ``value`` is scopes per second; the floor is what the 2 ms allow with the configured concurrency (16). ``rss_mb``
is the most memory ever, ``rss_at_tenth_mb`` what it was after a tenth of the accounts: flat means that the two hardly differ.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.awsrequest import AWSResponse

from bench.common import rss_mb, run
from config.clouds import AwsAccounts, AwsSettings, Budget
from daemon.reading import Limits, Readings
from providers.aws.provider import AwsProvider
from providers.resource import Coverage, Resource, Scope

LATENCY: Final = 0.002
THREADS: Final = 16
OWN: Final = "999999999999"
REGIONS: Final = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3",
    "eu-central-1", "eu-north-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3",
)  # fmt: skip
TYPE: Final = "aws.security_group"

_IDENTITY: Final = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>arn:aws:iam::{OWN}:user/me</Arn><UserId>U</UserId><Account>{OWN}</Account></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
).encode()
_GROUPS: Final = (
    b"<DescribeSecurityGroupsResponse><securityGroupInfo>"
    + b"".join(
        b"<item><ownerId>1</ownerId><groupId>sg-%d</groupId><groupName>g</groupName><vpcId>vpc-1</vpcId></item>"
        % n
        for n in range(5)
    )
    + b"</securityGroupInfo></DescribeSecurityGroupsResponse>"
)


class Transport:
    """Answers instead of the network, after a while."""

    def __init__(self) -> None:
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        """A handler of ``before-send``: what it gives is taken for the answer."""
        time.sleep(LATENCY)
        with self._lock:
            self.calls += 1
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        if b"Action=GetCallerIdentity" in body:
            content = _IDENTITY
        else:
            content = _assumed() if b"Action=AssumeRole" in body else _GROUPS
        return AWSResponse(request.url, 200, {"Content-Type": "text/xml"}, _Body(content))


class _Body:
    """What botocore reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """All of it at once."""
        yield self._content


def _assumed() -> bytes:
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken><Expiration>{until}</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()


def scopes(accounts: int) -> Iterator[Scope]:
    """Every region of every account."""
    for number in range(accounts):
        yield from (Scope("aws", f"{number:012}", region, TYPE) for region in REGIONS)


def measure(accounts: int) -> dict[str, Any]:
    """The benchmark's one object."""
    transport = Transport()
    settings = AwsSettings(
        accounts=AwsAccounts(role="WatchstanderRead"),
        budget=Budget(calls_per_second=1e6, burst=10**6, concurrency=THREADS),
    )
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    provider = AwsProvider(
        settings,
        clock=lambda: datetime.now(UTC),
        prepare=lambda session: session.events.register_last("before-send", transport),
    )
    limits = Limits(concurrency=THREADS, scope_deadline=timedelta(minutes=5))
    readings: Readings[None, int] = Readings(
        provider, scopes(accounts), limits, threading.Event(), lambda _: None, _count
    )
    started, used = time.perf_counter(), time.process_time()
    read = ended = 0
    early = 0.0
    for _, _, piece in readings:
        if not isinstance(piece, Coverage):
            read += piece
            continue
        if not piece.complete:
            raise SystemExit(f"not read whole: {piece}")
        ended += 1
        if ended == max(1, accounts * len(REGIONS) // 10):
            early = rss_mb()
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    provider.close()
    assert read == 5 * ended
    floor = THREADS / LATENCY
    return {
        "name": "scale",
        "n": accounts,
        "value": round(ended / wall),
        "unit": "scopes/s",
        "floor": round(floor),
        "ratio": round(ended / wall / floor, 3),
        "rss_mb": rss_mb(),
        "rss_at_tenth_mb": early,
        "calls": transport.calls,
        "cpu_ms_per_scope": round(1000 * cpu / ended, 3),
        "seconds": round(wall, 1),
    }


def _count(_: None, batch: list[Resource]) -> int:
    return len(batch)


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__, default=10)


if __name__ == "__main__":
    main()
