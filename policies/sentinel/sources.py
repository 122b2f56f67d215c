"""Policies, modules and data from files, each read and compiled once."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from policies.errors import PackError
from policies.files import Files
from policies.sentinel.configuration import PolicySetConfig, SourceFile
from policies.sentinel.hcl import read_json
from policies.sentinel.imports import STANDARD
from policies.sentinel.options import Options, Source
from policies.sentinel.policy import CompiledPolicy, compile_policy
from policies.sentinel.terraform_file import read_terraform


class Sources:
    """A cache of compiled sources for one load or one run of tests. Raises PolicyError for what cannot be used."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._compiled: dict[Path, CompiledPolicy] = {}

    def policy(self, path: Path) -> CompiledPolicy:
        """The policy or module of a file."""
        if path not in self._compiled:
            self._compiled[path] = compile_policy(self.files.text(path), path)
        return self._compiled[path]

    def beside(self, policy: Source, given: Container[str]) -> dict[str, CompiledPolicy]:
        """The modules a policy imports that lie beside it as ``NAME.sentinel``, and those these import in turn; not what is
        given otherwise."""
        found: dict[str, CompiledPolicy] = {}
        pending: list[Source] = [policy]
        while pending:
            importer = pending.pop()
            for name in importer.imports:
                path = importer.path.parent / f"{name}.sentinel"
                if name in STANDARD or name in given or name in found or not self.files.is_file(path):
                    continue
                found[name] = self.policy(path)
                pending.append(found[name])
        return found

    def _held(self, held: SourceFile | Mapping[str, Any]) -> CompiledPolicy | Mapping[str, Any]:
        return self.policy(held.path) if isinstance(held, SourceFile) else held

    def options(self, config: PolicySetConfig, **changes: Any) -> Options:
        """What a configuration gives to an evaluation, its files read."""
        static = {name: read_static(name, file, self.files) for name, file in config.static.items()}
        return Options(
            modules={name: self.policy(file.path) for name, file in config.modules.items()},
            static=static,
            mocks={name: self._held(held) for name, held in config.mocks.items()},
            globals=config.globals,
            timezone=config.timezone,
            **changes,
        )

    def data(self, config: PolicySetConfig) -> Mapping[str, Any]:
        """The data of Terraform imports whose plan the configuration names."""
        return {name: read_terraform(file.path, self.files)[name] for name, file in config.plans.items()}


def read_static(name: str, file: SourceFile, files: Files) -> Mapping[str, Any]:
    """The data of a static import. Raises PackError."""
    data = read_json(file.path, files)
    if not isinstance(data, Mapping):
        raise PackError(f'the static import "{name}" must hold an object', file.where)
    return data
