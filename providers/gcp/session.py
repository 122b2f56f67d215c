"""The connection: credentials, the Cloud Asset client, REST sessions, deadlines and retries.

Every call goes through :meth:`Session.call`, so that each ends in an answer or in one of :mod:`providers.errors`.
A call is tried again, with growing pauses, when the service is throttling or failing and the scope still has time.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

# Before gRPC loads: its fork handlers crash or hang children while its threads are under way (docs/decisions/0141).
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

import grpc
import requests
from google.api_core.client_options import ClientOptions
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import asset_v1
from google.cloud.asset_v1.services.asset_service.transports import (
    AssetServiceGrpcTransport,
    AssetServiceRestTransport,
)

from config.clouds import GcpSettings
from config.errors import UsageError
from providers.budget import CallBudget, CallBudgets
from providers.errors import ProviderError, Throttled, TimedOut, Unavailable
from providers.gcp import names
from providers.gcp.credentials import credentials_of
from providers.gcp.errors import from_response, translated

PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds before the second, third and fourth try; half of each is random."""
PAGE_SIZE: Final = 1000
READING_VERBS: Final = (":getIamPolicy", ":listOrgPolicies", "/entries:list")
"""POSTs that change nothing."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which nothing more is asked."""

    at: datetime
    clock: Callable[[], datetime]

    @property
    def remaining(self) -> float:
        """Seconds left, negative when over."""
        return (self.at - self.clock()).total_seconds()


