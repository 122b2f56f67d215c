"""What the judge asks of a policy engine: check modules once, evaluate many documents. One protocol, one contract suite.

An engine never raises for what a policy or a document does: a failed, stopped or crashed evaluation is an
:class:`Answer` with a :class:`Failure`, and costs that evaluation only. Documents go in and results come out as JSON
text, so that no engine has to be trusted with our objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from policies.errors import PolicyError, Position
from providers.normalise import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file of a policy."""

    path: Path
    text: str
    given: Mapping[str, Path | None] | None = None
    """The imports that a policy set gives it, with the files of those that are modules; None outside any set, where
    modules lie beside the file."""


class RuleKind(StrEnum):
    """How a rule gives its value."""

    COMPLETE = "complete"
    PARTIAL_SET = "partial-set"
    PARTIAL_OBJECT = "partial-object"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule as declared: ``deny`` of ``package ir.preparation``."""

    package: str
    name: str
    kind: RuleKind
    position: Position
    arity: int = 0

    @property
    def reference(self) -> str:
        """Its full path below ``data``."""
        return f"data.{self.package}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A ``# METADATA`` block, the position of each of its keys, and what it stands above."""

    position: Position
    scope: str
    """``package``, ``rule``, ``document`` or ``subpackages``."""
    values: Mapping[str, Any]
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Dotted key -> line and column."""
    target: str = ""
    """The package or the rule below it."""

    def where(self, key: str) -> Position:
        """The position of a dotted key, or of the block."""
        return Position(self.position.path, *self.places.get(key, (self.position.line, self.position.column)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedModule:
    """What is known of one module without running it."""

    module: Module
    package: str
    v0: bool
    rules: tuple[Rule, ...]
    annotations: tuple[Annotation, ...]
    imports: frozenset[str]
    """The ``data`` packages it imports or refers to."""
    reads: frozenset[str] | None
    """Dotted paths below ``input``; None where it may read anything."""
    joins: frozenset[str]
    """Keys read from ``data.inventory``; ``*`` where any may be."""
    reads_clock: bool
    asset_types: frozenset[str]
    """The constants ``input.asset.type`` is compared with."""
    null_blocks: bool
    """Whether it compares an item of a Terraform block with null (``x.logging[_] == null``)."""
    uses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Rule -> names it may refer to."""
    parameters: Mapping[str, bool] | None = None
    """Parameter -> whether it must be given; None where a policy takes any."""
    calls: tuple[tuple[str, Position], ...] = ()
    """Functions it calls, by the names they have below ``data`` or as built-ins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A set of modules, checked together. ``errors`` are all that was found; the modules that are well formed are in
    ``modules`` whatever happened to the others."""

    modules: tuple[CheckedModule, ...]
    errors: tuple[PolicyError, ...] = ()

    def raise_first(self) -> Checked:
        """Self, or raise the first error."""
        if self.errors:
            raise self.errors[0]
        return self


class Neighbourhood:
    """Modules that may need each other, found by their packages."""

    def __init__(self, modules: Iterable[CheckedModule]) -> None:
        self._by_package: dict[str, list[tuple[int, CheckedModule]]] = {}
        for place, module in enumerate(modules):
            self._by_package.setdefault(module.package, []).append((place, module))

    def closure(self, module: CheckedModule, *, own_package: bool = True) -> tuple[CheckedModule, ...]:
        """The module and every other one it needs: those of its package (unless ``own_package`` is false), and through
        references to ``data`` more. The order is that of the modules, so that a program's digest does not wander."""
        needed, frontier = [module], [module]
        taken = {id(module)}
        while frontier:
            at_hand = frontier.pop()
            for _, other in sorted(self._wanted(at_hand), key=itemgetter(0)):
                if id(other) in taken or (not own_package and other.package == module.package):
                    continue
                taken.add(id(other))
                needed.append(other)
                frontier.append(other)
        return tuple(needed)

    def _wanted(self, module: CheckedModule) -> Iterator[tuple[int, CheckedModule]]:
        """The modules of every package that a module is in or refers to, or that what it refers to is in."""
        packages = {
            ".".join(parts[:length])
            for parts in (name.split(".") for name in (*module.imports, module.package))
            for length in range(1, len(parts) + 1)
        }
        for package in packages:
            yield from self._by_package.get(package, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Modules that are evaluated together, with the data they always see."""

    digest: bytes
    modules: tuple[tuple[str, str, bool], ...]
    """(path, text, v0)."""
    data: bytes = b"{}"
    """JSON text of ``data`` (parameters, exceptions)."""

    @classmethod
    def of(cls, modules: Sequence[CheckedModule], data: bytes = b"{}") -> Program:
        """A program; its digest covers every source, their syntax and the data."""
        sources = tuple((str(m.module.path), m.module.text, m.v0) for m in modules)
        parts = [data]
        for path, text, v0 in sources:
            parts += [
                Path(path).name.encode("utf-8", "surrogateescape"),
                text.encode("utf-8", "replace"),
                b"0" if v0 else b"1",
            ]
        return cls(digest=digest_of(parts), modules=sources, data=data)


class Evaluation(NamedTuple):
    """One evaluation: a program over one input. A tuple, like its answer, for millions are made."""

    program: Program
    entrypoints: tuple[str, ...]
    """Rule paths (``data.ir.preparation.deny``), or one query where ``query`` is true."""
    input: bytes
    """JSON text."""
    now: datetime
    data: bytes | None = None
    """JSON text of further ``data`` for this input alone (``{"inventory": …}``)."""
    query: bool = False
    weight: int = 1
    """How many times the limit of time it may take: an evaluation over many resources takes more than one over one."""


class FailureKind(StrEnum):
    """Why an evaluation has no answer."""

    ERROR = "error"
    """The policy or the document is at fault, and will be the next time too."""
    TIME = "time"
    """It was stopped at its time limit."""
    MEMORY = "memory"
    """It was stopped at its memory limit."""
    CRASH = "crash"
    """The engine was lost with it, twice."""

    @property
    def transient(self) -> bool:
        """Whether another run may end otherwise, so that the verdict must not be remembered."""
        return self is not FailureKind.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer, in one line."""

    kind: FailureKind
    cause: str


class Answer(NamedTuple):
    """What an evaluation gave: entrypoint -> JSON value, without those that are undefined. Or the failure."""

    values: Mapping[str, Any] = MappingProxyType({})
    failure: Failure | None = None
    prints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one evaluation may cost."""

    seconds: float = 2.0
    """CPU time of one evaluation: a busy machine stops nobody."""
    memory_mb: int = 512
    """MiB a worker may take beyond what it starts with."""
    workers: int = 1


class Engine(Protocol):
    """Where policies of one language are checked and run. Safe to call from several threads at once."""

    name: str
    version: str
    """Part of every policy digest: another engine, another verdict."""
    suffixes: tuple[str, ...]
    """The files it understands."""

    def check(self, modules: Sequence[Module]) -> Checked:
        """Parse and examine modules. Never raises for what is in them; raises EngineError without an engine."""

    def evaluate(self, batch: Sequence[Evaluation]) -> list[Answer]:
        """An answer for each evaluation, in order. Raises EngineError only where the engine itself cannot be had."""

    def coverage(self, batch: Sequence[Evaluation]) -> list[dict[str, Any]]:
        """Which lines evaluations reach, a file each: ``{"path", "covered", "not_covered"}`` (line
        numbers). Raises EngineError."""

    def close(self) -> None:
        """Let go of processes and connections."""
