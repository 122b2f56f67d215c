"""Sessions, clients and credentials: the one door to AWS.

Every call goes through :meth:`Sessions.call` or :meth:`Sessions.pages`. There the call budget is asked before each
attempt (botocore's retries included), throttling is told to it, a scope's deadline is kept, and botocore's errors become
ours. Clients are made once for each (account, service, region) and shared by all threads.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import botocore
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialResolver, DeferredRefreshableCredentials

from config.clouds import AwsSettings
from providers.aws.answers import refuse_half_answers
from providers.aws.errors import is_throttling, wrapped
from providers.budget import CallBudget, CallBudgets
from providers.errors import Expired, NotEnabled, ProviderError, Refused, TimedOut, Unavailable

HOME_REGION: Final[Mapping[str, str]] = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
}
"""Where a partition's global services are called."""

MAX_CLIENTS: Final = 160
"""Clients kept at most, beside those in use: one costs 0.25 MB and 7 ms, and an organisation would need a million."""
_RETRY_ELSEWHERE: Final = 3600.0
"""Seconds after which a service is asked again in a region it was not found in."""

_DEADLINE: ContextVar[float | None] = ContextVar("aws_deadline", default=None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls go: an account, a region, and whether with the role that may change things."""

    account: str
    region: str
    contain: bool = False


_Key = tuple[str, str, str, bool]


class Sessions:
    """The sessions of one provider. Safe to use from any thread."""

    def __init__(
        self,
        settings: AwsSettings,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 4,
        prepare: Callable[[boto3.Session], None] | None = None,
    ) -> None:
        self._prepare = prepare
        self._settings = settings
        self._clock = clock
        self.monotonic = monotonic
        self.budgets = CallBudgets(settings.budget, clock=monotonic, sleep=sleep)
        self._endpoint = settings.endpoint or os.environ.get("AWS_ENDPOINT_URL") or None
        self._attempts = attempts
        self._lock = threading.RLock()
        self._shelf = threading.Lock()
        self._sessions: dict[tuple[str, bool], boto3.Session] = {}
        self._clients: OrderedDict[_Key, Any] = OrderedDict()
        self._in_use: Counter[_Key] = Counter()
        self._identity: str | None = None
        self._loader: Any = None
        self._methods: dict[str, dict[str, str]] = {}
        self._elsewhere: dict[tuple[str, str], float] = {}

    @property
    def home_region(self) -> str:
        """The region in which the partition's global services are called."""
        return HOME_REGION[self._settings.partition]

    def own_account(self) -> str:
        """The account our own credentials belong to (asked once). Raises ProviderError."""
        with self._lock:
            if self._identity is None:
                answer = self.call(Place("", self.home_region), "sts", "GetCallerIdentity")
                self._identity = str(answer["Account"])
            return self._identity

    def client(self, place: Place, service: str) -> Any:
        """The boto3 client of ``service`` at ``place``; the same object while it is kept. Raises ProviderError."""
        key = (place.account, service, place.region, place.contain)
        found = self._kept(key)
        if found is not None:
            return found
        with self._lock:
            found = self._kept(key)
            if found is None:
                with wrapped(service, "client", place.account, place.region):
                    session = self._session(place.account, place.contain)
                    found = session.client(
                        service,
                        region_name=place.region,
                        endpoint_url=self._endpoint,
                        config=self._config(),
                    )
                self._watch(found, self.budgets.of(place.account, service))
                self._keep(key, found)
            return found

    def _kept(self, key: _Key) -> Any:
        with self._shelf:
            found = self._clients.get(key)
            if found is not None:
                self._clients.move_to_end(key)
            return found

    def _keep(self, key: _Key, client: Any) -> None:
        """Keep a client, and close those that have not been used for longest, as far as there are too many."""
        with self._shelf:
            self._clients[key] = client
            excess = len(self._clients) - MAX_CLIENTS
            idle = (old for old in self._clients if old not in self._in_use and old != key)
            closing = [self._clients.pop(old) for old in list(islice(idle, max(0, excess)))]
        for old_client in closing:
            old_client.close()

    @contextmanager
    def _leased(self, place: Place, service: str) -> Iterator[Any]:
        """The client, not closed while a call is under way."""
        key = (place.account, service, place.region, place.contain)
        with self._shelf:
            self._in_use[key] += 1
        try:
            yield self.client(place, service)
        finally:
            with self._shelf:
                self._in_use[key] -= 1
                if not self._in_use[key]:
                    del self._in_use[key]

    def call(
        self,
        place: Place,
        service: str,
        operation: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """One call's answer without its ResponseMetadata (its request id is under ``_request_id``). Raises ProviderError."""
        self._known_to_be_elsewhere(place, service)
        token = _DEADLINE.set(deadline)
        try:
            with self._leased(place, service) as client, self._wrapped(place, service, operation):
                answer: dict[str, Any] = getattr(client, self._method(client, operation))(
                    **(parameters or {})
                )
        finally:
            _DEADLINE.reset(token)
        meta = answer.pop("ResponseMetadata", None) or {}
        answer["_request_id"] = meta.get("RequestId")
        return answer

    def pages(
        self,
        place: Place,
        service: str,
        operation: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        deadline: float | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The pages of a listing, one at a time; a single page where the operation does not page. Raises ProviderError
        between any two pages."""
        self._known_to_be_elsewhere(place, service)
        client = self.client(place, service)
        name = self._method(client, operation)
        if not client.can_paginate(name):
            only = self.call(place, service, operation, parameters, deadline=deadline)
            only.pop("_request_id", None)
            yield only
            return
        with self._wrapped(place, service, operation):
            iterator = iter(client.get_paginator(name).paginate(**(parameters or {})))
        while True:
            token = _DEADLINE.set(deadline)
            try:
                with self._leased(place, service), self._wrapped(place, service, operation):
                    page = next(iterator, None)
            finally:
                _DEADLINE.reset(token)
            if page is None:
                return
            page.pop("ResponseMetadata", None)
            yield page

    @contextmanager
    def _wrapped(self, place: Place, service: str, operation: str) -> Iterator[None]:
        """:func:`wrapped`, and a host that does not exist told from one that cannot be reached: many services are offered
        in some regions only, and there is no other sign of it."""
        try:
            with wrapped(service, operation, place.account, place.region):
                yield
        except Unavailable as error:
            if error.code != "EndpointConnectionError" or self._offered(service, place.region):
                raise
            with self._lock:
                self._elsewhere[(service, place.region)] = self.monotonic() + _RETRY_ELSEWHERE
            raise self._not_offered(service, place.region) from error

    def _known_to_be_elsewhere(self, place: Place, service: str) -> None:
        until = self._elsewhere.get((service, place.region))
        if until is not None and self.monotonic() < until:
            raise self._not_offered(service, place.region)

    def _offered(self, service: str, region: str) -> bool:
        """Whether a service is offered in a region, as far as botocore knows; True where it does not say."""
        if self._endpoint is not None:
            return True
        core = self._session("", contain=False)
        known = core.get_available_regions(service, self._settings.partition)
        return not known or region in known

    def _not_offered(self, service: str, region: str) -> NotEnabled:
        return NotEnabled(f"{service} is not offered in {region}.", code="NotOffered")

    def close(self) -> None:
        """Close the clients' connections."""
        with self._lock, self._shelf:
            clients = list(self._clients.values())
            self._clients.clear()
            self._sessions.clear()
        for client in clients:
            client.close()

    def _method(self, client: Any, operation: str) -> str:
        """The client's method for an operation of the service model: ``ListBuckets`` -> ``list_buckets``."""
        service = client.meta.service_model.service_name
        names = self._methods.get(service)
        if names is None:
            names = {api: python for python, api in client.meta.method_to_api_mapping.items()}
            self._methods[service] = names
        return names[operation]

    def _session(self, account: str, contain: bool) -> boto3.Session:
        key = (account, contain)
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = self._make_session(account, contain)
        return session

    def _make_session(self, account: str, contain: bool) -> boto3.Session:
        role = self._role(account, contain)
        core = botocore.session.Session(profile=self._settings.profile if role is None else None)
        # Service models are parsed once for all accounts: a session of its own costs 5 ms and 10 MB otherwise.
        if self._loader is None:
            self._loader = core.get_component("data_loader")
        else:
            core.register_component("data_loader", self._loader)
        if role is not None:
            credentials = DeferredRefreshableCredentials(
                refresh_using=lambda: self._assume(role), method="assume-role", time_fetcher=self._clock
            )
            core.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
        session = boto3.Session(botocore_session=core, region_name=self.home_region)
        if self._prepare is not None:
            self._prepare(session)
        return session

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
            answer = self.call(Place("", self.home_region), "sts", "AssumeRole", parameters)
        except ProviderError as error:
            raise type(error)(
                f"Cannot enter with {role}: {error.message}",
                hint="Check that the role exists there and that its trust names us (and the external id).",
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

    def _config(self) -> Config:
        budget = self._settings.budget
        timeout = budget.call_timeout.total_seconds()
        options: dict[str, Any] = {
            "parameter_validation": False,
            "retries": {"mode": "standard", "total_max_attempts": self._attempts},
            "connect_timeout": min(10.0, timeout),
            "read_timeout": timeout,
            "max_pool_connections": max(10, 2 * budget.concurrency),
            # botocore builds its own twice for every call, which is a fifth of the call's CPU time.
            "user_agent": f"watchstander/{_version()} Botocore/{botocore.__version__}",
        }
        if self._endpoint is not None:
            # An emulator has one host: neither buckets nor account ids can be put before its name.
            options |= {"s3": {"addressing_style": "path"}, "inject_host_prefix": False}
        return Config(**options)

    def _watch(self, client: Any, budget: CallBudget) -> None:
        """Ask the budget before every attempt, and tell it when a service says that we call too often."""

        def before_send(**_: Any) -> None:
            deadline = _DEADLINE.get()
            if deadline is not None and self.monotonic() > deadline:
                raise TimedOut("The deadline of the scope has passed.", code="ScopeDeadline")
            budget.acquire(deadline)

        def received(parsed_response: Mapping[str, Any] | None = None, **_: Any) -> None:
            if parsed_response and "Error" in parsed_response:
                status = parsed_response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                if is_throttling(str(parsed_response["Error"].get("Code", "")), status):
                    budget.throttled()

        if self._endpoint is not None and _is_one_host(self._endpoint):
            netloc = urlsplit(self._endpoint).netloc

            def to_one_host(request: Any, **_: Any) -> None:
                request.url = urlsplit(request.url)._replace(netloc=netloc).geturl()

            # botocore puts the account before the host of S3 Control whatever its configuration says.
            client.meta.events.register("before-sign", to_one_host)
        client.meta.events.register("before-parse", refuse_half_answers)
        client.meta.events.register("before-send", before_send)
        client.meta.events.register("response-received", received)


class _Given:
    """A credential provider that has exactly one answer."""

    METHOD = "watchstander-assume-role"
    CANONICAL_NAME = "watchstander-assume-role"

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load(self) -> Any:
        return self._credentials


@cache
def _version() -> str:
    """Our version, for the user agent that CloudTrail shows."""
    try:
        return version("watchstander")
    except PackageNotFoundError:
        return "0"


def _is_one_host(endpoint: str) -> bool:
    """Whether nothing can be put before the endpoint's host: an address, or a name without a domain."""
    host = urlsplit(endpoint).hostname or ""
    return "." not in host or ":" in host or host.replace(".", "").isdigit()
