"""One pass over a scope: Cloud Asset's RESOURCE listing joined with its IAM_POLICY listing.

The API promises no order, so the two lists cannot be merged as they come. The first RESOURCE page is asked for; its
read time pins both listings to one snapshot; then the policies are gathered, and then the resources stream by, each
taking its policy. The policies wait in a private SQLite database without a name: small ones stay in its page cache, a
great estate's spill to a temporary file, so memory stays flat.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from providers.errors import ProviderError
from providers.gcp.convert import asset_document, policy
from providers.gcp.document import document, resource
from providers.gcp.join import IAM_UNREAD, RESOURCE_UNREAD, Policies
from providers.gcp.session import PAGE_SIZE, Deadline, Session
from providers.normalise import DocumentTooDeep
from providers.resource import ANY, Coverage, CoverageStatus, Reading, Resource, Scope

LIST_PERMISSION: Final = {
    "RESOURCE": "cloudasset.assets.listResource",
    "IAM_POLICY": "cloudasset.assets.listIamPolicy",
}


def parent_of(account: str) -> str:
    """What Cloud Asset calls an account: ``projects/p``, or the organisation or folder as it is."""
    return account if "/" in account else f"projects/{account}"


@dataclass(slots=True)
class _Pass:
    """What one pass knows so far."""

    scope: Scope
    deadline: Deadline
    policies: Policies
    read_time: Any = None
    iam_error: ProviderError | None = None
    read: int = 0
    unread: int = 0


class Reader:
    """Reads scopes through a session."""

    def __init__(self, session: Session, excluded: tuple[str, ...] = ()) -> None:
        self._session = session
        self._excluded = excluded

    def read(self, scope: Scope) -> Reading:
        """One pass over ``scope``; nothing is asked before it is iterated."""
        return Reading(scope, self._stream(scope))

    def _stream(self, scope: Scope) -> Iterator[Resource | Coverage]:
        excluded = self._excluded if scope.type.endswith(ANY) else ()
        here = _Pass(scope, self._session.deadline(), Policies())
        try:
            yield from self._resources(here, excluded)
        except ProviderError as error:
            status = CoverageStatus.PARTIAL if here.read else error.coverage
            permission = error.permission
            if status is CoverageStatus.DENIED:
                permission = permission or LIST_PERMISSION["RESOURCE"]
            yield Coverage(
                scope=scope,
                status=status,
                read=here.read,
                details_unread=here.unread,
                cause=error.message,
                permission=permission,
                excluded=excluded,
            )
        else:
            iam = here.iam_error
            yield Coverage(
                scope=scope,
                status=CoverageStatus.COMPLETE,
                read=here.read,
                details_unread=here.unread,
                cause=f"IAM policies unread: {iam.message}" if iam else None,
                permission=(iam.permission or _missing(iam)) if iam else None,
                excluded=excluded,
            )
        finally:
            here.policies.close()

    def _resources(self, here: _Pass, excluded: tuple[str, ...]) -> Iterator[Resource]:
        for number, page in enumerate(self._pages(here, "RESOURCE", here.deadline)):
            if number == 0:
                here.read_time = page.read_time if page.HasField("read_time") else None
                self._gather(here)
            for asset in page.assets:
                found = self._resource(here, asset, here.policies.take(asset.name))
                if found is not None and wanted(here.scope, found, excluded):
                    yield self._count(here, found)
        for name, type_, body in here.policies.rest():
            found = resource(
                account=here.scope.account,
                document=document(name=name, asset_type=type_, data=None, location=None, policy=body),
                unread={RESOURCE_UNREAD: "Cloud Asset lists its IAM policy only"},
            )
            if wanted(here.scope, found, excluded):
                yield self._count(here, found)

    def _gather(self, here: _Pass) -> None:
        """Every policy of the scope, or the reason why not. At most half of the time left goes into it."""
        half = self._session.deadline(timedelta(seconds=max(0.0, here.deadline.remaining) / 2))
        try:
            for page in self._pages(here, "IAM_POLICY", half):
                here.policies.put(
                    [
                        (asset.name, asset.asset_type, policy(asset.iam_policy))
                        for asset in page.assets
                        if asset.HasField("iam_policy") and in_scope(here.scope, asset)
                    ]
                )
        except ProviderError as error:
            here.iam_error = error
        except sqlite3.Error as error:
            here.iam_error = ProviderError(f"IAM policies could not be kept for the join: {error}")

    def _resource(self, here: _Pass, asset: Any, iam_policy: dict[str, Any] | None) -> Resource | None:
        if not in_scope(here.scope, asset):
            return None
        unread: dict[str, str] = {}
        if here.iam_error is not None and iam_policy is None:
            unread[IAM_UNREAD] = here.iam_error.message
        try:
            content = asset_document(asset, iam_policy)
        except DocumentTooDeep as error:
            # It exists, so it is not absent; what it says we cannot keep.
            unread[RESOURCE_UNREAD] = str(error)
            content = {"name": asset.name, "assetType": asset.asset_type}
        return resource(account=here.scope.account, document=content, unread=unread)

    def _count(self, here: _Pass, found: Resource) -> Resource:
        here.read += 1
        here.unread += bool(found.unread)
        return found

    def _pages(self, here: _Pass, content: str, deadline: Deadline) -> Iterator[Any]:
        request: dict[str, Any] = {
            "parent": parent_of(here.scope.account),
            "content_type": content,
            "page_size": PAGE_SIZE,
            "asset_types": type_patterns(here.scope.type),
        }
        if here.read_time is not None and content == "IAM_POLICY":
            request["read_time"] = here.read_time
        what = f"listing {content} of {request['parent']}"
        while True:
            page = self._session.list_page(request, deadline=deadline, what=what)
            yield page
            if not page.next_page_token:
                return
            request["page_token"] = page.next_page_token


def type_patterns(type_: str) -> list[str]:
    """A scope's type as Cloud Asset takes it: nothing for all, a name, or an RE2 expression for a prefix."""
    if type_ == ANY:
        return []
    if type_.endswith(ANY):
        return [f"{re.escape(type_[:-1])}.*"]
    return [type_]


def in_scope(scope: Scope, asset: Any) -> bool:
    """Whether a listed asset belongs to the scope's account: what lies in a project does not belong to its organisation."""
    if "/" not in scope.account:
        return True
    return not (asset.ancestors and asset.ancestors[0].startswith("projects/"))


def wanted(scope: Scope, found: Resource, excluded: tuple[str, ...]) -> bool:
    """Whether the configuration and the scope's region want it."""
    if scope.region not in (ANY, found.ref.region):
        return False
    return not any(
        found.ref.type == pattern or (pattern.endswith(ANY) and found.ref.type.startswith(pattern[:-1]))
        for pattern in excluded
    )


def _missing(error: ProviderError) -> str | None:
    return LIST_PERMISSION["IAM_POLICY"] if error.coverage is CoverageStatus.DENIED else None
