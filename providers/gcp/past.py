"""What Google Cloud itself remembers: Cloud Asset's history, up to 35 days back.

Resource and IAM policy have histories of their own, as windows of time; they are laid over each other, so that each
version is the pair as it was from one moment on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from providers.errors import ProviderError
from providers.gcp.contents import unasked
from providers.gcp.convert import policy, struct
from providers.gcp.document import document, resource
from providers.gcp.join import IAM_UNREAD, RESOURCE_UNREAD
from providers.gcp.reader import parent_of
from providers.gcp.session import Session
from providers.provider import PastVersion, Remembered
from providers.resource import Resource, ResourceRef

KEPT: Final = timedelta(days=35)
"""How long Cloud Asset remembers."""
BATCH: Final = 100
"""The most names one BatchGetAssetsHistory takes."""


@dataclass(frozen=True, slots=True)
class _Window:
    """One content over [start, end); body None: deleted."""

    start: datetime
    body: Mapping[str, Any] | None
    location: str | None = None


_Told = Mapping[str, list[_Window] | ProviderError]
"""Full name -> its windows, oldest first, or why they are not known."""


class Historian:
    """Asks Cloud Asset for the past of resources, a hundred at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def past(self, refs: Sequence[ResourceRef], since: datetime, now: datetime) -> Iterator[Remembered]:
        """Of each of at most :data:`BATCH` resources, in their order, the versions from ``since`` (or 35 days ago) to the
        present."""
        # The service refuses a window that starts a moment too early, so a minute is kept.
        start = max(since.astimezone(UTC), now - KEPT + timedelta(minutes=1))
        for account, those in groupby(refs, key=lambda ref: ref.account):
            group = list(those)
            contents = self._told(account, [ref.uid for ref in group], "RESOURCE", start)
            known = [name for name, told in contents.items() if not isinstance(told, ProviderError)]
            policies = self._told(account, known, "IAM_POLICY", start) if known else {}
            for ref in group:
                yield self._remembered(ref, contents[ref.uid], policies.get(ref.uid, []))

    def _remembered(
        self,
        ref: ResourceRef,
        contents: list[_Window] | ProviderError,
        policies: list[_Window] | ProviderError,
    ) -> Remembered:
        if isinstance(contents, ProviderError):
            return Remembered(ref=ref, error=contents)
        if isinstance(policies, ProviderError):
            versions = self._versions(ref, contents, [], {IAM_UNREAD: policies.message})
        else:
            versions = self._versions(ref, contents, policies, {})
        return Remembered(ref=ref, versions=tuple(versions))

    def _told(self, account: str, names: Sequence[str], content: str, start: datetime) -> _Told:
        try:
            return self._windows(account, names, content, start)
        except ProviderError as error:
            if error.code != "INVALID_ARGUMENT" or len(names) == 1:
                return dict.fromkeys(names, error)
        # One name it does not take spoils the answer for all: it is found by halving.
        half = len(names) // 2
        return {
            **self._told(account, names[:half], content, start),
            **self._told(account, names[half:], content, start),
        }

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

    def _windows(
        self, account: str, names: Sequence[str], content: str, start: datetime
    ) -> dict[str, list[_Window]]:
        request = {
            "parent": parent_of(account),
            "asset_names": list(names),
            "content_type": content,
            # Without an end the service takes its own present, which our clock may be behind.
            "read_time_window": {"start_time": start},
        }
        others = f" and {len(names) - 1} others" if len(names) > 1 else ""
        what = f"the {content} history of {names[0]}{others}"
        answer = self._session.history(request, deadline=self._session.deadline(), what=what)
        windows: defaultdict[str, list[_Window]] = defaultdict(list)
        for temporal in answer.assets:
            asset = temporal.asset
            at = temporal.window.start_time.ToDatetime(tzinfo=UTC)
            if temporal.deleted:
                window = _Window(at, None)
            elif content == "RESOURCE":
                window = _Window(at, struct(asset.resource.data), asset.resource.location)
            else:
                window = _Window(at, policy(asset.iam_policy))
            windows[asset.name].append(window)
        return {name: sorted(windows[name], key=lambda w: w.start) for name in names}


def _at(windows: list[_Window], at: datetime) -> _Window | None:
    found = None
    for window in windows:
        if window.start <= at:
            found = window
    return found
