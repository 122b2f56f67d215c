"""The projects seen so far. Events and parents name a project by its number, the inventory by its id."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from providers.gcp import names

PROJECT: Final = "cloudresourcemanager.googleapis.com/Project"
"""The asset type of a project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as discovery finds it."""

    id: str
    number: str
    name: str
    active: bool = True
    ancestors: tuple[str, ...] = ()
    """``projects/N``, then its folders, then its organisation, as Cloud Asset names them."""


class Projects:
    """The projects seen so far: number -> id. Events name projects by number, the inventory by id."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._lock = threading.Lock()

    def learn(self, project: Project) -> None:
        """Remember one."""
        with self._lock:
            self._ids[project.number] = project.id

    def id_of(self, project: str) -> str | None:
        """The id of a project given by id or number; None for a number never seen."""
        if not names.is_number(project):
            return project
        with self._lock:
            return self._ids.get(project)
