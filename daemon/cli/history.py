"""``watchstander history`` and ``diff``: what happened to a resource, and what changed between two times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.asking import AllFields, ResourceOptions, ignoring, opened, told_ignored
from daemon.cli.context import State
from daemon.cli.output import Column, dumps
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from storage.attribution import Attribution
    from storage.history import Difference, TimelineEntry
    from storage.values import FieldChange

app = typer.Typer()

Field = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help="Only changes of this field or of what is in it: IpPermissions, Tags[Team]."
    ),
]


def shown(value: Any) -> str:
    """A field's value, short."""
    text = "" if value is None else value if isinstance(value, str) else dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_FIELDS = (
    Column(key="path", title="FIELD"),
    Column(key="before", render=shown),
    Column(key="after", render=shown),
    Column(key="actor", title="BY"),
)
HISTORY = (Column(key="at"), Column(key="kind", title="WHAT"), Column(key="origin", title="KNOWN"), *_FIELDS)
DIFF = (Column(key="kind", title="WHAT"), Column(key="uid", title="RESOURCE"), *_FIELDS)


@verb(app, "watchstander history arn:aws:s3:::my-bucket", "watchstander history UID --format json")
def history(
    cli: State,
    uid: Annotated[
        str,
        typer.Argument(metavar="UID", help="The ARN, Azure resource id or Google Cloud full resource name."),
    ],
    documents: Annotated[
        bool, typer.Option("--documents", help="With the whole document of each version (json, ndjson).")
    ] = False,
    field: Field = None,
    all_fields: AllFields = False,
) -> None:
    """The versions of one resource, oldest first, by field, with who made them where that is known.

    `created` with KNOWN `baseline` (the first contact with its scope) or as the oldest `past` means first known, not made.
    `past` is what the cloud's own history told of the time before, `seen` our own first reading where it says the same.
    `learned` is a field that could not be read before. BY is what the cloud's own record tells (`who` in json: request, address,
    user agent); `alice or bob?` where both acted upon it just then.
    """
    from storage.errors import NotStored
    from storage.history import History
    from storage.inventory import Inventory

    database = opened(cli)
    store = History(database)
    entries = store.timeline(uid, field=field) or store.timeline(uid.lower(), field=field)
    if not entries:
        close = Inventory(database).similar(uid)
        hint = (
            f"Did you mean {' or '.join(close)}?"
            if close
            else "`watchstander inventory` lists what there is."
        )
        raise NotStored(f"{uid} is not known.", hint=hint)
    ignored = ignoring(cli, all_fields=all_fields or field is not None)
    told = ignored.apply(entries)
    if cli.out.human:
        rows = (_entry(e, documents=False) for e in told)
        cli.out.items(by_field({**row, "actor": named(row)} for row in rows), HISTORY)
    else:
        cli.out.items((_entry(e, documents=documents) for e in told), HISTORY)
    told_ignored(cli, ignored)


@verb(
    app,
    "watchstander diff --from yesterday --to now",
    "watchstander diff --from 7d --to 1d --type 'aws.iam_*' --actor alice --format ndjson",
)
def diff(
    cli: State,
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="The earlier time: 2h, 3d, yesterday.")
    ],
    chosen: ResourceOptions,
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="The later time.")] = "now",
    actor: Annotated[
        str | None, typer.Option(metavar="WHO", help="Only where this one made one of the changes.")
    ] = None,
    field: Field = None,
    all_fields: AllFields = False,
) -> None:
    """What is different between two times, by resource and field; what changed and changed back is not there."""
    from storage.history import History

    earlier, later = cli.time(from_), cli.time(to)
    assert earlier is not None
    assert later is not None
    if earlier > later:
        raise UsageError(
            "--from is later than --to.", hint="Write --from 3d --to 1d: from three days ago to one day ago."
        )
    wanted = chosen.filter()
    ignored = ignoring(cli, all_fields=all_fields or field is not None)
    differences = History(opened(cli)).diff(earlier, later, wanted, actor=actor, field=field)
    found = map(_difference, ignored.apply(differences))
    cli.out.items(by_field(found) if cli.out.human else found, DIFF, empty="Nothing is different.")
    told_ignored(cli, ignored)


def _fields(fields: Iterable[FieldChange]) -> list[Mapping[str, Any]]:
    from storage.history import json_field

    return [json_field(change) for change in fields]


def _who(told: Attribution | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "status": told.status.value,
        "deeds": [
            {
                "id": deed.id,
                "at": deed.at,
                "actor": deed.actor,
                "operation": deed.operation,
                "request_id": deed.request_id,
                "source_ip": deed.source_ip,
                "user_agent": deed.user_agent,
                "ours": deed.id in told.ours,
            }
            for deed in told.deeds
        ],
        "cause": told.cause,
        "permission": told.permission,
    }


def named(row: Mapping[str, Any]) -> str:
    """Who did it, in a few words: `eve, PutBucketPolicy`; `alice or bob?` where the cloud's record names several."""
    who = row.get("who") or {"status": "", "deeds": []}
    deeds = who["deeds"]
    if who["status"] == "ambiguous":
        return " or ".join(dict.fromkeys(str(deed["actor"] or "somebody unnamed") for deed in deeds)) + "?"
    done = ", ".join(dict.fromkeys(deed["operation"] for deed in deeds))
    ours = " (by us)" if any(deed["ours"] for deed in deeds) else ""
    return ", ".join(part for part in (row["actor"], done) if part) + ours


def _entry(entry: TimelineEntry, *, documents: bool) -> dict[str, Any]:
    row = {
        "uid": entry.ref.uid,
        "at": entry.at,
        "kind": entry.kind.value,
        "baseline": entry.baseline,
        "origin": entry.origin.name.lower(),
        "actor": entry.actor,
        "who": _who(entry.who),
        "cycle": entry.cycle_id,
        "fields": _fields(entry.fields),
    }
    if documents:
        row["document"] = entry.resource.document if entry.resource else None
    return row


def _difference(difference: Difference) -> dict[str, Any]:
    ref = difference.ref
    return {
        "kind": difference.kind.value,
        "uid": ref.uid,
        "provider": ref.provider,
        "account": ref.account,
        "region": ref.region,
        "type": ref.type,
        "name": difference.name,
        "at": difference.last_at,
        "versions": difference.changes,
        "actor": ", ".join(difference.actors) or None,
        "fields": _fields(difference.fields),
    }


def by_field(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One line a field, for people; the resource stands on the first."""
    for row in rows:
        head = dict(row)
        for number, change in enumerate(row["fields"] or [{}]):
            line = {**change, **(head if number == 0 else {"at": "", "kind": "", "origin": "", "uid": ""})}
            if change.get("moved"):
                line |= {"before": "", "after": "(moved)"}
            yield line
