"""The same reading with nothing between: HTTP by urllib3, SigV4 by hand, answers parsed as XML and kept.

The lowest floor of ``bench.reading``: no SDK, no endpoint rules, no retries, no models; 16 threads, exactly the calls that the
facts need. What it leaves out is what an SDK is for, so it is a floor to measure by and no way to read a cloud.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import urllib3

THREADS: Final = 16
PAGE: Final = 1000
FACTS: Final = (
    "logging",
    "encryption",
    "policy",
    "acl",
    "publicAccessBlock",
    "versioning",
    "tagging",
    "ownershipControls",
    "lifecycle",
    "website",
)
REGION: Final = "us-east-1"
_EMPTY: Final = hashlib.sha256(b"").hexdigest()


class Signer:
    """SigV4 for one service; its key is derived once a day."""

    def __init__(self, service: str, host: str, key: str, secret: str) -> None:
        self._service, self._host, self._key, self._secret = service, host, key, secret
        self._day = ""
        self._derived = b""

    def headers(self, method: str, path: str, query: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        if now[:8] != self._day:
            derived = b"AWS4" + self._secret.encode()
            for part in (now[:8], REGION, self._service, "aws4_request"):
                derived = hmac.digest(derived, part.encode(), "sha256")
            self._day, self._derived = now[:8], derived
        digest = hashlib.sha256(body).hexdigest() if body else _EMPTY
        signed = "host;x-amz-content-sha256;x-amz-date"
        canonical = (
            f"{method}\n{path}\n{query}\nhost:{self._host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n"
            f"\n{signed}\n{digest}"
        )
        scope = f"{self._day}/{REGION}/{self._service}/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(
            self._derived, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}".encode(), "sha256"
        )
        return {
            "x-amz-content-sha256": digest,
            "x-amz-date": now,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self._key}/{scope}, SignedHeaders={signed}, Signature={signature.hex()}",
        }


class Raw:
    """A connection pool and the three services."""

    def __init__(self, endpoint: str) -> None:
        at = urlsplit(endpoint)
        host = at.netloc
        self._pool = urllib3.HTTPConnectionPool(
            str(at.hostname), at.port, maxsize=2 * THREADS, block=False, retries=False
        )
        self._signers = {name: Signer(name, host, "a", "b") for name in ("s3", "iam", "ec2")}

    def get(self, path: str, query: str) -> ET.Element:
        """One of S3's."""
        headers = self._signers["s3"].headers("GET", path, query, b"")
        answer = self._pool.request("GET", f"{path}?{query}", headers=headers)
        return ET.fromstring(answer.data)

    def query(self, service: str, **parameters: str) -> ET.Element:
        """One of the query protocol's."""
        body = urlencode(parameters).encode()
        headers = self._signers[service].headers("POST", "/", "", body)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return ET.fromstring(self._pool.request("POST", "/", body=body, headers=headers).data)

    def pages(self, service: str, token: str, sent: str, **parameters: str) -> Iterator[ET.Element]:
        """Every page of a listing of the query protocol."""
        more: dict[str, str] = {}
        while True:
            page = self.query(service, **parameters, **more)
            yield page
            found = text(page, token)
            if not found:
                return
            more = {sent: found}

    def bucket(self, name: str) -> list[ET.Element]:
        """A bucket's facts."""
        return [self.get(f"/{name}", f"{fact}=") for fact in FACTS]

    def user(self, name: str) -> list[ET.Element]:
        """A user's facts."""
        actions = ("ListAccessKeys", "GetLoginProfile", "ListMFADevices")
        return [self.query("iam", Action=a, Version="2010-05-08", UserName=name) for a in actions]


def text(element: ET.Element, name: str) -> str:
    """The text of the first element so called, whatever its namespace."""
    return next((found.text or "" for found in element.iterfind(f".//{{*}}{name}")), "")


def texts(elements: Iterable[ET.Element], name: str) -> Iterator[str]:
    """The same of several."""
    return (text(element, name) for element in elements)


def read(endpoint: str) -> int:
    """Read everything; gives how many resources there were."""
    raw, kept, token = Raw(endpoint), 0, ""
    everything: list[object] = []
    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            query = urlencode(
                sorted({"max-buckets": str(PAGE), **({"continuation-token": token} if token else {})}.items())
            )
            page = raw.get("/", query)
            buckets = page.findall("./{*}Buckets/{*}Bucket")
            everything += pool.map(raw.bucket, texts(buckets, "Name"))
            kept += len(buckets)
            if not (token := text(page, "ContinuationToken")):
                break
        details = {"Action": "GetAccountAuthorizationDetails", "Version": "2010-05-08", "MaxItems": str(PAGE)}
        for page in raw.pages("iam", "Marker", "Marker", **{**details, "Filter.member.1": "User"}):
            users = page.findall(".//{*}UserDetailList/{*}member")
            everything += pool.map(raw.user, texts(users, "UserName"))
            kept += len(users)
        groups = {"Action": "DescribeSecurityGroups", "Version": "2016-11-15", "MaxResults": str(PAGE)}
        for page in raw.pages("ec2", "nextToken", "NextToken", **groups):
            found = page.findall(".//{*}securityGroupInfo/{*}item")
            everything += found
            kept += len(found)
    return kept
