"""Whose credentials a call is made with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.clouds import AwsAccounts
from providers.aws.provider import AwsProvider
from providers.aws.session import Place
from providers.errors import Denied, Refused
from providers.sandbox.aws import AwsEmulator, Estate

Make = Callable[..., AwsProvider]


@pytest.fixture
def profile(aws: AwsEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sandbox's credentials in a profile and nowhere else."""
    environment = aws.environment()
    written = tmp_path / "credentials"
    written.write_text(
        f"[watch]\naws_access_key_id={environment['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key={environment['AWS_SECRET_ACCESS_KEY']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(written))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    return "watch"


def caller(provider: AwsProvider, account: str, *, contain: bool = False) -> str:
    answer = provider.sessions.call(Place(account, "us-east-1", contain), "sts", "GetCallerIdentity")
    return str(answer["Arn"])


def test_the_profile_serves_our_own_account_from_the_first_call(
    make: Make, profile: str, estate: Estate
) -> None:
    """Also when the account is named before anybody asked which is ours: a re-read right after a restart."""
    provider = make({"profile": profile})
    assert f":{estate.management}:" in caller(provider, estate.management)
    assert caller(provider, estate.drifting_bucket[0]).endswith("assumed-role/WatchstanderRead/watchstander")


def test_keys_that_came_with_their_account_are_not_asked_whose_they_are(
    make: Make, profile: str, aws: AwsEmulator, estate: Estate, tmp_path: Path
) -> None:
    """A role's keys come with its ARN; beside other keys a person may have written any account."""
    account = estate.drifting_bucket[0]
    with (tmp_path / "config").open("a") as config:
        config.write(
            f"[profile entered]\nsource_profile = watch\nrole_arn = arn:aws:iam::{account}:role/WatchstanderRead\n"
            "[profile wrong]\naws_access_key_id = a\naws_secret_access_key = b\naws_account_id = 999999999999\n"
        )
    before = aws.calls.get("sts:GetCallerIdentity", 0)
    assert make({"profile": "entered"}).sessions.own_account() == account
    assert aws.calls.get("sts:GetCallerIdentity", 0) == before
    assert make({"profile": "wrong"}).sessions.own_account() != "999999999999"
    assert aws.calls["sts:GetCallerIdentity"] == before + 1


def test_a_profile_that_is_not_there(make: Make, profile: str) -> None:
    provider = make({"profile": "nobody"})
    with pytest.raises(Denied, match="nobody"):
        provider.sessions.own_account()


def test_no_credentials_at_all(make: Make, profile: str) -> None:
    with pytest.raises(Denied, match=r"there are no credentials: .* what gives some: `aws configure`"):
        make().sessions.own_account()


def test_reading_and_acting_are_two_roles(make: Make, estate: Estate) -> None:
    provider, account = make(), estate.drifting_bucket[0]
    assert "/WatchstanderRead/" in caller(provider, account)
    assert "/WatchstanderContain/" in caller(provider, account, contain=True)
    assert "/WatchstanderContain/" in caller(provider, estate.management, contain=True)
    accounts = AwsAccounts(discover="organizations", role="WatchstanderRead", session_name="night-watch")
    one = make({"accounts": accounts})
    assert caller(one, account, contain=True).endswith("/WatchstanderRead/night-watch")


def test_another_account_is_never_read_with_our_own_credentials(make: Make, estate: Estate) -> None:
    provider = make({"accounts": AwsAccounts()})
    with pytest.raises(Refused, match="no role"):
        caller(provider, estate.drifting_bucket[0])


def test_a_client_is_made_once_for_all_accounts(make: Make, estate: Estate) -> None:
    provider = make()
    clients = provider.sessions.clients
    before = clients.get("sts", "us-east-1")
    for account in (estate.management, estate.drifting_bucket[0]):
        assert f":{account}:" in caller(provider, account)
    assert clients.get("sts", "us-east-1") is before
    assert clients.get("sts", "eu-west-1") is not before


def test_clients_are_kept_up_to_a_number(
    provider: AwsProvider, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was used last is kept."""
    monkeypatch.setattr("providers.aws.clients.MAX_CLIENTS", 8)
    clients = provider.sessions.clients
    before, used = clients.get("sts", "us-east-1"), clients.get("sts", "eu-west-1")
    for number in range(7):
        clients.get("sts", f"region-{number}")
        assert clients.get("sts", "eu-west-1") is used
    assert clients.get("sts", "us-east-1") is not before
    assert caller(provider, account)
