"""What the files and folders given to ``policy check`` and ``policy test`` are: what the daemon would load as it stands, loose
Rego, loose Sentinel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policies.files import PACK_FILE

if TYPE_CHECKING:
    from config.settings import BundleKey
    from policies.engine import Engine
    from policies.errors import PolicyError
    from policies.testing import Report


@dataclass(slots=True)
class Given:
    """Paths by how they are looked at. A path that is missing is among ``rego``, which names it."""

    whole: list[Path] = field(default_factory=list)
    """Packs and policy sets: loaded in every language, as the daemon does."""
    rego: list[Path] = field(default_factory=list)
    sentinel: list[Path] = field(default_factory=list)
    """Sentinel policies outside any pack; their own tests may give them what they import."""


def given(paths: Iterable[Path]) -> Given:
    """Sort paths."""
    from policies.sets import SET_FILES, set_folders

    found = Given()
    for path in paths:
        if path.name in SET_FILES and path.is_file():
            found.whole.append(path.parent)
        elif path.is_dir() and (any(path.rglob(PACK_FILE)) or set_folders(path)):
            found.whole.append(path)
        elif path.suffix == ".sentinel":
            found.sentinel.append(path)
        else:
            there = sorted(
                f for f in path.rglob("*.sentinel") if "test" not in f.relative_to(path).parts[:-1]
            )
            found.sentinel += there
            if not there or any(path.rglob("*.rego")):
                found.rego.append(path)
    return found


def check_sentinel(path: Path) -> PolicyError | None:
    """What is wrong with one Sentinel policy or module."""
    from policies.errors import PolicyError
    from policies.files import read_module
    from policies.sentinel import compile_policy

    try:
        compile_policy(read_module(path).text, path)
    except PolicyError as error:
        return error
    return None


def test_all(
    paths: list[Path],
    every: Engine,
    rego: Engine,
    *,
    now: datetime,
    coverage: bool,
    keys: Mapping[str, BundleKey],
) -> Report:
    """Every test there is: of packs and sets, of loose Rego, and Sentinel's own. ``every`` is an engine of all languages, and
    ``keys`` are what bundles are signed with."""
    from policies.testing import Report, run_tests

    sorted_ = given(paths)
    parts: list[Report] = []
    if sorted_.whole:
        parts.append(run_tests(sorted_.whole, every, now=now, coverage=coverage, keys=keys))
    if sorted_.rego or not (sorted_.whole or sorted_.sentinel):
        parts.append(run_tests(sorted_.rego, rego, now=now, coverage=coverage, keys=keys))
    if cased := [path for path in sorted_.sentinel if path.with_suffix(".yaml").is_file()]:
        parts.append(run_tests(cased, every, now=now))
    own = _with_tests_of_their_own([path for path in paths if path.exists()])
    if own:
        parts.append(_own_tests(own, now))
    return Report(
        cases=tuple(case for part in parts for case in part.cases),
        coverage=tuple(entry for part in parts for entry in part.coverage),
    )


def _with_tests_of_their_own(paths: Iterable[Path]) -> list[Path]:
    """Where Sentinel's own tests may lie; those of a set's policies that lie elsewhere too."""
    from policies.sets import SET_FILES, read_set, set_folders

    found: list[Path] = []
    for path in paths:
        folder = path.parent if path.name in SET_FILES else path
        if folder.is_file():
            if folder.suffix == ".sentinel" or folder.parent.parent.name == "test":
                found.append(folder)
            continue
        found.append(folder)
        for one in set_folders(folder):
            sources = (entry.source.resolve() for entry in read_set(one).config.policies)
            found += [source for source in sources if not source.is_relative_to(folder.resolve())]
    return list(dict.fromkeys(found))


def _own_tests(paths: list[Path], now: datetime) -> Report:
    from policies.cases import CaseResult
    from policies.sentinel.testing import run_tests
    from policies.testing import Report

    results = (result.to_json() for result in run_tests(paths, now=now))
    return Report(cases=tuple(CaseResult(**result) for result in results))
