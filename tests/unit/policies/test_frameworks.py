"""Frameworks: the lists hold together, the built-in policies name real controls, and a report claims no more than is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from config.errors import UsageError
from config.settings import PolicySettings
from daemon.crew import offline_policies
from policies.errors import PolicyErrors
from policies.frameworks import (
    ControlStatus,
    Framework,
    Standing,
    covering,
    framework_of,
    frameworks,
    order,
    read_framework,
    report,
)
from policies.metadata import FRAMEWORKS
from policies.policy import Language, Phase, Policy
from providers.provider import Severity

PACKS = ("preparation", "detection", "containment", "recovery", "breakglass")


@pytest.fixture(scope="module")
def built_in() -> tuple[Policy, ...]:
    return offline_policies(PolicySettings(packs=PACKS)).policies


def policy(name: str, controls: Mapping[str, tuple[str, ...]], phase: Phase = Phase.PREPARATION) -> Policy:
    return Policy(
        id=name,
        title=name,
        description="",
        phase=phase,
        severity=Severity.LOW,
        language=Language.REGO,
        source="",
        path=Path("p.rego"),
        line=1,
        digest=b"d",
        types=frozenset({"t.x"}),
        frameworks=controls,
    )


MINE = Framework(
    id="mine",
    title="Mine",
    version="1",
    controls={"1.9": "nine", "1.10": "ten", "2.1": "two", "3.1": "three", "4.1": "four"},
    people=frozenset({"4.1"}),
)


def test_every_known_framework_has_its_list() -> None:
    assert set(frameworks()) == set(FRAMEWORKS)
    for framework in frameworks().values():
        assert len(framework.controls) > 30
        assert framework.people < framework.controls.keys()
        assert all(framework.controls.values())
        assert list(framework.controls) == sorted(framework.controls, key=order) or framework.id in {
            "soc2",
            "pci-dss",
        }


def test_built_in_policies_name_controls_that_there_are(built_in: tuple[Policy, ...]) -> None:
    for name, framework in frameworks().items():
        said = {control for p in built_in for control in p.frameworks.get(name, ())}
        assert said <= framework.controls.keys(), name
        # What a policy decides is not for people alone.
        assert not {c for c, found in covering(framework, built_in).items() if found} & framework.people, name


def test_the_built_in_policies_cover_a_good_part(built_in: tuple[Policy, ...]) -> None:
    covered = {
        name: sum(bool(found) for found in covering(framework, built_in).values())
        for name, framework in frameworks().items()
    }
    assert covered["cis-aws"] >= 30
    assert covered["cis-azure"] >= 30
    assert covered["cis-gcp"] >= 45
    assert covered["nist-800-53"] >= 30
    assert covered["pci-dss"] >= 35


def test_a_control_passes_only_where_all_is_known() -> None:
    policies = [
        policy("good", {"mine": ("1.9",)}),
        policy("bad", {"mine": ("1.10", "2.1")}),
        policy("other", {"mine": ("2.1", "3.1")}),
        policy("decides", {"mine": ("1.9",)}, Phase.CONTAINMENT),
    ]
    standings = {
        "good": Standing(),
        "bad": Standing(failing=2, exempt=1),
        "other": Standing(gaps=("t.x in 1: Denied",)),
    }
    made = report(MINE, policies, standings)
    assert [(c.control, c.status) for c in made.controls] == [
        ("1.9", ControlStatus.PASS),
        ("1.10", ControlStatus.FAIL),
        # It fails, whatever else is not known.
        ("2.1", ControlStatus.FAIL),
        ("3.1", ControlStatus.UNKNOWN),
        ("4.1", ControlStatus.PEOPLE),
    ]
    assert made.controls[0].policies == ("good",)
    assert (made.controls[1].failing, made.controls[1].exempt) == (2, 1)
    assert made.controls[3].why == "t.x in 1: Denied"
    assert made.sentence == (
        "Mine 1: 5 controls: 1 pass, 2 fail, 1 unknown, 0 not covered, 1 for people to decide."
    )
    for standing in (Standing(unknown=1), Standing(gaps=("x",))):
        changed = report(MINE, policies, standings | {"good": standing})
        assert changed.controls[0].status is ControlStatus.UNKNOWN
    # A policy nobody knows anything of has not been judged by.
    assert report(MINE, policies, {}).counts[ControlStatus.UNKNOWN] == 4
    assert report(MINE, [], {}).counts[ControlStatus.NOT_COVERED] == 4


def test_a_framework_of_ones_own_is_what_policies_say() -> None:
    policies = [policy("a", {"house": ("R-2", "R-10")})]
    made = framework_of("house", policies)
    assert (list(made.controls), made.listed) == (["R-2", "R-10"], False)
    with pytest.raises(UsageError, match="no framework 'hose'"):
        framework_of("hose", policies)


def test_a_damaged_list_is_told_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text('id: mine\ncontrols:\n  "1.1": one\n  1.10: ten\npeople: ["9.9"]\ntitel: x\n')
    with pytest.raises(PolicyErrors) as caught:
        read_framework(file)
    text = str(caught.value)
    assert "mine.yaml:6:1: metadata has an unknown key `titel`" in text
    assert "mine.yaml:4:3: write control 1.10 in quotes" in text
    assert "there is no control 9.9" in text


def test_numbers_are_ordered_by_value() -> None:
    assert sorted(["AC-17", "AC-6", "AU-2", "AC-2"], key=order) == ["AC-2", "AC-6", "AC-17", "AU-2"]
    assert sorted(["1.10", "1.9", "1.1.1", "10.1", "2.1"], key=order) == [
        "1.1.1",
        "1.9",
        "1.10",
        "2.1",
        "10.1",
    ]
