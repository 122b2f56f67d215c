"""What the files and folders given to ``policy check`` and ``policy test`` are: what the daemon would load as it stands, loose
Rego, loose Sentinel, Sentinel's cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policies.files import DISK, PACK_FILE

if TYPE_CHECKING:
    from config.settings import BundleKey
    from policies.engine import Engine
    from policies.errors import PolicyError
    from policies.sentinel import HttpAccess
    from policies.testing import Report


YAML: Final = frozenset({".yaml", ".yml"})


@dataclass(slots=True)
class Given:
    """Paths by how they are looked at. A path that is missing is among ``rego``, which names it."""

    whole: list[Path] = field(default_factory=list)
    """Packs, policy sets and bundles: loaded in every language, as the daemon does."""
    rego: list[Path] = field(default_factory=list)
    sentinel: list[Path] = field(default_factory=list)
    """Sentinel policies outside any pack; their own tests may give them what they import."""
    cases: list[Path] = field(default_factory=list)
    """Such tests: ``test/NAME`` or one of the files in it."""
    yaml: list[Path] = field(default_factory=list)
    """YAML cases, ``NAME.yaml`` beside the policy NAME."""


def given(paths: Iterable[Path]) -> Given:
    """Sort paths."""
    from policies.bundle import is_archive
    from policies.sentinel.testing import CASES
    from policies.sets import SET_FILES, set_folders
    from policies.signatures import MANIFEST

    found = Given()
    for path in paths:
        if path.name in SET_FILES and path.is_file():
            found.whole.append(path.parent)
        elif (path.is_file() and is_archive(path)) or (
            path.is_dir()
            and ((path / MANIFEST).is_file() or any(path.rglob(PACK_FILE)) or set_folders(path, DISK))
        ):
            found.whole.append(path)
        elif (path.parent.name == "test" and (path.parent.parent / f"{path.name}.sentinel").is_file()) or (
            path.parent.parent.name == "test" and path.suffix in CASES
        ):
            found.cases.append(path)
        elif path.suffix in YAML and path.is_file():
            found.yaml.append(path)
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


def check_sentinel(paths: Iterable[Path], http: HttpAccess | None) -> Iterator[PolicyError]:
    """What is wrong with Sentinel policies and modules, and with the modules beside them that they import. Those that have tests
    of their own may be given by these what else they import. ``http`` is what the import of that name may reach."""
    from policies.errors import PolicyError, PolicySyntaxError, Position
    from policies.sentinel.circles import circles
    from policies.sentinel.engine import missing_imports, package_of
    from policies.sentinel.patterns import bad_patterns
    from policies.sentinel.sources import Sources

    sources = Sources(DISK)
    good, told, seen = [], set(), set()
    for path in paths:
        try:
            policy = sources.policy(path)
            beside = sources.beside(policy, ())
        except PolicyError as error:
            if error.position not in told:
                yield error
            told.add(error.position)
        else:
            good.append(policy)
            for source in (policy, *beside.values()):
                if source.path not in seen:
                    seen.add(source.path)
                    yield from bad_patterns(source.code.program, source.path)
            if not policy.code.program.body and not policy.code.program.imports:
                what = "it is empty: a policy gives a `main`, and a module something to use"
                yield PolicySyntaxError(what, Position(path, 1, 1))
            if not (path.parent / "test" / path.stem).is_dir():
                libraries = {package_of(Path(name)) for name in beside}
                yield from missing_imports(policy, libraries, None, http)
    yield from circles(good, lambda importer, name: sources.beside(importer, ()).get(name))


def check_cases(paths: Iterable[Path]) -> Iterator[tuple[Path, tuple[PolicyError, ...]]]:
    """Each case file, with what is wrong with it: Sentinel's own, those in folders ``test/NAME``, and YAML cases."""
    from policies.cases import read_cases
    from policies.errors import PolicyError
    from policies.sentinel.testing import CASES, read_case

    for path in paths:
        for case in DISK.within(path) if path.is_dir() else [path]:
            if case.suffix in YAML:
                yield case, read_cases(case, DISK)[1]
            elif case.suffix in CASES:
                try:
                    read_case(case, DISK)
                except PolicyError as error:
                    yield case, (error,)
                else:
                    yield case, ()


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
    for path in sorted_.yaml:
        policies = [beside for suffix in every.suffixes if (beside := path.with_suffix(suffix)).is_file()]
        # Where there is none, running what is not there says so.
        parts.append(run_tests(policies or [path.with_suffix(every.suffixes[0])], every, now=now))
    if sorted_.rego:
        parts.append(run_tests(sorted_.rego, rego, now=now, coverage=coverage, keys=keys))
    if cased := [path for path in sorted_.sentinel if path.with_suffix(".yaml").is_file()]:
        parts.append(run_tests(cased, every, now=now))
    if sorted_.sentinel or sorted_.cases:
        parts.append(_own_tests([*sorted_.sentinel, *sorted_.cases], now))
    return Report(
        cases=tuple(case for part in parts for case in part.cases),
        coverage=tuple(entry for part in parts for entry in part.coverage),
    )


def _own_tests(paths: list[Path], now: datetime) -> Report:
    from policies.cases import CaseResult
    from policies.sentinel.testing import run_tests
    from policies.testing import Report

    results = (result.to_json() for result in run_tests(paths, now=now))
    return Report(cases=tuple(CaseResult(**result) for result in results))
