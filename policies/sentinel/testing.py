"""Sentinel's own tests: ``test/<policy>/*.hcl`` and ``*.json`` beside the policy, and what came of each.

A case names mocks, modules, globals and parameters by paths relative to itself, and expects values of rules; without a
``test`` block it expects main to be true. Only the rules it names are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from policies.errors import PackError, PolicyError, Position
from policies.files import DISK, Files
from policies.sentinel.budget import DEFAULT_BUDGET, Budget
from policies.sentinel.configuration import ConfigReader, PolicySetConfig
from policies.sentinel.hcl import parse_file, read_json
from policies.sentinel.policy import SentinelResult
from policies.sentinel.sources import Sources

CASES: Final = frozenset({".hcl", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One test case: the policy's file, the case's file, ``pass``, ``fail`` or ``error``, and why."""

    path: Path
    case: Path
    status: str
    detail: str = ""

    def to_json(self) -> dict[str, str]:
        """As ``policy test`` prints it."""
        return {"path": str(self.path), "case": str(self.case), "status": self.status, "detail": self.detail}


def find_cases(paths: Iterable[Path], files: Files) -> Iterator[tuple[Path, Path]]:
    """Policy and case file of every case below the paths: directories, policies, test directories or case files.

    Raises PolicyError for a path that does not exist or has no policy to it.
    """
    seen: set[Path] = set()
    for path in paths:
        for policy, case in _cases_at(path, files):
            if case not in seen:
                seen.add(case)
                yield policy, case


def _cases_at(path: Path, files: Files) -> Iterator[tuple[Path, Path]]:
    if files.is_dir(path):
        if path.parent.name == "test":
            yield from _of(_policy_of(path, files), path, files)
        for policy in files.below(path, ".sentinel"):
            yield from _of(policy, policy.parent / "test" / policy.stem, files)
    elif path.suffix == ".sentinel" and files.is_file(path):
        yield from _of(path, path.parent / "test" / path.stem, files)
    elif path.suffix in CASES and files.is_file(path) and path.parent.parent.name == "test":
        yield _policy_of(path.parent, files), path
    else:
        raise PackError(
            "is neither a directory, a .sentinel file nor a case below test/<policy>/", Position(path)
        )


def _of(policy: Path, directory: Path, files: Files) -> Iterator[tuple[Path, Path]]:
    if files.is_dir(directory):
        for case in files.within(directory):
            if case.suffix in CASES:
                yield policy, case


def _policy_of(directory: Path, files: Files) -> Path:
    policy = directory.parent.parent / f"{directory.name}.sentinel"
    if not files.is_file(policy):
        raise PackError(f"tests a policy that is not there: {policy}", Position(directory))
    return policy


def read_case(case: Path, files: Files) -> PolicySetConfig:
    """What a case says. Raises PackError with file and line."""
    reader = ConfigReader(case, files)
    if case.suffix == ".json":
        data = read_json(case, files)
        if isinstance(data, Mapping) and _is_legacy(data):
            reader.legacy(data, case)
            return reader.config()
    reader.add(parse_file(case, files))
    return reader.config()


def _is_legacy(data: Mapping[str, Any]) -> bool:
    if "modules" in data:
        return True
    mocks = data.get("mock")
    if isinstance(mocks, Mapping):
        for held in mocks.values():
            modern = isinstance(held, Mapping) and len(held) == 1 and set(held) <= {"module", "data"}
            if not modern:
                return True
    test = data.get("test")
    if isinstance(test, Mapping) and set(test) != {"rules"}:
        return True
    for kind in ("global", "param"):
        held = data.get(kind)
        if isinstance(held, Mapping):
            for value in held.values():
                if not (isinstance(value, Mapping) and set(value) == {"value"}):
                    return True
    return False


def run_tests(
    paths: Iterable[Path], *, now: datetime, budget: Budget = DEFAULT_BUDGET, files: Files = DISK
) -> tuple[CaseResult, ...]:
    """Run every case below the paths. A case that cannot be run is an ``error`` with file and line, and ends nothing."""
    sources = Sources(files)
    return tuple(_run(policy, case, sources, now, budget) for policy, case in find_cases(paths, files))


def _run(policy: Path, case: Path, sources: Sources, now: datetime, budget: Budget) -> CaseResult:
    try:
        config = read_case(case, sources.files)
        wanted = config.rules if config.rules is not None else {"main": True}
        options = sources.options(config, wanted=tuple(wanted), guard=False, null_as_undefined=False)
        compiled = sources.policy(policy)
        result = compiled.evaluate(
            sources.data(config), config.params, now=now, budget=budget, options=options
        )
    except PolicyError as error:
        return CaseResult(path=policy, case=case, status="error", detail=str(error))
    if result.error is not None:
        return CaseResult(
            path=policy, case=case, status="error", detail=_with_prints(str(result.error), result)
        )
    wrong = [text for name, value in wanted.items() if (text := _difference(name, value, result)) is not None]
    if wrong:
        return CaseResult(
            path=policy, case=case, status="fail", detail=_with_prints("; ".join(wrong), result)
        )
    return CaseResult(path=policy, case=case, status="pass")


def _difference(name: str, wanted: Any, result: SentinelResult) -> str | None:
    found = result.rules[name]
    if _same(found, wanted):
        return None
    shown = found
    if found is None:
        causes = [entry.cause for entry in result.trace if entry.name == name and entry.cause]
        shown = f"undefined ({causes[0]})" if causes else "undefined"
    return f"{name}: expected {_text(wanted)}, got {_text(shown)}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _same(found: Any, wanted: Any) -> bool:
    """Deep equality in which true is not 1, but 1 is 1.0."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return found.keys() == wanted.keys() and all(_same(found[key], wanted[key]) for key in found)
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    return bool(found == wanted)


def _with_prints(text: str, result: SentinelResult) -> str:
    if not result.prints:
        return text
    lines = [*result.prints[:20], *(["…"] if len(result.prints) > 20 else [])]
    return "\n".join([text, *(f"  {line}" for line in lines)])
