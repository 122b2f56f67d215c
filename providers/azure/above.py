"""What belongs to no subscription: the management groups, and what is assigned, defined and logged at one of them or at the root
of the tenant. It reaches down to every subscription below.

Each group is an account of its own, and each type in it a scope. Azure Resource Manager lists them at the group itself and
refuses what may not be seen there, where Resource Graph would leave it out (docs/decisions/0260). What is assigned at the root
shows at every group below it, so it is read through the topmost that is visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.azure.details import ABOVE, GROUPS_VERSION, Detail
from providers.azure.document import resource_of
from providers.azure.names import MANAGEMENT_GROUP, group_of, parse, tenant_of
from providers.azure.progress import Progress
from providers.azure.reread import fetch
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import Denied, ProviderError, Unavailable
from providers.resource import ANY, Coverage, Resource, Scope

GROUPS: Final = "/providers/Microsoft.Management/managementGroups"
LISTING: Final = "Microsoft.Management/managementGroups/read"
"""What seeing a management group needs."""


def management_groups(session: Session) -> Iterator[Mapping[str, Any]]:
    """The management groups the credentials see. Raises ProviderError."""
    try:
        yield from session.items(ANY, GROUPS, GROUPS_VERSION)
    except Denied as error:
        error.permission = error.permission or LISTING
        raise


class AboveReader:
    """Reads scopes above the subscriptions through one session."""

    def __init__(self, session: Session, versions: Versions) -> None:
        self._session = session
        self._versions = versions

    def stream(self, scope: Scope, progress: Progress) -> Iterator[Resource | Coverage]:
        """What is attached to a management group or the tenant's root, then how far the reading got."""
        try:
            progress.in_time()
            for item in self._items(scope, ABOVE[scope.type]):
                try:
                    resource = resource_of(item, tenant_of(scope.account))
                except ValueError as error:
                    raise Unavailable(
                        f"A list at {scope.account} has something that is no resource: {error}."
                    ) from error
                if progress.new(resource.uid):
                    yield resource
        except ProviderError as error:
            yield progress.failed(error)
        else:
            yield progress.complete()

    def _items(self, scope: Scope, detail: Detail) -> Iterator[Mapping[str, Any]]:
        own = group_of(scope.account)
        group = own or self._topmost(str(tenant_of(scope.account)))
        at = f"{GROUPS}/{group}"
        if scope.type == MANAGEMENT_GROUP:
            yield fetch(self._session, self._versions, parse(at))
            return
        path = at + detail.below[MANAGEMENT_GROUP]
        service = detail.type.partition("/")[0]
        here = f"{at if own else ''}/providers/{detail.type}/".lower()
        for item in self._session.items(
            scope.account, path, detail.version, service=service, query=detail.query
        ):
            given = item.get("id")
            if not isinstance(given, str) or not given:
                raise Unavailable(f"GET {path} listed something without an id.", code="UnreadableAnswer")
            # Diagnostic settings give theirs without the first slash.
            found = f"/{given.lstrip('/')}"
            # What is assigned above reaches here, but does not live here.
            if found.lower().startswith(here):
                yield {**item, "id": found, "type": detail.type}

    def _topmost(self, tenant: str) -> str:
        """The group through which the tenant's root is looked at: the root group, which bears the tenant's id, if it is seen."""
        names = [str(group.get("name") or "") for group in management_groups(self._session)]
        found = next((name for name in names if name.lower() == tenant), next(iter(sorted(names)), ""))
        if not found:
            raise Denied(
                f"The credentials see no management group of tenant {tenant}.",
                permission=LISTING,
                hint="Assign the role at the tenant's root management group; see `watchstander permissions azure`.",
            )
        return found
