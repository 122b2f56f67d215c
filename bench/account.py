"""An AWS account of N buckets, users and security groups, as a server that answers from memory in AWS's wire formats.

It is a process of its own, so that what a reader costs is only the reader's; ``/_calls`` says how often it was asked. It knows what
the readers of ``bench.reading`` and ``bench.beside`` ask for, and fails at anything else.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote
from urllib.request import urlopen

ACCOUNT = "123456789012"
PAGE = 1000

_S3 = "http://s3.amazonaws.com/doc/2006-03-01/"
ABSENT = {
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "website": "NoSuchWebsiteConfiguration",
    "tagging": "NoSuchTagSet",
    "replication": "ReplicationConfigurationNotFoundError",
}
"""What S3 says where a bucket lacks something."""
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
    "location": f'<LocationConstraint xmlns="{_S3}"/>',
    "notification": f'<NotificationConfiguration xmlns="{_S3}"/>',
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
            error = f"<Error><Code>{ABSENT.get(fact)}</Code><Message>There is none</Message></Error>"
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
        if action == "ListUsers":
            start, end, more = self._span(asked.get("Marker"))
            users = "".join(map(_user, range(start, end)))
            marker = f"<Marker>{end}</Marker>" if more else ""
            flag = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
            return 200, _iam(action, f"<Users>{users}</Users>{flag}{marker}").encode()
        if action == "GetUser":
            user = _user(int(asked["UserName"].removeprefix("user-"))).replace("member>", "User>", 1)
            return 200, _iam(action, user.removesuffix("</member>") + "</User>").encode()
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
    command = [sys.executable, "-m", "bench.account", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def calls_of(endpoint: str) -> int:
    """How many requests the server has answered."""
    with urlopen(f"{endpoint}/_calls") as answer:
        return int(answer.read())


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
