"""Each way of failing, in each call, of each cloud, through the real clients: the right coverage, nothing taken for deleted or
changed, and the others read whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.settings import StorageSettings
from providers.provider import Provider, Selection
from providers.resource import ANY, Coverage, CoverageStatus, Scope
from providers.sandbox.faults import Fault, FaultKind
from storage.database import Database
from storage.inventory import Inventory
from storage.values import Change

STATUS = {
    FaultKind.DENIED: CoverageStatus.DENIED,
    FaultKind.THROTTLED: CoverageStatus.THROTTLED,
    FaultKind.ERROR: CoverageStatus.UNAVAILABLE,
    FaultKind.TIMEOUT: CoverageStatus.TIMED_OUT,
    FaultKind.TRUNCATED: CoverageStatus.PARTIAL,
    FaultKind.EXPIRED: CoverageStatus.EXPIRED,
    FaultKind.SKEWED: CoverageStatus.EXPIRED,
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Cloud:
    """A cloud on this machine, what is read of it, and what is broken there."""

    connect: Callable[..., Provider]
    """Gives a provider with this budget."""
    hasty: dict[str, Any]
    """The budget of one that gives up soon; the others have time, so that nothing which does answer is too slow for them."""
    faults: Any
    listed: Scope
    """A scope whose listing is broken."""
    detailed: Scope
    """A scope of whose details some are broken."""
    other: Scope
    """A scope that nothing breaks."""
    list_fault: dict[str, str]
    detail_fault: dict[str, str]
    unread_detail: bool
    """Whether a failed detail is an unread field of a scope that is complete; else it is the scope's own coverage."""
    inventory: Inventory
    hours: int = 0
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = self.connect({})

    @contextmanager
    def facing(self, kind: FaultKind) -> Iterator[None]:
        """Read by a provider that gives up soon, where an answer never comes."""
        patient = self.provider
        if kind is FaultKind.TIMEOUT:
            self.provider = self.connect(self.hasty)
        try:
            yield
        finally:
            if self.provider is not patient:
                self.provider.close()
            self.provider = patient

    def read(self, scope: Scope) -> tuple[Coverage, list[Change]]:
        """Read and remember, as a cycle does; a single complete reading is enough to delete."""
        self.hours += 1
        recording = self.inventory.begin(scope, START + timedelta(hours=self.hours))
        reading = self.provider.read(scope)
        changes = recording.add(list(reading)) + recording.finish(reading.coverage)
        return reading.coverage, changes


def settled(cloud: Cloud) -> Cloud:
    for scope in {cloud.listed, cloud.detailed, cloud.other}:
        coverage, changes = cloud.read(scope)
        assert coverage.complete, coverage
        assert changes
        assert cloud.read(scope)[1] == [], "reading twice is no change"
    return cloud


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    folder = tmp_path_factory.mktemp("matrix")
    with Database.open(StorageSettings(url=f"sqlite:///{folder}/w.db")) as database:
        database.migrate()
        yield Inventory(database)


@pytest.fixture(scope="module")
def aws_cloud(aws_sandbox: Any, inventory: Inventory) -> Iterator[Cloud]:
    from providers.aws.provider import AwsProvider

    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_sandbox.environment().items():
            patch.setenv(name, value)
        settings = aws_sandbox.settings()

        def connect(budget: dict[str, Any]) -> AwsProvider:
            ours = settings.model_copy(update={"budget": settings.budget.model_copy(update=budget)})
            return AwsProvider(ours, clock=lambda: datetime.now(UTC), attempts=1)

        account = aws_sandbox.estate.drifting_bucket[0]
        made = settled(
            Cloud(
                connect=connect,
                hasty={"call_timeout": timedelta(seconds=2)},
                faults=aws_sandbox.faults,
                listed=Scope("aws", account, "us-east-1", "aws.subnet"),
                detailed=Scope("aws", account, ANY, "aws.s3_bucket"),
                other=Scope("aws", account, "eu-west-1", "aws.subnet"),
                list_fault={"region": "us-east-1", "operation": "DescribeSubnets", "account": account},
                detail_fault={"operation": "GetBucketPolicy", "resource": "production-orders"},
                unread_detail=True,
                inventory=inventory,
            )
        )
        yield made
        made.provider.close()


