"""When the ledger's heads are noted outside the database: after so many entries, after so long, and at the end.

A thread of its own does it, so that no anchor, however slow, is in the way of reading or containing. An anchor that fails is
told (log, metric, ``/readyz``) and tried again, later each time; the others go on. One whose newest note the ledger no longer
agrees with is told as what it is, and gets no further notes: what it holds is evidence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from config.ledger import LedgerSettings
from daemon.anchors.anchor import Anchor, AnchorFailed
from daemon.errors import DaemonError
from daemon.health import Health
from daemon.metrics import Metrics
from storage.database import Database
from storage.errors import StorageError
from storage.notes import Comparison, Notary, notes_in
from storage.state import State

log = structlog.get_logger("watchstander.anchoring")

RETRY = timedelta(minutes=1)
_SENT = "ledger.noted."


class Disagrees(DaemonError):
    """The ledger is not as an anchor has it."""


@dataclass(slots=True)
class _Place:
    """One anchor, as this process knows it."""

    anchor: Anchor
    noted: int | None = None
    """How far it holds notes; None before it was asked."""
    failures: int = 0
    due: datetime | None = None
    """When it is tried again; None where nothing is wrong."""


def open_anchors(settings: LedgerSettings) -> dict[str, Anchor]:
    """The configured anchors. Only the kinds that are named are imported."""
    found: dict[str, Anchor] = {}
    for name, one in settings.anchors.items():
        if one.file is not None:
            from daemon.anchors.file import File

            found[name] = File(one.file)
        elif one.s3 is not None:
            from daemon.anchors.s3 import S3

            found[name] = S3(one.s3)
        elif one.syslog is not None:
            from daemon.anchors.syslog import Syslog

            found[name] = Syslog(one.syslog)
        elif one.git is not None:
            from daemon.anchors.git import Git

            found[name] = Git(one.git)
    return found


class Noting:
    """Notes the heads of one ledger at its anchors."""

    def __init__(self, database: Database, settings: LedgerSettings, anchors: Mapping[str, Anchor]) -> None:
        self.settings = settings
        self.notary = Notary(database, settings.name)
        self._state = State(database)
        self._places = {name: _Place(anchor) for name, anchor in anchors.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The anchors' names."""
        return tuple(self._places)

    def places(self) -> dict[str, str]:
        """Anchor -> where it is."""
        return {name: place.anchor.place for name, place in self._places.items()}

    def behind(self, head: int) -> dict[str, int]:
        """Anchor -> how many entries it has no note of yet, as far as this process knows."""
        return {name: head - (place.noted or 0) for name, place in self._places.items()}

    def waiting(self, name: str, now: datetime) -> bool:
        """Whether an anchor that failed is not to be tried again yet."""
        due = self._places[name].due
        return due is not None and now < due

    def failing(self, name: str) -> bool:
        """Whether an anchor failed at the last try."""
        return self._places[name].failures > 0

    def note(self, name: str, now: datetime) -> int:
        """Note what is new at one anchor; how many entries that were. Raises AnchorFailed, Disagrees, StorageError."""
        place = self._places[name]
        try:
            count = self._note(name, place, now)
        except (DaemonError, StorageError):
            place.failures += 1
            place.due = now + min(RETRY * 2 ** min(place.failures - 1, 10), max(self.settings.every, RETRY))
            raise
        place.failures, place.due = 0, None
        return count

    def _note(self, name: str, place: _Place, now: datetime) -> int:
        before = self._reached(name, place)
        place.noted = before
        for note in self.notary.since(before, now, place.anchor.most):
            place.anchor.append(note)
            place.noted = note.seq
            if not place.anchor.remembers:
                self._state.set(_SENT + name, {"ledger": self.settings.name, "seq": note.seq}, now)
        return place.noted - before

    def _reached(self, name: str, place: _Place) -> int:
        """How far an anchor has the ledger, and that the ledger still is what it has. Raises Disagrees, AnchorFailed."""
        if not place.anchor.remembers:
            return place.noted if place.noted is not None else self._sent(name)
        newest = place.anchor.newest(self.settings.name)
        reached = newest.seq if newest is not None else 0
        if place.noted is not None and reached < place.noted:
            raise Disagrees(
                f"The anchor {name} ({place.anchor.place}) ended at entry {place.noted}, and now ends at {reached}.",
                hint="Notes were taken away there. Compare: `watchstander audit verify`.",
            )
        if newest is not None and not self.notary.holds(newest):
            raise Disagrees(
                f"The ledger is not as the anchor {name} ({place.anchor.place}) has it: "
                f"entry {newest.seq} is gone or another one than was noted at {newest.at:%Y-%m-%dT%H:%M:%SZ}.",
                hint="`watchstander audit verify` names the first entry that differs. After a restore from a backup "
                "this is expected: give the ledger a new `ledger.name`.",
            )
        return reached

    def _sent(self, name: str) -> int:
        """How far an earlier process sent notes to an anchor that cannot be asked."""
        held = self._state.get(_SENT + name)
        if held is None or held["ledger"] != self.settings.name:
            return 0
        return min(int(held["seq"]), self.notary.head())


