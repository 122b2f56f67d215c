"""Reading a scope of details: the parents of one subscription from Azure Resource Manager, and what lies below each.

A parent whose details cannot be read leaves the scope incomplete and does not keep the others from being read. A parent
that has vanished meanwhile, or that says it cannot have such details, has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.azure.details import Detail
from providers.azure.document import resource_of
from providers.azure.names import SUBSCRIPTION, parse
from providers.azure.progress import Progress
from providers.azure.rights import require
from providers.azure.session import Session
from providers.errors import Denied, Expired, Gone, ProviderError, Throttled, Unavailable
from providers.resource import Coverage, CoverageStatus, Resource, Scope

RESOURCES_VERSION: Final = "2021-04-01"
HOPELESS: Final = 10
"""Parents that fail before one succeeds; the rest are then not asked, for they would fail as well."""
_NONE_HERE: Final = frozenset(
    {"featurenotsupportedforaccount", "featurenotsupported", "resourcetypenotsupported"}
)
"""Codes (lower case) by which a service says that this resource cannot have such details: an answer, not a failure."""


class DetailReader:
    """Reads details through one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stream(self, scope: Scope, detail: Detail, progress: Progress) -> Iterator[Resource | Coverage]:
        """The details of a subscription, then how far the reading got."""
        failures: list[tuple[str, ProviderError]] = []
        asked = 0
        try:
            for parent, path in self._parents(scope.account, detail):
                progress.in_time()
                asked += 1
                try:
                    yield from self._below(scope, detail, path, progress)
                except (Throttled, Expired):
                    raise  # the others would fare no better, and would make it worse
                except Gone:
                    continue
                except ProviderError as error:
                    if (error.code or "").lower() in _NONE_HERE:
                        continue
                    failures.append((parent, error))
                    if len(failures) == asked == HOPELESS:
                        break
            if not failures:
                require(
                    self._session, scope.account, detail.permission, *(f"{t}/read" for t in detail.parents)
                )
        except ProviderError as error:
            yield progress.failed(error)
        else:
            yield _failed(scope, detail, progress, failures, asked) if failures else progress.complete()

    def _parents(self, subscription: str, detail: Detail) -> Iterator[tuple[str, str]]:
        """The parents of a subscription with the path that lists what is below each."""
        if SUBSCRIPTION in detail.below:
            own = f"/subscriptions/{subscription}"
            yield own, own + detail.below[SUBSCRIPTION]
        if not detail.parents:
            return
        condition = " or ".join(f"resourceType eq '{of_type}'" for of_type in detail.parents)
        listed = self._session.items(
            subscription,
            f"/subscriptions/{subscription}/resources",
            RESOURCES_VERSION,
            query={"$filter": condition},
        )
        for item in listed:
            parent = str(item.get("id") or "")
            try:
                identity = parse(parent)
            except ValueError as error:
                raise Unavailable(f"A list of resources has one that is none: {error}.") from error
            path = detail.below.get(identity.type)
            # A filter that was not obeyed would otherwise ask everything for what it cannot have.
            if path is not None and identity.names[-1] not in detail.without:
                yield parent, parent + path

    def _below(self, scope: Scope, detail: Detail, path: str, progress: Progress) -> Iterator[Resource]:
        service = detail.type.partition("/")[0]
        listed = self._session.items(scope.account, path, detail.version, service=service, query=detail.query)
        for item in listed:
            resource = resource_of({**item, "id": _id_of(item, detail, path), "type": detail.type})
            if not scope.covers(resource.ref):
                raise Unavailable(f"GET {path} listed {resource.uid}, which is elsewhere.")
            if progress.new(resource.uid):
                yield resource


def _id_of(item: Mapping[str, Any], detail: Detail, path: str) -> str:
    """An item's own id, or the one it must have: some services give ids that Resource Manager itself does not know."""
    given = str(item.get("id") or "")
    try:
        if parse(given).type == detail.type:
            return given
    except ValueError:
        pass
    name = item.get("name")
    if not isinstance(name, str) or not name or "/" in name:
        raise Unavailable(f"GET {path} listed something without a name.", code="UnreadableAnswer")
    return f"{path}/{name}"


def _failed(
    scope: Scope, detail: Detail, progress: Progress, failures: list[tuple[str, ProviderError]], asked: int
) -> Coverage:
    parent, first = failures[0]
    partly = progress.read > 0 or len(failures) < asked
    permission = next((e.permission for _, e in failures if e.permission), None)
    if permission is None and any(isinstance(e, Denied) for _, e in failures):
        permission = detail.permission
    status = first.coverage
    cause = f"{len(failures)} of {asked} could not be read, the first {parent}: {first.message}"
    if partly:
        status, cause = CoverageStatus.PARTIAL, f"{status}: {cause}"
    return Coverage(
        scope=scope,
        status=status,
        read=progress.read,
        details_unread=len(failures),
        cause=cause,
        permission=permission,
    )
