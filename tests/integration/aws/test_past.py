"""What AWS Config remembers, in windows of seven days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from providers.aws.catalog import catalog
from providers.aws.config_forms import FORMS
from providers.aws.past import CONFIG_TYPES
from providers.aws.provider import AwsProvider
from providers.errors import Refused
from providers.provider import PastVersion
from providers.resource import ResourceRef
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.aws.door import enter
from providers.sandbox.faults import Fault, FaultKind


@pytest.fixture
def bucket(aws: AwsEmulator, account: str) -> Iterator[ResourceRef]:
    door = enter(aws.endpoint, account)
    door.client("s3").create_bucket(Bucket="remembered")
    yield ResourceRef(
        provider="aws",
        account=account,
        region="us-east-1",
        type="aws.s3_bucket",
        uid="arn:aws:s3:::remembered",
    )
    door.client("s3").delete_bucket(Bucket="remembered")
    door.close()


def told(provider: AwsProvider, ref: ResourceRef, days: int) -> tuple[PastVersion, ...]:
    [answer] = provider.past([ref], datetime.now(UTC) - timedelta(days=days))
    if answer.error is not None:
        raise answer.error
    return answer.versions


def test_the_past_of_a_bucket(provider: AwsProvider, aws: AwsEmulator, bucket: ResourceRef) -> None:
    before = aws.calls.get("config:GetResourceConfigHistory", 0)
    versions = told(provider, bucket, days=20)
    assert aws.calls["config:GetResourceConfigHistory"] - before == 3, "twenty days are three windows"
    assert versions
    for version in versions:
        assert version.ref == bucket
        assert version.at.tzinfo is not None
        assert version.resource is not None
        assert version.resource.name == "remembered"
        assert version.resource.document["Name"] == "remembered"
    # In the form of the describe calls, so that what Config does not hold is unread and nothing reads as a change.
    now = provider.reread(bucket)
    last = versions[-1].resource
    assert last is not None
    assert last.unread.keys() - last.document.keys()
    assert [name for name, value in last.document.items() if now.document.get(name) != value] == []
    assert not now.document.keys() - last.document.keys() - last.unread.keys()


def test_what_config_does_not_know_has_no_past(provider: AwsProvider, account: str) -> None:
    ref = ResourceRef(
        provider="aws",
        account=account,
        region="us-east-1",
        type="aws.s3_bucket",
        uid="arn:aws:s3:::unheard-of",
    )
    assert told(provider, ref, days=1) == ()


def test_a_type_without_a_past_says_so(provider: AwsProvider, account: str) -> None:
    ref = ResourceRef(
        provider="aws",
        account=account,
        region="global",
        type="aws.account",
        uid=f"arn:aws:iam::{account}:root",
    )
    with pytest.raises(Refused, match="cannot be asked"):
        told(provider, ref, days=1)


def test_a_denied_history_is_an_error(provider: AwsProvider, aws: AwsEmulator, bucket: ResourceRef) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, service="config"))
    with pytest.raises(Exception, match="not authorized") as caught:
        told(provider, bucket, days=1)
    assert getattr(caught.value, "permission", None) == "config:GetResourceConfigHistory"


def test_configs_resource_id_is_in_the_arn_of_every_type_whose_past_can_be_asked() -> None:
    for ours, (theirs, part) in CONFIG_TYPES.items():
        assert FORMS[theirs].type == ours
        assert part == "_arn" or part in catalog()[ours].arn_fields
