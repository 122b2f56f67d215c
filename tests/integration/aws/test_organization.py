"""Which accounts are entered, and how: by organisational unit and tag, with an external id and session tags, in each partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from config.clouds import AwsAccounts, AwsSettings
from providers.aws.keyring import Keyring
from providers.aws.provider import AwsProvider
from providers.aws.session import Place
from providers.provider import Discovery, Selection
from providers.resource import ANY, CoverageStatus, Scope
from providers.sandbox.aws import AwsEmulator, Estate
from providers.sandbox.aws.door import READ_ROLE, enter
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AwsProvider]


@pytest.fixture(scope="module")
def units(aws_sandbox: AwsEmulator) -> Iterator[dict[str, str]]:
    """The root holds the management account; `prod` holds an account, `prod/team` below it the other one."""
    estate = aws_sandbox.estate
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_sandbox.environment().items():
            patch.setenv(name, value)
        door = enter(aws_sandbox.endpoint, estate.management)
    client = door.client("organizations")
    root = client.list_roots()["Roots"][0]["Id"]
    prod = client.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
    team = client.create_organizational_unit(ParentId=prod, Name="team")["OrganizationalUnit"]["Id"]
    first, second = sorted(set(estate.accounts) - {estate.management})
    for account, unit in ((first, prod), (second, team)):
        client.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
        client.tag_resource(ResourceId=account, Tags=[{"Key": "stage", "Value": f"of-{unit}"}])
    yield {
        "root": root,
        "prod": prod,
        "team": team,
        "first": first,
        "second": second,
        "own": estate.management,
    }
    for account, unit in ((first, prod), (second, team)):
        client.untag_resource(ResourceId=account, TagKeys=["stage"])
        client.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=root)
    for unit in (team, prod):
        client.delete_organizational_unit(OrganizationalUnitId=unit)
    door.close()


def accounts(**chosen: Any) -> dict[str, Any]:
    return {"accounts": AwsAccounts(discover="organizations", role=READ_ROLE, **chosen)}


def entered(found: Discovery) -> set[str]:
    return {scope.account for scope in found.scopes}


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ({"include_units": ["root"]}, ("first", "own", "second")),
        ({"include_units": ["prod"]}, ("first", "second")),
        ({"include_units": ["team"]}, ("second",)),
        ({"exclude_units": ["team"]}, ("first", "own")),
        ({"include_units": ["prod"], "exclude_units": ["team"]}, ("first",)),
        ({"include_units": ["prod"], "exclude": ["first"]}, ("second",)),
        ({"include_units": ["prod"], "include": ["own", "first"]}, ("first",)),
        ({"include_tags": {"stage": "*"}}, ("first", "second")),
        ({"include_tags": {"stage": "of-team", "other": "*"}}, ("second",)),
        ({"exclude_tags": {"stage": "of-team"}}, ("first", "own")),
        ({"include_tags": {"stage": "*"}, "exclude_units": ["prod"]}, ()),
    ],
    ids=str,
)
def test_units_and_tags_choose(
    make: Make, units: dict[str, str], chosen: dict[str, Any], names: tuple[str, ...]
) -> None:
    def real(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: f"of-{units['team']}" if v == "of-team" else v for key, v in value.items()}
        return tuple(units[name] for name in value)

    found = make(accounts(**{key: real(value) for key, value in chosen.items()})).discover(Selection())
    assert entered(found) == {units[name] for name in names}
    assert found.unread == ()


def test_a_unit_that_cannot_be_read_is_unread_and_the_others_are_read(
    make: Make, aws: AwsEmulator, units: dict[str, str]
) -> None:
    nowhere = "ou-abcd-12345678"
    found = make(accounts(include_units=(nowhere, units["team"]))).discover(Selection())
    assert entered(found) == {units["second"]}
    assert [c.scope for c in found.unread] == [Scope("aws", nowhere, ANY, ANY)]


@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
def test_nothing_is_entered_that_may_be_excluded(
    make: Make, aws: AwsEmulator, units: dict[str, str], operation: str
) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, operation=operation))
    found = make(accounts(exclude_units=(units["team"],))).discover(Selection())
    assert entered(found) == set()
    (coverage,) = found.unread
    assert coverage.scope == Scope("aws", units["team"], ANY, ANY)
    assert (coverage.status, coverage.permission) == (CoverageStatus.DENIED, f"organizations:{operation}")
    aws.faults.clear()
    aws.faults.add(Fault(kind=FaultKind.THROTTLED, operation="ListTagsForResource", times=1))
    found = make(accounts(exclude_tags={"stage": "none"})).discover(Selection())
    assert len(entered(found)) == 2
    (coverage,) = found.unread
    assert coverage.scope.account in units.values()
    assert coverage.status is CoverageStatus.THROTTLED


def test_an_organisation_that_cannot_be_listed_is_not_entered_past_its_filters(
    make: Make, aws: AwsEmulator, units: dict[str, str]
) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, operation="ListAccounts"))
    found = make(accounts(include_units=(units["prod"],))).discover(Selection())
    assert entered(found) == set()
    assert Scope("aws", "organization", ANY, ANY) in {c.scope for c in found.unread}


def test_tags_are_asked_for_once_an_hour(make: Make, aws: AwsEmulator, units: dict[str, str]) -> None:
    now = [0.0]
    provider = make(accounts(include_tags={"stage": "*"}), monotonic=lambda: now[0])

    def asked() -> int:
        before = aws.calls.get("organizations:ListTagsForResource", 0)
        assert len(entered(provider.discover(Selection()))) == 2
        return aws.calls.get("organizations:ListTagsForResource", 0) - before

    assert [asked(), asked()] == [3, 0]
    now[0] = timedelta(hours=1).total_seconds()
    assert asked() == 3


def test_a_role_is_entered_with_external_id_and_session_tags(make: Make, estate: Estate) -> None:
    sent: list[dict[str, Any]] = []

    def prepare(session: boto3.Session) -> None:
        session.events.register(
            "provide-client-params.sts.AssumeRole", lambda params, **_: sent.append(dict(params))
        )

    chosen = accounts(external_id="e-1", session_tags={"team": "security", "purpose": "inventory"})
    provider = make(chosen, prepare=prepare)
    account = estate.drifting_bucket[0]
    answer = provider.sessions.call(Place(account, "us-east-1"), "sts", "GetCallerIdentity")
    assert answer["Account"] == account
    assert sent == [
        {
            "RoleArn": f"arn:aws:iam::{account}:role/{READ_ROLE}",
            "RoleSessionName": "watchstander",
            "ExternalId": "e-1",
            "Tags": [{"Key": "purpose", "Value": "inventory"}, {"Key": "team", "Value": "security"}],
        }
    ]


@pytest.mark.parametrize(
    ("partition", "home", "host"),
    [
        ("aws", "us-east-1", "sts.us-east-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
    ids=str,
)
def test_each_partition_is_called_at_its_own_place(
    monkeypatch: pytest.MonkeyPatch, partition: str, home: str, host: str
) -> None:
    """Without a call: what botocore would call, the role that would be assumed, the ARNs that are built."""
    from providers.aws.arns import Where, ref_of_name

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA0000000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    settings = AwsSettings.model_validate({"partition": partition, "accounts": {"role": "Watch"}})
    provider = AwsProvider(settings, clock=lambda: datetime.now(UTC))
    try:
        sessions = provider.sessions
        assert sessions.home_region == home
        assert sessions.clients.get("sts", home).meta.endpoint_url == f"https://{host}"
    finally:
        provider.close()
    asked: list[str] = []

    def ask(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        asked.append(parameters.get("RoleArn", operation))
        given = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
        until = datetime.now(UTC) + timedelta(hours=1)
        return {"Account": "111111111111", "Credentials": {**given, "Expiration": until}}

    keyring = Keyring(settings, clock=lambda: datetime.now(UTC), ask=ask)
    keyring.of("222222222222", contain=False).get_frozen_credentials()
    assert asked == ["GetCallerIdentity", f"arn:{partition}:iam::222222222222:role/Watch"]
    ref = ref_of_name("aws.iam_user", {"UserName": "eve"}, Where("222222222222", home, partition))
    assert ref is not None
    assert ref.uid == f"arn:{partition}:iam::222222222222:user/eve"


def test_units_and_tags_belong_to_an_organisation() -> None:
    for bad in ({"include_units": ["ou-abcd-12345678"]}, {"exclude_tags": {"a": "b"}}):
        with pytest.raises(ValueError, match="discover: organizations"):
            AwsAccounts.model_validate(bad)
    with pytest.raises(ValueError, match="pattern"):
        AwsAccounts.model_validate({"discover": "organizations", "include_units": ["prod"]})
