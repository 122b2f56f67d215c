"""Frameworks: their controls by number, and what the policies in force can say of each.

A control passes only where policies speak of it, everything they read was read completely and judged, and nothing fails. What
is not known is unknown, what no policy speaks of is not covered, and what no policy *can* decide is people's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from policies.errors import PackError, PolicyErrors, Position
from policies.metadata import Declared, Reader
from policies.policy import Phase, Policy
from policies.yaml import load_yaml

FOLDER: Final = Path(__file__).parent / "frameworks"
JUDGING: Final = frozenset({Phase.PREPARATION, Phase.DETECTION, Phase.RECOVERY})
"""The phases whose policies judge resources; others decide about findings and requests."""
_NUMBER: Final = re.compile(r"\s+(\d+\.\d+)\s*:")


class ControlStatus(StrEnum):
    """What can be said of a control."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_COVERED = "not-covered"
    """No policy in force speaks of it."""
    PEOPLE = "people"
    """No policy can decide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One framework: controls (number -> a label of ours) and those that people decide."""

    id: str
    title: str
    version: str
    controls: Mapping[str, str]
    people: frozenset[str] = frozenset()
    listed: bool = True
    """Whether this is the list of its controls; else it is only what policies say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one policy stands: open findings (``exempt`` ones among them), what could not be decided, and the causes for
    which nothing can be concluded from there being no finding."""

    failing: int = 0
    exempt: int = 0
    unknown: int = 0
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlReport:
    """One control."""

    control: str
    title: str
    status: ControlStatus
    policies: tuple[str, ...] = ()
    failing: int = 0
    exempt: int = 0
    unknown: int = 0
    why: str = ""
    """Why it is unknown."""

    def record(self, framework: str) -> dict[str, Any]:
        """As JSON values."""
        return {
            "framework": framework,
            "control": self.control,
            "title": self.title,
            "status": self.status.value,
            "failing": self.failing,
            "exempt": self.exempt,
            "unknown": self.unknown,
            "why": self.why,
            "policies": list(self.policies),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkReport:
    """A framework's controls, in order."""

    framework: Framework
    controls: tuple[ControlReport, ...]
    counts: Mapping[ControlStatus, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The counts in one line."""
        said = {
            ControlStatus.PASS: "pass",
            ControlStatus.FAIL: "fail",
            ControlStatus.UNKNOWN: "unknown",
            ControlStatus.NOT_COVERED: "not covered",
            ControlStatus.PEOPLE: "for people to decide",
        }
        parts = ", ".join(f"{self.counts[status]} {words}" for status, words in said.items())
        return f"{self.framework.title} {self.framework.version}: {len(self.controls)} controls: {parts}."


@cache
def frameworks() -> Mapping[str, Framework]:
    """The frameworks we have the controls of, by id. Raises PolicyErrors for a damaged list."""
    return {found.id: found for found in map(read_framework, sorted(FOLDER.glob("*.yaml")))}


def read_framework(path: Path) -> Framework:
    """A list of controls. Raises PolicyErrors with everything that is wrong with it, or PackError."""
    text = path.read_text(encoding="utf-8")
    values, places = load_yaml(text, path)
    reader = Reader(Declared(values=values, where=lambda key: Position(path, *places.get(key, (1, 1)))))
    reader.unknown_keys(("id", "title", "version", "controls", "people"))
    controls = reader.mapping("controls")
    for number, label in controls.items():
        if not isinstance(label, str):
            reader.wrong(f"controls.{number}", f"the label of control {number} must be text")
    # 1.10 without quotes has become 1.1 before anyone could see it.
    for line, found in enumerate(map(_NUMBER.match, text.splitlines()), 1):
        if found is not None:
            reader.errors.append(
                PackError(f"write control {found[1]} in quotes", Position(path, line, found.start(1) + 1))
            )
    people = reader.texts("people")
    for number in sorted(people - controls.keys()):
        reader.wrong("people", f"there is no control {number}")
    if reader.errors:
        raise PolicyErrors(tuple(reader.errors))
    name = reader.text("id", path.stem)
    if name != path.stem:
        raise PackError(f"the file of {name} must be {name}.yaml", Position(path))
    return Framework(
        id=name,
        title=reader.text("title", name),
        version=reader.text("version", ""),
        controls=dict(controls),
        people=people,
    )


def framework_of(name: str, policies: Iterable[Policy]) -> Framework:
    """A framework by its id; one we have no list of is made of what policies say of it. Raises UsageError."""
    known = frameworks()
    if name in known:
        return known[name]
    said = {control for policy in policies for control in policy.frameworks.get(name, ())}
    if not said:
        raise UsageError(
            f"There is no framework {name!r}, and no policy names it.",
            hint=f"There are {', '.join(known)}.",
        )
    return Framework(
        id=name,
        title=name,
        version="",
        controls=dict.fromkeys(sorted(said, key=order), ""),
        listed=False,
    )


def covering(framework: Framework, policies: Iterable[Policy]) -> dict[str, tuple[Policy, ...]]:
    """Control -> the policies that judge resources by it."""
    found: dict[str, list[Policy]] = {control: [] for control in framework.controls}
    for policy in policies:
        if policy.phase not in JUDGING or not (policy.types or policy.terraform_types or policy.joins):
            continue
        for control in policy.frameworks.get(framework.id, ()):
            found.setdefault(control, []).append(policy)
    return {control: tuple(found[control]) for control in sorted(found, key=order)}


def report(
    framework: Framework, policies: Iterable[Policy], standings: Mapping[str, Standing]
) -> FrameworkReport:
    """What can be said of each control. A policy without a standing has not been judged by."""
    rows = tuple(
        _control(framework, control, speaking, standings)
        for control, speaking in covering(framework, policies).items()
    )
    counts = {status: sum(row.status is status for row in rows) for status in ControlStatus}
    return FrameworkReport(framework=framework, controls=rows, counts=counts)


def _control(
    framework: Framework, control: str, speaking: Sequence[Policy], standings: Mapping[str, Standing]
) -> ControlReport:
    missing = Standing(gaps=("no policy of it was ever applied",))
    found = [standings.get(policy.id, missing) for policy in speaking]
    failing, unknown = sum(s.failing for s in found), sum(s.unknown for s in found)
    gaps = [gap for standing in found for gap in standing.gaps]
    why = ""
    if not speaking:
        status = ControlStatus.PEOPLE if control in framework.people else ControlStatus.NOT_COVERED
    elif failing:
        status = ControlStatus.FAIL
    elif unknown or gaps:
        status = ControlStatus.UNKNOWN
        why = gaps[0] if gaps else f"{unknown} could not be decided (`findings --unknown`)"
    else:
        status = ControlStatus.PASS
    return ControlReport(
        control=control,
        title=framework.controls.get(control, "not a control of this version"),
        status=status,
        policies=tuple(policy.id for policy in speaking),
        failing=failing,
        exempt=sum(s.exempt for s in found),
        unknown=unknown,
        why=why,
    )


def order(control: str) -> tuple[tuple[int, str], ...]:
    """Numbers by value: 1.10 comes after 1.9, AC-17 after AC-6."""
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"[.\-]|(?<=\D)(?=\d)", control)
    )
