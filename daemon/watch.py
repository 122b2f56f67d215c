"""The composition root: the one place where settings become a working whole, for the daemon and for commands alike.

A :class:`Watch` holds what lives as long as the process (database, durable workflows, metrics) and the :class:`Crew` that a
configuration makes, which a reload exchanges.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog

from config.errors import WatchstanderError
from config.secrets import Secrets
from config.settings import Settings
from daemon.anchoring import Anchoring, Noting, open_anchors
from daemon.asking import Asking
from daemon.attributing import Attributing
from daemon.changes import Changes
from daemon.crew import Crew
from daemon.cycle import Occasion, Stores, run_cycle
from daemon.databases import durable_url, open_database
from daemon.defects import sound
from daemon.desk import Desk
from daemon.durable import DurableRunner, ImmediateRunner, Listener, Runner
from daemon.errands import Errands
from daemon.exempting import ExemptionGate, Reminders
from daemon.facts import BaselineFact, CoverageFact, ExemptionFact, Facts
from daemon.gate import PolicyGate
from daemon.health import Health
from daemon.hooks.hook import Trigger
from daemon.inforce import InForce, Record, who
from daemon.intake import Handlers, Intake, StoredEvents
from daemon.joining import Grounds
from daemon.judging import Judging
from daemon.keeping import Keeping
from daemon.metrics import Metrics
from daemon.remembering import Remembering
from daemon.report import CycleReport, Exported
from daemon.respond import APPLY, House, Responder
from daemon.soon import Soon
from daemon.triggers import trigger_of_finding
from daemon.undoing import undo
from policies.policy import EnforcementLevel
from providers.provider import EventSource, Provider, Selection
from storage.actions import ActionRecord, Actions
from storage.baseline import Baselines
from storage.cycles import Cycles
from storage.database import Database
from storage.deadletters import DeadLetters
from storage.errors import StorageError
from storage.events import Events
from storage.exemptions import Exemptions
from storage.findings import FindingFilter, Findings, FindingStatus
from storage.inventory import Inventory
from storage.joins import Joins
from storage.ledger import Ledger
from storage.upgrading import upgrade

log = structlog.get_logger("watchstander.watch")

Clock = Callable[[], datetime]

ANCHOR_WAIT = timedelta(seconds=10)
"""How long the end of the daemon waits for the ledger's last head to be noted outside."""


