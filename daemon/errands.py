"""Questions to the clouds that no cycle waits for: a thread for each cloud, woken after a cycle, gone when all is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from config.errors import WatchstanderError
from daemon.defects import Defect, sound
from storage.errors import StorageError

LAST_WAIT = 30.0
"""Seconds that the end of the process waits for a call that is under way."""

log = structlog.get_logger("watchstander.errands")


class Errands:
    """Runs ``ask(provider)`` in the background; what it returns is logged under ``key``, unless it is empty."""

    def __init__(
        self, key: str, ask: Callable[[str], str], trouble: Callable[[str, WatchstanderError], None]
    ) -> None:
        self._key = key
        self._ask = ask
        self._trouble = trouble
        self._woken: set[str] = set()
        self._threads: dict[str, threading.Thread] = {}

    def wake(self, provider: str) -> None:
        """There may be something to ask of this cloud."""
        self._woken.add(provider)

    def tick(self) -> None:
        """Begin what was woken and is not under way."""
        for provider in list(self._woken):
            thread = self._threads.get(provider)
            if thread is None or not thread.is_alive():
                self._woken.discard(provider)
                # A call that hangs must not keep the process from ending: what it would have told is asked again.
                name = f"{self._key}-{provider}"
                thread = threading.Thread(target=self._run, args=(provider,), name=name, daemon=True)
                self._threads[provider] = thread
                thread.start()

    def wait(self, seconds: float = LAST_WAIT) -> None:
        """Until nothing is under way; it ends soon after the process is told to stop."""
        for thread in self._threads.values():
            thread.join(seconds)

    def _run(self, provider: str) -> None:
        try:
            sentence = sound(f"asking {provider} ({self._key})", lambda: self._ask(provider))
        except (StorageError, Defect) as error:
            self._trouble(f"{self._key}:{provider}", error)
            return
        if sentence:
            log.info(sentence, key=self._key, provider=provider)
