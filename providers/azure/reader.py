"""Reading a scope: everything Resource Graph lists of one subscription, with an honest end.

A scope is (azure, subscription, region or ANY, type, prefix or ANY). The tables are read one after another, ordered by id and
paged; what came before a failure is given, and the coverage says that it was not all. Small subscriptions are listed
together (:mod:`.batches`); what Resource Graph does not list at all, :mod:`.detail_reader` reads, and what is above the
subscriptions, :mod:`.above`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from config.clouds import AzureSettings
from providers.azure.above import AboveReader
from providers.azure.batches import Batches
from providers.azure.detail_reader import DetailReader
from providers.azure.details import DETAILS
from providers.azure.document import resource_of
from providers.azure.names import above
from providers.azure.progress import Progress
from providers.azure.queries import ORDER, excluded_from, queries
from providers.azure.rights import require
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import ProviderError, Unavailable
from providers.resource import ANY, Coverage, Reading, Resource, Scope


class Reader:
    """Reads scopes through one session."""

    def __init__(
        self, settings: AzureSettings, session: Session, versions: Versions, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._session = session
        self._versions = versions
        self._clock = clock
        self._batches = Batches()
        self._details = DetailReader(session)
        self._above = AboveReader(session, versions)

    def plan(self, scopes: Iterable[Scope]) -> None:
        """Say what is going to be read, so that small subscriptions can be listed together."""
        self._batches.plan(
            (s for s in scopes if s.type not in DETAILS and not above(s.account)), self._counts
        )

    def forget(self, account: str) -> None:
        """Something newer is known of an account than what was listed together and waits to be read."""
        self._batches.forget(account)

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope. What Azure answers instead ends up in the coverage."""
        excluded = excluded_from(scope, self._settings.exclude_types)
        progress = Progress(scope, self._clock, self._settings.budget.scope_deadline, excluded)
        if above(scope.account):
            return Reading(scope, self._above.stream(scope, progress))
        if scope.type in DETAILS:
            return Reading(scope, self._details.stream(scope, DETAILS[scope.type], progress))
        return Reading(scope, self._stream(scope, progress))

    def _stream(self, scope: Scope, progress: Progress) -> Iterator[Resource | Coverage]:
        def listing(subscriptions: Sequence[str]) -> Iterator[Mapping[str, Any]]:
            for query in queries(scope, progress.excluded):
                yield from self._rows(subscriptions, query, progress)

        try:
            progress.in_time()
            together = self._batches.take(scope, listing)
            for row in listing((scope.account,)) if together is None else together:
                if inherited(row):
                    continue
                try:
                    resource = resource_of(row)
                except ValueError as error:
                    raise Unavailable(f"Resource Graph gave a row that is no resource: {error}.") from error
                self._versions.learn(resource.ref.type, row.get("apiVersion"))
                if progress.new(resource.uid) and scope.covers(resource.ref):
                    yield resource
            prefix = scope.type.removesuffix(ANY).rstrip("/")
            require(
                self._session,
                scope.account,
                f"{scope.type}/read" if prefix == scope.type else f"{prefix}/*/read".lstrip("/"),
            )
        except ProviderError as error:
            yield progress.failed(error)
        else:
            yield progress.complete()

    def _rows(
        self, subscriptions: Sequence[str], query: str, progress: Progress
    ) -> Iterator[Mapping[str, Any]]:
        """The rows of one query, page by page. Raises unless every promised row came."""
        of = (
            f"subscription {subscriptions[0]}"
            if len(subscriptions) == 1
            else f"{len(subscriptions)} subscriptions"
        )
        token: str | None = None
        rows = 0
        while True:
            progress.in_time()
            page = self._session.query_all(subscriptions, query, token)
            rows += len(page.rows)
            yield from page.rows
            if page.skip_token is None:
                if page.truncated or rows < page.total:
                    raise Unavailable(
                        f"Resource Graph promised {page.total} rows of {of} and gave {rows}.",
                        code="ResultTruncated",
                    )
                return
            if page.skip_token == token:
                raise Unavailable(f"Resource Graph gave the same page of {of} twice.", code="PagingLoop")
            token = page.skip_token

    def _counts(self, kind: Scope, subscriptions: Sequence[str]) -> Mapping[str, int]:
        """How many rows subscriptions have in the largest table of a scope."""
        listing = queries(kind, excluded_from(kind, self._settings.exclude_types))[-1]
        text = f"{listing.removesuffix(ORDER)} | summarize rows = count() by subscriptionId"
        page = self._session.query_all(subscriptions, text)
        try:
            return {str(row["subscriptionId"]).lower(): int(row["rows"]) for row in page.rows}
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"Resource Graph gave a count that is none: {error}.") from error


def inherited(row: Mapping[str, Any]) -> bool:
    """Whether a row belongs to a management group or the tenant: its access reaches here, but it does not live here."""
    resource_id = row.get("id")
    return isinstance(resource_id, str) and resource_id.lower().startswith("/providers/")
