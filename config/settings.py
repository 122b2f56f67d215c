"""Every option there is: its type, its default and its meaning. Frozen; unknown keys are refused.

The settings of the clouds are in :mod:`config.clouds`, those of the ledger in :mod:`config.ledger`; a setting is declared there and
nowhere else. ``reference.yaml``, the manual page and ``config check`` are made from it.
Durations are written ``30s``, ``15m``, ``2h``, ``7d``; secrets are written as references (``env:NAME``, ``file:/path``,
``aws-secretsmanager:ID``) and are never printed.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from config.clouds import Providers
from config.fields import DatabaseUrl, Duration, FieldPath, Model, Secret, TypePattern
from config.ledger import LedgerSettings


class RetentionRule(Model):
    """How long what was is kept, and how finely. What is now, findings and the ledger are kept for ever."""

    full: Duration = timedelta(days=90)
    """Every version is kept for so long after it ended."""
    daily: Duration = timedelta(days=400)
    """Then what was there at 00:00 UTC of each day, back to this age;"""
    monthly: Duration | None = None
    """then what was there on the first of each month, back to this age, or for ever where it is not given."""


class RetentionSettings(RetentionRule):
    """What is let go of, once a day."""

    enabled: bool = True
    """Whether the daemon lets go of anything by itself; ``db prune`` does so in any case."""
    types: dict[str, RetentionRule] = Field(default_factory=dict)
    """Type -> another rule; a trailing ``*`` matches a prefix, the longest counts."""
    events: Duration = timedelta(days=400)
    """How long it is remembered that an event was taken, and what nobody could understand."""


class HistorySettings(Model):
    """What is told of the past."""

    ignored_fields: dict[TypePattern, tuple[FieldPath, ...]] = Field(default_factory=dict)
    """Type -> fields whose changes are not told (``Tags[Backup]``, ``BlockDeviceMappings[*].Ebs``; recorded and judged they are); a trailing ``*`` matches a prefix."""


class StorageSettings(Model):
    """Where everything is remembered."""

    url: DatabaseUrl = "sqlite:////var/lib/watchstander/watchstander.db"
    """``sqlite:///path`` or ``postgresql://user@host/name``; a password by the reference below."""
    password: Secret | None = None
    """The PostgreSQL password, as a reference."""
    lock_timeout: Duration = timedelta(seconds=30)
    """How long to wait for a locked database."""
    durable_url: DatabaseUrl | None = None
    """Where durable workflows are kept; beside ``url`` when not given."""
    search_index: bool = False
    """On PostgreSQL, an index on every field of the newest documents, for ``--where`` and ``--tag``; see docs/storage.md for its size."""
    retention: RetentionSettings = RetentionSettings()
    """How long the past is kept, and how finely."""


class BundleKey(Model):
    """A key that OPA bundles are signed with."""

    algorithm: Literal[
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "HS256",
        "HS384",
        "HS512",
    ] = "RS256"
    """How it signs."""
    key: Path
    """A file with the public key as PEM; for the HS algorithms, with the secret (32 bytes at least)."""
    scope: str = ""
    """The scope that its signatures must have."""


class PolicyCheckout(Model):
    """Policies in a git checkout that must be at one commit."""

    path: Path
    """The checkout, or a folder or bundle in it (with a file, all of its folder is compared). Nothing is fetched or changed."""
    ref: str
    """The commit (all of its hash, where nobody may move it), tag or branch that must be checked out, with no file changed."""

    @field_validator("ref")
    @classmethod
    def _ref(cls, value: str) -> str:
        if not re.fullmatch(r"\w[^\s~^:?*\[\\]*", value) or ".." in value or "@{" in value or value == "HEAD":
            raise ValueError("write a commit, a tag or a branch: 4f2a…, v1.2, origin/main")
        return value


_HTTP_HOST = re.compile(r"(http://)?(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?")


