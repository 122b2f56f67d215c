"""The projects of an organisation or folder listed together: a call for a thousand assets, and not two or three for each project.

Cloud Asset counts its quota by the project that asks, so a thousand projects asked one by one take half an hour whatever they
hold. Here one listing of each content below the parent is divided by project, and put down in a nameless database that
spills to disk. Each project then is read from its share as it would be from listings of its own, and is complete or not by
itself.

Nothing is concluded from what failed: then the projects are asked for one by one, so that a failure is told of its own. So is a
project that the parent's listing does not mention, whatever the reason, and one of which we have read or changed something
ourselves since.
"""

from __future__ import annotations

import copy
import sqlite3
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from google.cloud import asset_v1

from providers.errors import Expired, ProviderError, Throttled, TimedOut, Unavailable
from providers.gcp.contents import Content
from providers.gcp.listing import pages
from providers.gcp.projects import PROJECT, Projects
from providers.gcp.session import Deadline, Session
from providers.resource import Scope

RESOURCE: Final = "RESOURCE"
TOO_LARGE_FOR: Final = timedelta(hours=6)
"""How long a parent whose listing did not end in time is read project by project."""
_PAGE: Final = 1000


class _Shelf:
    """What was listed, by project and content. Its database goes when nobody holds it any more. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._rows.close)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute("CREATE TABLE asset (project TEXT, content TEXT, body BLOB)")

    def put(self, content: str, assets: Iterator[tuple[str, Any]]) -> None:
        """Keep a page of (project, asset)."""
        self._rows.execute("BEGIN")
        self._rows.executemany(
            "INSERT INTO asset VALUES (?, ?, ?)",
            ((project, content, asset.SerializeToString()) for project, asset in assets),
        )
        self._rows.execute("COMMIT")

    def filled(self) -> None:
        """All is there."""
        self._rows.execute("CREATE INDEX share ON asset (project, content)")

    def pages(self, project: str, content: str) -> Iterator[Any]:
        """What one project has of a content, as ListAssets would answer; at least one page."""
        last = 0
        while True:
            with self._lock:
                rows = self._rows.execute(
                    "SELECT rowid, body FROM asset WHERE project = ? AND content = ? AND rowid > ?"
                    " ORDER BY rowid LIMIT ?",
                    (project, content, last, _PAGE),
                ).fetchall()
            yield _page([body for _, body in rows])
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]


def _page(bodies: Sequence[bytes]) -> Any:
    page = asset_v1.ListAssetsResponse.pb()()
    for body in bodies:
        page.assets.add().ParseFromString(body)
    return page


@dataclass(frozen=True, slots=True)
class Share:
    """One project's part of what was listed together."""

    _shelf: _Shelf
    _project: str

    def pages(self, content: str) -> Iterator[Any]:
        """All of one content, as ListAssets would answer."""
        return self._shelf.pages(self._project, content)


class _Whole:
    """The listing of one parent for one type, made by the first scope that wants its share."""

    def __init__(self, parent: str, of_type: str, wanted: frozenset[str]) -> None:
        self.parent = parent
        self.of_type = of_type
        self.wanted = wanted
        self.stale: set[str] = set()
        self.lock = threading.Lock()
        self.listed_at: datetime | None = None
        self.mentioned: set[str] = set()
        self.shelf: _Shelf | None = None
        self.error: ProviderError | None = None