class Anchoring:
    """Lets the heads be noted while the daemon runs."""

    def __init__(
        self,
        noting: Callable[[LedgerSettings], Noting],
        metrics: Metrics,
        health: Health,
        settings: LedgerSettings,
    ) -> None:
        self._make = noting
        self._metrics = metrics
        self._health = health
        self._noting = noting(settings)
        self._last: datetime | None = None
        self._head = 0
        self._thread: threading.Thread | None = None

    def reconfigure(self, settings: LedgerSettings) -> None:
        """Put other settings in force from the next time on."""
        if settings == self._noting.settings:
            return
        for name in self._noting.names:
            if name not in settings.anchors:
                self._health.no_anchor(name)
        self._noting = self._make(settings)
        self._last = None

    def tick(self, now: datetime) -> None:
        """Begin to note if it is time. Raises StorageError."""
        noting = self._noting
        if not noting.names or (self._thread is not None and self._thread.is_alive()):
            return
        head = noting.notary.head()
        behind = noting.behind(head)
        for name, count in behind.items():
            self._metrics.ledger_behind.labels(name).set(count)
        settings = noting.settings
        # Whether the ledger still is what was noted is asked every time, new entries or not.
        late = self._last is None or now - self._last >= settings.every
        due = late or head - self._head >= settings.entries
        wanted = [n for n in noting.names if not noting.waiting(n, now) and (due or noting.failing(n))]
        if due:
            self._last, self._head = now, head
        if wanted:
            self._begin(noting, wanted, now)

    def finish(self, now: datetime, timeout: timedelta) -> None:
        """Note what is left, waiting at most so long: the end of the daemon waits for no anchor longer."""
        self.wait(timeout)
        noting = self._noting
        if noting.names and (self._thread is None or not self._thread.is_alive()):
            self._begin(noting, noting.names, now)
            self.wait(timeout)

    def wait(self, timeout: timedelta | None = None) -> None:
        """Until nothing is being noted, or for so long."""
        if self._thread is not None:
            self._thread.join(None if timeout is None else timeout.total_seconds())

    def _begin(self, noting: Noting, names: tuple[str, ...] | list[str], now: datetime) -> None:
        self._thread = threading.Thread(
            target=self._run, args=(noting, tuple(names), now), name="anchoring", daemon=True
        )
        self._thread.start()

    def _run(self, noting: Noting, names: tuple[str, ...], now: datetime) -> None:
        for name in names:
            try:
                count = noting.note(name, now)
            except (DaemonError, StorageError) as error:
                altered = isinstance(error, Disagrees)
                self._metrics.ledger_notes.labels(name, "disagrees" if altered else "failed").inc()
                self._health.anchor(name, error.message)
                log.error(
                    str(error) if altered else f"The ledger's head could not be noted at {name}: {error}",
                    key="ledger-disagrees" if altered else "anchor-failed",
                    anchor=name,
                )
            else:
                self._metrics.ledger_notes.labels(name, "noted").inc()
                self._metrics.ledger_behind.labels(name).set(0)
                self._health.anchor(name, None)
                log.debug(f"{count} entries noted at {name}.", key="anchored", anchor=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What one anchor says about the ledger."""

    name: str
    place: str
    readable: bool
    comparison: Comparison | None = None
    spoilt: int = 0
    error: str | None = None

    def record(self) -> dict[str, object]:
        """As JSON values."""
        said = self.comparison
        return {
            "name": self.name,
            "place": self.place,
            "readable": self.readable,
            "ok": None if said is None or not said.notes else said.ok,
            "notes": said.notes if said else None,
            "upto": said.seq if said else None,
            "noted_at": said.at if said else None,
            "first_bad": said.first_bad if said else None,
            "fault": said.fault if said else None,
            "why": self.error or (said.why if said else "Its notes cannot be read from here."),
            "spoilt": self.spoilt,
        }


def witnesses(notary: Notary, anchors: Mapping[str, Anchor]) -> Iterator[Witness]:
    """What every anchor says; one that cannot be read now says why."""
    for name, anchor in anchors.items():
        if not anchor.readable:
            yield Witness(name=name, place=anchor.place, readable=False)
            continue
        spoilt: list[str] = []
        try:
            said = notary.compare(notes_in(anchor.lines(), spoilt))
        except AnchorFailed as error:
            yield Witness(name=name, place=anchor.place, readable=True, error=str(error))
        else:
            yield Witness(name=name, place=anchor.place, readable=True, comparison=said, spoilt=len(spoilt))
