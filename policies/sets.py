"""Sentinel policy sets as the daemon uses them: what ``sentinel.hcl`` says, turned into members of a pack.

The set says which policies there are, at which level and with which parameters, and gives them modules, static data and
globals. What stands for the thing that is judged (the Terraform imports, ``asset``, the clock) cannot be mocked or read from a
plan here: such a policy would judge nothing real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from policies.compiling import Membership
from policies.engine import Module
from policies.errors import PackError, PolicyError, PolicySyntaxError, Position
from policies.files import Files
from policies.sentinel.configuration import PLAN_IMPORTS, PolicyEntry, PolicySetConfig, SourceFile
from policies.sentinel.engine import SET_DATA, compiled
from policies.sentinel.policyset import config_reader
from policies.sentinel.sources import read_static
from policies.sentinel.subjects import OWN_IMPORTS

SET_FILES: Final = ("sentinel.hcl", "sentinel.json")
"""A folder with one of these is a policy set."""
JUDGED: Final = PLAN_IMPORTS | OWN_IMPORTS | {"tfplan", "tfconfig", "tfstate", "time"}
"""The imports that tell what is judged, and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One policy of a set: its file first, then the modules it needs."""

    entry: PolicyEntry
    files: tuple[Path, ...]
    membership: Membership


@dataclass(slots=True)
class SentinelSet:
    """One set, read. ``errors`` is everything that is wrong with it; what is well formed is there all the same."""

    root: Path
    config: PolicySetConfig
    errors: list[PolicyError] = field(default_factory=list)
    sources: dict[Path, Module] = field(default_factory=dict)
    data: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Static import -> what its file holds."""

    @property
    def names(self) -> frozenset[str]:
        """What its policies are called."""
        return frozenset(entry.name for entry in self.config.policies)

    @property
    def modules(self) -> tuple[Module, ...]:
        """Every source of the set, once, with what the set gives it."""
        return tuple(self.sources.values())

    @property
    def files(self) -> frozenset[Path]:
        """The files that its blocks name, and that were read."""
        return frozenset(self.sources) | {file.path for file in self.config.static.values()}

    def members(self) -> Iterator[Member]:
        """Its policies, each with what it needs; those whose sources cannot be read are among the errors instead."""
        for entry in self.config.policies:
            files = self._needed(entry.source)
            if files is not None:
                yield Member(entry=entry, files=files, membership=self._membership(entry, files))

    def _needed(self, source: Path) -> tuple[Path, ...] | None:
        """A policy's file and those of the modules it imports, and these in turn. None where one is not well formed."""
        found, pending = [source], [source]
        while pending:
            imports = self._imports(pending.pop())
            if imports is None:
                return None
            for name in imports:
                file = self._module(name)
                if file is not None and file not in found:
                    found.append(file)
                    pending.append(file)
        return tuple(found)

    def _imports(self, path: Path) -> tuple[str, ...] | None:
        module = self.sources.get(path)
        if module is None:
            return None
        try:
            return compiled(module.text, path).imports
        except PolicySyntaxError:
            return None  # the engine's check tells it

    def _module(self, name: str) -> Path | None:
        held = self.config.mocks.get(name) or self.config.modules.get(name)
        return held.path if isinstance(held, SourceFile) else None

    def _membership(self, entry: PolicyEntry, files: tuple[Path, ...]) -> Membership:
        """What the set gives to one policy, and no more: what another one is given does not change its digest."""
        config = self.config
        known = compiled(self.sources[entry.source].text, entry.source).params
        shared = {name: value for name, value in config.params.items() if name in known}
        names = {name for file in files for name in self._imports(file) or ()}
        modules = {n: f for n in names - config.mocks.keys() if (f := self._module(n)) is not None}
        mocked = {n: f for n in names & config.mocks.keys() if (f := self._module(n)) is not None}
        static = {
            name: held
            for name, held in self.data.items()
            if any(used == name or used.startswith(f"{name}/") for used in names)
        }
        given: dict[str, Any] = {
            "modules": {name: files.index(path) for name, path in modules.items()},
            "mock_modules": {name: files.index(path) for name, path in mocked.items()},
            "static": static,
            "mocks": {n: config.mocks[n] for n in sorted(names & config.mocks.keys()) if n not in mocked},
            "globals": dict(config.globals),
        }
        if isinstance(config.timezone, ZoneInfo):
            given["timezone"] = config.timezone.key
        return Membership(level=entry.level, parameters={**shared, **entry.params}, data={SET_DATA: given})


def read_set(root: Path, files: Files) -> SentinelSet:
    """The set in a folder, or of one file. Never raises for what is in it."""
    try:
        reader = config_reader(root, files)
    except PackError as error:
        return SentinelSet(root=root, config=PolicySetConfig(path=root), errors=[error])
    config = reader.understood()
    found = SentinelSet(root=root, config=config, errors=list(reader.errors))
    found.errors += _refused(config)
    given: dict[str, Path | None] = {
        **dict.fromkeys(config.static),
        **{name: file.path for name, file in config.modules.items()},
        **{n: held.path if isinstance(held, SourceFile) else None for n, held in config.mocks.items()},
    }
    held: list[Path] = [entry.source for entry in config.policies]
    for group in (config.modules, config.mocks):
        held += [file.path for file in group.values() if isinstance(file, SourceFile)]
    for path in dict.fromkeys(held):
        try:
            module = files.module(path)
        except PackError as error:
            found.errors.append(error)
        else:
            found.sources[path] = Module(path=path, text=module.text, given=given)
    for name, file in config.static.items():
        try:
            found.data[name] = read_static(name, file, files)
        except PackError as error:
            found.errors.append(error)
    if not config.policies and not found.errors:
        found.errors.append(
            PackError(
                "the policy set names no policy",
                Position(root),
                hint='Add: policy "NAME" { source = "./NAME.sentinel" }.',
            )
        )
    return found


def _refused(config: PolicySetConfig) -> Iterator[PackError]:
    """What a set may say elsewhere, but not where real resources are judged."""
    for name in sorted(config.mocks.keys() & JUDGED):
        yield PackError(
            f'the mock "{name}" stands for what is judged; the policies of this set would judge nothing real',
            config.places.get(("mock", name), Position(config.path)),
            hint="Mocks belong to test cases: test/<policy>/*.hcl.",
        )
    for name, file in config.plans.items():
        yield PackError(
            f'the plan of "{name}" stands for what is judged; the policies of this set would judge nothing real',
            file.where,
            hint="Judge a plan with `watchstander check plan.json`.",
        )
    if config.rules is not None:
        yield PackError(
            "a policy set has no test block",
            config.places.get(("test", ""), Position(config.path)),
            hint="Tests are files of their own: test/<policy>/*.hcl.",
        )


def set_folders(root: Path, files: Files) -> list[Path]:
    """The folders below one (and itself) that are policy sets. What lies in a ``test`` folder is Sentinel's cases."""
    found = {file.parent for file in files.below(root, *SET_FILES) if file.name in SET_FILES}
    return sorted(folder for folder in found if "test" not in folder.relative_to(root).parts)
