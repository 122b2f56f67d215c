"""Asking the clouds for what happened before our first contact, in the background, once for each scope.

A cycle never waits for it: each cloud is asked in a thread of its own (:mod:`daemon.errands`), about at most so many batches
of resources a second, and a scope's turn ends at a deadline. What is stored says how far it got, so a killed process goes on where
it was. What was not answered (denied, throttled, no recorder) is said in the scope's coverage and asked again later.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from config.clouds import PastSettings, ProviderSettings
from config.errors import WatchstanderError
from config.wording import counted
from daemon.crew import Crew
from daemon.defects import Defect, sound
from providers.budget import CallBudget
from providers.errors import Denied, Expired, NotEnabled, ProviderError, Refused
from providers.provider import PastVersion, Provider, Remembered
from providers.registry import configured
from providers.resource import ANY
from storage.database import Database
from storage.past import Past, PastState, PastStatus, Task

IN_A_ROW = 5
"""After so many failures in a row a scope's turn ends: it is not single resources that fail."""
GRACE = timedelta(minutes=10)
"""How much longer than its deadline a turn may take before another process takes it over."""
Hold = Callable[[], AbstractContextManager[Crew]]


@dataclass
class _Turn:
    """One pass over what waits."""

    ended: Counter[PastStatus] = field(default_factory=Counter)
    resources: int = 0
    versions: int = 0
    causes: dict[str, None] = field(default_factory=dict)

    def add(self, before: Counter[str], state: PastState) -> None:
        self.ended[state.status] += 1
        self.resources += before["resources"]
        self.versions += before["versions"]
        if state.cause and state.status is not PastStatus.NOT_KEPT:
            self.causes[f"{state.scope}: {state.status}: {state.cause}"] = None

    def sentence(self, provider: str) -> str:
        answered = sum(n for status, n in self.ended.items() if status.final)
        told = (
            f"{provider} told {counted(self.versions, 'version')} from before the first contact, "
            f"of {counted(self.resources, 'resource')} in {counted(answered, 'scope')}"
        )
        open_ = sum(self.ended.values()) - answered
        if not open_:
            return f"{told}."
        causes = list(self.causes)
        more = f" and {len(causes) - 3} more" if len(causes) > 3 else ""
        return f"{told}; {open_} could not be answered whole and will be asked again ({'; '.join(causes[:3])}{more})."


class Remembering:
    """Asks one cloud at a time, as the thread that calls :meth:`ask`."""

    def __init__(
        self,
        database: Database,
        hold: Hold,
        owner: str,
        clock: Callable[[], datetime],
        stop: threading.Event,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._past = Past(database)
        self._hold = hold
        self._owner = owner
        self._clock = clock
        self._stop = stop
        self._monotonic = monotonic
        self._paces: dict[tuple[str, float], CallBudget] = {}

    def ask(self, provider: str) -> str:
        """Ask for all that waits now; the sentence that tells of it, empty where nothing waited. Raises StorageError."""
        turn = _Turn()
        while not self._stop.is_set():
            with self._hold() as crew:
                cloud = crew.providers.get(provider)
                settings = configured(crew.settings.providers).get(provider, ProviderSettings()).past
                if cloud is None or not settings.back:
                    break
                task = self._past.take(
                    provider,
                    self._owner,
                    self._clock(),
                    back=settings.back,
                    lease=settings.deadline + GRACE,
                )
                if task is None:
                    break
                self._scope(cloud, settings, task, turn)
        return turn.sentence(provider) if turn.ended else ""

    def _scope(self, cloud: Provider, settings: PastSettings, task: Task, turn: _Turn) -> None:
        """One scope's turn. Ends without a word where the process is told to stop: it goes on at the next start."""
        pace = self._pace(cloud.name, settings.batches_per_second)
        ends = self._monotonic() + settings.deadline.total_seconds()
        counts: Counter[str] = Counter()
        failures, last = 0, None
        status, error = PastStatus.COMPLETE, None
        while status is PastStatus.COMPLETE and (refs := self._past.refs(task, cloud.past_batch)):
            if self._monotonic() >= ends:
                status = PastStatus.TIMED_OUT
                break
            pace.acquire()
            answers = iter(cloud.past([ref for _, ref in refs], task.since))
            for number, ref in refs:
                if self._stop.is_set():
                    return
                try:
                    versions = sound(f"the past of {ref.uid}", partial(_versions, answers))
                except WatchstanderError as failure:
                    last = failure
                    if (ended := _ends(failure, task)) is not None:
                        status, error = ended, failure
                        break
                    if isinstance(failure, Refused):
                        # Of its type nothing is kept; others of the scope may have a past.
                        task = self._past.tell(task, number, ())
                        continue
                    failures += 1
                    if failures >= IN_A_ROW:
                        status, error = _status(failure), failure
                        break
                    task = self._past.fail(task, number)
                    if isinstance(failure, Defect):
                        break  # No more answers come; the others are asked about again.
                    continue
                failures = 0
                counts["resources"] += 1
                counts["versions"] += len(versions)
                task = self._past.tell(task, number, versions)
        cause = error or last
        told = cause.message if cause is not None else None
        state = self._past.finish(
            task,
            status,
            self._clock(),
            cause=_OUT_OF_TIME if status is PastStatus.TIMED_OUT and error is None else told,
            permission=getattr(cause, "permission", None),
        )
        turn.add(counts, state)

    def _pace(self, provider: str, rate: float) -> CallBudget:
        """One for a cloud, over all its scopes."""

        def sleep(seconds: float) -> None:
            self._stop.wait(seconds)

        pace = self._paces.get((provider, rate))
        if pace is None:
            pace = CallBudget(rate, 1, clock=self._monotonic, sleep=sleep)
            self._paces[provider, rate] = pace
        return pace


_OUT_OF_TIME = "its turn was over before all resources were asked about"
_COVERAGES: Mapping[str, PastStatus] = {status.value: status for status in PastStatus}


def _status(error: WatchstanderError) -> PastStatus:
    if isinstance(error, Refused):
        return PastStatus.NOT_KEPT
    if isinstance(error, ProviderError):
        return _COVERAGES[error.coverage.value]
    return PastStatus.UNAVAILABLE


def _ends(error: WatchstanderError, task: Task) -> PastStatus | None:
    """The status of the scope where an error speaks of all of it, and not of one resource."""
    if isinstance(error, Denied | NotEnabled | Expired):
        return _status(error)
    # Of one type: if one cannot be asked about, none can. A scope that spans types goes on.
    if isinstance(error, Refused) and not task.scope.type.endswith(ANY):
        return PastStatus.NOT_KEPT
    return None


def _versions(answers: Iterator[Remembered]) -> tuple[PastVersion, ...]:
    answer = next(answers)
    if answer.error is not None:
        raise answer.error
    return answer.versions
