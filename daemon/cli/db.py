"""``watchstander db``: the database's schema and size, and what nobody could understand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config.errors import UsageError
from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column, text
from daemon.cli.plan import login
from daemon.cli.verbs import verb

app = typer.Typer()

FAULTS = (Column(key="where"), Column(key="what"), Column(key="hint", title="WAY OUT"))
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
    from storage.upgrading import upgrade

    before = cli.made_database.status()
    after = upgrade(cli.made_database, cli.now(), actor=login())
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


@verb(
    app,
    "watchstander db prune --dry-run",
    "watchstander db prune",
    "watchstander db prune --older-than 365d",
)
def prune(
    cli: State,
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Instead of thinning: all ended versions, events and dead letters older than this: 365d.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Thin the past by the rules of storage.retention, or delete all of it before a time.

    Thinning keeps every moment that the rules name: by default each within 90 days, then the beginning of each day, after 400
    days that of each month. What is open now is never deleted, nor is a finding or an entry of the ledger.
    """
    if older_than is None:
        _thin(cli, dry_run=dry_run)
        return
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


def _thin(cli: State, *, dry_run: bool) -> None:
    from storage.retention import prune as thin

    done = thin(opened(cli), cli.settings.storage.retention, cli.now(), actor=login(), dry_run=dry_run)
    body = {
        "dry_run": dry_run,
        "pruned": done.removed,
        "versions_before": done.versions_before,
        "versions_after": done.versions_after,
        "proofs": [{"at": p.at, "resources": p.resources} for p in done.proofs],
    }
    told = ", ".join(f"{count:,} {name}" for name, count in done.removed.items())
    lines = [
        f"{'Would delete' if dry_run else 'Deleted'} {told}.",
        f"Versions: {done.versions_before:,} before, {done.versions_after:,} after.",
    ]
    if done.proofs:
        lines.append(
            f"{len(done.proofs)} kept moments from {text(done.proofs[0].at)} to {text(done.proofs[-1].at)} "
            "were compared: they answer as before."
        )
    cli.out.document(body, "\n".join(lines))


@verb(app, "watchstander db backup /backup/watchstander-2026-05-01.db")
def backup(
    cli: State,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
) -> None:
    """Back the database up while the daemon runs, into one file: a SQLite database, whichever database it is of."""
    from storage.transfer import backup as write

    size = write(cli.database, file)
    cli.out.document(
        {"file": str(file), "bytes": size},
        f"{cli.database.where} is backed up in {file} ({size / 1e6:,.1f} MB).",
    )


@verb(app, "watchstander db restore /backup/watchstander-2026-05-01.db")
def restore(
    cli: State, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `db backup` wrote.")]
) -> None:
    """Fill the configured database from a backup, all of it or nothing. It must be empty: move the old file away first."""
    from storage.transfer import restore as fill

    rows = fill(file, cli.made_database, cli.now(), actor=login())
    cli.out.document(
        {"file": str(file), "rows": rows},
        f"{cli.made_database.where} is restored from {file}: {rows['resource']:,} resources, {rows['version']:,} versions, "
        f"{rows['finding']:,} findings, {rows['ledger']:,} entries of the ledger.",
    )


@verb(
    app,
    "watchstander db copy --to postgresql://watchstander@db.example.org/watchstander --to-password env:PGPASSWORD",
)
def copy(
    cli: State,
    to: Annotated[str, typer.Option(metavar="URL", help="An empty database: sqlite:///… or postgresql://….")],
    to_password: Annotated[
        str | None, typer.Option(metavar="REFERENCE", help="Its password: env:NAME or file:PATH.")
    ] = None,
) -> None:
    """Copy everything into another, empty database: from SQLite to PostgreSQL, or back. Stop the daemon first.

    It is copied as it was when the copy began, all of it or nothing; the ledger is verified on the other side.
    """
    from config.fields import SecretReference
    from config.settings import StorageSettings
    from storage.database import Database
    from storage.transfer import copy as transfer

    source = opened(cli)
    password = None
    if to_password is not None:
        try:
            reference = SecretReference(**SecretReference.parse(to_password))
        except ValueError as error:
            raise UsageError(f"--to-password: {error}", hint="Write env:NAME or file:PATH.") from error
        password = cli.secrets.read(reference).reveal()
    with Database.open(StorageSettings(url=to), password=password) as target:
        rows = transfer(source, target, cli.now(), actor=login())
        where = target.where
    cli.out.document(
        {"from": source.where, "to": where, "rows": rows},
        f"{sum(rows.values()):,} rows were copied from {source.where} to {where}. Now set storage.url to it.",
    )


@verb(app, "watchstander db check", "watchstander db check --format json")
def check(cli: State) -> ExitStatus:
    """Say what is damaged: pages, rows, documents, dictionaries, the ledger. Reads everything, writes nothing.

    Exit status 1 where something is.
    """
    from storage.check import check as faults
    from storage.errors import Damaged

    try:
        found = [{"where": f.where, "what": f.what, "hint": f.hint} for f in faults(opened(cli))]
    except Damaged as error:  # not even its schema can be read
        hint = "Nothing in it can be read. Restore the last backup with `watchstander db restore`; keep this file."
        found = [{"where": "page", "what": error.message, "hint": hint}]
    cli.out.items(found, FAULTS, empty="Everything is as it was written.")
    return ExitStatus.REFUSED if found else ExitStatus.OK


@verb(app, "watchstander db dictionaries /backup/watchstander-2026-05-01.db")
def dictionaries(
    cli: State, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `db backup` wrote.")]
) -> ExitStatus:
    """Take compression dictionaries that are gone or spoilt from a backup; one that fits is never touched.

    Exit status 1 where one is missing in the backup, too.
    """
    from storage.mending import mend_dictionaries

    done = mend_dictionaries(opened(cli), file)
    lines = ["Every dictionary in use fits." if not done.taken and not done.missing else ""]
    if done.taken:
        lines.append(f"Taken from {file}: {', '.join(map(str, done.taken))}. Run `watchstander db check`.")
    if done.missing:
        numbers = ", ".join(map(str, done.missing))
        lines.append(f"{file} does not have {numbers}: try a backup made later than they were trained.")
    cli.out.document(
        {"taken": list(done.taken), "missing": list(done.missing)}, "\n".join(line for line in lines if line)
    )
    return ExitStatus.REFUSED if done.missing else ExitStatus.OK


@verb(app, "watchstander db dead-letters --format json")
def dead_letters(
    cli: State, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50
) -> None:
    """Messages that nobody could understand, as they came, newest first."""
    from storage.deadletters import DeadLetters

    letters = DeadLetters(opened(cli)).last(limit)
    cli.out.items((letter._asdict() for letter in letters), LETTERS, empty="Everything was understood.")
