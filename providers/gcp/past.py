"""What Google Cloud itself remembers: Cloud Asset's history, up to 35 days back.

Resource and IAM policy have histories of their own, as windows of time; they are laid over each other, so that each
version is the pair as it was from one moment on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from providers.errors import ProviderError
from providers.gcp.contents import unasked
from providers.gcp.convert import policy, struct
from providers.gcp.document import document, resource
from providers.gcp.join import IAM_UNREAD, RESOURCE_UNREAD
from providers.gcp.reader import parent_of
from providers.gcp.session import Session
from providers.provider import PastVersion
from providers.resource import Resource, ResourceRef

KEPT: Final = timedelta(days=35)
"""How long Cloud Asset remembers."""


@dataclass(frozen=True, slots=True)
class _Window:
    """One content over [start, end); body None: deleted."""

    start: datetime
    body: Mapping[str, Any] | None
    location: str | None = None


class Historian:
    """Asks Cloud Asset for the past of single resources."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def past(self, ref: ResourceRef, since: datetime, now: datetime) -> Iterable[PastVersion]:
        """Versions from ``since`` (or 35 days ago) to the present, oldest first. Raises ProviderError."""
        # The service refuses a window that starts a moment too early, so a minute is kept.
        start = max(since.astimezone(UTC), now - KEPT + timedelta(minutes=1))
        contents = self._windows(ref, "RESOURCE", start)
        unread: dict[str, str] = {}
        try:
            policies = self._windows(ref, "IAM_POLICY", start)
        except ProviderError as error:
            policies, unread = [], {IAM_UNREAD: error.message}
        return self._versions(ref, contents, policies, unread)

    def _versions(
        self, ref: ResourceRef, contents: list[_Window], policies: list[_Window], unread: dict[str, str]
    ) -> list[PastVersion]:
        versions: list[PastVersion] = []
        for at in sorted({w.start for w in (*contents, *policies)}):
            content, iam = _at(contents, at), _at(policies, at)
            if content is None and iam is None:
                continue
            version = PastVersion(ref=ref, at=at, resource=self._resource(ref, content, iam, unread))
            if not versions or versions[-1].resource != version.resource:
                versions.append(version)
        return versions

    def _resource(
        self, ref: ResourceRef, content: _Window | None, iam: _Window | None, unread: dict[str, str]
    ) -> Resource | None:
        if content is not None and content.body is None:
            return None
        missing = unread | unasked(ref.type, "its past is not asked for", os_inventory=True)
        if content is None:
            # The policy is known before the resource's first window: what the resource was then is not.
            missing[RESOURCE_UNREAD] = "Cloud Asset does not remember the resource at that time"
        found = document(
            name=ref.uid,
            asset_type=ref.type,
            data=content.body if content else None,
            location=content.location if content else None,
            policy=iam.body if iam else None,
        )
        return resource(account=ref.account, document=found, unread=missing)

    def _windows(self, ref: ResourceRef, content: str, start: datetime) -> list[_Window]:
        request = {
            "parent": parent_of(ref.account),
            "asset_names": [ref.uid],
            "content_type": content,
            # Without an end the service takes its own present, which our clock may be behind.
            "read_time_window": {"start_time": start},
        }
        what = f"the {content} history of {ref.uid}"
        answer = self._session.history(request, deadline=self._session.deadline(), what=what)
        windows = []
        for temporal in answer.assets:
            asset = temporal.asset
            at = temporal.window.start_time.ToDatetime(tzinfo=UTC)
            if temporal.deleted:
                windows.append(_Window(at, None))
            elif content == "RESOURCE":
                windows.append(_Window(at, struct(asset.resource.data), asset.resource.location))
            else:
                windows.append(_Window(at, policy(asset.iam_policy)))
        return sorted(windows, key=lambda w: w.start)


def _at(windows: list[_Window], at: datetime) -> _Window | None:
    found = None
    for window in windows:
        if window.start <= at:
            found = window
    return found
