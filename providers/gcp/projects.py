"""The projects seen so far, and what they lie in. Events and parents name a project by its number, the inventory by its id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from providers.gcp import names

PROJECT: Final = "cloudresourcemanager.googleapis.com/Project"
"""The asset type of a project."""

T = TypeVar("T")


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
        self._above: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def learn(self, project: Project) -> None:
        """Remember one."""
        with self._lock:
            self._ids[project.number] = project.id
            self._numbers[project.id] = project.number
            for place, folder in enumerate(project.ancestors[1:], 1):
                self._above[folder] = project.ancestors[place + 1 :]

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

    def above(self, folder: str) -> tuple[str, ...] | None:
        """What a folder lies in, the closest first; None for a folder below which no project was ever seen."""
        with self._lock:
            return self._above.get(folder)


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

    def above(self, folder: str) -> tuple[str, ...] | None:
        """What a folder lies in, the closest first; None for a folder below which no listing has a project."""
        return self._asked(self._seen.above, folder)

    def _asked(self, seen: Callable[[str], T | None], name: str) -> T | None:
        known = seen(name)
        if known is None:
            self._look_again()
            known = seen(name)
        return known
