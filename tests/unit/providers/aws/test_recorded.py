"""Answers recorded from the real AWS, replayed through our readers: whatever came, nothing is unmapped.

placebo answers by operation, whatever was asked. What was not recorded is denied, as AWS would, so that these tests also
show what an account looks like to a role that may do little.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import placebo
import pytest

from config.clouds import AwsAccounts, AwsSettings
from providers.aws.catalog import catalog
from providers.aws.provider import AwsProvider
from providers.errors import Throttled
from providers.normalise import encode
from providers.provider import Selection
from providers.resource import Coverage, CoverageStatus, Resource, Scope
from providers.terraform import AbsentBlock

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED") or Path(__file__).parents[5] / "shared")
CASES = SHARED / "fixtures" / "aws"
ACCOUNT = "644160558196"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not CASES.exists(), reason="no recorded answers here")]
_NAMES = sorted(path.name for path in CASES.iterdir()) if CASES.exists() else ["none"]


class _Denial:
    status_code = 403


def replaying(case: str) -> Callable[[boto3.Session], None]:
    """Prepares a session so that it answers from a case, and denies the rest."""

    def unrecorded(model: Any, context: Any, **_: Any) -> Any:
        del context
        service = model.service_model.endpoint_prefix
        if service == "sts":
            return _Ok(), {"Account": ACCOUNT, "ResponseMetadata": {"HTTPStatusCode": 200}}
        if list((CASES / case).glob(f"{service}.{model.name}_*.json")):
            return None
        error = {"Code": "AccessDenied", "Message": "not recorded"}
        return _Denial(), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}

    def prepare(session: boto3.Session) -> None:
        session.events.register_first("before-call.*.*", unrecorded)
        placebo.attach(session, data_path=str(CASES / case)).playback()

    return prepare


class _Ok:
    status_code = 200


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREPLAY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "replay")


def replay(case: str, **settings: Any) -> AwsProvider:
    return AwsProvider(
        AwsSettings(**{"regions": ("us-east-1",), **settings}),
        clock=lambda: datetime.now(UTC),
        attempts=1,
        prepare=replaying(case),
    )


def read(provider: AwsProvider, type_name: str) -> tuple[list[Resource], Coverage]:
    declared = catalog()[type_name]
    reading = provider.read(Scope("aws", ACCOUNT, declared.scope_region("us-east-1"), type_name))
    return list(reading), reading.coverage


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("case", _NAMES)
def test_every_case_through_every_type(case: str) -> None:
    """No answer of the real AWS ends in an error that is not mapped, or in a document that is not canonical."""
    recorded = {path.name.split(".")[1].rpartition("_")[0] for path in (CASES / case).iterdir()}
    spoken = {
        name
        for name, declared in catalog().items()
        if recorded & {call.operation for _, call in declared.calls() if call is not declared.get}
    }
    listed = seen = 0
    provider = replay(case)
    for type_name in sorted(spoken):
        resources, coverage = read(provider, type_name)
        for resource in resources:
            encode(resource.document)
            view = provider.terraform(resource)
            if view is not None:
                for absent in AbsentBlock:
                    encode(view.render(absent))
            known = ("AccessDenied", "not asked", "TooManyRequestsException")
            assert all(any(word in why for word in known) for why in resource.unread.values()), resource
        declared = catalog()[type_name]
        if declared.list is None or declared.list.operation in recorded:
            assert coverage.complete or declared.each is not None, coverage
            listed += declared.list is not None and declared.each is None
            seen += len(resources)
        else:
            assert (resources, coverage.status) == ([], CoverageStatus.DENIED)
    assert seen or not listed
    provider.close()


@pytest.mark.usefixtures("credentials")
def test_a_classic_load_balancer_and_its_access_log() -> None:
    provider = replay("test_elb_is_logging_filter")
    resources, coverage = read(provider, "aws.elb")
    assert coverage.complete
    for resource in resources:
        assert resource.unread.keys() == {"Tags"}, "the tags' answer was not recorded: unread, not untagged"
        view = provider.terraform(resource)
        assert view is not None
        logs = view.render(AbsentBlock.NULL)["access_logs"]
        assert logs[0]["enabled"] is resource.document["Attributes"]["AccessLog"]["Enabled"]
    provider.close()


@pytest.mark.usefixtures("credentials")
def test_the_grants_of_buckets() -> None:
    provider = replay("test_s3_global_grants_filter")
    resources, coverage = read(provider, "aws.s3_bucket")
    assert coverage.complete
    assert resources
    assert all("Acl" in resource.document for resource in resources)
    assert all("Logging" in resource.unread for resource in resources)
    provider.close()


@pytest.mark.usefixtures("credentials")
def test_a_bucket_without_a_public_access_block_is_told_from_one_that_hides_it() -> None:
    provider = replay("test_s3_check_public_block")
    place = provider.sessions
    from providers.aws.session import Place
    from providers.errors import ProviderError

    codes = []
    for _ in range(3):
        try:
            place.call(Place("", "us-east-1"), "s3", "GetPublicAccessBlock", {"Bucket": "b"})
            codes.append("")
        except ProviderError as error:
            codes.append(error.code or "?")
    assert codes == ["NoSuchPublicAccessBlockConfiguration", "", "AccessDenied"]
    provider.close()


@pytest.mark.usefixtures("credentials")
def test_too_many_requests() -> None:
    from providers.aws.session import Place

    provider = replay("test_rest_account_rate_limit")
    with pytest.raises(Throttled):
        provider.sessions.call(Place("", "us-east-1"), "apigateway", "GetAccount")
    provider.close()


@pytest.mark.usefixtures("credentials")
def test_an_organisation_and_the_regions() -> None:
    provider = replay("test_org_account_describe", accounts=AwsAccounts(discover="organizations", role="r"))
    found = provider.discover(Selection())
    assert list(found.accounts) == [ACCOUNT]
    assert found.accounts[ACCOUNT] != ACCOUNT, "an organisation knows its accounts' names"
    provider.close()
    regions = replay("test_aws_policy_global_expand", regions=())
    scopes = regions.discover(Selection(types=frozenset({"aws.vpc"}))).scopes
    assert len(scopes) == 5
    regions.close()
