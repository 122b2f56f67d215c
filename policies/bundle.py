"""OPA bundles: a ``.tar.gz`` with ``.manifest``, data and policies, or a folder that has a ``.manifest``.

Either is read once. An archive is read in memory and never unpacked, so nothing in it can reach outside; its size is bounded
while it is decompressed. Files in it are called ``bundle.tar.gz/path/in/it`` in errors.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from config.settings import BundleKey
from policies.errors import PackError, PolicyError, Position
from policies.files import HeldFiles
from policies.signatures import MANIFEST, SIGNATURES, verify
from policies.yaml import load_yaml

SUFFIXES: Final = (".tar.gz", ".tgz")
MOST_BYTES: Final = 64 << 20
"""Of an archive, decompressed, headers and padding included."""
MOST_FILES: Final = 10_000
OURS: Final = frozenset({"inventory", "related", "exceptions"})
"""Names below ``data`` that Watchstander gives itself."""
_WANTED: Final = (".rego", ".sentinel", ".hcl", ".json", ".yaml", ".yml", MANIFEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a bundle holds."""

    root: Path
    files: HeldFiles
    """Policies, packs, policy sets and tests, as they were when the signature was checked."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What its policies see below ``data``, without ``parameters``."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """``data.parameters`` of the bundle: defaults, to be changed in the configuration."""
    roots: tuple[str, ...] = ("",)
    """The paths the bundle owns, as its manifest says."""
    revision: str = ""

    def owns(self, package: str) -> bool:
        """Whether a package (dotted) lies below one of the roots."""
        return _owned(tuple(package.split(".")), self.roots)


def is_archive(path: Path) -> bool:
    """Whether a path is named like a packed bundle."""
    return path.name.endswith(SUFFIXES)


def read_bundle(root: Path, keys: Mapping[str, BundleKey]) -> tuple[Bundle, tuple[PolicyError, ...]]:
    """A packed bundle, or a folder with a manifest, and everything that is wrong with it. ``keys`` check its signature;
    of one that does not hold, nothing is looked at."""
    reading = _Reading(root)
    try:
        members = dict(_members(root) if is_archive(root) else _below(root))
        signed = _signatures(root, members.pop(PurePosixPath(SIGNATURES), None))
    except PackError as error:
        return Bundle(root=root, files=HeldFiles(root, {})), (error,)
    if unproven := verify(root, signed, members, keys):
        return Bundle(root=root, files=HeldFiles(root, {})), tuple(unproven)
    return reading.run(members), tuple(reading.errors)


class _Reading:
    """One bundle being read; what is wrong is gathered."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.errors: list[PolicyError] = []
        self._data: dict[str, Any] = {}
        self._files = HeldFiles(root, {})

    def run(self, members: Mapping[PurePosixPath, bytes]) -> Bundle:
        """The bundle."""
        manifest: Mapping[str, Any] = {}
        files = self._files = HeldFiles(self._root, members)
        held: list[tuple[PurePosixPath, Any]] = []
        for name in sorted(members):
            if name == PurePosixPath(MANIFEST):
                manifest = self._object(self._root / name)
            elif name.name in ("data.json", "data.yaml", "data.yml"):
                held.append((name, self._object(self._root / name)))
        roots = self._roots(manifest)
        for name, value in sorted(held, key=lambda one: len(one[0].parts)):
            self._add(name, value, roots)
        parameters = self._data.pop("parameters", {})
        if not isinstance(parameters, Mapping):
            self._wrong(self._root / "data.json", "`parameters` must be an object", ("parameters",))
            parameters = {}
        for taken in sorted(OURS & self._data.keys()):
            what = f"the bundle brings data.{taken}, which Watchstander gives itself; give it another name"
            self.errors.append(PackError(what, Position(self._root)))
        return Bundle(
            root=self._root,
            files=files,
            data=self._data,
            parameters=parameters,
            roots=roots,
            revision=str(manifest.get("revision", "")),
        )

    def _wrong(self, path: Path, what: str, keys: tuple[str, ...] = ()) -> None:
        """Note what is wrong with the value below ``keys`` in a file, or with all of it."""
        self.errors.append(PackError(what, self._place(path, keys)))

    def _place(self, path: Path, keys: tuple[str, ...]) -> Position:
        """Where a key of a file stands; its beginning where that cannot be told."""
        if not keys or not self._files.is_file(path):
            return Position(path, 1, 1)
        try:
            places = load_yaml(self._files.text(path), path)[1]  # JSON is YAML, and only YAML tells places
        except PackError:
            return Position(path, 1, 1)
        return Position(path, *places.get(".".join(keys), (1, 1)))

    def _object(self, path: Path) -> Mapping[str, Any]:
        try:
            text = self._files.text(path)
            value = load_yaml(text, path)[0] if path.suffix in (".yaml", ".yml") else json.loads(text)
        except PackError as error:
            self.errors.append(error)
            return {}
        except json.JSONDecodeError as error:
            self.errors.append(PackError(f"not JSON: {error.msg}", Position(path, error.lineno, error.colno)))
            return {}
        except RecursionError:
            self._wrong(path, "nests too deeply to be read")
            return {}
        if isinstance(value, Mapping):
            return value
        self._wrong(path, "must be an object")
        return {}

    def _roots(self, manifest: Mapping[str, Any]) -> tuple[str, ...]:
        roots = manifest.get("roots")
        if roots is None:
            return ("",)
        if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
            self._wrong(self._root / MANIFEST, "`roots` must be a list of texts", ("roots",))
            return ("",)
        return tuple(root.strip("/") for root in roots)

    def _add(self, name: PurePosixPath, value: Mapping[str, Any], roots: tuple[str, ...]) -> None:
        """Put the data of one file where its folder says."""
        folders = name.parts[:-1]
        for parts in _leaves(folders, value, roots):
            if not _owned(parts, roots):
                what = f"data.{'.'.join(parts)} is outside the roots of the manifest ({', '.join(roots)})"
                self._wrong(self._root / name, what, parts[len(folders) :])
                return
        nested: Any = value
        for folder in reversed(folders):
            nested = {folder: nested}
        twice = _merge(self._data, nested)
        if twice is not None:
            within = tuple(twice.split("."))[len(folders) :]
            self._wrong(self._root / name, f"data.{twice} is given twice", within)


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> str | None:
    """Put one object into another, deeply; the first path that both give, or None."""
    for key, value in more.items():
        if key not in into:
            into[str(key)] = value
        elif isinstance(into[key], dict) and isinstance(value, Mapping):
            inner = _merge(into[key], value)
            if inner is not None:
                return f"{key}.{inner}"
        else:
            return str(key)
    return None


