"""What an evaluation is made of and may be given: sources, and the options of the host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from policies.sentinel import nodes
from policies.sentinel.compiler import Code
from policies.sentinel.guard import Need, needs, walk
from policies.sentinel.imports.http import HttpAccess


@dataclass(frozen=True, kw_only=True)
class Source:
    """A policy or module, read and compiled."""

    source: str
    path: Path
    code: Code

    @property
    def imports(self) -> tuple[str, ...]:
        """Names of what it imports, in order."""
        return tuple(i.name for i in self.code.program.imports)

    @property
    def params(self) -> Mapping[str, bool]:
        """Parameter -> whether it must be given."""
        return {p.name: p.default is None for p in self.code.program.parameters}

    @cached_property
    def reads_clock(self) -> bool:
        """Whether it reads ``time.now``, by itself; modules it imports answer for themselves."""
        aliases = {i.alias for i in self.code.program.imports if i.name == "time"}
        return any(
            isinstance(node, nodes.Select)
            and node.name == "now"
            and isinstance(node.object, nodes.Name)
            and node.object.name in aliases
            for node in walk(self.code.program.body)
        )

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """What it needs of a request's variables."""
        return needs(self.code.program, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the host gives to an evaluation besides data and parameters. The defaults are closed and strict."""

    modules: Mapping[str, Source] = field(default_factory=dict)
    """Import name -> module."""
    static: Mapping[str, Any] = field(default_factory=dict)
    """Import name -> data of a static import."""
    mocks: Mapping[str, Any] = field(default_factory=dict)
    """Import name -> data or module that stands in for it, standard imports too."""
    globals: Mapping[str, Any] = field(default_factory=dict)
    http: HttpAccess | None = None
    """What ``import "http"`` may reach; the import is refused where None."""
    timezone: tzinfo = UTC
    """In which ``time.now`` reads the clock."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, for the budget only."""
    null_as_undefined: bool = True
    """Whether null below ``variables`` of a request (tfplan, tfrun) counts as not given."""
    guard: bool = True
    """Whether a request that lacks what the policy compares can never pass (see ``guard``). Off for Terraform plans."""
    wanted: tuple[str, ...] = ()
    """Rules and variables whose value to report even if main does not read them."""


DEFAULT_OPTIONS: Final = Options()
