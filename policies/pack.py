"""Packs: folders of policies with their metadata and tests, loaded with every error at once.

A pack is a folder with ``pack.yaml``; below it lie ``.rego`` and ``.sentinel`` files, library modules among them, and tests
(``*_test.rego``, and ``NAME.yaml`` beside ``NAME.rego``). A ``.rego`` file outside any pack is a policy too: what its
metadata does not say is found in its package name and its syntax tree. One file is one policy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from config.settings import PolicySettings
from policies.bundle import MANIFEST, Bundle, is_archive, read_bundle
from policies.engine import CheckedModule, Engine, Module, Program, RuleKind, closure
from policies.errors import PackError, PolicyError, PolicyErrors, Position
from policies.metadata import Declared, Metadata, Reader, assumed, declared_in, read
from policies.policy import Language, Phase, Policy
from policies.rego.annotations import load_yaml
from providers.normalise import digest_of, encode
from providers.provider import Severity
from providers.terraform import AbsentBlock

BUILT_IN: Final = Path(__file__).parent / "packs"
PACK_FILE: Final = "pack.yaml"
LIBRARY: Final = "lib"
"""The folder of a pack whose modules are shared."""
PACK_KEYS: Final = ("id", "title", "description", "phase", "absent_block", "parameters", "policies")

DENIES: Final = re.compile(r"(deny|violation)(_\w+)*")
WARNS: Final = re.compile(r"warn(_\w+)*")
UNKNOWNS: Final = re.compile(r"unknown(_\w+)*")
ALLOWS: Final = re.compile(r"allow(_\w+)*")
REASONS: Final = re.compile(r"reasons?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A folder of policies."""

    id: str
    title: str
    root: Path
    phase: Phase | None = None
    absent_block: AbsentBlock | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policies: Mapping[str, Declared] = field(default_factory=dict)
    """File stem -> metadata declared in pack.yaml instead of in the file."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What an OPA bundle brings for its policies, below ``data``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """A policy with what it takes to run it."""

    policy: Policy
    program: Program
    modules: tuple[CheckedModule, ...]
    denies: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    """Where the policy itself says that it cannot tell."""
    allows: tuple[str, ...] = ()
    """Boolean rules, for judging."""
    functions: Mapping[str, int] = field(default_factory=dict)
    """Decision functions (``allow_x(finding)``): reference -> arity."""
    reasons: tuple[str, ...] = ()

    @property
    def entrypoints(self) -> tuple[str, ...]:
        """What judging a resource evaluates."""
        return self.denies + self.warns + self.unknowns + self.allows


class PolicySet:
    """All policies in use, found by id and by what they judge."""

    def __init__(self, compiled: Iterable[CompiledPolicy], packs: Sequence[Pack] = ()) -> None:
        self._compiled = {c.policy.id: c for c in sorted(compiled, key=lambda c: c.policy.id)}
        self.packs = tuple(packs)
        self._for: dict[tuple[str, str | None], tuple[Policy, ...]] = {}

    @property
    def policies(self) -> tuple[Policy, ...]:
        """In order of their ids."""
        return tuple(c.policy for c in self._compiled.values())

    @property
    def digest(self) -> bytes:
        """Changes when any policy does."""
        return digest_of(part for p in self.policies for part in (p.id.encode(), p.digest))

    def __len__(self) -> int:
        return len(self._compiled)

    def __contains__(self, policy_id: object) -> bool:
        return policy_id in self._compiled

    def by_id(self, policy_id: str) -> Policy:
        """A policy. Raises KeyError."""
        return self._compiled[policy_id].policy

    def compiled(self, policy_id: str) -> CompiledPolicy:
        """A policy as it runs. Raises KeyError."""
        return self._compiled[policy_id]

    def for_resource(self, type: str, terraform_type: str | None) -> tuple[Policy, ...]:  # noqa: A002
        """The policies that judge resources of a type, or of the Terraform type of its view."""
        key = (type, terraform_type)
        if key not in self._for:
            self._for[key] = tuple(
                c.policy
                for c in self._compiled.values()
                if c.entrypoints and judges(c.policy, type, terraform_type)
            )
        return self._for[key]

    @property
    def reading_clock(self) -> tuple[Policy, ...]:
        """Policies to be judged again with time alone."""
        return tuple(p for p in self.policies if p.reads_clock)


def judges(policy: Policy, type: str, terraform_type: str | None) -> bool:  # noqa: A002
    """Whether a policy speaks of resources of a type, one by one."""
    if policy.gathers:
        return False
    if terraform_type is not None and terraform_type in policy.terraform_types:
        return True
    return any(type == t or (t.endswith("*") and type.startswith(t[:-1])) for t in policy.types)


def load(settings: PolicySettings, engine: Engine, *, built_in: Path = BUILT_IN) -> PolicySet:
    """The policies a configuration asks for. Raises PolicyErrors with everything that is wrong."""
    loader = Loader(engine)
    for name in settings.packs:
        root = built_in / name
        if (root / PACK_FILE).is_file():
            loader.add(root)
        else:
            there = sorted(p.parent.name for p in built_in.glob(f"*/{PACK_FILE}"))
            loader.wrong(
                "policies.packs", f"there is no built-in pack `{name}`", f"There are: {', '.join(there)}."
            )
    for path in settings.paths:
        loader.add(path)
    return loader.finish(settings)


def load_paths(paths: Sequence[Path], engine: Engine, settings: PolicySettings | None = None) -> PolicySet:
    """The policies in files and folders, without any built-in pack. Raises PolicyErrors."""
    loader = Loader(engine)
    for path in paths:
        loader.add(path)
    return loader.finish(settings or PolicySettings(packs=()))


def rego_files(root: Path) -> list[Path]:
    """Every ``.rego`` file of a folder, tests too, in a stable order; the file itself where it is one."""
    return [root] if root.is_file() else sorted(root.rglob("*.rego"))


def policy_files(root: Path, suffixes: Sequence[str]) -> list[Path]:
    """Every file of a folder that may be a policy, in a stable order; the file itself where it is one. What lies in a
    ``test`` folder is Sentinel's cases and mocks."""
    if root.is_file():
        return [root]
    found = (path for suffix in suffixes for path in root.rglob(f"*{suffix}"))
    return sorted(path for path in found if not is_test(path) and not _is_mock(path, root))


