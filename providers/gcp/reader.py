"""One pass over a scope: Cloud Asset's RESOURCE listing joined with a listing of each other content.

The API promises no order, so the lists cannot be merged as they come. The first RESOURCE page is asked for; its
read time pins all listings to one snapshot; then the policies and the like are gathered, and then the resources stream by,
each taking its own. What was gathered waits in a private SQLite database without a name: a little stays in its page cache, a
great estate's spills to a temporary file, so memory stays flat.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from providers.errors import ProviderError
from providers.gcp.contents import IAM_POLICY, Content, contents
from providers.gcp.convert import asset_document, body_of
from providers.gcp.document import document, resource
from providers.gcp.join import IAM_UNREAD, RESOURCE_UNREAD, Parts
from providers.gcp.listing import pages
from providers.gcp.session import Deadline, Session
from providers.gcp.together import RESOURCE, Share, Together
from providers.normalise import DocumentTooDeep
from providers.resource import ANY, Coverage, CoverageStatus, Reading, Resource, Scope

LIST_PERMISSION: Final = "cloudasset.assets.listResource"


def parent_of(account: str) -> str:
    """What Cloud Asset calls an account: ``projects/p``, or the organisation or folder as it is."""
    return account if "/" in account else f"projects/{account}"


@dataclass(slots=True)
class _Pass:
    """What one pass knows so far."""

    scope: Scope
    deadline: Deadline
    parts: Parts
    contents: tuple[Content, ...]
    share: Share | None = None
    """Its part of what was listed together with other projects, if it was."""
    read_time: Any = None
    errors: dict[str, ProviderError] = field(default_factory=dict)
    """Content -> why its listing is not all there."""
    read: int = 0
    unread: int = 0

    @property
    def failed(self) -> list[Content]:
        """The contents whose listing is not all there."""
        return [content for content in self.contents if content.name in self.errors]


class Reader:
    """Reads scopes through a session."""

    def __init__(
        self,
        session: Session,
        together: Together,
        excluded: tuple[str, ...] = (),
        *,
        os_inventory: bool = False,
    ) -> None:
        self._session = session
        self._together = together
        self._excluded = excluded
        self._contents = contents(os_inventory=os_inventory)

    def read(self, scope: Scope) -> Reading:
        """One pass over ``scope``; nothing is asked before it is iterated."""
        return Reading(scope, self._stream(scope))

    def _stream(self, scope: Scope) -> Iterator[Resource | Coverage]:
        excluded = self._excluded if scope.type.endswith(ANY) else ()
        here = _Pass(scope, self._session.deadline(), Parts(), asked_of(scope, self._contents))
        try:
            yield from self._resources(here, excluded)
        except ProviderError as error:
            status = CoverageStatus.PARTIAL if here.read else error.coverage
            permission = error.permission
            if status is CoverageStatus.DENIED:
                permission = permission or LIST_PERMISSION
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
            yield Coverage(
                scope=scope,
                status=CoverageStatus.COMPLETE,
                read=here.read,
                details_unread=here.unread,
                cause="; ".join(f"{c.what} unread: {here.errors[c.name].message}" for c in here.failed)
                or None,
                permission=next(filter(None, (_missing(c, here.errors[c.name]) for c in here.failed)), None),
                excluded=excluded,
            )
        finally:
            here.parts.close()

    def _resources(self, here: _Pass, excluded: tuple[str, ...]) -> Iterator[Resource]:
        types = type_patterns(here.scope.type)
        here.share = self._together.take(here.scope, types, here.contents, here.deadline)
        for number, page in enumerate(self._pages(here, RESOURCE, types)):
            if number == 0:
                here.read_time = page.read_time if page.HasField("read_time") else None
                for rank, content in enumerate(here.contents):
                    self._gather(here, content, share=len(here.contents) - rank + 1)
            for asset in page.assets:
                found = self._resource(here, asset, here.parts.take(asset.name))
                if found is not None and wanted(here.scope, found, excluded):
                    yield self._count(here, found)
        for name, type_, body in here.parts.rest(IAM_POLICY.name):
            found = resource(
                account=here.scope.account,
                document=document(name=name, asset_type=type_, data=None, location=None, policy=body),
                unread={RESOURCE_UNREAD: "Cloud Asset lists its IAM policy only"},
            )
            if wanted(here.scope, found, excluded):
                yield self._count(here, found)

    def _gather(self, here: _Pass, content: Content, *, share: int) -> None:
        """All of one content, or the reason why not. It may take its share of the time left: one part of ``share``, so that
        half of all remains for the resources where only policies are asked for."""
        within = self._session.deadline(timedelta(seconds=max(0.0, here.deadline.remaining) / share))
        types = list(content.types(here.scope.type) or type_patterns(here.scope.type))
        try:
            for page in self._pages(here, content.name, types, within):
                bodies = (
                    (asset.name, asset.asset_type, body_of(content, asset))
                    for asset in page.assets
                    if in_scope(here.scope, asset)
                )
                here.parts.put(content.name, [part for part in bodies if part[2] is not None])
        except ProviderError as error:
            here.errors[content.name] = error
        except sqlite3.Error as error:
            here.errors[content.name] = ProviderError(
                f"{content.what} could not be kept for the join: {error}"
            )

    def _resource(self, here: _Pass, asset: Any, listed: dict[str, Any]) -> Resource | None:
        if not in_scope(here.scope, asset):
            return None
        unread: dict[str, str] = {}
        parts: dict[str, Any] = {}
        for content in here.contents:
            name = content.field(asset.asset_type)
            if name is None:
                continue
            if content.name in listed:
                parts[name] = listed[content.name]
            elif content.name in here.errors:
                unread[name] = here.errors[content.name].message
        iam_policy = parts.pop(IAM_UNREAD, None)
        try:
            found = asset_document(asset, iam_policy, parts)
        except DocumentTooDeep as error:
            # It exists, so it is not absent; what it says we cannot keep.
            unread[RESOURCE_UNREAD] = str(error)
            found = {"name": asset.name, "assetType": asset.asset_type}
        return resource(account=here.scope.account, document=found, unread=unread)

    def _count(self, here: _Pass, found: Resource) -> Resource:
        here.read += 1
        here.unread += bool(found.unread)
        return found

    def _pages(
        self, here: _Pass, content: str, types: list[str], deadline: Deadline | None = None
    ) -> Iterator[Any]:
        if here.share is not None:
            return here.share.pages(content)
        return pages(
            self._session,
            parent_of(here.scope.account),
            content,
            types,
            deadline=deadline or here.deadline,
            read_time=here.read_time,
        )


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


def asked_of(scope: Scope, known: tuple[Content, ...]) -> tuple[Content, ...]:
    """The contents that anything in a scope may have."""
    organization = scope.account.startswith("organizations/")
    return tuple(
        content
        for content in known
        if content.types(scope.type) is not None and (organization or not content.organizations)
    )


def _missing(content: Content, error: ProviderError) -> str | None:
    if error.permission is None and error.coverage is CoverageStatus.DENIED:
        return content.permission
    return error.permission
