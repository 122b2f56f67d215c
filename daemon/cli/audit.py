"""``watchstander audit``: the ledger of what was decided and done, and the proof that nobody has rewritten it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import UsageError
from config.ledger import FileAnchor
from config.wording import counted
from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.output import Column, dumps, text
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from daemon.anchoring import Witness

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


ANCHORS = (
    Column(key="name"),
    Column(key="entries", right=True),
    Column(key="place"),
    Column(key="error", title="TROUBLE"),
)


@verb(
    app,
    "watchstander audit verify",
    "watchstander audit verify --notes received.log",
    "watchstander audit verify --head 7d1f…",
)
def verify(
    cli: State,
    notes: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Compare with the notes in this file as well, whatever else stands in it: a received syslog. Repeatable.",
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            help="A head noted earlier (hexadecimal, or its beginning): it must still be in the chain.",
        ),
    ] = None,
) -> ExitStatus:
    """Walk the whole chain and compare it with every anchor that can be read; name the first entry that was altered, removed,
    inserted or cut off.

    Exit status 1 where there is one, 3 where an anchor that should be readable is not. Who can rewrite the whole database can
    rewrite the whole chain, but not what was noted elsewhere: see `ledger.anchors`.
    """
    from daemon.anchoring import open_anchors, witnesses
    from daemon.anchors.file import File
    from storage.ledger import Ledger
    from storage.notes import Notary

    database, settings = opened(cli), cli.settings.ledger
    anchors = open_anchors(settings)
    for path in notes or ():
        if not path.is_file():
            raise UsageError(f"There is no file {path}.", hint="Name a file that notes stand in.")
        anchors[str(path)] = File(FileAnchor(path=path))
    result = Ledger(database).verify()
    said = list(witnesses(Notary(database, settings.name), anchors))
    body: dict[str, Any] = {
        "ok": result.ok,
        "entries": result.entries,
        "head": result.head.hex(),
        "first_bad": result.first_bad,
        "fault": result.fault,
        "why": result.why,
        "anchors": [one.record() for one in said],
    }
    for one in said:
        bad = one.comparison.first_bad if one.comparison else None
        if bad is not None and (body["first_bad"] is None or bad < body["first_bad"]):
            assert one.comparison is not None
            body |= {
                "ok": False,
                "first_bad": bad,
                "fault": one.comparison.fault,
                "why": f"{one.comparison.why} So says {one.name} ({one.place}).",
            }
    if result.ok and head is not None:
        wanted = head.strip().rstrip("…").lower()
        found = bool(wanted) and any(e.hash.hex().startswith(wanted) for e in Ledger(database).entries())
        body["head_found"] = found
        if not found:
            body |= {
                "ok": False,
                "why": f"The chain holds, but no entry has the hash {head}: it was rewritten.",
            }
    lines = [str(body["why"]), f"Head: {result.head.hex()}", *(f"{one.name}: {_said(one)}" for one in said)]
    cli.out.document(body, "\n".join(lines))
    unread = any(one.error for one in said)
    return gravest(
        ExitStatus.OK if body["ok"] else ExitStatus.REFUSED,
        ExitStatus.INCOMPLETE if unread else ExitStatus.OK,
    )


def _said(one: Witness) -> str:
    """What an anchor says, for people."""
    why = str(one.record()["why"])
    said = one.comparison
    if said is not None and said.ok and said.at is not None:
        why += f" The last was noted at {text(said.at)}."
    if one.spoilt:
        why += f" {one.spoilt} lines there were notes once, and are spoilt."
    return why


@verb(app, "watchstander audit anchor")
def anchor(cli: State) -> ExitStatus:
    """Note the ledger's head at every anchor of `ledger.anchors` now, as the daemon does by itself.

    Exit status 1 where the ledger is not as an anchor has it, 4 where a head could not be noted.
    """
    from daemon.anchoring import Disagrees, Noting, open_anchors
    from daemon.errors import DaemonError

    database, settings = opened(cli), cli.settings.ledger
    if not settings.anchors:
        raise UsageError(
            "No anchor is configured.",
            hint="Write places outside the database into ledger.anchors: docs/ledger.md.",
        )
    noting = Noting(database, settings, open_anchors(settings))
    status, rows = ExitStatus.OK, []
    for name, place in noting.places().items():
        row: dict[str, Any] = {"name": name, "place": place, "entries": None, "error": None}
        try:
            row["entries"] = noting.note(name, cli.now())
        except DaemonError as error:
            row["error"] = str(error)
            failed = ExitStatus.REFUSED if isinstance(error, Disagrees) else ExitStatus.FAILED
            status = gravest(status, failed)
        rows.append(row)
    cli.out.items(rows, ANCHORS)
    return status


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
    cli.out.note(f"{counted(count, 'entry', 'entries')} written to {file}.")
