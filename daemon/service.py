"""The daemon's life: start, watch, reload, end. ``watchstander run`` is this.

Signal handlers only set flags; the loop does the work. SIGHUP reloads (a configuration that does not load changes nothing),
SIGTERM and SIGINT drain: no new work, what is under way may finish within ``shutdown_timeout``, the rest resumes at the next
start. systemd is told of each.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from types import FrameType

import structlog

from config.errors import WatchstanderError
from config.reload import Configuration
from daemon.api.server import Server, application
from daemon.garbage import settle
from daemon.schedule import Scheduler, interval
from daemon.systemd import Notifier
from daemon.watch import Watch
from policies.errors import PolicyErrors
from providers.registry import configured

BEAT = timedelta(seconds=2)
"""How often the main loop goes round."""

log = structlog.get_logger("watchstander.service")


class Service:
    """Runs a :class:`Watch` until told to stop."""

    def __init__(
        self,
        configuration: Configuration,
        watch: Watch,
        clock: Callable[[], datetime],
        notifier: Notifier | None = None,
    ) -> None:
        self._configuration = configuration
        self._watch = watch
        self._clock = clock
        self._notifier = notifier or Notifier()
        self._scheduler = Scheduler(self._cycle)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._reload = threading.Event()
        self._intakes: dict[str, _Intake] = {}

    # --- flags, safe from signal handlers and other threads ----------------------------------------------------------

    def request_stop(self) -> None:
        """End soon."""
        self._stop.set()
        self._wake.set()

    def request_reload(self) -> None:
        """Read the configuration again soon."""
        self._reload.set()
        self._wake.set()

    # --- the life ----------------------------------------------------------------------------------------------------

    def run(self, ready: Callable[[str], None] = lambda _url: None) -> None:
        """Until told to stop. ``ready`` is called once with the address of the HTTP server (empty without one). Raises
        WatchstanderError when it cannot start; after that, failures are told and survived."""
        settings = self._configuration.current
        with contextlib.ExitStack() as stack:
            url = ""
            if settings.api.enabled:
                server = Server(
                    application(self._watch.health, self._watch.metrics, self._clock), settings.api
                )
                url = stack.enter_context(server).url
            stack.enter_context(self._signals())
            self._watch.start()
            stack.callback(self._watch.close, settings.shutdown_timeout)
            self._scheduler.start()
            stack.callback(self._drain)
            self._apply()
            status = f"Watching {', '.join(sorted(configured(settings.providers))) or 'no cloud'}."
            self._notifier.ready(status)
            log.info(status, key="started", url=url or None, instance=settings.instance)
            ready(url)
            settle()
            self._loop()
            self._notifier.stopping()
            log.info("Stopping: no new work is taken, what is under way may finish.", key="stopping")

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._watch.health.beat(self._clock())
            self._notifier.alive()
            if self._reload.is_set():
                self._reload.clear()
                self._reconfigure()
            self._watch.tick()
            self._wake.wait(BEAT.total_seconds())
            self._wake.clear()

    def _cycle(self, provider: str) -> None:
        """One cycle, called by the scheduler in a thread of its own. The watch survives whatever it ends in."""
        report = self._watch.cycle_or_tell(provider, self._stop)
        if report is not None:
            self._notifier.status(report.sentence)

    def _reconfigure(self) -> None:
        self._notifier.reloading()
        before = self._configuration.loaded
        outcome = self._configuration.reload()
        if outcome.error is None:
            try:
                self._watch.reconfigure(self._configuration.current)
                self._apply()
            except WatchstanderError as raised:
                fresh = self._configuration.loaded
                error = raised.placed(fresh.at_its_line) if isinstance(raised, PolicyErrors) else raised
                self._configuration.keep(before)
                self._watch.metrics.reloads.labels("kept-old").inc()
                self._watch.refused((error,))
                log.error(
                    f"The new configuration could not be put in force, the old one stays: {error}",
                    key="reload-failed",
                )
                self._notifier.ready("The new configuration is bad; the old one stays in force.")
                return
        else:
            self._watch.refused(outcome.error.problems)
        ok = outcome.error is None
        self._watch.metrics.reloads.labels("ok" if ok else "kept-old").inc()
        (log.info if ok else log.error)(outcome.sentence, key="reloaded" if ok else "reload-failed")
        self._notifier.ready(outcome.sentence)

    def _apply(self) -> None:
        """Put schedules, expectations and queues in force."""
        now = self._clock()
        clouds = configured(self._watch.settings.providers)
        for name, one in clouds.items():
            self._watch.health.expect(name, interval(one.schedule, now))
        for name in self._watch.health.expected() - clouds.keys():
            self._watch.health.forget(name)
        self._scheduler.apply({name: one.schedule for name, one in clouds.items()}, now)
        for intake in self._intakes.values():
            intake.stop.set()
        self._intakes = {
            source.name: _Intake(source.name, partial(self._watch.take_events, source))
            for source in self._watch.event_sources()
        }

    def _drain(self) -> None:
        for intake in self._intakes.values():
            intake.stop.set()
        self._scheduler.stop(wait=True)
        for intake in self._intakes.values():
            intake.thread.join(self._watch.settings.shutdown_timeout.total_seconds())

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Set flags on signals while running, in the main thread only (elsewhere there are none)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_stop(number: int, _frame: FrameType | None) -> None:
            if self._stop.is_set():
                # Asked twice: the operator does not want to wait. Durable work resumes at the next start.
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            self.request_stop()

        wanted = {
            signal.SIGTERM: on_stop,
            signal.SIGINT: on_stop,
            signal.SIGHUP: lambda _number, _frame: self.request_reload(),
        }
        before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Intake:
    """One queue's thread."""

    def __init__(self, name: str, run: Callable[[threading.Event], None]) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=run, args=(self.stop,), name=f"events-{name}", daemon=True)
        self.thread.start()
