"""The settings of the clouds: which are read, when, whose accounts, and how we prove who we are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.fields import Duration, Model, Secret


class Schedule(Model):
    """When a provider is read. Exactly one of ``every`` and ``cron``."""

    every: Duration | None = None
    """The interval between cycles: ``15m``."""
    cron: str | None = None
    """A five-field cron expression in UTC: ``0 */6 * * *``."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.every is None) == (self.cron is None):
            raise ValueError("give either `every` or `cron`")
        if self.every is not None and self.every < timedelta(seconds=1):
            raise ValueError("`every` must be at least 1s")
        return self


class Budget(Model):
    """How much of a cloud's API we allow ourselves, so that production keeps its head-room."""

    calls_per_second: Annotated[float, Field(gt=0)] = 20.0
    """The most calls per second for one account and service; throttling lowers it, success raises it again."""
    burst: Annotated[int, Field(ge=1)] = 40
    """How many calls may be made at once after a pause."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """How many scopes are read at the same time."""
    scope_deadline: Duration = timedelta(minutes=5)
    """After this long the reading of one scope is given up as timed out; the others go on."""
    call_timeout: Duration = timedelta(seconds=30)
    """The longest wait for one answer."""


class PastSettings(Model):
    """The past that a cloud itself remembers: asked for once, in the background, when a scope was first read completely."""

    back: Duration = timedelta(days=30)
    """How far back; ``0s`` asks for none. Azure remembers 14 days, Google Cloud 35, AWS Config as long as it was told to."""
    batches_per_second: Annotated[float, Field(gt=0)] = 0.5
    """The most batches a second that are asked about, so that reading what is keeps its share of the calls. A batch is 100
    resources of Azure or Google Cloud (one query; two calls), 16 of AWS (a call for each and each week back)."""
    deadline: Duration = timedelta(minutes=30)
    """After this long the next scope has its turn; the rest of this one comes later."""


class WhoSettings(Model):
    """Who made a change: asked of CloudTrail, the activity log and the audit logs, in the background, for what changed."""

    enabled: bool = True
    """Whether they are asked; what events tell is kept in any case."""
    changes: Annotated[int, Field(ge=1)] = 500
    """The most changes asked about after one cycle, the newest first; the others have their turn later, for a day."""
    changes_per_second: Annotated[float, Field(gt=0)] = 1.0
    """The most changes a second that are asked about. CloudTrail bears two calls a second."""


class ProviderSettings(Model):
    """What every cloud has."""

    schedule: Schedule = Schedule(every=timedelta(minutes=15))
    """When it is read."""
    endpoint: str | None = None
    """Another endpoint than the public cloud's: an emulator or a sovereign cloud."""
    types: tuple[str, ...] = ()
    """Resource types to read; empty means all. A trailing ``*`` matches a prefix."""
    exclude_types: tuple[str, ...] = ()
    """Resource types never to read."""
    budget: Budget = Budget()
    """Calls we allow ourselves."""
    past: PastSettings = PastSettings()
    """What happened before the first contact, as the cloud tells it."""
    who: WhoSettings = WhoSettings()
    """Who made the changes that were seen, as the cloud's own record tells it."""


OrganizationalUnit = Annotated[str, Field(pattern=r"^(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$")]