class Together:
    """What is listed together of one plan. Safe in threads."""

    def __init__(self, session: Session, projects: Projects, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._projects = projects
        self._clock = clock
        self._lock = threading.Lock()
        self._whole_of: dict[Scope, _Whole] = {}
        self._too_large: dict[str, datetime] = {}

    def plan(self, scopes: Sequence[Scope], parents: Mapping[str, str], listed: Mapping[str, int]) -> None:
        """Put scopes of projects below one parent together, where more of its projects are read than not. ``parents``: project
        -> the organisation or folder it was found below; ``listed``: how many were found below each. What an earlier plan
        still held is let go of."""
        now = self._clock()
        alike: dict[Scope, list[Scope]] = defaultdict(list)
        for scope in scopes:
            parent = parents.get(scope.account, "")
            if now >= self._too_large.get(parent, now):
                alike[Scope(scope.provider, parent, scope.region, scope.type)].append(scope)
        planned: dict[Scope, _Whole] = {}
        for kind, those in alike.items():
            if len(those) > 1 and 2 * len(those) >= listed.get(kind.account, len(those) * 3):
                whole = _Whole(kind.account, kind.type, frozenset(scope.account for scope in those))
                planned |= dict.fromkeys(those, whole)
        with self._lock:
            self._whole_of = planned

    def take(
        self, scope: Scope, types: Sequence[str], contents: Sequence[Content], deadline: Deadline
    ) -> Share | None:
        """The share of a scope; None where it is to be read alone. May wait for half of the time left. Raises ProviderError where
        asking again would not help."""
        with self._lock:
            whole = self._whole_of.pop(scope, None)
        if whole is None:
            return None
        with whole.lock:
            if whole.listed_at is None:
                whole.listed_at = self._clock()
                within = self._session.deadline(timedelta(seconds=max(0.0, deadline.remaining) / 2))
                self._fetch(whole, types, contents, within)
            if whole.error is not None:
                raise copy.copy(whole.error) from whole.error
            old = self._clock() - whole.listed_at > self._session.settings.budget.scope_deadline
            if whole.shelf is None or old or scope.account not in whole.mentioned - whole.stale:
                return None
            return Share(whole.shelf, scope.account)

    def forget(self, account: str) -> None:
        """Something newer is known of a project than what was listed together and waits to be read."""
        with self._lock:
            wholes = {id(whole): whole for whole in self._whole_of.values()}
        for whole in wholes.values():
            # Without its lock: what acts must not wait for a listing under way.
            whole.stale.add(account)

    def _fetch(
        self, whole: _Whole, types: Sequence[str], contents: Sequence[Content], deadline: Deadline
    ) -> None:
        shelf = _Shelf()
        # A project is mentioned by its own asset, so that one without anything of the type is told from one that is missing.
        asked = [*types, PROJECT] if types and PROJECT not in types else types
        try:
            read_time: Any = None
            for number, page in enumerate(
                pages(self._session, whole.parent, RESOURCE, asked, deadline=deadline)
            ):
                if number == 0:
                    read_time = page.read_time if page.HasField("read_time") else None
                    for content in contents:
                        of = content.types(whole.of_type) or types
                        for one in pages(
                            self._session,
                            whole.parent,
                            content.name,
                            of,
                            deadline=deadline,
                            read_time=read_time,
                        ):
                            shelf.put(content.name, self._divided(whole, one))
                found = list(self._divided(whole, page))
                whole.mentioned |= {project for project, asset in found if asset.asset_type == PROJECT}
                unasked = PROJECT if asked is not types else None
                shelf.put(RESOURCE, (pair for pair in found if pair[1].asset_type != unasked))
            shelf.filled()
        except (Throttled, Expired) as error:
            whole.error = error  # asking one by one would ask even more
        except TimedOut:
            self._too_large[whole.parent] = self._clock() + TOO_LARGE_FOR
        except (ProviderError, sqlite3.Error):
            whole.mentioned.clear()
        else:
            whole.shelf = shelf

    def _divided(self, whole: _Whole, page: Any) -> Iterator[tuple[str, Any]]:
        """The assets of a page that live in wanted projects, each with its project's id. Raises Unavailable where one does not say
        where it lives."""
        for asset in page.assets:
            if not asset.ancestors:
                raise Unavailable(f"Cloud Asset does not say in which project {asset.name} is.")
            kind, _, number = asset.ancestors[0].partition("/")
            project = self._projects.id_of(number) if kind == "projects" else None
            if project in whole.wanted:
                yield project, asset
