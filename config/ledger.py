"""The settings of the ledger: where its heads are noted elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from config.fields import Duration, Model

FACILITIES = ("auth", "authpriv", "daemon", "user", *(f"local{n}" for n in range(8)))
_SYSLOG = re.compile(
    r"(?P<kind>udp|tcp)://(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})|unix:(?P<path>/.+)"
)


class FileAnchor(Model):
    """A file on storage of its own."""

    path: Path
    """The file notes are appended to, on storage the daemon can only append to: another host's export, `chattr +a`."""


class S3Anchor(Model):
    """A bucket with S3 Object Lock. Credentials are the SDK's own search, or ``profile``."""

    bucket: str
    """The bucket; Object Lock must be on."""
    prefix: str = "watchstander/"
    """What the keys begin with."""
    region: str = "us-east-1"
    """The bucket's region."""
    profile: str | None = None
    """A profile of the shared AWS configuration: best one of another account than the database's."""
    endpoint: str | None = None
    """Another endpoint than AWS's own, of a store that speaks S3 with Object Lock."""
    mode: Literal["compliance", "governance"] = "compliance"
    """``compliance``: nobody can delete a note before its time, ``governance``: only who may bypass that."""
    retain: Duration = timedelta(days=400)
    """How long a note cannot be deleted."""


class SyslogAnchor(Model):
    """A syslog receiver (RFC 5424) on another host."""

    address: str
    """``udp://host:514``, ``tcp://host:601``, or ``unix:/dev/log`` for a local relay."""
    facility: str = "authpriv"
    """The facility of the lines."""
    read: Path | None = None
    """A file of received lines, where it can be read from here; ``audit verify`` then compares with it."""

    @field_validator("address")
    @classmethod
    def _address(cls, value: str) -> str:
        found = _SYSLOG.fullmatch(value)
        if found is None or (found["port"] is not None and not 0 < int(found["port"]) < 65536):
            raise ValueError("write udp://host:514, tcp://host:601 or unix:/dev/log")
        return value

    @field_validator("facility")
    @classmethod
    def _facility(cls, value: str) -> str:
        if value not in FACILITIES:
            raise ValueError(f"must be one of {', '.join(FACILITIES)}")
        return value


class GitAnchor(Model):
    """Notes in a git repository. The ``git`` command must be installed."""

    repository: Path
    """A clone of the repository."""
    ref: str = "refs/notes/watchstander"
    """The notes' ref; ``git log --notes=watchstander`` shows them."""
    commit: str = "HEAD"
    """The commit that carries the newest note; the ref's history holds them all."""
    remote: str | None = None
    """The remote that notes are pushed to at once and read from: best one that refuses forced pushes."""

    @field_validator("ref")
    @classmethod
    def _ref(cls, value: str) -> str:
        if not re.fullmatch(r"refs/notes/[A-Za-z0-9_][A-Za-z0-9_./-]*", value) or ".." in value:
            raise ValueError("must begin with refs/notes/")
        return value

    @field_validator("commit", "remote")
    @classmethod
    def _word(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_][^\s:]*", value):
            raise ValueError("must be a name, not an option")
        return value


class AnchorSettings(Model):
    """One place where heads are noted. Exactly one kind."""

    file: FileAnchor | None = None
    """A file on other storage."""
    s3: S3Anchor | None = None
    """A bucket with S3 Object Lock."""
    syslog: SyslogAnchor | None = None
    """A syslog receiver."""
    git: GitAnchor | None = None
    """A note in a git repository."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(kind is not None for kind in (self.file, self.s3, self.syslog, self.git)) != 1:
            raise ValueError("give exactly one of `file`, `s3`, `syslog` and `git`")
        return self


class LedgerSettings(Model):
    """Where the ledger's heads are noted, and when."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "watchstander"
    """What the notes call this ledger. All daemons of one database have the same; another database has another."""
    anchors: dict[str, AnchorSettings] = Field(default_factory=dict)
    """Name -> a place where heads are noted; two at least, kept by different people."""
    entries: Annotated[int, Field(ge=1)] = 100
    """A head is noted after so many new entries,"""
    every: Duration = timedelta(minutes=15)
    """or after so long, if there is any new entry; and at shutdown."""
