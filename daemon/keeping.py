"""What is done once a day, in a thread of its own, by one daemon of those on a database: making the partitions of the months to
come, letting go of what the retention rules do not keep, training dictionaries anew where that pays; and the search index."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import structlog

from config.settings import RetentionSettings
from storage import search
from storage.database import Database
from storage.errors import StorageError
from storage.partitions import make_ahead
from storage.retention import prune, take_turn
from storage.retraining import retrain

DAY = timedelta(days=1)

AHEAD = "partitions.last"
log = structlog.get_logger("watchstander.keeping")


class Keeping:
    """Asked at every beat; once a day it begins a run. Whether a dictionary is worth looking at, the database says, so that
    several daemons looking cost a query each. A run that fails is told and begun again the next day."""

    def __init__(self, database: Database, actor: str, stop: threading.Event) -> None:
        self._database = database
        self._actor = actor
        self._stop = stop
        self._thread: threading.Thread | None = None
        self._trained: datetime | None = None

    def tick(self, rules: RetentionSettings, now: datetime) -> None:
        """Begin the daily run if it is time. Raises StorageError."""
        if self._thread is not None and self._thread.is_alive():
            return
        ahead = not self._database.sqlite and take_turn(self._database, now, AHEAD)
        thin = rules.enabled and take_turn(self._database, now)
        # A clock set back must not stop it for as long as it was ahead.
        train = self._trained is None or not timedelta(0) <= now - self._trained < DAY
        if ahead or thin or train or search.pending(self._database):
            self._trained = now
            self._thread = threading.Thread(
                target=self._run, args=(rules if thin else None, now), name="keeping"
            )
            self._thread.start()

    def wait(self) -> None:
        """Until no run is under way; one ends soon after ``stop`` is set."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, rules: RetentionSettings | None, now: datetime) -> None:
        self._prepare(now)
        if rules is not None:
            self._thin(rules, now)
        try:
            retrain(self._database, now, progress=lambda _: not self._stop.is_set())
        except StorageError as error:
            log.error(f"Dictionaries could not be trained anew: {error}", key="retraining-failed")

    def _prepare(self, now: datetime) -> None:
        """Partitions and the search index; nothing to do on SQLite."""
        try:
            make_ahead(self._database, now)
        except StorageError as error:
            # Whoever first ends a version in a month makes its partition then.
            log.error(f"The next months' partitions could not be made: {error}", key="partitions-failed")
        try:
            search.settle(self._database, now, progress=lambda _: not self._stop.is_set())
        except StorageError as error:
            # What was taken in stays; the next beat goes on.
            log.error(f"The search index could not be made what is wanted: {error}", key="search-failed")

    def _thin(self, rules: RetentionSettings, now: datetime) -> None:
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
