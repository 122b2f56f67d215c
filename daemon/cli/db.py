"""``watchstander db``: the database's schema and size, and what nobody could understand."""

from __future__ import annotations

from typing import Annotated

import typer

from config.errors import UsageError
from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.output import Column, text
from daemon.cli.verbs import verb

app = typer.Typer()

LETTERS = (
    Column(key="at"),
    Column(key="source"),
    Column(key="cause", title="WHY"),
    Column(key="deliveries", title="TIMES", right=True),
    Column(key="body"),
)


@verb(app, "watchstander db migrate")
def migrate(cli: State) -> None:
    """Bring the database's schema to what this version needs: all of it or nothing. Make a backup first."""
    before = cli.database.status()
    after = cli.database.migrate()
    body = {"database": after.where, "before": before.revision, "after": after.revision}
    done = "is up to date already" if before.state == "current" else f"now has schema {after.revision}"
    cli.out.document(body, f"{after.where} {done}.")


@verb(app, "watchstander db status", "watchstander db status --format json")
def status(cli: State) -> None:
    """Which database, which schema, how much is in it."""
    from storage.housekeeping import contents

    database = cli.database
    schema = database.status()
    rows = contents(database) if schema.state == "current" else {}
    body = {
        "database": schema.where,
        "schema": schema.revision,
        "needed": schema.head,
        "state": schema.state,
        "bytes": database.size(),
        "rows": rows,
    }
    lines = [
        f"Database  {schema.where}",
        f"Schema    {schema.revision or 'none'} ({schema.state}; this version needs {schema.head})",
        f"Size      {database.size() / 1e6:,.1f} MB",
        *(f"  {name:<15} {count:>12,}" for name, count in rows.items()),
    ]
    cli.out.document(body, "\n".join(lines))


@verb(app, "watchstander db prune --older-than 365d --dry-run", "watchstander db prune --older-than 365d")
def prune(
    cli: State,
    older_than: Annotated[
        str,
        typer.Option(metavar="AGE", help="Ended versions, events and dead letters older than this: 365d."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Delete old versions of resources that have a newer one or are gone, old events and old dead letters.

    What is open now is never deleted, nor is a finding or an entry of the ledger.
    """
    from storage.housekeeping import prune as prune_before

    moment = cli.time(older_than)
    assert moment is not None
    if moment >= cli.now():
        raise UsageError("--older-than must lie in the past.", hint="Write --older-than 365d.")
    pruned = prune_before(opened(cli), moment, dry_run=dry_run)
    word = "Would delete" if dry_run else "Deleted"
    told = ", ".join(f"{count:,} {name}" for name, count in pruned.items())
    cli.out.document(
        {"before": moment, "dry_run": dry_run, "pruned": pruned}, f"{word} {told}, all before {text(moment)}."
    )


@verb(app, "watchstander db dead-letters --format json")
def dead_letters(
    cli: State, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50
) -> None:
    """Messages that nobody could understand, as they came, newest first."""
    from storage.deadletters import DeadLetters

    letters = DeadLetters(opened(cli)).last(limit)
    cli.out.items((letter._asdict() for letter in letters), LETTERS, empty="Everything was understood.")
