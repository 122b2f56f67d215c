"""Git checkouts that the configuration pins to a commit: which one they are at, and whether their files are that commit's.

Only objects of the repository are read, and each file's hash is computed here. So neither the index, in which a change can be
hidden, nor any program that the repository's own configuration names (hooks, filters, monitors) has a part in it, and a
checkout may belong to another user than ours. Nothing is fetched.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.settings import PolicyCheckout
from policies.errors import PackError, Position

_TIMEOUT: Final = 30
_ENVIRONMENT: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # A partial clone would fetch what it lacks.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "LC_ALL": "C",
}
_SUFFIXES: Final = (".rego", ".sentinel", ".hcl", ".json", ".yaml", ".yml", ".manifest")
"""How the files are named that make policies, packs, sets and bundles."""
_LINK: Final = "120000"
_SUBMODULE: Final = "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A folder of a checkout as its commit has it."""

    folder: Path
    commit: str
    """The full hash of HEAD."""
    _entries: Mapping[Path, tuple[str, str]] = field(repr=False)
    """File or link -> its mode and the hash of its blob."""

    def differences(self, read: Iterable[Path]) -> Iterator[PackError]:
        """What of the commit is another now or gone, and which of the files that were ``read`` it does not have."""
        commit = f"commit {self.commit[:12]}"
        for file, (mode, blob) in self._entries.items():
            if _hash(file, mode, len(blob)) != blob:
                what = f"is not what {commit} has" if os.path.lexists(file) else f"is gone; {commit} has it"
                hint = f"Commit the change and name that commit, or take it back: `git -C {self.folder} restore {file}`."
                yield PackError(what, Position(file), hint=hint)
        named = (f for f in self.folder.rglob("*") if f.name.endswith(_SUFFIXES) and not f.is_dir())
        for file in sorted({*named, *read}):
            if file.resolve() not in self._entries:
                what = f"is no file that {commit} has below {self.folder}"
                hint = "Commit it and name that commit, or take it away. No link may lead out of the folder."
                yield PackError(what, Position(file), hint=hint)


def read_checkout(pinned: PolicyCheckout, option: str) -> Checkout:
    """The checkout at the commit it must be at. ``option`` names it in the configuration. Raises PackError where it is at
    another, or where that cannot be told."""
    folder = pinned.path if pinned.path.is_dir() else pinned.path.parent
    where = Position(Path(option))
    head = _git(folder, where, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    try:
        wanted = _git(folder, where, "rev-parse", "--verify", f"{pinned.ref}^{{commit}}").decode().strip()
    except PackError as error:
        what = f"{pinned.ref} names no one commit in the checkout {pinned.path}, which is at {head[:12]}"
        hint = "Fetch it (Watchstander fetches nothing), or write a short hash out in full."
        raise PackError(what, where, hint=hint) from error
    if head != wanted:
        what = f"the checkout {pinned.path} is at commit {head[:12]}, not at {pinned.ref} ({wanted[:12]})"
        hint = f"Check it out (`git -C {folder} checkout {pinned.ref}`), or name the commit that is meant."
        raise PackError(what, where, hint=hint)
    listed = _git(folder, where, "ls-tree", "-r", "-z", head).split(b"\0")
    entries = dict(_entry(folder.resolve(), line) for line in listed if line)
    kept = {file: held for file, held in entries.items() if held[0] != _SUBMODULE}
    return Checkout(folder=folder, commit=head, _entries=kept)


def _entry(folder: Path, line: bytes) -> tuple[Path, tuple[str, str]]:
    about, _, name = line.partition(b"\t")
    mode, _, blob = about.decode().split()
    return folder / os.fsdecode(name), (mode, blob)


def _hash(file: Path, mode: str, digits: int) -> str | None:
    """The hash git gives to a file or link; None where it is neither, or another kind than ``mode`` says."""
    try:
        if file.is_symlink() != (mode == _LINK):
            return None
        content = os.fsencode(file.readlink()) if mode == _LINK else file.read_bytes()
    except OSError:
        return None
    made = hashlib.sha1(usedforsecurity=False) if digits == 40 else hashlib.sha256()
    made.update(b"blob %d\0" % len(content))
    made.update(content)
    return made.hexdigest()


def _git(folder: Path, where: Position, *arguments: str) -> bytes:
    """What a command of git prints that reads objects only. Raises PackError."""
    # Git distrusts another user's repository for the programs its configuration may name; these commands start none.
    safe = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - arguments of the configuration, checked there; no shell
            ["git", "-C", str(folder), *safe, *arguments],  # noqa: S607 - the administrator's PATH
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            env=ours | _ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PackError(f"`git {arguments[0]}` took more than {_TIMEOUT} s in {folder}", where) from None
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        what = "the git command is not installed" if missing else f"git cannot be run: {error.strerror}"
        raise PackError(what, where, hint="It is what tells at which commit a checkout is.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ").splitlines()
        what = f"{folder}: {said[0] if said else 'git failed'}"
        hint = "It must be, or lie in, a git checkout with a commit that the daemon's user may read."
        raise PackError(what, where, hint=hint)
    return done.stdout
