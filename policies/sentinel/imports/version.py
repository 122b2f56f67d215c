"""``import "version"``: versions after semver, and constraints on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Final

from policies.sentinel.functions import function, text
from policies.sentinel.run import ImportMap, Run
from policies.sentinel.values import MAX_INT, Fault, Value, a_kind, text_of

_VERSION: Final = re.compile(
    r"v?(\d{1,19}(?:\.\d{1,19})*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)
_CONSTRAINT: Final = re.compile(r"\s*(=|!=|>=|<=|>|<|~>|)\s*(\S+)\s*")
_MOST: Final = 64


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version: at least three numbers, how many were written, pre-release and build metadata."""

    numbers: tuple[int, ...]
    written: int
    prerelease: str
    metadata: str
    original: str

    def _key(self) -> tuple[Any, ...]:
        parts = tuple(
            (0, int(p), "") if p.isdecimal() else (1, 0, p) for p in self.prerelease.split(".") if p
        )
        return (self.numbers, not self.prerelease, parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def _parsed(written: str) -> Version:
    found = _VERSION.fullmatch(written.strip()[:256])
    if found is None or found[1].count(".") >= _MOST:
        raise Fault(f'"{written[:80]}" is not a version')
    numbers = tuple(int(part) for part in found[1].split("."))
    if any(number > MAX_INT for number in numbers):
        raise Fault(f'"{written[:80]}" has a number that does not fit in 64 bits')
    padded = numbers + (0,) * (3 - len(numbers))
    while len(padded) > 3 and padded[-1] == 0:
        padded = padded[:-1]
    return Version(padded, len(numbers), found[2] or "", found[3] or "", written.strip())


def _version(value: Value) -> Version:
    if isinstance(value, dict):
        value = value.get(b"version")
    if not isinstance(value, bytes):
        raise Fault(f"a version is a string or a version, not {a_kind(value)}")
    return _parsed(text_of(value))


def _pessimistic(version: Version, bound: Version) -> bool:
    """``~> 1.2.3``: at least that, and only the last number written may grow."""
    fixed = max(0, bound.written - 1)
    return version >= bound and version.numbers[:fixed] == bound.numbers[:fixed]


_TESTS: Final[Mapping[str, Callable[[Version, Version], bool]]] = {
    "": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "~>": _pessimistic,
}


def _satisfies(version: Version, constraints: bytes) -> bool:
    answer = True
    for written in text_of(constraints).split(","):
        found = _CONSTRAINT.fullmatch(written)
        if found is None:
            raise Fault(f'"{written[:80]}" is not a constraint on a version')
        bound = _parsed(found[2])
        if version.prerelease and found[1] not in {"", "=", "!="}:
            # A pre-release is only meant where a pre-release of the same version is asked for.
            same = bool(bound.prerelease) and bound.numbers == version.numbers
            answer = answer and same and _TESTS[found[1]](version, bound)
        else:
            answer = answer and _TESTS[found[1]](version, bound)
    return answer


def _compared(version: Version, other: Version) -> int:
    return (version > other) - (version < other)


def _object(version: Version) -> ImportMap:
    numbers = version.numbers
    data = {
        "major": numbers[0],
        "minor": numbers[1],
        "patch": numbers[2],
        "prerelease": version.prerelease.encode(),
        "metadata": version.metadata.encode(),
        "version": _canonical(version).encode(),
    }
    tests: Mapping[tuple[str, ...], Callable[[Value], Value]] = {
        ("greater_than", "gt"): lambda value: version > _version(value),
        ("greater_than_or_equals", "gte"): lambda value: version >= _version(value),
        ("less_than", "lt"): lambda value: version < _version(value),
        ("less_than_or_equals", "lte"): lambda value: version <= _version(value),
        ("equals", "eq"): lambda value: version == _version(value),
        ("compare", "cmp"): lambda value: _compared(version, _version(value)),
        ("satisfies", "sat"): lambda value: _satisfies(version, text(value, "the constraint")),
    }
    methods = {}
    for names, test in tests.items():
        body = _method(test)
        methods.update({name: function(name, body, 1) for name in names})
    return ImportMap(data, methods)


def _method(test: Callable[[Value], Value]) -> Callable[[Run, Value], Value]:
    return lambda _run, value: test(value)


def _canonical(version: Version) -> str:
    written = ".".join(map(str, version.numbers))
    written += f"-{version.prerelease}" if version.prerelease else ""
    return written + (f"+{version.metadata}" if version.metadata else "")


def members() -> Mapping[str, Any]:
    """The function of the import."""
    return {"new": function("new", lambda _run, value: _object(_version(value)), 1)}