def _owned(parts: tuple[str, ...], roots: tuple[str, ...]) -> bool:
    for root in roots:
        wanted = tuple(root.split("/")) if root else ()
        if parts[: len(wanted)] == wanted:
            return True
    return False


def _leaves(folders: tuple[str, ...], value: Any, roots: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of a value that are not a part of the way to a root."""
    on_the_way = any(tuple(root.split("/"))[: len(folders)] == folders for root in roots if root)
    if on_the_way and isinstance(value, Mapping) and not _owned(folders, roots):
        for key, item in value.items():
            yield from _leaves((*folders, str(key)), item, roots)
    else:
        yield folders


def _signatures(root: Path, content: bytes | None) -> Mapping[str, Any] | None:
    """What ``.signatures.json`` says. Raises PackError."""
    if content is None:
        return None
    where = root / SIGNATURES
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        raise PackError(f"not JSON: {error.msg}", Position(where, error.lineno, error.colno)) from None
    except (UnicodeDecodeError, RecursionError):
        raise PackError("not JSON", Position(where)) from None
    if not isinstance(value, Mapping):
        raise PackError("must be an object", Position(where))
    return value


def _below(root: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of an unpacked bundle: those that matter, and all where they are signed."""
    signed = (root / SIGNATURES).exists()
    for path in sorted(root.rglob("*")):
        if (signed or path.name.endswith(_WANTED)) and path.is_file():
            if not path.resolve().is_relative_to(root.resolve()):
                raise PackError("a link that leaves the bundle", Position(path))
            try:
                yield PurePosixPath(path.relative_to(root)), path.read_bytes()
            except OSError as error:
                raise PackError(f"cannot be read: {error.strerror}", Position(path)) from None


def _members(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of a packed bundle. Raises PackError."""
    seen: set[PurePosixPath] = set()
    try:
        with gzip.open(archive, "rb") as stream:
            bounded: Any = _Bounded(stream, archive)
            with tarfile.open(fileobj=bounded, mode="r|") as tar:
                for member in tar:
                    name = _name(archive, member)
                    if not member.isfile():
                        continue
                    if name in seen:
                        raise PackError("it is in the archive twice", Position(archive / name))
                    seen.add(name)
                    if len(seen) > MOST_FILES:
                        raise PackError(f"has more than {MOST_FILES} files", Position(archive))
                    content = tar.extractfile(member)
                    if content is not None:
                        yield name, content.read()
    except gzip.BadGzipFile:
        raise PackError(
            "is no bundle: it does not begin as a gzipped tar archive does", Position(archive)
        ) from None
    except OSError as error:
        raise PackError(f"cannot be read: {error.strerror or error}", Position(archive)) from None
    except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        what = f"is no bundle (a gzipped tar archive), or is damaged: {error}"
        raise PackError(what, Position(archive)) from None


def _name(archive: Path, member: tarfile.TarInfo) -> PurePosixPath:
    """The path of a member, which stays inside. Raises PackError for what may not be in a bundle."""
    name = PurePosixPath(member.name)
    if name.is_absolute() and ".." not in name.parts:
        name = name.relative_to("/")  # `opa build` writes paths with a leading slash
    if ".." in name.parts or "\0" in member.name:
        raise PackError(f"has a file outside itself: {member.name!r}", Position(archive))
    if not member.isfile() and not member.isdir():
        kind = "link" if member.issym() or member.islnk() else "special file"
        raise PackError(f"has a {kind}, which a bundle may not: {member.name!r}", Position(archive))
    return name


class _Bounded(io.RawIOBase):
    """A stream that gives no more than :data:`MOST_BYTES`."""

    def __init__(self, stream: gzip.GzipFile, archive: Path) -> None:
        self._stream = stream
        self._archive = archive
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Raises PackError beyond the bound, before anything of that size is made."""
        part = self._stream.read(min(size if size >= 0 else MOST_BYTES, self._left + 1))
        self._left -= len(part)
        if self._left < 0:
            raise PackError(f"holds more than {MOST_BYTES >> 20} MiB", Position(self._archive))
        return part
