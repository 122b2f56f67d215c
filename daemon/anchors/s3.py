"""Notes as objects under S3 Object Lock: one each, named by the number of its last entry, undeletable until its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from config.ledger import S3Anchor
from daemon.anchors.anchor import AnchorFailed
from providers.aws.objectlock import LockedBucket
from providers.errors import Conflict, ProviderError
from storage.notes import Note, notes_in


class S3:
    """Notes in a bucket."""

    readable = True
    remembers = True
    most = 1_000

    def __init__(self, settings: S3Anchor) -> None:
        self._settings = settings
        self._bucket = LockedBucket(settings)
        self._known: dict[str, Note] = {}

    @property
    def place(self) -> str:
        """The bucket and what the keys begin with."""
        return f"s3://{self._settings.bucket}/{self._settings.prefix}"

    def append(self, note: Note) -> None:
        """Write an object. One of that name is either the same note, whose answer was lost, or somebody else's: told."""
        name = _name(note)
        try:
            self._bucket.put(name, (note.line() + "\n").encode(), note.at + self._settings.retain)
        except Conflict as error:
            there = self._at(name)
            if there is None or (there.seq, there.hash) != (note.seq, note.hash):
                raise AnchorFailed(
                    f"{self.place}{name} was written by somebody else.",
                    hint="Compare: `watchstander audit verify`. Find out who may write to the bucket.",
                ) from error
        except ProviderError as error:
            raise self._failed(error) from error
        self._known[note.ledger] = note

    def newest(self, ledger: str) -> Note | None:
        """The note in the last object."""
        known = self._known.get(ledger)
        try:
            behind = self._bucket.names(f"{ledger}/", after=_name(known) if known else None)
            last = next(iter(deque(behind, maxlen=1)), None)
        except ProviderError as error:
            raise self._failed(error) from error
        if last is None:
            return known
        found = self._note(*last)
        if found is not None:
            self._known[ledger] = found
        return found

    def lines(self) -> Iterator[str]:
        """The lines of all objects."""
        try:
            for name, version in self._bucket.names():
                yield from self._bucket.get(name, version).decode("utf-8", "replace").splitlines()
        except ProviderError as error:
            raise self._failed(error) from error

    def _at(self, name: str) -> Note | None:
        try:
            version = dict(self._bucket.names(name)).get(name)
            return self._note(name, version) if version is not None else None
        except ProviderError as error:
            raise self._failed(error) from error

    def _note(self, name: str, version: str) -> Note | None:
        try:
            text = self._bucket.get(name, version).decode("utf-8", "replace")
        except ProviderError as error:
            raise self._failed(error) from error
        return next(notes_in(text.splitlines()), None)

    def _failed(self, error: ProviderError) -> AnchorFailed:
        hint = error.hint
        if error.code in ("InvalidRequest", "ObjectLockConfigurationNotFoundError"):
            hint = "Object Lock must be on: it is chosen when a bucket is made, and cannot be emulated by a policy."
        return AnchorFailed(f"{self.place}: {error.message}", hint=hint)


def _name(note: Note) -> str:
    # In the order of the entries, as the bucket lists them.
    return f"{note.ledger}/{note.seq:015d}.txt"
