"""``watchstander exempt``: failures that are borne for a while, on somebody's word."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.frameworks import in_force
from daemon.cli.output import Column, text
from daemon.cli.plan import WhoOption, login
from daemon.cli.policies import known_policy
from daemon.cli.verbs import verb
from policies.exemption import Exemption

app = typer.Typer()

EXEMPTIONS = (
    Column(key="id"),
    Column(
        key="status", style=lambda value: {"ending": "yellow", "in force": "green"}.get(str(value), "dim")
    ),
    Column(key="scope", title="WHAT"),
    Column(key="findings", right=True),
    Column(key="until"),
    Column(key="who"),
    Column(key="ticket"),
    Column(key="why"),
)


@verb(
    app,
    "watchstander exempt add -P aws.s3_bucket_logging -R arn:aws:s3:::legacy --until 90d --ticket SEC-12 --why 'replaced in May'",
    "watchstander exempt add -P 'aws.db_*' --tag Stage=lab --account 123456789012 --until 2027-01-31 --ticket SEC-13 --why lab",
)
def add(  # noqa: PLR0913, PLR0917 - each is an option of the verb
    cli: State,
    policy: Annotated[
        str, typer.Option("--policy", "-P", metavar="ID", help="The policy's id; * stands for any text.")
    ],
    until: Annotated[
        str, typer.Option(metavar="TIME", help="When it ends: 90d, 2027-01-31. A year at most.")
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why the failure is borne.")],
    ticket: Annotated[str, typer.Option(metavar="ID", help="Where it was decided.")],
    resource: Annotated[
        str | None,
        typer.Option("--resource", "-R", metavar="UID", help="The resource; * stands for any text."),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", "-a", metavar="ACCOUNT", help="Only in this account.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Only with this tag. Repeatable.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="EXPR",
            help="Only where this JMESPath holds, over uid, provider, account, region, type, name, tags, document.",
        ),
    ] = None,
    by: WhoOption = None,
) -> None:
    """Bear a failure for a while: who, why, by which ticket, until when. All that is given must hold.

    What is exempt is still found and shown, but it is not counted as open and no hook is asked about it. Before its end it
    is warned of, at its end the findings are open again.
    """
    from storage.exemptions import Exemptions

    end, now = cli.time(until, future=True), cli.now()
    assert end is not None
    exemption = Exemption(
        policy=policy,
        resource=resource,
        account=account,
        tags=_tags(tag),
        where=where,
        who=by or login(),
        why=why,
        ticket=ticket,
        created_at=now,
        until=end,
    )
    store = Exemptions(opened(cli))
    store.add(exemption)
    store.settle(now)
    row = _row(exemption, store.count(exemption), cli)
    if not row["findings"] and "*" not in policy:
        # It may be meant for a policy to come; it may be a slip.
        try:
            known_policy(policy, in_force(cli))
        except UsageError as error:
            cli.out.note(f"{error.message} {error.hint}")
    cli.out.document(
        row,
        f"{exemption.id}: {exemption.scope}, until {text(exemption.until)}. "
        f"It covers {_findings(row['findings'], 'open finding')} now.",
    )


@verb(app, "watchstander exempt list", "watchstander exempt list --all --format csv", name="list")
def list_(
    cli: State,
    all: Annotated[bool, typer.Option("--all", help="Those that ended or were revoked too.")] = False,
) -> None:
    """The exemptions in force, the one that ends first first, with how many open findings each covers."""
    from storage.exemptions import Exemptions

    store = Exemptions(opened(cli))
    found = store.all() if all else store.in_force(cli.now())
    rows = (_row(e, store.count(e) if e.in_force(cli.now()) else 0, cli) for e in found)
    cli.out.items(rows, EXEMPTIONS, empty="Nothing is exempt.")


@verb(app, "watchstander exempt revoke x-3k5m7q2r4s6t8u2v --why 'it was replaced'")
def revoke(
    cli: State,
    id: Annotated[str, typer.Argument(metavar="ID", help="The exemption's id, as `exempt list` shows it.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why it ends before its time.")],
    by: WhoOption = None,
) -> ExitStatus:
    """End an exemption before its time: the findings it covered are open again at once."""
    from storage.exemptions import Exemptions

    store = Exemptions(opened(cli))
    revoked = store.revoke(id, by or login(), why, cli.now())
    count = store.count(revoked)
    store.settle(cli.now())
    cli.out.document(
        _row(revoked, 0, cli),
        f"{id} is revoked. Open again of what it covered: {_findings(count, 'finding')}.",
    )
    return ExitStatus.OK


def _tags(given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for tag in given or ():
        key, equals, value = tag.partition("=")
        if not equals or not key:
            raise UsageError(f"{tag!r} is not a tag.", hint="Write --tag Team=payments.")
        pairs[key] = value
    return pairs


def _findings(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _row(exemption: Exemption, count: int, cli: State) -> dict[str, Any]:
    return {**exemption.record(cli.now()), "scope": exemption.scope, "findings": count}
