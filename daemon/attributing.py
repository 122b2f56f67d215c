"""Asking the clouds who made the changes that a cycle saw: in the background, for what changed and nothing else.

What they answer is stored with the change (:mod:`storage.attribution`). An account that refuses is told of and asked again
later; the others go on.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from config.clouds import ProviderSettings
from config.errors import WatchstanderError
from config.wording import counted
from daemon.crew import Crew
from daemon.defects import sound
from providers.budget import CallBudget
from providers.errors import Denied, Expired, NotEnabled, Refused
from providers.provider import Deed, Provider
from providers.registry import configured
from storage.attribution import Attributions, AttributionStatus, Question
from storage.database import Database

IN_A_ROW = 5
"""After so many failures in a row the cloud is left alone until the next cycle."""


class Attributing:
    """Asks one cloud at a time, as the thread that calls :meth:`ask`."""

    def __init__(
        self,
        database: Database,
        hold: Callable[[], AbstractContextManager[Crew]],
        clock: Callable[[], datetime],
        stop: threading.Event,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attributions = Attributions(database)
        self._hold = hold
        self._clock = clock
        self._stop = stop
        self._monotonic = monotonic

    def ask(self, provider: str) -> str:
        """Ask who made the changes that wait for it; the sentence that tells what was answered, empty where nothing waited.
        Raises StorageError."""
        with self._hold() as crew:
            cloud = crew.providers.get(provider)
            settings = configured(crew.settings.providers).get(provider, ProviderSettings()).who
            if cloud is None or not settings.enabled:
                return ""
            questions = self._attributions.pending(
                provider, self._clock(), lag=cloud.record_lag, limit=settings.changes
            )
            pace = CallBudget(
                settings.changes_per_second, 1, clock=self._monotonic, sleep=lambda s: _wait(self._stop, s)
            )
            return _sentence(provider, *self._put(cloud, questions, pace))

    def _put(
        self, cloud: Provider, questions: list[Question], pace: CallBudget
    ) -> tuple[Counter[AttributionStatus], dict[str, int]]:
        answers: Counter[AttributionStatus] = Counter()
        causes: dict[str, int] = {}
        refusing: dict[str, WatchstanderError] = {}
        failures = 0
        for question in questions:
            error = refusing.get(question.ref.account)
            if error is None:
                pace.acquire()
                if self._stop.is_set() or failures >= IN_A_ROW:
                    break
                try:
                    deeds = _deeds(cloud, question)
                except WatchstanderError as failure:
                    error = failure
                    failures += not isinstance(failure, Denied | NotEnabled | Expired | Refused)
                    if isinstance(failure, Denied | NotEnabled | Expired):
                        refusing[question.ref.account] = failure
                else:
                    failures = 0
                    answers[self._attributions.answer(question, deeds, self._clock())] += 1
                    continue
            self._attributions.unanswered(
                question,
                self._clock(),
                cause=error.message,
                permission=getattr(error, "permission", None),
                final=isinstance(error, Refused),
            )
            if not isinstance(error, Refused):
                causes[error.message] = causes.get(error.message, 0) + 1
            answers[AttributionStatus.UNANSWERED] += 1
        return answers, causes


def _deeds(cloud: Provider, question: Question) -> list[Deed]:
    return sound(
        f"who changed {question.ref.uid}",
        lambda: list(cloud.deeds(question.ref, question.since, question.until)),
    )


def _wait(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)


def _sentence(provider: str, answers: Counter[AttributionStatus], causes: dict[str, int]) -> str:
    total = sum(answers.values())
    if not total:
        return ""
    words = {
        AttributionStatus.AMBIGUOUS: "with several candidates",
        AttributionStatus.UNRECORDED: "not in its record",
        AttributionStatus.ASKING: "not in its record yet",
        AttributionStatus.UNANSWERED: "could not be asked about",
    }
    parts = [f"{answers[status]} {text}" for status, text in words.items() if answers[status]]
    why = "; ".join(list(causes)[:3])
    known = answers[AttributionStatus.KNOWN]
    told = f"{provider} told who made {known} of {counted(total, 'change')}"
    return "; ".join([told, *parts]) + (f" ({why})." if why else ".")
