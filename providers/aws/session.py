"""Sessions: the one door to AWS.

Every call goes through :meth:`Sessions.call` or :meth:`Sessions.pages`. There the call is given its account's credentials,
its budget, which is asked before each attempt (botocore's retries included), and its scope's deadline
(:mod:`providers.aws.calling`), and botocore's errors become ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import boto3

from config.clouds import AwsSettings
from providers.aws.calling import Call, Watch, on_behalf_of
from providers.aws.clients import Clients
from providers.aws.errors import wrapped
from providers.aws.keyring import Keyring
from providers.budget import CallBudgets
from providers.errors import NotEnabled, Unavailable

HOME_REGION: Final[Mapping[str, str]] = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
}
"""Where a partition's global services are called."""

_RETRY_ELSEWHERE: Final = 3600.0
"""Seconds after which a service is asked again in a region it was not found in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls go: an account, a region, and whether with the role that may change things."""

    account: str
    region: str
    contain: bool = False


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
        self._settings = settings
        self.monotonic = monotonic
        self.budgets = CallBudgets(settings.budget, clock=monotonic, sleep=sleep)
        self._endpoint = settings.endpoint or os.environ.get("AWS_ENDPOINT_URL") or None
        self.clients = Clients(
            settings,
            region=self.home_region,
            endpoint=self._endpoint,
            watch=Watch(monotonic),
            attempts=attempts,
            prepare=prepare,
        )
        self._keyring = Keyring(settings, clock=clock, ask=self._ask_sts)
        self._elsewhere: dict[tuple[str, str], float] = {}
        self._unpaged: set[tuple[str, str]] = set()

    @property
    def home_region(self) -> str:
        """The region in which the partition's global services are called."""
        return HOME_REGION[self._settings.partition]

    def own_account(self) -> str:
        """The account our own credentials belong to (asked once). Raises ProviderError."""
        return self._keyring.own_account()

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
        with self._calling(place, service, operation, deadline) as client:
            answer: dict[str, Any] = getattr(client, self.clients.method(client, operation))(
                **(parameters or {})
            )
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
        pages: Iterator[dict[str, Any]] | None = None
        if (service, operation) not in self._unpaged:
            with self._calling(place, service, operation, deadline) as client:
                name = self.clients.method(client, operation)
                if client.can_paginate(name):
                    pages = iter(client.get_paginator(name).paginate(**(parameters or {})))
                else:
                    self._unpaged.add((service, operation))
        if pages is None:
            only = self.call(place, service, operation, parameters, deadline=deadline)
            only.pop("_request_id", None)
            yield only
            return
        while True:
            with self._calling(place, service, operation, deadline):
                page = next(pages, None)
            if page is None:
                return
            page.pop("ResponseMetadata", None)
            yield page

    @contextmanager
    def _calling(self, place: Place, service: str, operation: str, deadline: float | None) -> Iterator[Any]:
        """The client, with every request inside made in the account's name, and errors as ours."""
        self._known_to_be_elsewhere(place, service)
        with self._wrapped(place, service, operation), self.clients.leased(service, place.region) as client:
            call = Call(
                account=place.account,
                credentials=self._keyring.of(place.account, contain=place.contain),
                budget=self.budgets.of(place.account, service),
                deadline=deadline,
            )
            with on_behalf_of(call):
                yield client

    def _ask_sts(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return self.call(Place("", self.home_region), "sts", operation, parameters)

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
        known = self.clients.regions_of(service)
        return not known or region in known

    def _not_offered(self, service: str, region: str) -> NotEnabled:
        return NotEnabled(f"{service} is not offered in {region}.", code="NotOffered")

    def close(self) -> None:
        """Close the clients' connections."""
        self.clients.close()
