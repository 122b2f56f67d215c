"""``watchstander check``: the policies on a Terraform plan or state, without a cloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.context import State
from daemon.cli.exits import ExitStatus, gravest
from daemon.cli.output import Column
from daemon.cli.policy import SEVERITY_STYLE, engine_of, policies_of
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from policies.pack import PolicySet
    from policies.verdict import Verdict

app = typer.Typer()
_OUTCOME_STYLE = {"fail": "red", "unknown": "yellow", "pass": "green"}


@verb(app, "terraform show -json plan.out > plan.json && watchstander check plan.json")
def check(
    cli: State,
    files: Annotated[
        list[Path],
        typer.Argument(help="What `terraform show -json` printed of a plan or a state.", metavar="FILE..."),
    ],
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            "--policies", help="Policies instead of the configured ones; repeatable.", metavar="PATH"
        ),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Show what passed, too.")] = False,
) -> ExitStatus:
    """Judge a Terraform plan or state, without a cloud: the same policies, before anything is applied.

    What is known only after apply is unknown here, never a pass. Exit status 1 where something failed, 3 where something
    could not be told.
    """
    from policies.evaluate import Judge
    from policies.plan import read_plan
    from policies.verdict import Outcome

    plans = [(path, read_plan(path)) for path in files]
    engine = engine_of(cli)
    chosen = policies_of(cli, engine, policies)
    seen: set[Outcome] = set()

    def rows() -> Iterator[dict[str, Any]]:
        with Judge(chosen, cli.settings.policies, engine=engine) as judge:
            for path, planned in plans:
                for verdict in judge.judge((p.subject for p in planned), now=cli.clock()):
                    seen.add(verdict.outcome)
                    if all or verdict.outcome is not Outcome.PASS:
                        yield _verdict_row(path, verdict, chosen)

    columns = (
        Column(key="outcome", title="OUTCOME", style=lambda v: _OUTCOME_STYLE.get(str(v), "")),
        Column(key="severity", title="SEVERITY", style=lambda v: SEVERITY_STYLE.get(str(v), "")),
        Column(key="policy", title="POLICY"),
        Column(key="resource", title="RESOURCE"),
        Column(key="message", title="MESSAGE"),
    )
    cli.out.items(rows(), columns, empty="Nothing failed.")
    return gravest(
        ExitStatus.REFUSED if Outcome.FAIL in seen else ExitStatus.OK,
        ExitStatus.INCOMPLETE if Outcome.UNKNOWN in seen else ExitStatus.OK,
    )


def _verdict_row(path: Path, verdict: Verdict, policies: PolicySet) -> dict[str, Any]:
    policy = policies.by_id(verdict.policy_id)
    return {
        "file": str(path),
        "resource": verdict.uid,
        "policy": policy.id,
        "title": policy.title,
        "phase": policy.phase.value,
        "severity": policy.severity.value,
        "outcome": verdict.outcome.value,
        "message": verdict.text,
    }
