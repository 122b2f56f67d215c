"""Running the tests of policies: ``*_test.rego`` with ``test_`` rules, and YAML cases beside the policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.settings import BundleKey, PolicySettings
from policies.cases import CaseResult, read_cases, run_case
from policies.engine import CheckedModule, Engine, Evaluation, Module, Neighbourhood, Program, RuleKind
from policies.errors import PackError, PolicyError, PolicyErrors
from policies.files import LIBRARY, PACK_FILE, is_test, policy_files, read_module, rego_files
from policies.loader import load_paths
from policies.pack import PolicySet
from policies.policy import Policy

TEST_PREFIX = "test_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which lines of a file the tests reached."""

    path: str
    covered: tuple[int, ...]
    not_covered: tuple[int, ...]

    @property
    def share(self) -> float:
        """0 to 1."""
        total = len(self.covered) + len(self.not_covered)
        return len(self.covered) / total if total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How all cases went."""

    cases: tuple[CaseResult, ...]
    coverage: tuple[Coverage, ...] = ()

    def count(self, status: str) -> int:
        """How many cases ended so."""
        return sum(case.status == status for case in self.cases)

    @property
    def good(self) -> bool:
        """Whether there were cases, and all passed."""
        return bool(self.cases) and all(case.status == "pass" for case in self.cases)

    @property
    def sentence(self) -> str:
        """``N passed, M failed``."""
        errors = self.count("error")
        text = f"{self.count('pass')} passed, {self.count('fail')} failed"
        return text + (f", {errors} errors" if errors else "")

    def as_json(self) -> dict[str, Any]:
        """The form of ``policy test --format json``."""
        out: dict[str, Any] = {
            "passed": self.count("pass"),
            "failed": self.count("fail"),
            "errors": self.count("error"),
            "cases": [
                {"path": c.path, "case": c.case, "status": c.status, "detail": c.detail} for c in self.cases
            ],
        }
        if self.coverage:
            out["coverage"] = [
                {
                    "path": c.path,
                    "share": round(c.share, 4),
                    "covered": list(c.covered),
                    "not_covered": list(c.not_covered),
                }
                for c in self.coverage
            ]
        return out


def run_tests(
    paths: Sequence[Path],
    engine: Engine,
    *,
    now: datetime,
    coverage: bool = False,
    keys: Mapping[str, BundleKey] | None = None,
) -> Report:
    """Run the tests of the policies in files and folders, in the languages of the engine: ``*_test.rego``, and YAML cases beside
    any policy. ``keys`` are what bundles are signed with. Whatever is wrong becomes an ``error`` case."""
    results: list[CaseResult] = []
    ran: list[Evaluation] = []
    try:
        policies = (
            load_paths(
                [p for p in paths if p.exists()],
                engine,
                PolicySettings(packs=(), bundle_keys=dict(keys or {})),
            )
            if _policy_files(paths, engine.suffixes)
            else PolicySet([])
        )
    except PolicyErrors as errors:
        return Report(cases=tuple(_error(error) for error in errors.errors))
    for policy in policies.policies:
        file = _cases_of(policy)
        if file is None:
            continue
        cases, errors_found = read_cases(file)
        results += [_error(error) for error in errors_found]
        compiled = policies.compiled(policy.id)
        recorder = _Recorder(engine, ran)
        results += [run_case(case, compiled, recorder) for case in cases]
    for folder, files in _test_files(paths).items():
        results += _rego_tests(folder, files, _Recorder(engine, ran), now)
    results += [_missing(path) for path in paths if not path.exists()]
    return Report(
        cases=tuple(sorted(results, key=lambda r: r.path)),
        coverage=_coverage(engine, ran) if coverage else (),
    )


def _policy_files(paths: Iterable[Path], suffixes: Sequence[str]) -> list[Path]:
    there = (file for path in paths if path.exists() for file in policy_files(path, suffixes))
    return [file for file in there if not is_test(file)]


def _cases_of(policy: Policy) -> Path | None:
    """The YAML file of a policy's cases. Policies of a set that share a source have one each, named after the policy."""
    named = policy.path.with_name(f"{policy.id.rpartition('.')[2]}.yaml")
    found = (file for file in (named, policy.path.with_suffix(".yaml")) if file.is_file())
    return next(found, None)


