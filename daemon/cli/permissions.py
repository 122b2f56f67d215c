"""``watchstander permissions``: the least role a cloud must give us."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from config.errors import UsageError
from config.wording import counted
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Format
from daemon.cli.verbs import verb

app = typer.Typer()


class Cloud(StrEnum):
    """The clouds."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


@verb(
    app,
    "watchstander permissions aws --terraform > watchstander.tf",
    "watchstander permissions azure > read.json && az role definition create --role-definition @read.json",
    "watchstander permissions aws --part 1 > read-1.json",
    "watchstander permissions aws --contain --action aws.deactivate_access_key",
)
def permissions(
    cli: State,
    cloud: Annotated[Cloud, typer.Argument(help="The cloud.", metavar="aws|azure|gcp")],
    contain: Annotated[
        bool, typer.Option("--contain/--read", help="To act, or (the default) to read.")
    ] = False,
    terraform: Annotated[bool, typer.Option("--terraform", help="In Terraform's language.")] = False,
    action: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="With --contain: what this action needs, whatever hooks are configured. Repeatable.",
        ),
    ] = None,
    part: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Of a role that the cloud takes in parts only: the Nth."),
    ] = None,
) -> ExitStatus | None:
    """Print the least role that reading (or containment) needs, as a document to apply.

    An IAM policy for AWS, custom roles for Azure and Google Cloud. It needs no credentials and no network, and without a
    configuration it is for everything that can be read. With --contain it is for the actions of the configured hooks that may
    act (mode `approve` or `auto`); without any hooks, for every action there is.
    """
    from providers.registry import role_of

    if action and not contain:
        raise UsageError(
            "--action is for --contain.", hint="Reading is narrowed by `types` in the configuration."
        )
    actions = tuple(action or ())
    if contain and not actions and cli.settings.containment.hooks:
        actions = _hooks_actions(cli, cloud)
        if not actions:
            return None
    role = role_of(cloud, cli.settings.providers, contain=contain, actions=actions)
    if part is not None and (terraform or part > len(role.documents)):
        count = len(role.documents)
        raise UsageError(
            "Terraform's form is one file with every part."
            if terraform
            else f"There is no part {part}: the role has {counted(count, 'part')}."
        )
    if cli.out.format is Format.CSV:
        raise UsageError("A role is a document, not a list.", hint="Use --format json, or none.")
    for note in role.notes:
        cli.out.note(note)
    if terraform:
        cli.out.raw(role.terraform)
        return None
    if part is None and len(role.documents) > 1:
        cli.out.note(f"Print them one by one: --part 1 to --part {len(role.documents)}.")
    number = str(part or "N")
    cli.out.note(f"Apply it with: {role.apply.replace('-N ', f'-{number} ')}")
    shown: Any = role.documents[0 if part is None else part - 1]
    if part is None and len(role.documents) > 1:
        shown = list(role.documents)
    as_yaml = cloud is Cloud.GCP and cli.out.format is Format.HUMAN
    cli.out.raw(yaml.safe_dump(shown, sort_keys=False) if as_yaml else json.dumps(shown, indent=2))
    return None


def _hooks_actions(cli: State, cloud: Cloud) -> tuple[str, ...]:
    """The actions of the configured hooks; none, with a note, where no hook may act in this cloud."""
    from daemon.hooks.needs import needs_of

    needs = needs_of(cloud, cli.settings.containment.hooks)
    for hook, kinds in needs.rehearsing.items():
        options = " ".join(f"--action {kind}" for kind in kinds)
        cli.out.note(
            f"The hook {hook} only rehearses (mode dry-run): it writes nothing, and needs nothing. Later: {options}"
        )
    if not needs.kinds:
        cli.out.note(f"No configured hook acts in {cloud}, so there is nothing to grant.")
    return needs.kinds
