"""``sentinel.hcl`` and the files of test cases, understood: policies, imports, mocks, globals, parameters, expectations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policies.errors import PackError, Position
from policies.files import Files
from policies.policy import EnforcementLevel
from policies.sentinel import semantics
from policies.sentinel.hcl import LABELS, Attribute, Block, json_places

_REMOTE: Final = re.compile(
    r"[a-z0-9]+::|[a-z][a-z0-9+]*://|(?:github|gitlab|bitbucket)\.(?:com|org)/|git@", re.IGNORECASE
)
PLAN_IMPORTS: Final = frozenset({"tfplan/v2", "tfconfig/v2", "tfstate/v2", "tfrun"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """A ``policy`` block."""

    name: str
    source: Path
    level: EnforcementLevel
    params: Mapping[str, Any] = field(default_factory=dict)
    where: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file named by a block: a module's source, static data, a plan."""

    path: Path
    where: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySetConfig:
    """All that a configuration says. Paths are resolved against the file that names them."""

    path: Path
    policies: tuple[PolicyEntry, ...] = ()
    modules: Mapping[str, SourceFile] = field(default_factory=dict)
    static: Mapping[str, SourceFile] = field(default_factory=dict)
    plans: Mapping[str, SourceFile] = field(default_factory=dict)
    """Terraform imports -> the plan or state file they are made from."""
    mocks: Mapping[str, SourceFile | Mapping[str, Any]] = field(default_factory=dict)
    globals: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)
    timezone: tzinfo = UTC
    rules: Mapping[str, Any] | None = None
    """What a test expects; None where the file has no ``test`` block."""
    places: Mapping[tuple[str, str], Position] = field(default_factory=dict)
    """(Kind of block, its names joined with ``/``) -> where it stands."""


LEGACY: Final = frozenset({"mock", "modules", "global", "param", "test"})
"""What a test case of the form before 0.15 may hold."""