@pytest.fixture(scope="module")
def azure_cloud(inventory: Inventory) -> Iterator[Cloud]:
    from providers.azure.provider import AzureProvider
    from providers.sandbox.azure import AzureEmulator
    from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION

    with AzureEmulator() as emulator:

        def connect(budget: dict[str, Any]) -> AzureProvider:
            settings = emulator.settings(budget=budget)
            return AzureProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _: None)

        made = settled(
            Cloud(
                connect=connect,
                hasty={"call_timeout": "0.3s"},
                faults=emulator.faults,
                listed=Scope("azure", PRODUCTION, ANY, ANY),
                detailed=Scope("azure", PRODUCTION, ANY, "microsoft.storage/storageaccounts/blobservices"),
                other=Scope("azure", DEVELOPMENT, ANY, ANY),
                list_fault={"service": "resourcegraph", "account": PRODUCTION},
                detail_fault={"service": "microsoft.storage", "account": PRODUCTION},
                unread_detail=False,
                inventory=inventory,
            )
        )
        yield made
        made.provider.close()


@pytest.fixture(scope="module")
def gcp_cloud(inventory: Inventory) -> Iterator[Cloud]:
    from providers.gcp.provider import GcpProvider
    from providers.sandbox.gcp import GcpEmulator

    with GcpEmulator() as emulator:

        def connect(budget: dict[str, Any]) -> GcpProvider:
            settings = emulator.settings(budget=budget)
            return GcpProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _: None)

        made = settled(
            Cloud(
                connect=connect,
                hasty={"call_timeout": "1s"},
                faults=emulator.faults,
                listed=Scope("gcp", "harbour-dev", ANY, ANY),
                detailed=Scope("gcp", "harbour-dev", ANY, ANY),
                other=Scope("gcp", "harbour-prod", ANY, ANY),
                list_fault={"account": "harbour-dev", "operation": "ListAssets"},
                detail_fault={"account": "harbour-dev", "resource": "IAM_POLICY"},
                unread_detail=True,
                inventory=inventory,
            )
        )
        yield made
        made.provider.close()


