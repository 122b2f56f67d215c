"""A policy's metadata: which keys there are, what they may hold, and what is assumed where nothing is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from policies.engine import Annotation, CheckedModule
from policies.errors import PackError, PolicyError, Position
from policies.policy import Containment, Phase, PolicyScope
from providers.provider import Severity
from providers.terraform import AbsentBlock

KEYS = (
    "id",
    "title",
    "description",
    "phase",
    "severity",
    "types",
    "terraform_types",
    "scope",
    "frameworks",
    "remediation",
    "containment",
    "parameters",
    "absent_block",
    "joins",
)
"""What ``custom:`` of a Rego annotation, or a policy's entry in pack.yaml, may hold."""

FRAMEWORKS = ("cis-aws", "cis-azure", "cis-gcp", "nist-800-53", "soc2", "pci-dss")
"""Frameworks whose controls are known by name; others are welcome and shown as they stand."""

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A policy's metadata, complete."""

    id: str
    title: str
    description: str
    phase: Phase
    severity: Severity
    types: frozenset[str]
    terraform_types: frozenset[str]
    scope: PolicyScope
    frameworks: Mapping[str, tuple[str, ...]]
    remediation: str
    containment: Containment | None
    parameters: Mapping[str, Any]
    absent_block: AbsentBlock
    joins: frozenset[str]
    join_fields: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What was declared, and where each key stands."""

    values: Mapping[str, Any]
    where: Callable[[str], Position]


class Reader:
    """Reads declared values; gathers what is wrong with them instead of stopping at the first."""

    def __init__(self, declared: Declared) -> None:
        self._values = declared.values
        self._where = declared.where
        self.errors: list[PolicyError] = []

    def wrong(self, key: str, what: str, hint: str | None = None) -> None:
        """Note an error at a key."""
        self.errors.append(PackError(what, self._where(key), hint=hint))

    def unknown_keys(self, known: Iterable[str]) -> None:
        """Note every key that is not known."""
        names = list(known)
        for key in self._values:
            if key not in names:
                near = get_close_matches(key, names, n=1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(names)}."
                self.wrong(key, f"metadata has an unknown key `{key}`", hint)

    def text(self, key: str, default: str) -> str:
        """A text."""
        value = self._values.get(key, default)
        if isinstance(value, str):
            return value.strip()
        self.wrong(key, f"`{key}` must be text, not {_kind(value)}")
        return default

    def texts(self, key: str) -> frozenset[str]:
        """A list of texts; a single text is a list of one."""
        value = self._values.get(key, ())
        if isinstance(value, str):
            return frozenset({value})
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return frozenset(value)
        self.wrong(key, f"`{key}` must be a list of texts, not {_kind(value)}")
        return frozenset()

    def choice(self, key: str, kind: type[E], default: E) -> E:
        """One of an enumeration."""
        value = self._values.get(key, default)
        if value is None:
            value = "null"  # what YAML makes of the word
        try:
            return kind(value)
        except ValueError:
            self.wrong(key, f"`{key}` must be one of {', '.join(kind)}, not {value!r}")
            return default

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A mapping."""
        value = self._values.get(key, {})
        if isinstance(value, Mapping):
            return value
        self.wrong(key, f"`{key}` must be a mapping, not {_kind(value)}")
        return {}

    def frameworks(self) -> Mapping[str, tuple[str, ...]]:
        """Framework -> controls."""
        out: dict[str, tuple[str, ...]] = {}
        for name, controls in self.mapping("frameworks").items():
            listed = controls if isinstance(controls, list | tuple) else [controls]
            if not all(isinstance(control, str | int | float) for control in listed):
                self.wrong(f"frameworks.{name}", f"the controls of `{name}` must be texts")
                continue
            if any(isinstance(control, float) for control in listed):
                # 2.10 would have become 2.1 before anyone could see it.
                self.wrong(f"frameworks.{name}", f"write the controls of `{name}` in quotes")
                continue
            out[str(name)] = tuple(str(control) for control in listed)
        return out

    def joins(self) -> dict[str, tuple[str, ...] | None]:
        """Joined type -> the document fields to give of it, None for all: ``[type]`` or ``{type: [field]}``."""
        value = self._values.get("joins")
        if not isinstance(value, Mapping):
            found: dict[str, tuple[str, ...] | None] = dict.fromkeys(self.texts("joins"))
        else:
            found = {}
            for name, fields in value.items():
                if fields is not None and not (
                    isinstance(fields, list | tuple) and all(isinstance(f, str) for f in fields)
                ):
                    self.wrong("joins", f"`joins.{name}` must be a list of document fields")
                    continue
                found[str(name)] = None if fields is None else tuple(sorted(set(fields)))
        for name in found:
            if name.endswith("*") or not name:
                self.wrong("joins", f"`joins` takes whole type names, not {name!r}")
        return found

    def containment(self) -> Containment | None:
        """``{hook: …, parameters: {…}}``."""
        value = self.mapping("containment")
        if not value:
            return None
        hook = value.get("hook")
        parameters = value.get("parameters", {})
        if (
            not isinstance(hook, str)
            or not isinstance(parameters, Mapping)
            or value.keys() - {"hook", "parameters"}
        ):
            self.wrong("containment", "`containment` takes `hook` (a text) and `parameters` (a mapping)")
            return None
        return Containment(hook=hook, parameters=parameters)


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true/false", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def declared_in(module: CheckedModule) -> Declared | None:
    """The package's annotation as declared metadata: ``custom:`` with title and description beside it."""
    for note in module.annotations:
        if note.scope in ("package", "subpackages"):
            custom = note.values.get("custom")
            values = dict(custom) if isinstance(custom, Mapping) else {}
            for key in ("title", "description"):
                if key in note.values:
                    values.setdefault(key, note.values[key])

            def where(key: str, note: Annotation = note) -> Position:
                return note.where(f"custom.{key}" if f"custom.{key}" in note.places else key)

            return Declared(values=values, where=where)
    return None


