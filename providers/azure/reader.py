"""Reading a scope: everything Resource Graph lists of one subscription, with an honest end.

A scope is (azure, subscription, region or ANY, type, prefix or ANY). The tables are read one after another, ordered by id and
paged; what came before a failure is given, and the coverage says that it was not all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from config.settings import AzureSettings
from providers.azure.document import resource_of
from providers.azure.names import GROUP, ROLE_ASSIGNMENT, SUBSCRIPTION
from providers.azure.rights import missing, permissions_at
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import Denied, ProviderError, TimedOut, Unavailable
from providers.resource import ANY, GLOBAL, Coverage, CoverageStatus, Reading, Resource, Scope

TABLE_OF: Final = {
    SUBSCRIPTION: "resourcecontainers",
    GROUP: "resourcecontainers",
    ROLE_ASSIGNMENT: "authorizationresources",
}
"""Type -> the Resource Graph table that lists it; every other type is in ``resources``."""


class Reader:
    """Reads scopes through one session."""

    def __init__(
        self, settings: AzureSettings, session: Session, versions: Versions, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._session = session
        self._versions = versions
        self._clock = clock

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope. What Azure answers instead ends up in the coverage."""
        return Reading(scope, self._stream(scope))

    def _stream(self, scope: Scope) -> Iterator[Resource | Coverage]:
        excluded = tuple(t.lower() for t in self._settings.exclude_types) if scope.type.endswith(ANY) else ()
        progress = _Progress(scope, excluded)
        try:
            for query in queries(scope, excluded):
                yield from self._table(scope, query, progress)
            self._require_whole_view(scope)
        except ProviderError as error:
            yield progress.failed(error)
        else:
            yield progress.complete()

    def _table(self, scope: Scope, query: str, progress: _Progress) -> Iterator[Resource]:
        token: str | None = None
        rows = 0
        deadline = progress.started(self._clock()) + self._settings.budget.scope_deadline
        while True:
            if self._clock() >= deadline:
                raise TimedOut(
                    f"Reading subscription {scope.account} took longer than the deadline.",
                    hint="Raise `budget.scope_deadline`.",
                )
            page = self._session.query(scope.account, query, token)
            rows += len(page.rows)
            for row in page.rows:
                if inherited(row):
                    continue
                try:
                    resource = resource_of(row)
                except ValueError as error:
                    raise Unavailable(f"Resource Graph gave a row that is no resource: {error}.") from error
                self._versions.learn(resource.ref.type, row.get("apiVersion"))
                if progress.new(resource.uid) and scope.covers(resource.ref):
                    yield resource
            if page.skip_token is None:
                if page.truncated or rows < page.total:
                    raise Unavailable(
                        f"Resource Graph promised {page.total} rows of subscription {scope.account} and gave {rows}.",
                        code="ResultTruncated",
                    )
                return
            if page.skip_token == token:
                raise Unavailable(
                    f"Resource Graph gave the same page of subscription {scope.account} twice.",
                    code="PagingLoop",
                )
            token = page.skip_token

    def _require_whole_view(self, scope: Scope) -> None:
        """Raise unless the permissions say that nothing of the scope was hidden from us."""
        prefix = scope.type.removesuffix(ANY).rstrip("/")
        action = f"{scope.type}/read" if prefix == scope.type else f"{prefix}/*/read".lstrip("/")
        if missing(permissions_at(self._session, scope.account), action):
            raise Denied(
                f"The credentials may read only a part of subscription {scope.account}: {action} is not granted at it.",
                hint="Assign the role at the subscription or above it; see `watchstander permissions azure`.",
                permission=action,
                code="NarrowedView",
            )


def inherited(row: Mapping[str, Any]) -> bool:
    """Whether a row belongs to a management group or the tenant: its access reaches here, but it does not live here."""
    resource_id = row.get("id")
    return isinstance(resource_id, str) and resource_id.lower().startswith("/providers/")


class _Progress:
    """What has been seen of a scope so far."""

    def __init__(self, scope: Scope, excluded: tuple[str, ...]) -> None:
        self._scope = scope
        self._excluded = excluded
        self._seen: set[str] = set()
        self._started: datetime | None = None

    @property
    def read(self) -> int:
        return len(self._seen)

    def started(self, now: datetime) -> datetime:
        """When the first table was asked for."""
        if self._started is None:
            self._started = now
        return self._started

    def new(self, uid: str) -> bool:
        """Whether this is the first sight of a resource: rows move between pages while an estate changes."""
        if uid in self._seen:
            return False
        self._seen.add(uid)
        return True

    def complete(self) -> Coverage:
        """The coverage of a pass that saw all there is."""
        return Coverage(
            scope=self._scope, status=CoverageStatus.COMPLETE, read=self.read, excluded=self._excluded
        )

    def failed(self, error: ProviderError) -> Coverage:
        """The coverage of a pass that ended in an error."""
        status = CoverageStatus.PARTIAL if self._seen else error.coverage
        seen = f" (after {self.read} resources)" if self._seen else ""
        return Coverage(
            scope=self._scope,
            status=status,
            read=self.read,
            cause=f"{error.coverage.value}{seen}: {error.message}",
            permission=error.permission,
            excluded=self._excluded,
        )


def queries(scope: Scope, excluded: tuple[str, ...]) -> tuple[str, ...]:
    """The queries that together list a scope, each of one table and ordered so that pages neither repeat nor skip."""
    rest = (
        "".join(_where_not(pattern) for pattern in excluded)
        + _where_region(scope.region)
        + " | order by id asc"
    )
    if not scope.type.endswith(ANY):
        table = TABLE_OF.get(scope.type, "resources")
        return (f"{table} | where type =~ {quoted(scope.type)}{rest}",)
    prefix = scope.type[:-1]
    named = {t: table for t, table in TABLE_OF.items() if t.startswith(prefix)}
    out = []
    for table in dict.fromkeys(named.values()):
        types = ", ".join(quoted(t) for t, where in named.items() if where == table)
        out.append(f"{table} | where type in~ ({types}){rest}")
    condition = f"type startswith {quoted(prefix)}" if prefix else "isnotempty(type)"
    return (*out, f"resources | where {condition}{rest}")


def _where_not(pattern: str) -> str:
    text = pattern.lower()
    if text.endswith("*"):
        return f" | where type !startswith {quoted(text[:-1])}"
    return f" | where type !~ {quoted(text)}"


def _where_region(region: str) -> str:
    if region == ANY:
        return ""
    if region == GLOBAL:
        return " | where location =~ 'global' or isempty(location)"
    return f" | where location =~ {quoted(region)}"


def quoted(text: str) -> str:
    """A KQL string: nothing in a type or an id can end it early."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
