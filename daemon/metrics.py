"""What the daemon counts, for Prometheus. One registry per daemon, declared in one place, documented from here.

Every name starts with ``watchstander_``. A failure always moves a counter as well as writing a log line, so that an alert
can be built on each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from config.settings import Settings
from daemon.report import CycleReport
from providers.resource import CoverageStatus

CYCLE_SECONDS = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The daemon's metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.cycles = Counter(
            "watchstander_cycles",
            "Cycles ended, by provider and result (complete, incomplete, failed).",
            ["provider", "result"],
            registry=r,
        )
        self.cycle_seconds = Histogram(
            "watchstander_cycle_seconds",
            "Seconds a cycle took.",
            ["provider"],
            buckets=CYCLE_SECONDS,
            registry=r,
        )
        self.last_complete = Gauge(
            "watchstander_last_complete_cycle_timestamp_seconds",
            "When the last complete cycle ended, Unix seconds.",
            ["provider"],
            registry=r,
        )
        self.resources_read = Counter(
            "watchstander_resources_read", "Resources read.", ["provider"], registry=r
        )
        self.changes = Counter(
            "watchstander_changes",
            "Changes recorded, by kind (created, changed, deleted).",
            ["provider", "kind"],
            registry=r,
        )
        self.scopes = Gauge(
            "watchstander_scopes",
            "Scopes of the last cycle, by coverage status.",
            ["provider", "status"],
            registry=r,
        )
        self.evaluations = Counter("watchstander_evaluations", "Policy evaluations.", registry=r)
        self.unknown = Counter("watchstander_unknown_verdicts", "Evaluations that ended unknown.", registry=r)
        self.findings_open = Gauge(
            "watchstander_findings_open", "Findings open now, by severity.", ["severity"], registry=r
        )
        self.findings = Counter(
            "watchstander_findings", "Findings opened and resolved.", ["transition"], registry=r
        )
        self.events = Counter(
            "watchstander_events",
            "Messages taken from event queues, by result (acted, recorded, repeated, ignored, unwatched, dead, failed).",
            ["source", "result"],
            registry=r,
        )
        self.responses = Counter(
            "watchstander_responses", "What hooks did, by hook and status.", ["hook", "status"], registry=r
        )
        self.response_seconds = Histogram(
            "watchstander_response_seconds",
            "Seconds from the occurrence of an event to the verified act.",
            ["hook"],
            buckets=CYCLE_SECONDS,
            registry=r,
        )
        self.errors = Counter(
            "watchstander_errors", "Failures of the daemon itself, by where.", ["where"], registry=r
        )
        self.ledger_notes = Counter(
            "watchstander_ledger_notes",
            "Tries to note the ledger's head outside, by anchor and result (noted, failed, disagrees).",
            ["anchor", "result"],
            registry=r,
        )
        self.ledger_behind = Gauge(
            "watchstander_ledger_entries_behind",
            "Entries of the ledger that an anchor has no note of yet.",
            ["anchor"],
            registry=r,
        )
        self.paused = Gauge("watchstander_paused", "1 while containment is paused.", registry=r)
        self.reloads = Counter(
            "watchstander_reloads", "Configuration reloads, by result (ok, kept-old).", ["result"], registry=r
        )
        self.info = Gauge(
            "watchstander_info", "Always 1; the labels say what runs.", ["version", "instance"], registry=r
        )

    def started(self, settings: Settings, version: str) -> None:
        """Say who is running."""
        self.info.labels(version, settings.instance).set(1)

    def cycle_ended(self, provider: str, report: CycleReport, at: datetime) -> None:
        """Count a cycle of one provider."""
        self.cycles.labels(provider, "complete" if report.complete else "incomplete").inc()
        self.cycle_seconds.labels(provider).observe(report.seconds)
        if report.complete:
            self.last_complete.labels(provider).set(at.timestamp())
        self.resources_read.labels(provider).inc(report.read)
        for kind, count in (
            ("created", report.created),
            ("changed", report.changed),
            ("deleted", report.deleted),
        ):
            self.changes.labels(provider, kind).inc(count)
        unread = [str(c.status) for c in report.unread]
        for status in CoverageStatus:
            count = report.scopes if status is CoverageStatus.COMPLETE else unread.count(status)
            self.scopes.labels(provider, str(status)).set(count)
        self.evaluations.inc(report.evaluated)
        self.unknown.inc(report.unknown)
        self.findings.labels("opened").inc(report.opened)
        self.findings.labels("resolved").inc(report.resolved)

    def open_findings(self, by_severity: Mapping[str, int]) -> None:
        """Set the gauge of open findings."""
        for severity, count in by_severity.items():
            self.findings_open.labels(severity).set(count)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)

    def declared(self) -> dict[str, str]:
        """Metric name -> its documentation, for the reference page."""
        return {
            family.name + ("_total" if family.type == "counter" else ""): family.documentation
            for family in self.registry.collect()
        }
