"""Which accounts are read: our own and those named, or an organisation's, chosen by organisational unit and tag.

What an account may not be entered for is never guessed: where it cannot be told whether an account is in an excluded unit, or
what its tags are, it is *unread* with the cause, and is not entered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from config.clouds import AwsSettings
from providers.aws.session import Place, Sessions
from providers.errors import ProviderError
from providers.resource import ANY, Coverage, Scope

ORGANIZATION: Final = "organization"
"""In a coverage, stands for the accounts that could not be listed."""
TAGS_KEPT: Final = 3_600.0
"""Seconds for which an account's tags are known: asking is a call an account."""


def unread(account: str, error: ProviderError) -> Coverage:
    """The coverage of an account (or unit) of which nothing is read."""
    return Coverage(
        scope=Scope("aws", account, ANY, ANY),
        status=error.coverage,
        cause=error.message,
        permission=error.permission,
    )


class Organization:
    """Finds the accounts. Safe to use from any thread."""

    def __init__(self, settings: AwsSettings, sessions: Sessions) -> None:
        self._accounts = settings.accounts
        self._concurrency = settings.budget.concurrency
        self._sessions = sessions
        self._lock = threading.Lock()
        self._tags: dict[str, tuple[float, Mapping[str, str]]] = {}

    def accounts(self) -> tuple[dict[str, str], list[Coverage]]:
        """Account id -> name, and what could not be found out. Where the organisation cannot be listed, at least our own
        account and those named are read, unless units or tags were to choose. Raises ProviderError where not even our own
        account can be told."""
        wanted = self._accounts
        own = self._sessions.own_account()
        found = {own: own} | {account: account for account in wanted.include}
        missed: list[Coverage] = []
        if wanted.discover == "organizations":
            found = self._listed(found, missed)
            if wanted.include:
                found = {account: name for account, name in found.items() if account in wanted.include}
        found = {account: name for account, name in found.items() if account not in wanted.exclude}
        if wanted.discover == "organizations":
            found = self._of_units(found, missed)
            found = self._of_tags(found, missed)
        return found, missed

    def _listed(self, known: Mapping[str, str], missed: list[Coverage]) -> dict[str, str]:
        listed: dict[str, str] = {}
        try:
            for page in self._pages("ListAccounts", {}):
                for account in page.get("Accounts", ()):
                    if account.get("State", account.get("Status", "ACTIVE")) == "ACTIVE":
                        listed[str(account["Id"])] = str(account.get("Name") or account["Id"])
        except ProviderError as error:
            missed.append(unread(ORGANIZATION, error))
            return dict(known) | listed
        return listed

    def _of_units(self, found: dict[str, str], missed: list[Coverage]) -> dict[str, str]:
        wanted = self._accounts
        if wanted.include_units:
            inside: set[str] = set()
            for unit in wanted.include_units:
                try:
                    inside |= self._under(unit)
                except ProviderError as error:
                    missed.append(unread(unit, error))
            found = {account: name for account, name in found.items() if account in inside}
        for unit in wanted.exclude_units:
            try:
                outside = self._under(unit)
            except ProviderError as error:
                # Any account may be in it.
                missed.append(unread(unit, error))
                return {}
            found = {account: name for account, name in found.items() if account not in outside}
        return found

    def _under(self, unit: str) -> set[str]:
        """The accounts of a unit (or root) and of all units below it."""
        accounts: set[str] = set()
        waiting = [unit]
        while waiting:
            parent = {"ParentId": waiting.pop()}
            for page in self._pages("ListAccountsForParent", parent):
                accounts |= {str(account["Id"]) for account in page.get("Accounts", ())}
            for page in self._pages("ListOrganizationalUnitsForParent", parent):
                waiting += [str(child["Id"]) for child in page.get("OrganizationalUnits", ())]
        return accounts

    def _of_tags(self, found: dict[str, str], missed: list[Coverage]) -> dict[str, str]:
        include, exclude = self._accounts.include_tags, self._accounts.exclude_tags
        if not include and not exclude:
            return found
        kept: dict[str, str] = {}
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="aws-account-tags") as pool:
            answers = list(pool.map(self._tags_of, found))
        for (account, name), tags in zip(found.items(), answers, strict=True):
            if isinstance(tags, ProviderError):
                missed.append(unread(account, tags))
            elif (not include or _any(include, tags)) and not _any(exclude, tags):
                kept[account] = name
        return kept

    def _tags_of(self, account: str) -> Mapping[str, str] | ProviderError:
        now = self._sessions.monotonic()
        with self._lock:
            until, tags = self._tags.get(account, (0.0, {}))
        if now < until:
            return tags
        try:
            pages = self._pages("ListTagsForResource", {"ResourceId": account})
            tags = {
                str(tag["Key"]): str(tag.get("Value") or "") for page in pages for tag in page.get("Tags", ())
            }
        except ProviderError as error:
            return error
        with self._lock:
            self._tags[account] = (now + TAGS_KEPT, tags)
        return tags

    def _pages(
        self, operation: str, parameters: Mapping[str, str]
    ) -> Iterator[Mapping[str, list[Mapping[str, str]]]]:
        place = Place("", self._sessions.home_region)
        return self._sessions.pages(place, "organizations", operation, parameters)


def operations(settings: AwsSettings) -> Iterable[str]:
    """What the configuration calls Organizations for."""
    accounts = settings.accounts
    if accounts.discover != "organizations":
        return
    yield "ListAccounts"
    if accounts.include_units or accounts.exclude_units:
        yield "ListAccountsForParent"
        yield "ListOrganizationalUnitsForParent"
    if accounts.include_tags or accounts.exclude_tags:
        yield "ListTagsForResource"


def _any(wanted: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    """Whether any of the wanted tags is there; ``*`` stands for every value."""
    return any(key in tags and value in (ANY, tags[key]) for key, value in wanted.items())
