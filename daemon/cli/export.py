"""``watchstander export``: findings for other tools."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import UsageError
from daemon.cli.asking import bears, opened, told_unread
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.findings import FindingOptions
from daemon.cli.output import Format, printable
from daemon.cli.verbs import verb
from daemon.export import ExportFormat

if TYPE_CHECKING:
    from daemon.export.context import Context
    from policies.policy import Policy
    from providers.resource import ResourceRef
    from storage.findings import Finding, FindingFilter, Unknown
    from storage.query import Filter

app = typer.Typer()
_SHOWN = 1000
"""Undecided pairs that a report can name."""


@verb(
    app,
    "watchstander export --as html --output report.html",
    "watchstander export --as sarif --min-severity high > findings.sarif",
    "watchstander export --as ocsf --status all",
    "watchstander export --as asff --provider aws > findings.json",
)
def export(
    cli: State,
    as_: Annotated[ExportFormat, typer.Option("--as", help="The format.", metavar="FORMAT")],
    chosen: FindingOptions,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; standard output where not given."),
    ] = Path("-"),
    aws_account: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="For asff: the account that findings about other clouds are imported into."
        ),
    ] = None,
    aws_region: Annotated[
        str, typer.Option(metavar="REGION", help="For asff: the region of that import.")
    ] = "us-east-1",
) -> ExitStatus:
    """Write findings for other tools: ocsf, asff, sarif, csv, html (a report for people) or junit.

    A file is written as a whole or not at all. Exit status 3 where a scope that bears on the findings was not read
    completely last time, or findings cannot be said in the format.
    """
    from daemon.export import writer

    if cli.out.format is not Format.HUMAN:
        raise UsageError("--format is for lists; an export has its own.", hint="Choose it with --as.")
    if aws_account is not None and not (aws_account.isdigit() and len(aws_account) == 12):
        raise UsageError(f"{aws_account!r} is no AWS account id.", hint="It has twelve digits.")
    places, wanted = chosen.filter(), chosen.findings()
    context = _context(cli, places, wanted, (aws_account, aws_region))
    said = _Said(as_, context)
    pieces = writer(as_)(said.over(_found(cli, wanted)), context)
    _write(cli, output, pieces)
    if said.left_out:
        cli.out.warn(
            f"{said.left_out} findings about other clouds were left out: say with --aws-account which account they go to."
        )
    if output != Path("-"):
        count = "1 finding" if said.count == 1 else f"{said.count} findings"
        cli.out.note(printable(f"{count} written to {output}."))
    return gravest(told_unread(cli, places), ExitStatus.INCOMPLETE if said.left_out else ExitStatus.OK)


class _Said:
    """Counts what goes through, and what the format cannot say."""

    def __init__(self, as_: ExportFormat, context: Context) -> None:
        self._asff = as_ is ExportFormat.ASFF
        self._context = context
        self.count = 0
        self.left_out = 0

    def over(self, findings: Iterator[Finding]) -> Iterator[Finding]:
        from daemon.export.asff import sayable

        for finding in findings:
            if self._asff and not sayable(finding, self._context):
                self.left_out += 1
                continue
            self.count += 1
            yield finding


def _found(cli: State, wanted: FindingFilter) -> Iterator[Finding]:
    from storage.findings import Findings

    return chain.from_iterable(Findings(opened(cli)).find(wanted))


def _context(cli: State, places: Filter, wanted: FindingFilter, aws: tuple[str | None, str]) -> Context:
    from importlib.metadata import version

    from daemon.crew import offline_policies
    from daemon.export.context import Context
    from storage.inventory import Inventory

    database = opened(cli)
    policies = {p.id: p for p in offline_policies(cli.settings.policies).policies}
    shown: list[Unknown] = []
    count = 0
    for pair in _undecided(cli, places, wanted, policies):
        count += 1
        if len(shown) < _SHOWN:
            shown.append(pair)
    return Context(
        now=cli.now(),
        version=version("watchstander"),
        policies=policies,
        coverage=[s for s in Inventory(database).coverage() if bears(s.scope, places)],
        unknown=shown,
        unknown_count=count,
        aws_account=aws[0],
        aws_region=aws[1],
    )


def _undecided(
    cli: State, places: Filter, wanted: FindingFilter, policies: dict[str, Policy]
) -> Iterator[Unknown]:
    """The pairs that could not be decided, among those that the options ask about."""
    from storage.findings import Findings
    from storage.inventory import Inventory
    from storage.query import Filter

    inventory, inside = Inventory(cli.database), dict[str, bool]()
    narrowed = places != Filter()
    for pair in chain.from_iterable(Findings(cli.database).unknown()):
        if not _asked_about(pair.policy, wanted, policies):
            continue
        if narrowed and pair.uid not in inside:
            stored = inventory.get(pair.uid)
            inside[pair.uid] = stored is not None and _within(stored.resource.ref, places)
        if not narrowed or inside[pair.uid]:
            yield pair


def _asked_about(policy_id: str, wanted: FindingFilter, policies: dict[str, Policy]) -> bool:
    policy = policies.get(policy_id)
    if wanted.policies and policy_id not in wanted.policies:
        return False
    if policy is None:
        return True
    return (
        (wanted.phase is None or policy.phase is wanted.phase)
        and (wanted.min_severity is None or policy.severity.rank >= wanted.min_severity.rank)
        and (wanted.framework is None or wanted.framework in policy.frameworks)
    )


def _within(ref: ResourceRef, places: Filter) -> bool:
    return (
        (not places.providers or ref.provider in places.providers)
        and (not places.accounts or ref.account in places.accounts)
        and (not places.regions or ref.region in places.regions)
        and (
            not places.types
            or any(ref.type.startswith(t[:-1]) if t.endswith("*") else ref.type == t for t in places.types)
        )
    )


def _write(cli: State, path: Path, pieces: Iterator[str]) -> None:
    if path == Path("-"):
        for piece in pieces:
            cli.out.piece(piece)
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        Path(name).chmod(0o644 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
