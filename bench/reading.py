"""Reading an account of N buckets, users and security groups: us against plain boto3 with 16 threads (target: at most 1.1 times
its wall clock and CPU, no more calls, less than 150 MB).

The floor is what one would write by hand: boto3's paginators and clients, a pool of 16 threads, exactly the calls that the
facts need, answers kept as they come: no budget, no deadline, no coverage, no canonical documents. Both read the same server,
a process of its own that answers from memory in AWS's wire formats, and each runs in a process of its own; they take turns, and
the better of two runs counts. ``value`` is resources per second; ``ratio`` is wall to the floor's wall. ``raw`` is the same
reading over bare HTTP (``bench.raw``): what is left of a call when there is no SDK.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote
from urllib.request import urlopen

from bench import raw
from bench.common import rss_mb, run

ACCOUNT = "123456789012"
PAGE = 1000
THREADS = 16
RUNS = 2

# The account, as a server that answers from memory

_S3 = "http://s3.amazonaws.com/doc/2006-03-01/"
_NONE = {
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "website": "NoSuchWebsiteConfiguration",
    "tagging": "NoSuchTagSet",
}
_BLOCK = "".join(
    f"<{name}>true</{name}>"
    for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
)
_ACL = (
    f'<AccessControlPolicy xmlns="{_S3}"><Owner><ID>o</ID></Owner><AccessControlList><Grant>'
    '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>o</ID></Grantee>'
    "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"
)
_SSE = "<SSEAlgorithm>AES256</SSEAlgorithm>"
_FACTS = {
    "logging": (
        f'<BucketLoggingStatus xmlns="{_S3}"><LoggingEnabled><TargetBucket>logs</TargetBucket>'
        "<TargetPrefix>p/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>"
    ),
    "encryption": (
        f'<ServerSideEncryptionConfiguration xmlns="{_S3}"><Rule><ApplyServerSideEncryptionByDefault>{_SSE}'
        "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    ),
    "acl": _ACL,
    "publicAccessBlock": (
        f'<PublicAccessBlockConfiguration xmlns="{_S3}">{_BLOCK}</PublicAccessBlockConfiguration>'
    ),
    "versioning": f'<VersioningConfiguration xmlns="{_S3}"><Status>Enabled</Status></VersioningConfiguration>',
    "tagging": (
        f'<Tagging xmlns="{_S3}"><TagSet><Tag><Key>team</Key><Value>a</Value></Tag></TagSet></Tagging>'
    ),
    "ownershipControls": (
        f'<OwnershipControls xmlns="{_S3}"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>'
        "</OwnershipControls>"
    ),
}


def _iam(action: str, inner: str) -> str:
    return (
        f'<{action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    )


def _user(number: int) -> str:
    return (
        f"<member><Path>/</Path><UserName>user-{number}</UserName><UserId>AIDA{number:016}</UserId>"
        f"<Arn>arn:aws:iam::{ACCOUNT}:user/user-{number}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>"
        "<GroupList><member>staff</member></GroupList><AttachedManagedPolicies><member><PolicyName>p</PolicyName>"
        f"<PolicyArn>arn:aws:iam::{ACCOUNT}:policy/p</PolicyArn></member></AttachedManagedPolicies></member>"
    )


def _group(number: int) -> str:
    return (
        f"<item><ownerId>{ACCOUNT}</ownerId><groupId>sg-{number:017}</groupId><groupName>group-{number}</groupName>"
        "<groupDescription>d</groupDescription><vpcId>vpc-1</vpcId><ipPermissions><item><ipProtocol>tcp</ipProtocol>"
        "<fromPort>443</fromPort><toPort>443</toPort><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>"
        "</ipPermissions><tagSet><item><key>team</key><value>a</value></item></tagSet></item>"
    )


class Account:
    """The answers, by request."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.calls = 0
        self._made: dict[str, tuple[int, bytes]] = {}

    def answer(self, target: str, body: str) -> tuple[int, bytes]:
        """Status and body for a request."""
        if target == "/_calls":
            return 200, str(self.calls).encode()
        self.calls += 1
        if body:
            return self._query({key: values[0] for key, values in parse_qs(body).items()})
        path, _, query = target.partition("?")
        if path == "/":
            return self._buckets({key: values[0] for key, values in parse_qs(query).items()})
        return self._fact(query.partition("&")[0].partition("=")[0])

    def _span(self, token: str | None) -> tuple[int, int, bool]:
        start = int(token or 0)
        end = min(start + PAGE, self.count)
        return start, end, end < self.count

    def _buckets(self, query: dict[str, str]) -> tuple[int, bytes]:
        start, end, more = self._span(query.get("continuation-token"))
        inner = "".join(
            f"<Bucket><Name>bucket-{number}</Name><CreationDate>2026-01-01T00:00:00Z</CreationDate>"
            "<BucketRegion>us-east-1</BucketRegion></Bucket>"
            for number in range(start, end)
        )
        token = f"<ContinuationToken>{end}</ContinuationToken>" if more else ""
        return 200, (
            f'<ListAllMyBucketsResult xmlns="{_S3}"><Buckets>{inner}</Buckets>{token}</ListAllMyBucketsResult>'
        ).encode()

    def _fact(self, fact: str) -> tuple[int, bytes]:
        if fact not in self._made:
            found = _FACTS.get(fact)
            error = f"<Error><Code>{_NONE.get(fact)}</Code><Message>There is none</Message></Error>"
            self._made[fact] = (200, found.encode()) if found else (404, error.encode())
        return self._made[fact]

    def _query(self, asked: dict[str, str]) -> tuple[int, bytes]:
        action = asked["Action"]
        if action == "GetCallerIdentity":
            inner = f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><UserId>U</UserId>"
            return 200, _iam(action, inner).encode()
        if action == "GetAccountAuthorizationDetails":
            start, end, more = self._span(asked.get("Marker"))
            users = "".join(map(_user, range(start, end)))
            marker = f"<Marker>{end}</Marker>" if more else ""
            flag = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
            return 200, _iam(action, f"<UserDetailList>{users}</UserDetailList>{flag}{marker}").encode()
        if action == "ListAccessKeys":
            user = asked["UserName"]
            key = f"<UserName>{user}</UserName><AccessKeyId>AKIA{user}</AccessKeyId><Status>Active</Status>"
            inner = f"<AccessKeyMetadata><member>{key}</member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"
            return 200, _iam(action, inner).encode()
        if action == "ListMFADevices":
            return 200, _iam(action, "<MFADevices/><IsTruncated>false</IsTruncated>").encode()
        if action == "GetLoginProfile":
            error = "<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>none</Message></Error>"
            return 404, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>".encode()
        if action == "DescribeSecurityGroups":
            start, end, more = self._span(asked.get("NextToken"))
            groups = "".join(map(_group, range(start, end)))
            token = f"<nextToken>{end}</nextToken>" if more else ""
            return 200, (
                f"<DescribeSecurityGroupsResponse><securityGroupInfo>{groups}</securityGroupInfo>{token}"
                "</DescribeSecurityGroupsResponse>"
            ).encode()
        raise ValueError(f"nobody should ask for {action}")


