"""Notes as git notes. The newest stands on a commit; the history of the notes' ref, which each note makes a commit of, holds
them all, so that one that is overwritten or removed later is still there to be read.

The ``git`` command does it, since it brings every way to reach a remote and prove who one is.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from typing import IO

from config.ledger import GitAnchor
from daemon.anchors.anchor import AnchorFailed
from storage.notes import WORD, Note, notes_in

_TIMEOUT = 30
_NEAR = 20
"""How many of the newest commits are looked at for the newest note, before all are."""
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "watchstander",
    "GIT_AUTHOR_EMAIL": "watchstander@localhost",
    "GIT_COMMITTER_NAME": "watchstander",
    "GIT_COMMITTER_EMAIL": "watchstander@localhost",
}


class Git:
    """Notes in a git repository."""

    readable = True
    remembers = True
    most = 1_000

    def __init__(self, settings: GitAnchor) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        """The repository, its remote and the ref."""
        wanted = self._settings
        where = f"{wanted.remote} of {wanted.repository}" if wanted.remote else str(wanted.repository)
        return f"{wanted.ref} in {where}"

    def append(self, note: Note) -> None:
        """Add a note, and push it where there is a remote."""
        wanted = self._settings
        self._follow()
        before = self._tip(wanted.ref)
        # Over standard input: a note may be longer than one argument may be.
        self._git("notes", "--ref", wanted.ref, "add", "-f", "-F", "-", wanted.commit, given=note.line())
        if wanted.remote is None:
            return
        try:
            self._git("push", "--quiet", wanted.remote, f"{wanted.ref}:{wanted.ref}")
        except AnchorFailed:
            # What was not taken by the remote is not noted: the next try begins where the remote is.
            if before is None:
                self._git("update-ref", "-d", wanted.ref)
            else:
                self._git("update-ref", wanted.ref, before)
            raise

    def newest(self, ledger: str) -> Note | None:
        """The furthest note among the newest commits of the ref, or in all of its history."""
        found = _furthest(self._log("-n", str(_NEAR)), ledger)
        return found or _furthest(self.lines(), ledger)

    def lines(self) -> Iterator[str]:
        """Every line that was ever added to the ref, oldest first; with a remote, to the remote's."""
        return self._log("--reverse")

    def _log(self, *options: str) -> Iterator[str]:
        tip = self._remote_tip() if self._settings.remote else self._tip(self._settings.ref)
        if tip is None:
            return
        command = [
            "log",
            *options,
            "-p",
            "-m",
            "--format=",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            tip,
        ]
        with subprocess.Popen(  # noqa: S603 - arguments of the configuration, checked there; no shell
            self._command(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=os.environ | _ENVIRONMENT,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            limit = threading.Timer(_TIMEOUT, process.kill)
            limit.start()
            try:
                yield from (line[1:] for line in _added(process.stdout))
                trouble = process.stderr.read()
            finally:
                limit.cancel()
                process.kill()
        if process.returncode:
            raise self._failed(trouble or "it did not end in time")

    def _follow(self) -> None:
        """Take over what others pushed, where our own notes are all in it. Where the remote lacks some of ours, the push
        brings them; where both have what the other has not, the push is refused, and that is told."""
        wanted = self._settings
        theirs = self._remote_tip() if wanted.remote else None
        if theirs is None:
            return
        ours = self._tip(wanted.ref)
        if ours is None or self._is_ancestor(ours, theirs):
            self._git("update-ref", wanted.ref, theirs)

    def _remote_tip(self) -> str | None:
        """The newest commit of the remote's ref, fetched; None where it has none."""
        wanted = self._settings
        assert wanted.remote is not None
        listed = self._git("ls-remote", wanted.remote, wanted.ref).split()
        if not listed:
            return None
        self._git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", wanted.remote, wanted.ref)
        return listed[0]

    def _tip(self, ref: str) -> str | None:
        self._git("rev-parse", "--git-dir")  # no repository at all is a failure; no such ref is none
        return self._git("for-each-ref", "--format=%(objectname)", ref) or None

    def _is_ancestor(self, one: str, other: str) -> bool:
        return self._git("merge-base", one, other) == one if one != other else True

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self._settings.repository), *arguments]

    def _git(self, *arguments: str, given: str = "") -> str:
        try:
            done = subprocess.run(  # noqa: S603 - as above
                self._command(*arguments),
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                env=os.environ | _ENVIRONMENT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"`git {arguments[0]}` took more than {_TIMEOUT} s") from error
        except OSError as error:
            raise self._failed(
                "the git command is not installed" if error.errno == 2 else str(error)
            ) from error
        if done.returncode:
            raise self._failed(done.stderr)
        return done.stdout.strip()

    def _failed(self, why: str) -> AnchorFailed:
        first = next((line.strip() for line in why.splitlines() if line.strip()), "it failed")
        return AnchorFailed(
            f"{self.place}: {first.removeprefix('fatal: ').rstrip('.')}.",
            hint="It must be a repository with a commit that the daemon's user may write to (and push from).",
        )


def _added(lines: IO[str]) -> Iterator[str]:
    """The added lines that hold a note; deleted ones begin with ``-``."""
    return (line for line in lines if line.startswith(f"+{WORD} "))


def _furthest(lines: Iterator[str], ledger: str) -> Note | None:
    return max((n for n in notes_in(lines) if n.ledger == ledger), key=lambda n: n.seq, default=None)
