"""Which files of a folder are policies, tests and packs, and how one is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from policies.engine import Module
from policies.errors import PackError, Position

BUILT_IN: Final = Path(__file__).parent / "packs"
PACK_FILE: Final = "pack.yaml"
LIBRARY: Final = "lib"
"""The folder of a pack whose modules are shared."""


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
