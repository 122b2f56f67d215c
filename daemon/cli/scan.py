"""``watchstander scan``: one cycle now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import UsageError
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.output import text
from daemon.cli.verbs import verb
from daemon.garbage import settle

if TYPE_CHECKING:
    from daemon.report import CycleReport
    from providers.provider import Selection
    from providers.resource import Scope

app = typer.Typer()

ProviderOption = Annotated[
    list[str] | None,
    typer.Option("--provider", "-p", help="Only this cloud: aws, azure or gcp. May be repeated."),
]
AccountOption = Annotated[
    list[str] | None,
    typer.Option("--account", help="Only this account, subscription or project. May be repeated."),
]
RegionOption = Annotated[
    list[str] | None, typer.Option("--region", help="Only this region. May be repeated.")
]
TypeOption = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only this resource type; `aws.s3*` is a prefix. May be repeated."),
]


@verb(
    app,
    "watchstander scan",
    "watchstander scan --provider aws --account 111111111111 --format json",
    "watchstander scan --from snapshot.json.gz",
)
def scan(
    cli: State,
    provider: ProviderOption = None,
    account: AccountOption = None,
    region: RegionOption = None,
    type: TypeOption = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            help="Record this export instead of reading a cloud: an AWS Config snapshot, Resource Graph answers, Cloud"
            " Asset exports; gzipped or not. May be repeated.",
            metavar="FILE",
        ),
    ] = None,
) -> ExitStatus:
    """Read the clouds once, now; judge what changed; say what happened in one sentence.

    Narrowed by options, it touches nothing outside what they name. It asks no hook to act: that is the daemon's
    (`watchstander run`). With --from it records what files hold: nothing that is not in them is taken for gone, and what was
    read from the cloud itself is left alone. Exit status 3: something could not be read; 1: findings are open.
    """
    from daemon.log import configure
    from daemon.watch import Watch
    from providers.provider import Selection
    from providers.registry import configured

    settings = cli.settings
    selection = Selection(
        providers=frozenset(provider or ()),
        accounts=frozenset(account or ()),
        regions=frozenset(region or ()),
        types=frozenset(type or ()),
    )
    if files:
        return _exported(cli, files, selection)
    known = configured(settings.providers)
    if not known:
        raise UsageError(
            "No cloud is configured, so there is nothing to read.",
            hint="`watchstander sandbox --write-config sandbox.yaml` makes one to try; docs/operations.md shows the others.",
        )
    for name in provider or ():
        if name not in known:
            raise UsageError(
                f"The cloud {name!r} is not configured.", hint=f"Configured: {', '.join(known)}."
            )
    configure(settings.log.model_copy(update={"level": "error"}))
    watch = Watch.open(settings, clock=cli.clock, secrets=cli.secrets)
    cli.closing.callback(watch.close)
    settle()
    report = watch.cycle(selection, kind="scan", act=False)
    return _shown(cli, report)


def _exported(cli: State, files: list[Path], selection: Selection) -> ExitStatus:
    """A cycle over files."""
    from daemon.log import configure
    from daemon.report import Exported
    from daemon.watch import Watch
    from providers.offline import ExportedEstate

    estate = cli.closing.enter_context(ExportedEstate(files))
    wanted = [scope for scope in estate.scopes if selection.takes(scope)]
    if not wanted:
        names = ", ".join(map(str, files))
        raise UsageError(
            f"{names}: {'none of the resources in it are selected' if estate.scopes else 'no resource in it is understood'}.",
            hint="; ".join(estate.gaps) or "Narrow less, or give another file.",
        )
    configure(cli.settings.log.model_copy(update={"level": "error"}))
    watch = Watch.open(cli.settings, clock=cli.clock, secrets=cli.secrets, providers=estate.clouds())
    cli.closing.callback(watch.close)
    states = watch.inventory.coverage()
    watched: dict[Scope, str] = {}
    for scope in wanted:
        reads = [
            s.last_complete_at for s in states if s.last_complete_at is not None and s.scope.holds(scope)
        ]
        if reads:
            watched[scope] = (
                f"read from the cloud itself, last at {text(max(reads))}, and an export may be older"
            )
    estate.pass_over(watched)
    settle()
    report = watch.cycle(
        selection,
        kind="export",
        act=False,
        exported=Exported(source=estate.source, gaps=tuple(estate.gaps)),
    )
    return _shown(cli, report)


def _shown(cli: State, report: CycleReport) -> ExitStatus:
    cli.out.document(report.to_json(), lambda: _told(report))
    return gravest(
        ExitStatus.OK if report.complete else ExitStatus.INCOMPLETE,
        ExitStatus.REFUSED if report.open else ExitStatus.OK,
    )


def _told(report: CycleReport) -> str:
    lines = [report.sentence]
    for coverage in report.unread:
        needs = f" (needs {coverage.permission})" if coverage.permission else ""
        lines.append(f"  not read: {coverage.scope}: {coverage.status}: {coverage.cause}{needs}")
    if report.opened or report.open:
        lines.append("`watchstander findings` lists what is open.")
    return "\n".join(lines)