class _Recorder:
    """An engine that notes what it was asked, so that coverage can be measured afterwards."""

    def __init__(self, engine: Engine, ran: list[Evaluation]) -> None:
        self._engine = engine
        self._ran = ran
        self.name, self.version, self.suffixes = engine.name, engine.version, engine.suffixes
        self.check, self.coverage, self.close = engine.check, engine.coverage, engine.close

    def evaluate(self, batch: Sequence[Evaluation]) -> Any:
        """As the engine's."""
        self._ran += batch
        return self._engine.evaluate(batch)


def _error(error: PolicyError) -> CaseResult:
    detail = str(error)
    return CaseResult(path=str(error.position.path), case="", status="error", detail=detail)


def _missing(path: Path) -> CaseResult:
    return CaseResult(
        path=str(path), case="", status="error", detail=f"{path}: there is no such file or folder"
    )


def _test_files(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Folder -> its test files; for a policy given alone, the test file of its name."""
    found: dict[Path, set[Path]] = defaultdict(set)
    for path in paths:
        if path.is_file() and not is_test(path):
            beside = path.with_name(f"{path.stem}_test.rego")
            if beside.is_file():
                found[path.parent].add(beside)
            continue
        for file in rego_files(path) if path.exists() else ():
            if is_test(file):
                found[file.parent].add(file)
    return {folder: sorted(files) for folder, files in sorted(found.items())}


def _rego_tests(folder: Path, files: Sequence[Path], engine: Engine, now: datetime) -> list[CaseResult]:
    sources = [path for path in sorted(folder.glob("*.rego")) if not is_test(path)]
    pack = next((p for p in (folder, *folder.absolute().parents) if (p / PACK_FILE).is_file()), None)
    if pack is not None and pack / LIBRARY != folder:
        sources += [path for path in sorted((pack / LIBRARY).rglob("*.rego")) if not is_test(path)]
    modules: list[Module] = []
    for path in (*sources, *files):
        try:
            modules.append(read_module(path))
        except PackError as error:
            return [_error(error)]
    checked = engine.check(modules)
    if checked.errors:
        return [_error(error) for error in checked.errors]
    by_path = {module.module.path: module for module in checked.modules}
    others = [by_path[path] for path in sources]
    neighbours = Neighbourhood(others)
    results: list[CaseResult] = []
    for file in files:
        results += _one_file(by_path[file], others, neighbours, engine, now)
    return results


def _one_file(
    module: CheckedModule,
    others: Sequence[CheckedModule],
    neighbours: Neighbourhood,
    engine: Engine,
    now: datetime,
) -> list[CaseResult]:
    mates = [other for other in others if other.package == module.package]
    group = {m.module.path: m for start in (module, *mates) for m in neighbours.closure(start)}
    program = Program.of(tuple(group.values()))
    names = dict.fromkeys(
        rule.name
        for rule in module.rules
        if rule.name.startswith(TEST_PREFIX) and rule.kind is not RuleKind.FUNCTION
    )
    places = {rule.name: rule.position for rule in reversed(module.rules)}
    batch = [
        Evaluation(program=program, entrypoints=(f"data.{module.package}.{name}",), input=b"{}", now=now)
        for name in names
    ]
    results = []
    for name, answer in zip(names, engine.evaluate(batch), strict=True):
        value = next(iter(answer.values.values()), None)
        printed = f" (printed: {'; '.join(answer.prints)})" if answer.prints else ""
        if answer.failure is not None:
            status, detail = "error", answer.failure.cause
        elif value is True:
            status, detail = "pass", ""
        else:
            said = "undefined" if value is None else repr(value)
            status, detail = "fail", f"{places[name]}: {name} is {said}{printed}"
        results.append(CaseResult(path=str(module.module.path), case=name, status=status, detail=detail))
    return results


def _coverage(engine: Engine, ran: Sequence[Evaluation]) -> tuple[Coverage, ...]:
    """Lines reached by any test, file by file."""
    return tuple(
        Coverage(path=file["path"], covered=tuple(file["covered"]), not_covered=tuple(file["not_covered"]))
        for file in (engine.coverage(ran) if ran else ())
        if not is_test(Path(file["path"]))
    )
