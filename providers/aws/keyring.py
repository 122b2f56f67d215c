"""Keys: which credentials an account is entered with, got when first needed and renewed before they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import botocore.session
from botocore.credentials import Credentials, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from config.clouds import AwsSettings
from providers.errors import Expired, ProviderError, Refused

AskSts = Callable[[str, dict[str, Any]], dict[str, Any]]
"""An operation of STS and its parameters, asked with our own credentials."""
_TELLS_THE_ACCOUNT: Final = frozenset({"assume-role", "assume-role-with-web-identity"})
"""botocore's names of the ways in which keys come with the ARN they are for, in STS's answer."""


class Keyring:
    """The credentials for each account of one partition. Safe to use from any thread."""

    def __init__(self, settings: AwsSettings, *, clock: Callable[[], datetime], ask: AskSts) -> None:
        self._settings = settings
        self._clock = clock
        self._ask = ask
        self._lock = threading.RLock()
        self._own: Credentials | None = None
        self._own_account: str | None = None
        self._roles: dict[str, DeferredRefreshableCredentials] = {}

    def of(self, account: str, *, contain: bool) -> Credentials:
        """The credentials to enter ``account`` with; empty is the account of our own. Raises ProviderError, and
        botocore's errors about our own."""
        role = self._role(account, contain)
        if role is None:
            return self._ours()
        with self._lock:
            entered = self._roles.get(role)
            if entered is None:
                entered = self._roles[role] = DeferredRefreshableCredentials(
                    refresh_using=lambda: self._assume(role), method="assume-role", time_fetcher=self._clock
                )
            return entered

    def own_account(self) -> str:
        """The account our own credentials belong to (asked once). Raises ProviderError."""
        with self._lock:
            if self._own_account is None:
                self._own_account = self._told_with_the_keys() or str(
                    self._ask("GetCallerIdentity", {})["Account"]
                )
            return self._own_account

    def _told_with_the_keys(self) -> str | None:
        """The account that STS named when it gave us our keys. None where nobody did, or only a person who wrote it beside them
        (docs/decisions/0292)."""
        # What is wrong with our keys is said by the call that is made then.
        with suppress(BotoCoreError, ClientError):
            own = self._ours()
            if own.method in _TELLS_THE_ACCOUNT:
                account: str | None = own.get_frozen_credentials().account_id
                return account
        return None

    def _ours(self) -> Credentials:
        """Our own, found as boto3 does."""
        with self._lock:
            if self._own is None:
                self._own = botocore.session.Session(profile=self._settings.profile).get_credentials()
                if self._own is None:
                    raise NoCredentialsError
            return self._own

    def _role(self, account: str, contain: bool) -> str | None:
        """The ARN of the role to assume, or None for our own credentials."""
        accounts = self._settings.accounts
        if not account:
            return None
        name = (accounts.contain_role or accounts.role) if contain else accounts.role
        if account == self.own_account() and not (contain and accounts.contain_role):
            return None
        if name is None:
            # Our own credentials would answer, with our own resources in the other account's name.
            raise Refused(
                f"There is no role to enter account {account} with.",
                hint="Set `providers.aws.accounts.role`.",
                code="NoRole",
            )
        return f"arn:{self._settings.partition}:iam::{account}:role/{name}"

    def _assume(self, role: str) -> dict[str, str]:
        accounts = self._settings.accounts
        parameters: dict[str, Any] = {"RoleArn": role, "RoleSessionName": accounts.session_name}
        if accounts.external_id is not None:
            parameters["ExternalId"] = accounts.external_id
        if accounts.session_tags:
            parameters["Tags"] = [{"Key": k, "Value": v} for k, v in sorted(accounts.session_tags.items())]
        try:
            answer = self._ask("AssumeRole", parameters)
        except ProviderError as error:
            raise type(error)(
                f"Cannot enter with {role}: {error.message}",
                hint=error.hint
                if isinstance(error, Expired)
                else "Check that the role exists there and that its trust names us (and the external id).",
                code=error.code,
                permission=error.permission,
            ) from error
        given = answer["Credentials"]
        expiry: datetime = given["Expiration"]
        if expiry <= self._clock():
            raise Expired(
                f"The credentials of {role} had expired when they came.",
                hint="Set this machine's clock right.",
                code="ExpiredOnArrival",
            )
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": expiry.astimezone(UTC).isoformat(),
        }