class AwsAccounts(Model):
    """Which AWS accounts, and how they are entered."""

    discover: Literal["none", "organizations"] = "none"
    """``none``: the account of the credentials and those in ``include``; ``organizations``: every active account."""
    include: tuple[str, ...] = ()
    """Account ids; with ``organizations``, only these."""
    exclude: tuple[str, ...] = ()
    """Account ids never to enter."""
    include_units: tuple[OrganizationalUnit, ...] = ()
    """With ``organizations``, only accounts in these organisational units (``ou-…``, or a root ``r-…``) and those below."""
    exclude_units: tuple[OrganizationalUnit, ...] = ()
    """Accounts in these units, and in those below, are never entered."""
    include_tags: dict[str, str] = Field(default_factory=dict)
    """With ``organizations``, only accounts with one of these tags; ``*`` is every value."""
    exclude_tags: dict[str, str] = Field(default_factory=dict)
    """Accounts with one of these tags are never entered; ``*`` is every value."""
    role: str | None = None
    """Name of the role to assume in every account but our own: ``WatchstanderRead``."""
    contain_role: str | None = None
    """Name of the role to assume for containment; ``role`` where not given."""
    external_id: str | None = None
    """The external id the role's trust asks for."""
    session_name: str = "watchstander"
    """How our sessions are called in CloudTrail."""
    session_tags: Annotated[dict[str, str], Field(max_length=50)] = Field(default_factory=dict)
    """Tags of our sessions, for the accounts' own policies to ask about; their roles' trust must allow ``sts:TagSession``."""

    @model_validator(mode="after")
    def _of_an_organization(self) -> Self:
        chosen = (self.include_units, self.exclude_units, self.include_tags, self.exclude_tags)
        if any(chosen) and self.discover != "organizations":
            raise ValueError("units and tags of accounts are chosen with `discover: organizations`")
        return self


class AwsAggregator(Model):
    """An AWS Config aggregator, for the source ``config``."""

    name: str | None = None
    """Its name."""
    region: str | None = None
    """The region it is in; the partition's home region otherwise."""
    account: str | None = None
    """The account it is in (a delegated administrator's); our own otherwise."""
    types: tuple[str, ...] = ()
    """Types to read from it, the others by ``describe``; empty means all that are mapped. A trailing ``*`` is a prefix."""


class AwsEvents(Model):
    """Where events arrive: an SQS queue that EventBridge fills."""

    queue_url: str | None = None
    """The queue's URL; no queue means no events."""
    region: str = "us-east-1"
    """The queue's region."""
    visibility: Duration = timedelta(minutes=2)
    """How long a message in work is hidden from others."""


class AwsSettings(ProviderSettings):
    """Amazon Web Services."""

    partition: Literal["aws", "aws-cn", "aws-us-gov"] = "aws"
    """The AWS partition."""
    regions: tuple[str, ...] = ()
    """Regions to read; empty means every region enabled for the account."""
    profile: str | None = None
    """A profile of the shared AWS configuration; the SDK's own search otherwise."""
    sources: Annotated[tuple[Literal["describe", "cloudcontrol", "config"], ...], Field(min_length=1)] = (
        "describe",
    )
    """How resources are read: ``describe`` with each service's own calls, ``cloudcontrol`` the ``cloudcontrol_types``,
    ``config`` a whole organisation from an AWS Config ``aggregator``."""
    cloudcontrol_types: tuple[str, ...] = ()
    """CloudFormation types to read through Cloud Control: ``AWS::Logs::QueryDefinition``; a trailing ``*`` is a prefix."""
    aggregator: AwsAggregator = AwsAggregator()
    """What the source ``config`` reads."""
    accounts: AwsAccounts = AwsAccounts()
    """Which accounts, and how they are entered."""
    events: AwsEvents = AwsEvents()
    """Where events arrive."""

    @model_validator(mode="after")
    def _aggregated(self) -> Self:
        if ("config" in self.sources) != (self.aggregator.name is not None):
            raise ValueError("the source `config` and `aggregator.name` are given together")
        return self


class AzureEvents(Model):
    """Where events arrive: a storage queue that Event Grid fills."""

    queue_url: str | None = None
    """The queue's address, ``https://ACCOUNT.queue.core.windows.net/QUEUE``; no queue means no events."""
    visibility: Duration = timedelta(minutes=2)
    """How long a message in work is hidden from others."""


