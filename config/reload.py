"""The configuration in force, and its replacement while the daemon runs.

A new configuration that does not load changes nothing. Settings that cannot change in a running process keep their
value, and the outcome says which. So ``current`` is always what is really in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from config.document import Location
from config.errors import ConfigurationError
from config.fields import Model
from config.load import Loaded, load
from config.settings import Settings
from config.shape import dotted

NEEDS_RESTART: tuple[Location, ...] = (
    ("storage",),
    ("api",),
    ("state_dir",),
    ("instance",),
    ("policies", "workers"),
    ("policies", "memory_limit_mb"),
    ("log", "format"),
)
"""What a running process cannot change: open databases, bound sockets, started workers, its own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a reload did."""

    changed: tuple[str, ...] = ()
    """Settings in force with another value than before."""
    needs_restart: tuple[str, ...] = ()
    """Settings whose new value waits for a restart."""
    error: ConfigurationError | None = None
    """Why the old configuration stays."""

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        if self.error is not None:
            count = len(self.error.problems)
            first = self.error.problems[0]
            more = f" and {count - 1} more" if count > 1 else ""
            return f"The new configuration is bad and the old one stays in force: {first}{more}."
        parts = []
        if self.changed:
            parts.append(f"changed {_list(self.changed)}")
        if self.needs_restart:
            parts.append(f"a restart is needed for {_list(self.needs_restart)}")
        return f"Reloaded the configuration: {'; '.join(parts) or 'nothing has changed'}."


class Configuration:
    """Holds the configuration in force. Reading ``current`` is safe from any thread."""

    def __init__(self, path: Path | None, environment: Mapping[str, str]) -> None:
        """Load it for the first time. Raises ConfigurationError."""
        self._path = path
        self._environment = dict(environment)
        self._current = load(path, self._environment)

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current.settings

    @property
    def loaded(self) -> Loaded:
        """The settings in force with their origins."""
        return self._current

    def keep(self, loaded: Loaded) -> None:
        """Go back to an earlier configuration, because the newer one could not be put in force."""
        self._current = loaded

    def reload(self) -> Outcome:
        """Read the file again. The old configuration stays where the new one is bad; nothing is raised for that."""
        try:
            fresh = load(self._path, self._environment)
        except ConfigurationError as error:
            return Outcome(error=error)
        differing = set(_differences(self.current, fresh.settings, ()))
        waiting = {at for at in differing if any(at[: len(fixed)] == fixed for fixed in NEEDS_RESTART)}
        settings = fresh.settings
        for fixed in NEEDS_RESTART:
            settings = _with(settings, fixed, _get(self.current, fixed))
        self._current = replace(fresh, settings=settings)
        return Outcome(changed=_names(differing - waiting), needs_restart=_names(waiting))


def _names(places: set[Location]) -> tuple[str, ...]:
    return tuple(sorted(dotted(at) for at in places))


def _list(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def _differences(old: Any, new: Any, at: Location) -> list[Location]:
    """The smallest places where two settings differ."""
    if old == new:
        return []
    if isinstance(old, Model) and type(old) is type(new):
        return [
            found
            for name in type(old).model_fields
            for found in _differences(getattr(old, name), getattr(new, name), (*at, name))
        ]
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            found
            for name in dict.fromkeys([*old, *new])
            for found in _differences(old.get(name), new.get(name), (*at, name))
        ]
    return [at]


def _get(settings: Any, at: Location) -> Any:
    for key in at:
        settings = getattr(settings, str(key))
    return settings


def _with(settings: Any, at: Location, value: Any) -> Any:
    """A copy of frozen settings with one place replaced."""
    key = str(at[0])
    if len(at) > 1:
        value = _with(getattr(settings, key), at[1:], value)
    return settings.model_copy(update={key: value})
