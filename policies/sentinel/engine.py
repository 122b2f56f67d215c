"""Sentinel policies as the judge runs them: on one live resource, through the same protocol as Rego.

A policy sees the resource as the Terraform imports (as if about to be created as it is) and as data imports of our own:
``asset``, ``context`` and, where given, ``inventory``. Its ``main`` is the verdict: false gives ``deny`` with a message, undefined
gives ``unknown`` with the cause, an error fails the evaluation. Files without ``main`` are modules, imported by file name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from policies.engine import (
    Annotation,
    Answer,
    Checked,
    CheckedModule,
    Evaluation,
    Failure,
    FailureKind,
    Limits,
    Module,
    Rule,
    RuleKind,
)
from policies.errors import PolicyError, PolicySyntaxError, Position
from policies.rego.annotations import read_annotations
from policies.sentinel import nodes
from policies.sentinel.budget import Budget
from policies.sentinel.circles import ModuleOf, circles
from policies.sentinel.configuration import PLAN_IMPORTS
from policies.sentinel.imports import STANDARD
from policies.sentinel.imports.http import HttpAccess
from policies.sentinel.imports.runtime import LANGUAGE_VERSION
from policies.sentinel.options import Options, Source
from policies.sentinel.patterns import bad_patterns
from policies.sentinel.policy import CompiledPolicy, SentinelResult, compile_policy
from policies.sentinel.request import LiveResource, estate_imports
from policies.sentinel.subjects import OWN_IMPORTS, judges_resources, own_reads, terraform_types

REVISION: Final = 3
"""Raised when the interpreter comes to give another answer: verdicts remembered before are then judged again."""
PACKAGE: Final = "sentinel"
SET_DATA: Final = "sentinel"
"""The key of a program's data below which a policy set's imports stand: see :mod:`policies.sets`."""
_SHOWN: Final = 20
_PROVIDERS: Final = {"aws": "hashicorp/aws", "azure": "hashicorp/azurerm", "gcp": "hashicorp/google"}


class SentinelEngine:
    """The engine. It runs in the caller's thread, bounded by a budget instead of a process."""

    name = "sentinel"
    suffixes: tuple[str, ...] = (".sentinel",)
    version = f"sentinel-{LANGUAGE_VERSION}+{REVISION}"

    def __init__(self, limits: Limits | None = None, *, http: HttpAccess | None = None) -> None:
        """``http`` is what policies may reach by the import of that name; nothing where None."""
        seconds = (limits or Limits()).seconds
        self._budget = Budget(seconds=seconds)
        self._http = http
        self._last: tuple[bytes, Mapping[str, Any]] | None = None

    def close(self) -> None:
        """Nothing is held."""

    def _further(self, text: bytes | None) -> Mapping[str, Any]:
        """Further data as JSON values; evaluations that share it come in a row, and none changes it."""
        if text is None:
            return {}
        held = self._last
        if held is None or held[0] is not text:
            held = self._last = (text, orjson.loads(text))
        return held[1]

    def coverage(self, batch: Sequence[Evaluation]) -> list[dict[str, Any]]:
        """Lines are not counted."""
        del batch
        return []

    # Checking.

    def check(self, modules: Sequence[Module]) -> Checked:
        """Parse and examine modules, and see that what they import is there and what they match with is a regular expression."""
        errors: list[PolicyError] = []
        parsed: list[tuple[Module, CompiledPolicy]] = []
        for module in modules:
            try:
                parsed.append((module, compiled(module.text, module.path)))
            except PolicyError as error:
                errors.append(error)
        libraries = {package_of(m.path) for m, policy in parsed if not _has_main(policy)}
        module_of = _module_of(parsed)
        errors.extend(circles((policy for _, policy in parsed), module_of))
        looking = _looking(parsed, module_of)
        checked: list[CheckedModule] = []
        for module, policy in parsed:
            notes, wrong = read_annotations(module.path, module.text)
            errors.extend(wrong)
            errors.extend(missing_imports(policy, libraries, module.given, self._http))
            errors.extend(bad_patterns(policy.code.program, policy.path))
            checked.append(_checked(module, policy, notes, judging=module.path in looking))
        return Checked(modules=tuple(checked), errors=tuple(errors))

    # Evaluating.

    def evaluate(self, batch: Sequence[Evaluation]) -> list[Answer]:
        """An answer for each evaluation, in order."""
        return [self._one(evaluation) for evaluation in batch]

    def _one(self, evaluation: Evaluation) -> Answer:
        if evaluation.query:
            return Answer(failure=Failure(kind=FailureKind.ERROR, cause="Sentinel has no queries"))
        sources = [(Path(path), text) for path, text, _ in evaluation.program.modules]
        try:
            group = [compiled(text, path) for path, text in sources]
        except PolicySyntaxError as error:
            return Answer(failure=Failure(kind=FailureKind.ERROR, cause=str(error)))
        policy = group[0]
        settings = _settings(evaluation.program.data)
        params = {name: value for name, value in settings.parameters.items() if name in policy.params}
        options = replace(settings.options(group), http=self._http)
        data = _imports(orjson.loads(evaluation.input), self._further(evaluation.data))
        result = policy.evaluate(data, params, now=evaluation.now, budget=self._budget, options=options)
        if result.error is not None:
            late = result.error.kind == "budget" and "longer than" in result.error.message
            kind = FailureKind.TIME if late else FailureKind.ERROR
            return Answer(failure=Failure(kind=kind, cause=str(result.error)), prints=result.prints)
        package = package_of(policy.path)
        values: dict[str, Any] = {}
        if result.result is False:
            values[f"data.{package}.deny"] = _messages(result)
        elif result.result is None:
            values[f"data.{package}.unknown"] = [result.cause]
        return Answer(
            values={name: value for name, value in values.items() if name in evaluation.entrypoints},
            prints=result.prints,
        )


