"""Clients: one for each (service, region), made when first needed and shared by all accounts and threads.

A client holds nothing of an account: whose keys sign a request and whose budget it is taken from is in the context of the call
(:mod:`providers.aws.calling`). All of them come from one session, of which no credential provider but that one is left.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import botocore
from botocore.config import Config
from botocore.credentials import CredentialResolver

from config.clouds import AwsSettings
from providers.aws.answers import refuse_half_answers
from providers.aws.calling import CallerCredentials, Watch
from providers.aws.described import new_session
from providers.aws.signing import sign_once
from providers.aws.times import parse_timestamp

MAX_CLIENTS: Final = 320
"""Clients kept at most, beside those in use: 0.26 MB each, and 7 ms of CPU to make. All services in 17 regions are 1,233; what the
accounts under way need of them at the same time is fewer (docs/decisions/0293)."""

_Key = tuple[str, str]


class Clients:
    """The clients of one partition. Safe to use from any thread."""

    def __init__(
        self,
        settings: AwsSettings,
        *,
        region: str,
        endpoint: str | None,
        watch: Watch,
        attempts: int,
        prepare: Callable[[boto3.Session], None] | None,
    ) -> None:
        """``region`` is the session's own; ``prepare`` is shown the session before a client is made of it."""
        self._settings = settings
        self._region = region
        self._endpoint = endpoint
        self._watch = watch
        self._attempts = attempts
        self._prepare = prepare
        self._making = threading.Lock()
        self._shelf = threading.Lock()
        self._made: boto3.Session | None = None
        self._clients: OrderedDict[_Key, Any] = OrderedDict()
        self._in_use: Counter[_Key] = Counter()
        self._methods: dict[str, dict[str, str]] = {}

    def get(self, service: str, region: str) -> Any:
        """The client of ``service`` in ``region``; the same object while it is kept. Raises botocore's errors."""
        key = (service, region)
        found = self._kept(key)
        if found is not None:
            return found
        with self._making:
            found = self._kept(key)
            if found is None:
                found = self._session().client(
                    service, region_name=region, endpoint_url=self._endpoint, config=self._config()
                )
                self._hook(found)
                self._keep(key, found)
            return found

    @contextmanager
    def leased(self, service: str, region: str) -> Iterator[Any]:
        """The client, not closed while a call is under way."""
        key = (service, region)
        with self._shelf:
            self._in_use[key] += 1
        try:
            yield self.get(service, region)
        finally:
            with self._shelf:
                self._in_use[key] -= 1
                if not self._in_use[key]:
                    del self._in_use[key]

    def method(self, client: Any, operation: str) -> str:
        """The client's method for an operation of the service model: ``ListBuckets`` -> ``list_buckets``."""
        service = client.meta.service_model.service_name
        names = self._methods.get(service)
        if names is None:
            names = {api: python for python, api in client.meta.method_to_api_mapping.items()}
            self._methods[service] = names
        return names[operation]

    def regions_of(self, service: str) -> list[str]:
        """The regions of the partition in which botocore knows the service; none where it does not say."""
        with self._making:
            known: list[str] = self._session().get_available_regions(service, self._settings.partition)
        return known

    def close(self) -> None:
        """Close the clients' connections."""
        with self._making, self._shelf:
            clients = list(self._clients.values())
            self._clients.clear()
            self._made = None
        for client in clients:
            client.close()

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

    def _session(self) -> boto3.Session:
        if self._made is None:
            core = new_session(self._settings.profile)
            core.register_component("credential_provider", CredentialResolver([_Given()]))
            core.get_component("response_parser_factory").set_parser_defaults(
                timestamp_parser=parse_timestamp
            )
            session = boto3.Session(botocore_session=core, region_name=self._region)
            if self._prepare is not None:
                self._prepare(session)
            self._made = session
        return self._made

    def _config(self) -> Config:
        budget = self._settings.budget
        timeout = budget.call_timeout.total_seconds()
        # A directory bucket's session and a discovered endpoint would be kept in the client, got with one account's keys.
        s3: dict[str, Any] = {"disable_s3_express_session_auth": True}
        options: dict[str, Any] = {
            "parameter_validation": False,
            "retries": {"mode": "standard", "total_max_attempts": self._attempts},
            "connect_timeout": min(10.0, timeout),
            "read_timeout": timeout,
            "max_pool_connections": max(10, 2 * budget.concurrency),
            # botocore builds its own twice for every call, which is a fifth of the call's CPU time.
            "user_agent": f"watchstander/{_version()} Botocore/{botocore.__version__}",
            "s3": s3,
            "endpoint_discovery_enabled": False,
        }
        if self._endpoint is not None:
            # An emulator has one host: neither buckets nor account ids can be put before its name.
            s3["addressing_style"] = "path"
            options["inject_host_prefix"] = False
        return Config(**options)

    def _hook(self, client: Any) -> None:
        if self._endpoint is not None and _is_one_host(self._endpoint):
            netloc = urlsplit(self._endpoint).netloc

            def to_one_host(request: Any, **_: Any) -> None:
                request.url = urlsplit(request.url)._replace(netloc=netloc).geturl()

            # botocore puts the account before the host of S3 Control whatever its configuration says.
            client.meta.events.register("before-sign", to_one_host)
        sign_once(client)
        client.meta.events.register("before-parse", refuse_half_answers)
        client.meta.events.register("before-send", self._watch.before_send)
        client.meta.events.register("response-received", self._watch.received)


class _Given:
    """The credential provider that has exactly one answer."""

    METHOD = CallerCredentials.method
    CANONICAL_NAME = CallerCredentials.method

    def load(self) -> CallerCredentials:
        return CallerCredentials()


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
