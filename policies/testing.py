"""Running the tests of policies: ``*_test.rego`` with ``test_`` rules, YAML cases beside the policies, and Sentinel's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.settings import BundleKey, PolicySettings
from config.wording import counted
from policies.cases import CaseResult, read_cases, run_case
from policies.engine import CheckedModule, Engine, Evaluation, Module, Neighbourhood, Program, RuleKind
from policies.errors import PackError, PolicyError, PolicyErrors, Position
from policies.files import DISK, LIBRARY, PACK_FILE, Files, is_test
from policies.loader import Loader
from policies.pack import CompiledPolicy
from policies.policy import Policy
from policies.sentinel.testing import run_tests as run_sentinel_tests
from policies.text import Unencodable, encode_json

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
        return text + (f", {counted(errors, 'error')}" if errors else "")

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
    """Run the tests of the policies in files, folders and bundles, in the languages of the engine: ``*_test.rego``, YAML cases
    beside any policy, Sentinel's own in folders and bundles. ``keys`` are what bundles are signed with. Whatever is wrong becomes
    an ``error`` case."""
    results: list[CaseResult] = [_missing(path) for path in paths if not path.exists()]
    ran: list[Evaluation] = []
    recorder = _Recorder(engine, ran)
    loader = Loader(engine, keys or {})
    there = [path for path in paths if path.exists()]
    for path in there:
        loader.add(path)
    try:
        policies = loader.finish(PolicySettings(packs=()))
    except PolicyErrors as errors:
        results += [_error(error) for error in errors.errors]
    else:
        for policy in policies.policies:
            results += _yaml_cases(policies.compiled(policy.id), loader.files_of(policy.path), recorder)
        for folder, files in _test_files(there, loader).items():
            results += _rego_tests(folder, files, loader, recorder, now)
    if ".sentinel" in engine.suffixes:
        for path in there:
            results += _sentinel_tests(path, loader, now)
    return Report(
        cases=tuple(sorted(results, key=lambda r: r.path)),
        coverage=_coverage(engine, ran) if coverage else (),
    )


def _yaml_cases(compiled: CompiledPolicy, files: Files, engine: Engine) -> list[CaseResult]:
    file = _cases_of(compiled.policy, files)
    if file is None:
        return []
    cases, errors = read_cases(file, files)
    return [*map(_error, errors), *(run_case(case, compiled, engine) for case in cases)]


def _cases_of(policy: Policy, files: Files) -> Path | None:
    """The YAML file of a policy's cases. Policies of a set that share a source have one each, named after the policy."""
    named = policy.path.with_name(f"{policy.id.rpartition('.')[2]}.yaml")
    found = (file for file in (named, policy.path.with_suffix(".yaml")) if files.is_file(file))
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


def _test_files(paths: Iterable[Path], loader: Loader) -> dict[Path, list[Path]]:
    """Folder -> its test files; for a policy given alone, the test file of its name."""
    found: dict[Path, set[Path]] = defaultdict(set)
    for path in paths:
        files = loader.files_of(path)
        if files.is_dir(path):
            tests = [file for file in files.below(path, ".rego") if is_test(file)]
        else:
            tests = [path if is_test(path) else path.with_name(f"{path.stem}_test.rego")]
        for file in tests:
            if files.is_file(file):
                found[file.parent].add(file)
    return {folder: sorted(files) for folder, files in sorted(found.items())}


def _sources(folder: Path, loader: Loader) -> list[Path]:
    """The policies and libraries that tests in a folder may look at: a bundle's are one whole."""
    bundle = loader.bundle_of(folder)
    if bundle is not None:
        return [path for path in bundle.files.below(bundle.root, ".rego") if not is_test(path)]
    sources = [path for path in DISK.within(folder) if path.suffix == ".rego"]
    pack = next((p for p in (folder, *folder.absolute().parents) if (p / PACK_FILE).is_file()), None)
    if pack is not None and pack / LIBRARY != folder:
        sources += DISK.below(pack / LIBRARY, ".rego")
    return [path for path in sources if not is_test(path)]


def _rego_tests(
    folder: Path, tests: Sequence[Path], loader: Loader, engine: Engine, now: datetime
) -> list[CaseResult]:
    sources = _sources(folder, loader)
    files = loader.files_of(folder)
    modules: list[Module] = []
    for path in (*sources, *tests):
        try:
            modules.append(files.module(path))
        except PackError as error:
            return [_error(error)]
    bundle = loader.bundle_of(folder)
    try:
        data = encode_json({} if bundle is None else {**bundle.data, "parameters": bundle.parameters})
    except Unencodable as error:
        return [_error(PackError(f"the data of the bundle cannot be used: {error}", Position(folder)))]
    checked = engine.check(modules)
    if checked.errors:
        return [_error(error) for error in checked.errors]
    by_path = {module.module.path: module for module in checked.modules}
    others = [by_path[path] for path in sources]
    neighbours = Neighbourhood(others)
    results: list[CaseResult] = []
    for file in tests:
        results += _one_file(by_path[file], others, neighbours, data, engine, now)
    return results


def _one_file(
    module: CheckedModule,
    others: Sequence[CheckedModule],
    neighbours: Neighbourhood,
    data: bytes,
    engine: Engine,
    now: datetime,
) -> list[CaseResult]:
    mates = [other for other in others if other.package == module.package]
    group = {m.module.path: m for start in (module, *mates) for m in neighbours.closure(start)}
    program = Program.of(tuple(group.values()), data)
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


def _sentinel_tests(path: Path, loader: Loader, now: datetime) -> list[CaseResult]:
    """Sentinel's own tests of a folder or bundle; those of a set's policies that lie elsewhere too."""
    files = loader.files_of(path)
    if not files.is_dir(path):
        return []
    elsewhere = (s for s in loader.set_sources if not s.resolve().is_relative_to(path.resolve()))
    found = run_sentinel_tests([path, *elsewhere], now=now, files=files)
    return [CaseResult(**result.to_json()) for result in found]


def _coverage(engine: Engine, ran: Sequence[Evaluation]) -> tuple[Coverage, ...]:
    """Lines reached by any test, file by file."""
    return tuple(
        Coverage(path=file["path"], covered=tuple(file["covered"]), not_covered=tuple(file["not_covered"]))
        for file in (engine.coverage(ran) if ran else ())
        if not is_test(Path(file["path"]))
    )
