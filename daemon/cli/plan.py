"""``watchstander plan``: what containment would do, waits to do, or did; and a person's word on it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column, text
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from storage.actions import ActionRecord

app = typer.Typer()

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The act's id, as `plan list` shows it.")]
WhoOption = Annotated[
    str | None, typer.Option("--by", help="Who says so, for the ledger; your login name otherwise.")
]

PLANS = (
    Column(key="id"),
    Column(
        key="status",
        style=lambda value: {"done": "green", "failed": "red", "unverified": "red"}.get(value, "yellow"),
    ),
    Column(key="hook"),
    Column(key="account"),
    Column(key="summary", title="WHAT"),
    Column(key="reason", title="WHY SO"),
    Column(key="created_at", title="SINCE"),
)


@verb(app, "watchstander plan list", "watchstander plan list --all --format json", name="list")
def list_(
    cli: State,
    all: Annotated[bool, typer.Option("--all", help="Finished ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 100,
) -> None:
    """Acts that wait for a person, or with --all every act there was."""
    from storage.actions import Actions, ActionStatus

    cli.database.require_schema()
    wanted = () if all else tuple(s for s in ActionStatus if not s.final)
    records = Actions(cli.database).last(limit, statuses=wanted)
    cli.out.items(map(row, records), PLANS, empty="No act waits." if not all else "There was no act yet.")


@verb(app, "watchstander plan show 3f2a9c0d1e4b5a67")
def show(cli: State, id: IdArgument) -> None:
    """Exactly what would be done to exactly what, why, and the hash that an approval names."""
    from storage.actions import Actions

    cli.database.require_schema()
    record = Actions(cli.database).get(id)
    cli.out.document(
        row(record) | {"proposal": record.action.parameters.get("proposal")}, lambda: _told(record)
    )


@verb(
    app, "watchstander plan approve 3f2a9c0d1e4b5a67 --plan 91be2c", "watchstander plan approve ID --by alice"
)
def approve(
    cli: State,
    id: IdArgument,
    plan: Annotated[
        str | None, typer.Option(help="The plan's hash (or its beginning) as shown; another one is refused.")
    ] = None,
    by: WhoOption = None,
) -> None:
    """Let exactly this plan be carried out. The daemon does it within seconds, after reading the target afresh."""
    from daemon.desk import Plans, summary_of

    cli.database.require_schema()
    record = Plans(cli.database).approve(id, plan, by or login(), cli.now())
    cli.out.document(row(record), f"Approved: {summary_of(record)}. The running daemon carries it out.")


@verb(app, "watchstander plan reject 3f2a9c0d1e4b5a67 --why 'known test key'")
def reject(
    cli: State,
    id: IdArgument,
    why: Annotated[str, typer.Option(help="For the ledger.")],
    by: WhoOption = None,
) -> None:
    """Say that a plan is not to be carried out."""
    from daemon.desk import Plans, summary_of

    cli.database.require_schema()
    record = Plans(cli.database).reject(id, by or login(), why, cli.now())
    cli.out.document(row(record), f"Rejected: {summary_of(record)}.")


@verb(app, "watchstander plan apply 3f2a9c0d1e4b5a67 --plan 91be2c")
def apply(
    cli: State,
    id: IdArgument,
    plan: Annotated[str | None, typer.Option(help="The plan's hash (or its beginning) as shown.")] = None,
    by: WhoOption = None,
) -> ExitStatus:
    """Approve a plan and carry it out here and now, without waiting for the daemon."""
    from daemon.desk import Plans
    from daemon.watch import Watch

    cli.database.require_schema()
    Plans(cli.database).approve(id, plan, by or login(), cli.now())
    watch = Watch(cli.settings, clock=cli.clock, secrets=cli.secrets, database=cli.database)
    cli.closing.callback(watch.close)
    record = watch.apply_now(id)
    cli.out.document(row(record), lambda: _told(record))
    return ExitStatus.OK if record.status == "done" else ExitStatus.FAILED


def row(record: ActionRecord) -> dict[str, Any]:
    from daemon.desk import summary_of

    row = record.record()
    del row["parameters"]
    return {**row, "summary": summary_of(record), "expires_at": record.action.parameters.get("expires_at")}


def _told(record: ActionRecord) -> str:
    from daemon.desk import summary_of

    proposal = record.action.parameters.get("proposal") or {}
    trigger = record.action.parameters["trigger"]
    lines = [
        f"Act       {record.id}",
        f"What      {summary_of(record)}",
        f"Status    {record.status}: {record.reason or ''}",
        f"Because   {trigger['title']} ({trigger['severity']}, {trigger['name']})",
        f"Target    {record.action.target.uid}",
        f"State     {_pairs(proposal.get('state', {}))}",
        f"Plan      {record.plan_id or 'none'}",
        f"Expires   {record.action.parameters.get('expires_at', '')}",
    ]
    if record.after is not None:
        lines.append(f"After     {_pairs(record.after)}")
    if record.status.approvable and record.plan_id:
        lines.append(f"\nApprove it: watchstander plan approve {record.id} --plan {record.plan_id[:12]}")
    return "\n".join(lines)


def _pairs(state: Any) -> str:
    return ", ".join(f"{name} {text(value)}" for name, value in dict(state).items()) or "nothing"


def login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise UsageError("Your login name cannot be told.", hint="Say who you are with --by.") from error
