"""``watchstander baseline``: states known to be good, and what drifted from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.asking import AllFields, At, ResourceOptions, ignoring, opened, told_ignored, told_unread
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.history import by_field, shown
from daemon.cli.output import Column, dumps, text
from daemon.cli.plan import WhoOption, login
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from providers.exports import Export

app = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="NAME", help="The baseline's name.")]
Why = Annotated[str, typer.Option(metavar="TEXT", help="Why: it goes into the ledger.")]

BASELINES = (
    Column(key="name"),
    Column(key="resources", right=True),
    Column(key="at", title="AS OF"),
    Column(key="approved_at", title="APPROVED"),
    Column(key="who"),
    Column(key="why"),
    Column(key="filter", render=lambda value: dumps(value) if value else "everything"),
)
DRIFT = (
    Column(key="kind", title="WHAT"),
    Column(key="uid", title="RESOURCE"),
    Column(key="path", title="FIELD"),
    Column(key="before", title="BASELINE", render=shown),
    Column(key="after", title="NOW", render=shown),
)


@verb(
    app,
    "watchstander baseline pin release-7 --why 'audited on Monday'",
    "watchstander baseline pin payments --at yesterday --tag Team=payments --why 'before the incident'",
    "watchstander baseline pin delivered --from ConfigSnapshot.json.gz --why 'as handed over'",
)
def pin(
    cli: State,
    name: Name,
    why: Why,
    chosen: ResourceOptions,
    at: At = None,
    from_: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="As exported here: an AWS Config snapshot, Resource Graph answers, Cloud Asset exports. Repeatable.",
        ),
    ] = None,
    by: WhoOption = None,
) -> ExitStatus:
    """Hold the estate, or the part the filters choose, as it is now, was at a time, or was exported: known to be good.

    What a baseline holds is never let go of by retention. Exit status 3 where an export says that it is not whole.
    """
    from storage.baseline import Baselines, Word

    wanted = chosen.filter()
    word = Word(who=by or login(), why=why, now=cli.now())
    if from_ and at is not None:
        raise UsageError("An export is of its own time.", hint="Give --from or --at, not both.")
    groups = _inventories(from_) if from_ else ()
    exported = chain.from_iterable(groups) if from_ else None
    made = Baselines(opened(cli)).pin(name, wanted, word, at=cli.time(at), exported=exported)
    when = f"as exported, pinned {text(made.at)}" if from_ else f"as of {text(made.at)}"
    cli.out.document(_row(made), f"{name} holds {made.resources:,} resources {when}.")
    gaps = [gap for group in groups for gap in group.gaps]
    for gap in gaps:
        cli.out.warn(f"Not pinned: {gap}.")
    return ExitStatus.INCOMPLETE if gaps else ExitStatus.OK


@verb(app, "watchstander baseline list", "watchstander baseline list --format json", name="list")
def list_(cli: State) -> None:
    """The baselines, by name."""
    from storage.baseline import Baselines

    cli.out.items(map(_row, Baselines(opened(cli)).all()), BASELINES, empty="There is no baseline.")


@verb(app, "watchstander baseline drift release-7", "watchstander baseline drift release-7 --format ndjson")
def drift(cli: State, name: Name, all_fields: AllFields = False) -> ExitStatus:
    """What differs from a baseline now, by resource and field: changed, deleted, or created since.

    Exit status 1 where something does; 3 where a scope that bears on the answer was not read completely last time.
    """
    from storage.baseline import Baselines

    store, seen = Baselines(opened(cli)), 0
    held, ignored = store.get(name), ignoring(cli, all_fields=all_fields)

    def rows() -> Any:
        nonlocal seen
        for one in ignored.apply(store.drift(name)):
            seen += 1
            yield _drift(one)

    cli.out.items(by_field(rows()) if cli.out.human else rows(), DRIFT, empty="Nothing drifted.")
    told_ignored(cli, ignored)
    status = told_unread(cli, held.wanted)
    if held.exported and (unseen := store.unseen(name)):
        cli.out.note(
            f"{unseen:,} exported resources are of places that were never read completely: not known to be there, or gone."
        )
        status = ExitStatus.INCOMPLETE
    return gravest(ExitStatus.REFUSED if seen else ExitStatus.OK, status)


@verb(
    app,
    "watchstander baseline approve release-7 --resource arn:aws:s3:::logs --why 'CHG-77'",
    "watchstander baseline approve release-7 --all --why 'release 8'",
)
def approve(
    cli: State,
    name: Name,
    why: Why,
    resource: Annotated[
        list[str] | None, typer.Option("--resource", "-R", metavar="UID", help="This resource. Repeatable.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="All that drifted.")] = False,
    by: WhoOption = None,
) -> None:
    """Take drift into a baseline: what is there now is good."""
    from storage.baseline import Baselines, Word

    if bool(resource) == all:
        raise UsageError("Say what is approved.", hint="Write --resource UID, or --all.")
    word = Word(who=by or login(), why=why, now=cli.now())
    count = Baselines(opened(cli)).approve(name, word, None if all else resource)
    cli.out.document(
        {"name": name, "approved": count}, f"{count:,} resources that drifted are in {name} as they are now."
    )


@verb(app, "watchstander baseline remove release-6 --why 'release 7 holds'")
def remove(cli: State, name: Name, why: Why, by: WhoOption = None) -> None:
    """Let go of a baseline."""
    from storage.baseline import Baselines, Word

    Baselines(opened(cli)).remove(name, Word(who=by or login(), why=why, now=cli.now()))
    cli.out.document({"name": name, "removed": True}, f"{name} is no more.")


def _inventories(files: list[Path]) -> Sequence[Export]:
    """The exports in files. Raises UsageError, also for a Terraform file, which says what is wanted and not what is there."""
    from providers.exports import ExportFormat, exports

    groups = exports(files)
    for group in groups:
        if group.format is ExportFormat.TERRAFORM:
            raise UsageError(
                f"{group.paths[0]} is a Terraform plan or state: it does not hold the documents the clouds give.",
                hint="Give an AWS Config snapshot, Resource Graph answers or a Cloud Asset export.",
            )
    return groups


def _row(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "resources": one.resources,
        "exported": one.exported,
        "at": one.at,
        "pinned_at": one.pinned_at,
        "approved_at": one.approved_at,
        "who": one.who,
        "why": one.why,
        "filter": one.wanted.saved(),
    }


def _drift(one: Any) -> dict[str, Any]:
    from storage.history import json_field

    return {
        "kind": one.kind.value,
        "uid": one.ref.uid,
        "provider": one.ref.provider,
        "account": one.ref.account,
        "region": one.ref.region,
        "type": one.ref.type,
        "name": one.name,
        "since": one.since,
        "fields": [json_field(change) for change in one.fields],
    }
