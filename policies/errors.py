"""What can be wrong with policies and their running.

PolicyError
├── PolicySyntaxError    file:line:column and what was expected
├── PackError            a pack, its metadata or its layout
├── PolicyErrors         several of these, found together
└── EngineError          the engine could not be started or was lost; a single evaluation's failure is an
                         *unknown* verdict, never an exception
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.errors import Problem, UsageError, WatchstanderError


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a source file; lines and columns count from 1, 0 where not known."""

    path: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        text = str(self.path)
        if self.line:
            text += f":{self.line}"
            if self.column:
                text += f":{self.column}"
        return text


class PolicyError(UsageError):
    """A policy cannot be used."""

    def __init__(self, what: str, position: Position, *, hint: str | None = None) -> None:
        self.position = position
        self.what = what
        super().__init__(f"{position}: {what}", hint=hint)


class PolicySyntaxError(PolicyError):
    """A policy is not well formed."""


class PackError(PolicyError):
    """A pack of policies is not well formed."""


class PolicyErrors(UsageError):
    """Several policies cannot be used; all that was found, at once."""

    def __init__(self, errors: tuple[PolicyError, ...]) -> None:
        self.errors = errors
        lines = [f"The policies have {'1 problem' if len(errors) == 1 else f'{len(errors)} problems'}:"]
        for error in errors:
            lines.append(f"  {error.position}: {error.what}")
            lines += [f"    {error.hint}"] if error.hint else []
        super().__init__("\n".join(lines))

    def placed(self, place: Callable[[Problem], Problem]) -> PolicyErrors:
        """The same, each that is about an option of the configuration at the place of that option."""

        def put(error: PolicyError) -> PolicyError:
            problem = place(Problem(str(error.position), error.what, error.hint))
            if problem.where == str(error.position):
                return error
            return PackError(problem.what, Position(Path(problem.where)), hint=problem.hint)

        return PolicyErrors(tuple(put(error) for error in self.errors))


class EngineError(WatchstanderError):
    """The policy engine is not available."""