class Watch:
    """Everything that stands the watch, put together."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        secrets: Secrets,
        database: Database,
        providers: Mapping[str, Provider] | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Put it together; nothing is read or started yet. ``providers`` stands in for the clouds the settings name,
        ``listener`` is told of each step of a workflow. Raises ConfigurationError, PolicyErrors, ProviderError."""
        self.clock = clock
        self.secrets = secrets
        self.database = database
        self.metrics = Metrics()
        self.health = Health(started=clock())
        self.inventory = Inventory(database)
        self.findings = Findings(database, clock=clock)
        self.exemptions = Exemptions(database)
        self.reminders = Reminders(self.exemptions)
        self.cycles = Cycles(database)
        self.ledger = Ledger(database)
        self.actions = Actions(database)
        self.events = Events(database)
        self.dead_letters = DeadLetters(database)
        self.desk = Desk(database, self.inventory)
        exempt = ExemptionFact(self.exemptions)
        self.grounds = Grounds(
            inventory=self.inventory,
            joins=Joins(database),
            facts=Facts([BaselineFact(Baselines(database)), CoverageFact(self.inventory), exempt]),
        )
        self.judging = Judging(self.grounds, self.findings)
        self._providers = providers
        self._listener = listener
        self._stop = threading.Event()
        self._swap = threading.Lock()
        self._crew = Crew.muster(settings, clock, secrets, providers)
        self._runner: Runner | None = None
        house = House(
            gate=ExemptionGate(
                PolicyGate(self.crew, self.grounds),
                self.exemptions,
                self.inventory,
                self.findings,
            ),
            ledger=self.ledger,
            desk=self.desk,
            clock=clock,
            metrics=self.metrics,
            actor=f"watchstander/{settings.instance}",
            stop=self._stop,
        )
        self.responder = Responder(self._crew.hooks, house)
        self.asking = Asking(self.responder)
        self.soon = Soon(self.judging, self.crew, self.respond, clock, trouble=self._trouble)
        self.changes = Changes(
            crew=self.crew,
            inventory=self.inventory,
            findings=self.findings,
            judging=self.judging,
            actions=self.actions,
            asking=self.asking,
            runner=lambda: self.runner,
            respond=self.respond,
            soon=self.soon,
            clock=clock,
        )
        self._record = Record(database, settings.instance, _version())
        self.keeping = Keeping(database, house.actor, self._stop)
        self.remembering = Remembering(database, self.crew, settings.instance, clock, self._stop)
        self.attributing = Attributing(database, self.crew, clock, self._stop)
        self.errands = (
            Errands("past", self.remembering.ask, self._trouble),
            Errands("who", self.attributing.ask, self._trouble),
        )
        self.anchoring = Anchoring(
            lambda wanted: Noting(database, wanted, open_anchors(wanted)),
            self.metrics,
            self.health,
            settings.ledger,
        )

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock, secrets: Secrets, **more: Any) -> Watch:
        """Open the database, bring its schema up to date, and put everything together. Raises WatchstanderError."""
        with contextlib.ExitStack() as stack:
            database = open_database(settings.storage, secrets)
            stack.callback(database.close)
            database.claim(settings.instance)
            upgrade(database, clock(), actor=f"watchstander/{settings.instance}")
            watch = cls(settings, clock=clock, secrets=secrets, database=database, **more)
            stack.pop_all()
            return watch

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._crew.settings

    @contextlib.contextmanager
    def crew(self) -> Iterator[Crew]:
        """The crew on duty, held until let go."""
        with self._swap:
            holding = self._crew.at_work()
            crew = holding.__enter__()
        try:
            yield crew
        finally:
            holding.__exit__(None, None, None)

    @property
    def runner(self) -> Runner:
        """Durable workflows while started, else ones that end with the process."""
        if self._runner is None:
            self._runner = ImmediateRunner(self.responder.workflows(), self._listener)
        return self._runner

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Recover what an earlier process left, and launch the workflows. Raises WatchstanderError."""
        now = self.clock()
        for cycle in self.cycles.interrupted(now):
            log.warning(cycle.sentence or "", key="cycle-interrupted", cycle=cycle.id)
        settings = self.settings
        runner = DurableRunner(
            url=durable_url(settings.storage, self.database),
            instance=settings.instance,
            workflows=self.responder.workflows(),
            listener=self._listener,
        )
        runner.launch()
        self._runner = runner
        self.metrics.started(settings, _version())
        self._record.enter("start", self._in_force(self._crew), now)

    def _in_force(self, crew: Crew) -> InForce:
        return InForce.of(crew.settings, crew.policies, self.secrets.redact)

    def reconfigure(self, settings: Settings) -> None:
        """Put another configuration in force. On an error the old one stays. Raises WatchstanderError."""
        fresh = Crew.muster(settings, self.clock, self.secrets, self._providers)
        try:
            self.anchoring.reconfigure(settings.ledger)
            self._record.enter("configuration", self._in_force(fresh), self.clock())
        except WatchstanderError:
            self.anchoring.reconfigure(self.settings.ledger)
            fresh.dismiss()
            raise
        with self._swap:
            old, self._crew = self._crew, fresh
            self.responder.hooks = fresh.hooks
        old.dismiss()

    def refused(self, problems: Iterable[object]) -> None:
        """Enter that another configuration was not put in force, and why. A store that fails is told of, not raised."""
        try:
            self._record.refuse([self.secrets.redact(str(one)) for one in problems], self.clock())
        except StorageError as error:
            self._trouble("reload", error)

    def close(self, timeout: timedelta = timedelta(0)) -> None:
        """End: what is under way may finish within ``timeout``, the rest resumes at the next start."""
        started = self._runner is not None and not isinstance(self._runner, ImmediateRunner)
        if self._runner is not None and timeout:
            self._runner.close(timeout.total_seconds())
        self._stop.set()
        if self._runner is not None and not timeout:
            self._runner.close(0)
        self._runner = None
        self.keeping.wait()
        for errands in self.errands:
            errands.wait()
        self.soon.wait()
        if started:
            self._sign_off()
        self._crew.dismiss()
        self.database.close()

    def _sign_off(self) -> None:
        """The last entry, and the last head noted outside."""
        now = self.clock()
        try:
            self.ledger.append("stop", f"watchstander/{self.settings.instance}", "daemon", {"by": who()}, now)
        except StorageError as error:
            self._trouble("stop", error)
        self.anchoring.finish(now, ANCHOR_WAIT)

    def tick(self) -> None:
        """What is to be done every few seconds. Never raises for what the store does; it is told instead."""
        try:
            self.database.hold()
            self.asking.tick(self.runner)
            self.metrics.paused.set(self.desk.paused())
            self.keeping.tick(self.settings.storage.retention, self.clock())
            for errands in self.errands:
                errands.tick()
            self.soon.tick(self.settings.policies.join_delay)
            self.anchoring.tick(self.clock())
        except StorageError as error:
            self._trouble("tick", error)
        else:
            self.health.database(None)

    # --- cycles -------------------------------------------------------------------------------------------------------

    def cycle(
        self,
        selection: Selection,
        *,
        kind: str,
        stop: threading.Event | None = None,
        act: bool = True,
        exported: Exported | None = None,
    ) -> CycleReport:
        """One cycle now. ``act``: whether hooks are asked about its findings; ``exported``: that the providers are files.
        Raises StorageError, EngineError."""
        self.database.hold()
        stores = Stores(
            cycles=self.cycles, inventory=self.inventory, findings=self.findings, judging=self.judging
        )
        with self.crew() as crew:
            report = run_cycle(
                crew,
                stores,
                selection,
                occasion=Occasion(kind=kind, exported=exported),
                clock=self.clock,
                stop=stop or self._stop,
                respond=lambda _cycle: self.respond() if act else self._no_response(),
            )
        self.reminders.tell(self.clock())
        self.metrics.open_findings({str(s): n for s, n in self.findings.counts().items()})
        return report

    def cycle_or_tell(self, provider: str, stop: threading.Event) -> CycleReport | None:
        """One scheduled cycle of one cloud; a failure is told, counted and survived. None where it failed."""
        try:
            selection = Selection(providers=frozenset({provider}))
            report = sound(
                f"a cycle of {provider}", lambda: self.cycle(selection, kind="scheduled", stop=stop)
            )
        except WatchstanderError as error:
            self.metrics.cycles.labels(provider, "failed").inc()
            self.health.cycle_failed(provider, error.message)
            self._trouble(f"cycle:{provider}", error)
            return None
        now = self.clock()
        self.metrics.cycle_ended(provider, report, now)
        self.health.cycle_ended(provider, now, report.sentence)
        for errands in self.errands:
            errands.wake(provider)
        return report

    # --- containment --------------------------------------------------------------------------------------------------

    def respond(self) -> tuple[dict[str, int], tuple[str, ...]]:
        """Ask the hooks about open findings they have not been asked about. A batch over a hook's limits is stopped before
        its first act."""
        self.exemptions.settle(self.clock())
        return self.asking.ask_findings(self._askable(), self.runner)

    def _no_response(self) -> tuple[dict[str, int], tuple[str, ...]]:
        self.exemptions.settle(self.clock())
        return {}, ()

    def _askable(self) -> Iterator[Trigger]:
        """Every open finding a hook might care for; a first baseline is left alone unless the configuration says
        otherwise."""
        if not any(hook.wants_findings for hook in self.responder.hooks.values()):
            return
        act_on_baseline = self.settings.containment.first_cycle == "act"
        for batch in self.findings.find(FindingFilter(status=FindingStatus.OPEN)):
            for finding in batch:
                if finding.enforcement is EnforcementLevel.ADVISORY or (
                    finding.baseline and not act_on_baseline
                ):
                    continue
                yield trigger_of_finding(finding.record(), finding.ref, finding.opened_at)

    def apply_now(self, action: str) -> ActionRecord:
        """Carry out an approved plan in this process. Raises NotStored, WorkflowFailed."""
        record = self.actions.get(action)
        runner = ImmediateRunner(self.responder.workflows(), self._listener)
        workflow = f"apply:{action}:{record.plan_id}:{uuid4().hex}"
        runner.start(APPLY, workflow, {"action": action, "plan": record.plan_id})
        runner.result(workflow, 0)
        return self.actions.get(action)

    def undo(self, action: str, who: str) -> ActionRecord:
        """Put back what an act changed; see :func:`daemon.undoing.undo`."""
        return undo(action, who, crew=self.crew, database=self.database, clock=self.clock)

    # --- events -------------------------------------------------------------------------------------------------------

    def event_sources(self) -> tuple[EventSource, ...]:
        """The queues of every configured cloud."""
        return tuple(s for provider in self._crew.providers.values() for s in provider.event_sources())

    def intake(self, handlers: Handlers | None = None) -> Intake:
        """What takes messages off queues and hands them to the watch (or to other ``handlers``)."""
        return Intake(
            self._crew.providers,
            StoredEvents(self.events, self.dead_letters),
            handlers or self.changes.handlers(),
            self.clock,
            self.metrics,
        )

    def take_events(self, source: EventSource, stop: threading.Event) -> None:
        """Take messages off one queue until told to stop."""
        self.intake().run(source, stop)

    def _trouble(self, where: str, error: WatchstanderError) -> None:
        self.metrics.errors.labels(where).inc()
        if isinstance(error, StorageError):
            self.health.database(error.message)
        log.error(f"{where} failed: {error}", key="failed", where=where)


def _version() -> str:
    from importlib.metadata import version

    return version("watchstander")
