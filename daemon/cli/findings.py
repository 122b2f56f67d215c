"""``watchstander findings``: what fails, what failed, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import UsageError
from daemon.cli.asking import At, PlaceOptions, opened, told_unread
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column
from daemon.cli.policies import known_policy
from daemon.cli.verbs import verb
from policies.policy import Phase
from providers.provider import Severity

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from storage.findings import FindingFilter, Findings
    from storage.query import Filter

app = typer.Typer()


class Status(StrEnum):
    """Which findings."""

    OPEN = "open"
    RESOLVED = "resolved"
    EXEMPT = "exempt"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class FindingOptions(PlaceOptions):
    """Which findings, by the policy they are of and by the place they are in."""

    status: Annotated[Status, typer.Option(help="Which ones.")] = Status.OPEN
    phase: Annotated[Phase | None, typer.Option(help="Only of policies of this phase.")] = None
    min_severity: Annotated[Severity | None, typer.Option(help="Of this severity and graver.")] = None
    framework: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this framework: cis-aws.")
    ] = None
    policy: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only of this policy. Repeatable.")
    ] = None

    def findings(self) -> FindingFilter:
        """As the store takes it."""
        from storage.findings import FindingFilter, FindingStatus

        places = self.filter()
        return FindingFilter(
            status=None if self.status is Status.ALL else FindingStatus(self.status.value),
            phase=self.phase,
            min_severity=self.min_severity,
            framework=self.framework,
            policies=frozenset(self.policy or ()),
            providers=places.providers,
            accounts=places.accounts,
            regions=places.regions,
            types=places.types,
        )


_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow"}
FINDINGS = (
    Column(key="severity", style=lambda value: _COLOURS.get(value, "")),
    Column(key="policy"),
    Column(key="resource"),
    Column(key="message"),
    Column(key="opened_at", title="SINCE"),
    Column(key="status"),
    Column(key="id"),
)
_STATS = (
    Column(key="opened", right=True),
    Column(key="resolved", right=True),
    Column(key="open", right=True),
    Column(key="mean_hours", title="MEAN H", right=True),
    Column(key="median_hours", title="MEDIAN H", right=True),
    Column(key="longest_hours", title="LONGEST H", right=True),
    Column(key="oldest_open_at", title="OLDEST OPEN"),
    Column(key="first_at", title="FIRST"),
)
UNKNOWN = (
    Column(key="policy"),
    Column(key="resource"),
    Column(key="cause", title="WHY"),
    Column(key="since"),
)


@verb(
    app,
    "watchstander findings --min-severity high",
    "watchstander findings --status all --at 7d --format json",
    "watchstander findings --unknown",
    "watchstander findings --framework cis-aws --report --format csv",
    "watchstander findings --stats tag:Team --since 90d",
)
def findings(  # noqa: PLR0913, PLR0917 - each is an option of the verb
    cli: State,
    chosen: FindingOptions,
    at: At = None,
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.")] = None,
    resource: Annotated[str | None, typer.Option(metavar="UID", help="Only of this resource.")] = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="Instead: what can be said of each control of --framework now."),
    ] = False,
    stats: Annotated[
        str | None,
        typer.Option(
            metavar="BY",
            help="Instead: opened, resolved and time to resolve since --since, by severity, policy, provider, account, "
            "region, type, phase, resource or tag:KEY.",
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From when --stats counts; --at is its end.")
    ] = "30d",
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Instead: what could not be decided, and why.")
    ] = False,
) -> ExitStatus:
    """What fails a policy now, or with --at did then; with --unknown what could not be decided.

    Exit status 3 where a scope that bears on the answer was not read completely last time; with --report, where a control
    is unknown. A control passes only where everything its policies read was read completely and judged.
    """
    from storage.findings import Findings

    store, moment = Findings(opened(cli), clock=cli.clock), cli.time(at)
    places = chosen.filter()
    if report:
        return _report(cli, chosen.framework, moment, places)
    if unknown:
        rows = (
            {"policy": pair.policy, "resource": pair.uid, "cause": pair.cause, "since": pair.since}
            for batch in store.unknown()
            for pair in batch
        )
        cli.out.items(rows, UNKNOWN, empty="Everything could be decided.")
        return told_unread(cli, places)
    if moment is None:
        _known(cli, store, chosen)
    wanted = replace(chosen.findings(), severity=severity, uid=resource)
    if stats is not None:
        # Open ones alone would never tell how long mending took.
        return _stats(cli, stats, since, moment, replace(wanted, status=None))
    found = (finding.record() for batch in store.find(wanted, moment) for finding in batch)
    cli.out.items(found, FINDINGS, empty="No such finding.")
    return told_unread(cli, places) if moment is None else ExitStatus.OK


def _known(cli: State, store: Findings, chosen: FindingOptions) -> None:
    """Refuse names that mean nothing, lest a slip be read as "nothing fails". Policies that are gone but have findings mean them."""
    from daemon.cli.frameworks import in_force
    from policies.frameworks import framework_of
    from policies.metadata import FRAMEWORKS
    from storage.findings import FindingFilter

    if chosen.framework is not None and chosen.framework not in FRAMEWORKS:
        framework_of(chosen.framework, in_force(cli))
    for name in chosen.policy or ():
        if not any(store.find(FindingFilter(status=None, policies=frozenset({name})))):
            known_policy(name, in_force(cli))


def _stats(cli: State, by: str, since: str, moment: datetime | None, wanted: FindingFilter) -> ExitStatus:
    from storage.questions import Questions

    until, start = moment or cli.now(), cli.time(since)
    assert start is not None
    if start > until:
        raise UsageError("--since is later than --at.", hint="Write --since 30d.")
    rows = (
        {
            by: one.group,
            "opened": one.opened,
            "resolved": one.resolved,
            "open": one.still_open,
            "mean_hours": _hours(one.mean),
            "median_hours": _hours(one.median),
            "longest_hours": _hours(one.longest),
            "oldest_open_at": one.oldest_open_at,
            "first_at": one.first_at,
        }
        for one in Questions(opened(cli)).resolution(by, start, until, wanted)
    )
    columns = (Column(key=by, render=lambda group: group or "(none)"), *_STATS)
    cli.out.items(rows, columns, empty="No finding was ever opened by then.")
    return ExitStatus.OK


def _hours(took: timedelta | None) -> float | None:
    return None if took is None else round(took.total_seconds() / 3600, 2)


def _report(cli: State, framework: str | None, moment: datetime | None, places: Filter) -> ExitStatus:
    from daemon.cli.frameworks import reported

    if framework is None:
        raise UsageError("A report is of one framework.", hint="Add --framework cis-aws, for example.")
    if moment is not None:
        raise UsageError(
            "A report says what can be said now; what was read at another time is not kept by policy."
        )
    return reported(cli, framework, places)
