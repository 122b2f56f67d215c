"""Looking around AWS with the credentials that the SDK's own search finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import botocore.session

from config.clouds import AwsSettings
from providers.aws.errors import GIVE_CREDENTIALS, wrapped
from providers.aws.session import Place, Sessions
from providers.errors import ProviderError
from providers.probe import Look, Probe, look, nobody

_SOURCES: Final[Mapping[str, str]] = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the shared configuration",
    "iam-role": "the instance's role",
    "container-role": "the container's role",
    "assume-role": "a role of the shared configuration",
    "assume-role-with-web-identity": "a web identity (IRSA)",
    "sso": "IAM Identity Center",
    "login": "aws login",
}
_FLEETING: Final = frozenset({"env", "sso", "login"})
"""Sources that a service will not have."""


def probe(settings: AwsSettings, *, clock: Callable[[], datetime]) -> Probe:
    """What the credentials at hand see. Makes no call where there are none."""
    try:
        with wrapped("sts", "GetCallerIdentity", "", ""):
            # The endpoint is not asked before we know that there is something to sign with.
            found = botocore.session.Session(profile=settings.profile).get_credentials()
    except ProviderError as error:
        return nobody("aws", error)
    if found is None:
        return Probe(
            cloud="aws",
            cause="no credentials were found",
            hint=f"{GIVE_CREDENTIALS}; then run this again.",
        )
    sessions = Sessions(settings, clock=clock, attempts=1)
    try:
        return _look_around(settings, sessions, str(found.method))
    finally:
        sessions.close()


def _look_around(settings: AwsSettings, sessions: Sessions, method: str) -> Probe:
    place = Place("", sessions.home_region)
    try:
        identity = sessions.call(place, "sts", "GetCallerIdentity")
    except ProviderError as error:
        return nobody("aws", error)
    account = str(identity["Account"])
    names: list[str] = []

    def count(service: str, operation: str, key: str, what: str) -> Callable[[], str]:
        def ask() -> str:
            found = [item for page in sessions.pages(place, service, operation) for item in page.get(key, ())]
            if key == "Accounts":
                names.extend(str(item.get("Id")) for item in found)
            return f"{len(found)} {what}"

        return ask

    def identities() -> str:
        summary = sessions.call(place, "iam", "GetAccountSummary").get("SummaryMap", {})
        return f"{summary.get('Users', 0)} users, {summary.get('Roles', 0)} roles"

    looks: tuple[Look, ...] = (
        look(f"the regions of account {account}", count("ec2", "DescribeRegions", "Regions", "enabled")),
        look("S3 buckets", count("s3", "ListBuckets", "Buckets", "there")),
        look("IAM", identities),
        look("CloudTrail", count("cloudtrail", "DescribeTrails", "trailList", "trails")),
        look(
            "the accounts of the organisation",
            count("organizations", "ListAccounts", "Accounts", "accounts"),
            optional=True,
        ),
    )
    profile = settings.profile or os.environ.get("AWS_PROFILE")
    more: dict[str, Any] = {"profile": profile} if profile else {}
    advice = []
    if len(set(names) - {account}) > 0:
        advice.append(
            f"The organisation has {len(set(names))} accounts: set `accounts` below to watch them all (a role of that"
            " name must be in each of them)."
        )
    if settings.endpoint is None and (endpoint := os.environ.get("AWS_ENDPOINT_URL")):
        advice.append(f"AWS_ENDPOINT_URL is {endpoint}: that is what was asked, and it is not written here.")
    if method in _FLEETING:
        advice.append(
            "These credentials are a person's or this shell's: a service needs its own, from a role or a profile."
        )
    return Probe(
        cloud="aws",
        identity=str(identity.get("Arn") or account),
        source=_SOURCES.get(method, method),
        looks=looks,
        settings=more,
        advice=tuple(advice),
    )
