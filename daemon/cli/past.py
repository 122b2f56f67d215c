"""``watchstander exposure`` and ``flapping``: questions over the whole past."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.asking import AllFields, ResourceOptions, ignoring, opened, told_ignored
from daemon.cli.context import State
from daemon.cli.output import Column, text
from daemon.cli.verbs import verb

app = typer.Typer()

From = Annotated[str, typer.Option("--from", metavar="TIME", help="The earlier time: 2h, 3d, yesterday.")]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="The later time.")]

WINDOWS = (
    Column(key="resource"),
    Column(key="what"),
    Column(key="start", title="FROM"),
    Column(key="end", title="TO"),
    Column(
        key="seconds", title="LASTED", right=True, render=lambda value: text(timedelta(seconds=int(value)))
    ),
    Column(key="note"),
)
RESTLESS = (
    Column(key="resource"),
    Column(key="changes", right=True),
    Column(key="contents", right=True),
    Column(key="last_at", title="LAST"),
    Column(key="fields", render=lambda value: ", ".join(f"{f['path']} ({f['changes']})" for f in value)),
)


@verb(
    app,
    "watchstander exposure --where document.Public --from 90d",
    "watchstander exposure --policy aws.s3_public_access --from 2026-01-01 --format csv",
)
def exposure(
    cli: State,
    from_: From,
    chosen: ResourceOptions,
    to: To = "now",
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", "-P", metavar="ID", help="When this policy failed, instead. Repeatable."),
    ] = None,
) -> None:
    """From when to when exactly each resource was so, by what its document said (--where) or a policy (--policy).

    Every window that overlaps the time asked for, with its true beginning; no end means that it lasts. `at least` was so at
    the first contact and may have begun before; `unread` could not be decided, since a field it hangs on was unread.
    """
    from storage.findings import FindingFilter
    from storage.questions import Questions

    since, until = between(cli, from_, to)
    wanted = chosen.filter()
    questions = Questions(opened(cli))
    if policy:
        if wanted.reads_documents:
            raise UsageError("--policy takes no --where and no --tag.", hint="Ask one of the two.")
        failing = FindingFilter(
            policies=frozenset(policy),
            providers=wanted.providers,
            accounts=wanted.accounts,
            regions=wanted.regions,
            types=wanted.types,
        )
        windows = questions.failing(failing, since, until)
    else:
        windows = questions.exposure(wanted, since, until)
    rows = (
        {
            **_place(window.ref),
            "what": window.what,
            "start": window.start,
            "end": window.end,
            "seconds": window.seconds(until),
            "at_least": window.at_least,
            "certain": window.certain,
            "note": "unread" if not window.certain else "at least" if window.at_least else "",
        }
        for window in windows
    )
    cli.out.items(rows, WINDOWS, empty="Never, as far as is known.")


@verb(
    app,
    "watchstander flapping --from 7d --more-than 5",
    "watchstander flapping --from 30d --type 'aws.*'",
    name="flapping",
)
def flapping_(
    cli: State,
    chosen: ResourceOptions,
    from_: From = "7d",
    to: To = "now",
    more_than: Annotated[int, typer.Option(min=1, help="With more changes than this.")] = 3,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    all_fields: AllFields = False,
) -> None:
    """Resources that changed again and again, the restless first, with the fields that did.

    Fewer different contents than changes means that it went to and fro: two tools may be at odds over it.
    """
    from storage.flapping import flapping

    since, until = between(cli, from_, to)
    wanted = chosen.filter()
    ignored = ignoring(cli, all_fields=all_fields)
    found = flapping(
        opened(cli), since, until, more_than=more_than, wanted=wanted, limit=limit, ignoring=ignored
    )
    rows = (
        {
            **_place(one.ref),
            "changes": one.changes,
            "contents": one.contents,
            "first_at": one.first_at,
            "last_at": one.last_at,
            "fields": [{"path": path, "changes": count} for path, count in one.fields],
        }
        for one in found
    )
    cli.out.items(rows, RESTLESS, empty="Nothing changed so often.")
    told_ignored(cli, ignored)


def between(cli: State, from_: str, to: str) -> tuple[datetime, datetime]:
    """The two times. Raises UsageError."""
    since, until = cli.time(from_), cli.time(to)
    assert since is not None
    assert until is not None
    if since > until:
        raise UsageError("--from is later than --to.", hint="Write --from 30d --to now.")
    return since, until


def _place(ref: Any) -> dict[str, str]:
    return {
        "resource": ref.uid,
        "provider": ref.provider,
        "account": ref.account,
        "region": ref.region,
        "type": ref.type,
    }