def _is_mock(path: Path, root: Path) -> bool:
    return path.suffix == ".sentinel" and "test" in path.relative_to(root).parts[:-1]


def is_test(path: Path) -> bool:
    """Whether a Rego file holds tests."""
    return path.stem.endswith("_test") or path.stem.startswith("test_")


def read_module(path: Path) -> Module:
    """A source file. Raises PackError."""
    try:
        return Module(path=path, text=path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise PackError(f"not UTF-8 text (byte {error.start})", Position(path)) from None
    except OSError as error:
        raise PackError(f"cannot be read: {error.strerror}", Position(path)) from None


class Loader:
    """Gathers files, checks them in one go and makes policies of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.errors: list[PolicyError] = []
        self._files: dict[Path, Pack] = {}
        self._packs: list[Pack] = []
        self._texts: dict[Path, str] = {}
        """The sources that are not files of their own: those of packed bundles."""
        self._bundles: dict[Path, Bundle] = {}

    def wrong(self, where: str, what: str, hint: str | None = None) -> None:
        """Note an error of the configuration."""
        self.errors.append(PackError(what, Position(Path(where)), hint=hint))

    def add(self, root: Path) -> None:
        """Add a pack, a folder or a file."""
        if not root.exists():
            self.wrong(str(root), "there is no such file or folder")
            return
        if is_archive(root) or (root / MANIFEST).is_file():
            self._bundle(root)
            return
        bare = Pack(id=root.stem, title=root.stem, root=root)
        packs = {bare.root: bare}
        around = next((p for p in root.absolute().parents if (p / PACK_FILE).is_file()), None)
        if around is not None and not (root / PACK_FILE).is_file():
            # A part of a pack: its own rules and libraries hold for it too.
            pack = self._pack(around / PACK_FILE)
            packs[root] = bare = pack
            for path in self._below(around / LIBRARY) if (around / LIBRARY).is_dir() else ():
                self._files[path] = pack
        if root.is_dir():
            for file in sorted(root.rglob(PACK_FILE)):
                packs[file.parent] = self._pack(file)
        for path in [] if root.is_file() and is_test(root) else self._below(root):
            if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
                self.errors.append(PackError(f"a link that leaves {root}", Position(path)))
                continue
            owner = next((packs[p] for p in (path, *path.parents) if p in packs), bare)
            self._files[path] = owner
        self._packs += [p for p in packs.values() if p is not bare or p in self._files.values()]

    def _bundle(self, root: Path) -> None:
        """Add an OPA bundle, packed or not."""
        bundle, errors = read_bundle(root)
        self.errors += errors
        name = root.name.removesuffix(".tar.gz").removesuffix(".tgz")
        pack = Pack(id=name, title=name, root=root)
        declared = bundle.files.get(root / PACK_FILE)
        if declared is not None:
            pack = self._pack(root / PACK_FILE, declared, bundle)
        pack = replace(pack, parameters={**bundle.parameters, **pack.parameters}, data=bundle.data)
        for path, text in bundle.files.items():
            if path.suffix in self._engine.suffixes and not is_test(path):
                self._files[path] = pack
                self._texts[path] = text
        self._packs.append(pack)
        self._bundles[root] = bundle

    def _owned(self, modules: Iterable[CheckedModule]) -> None:
        """What in a bundle is not the bundle's."""
        for module in modules:
            pack = self._files[module.module.path]
            bundle = self._bundles.get(pack.root)
            if bundle is None:
                continue
            if not bundle.owns(module.package):
                what = f"package {module.package} is outside the roots of the manifest ({', '.join(bundle.roots)})"
                self.errors.append(PackError(what, Position(module.module.path, 1)))
            at: Any = bundle.data
            for part in module.package.split("."):
                at = at.get(part) if isinstance(at, Mapping) else None
            if at is not None:
                what = f"the bundle has data where package {module.package} is"
                self.errors.append(PackError(what, Position(module.module.path, 1)))

    def _below(self, root: Path) -> list[Path]:
        return policy_files(root, self._engine.suffixes)

    def _pack(self, file: Path, text: str | None = None, bundle: Bundle | None = None) -> Pack:
        pack = Pack(id=file.parent.name, title=file.parent.name, root=file.parent)
        try:
            values, lines = load_yaml(read_module(file).text if text is None else text, file)
        except PackError as error:
            self.errors.append(error)
            return pack
        reader = Reader(Declared(values=values, where=lambda key: Position(file, lines.get(key, 1))))
        reader.unknown_keys(PACK_KEYS)
        policies: dict[str, Declared] = {}
        for stem, entry in reader.mapping("policies").items():
            if not isinstance(entry, Mapping):
                reader.wrong(f"policies.{stem}", f"`policies.{stem}` must be a mapping")
                continue

            def where(key: str, stem: str = stem) -> Position:
                return Position(file, lines.get(f"policies.{stem}.{key}", lines.get(f"policies.{stem}", 1)))

            policies[stem] = Declared(values=entry, where=where)
            names = {f"{stem}{suffix}" for suffix in self._engine.suffixes}
            if bundle is not None:
                there = any(path.name in names for path in bundle.files)
            else:
                there = any(list(file.parent.rglob(name)) for name in names)
            if not there:
                said = " or ".join(f"{stem}{suffix}" for suffix in self._engine.suffixes)
                reader.wrong(f"policies.{stem}", f"there is no {said} in this pack")
        pack = Pack(
            id=reader.text("id", file.parent.name),
            title=reader.text("title", file.parent.name),
            root=file.parent,
            phase=reader.choice("phase", Phase, Phase.PREPARATION) if "phase" in values else None,
            absent_block=(
                reader.choice("absent_block", AbsentBlock, AbsentBlock.EMPTY)
                if "absent_block" in values
                else None
            ),
            parameters=reader.mapping("parameters"),
            policies=policies,
        )
        self.errors += reader.errors
        return pack

    def finish(self, settings: PolicySettings) -> PolicySet:
        """Check everything and make the set. Raises PolicyErrors."""
        modules: list[Module] = []
        for path in self._files:
            try:
                text = self._texts.get(path)
                modules.append(read_module(path) if text is None else Module(path=path, text=text))
            except PackError as error:
                self.errors.append(error)
        checked = self._engine.check(modules)
        self.errors += checked.errors
        self._owned(checked.modules)
        compiled = list(self._compile(checked.modules, settings))
        self._duplicates(compiled)
        self._overrides(settings, {c.policy.id for c in compiled})
        if self.errors:
            raise PolicyErrors(tuple(self.errors))
        kept = [c for c in compiled if not _matches(settings.disabled, c.policy.id)]
        return PolicySet(kept, self._packs)

    def _compile(
        self, modules: Sequence[CheckedModule], settings: PolicySettings
    ) -> Iterator[CompiledPolicy]:
        shared = Counter((self._files[m.module.path].root, m.package) for m in modules if _decides(m))
        for module in modules:
            if not _decides(module):
                continue  # a library
            pack = self._files[module.module.path]
            declared = pack.policies.get(module.module.path.stem) or declared_in(module)
            defaults = assumed(module, pack.phase, pack.absent_block)
            if shared[pack.root, module.package] > 1:
                defaults = replace(defaults, id=f"{module.package}.{module.module.path.stem}")
            metadata = defaults
            if declared is not None:
                metadata, errors = read(module, declared, defaults)
                self.errors += errors
            neighbours = [
                m for m in modules if self._files[m.module.path].root == pack.root and not _decides(m)
            ]
            group = closure(module, neighbours)
            compiled = compile_policy(group, metadata, pack, self._engine.version, settings)
            if "*" in compiled.policy.joins:
                what = "it is not clear which types this policy joins: it takes them from data.inventory by a variable"
                hint = "Say so below `custom:` in its METADATA: `joins: [aws.vpc]`."
                self.errors.append(PackError(what, Position(module.module.path, 1), hint=hint))
            if compiled.denies and _aimless(compiled.policy):
                what = "it is not clear which resources this policy judges"
                hint = "Say so below `custom:` in its METADATA: `types: [aws.s3_bucket]` or `terraform_types: […]`."
                self.errors.append(PackError(what, Position(module.module.path, 1), hint=hint))
            yield compiled

    def _duplicates(self, compiled: Sequence[CompiledPolicy]) -> None:
        first: dict[str, CompiledPolicy] = {}
        for one in compiled:
            other = first.setdefault(one.policy.id, one)
            if other is not one:
                what = f"policy id `{one.policy.id}` is already taken by {other.policy.path}"
                self.errors.append(PackError(what, Position(one.policy.path, one.policy.line)))

    def _overrides(self, settings: PolicySettings, ids: set[str]) -> None:
        packs = {pack.id for pack in self._packs}
        for name in settings.disabled:
            if not any(_matches((name,), i) for i in ids):
                self.wrong("policies.disabled", f"no policy is called `{name}`", _did_you_mean(name, ids))
        for name in settings.severities:
            if name not in ids:
                self.wrong("policies.severities", f"no policy is called `{name}`", _did_you_mean(name, ids))
        for name in settings.parameters:
            if name not in ids | packs:
                what = f"no policy or pack is called `{name}`"
                self.wrong("policies.parameters", what, _did_you_mean(name, ids | packs))


def _did_you_mean(name: str, names: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean `{near[0]}`?" if near else "`watchstander policy list` shows all."


def _matches(patterns: Iterable[str], name: str) -> bool:
    return any(name == p or (p.endswith("*") and name.startswith(p[:-1])) for p in patterns)


def _decides(module: CheckedModule) -> bool:
    return any(p.fullmatch(rule.name) for rule in module.rules for p in (DENIES, WARNS, ALLOWS))


def _aimless(policy: Policy) -> bool:
    """Whether a policy judges no type, and no finding either."""
    if policy.types or policy.terraform_types or policy.gathers:
        return False
    return policy.reads is None or not any(path.split(".")[0] == "finding" for path in policy.reads)


def compile_policy(
    group: tuple[CheckedModule, ...],
    metadata: Metadata,
    pack: Pack,
    engine_version: str,
    settings: PolicySettings,
) -> CompiledPolicy:
    """A policy from its module (first of the group), those it needs, and its metadata."""
    module = group[0]
    parameters = {
        **pack.parameters,
        **metadata.parameters,
        **settings.parameters.get(pack.id, {}),
        **settings.parameters.get(metadata.id, {}),
    }
    program = Program.of(group, encode({**pack.data, "parameters": parameters}))
    names = {rule.name: rule for rule in module.rules}
    rules = list(names.values())

    def matching(pattern: re.Pattern[str]) -> tuple[str, ...]:
        found = (r for r in rules if pattern.fullmatch(r.name) and r.kind is not RuleKind.FUNCTION)
        return tuple(r.reference for r in found)

    severity = settings.severities.get(metadata.id)
    policy = Policy(
        id=metadata.id,
        title=metadata.title,
        description=metadata.description,
        phase=metadata.phase,
        severity=Severity(severity) if severity else metadata.severity,
        language=Language.SENTINEL if module.module.path.suffix == ".sentinel" else Language.REGO,
        source=module.module.text,
        path=module.module.path,
        line=module.annotations[0].position.line if module.annotations else 1,
        digest=digest_of(
            [
                program.digest,
                metadata.absent_block.encode(),
                engine_version.encode(),
                *_joined_as(metadata, group),
            ]
        ),
        types=metadata.types,
        terraform_types=metadata.terraform_types,
        package=module.package,
        pack=pack.id,
        scope=metadata.scope,
        absent_block=metadata.absent_block,
        frameworks=metadata.frameworks,
        remediation=metadata.remediation,
        containment=metadata.containment,
        parameters=parameters,
        reads=_union(group),
        reads_clock=any(m.reads_clock for m in group),
        joins=_joins(metadata, group),
        join_fields=metadata.join_fields,
        relates=_relates(group),
    )
    return CompiledPolicy(
        policy=policy,
        program=program,
        modules=group,
        denies=matching(DENIES),
        warns=matching(WARNS),
        unknowns=matching(UNKNOWNS),
        allows=matching(ALLOWS),
        functions={
            r.reference: r.arity for r in rules if r.kind is RuleKind.FUNCTION and ALLOWS.fullmatch(r.name)
        },
        reasons=matching(REASONS),
    )


def _union(group: Sequence[CheckedModule]) -> frozenset[str] | None:
    if any(m.reads is None for m in group):
        return None
    return frozenset[str]().union(*(m.reads for m in group if m.reads is not None))


def _joins(metadata: Metadata, group: Sequence[CheckedModule]) -> frozenset[str]:
    """The joined types; with ``*`` where a variable chooses them and nothing is declared."""
    found = frozenset[str]().union(*(m.joins for m in group))
    return metadata.joins | (found - {"*"} if metadata.joins else found)


def _joined_as(metadata: Metadata, group: Sequence[CheckedModule]) -> Iterator[bytes]:
    """What of a policy's joining its verdicts hang on; nothing for one that joins nothing."""
    joins = _joins(metadata, group)
    if joins:
        yield metadata.scope.encode()
        yield encode({name: metadata.join_fields.get(name) for name in joins})


def _relates(group: Sequence[CheckedModule]) -> bool:
    """Whether a policy reads relations. One that may read anything of its input may read these."""
    reads = _union(group)
    if any("related" in (name.split(".")[0] for name in m.imports) for m in group):
        return True
    return reads is None or any(path.split(".")[0] == "related" for path in reads)
