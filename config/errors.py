"""The root of every error Watchstander raises on purpose.

    WatchstanderError                 message (what and where) + hint (what to do next)
    ├── config.errors.ConfigurationError   every problem of the configuration at once, each with file:line
    ├── config.errors.SecretUnavailable    a secret that is referred to cannot be read
    ├── providers.errors.ProviderError     a cloud answered otherwise than hoped; the SDK's error is the cause
    ├── policies.errors.PolicyError        a policy, pack, mock or test is wrong, with file:line:column
    ├── storage.errors.StorageError        something could not be remembered or recalled
    └── daemon.errors.DaemonError          the daemon could not do as told

The command line prints ``message`` and ``hint`` and exits with ``exit_status``; nobody but a developer sees a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class WatchstanderError(Exception):
    """Something went wrong that we can name."""

    exit_status: ClassVar[int] = 4

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "Something went wrong.").strip().splitlines()[0]
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class UsageError(WatchstanderError):
    """What was asked for makes no sense as asked."""

    exit_status: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration: where, what, and what would be right."""

    where: str
    """``file:line`` or ``environment WATCHSTANDER_…``."""
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class ConfigurationError(UsageError):
    """The configuration is not usable."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"The configuration has {count}:", *(f"  {p}" for p in problems)]))


class SecretUnavailable(UsageError):
    """A secret that the configuration refers to cannot be read. The message names the reference, never a value."""