class AzureTenant(Model):
    """A tenant of Azure: how we prove who we are there, and what of it is read."""

    tenant_id: str | None = None
    """The tenant; the credential's own otherwise."""
    client_id: str | None = None
    """The service principal or the user-assigned managed identity."""
    client_secret: Secret | None = None
    """The service principal's secret, as a reference."""
    client_certificate: Path | None = None
    """A file with the service principal's certificate and its private key, as PEM or PKCS#12."""
    client_certificate_password: Secret | None = None
    """The password of that file, as a reference."""
    credential: Literal[
        "default",
        "managed-identity",
        "workload-identity",
        "client-secret",
        "client-certificate",
        "cli",
        "static",
    ] = "default"
    """How we prove who we are; ``static`` is for the sandbox only."""
    subscriptions: tuple[str, ...] = ()
    """Subscription ids to read; empty, and no ``management_groups``, means all the credential can see."""
    exclude_subscriptions: tuple[str, ...] = ()
    """Subscription ids never to read."""
    management_groups: tuple[str, ...] = ()
    """Management groups (their ids) of which every subscription is read, however deep."""
    exclude_management_groups: tuple[str, ...] = ()
    """Management groups of which no subscription is ever read."""
    events: AzureEvents = AzureEvents()
    """Where events arrive."""


class AzureSettings(AzureTenant, ProviderSettings):
    """Microsoft Azure: one tenant, or several."""

    cloud: Literal["public", "government", "china"] = "public"
    """The Azure cloud."""
    tenants: tuple[AzureTenant, ...] = ()
    """Several tenants, each with a credential and a choice of its own (the same settings as one has); none is given beside them."""

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if not self.tenants:
            return self
        beside = sorted(AzureTenant.model_fields.keys() & self.model_fields_set)
        if beside:
            raise ValueError(
                f"with `tenants`, {', '.join(f'`{name}`' for name in beside)} belong into each tenant"
            )
        ids = [(tenant.tenant_id or "").lower() for tenant in self.tenants]
        if "" in ids or len(set(ids)) < len(ids):
            raise ValueError("each of `tenants` needs a `tenant_id` of its own")
        named = [one.lower() for tenant in self.tenants for one in dict.fromkeys(tenant.subscriptions)]
        twice = sorted({one for one in named if named.count(one) > 1})
        if twice:
            raise ValueError(f"subscription {twice[0]} is named by more than one of `tenants`")
        return self

    def each(self) -> tuple[AzureSettings, ...]:
        """The settings of each tenant; these themselves where they are those of one."""
        if not self.tenants:
            return (self,)
        common = {name: getattr(self, name) for name in ("cloud", *ProviderSettings.model_fields)}
        return tuple(
            AzureSettings.model_validate(
                common | {name: getattr(tenant, name) for name in AzureTenant.model_fields}
            )
            for tenant in self.tenants
        )


class GcpSettings(ProviderSettings):
    """Google Cloud."""

    parents: tuple[str, ...] = ()
    """What to read: ``organizations/1``, ``folders/2`` or ``projects/name``; empty means the credential's project."""
    rest_endpoint: str | None = None
    """The endpoint for REST calls (Compute, IAM, Storage, Resource Manager), where ``endpoint`` is a gRPC address."""
    quota_project: str | None = None
    """The project whose Cloud Asset quota is used."""
    exclude_projects: tuple[str, ...] = ()
    """Projects (their ids) never to read."""
    exclude_folders: tuple[str, ...] = ()
    """Folders (``folders/2`` or the number) of which no project, and nothing else, is ever read."""
    search_every: Duration | None = None
    """How often Cloud Asset's search index is asked what has changed, between readings; not at all when not given."""
    os_inventory: bool = False
    """Whether the OS inventory of instances is read too: what is installed, as OS Config reports it."""
    impersonate: tuple[str, ...] = ()
    """Service accounts to become, one after the other, by their e-mail addresses; the last one reads."""
    subscriptions: tuple[str, ...] = ()
    """Pub/Sub subscriptions where asset feeds, audit logs and findings arrive: ``projects/p/subscriptions/s``."""
    credential: Literal["default", "anonymous"] = "default"
    """How we prove who we are; ``anonymous`` is for the sandbox only."""
    transport: Literal["grpc", "rest"] = "grpc"
    """How Cloud Asset is called."""


class Providers(Model):
    """The clouds to watch. A cloud that is not named here is not read, and its SDK is not even imported."""

    aws: AwsSettings | None = None
    """Amazon Web Services."""
    azure: AzureSettings | None = None
    """Microsoft Azure."""
    gcp: GcpSettings | None = None
    """Google Cloud."""
