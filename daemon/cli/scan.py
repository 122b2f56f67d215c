"""``watchstander scan``: one cycle now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import UsageError
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from daemon.report import CycleReport

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


@verb(app, "watchstander scan", "watchstander scan --provider aws --account 111111111111 --format json")
def scan(
    cli: State,
    provider: ProviderOption = None,
    account: AccountOption = None,
    region: RegionOption = None,
    type: TypeOption = None,
) -> ExitStatus:
    """Read the clouds once, now; judge what changed; say what happened in one sentence.

    Narrowed by options, it touches nothing outside what they name. It asks no hook to act: that is the daemon's
    (`watchstander run`). Exit status 3: something could not be read; 1: findings are open.
    """
    from daemon.log import configure
    from daemon.watch import Watch
    from providers.provider import Selection
    from providers.registry import configured

    settings = cli.settings
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
    selection = Selection(
        providers=frozenset(provider or ()),
        accounts=frozenset(account or ()),
        regions=frozenset(region or ()),
        types=frozenset(type or ()),
    )
    report = watch.cycle(selection, kind="scan", act=False)
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
