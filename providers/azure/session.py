"""Endpoints, clients and calls: everything that travels to Azure goes out through here.

Two things differ from the SDK's defaults on purpose (docs/decisions 0020 and 0021): the policy that registers resource
providers by itself is not in our pipeline, and no wait that a server asks for is longer than we have time for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import requests
from azure.core.pipeline import PipelineRequest, PipelineResponse, policies
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy, ARMHttpLoggingPolicy
from azure.mgmt.core.tools import get_arm_endpoints
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from requests.adapters import HTTPAdapter

from config.clouds import AzureSettings
from config.fields import SecretReference
from providers.azure.credentials import CLOUDS, credential_of
from providers.azure.errors import answers
from providers.budget import CallBudget, CallBudgets
from providers.errors import Refused, Throttled, Unavailable

PAGE: Final = 1000
"""Rows a Resource Graph page: the most the service gives."""
LONGEST_WAIT: Final = 20.0
"""Seconds. A server that asks for more is not waited for: the reading says *throttled* and the next cycle tries again."""
RETRIES: Final = 3
GRAPH_RATE: Final = 2.5
GRAPH_BURST: Final = 12
"""Resource Graph gives one principal 15 queries in 5 seconds, over all subscriptions: a little less is ours."""


class _Retry(policies.RetryPolicy[Any, Any]):
    """The SDK's retries, but no wait longer than :data:`LONGEST_WAIT`, and the sleeping in our hands."""

    def __init__(self, sleep: Callable[[float], None], methods: frozenset[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sleep_seconds = sleep
        self._methods = methods

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        # The constructor takes no methods: the SDK's own list has PUT and DELETE in it and no POST.
        return {**super().configure_retries(options), "methods": self._methods}

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        wait = self.get_retry_after(response)
        if wait is not None and wait > LONGEST_WAIT:
            return False
        # The SDK would repeat a PATCH after a 500 or 503, though it may have been done; after a 429 it has not been.
        repeatable = (
            response.http_request.method in settings["methods"] or response.http_response.status_code == 429
        )
        return repeatable and bool(super().is_retry(settings, response))

    def sleep(
        self,
        settings: dict[str, Any],
        transport: Any,  # noqa: ARG002 - the SDK's signature; its transport would sleep by itself
        response: PipelineResponse[Any, Any] | None = None,
    ) -> None:
        wait = self.get_retry_after(response) if response is not None else None
        wait = wait if wait is not None else self.get_backoff_time(settings)
        if wait > 0:
            self._sleep_seconds(wait)


class _PlainHttp(policies.SansIOHTTPPolicy[Any, Any]):
    """Lets a bearer token go out over http, which an emulator on this machine needs and nothing else gets."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options.setdefault("enforce_https", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a Resource Graph answer: rows as objects whatever the format, and what the service promises."""

    rows: tuple[Mapping[str, Any], ...]
    total: int
    truncated: bool
    skip_token: str | None


class Session:
    """The clients of one configuration, made when first needed, sharing one pool of connections. Safe in threads."""

    def __init__(
        self,
        settings: AzureSettings,
        *,
        budgets: CallBudgets,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        secret: Callable[[SecretReference], str] | None = None,
    ) -> None:
        self.settings = settings
        self.budgets = budgets
        self._clock = clock
        self._sleep = sleep
        self._graph_budget = CallBudget(
            min(settings.budget.calls_per_second, GRAPH_RATE),
            min(settings.budget.burst, GRAPH_BURST),
            sleep=sleep,
        )
        self._cloud = CLOUDS[settings.cloud][0]
        endpoints = get_arm_endpoints(self._cloud)
        self.base_url = (settings.endpoint or endpoints["resource_manager"]).rstrip("/")
        self._scopes = endpoints["credential_scopes"]
        if self.base_url.startswith("http://") and settings.credential != "static":
            raise Refused(
                f"azure.endpoint is {self.base_url}: a real credential is not sent over plain http.",
                hint="Use https, or `credential: static` with the sandbox.",
            )
        self.credential = credential_of(settings, secret)
        self._http = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=max(16, settings.budget.concurrency), max_retries=0)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)
        self._lock = threading.Lock()
        self._held_until = 0.0
        self._subscriptions: SubscriptionClient | None = None
        self._graph: ResourceGraphClient | None = None
        self._resources: dict[str, ResourceManagementClient] = {}

    # Clients

    def _client_arguments(self, *, posts_read: bool = False) -> dict[str, Any]:
        timeout = self.settings.budget.call_timeout.total_seconds()
        methods = frozenset({"GET", "HEAD", "OPTIONS"} | ({"POST"} if posts_read else set()))
        pipeline: list[Any] = [
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy("watchstander", sdk_moniker="watchstander"),
            policies.ProxyPolicy(),
            policies.ContentDecodePolicy(),
            policies.RedirectPolicy(),
            # A write whose answer is lost is never sent again by itself: `methods` names reads only.
            _Retry(self._sleep, methods, retry_total=RETRIES, retry_read=1, retry_connect=1),
            *([_PlainHttp()] if self.base_url.startswith("http://") else []),
            ARMChallengeAuthenticationPolicy(self.credential, *self._scopes),
            policies.CustomHookPolicy(),
            ARMHttpLoggingPolicy(),
        ]
        transport = RequestsTransport(
            session=self._http,
            session_owner=False,
            connection_timeout=min(10.0, timeout),
            read_timeout=timeout,
        )
        return {
            "base_url": self.base_url,
            "cloud_setting": self._cloud,
            "policies": pipeline,
            "transport": transport,
        }

    def subscriptions(self) -> SubscriptionClient:
        """The client for subscriptions and tenants."""
        with self._lock:
            if self._subscriptions is None:
                self._subscriptions = SubscriptionClient(self.credential, **self._client_arguments())
            return self._subscriptions

    def resources(self, subscription: str) -> ResourceManagementClient:
        """The client for one subscription's resources."""
        with self._lock:
            client = self._resources.get(subscription)
            if client is None:
                client = ResourceManagementClient(self.credential, subscription, **self._client_arguments())
                self._resources[subscription] = client
            return client

    def graph(self) -> ResourceGraphClient:
        """The client for Resource Graph."""
        with self._lock:
            if self._graph is None:
                self._graph = ResourceGraphClient(self.credential, **self._client_arguments(posts_read=True))
            return self._graph

    # Calls

    def call(self, account: str, service: str, what: str, function: Callable[[], Any]) -> Any:
        """Make one SDK call within the budget of (account, service), waiting for it. Raises ProviderError.

        Resource Graph's quota is the principal's, so its budget is one for all subscriptions.
        """
        budget = self._graph_budget if service == "resourcegraph" else self.budgets.of(account, service)
        budget.acquire()
        try:
            with answers(what, self._clock):
                return function()
        except Throttled:
            budget.throttled()
            raise

    def query(self, subscription: str, text: str, skip_token: str | None = None) -> Page:
        """One page of a Resource Graph query over one subscription. Raises ProviderError."""
        return self.query_all((subscription,), text, skip_token)

    def query_all(self, subscriptions: Sequence[str], text: str, skip_token: str | None = None) -> Page:
        """One page of a Resource Graph query over several subscriptions, a thousand at most. Raises ProviderError."""
        options = QueryRequestOptions(top=PAGE, result_format="objectArray", skip_token=skip_token)
        request = QueryRequest(query=text, subscriptions=list(subscriptions), options=options)
        one = len(subscriptions) == 1
        where = f"subscription {subscriptions[0]}" if one else f"{len(subscriptions)} subscriptions"
        what = f"Resource Graph in {where}"
        self._wait_for_quota()
        body, headers = self.call(
            subscriptions[0] if one else "*",
            "resourcegraph",
            what,
            lambda: self.graph().resources(request, cls=_body_and_headers),
        )
        self._hold(headers)
        with answers(what, self._clock):
            return page_of(body)

    def _hold(self, headers: Mapping[str, str]) -> None:
        """Leave the last of the window's queries to others of the same principal: hold ours for the next window."""
        try:
            remaining = int(headers.get("x-ms-user-quota-remaining", ""))
            hours, minutes, seconds = headers.get("x-ms-user-quota-resets-after", "").split(":")
            after = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        except ValueError:
            return  # no headers (a recording): nothing to respect
        if remaining <= 1:
            with self._lock:
                self._held_until = time.monotonic() + min(after, LONGEST_WAIT)

    def _wait_for_quota(self) -> None:
        with self._lock:
            wait = self._held_until - time.monotonic()
        if wait > 0:
            self._sleep(wait)

    def items(
        self,
        subscription: str,
        path: str,
        api_version: str,
        *,
        service: str = "arm",
        query: Mapping[str, str] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """The items of a list of ARM, page by page, for what the generated clients have no call.

        A list without ``value``, which a proxy's ``{}`` would be, is no empty list. A next page is only asked for at the
        endpoint the first came from. Raises ProviderError at whatever page fails.
        """
        request = HttpRequest(
            "GET", "{endpoint}" + path, params={"api-version": api_version, **(query or {})}
        )
        seen: set[str] = set()
        while True:
            what = f"GET {path}"
            body = self.call(subscription, service, what, partial(self._sent, subscription, request))
            value = body.get("value") if isinstance(body, Mapping) else None
            if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
                raise Unavailable(f"{what}: the answer is not a list of objects.", code="UnreadableAnswer")
            yield from value
            link = body.get("nextLink")
            if not link:
                return
            if not isinstance(link, str) or not link.startswith(f"{self.base_url}/"):
                raise Unavailable(
                    f"{what}: the next page is elsewhere: {str(link)[:200]}.", code="ForeignLink"
                )
            if link in seen:
                raise Unavailable(f"{what}: the same page came twice.", code="PagingLoop")
            seen.add(link)
            request = HttpRequest("GET", link)

    def _sent(self, subscription: str, request: HttpRequest) -> Any:
        response = self.resources(subscription).send_request(request)
        response.raise_for_status()
        return response.json()

    def token(self) -> str:
        """A token for Azure Resource Manager, as the credential gives it. Raises ProviderError."""
        with answers("The token", self._clock):
            return self.credential.get_token(*self._scopes).token

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._http.close()
            close = getattr(self.credential, "close", None)
            if close is not None:
                close()


def _body_and_headers(
    pipeline: PipelineResponse[Any, Any], _model: Any, _headers: Any
) -> tuple[Any, Mapping[str, str]]:
    # The pipeline has parsed the body already; a page may be megabytes.
    body = pipeline.context.get(policies.ContentDecodePolicy.CONTEXT_NAME)
    return body, pipeline.http_response.headers


def page_of(body: Any) -> Page:
    """A Resource Graph answer as a page, whether its data is an array of objects or a table.

    Raises TypeError or KeyError for an answer of another form (within :func:`answers`, that is *Unavailable*).
    """
    data = body["data"]
    if isinstance(data, Mapping):
        names = [column["name"] for column in data["columns"]]
        rows = tuple(dict(zip(names, row, strict=False)) for row in data["rows"])
    else:
        rows = tuple(data)
    if not all(isinstance(row, Mapping) for row in rows):
        raise TypeError("a row is not an object")
    return Page(
        rows=rows,
        total=int(body.get("totalRecords", len(rows))),
        truncated=str(body.get("resultTruncated", "false")).lower() == "true",
        skip_token=body.get("$skipToken") or None,
    )