def read(module: CheckedModule, declared: Declared, defaults: Metadata) -> tuple[Metadata, list[PolicyError]]:
    """Metadata from what was declared, with defaults for the rest."""
    reader = Reader(declared)
    reader.unknown_keys(KEYS)
    declared_joins = reader.joins()
    metadata = Metadata(
        id=reader.text("id", defaults.id),
        title=reader.text("title", defaults.title),
        description=reader.text("description", defaults.description),
        phase=reader.choice("phase", Phase, defaults.phase),
        severity=reader.choice("severity", Severity, defaults.severity),
        types=reader.texts("types") or defaults.types,
        terraform_types=reader.texts("terraform_types") or defaults.terraform_types,
        scope=reader.choice("scope", PolicyScope, defaults.scope),
        frameworks=reader.frameworks() or defaults.frameworks,
        remediation=reader.text("remediation", defaults.remediation),
        containment=reader.containment() or defaults.containment,
        parameters={**defaults.parameters, **reader.mapping("parameters")},
        absent_block=reader.choice("absent_block", AbsentBlock, defaults.absent_block),
        joins=frozenset(declared_joins) | (module.joins - {"*"}),
        join_fields={name: fields for name, fields in declared_joins.items() if fields is not None},
    )
    if metadata.scope is not PolicyScope.RESOURCE and not metadata.joins:
        reader.wrong(
            "scope",
            f"a policy over {'an account' if metadata.scope is PolicyScope.ACCOUNT else 'the estate'} joins nothing",
            'It sees resources as data.inventory["<type>"]; say which types in `joins`.',
        )
    if not metadata.id:
        reader.wrong("id", "`id` must not be empty")
    return metadata, reader.errors


def assumed(module: CheckedModule, phase: Phase | None, absent: AbsentBlock | None) -> Metadata:
    """What a file says of itself without a word of metadata: its package, and what its syntax tree shows.

    A policy that compares an item of a block with null (``logging[_] == null``) wants absent blocks as ``[null]``;
    any other is given what a Terraform plan has there, an empty list.
    """
    read_types = {
        parts[1]
        for path in module.reads or ()
        if len(parts := path.split(".")) > 1 and parts[0] == "resource"
    }
    name = module.package.rpartition(".")[2]
    return Metadata(
        id=module.package,
        title=name.replace("_", " ").strip().capitalize() or module.package,
        description="",
        phase=phase or guess_phase(module.package, module.module.path),
        severity=Severity.MEDIUM,
        types=module.asset_types,
        terraform_types=frozenset(read_types),
        scope=PolicyScope.RESOURCE,
        frameworks={},
        remediation="",
        containment=None,
        parameters={},
        absent_block=absent or (AbsentBlock.NULL if module.null_blocks else AbsentBlock.EMPTY),
        joins=module.joins - {"*"},
        join_fields={},
    )


def guess_phase(package: str, path: Path) -> Phase:
    """The phase a package or a folder is named after (``ir.preparation``); preparation where none is."""
    for word in (*package.split("."), *(part.lower() for part in reversed(path.parts[:-1]))):
        if word in list(Phase):
            return Phase(word)
    return Phase.PREPARATION
