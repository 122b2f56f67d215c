"""What the verbs that ask the store have in common: the filter options, the unread scopes that bear on an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import UsageError
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.verbs import Options
from daemon.garbage import settle

if TYPE_CHECKING:
    from providers.resource import Scope
    from storage.database import Database
    from storage.ignoring import Ignoring
    from storage.query import Filter

AllFields = Annotated[
    bool, typer.Option("--all-fields", help="With the fields that history.ignored_fields leaves out.")
]
At = Annotated[
    str | None, typer.Option(metavar="TIME", help="As it was then: 2h, 3d, yesterday, 2024-05-01T12:00:00Z.")
]


@dataclass(frozen=True, kw_only=True)
class PlaceOptions(Options):
    """Of which places and types: what every question about an estate can be narrowed to."""

    type: Annotated[
        list[str] | None,
        typer.Option(
            "--type", "-t", metavar="TYPE", help="Only this type; a trailing * matches a prefix. Repeatable."
        ),
    ] = None
    account: Annotated[
        list[str] | None,
        typer.Option("--account", "-a", metavar="ACCOUNT", help="Only this account. Repeatable."),
    ] = None
    region: Annotated[
        list[str] | None,
        typer.Option("--region", "-r", metavar="REGION", help="Only this region. Repeatable."),
    ] = None
    provider: Annotated[
        list[str] | None,
        typer.Option("--provider", "-p", metavar="CLOUD", help="Only this cloud. Repeatable."),
    ] = None

    def filter(self) -> Filter:
        """As the store takes it. Raises UsageError."""
        from storage.query import Filter

        return Filter(
            types=frozenset(self.type or ()),
            accounts=frozenset(self.account or ()),
            regions=frozenset(self.region or ()),
            providers=frozenset(self.provider or ()),
        )


@dataclass(frozen=True, kw_only=True)
class ResourceOptions(PlaceOptions):
    """Which resources: by place and type, by tag and by an expression over them."""

    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Only with this tag. Repeatable.")
    ] = None
    where: Annotated[
        str | None,
        typer.Option(
            metavar="EXPR",
            help="Only where this JMESPath holds, over uid, provider, account, region, type, name, tags, document, unread.",
        ),
    ] = None

    def filter(self) -> Filter:
        """As the store takes it. Raises UsageError."""
        pairs = {}
        for tag in self.tag or ():
            key, equals, value = tag.partition("=")
            if not equals:
                raise UsageError(f"{tag!r} is not a tag.", hint="Write --tag Team=payments.")
            pairs[key] = value
        return replace(super().filter(), tags=pairs, where=self.where)


def opened(cli: State) -> Database:
    """The database, of the schema this code needs. Raises StorageError."""
    settle()
    cli.database.require_schema()
    return cli.database


def ignoring(cli: State, *, all_fields: bool) -> Ignoring:
    """What ``history.ignored_fields`` leaves out; nothing with ``--all-fields``. Raises ConfigurationError."""
    from storage.ignoring import Ignoring

    return Ignoring({} if all_fields else cli.settings.history.ignored_fields)


def told_ignored(cli: State, ignored: Ignoring) -> None:
    """Say how much was left out, where anything was."""
    if ignored.left_out:
        changes = "1 change" if ignored.left_out == 1 else f"{ignored.left_out:,} changes"
        cli.out.note(f"Left out {changes} of fields in history.ignored_fields (--all-fields tells them too).")


def told_unread(cli: State, wanted: Filter) -> ExitStatus:
    """Say which scopes that bear on the answer were not read completely last time; INCOMPLETE where there are any."""
    from storage.inventory import Inventory

    unread = [s for s in Inventory(cli.database).coverage() if s.unread and bears(s.scope, wanted)]
    if not unread:
        return ExitStatus.OK
    first = unread[0]
    more = f" and {len(unread) - 1} more (`watchstander coverage --unread`)" if len(unread) > 1 else ""
    cli.out.note(
        f"Not read completely last time, so shown as last known: {first.scope} ({first.cause or first.status}){more}."
    )
    return ExitStatus.INCOMPLETE


def bears(scope: Scope, wanted: Filter) -> bool:
    """Whether a scope and a filter may have a resource in common."""
    return (
        (not wanted.providers or scope.provider in wanted.providers)
        and (not wanted.accounts or scope.account in wanted.accounts)
        and (not wanted.regions or scope.region == "*" or scope.region in wanted.regions)
        and (not wanted.types or any(_overlap(scope.type, t) for t in wanted.types))
    )


def _overlap(one: str, other: str) -> bool:
    if one.endswith("*") and other.endswith("*"):
        return one.startswith(other[:-1]) or other.startswith(one[:-1])
    if one.endswith("*"):
        return other.startswith(one[:-1])
    return one.startswith(other[:-1]) if other.endswith("*") else one == other