class _Settings:
    """What a program's data gives to its evaluations: parameters and, in a policy set, imports."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.parameters: Mapping[str, Any] = data.get("parameters", {})
        self._set: Mapping[str, Any] = data.get(SET_DATA, {})
        self._timezone = ZoneInfo(self._set["timezone"]) if "timezone" in self._set else UTC

    def options(self, group: Sequence[CompiledPolicy]) -> Options:
        """The options, with the modules of the program by the names they are imported by. ``group`` begins with the policy."""
        named: Mapping[str, int] | None = self._set.get("modules")
        if named is None:
            return Options(
                modules={module.path.stem: module for module in group[1:]},
                guard=False,
                null_as_undefined=False,
            )
        mocks = {name: group[place] for name, place in self._set["mock_modules"].items()}
        return Options(
            modules={name: group[place] for name, place in named.items()},
            static=self._set["static"],
            mocks={**self._set["mocks"], **mocks},
            globals=self._set["globals"],
            timezone=self._timezone,
            guard=False,
            null_as_undefined=False,
        )


@lru_cache(maxsize=4096)
def _settings(data: bytes) -> _Settings:
    return _Settings(orjson.loads(data))


@lru_cache(maxsize=4096)
def compiled(text: str, path: Path) -> CompiledPolicy:
    """A source, compiled once. Raises PolicySyntaxError."""
    return compile_policy(text, path)


def package_of(path: Path) -> str:
    """The package that stands for a file."""
    return f"{PACKAGE}.{_word(path.stem)}"


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _has_main(policy: CompiledPolicy) -> bool:
    return any(
        isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name) and node.target.name == "main"
        for node in policy.code.program.body
    )


def _is_module(name: str) -> bool:
    return name not in STANDARD and name not in PLAN_IMPORTS and name not in OWN_IMPORTS


def missing_imports(
    policy: CompiledPolicy,
    libraries: set[str],
    given: Mapping[str, Path | None] | None,
    http: HttpAccess | None,
) -> Iterator[PolicyError]:
    """The imports of a policy that nobody gives. ``libraries`` are the packages of the modules there are, ``given`` what a policy set
    gives, ``http`` what the import of that name may reach."""
    for node in policy.code.program.imports:
        if given is not None and (node.name in given or node.name.partition("/")[0] in given):
            continue
        if given is not None and _is_module(node.name):
            what = f'the import "{node.name}" is neither a standard import nor given by the policy set.'
            hint = f'Say so in sentinel.hcl: import "module" "{node.name}" {{ source = "…" }}.'
            yield PolicySyntaxError(what, Position(policy.path, *node.at), hint=hint)
        elif given is None and _is_module(node.name) and f"{PACKAGE}.{_word(node.name)}" not in libraries:
            what = f'the import "{node.name}" is neither a standard import nor a module beside the policy.'
            hint = f"Put it beside the policy as {node.name}.sentinel, without a main."
            yield PolicySyntaxError(what, Position(policy.path, *node.at), hint=hint)
        elif node.name == "http" and http is None:
            what = 'the import "http" is closed: a policy makes no requests.'
            hint = "`policies.http_hosts` opens it to the hosts named there."
            yield PolicySyntaxError(what, Position(policy.path, *node.at), hint=hint)


def _module_of(parsed: Sequence[tuple[Module, CompiledPolicy]]) -> ModuleOf:
    """Which file an import means: what the policy set gives, else the module of that name; the one beside it, of several."""
    given_to = {module.path: module.given for module, _ in parsed}
    by_path = {module.path: policy for module, policy in parsed}
    by_package: dict[str, list[Path]] = {}
    for module, _ in parsed:
        by_package.setdefault(package_of(module.path), []).append(module.path)

    def module_of(importer: Source, name: str) -> Source | None:
        given = given_to[importer.path]
        if given is not None:
            path = given.get(name)
        else:
            named = by_package.get(f"{PACKAGE}.{_word(name)}", ()) if _is_module(name) else ()
            beside = (path for path in named if path.parent == importer.path.parent)
            path = next(beside, named[-1] if named else None)
        return None if path is None else by_path.get(path)

    return module_of


def _looking(parsed: Sequence[tuple[Module, CompiledPolicy]], module_of: ModuleOf) -> set[Path]:
    """The files that look at resources, by themselves or through the modules they import."""
    looking = {module.path for module, policy in parsed if judges_resources(policy)}
    imported = {
        module.path: {found.path for name in policy.imports if (found := module_of(policy, name)) is not None}
        for module, policy in parsed
    }
    while more := {path for path, used in imported.items() if used & looking} - looking:
        looking |= more
    return looking


def _checked(
    module: Module, policy: CompiledPolicy, notes: Sequence[Annotation], *, judging: bool
) -> CheckedModule:
    package = package_of(module.path)
    rules: tuple[Rule, ...] = ()
    if _has_main(policy):
        # A policy that looks at no resource decides requests; it judges nothing by itself.
        kind = RuleKind.PARTIAL_SET if judging else RuleKind.FUNCTION
        rules = tuple(
            Rule(
                package=package,
                name=name,
                kind=kind,
                position=Position(module.path, 1),
                arity=int(not judging),
            )
            for name in (("deny", "unknown") if judging else ("allow",))
        )
    types = terraform_types(policy)
    own = own_reads(policy)
    reads = own | {f"resource.{name}" for name in types}
    if rules and not types and not PLAN_IMPORTS.isdisjoint(policy.imports):
        reads |= {"resource"}
    return CheckedModule(
        module=module,
        package=package,
        v0=False,
        rules=rules,
        annotations=tuple(replace(note, scope="package") for note in notes[:1]),
        imports=frozenset(f"{PACKAGE}.{_word(name)}" for name in policy.imports if _is_module(name)),
        reads=reads,
        joins=frozenset({"*"}) if "inventory" in policy.imports else frozenset(),
        # What a server says is of its moment, too.
        reads_clock=policy.reads_clock or "http" in policy.imports or bool(own & {"context", "context.now"}),
        asset_types=frozenset(),
        null_blocks=False,
        parameters=policy.params,
    )


def _imports(document: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What a policy may import, from the judge's input."""
    asset = document.get("asset") or {}
    live = [
        LiveResource(
            address=f"{kind}.main",
            type=kind,
            name="main",
            provider=f"registry.terraform.io/{_PROVIDERS.get(str(asset.get('provider')), 'hashicorp/unknown')}",
            attributes=held.get("main") or {},
            unread=held.get("unread") or {},
            absent=held.get("absent") or (),
        )
        for kind, held in (document.get("resource") or {}).items()
    ]
    own = {name: document.get(name) or {} for name in ("asset", "context", "finding")}
    return {**estate_imports(live), **own, "inventory": data.get("inventory") or {}}


def _messages(result: SentinelResult) -> list[str]:
    """What a failing policy says: what it printed, else which of its rules are false."""
    printed = [line for line in result.prints if line.strip()]
    if printed:
        return printed[:_SHOWN]
    false = [name for name, value in result.rules.items() if value is False and name != "main"]
    if false:
        return [f"main is false: {', '.join(false[:_SHOWN])}"]
    if isinstance(result.value, list | dict):
        return [f"main holds {len(result.value)} violation{'' if len(result.value) == 1 else 's'}"]
    return ["main is false"]
