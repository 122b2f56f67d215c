"""One cycle: read what there is, remember what changed, judge what is due, and say what happened.

    discover -> read every scope (side by side) -> record (one writer) -> judge what is due -> ask the hooks -> the sentence

What a cloud does never ends a cycle: it becomes the coverage of a scope, and the cycle is *incomplete*. What the store does
ends it: reading on without being able to remember would be blind. A cycle that is killed leaves what it had stored by then;
the next one goes on from there by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from config.clouds import ProviderSettings
from daemon.crew import Crew
from daemon.judging import Judging
from daemon.reading import Limits, Readings
from daemon.report import CycleReport, Exported, accounts_of, coverage_json
from providers.errors import ProviderError
from providers.provider import Discovery, Provider, Selection
from providers.registry import configured
from providers.resource import ANY, Coverage, CoverageStatus, Scope
from storage.cycles import Cycles, CycleStatus, CycleSummary
from storage.errors import StorageError
from storage.findings import Findings
from storage.inventory import Inventory
from storage.recording import Recording
from storage.values import Change, ChangeKind

log = structlog.get_logger("watchstander.cycle")

Respond = Callable[[int], tuple[Mapping[str, int], tuple[str, ...]]]
"""Called with the cycle's id after judging: (what hooks were asked to do, the batches that were stopped)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where a cycle remembers."""

    cycles: Cycles
    inventory: Inventory
    findings: Findings
    judging: Judging


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why there is a cycle."""

    kind: str
    """``scheduled``, ``scan``, ``export``."""
    exported: Exported | None = None
    """That the clouds are files, and which."""


@dataclass
class _Tally:
    """What has been read so far."""

    read: int = 0
    details_unread: int = 0
    complete: list[Coverage] = field(default_factory=list)
    unread: list[Coverage] = field(default_factory=list)
    switched_off: int = 0
    exported: list[Coverage] = field(default_factory=list)
    kinds: dict[ChangeKind, int] = field(default_factory=lambda: dict.fromkeys(ChangeKind, 0))
    first_contact: int = 0

    def changes(self, changes: list[Change]) -> None:
        for change in changes:
            self.kinds[change.kind] += 1
            self.first_contact += change.first_contact and change.kind is ChangeKind.CREATED

    def ended(self, coverage: Coverage, *, read_before: bool = False) -> bool:
        """Take in how a scope ended; whether something that should have been read was not."""
        self.details_unread += coverage.details_unread
        if coverage.complete:
            self.complete.append(coverage)
            return False
        if coverage.status is CoverageStatus.EXPORTED:
            self.exported.append(coverage)
            return False
        if coverage.switched_off and not read_before:
            self.switched_off += 1
            return False
        self.unread.append(coverage)
        return True


def run_cycle(
    crew: Crew,
    stores: Stores,
    selection: Selection,
    *,
    occasion: Occasion,
    clock: Callable[[], datetime],
    stop: threading.Event,
    respond: Respond,
) -> CycleReport:
    """Run one cycle over the selected clouds. Raises StorageError and EngineError; the cycle is then noted as failed where
    that is still possible."""
    started, at = time.monotonic(), clock()
    chosen = {
        name: provider
        for name, provider in crew.providers.items()
        if not selection.providers or name in selection.providers
    }
    cycle_id = stores.cycles.begin(at, selection, occasion.kind)
    tally = _Tally()
    try:
        for name, provider in chosen.items():
            about = (cycle_id, name, clock, stop)
            found = _read_cloud(crew, provider, stores.inventory, selection, about, tally)
            if selection.whole_clouds and occasion.exported is None:
                asked = {*found.scopes, *(coverage.scope for coverage in found.unread)}
                stores.inventory.settle_refusals(name, found.accounts, asked, clock(), cycle_id)
        now = clock()
        judged = stores.judging.judge_due(crew, now, cycle_id)
        responses, stopped = respond(cycle_id)
    except BaseException as error:
        _note_failure(stores.cycles, cycle_id, clock(), f"The cycle failed: {error}")
        raise
    report = CycleReport(
        cycle=cycle_id,
        providers=tuple(chosen),
        read=tally.read,
        scopes=len(tally.complete) + len(tally.exported),
        accounts=accounts_of([*tally.complete, *tally.exported]),
        exported=occasion.exported,
        unread=tuple(sorted(tally.unread, key=lambda c: c.scope)),
        switched_off=tally.switched_off,
        details_unread=tally.details_unread,
        created=tally.kinds[ChangeKind.CREATED],
        changed=tally.kinds[ChangeKind.CHANGED],
        deleted=tally.kinds[ChangeKind.DELETED],
        first_contact=tally.first_contact,
        evaluated=judged.evaluated,
        unknown=judged.unknown,
        opened=judged.opened,
        resolved=judged.resolved,
        open=sum(stores.findings.counts().values()),
        responses=responses,
        stopped=stopped,
        seconds=time.monotonic() - started,
    )
    stores.cycles.finish(cycle_id, clock(), _summary(report))
    (log.info if report.complete else log.warning)(
        report.sentence, key="cycle", cycle=cycle_id, kind=occasion.kind, complete=report.complete
    )
    return report


def _read_cloud(
    crew: Crew,
    provider: Provider,
    inventory: Inventory,
    selection: Selection,
    about: tuple[int, str, Callable[[], datetime], threading.Event],
    tally: _Tally,
) -> Discovery:
    """Read and record a cloud; gives what there was to read. Raises StorageError."""
    cycle_id, name, clock, stop = about
    discovery = _discover(provider, selection)
    for coverage in discovery.unread:
        inventory.note_coverage(coverage, clock(), cycle_id)
        tally.ended(coverage)

    def begin(scope: Scope) -> Recording:
        confirmations = provider.deletion_confirmations(scope)
        return inventory.begin(scope, clock(), cycle_id, confirmations=confirmations, clock=clock)

    settings = configured(crew.settings.providers).get(name, ProviderSettings())
    limits = Limits(concurrency=settings.budget.concurrency, scope_deadline=settings.budget.scope_deadline)
    for scope, recording, piece in Readings(provider, discovery.scopes, limits, stop, begin, Recording.sift):
        if not isinstance(piece, Coverage):
            assert recording is not None, "a batch comes only from a scope that has begun"
            tally.read += piece.read
            tally.changes(recording.store(piece))
            continue
        if recording is None:
            inventory.note_coverage(piece, clock(), cycle_id)
        else:
            tally.changes(recording.finish(piece))
        if tally.ended(piece, read_before=recording is not None and not recording.first_contact):
            log.warning(
                f"{scope} was not read completely ({piece.status}): {piece.cause}",
                key="unread",
                **coverage_json(piece),
            )
    return discovery


def _discover(provider: Provider, selection: Selection) -> Discovery:
    """The scopes to read; a cloud that cannot be entered at all is one unread scope over everything it has."""
    try:
        return provider.discover(selection)
    except ProviderError as error:
        everything = Scope(provider.name, ANY, ANY, ANY)
        coverage = Coverage(
            scope=everything, status=error.coverage, cause=error.message, permission=error.permission
        )
        return Discovery(scopes=(), unread=(coverage,))


def _summary(report: CycleReport) -> CycleSummary:
    detail: dict[str, Any] = report.to_json()
    return CycleSummary(
        sentence=report.sentence,
        status=CycleStatus.COMPLETE if report.complete else CycleStatus.INCOMPLETE,
        read=report.read,
        unread=len(report.unread),
        created=report.created,
        changed=report.changed,
        deleted=report.deleted,
        opened=report.opened,
        resolved=report.resolved,
        open=report.open,
        evaluated=report.evaluated,
        acted=report.responses.get("done", 0),
        seconds=report.seconds,
        detail={
            name: detail[name] for name in ("providers", "scopes", "unknown", "responses", "unread_scopes")
        },
    )


def _note_failure(cycles: Cycles, cycle_id: int, at: datetime, sentence: str) -> None:
    """Say in the store that a cycle failed, if the store can still be written; the failure itself is raised on."""
    try:
        cycles.finish(cycle_id, at, CycleSummary(sentence=sentence, status=CycleStatus.FAILED))
    except StorageError as error:
        log.error(
            f"That a cycle failed could not be stored either: {error}", key="cycle-not-stored", cycle=cycle_id
        )
