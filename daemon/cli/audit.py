"""``watchstander audit``: the ledger of what was decided and done, and the proof that nobody has rewritten it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column, dumps
from daemon.cli.verbs import verb

app = typer.Typer()

ENTRIES = (
    Column(key="seq", title="NO", right=True),
    Column(key="at"),
    Column(key="kind"),
    Column(key="actor"),
    Column(key="subject"),
    Column(key="detail"),
)


@verb(
    app,
    "watchstander audit list",
    "watchstander audit list --kind 'act.*' --since 7d --format json",
    name="list",
)
def list_(
    cli: State,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Only this kind; a trailing * matches a prefix.")
    ] = None,
    subject: Annotated[str | None, typer.Option(metavar="UID", help="Only about this.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Not before: 2h, 3d, yesterday.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 100,
) -> None:
    """What was decided, approved, done and undone, by whom and when; newest first."""
    from storage.ledger import Ledger

    entries = Ledger(opened(cli)).entries(
        kind=kind, subject=subject, since=cli.time(since), newest_first=True
    )
    cli.out.items((e.record() for e in islice(entries, limit)), ENTRIES, empty="Nothing was decided yet.")


@verb(app, "watchstander audit verify", "watchstander audit verify --head 7d1f…")
def verify(
    cli: State,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            help="A head noted earlier (hexadecimal, or its beginning): it must still be in the chain.",
        ),
    ] = None,
) -> ExitStatus:
    """Walk the whole chain; name the first entry that was altered, removed or inserted. Exit status 1 where there is one.

    Note the head it prints somewhere else now and then, and give it with --head later: who can rewrite the whole database
    can rewrite the whole chain, but not your note.
    """
    from storage.ledger import Ledger

    ledger = Ledger(opened(cli))
    result = ledger.verify()
    body = {
        "ok": result.ok,
        "entries": result.entries,
        "head": result.head.hex(),
        "first_bad": result.first_bad,
        "fault": result.fault,
        "why": result.why,
    }
    if result.ok and head is not None:
        wanted = head.strip().rstrip("…").lower()
        found = bool(wanted) and any(e.hash.hex().startswith(wanted) for e in ledger.entries())
        body["head_found"] = found
        if not found:
            body |= {
                "ok": False,
                "why": f"The chain holds, but no entry has the hash {head}: it was rewritten.",
            }
    cli.out.document(body, f"{body['why']}\nHead: {result.head.hex()}")
    return ExitStatus.OK if body["ok"] else ExitStatus.REFUSED


@verb(app, "watchstander audit export ledger.ndjson")
def export(
    cli: State,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; standard output otherwise.")
    ] = None,
) -> None:
    """Every entry with its hashes, oldest first, as a JSON object a line: for keeping elsewhere."""
    from storage.ledger import Ledger

    entries = Ledger(opened(cli)).entries()
    if file is None:
        for entry in entries:
            cli.out.raw(dumps(entry.record()))
        return
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for entry in entries:
            out.write(dumps(entry.record()) + "\n")
            count += 1
    cli.out.note(f"{count} entries written to {file}.")
