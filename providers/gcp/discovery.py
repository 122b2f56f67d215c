"""Which scopes there are.

A project is one scope that spans regions and types. An organisation or folder is opened into its projects, so that
coverage, deadlines and failures are known project by project and a resource's account is always its project; what
lives in the organisation or folder itself is read by one scope for each of
:data:`providers.gcp.catalog.ORGANIZATION_TYPES`. Its projects are listed together (:mod:`.together`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from config.clouds import GcpSettings
from providers.errors import ProviderError
from providers.gcp import names
from providers.gcp.catalog import ORGANIZATION_TYPES
from providers.gcp.convert import struct
from providers.gcp.document import PROVIDER
from providers.gcp.listing import pages
from providers.gcp.projects import PROJECT, Project, Projects
from providers.gcp.session import Session
from providers.gcp.together import RESOURCE, Together
from providers.provider import Discovery, Selection
from providers.resource import ANY, Coverage, CoverageStatus, ResourceRef, Scope
from providers.watched import Roster, Watched

_INACTIVE = frozenset({"DELETE_REQUESTED", "DELETE_IN_PROGRESS"})


@dataclass(slots=True)
class _Found:
    scopes: dict[str, str] = field(default_factory=dict)
    """Project -> the parent it was first found below."""
    listed: dict[str, int] = field(default_factory=dict)
    """Parent -> how many projects are below it."""
    containers: dict[str, None] = field(default_factory=dict)
    unread: list[Coverage] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    """Those between a parent and its projects."""


class Discoverer:
    """Finds scopes through a session."""

    def __init__(
        self,
        session: Session,
        settings: GcpSettings,
        projects: Projects,
        together: Together,
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._settings = settings
        self._projects = projects
        self._together = together
        self.watched = Watched(self.roster, self._reads, clock)

    def discover(self, selection: Selection) -> Discovery:
        """The scopes of every configured parent. Raises ProviderError if no parent is known at all."""
        if selection.providers and PROVIDER not in selection.providers:
            return Discovery(scopes=())
        types = tuple(
            t
            for t in narrow(self._settings.types, tuple(selection.types))
            if not any(_within(t, pattern) for pattern in self._settings.exclude_types)
        )
        found = self._survey()
        self.watched.learn(self._roster_of(found))
        regions = sorted(selection.regions) or [ANY]
        accounts = [a for a in found.scopes if not selection.accounts or a in selection.accounts]
        containers = [c for c in found.containers if not selection.accounts or c in selection.accounts]
        scopes = [Scope(PROVIDER, a, region, t) for a in accounts for region in regions for t in types]
        self._together.plan(scopes, found.scopes, found.listed)
        scopes += [
            Scope(PROVIDER, container, region, t)
            for container in containers
            for region in regions
            for t in self._container_types(types)
        ]
        unread = [c for c in found.unread if not selection.accounts or c.scope.account in selection.accounts]
        return Discovery(scopes=tuple(scopes), unread=tuple(unread), accounts=found.accounts)

    def roster(self) -> Roster:
        """The accounts to be read: projects, the parents themselves, and the folders between. Raises ProviderError."""
        return self._roster_of(self._survey())

    def _roster_of(self, found: _Found) -> Roster:
        # A single project that cannot be looked at is named all the same, and says nothing of others.
        named = {one.scope.account for one in found.unread if "/" not in one.scope.account}
        listings = tuple(one for one in found.unread if "/" in one.scope.account)
        return Roster(frozenset({*found.scopes, *found.containers, *found.folders, *named}), listings)

    def _survey(self) -> _Found:
        found = _Found()
        for parent in self.parents():
            self._open(parent, found)
        return found

    def parents(self) -> tuple[str, ...]:
        """What is read, as configured or as the credentials say. Raises ProviderError where neither tells."""
        if self._settings.parents:
            return self._settings.parents
        project = self._session.default_project()
        if project is None:
            raise ProviderError(
                "Google Cloud: the credentials belong to no project.",
                hint="Name what to read in `providers.gcp.parents`: projects/NAME, folders/N or organizations/N.",
            )
        return (f"projects/{project}",)

    def _reads(self, ref: ResourceRef) -> bool:
        """Whether a cycle reads what has the type of a resource; of what is above projects only some types are."""
        return (
            any(_within(ref.type, pattern) for pattern in narrow(self._settings.types, ()))
            and not any(_within(ref.type, pattern) for pattern in self._settings.exclude_types)
            and ("/" not in ref.account or ref.type in ORGANIZATION_TYPES)
        )

    def _container_types(self, types: tuple[str, ...]) -> list[str]:
        return [
            t
            for t in ORGANIZATION_TYPES
            if any(_within(t, pattern) for pattern in types)
            and not any(_within(t, pattern) for pattern in self._settings.exclude_types)
        ]

    def _open(self, parent: str, found: _Found) -> None:
        kind, _, name = parent.partition("/")
        account = name if kind == "projects" and name else parent
        if kind != "projects":
            found.containers[parent] = None
            found.accounts.setdefault(parent, parent)
        count = 0
        try:
            for project in self._listed(parent if name else f"projects/{parent}"):
                self._projects.learn(project)
                count += 1
                found.listed[parent] = count
                if project.active and self._is_read(project):
                    found.scopes.setdefault(project.id, parent)
                    found.accounts[project.id] = project.name
                    found.folders.update(_between(project, parent))
        except ProviderError as error:
            if count and kind == "projects":
                return  # the one project there is was named; what failed came after it
            found.unread.append(
                Coverage(
                    scope=Scope(PROVIDER, self._projects.id_of(account) or account, ANY, ANY),
                    status=CoverageStatus.PARTIAL if count else error.coverage,
                    read=count,
                    cause=error.message,
                    permission=error.permission,
                )
            )
            return
        unnamed = Project(id=self._projects.id_of(account) or account, number=account, name=account)
        if not count and kind == "projects" and self._is_read(unnamed):
            # Cloud Asset answered, but did not name the project itself: it can be read all the same.
            found.scopes.setdefault(unnamed.id, parent)

    def _is_read(self, project: Project) -> bool:
        folders = {f"folders/{f.removeprefix('folders/')}" for f in self._settings.exclude_folders}
        projects = {p.removeprefix("projects/") for p in self._settings.exclude_projects}
        return not (folders & set(project.ancestors) or {project.id, project.number} & projects)

    def _listed(self, parent: str) -> Iterable[Project]:
        for page in pages(self._session, parent, RESOURCE, (PROJECT,), deadline=self._session.deadline()):
            for asset in page.assets:
                data = struct(asset.resource.data)
                if data.get("projectId"):
                    yield Project(
                        id=str(data["projectId"]),
                        number=str(data.get("projectNumber") or names.last(asset.name)),
                        name=str(data.get("name") or data["projectId"]),
                        active=data.get("lifecycleState") not in _INACTIVE,
                        ancestors=tuple(asset.ancestors),
                    )


def _between(project: Project, parent: str) -> Iterable[str]:
    if parent in project.ancestors:
        yield from project.ancestors[1 : project.ancestors.index(parent)]


def narrow(configured: tuple[str, ...], selected: tuple[str, ...]) -> tuple[str, ...]:
    """The types both want, as few patterns as say it; ``("*",)`` for everything."""
    mine, theirs = configured or (ANY,), selected or (ANY,)
    both = {a if _within(a, b) else b for a in mine for b in theirs if _within(a, b) or _within(b, a)}
    return tuple(sorted(p for p in both if not any(p != q and _within(p, q) for q in both)))


def _within(pattern: str, other: str) -> bool:
    """Whether everything ``pattern`` matches, ``other`` matches."""
    if other.endswith(ANY):
        return pattern.startswith(other[:-1])
    return pattern == other
