"""What every verb is given: where to read the configuration, how to write results, what time it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.cli.output import Format, Output
from policies.errors import PolicyErrors

if TYPE_CHECKING:
    from config.errors import ConfigurationError
    from config.load import Loaded
    from config.secrets import Secrets
    from config.settings import Settings
    from storage.database import Database

SEARCH = (Path("watchstander.yaml"), Path("/etc/watchstander/watchstander.yaml"))
"""Where the configuration is looked for, in this order, when neither ``--config`` nor WATCHSTANDER_CONFIG names it."""


def utc_now() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC)


@dataclass
class State:
    """One run of the command line. Nothing is read or opened before it is asked for."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Callable[[], datetime] = utc_now
    config: Path | None = None
    out: Output = field(default_factory=Output)
    closing: ExitStack = field(default_factory=ExitStack)
    """What is closed when the verb is done, however it ends."""

    def choose(
        self,
        *,
        config: Path | None = None,
        format: Format | None = None,
        quiet: bool | None = None,
        no_color: bool | None = None,
    ) -> None:
        """Take over the common options that were given; later ones win."""
        self.config = config or self.config
        self.out.format = format or self.out.format
        self.out.quiet = self.out.quiet or bool(quiet)
        self.out.no_color = self.out.no_color or bool(no_color)

    @property
    def config_path(self) -> Path | None:
        """The configuration file in use, or None where there is none (defaults and environment only)."""
        if self.config is not None:
            return self.config
        if named := self.environment.get("WATCHSTANDER_CONFIG"):
            return Path(named)
        return next((path for path in SEARCH if path.is_file()), None)

    @cached_property
    def loaded(self) -> Loaded:
        """The settings with where each came from. Raises ConfigurationError."""
        from config.load import load

        return load(self.config_path, self.environment)

    def placed(self, error: ConfigurationError | PolicyErrors) -> ConfigurationError | PolicyErrors:
        """The error with file and line for each option it names, where the configuration has been loaded."""
        loaded: Loaded | None = self.__dict__.get("loaded")
        if loaded is None:
            return error
        if isinstance(error, PolicyErrors):
            return error.placed(loaded.at_its_line)
        return loaded.place(error)

    @property
    def settings(self) -> Settings:
        """The settings. Raises ConfigurationError."""
        return self.loaded.settings

    @cached_property
    def secrets(self) -> Secrets:
        """Reads the secrets the settings refer to."""
        from daemon.secrets import make_secrets

        return make_secrets(self.settings, self.environment)

    @cached_property
    def database(self) -> Database:
        """The database that is there, opened at first use and closed when the verb is done. The schema is the verb's to require.

        Raises StorageError (NoDatabase where there is none: asking makes none), SecretUnavailable, ConfigurationError.
        """
        return self._open(existing=True)

    @cached_property
    def made_database(self) -> Database:
        """As :attr:`database`, but a missing SQLite file is made: for the verbs that fill one."""
        return self._open(existing=False)

    def _open(self, *, existing: bool) -> Database:
        from daemon.databases import open_database

        database = open_database(self.settings.storage, self.secrets, existing=existing)
        self.closing.callback(database.close)
        return database

    def now(self) -> datetime:
        """The time, in UTC."""
        return self.clock()

    def time(self, text: str | None, *, future: bool = False) -> datetime | None:
        """A time argument (``2h``, ``yesterday``, RFC 3339); None stays None. Raises UsageError."""
        from daemon.cli.times import parse_time

        return None if text is None else parse_time(text, self.now(), future=future)
