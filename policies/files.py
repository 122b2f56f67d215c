"""Where the files of policies are read from, and which of a folder are policies, tests and packs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from policies.engine import Module
from policies.errors import PackError, Position

BUILT_IN: Final = Path(__file__).parent / "packs"
PACK_FILE: Final = "pack.yaml"
LIBRARY: Final = "lib"
"""The folder of a pack whose modules are shared."""
MOST_BYTES: Final = 64 << 20
"""Of one file."""


class Files:
    """The files of the disk."""

    def is_file(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path.is_file()

    def is_dir(self, path: Path) -> bool:
        """Whether there is such a folder."""
        return path.is_dir()

    def below(self, root: Path, *endings: str) -> list[Path]:
        """Every file in a folder and the folders in it whose name ends so, in a stable order."""
        return sorted(path for ending in endings for path in root.rglob(f"*{ending}"))

    def within(self, folder: Path) -> list[Path]:
        """Every file that lies in a folder itself, in a stable order."""
        return sorted(path for path in folder.iterdir() if path.is_file())

    def read(self, path: Path, most: int = MOST_BYTES) -> bytes:
        """What is in a file of at most so many bytes. Raises PackError."""
        content = self._first(path, most + 1)
        if len(content) > most:
            raise PackError(f"the file is larger than {most >> 20} MiB", Position(path))
        return content

    def _first(self, path: Path, count: int) -> bytes:
        """The first bytes of a file. Raises PackError."""
        try:
            with path.open("rb") as stream:
                return stream.read(count)
        except OSError as error:
            raise PackError(f"cannot be read: {error.strerror or error}", Position(path)) from None

    def text(self, path: Path) -> str:
        """The same as text, without a byte order mark. Raises PackError."""
        content = self.read(path)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = content[: error.start].decode("utf-8-sig", "replace").split("\n")
            where = Position(path, len(before), len(before[-1]) + 1)
            raise PackError(f"is not UTF-8 text (byte 0x{content[error.start]:02x})", where) from None

    def module(self, path: Path) -> Module:
        """A source file. Raises PackError."""
        return Module(path=path, text=self.text(path))


DISK: Final = Files()


class HeldFiles(Files):
    """The files of a bundle, which was read once and as a whole. Nothing outside it is there."""

    def __init__(self, root: Path, contents: Mapping[PurePosixPath, bytes]) -> None:
        self._root = root
        self._contents = contents

    def _name(self, path: Path) -> PurePosixPath:
        """Where in the bundle a path leads; what leaves it keeps its leading ``..``, which nothing in a bundle has."""
        return PurePosixPath(os.path.relpath(path, self._root))

    def is_file(self, path: Path) -> bool:
        """Whether the bundle has such a file."""
        return self._name(path) in self._contents

    def is_dir(self, path: Path) -> bool:
        """Whether files of the bundle lie there."""
        folder = self._name(path)
        return any(folder in name.parents for name in self._contents)

    def below(self, root: Path, *endings: str) -> list[Path]:
        """As on the disk."""
        folder = self._name(root)
        return [
            self._root / name
            for name in sorted(self._contents)
            if name.name.endswith(endings) and folder in name.parents
        ]

    def within(self, folder: Path) -> list[Path]:
        """As on the disk."""
        there = self._name(folder)
        return [self._root / name for name in sorted(self._contents) if name.parent == there]

    def _first(self, path: Path, count: int) -> bytes:
        try:
            return self._contents[self._name(path)][:count]
        except KeyError:
            raise PackError("the bundle has no such file", Position(path)) from None


def policy_files(root: Path, suffixes: Sequence[str], files: Files) -> list[Path]:
    """Every file of a folder that may be a policy, in a stable order; the file itself where it is one. What lies in a
    ``test`` folder is Sentinel's cases and mocks."""
    if files.is_file(root):
        return [root]
    return [path for path in files.below(root, *suffixes) if not is_test(path) and not _is_mock(path, root)]


def _is_mock(path: Path, root: Path) -> bool:
    return path.suffix == ".sentinel" and "test" in path.relative_to(root).parts[:-1]


def is_test(path: Path) -> bool:
    """Whether a Rego file holds tests."""
    return path.stem.endswith("_test") or path.stem.startswith("test_")
