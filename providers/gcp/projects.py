"""The projects seen so far. Events and parents name a project by its number, the inventory by its id."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
    """The projects seen so far, by id and by number."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._lock = threading.Lock()

    def learn(self, project: Project) -> None:
        """Remember one."""
        with self._lock:
            self._ids[project.number] = project.id
            self._numbers[project.id] = project.number

    def id_of(self, project: str) -> str | None:
        """The id of a project given by id or number; None for a number never seen."""
        if not names.is_number(project):
            return project
        with self._lock:
            return self._ids.get(project)

    def number_of(self, project: str) -> str | None:
        """The number of a project given by id or number; None for an id never seen."""
        if names.is_number(project):
            return project
        with self._lock:
            return self._numbers.get(project)


class LookedUp:
    """The same names, after another look where one is not known. Each method raises ProviderError where that look does."""

    def __init__(self, seen: Projects, look_again: Callable[[], None]) -> None:
        self._seen = seen
        self._look_again = look_again

    def id_of(self, project: str) -> str | None:
        """The id of a project given by id or number; None for a number that no listing has."""
        return self._asked(self._seen.id_of, project)

    def number_of(self, project: str) -> str | None:
        """The number of a project given by id or number; None for an id that no listing has."""
        return self._asked(self._seen.number_of, project)

    def _asked(self, name_of: Callable[[str], str | None], project: str) -> str | None:
        known = name_of(project)
        if known is None:
            self._look_again()
        return known or name_of(project)
