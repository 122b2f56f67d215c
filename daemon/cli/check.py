"""``watchstander check``: the policies on a Terraform plan or state or on an inventory export, without a cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.engines import engine_of, policies_of
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.output import Column, text
from daemon.cli.policies import SEVERITY_STYLE
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from policies.exemption import Exemption
    from policies.policy import Policy
    from policies.subject import Subject
    from policies.verdict import Verdict
    from providers.exports import Export

app = typer.Typer()
_OUTCOME_STYLE = {"fail": "red", "unknown": "yellow", "pass": "green"}


@verb(
    app,
    "terraform show -json plan.out > plan.json && watchstander check plan.json",
    "watchstander check 123456789012_Config_eu-west-1_ConfigSnapshot_20240501T000000Z.json.gz",
    "gcloud asset export ... && watchstander check resources.ndjson policies.ndjson",
)
def check(
    cli: State,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A Terraform plan or state as `terraform show -json` prints it, Terraform's own state file, an AWS Config"
            " snapshot, Resource Graph answers, Cloud Asset exports; gzipped or not, of one kind or several.",
            metavar="FILE...",
        ),
    ],
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            "--policies", help="Policies instead of the configured ones; repeatable.", metavar="PATH"
        ),
    ] = None,
    exemptions: Annotated[
        bool,
        typer.Option(
            "--exemptions", help="Let pass what the configured database has an exemption in force for."
        ),
    ] = False,
    all: Annotated[bool, typer.Option("--all", help="Show what passed, too.")] = False,
) -> ExitStatus:
    """Judge a Terraform plan or state, or an inventory export, without a cloud: the same policies.

    What is known only after apply, and what an export does not hold, is unknown here, never a pass. Exit status 1 where
    something failed, 3 where something could not be told or a file says that it is not whole. An advisory policy is shown
    and changes no exit status; with --exemptions nor does an exempt failure, unless its policy is hard-mandatory.
    """
    from policies.evaluate import Followed, Judge
    from policies.exemption import covering
    from policies.policy import EnforcementLevel
    from policies.verdict import Outcome
    from providers.exports import exports

    groups = exports(files)
    engine = engine_of(cli)
    chosen = policies_of(cli, engine, policies)
    borne = _in_force(cli) if exemptions else ()
    seen: set[Outcome] = set()

    def rows() -> Iterator[dict[str, Any]]:
        with Judge(chosen, cli.settings.policies, engine=engine) as judge:
            for where, subjects in _subjects(groups):
                followed = Followed(_told(subjects, borne))
                for verdict in judge.judge(followed, now=cli.clock()):
                    policy, exemption = chosen.by_id(verdict.policy_id), None
                    resource = followed.of(verdict)
                    if (
                        verdict.outcome is Outcome.FAIL
                        and policy.enforcement is not EnforcementLevel.HARD_MANDATORY
                    ):
                        exemption = covering(borne, policy.id, resource) if borne else None
                    if exemption is None and policy.enforcement is not EnforcementLevel.ADVISORY:
                        seen.add(verdict.outcome)
                    if all or verdict.outcome is not Outcome.PASS:
                        yield _verdict_row(where, verdict, policy, exemption)

    columns = (
        Column(key="outcome", title="OUTCOME", style=lambda v: _OUTCOME_STYLE.get(str(v), "")),
        Column(key="enforcement", title="LEVEL"),
        Column(key="severity", title="SEVERITY", style=lambda v: SEVERITY_STYLE.get(str(v), "")),
        Column(key="policy", title="POLICY"),
        Column(key="resource", title="RESOURCE"),
        Column(key="message", title="MESSAGE"),
    )
    cli.out.items(rows(), columns, empty="Nothing failed.")
    gaps = [gap for group in groups for gap in group.gaps]
    for gap in gaps:
        cli.out.warn(f"Not judged: {gap}.")
    return gravest(
        ExitStatus.REFUSED if Outcome.FAIL in seen else ExitStatus.OK,
        ExitStatus.INCOMPLETE if gaps or Outcome.UNKNOWN in seen else ExitStatus.OK,
    )


def _subjects(groups: list[Export]) -> Iterator[tuple[str, Iterable[Subject]]]:
    """What is judged, by where it comes from. Streams: an export may be larger than memory."""
    from policies.plan import read_plan
    from policies.subject import Subject
    from providers.exports import ExportFormat
    from providers.registry import terraform_view

    for group in groups:
        if group.format is ExportFormat.TERRAFORM:
            for path in group.paths:
                yield str(path), (planned.subject for planned in read_plan(path))
        else:
            # Resources and IAM policies of one asset lie in two files: such files are judged together.
            where = ", ".join(map(str, group.paths))
            yield where, (Subject(resource=found, view=terraform_view(found)) for found in group)


def _told(subjects: Iterable[Subject], borne: Sequence[Exemption]) -> Iterator[Subject]:
    """Subjects, told of their exemptions. Without --exemptions nothing is exempt: that is known, not unread."""
    from daemon.facts import Borne

    for subject in subjects:
        fact = Borne(borne, subject.resource) if borne else None
        yield subject._replace(context={**subject.context, "exemption": fact})


def _in_force(cli: State) -> tuple[Exemption, ...]:
    from storage.exemptions import Exemptions

    return Exemptions(opened(cli)).in_force(cli.now())


def _verdict_row(where: str, verdict: Verdict, policy: Policy, exemption: Exemption | None) -> dict[str, Any]:
    said = verdict.text
    if exemption is not None:
        said += f" (exempt until {text(exemption.until)}: {exemption.ticket}, by {exemption.who})"
    return {
        "file": where,
        "resource": verdict.uid,
        "policy": policy.id,
        "title": policy.title,
        "phase": policy.phase.value,
        "severity": policy.severity.value,
        "enforcement": policy.enforcement.value,
        "outcome": verdict.outcome.value,
        "message": said,
        "exemption": None if exemption is None else exemption.id,
    }
