"""Policies from files: packs, folders, single files and bundles, with every error at once.

A pack is a folder with ``pack.yaml``; below it lie ``.rego`` and ``.sentinel`` files, library modules among them, and tests
(``*_test.rego``, and ``NAME.yaml`` beside ``NAME.rego``). A ``.rego`` file outside any pack is a policy too: what its
metadata does not say is found in its package name and its syntax tree. One file is one policy. A folder with
``sentinel.hcl`` is a policy set (:mod:`policies.sets`): it says itself which policies there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from config.settings import BundleKey, PolicyCheckout, PolicySettings
from policies.bundle import Bundle, is_archive, read_bundle
from policies.checkout import Checkout, read_checkout
from policies.compiling import Membership, aimless, compile_policy, decides
from policies.engine import CheckedModule, Engine, Module, Neighbourhood
from policies.errors import PackError, PolicyError, PolicyErrors, Position
from policies.files import BUILT_IN, DISK, LIBRARY, PACK_FILE, Files, is_test, policy_files
from policies.metadata import Declared, Metadata, Reader, assumed, declared_in, read
from policies.overriding import matches, meaning_nothing
from policies.pack import CompiledPolicy, Pack, PolicySet
from policies.policy import Phase
from policies.sets import SET_FILES, Member, SentinelSet, read_set, set_folders
from policies.signatures import MANIFEST
from policies.text import Unencodable
from policies.yaml import load_yaml
from providers.terraform import AbsentBlock

NOBODY: Final = Neighbourhood(())
"""For a policy in a folder without libraries."""
PACK_KEYS: Final = ("id", "title", "description", "phase", "absent_block", "parameters", "policies")


def load(settings: PolicySettings, engine: Engine, *, built_in: Path = BUILT_IN) -> PolicySet:
    """The policies a configuration asks for. Raises PolicyErrors with everything that is wrong."""
    loader = Loader(engine, settings.bundle_keys)
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
    for name, pinned in settings.checkouts.items():
        loader.add_checkout(name, pinned)
    return loader.finish(settings)


def load_paths(paths: Sequence[Path], engine: Engine, settings: PolicySettings | None = None) -> PolicySet:
    """The policies in files and folders, without any built-in pack. Raises PolicyErrors."""
    chosen = settings or PolicySettings(packs=())
    loader = Loader(engine, chosen.bundle_keys)
    for path in paths:
        loader.add(path)
    return loader.finish(chosen)


def _called(root: Path) -> str:
    """What a folder or bundle is called that says nothing of itself."""
    return root.name.removesuffix(".tar.gz").removesuffix(".tgz")


class Loader:
    """Gathers files, checks them in one go and makes policies of them."""

    def __init__(self, engine: Engine, keys: Mapping[str, BundleKey]) -> None:
        self._engine = engine
        self._keys = keys
        """What bundles are signed with."""
        self.errors: list[PolicyError] = []
        self._files: dict[Path, Pack] = {}
        self._packs: list[Pack] = []
        self._bundles: dict[Path, Bundle] = {}
        self._sets: dict[Path, SentinelSet] = {}
        self._set_packs: list[tuple[SentinelSet, Pack]] = []
        self._checkouts: dict[str, Checkout] = {}
        self._unmade: list[str] = []
        """What is wrong and made no policy or pack: the text in which its name stands. The error is told once, there."""

    def wrong(self, where: str, what: str, hint: str | None = None) -> None:
        """Note an error of the configuration."""
        self.errors.append(PackError(what, Position(Path(where)), hint=hint))

    def add(self, root: Path) -> None:
        """Add a pack, a folder or a file."""
        if not root.exists():
            self.wrong(str(root), "there is no such file or folder")
            return
        if is_archive(root) or (root / MANIFEST).is_file():
            bundle, errors = read_bundle(root, self._keys)
            self.errors += errors
            self._bundles[root] = bundle
            name = _called(root)
            self._add(root, self._with_data(Pack(id=name, title=name, root=root)))
            return
        if root.name in SET_FILES:
            root = root.parent
        bare = Pack(id=root.stem, title=root.stem, root=root)
        around = next((p for p in root.absolute().parents if (p / PACK_FILE).is_file()), None)
        if around is not None and not (root / PACK_FILE).is_file():
            # A part of a pack: its own rules and libraries hold for it too.
            bare = self._pack(around / PACK_FILE)
            for path in self._below(around / LIBRARY) if (around / LIBRARY).is_dir() else ():
                self._files[path] = bare
        self._add(root, bare)

    def _add(self, root: Path, bare: Pack) -> None:
        """Add what lies below ``root``; ``bare`` is the pack of what lies in none of its own."""
        files = self.files_of(root)
        packs = {root: bare}
        if files.is_dir(root):
            packs |= {
                file.parent: self._pack(file)
                for file in files.below(root, PACK_FILE)
                if file.name == PACK_FILE
            }
        sets = set_folders(root, files) if files.is_dir(root) and ".sentinel" in self._engine.suffixes else []
        for folder in sets:
            self._add_set(folder, next((packs[p] for p in (folder, *folder.parents) if p in packs), bare))
        for path in [] if files.is_file(root) and is_test(root) else self._below(root):
            if path.suffix == ".sentinel" and any(path.is_relative_to(folder) for folder in sets):
                continue  # a set says itself which policies there are
            if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
                self.errors.append(PackError(f"a link that leaves {root}", Position(path)))
                continue
            owner = next((packs[p] for p in (path, *path.parents) if p in packs), bare)
            self._files[path] = owner
        used = [*self._files.values(), *(pack for _, pack in self._set_packs)]
        self._packs += [p for p in packs.values() if p is not bare or p in used or root in self._bundles]

    @property
    def set_sources(self) -> frozenset[Path]:
        """The files of the policies of all Sentinel policy sets."""
        return frozenset(entry.source for one, _ in self._set_packs for entry in one.config.policies)

    def bundle_of(self, path: Path) -> Bundle | None:
        """The bundle that a file lies in."""
        return next((one for root, one in self._bundles.items() if path.is_relative_to(root)), None)

    def files_of(self, path: Path) -> Files:
        """Where a file is read from."""
        bundle = self.bundle_of(path)
        return DISK if bundle is None else bundle.files

    def _with_data(self, pack: Pack) -> Pack:
        """A pack with what the bundle around it brings."""
        bundle = self.bundle_of(pack.root)
        if bundle is None:
            return pack
        return replace(pack, parameters={**bundle.parameters, **pack.parameters}, data=bundle.data)

    def add_checkout(self, name: str, pinned: PolicyCheckout) -> None:
        """Add what lies in a git checkout, which must be at its commit, and hold what that has."""
        option = f"policies.checkouts.{name}"
        if not pinned.path.exists():
            self.wrong(f"{option}.path", f"there is no such file or folder: {pinned.path}")
            return
        files, sets, packs = set(self._files), len(self._set_packs), len(self._packs)
        self.add(pinned.path)
        try:
            checkout = read_checkout(pinned, f"{option}.ref")
        except PackError as error:
            self.errors.append(error)
            return
        self._checkouts[name] = checkout
        read = {pinned.path} if is_archive(pinned.path) else self._files.keys() - files
        read |= {file for one, _ in self._set_packs[sets:] for file in one.files}
        read |= {f for pack in self._packs[packs:] if (f := pack.root / PACK_FILE).is_file()}
        self.errors += checkout.differences(read)

    def _set(self, folder: Path) -> SentinelSet:
        if folder not in self._sets:
            self._sets[folder] = read_set(folder, self.files_of(folder))
        return self._sets[folder]

    def _add_set(self, folder: Path, around: Pack) -> None:
        """Add a Sentinel policy set; ``around`` is the pack it lies in, or is."""
        found = self._set(folder)
        pack = (
            around
            if around.root == folder
            else replace(around, id=folder.name, title=folder.name, root=folder)
        )
        self.errors += found.errors
        self._set_packs.append((found, pack))
        if pack is not around:
            self._packs.append(pack)

    def _owned(self, modules: Iterable[CheckedModule]) -> None:
        """What in a bundle is not the bundle's. A manifest speaks of Rego alone."""
        for module in modules:
            bundle = self.bundle_of(module.module.path)
            if bundle is None or module.module.path.suffix == ".sentinel":
                continue
            if not bundle.owns(module.package):
                what = f"package {module.package} is outside the roots of the manifest ({', '.join(bundle.roots)})"
                self.errors.append(PackError(what, Position(module.module.path, 1, 1)))
            at: Any = bundle.data
            for part in module.package.split("."):
                at = at.get(part) if isinstance(at, Mapping) else None
            if at is not None:
                what = f"the bundle has data where package {module.package} is"
                self.errors.append(PackError(what, Position(module.module.path, 1, 1)))

    def _below(self, root: Path) -> list[Path]:
        return policy_files(root, self._engine.suffixes, self.files_of(root))

    def _pack(self, file: Path) -> Pack:
        files = self.files_of(file)
        name = _called(file.parent)
        pack = Pack(id=name, title=name, root=file.parent)
        text = ""
        try:
            text = files.text(file)
            values, places = load_yaml(text, file)
        except PackError as error:
            self.errors.append(error)
            self._unmade.append(text)
            return self._with_data(pack)
        reader = Reader(Declared(values=values, where=lambda key: Position(file, *places.get(key, (1, 1)))))
        reader.unknown_keys(PACK_KEYS)
        policies: dict[str, Declared] = {}
        for stem, entry in reader.mapping("policies").items():
            if not isinstance(entry, Mapping):
                reader.wrong(f"policies.{stem}", f"`policies.{stem}` must be a mapping")
                continue

            def where(key: str, stem: str = stem) -> Position:
                whole = places.get(f"policies.{stem}", (1, 1))
                return Position(file, *places.get(f"policies.{stem}.{key}", whole))

            policies[stem] = Declared(values=entry, where=where)
            names = [f"{stem}{suffix}" for suffix in self._engine.suffixes]
            is_set = any(files.is_file(file.parent / name) for name in SET_FILES)
            if not (is_set and stem in self._set(file.parent).names) and not any(
                path.name in names for path in files.below(file.parent, *names)
            ):
                said = " or ".join(f"{stem}{suffix}" for suffix in self._engine.suffixes)
                reader.wrong(f"policies.{stem}", f"there is no {said} in this pack")
        pack = Pack(
            id=reader.text("id", name),
            title=reader.text("title", name),
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
        return self._with_data(pack)

    def finish(self, settings: PolicySettings) -> PolicySet:
        """Check everything and make the set. Raises PolicyErrors."""
        modules: list[Module] = []
        for path in self._files:
            try:
                modules.append(self.files_of(path).module(path))
            except PackError as error:
                self.errors.append(error)
        checked = self._engine.check(modules)
        self.errors += checked.errors
        self._owned(checked.modules)
        made = {one.module.path for one in checked.modules}
        self._unmade += (self._named(module) for module in modules if module.path not in made)
        compiled = [*self._compile(checked.modules, settings), *self._compile_sets(settings)]
        self._duplicates(compiled)
        ids, packs = {c.policy.id for c in compiled}, {pack.id for pack in self._packs}
        self.errors += meaning_nothing(settings, ids, packs, self._unmade)
        if self.errors:
            raise PolicyErrors(tuple(self.errors))
        kept = [self._with_commit(c) for c in compiled if not matches(settings.disabled, c.policy.id)]
        return PolicySet(kept, self._packs, {name: one.commit for name, one in self._checkouts.items()})

    def _with_commit(self, compiled: CompiledPolicy) -> CompiledPolicy:
        """The policy with the commit of the checkout it is from."""
        for one in self._checkouts.values():
            if compiled.policy.path.is_relative_to(one.folder):
                return replace(compiled, policy=replace(compiled.policy, commit=one.commit))
        return compiled

    def _named(self, module: Module) -> str:
        """The text in which the id of a module that did not parse stands, be it in the module or in its pack."""
        declared = self._files[module.path].policies.get(module.path.stem)
        return module.text if declared is None else f"{module.text}\n{declared.values.get('id', '')}"

    def _compile(
        self, modules: Sequence[CheckedModule], settings: PolicySettings
    ) -> Iterator[CompiledPolicy]:
        shared = Counter((self._files[m.module.path].root, m.package) for m in modules if decides(m))
        libraries: dict[Path, list[CheckedModule]] = {}
        for module in modules:
            if not decides(module):
                libraries.setdefault(self._files[module.module.path].root, []).append(module)
        near = {root: Neighbourhood(found) for root, found in libraries.items()}
        for module in modules:
            if not decides(module):
                continue
            pack = self._files[module.module.path]
            declared = pack.policies.get(module.module.path.stem) or declared_in(module)
            defaults = assumed(module, pack.phase, pack.absent_block)
            if shared[pack.root, module.package] > 1:
                defaults = replace(defaults, id=f"{module.package}.{module.module.path.stem}")
            group = near.get(pack.root, NOBODY).closure(module)
            yield from self._made(group, declared, defaults, pack, settings)

    def _compile_sets(self, settings: PolicySettings) -> Iterator[CompiledPolicy]:
        for one, pack in self._set_packs:
            checked = self._engine.check(one.modules)
            self.errors += checked.errors
            modules = {module.module.path: module for module in checked.modules}
            for member in one.members():
                group = tuple(modules[path] for path in member.files if path in modules)
                if len(group) == len(member.files):
                    yield from self._member(member, group, pack, settings)
                else:
                    self._unmade.append(f"{pack.id}.{member.entry.name}")

    def _member(
        self, member: Member, group: tuple[CheckedModule, ...], pack: Pack, settings: PolicySettings
    ) -> Iterator[CompiledPolicy]:
        entry, module = member.entry, group[0]
        if not decides(module):
            self.errors.append(
                PackError(f'the policy "{entry.name}" has no main: {entry.source}', entry.where)
            )
            return
        defaults = assumed(module, pack.phase, pack.absent_block)
        title = entry.name.replace("_", " ").replace("-", " ").strip().capitalize()
        defaults = replace(defaults, id=f"{pack.id}.{entry.name}", title=title)
        declared = (
            pack.policies.get(entry.name) or pack.policies.get(entry.source.stem) or declared_in(module)
        )
        for compiled in self._made(group, declared, defaults, pack, settings, member.membership):
            known = module.parameters or {}
            unknown = sorted(entry.params.keys() - known.keys())
            if unknown:
                what = f'the policy "{entry.name}" has no parameter "{unknown[0]}"; it has {", ".join(known) or "none"}'
                self.errors.append(PackError(what, entry.where))
            for name in (n for n, needed in known.items() if needed and n not in compiled.policy.parameters):
                what = f'the policy "{entry.name}" needs the parameter "{name}", which has no default'
                hint = (
                    f"Give it in `params`, or in the configuration: policies.parameters.{compiled.policy.id}."
                )
                self.errors.append(PackError(what, entry.where, hint=hint))
            yield compiled

    def _made(
        self,
        group: tuple[CheckedModule, ...],
        declared: Declared | None,
        defaults: Metadata,
        pack: Pack,
        settings: PolicySettings,
        membership: Membership | None = None,
    ) -> Iterator[CompiledPolicy]:
        module = group[0]
        metadata = defaults
        if declared is not None:
            metadata, errors = read(module, declared, defaults)
            self.errors += errors
        where = Position(module.module.path, 1, 1)
        try:
            compiled = compile_policy(group, metadata, pack, self._engine.version, settings, membership)
        except Unencodable as error:
            what = f"what {metadata.id} is given cannot be used: {error}"
            self.errors.append(PackError(what.replace("the document", "it"), where))
            return
        if "*" in compiled.policy.joins:
            what = "it is not clear which types this policy joins: it takes them from data.inventory by a variable"
            hint = "Say so below `custom:` in its METADATA: `joins: [aws.vpc]`."
            self.errors.append(PackError(what, where, hint=hint))
        if compiled.denies and aimless(compiled.policy):
            what = "it is not clear which resources this policy judges"
            hint = (
                "Say so below `custom:` in its METADATA: `types: [aws.s3_bucket]` or `terraform_types: […]`."
            )
            if membership is not None:
                hint += " Or in a pack.yaml beside sentinel.hcl, below `policies:` and the policy's name."
            self.errors.append(PackError(what, where, hint=hint))
        yield compiled

    def _duplicates(self, compiled: Sequence[CompiledPolicy]) -> None:
        first: dict[str, CompiledPolicy] = {}
        for one in compiled:
            other = first.setdefault(one.policy.id, one)
            if other is not one:
                what = f"policy id `{one.policy.id}` is already taken by {other.policy.path}"
                self.errors.append(PackError(what, Position(one.policy.path, one.policy.line, 1)))