@pytest.fixture(params=["aws", "azure", "gcp"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    if request.param == "aws":
        request.getfixturevalue("aws")
    made: Cloud = request.getfixturevalue(f"{request.param}_cloud")
    yield made
    made.faults.clear()


def whole(cloud: Cloud) -> None:
    """The scope that nothing breaks is complete, and unchanged."""
    coverage, changes = cloud.read(cloud.other)
    assert coverage.complete, coverage
    assert changes == []


@pytest.mark.parametrize("kind", list(STATUS), ids=str)
def test_a_listing_that_fails(cloud: Cloud, kind: FaultKind) -> None:
    cloud.faults.add(Fault(kind=kind, delay=1.5, **cloud.list_fault))
    with cloud.facing(kind):
        coverage, changes = cloud.read(cloud.listed)
    assert coverage.status is STATUS[kind], coverage
    assert not coverage.complete
    assert coverage.cause
    assert not coverage.cause.startswith(coverage.status), "the status is told before the cause already"
    assert (coverage.permission is not None) >= (kind is FaultKind.DENIED)
    assert changes == [], "what was not read is not gone"
    assert bool(coverage.read) is (kind is FaultKind.TRUNCATED)
    assert ("this machine's clock is 3:00:00 behind" in coverage.cause) is (kind is FaultKind.SKEWED)
    whole(cloud)
    cloud.faults.clear()
    mended, changes = cloud.read(cloud.listed)
    assert (mended.complete, changes) == (True, [])


@pytest.mark.parametrize("kind", list(STATUS), ids=str)
@pytest.mark.parametrize("content", ["RESOURCE", "IAM_POLICY"])
def test_a_listing_of_many_projects_that_fails(gcp_cloud: Cloud, content: str, kind: FaultKind) -> None:
    """Google's projects are listed together: what fails there is asked of each project, unless that could only fail again."""
    from providers.gcp.provider import GcpProvider

    before: Any = gcp_cloud.provider
    settings = before._session.settings.model_copy(update={"parents": ("organizations/500500500500",)})
    provider = GcpProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _: None)
    scopes = [s for s in provider.discover(Selection()).scopes if "/" not in s.account]
    gcp_cloud.faults.add(Fault(kind=kind, delay=0.01, account="organizations/*", resource=content))
    gcp_cloud.provider = provider
    alike = kind in (FaultKind.THROTTLED, FaultKind.EXPIRED, FaultKind.SKEWED)
    try:
        for scope in scopes:
            coverage, changes = gcp_cloud.read(scope)
            assert coverage.status is (STATUS[kind] if alike else CoverageStatus.COMPLETE), coverage
            assert (bool(coverage.cause), changes, coverage.details_unread) == (alike, [], 0)
        gcp_cloud.faults.clear()
        provider.discover(Selection())
        mended = [gcp_cloud.read(scope) for scope in scopes]
        assert [(coverage.complete, changes) for coverage, changes in mended] == [(True, [])] * 2
    finally:
        gcp_cloud.provider = before
        gcp_cloud.faults.clear()
        provider.close()


@pytest.mark.parametrize("kind", list(STATUS), ids=str)
def test_a_detail_that_fails(cloud: Cloud, kind: FaultKind) -> None:
    cloud.faults.add(Fault(kind=kind, delay=1.5, **cloud.detail_fault))
    with cloud.facing(kind):
        coverage, changes = cloud.read(cloud.detailed)
    assert changes == [], "an unread detail is neither a change nor an absence"
    if cloud.unread_detail:
        assert coverage.complete, "that the resources exist is proved"
        assert coverage.details_unread > 0
    else:
        assert not coverage.complete
        assert coverage.cause
        assert not coverage.cause.startswith(coverage.status), coverage
        if kind is not FaultKind.TRUNCATED:
            assert coverage.status is STATUS[kind], coverage
    whole(cloud)
    cloud.faults.clear()
    mended, changes = cloud.read(cloud.detailed)
    assert (mended.complete, mended.details_unread, changes) == (True, 0, [])


@pytest.mark.parametrize("kind", list(STATUS), ids=str)
def test_a_session_that_cannot_be_had(aws_sandbox: Any, aws_cloud: Cloud, aws: Any, kind: FaultKind) -> None:
    """AWS's token call: a role that cannot be assumed costs its account, and no other."""
    fresh = aws_cloud.connect(aws_cloud.hasty if kind is FaultKind.TIMEOUT else {})
    account = aws_cloud.listed.account
    aws.faults.add(Fault(kind=kind, operation="AssumeRole", resource=f"*{account}*"))
    before, aws_cloud.provider = aws_cloud.provider, fresh
    try:
        coverage, changes = aws_cloud.read(aws_cloud.listed)
        # Half an answer to a call without pages is no answer.
        expected = CoverageStatus.UNAVAILABLE if kind is FaultKind.TRUNCATED else STATUS[kind]
        assert coverage.status is expected, coverage
        assert "Cannot enter with" in (coverage.cause or "")
        assert ("3:00:00 behind AWS's" in (coverage.cause or "")) is (kind is FaultKind.SKEWED)
        assert changes == []
        own = fresh.read(Scope("aws", aws_sandbox.estate.management, "us-east-1", "aws.subnet"))
        list(own)
        assert own.coverage.complete
    finally:
        aws_cloud.provider = before
        fresh.close()


AZURE_TOKEN = {
    # Who we are is not believed: that is no permission missing, whatever the reason.
    FaultKind.DENIED: CoverageStatus.EXPIRED,
    FaultKind.TRUNCATED: CoverageStatus.UNAVAILABLE,
}
GCP_TOKEN = {
    kind: CoverageStatus.EXPIRED
    if kind in (FaultKind.DENIED, FaultKind.EXPIRED, FaultKind.SKEWED)
    # google-auth tells that trying again may help, and not why.
    else CoverageStatus.UNAVAILABLE
    for kind in STATUS
}


def azure_token_errors() -> dict[FaultKind, Exception]:
    from azure.core.exceptions import (
        ClientAuthenticationError,
        HttpResponseError,
        IncompleteReadError,
        ServiceResponseTimeoutError,
    )

    def answered(status: int) -> HttpResponseError:
        error = HttpResponseError(message=f"the token endpoint answered {status}")
        error.status_code = status
        return error

    theirs = datetime.now(UTC) + timedelta(hours=3)
    return {
        FaultKind.DENIED: ClientAuthenticationError(message="AADSTS7000215: Invalid client secret provided."),
        FaultKind.THROTTLED: answered(429),
        FaultKind.ERROR: answered(500),
        FaultKind.TIMEOUT: ServiceResponseTimeoutError("no answer"),
        FaultKind.TRUNCATED: IncompleteReadError("half a token"),
        FaultKind.EXPIRED: ClientAuthenticationError(
            message="AADSTS7000222: The client secret keys are expired."
        ),
        FaultKind.SKEWED: ClientAuthenticationError(
            message="AADSTS700024: Client assertion is not within its valid time range. Current time:"
            f" {theirs:%Y-%m-%dT%H:%M:%S}.1Z, assertion valid from 1970-01-01T00:00:00.0000000Z. Trace ID: t"
            f" Correlation ID: c Timestamp: {theirs:%Y-%m-%d %H:%M:%SZ}"
        ),
    }


def gcp_token_errors() -> dict[FaultKind, Exception]:
    from google.auth.exceptions import RefreshError, TransportError

    return {
        FaultKind.DENIED: RefreshError("unauthorized_client"),
        FaultKind.THROTTLED: RefreshError("rateLimitExceeded", retryable=True),
        FaultKind.ERROR: RefreshError("internal_failure", retryable=True),
        FaultKind.TIMEOUT: TransportError("timed out"),
        FaultKind.TRUNCATED: TransportError("IncompleteRead"),
        FaultKind.EXPIRED: RefreshError("invalid_grant: Token has been expired or revoked."),
        FaultKind.SKEWED: RefreshError(
            "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            " Check your iat and exp values in the JWT claim."
        ),
    }


@pytest.mark.parametrize("kind", list(STATUS), ids=str)
def test_a_token_that_azure_does_not_give(azure_cloud: Cloud, monkeypatch: Any, kind: FaultKind) -> None:
    """Whatever azure-identity raises is a coverage; what we had stays."""
    from providers.azure.provider import AzureProvider

    old: Any = azure_cloud.provider
    fresh = AzureProvider(old._session.settings, clock=lambda: datetime.now(UTC), sleep=lambda _: None)
    error = azure_token_errors()[kind]

    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    for name in ("get_token", "get_token_info"):
        monkeypatch.setattr(fresh._session.credential, name, refuse, raising=False)
    azure_cloud.provider = fresh
    try:
        coverage, changes = azure_cloud.read(azure_cloud.listed)
    finally:
        azure_cloud.provider = old
        fresh.close()
    assert coverage.status is AZURE_TOKEN.get(kind, STATUS[kind]), coverage
    assert coverage.cause
    assert ("this machine's clock is 3:00:00 behind Azure's" in coverage.cause) is (kind is FaultKind.SKEWED)
    assert "\n" not in coverage.cause
    assert changes == []
    whole(azure_cloud)


@pytest.mark.parametrize("kind", list(STATUS), ids=str)
def test_a_token_that_google_does_not_give(gcp_cloud: Cloud, kind: FaultKind) -> None:
    """Whatever google-auth raises is a coverage; what we had stays."""
    from google.auth.credentials import Credentials

    from providers.gcp.provider import GcpProvider

    error = gcp_token_errors()[kind]

    class Broken(Credentials):  # type: ignore[misc]
        def refresh(self, request: Any) -> None:
            raise error

    old: Any = gcp_cloud.provider
    settings = old._session.settings.model_copy(
        update={"transport": "rest", "endpoint": old._session.settings.rest_endpoint}
    )
    fresh = GcpProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _: None)
    fresh._session._credentials = Broken()
    gcp_cloud.provider = fresh
    try:
        coverage, changes = gcp_cloud.read(gcp_cloud.listed)
    finally:
        gcp_cloud.provider = old
        fresh.close()
    assert coverage.status is GCP_TOKEN[kind], coverage
    assert coverage.cause
    assert ("this machine's clock seems to be off" in coverage.cause) is (kind is FaultKind.SKEWED)
    assert "\n" not in coverage.cause
    assert changes == []
    whole(gcp_cloud)
