"""Objects that cannot be deleted before their time: a bucket with S3 Object Lock.

Who may write to such a bucket can put a new version over an object, or a delete marker, but the first version stays. So every
key is read by its oldest version.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from config.ledger import S3Anchor
from providers.aws.errors import wrapped

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent_appid="watchstander",
)


class LockedBucket:
    """One bucket, below one prefix."""

    def __init__(self, settings: S3Anchor) -> None:
        self._settings = settings

    @cached_property
    def _client(self) -> Any:
        wanted = self._settings
        with wrapped("s3", "client", "", wanted.region):
            session = boto3.Session(profile_name=wanted.profile)
            return session.client(
                "s3", region_name=wanted.region, endpoint_url=wanted.endpoint, config=_CONFIG
            )

    def put(self, name: str, body: bytes, until: datetime) -> None:
        """Write a new object and lock it until a time. Raises Conflict where there is one of that name, ProviderError."""
        wanted = self._settings
        with wrapped("s3", "PutObject", "", wanted.region):
            self._client.put_object(
                Bucket=wanted.bucket,
                Key=wanted.prefix + name,
                Body=body,
                ContentType="text/plain",
                IfNoneMatch="*",
                ObjectLockMode=wanted.mode.upper(),
                ObjectLockRetainUntilDate=until,
            )

    def names(self, start: str = "", *, after: str | None = None) -> Iterator[tuple[str, str]]:
        """Every name that begins with ``start``, in order, with its oldest version; only those behind the name ``after``,
        where it is given. Raises ProviderError."""
        wanted = self._settings
        asked: dict[str, Any] = {"Bucket": wanted.bucket, "Prefix": wanted.prefix + start}
        if after is not None:
            asked["KeyMarker"] = wanted.prefix + after
        last: tuple[str, str] | None = None
        while True:
            with wrapped("s3", "ListObjectVersions", "", wanted.region):
                answer = self._client.list_object_versions(**asked)
            for version in answer.get("Versions", ()):
                name = version["Key"].removeprefix(wanted.prefix)
                # The versions of one key stand together, the newest first.
                if last is not None and last[0] != name:
                    yield last
                last = (name, version["VersionId"])
            if not answer.get("IsTruncated"):
                break
            asked["KeyMarker"] = answer["NextKeyMarker"]
            asked["VersionIdMarker"] = answer["NextVersionIdMarker"]
        if last is not None:
            yield last

    def get(self, name: str, version: str) -> bytes:
        """The content of a version. Raises ProviderError."""
        wanted = self._settings
        with wrapped("s3", "GetObject", "", wanted.region):
            answer = self._client.get_object(
                Bucket=wanted.bucket, Key=wanted.prefix + name, VersionId=version
            )
            return bytes(answer["Body"].read())