class Session:
    """One process's connection to Google Cloud. Safe to use from several threads; nothing is opened before it is used."""

    def __init__(
        self,
        settings: GcpSettings,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._local = threading.local()
        self._opened: list[AuthorizedSession] = []
        self._credentials: Credentials | None = None
        self._project: str | None = None
        self._client: asset_v1.AssetServiceClient | None = None
        self._budgets = CallBudgets(settings.budget, sleep=sleep)
        self._check_endpoints()

    # -- who and where -----------------------------------------------------------------------------------------

    def _check_endpoints(self) -> None:
        """Refuse to send a token in the clear. Raises UsageError."""
        anonymous = self.settings.credential == "anonymous"
        for name in ("endpoint", "rest_endpoint"):
            value = getattr(self.settings, name)
            if value is None:
                if anonymous:
                    raise UsageError(
                        f"providers.gcp: `credential: anonymous` is for the sandbox, and no `{name}` is given.",
                        hint="Use `credential: default`, or point both endpoints at the sandbox.",
                    )
                continue
            scheme, host = _host(value)
            if (anonymous or scheme == "http") and not (anonymous and is_loopback(host)):
                raise UsageError(
                    f"providers.gcp.{name}: {value!r} would be called without encryption or credentials.",
                    hint="Only a sandbox on a loopback address, with `credential: anonymous`, is called in the clear.",
                )

    @property
    def anonymous(self) -> bool:
        """Whether this is a sandbox on this machine."""
        return self.settings.credential == "anonymous"

    def credentials(self) -> Credentials:
        """The credentials in force. Raises Expired when there are none."""
        with self._lock:
            if self._credentials is None:
                with translated("finding Google credentials", self._clock):
                    self._credentials, self._project = credentials_of(self.settings)
            return self._credentials

    def default_project(self) -> str | None:
        """The project the credentials belong to, where they say so."""
        self.credentials()
        return self._project

    # -- Cloud Asset -------------------------------------------------------------------------------------------

    def _assets(self) -> asset_v1.AssetServiceClient:
        credentials = self.credentials()
        with self._lock:
            if self._client is None:
                with translated("opening Cloud Asset", self._clock):
                    self._client = self._connect(credentials)
            return self._client

    def _connect(self, credentials: Credentials) -> asset_v1.AssetServiceClient:
        settings = self.settings
        if self.anonymous:
            assert settings.endpoint is not None
            address = _address(settings.endpoint)
            if settings.transport == "rest":
                transport = AssetServiceRestTransport(
                    host=address, url_scheme="http", credentials=credentials
                )
                # A proxy for the world outside must not be asked for this machine.
                transport._session.trust_env = False  # noqa: SLF001
                return asset_v1.AssetServiceClient(transport=transport)
            channel = grpc.insecure_channel(
                address,
                options=[("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)],
            )
            return asset_v1.AssetServiceClient(transport=AssetServiceGrpcTransport(channel=channel))
        options = ClientOptions(
            api_endpoint=_address(settings.endpoint) if settings.endpoint else None,
            quota_project_id=settings.quota_project,
        )
        return asset_v1.AssetServiceClient(
            credentials=credentials, transport=settings.transport, client_options=options
        )

    def list_page(self, request: Mapping[str, Any], *, deadline: Deadline, what: str) -> Any:
        """One page of ListAssets, as the raw protobuf message. Raises ProviderError."""
        client = self._assets()

        def once(timeout: float) -> Any:
            pager = client.list_assets(request=dict(request), retry=None, timeout=timeout)
            return asset_v1.ListAssetsResponse.pb(next(iter(pager.pages)))

        return self.call(once, deadline=deadline, what=what, budget=self._asset_budget())

    def history(self, request: Mapping[str, Any], *, deadline: Deadline, what: str) -> Any:
        """BatchGetAssetsHistory, as the raw protobuf message. Raises ProviderError."""
        client = self._assets()

        def once(timeout: float) -> Any:
            answer = client.batch_get_assets_history(request=dict(request), retry=None, timeout=timeout)
            return asset_v1.BatchGetAssetsHistoryResponse.pb(answer)

        return self.call(once, deadline=deadline, what=what, budget=self._asset_budget())

    def search_page(self, request: Mapping[str, Any], *, deadline: Deadline, what: str) -> Any:
        """One page of SearchAllResources, as the raw protobuf message. Raises ProviderError."""
        client = self._assets()

        def once(timeout: float) -> Any:
            pager = client.search_all_resources(request=dict(request), retry=None, timeout=timeout)
            return asset_v1.SearchAllResourcesResponse.pb(next(iter(pager.pages)))

        return self.call(once, deadline=deadline, what=what, budget=self._asset_budget())

    # -- REST --------------------------------------------------------------------------------------------------

    def url(self, service: str, path: str) -> str:
        """Where a service's REST path is."""
        base = self.settings.rest_endpoint or f"https://{service}.googleapis.com"
        return f"{base.rstrip('/')}{path}"

    def _rest(self) -> AuthorizedSession:
        found: AuthorizedSession | None = getattr(self._local, "session", None)
        if found is None:
            found = AuthorizedSession(self.credentials())  # type: ignore[no-untyped-call]
            # requests sessions are not meant to be shared between threads.
            found.trust_env = not self.anonymous
            if self.settings.quota_project:
                found.headers["x-goog-user-project"] = self.settings.quota_project
            self._local.session = found
            with self._lock:
                self._opened.append(found)
        return found

    def rest(
        self,
        method: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        deadline: Deadline | None = None,
    ) -> dict[str, Any]:
        """One REST call and its JSON object. Reads are tried again, writes never. Raises ProviderError."""
        what = f"{method} {service}{path.partition('?')[0]}"
        reads = method == "GET" or path.endswith(READING_VERBS)

        def once(timeout: float) -> dict[str, Any]:
            response = self._rest().request(  # type: ignore[no-untyped-call]
                method,
                self.url(service, path),
                params=query,
                json=body,
                timeout=timeout,
                max_allowed_time=timeout,
                allow_redirects=False,
            )
            if not response.ok or response.is_redirect:
                raise from_response(response, what, self._clock())
            return _object(response, what)

        account = names.project_in(f"//{service}/{path[path.find('projects/') :]}") or ""
        return self.call(
            once,
            deadline=deadline or self.deadline(),
            what=what,
            budget=self._budgets.of(account, service),
            retry=reads,
        )

    # -- deadlines and retries ---------------------------------------------------------------------------------

    def deadline(self, duration: timedelta | None = None) -> Deadline:
        """A deadline from now; by default that of one scope."""
        return Deadline(self._clock() + (duration or self.settings.budget.scope_deadline), self._clock)

    def wait(self, seconds: float) -> None:
        """Wait for the next time to ask."""
        if seconds > 0:
            self._sleep(seconds)

    def pause(self, seconds: float, deadline: Deadline, what: str) -> None:
        """Wait for something under way. Raises TimedOut when the deadline comes first."""
        if deadline.remaining < seconds:
            raise TimedOut(f"{what}: not finished in time")
        self._sleep(seconds)

    def _asset_budget(self) -> CallBudget:
        # Cloud Asset counts its quota by the project that asks, not by the one asked about.
        return self._budgets.of(self.settings.quota_project or "", "cloudasset")

    def call(
        self,
        once: Callable[[float], _T],
        *,
        deadline: Deadline,
        what: str,
        budget: CallBudget,
        retry: bool = True,
    ) -> _T:
        """``once`` (given its time limit in seconds), with the errors mapped and, for reads, further tries.

        Raises ProviderError; TimedOut when the deadline is over before an answer came.
        """
        longest = self.settings.budget.call_timeout.total_seconds()
        for pause in (*(PAUSES if retry else ()), None):
            if deadline.remaining > 0:
                budget.acquire(time.monotonic() + deadline.remaining)
            timeout = min(longest, deadline.remaining)
            if timeout <= 0:
                raise TimedOut(
                    f"{what}: the time for this scope is over",
                    hint="Raise `budget.scope_deadline` if this recurs.",
                )
            try:
                with translated(what, self._clock):
                    return once(timeout)
            except (Throttled, Unavailable) as error:
                if isinstance(error, Throttled):
                    budget.throttled()
                # Half of the pause is random, so that many scopes do not come back at the same moment.
                wait = pause * (0.5 + random.random() / 2) if pause else None  # noqa: S311
                if wait is None or wait >= deadline.remaining or not _passing(error):
                    raise
                self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            opened, self._opened = self._opened, []
            client, self._client = self._client, None
        for session in opened:
            session.close()  # type: ignore[no-untyped-call]
        if client is not None:
            client.transport.close()  # type: ignore[no-untyped-call]


def _passing(error: ProviderError) -> bool:
    """Whether trying again may help: not when the answer was read and made no sense."""
    return isinstance(error, Throttled) or error.code is not None


def _object(response: requests.Response, what: str) -> dict[str, Any]:
    if not response.content:
        return {}
    kind = response.headers.get("content-type", "unknown").partition(";")[0]
    body = None
    with contextlib.suppress(ValueError):
        body = response.json()
    if not isinstance(body, dict):
        raise Unavailable(f"{what}: {kind} where a JSON object belongs", code="UNREADABLE")
    return body


def _host(endpoint: str) -> tuple[str, str]:
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    return parts.scheme, parts.hostname or ""


def _address(endpoint: str) -> str:
    """``host:port`` of an endpoint written with or without a scheme."""
    return urlsplit(endpoint).netloc if "//" in endpoint else endpoint


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