class PolicySettings(Model):
    """Which policies judge, and what an evaluation may cost."""

    packs: tuple[str, ...] = ("preparation", "detection", "containment")
    """Built-in packs to use."""
    paths: tuple[Path, ...] = ()
    """Folders with packs or policies of your own."""
    checkouts: dict[str, PolicyCheckout] = Field(default_factory=dict)
    """Name -> a git checkout with packs or policies of your own, refused where it is not at its commit."""
    bundle_keys: dict[str, BundleKey] = Field(default_factory=dict)
    """Key id -> a key that OPA bundles may be signed with. Where one is given, a bundle that is not signed is refused."""
    disabled: tuple[str, ...] = ()
    """Ids of policies not to use; a trailing ``*`` matches a prefix."""
    severities: dict[str, Literal["info", "low", "medium", "high", "critical"]] = Field(default_factory=dict)
    """Policy id -> another severity."""
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Policy or pack id -> parameters, seen as ``data.parameters``."""
    enforcement: dict[str, Literal["advisory", "soft-mandatory", "hard-mandatory"]] = Field(
        default_factory=dict
    )
    """Policy id -> another level: an advisory failure fails no check and asks no hook, nothing exempts from a hard-mandatory one."""
    engine: Literal["embedded", "opa"] = "embedded"
    """What runs Rego policies: the engine in our own worker processes, or an OPA server."""
    opa_url: str | None = None
    """The base address of the OPA server, where ``engine`` is ``opa``."""
    http_hosts: tuple[str, ...] = ()
    """What Sentinel's import "http" may reach: ``api.example.com``, ``*.example.com``, ``name:8443``, and ``http://name`` without TLS. The
    import is closed where nothing is named."""
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    """Worker processes; 0 means one a core."""
    time_limit: Duration = timedelta(seconds=2)
    """The most processor time one evaluation may take; a busy machine stops nobody."""
    memory_limit_mb: Annotated[int, Field(ge=64)] = 512
    """The most memory a worker may take, in MiB beyond what it starts with."""
    join_limit_mb: Annotated[int, Field(ge=1, le=256)] = 32
    """The most that the related resources a policy joins may take, in MiB of JSON; more makes its verdict unknown."""
    join_delay: Duration = timedelta(seconds=10)
    """How long after the last of a burst of events the policies that join what changed are judged; six times that at the most."""
    clock_interval: Duration = timedelta(hours=1)
    """How often policies that read the clock are judged again, and evaluations that a limit stopped are tried again."""

    @field_validator("http_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HTTP_HOST.fullmatch(host):
                raise ValueError(
                    f"{host!r} is no host: write api.example.com, *.example.com, name:8443 or http://name, in lower case"
                )
        return value

    @model_validator(mode="after")
    def _opa(self) -> Self:
        if (self.engine == "opa") != (self.opa_url is not None):
            raise ValueError("`engine: opa` and `opa_url` are given together")
        if self.opa_url is not None and not re.match(r"https?://[^/\s]", self.opa_url):
            raise ValueError("`opa_url` must be an http:// or https:// address")
        return self


class Mode(StrEnum):
    """How far a hook may go."""

    OFF = "off"
    DRY_RUN = "dry-run"
    APPROVE = "approve"
    AUTO = "auto"


class HookSettings(Model):
    """A configured action."""

    use: str
    """The hook: ``deactivate_access_key``, ``webhook``, ``command``; see ``docs/reference/hooks.md``."""
    mode: Mode = Mode.DRY_RUN
    """off, dry-run (say what would be done), approve (wait for a person) or auto."""
    when: tuple[str, ...] = ()
    """What triggers it: policy ids (``aws.s3_*``) or event types (``event:CredentialAccess:*``)."""
    policy: str | None = None
    """The containment policy that decides, by id: ``containment.aws.allow_credential_revocation``."""
    exceptions: tuple[str, ...] = ()
    """User names, ARNs or resource ids that are never touched; the policy sees them as ``data.exceptions``."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The hook's own inputs (a webhook's ``url``, a command's ``argv``)."""
    max_per_hour: Annotated[int, Field(ge=1)] = 10
    """The most acts per account and hour; more stops and says so."""
    max_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """The largest share of an account's resources of the type that one batch may touch."""
    cool_down: Duration = timedelta(minutes=15)
    """How long the same target is left alone after an act."""
    plan_ttl: Duration = timedelta(hours=24)
    """How long a plan may be approved before it expires."""


class ContainmentSettings(Model):
    """What may be done about a violation. Nothing is done unless configured."""

    hooks: dict[str, HookSettings] = Field(default_factory=dict)
    """Name -> hook."""
    first_cycle: Literal["baseline", "act"] = "baseline"
    """The first complete cycle of a scope is a baseline: recorded, not alerted, not contained; ``act`` changes that."""


class ApiSettings(Model):
    """Health and metrics over HTTP."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9464
    """The port; 0 lets the system choose."""
    enabled: bool = True
    """Whether to listen at all."""


class LogSettings(Model):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe message that is written."""
    format: Literal["auto", "json", "console"] = "auto"
    """``auto``: console on a terminal, JSON otherwise."""


class Settings(Model):
    """The whole configuration."""

    providers: Providers = Providers()
    """The clouds to watch."""
    storage: StorageSettings = StorageSettings()
    """Where everything is remembered."""
    history: HistorySettings = HistorySettings()
    """What is told of the past."""
    policies: PolicySettings = PolicySettings()
    """Which policies judge."""
    containment: ContainmentSettings = ContainmentSettings()
    """What may be done about a violation."""
    ledger: LedgerSettings = LedgerSettings()
    """Where the ledger's heads are noted, out of the reach of who can write the database."""
    api: ApiSettings = ApiSettings()
    """Health and metrics over HTTP."""
    log: LogSettings = LogSettings()
    """What is logged."""
    state_dir: Path = Path("/var/lib/watchstander")
    """Where the daemon keeps what is neither configuration nor the database (worker scratch, the durable file)."""
    instance: str = "watchstander"
    """This daemon's stable name; two daemons on one database need two names."""
    shutdown_timeout: Duration = timedelta(seconds=30)
    """How long SIGTERM waits for work under way."""
