"""``watchstander inventory`` and ``show``: the resources there are, or were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.asking import At, ResourceOptions, opened, told_unread
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from storage.values import StoredResource

app = typer.Typer()

INVENTORY = (
    Column(key="provider"),
    Column(key="account"),
    Column(key="region"),
    Column(key="type"),
    Column(key="name"),
    Column(key="uid"),
    Column(key="changed_at", title="CHANGED"),
)


@verb(
    app,
    "watchstander inventory --type aws.s3_bucket --at yesterday",
    "watchstander inventory --where 'document.Encrypted == `false`' --format ndjson",
)
def inventory(
    cli: State,
    chosen: ResourceOptions,
    at: At = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="With the whole document of each (json, ndjson).")
    ] = False,
) -> ExitStatus:
    """The resources there are, or with --at were.

    Exit status 3 where a scope that bears on the answer was not read completely last time.
    """
    from storage.inventory import Inventory

    wanted = chosen.filter()
    moment = cli.time(at)
    found = Inventory(opened(cli)).find(wanted, moment)
    rows = (_row(resource, documents=documents) for batch in found for resource in batch)
    cli.out.items(rows, INVENTORY, empty="No such resource is known.")
    return told_unread(cli, wanted) if moment is None else ExitStatus.OK


@verb(
    app,
    "watchstander show arn:aws:s3:::my-bucket",
    "watchstander show arn:aws:s3:::my-bucket --at 3d --terraform",
)
def show(
    cli: State,
    uid: Annotated[
        str,
        typer.Argument(metavar="UID", help="The ARN, Azure resource id or Google Cloud full resource name."),
    ],
    at: At = None,
    terraform: Annotated[
        bool, typer.Option("--terraform", help="As the Terraform provider names its attributes.")
    ] = False,
) -> None:
    """One resource's document, now or with --at then; fields that could not be read are named."""
    from config.errors import UsageError
    from storage.errors import NotStored
    from storage.inventory import Inventory

    store, moment = Inventory(opened(cli)), cli.time(at)
    # Azure ids are kept in lower case, and people copy them as the portal writes them.
    resource = store.get(uid, moment) or store.get(uid.lower(), moment)
    if resource is None:
        if moment is None and (gone := store.deleted_at(uid)) is not None:
            raise NotStored(
                f"{uid} was deleted at {gone.isoformat()}.", hint="`watchstander history` tells its past."
            )
        close = store.similar(uid)
        hint = (
            f"Did you mean {' or '.join(close)}?"
            if close
            else "`watchstander inventory` lists what there is."
        )
        raise NotStored(f"{uid} is not known{'' if moment is None else ' at that time'}.", hint=hint)
    if terraform:
        from providers.registry import terraform_view
        from providers.terraform import AbsentBlock

        view = terraform_view(resource.resource)
        if view is None:
            raise UsageError(f"There is no Terraform view of {resource.ref.type}.")
        body = {"type": view.type, "attributes": view.render(AbsentBlock.EMPTY), "unread": view.unread}
        cli.out.document(body)
    else:
        cli.out.document({**_row(resource, documents=True), "valid_until": resource.valid_to})
    if resource.unread:
        told = ", ".join(f"{name} ({cause})" for name, cause in resource.unread.items())
        cli.out.note(f"Not read last time, and so unknown: {told}.")


def _row(resource: StoredResource, *, documents: bool) -> dict[str, Any]:
    row = {
        "uid": resource.uid,
        "provider": resource.ref.provider,
        "account": resource.ref.account,
        "region": resource.ref.region,
        "type": resource.ref.type,
        "name": resource.name,
        "tags": resource.tags,
        "first_seen": resource.first_seen,
        "changed_at": resource.valid_from,
        "unread": resource.unread,
    }
    return {**row, "document": resource.document} if documents else row
