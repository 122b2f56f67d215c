"""``watchstander findings --framework NAME --report`` and ``policy frameworks``: controls, and what can be said of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column

if TYPE_CHECKING:
    from policies.policy import Policy
    from storage.query import Filter

_COLOURS = {"fail": "red", "unknown": "yellow", "pass": "green"}
REPORT = (
    Column(key="control"),
    Column(key="status", style=lambda value: _COLOURS.get(str(value), "dim")),
    Column(key="failing", right=True),
    Column(key="exempt", right=True),
    Column(key="unknown", right=True),
    Column(key="title"),
    Column(key="why"),
    Column(key="policies", render=", ".join),
)
FRAMEWORKS = (
    Column(key="framework"),
    Column(key="version"),
    Column(key="controls", right=True),
    Column(key="covered", right=True),
    Column(key="people", title="FOR PEOPLE", right=True),
    Column(key="policies", right=True),
    Column(key="title"),
)
CONTROLS = (
    Column(key="control"),
    Column(key="covered"),
    Column(key="title"),
    Column(key="policies", render=", ".join),
)


def reported(cli: State, name: str, places: Filter) -> ExitStatus:
    """Print what can be said of each control of a framework now. INCOMPLETE where anything is unknown."""
    from policies.frameworks import ControlStatus, covering, framework_of, report
    from storage.standings import Standings

    policies = in_force(cli)
    framework = framework_of(name, policies)
    speaking = {policy.id: policy for found in covering(framework, policies).values() for policy in found}
    standings = Standings(opened(cli)).of(speaking.values(), cli.now(), places)
    made = report(framework, policies, standings)
    cli.out.items((row.record(name) for row in made.controls), REPORT, empty="It has no control.")
    cli.out.note(made.sentence)
    return ExitStatus.INCOMPLETE if made.counts[ControlStatus.UNKNOWN] else ExitStatus.OK


def in_force(cli: State) -> tuple[Policy, ...]:
    """The policies the configuration names. Raises PolicyErrors."""
    from daemon.crew import offline_policies

    return offline_policies(cli.settings.policies).policies


def overview(policies: tuple[Policy, ...]) -> Iterator[dict[str, Any]]:
    """A row for each framework: the known ones, and those that only policies name."""
    from policies.frameworks import covering, framework_of, frameworks

    others = {name for policy in policies for name in policy.frameworks} - frameworks().keys()
    for name in (*frameworks(), *sorted(others)):
        framework = framework_of(name, policies)
        found = covering(framework, policies)
        yield {
            "framework": name,
            "title": framework.title,
            "version": framework.version,
            "controls": len(found),
            "covered": sum(bool(speaking) for speaking in found.values()),
            "people": len(framework.people),
            "policies": len({policy.id for speaking in found.values() for policy in speaking}),
        }


def controls(name: str, policies: tuple[Policy, ...]) -> Iterator[dict[str, Any]]:
    """A row for each control of a framework, with the policies that judge by it. Raises UsageError."""
    from policies.frameworks import covering, framework_of

    framework = framework_of(name, policies)
    for control, speaking in covering(framework, policies).items():
        covered = "yes" if speaking else "people" if control in framework.people else "no"
        yield {
            "framework": name,
            "control": control,
            "covered": covered,
            "title": framework.controls.get(control, ""),
            "policies": [policy.id for policy in speaking],
        }
