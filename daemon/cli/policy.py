"""``watchstander policy``: the policies in use, checked, tested and tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import UsageError
from daemon.cli.backtest import tried
from daemon.cli.context import State
from daemon.cli.engines import engine_of, policies_of, rego_of
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column
from daemon.cli.policies import SEVERITY_STYLE, described, known_policy, row, shown
from daemon.cli.policy_files import check_cases, check_sentinel, given, test_all
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from policies.errors import PolicyError

app = typer.Typer()

Paths = Annotated[list[Path], typer.Argument(help="Files, folders or bundles.", metavar="PATH...")]


@verb(app, "watchstander policy list", "watchstander policy list ./policies --format json", name="list")
def list_(
    cli: State,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files, folders or bundles; the configured policies where none is given.", metavar="PATH..."
        ),
    ] = None,
    phase: Annotated[str | None, typer.Option(help="Only policies of this phase.")] = None,
) -> None:
    """The policies in use, or those in the given files and folders."""
    policies = policies_of(cli, engine_of(cli), paths)
    rows = (row(p, cli) for p in policies.policies if phase in (None, p.phase.value))
    commit = Column(key="commit", title="COMMIT", render=lambda v: str(v)[:12])
    columns = (
        Column(key="id", title="ID"),
        Column(key="severity", title="SEVERITY", style=lambda v: SEVERITY_STYLE.get(str(v), "")),
        Column(key="phase", title="PHASE"),
        Column(key="enforcement", title="LEVEL"),
        Column(key="scope", title="SCOPE"),
        Column(key="joins", title="JOINS"),
        Column(key="reads_clock", title="CLOCK", render=lambda v: "yes" if v else ""),
        *((commit,) if policies.checkouts else ()),
        Column(key="title", title="TITLE"),
    )
    cli.out.items(rows, columns, empty="No policy is in use.")


@verb(app, "watchstander policy frameworks", "watchstander policy frameworks cis-aws --format csv")
def frameworks(
    cli: State,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One framework: its controls, one by one.")
    ] = None,
) -> None:
    """The frameworks there are, and how much of each the policies in use cover; needs no database.

    What can be said of each control of an estate: `watchstander findings --framework NAME --report`.
    """
    from daemon.cli.frameworks import CONTROLS, FRAMEWORKS, controls, in_force, overview

    policies = in_force(cli)
    if name is None:
        cli.out.items(overview(policies), FRAMEWORKS, empty="There is no framework.")
    else:
        cli.out.items(controls(name, policies), CONTROLS, empty="It has no control.")


@verb(app, "watchstander policy show aws.s3_bucket_logging")
def show(cli: State, id: Annotated[str, typer.Argument(help="The policy's id.")]) -> None:
    """One policy: what it judges, why, how to put it right, what it reads, and its source."""
    policies = policies_of(cli, engine_of(cli))
    known_policy(id, policies.policies)
    policy = policies.by_id(id)
    cli.out.document(described(policy, cli), lambda: shown(policy, cli))


@verb(app, "watchstander policy check ./policies")
def check(cli: State, paths: Paths) -> ExitStatus:
    """Syntax, unknown or closed functions, unsafe variables, recursion and metadata, each with file, line and column.

    Exit status 2 when anything is wrong.
    """
    from policies.engines import http_access
    from policies.errors import PolicyErrors

    errors: list[PolicyError] = []
    found = given(paths)
    count = len(found.sentinel)
    for group, engine in ((found.whole, engine_of), (found.rego, rego_of)):
        if not group:
            continue
        try:
            count += len(policies_of(cli, engine(cli), group))
        except PolicyErrors as wrong:
            errors += wrong.errors
    errors += check_sentinel(found.sentinel, http_access(cli.settings.policies))
    cases = dict(check_cases([*found.cases, *found.yaml]))
    errors += [error for wrong in cases.values() for error in wrong]
    rows = [
        {
            "path": str(error.position.path),
            "line": error.position.line,
            "column": error.position.column,
            "error": error.what,
            "hint": error.hint,
        }
        for error in errors
    ]

    def human() -> str:
        lines = [f"{error.message}" + (f"\n    {error.hint}" if error.hint else "") for error in errors]
        counted = [
            f"{number} {one if number == 1 else many}"
            for number, one, many in (
                (count, "policy", "policies"),
                (len(cases), "file of test cases", "files of test cases"),
            )
            if number
        ]
        are = "is" if count + len(cases) == 1 else "are"
        good = (
            f"{' and '.join(counted)} {are} good."
            if counted
            else "There is no policy in these files and folders."
        )
        return "\n".join([*lines, f"{len(errors)} wrong." if errors else good])

    cli.out.document({"ok": not errors, "policies": count, "cases": len(cases), "errors": rows}, human)
    return ExitStatus.USAGE if errors else ExitStatus.OK


@verb(
    app,
    "watchstander policy test ./policies",
    "watchstander policy test ./policies --coverage --format json",
    name="test",
)
def run_tests_of(
    cli: State,
    paths: Paths,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say which lines no test reached.")] = False,
) -> ExitStatus:
    """Run the tests of policies: Rego's ``*_test.rego``, YAML cases beside a policy, Sentinel's ``test/NAME/*``."""
    keys = cli.settings.policies.bundle_keys
    report = test_all(paths, engine_of(cli), rego_of(cli), now=cli.clock(), coverage=coverage, keys=keys)

    def human() -> str:
        lines = [
            f"{case.status.upper()}  {case.path}  {case.case}".rstrip() + f"\n    {case.detail}"
            for case in report.cases
            if case.status != "pass"
        ]
        for entry in report.coverage:
            missed = f"  not reached: {', '.join(map(str, entry.not_covered))}" if entry.not_covered else ""
            lines.append(f"{entry.share:7.1%}  {entry.path}{missed}")
        if not report.cases:
            lines.append("There is no test in these files and folders.")
        return "\n".join([*lines, report.sentence])

    cli.out.document(report.as_json(), human)
    return ExitStatus.OK if report.good else ExitStatus.REFUSED


@verb(
    app,
    "watchstander policy eval bucket.rego --input bucket.json",
    "watchstander policy eval bucket.rego --input bucket.json --query data.ir.preparation.deny",
    "watchstander policy eval break_glass.sentinel --input request.json",
    name="eval",
)
def evaluate(
    cli: State,
    files: Annotated[list[Path], typer.Argument(help="Policy files, evaluated together.", metavar="FILE...")],
    input: Annotated[
        Path,
        typer.Option(
            "--input",
            help="The input, as JSON. For Sentinel: the names of imports and their data, as in "
            '{"tfplan/v2": {"variables": {…}}}; or a plan or state as `terraform show -json` prints it.',
            metavar="FILE",
        ),
    ],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="More data, JSON or YAML; repeatable.", metavar="FILE")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="What to evaluate; the first file's package where not given.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="A parameter; repeatable.", metavar="NAME=VALUE")
    ] = None,
) -> ExitStatus:
    """Evaluate a policy once over an input, and print what it gave."""
    from policies.errors import PolicyErrors
    from policies.query import evaluate_files, read_data, read_json, read_parameters

    parameters = read_parameters(param or [])
    extra = read_data(data or [])
    if any(file.suffix == ".sentinel" for file in files):
        return _eval_sentinel(cli, files, input, extra, parameters)
    text = read_json(input, what="input")
    if parameters:
        extra["parameters"] = {**extra.get("parameters", {}), **parameters}
    try:
        result = evaluate_files(files, rego_of(cli), text=text, data=extra, query=query, now=cli.clock())
    except PolicyErrors as errors:
        if cli.out.human:
            raise
        cli.out.document({"error": "; ".join(str(error) for error in errors.errors)})
        return ExitStatus.USAGE
    cli.out.document(result)
    return ExitStatus.FAILED if "error" in result else ExitStatus.OK


# Sentinel


def _eval_sentinel(
    cli: State, files: list[Path], input: Path, data: dict[str, Any], parameters: dict[str, Any]
) -> ExitStatus:
    from policies.engines import http_access
    from policies.files import DISK
    from policies.planfile import outline
    from policies.query import read_json, values_of
    from policies.sentinel import Options, compile_policy, read_terraform
    from policies.sentinel.sources import Sources
    from providers.jsonstream import opening

    if len(files) != 1:
        raise UsageError(
            "Give one Sentinel policy at a time.", hint="Modules it imports are found beside it."
        )
    if opening(input) != "{":
        values_of(read_json(input, what="input"), input, what="input")  # raises for what is no JSON at all
        raise UsageError(
            f"{input}: for Sentinel the input is an object: import name -> data.",
            hint="Or give what `terraform show -json` prints, whole.",
        )
    content = (
        read_terraform(input)
        if "terraform_version" in outline(input).sections
        else values_of(read_json(input, what="input"), input, what="input")
    )
    policy = compile_policy(DISK.text(files[0]), files[0])
    modules = Sources(DISK).beside(policy, content.keys() | data.keys())
    http = http_access(cli.settings.policies)
    outcome = policy.evaluate(
        content, parameters, now=cli.clock(), options=Options(static=data, modules=modules, http=http)
    )
    cli.out.document(outcome.to_json())
    if outcome.error is not None and outcome.error.kind == "import":
        given = ", ".join(sorted(content)) or "none"
        cli.out.note(
            f"The input holds the imports by name ({given} given); modules are found beside the policy."
        )
    return ExitStatus.FAILED if outcome.error is not None else ExitStatus.OK


@verb(
    app,
    "watchstander policy backtest bucket_logging.rego --since 30d",
    "watchstander policy backtest ./policies --since 7d --format json",
)
def backtest(
    cli: State,
    files: Annotated[list[Path], typer.Argument(help="Policies: files or folders.", metavar="FILE...")],
    since: Annotated[str, typer.Option(metavar="TIME", help="From when: 30d, 2026-05-01.")],
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Up to when; now if not given.")] = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="List the findings that would have been, one by one.")
    ] = False,
    moments: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="For policies that join resources: at most so many moments in each account; where more changed, evenly "
            "spread ones.",
        ),
    ] = 200,
) -> None:
    """Try policies on what is remembered, before they may act: which findings they would have opened and closed, and when;
    what the configured hooks would have been allowed to do, and how many an hour. Beside it, the policy in force.

    Nothing is changed. What fails from the beginning would be open at once; under a policy that is new, hooks are asked about
    it at once too. A policy that joins resources is judged at each moment at which these changed, over all of them: that
    costs moments times resources, and --moments bounds it.
    """
    start, end = cli.time(since), cli.time(until)
    assert start is not None
    tried(cli, files, start, end or cli.now(), findings=findings, moments=moments)