_HEAD = re.compile(rb"^(\w+) (\S+) HTTP/1.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Wire(asyncio.Protocol):
    """As little HTTP as boto3 needs."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._data += data
        while True:
            head, separator, rest = self._data.partition(b"\r\n\r\n")
            if not separator:
                return
            found = _LENGTH.search(head)
            length = int(found.group(1)) if found else 0
            if len(rest) < length:
                return
            body, self._data = rest[:length], rest[length:]
            first = _HEAD.match(head)
            assert first is not None
            status, answer = self._account.answer(unquote(first.group(2).decode()), body.decode())
            self._transport.write(
                b"HTTP/1.1 %d OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b"
                % (status, len(answer), answer)
            )


async def serve(count: int) -> None:
    """Serve until killed; says its port first."""
    loop = asyncio.get_running_loop()
    account = Account(count)
    server = await loop.create_server(lambda: Wire(account), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served(count: int) -> Iterator[str]:
    """The endpoint of a server with ``count`` of everything."""
    with _child("serve", count, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


# The two readers


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
    absent = {*_NONE.values(), "NoSuchEntity"}

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
        with urlopen(f"{endpoint}/_calls") as answer:
            found["calls"] = int(answer.read())
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
        "target": "<= 1.1 wall and CPU, < 150 MB",
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
        case ["serve", count]:
            asyncio.run(serve(int(count)))
        case [("hand" | "ours" | "raw") as name, endpoint]:
            child(name, endpoint)
        case _:
            run(measure, __doc__, default=1000)


if __name__ == "__main__":
    main()
