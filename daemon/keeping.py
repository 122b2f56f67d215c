"""The daily letting go of what the retention rules do not keep: in a thread of its own, by one daemon of those on a database."""

from __future__ import annotations

import threading
from datetime import datetime

import structlog

from config.settings import RetentionSettings
from storage.database import Database
from storage.errors import StorageError
from storage.retention import prune, take_turn

log = structlog.get_logger("watchstander.keeping")


class Keeping:
    """Asked at every beat; once a day it begins a run. A run that fails is told and begun again the next day."""

    def __init__(self, database: Database, actor: str, stop: threading.Event) -> None:
        self._database = database
        self._actor = actor
        self._stop = stop
        self._thread: threading.Thread | None = None

    def tick(self, rules: RetentionSettings, now: datetime) -> None:
        """Begin the daily run if it is time. Raises StorageError."""
        if not rules.enabled or (self._thread is not None and self._thread.is_alive()):
            return
        if take_turn(self._database, now):
            self._thread = threading.Thread(target=self._run, args=(rules, now), name="keeping")
            self._thread.start()

    def wait(self) -> None:
        """Until no run is under way; one ends soon after ``stop`` is set."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, rules: RetentionSettings, now: datetime) -> None:
        try:
            done = prune(
                self._database, rules, now, actor=self._actor, progress=lambda _: not self._stop.is_set()
            )
        except StorageError as error:
            log.error(f"The past could not be thinned: {error}", key="retention-failed")
            return
        if any(done.removed.values()):
            log.info(
                f"Let go of {done.removed['versions']} versions that no kept moment needs; "
                f"{done.versions_after} are left, {len(done.proofs)} kept moments answer as before.",
                key="retention",
                complete=done.complete,
            )
