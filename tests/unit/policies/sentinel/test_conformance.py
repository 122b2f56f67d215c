"""The language, case by case, from the reference: what an expression or a program gives, section by section.

The cases stand in conformance/*.cases. Each must be what the published text or published policies say, never what the
interpreter happened to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies.errors import PolicySyntaxError
from policies.sentinel import compile_policy

HERE = Path(__file__).parent / "conformance"
NOW = datetime(2024, 2, 29, 13, 5, 7, tzinfo=UTC)
STANDARD = (
    *("strings", "types", "json", "time", "decimal", "version", "sockaddr", "units", "base64", "runtime"),
    *("collection", "maps", "lists"),
)


@dataclass(frozen=True)
class Case:
    where: str
    section: str
    source: str
    expected: str


def read(path: Path) -> Iterator[Case]:
    section, program = "", None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{path.stem}:{number}"
        if program is not None:
            if line.startswith("=> "):
                yield Case(where, section, "\n".join(program) + "\n", line[3:])
                program = None
            else:
                program.append(line.removeprefix("    "))
        elif line.startswith("## "):
            section = line[3:]
        elif line.startswith("@ "):
            program = []
        elif line and not line.startswith("# "):
            source, separator, expected = line.rpartition(" => ")
            assert separator, f"{where}: no ' => '"
            yield Case(where, section, expression(source), expected)
    assert program is None, f"{path}: the last program has no '=> '"


def expression(source: str) -> str:
    """A program whose main is the expression, importing what it names."""
    used = [name for name in STANDARD if f"{name}." in source]
    paths = {"maps": "collection/maps", "lists": "collection/lists"}
    imports = "".join(f'import "{paths.get(name, name)}" as {name}\n' for name in used)
    return f"{imports}main = {source}\n"


CASES = [case for path in sorted(HERE.glob("*.cases")) for case in read(path)]


def same(found: object, wanted: object) -> bool:
    """Equal in kind and value: 1, 1.0 and true differ."""
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(same(found[k], v) for k, v in wanted.items())
        )
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.where)
def test_the_language(case: Case) -> None:
    word, _, text = case.expected.partition(" ")
    if word == "syntax":
        with pytest.raises(PolicySyntaxError) as raised:
            compile_policy(case.source, Path("p.sentinel"))
        assert text in str(raised.value)
        return
    result = compile_policy(case.source, Path("p.sentinel")).evaluate(now=NOW)
    if word == "error":
        assert result.error is not None, f"gave {result.value!r}"
        assert text in str(result.error)
        assert result.error.position is not None
        assert result.error.position.line >= (0 if "no main" in text else 1)
        assert result.result is None
        return
    assert result.error is None, str(result.error)
    if case.expected == "undefined":
        assert result.result is None
        assert result.cause is not None
        return
    assert result.result is not None, result.cause
    assert same(result.value, json.loads(case.expected)), f"gave {result.value!r}"


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 400
    assert {case.section.split()[0] for case in CASES} == {f"§{n}" for n in range(1, 10)}