class ConfigReader:
    """Understands the blocks of one or several files. Raises PackError with file and line."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._there = files
        self._policies: dict[str, PolicyEntry] = {}
        self._seen: dict[tuple[str, str], Position] = {}
        self._modules: dict[str, SourceFile] = {}
        self._static: dict[str, SourceFile] = {}
        self._plans: dict[str, SourceFile] = {}
        self._mocks: dict[str, SourceFile | Mapping[str, Any]] = {}
        self._globals: dict[str, Any] = {}
        self._params: dict[str, Any] = {}
        self._features: dict[str, Any] = {}
        self._timezone: tzinfo = UTC
        self._rules: Mapping[str, Any] | None = None
        self.errors: list[PackError] = []
        """All that is wrong, in the order it was found."""

    def add(self, file: Block, *, override: bool = False) -> None:
        """Take in one file. What an overriding file says replaces what was said before."""
        for attribute in file.attributes.values():
            self._try(partial(_refuse, attribute))
        for block in file.blocks:
            self._try(partial(self._block, block, override=override))

    def _try(self, take: Callable[[], None]) -> None:
        try:
            take()
        except PackError as error:
            self.errors.append(error)

    def _block(self, block: Block, *, override: bool) -> None:
        if block.type not in LABELS:
            raise PackError(
                f'unknown block "{block.type}"; known here: {", ".join(sorted(LABELS))}', block.where
            )
        if len(block.labels) != LABELS[block.type]:
            raise PackError(f'"{block.type}" has {LABELS[block.type]} names in quotes', block.where)
        key = (block.type, "/".join(block.labels))
        if key in self._seen and not override and block.type != "sentinel":
            name = f' "{block.labels[-1]}"' if block.labels else ""
            raise PackError(f"{block.type}{name} was declared before, at {self._seen[key]}", block.where)
        self._seen[key] = block.where
        getattr(self, f"_{block.type}")(block)

    def config(self) -> PolicySetConfig:
        """All that was taken in. Raises the first of ``errors``."""
        if self.errors:
            raise self.errors[0]
        return self.understood()

    def understood(self) -> PolicySetConfig:
        """What could be taken in, whatever else is wrong."""
        return PolicySetConfig(
            path=self._path,
            policies=tuple(self._policies.values()),
            modules=self._modules,
            static=self._static,
            plans=self._plans,
            mocks=self._mocks,
            globals=self._globals,
            params=self._params,
            features=self._features,
            timezone=self._timezone,
            rules=self._rules,
            places=dict(self._seen),
        )

    def source(self, written: str, where: Position) -> Path:
        """The file a ``source`` names, beside the file that names it."""
        if _REMOTE.match(written):
            raise PackError(
                f'the source "{written}" is remote; fetch it first and name the local file', where
            )
        path = where.path.parent / written
        if not self._there.is_file(path):
            raise PackError(f'the source "{written}" does not exist', where)
        return path

    def _file(self, block: Block, name: str = "source") -> SourceFile:
        written = block.text(name)
        where = block.attributes[name].where
        return SourceFile(path=self.source(written, where), where=where)

    def _sentinel(self, block: Block) -> None:
        block.refuse_others(frozenset({"features"}))
        self._features.update(block.map("features"))

    def _policy(self, block: Block) -> None:
        block.refuse_others(frozenset({"source", "enforcement_level", "params"}))
        name = block.labels[0]
        before = self._policies.get(name)
        level = EnforcementLevel(semantics.DEFAULT_ENFORCEMENT_LEVEL) if before is None else before.level
        if "enforcement_level" in block.attributes:
            written = block.text("enforcement_level")
            if written not in set(EnforcementLevel):
                known = ", ".join(EnforcementLevel)
                where = block.attributes["enforcement_level"].where
                raise PackError(f'"{written}" is no enforcement level; there are {known}', where)
            level = EnforcementLevel(written)
        source = (
            before.source
            if before is not None and "source" not in block.attributes
            else self._file(block).path
        )
        params = {**(before.params if before is not None else {}), **block.map("params")}
        self._policies[name] = PolicyEntry(
            name=name, source=source, level=level, params=params, where=block.where
        )

    def _import(self, block: Block) -> None:
        kind, name = block.labels
        if kind == "module":
            block.refuse_others(frozenset({"source"}))
            self._modules[name] = self._file(block)
        elif kind == "static":
            block.refuse_others(frozenset({"source", "format"}))
            if "format" in block.attributes and block.text("format") != "json":
                raise PackError('the format of a static import is "json"', block.attributes["format"].where)
            self._static[name] = self._file(block)
        elif kind == "plugin":
            self._plugin(name, block)
        else:
            raise PackError(f'an import is "module", "static" or "plugin", not "{kind}"', block.where)

    def _plugin(self, name: str, block: Block) -> None:
        config = block.map("config")
        if "source" in block.attributes:
            raise PackError(
                f'the plugin "{name}" is a program to run, which is refused; give its data as a static import',
                block.where,
            )
        block.refuse_others(frozenset({"config", "args", "env"}))
        if name == "time" and set(config) <= {"timezone"}:
            self._timezone = _timezone(config.get("timezone", "UTC"), block.where)
        elif name in PLAN_IMPORTS and isinstance(config.get("plan_path"), str):
            where = block.attributes["config"].where
            self._plans[name] = SourceFile(path=self.source(config["plan_path"], where), where=where)
        else:
            raise PackError(
                f'the plugin "{name}" cannot be configured; "time" takes a timezone, Terraform imports a plan_path',
                block.where,
            )

    def _module(self, block: Block) -> None:
        """The form before 0.19: ``module "m" { source = … }``."""
        block.refuse_others(frozenset({"source"}))
        self._modules[block.labels[0]] = self._file(block)

    def _mock(self, block: Block) -> None:
        block.refuse_others(frozenset({"data"}), frozenset({"module"}))
        name = block.labels[0]
        if len(block.blocks) + len(block.attributes) != 1:
            raise PackError(f'the mock "{name}" needs either a "module" or "data"', block.where)
        if block.blocks:
            block.blocks[0].refuse_others(frozenset({"source"}))
            self._mocks[name] = self._file(block.blocks[0])
        else:
            self._mocks[name] = block.map("data")

    def _valued(self, block: Block) -> Any:
        block.refuse_others(frozenset({"value"}))
        if "value" not in block.attributes:
            raise PackError(f'{block.type} "{block.labels[0]}" needs a "value"', block.where)
        return block.attributes["value"].value

    def _global(self, block: Block) -> None:
        self._globals[block.labels[0]] = self._valued(block)

    def _param(self, block: Block) -> None:
        self._params[block.labels[0]] = self._valued(block)

    def _test(self, block: Block) -> None:
        block.refuse_others(frozenset({"rules"}))
        self._rules = block.map("rules")

    def legacy(self, data: Mapping[str, Any], path: Path) -> None:
        """Take in a test case of the form before 0.15. Raises PackError."""
        places = dict(json_places(self._there.text(path), path))

        def at(*keys: str) -> Position:
            return places.get(keys, Position(path, 1, 1))

        unknown = sorted(data.keys() - LEGACY)
        if unknown:
            what = f'unknown key "{unknown[0]}"; known here: {", ".join(sorted(LEGACY))}'
            raise PackError(what, at(unknown[0]))
        for name, held in _section(data, "mock", at("mock")).items():
            where = at("mock", name)
            if isinstance(held, str):
                self._mocks[name] = SourceFile(path=self.source(held, where), where=where)
            elif isinstance(held, Mapping):
                self._mocks[name] = held
            else:
                raise PackError(f'the mock "{name}" must be a file or data', where)
        for name, held in _section(data, "modules", at("modules")).items():
            where = at("modules", name)
            if not isinstance(held, Mapping) or not isinstance(held.get("path"), str):
                raise PackError(f'the module "{name}" needs a "path"', where)
            self._modules[name] = SourceFile(path=self.source(held["path"], where), where=where)
        self._globals.update(_section(data, "global", at("global")))
        self._params.update(_section(data, "param", at("param")))
        if "test" in data:
            self._rules = _section(data, "test", at("test"))


def _refuse(attribute: Attribute) -> None:
    """Refuse an attribute outside any block. Raises PackError."""
    raise PackError(f'unknown attribute "{attribute.name}"; only blocks stand here', attribute.where)


def _section(data: Mapping[str, Any], name: str, where: Position) -> Mapping[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, Mapping):
        raise PackError(f'"{name}" must be an object', where)
    return found


def _timezone(name: Any, where: Position) -> tzinfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PackError(f'"{name}" is no time zone', where) from None
